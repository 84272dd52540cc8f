package line

import (
	"io"
	"os"
	"sync"
	"time"
)

// PipeCapacity is how many unread bytes one direction of a Pipe holds.
const PipeCapacity = 64 << 10

// DefaultWriteTimeout is how long a Write waits for the peer to take bytes.
const DefaultWriteTimeout = 2 * time.Second

// PipeEnd is one end of an in-memory line. It implements Port.
type PipeEnd struct {
	in, out *lane
}

// Pipe is a line in memory: what one end writes the other reads. It holds its
// bytes, so that a Write returns before the other end reads; one that finds no
// room in PipeCapacity, or a stalled peer, fails with os.ErrDeadlineExceeded
// after DefaultWriteTimeout. It uses nothing but channels and timers and so runs
// in testing/synctest. Closing either end ends both: the other end reads what is
// left and then io.EOF.
func Pipe() (a, b *PipeEnd) {
	x, y := newLane(), newLane()
	return &PipeEnd{in: x, out: y}, &PipeEnd{in: y, out: x}
}

// lane is one direction.
type lane struct {
	mu      sync.Mutex
	held    []byte
	stalled bool
	closed  bool
	until   time.Time     // the reader's deadline
	changed chan struct{} // closed and renewed at every change
}

func newLane() *lane { return &lane{changed: make(chan struct{})} }

// update runs f under the lock and wakes everyone who waits.
func (l *lane) update(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Read waits for at least one byte, until the deadline if there is one.
func (e *PipeEnd) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	l := e.in
	for {
		l.mu.Lock()
		if len(l.held) > 0 {
			n := copy(p, l.held)
			l.held = l.held[n:]
			close(l.changed)
			l.changed = make(chan struct{})
			l.mu.Unlock()
			return n, nil
		}
		closed, until, changed := l.closed, l.until, l.changed
		l.mu.Unlock()
		if closed {
			return 0, io.EOF
		}
		if until.IsZero() {
			<-changed
			continue
		}
		left := time.Until(until)
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// SetReadDeadline bounds a Read, also one that waits already.
func (e *PipeEnd) SetReadDeadline(t time.Time) error {
	e.in.update(func() { e.in.until = t })
	return nil
}

// Write hands p to the other end.
func (e *PipeEnd) Write(p []byte) (int, error) {
	timeout := time.NewTimer(DefaultWriteTimeout)
	defer timeout.Stop()
	l, done := e.out, 0
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return done, io.ErrClosedPipe
		}
		if room := PipeCapacity - len(l.held); room > 0 && !l.stalled {
			n := min(room, len(p)-done)
			l.held = append(l.held, p[done:done+n]...)
			done += n
			close(l.changed)
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if done == len(p) {
			return done, nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return done, os.ErrDeadlineExceeded
		}
	}
}

// Flush drops what waits in both directions.
func (e *PipeEnd) Flush() error {
	for _, l := range []*lane{e.in, e.out} {
		l.update(func() { l.held = nil })
	}
	return nil
}

// Close ends both directions, as an unplugged cable does. It may be repeated.
func (e *PipeEnd) Close() error {
	for _, l := range []*lane{e.in, e.out} {
		l.update(func() { l.closed = true })
	}
	return nil
}

// Stall makes this end take no bytes, as hardware flow control does: while it is
// on, the other end's Writes wait and then fail.
func (e *PipeEnd) Stall(on bool) {
	e.in.update(func() { e.in.stalled = on })
}
