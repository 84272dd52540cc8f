package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ports is where the programs listen, all on 127.0.0.1.
type ports struct {
	Screen, Bench, Central int
	TLS                    int // central's door for terminals
	Network                int // the bench's network cable: the uplink's way to that door
}

// Ports that central, its door and the network cable take when they are free, so that the
// configuration stays the same from start to start.
const (
	centralPort = 8482
	networkPort = 8483
	tlsPort     = 8484
)

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// choosePorts checks the ports that were asked for and finds the others. Every
// port that is taken is told, with who holds it.
func choosePorts(o *options) (ports, error) {
	if o.portZero {
		free, err := freePorts(5)
		if err != nil {
			return ports{}, err
		}
		return ports{Screen: free[0], Bench: free[1], Central: free[2], Network: free[3], TLS: free[4]}, nil
	}
	p := ports{Screen: o.screenPort, Bench: o.benchPort, Central: centralPort, Network: networkPort, TLS: tlsPort}
	var errs []error
	for _, want := range []struct {
		port       int
		what, flag string
	}{{p.Screen, "the screen", "--screen-port"}, {p.Bench, "the bench", "--bench-port"}} {
		if err := try(want.port); err != nil {
			errs = append(errs, fmt.Errorf("port %d of %s: %w; or choose another port with %s", want.port, want.what, err, want.flag))
		}
	}
	if len(errs) > 0 {
		return ports{}, errors.Join(errs...)
	}
	for _, own := range []*int{&p.Central, &p.Network, &p.TLS} {
		if *own == p.Screen || *own == p.Bench || try(*own) != nil {
			free, err := freePorts(1)
			if err != nil {
				return ports{}, err
			}
			*own = free[0]
		}
	}
	return p, nil
}

// freePorts asks the kernel for ports that nobody has. All are held until the
// last one is chosen, so that no two are the same.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// try opens the port for a moment. The error says who holds it and what to do.
func try(port int) error {
	l, err := net.Listen("tcp4", address(port))
	switch {
	case err == nil:
		return l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("is held by %s: end it", holder(port))
	case errors.Is(err, syscall.EACCES):
		return errors.New("may only be opened by root")
	}
	return err
}

// holder names the process that listens on a port: its number and its command
// line, from /proc (proc(5), net/tcp).
func holder(port int) string {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for _, inode := range listeners(bufio.NewScanner(f), port) {
			inodes["socket:["+inode+"]"] = true
		}
		f.Close()
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		fds, err := os.ReadDir(filepath.Join(p, "fd"))
		if err != nil {
			continue // not ours to read
		}
		for _, fd := range fds {
			to, err := os.Readlink(filepath.Join(p, "fd", fd.Name()))
			if err == nil && inodes[to] {
				return "process " + filepath.Base(p) + " (" + commandLine(p) + ")"
			}
		}
	}
	return "an unknown process (run as root to see which)"
}

// Columns of /proc/net/tcp and the state of a listening socket.
const (
	columnLocal = 1
	columnState = 3
	columnInode = 9
	stateListen = "0A"
)

// listeners reads a table of /proc/net and returns the inodes of the sockets
// that listen on the port.
func listeners(table *bufio.Scanner, port int) []string {
	var out []string
	for table.Scan() {
		fields := strings.Fields(table.Text())
		if len(fields) <= columnInode || fields[columnState] != stateListen {
			continue
		}
		_, hex, ok := strings.Cut(fields[columnLocal], ":")
		n, err := strconv.ParseUint(hex, 16, 16)
		if ok && err == nil && int(n) == port {
			out = append(out, fields[columnInode])
		}
	}
	return out
}

// commandLine is a process's command line, cut to a readable length and free of
// anything that a terminal would obey.
func commandLine(process string) string {
	b, err := os.ReadFile(filepath.Join(process, "cmdline"))
	if err != nil || len(b) == 0 {
		b, err = os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			return "its command line cannot be read"
		}
	}
	s := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
	clean := strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
	const most = 160
	if r := []rune(clean); len(r) > most {
		clean = string(r[:most]) + "…"
	}
	return clean
}

// announcement is the line that --port-zero prints for the program that started
// the supervisor. Places are host:port.
type announcement struct {
	Screen    string `json:"screen"`
	Bench     string `json:"bench"`
	Central   string `json:"central"`
	Network   string `json:"network"` // the bench's network cable: the uplink's way to central
	Token     string `json:"token"`   // of the screen
	ScreenURL string `json:"screen_url"`
	BenchURL  string `json:"bench_url"`
	Dir       string `json:"dir"`
	Config    string `json:"config"`
	Socket    string `json:"socket"` // kioskd's admin socket
	Uplink    string `json:"uplink"` // the uplink's socket
	PID       int    `json:"pid"`    // the supervisor's
}

func (a announcement) line() string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and integers only
	}
	return string(b)
}
