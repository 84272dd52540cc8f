// Package socket opens the places where a program of the terminal listens: a Unix
// socket with its mode and group, or a listener that the service manager has
// opened and passes on.
//
// A passed listener lets a program live in a network namespace of its own: the
// socket belongs to the namespace in which the manager opened it, and the program
// needs no network to accept from it. It also outlives the program: who connects
// during a restart waits and is not refused.
package socket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Listen opens a Unix socket with a mode and, unless it is "", a group. A socket
// that a killed program has left is replaced; one on which somebody answers, or a
// file of another kind, is not.
func Listen(path string, mode fs.FileMode, group string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s is there and is no socket", path)
	default:
		c, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			c.Close()
			return nil, fmt.Errorf("somebody answers on %s already", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := own(path, mode, group); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func own(path string, mode fs.FileMode, group string) error {
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return err
		}
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return err
		}
		// The group first: the mode must never open the socket to another one.
		if err := os.Chown(path, -1, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}

// The environment of sd_listen_fds(3).
const (
	variablePID   = "LISTEN_PID"
	variableCount = "LISTEN_FDS"
	variableNames = "LISTEN_FDNAMES"
	firstFD       = 3 // SD_LISTEN_FDS_START
	mostFDs       = 16
)

// Passed is the listener of this name (FileDescriptorName= of the socket's unit)
// that the service manager passes; nil when it passes none to this process. That it
// passes others and not this one is an error: the units and the program disagree.
func Passed(name string) (net.Listener, error) {
	if pid, err := strconv.Atoi(os.Getenv(variablePID)); err != nil || pid != os.Getpid() {
		return nil, nil
	}
	n, err := strconv.Atoi(os.Getenv(variableCount))
	if err != nil || n < 0 || n > mostFDs {
		return nil, fmt.Errorf("%s=%q is no number of file descriptors", variableCount, os.Getenv(variableCount))
	}
	if n == 0 {
		return nil, nil
	}
	names := strings.Split(os.Getenv(variableNames), ":")
	i := slices.Index(names, name)
	if i < 0 || i >= n {
		return nil, fmt.Errorf("the service manager passes %d sockets named %q, and none named %q", n, os.Getenv(variableNames), name)
	}
	syscall.CloseOnExec(firstFD + i)
	f := os.NewFile(uintptr(firstFD+i), name)
	defer f.Close() // FileListener has its own copy
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the passed socket %q: %w", name, err)
	}
	return l, nil
}
