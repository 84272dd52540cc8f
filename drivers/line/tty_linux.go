package line

import (
	"context"
	"errors"
	"fmt"
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

// ttyPort reads and writes through the runtime's own poller. A blocking poll(2) in
// a goroutine instead would make the runtime's monitor wake up dozens of times for
// each of them, which on an idle terminal costs more than all protocols together.
type ttyPort struct {
	file    *os.File // ours: non-blocking
	library serial.Port
	timeout time.Duration

	closing sync.Once
	closed  chan struct{}
	users   sync.RWMutex // held for reading while file is used; Close waits for them
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
	p := &ttyPort{file: os.NewFile(uintptr(fd), device), timeout: mode.WriteTimeout, closed: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error is the one that counts
		}
	}()
	if err := p.file.SetDeadline(time.Time{}); err != nil { // else a Read would never be released
		return nil, fmt.Errorf("not a line that can be polled: %w", err)
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
	n, err := p.file.Read(b)
	return n, p.cause(err)
}

// Write gives all of b to the kernel or fails at the deadline; what was taken
// until then may still go out.
func (p *ttyPort) Write(b []byte) (int, error) {
	done, err := p.use()
	if err != nil {
		return 0, err
	}
	defer done()
	if err := p.file.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return 0, p.cause(err)
	}
	if p.isClosed() { // and this deadline may have replaced the one that Close has set
		return 0, os.ErrClosed
	}
	n, err := p.file.Write(b)
	return n, p.cause(err)
}

// cause is an error without the path, which whoever opened the line knows.
func (p *ttyPort) cause(err error) error {
	if err != nil && p.isClosed() {
		return os.ErrClosed
	}
	if at, ok := errors.AsType[*os.PathError](err); ok {
		return at.Err
	}
	return err
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

func (p *ttyPort) drop() error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var dropped error
	if err := raw.Control(func(fd uintptr) { dropped = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIOFLUSH) }); err != nil {
		return err
	}
	return dropped
}

// Close releases a blocked Read and Write and drops what was not sent: a driver
// of the kernel would otherwise wait up to half a minute for a peer that takes
// nothing. It may be repeated.
func (p *ttyPort) Close() error {
	p.closing.Do(func() {
		close(p.closed)
		// Errors below change nothing: the port is gone either way.
		_ = p.file.SetDeadline(time.Unix(1, 0))
		p.users.Lock()
		defer p.users.Unlock()
		_ = p.drop()
		if p.library != nil {
			_ = p.library.Close()
		}
		_ = p.file.Close()
	})
	return nil
}
