package line_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
)

// A Port's read deadline, on a line in memory and on a pseudo-terminal.
func TestReadDeadline(t *testing.T) {
	passed := time.Unix(1, 0)
	for name, line := range map[string]func(t *testing.T) (near line.Port, far io.ReadWriter){
		"pipe": func(*testing.T) (line.Port, io.ReadWriter) { return line.Pipe() },
		"tty": func(t *testing.T) (line.Port, io.ReadWriter) {
			pty := openPTY(t)
			return open(t, pty.Path, line.Mode{}), pty
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := line(t)
			until := func(at time.Time) {
				t.Helper()
				if err := near.SetReadDeadline(at); err != nil {
					t.Fatal(err)
				}
			}
			read := func(want string) {
				t.Helper()
				buf := make([]byte, 8)
				n, err := near.Read(buf)
				if want == "" && !errors.Is(err, os.ErrDeadlineExceeded) || want != "" && err != nil || string(buf[:n]) != want {
					t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
				}
			}
			send := func(s string) {
				t.Helper()
				if _, err := far.Write([]byte(s)); err != nil {
					t.Fatal(err)
				}
			}

			began := time.Now()
			until(began.Add(30 * time.Millisecond))
			read("")
			if d := time.Since(began); d < 30*time.Millisecond {
				t.Errorf("gave up after %v", d)
			}
			read("") // it stays

			// What has come is read after the deadline too, and first.
			send("late")
			within(t, 5*time.Second, "a pseudo-terminal's own delay", func() {
				buf := make([]byte, 8)
				n, err := near.Read(buf)
				for ; errors.Is(err, os.ErrDeadlineExceeded); n, err = near.Read(buf) {
				}
				if err != nil || string(buf[:n]) != "late" {
					t.Errorf("read %q, %v", buf[:n], err)
				}
			})

			// One that waits is released, by a time that has passed and by an earlier one,
			// many times over: nothing may be lost between setting and waiting.
			for i := range 200 {
				until(time.Time{})
				released := make(chan error, 1)
				go func() {
					_, err := near.Read(make([]byte, 8))
					released <- err
				}()
				if i%2 == 0 {
					time.Sleep(100 * time.Microsecond) // real descriptors have no virtual time
				}
				at := passed
				if i%4 < 2 {
					at = time.Now().Add(time.Millisecond)
				}
				until(at)
				select {
				case err := <-released:
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Fatalf("a released read: %v", err)
					}
				case <-time.After(5 * time.Second):
					t.Fatal("a read is not released")
				}
			}

			// A deadline that was moved away does not end a Read.
			until(time.Now().Add(10 * time.Millisecond))
			until(time.Now().Add(time.Hour))
			go func() {
				time.Sleep(30 * time.Millisecond)
				_, _ = far.Write([]byte("in time")) // the read says whether it came
			}()
			read("in time")
			until(passed)
			until(time.Time{})
			send("none")
			read("none")
		})
	}
}

// A tty that is closed says so instead of waiting for a deadline.
func TestReadDeadlineAfterClose(t *testing.T) {
	pty := openPTY(t)
	port := open(t, pty.Path, line.Mode{})
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if err := port.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("SetReadDeadline: %v", err)
	}
	if _, err := port.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read: %v", err)
	}
}
