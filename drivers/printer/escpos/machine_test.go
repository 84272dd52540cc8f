package escpos_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/drivers/printer/printertest"
)

// tap writes down what the machine sends.
type tap struct {
	*escpos.Machine
	sent []byte
}

func (x *tap) Step(now time.Time, in line.Input[printer.Command]) line.Output[printer.Event] {
	out := x.Machine.Step(now, in)
	x.sent = append(x.sent, out.Send...)
	return out
}

func world(p escpos.Profile, c printertest.Config) (*printertest.World, *tap) {
	x := &tap{Machine: escpos.New(p)}
	return printertest.NewWorld(x, printertest.NewThermal(c), p.Speed), x
}

func fit(t *testing.T, w *printertest.World) {
	t.Helper()
	if !w.Run(time.Minute, w.Fit) {
		t.Fatalf("not fit: %+v", w.Events)
	}
}

func sleep(w *printertest.World, d time.Duration) { w.Run(d, func() bool { return false }) }

func offline(w *printertest.World) (cause string) {
	for _, ev := range w.Events {
		switch e := ev.(type) {
		case printer.Offline:
			cause = e.Cause
		case printer.Online:
			cause = ""
		}
	}
	return cause
}

// TestStartAsksBeforeItResets: a reset would wipe what the status can tell of a
// job from before the start.
func TestStartAsksBeforeItResets(t *testing.T) {
	w, x := world(escpos.Generic80(), printertest.DefaultConfig())
	fit(t, w)
	polls := []byte{0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4}
	if !bytes.HasPrefix(x.sent, polls) {
		t.Errorf("begins with % x", x.sent[:12])
	}
	sleep(w, 10*time.Second)
	pieces := w.Printer.Pieces()
	if len(pieces) != 2 || !pieces[0].Blank() || !pieces[0].CutBelow {
		t.Errorf("what was in the path was not cut off: %d pieces", len(pieces))
	}
	id, ok := w.Events[0].(printer.Online)
	if !ok || id.Identity != (printer.Identity{Model: "VIRTUAL T-80", Firmware: "1.00 TEST", Serial: "0001"}) {
		t.Errorf("first event %+v", w.Events[0])
	}
}

// TestNothingBetweenReadyAndBegin: until "sending" is durable only polls go out.
func TestNothingBetweenReadyAndBegin(t *testing.T) {
	w, x := world(escpos.Generic80(), printertest.DefaultConfig())
	fit(t, w)
	sleep(w, 3*time.Second)
	var ready int
	w.OnReady = func(string) { ready = len(x.sent) }
	w.Tell(printer.Print{Job: printer.Job{ID: "a", Picture: printertest.Picture(1, 576, 100)}})
	sleep(w, 10*time.Second)
	if ready == 0 {
		t.Fatal("never ready")
	}
	w.Tell(printer.Begin{JobID: "another"})
	sleep(w, 10*time.Second)
	rest := x.sent[ready:]
	for ; len(rest) >= 3; rest = rest[3:] {
		if rest[0] != 0x10 || rest[1] != 0x04 {
			t.Fatalf("sent % x before Begin", rest[:3])
		}
	}
	sleep(w, 20*time.Second)
	if f := w.Finished["a"]; len(f) != 1 || f[0].Verdict != printer.NotPrinted || f[0].Cause != escpos.CauseNotBegun {
		t.Errorf("a job that nobody begins: %+v", f)
	}
	w.Tell(printer.Begin{JobID: "a"})
	w.OnReady = nil
	if f, err := w.Print("b", printertest.Picture(3, 576, 100)); err != nil || f.Verdict != printer.Printed {
		t.Errorf("the next: %+v, %v", f, err)
	}
}

