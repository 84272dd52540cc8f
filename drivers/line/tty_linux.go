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

// ttyPort reads and writes without ever blocking a thread, and waits in two sets of
// its own (waitset_linux.go).
type ttyPort struct {
	fd      int // ours: non-blocking
	in, out *waitSet
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
	p := &ttyPort{fd: fd, timeout: mode.WriteTimeout, closed: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error is the one that counts
		}
	}()
	if p.in, err = newWaitSet(fd, unix.EPOLLIN); err != nil {
		return nil, err
	}
	if p.out, err = newWaitSet(fd, unix.EPOLLOUT|unix.EPOLLONESHOT); err != nil {
		return nil, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("in use by another program: %w", err)
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
	if err := setControl(fd, mode); err != nil {
		return nil, err
	}
	return p, nil
}

// setControl sets what the library cannot. It comes after the library's own
// settings, which would undo it.
func setControl(fd int, mode Mode) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
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
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
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
		err := unix.IoctlSetPointerInt(fd, request, bit)
		// A pseudo-terminal and some adapters have no modem lines.
		if err != nil && !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EIO) {
			return fmt.Errorf("set modem lines: %w", err)
		}
	}
	return nil
}

func (p *ttyPort) use() (done func(), err error) {
	p.users.RLock()
	if p.isClosed() {
		p.users.RUnlock()
		return nil, os.ErrClosed
	}
	return p.users.RUnlock, nil
}

func (p *ttyPort) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// Read returns as soon as a byte is there; a hung-up line is an error, io.EOF where
// Linux says that the device is gone.
func (p *ttyPort) Read(b []byte) (int, error) {
	done, err := p.use()
	if err != nil {
		return 0, err
	}
	defer done()
	var n int
	waited := p.in.do(func() bool {
		n, err = again(unix.Read, p.fd, b)
		return !errors.Is(err, unix.EAGAIN)
	})
	switch {
	case waited != nil:
		return 0, waited
	case err == nil && n == 0:
		err = io.EOF
	}
	return max(0, n), err
}

// SetReadDeadline bounds a Read, also one that waits already.
func (p *ttyPort) SetReadDeadline(t time.Time) error {
	done, err := p.use()
	if err != nil {
		return err
	}
	defer done()
	return p.in.setDeadline(t)
}

// Write gives all of b to the kernel or fails at the deadline; what was taken
// until then may still go out.
func (p *ttyPort) Write(b []byte) (written int, err error) {
	done, err := p.use()
	if err != nil {
		return 0, err
	}
	defer done()
	// Mostly the kernel has room for all of it, and nothing is waited for.
	try := func() bool {
		for written < len(b) && err == nil {
			var n int
			n, err = again(unix.Write, p.fd, b[written:])
			written += max(0, n)
		}
		return !errors.Is(err, unix.EAGAIN)
	}
	if try() {
		return written, err
	}
	if err := p.out.setDeadline(time.Now().Add(p.timeout)); err != nil {
		return written, err
	}
	waited := p.out.do(func() bool { err = nil; return try() })
	if waited != nil {
		return written, waited
	}
	return written, err
}

// again makes a call once more when a signal has interrupted it.
func again(call func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// Flush drops what waits in the kernel in both directions.
func (p *ttyPort) Flush() error {
	done, err := p.use()
	if err != nil {
		return err
	}
	defer done()
	return p.drop()
}

func (p *ttyPort) drop() error { return unix.IoctlSetInt(p.fd, unix.TCFLSH, unix.TCIOFLUSH) }

// Close releases a blocked Read and Write and drops what was not sent: a driver
// of the kernel would otherwise wait up to half a minute for a peer that takes
// nothing. It may be repeated.
func (p *ttyPort) Close() error {
	p.closing.Do(func() {
		close(p.closed)
		for _, s := range []*waitSet{p.in, p.out} {
			if s != nil {
				s.end()
			}
		}
		p.users.Lock()
		defer p.users.Unlock()
		// Errors below change nothing: the port is gone either way.
		_ = p.drop()
		if p.library != nil {
			_ = p.library.Close()
		}
		for _, s := range []*waitSet{p.in, p.out} {
			if s != nil {
				s.close()
			}
		}
		_ = unix.Close(p.fd)
	})
	return nil
}
