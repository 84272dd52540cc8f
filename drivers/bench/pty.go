package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a pseudo-terminal whose slave stands for a device's port. The bench
// holds the slave open too: otherwise the master would report an error whenever
// the daemon has closed its side.
type pty struct {
	master   *os.File
	raw      syscall.RawConn // of master
	slave    *os.File
	closes   *os.File // inotify(7): somebody has closed the slave
	link     string
	patience time.Duration // writePatience
}

// openPTY makes a raw pseudo-terminal and puts link on its slave.
func openPTY(link string) (*pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	p := &pty{master: master, link: link, patience: writePatience}
	if err := p.setUp(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pty) setUp() error {
	var err error
	if p.raw, err = p.master.SyscallConn(); err != nil { // Fd would make the file blocking
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	var number int
	var failed error
	err = p.raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("unlock pseudo-terminal: %w", err)
	}
	name := "/dev/pts/" + strconv.Itoa(number)
	if p.slave, err = os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err != nil {
		return fmt.Errorf("open slave: %w", err)
	}
	if err := makeRaw(p.slave); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := p.watchCloses(name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fresh := p.link + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(name, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, p.link)
}

// watchCloses makes the slave free for the next one when a daemon that took it for
// itself (TIOCEXCL) has closed it, as the last close of a real port does. While the
// bench holds it there is no last close, and after a daemon that was killed no
// ordinary user could open it again; root always can.
func (p *pty) watchCloses(name string) error {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	p.closes = os.NewFile(uintptr(fd), "closes of "+name)
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_CLOSE); err != nil {
		return err
	}
	raw, err := p.slave.SyscallConn()
	if err != nil {
		return err
	}
	go func() { // ends when closes is closed
		for told := make([]byte, 4096); ; {
			if _, err := p.closes.Read(told); err != nil {
				return
			}
			if err := raw.Control(func(fd uintptr) { _ = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0) }); err != nil {
				return
			}
		}
	}()
	return nil
}

// makeRaw: eight bits, no echo, no line editing, no flow control.
func makeRaw(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var t *unix.Termios
		if t, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS); failed != nil {
			return
		}
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, failed)
}

// writePatience is how long a write waits for a reader that does not read; then
// the bytes are lost, as on a real line.
const writePatience = 20 * time.Millisecond

// write gives b to the line. Time counts only where the kernel has no room: a write
// with a deadline fails without trying when this process is held up for longer than
// that on its way, and to the daemon a lost answer is a device without power.
func (p *pty) write(b []byte) error {
	n := 0
	if err := p.raw.Control(func(fd uintptr) {
		if k, err := unix.Write(int(fd), b); err == nil {
			n = k
		} // else there is no room, or the write below fails likewise
	}); err != nil || n == len(b) {
		return err
	}
	if err := p.master.SetWriteDeadline(time.Now().Add(p.patience)); err != nil {
		return err
	}
	_, err := p.master.Write(b[n:])
	return err
}

// close hangs up and removes the link, if it is still this one's.
func (p *pty) close() error {
	var errs []error
	if p.slave != nil {
		if to, err := os.Readlink(p.link); err == nil && to == p.slave.Name() {
			errs = append(errs, os.Remove(p.link))
		}
		errs = append(errs, p.slave.Close())
	}
	if p.closes != nil {
		errs = append(errs, p.closes.Close())
	}
	return errors.Join(append(errs, p.master.Close())...)
}

// deviceLink is where a device's port is found.
func deviceLink(dir, name string) string { return filepath.Join(dir, "dev", name) }