func TestRefusedAtOnce(t *testing.T) {
	w, _ := world(escpos.Generic80(), printertest.DefaultConfig())
	fit(t, w)
	w.Tell(printer.Print{Job: printer.Job{ID: "wide", Picture: printertest.Picture(1, 640, 10)}})
	w.Tell(printer.Print{Job: printer.Job{ID: "first", Picture: printertest.Picture(1, 576, 400)}})
	w.Tell(printer.Print{Job: printer.Job{ID: "second", Picture: printertest.Picture(3, 576, 10)}})
	for id, cause := range map[string]string{"wide": escpos.CausePicture, "second": escpos.CauseBusy} {
		if f := w.Finished[id]; len(f) != 1 || f[0].Verdict != printer.NotPrinted || !strings.HasPrefix(f[0].Cause, cause) {
			t.Errorf("%s: %+v", id, f)
		}
	}
	w.Run(time.Minute, func() bool { return w.Done("first") })
	if f := w.Finished["first"]; len(f) != 1 || f[0].Verdict != printer.Printed {
		t.Errorf("the job under way: %+v", f)
	}
}

// TestAnotherModel: a wrong profile means wrong paper bits, so it is refused.
func TestAnotherModel(t *testing.T) {
	p := escpos.Generic80()
	p.Models = []string{"TM-X"}
	w, _ := world(p, printertest.DefaultConfig())
	sleep(w, 5*time.Second)
	if c := offline(w); !strings.HasPrefix(c, escpos.CauseIdentity) || !strings.Contains(c, "T-80") {
		t.Errorf("offline: %q", c)
	}
	if f, _ := w.Print("a", printertest.Picture(1, 576, 10)); f.Verdict != printer.NotPrinted {
		t.Errorf("%+v", f)
	}
	if n := w.Printer.Row(); n != 0 {
		t.Errorf("paper was moved by %d rows", n)
	}
	p.Models = []string{"TM-X", "T-80"}
	w, _ = world(p, printertest.DefaultConfig())
	fit(t, w)
}

// TestLeftInTheMiddleOfAPicture: the controller was killed while it sent a band;
// the printer takes the next thousands of bytes for dots.
func TestLeftInTheMiddleOfAPicture(t *testing.T) {
	for _, p := range []escpos.Profile{escpos.Generic80(), escpos.Generic80C()} {
		c := printertest.DefaultConfig()
		c.ClearFunc, c.ProcessID = false, p.Barrier == printer.LevelA
		thermal := printertest.NewThermal(c)
		for _, b := range append([]byte{0x1D, 'v', '0', 0, 72, 0, 64, 0}, bytes.Repeat([]byte{0x3C}, 1000)...) {
			thermal.Receive(printertest.Epoch, b)
		}
		w := printertest.NewWorld(escpos.New(p), thermal, p.Speed)
		fit(t, w)
		b := printertest.Picture(1, 576, 200)
		f, err := w.Print("a", b)
		if err != nil || f.Verdict != printer.Printed {
			t.Fatalf("%s: %+v, %v", p.Name, f, err)
		}
		pieces := w.Printer.Pieces()
		if n := len(pieces); n != 3 || pieces[0].Blank() || !pieces[1].Holds(b) {
			t.Errorf("%s: %d pieces; the rest of the old picture must be on the first, ours alone on the second", p.Name, n)
		}
	}
}

// TestAnswersPollsOnly: no settings are obeyed; the operator is told.
func TestAnswersPollsOnly(t *testing.T) {
	p := escpos.Generic80()
	c := printertest.DefaultConfig()
	c.ProcessID = false // the profile is wrong: GS ( H is never answered
	w, _ := world(p, c)
	sleep(w, 20*time.Second)
	f, err := w.Print("a", printertest.Picture(1, 576, 10))
	if err != nil || f.Verdict != printer.NotPrinted || f.Cause == "" {
		t.Errorf("%+v, %v", f, err)
	}
	last := ""
	for _, ev := range w.Events {
		if e, ok := ev.(printer.StatusChanged); ok {
			last = e.Status.Cause
		}
	}
	if last != escpos.CauseStuck {
		t.Errorf("the status says %q", last)
	}
}

