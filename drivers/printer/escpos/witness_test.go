package escpos_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/drivers/printer/printertest"
)

// witness joins the machine to the bench's printer, which was written from the
// manual by other hands.
type witness struct {
	t        *testing.T
	now      time.Time
	m        *escpos.Machine
	p        *paperprinter.Printer
	mWake    time.Time
	pWake    time.Time
	toM      []byte
	sent     int
	strips   []paperprinter.Strip
	finished map[string]printer.Finished
	fit      bool
	onSent   func(n int)
}

func newWitness(t *testing.T) *witness {
	w := &witness{t: t, now: printertest.Epoch, m: escpos.New(escpos.Generic80()),
		p: paperprinter.New(paperprinter.DefaultConfig(), 1), finished: map[string]printer.Finished{}}
	w.took(w.p.Tick(w.now))
	w.step(line.Input[printer.Command]{Link: line.LinkUp})
	w.until(20*time.Second, func() bool { return w.fit })
	if !w.fit {
		t.Fatal("the bench's printer is not found fit")
	}
	return w
}

func (w *witness) took(out paperprinter.Output) {
	w.toM = append(w.toM, out.Send...)
	w.pWake = out.Wake
	for _, e := range out.Events {
		if e.Strip != nil {
			w.strips = append(w.strips, *e.Strip)
		}
	}
}

func (w *witness) do(a paperprinter.Action) {
	out, err := w.p.Do(w.now, a)
	if err != nil {
		w.t.Fatal(err)
	}
	w.took(out)
}

func (w *witness) step(in line.Input[printer.Command]) {
	out := w.m.Step(w.now, in)
	w.mWake = out.Wake
	if len(out.Send) > 0 {
		w.sent += len(out.Send)
		w.took(w.p.Receive(w.now, out.Send))
		if w.onSent != nil {
			w.onSent(w.sent)
		}
	}
	for _, ev := range out.Events {
		switch e := ev.(type) {
		case printer.Ready:
			w.step(line.Input[printer.Command]{Commands: []printer.Command{printer.Begin(e)}})
		case printer.Finished:
			w.finished[e.JobID] = e
		case printer.StatusChanged:
			w.fit = e.Status.Fit()
		case printer.Offline:
			w.fit = false
		}
	}
}

func (w *witness) until(limit time.Duration, done func() bool) {
	end := w.now.Add(limit)
	for !done() && w.now.Before(end) {
		next := end
		for _, at := range []time.Time{w.mWake, w.pWake} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.After(w.now) && len(w.toM) == 0 {
			w.now = next
		}
		if !w.pWake.IsZero() && !w.pWake.After(w.now) {
			w.took(w.p.Tick(w.now))
		}
		if data := w.toM; len(data) > 0 || !w.mWake.IsZero() && !w.mWake.After(w.now) {
			w.toM = nil
			w.step(line.Input[printer.Command]{Received: data})
		}
	}
}

func (w *witness) print(id string, b printer.Bitmap) printer.Finished {
	w.step(line.Input[printer.Command]{Commands: []printer.Command{printer.Print{Job: printer.Job{ID: id, Picture: b}}}})
	w.until(3*time.Minute, func() bool { _, ok := w.finished[id]; return ok })
	return w.finished[id]
}

// whole counts the strips that are cut off and hold the picture and nothing else.
func (w *witness) whole(b printer.Bitmap) (n int) {
	for _, s := range w.strips {
		if p := s.Picture.Trim(); s.End == paperprinter.EndCut && bytes.Equal(p.Bits, b.Bits) {
			n++
		}
	}
	return n
}

// lattice is a picture whose every row is black somewhere, at full width.
func lattice(seed, height int) printer.Bitmap {
	b := printer.Bitmap{Width: 576, Height: height, Bits: make([]byte, 72*height)}
	for y := range height {
		for i := range 72 {
			b.Row(y)[i] = byte(0x81 | (seed*37+y*11+i*5)&0x66)
		}
	}
	return b
}

// TestWitness: what is said to be printed is on the bench's paper, through every
// kind of loss of power at every kind of place.
func TestWitness(t *testing.T) {
	cases := []struct {
		name string
		do   func(w *witness)
	}{
		{"nothing happens", func(*witness) {}},
		{"brown-out", func(w *witness) { w.do(paperprinter.BrownOut{}) }},
		{"power off and on", func(w *witness) { w.do(paperprinter.PowerOff{}); w.do(paperprinter.PowerOn{}) }},
		{"paper end", func(w *witness) { w.do(paperprinter.PaperEnd{}) }},
		{"cover", func(w *witness) { w.do(paperprinter.OpenCover{}) }},
		{"cutter", func(w *witness) { w.do(paperprinter.BlockCutter{}) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for after := 200; after < 20000; after += 1733 {
				w := newWitness(t)
				b := lattice(1, 240)
				start, hit := w.sent, false
				w.onSent = func(n int) {
					if !hit && n-start >= after {
						hit = true
						c.do(w)
					}
				}
				f := w.print("first", b)
				n := w.whole(b)
				switch {
				case f.Verdict == "":
					t.Fatalf("after %d bytes: no verdict", after)
				case f.Verdict == printer.Printed && n != 1:
					t.Errorf("after %d bytes: %+v, and %d strips hold the picture", after, f, n)
				case f.Verdict != printer.Printed && c.name == "nothing happens":
					t.Errorf("%+v", f)
				}
				w.onSent = nil
				w.until(5*time.Second, func() bool { return false })
				for _, a := range []paperprinter.Action{paperprinter.ClearFaults{}, paperprinter.LoadRoll{}, paperprinter.CloseCover{}, paperprinter.FreeCutter{}} {
					if out, err := w.p.Do(w.now, a); err == nil { // not all apply to each case
						w.took(out)
					}
				}
				w.step(line.Input[printer.Command]{Commands: []printer.Command{printer.Clear{}}})
				w.until(90*time.Second, func() bool { return w.fit })
				second := lattice(2, 120)
				var last printer.Finished
				for try := range 4 {
					if last = w.print(fmt.Sprint("second", try), second); last.Verdict == printer.Printed {
						break
					}
					w.until(35*time.Second, func() bool { return false })
				}
				if last.Verdict != printer.Printed || w.whole(second) != 1 {
					t.Errorf("after %d bytes, and all mended: %+v, %d strips hold the next slip", after, last, w.whole(second))
				}
			}
		})
	}
}
