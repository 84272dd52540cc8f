package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Modes of the network cable.
const (
	cableOn        = "on"
	cableOff       = "off"       // closes and refuses
	cableBlackhole = "blackhole" // accepts, and lets no byte through
	cableSlow      = "slow"
)

var cableModes = []string{cableOn, cableOff, cableBlackhole, cableSlow}

// cableState is the cable as it is set and seen.
type cableState struct {
	Mode        string `json:"mode"`
	DelayMS     int    `json:"delay_ms"`    // slow: before each piece
	BytesPerS   int    `json:"bytes_per_s"` // slow: zero for no limit
	Listen      string `json:"listen"`
	Central     string `json:"central"`
	Connections int    `json:"connections"`
	BytesUp     uint64 `json:"bytes_up"` // to central
	BytesDown   uint64 `json:"bytes_down"`
}

// cable forwards TCP connections to central, and can be pulled.
type cable struct {
	central string

	mu       sync.Mutex
	state    cableState
	listener net.Listener
	conns    map[*wire]struct{}
	changed  chan struct{} // closed when the mode changes
	closed   bool
	work     sync.WaitGroup
}

// wire is one connection through the cable.
type wire struct {
	near, far net.Conn // far is nil until central has answered
	gone      chan struct{}
	once      sync.Once
}

func (w *wire) close() {
	w.once.Do(func() {
		close(w.gone)
		_ = w.near.Close()
		if w.far != nil {
			_ = w.far.Close()
		}
	})
}

// openCable listens and forwards. With no central it refuses to forward.
func openCable(listen, central string) (*cable, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("network cable: %w", err)
	}
	c := &cable{
		central: central, conns: map[*wire]struct{}{}, changed: make(chan struct{}),
		state: cableState{Mode: cableOn, Listen: l.Addr().String(), Central: central},
	}
	c.accept(l)
	return c, nil
}

// accept serves a listener until it is closed; c.mu is held or c is new.
func (c *cable) accept(l net.Listener) {
	c.listener = l
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.begin(conn)
		}
	}()
}

func (c *cable) begin(near net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.state.Mode == cableOff {
		_ = near.Close()
		return
	}
	w := &wire{near: near, gone: make(chan struct{})}
	c.conns[w] = struct{}{}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		c.serve(w)
		c.mu.Lock()
		delete(c.conns, w)
		c.mu.Unlock()
	}()
}

const dialTimeout = 5 * time.Second

// serve joins a connection to central and copies both ways until either ends.
func (c *cable) serve(w *wire) {
	defer w.close()
	if !c.pass(w, 0) || c.central == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", c.central)
	if err != nil {
		return
	}
	c.mu.Lock()
	select {
	case <-w.gone:
		c.mu.Unlock()
		_ = far.Close()
		return
	default:
		w.far = far
	}
	c.mu.Unlock()
	var down sync.WaitGroup
	down.Add(1)
	go func() {
		defer down.Done()
		c.copy(w, w.near, far, &c.state.BytesDown)
	}()
	c.copy(w, far, w.near, &c.state.BytesUp)
	down.Wait()
}

// copy moves bytes until from ends, then tells to that nothing more comes.
func (c *cable) copy(w *wire, to, from net.Conn, count *uint64) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !c.pass(w, n) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				w.close()
				return
			}
			c.mu.Lock()
			*count += uint64(n)
			c.mu.Unlock()
		}
		if err != nil {
			if half, ok := to.(*net.TCPConn); !ok || half.CloseWrite() != nil {
				w.close()
			}
			return
		}
	}
}

// pass waits as long as the cable holds n bytes back. It reports whether the
// connection is still there.
func (c *cable) pass(w *wire, n int) bool {
	slowed := false
	for {
		c.mu.Lock()
		state, changed := c.state, c.changed
		c.mu.Unlock()
		var wait <-chan time.Time
		switch {
		case state.Mode == cableOff:
			return false
		case state.Mode == cableBlackhole:
		case state.Mode == cableSlow && !slowed && n > 0:
			d := time.Duration(state.DelayMS) * time.Millisecond
			if state.BytesPerS > 0 {
				d += time.Duration(n) * time.Second / time.Duration(state.BytesPerS)
			}
			t := time.NewTimer(d)
			defer t.Stop()
			wait = t.C
		default:
			return true
		}
		select {
		case <-wait:
			slowed = true
		case <-changed:
		case <-w.gone:
			return false
		}
	}
}

// cableOrder sets the cable.
type cableOrder struct {
	Mode      string `json:"mode"`
	DelayMS   int    `json:"delay_ms"`
	BytesPerS int    `json:"bytes_per_s"`
}

func (o cableOrder) check() error {
	if !slices.Contains(cableModes, o.Mode) {
		return unknownActionError{what: "mode", name: o.Mode, allowed: cableModes}
	}
	if o.DelayMS < 0 || o.DelayMS > 600_000 || o.BytesPerS < 0 {
		return badRequestError{errors.New("delay_ms: want 0 to 600000; bytes_per_s: not negative")}
	}
	return nil
}

// set changes the mode. Off closes every connection with a reset.
func (c *cable) set(o cableOrder) error {
	if err := o.check(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Mode == cableOff {
		c.pull()
	} else if c.listener == nil {
		l, err := net.Listen("tcp", c.state.Listen)
		if err != nil {
			return impossibleError{fmt.Errorf("the cable's address is taken: %w", err)}
		}
		c.accept(l)
	}
	c.state.Mode, c.state.DelayMS, c.state.BytesPerS = o.Mode, o.DelayMS, o.BytesPerS
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// pull closes everything; c.mu is held.
func (c *cable) pull() {
	if c.listener != nil {
		_ = c.listener.Close()
		c.listener = nil
	}
	for w := range c.conns {
		if tcp, ok := w.near.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		w.close()
	}
}

func (c *cable) status() cableState {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Connections = len(c.conns)
	return s
}

func (c *cable) close() {
	c.mu.Lock()
	c.closed = true
	c.pull()
	c.mu.Unlock()
	c.work.Wait()
}
