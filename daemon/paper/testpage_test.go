package paper

import (
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

var at = time.Unix(1_800_000_000, 0)

// The test page can be drawn at every width of head, whatever the printer says of
// itself.
func TestTestPage(t *testing.T) {
	fonts, err := draw.LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{384, 576, 640} {
		b, err := Render(nil, Request{ID: "1", Test: &TestPage{Terminal: "BAK-0001", When: "02.11.2026 10:00:00", Printer: "Model, 1.02, SN0001"}}, width, fonts)
		if err != nil || b.Width != width || b.Height < 400 {
			t.Errorf("width %d: %d x %d, %v", width, b.Width, b.Height, err)
		}
	}
}

// A test page has its own way: a slip waits for it, its end is told once, and what the
// printer says of another job is not taken for it.
func TestTestPageWay(t *testing.T) {
	var sent []printer.Command
	d := New(NewLog(), Ports{HasUnit: true, Draw: func(Request) {}, Printer: func(c printer.Command) { sent = append(sent, c) }})
	d.PrintTest(at, "t1", TestPage{})
	if !d.Busy() || d.TestEnd() != nil {
		t.Error("a test page is on its way, and the desk is free")
	}
	d.Drawn(at, "t1", printer.Bitmap{Width: 8, Height: 1, Bits: []byte{1}}, nil)
	d.Event(at, printer.Ready{JobID: "t1"})
	d.Event(at, printer.Finished{JobID: "of before", Verdict: printer.NotPrinted})
	if len(sent) != 2 || !d.Busy() {
		t.Errorf("sent %+v", sent)
	}
	d.Event(at, printer.Finished{JobID: "t1", Verdict: printer.Printed})
	if e := d.TestEnd(); e == nil || e.Verdict != printer.Printed || d.Busy() || d.TestEnd() != nil || d.Log().Number() != 0 || !d.Wake().IsZero() {
		t.Errorf("ended %+v, number %d", e, d.Log().Number())
	}
}
