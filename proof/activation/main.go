// Command activation shows that the device process needs no network. The commands
// of both services of systemd/ are started under systemd-socket-activate:
// kiosk-uplink's beside the bench and central, and kioskd's in a network namespace
// without interfaces, from where it reaches the uplink's Unix socket, its devices
// and nothing else. A real browser comes to the passed socket and pays a
// notification in cash, to the farewell; then the same process is looked at from
// outside and from inside the namespace for a way out.
//
// The commands are the units' own, word for word, but for the program (of this
// checkout) and the configuration (of the rig: its ports, devices and folders). The
// units' users and sandbox need a service manager and are not shown here;
// scripts/units.sh has systemd judge them.
//
// It needs the right to make a network namespace (root, or CAP_SYS_ADMIN). It ends
// with 1 when anything is not so.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/proof/rig"
)

const (
	longest  = 4 * time.Minute  // for everything, on a busy machine
	stopWait = 45 * time.Second // TimeoutStopSec of kioskd.service
	dialWait = 2 * time.Second
)

// options say where things are.
type options struct{ binDir, units, script string }

func main() {
	var o options
	flag.StringVar(&o.binDir, "bin-dir", "bin", "folder of the programs")
	flag.StringVar(&o.units, "units", "systemd", "folder of the units")
	flag.StringVar(&o.script, "script", "kiosk-ui/e2e/visit.js", "what drives the browser")
	dial := flag.String("dial", "", "only try to reach these addresses, with commas between; for use inside the namespace")
	flag.Parse()
	if *dial != "" {
		reach(strings.Split(*dial, ","))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := show(ctx, o); err != nil {
		fmt.Println("activation: FAILED:", err)
		os.Exit(1)
	}
	fmt.Println("activation: passed, a browser's visit paid in cash to the farewell, served by a process without network")
}

func show(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	// What stands around the terminal: the bench with its devices, and central, where
	// the terminal is enrolled. The unit's folders and devices are those of the rig.
	r, err := rig.Start(ctx, rig.Options{BinDir: o.binDir, Quiet: true, Bare: true})
	if err != nil {
		return err
	}
	defer r.Stop()
	up, err := activate(ctx, o, r, "kiosk-uplink", r.Uplink)
	if err != nil {
		return err
	}
	run, err := activate(ctx, o, r, "kioskd", r.Terminal.Screen, withoutNetwork()...)
	if err != nil {
		return errors.Join(err, up.stop())
	}
	whileThere, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, a := range []*activated{run, up} {
		go func() {
			select {
			case <-a.ended: // nothing more will come of the visit
				cancel()
			case <-whileThere.Done():
			}
		}()
	}
	err = visit(whileThere, o, r, run.cmd.Process.Pid)
	// What ended before it was told to has failed, whatever the visit has shown.
	err = errors.Join(err, run.stop(), up.stop())
	if err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, run.words(), up.words())
	}
	return nil
}

// withoutNetwork starts a command with a network of its own that has nothing in it. An
// ordinary user may do that as the owner of a user namespace only (user_namespaces(7)).
func withoutNetwork() []string {
	if os.Getuid() == 0 {
		return []string{"unshare", "--net", "--"}
	}
	return []string{"unshare", "--user", "--map-current-user", "--net", "--"}
}

// activated is a unit's command under systemd-socket-activate, which becomes the
// command with the first connection and keeps its process id.
type activated struct {
	unit  string
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	how   error // read after ended
}

