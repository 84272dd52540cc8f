package health

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen is the service manager's end.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func hear(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 4096)
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	n, err := c.Read(b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}

func TestManager(t *testing.T) {
	for _, abstract := range []bool{false, true} {
		name := filepath.Join(t.TempDir(), "notify")
		if abstract {
			name = "@health-test-" + strconv.Itoa(os.Getpid())
		}
		c := listen(t, name)
		t.Setenv("NOTIFY_SOCKET", name)
		t.Setenv("WATCHDOG_USEC", "20000000")
		t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
		m, err := NewManager()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if m.Watchdog() != 20*time.Second {
			t.Errorf("watchdog %v", m.Watchdog())
		}
		if left := os.Getenv("NOTIFY_SOCKET") + os.Getenv("WATCHDOG_USEC") + os.Getenv("WATCHDOG_PID"); left != "" {
			t.Errorf("a child would see %q", left)
		}
		for _, s := range []struct {
			say  func()
			want string
		}{
			{m.Ready, "READY=1"},
			{m.Ping, "WATCHDOG=1"},
			{m.Stopping, "STOPPING=1"},
			{func() { m.Extend(time.Minute) }, "EXTEND_TIMEOUT_USEC=60000000"},
			{func() { m.Status("in service") }, "STATUS=in service"},
			{func() { m.Status("in service"); m.Ping() }, "WATCHDOG=1"}, // the same status is told once
			{func() { m.Status("a device says\nREADY=1\x00\x1b[31m") }, "STATUS=a device says READY=1  [31m"},
			{func() { m.Status(strings.Repeat("ə", 400)) }, "STATUS=" + strings.Repeat("ə", 148) + "..."},
		} {
			s.say()
			if got := hear(t, c); got != s.want {
				t.Errorf("heard %q, want %q", got, s.want)
			}
		}
	}
}

// TestManagerAbsent: nobody listens, or the watchdog is another process's.
func TestManagerAbsent(t *testing.T) {
	var none *Manager
	none.Ready()
	none.Status("x")
	none.Close()
	t.Setenv("NOTIFY_SOCKET", "")
	m, err := NewManager()
	if err != nil {
		t.Fatal(err)
	}
	m.Ping()
	m.Close()

	name := filepath.Join(t.TempDir(), "notify")
	listen(t, name)
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "1")
	if m, err = NewManager(); err != nil || m.Watchdog() != 0 {
		t.Errorf("%v, watchdog %v of another process", err, m.Watchdog())
	}
	m.Close()
	for _, bad := range []string{"relative", filepath.Join(t.TempDir(), "nobody")} {
		t.Setenv("NOTIFY_SOCKET", bad)
		if _, err := NewManager(); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
