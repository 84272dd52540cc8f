package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
)

// stage is a folder with programs, a source of services, and a place for a
// terminal.
type stage struct{ bin, catalogue, dir string }

func newStage(t *testing.T) stage {
	t.Helper()
	base := t.TempDir()
	s := stage{filepath.Join(base, "bin"), filepath.Join(base, "catalogue"), filepath.Join(base, "run")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{s.bin, s.catalogue} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append([]string{"supervisor", "squatter"}, programs...) {
		if err := os.Symlink(self, filepath.Join(s.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.services(t, "[]")
	return s
}

func (s stage) services(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.catalogue, "services.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s stage) read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{s.dir}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// terminal is a running supervisor.
type terminal struct {
	stage
	announcement
	cmd *exec.Cmd

	mu    sync.Mutex
	lines []string
	fresh chan struct{} // a line has come
	eof   chan struct{}
}

// launch starts a supervisor as a process of its own and does not wait.
func (s stage) launch(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	args = append([]string{"--dir", s.dir, "--bin-dir", s.bin, "--catalogue", s.catalogue}, args...)
	tm := &terminal{stage: s, cmd: exec.Command(filepath.Join(s.bin, "supervisor"), args...), fresh: make(chan struct{}, 1), eof: make(chan struct{})}
	// A program with the race detector rests a second before it ends, by default.
	tm.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	tm.cmd.Stdout, tm.cmd.Stderr = w, w
	if err := tm.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer close(tm.eof)
		defer r.Close()
		scan := bufio.NewScanner(r)
		for scan.Scan() {
			tm.mu.Lock()
			tm.lines = append(tm.lines, scan.Text())
			tm.mu.Unlock()
			select {
			case tm.fresh <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = tm.cmd.Process.Kill() // a no-op for one that has been waited for
		_ = tm.cmd.Wait()
		<-tm.eof
	})
	return tm
}

// start launches on free ports and waits until it says that it is ready.
func (s stage) start(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	tm := s.launch(t, env, append([]string{"--port-zero"}, args...)...)
	tm.wait(t, "The terminal is ready.")
	first := tm.output()
	first = first[slices.IndexFunc(first, func(l string) bool { return strings.HasPrefix(l, "{") }):]
	if err := json.Unmarshal([]byte(first[0]), &tm.announcement); err != nil {
		t.Fatalf("%v in %q", err, first[0])
	}
	return tm
}

func (tm *terminal) output() []string {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return slices.Clone(tm.lines)
}

// wait returns the first line that holds text.
func (tm *terminal) wait(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		for _, l := range tm.output() {
			if strings.Contains(l, text) {
				return l
			}
		}
		select {
		case <-tm.fresh:
		case <-tm.eof:
			if !slices.ContainsFunc(tm.output(), func(l string) bool { return strings.Contains(l, text) }) {
				t.Fatalf("it ended without %q:\n%s", text, strings.Join(tm.output(), "\n"))
			}
		case <-deadline:
			t.Fatalf("no %q in\n%s", text, strings.Join(tm.output(), "\n"))
		}
	}
}

// stop sends a signal and returns how long the end took and its exit status.
func (tm *terminal) stop(t *testing.T, sig os.Signal) (time.Duration, int) {
	t.Helper()
	began := time.Now()
	if err := tm.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	_ = tm.cmd.Wait()
	took := time.Since(began)
	<-tm.eof
	return took, tm.cmd.ProcessState.ExitCode()
}

func (tm *terminal) pid(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(tm.read(t, name+".pid")))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func body(t *testing.T, url string) string {
	t.Helper()
	url, _, _ = strings.Cut(url, "#")
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// nothingLeft checks that no process, device, socket or mark of running remains.
func (s stage) nothingLeft(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left: %s", pid, commandLine(fmt.Sprintf("/proc/%d", pid)))
		}
	}
	for _, name := range []string{"dev/validator", "dev/printer", "runtime/admin.sock", "runtime/uplink.sock", "pcscd.comm", "kioskd.pid", "uplink.pid", "bench.pid", "centrald.pid"} {
		if _, err := os.Lstat(filepath.Join(s.dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func TestFirstStartToEnd(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, nil, "--record")
	ready := tm.wait(t, "ready")
	if want := "The terminal is ready.  Screen: " + tm.ScreenURL + "  Bench: " + tm.BenchURL; ready != want {
		t.Errorf("ready line\n%s\nwant\n%s", ready, want)
	}
	token := strings.TrimSpace(s.read(t, "etc", "screen.token"))
	if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/#token=` + regexp.QuoteMeta(token) + `$`).MatchString(tm.ScreenURL) {
		t.Errorf("launch address %q has not the token %q", tm.ScreenURL, token)
	}
	if tm.Token != token || tm.ScreenURL != "http://"+tm.announcement.Screen+"/#token="+token || tm.PID != tm.cmd.Process.Pid {
		t.Errorf("announced %+v", tm.announcement)
	}
	if got := body(t, tm.ScreenURL); got != token {
		t.Errorf("the screen says %q; want the token that its configuration names", got)
	}
	if got := body(t, tm.BenchURL); got != tm.ScreenURL {
		t.Errorf("the bench links to %q, want %q", got, tm.ScreenURL)
	}
	c, err := config.Load(tm.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ what, got, want string }{
		{"identity", c.Terminal.ID, strings.TrimSpace(s.read(t, "etc", "terminal.id"))},
		{"acceptor", c.Acceptor.Port, filepath.Join(s.dir, "dev", "validator")},
		{"printer", c.Printer.Port, filepath.Join(s.dir, "dev", "printer")},
		{"panel", c.Panel.Port, filepath.Join(s.dir, "dev", "panel")},
		{"people", c.Upkeep.People, filepath.Join(s.dir, "etc", "people.json")},
		{"the uplink", c.Central.Socket, tm.Uplink},
		{"central through the network cable", c.Uplink.Central.String(), "https://" + tm.Network},
		{"enrolment through it", s.read(t, "etc", "identity", "central"), "https://" + tm.Network},
		{"line log", s.read(t, "log", "line.log"), "line log"},
		{"central's store", s.read(t, "central", "central.db"), "ledger"},
	} {
		if x.got != x.want {
			t.Errorf("%s: %q, want %q", x.what, x.got, x.want)
		}
	}
	for name, mode := range map[string]os.FileMode{"etc/signing.key": 0o400, "etc/screen.token": 0o600, "etc/people.json": 0o600, "etc": 0o700 | os.ModeDir, "state": 0o700 | os.ModeDir, "etc/kioskd.toml": 0o600} {
		if info, err := os.Stat(filepath.Join(s.dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
	pids := []int{tm.pid(t, "bench"), tm.pid(t, "centrald"), tm.pid(t, "uplink"), tm.pid(t, "kioskd")}
	for i, pid := range pids {
		if group, err := syscall.Getpgid(pid); err != nil || group != pid {
			t.Errorf("program %d has process group %d (%v), want its own, %d", i, group, err, pid)
		}
	}
	took, status := tm.stop(t, syscall.SIGINT)
	if took > 2*time.Second || status != 0 {
		t.Errorf("the end took %v with status %d; want at most 2 s and 0", took, status)
	}
	s.nothingLeft(t, pids...)
}

// TestSecondStartKeeps: identity, keys, token, bundle and configuration are made
// once; a changed source of services makes a new bundle and nothing else.
func TestSecondStartKeeps(t *testing.T) {
	s := newStage(t)
	kept := []string{"etc/terminal.id", "etc/signing.key", "etc/screen.token", "etc/catalogue/root.json", "etc/bundle/manifest.json"}
	snap := func() map[string]string {
		m := map[string]string{}
		for _, k := range kept {
			m[k] = s.read(t, k)
		}
		return m
	}
	s.start(t, nil).stop(t, syscall.SIGTERM)
	first := snap()
	s.start(t, nil).stop(t, syscall.SIGTERM)
	for k, v := range snap() {
		if v != first[k] {
			t.Errorf("%s changed from %q to %q", k, first[k], v)
		}
	}
	s.services(t, `["pay"]`)
	s.start(t, nil).stop(t, syscall.SIGTERM)
	for k, v := range snap() {
		if changed := v != first[k]; changed != (k == "etc/bundle/manifest.json") {
			t.Errorf("%s after a change of the services: changed %v", k, changed)
		}
	}
	if ids := strings.Fields(s.read(t, "state", "journal")); len(ids) != 3 || ids[0] != ids[2] {
		t.Errorf("three starts wrote %v", ids)
	}
}

// TestKilledDaemonComesBack: one line is printed, and the bench does not notice.
func TestKilledDaemonComesBack(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, nil)
	bench, first := tm.pid(t, "bench"), tm.pid(t, "kioskd")
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	tm.wait(t, "kioskd was ended by signal 9 (killed); starting it again in 0.2 s")
	eventually(t, "kioskd answers again", func() bool {
		resp, err := http.Get(strings.Split(tm.ScreenURL, "#")[0])
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	if second := tm.pid(t, "kioskd"); second == first || tm.pid(t, "bench") != bench {
		t.Errorf("kioskd %d then %d, bench %d then %d", first, second, bench, tm.pid(t, "bench"))
	}
	told := 0
	for _, l := range tm.output() {
		if strings.Contains(l, "starting it again") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d lines about one death:\n%s", told, strings.Join(tm.output(), "\n"))
	}
	tm.stop(t, syscall.SIGTERM)
	s.nothingLeft(t, bench)
}

// TestFaultOnlyOnce: the fault point kills the first kioskd and not the second,
// and a fault point in the supervisor's own environment reaches nobody.
func TestFaultOnlyOnce(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, []string{faultVariable + "=everything:1"}, "--fault", "till.stacked.durable:2", "--quiet")
	tm.stop(t, syscall.SIGTERM)
	if log := s.read(t, "log", "kioskd.log"); strings.Count(log, "killed at") != 1 || !strings.Contains(log, "killed at till.stacked.durable:2") {
		t.Errorf("log of kioskd:\n%s", log)
	}
	var kinds []string
	for _, l := range tm.output() {
		kinds = append(kinds, strings.Fields(l)[0])
	}
	if strings.HasPrefix(kinds[0], "{") {
		kinds[0] = "{}"
	}
	if fmt.Sprint(kinds) != "[{} kioskd The]" {
		t.Errorf("a quiet start printed\n%s", strings.Join(tm.output(), "\n"))
	}
}

// TestWithoutKioskd: everything around the terminal is there, and its two places
// are free for another service manager.
func TestWithoutKioskd(t *testing.T) {
	s := newStage(t)
	tm := s.launch(t, nil, "--port-zero", "--without-kioskd")
	tm.wait(t, "Everything around the terminal is ready.")
	pids := []int{tm.pid(t, "bench"), tm.pid(t, "centrald")}
	for _, name := range []string{"uplink.pid", "kioskd.pid", "runtime/uplink.sock"} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, status := tm.stop(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d", status)
	}
	s.nothingLeft(t, pids...)
}

func TestStubbornProgramIsKilledInTime(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, []string{"FAKE_KIOSKD=stubborn"})
	pids := []int{tm.pid(t, "bench"), tm.pid(t, "centrald"), tm.pid(t, "uplink"), tm.pid(t, "kioskd")}
	if took, status := tm.stop(t, syscall.SIGTERM); took > 2*time.Second || status != 0 {
		t.Errorf("the end took %v with status %d; want at most 2 s and 0", took, status)
	}
	s.nothingLeft(t, pids...)
}

// TestKilledSupervisorTakesAllWithIt: nothing can be swept then, but no process
// stays, and the next start finds its folder free.
func TestKilledSupervisorTakesAllWithIt(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, nil)
	pids := []int{tm.pid(t, "bench"), tm.pid(t, "centrald"), tm.pid(t, "uplink"), tm.pid(t, "kioskd")}
	tm.stop(t, syscall.SIGKILL)
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return !alive(pid) })
	}
	s.start(t, nil).stop(t, syscall.SIGTERM)
	s.nothingLeft(t)
}

func TestOneTerminalInAFolder(t *testing.T) {
	s := newStage(t)
	tm := s.start(t, nil)
	second := s.launch(t, nil, "--port-zero")
	second.wait(t, fmt.Sprintf("supervisor: %s is in use by a running terminal (process %d): end that one first", s.dir, tm.PID))
	if err := second.cmd.Wait(); err == nil || second.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("second start: %v", err)
	}
	out, err := exec.Command(filepath.Join(s.bin, "supervisor"), "reset", "--dir", s.dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is in use by a running terminal") {
		t.Errorf("reset while running: %v\n%s", err, out)
	}
	if body(t, tm.ScreenURL) == "" {
		t.Error("the first one no longer answers")
	}
	tm.stop(t, syscall.SIGTERM)

	mine := filepath.Join(s.dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	id := s.read(t, "etc", "terminal.id")
	out, err = exec.Command(filepath.Join(s.bin, "supervisor"), "reset", "--dir", s.dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is clear") {
		t.Errorf("reset: %v\n%s", err, out)
	}
	var left []string
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if fmt.Sprint(left) != "[notes.txt supervisor.lock]" {
		t.Errorf("after the reset there is %v", left)
	}
	s.start(t, nil).stop(t, syscall.SIGTERM)
	if s.read(t, "etc", "terminal.id") == id {
		t.Error("the terminal after a reset has the identity of the one before")
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	s := newStage(t)
	free, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	squatter := exec.Command(filepath.Join(s.bin, "squatter"), address(free[0]))
	in, err := squatter.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := squatter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := squatter.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = squatter.Wait() }()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	tm := s.launch(t, nil, "--screen-port", strconv.Itoa(free[0]), "--bench-port", strconv.Itoa(free[1]))
	tm.wait(t, fmt.Sprintf("port %d of the screen: is held by process %d (%s %s): end it; or choose another port with --screen-port",
		free[0], squatter.Process.Pid, squatter.Path, address(free[0])))
	if err := tm.cmd.Wait(); err == nil {
		t.Error("it ended well")
	}
	s.nothingLeft(t)
}

func TestTroubleIsToldOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		args []string
		do   func(*testing.T, stage)
		want string
	}{
		{name: "a mistake in the configuration", env: []string{"FAKE_KIOSKD=bad-config"},
			want: "kioskd: kioskd.toml:3: terminal.id is wrong"},
		{name: "a program that keeps dying", env: []string{"FAKE_KIOSKD=broken"},
			want: "kioskd died 5 times before it answered; its last words: kioskd: the journal  [31mcannot be read; its log is "},
		{name: "services that cannot be built", do: func(t *testing.T, s stage) { os.Remove(filepath.Join(s.catalogue, "services.json")) },
			want: "services.json: no such file"},
		{name: "programs that are not built", do: func(t *testing.T, s stage) { os.Remove(filepath.Join(s.bin, "bench")) },
			want: `has no bench: run "make build" first`},
		{name: "a fault point without a count", args: []string{"--fault", "till"}, want: `--fault "till"; allowed: NAME:N`},
		{name: "a path too long for a socket", args: []string{"--dir", "/tmp/" + strings.Repeat("d", 100)}, want: "is too long a path"},
		{name: "one port for two pages", args: []string{"--bench-port", "8480"}, want: "each page has a port of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if c.do != nil {
				c.do(t, s)
			}
			args := c.args
			if args == nil {
				args = []string{"--port-zero"}
			}
			tm := s.launch(t, c.env, args...)
			tm.wait(t, c.want)
			if err := tm.cmd.Wait(); err == nil || tm.cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("end: %v", err)
			}
			s.nothingLeft(t)
		})
	}
}