// activate starts the command of a service as its socket's unit says, at another
// address; within is what the command is started by.
func activate(ctx context.Context, o options, r *rig.Rig, unit, address string, within ...string) (*activated, error) {
	command, err := unitCommand(filepath.Join(o.units, unit+".service"), filepath.Join(o.binDir, "kioskd"), filepath.Join(r.Dir, "etc", "kioskd.toml"))
	if err != nil {
		return nil, err
	}
	name, err := setting(filepath.Join(o.units, unit+".socket"), "FileDescriptorName")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(r.Dir, "log", unit+".log"))
	if err != nil {
		return nil, err
	}
	args := append([]string{"--listen", address, "--fdname", name}, within...)
	cmd := exec.CommandContext(ctx, "systemd-socket-activate", append(args, command...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	a := &activated{unit: unit, cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		a.how = cmd.Wait()
		close(a.ended)
	}()
	return a, nil
}

func (a *activated) stop() error {
	_ = a.cmd.Process.Signal(syscall.SIGTERM) // one that is gone has left its status
	<-a.ended
	if err := errors.Join(a.how, a.log.Close()); err != nil {
		return fmt.Errorf("the end of %s: %w", a.unit, err)
	}
	return nil
}

func (a *activated) words() []byte {
	words, _ := os.ReadFile(a.log.Name())
	return words
}

// visit has a person pay at the screen, and looks at the process.
func visit(ctx context.Context, o options, r *rig.Rig, pid int) error {
	if err := r.Offered(ctx); err != nil {
		return err
	}
	at, err := json.Marshal(struct {
		Screen    string `json:"screen"`
		Bench     string `json:"bench"`
		Central   string `json:"central"`
		ScreenURL string `json:"screen_url"`
	}{r.Terminal.Screen, r.Terminal.Bench, r.Terminal.Central, r.ScreenURL})
	if err != nil {
		return err
	}
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", o.script, string(at))
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &says, time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the visit of a browser: %w: %s", err, says.String())
	}
	fmt.Print(out.String())
	return walled(ctx, r, pid) // the very process that took the money
}

// walled looks for a way out of the process's network.
func walled(ctx context.Context, r *rig.Rig, pid int) error {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	comm, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil || strings.TrimSpace(string(comm)) != "kioskd" {
		return fmt.Errorf("process %d is %q: %v", pid, comm, err)
	}
	own, _ := os.Readlink("/proc/self/ns/net")
	if theirs, err := os.Readlink(filepath.Join(proc, "ns", "net")); err != nil || theirs == own {
		return fmt.Errorf("its network is this one: %s, %v", theirs, err)
	}
	for file, headings := range map[string]int{"net/dev": 2, "net/route": 1, "net/tcp": 1, "net/tcp6": 1, "net/udp": 1} {
		lines, err := tableOf(filepath.Join(proc, file), headings)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if file == "net/dev" && strings.HasPrefix(strings.TrimSpace(l), "lo:") {
				continue // always there, and down
			}
			return fmt.Errorf("%s has %q", file, l)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	to := strings.Join([]string{r.Terminal.Screen, r.Terminal.Central, r.Terminal.Bench, "192.0.2.1:443", "[2001:db8::1]:443", "[::1]:80"}, ",")
	enter := []string{"--net=" + filepath.Join(proc, "ns", "net")}
	if os.Getuid() != 0 {
		enter = append(enter, "--user="+filepath.Join(proc, "ns", "user"), "--preserve-credentials")
	}
	out, err := exec.CommandContext(ctx, "nsenter", append(enter, self, "--dial", to)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("a way out: %w\n%s", err, out)
	}
	fmt.Printf("in its network: %s", out)
	return nil
}

// reach tries each address; the exit code is 1 if one can be reached.
func reach(addresses []string) {
	for _, a := range addresses {
		c, err := net.DialTimeout("tcp", a, dialWait)
		if err == nil {
			_ = c.Close()
			fmt.Printf("%s can be reached\n", a)
			os.Exit(1)
		}
	}
	fmt.Printf("none of %d addresses can be reached\n", len(addresses))
}

// tableOf is a table of /proc without its headings.
func tableOf(path string, headings int) (lines []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if headings--; headings < 0 {
			lines = append(lines, s.Text())
		}
	}
	return lines, nil
}

// setting is the value of a key that a unit has once.
func setting(unit, key string) (string, error) {
	b, err := os.ReadFile(unit)
	if err != nil {
		return "", err
	}
	all := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(key)+`=(.*)$`).FindAllStringSubmatch(string(b), -1)
	if len(all) != 1 {
		return "", fmt.Errorf("%s has %s= %d times", unit, key, len(all))
	}
	return strings.TrimSpace(all[0][1]), nil
}

// unitCommand is the command of a unit, with the places of this checkout.
func unitCommand(unit, program, cfg string) ([]string, error) {
	line, err := setting(unit, "ExecStart")
	if err != nil {
		return nil, err
	}
	words := strings.Fields(line)
	for i, w := range words {
		switch w {
		case "/usr/bin/kioskd":
			words[i] = program
		case "/etc/kioskd/kioskd.toml":
			words[i] = cfg
		}
	}
	if words[0] != program || words[len(words)-1] != cfg {
		return nil, fmt.Errorf("%s: ExecStart=%s is not as expected", unit, line)
	}
	return words, nil
}
