package vpcd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// holdCommand is the hidden argument with which a program is the process inside.
const holdCommand = "hold-readers"

// Inside reports whether this process was started by Start to be the first one of
// the namespaces.
func Inside() bool { return len(os.Args) == 2 && os.Args[1] == holdCommand && os.Getpid() == 1 }

// Slots. vpcd has two for each entry of its configuration, on this port and the
// next; both are free, since nothing else is inside.
const (
	firstPort = 0x8C7B
	slots     = 2
)

// Places inside. /run is a file system of its own there.
const (
	driver     = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
	drivers    = "/usr/lib/pcsc/drivers"
	ownFolder  = "/run/readers"
	ownDriver  = ownFolder + "/libifdvpcd.so"
	confFolder = ownFolder + "/conf"
)

// ReaderName is the readers' name; pcscd adds the number of reader and slot.
const ReaderName = "Virtual Reader"

// configuration is a file of reader.conf(5).
var configuration = fmt.Sprintf("FRIENDLYNAME %q\nDEVICENAME /dev/null:%#X\nLIBPATH %s\nCHANNELID %#X\n",
	ReaderName, firstPort, ownDriver, firstPort)

// Times inside.
const (
	launchWait = 10 * time.Second // for pcscd to have its slots open
	launchGap  = 2 * time.Millisecond
	dialWait   = time.Second
)

// Hold furnishes the namespaces and carries out orders until the other side is
// gone. What it returns is the exit status; with it everything inside ends.
func Hold() int {
	conn, err := controlConn(os.NewFile(3, "control socket"))
	if err != nil {
		slog.Error("readers", "error", err)
		return 1
	}
	ready := note{Notice: noticeReady}
	if err := furnish(); err != nil {
		ready.Error = err.Error()
	}
	if err := send(conn, ready, nil); err != nil || ready.Error != "" {
		return 1
	}
	h := &holder{conn: conn}
	for {
		order, file, err := receive(conn)
		if err != nil {
			h.kill()
			if errors.Is(err, io.EOF) {
				return 0
			}
			slog.Error("readers", "error", err)
			return 1
		}
		h.obey(order, file)
	}
}

// furnish makes the loopback interface and the places.
func furnish() error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	image, err := os.ReadFile(driver)
	if err != nil {
		return fmt.Errorf("vpcd's driver (Debian package vsmartcard-vpcd): %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	if err := unix.Mount("readers", "/run", "tmpfs", flags, "mode=0755,size=8m"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	// Without the drivers of this machine's own readers pcscd cannot take those.
	if err := unix.Mount("readers", drivers, "tmpfs", flags|unix.MS_RDONLY, "mode=0755,size=4k"); err != nil {
		return fmt.Errorf("mount %s: %w", drivers, err)
	}
	return errors.Join(
		os.MkdirAll(confFolder, 0o755),
		os.WriteFile(ownDriver, image, 0o755),
		os.WriteFile(filepath.Join(confFolder, "readers"), []byte(configuration), 0o644))
}

// loopbackUp sets the interface's flag (netdevice(7)); its addresses come with it.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// holder is the process inside.
type holder struct {
	conn *net.UnixConn

	mu    sync.Mutex    // held while messages about pcscd are sent: they come in order
	pcscd *exec.Cmd     // nil: none runs
	told  bool          // the other side knows that it runs
	ended chan struct{} // closed when it has ended, and that was told
}

// obey carries out an order and answers it.
func (h *holder) obey(order note, file *os.File) {
	var out *os.File
	var err error
	switch order.Order {
	case orderLaunch:
		if err = h.launch(file); err == nil {
			err = h.tell()
		}
	case orderKill:
		if !h.kill() {
			err = errors.New("pcscd does not run")
		}
	case orderDial:
		out, err = dial(order.Slot)
	default:
		err = fmt.Errorf("unknown order %q", order.Order)
	}
	if order.Order != orderLaunch || err != nil {
		answer := note{Order: order.Order}
		if err != nil {
			answer.Error = err.Error()
		}
		if err := send(h.conn, answer, out); err != nil {
			slog.Error("readers", "order", order.Order, "error", err)
		}
	}
	for _, f := range []*os.File{file, out} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// launch starts pcscd with the clients' socket as its third descriptor, and waits
// until both slots can be reached. sd_listen_fds(3) wants the process's own number
// in LISTEN_PID, which only the process itself knows.
func (h *holder) launch(socket *os.File) error {
	if socket == nil {
		return errors.New("no socket came with the order")
	}
	h.mu.Lock()
	running := h.pcscd != nil
	h.mu.Unlock()
	if running {
		return errors.New("pcscd runs already")
	}
	path, err := exec.LookPath("pcscd")
	if err != nil {
		path = "/usr/sbin/pcscd" // not on an ordinary user's path
	}
	args := []string{"-c", `export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"`, path, "--foreground", "--error", "-c", confFolder}
	if help, err := exec.Command(path, "--help").CombinedOutput(); err == nil && strings.Contains(string(help), "--disable-polkit") {
		args = append(args, "--disable-polkit") // nobody can be asked in here
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	h.mu.Lock()
	h.pcscd, h.ended = cmd, ended
	h.mu.Unlock()
	go func() {
		text := "ended with exit status 0"
		if err := cmd.Wait(); err != nil {
			text = err.Error()
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.told {
			_ = send(h.conn, note{Notice: noticeEnded, Text: text}, nil) // nobody there: all ends anyway
		}
		h.pcscd, h.told = nil, false
		close(ended)
	}()
	for until := time.Now().Add(launchWait); ; {
		open, err := slotsOpen()
		if err != nil || open {
			return err
		}
		if time.Now().After(until) {
			h.kill()
			return fmt.Errorf("pcscd has not opened its readers after %v", launchWait)
		}
		select {
		case <-ended:
			return fmt.Errorf("pcscd (Debian package pcscd) ended at once: %s", cmd.ProcessState)
		case <-time.After(launchGap):
		}
	}
}

// tell answers a launch that went well, unless pcscd has died meanwhile.
func (h *holder) tell() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pcscd == nil {
		return errors.New("pcscd ended as soon as it was ready")
	}
	h.told = true
	return send(h.conn, note{Order: orderLaunch}, nil)
}

// kill ends pcscd by force and waits for it; false: none runs.
func (h *holder) kill() bool {
	h.mu.Lock()
	cmd, ended := h.pcscd, h.ended
	h.mu.Unlock()
	if cmd == nil {
		return false
	}
	_ = cmd.Process.Kill() // it may have ended meanwhile
	<-ended
	return true
}

// slotsOpen looks whether all ports are listened on. A connection to try would be
// a card to the reader.
func slotsOpen() (bool, error) {
	f, err := os.Open("/proc/self/net/tcp") // proc_pid_net(5): of this process's network
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	const listening = "0A"
	open := 0
	for table := bufio.NewScanner(f); table.Scan(); {
		fields := strings.Fields(table.Text())
		if len(fields) < 4 || fields[3] != listening {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil && port >= firstPort && port < firstPort+slots {
			open++
		}
	}
	return open == slots, nil
}

// dial connects to a slot.
func dial(slot int) (*os.File, error) {
	if slot < 0 || slot >= slots {
		return nil, fmt.Errorf("no slot %d", slot)
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialWait)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+slot)))
	if err != nil {
		return nil, err
	}
	f, err := conn.(*net.TCPConn).File()
	return f, errors.Join(err, conn.Close())
}
