package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newPTY is a pseudo-terminal for the test.
func newPTY(t *testing.T) *pty {
	t.Helper()
	p, err := openPTY(filepath.Join(t.TempDir(), "port"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestPortIsFreeAfterAKill: a daemon takes its ports for itself and is killed; the
// next one of the same ordinary user can open them, as those of a cabinet.
func TestPortIsFreeAfterAKill(t *testing.T) {
	p := newPTY(t)
	open := func() (*os.File, error) {
		return os.OpenFile(p.link, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	}
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetInt(int(first.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	asOrdinaryUser(t, func() {
		if second, err := open(); err == nil {
			_ = second.Close()
			t.Error("the port is not exclusive: this shows nothing")
			return
		}
		_ = first.Close() // as the end of a process does, which says no TIOCNXCL
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			second, err := open()
			if err == nil {
				_ = second.Close()
				return
			}
			if time.Now().After(end) {
				t.Errorf("the next daemon: %v", err)
				return
			}
		}
	})
}

// TestHeldUpWriteIsNotLost: an answer goes out also where the process is held up on
// its way for longer than a write may wait; one that nobody reads is lost.
func TestHeldUpWriteIsNotLost(t *testing.T) {
	p := newPTY(t)
	p.patience = -time.Second // all of it is over when the write is reached
	if err := p.write([]byte{0x12}); err != nil {
		t.Errorf("there was room: %v", err)
	}
	got := make([]byte, 8)
	if n, err := unix.Read(int(p.slave.Fd()), got); err != nil || n != 1 || got[0] != 0x12 {
		t.Errorf("read % X, %v", got[:max(0, n)], err)
	}
	piece := make([]byte, 1024)
	for n := 0; ; n += len(piece) {
		if err := p.write(piece); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil || n > 1<<20 {
			t.Fatalf("after %d bytes that nobody read: %v", n, err)
		}
	}
}

// asOrdinaryUser runs f in a thread without root's rights, which ends with it.
func asOrdinaryUser(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread is thrown away
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&head, &none[0]); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
