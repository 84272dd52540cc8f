package rooms

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a small one: a copy of the set-up script, a path on which only the
// named programs stand, and stand-ins that write down how they were called.
type machine struct {
	root, path, calls string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	root, _ := repository(t)
	m := machine{root: t.TempDir(), path: t.TempDir()}
	m.calls = filepath.Join(m.path, "calls.txt")
	for _, f := range []string{"scripts/lib.sh", "scripts/setup.sh"} {
		m.put(t, f, string(source(t, root, f)), 0o755)
	}
	for _, f := range []string{"kiosk-ui/package.json", "kiosk-ui/package-lock.json", "kiosk-ui/.npmrc"} {
		m.put(t, f, "{}", 0o644)
	}
	for _, tool := range []string{"bash", "cat", "cut", "dirname", "env", "flock", "mkdir", "sha256sum", "sort", "tr", "xargs"} {
		real, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, filepath.Join(m.path, tool)); err != nil {
			t.Fatal(err)
		}
	}
	m.program(t, "go", `echo "go version go1.26.8 linux/amd64"`)
	m.program(t, "node", "echo v20.20.2")
	m.program(t, "npm", `mkdir -p node_modules; echo "npm $*" >> `+m.calls)
	m.program(t, "id", "echo 1000")
	for _, p := range []string{"chromium", "zbarimg", "pnmtopng", "hb-shape", "fribidi", "gcc", "pkg-config", "opensc-tool", "openssl", "systemd-analyze"} {
		m.program(t, p, "")
	}
	return m
}

func (m machine) put(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	p := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (m machine) program(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.path, name), []byte("#!/bin/bash\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// setup runs the script and returns what it printed, what it called, and whether
// it succeeded.
func (m machine) setup(t *testing.T, purpose string) (out, calls string, ok bool) {
	t.Helper()
	_ = os.Remove(m.calls)
	cmd := exec.Command(filepath.Join(m.root, "scripts", "setup.sh"), purpose)
	cmd.Env = []string{"PATH=" + m.path}
	b, err := cmd.CombinedOutput()
	c, _ := os.ReadFile(m.calls)
	return string(b), string(c), err == nil
}

func TestSetupTwice(t *testing.T) {
	m := newMachine(t)
	if out, calls, ok := m.setup(t, "run"); !ok || calls != "npm ci --loglevel=error\n" {
		t.Fatalf("first time: %v\n%s\ncalled: %q", ok, out, calls)
	}
	if out, calls, ok := m.setup(t, "run"); !ok || calls != "" || out != "" {
		t.Errorf("second time: %v\n%s\ncalled: %q; want nothing done and nothing said", ok, out, calls)
	}
	m.put(t, "kiosk-ui/package-lock.json", `{"a":1}`, 0o644)
	if out, calls, ok := m.setup(t, "run"); !ok || calls == "" {
		t.Errorf("with another lock file: %v\n%s\ncalled nothing", ok, out)
	}
	m.program(t, "npm", "exit 1")
	m.put(t, "kiosk-ui/package-lock.json", `{"a":2}`, 0o644)
	for range 2 { // a failed installation is not taken for done
		if out, _, ok := m.setup(t, "run"); ok || !strings.Contains(out, "npm ci failed.") {
			t.Errorf("npm fails: %v\n%s", ok, out)
		}
	}
}

func TestSetupNamesWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(machine)
		purpose string
		ok      bool
		said    string
		called  string
	}{
		{name: "old Go", spoil: func(m machine) { m.program(t, "go", `echo "go version go1.25.3 linux/amd64"`) },
			said: "This Go is too old: go version go1.25.3"},
		{name: "newer Go", spoil: func(m machine) { m.program(t, "go", `echo "go version go1.27.0 linux/arm64"`) }, ok: true},
		{name: "Go of the next generation", spoil: func(m machine) { m.program(t, "go", `echo "go version go2.0 linux/amd64"`) }, ok: true},
		{name: "old Node", spoil: func(m machine) { m.program(t, "node", "echo v18.19.0") }, said: "This Node is too old: v18.19.0"},
		{name: "no Node", spoil: func(m machine) { os.Remove(filepath.Join(m.path, "node")) }, said: "Node or its npm is missing. This needs Node 20"},
		{name: "no npm", spoil: func(m machine) { os.Remove(filepath.Join(m.path, "npm")) }, said: "Node or its npm is missing. This needs Node 20"},
		{name: "no browser, to run", spoil: func(m machine) { os.Remove(filepath.Join(m.path, "chromium")) }, ok: true},
		{name: "no browser, ordinary user without sudo", purpose: "test",
			spoil: func(m machine) {
				os.Remove(filepath.Join(m.path, "chromium"))
				os.Remove(filepath.Join(m.path, "zbarimg"))
				m.program(t, "apt-get", `echo "apt-get $*" >> `+m.calls)
			},
			said: "apt-get update && apt-get install -y --no-install-recommends chromium zbar-tools"},
		{name: "no browser, ordinary user with sudo", purpose: "test", ok: true,
			spoil: func(m machine) {
				os.Remove(filepath.Join(m.path, "chromium"))
				m.program(t, "apt-get", `echo "apt-get $*" >> `+m.calls)
				m.program(t, "sudo", `echo -n "sudo " >> `+m.calls+`; "$@"`)
			},
			called: "sudo apt-get -q update\nsudo apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium\n"},
		{name: "no browser, root", purpose: "test", ok: true,
			spoil: func(m machine) {
				os.Remove(filepath.Join(m.path, "chromium"))
				m.program(t, "id", "echo 0")
				m.program(t, "apt-get", `echo "apt-get $*" >> `+m.calls)
			},
			called: "apt-get -q update\napt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium\n"},
		{name: "no browser, root, no network", purpose: "test",
			spoil: func(m machine) {
				os.Remove(filepath.Join(m.path, "chromium"))
				m.program(t, "id", "echo 0")
				m.program(t, "apt-get", `echo "apt-get $*" >> `+m.calls+`; exit 100`)
			},
			said: "These packages could not be installed: chromium.", called: "apt-get -q update\n"},
		{name: "no browser, no Debian", purpose: "test", spoil: func(m machine) { os.Remove(filepath.Join(m.path, "chromium")) },
			said: "This is no Debian"},
		{name: "nothing missing, to test", purpose: "test", spoil: func(m machine) { m.program(t, "apt-get", `echo "apt-get $*" >> `+m.calls) }, ok: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			c.spoil(m)
			if c.purpose == "" {
				c.purpose = "run"
			}
			out, calls, ok := m.setup(t, c.purpose)
			if ok != c.ok || !strings.Contains(out, c.said) {
				t.Errorf("succeeded %v, want %v; said\n%swant\n%s", ok, c.ok, out, c.said)
			}
			calls = strings.TrimSuffix(calls, "npm ci --loglevel=error\n")
			if calls != c.called {
				t.Errorf("called\n%swant\n%s", calls, c.called)
			}
		})
	}
}
