package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// line reads what came up to the board's prompt.
func (p *port) prompt() string {
	p.t.Helper()
	var got []byte
	for len(got) < 200 {
		got = append(got, p.read(1)...)
		if got[len(got)-1] == '>' {
			return string(got)
		}
	}
	p.t.Fatalf("no prompt in %q", got)
	return ""
}

// command types a command and returns its answer, without the echo.
func (p *port) command(command string) string {
	p.t.Helper()
	p.write([]byte(command + "\r"))
	answer, ok := strings.CutPrefix(p.prompt(), command+"\n\r")
	if !ok {
		p.t.Fatalf("no echo of %q in %q", command, answer)
	}
	return strings.Trim(answer, "\n\r>")
}

// A door opened by a person is seen over the line, and a lamp lit over the line
// is seen by a person.
func TestPanelOverPTY(t *testing.T) {
	r := startRig(t, t.TempDir())
	events := r.listen("")
	p := openPort(t, deviceLink(r.dir, "panel"))
	if got := p.command("gpio readall"); got != "0010" {
		t.Fatalf("closed cabinet: %q", got)
	}
	r.post("/api/panel", map[string]string{"action": "open_service_door"})
	r.post("/api/panel", map[string]string{"action": "cut_tamper"})
	if got := p.command("gpio readall"); got != "0019" {
		t.Errorf("door open and loop cut: %q", got)
	}
	p.command("gpio iodir f0ff")
	p.command("gpio writeall 0400")
	for e := range events {
		if e.Kind == "lamp" {
			if e.Source != "panel" || e.Text != "card on" {
				t.Errorf("%+v", e)
			}
			break
		}
	}
	s := r.state().Panel
	if s.ServiceDoor != "open" || s.Tamper != "cut" || !s.Lamps["card"].Lit || s.Lamps["status"].Lit {
		t.Errorf("state %+v", s)
	}
	var raw []byte
	if code := r.call("POST", "/api/panel", map[string]string{"action": "open_service_door"}, &raw); code != http.StatusConflict {
		t.Errorf("opening twice: %d %s", code, raw)
	}
	if code := r.call("POST", "/api/panel", map[string]string{"action": "explode"}, &raw); code != http.StatusBadRequest || !strings.Contains(string(raw), `"allowed":["bounce"`) {
		t.Errorf("unknown action: %d %s", code, raw)
	}
	for _, file := range []string{"/panel.js", "/panel.css"} {
		if code := r.call("GET", file, nil, &raw); code != 200 {
			t.Errorf("%s: %d", file, code)
		}
	}
}

// Doors stay as they are when the bench is started again; the board has lost its
// power.
func TestPanelIsKept(t *testing.T) {
	dir := t.TempDir()
	r := startRig(t, dir)
	p := openPort(t, deviceLink(dir, "panel"))
	p.command("gpio iodir 0000")
	p.command("id set BAK-0001")
	r.post("/api/panel", map[string]string{"action": "open_safe_door"})
	r.stop()
	if _, err := os.Lstat(deviceLink(dir, "panel")); !os.IsNotExist(err) {
		t.Error("the link outlived the bench")
	}
	r = startRig(t, dir)
	if s := r.state().Panel; s.SafeDoor != "open" || len(s.Outputs) != 0 {
		t.Errorf("after the restart: %+v", s)
	}
	p = openPort(t, deviceLink(dir, "panel"))
	if got := p.command("id get"); got != "BAK-0001" {
		t.Errorf("id %q", got)
	}
}

// The cassette is one thing: taking it out of the validator opens its switch.
func TestCassetteSwitchFollows(t *testing.T) {
	r := startRig(t, t.TempDir())
	r.post("/api/validator", map[string]string{"action": "remove_cassette", "bag": "one"})
	if s := r.state(); s.Panel.Cassette != "out" || s.Validator.World.CassetteIn {
		t.Errorf("taken out: %+v", s.Panel)
	}
	r.post("/api/panel", map[string]string{"action": "insert_cassette"}) // somebody holds the switch
	r.post("/api/validator", map[string]string{"action": "insert_cassette"})
	if s := r.state(); s.Panel.Cassette != "in" || !s.Validator.World.CassetteIn {
		t.Errorf("put in: %+v", s.Panel)
	}
}
