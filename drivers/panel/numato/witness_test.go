package numato_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
)

// cabinet is the wiring of the bench's cabinet.
func cabinet() panel.Layout {
	return panel.Layout{
		Contacts: []panel.Contact{
			{Input: panel.InputServiceDoor, Line: "0"},
			{Input: panel.InputSafeDoor, Line: "1"},
			{Input: panel.InputCassette, Line: "2"},
			{Input: panel.InputTamper, Line: "3", Complement: "4"},
			{Input: panel.InputMains, Line: "5"},
		},
		Lamps: []panel.Wire{
			{Lamp: panel.LampAcceptor, Line: "8"}, {Lamp: panel.LampPrinter, Line: "9"},
			{Lamp: panel.LampCard, Line: "10"}, {Lamp: panel.LampStatus, Line: "11"},
		},
	}
}

// witness joins the machine to the bench's board, which was written from the
// manual by itself, step by step and in one goroutine.
type witness struct {
	t            rapid.TB
	now          time.Time
	m            *numato.Machine
	b            *ioboard.Board
	mWake, bWake time.Time
	toM          []byte
	down         bool // the port is closed
	reopenAt     time.Time
	told         []string
	sent         int // commands
}

func newWitness(t rapid.TB, cfg numato.Config, board ioboard.Config) *witness {
	t.Helper()
	for _, err := range []error{cfg.Check(), board.Validate()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &witness{t: t, now: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), m: numato.New(cfg), b: ioboard.New(board, 1)}
	w.took(w.b.Tick(w.now))
	w.step(line.Input[panel.Command]{Link: line.LinkUp})
	return w
}

func (w *witness) took(out ioboard.Output) {
	w.toM = append(w.toM, out.Send...)
	w.bWake = out.Wake
}

func (w *witness) do(a ioboard.Action) {
	w.t.Helper()
	out, err := w.b.Do(w.now, a)
	if err != nil {
		w.t.Fatal(err)
	}
	w.took(out)
	w.follow(a)
}

// follow lets the link follow the cable.
func (w *witness) follow(a ioboard.Action) {
	switch a.(type) {
	case ioboard.Unplug:
		w.down, w.toM = true, nil
		w.step(line.Input[panel.Command]{Link: line.LinkDown, Cause: "read: input/output error"})
	case ioboard.Plug:
		w.down, w.toM = false, nil
		w.step(line.Input[panel.Command]{Link: line.LinkUp})
	}
}

func (w *witness) tell(c panel.Command) {
	w.step(line.Input[panel.Command]{Commands: []panel.Command{c}})
}

func (w *witness) step(in line.Input[panel.Command]) {
	out := w.m.Step(w.now, in)
	w.mWake = out.Wake
	if len(out.Send) > 0 && !w.down {
		w.sent++
		w.took(w.b.Receive(w.now, out.Send))
	}
	for _, e := range out.Events {
		switch e := e.(type) {
		case panel.Found:
			w.told = append(w.told, "found "+states(e.Inputs))
		case panel.Lost:
			w.told = append(w.told, "lost")
		case panel.Changed:
			w.told = append(w.told, string(e.Input)+" "+e.Input.Word(e.State))
		}
	}
	if out.Reopen {
		w.down, w.reopenAt = true, w.now.Add(time.Second)
	}
}

func states(list []panel.Reading) string {
	s := ""
	for _, r := range list {
		s += string(r.State[0])
	}
	return s
}

// pass lets time pass.
func (w *witness) pass(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := end
		for _, at := range []time.Time{w.mWake, w.bWake, w.reopenAt} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if len(w.toM) == 0 && next.After(w.now) {
			w.now = next
		}
		if !w.bWake.IsZero() && !w.bWake.After(w.now) {
			w.took(w.b.Tick(w.now))
		}
		if !w.reopenAt.IsZero() && !w.reopenAt.After(w.now) {
			w.reopenAt, w.toM = time.Time{}, nil
			if w.b.State().Plugged {
				w.down = false
				w.step(line.Input[panel.Command]{Link: line.LinkUp})
			}
		}
		if data := w.toM; len(data) > 0 && !w.down || !w.mWake.IsZero() && !w.mWake.After(w.now) {
			w.toM = nil
			w.step(line.Input[panel.Command]{Received: data})
			continue
		}
		w.toM = nil
		if !w.now.Before(end) {
			return
		}
	}
}

