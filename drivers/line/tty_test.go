package line_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
	"golang.org/x/sys/unix"
)

func openPTY(t *testing.T) *linetest.PTY {
	t.Helper()
	p, err := linetest.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // a test may have closed it
	return p
}

func open(t *testing.T, path string, mode line.Mode) line.Port {
	t.Helper()
	port, err := line.OpenTTY(path, mode)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() }) // a test may have closed it
	return port
}

// within fails the test when f does not return soon.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s hangs", what)
	}
}

func TestTTYIsRaw(t *testing.T) {
	modes := []line.Mode{
		{},
		{Baud: 19200, Parity: line.ParityEven, RTS: line.LevelOff},
		{Baud: 115200, Parity: line.ParityOdd, StopBits: 2, Flow: line.FlowRTSCTS},
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, m := range modes {
		pty := openPTY(t)
		port := open(t, pty.Path, m)
		if err := port.Flush(); err != nil {
			t.Fatal(err)
		}
		if n, err := port.Write(every); n != len(every) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
		got := make([]byte, len(every))
		if _, err := io.ReadFull(pty, got); err != nil || !bytes.Equal(got, every) {
			t.Errorf("%+v: to the device: % X, %v", m, got, err)
		}
		if _, err := pty.Write(every); err != nil {
			t.Fatal(err)
		}
		clear(got)
		if _, err := io.ReadFull(port, got); err != nil || !bytes.Equal(got, every) {
			t.Errorf("%+v: from the device: % X, %v", m, got, err)
		}
	}
}

func TestTTYSettings(t *testing.T) {
	pty := openPTY(t)
	open(t, pty.Path, line.Mode{Baud: 19200, Flow: line.FlowXONXOFF})
	tio, err := pty.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if tio.Cflag&unix.HUPCL != 0 || tio.Iflag&unix.IXON == 0 || tio.Cflag&unix.CBAUD != unix.B19200 || tio.Lflag&(unix.ICANON|unix.ECHO) != 0 {
		t.Errorf("settings %+v", tio)
	}
}

// A device that takes nothing fails the write in time, and closing does not hang.
func TestTTYStalledPeer(t *testing.T) {
	pty := openPTY(t)
	port := open(t, pty.Path, line.Mode{WriteTimeout: 100 * time.Millisecond})
	within(t, 5*time.Second, "a stalled write", func() {
		_, err := port.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
	})
	within(t, time.Second, "Close", func() { _ = port.Close() })
}

func TestTTYCloseReleases(t *testing.T) {
	pty := openPTY(t)
	port := open(t, pty.Path, line.Mode{WriteTimeout: time.Hour})
	ended := make(chan error, 2)
	go func() {
		_, err := port.Read(make([]byte, 1))
		ended <- err
	}()
	go func() {
		_, err := port.Write(make([]byte, 1<<20))
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // real descriptors have no virtual time
	within(t, time.Second, "Close", func() {
		for range 2 {
			if err := port.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	}
	if _, err := port.Write([]byte{1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
	if err := port.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("flush after Close: %v", err)
	}
}

func TestTTYHangup(t *testing.T) {
	pty := openPTY(t)
	port := open(t, pty.Path, line.Mode{})
	if err := pty.Close(); err != nil {
		t.Fatal(err)
	}
	within(t, time.Second, "a read of a dead line", func() {
		if _, err := port.Read(make([]byte, 1)); err == nil {
			t.Error("a dead line reads without an error")
		}
	})
}

// The stable name is followed at every opening, and one port has one user.
func TestTTYName(t *testing.T) {
	first, second := openPTY(t), openPTY(t)
	name := filepath.Join(t.TempDir(), "by-id")
	if err := os.Symlink(first.Path, name); err != nil {
		t.Fatal(err)
	}
	opener := line.OpenTTY(name, line.Mode{})
	port, err := opener(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p, err := opener(t.Context()); err == nil {
		_ = p.Close()
		t.Error("a port was opened twice")
	}
	_ = port.Close()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := opener(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a port that is not there: %v", err)
	}
	if err := os.Symlink(second.Path, name); err != nil {
		t.Fatal(err)
	}
	port, err = opener(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := port.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1)
	if _, err := second.Read(buf); err != nil || buf[0] != 'x' {
		t.Errorf("read %q, %v", buf, err)
	}
}

func TestTTYRefusesWhatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, "/dev/null", t.TempDir()} {
		if p, err := line.OpenTTY(path, line.Mode{})(t.Context()); err == nil {
			_ = p.Close()
			t.Errorf("%s was opened as a serial port", path)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := line.OpenTTY(file, line.Mode{})(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("opened for nobody: %v", err)
	}
}
