package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
)

func TestPause(t *testing.T) {
	var got []time.Duration
	for deaths := range 8 {
		got = append(got, pause(deaths+1))
	}
	if want := "[200ms 400ms 800ms 1.6s 3.2s 5s 5s 5s]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if pause(1<<30) != lastPause {
		t.Error("a program that dies for ever waits longer and longer")
	}
}

func TestListeners(t *testing.T) {
	// Captured from proc(5), net/tcp: a listener on 127.0.0.1:8480 (2120h), a
	// connection of the same port, a listener on another, and a torn line.
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2120 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41235 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2120 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 41236 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000000000000 100 0 0 10 0
   3: 00000000000000000000000001000000:2120 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 777 1 0
   4: 0100007F:2120 0000
`
	if got := fmt.Sprint(listeners(bufio.NewScanner(strings.NewReader(table)), 8480)); got != "[41235 777]" {
		t.Errorf("inodes %s", got)
	}
}

func TestEnvironment(t *testing.T) {
	own := []string{"A=1", "KIOSK_FAULTPOINT=x:1", "KIOSK_MUTANT=m"}
	if got := fmt.Sprint(environment(own, "")); got != "[A=1 KIOSK_MUTANT=m]" {
		t.Errorf("without a fault: %s", got)
	}
	if got := fmt.Sprint(environment(own, "y:2")); got != "[A=1 KIOSK_MUTANT=m KIOSK_FAULTPOINT=y:2]" {
		t.Errorf("with a fault: %s", got)
	}
}

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.log")
	l, err := openLog(path, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.mark("start 1")
	if got := l.lastLine(); got != "" {
		t.Errorf("before it wrote anything its last words are %q", got)
	}
	fmt.Fprint(l, "first\nsec")
	fmt.Fprint(l, "ond\n\n")
	if got := l.lastLine(); got != "second" {
		t.Errorf("last line %q", got)
	}
	fmt.Fprint(l, "unfinished")
	if got := l.lastLine(); got != "unfinished" {
		t.Errorf("last line %q", got)
	}
	for i := range 100 {
		fmt.Fprintf(l, "line %d of many\n", i)
	}
	fmt.Fprintln(l, strings.Repeat("x", 900))
	if got := l.lastLine(); len(got) != maxLine {
		t.Errorf("a long line is remembered with %d bytes", len(got))
	}
	total := int64(0)
	for _, p := range []string{path, path + ".1"} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
		if info.Size() > 1000 {
			t.Errorf("%s has %d bytes", p, info.Size())
		}
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 2 || total == 0 {
		t.Errorf("%d files with %d bytes", len(entries), total)
	}
}

// TestConfigurationOfAnyFolder: whatever the folder is called, kioskd must be
// able to read its configuration.
func TestConfigurationOfAnyFolder(t *testing.T) {
	for _, name := range []string{"run", "a b", `qu"ote`, `back\slash`, "Bakı şəhəri", "#=[x]"} {
		dir := filepath.Join(t.TempDir(), name)
		o := &options{dir: dir, logLevel: "info", printerBaud: 115200}
		if err := os.MkdirAll(o.path("etc"), 0o700); err != nil {
			t.Fatal(err)
		}
		id, err := newUUID()
		if err != nil {
			t.Fatal(err)
		}
		if err := writeConfig(o, ports{Screen: 8480, Network: 8483}, identity{terminal: strings.TrimSpace(string(id))}); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(o.config())
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if c.State.Dir != o.path("state") || c.Screen.Listen != "127.0.0.1:8480" || c.Terminal.ID != strings.TrimSpace(string(id)) {
			t.Errorf("%q: %+v", name, c)
		}
	}
}

func TestKeepOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	made := 0
	makeIt := func() ([]byte, error) { made++; return newToken() }
	first, err := keepOnce(path, 0o600, makeIt)
	if err != nil {
		t.Fatal(err)
	}
	second, err := keepOnce(path, 0o600, makeIt)
	if err != nil || second != first || made != 1 {
		t.Errorf("%q then %q (%v), made %d times", first, second, err, made)
	}
	if token, err := config.ReadToken(path); err != nil || token != first {
		t.Errorf("kioskd reads %q %v", token, err)
	}
}

// The people of "make run" have the PINs that the README names.
func TestDemoPeople(t *testing.T) {
	ps, err := people.Parse(demoPeople)
	if err != nil {
		t.Fatal(err)
	}
	for number, pin := range map[string]string{"101": "2580", "102": "3690", "201": "1470"} {
		if p := ps.Find(number); p == nil || !p.Verify([]byte(pin)) {
			t.Errorf("%s does not sign in with %s", number, pin)
		}
	}
	if ps.Find("201").Role != people.RoleCollector || ps.Find("101").Role != people.RoleTechnician {
		t.Error("the roles are others")
	}
}