// expect compares what was told since the last time.
func (w *witness) expect(what, want string) {
	w.t.Helper()
	if got := strings.Join(w.told, ", "); got != want {
		w.t.Errorf("%s: told %q, want %q", what, got, want)
	}
	w.told = nil
}

func TestWitnessedCabinet(t *testing.T) {
	w := newWitness(t, numato.Config{Layout: cabinet()}, ioboard.DefaultConfig())
	w.pass(time.Second)
	w.expect("closed cabinet", "found rrrrr")
	for _, c := range []struct {
		action ioboard.Action
		want   string
	}{
		{ioboard.OpenServiceDoor{}, "service_door open"},
		{ioboard.OpenSafeDoor{}, "safe_door open"},
		{ioboard.RemoveCassette{}, "cassette out"},
		{ioboard.InsertCassette{}, "cassette in"},
		{ioboard.CloseSafeDoor{}, "safe_door closed"},
		{ioboard.Bounce{Contact: ioboard.ContactServiceDoor, For: 30}, ""},
		{ioboard.CloseServiceDoor{}, "service_door closed"},
		{ioboard.OpenTamper{}, "tamper cut"},
		{ioboard.MendTamper{}, "tamper whole"},
		{ioboard.CutTamper{}, "tamper line fault"},
		{ioboard.MendTamper{}, "tamper whole"},
		{ioboard.ShortTamper{}, "tamper line fault"},
		{ioboard.LoseMains{}, "mains lost"},
	} {
		w.do(c.action)
		w.pass(200 * time.Millisecond)
		w.expect(fmt.Sprintf("%T", c.action), c.want)
		w.pass(5 * time.Second)
	}
	w.expect("afterwards", "")

	w.tell(panel.Light{Lamp: panel.LampCard, Pattern: panel.PatternMedium})
	w.tell(panel.Light{Lamp: panel.LampStatus, Pattern: panel.PatternOn})
	w.pass(4 * time.Second)
	lamps := w.b.State().Lamps
	if l := lamps[ioboard.LampCard]; l.Shows != "flashing" || l.PeriodMS < 990 || l.PeriodMS > 1010 {
		t.Errorf("card: %+v", l)
	}
	if lamps[ioboard.LampStatus].Shows != "on" || lamps[ioboard.LampAcceptor].Shows != "off" {
		t.Errorf("lamps: %+v", lamps)
	}
}

// The tamper loop is cut while the power is off: the next Found has it.
func TestCutWhileOff(t *testing.T) {
	world := ioboard.NewWorld()
	world.Tamper, world.SafeDoorOpen = ioboard.LoopCut, true
	w := newWitness(t, numato.Config{Layout: cabinet()}, ioboard.DefaultConfig())
	w.b = ioboard.Restore(ioboard.DefaultConfig(), 1, world)
	w.pass(3 * time.Second)
	w.expect("after the power came back", "found rarfr")
}

