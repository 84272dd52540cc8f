package linetest

import (
	"context"
	"errors"
	"sync"

	"github.com/asan-kiosk/kiosk/drivers/line"
)

// ErrUnplugged is what opening an empty Socket gives.
var ErrUnplugged = errors.New("no such device")

// Socket is the place where a cable of memory is plugged in. Every opening makes
// a new line.Pipe and hands its far end to the peer. It starts plugged in.
type Socket struct {
	mu        sync.Mutex
	unplugged bool
	current   *line.PipeEnd
	far       chan *line.PipeEnd
}

// NewSocket makes a socket; call it inside the bubble that uses it.
func NewSocket() *Socket { return &Socket{far: make(chan *line.PipeEnd, 1)} }

// Open is a line.Opener.
func (s *Socket) Open(ctx context.Context) (line.Port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unplugged {
		return nil, ErrUnplugged
	}
	near, far := line.Pipe()
	select {
	case <-s.far: // nobody took the last one
	default:
	}
	s.current = near
	s.far <- far
	return near, nil
}

// Far brings the far end of each opening; an end nobody took is replaced.
func (s *Socket) Far() <-chan *line.PipeEnd { return s.far }

// Unplug ends the present cable and lets openings fail until Plug.
func (s *Socket) Unplug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unplugged = true
	if s.current != nil {
		_ = s.current.Close() // a pipe's Close cannot fail
		s.current = nil
	}
}

// Plug lets openings succeed again.
func (s *Socket) Plug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unplugged = false
}
