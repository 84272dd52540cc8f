package pcsctest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

// driver is where Debian's vsmartcard-vpcd puts the virtual reader.
const driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"

// program is the daemon; its folder is not on everybody's path.
const program = "/usr/sbin/pcscd"

// firstPort is that of the first slot. In the tests' own network it is always
// free, being below the ports that the kernel gives to outgoing connections, which
// vpcd's own 0x8C7B is not: a card's connection could take it. An entry of the
// configuration has two slots, with adjacent ports.
const firstPort = 0x5000

// Daemon is a pcscd with empty virtual readers, for one test. It is started and
// stopped by one goroutine at a time; cards may come and go from any.
type Daemon struct {
	t       testing.TB
	dir     string
	readers []smartcard.Reader

	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}

	mu    sync.Mutex
	cards map[smartcard.Reader]*Card
	last  map[smartcard.Reader]*Card // pulled
}

// Start starts a daemon with so many readers (an even number, 16 at the most). It
// ends with the test.
func Start(t testing.TB, readers int) *Daemon {
	t.Helper()
	if refused != "" {
		t.Skip(refused)
	}
	if os.Getenv(inside) == "" {
		t.Fatal("pcsctest.Main was not called by TestMain")
	}
	d := &Daemon{t: t, dir: t.TempDir(), cards: map[smartcard.Reader]*Card{}, last: map[smartcard.Reader]*Card{}}
	for i := 0; i < readers; i += 2 {
		name := fmt.Sprintf("Virtual %c", 'A'+i/2)
		port := firstPort + i
		path := driver
		if i > 0 {
			path = d.copyDriver(i)
		}
		text := fmt.Sprintf("FRIENDLYNAME %q\nDEVICENAME /dev/null:%#X\nLIBPATH %s\nCHANNELID %#X\n", name, port, path, port)
		if err := os.WriteFile(filepath.Join(d.dir, fmt.Sprintf("reader%02d", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// pcscd numbers the readers of one name, and the slots of each.
		d.readers = append(d.readers, smartcard.Reader(name+" 00 00"), smartcard.Reader(name+" 00 01"))
	}
	d.StartService()
	t.Cleanup(func() {
		if d.cmd != nil {
			d.end(syscall.SIGTERM)
		}
		d.mu.Lock()
		for _, cards := range []map[smartcard.Reader]*Card{d.cards, d.last} {
			for _, c := range cards {
				c.Close()
			}
		}
		d.mu.Unlock()
		if t.Failed() && d.output.Len() > 0 {
			t.Logf("pcscd says:\n%s", d.output.String())
		}
	})
	return d
}

// copyDriver gives a further entry a library of its own. vpcd keeps its sockets by
// the number of the slot alone, so that two entries of one library answer for each
// other.
func (d *Daemon) copyDriver(i int) string {
	d.t.Helper()
	code, err := os.ReadFile(driver)
	if err != nil {
		d.t.Fatal(err)
	}
	path := filepath.Join(d.t.TempDir(), fmt.Sprintf("libifdvpcd%02d.so", i))
	if err := os.WriteFile(path, code, 0o755); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// Readers are the readers' names, as the daemon gives them.
func (d *Daemon) Readers() []smartcard.Reader { return d.readers }

// StartService starts the daemon, which takes the calls that come as soon as this
// returns: it is handed a socket that listens already (sd_listen_fds(3)).
func (d *Daemon) StartService() {
	d.t.Helper()
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		d.t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	file, err := listener.File()
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() {
		_ = file.Close() // the daemon has its own
		_ = listener.Close()
	}()
	d.cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" --foreground --error --config "$1"`, program, d.dir)
	d.cmd.Stdout, d.cmd.Stderr = &d.output, &d.output
	d.cmd.ExtraFiles = []*os.File{file} // descriptor 3
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	d.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		// The daemon is to die with this thread, so the thread must stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is ended by a signal
		}
	}(d.cmd, d.ended)
	if err := <-started; err != nil {
		d.t.Fatalf("pcscd: %v", err)
	}
}

// StopService kills the daemon as a crash would.
func (d *Daemon) StopService() { d.end(syscall.SIGKILL) }

// Freeze stops the daemon's processor time, and Thaw gives it back: it takes calls
// and does not answer. A signal stops a thread when that thread next takes it, so
// Freeze waits until every one of them has.
func (d *Daemon) Freeze() {
	d.t.Helper()
	d.signal(syscall.SIGSTOP)
	for until := time.Now().Add(10 * time.Second); !d.stopped(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			d.t.Fatal("pcscd does not stop")
		}
	}
}

// Thaw ends Freeze.
func (d *Daemon) Thaw() { d.signal(syscall.SIGCONT) }

// stopped reports whether each thread of the daemon is stopped: the state is the
// first field behind the name in brackets (proc_pid_stat(5)).
func (d *Daemon) stopped() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", d.PID()))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if i := bytes.LastIndexByte(stat, ')'); err != nil || i < 0 || !bytes.HasPrefix(stat[i:], []byte(") T")) {
			return false
		}
	}
	return true
}

// PID is the daemon's process.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

func (d *Daemon) signal(s syscall.Signal) {
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Errorf("pcscd: %v", err)
	}
}

func (d *Daemon) end(s syscall.Signal) {
	d.signal(s)
	if s != syscall.SIGKILL {
		select {
		case <-d.ended:
		case <-time.After(5 * time.Second):
			d.signal(syscall.SIGKILL)
		}
	}
	<-d.ended
	d.cmd = nil
	// The virtual reader closes its cards' connections; they come back by
	// themselves, as cards that stay in their readers do.
}

// Insert puts a card into an empty reader. The daemon looks for it every 0.4 s.
func (d *Daemon) Insert(r smartcard.Reader, chip smartcardtest.Chip) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cards[r] != nil {
		d.t.Fatalf("%s is full", r)
	}
	d.cards[r] = Insert(d.port(r), chip, d.last[r])
}

// Remove pulls what is in a reader.
func (d *Daemon) Remove(r smartcard.Reader) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.cards[r]; c != nil {
		c.Pull() // a chip may pull its own card, which cannot wait for itself
		delete(d.cards, r)
		d.last[r] = c
	}
}

func (d *Daemon) port(r smartcard.Reader) string {
	for i, name := range d.readers {
		if name == r {
			return fmt.Sprintf("127.0.0.1:%d", firstPort+i)
		}
	}
	names := make([]string, len(d.readers))
	for i, name := range d.readers {
		names[i] = string(name)
	}
	panic(fmt.Sprintf("pcsctest: no reader %s among %s", r, strings.Join(names, ", ")))
}
