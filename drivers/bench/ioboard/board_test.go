package ioboard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rig is a host in virtual time.
type rig struct {
	t      rapid.TB
	b      *Board
	now    time.Time
	wake   time.Time
	sent   string
	events []string // "kind text", commands and answers left out
}

func newRig(t rapid.TB, change ...func(*Config)) *rig {
	t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, b: New(cfg, 1), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.take(r.b.Tick(r.now))
	return r
}

func channels(n int) func(*Config) { return func(c *Config) { c.Channels = n } }

func (r *rig) take(out Output) {
	r.sent += string(out.Send)
	r.wake = out.Wake
	for _, e := range out.Events {
		if e.Kind != EventIn && e.Kind != EventOut {
			r.events = append(r.events, string(e.Kind)+" "+e.Text)
		}
	}
}

// pass lets time pass, with every tick that is asked for.
func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for !r.wake.IsZero() && !r.wake.After(end) {
		r.now = r.wake
		r.take(r.b.Tick(r.now))
	}
	r.now = end
}

func (r *rig) do(a Action) {
	r.t.Helper()
	out, err := r.b.Do(r.now, a)
	if err != nil {
		r.t.Fatalf("%T: %v", a, err)
	}
	r.take(out)
}

// ask types a command and returns all that came by the prompt.
func (r *rig) ask(command string) string {
	r.sent = ""
	r.take(r.b.Receive(r.now, []byte(command+"\r")))
	r.pass(5 * time.Millisecond)
	return r.sent
}

