package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// OpenTTY opens a serial port by its stable name, usually a symbolic link below
// /dev/serial/by-id or by-path, which is followed anew at every opening.
//
// go.bug.st/serial sets the line (raw, speed, frame) and takes the port for
// exclusive use; a lock on the device keeps out a second program of the same
// user too. All bytes go through a descriptor of our own, opened before in
// non-blocking mode: the library's Write has no deadline and its Close does not
// release a stuck one. That descriptor also holds what the library has no
// option for: flow control, and HUPCL cleared, so that closing does not drop
// DTR.
func OpenTTY(path string, mode Mode) Opener {
	mode = mode.withDefaults()
	return func(ctx context.Context) (Port, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		device, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, fmt.Errorf("find port: %w", err)
		}
		p, err := openTTY(device, mode)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", device, err)
		}
		return p, nil
	}
}

type ttyPort struct {
	fd      int // ours: non-blocking
	wake    int // eventfd, readable from Close on
	library serial.Port
	timeout time.Duration

	closing sync.Once
	closed  chan struct{}
	users   sync.RWMutex // held for reading while fd is used; Close waits for them
}

func openTTY(device string, mode Mode) (_ *ttyPort, err error) {
	st, err := os.Stat(device)
	if err != nil {
		return nil, err
	}
	if st.Mode()&os.ModeCharDevice == 0 {
		return nil, errors.New("not a character device")
	}
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	p := &ttyPort{fd: fd, wake: -1, timeout: mode.WriteTimeout, closed: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error is the one that counts
		}
	}()
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("in use by another program: %w", err)
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	setting := &serial.Mode{BaudRate: mode.Baud, DataBits: mode.DataBits}
	switch mode.Parity {
	case ParityEven:
		setting.Parity = serial.EvenParity
	case ParityOdd:
		setting.Parity = serial.OddParity
	}
	if mode.StopBits == 2 {
		setting.StopBits = serial.TwoStopBits
	}
	if p.library, err = serial.Open(device, setting); err != nil {
		return nil, err
	}
	if err := p.setControl(mode); err != nil {
		return nil, err
	}
	return p, nil
}

// setControl sets what the library cannot. It comes after the library's own
// settings, which would undo it.
func (p *ttyPort) setControl(mode Mode) error {
	t, err := unix.IoctlGetTermios(p.fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read line settings: %w", err)
	}
	t.Cflag &^= unix.HUPCL
	t.Cflag |= unix.CLOCAL | unix.CREAD
	switch mode.Flow {
	case FlowRTSCTS:
		t.Cflag |= unix.CRTSCTS
	case FlowXONXOFF:
		t.Iflag |= unix.IXON | unix.IXOFF
	}
	if err := unix.IoctlSetTermios(p.fd, unix.TCSETS, t); err != nil {
		return fmt.Errorf("set line: %w", err)
	}
	for bit, level := range map[int]Level{unix.TIOCM_DTR: mode.DTR, unix.TIOCM_RTS: mode.RTS} {
		if bit == unix.TIOCM_RTS && mode.Flow == FlowRTSCTS {
			continue // the kernel moves it
		}
		request := uint(unix.TIOCMBIS)
		if level == LevelOff {
			request = unix.TIOCMBIC
		}
		err := unix.IoctlSetPointerInt(p.fd, request, bit)
		// A pseudo-terminal and some adapters have no modem lines.
		if err != nil && !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EIO) {
			return fmt.Errorf("set modem lines: %w", err)
		}
	}
	return nil
}

// wait blocks until the descriptor is ready for events, the time is over or the
// port is closed. The caller holds users.
func (p *ttyPort) wait(events int16, until time.Time) error {
	for {
		ms := -1
		if !until.IsZero() {
			left := time.Until(until)
			if left <= 0 {
				return os.ErrDeadlineExceeded
			}
			ms = int((left + time.Millisecond - 1) / time.Millisecond)
		}
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: events}, {Fd: int32(p.wake), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, ms)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("poll: %w", err)
		case fds[1].Revents != 0:
			return os.ErrClosed
		case fds[0].Revents != 0:
			return nil
		}
	}
}

func (p *ttyPort) use() (done func(), err error) {
	p.users.RLock()
	select {
	case <-p.closed:
		p.users.RUnlock()
		return nil, os.ErrClosed
	default:
		return p.users.RUnlock, nil
	}
}

// Read returns as soon as a byte is there; a hung-up line is an error.
func (p *ttyPort) Read(b []byte) (int, error) {
	done, err := p.use()
	if err != nil {
		return 0, err
	}
	defer done()
	for {
		if err := p.wait(unix.POLLIN, time.Time{}); err != nil {
			return 0, err
		}
		n, err := unix.Read(p.fd, b)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue // a Flush was quicker
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF // Linux: the device is gone
		}
		return n, nil
	}
}

// Write gives all of b to the kernel or fails at the deadline; what was taken
// until then may still go out.
func (p *ttyPort) Write(b []byte) (int, error) {
	done, err := p.use()
	if err != nil {
		return 0, err
	}
	defer done()
	until := time.Now().Add(p.timeout)
	written := 0
	for written < len(b) {
		n, err := unix.Write(p.fd, b[written:])
		if n > 0 {
			written += n
		}
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if err := p.wait(unix.POLLOUT, until); err != nil {
				return written, err
			}
			if time.Now().After(until) {
				return written, os.ErrDeadlineExceeded
			}
		default:
			return written, err
		}
	}
	return written, nil
}

// Flush drops what waits in the kernel in both directions.
func (p *ttyPort) Flush() error {
	done, err := p.use()
	if err != nil {
		return err
	}
	defer done()
	return unix.IoctlSetInt(p.fd, unix.TCFLSH, unix.TCIOFLUSH)
}

// Close releases a blocked Read and Write and drops what was not sent: a driver
// of the kernel would otherwise wait up to half a minute for a peer that takes
// nothing. It may be repeated.
func (p *ttyPort) Close() error {
	p.closing.Do(func() {
		close(p.closed)
		if p.wake >= 0 {
			one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any counter but zero, in any byte order
			_, _ = unix.Write(p.wake, one[:])      // an eventfd takes it at once
		}
		p.users.Lock()
		defer p.users.Unlock()
		// Errors below change nothing: the port is gone either way.
		_ = unix.IoctlSetInt(p.fd, unix.TCFLSH, unix.TCIOFLUSH)
		if p.library != nil {
			_ = p.library.Close()
		}
		_ = unix.Close(p.fd)
		if p.wake >= 0 {
			_ = unix.Close(p.wake)
		}
	})
	return nil
}
