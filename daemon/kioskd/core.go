package main

import (
	"context"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/terminal"
)

// input is one thing for the rooms to take in.
type input func(t *terminal.Terminal, now time.Time)

// mailbox queues inputs without a bound, so that a driver never waits for the
// rooms and the rooms never wait for a driver: neither can hold up the other.
// What fills it is bounded by the devices themselves (a few events a second).
type mailbox struct {
	mu    sync.Mutex
	queue []input
	ring  chan struct{}
}

func newMailbox() *mailbox { return &mailbox{ring: make(chan struct{}, 1)} }

func (m *mailbox) put(in input) {
	m.mu.Lock()
	m.queue = append(m.queue, in)
	m.mu.Unlock()
	select {
	case m.ring <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() []input {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.queue
	m.queue = nil
	return q
}

// core runs the rooms: one goroutine, one input after another.
type core struct {
	*mailbox
	terminal *terminal.Terminal
	progress func() // told after every input and every heartbeat, for the watchdog
}

// heartbeat is the longest time between two calls of progress while the rooms get
// round.
const heartbeat = 5 * time.Second

// run takes in inputs until ctx ends and then what is still in the box.
func (c *core) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if w := c.terminal.Wake(); !w.IsZero() {
			timer.Reset(max(0, time.Until(w)))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case <-c.ring:
			c.drain()
		case <-timer.C:
			c.terminal.Tick(time.Now())
		case <-beat.C:
		case <-ctx.Done():
			c.drain()
			return
		}
		if c.progress != nil {
			c.progress()
		}
	}
}

func (c *core) drain() {
	for _, in := range c.take() {
		in(c.terminal, time.Now())
	}
}

// do runs f among the rooms and waits for it.
func (c *core) do(ctx context.Context, f input) error {
	done := make(chan struct{})
	c.put(func(t *terminal.Terminal, now time.Time) {
		f(t, now)
		close(done)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
