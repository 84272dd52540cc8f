package printertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Subject is a driver under test and the printer it is for.
type Subject struct {
	Name   string
	New    func() Unit
	Config Config
	Speed  int // bytes a second
	Width  int // dots
	Level  printer.Level
	Sparse int // every so many of the places where the power is cut; 1 is all

	// Classified is the number of incoming bytes the machine has put into a class,
	// or holds as part of a frame.
	Classified func(Unit) int
}

// Suite runs every rule against the subject.
func Suite(t *testing.T, s Subject) {
	t.Run("quiet", func(t *testing.T) { quiet(t, s) })
	t.Run("situations", func(t *testing.T) { situations(t, s) })
	t.Run("powerCuts", func(t *testing.T) { powerCuts(t, s) })
	for i := range 10 {
		t.Run(fmt.Sprintf("random%02d", i), rapid.MakeCheck(func(rt *rapid.T) { random(rt, s) }))
	}
}

// Picture is a slip-like picture: black marks in lines with white between. No two
// pictures of different seeds share a black row.
func Picture(seed uint64, width, height int) printer.Bitmap {
	r := rand.New(rand.NewPCG(seed, 0))
	b := printer.Bitmap{Width: width, Height: height}
	b.Bits = make([]byte, height*b.Stride())
	for y := 0; y < height; {
		for end := min(height, y+8+r.IntN(60)); y < end; y++ {
			row := b.Row(y)
			for i := range 1 + r.IntN(len(row)) {
				switch r.IntN(6) {
				case 0:
					row[i] = 0x10
				case 1:
					row[i] = 0x04
				case 2:
					row[i] = byte(r.Uint32())
				}
			}
			copy(row, []byte{byte(seed) | 1, byte(y), byte(y >> 8), 0x42})
			if extra := width % 8; extra != 0 {
				row[len(row)-1] &= 0xFF << (8 - extra)
			}
		}
		y += r.IntN(40)
	}
	return b
}

// situation is a fault, what ends it, and what the operator must be told.
type situation struct {
	name    string
	fault   func(w *World)
	clear   func(w *World)
	at      time.Duration // after Print; if zero at the row below
	row     int
	verdict printer.Verdict
	cause   func(printer.Status) bool // the status that must have been told
}

func situations(t *testing.T, s Subject) {
	cases := []situation{
		{name: "paper end in the middle", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.RollEnd = w.Printer.Row() + 40 },
			clear: func(w *World) { w.Printer.Reload(w.Now) },
			cause: func(s printer.Status) bool { return s.PaperOut }},
		{name: "cover opened in the middle", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.Cover = true },
			clear: func(w *World) { w.Printer.Cover = false },
			cause: func(s printer.Status) bool { return s.CoverOpen }},
		{name: "cutter sticks", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.BadCut = true },
			clear: func(w *World) { w.Printer.BadCut = false; w.Tell(printer.Clear{}) },
			cause: func(s printer.Status) bool { return s.CutterError }},
		{name: "jam", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.BadFeed = true },
			clear: func(w *World) { w.Printer.BadFeed = false; w.Tell(printer.Clear{}) },
			cause: func(s printer.Status) bool { return s.Jam }},
		{name: "head too hot for a while", row: 300, verdict: printer.Printed,
			fault: func(w *World) {
				w.Printer.Hot = true
				w.At(20*time.Second, func() { w.Printer.Hot = false })
			},
			cause: func(s printer.Status) bool { return s.Waiting }},
		{name: "held for a moment", row: 300, verdict: printer.Printed,
			fault: func(w *World) {
				w.Printer.Held = true
				w.At(100*time.Millisecond, func() { w.Printer.Held = false })
			}},
		{name: "held for too long", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.Held = true },
			clear: func(w *World) { w.Printer.Held = false }},
		{name: "feed button", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.Button = true },
			clear: func(w *World) { w.Printer.Button = false },
			cause: func(s printer.Status) bool { return !s.Online }},
		{name: "port lost in the middle", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Link(false); w.At(2*time.Second, func() { w.Link(true) }) }},
		{name: "no answer any more", row: 300, verdict: printer.Unknown,
			fault: func(w *World) { w.Printer.Mute = true },
			clear: func(w *World) { w.Printer.Mute = false }},
		{name: "power lost in the middle", row: 300, verdict: printer.Unknown,
			fault: func(w *World) {
				w.Printer.Power(w.Now, false)
				w.At(3*time.Second, func() { w.Printer.Power(w.Now, true) })
			}},
		{name: "brown-out in the middle", row: 300, verdict: printer.Unknown,
			fault: func(w *World) {
				w.Printer.Power(w.Now, false)
				w.At(20*time.Millisecond, func() { w.Printer.Power(w.Now, true) })
			}},
		{name: "no paper before", at: -1, verdict: printer.NotPrinted,
			fault: func(w *World) { w.Printer.NoPaper = true },
			clear: func(w *World) { w.Printer.Reload(w.Now) },
			cause: func(s printer.Status) bool { return s.PaperOut }},
		{name: "cover open before", at: -1, verdict: printer.NotPrinted,
			fault: func(w *World) { w.Printer.Cover = true },
			clear: func(w *World) { w.Printer.Cover = false },
			cause: func(s printer.Status) bool { return s.CoverOpen }},
		{name: "switched off before", at: -1, verdict: printer.NotPrinted,
			fault: func(w *World) { w.Printer.Power(w.Now, false) },
			clear: func(w *World) { w.Printer.Power(w.Now, true) }},
		{name: "unplugged before", at: -1, verdict: printer.NotPrinted,
			fault: func(w *World) { w.Link(false) },
			clear: func(w *World) { w.Link(true) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := open(t, s)
			picture := Picture(3, s.Width, 700)
			start := w.Printer.Row()
			if c.at < 0 {
				c.fault(w)
				w.Run(10*time.Second, func() bool { return false })
			} else {
				hit := false
				w.Unit = watch{w.Unit, func() {
					if !hit && w.Printer.Row() >= start+c.row {
						hit = true
						w.At(0, func() { c.fault(w) })
					}
				}}
			}
			f, err := w.Print("first", picture)
			if err != nil {
				t.Fatal(err)
			}
			if f.Verdict != c.verdict {
				t.Errorf("verdict %+v, want %s", f, c.verdict)
			}
			if f.Verdict != printer.Printed && f.Cause == "" {
				t.Error("no cause was given")
			}
			if c.cause != nil && !told(w, c.cause) {
				t.Errorf("the fault was never told in a status: %+v", w.Events)
			}
			w.Run(5*time.Second, func() bool { return false })
			if c.clear != nil {
				c.clear(w)
			}
			judge(t, s, w, "first", picture)
			recovers(t, s, w, 4)
		})
	}
}

