package socket

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The test program is also one that is started with passed listeners.
func TestMain(m *testing.M) {
	if name := os.Getenv("SOCKET_TEST_NAME"); name != "" {
		child(name)
		return
	}
	os.Exit(m.Run())
}

// child answers on the passed listener once and ends. The process number is not
// known to who starts it, so it is put in here, as the manager does between fork
// and exec.
func child(name string) {
	os.Setenv(variablePID, strconv.Itoa(os.Getpid()))
	l, err := Passed(name)
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	if l == nil {
		os.Stderr.WriteString("none")
		os.Exit(1)
	}
	c, err := l.Accept()
	if err != nil {
		os.Exit(2)
	}
	c.Write([]byte("from the child"))
	c.Close()
}

func start(t *testing.T, name, names string, count int, files ...*os.File) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "SOCKET_TEST_NAME="+name, variableNames+"="+names, variableCount+"="+strconv.Itoa(count), "GORACE=atexit_sleep_ms=0")
	c.ExtraFiles = files
	return c
}

func listenerFile(t *testing.T) (address string, f *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err = l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return l.Addr().String(), f
}

// A process answers on a socket that another one has opened: the second of two.
func TestPassed(t *testing.T) {
	_, other := listenerFile(t)
	address, screen := listenerFile(t)
	c := start(t, "screen", "other:screen", 2, other, screen)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address) // is taken in before the child has begun
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := make([]byte, 64)
	n, _ := conn.Read(b)
	if err := c.Wait(); err != nil || string(b[:n]) != "from the child" {
		t.Fatalf("%v %q", err, b[:n])
	}
}

func TestNotPassed(t *testing.T) {
	_, f := listenerFile(t)
	for _, x := range []struct {
		name, names string
		count       int
		want        string
	}{
		{"screen", "", 0, "none"},
		{"screen", "uplink", 1, `none named "screen"`},
		{"screen", "uplink:screen", 1, `none named "screen"`}, // names of what is not there
		{"screen", "screen", 99, "is no number"},
	} {
		out, err := start(t, x.name, x.names, x.count, f).CombinedOutput()
		if err == nil || !strings.Contains(string(out), x.want) {
			t.Errorf("%+v: %v %s", x, err, out)
		}
	}
	// What was meant for another process is not ours.
	t.Setenv(variablePID, "1")
	t.Setenv(variableCount, "1")
	if l, err := Passed("screen"); l != nil || err != nil {
		t.Errorf("%v %v", l, err)
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	g, err := user.LookupGroupId(strconv.Itoa(os.Getgid()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path, 0o620, g.Name)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o620 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := Listen(path, 0o600, ""); err == nil || !strings.Contains(err.Error(), "somebody answers") {
		t.Errorf("beside another: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if l, err = Listen(path, 0o600, ""); err != nil {
		t.Fatalf("after one that was killed: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, 0o600, ""); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("over a file: %v", err)
	}
	if _, err := Listen(path+"2", 0o600, "no-such-group-here"); err == nil {
		t.Error("a group that is not there was taken")
	}
}
