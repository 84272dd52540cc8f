package printertest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

type (
	unitInput  = line.Input[printer.Command]
	unitOutput = line.Output[printer.Event]
)

// powerCuts cuts the power for short and long times after every so many bytes of
// a job, also in the moment after the printer has said XOFF, so that its XON at
// the start looks like an answer to that. Verdict and paper must agree, and the
// next slip must be clean.
func powerCuts(t *testing.T, s Subject) {
	for _, off := range []time.Duration{time.Microsecond, 300 * time.Millisecond, 5 * time.Second} {
		for _, height := range []int{5, 300} {
			for _, held := range []bool{false, true} {
				for after := 40; after < 60*height; after += s.Sparse * (17 + height) {
					powerCut(t, s, height, after, off, held)
				}
			}
		}
	}
}

func powerCut(t *testing.T, s Subject, height, after int, off time.Duration, held bool) {
	w := open(t, s)
	b := Picture(5, s.Width, height)
	start, hit := 0, false
	w.OnReady = func(id string) {
		start = w.Sent
		w.At(5*time.Millisecond, func() { w.Tell(printer.Begin{JobID: id}) })
	}
	w.OnSent = func(total int) {
		if hit || start == 0 || total-start < after {
			return
		}
		hit = true
		if held {
			w.At(2*time.Millisecond, func() { w.Printer.Held = true })
		}
		w.At(5*time.Millisecond, func() { w.Printer.Power(w.Now, false) })
		w.At(5*time.Millisecond+off, func() { w.Printer.Held = false; w.Printer.Power(w.Now, true) })
	}
	if _, err := w.Print("first", b); err != nil {
		t.Fatal(err)
	}
	judge(t, s, w, "first", b)
	w.OnReady = nil
	recovers(t, s, w, 6)
	if t.Failed() {
		t.Fatalf("%d rows, power off for %v after %d bytes, held %v: %+v", height, off, after, held, w.Events)
	}
}

// random is one run with up to four faults at any time.
func random(t *rapid.T, s Subject) {
	c := s.Config
	c.Latency = time.Duration(rapid.IntRange(0, 40).Draw(t, "latency ms")) * time.Millisecond
	c.RowTime = time.Duration(rapid.IntRange(800, 2500).Draw(t, "row us")) * time.Microsecond
	c.XonXoff = rapid.Bool().Draw(t, "xon")
	c.Identity = rapid.Bool().Draw(t, "identity")
	s.Config = c
	w := open(t, s)
	height := rapid.IntRange(1, 500).Draw(t, "height")
	b := Picture(uint64(rapid.IntRange(10, 120).Draw(t, "picture")*2+1), s.Width, height)
	lasts := 1500*time.Millisecond + time.Duration(len(b.Bits))*time.Second/time.Duration(s.Speed) + time.Duration(height)*c.RowTime
	for range rapid.IntRange(1, 4).Draw(t, "faults") {
		fault(t, w, lasts)
	}
	if _, err := w.Print("first", b); err != nil {
		t.Fatalf("%v", err)
	}
	w.Run(2*lasts+7*time.Second, func() bool { return false })
	mend(w)
	w.Run(time.Second, func() bool { return false })
	judge(t, s, w, "first", b)
	recovers(t, s, w, 8)
	judge(t, s, w, "first", b)
}

// mend ends every fault.
func mend(w *World) {
	w.events = nil
	p := w.Printer
	p.Power(w.Now, true)
	p.Reload(w.Now)
	p.RollEnd = 0
	p.Cover, p.Hot, p.Held, p.Mute, p.BadCut, p.BadFeed, p.Button = false, false, false, false, false, false, false
	w.Link(true)
	w.Tell(printer.Clear{})
}

// fault plans one fault within the time the job takes.
func fault(t *rapid.T, w *World, lasts time.Duration) {
	at := time.Duration(rapid.Int64Range(0, int64(lasts)).Draw(t, "at"))
	long := time.Duration(rapid.OneOf(
		rapid.Int64Range(1, int64(100*time.Millisecond)),
		rapid.Int64Range(1, int64(6*time.Second))).Draw(t, "long"))
	p := w.Printer
	during := func(flag *bool) {
		w.At(at, func() { *flag = true })
		w.At(at+long, func() { *flag = false })
	}
	switch kind := rapid.SampledFrom([]string{"power", "roll", "cover", "hot", "held", "mute", "late", "cutter",
		"feed", "button", "link", "noise", "burst", "clear"}).Draw(t, "kind"); kind {
	case "power":
		w.At(at, func() { p.Power(w.Now, false) })
		w.At(at+long, func() { p.Power(w.Now, true) })
	case "roll":
		rows := rapid.IntRange(1, 700).Draw(t, "rows left")
		p.RollEnd = p.Row() + rows
		w.At(at+long+3*time.Second, func() { p.Reload(w.Now) })
	case "cover":
		during(&p.Cover)
	case "hot":
		during(&p.Hot)
	case "held":
		during(&p.Held)
	case "mute":
		during(&p.Mute)
	case "late":
		slow := time.Duration(rapid.IntRange(100, 900).Draw(t, "slow ms")) * time.Millisecond
		usual := p.c.Latency
		w.At(at, func() { p.c.Latency = slow })
		w.At(at+long, func() { p.c.Latency = usual })
	case "cutter":
		during(&p.BadCut)
	case "feed":
		during(&p.BadFeed)
	case "button":
		during(&p.Button)
	case "link":
		w.At(at, func() { w.Link(false) })
		w.At(at+long, func() { w.Link(true) })
	case "noise":
		x := rapid.Byte().Draw(t, "byte")
		w.At(at, func() {
			if w.Garbage > 0 {
				x |= 0x80 // one forged answer in a run is what level C can stand
			}
			w.Noise(x)
		})
	case "burst":
		for i := range rapid.IntRange(1, 40).Draw(t, "bytes") {
			// Bytes as a wrong speed or a bad ground makes them; a forged answer of
			// the right form is one byte only, above.
			x := byte(0x80 + i*7%0x80)
			w.At(at+time.Duration(i)*time.Millisecond, func() { w.Noise(x) })
		}
	case "clear":
		w.At(at, func() { w.Tell(printer.Clear{}) })
	}
}