// watch looks on at every step.
type watch struct {
	Unit
	see func()
}

func (x watch) Step(now time.Time, in unitInput) unitOutput {
	out := x.Unit.Step(now, in)
	x.see()
	return out
}

func told(w *World, is func(printer.Status) bool) bool {
	for _, ev := range w.Events {
		if e, ok := ev.(printer.StatusChanged); ok && is(e.Status) {
			return true
		}
	}
	return false
}

// open starts a driver on a fit printer and waits until it says so.
func open(t interface{ Fatalf(string, ...any) }, s Subject) *World {
	w := NewWorld(s.New(), NewThermal(s.Config), s.Speed)
	if !w.Run(time.Minute, w.Fit) {
		t.Fatalf("the printer is fit and the driver does not say so: %+v", w.Events)
	}
	return w
}

// reporter is what both kinds of test have.
type reporter interface {
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// judge holds the paper against the verdict.
func judge(t reporter, s Subject, w *World, id string, b printer.Bitmap) {
	fs := w.Finished[id]
	if len(fs) != 1 {
		t.Fatalf("job %s has %d verdicts: %+v", id, len(fs), fs)
	}
	whole, part := 0, 0
	for _, p := range w.Printer.Pieces() {
		if p.CutBelow && p.Holds(b) {
			whole++
		}
		if p.Shows(b) {
			part++
		}
	}
	switch f := fs[0]; {
	case f.Verdict == printer.Printed && (whole != 1 || part != 1):
		t.Errorf("job %s: %+v, but %d pieces hold the whole picture and %d show some of it", id, f, whole, part)
	case f.Verdict == printer.Printed && (f.Level != s.Level || f.Rows != b.Height):
		t.Errorf("job %s: %+v, want level %s and %d rows", id, f, s.Level, b.Height)
	case f.Verdict == printer.NotPrinted && part != 0:
		t.Errorf("job %s: %+v, but %d pieces show some of the picture", id, f, part)
	case f.Verdict == printer.Unknown && whole > 1:
		t.Errorf("job %s: %+v, and %d pieces hold the whole picture", id, f, whole)
	}
	for _, b := range w.Broken {
		t.Errorf("the driver %s", b)
	}
	if s.Classified != nil {
		u := w.Unit
		if x, ok := u.(watch); ok {
			u = x.Unit
		}
		if got := s.Classified(u); got != w.Received() {
			t.Errorf("%d bytes came in, %d were classified", w.Received(), got)
		}
	}
}

// recovers: with all faults gone, a job is printed, at the latest a few tries on.
func recovers(t reporter, s Subject, w *World, seed uint64) {
	b := Picture(seed, s.Width, 240)
	for try := range 8 {
		id := fmt.Sprintf("after-%d-%d", seed, try)
		f, err := w.Print(id, b)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if f.Verdict == printer.Printed {
			judge(t, s, w, id, b)
			return
		}
		if f.Verdict == printer.Unknown {
			b = Picture(seed+uint64(try)*2+2, s.Width, 240) // the old one may be on paper
		}
		w.Run(20*time.Second, func() bool { return false })
	}
	t.Fatalf("all faults are gone, and no job is printed: %+v", w.Events[max(0, len(w.Events)-12):])
}

// quiet: with no fault every slip is printed, promptly, one after the other.
func quiet(t *testing.T, s Subject) {
	w := open(t, s)
	for i, height := range []int{1, 7, 200, 640, 1200} {
		id := fmt.Sprint("slip", i)
		b := Picture(uint64(2*i+1), s.Width-i*9, height)
		start := w.Now
		f, err := w.Print(id, b)
		if err != nil {
			t.Fatal(err)
		}
		if f.Verdict != printer.Printed {
			t.Fatalf("%+v", f)
		}
		judge(t, s, w, id, b)
		line := time.Duration(len(b.Bits)) * time.Second / time.Duration(s.Speed)
		if took := w.Now.Sub(start); took > line+time.Duration(height)*s.Config.RowTime+4*time.Second {
			t.Errorf("%d rows took %v; the line alone needs %v", height, took, line)
		}
	}
	for _, p := range w.Printer.Pieces() {
		if !p.CutAbove {
			t.Error("a piece of paper was not cut off")
		}
	}
	before := w.Sent
	w.Run(time.Minute, func() bool { return false })
	if polled := (w.Sent - before) / 3; polled < 50 || polled > 70 {
		t.Errorf("%d polls in an idle minute, want one a second", polled)
	}
}
