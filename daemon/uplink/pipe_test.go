package uplink

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A network in memory, for virtual time: connections with buffers (TLS writes at
// both ends at once, which net.Pipe cannot) and with deadlines.

// pipes is a listener whose connections are in memory. dead refuses.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
	dead  atomic.Bool
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.dead.Load() {
		return nil, errors.New("connection refused")
	}
	near, far := pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// flow is one direction of a connection.
type flow struct {
	mu    sync.Mutex
	buf   []byte
	ended bool
	more  chan struct{}
}

func (f *flow) ring() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

type end struct {
	in, out  *flow
	gone     chan struct{}
	once     sync.Once
	mu       sync.Mutex
	deadline time.Time
	moved    chan struct{} // the deadline has moved
}

func pipe() (*end, *end) {
	a, b := &flow{more: make(chan struct{}, 1)}, &flow{more: make(chan struct{}, 1)}
	return &end{in: a, out: b, gone: make(chan struct{}), moved: make(chan struct{})}, &end{in: b, out: a, gone: make(chan struct{}), moved: make(chan struct{})}
}

func (e *end) Read(p []byte) (int, error) {
	for {
		e.in.mu.Lock()
		n := copy(p, e.in.buf)
		e.in.buf = e.in.buf[n:]
		ended := e.in.ended
		e.in.mu.Unlock()
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case ended:
			return 0, io.EOF
		}
		e.mu.Lock()
		deadline, moved := e.deadline, e.moved
		e.mu.Unlock()
		var late <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			late = t.C
		}
		select {
		case <-e.in.more:
		case <-moved:
		case <-late:
			return 0, os.ErrDeadlineExceeded
		case <-e.gone:
			return 0, net.ErrClosed
		}
	}
}

func (e *end) Write(p []byte) (int, error) {
	select {
	case <-e.gone:
		return 0, net.ErrClosed
	default:
	}
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	if e.out.ended {
		return 0, io.ErrClosedPipe
	}
	e.out.buf = append(e.out.buf, p...)
	e.out.ring()
	return len(p), nil
}

func (e *end) Close() error {
	e.once.Do(func() {
		close(e.gone)
		for _, f := range []*flow{e.in, e.out} {
			f.mu.Lock()
			f.ended = true
			f.ring()
			f.mu.Unlock()
		}
	})
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deadline = t
	close(e.moved)
	e.moved = make(chan struct{})
	return nil
}
func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil } // a write never waits
func (e *end) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (e *end) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
