// Package pcsctest runs tests against the real PC/SC daemon with a virtual reader
// (vsmartcard's vpcd), in which cards written in Go are inserted and pulled.
//
// The virtual reader listens on every address of its network, so the tests run in
// a network of their own: Main starts the test program again in fresh user,
// network and mount namespaces, as an ordinary user or as root, and there the
// daemon has a /run of its own and nobody outside can insert a card.
// (protocols/esign-card.md 13)
//
//	func TestMain(m *testing.M) { pcsctest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		d := pcsctest.Start(t, 2)
//		d.Insert(d.Readers()[0], chip)
//		...
//	}
//
// The library finds the daemon by an environment variable that it reads once. So
// a process has one socket, and one Daemon at a time.
package pcsctest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in the program that runs in the namespaces, which are empty at
// first.
const inside = "KIOSK_PCSCTEST_INSIDE"

// SocketVariable tells libpcsclite where the daemon is.
const SocketVariable = "PCSCLITE_CSOCK_NAME"

// socket is where Daemon listens; /run is a file system of the tests' own.
const socket = "/run/pcsctest.comm"

// refused is why this machine has no namespaces for us; tests that need them are
// skipped with it.
var refused string

// Main runs the tests in namespaces of their own. Where the kernel's settings
// forbid these, it runs them here, and those that call Start are skipped.
func Main(m *testing.M) {
	switch os.Getenv(inside) {
	case "empty":
		if err := furnish(); err != nil {
			refused = err.Error()
		}
		_ = os.Setenv(inside, "furnished") // for the workers of a fuzz run, which this program starts; the name is a good one
		os.Exit(m.Run())
	case "furnished":
		os.Exit(m.Run())
	}
	code, err := again()
	if err == nil {
		os.Exit(code)
	}
	refused = err.Error()
	os.Exit(m.Run())
}

// again runs this program in namespaces and gives its exit code.
func again() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	// The child is to die with this thread, so the thread must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), inside+"=empty", SocketVariable+"="+socket)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("this machine gives an ordinary program no namespaces of its own (%w), and the virtual reader must not be open to the network", err)
	}
	ended := make(chan struct{})
	forwarded := make(chan struct{})
	go func() {
		defer close(forwarded)
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s) // it may have ended just now
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	<-forwarded
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, nil
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 1, nil
}

// furnish brings the loopback interface up and puts an empty /run into place.
func furnish() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer func() { _ = unix.Close(s) }() // nothing was written
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of our own: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("a /run of our own: %w", err)
	}
	return nil
}