func TestCommandSet(t *testing.T) {
	for _, c := range []struct {
		name     string
		channels int
		commands string // the last one's answer is compared
		want     string
	}{
		{"version", 16, "ver", "ver\n\r00000008\n\r>"},
		{"id", 16, "id get", "id get\n\r00000000\n\r>"},
		{"id set", 16, "id set BAK-0001/id get", "id get\n\rBAK-0001\n\r>"},
		{"id of wrong length", 16, "id set BAK", "id set BAK\n\r>"},
		{"nothing", 16, "", "\n\r>"},
		{"closed cabinet", 16, "gpio readall", "gpio readall\n\r0010\n\r>"},
		{"closed cabinet, 8 channels", 8, "gpio readall", "gpio readall\n\r10\n\r>"},
		{"closed cabinet, 32 channels", 32, "gpio readall", "gpio readall\n\r00000010\n\r>"},
		{"outputs read back", 16, "gpio iodir F0FF/gpio writeall 0a00/gpio readall", "gpio readall\n\r0A10\n\r>"},
		{"an input is not written", 16, "gpio writeall ffff/gpio readall", "gpio readall\n\r0010\n\r>"},
		{"mask keeps directions", 16, "gpio iomask 0f00/gpio iodir 0000/gpio writeall ffff/gpio readall", "gpio readall\n\r0F10\n\r>"},
		{"mask keeps outputs", 16, "gpio iodir 0000/gpio iomask 0001/gpio writeall ffff/gpio readall", "gpio readall\n\r0001\n\r>"},
		{"value of wrong length", 16, "gpio iodir 00/gpio writeall ffff/gpio readall", "gpio readall\n\r0010\n\r>"},
		{"no hexadecimal value", 16, "gpio iodir 000g", "gpio iodir 000g\n\r>"},
		{"unknown command", 16, "sing", "sing\n\r>"},
		{"notifications", 16, "gpio notify on", "gpio notify on\n\rgpio notify enabled\n\r>"},
		{"notifications asked for", 16, "gpio notify get", "gpio notify get\n\rgpio notify disabled\n\r>"},
		{"8 channels have none", 8, "gpio notify on", "gpio notify on\n\r>"},
	} {
		r := newRig(t, channels(c.channels))
		got := ""
		for _, command := range strings.Split(c.commands, "/") {
			got = r.ask(command)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What each thing that happens at the cabinet does to the channels.
func TestWiring(t *testing.T) {
	for _, c := range []struct {
		action Action
		want   string
	}{
		{OpenServiceDoor{}, "0011"},
		{OpenSafeDoor{}, "0012"},
		{RemoveCassette{}, "0014"},
		{OpenTamper{}, "0008"},
		{CutTamper{}, "0018"},
		{ShortTamper{}, "0000"},
		{LoseMains{}, "0030"},
	} {
		r := newRig(t)
		r.do(c.action)
		if got := r.ask("gpio readall"); !strings.Contains(got, "\r"+c.want+"\n") {
			t.Errorf("%T: %q, want %s", c.action, got, c.want)
		}
		if _, err := r.b.Do(r.now, c.action); err == nil {
			t.Errorf("%T can be done twice", c.action)
		}
	}
}

func TestTyping(t *testing.T) {
	r := newRig(t, func(c *Config) { c.EndOfLine = "\r\n" })
	r.take(r.b.Receive(r.now, []byte("ve")))
	if r.sent != "ve" {
		t.Errorf("echo %q", r.sent)
	}
	r.take(r.b.Receive(r.now, []byte("r\r\nid get\r")))
	if r.sent != "ver\r\n" || r.b.Backlog() == 0 {
		t.Errorf("before the answer is due: %q", r.sent)
	}
	r.pass(10 * time.Millisecond)
	if want := "ver\r\n00000008\r\n>id get\r\n00000000\r\n>"; r.sent != want {
		t.Errorf("%q, want %q", r.sent, want)
	}
	if got := r.ask(strings.Repeat("x", 500)); !strings.HasSuffix(got, "\r\n>") || len(got) != 503 {
		t.Errorf("a long line: %d bytes", len(got))
	}
}

func TestNotifications(t *testing.T) {
	r := newRig(t)
	r.ask("gpio notify on")
	r.sent = ""
	r.do(OpenServiceDoor{})
	if want := "\n\r# 0011 0010 FFFF"; r.sent != want {
		t.Errorf("%q, want %q", r.sent, want)
	}
	r.sent = ""
	r.do(Bounce{Contact: ContactSafeDoor, For: 40})
	r.pass(100 * time.Millisecond)
	if n := strings.Count(r.sent, "#"); n < 4 || !strings.HasSuffix(r.sent, "# 0011 0013 FFFF") {
		t.Errorf("%d notifications of a bounce: %q", n, r.sent)
	}
}

// The cable is the module's power: what was set is gone, the cabinet stays.
func TestUnplug(t *testing.T) {
	r := newRig(t)
	r.ask("gpio iodir f0ff")
	r.ask("gpio writeall 0f00")
	r.do(RemoveCassette{})
	r.do(Unplug{})
	if got := r.ask("ver"); got != "" {
		t.Errorf("an unplugged module answers %q", got)
	}
	r.do(Plug{})
	if got := r.ask("gpio readall"); !strings.Contains(got, "0014") {
		t.Errorf("plugged again: %q", got)
	}
	if s := r.b.State(); len(s.Outputs) != 0 || s.Lamps[LampCard].Lit || s.Cassette != "out" {
		t.Errorf("%+v", s)
	}
	w := r.b.World()
	r.b = Restore(DefaultConfig(), 2, w)
	if s := r.b.State(); s.Cassette != "out" || !s.Plugged {
		t.Errorf("restored: %+v", s)
	}
}

func TestLamps(t *testing.T) {
	r := newRig(t)
	r.ask("gpio iodir f0ff")
	r.ask("gpio iomask 0f00")
	set := func(v string) { r.ask("gpio writeall " + v) }
	set("0800")
	r.pass(3 * time.Second)
	if s := r.b.State().Lamps[LampStatus]; !s.Lit || s.Shows != "on" {
		t.Errorf("a steady lamp: %+v", s)
	}
	for range 6 {
		set("0900")
		r.pass(245 * time.Millisecond)
		set("0800")
		r.pass(245 * time.Millisecond)
	}
	if s := r.b.State().Lamps[LampAcceptor]; s.Shows != "flashing" || s.PeriodMS < 480 || s.PeriodMS > 520 {
		t.Errorf("a flashing lamp: %+v", s)
	}
	r.pass(3 * time.Second)
	want := "lamp status on,lamp acceptor on,lamp acceptor flashing,lamp acceptor off"
	if got := strings.Join(r.events, ","); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}

func TestTroubles(t *testing.T) {
	r := newRig(t)
	r.do(DropAnswer{Count: 1})
	if got := r.ask("ver"); got != "ver\n\r" {
		t.Errorf("lost answer: %q", got)
	}
	r.do(Garbage{Count: 1, Length: 7})
	if got := r.ask("ver"); len(got) != len("ver\n\r00000008\n\r>")+7 {
		t.Errorf("garbage: %q", got)
	}
	r.do(Hang{For: 100})
	if got := r.ask("ver"); got != "" {
		t.Errorf("hung: %q", got)
	}
	r.pass(100 * time.Millisecond)
	if got := r.ask("ver"); !strings.HasSuffix(got, ">") {
		t.Errorf("after the hang: %q", got)
	}
	r.ask("gpio iodir 0000")
	r.do(Restart{})
	if s := r.b.State(); len(s.Outputs) != 0 || !s.Plugged {
		t.Errorf("restarted: %+v", s)
	}
	for _, a := range []Action{Bounce{Contact: "window", For: 1}, Bounce{Contact: ContactTamper}, Hang{}, DropAnswer{}, Garbage{Count: 1}, Plug{}, MendTamper{}} {
		if _, err := r.b.Do(r.now, a); err == nil {
			t.Errorf("%#v was taken", a)
		}
	}
}

func TestParseAction(t *testing.T) {
	for _, name := range Actions.Names() {
		if a, err := Actions.Parse(name, []byte("{}")); err != nil || a.name() != name {
			t.Errorf("%s: %v %v", name, a, err)
		}
	}
	if a, err := Actions.Parse("bounce", []byte(`{"contact":"tamper","for_ms":30}`)); err != nil || a != (Bounce{ContactTamper, 30}) {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := Actions.Parse("explode", nil); err == nil {
		t.Error("explode")
	}
	if _, err := Actions.Parse("plug", []byte(`{"x":1}`)); err == nil {
		t.Error("an unknown field")
	}
}

// Whatever is typed, the module takes it, answers each line and grows nothing
// without a bound.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("gpio readall\rver\r"))
	f.Add([]byte("\r\n\x00\xFF gpio notify on\r"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newRig(t)
		r.take(r.b.Receive(r.now, in))
		r.pass(10 * time.Second)
		if got := r.ask("\rid get"); !strings.Contains(got, "id get\n\r"+r.b.World().ID) && len(in) < maxQueue {
			t.Fatalf("after %q: %q", in, got)
		}
		_ = fmt.Sprint(r.b.State())
	})
}
