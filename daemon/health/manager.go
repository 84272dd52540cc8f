package health

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Manager is the service manager, spoken to by datagrams of assignments over the
// socket that it names in the environment (sd_notify(3)). A nil Manager, or one
// without a socket, takes everything in silence: the daemon was started by hand.
type Manager struct {
	conn     *net.UnixConn
	watchdog time.Duration

	mu     sync.Mutex
	status string // told last
}

// maxStatus is how many bytes of a status are told; a line in "systemctl status".
const maxStatus = 300

// NewManager takes the service manager's socket and its watchdog's time from the
// environment, and takes them out of it: no child is to speak for this process.
func NewManager() (*Manager, error) {
	path, usec, pid := os.Getenv("NOTIFY_SOCKET"), os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	m := &Manager{}
	if path == "" {
		return m, nil
	}
	if path[0] != '/' && path[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET is %q: neither a path nor an abstract name", path)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("the service manager's socket: %w", err)
	}
	m.conn = conn
	if n, err := strconv.ParseInt(usec, 10, 64); err == nil && n > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.watchdog = time.Duration(n) * time.Microsecond
	}
	return m, nil
}

// Watchdog is within what time a Ping is due; zero if nobody waits for one.
func (m *Manager) Watchdog() time.Duration {
	if m == nil {
		return 0
	}
	return m.watchdog
}

// tell sends assignments. Nobody is told of a failure: a service manager that does
// not listen will do what it does to a service that says nothing.
func (m *Manager) tell(lines ...string) {
	if m == nil || m.conn == nil {
		return
	}
	_ = m.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = m.conn.Write([]byte(strings.Join(lines, "\n")))
}

// Ready says that the start is over.
func (m *Manager) Ready() { m.tell("READY=1") }

// Ping says that every loop gets round.
func (m *Manager) Ping() { m.tell("WATCHDOG=1") }

// Extend asks for more time of the start or the stop, from now on.
func (m *Manager) Extend(d time.Duration) {
	m.tell("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10))
}

// Status says in one line how things are; the same line is told once.
func (m *Manager) Status(words string) {
	if m == nil {
		return
	}
	line := oneLine(words)
	m.mu.Lock()
	same := line == m.status
	m.status = line
	m.mu.Unlock()
	if !same {
		m.tell("STATUS=" + line)
	}
}

// Stopping says that the stop has begun.
func (m *Manager) Stopping() { m.tell("STOPPING=1") }

// Close lets the socket go.
func (m *Manager) Close() {
	if m != nil && m.conn != nil {
		_ = m.conn.Close() // nothing waits in it
	}
}

// oneLine keeps an assignment an assignment: what a device says of itself may hold
// anything.
func oneLine(s string) string {
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s), "?")
	if len(s) <= maxStatus {
		return s
	}
	return strings.ToValidUTF8(s[:maxStatus-3], "") + "..."
}
