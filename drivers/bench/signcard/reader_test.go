package signcard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests with OpenSC need a PC/SC daemon with a virtual reader. The reader's
// driver listens on all addresses and the daemon has one socket and one pid file
// a machine, so both get namespaces of their own: the test starts itself again in
// new user, network, mount and process namespaces, where it is root over an empty
// network and its own /run, and where nothing outlives it. This works for root
// and, where the kernel lets ordinary users make namespaces, for them.

// insideVariable tells a test that it runs in its own namespaces.
const insideVariable = "SIGNCARD_TEST_INSIDE"

// inOwnNamespaces runs the calling test again in its own namespaces and reports
// true there. Outside it reports false when that run is over.
func inOwnNamespaces(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) != "" {
		prepareNamespaces(t)
		return true
	}
	for _, tool := range []string{pcscd, "pkcs15-tool", "pkcs11-tool", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: needs the Debian packages pcscd, vsmartcard-vpcd, opensc, opensc-pkcs11 and openssl", err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=300s")
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this kernel does not let this user make namespaces, and the virtual reader must not listen on the machine's addresses: %v", err)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

// prepareNamespaces brings the loopback interface up and hides /run.
func prepareNamespaces(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatalf("lo: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("private mounts: %v", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatalf("/run: %v", err)
	}
	if err := os.Mkdir("/run/pcscd", 0o755); err != nil {
		t.Fatal(err)
	}
}

const (
	pcscd        = "/usr/sbin/pcscd" // not on an ordinary user's path
	readerPort   = "35963"
	readerDriver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
)

// startReader starts a PC/SC daemon with one virtual reader on a socket of its
// own, and returns how its clients find it.
func startReader(t *testing.T) (env []string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := os.Mkdir(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	reader := "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH " + readerDriver + "\nCHANNELID 0x8C7B\n"
	if err := os.WriteFile(filepath.Join(conf, "vpcd"), []byte(reader), 0o644); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "pcscd.comm")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" --foreground --error -c "$1"`, pcscd, conf)
	cmd.ExtraFiles = []*os.File{socket}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pcscd:\n%s", &said)
		}
		_ = socket.Close()
		_ = l.Close()
	})
	return append(os.Environ(), "PCSCLITE_CSOCK_NAME="+name, "HOME="+dir, "OPENSC_CONF="+filepath.Join(dir, "none"))
}

// insert puts a card into the virtual reader: it speaks the reader's protocol
// (length of two bytes, then a control byte or a command) until the test ends or
// the card is pulled out.
func insert(t *testing.T, c *Card) (remove func()) {
	t.Helper()
	var conn net.Conn
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if conn, err = net.Dial("tcp", "127.0.0.1:"+readerPort); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	var wait sync.WaitGroup
	wait.Go(func() { serve(conn.(*net.TCPConn), c) })
	remove = sync.OnceFunc(func() {
		_ = conn.Close()
		wait.Wait()
	})
	t.Cleanup(remove)
	return remove
}

// serve answers until the connection ends.
func serve(conn *net.TCPConn, c *Card) {
	defer conn.Close()
	_ = conn.SetNoDelay(true)
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	// The reader's driver writes length and body apart: without a quick
	// acknowledgement it waits 40 ms in between. The kernel forgets the wish.
	quick := func() {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	for {
		var head [2]byte
		quick()
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(head[:]))
		quick()
		if _, err := io.ReadFull(conn, msg); err != nil {
			return
		}
		var answer []byte
		switch {
		case len(msg) == 1 && msg[0] == 4:
			if answer = c.ATR(); answer == nil {
				answer = MuteATR
			}
		case len(msg) == 1:
			c.Reset()
			continue
		default:
			a := c.Exchange(msg)
			time.Sleep(a.Delay)
			if a.Drop {
				return
			}
			answer = a.Bytes
		}
		if len(answer) == 0 {
			continue // never a length of zero: the reader would wait on
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// waitForCard waits until the daemon sees a card, or none.
func waitForCard(t *testing.T, env []string, there bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := run(env, "opensc-tool", "-l")
		if err == nil && strings.Contains(out, "Yes") == there {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a card in the reader: want %v: %v\n%s", there, err, out)
		}
	}
}

func run(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
