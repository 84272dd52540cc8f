package line

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// waitSet lets a goroutine wait for one condition of a descriptor or for a deadline,
// in the runtime's own poller and without its timers. Who polls a device five times a
// second all day long has three reasons for it:
//
//   - a blocking poll(2) keeps the runtime's monitor awake for 10 ms each time;
//   - the runtime watches a descriptor in both directions, and a tty tells of room
//     after each write: two wake-ups for nobody;
//   - a timer of the runtime wakes its monitor too, a second thread to look for work,
//     and, because epoll waits in whole milliseconds, itself twice.
//
// So the descriptor and a timerfd(2) stand in an epoll(7) set of their own, and that
// set, which is readable when one of them is ready, is what the runtime watches.
type waitSet struct {
	fd     int
	events uint32
	set    *os.File // the epoll set
	conn   syscall.RawConn
	timer  int // timerfd; it fires at until

	mu      sync.Mutex
	until   time.Time // zero: no deadline
	waiting bool      // somebody is in do: the timer counts
	ended   bool
}

// newWaitSet waits for events of fd, which is non-blocking and stays the caller's.
// With EPOLLONESHOT they are watched only while somebody waits.
func newWaitSet(fd int, events uint32) (_ *waitSet, err error) {
	s := &waitSet{fd: fd, events: events}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		_ = unix.Close(s.timer) // the first error is the one that counts
		return nil, fmt.Errorf("epoll: %w", err)
	}
	err = errors.Join(unix.SetNonblock(set, true), // else the runtime would not watch it
		unix.EpollCtl(set, unix.EPOLL_CTL_ADD, s.timer, &unix.EpollEvent{Events: unix.EPOLLIN}),
		unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events}))
	s.set = os.NewFile(uintptr(set), "epoll")
	if err == nil {
		s.conn, err = s.set.SyscallConn()
	}
	if err == nil {
		err = s.set.SetReadDeadline(time.Time{}) // it fails where the runtime does not watch
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("not a line that can be polled: %w", err)
	}
	return s, nil
}

// do tries until it is told that trying has ended, each time when the condition may
// hold. It returns os.ErrDeadlineExceeded at the deadline, after one more try, and
// os.ErrClosed after end.
func (s *waitSet) do(try func() bool) error {
	var why error
	err := s.conn.Read(func(set uintptr) bool {
		if try() {
			return true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.ended:
			why = os.ErrClosed
		case !s.until.IsZero() && !time.Now().Before(s.until):
			why = os.ErrDeadlineExceeded
		default:
			// From here on, and not before, does the runtime keep what the set tells.
			s.waiting = true
			why = s.arm()
			if s.events&unix.EPOLLONESHOT != 0 {
				why = errors.Join(why, unix.EpollCtl(int(set), unix.EPOLL_CTL_MOD, s.fd, &unix.EpollEvent{Events: s.events}))
			}
		}
		return why != nil
	})
	s.mu.Lock()
	s.waiting = false
	s.mu.Unlock()
	return errors.Join(why, err)
}

// arm lets the timer fire at the deadline. The caller holds mu.
func (s *waitSet) arm() error {
	var when unix.ItimerSpec // all zero: never
	switch {
	case s.ended:
		when.Value.Nsec = 1
	case !s.until.IsZero():
		when.Value = unix.NsecToTimespec(max(1, time.Until(s.until).Nanoseconds()))
	}
	return unix.TimerfdSettime(s.timer, 0, &when, nil)
}

// setDeadline bounds do, also one that waits already; zero is no deadline.
func (s *waitSet) setDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = t
	if !s.waiting {
		return nil // do arms it
	}
	return s.arm()
}

// end releases who waits, now and later.
func (s *waitSet) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	_ = s.arm() // it cannot fail with these arguments
}

// close ends the set; nobody may be in do any more.
func (s *waitSet) close() {
	_ = s.set.Close() // nothing depends on how it closes
	_ = unix.Close(s.timer)
}