// What a module's own troubles lead to.
func TestTroubles(t *testing.T) {
	for _, c := range []struct {
		name  string
		story func(w *witness)
	}{
		{"one answer lost", func(w *witness) {
			w.do(ioboard.DropAnswer{Count: 1})
			w.pass(2 * time.Second)
			w.expect("", "")
		}},
		{"garbage before an answer", func(w *witness) {
			w.do(ioboard.Garbage{Count: 2, Length: 20})
			w.pass(2 * time.Second)
			w.expect("", "")
		}},
		{"notifications switched off behind our back", func(w *witness) {
			w.took(w.b.Receive(w.now, []byte("\rgpio notify off\r")))
			w.pass(2 * time.Second)
			w.do(ioboard.OpenSafeDoor{})
			w.do(ioboard.Bounce{Contact: ioboard.ContactSafeDoor, For: 30})
			w.pass(3 * time.Second)
			w.expect("", "safe_door open")
		}},
		{"half a command left by somebody else", func(w *witness) {
			w.took(w.b.Receive(w.now, []byte("AT+CGMI")))
			w.pass(2 * time.Second)
			w.expect("", "")
		}},
		{"hangs for a moment", func(w *witness) {
			w.do(ioboard.Hang{For: 250})
			w.pass(2 * time.Second)
			w.expect("", "")
		}},
		{"hangs for a moment when a lamp is told", func(w *witness) {
			w.do(ioboard.Hang{For: 250})
			w.tell(panel.Light{Lamp: panel.LampCard, Pattern: panel.PatternOn})
			w.pass(2 * time.Second)
			if !w.b.State().Lamps[ioboard.LampCard].Lit {
				t.Error("the lamp was told once and never again")
			}
			w.expect("", "")
		}},
		{"hangs", func(w *witness) {
			w.do(ioboard.Hang{For: 30_000})
			w.pass(2 * time.Second)
			w.expect("while it hangs", "lost")
			w.pass(20 * time.Second)
			w.do(ioboard.OpenServiceDoor{})
			w.pass(20 * time.Second)
			w.expect("afterwards", "found arrrr")
		}},
		{"restarts behind its USB chip", func(w *witness) {
			w.tell(panel.Light{Lamp: panel.LampStatus, Pattern: panel.PatternOn})
			w.pass(3 * time.Second)
			w.do(ioboard.Restart{})
			if w.b.State().Lamps[ioboard.LampStatus].Lit {
				t.Error("the lamp outlived the restart")
			}
			w.pass(12 * time.Second)
			if !w.b.State().Lamps[ioboard.LampStatus].Lit {
				t.Error("the set-up was not repeated")
			}
			w.expect("", "")
		}},
		{"unplugged for a while", func(w *witness) {
			w.do(ioboard.Unplug{})
			w.pass(time.Minute)
			w.do(ioboard.CutTamper{})
			w.do(ioboard.Plug{})
			w.pass(2 * time.Second)
			w.expect("", "lost, found rrrfr")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWitness(t, numato.Config{Layout: cabinet()}, ioboard.DefaultConfig())
			w.pass(2 * time.Second)
			w.expect("before", "found rrrrr")
			c.story(w)
			w.do(ioboard.LoseMains{})
			w.pass(time.Second)
			w.expect("and it goes on", "mains lost")
		})
	}
}

// A board that is too small for the wiring is lost for a reason that names the
// channel, and is asked again now and then: somebody may put the right one in.
func TestBoardTooSmall(t *testing.T) {
	small := ioboard.DefaultConfig()
	small.Channels = 8
	w := newWitness(t, numato.Config{Layout: cabinet()}, small)
	w.pass(time.Minute)
	w.expect("8 channels", "lost")
	if w.sent > 60 {
		t.Errorf("%d commands in a minute to a board that does not fit", w.sent)
	}
	w.b = ioboard.New(ioboard.DefaultConfig(), 1)
	w.pass(15 * time.Second)
	w.expect("16 channels", "found rrrrr")
}

// A notification is acted on at once; without one the next reading finds it.
func TestTellsSoon(t *testing.T) {
	for _, c := range []struct {
		name string
		most time.Duration
		knob func(*witness)
	}{
		{"notified", panel.Debounce + 3*panel.QuickSample, func(*witness) {}},
		{"not notified", 400*time.Millisecond + panel.Debounce + 3*panel.QuickSample, func(w *witness) {
			w.took(w.b.Receive(w.now, []byte("gpio notify off\r")))
		}},
	} {
		w := newWitness(t, numato.Config{Layout: cabinet()}, ioboard.DefaultConfig())
		w.pass(2 * time.Second)
		w.told = nil
		c.knob(w)
		w.pass(100 * time.Millisecond)
		w.do(ioboard.OpenServiceDoor{})
		began := w.now
		for len(w.told) == 0 && w.now.Sub(began) < 2*c.most {
			w.pass(time.Millisecond)
		}
		if took := w.now.Sub(began); took > c.most || took < panel.Debounce {
			t.Errorf("%s: told after %v, want %v at most", c.name, took, c.most)
		}
	}
}

