// Command activation shows that the device process needs no network: it starts the
// command of systemd/kioskd.service under systemd-socket-activate in a network
// namespace without interfaces, visits the screen through the passed socket with a
// robot and with a browser, and looks from inside the namespace for a way out.
//
// It needs the right to make a network namespace (root, or CAP_SYS_ADMIN). It ends
// with 1 when anything is not so.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/proof/rig"
)

const (
	startWait = time.Minute
	stopWait  = 45 * time.Second // TimeoutStopSec of the unit
	dialWait  = 2 * time.Second
)

func main() {
	binDir := flag.String("bin-dir", "bin", "folder of the programs")
	units := flag.String("units", "systemd", "folder of the units")
	dial := flag.String("dial", "", "only try to reach these addresses, with commas between; for use inside the namespace")
	flag.Parse()
	if *dial != "" {
		reach(strings.Split(*dial, ","))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := show(ctx, *binDir, *units); err != nil {
		fmt.Println("activation: FAILED:", err)
		os.Exit(1)
	}
	fmt.Println("activation: passed, a screen served through a passed socket by a process without network")
}

func show(ctx context.Context, binDir, units string) error {
	dir, err := os.MkdirTemp("", "kiosk-activation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true, Dir: dir})
	if err != nil {
		return err
	}
	r.Stop() // what it prepared stays
	command, err := unitCommand(filepath.Join(units, "kioskd.service"), filepath.Join(binDir, "kioskd"), filepath.Join(dir, "etc", "kioskd.toml"))
	if err != nil {
		return err
	}
	name, err := setting(filepath.Join(units, "kioskd.socket"), "FileDescriptorName")
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "kioskd.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	args := append([]string{"--listen", r.Terminal.Screen, "--fdname", name, "unshare", "--net", "--"}, command...)
	cmd := exec.CommandContext(ctx, "systemd-socket-activate", args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	if err := cmd.Start(); err != nil {
		return err
	}
	err = visit(ctx, r, cmd.Process.Pid)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if werr := cmd.Wait(); err == nil && werr != nil {
		err = fmt.Errorf("the stop: %w", werr)
	}
	if err != nil {
		words, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, words)
	}
	return nil
}

// visit looks at the screen as a robot and a browser, and at the process.
func visit(ctx context.Context, r *rig.Rig, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*startWait)
	defer cancel()
	resp, err := get(ctx, "http://"+r.Terminal.Screen+"/")
	for err != nil && ctx.Err() == nil && errors.Is(err, syscall.ECONNREFUSED) { // the socket is not open yet
		time.Sleep(50 * time.Millisecond)
		resp, err = get(ctx, "http://"+r.Terminal.Screen+"/")
	}
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	if !strings.Contains(resp, "<script") {
		return fmt.Errorf("the page is %q", resp)
	}
	page, err := r.Terminal.Open(ctx)
	if err != nil {
		return err
	}
	step := page.State.Visit.Step
	page.Close()
	if step == "" {
		return errors.New("the screen shows no step")
	}
	fmt.Printf("the robot at the passed socket sees %s\n", step)
	if err := browser(ctx, r.ScreenURL, step); err != nil {
		return err
	}
	return walled(ctx, r, pid)
}

// browser has a real browser draw the screen.
func browser(ctx context.Context, url string, step wire.Step) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	profile, err := os.MkdirTemp("", "kiosk-browser-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	cmd := exec.CommandContext(ctx, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+profile, "--virtual-time-budget=6000", "--dump-dom", url)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the browser: %w", err)
	}
	if want := `data-step="` + string(step) + `"`; !strings.Contains(string(out), want) {
		return fmt.Errorf("the browser does not draw %s: %.2000s", step, out)
	}
	fmt.Printf("the browser draws %s\n", step)
	return nil
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
	out, err := exec.CommandContext(ctx, "nsenter", "--net="+filepath.Join(proc, "ns", "net"), self, "--dial", to).CombinedOutput()
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

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(b), err
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
