package main

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listening gives the descriptors of new sockets, one after the other.
func listening(t *testing.T, n int) (first int, addresses []string) {
	t.Helper()
	const base = 700 // far from what the test itself opens
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, l.Addr().String())
		_ = l.Close()
		if err := unix.Dup2(int(f.Fd()), base+i); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return base, addresses
}

func TestTakeOver(t *testing.T) {
	for _, c := range []struct {
		name, count, names string
		open               int
		want               []string // names in the result
		err                string
	}{
		{name: "one", count: "1", names: "screen", open: 1, want: []string{"screen"}},
		{name: "two", count: "2", names: "screen:other", open: 2, want: []string{"screen", "other"}},
		{name: "none", count: "0"},
		{name: "a name that nobody expects", count: "1", names: "unknown", open: 1, err: `"unknown"; allowed, each once: screen, other`},
		{name: "one name twice", count: "2", names: "screen:screen", open: 2, err: "each once"},
		{name: "fewer names than sockets", count: "2", names: "screen", open: 2, err: "names"},
		{name: "no number", count: "x", err: "LISTEN_FDS"},
		{name: "too many", count: "1000", err: "LISTEN_FDS"},
		{name: "no socket behind the number", count: "1", names: "screen", err: "passed socket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, addresses := 690, []string(nil)
			if c.open > 0 {
				first, addresses = listening(t, c.open)
			}
			got, err := takeOver(first, c.count, c.names, []string{"screen", "other"})
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if len(got) != len(c.want) {
				t.Errorf("%d listeners", len(got))
			}
			for i, name := range c.want {
				l := got[name]
				if l == nil || l.Addr().String() != addresses[i] {
					t.Errorf("%s: %v", name, l)
					continue
				}
				conn, err := net.DialTimeout("tcp", addresses[i], time.Second)
				if err != nil {
					t.Errorf("%s does not answer: %v", name, err)
				} else {
					_ = conn.Close()
				}
				_ = l.Close()
			}
		})
	}
}

// TestPassedToThisProcess: only what names this very process is taken, and no
// child sees the variables again.
func TestPassedToThisProcess(t *testing.T) {
	if os.Getenv("PASSED_CHILD") != "" {
		got, err := passedListeners("screen")
		left := os.Getenv("LISTEN_PID") + os.Getenv("LISTEN_FDS") + os.Getenv("LISTEN_FDNAMES")
		if err != nil || left != "" {
			t.Fatalf("%v, left %q", err, left)
		}
		if l := got["screen"]; l != nil {
			t.Log("took over " + l.Addr().String())
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for pid, want := range map[string]bool{"$$": true, "1": false} {
		// The shell becomes the test program, so that its own number is known before.
		cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=`+pid+` exec "$0" -test.run='^TestPassedToThisProcess$' -test.v`, os.Args[0])
		cmd.Env = append(os.Environ(), "PASSED_CHILD=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=screen")
		cmd.ExtraFiles = []*os.File{f}
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "took over "+l.Addr().String()) != want {
			t.Errorf("LISTEN_PID %s: %v\n%s", pid, err, out)
		}
	}
}

func TestScreenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got, err := screenListener(l, l.Addr().String()); err != nil || got != l {
		t.Errorf("the passed socket is not taken: %v", err)
	}
	if _, err := screenListener(l, "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "screen.listen says 127.0.0.1:1") {
		t.Errorf("another address than the configuration's: %v", err)
	}
	own, err := screenListener(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = own.Close()
}