// Idling costs a few commands a second, set-ups among them; where the module
// notifies, fewer.
func TestIdleTraffic(t *testing.T) {
	layout := panel.Layout{Contacts: []panel.Contact{{Input: panel.InputServiceDoor, Line: "0"}}}
	for channels, want := range map[int]int{8: 410, 16: 180} {
		cfg := ioboard.DefaultConfig()
		cfg.Channels = channels
		w := newWitness(t, numato.Config{Layout: layout}, cfg)
		w.pass(5 * time.Second)
		before := w.sent
		w.pass(time.Minute)
		if n := w.sent - before; n < want*9/10 || n > want*11/10 {
			t.Errorf("%d channels: %d commands in an idle minute, want about %d", channels, n, want)
		}
	}
}

// Whatever happens to cabinet and board, in the end the driver knows how things
// stand and the lamps show what they were told.
func TestAnyDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWitness(t, numato.Config{Layout: cabinet()}, ioboard.DefaultConfig())
		actions := []ioboard.Action{
			ioboard.OpenServiceDoor{}, ioboard.CloseServiceDoor{}, ioboard.OpenSafeDoor{}, ioboard.CloseSafeDoor{}, ioboard.RemoveCassette{},
			ioboard.InsertCassette{}, ioboard.OpenTamper{}, ioboard.CutTamper{}, ioboard.ShortTamper{}, ioboard.MendTamper{},
			ioboard.Bounce{Contact: ioboard.ContactTamper, For: 300}, ioboard.Unplug{}, ioboard.Plug{}, ioboard.Restart{},
			ioboard.Hang{For: 700}, ioboard.Hang{For: 4000}, ioboard.DropAnswer{Count: 1}, ioboard.DropAnswer{Count: 5},
			ioboard.Garbage{Count: 3, Length: 9},
		}
		lit := map[panel.Lamp]panel.Pattern{}
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			if rapid.IntRange(0, 4).Draw(t, "light") == 0 {
				l := panel.Light{Lamp: rapid.SampledFrom(panel.Lamps()).Draw(t, "lamp"),
					Pattern: rapid.SampledFrom([]panel.Pattern{panel.PatternOff, panel.PatternOn}).Draw(t, "pattern")}
				lit[l.Lamp] = l.Pattern
				w.tell(l)
			} else {
				a := rapid.SampledFrom(actions).Draw(t, "action")
				if out, err := w.b.Do(w.now, a); err == nil { // it was possible
					w.took(out)
					w.follow(a)
				}
			}
			w.pass(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
		}
		w.do(ioboard.ClearFaults{})
		if !w.b.State().Plugged {
			w.do(ioboard.Plug{})
		}
		w.pass(panel.CalmTime + 20*time.Second)
		known := map[string]string{}
		for _, e := range w.told {
			if list, ok := strings.CutPrefix(e, "found "); ok {
				for i, c := range cabinet().Contacts {
					known[string(c.Input)] = c.Input.Word(map[byte]panel.State{'r': panel.StateRest, 'a': panel.StateActive, 'f': panel.StateFault}[list[i]])
				}
				continue
			}
			if input, word, ok := strings.Cut(e, " "); ok {
				known[input] = word
			}
		}
		s := w.b.State()
		tamper := map[ioboard.Loop]string{ioboard.LoopWhole: "whole", ioboard.LoopOpen: "cut", ioboard.LoopCut: "line fault", ioboard.LoopShort: "line fault"}[s.Tamper]
		for input, is := range map[string]string{"service_door": s.ServiceDoor, "safe_door": s.SafeDoor, "cassette": s.Cassette, "tamper": tamper} {
			if known[input] != is {
				t.Fatalf("%s is %s, and the driver has told %s: %v", input, is, known[input], w.told)
			}
		}
		for _, lamp := range panel.Lamps() {
			if got := s.Lamps[ioboard.Lamp(lamp)].Lit; got != (lit[lamp] == panel.PatternOn) {
				t.Fatalf("lamp %s lit: %v, told %q", lamp, got, lit[lamp])
			}
		}
	})
}
