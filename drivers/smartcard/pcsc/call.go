package pcsc

import (
	"context"
	"sync"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// abandonedMost bounds the calls that may be out at one time, each of which holds
// a thread. pcsc-lite knows 16 readers, and one call may be out for each.
const abandonedMost = 16

// task is one blocking piece of work in the library, in a goroutine of its own.
// Whoever started it waits for it, or abandons it; an abandoned task cleans up
// after itself when it comes back, and nobody looks at its results.
type task struct {
	service *Service
	done    chan struct{} // closed when the work is over and was not abandoned before
	quit    chan struct{} // closed when it is abandoned

	mu        sync.Mutex
	over      bool
	abandoned bool
	reader    smartcard.Reader // whose Connect is refused while this is out
}

// start begins work. after runs in the task's goroutine when it comes back and
// had been abandoned.
func (s *Service) start(work func(quit <-chan struct{}), after func()) *task {
	t := &task{service: s, done: make(chan struct{}), quit: make(chan struct{})}
	go func() {
		work(t.quit)
		if t.end() {
			after()
			s.cameBack(t.reader)
		}
	}()
	return t
}

// end tells whether the task had been abandoned.
func (t *task) end() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if !t.abandoned {
		close(t.done)
	}
	return t.abandoned
}

// wait tells whether the task was over before ctx.
func (t *task) wait(ctx context.Context) bool {
	select {
	case <-t.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// abandon leaves the task behind, unless it is over. Until it is back, Connect to
// its reader is refused with the given error; no reader means none is refused.
func (t *task) abandon(r smartcard.Reader, says error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.abandoned, t.reader = true, r
	t.service.mu.Lock()
	defer t.service.mu.Unlock()
	t.service.lost++
	if r != "" {
		t.service.abandoned[r] = append(t.service.abandoned[r], says)
	}
	close(t.quit)
	return true
}

func (s *Service) cameBack(r smartcard.Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost--
	if left := s.abandoned[r]; len(left) > 1 {
		s.abandoned[r] = left[1:]
	} else {
		delete(s.abandoned, r)
	}
	close(s.back)
	s.back = make(chan struct{})
}

// held tells why Connect to a reader cannot be tried at present.
func (s *Service) held(r smartcard.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.abandoned[r]; len(left) > 0 {
		return left[0]
	}
	if s.lost >= abandonedMost {
		return smartcard.ErrStuck
	}
	return nil
}

// Abandoned is the number of calls that were left behind and have not come back.
// While one is out no other is begun in its reader, and Watch has two at the most.
func (s *Service) Abandoned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Wait waits until every abandoned call has come back and cleaned up, or ctx ends.
func (s *Service) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		lost, back := s.lost, s.back
		s.mu.Unlock()
		if lost == 0 {
			return nil
		}
		select {
		case <-back:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
