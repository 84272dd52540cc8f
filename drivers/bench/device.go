package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// step is what a machine asked for, in the bench's own terms.
type step struct {
	send   []byte
	wake   time.Time
	events []event
}

// machine is a virtual device as a runner sees it.
type machine interface {
	receive(now time.Time, b []byte) step
	tick(now time.Time) step
	backlog() int // bytes received that the device has not taken yet
	keep()        // has the device's world written down
	changed() bool
}

// device runs a machine in real time on a pseudo-terminal: one goroutine reads
// the line, one keeps the time; a mutex makes their steps, and those of the
// interface, follow one another.
type device struct {
	name string
	link string
	hub  *hub
	rec  *recorder

	mu      sync.Mutex
	m       machine
	pty     *pty
	wake    time.Time
	drained *sync.Cond // the backlog has shrunk, or the pty has gone

	kick    chan struct{} // the wake time has changed
	readers sync.WaitGroup
}

func newDevice(name, link string, m machine, h *hub, rec *recorder) *device {
	d := &device{name: name, link: link, m: m, hub: h, rec: rec, kick: make(chan struct{}, 1)}
	d.drained = sync.NewCond(&d.mu)
	return d
}

// maxBacklog is how many bytes a device may have ahead before its reader lets
// the pseudo-terminal fill up.
const maxBacklog = 512

// keepEvery is how often what has changed without an event is written down.
const keepEvery = time.Second

// run keeps the device's time until ctx ends; it owns the reader.
func (d *device) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	keeper := time.NewTicker(keepEvery)
	defer keeper.Stop()
	for {
		select {
		case <-ctx.Done():
			d.mu.Lock()
			err := d.hangUp()
			d.m.keep()
			d.mu.Unlock()
			d.readers.Wait()
			return err
		case <-keeper.C:
			d.mu.Lock()
			if d.m.changed() {
				d.m.keep()
			}
			d.mu.Unlock()
			continue
		case <-timer.C:
			d.mu.Lock()
			d.apply(d.m.tick(time.Now()))
			d.mu.Unlock()
		case <-d.kick:
		}
		d.mu.Lock()
		wait := time.Hour
		if !d.wake.IsZero() {
			wait = time.Until(d.wake)
		}
		d.mu.Unlock()
		timer.Reset(max(wait, 0))
	}
}

// do performs an action on the machine while nothing else happens to it.
func (d *device) do(act func(now time.Time) (step, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := act(time.Now())
	d.apply(s)
	return err
}

// apply carries a step out; d.mu is held. Nothing of it waits for a disk.
func (d *device) apply(s step) {
	for _, e := range s.events {
		if !e.frame {
			d.m.keep()
			break
		}
	}
	if len(s.send) > 0 && d.pty != nil {
		d.rec.record(d.name, fromDevice, s.send)
		if err := d.pty.write(s.send); err != nil {
			slog.Warn("bytes lost: nobody reads the line", "device", d.name, "bytes", len(s.send), "error", err)
		}
	}
	at := time.Now() // after the last byte has been written
	for _, e := range s.events {
		d.hub.publishAt(at, e)
	}
	d.wake = s.wake
	select {
	case d.kick <- struct{}{}:
	default:
	}
	d.drained.Broadcast()
}

// plugIn makes a new pseudo-terminal and reads it; d.mu is held.
func (d *device) plugIn() error {
	p, err := openPTY(d.link)
	if err != nil {
		return err
	}
	d.pty = p
	d.readers.Add(1)
	go func() {
		defer d.readers.Done()
		d.read(p)
	}()
	return nil
}

// hangUp closes the pseudo-terminal; d.mu is held.
func (d *device) hangUp() error {
	if d.pty == nil {
		return nil
	}
	err := d.pty.close()
	d.pty = nil
	d.drained.Broadcast()
	return err
}

// read hands over what the host writes until the pseudo-terminal is closed.
func (d *device) read(p *pty) {
	buf := make([]byte, 256)
	for {
		n, err := p.master.Read(buf)
		if err != nil {
			return // closed by hangUp: the slave is ours too, so there is no other end
		}
		d.mu.Lock()
		if d.pty != p {
			d.mu.Unlock()
			return
		}
		d.rec.record(d.name, fromHost, buf[:n])
		d.apply(d.m.receive(time.Now(), buf[:n]))
		for d.pty == p && d.m.backlog() > maxBacklog {
			d.drained.Wait()
		}
		d.mu.Unlock()
	}
}