// TestSignsThatSpoil: what a printer says when it is not the one it was before.
func TestSignsThatSpoil(t *testing.T) {
	for _, c := range []struct {
		name, cause string
		sign        func(*printertest.World)
	}{
		{"XON out of the blue", escpos.CausePower, func(w *printertest.World) { w.Noise(0x11) }},
		{"an id that was not asked", escpos.CauseSkipped, func(w *printertest.World) {
			for _, b := range []byte("\x37\x229998\x00") {
				w.Noise(b)
			}
		}},
		{"silence for one poll", escpos.CausePower, func(w *printertest.World) {
			w.Printer.Mute = true
			w.At(600*time.Millisecond, func() { w.Printer.Mute = false })
		}},
		{"sixteen bytes of no meaning", escpos.CauseNoise, func(w *printertest.World) {
			for range 16 {
				w.Noise(0xFE)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := printertest.DefaultConfig()
			conf.RowTime, conf.Buffer = 10*time.Millisecond, 1<<17 // slow: a barrier is out most of the time
			w, _ := world(escpos.Generic80(), conf)
			fit(t, w)
			sleep(w, 5*time.Second)
			start, done := w.Sent, false
			w.OnSent = func(total int) {
				if !done && total > start+16000 {
					done = true
					w.At(0, func() { c.sign(w) })
				}
			}
			f, err := w.Print("a", printertest.Picture(1, 576, 900))
			if err != nil || f.Verdict != printer.Unknown || f.Cause != c.cause {
				t.Errorf("%+v, %v; want cause %q", f, err, c.cause)
			}
		})
	}
}

// TestAutomaticStatusIsArmedAgain: a restart that no poll has seen is found out
// when automatic status does not say what the polls say.
func TestAutomaticStatusIsArmedAgain(t *testing.T) {
	c := printertest.DefaultConfig()
	c.Boot, c.XonXoff = time.Millisecond, false
	w, _ := world(escpos.Generic80(), c)
	fit(t, w)
	sleep(w, 3500*time.Millisecond)
	w.Printer.Power(w.Now, false)
	w.Printer.Power(w.Now, true)
	w.Printer.Cover = true
	sleep(w, 12*time.Second)
	w.Printer.Cover = false
	fit(t, w)
	sleep(w, 5*time.Second)
	before := len(w.Events)
	w.Printer.Cover = true // for less than the time between two polls
	w.At(50*time.Millisecond, func() { w.Printer.Cover = false })
	w.Printer.Tick(w.Now)
	sleep(w, 5*time.Second)
	if got := fmt.Sprint(w.Events[before:]); !strings.Contains(got, escpos.CauseCover) {
		t.Errorf("automatic status was not switched on again: %s", got)
	}
}

// TestSettingsForEveryJob: a printer that was switched off and on in the night
// prints with the right units.
func TestSettingsForEveryJob(t *testing.T) {
	w, x := world(escpos.Generic80(), printertest.DefaultConfig())
	fit(t, w)
	sleep(w, 5*time.Second)
	for i := range 3 {
		before := len(x.sent)
		if f, err := w.Print(fmt.Sprint(i), printertest.Picture(1, 64, 50)); err != nil || f.Verdict != printer.Printed {
			t.Fatalf("%+v, %v", f, err)
		}
		if n := bytes.Count(x.sent[before:], []byte("\x1b@\x1dP\xcb\xcb")); n != 1 {
			t.Errorf("job %d: ESC @ and GS P were sent %d times", i, n)
		}
	}
}

// TestPiecesOfAutomaticStatus: at level C they look like answers to a barrier.
func TestPiecesOfAutomaticStatus(t *testing.T) {
	c := printertest.DefaultConfig()
	c.ProcessID, c.RowTime, c.Buffer = false, 10*time.Millisecond, 1<<17
	w, _ := world(escpos.Generic80C(), c)
	fit(t, w)
	sleep(w, 5*time.Second)
	start, told := w.Sent, 0
	w.OnSent = func(total int) {
		if told == 0 && total > start+16000 {
			w.Printer.Mute = true
			told = len(w.Events)
			w.At(100*time.Millisecond, func() { w.Noise(0); w.Noise(0); w.Noise(0) })
		}
	}
	f, err := w.Print("a", printertest.Picture(1, 576, 900))
	if err != nil || f.Verdict != printer.Unknown {
		t.Errorf("%+v, %v", f, err)
	}
	for _, ev := range w.Events[told:] {
		if p, ok := ev.(printer.Progress); ok {
			t.Errorf("three bytes of no frame were taken for an answer: %+v", p)
		}
	}
}

// TestUnplugged: the room is told once, and again when it is back.
func TestUnplugged(t *testing.T) {
	w, _ := world(escpos.Generic80(), printertest.DefaultConfig())
	fit(t, w)
	w.Link(false)
	if c := offline(w); c != escpos.CauseLink+": unplugged" {
		t.Errorf("offline: %q", c)
	}
	sleep(w, time.Minute)
	w.Link(true)
	if !w.Run(10*time.Second, func() bool { return offline(w) == "" && w.Fit() }) {
		t.Error("not back")
	}
}

// TestNeverAnswers: a dead printer is told, and found when it is switched on.
func TestNeverAnswers(t *testing.T) {
	c := printertest.DefaultConfig()
	thermal := printertest.NewThermal(c)
	thermal.Power(printertest.Epoch, false)
	w := printertest.NewWorld(escpos.New(escpos.Generic80()), thermal, 11520)
	sleep(w, 2*time.Second)
	if c := offline(w); c != escpos.CauseSilent {
		t.Errorf("offline: %q", c)
	}
	thermal.Power(w.Now, true)
	fit(t, w)
}

// FuzzMachine: whatever comes at whatever time, no panic, no flood, no busy loop.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x00\x12\x12\x12\x12\x14\x00\x00\x00_A\x00_B\x00_C\x00_D\x00\x37\x220001\x00"), uint8(20))
	f.Add([]byte("\x01\x12\x13\x11\xff\xff\x14\x00"), uint8(200))
	f.Add(bytes.Repeat([]byte{0x12}, 200), uint8(5))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		m := escpos.New(escpos.Generic80C())
		now := printertest.Epoch
		job := printer.Job{ID: "x", Picture: printertest.Picture(1, 64, 40)}
		finished := 0
		do := func(in line.Input[printer.Command]) {
			out := m.Step(now, in)
			if len(out.Send) > escpos.Ahead {
				t.Fatalf("%d bytes at once", len(out.Send))
			}
			if !out.Wake.IsZero() && !out.Wake.After(now) {
				t.Fatal("wake is not later")
			}
			for _, ev := range out.Events {
				switch e := ev.(type) {
				case printer.Ready:
					m.Step(now, line.Input[printer.Command]{Commands: []printer.Command{printer.Begin(e)}})
				case printer.Finished:
					finished++
				}
			}
		}
		do(line.Input[printer.Command]{Link: line.LinkUp})
		told := 0
		for i, b := range in {
			now = now.Add(time.Duration(step) * time.Millisecond)
			do(line.Input[printer.Command]{Received: []byte{b}})
			switch {
			case i%61 == 60:
				told++
				do(line.Input[printer.Command]{Commands: []printer.Command{printer.Print{Job: job}}})
			case b == 0xFD:
				do(line.Input[printer.Command]{Link: line.LinkDown})
				do(line.Input[printer.Command]{Link: line.LinkUp})
			}
		}
		do(line.Input[printer.Command]{Link: line.LinkDown})
		if finished != told {
			t.Fatalf("%d jobs, %d verdicts", told, finished)
		}
	})
}
