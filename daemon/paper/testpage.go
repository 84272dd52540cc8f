package paper

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// A test page shows a technician that the printer prints and cuts. It is no slip: it
// takes no number and leaves no slip.* record, so that it can never be taken for a
// receipt; that it was printed is a record of service mode. It carries no money word
// and says in three languages what it is.

// TestPage is what stands on the page besides its patterns.
type TestPage struct {
	Terminal string // its number
	When     string
	Printer  string // what the printer says of itself
}

// test is a test page on its way, until its end is fetched.
type test struct {
	id  string
	end *printer.Finished
}

func (d *Desk) testing() bool { return d.test != nil && d.test.end == nil }

// PrintTest begins a test page; TestEnd brings its end. It must not be called while
// Busy.
func (d *Desk) PrintTest(now time.Time, id string, p TestPage) {
	d.test, d.by = &test{id: id}, now.Add(patience)
	d.ports.Draw(Request{ID: id, Test: &p})
}

// TestEnd hands out the end of the test page, once; nil before it.
func (d *Desk) TestEnd() *printer.Finished {
	if d.test == nil || d.test.end == nil {
		return nil
	}
	e := d.test.end
	d.test = nil
	return e
}

func (d *Desk) testDrawn(picture printer.Bitmap, err error) {
	switch {
	case err != nil:
		d.endTest(printer.Finished{Verdict: printer.NotPrinted, Cause: CauseDrawing + ": " + err.Error()})
	case !d.ports.HasUnit:
		d.endTest(printer.Finished{Verdict: printer.NotPrinted, Cause: CauseNoPrinter})
	default:
		d.ports.Printer(printer.Print{Job: printer.Job{ID: d.test.id, Picture: picture}})
	}
}

// testEvent takes in what the printer says of the test page.
func (d *Desk) testEvent(ev printer.Event) bool {
	if !d.testing() {
		return false
	}
	switch e := ev.(type) {
	case printer.Ready:
		if e.JobID == d.test.id {
			d.ports.Printer(printer.Begin(e))
			return true
		}
	case printer.Progress:
		return e.JobID == d.test.id
	case printer.Finished:
		if e.JobID == d.test.id {
			d.endTest(e)
			return true
		}
	}
	return false
}

func (d *Desk) endTest(e printer.Finished) {
	d.by, d.test.end = time.Time{}, &e
}

// Draw lays the page out: words at the sizes of a receipt, a code, and rows of dots
// in which a dead one shows.
func (p TestPage) Draw(width int, fonts *draw.Fonts) (printer.Bitmap, error) {
	line := func(lang, text string, size int) draw.Block { return draw.Text{Text: text, Lang: lang, Size: size} }
	row := func(label, value string) draw.Block {
		return draw.Row{Label: label, Value: value, Lang: "en", Size: draw.SizeBody, LTR: true}
	}
	blocks := []draw.Block{
		draw.Text{Text: "TEST", Lang: "en", Size: draw.SizeTotal, Bold: true, Align: draw.AlignCenter},
		line("az", "Printerin yoxlanması. Bu qəbz deyil.", draw.SizeBody),
		line("ru", "Проверка принтера. Это не квитанция.", draw.SizeBody),
		line("en", "Test of the printer. This is not a receipt.", draw.SizeBody),
		draw.Rule{},
		row("Terminal", p.Terminal), row("Time", p.When), row("Printer", p.Printer),
		draw.Rule{},
		line("az", "ƏÜÖĞIİÇŞ əüöğıiçş 0123456789", draw.SizeSmall),
		line("ru", "Съешь же ещё этих мягких булок", draw.SizeSmall),
		draw.QR{Content: fmt.Sprintf("KIOSKTEST;%s;%s", p.Terminal, p.When)},
		draw.Rule{}, draw.Space{Dots: 8}, draw.Rule{},
	}
	return draw.Draw(draw.Page{Width: width, Lang: stateLang, Blocks: blocks}, fonts)
}
