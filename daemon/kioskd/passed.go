package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The service manager may open sockets before it starts a program and pass them
// on (sd_listen_fds(3)): LISTEN_FDS of them, from descriptor 3 on, called as
// LISTEN_FDNAMES says, for the process LISTEN_PID. So the browser's connection
// waits while the daemon is started again, and the daemon needs no network of its
// own to be reached.

// Names of the sockets that are passed, as the units have them
// (FileDescriptorName=).
const passedScreen = "screen"

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3

// mostPassed bounds what is believed of LISTEN_FDS.
const mostPassed = 16

// passedListeners takes over the sockets that were passed to this process, by
// their names; none is no error. Only the names that are known are taken: another
// one is a mistake in the units. The variables are gone afterwards, so that no
// child takes them for its own.
func passedListeners(known ...string) (map[string]net.Listener, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // meant for another process, or nobody passed any
	}
	return takeOver(firstPassed, count, names, known)
}

// takeOver makes listeners of the descriptors from first on.
func takeOver(first int, count, names string, known []string) (_ map[string]net.Listener, err error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > mostPassed {
		return nil, fmt.Errorf("passed sockets: LISTEN_FDS is %q", count)
	}
	list := strings.Split(names, ":")
	if n > 0 && len(list) != n {
		return nil, fmt.Errorf("passed sockets: %d are passed and LISTEN_FDNAMES names %q", n, names)
	}
	out := map[string]net.Listener{}
	defer func() {
		if err != nil {
			for _, l := range out {
				_ = l.Close()
			}
		}
	}()
	for i := range n {
		// The listener works on a copy that no child inherits.
		f := os.NewFile(uintptr(first+i), list[i])
		syscall.CloseOnExec(first + i)
		l, lerr := net.FileListener(f)
		err = errors.Join(lerr, f.Close())
		if err != nil {
			return nil, fmt.Errorf("passed socket %q: %w", list[i], err)
		}
		if !slices.Contains(known, list[i]) || out[list[i]] != nil {
			_ = l.Close()
			return nil, fmt.Errorf("passed sockets: %q; allowed, each once: %s (FileDescriptorName= in the socket's unit)", list[i], strings.Join(known, ", "))
		}
		out[list[i]] = l
	}
	return out, nil
}

// screenListener is the passed socket, or one that is opened here when the daemon
// was started by hand. The page is told one address and must find the screen
// there, so both have to agree.
func screenListener(passed net.Listener, address string) (net.Listener, error) {
	if passed == nil {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("the screen's address: %w", err)
		}
		return l, nil
	}
	if at := passed.Addr(); at.Network() != "tcp" || at.String() != address {
		return nil, fmt.Errorf("the service manager has opened %s for the screen, and screen.listen says %s: make ListenStream= and the configuration the same", at, address)
	}
	return passed, nil
}
