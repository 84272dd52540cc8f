// Package linetest helps to test what runs on a line: a pseudo-terminal whose
// far end is in the test's hands, and a socket of in-memory cables that can be
// plugged and unplugged.
package linetest

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// PTY is a pseudo-terminal. Path is the slave, which a driver opens as its tty;
// the master is read and written by the test.
type PTY struct {
	Path   string
	master *os.File
}

// OpenPTY makes a pseudo-terminal.
func OpenPTY() (*PTY, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		_ = unix.Close(fd) // the first error is the one that counts
		return nil, fmt.Errorf("unlock pseudo-terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one that counts
		return nil, fmt.Errorf("number of pseudo-terminal: %w", err)
	}
	return &PTY{Path: fmt.Sprintf("/dev/pts/%d", n), master: os.NewFile(uintptr(fd), "/dev/ptmx")}, nil
}

// Read reads what the driver wrote. While nobody has the slave open it is an
// error (EIO).
func (p *PTY) Read(b []byte) (int, error) { return p.master.Read(b) }

// Write writes what the driver is to read.
func (p *PTY) Write(b []byte) (int, error) { return p.master.Write(b) }

// Settings is how the driver has set its tty; on Linux the master shows the
// slave's settings.
func (p *PTY) Settings() (*unix.Termios, error) {
	raw, err := p.master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var t *unix.Termios
	var failed error
	if err := raw.Control(func(fd uintptr) { t, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); err != nil {
		return nil, err
	}
	return t, failed
}

// SetReadDeadline bounds Read.
func (p *PTY) SetReadDeadline(t time.Time) error { return p.master.SetReadDeadline(t) }

// Close hangs up: the driver's Read ends with an error.
func (p *PTY) Close() error { return p.master.Close() }
