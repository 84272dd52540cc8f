package visit_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/journaltest"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// paid goes through a payment to its slip.
func (p *person) paid() {
	p.t.Helper()
	p.toPosting()
	p.result(record.ActionDone, "")
	p.at(wire.StepDeliver)
}

// TestSlipAgain: one original, at most three copies, all with the same number, time and
// sums (protocols/receipt-printer.md 7.3, 8.4).
func TestSlipAgain(t *testing.T) {
	p := newPerson(t)
	p.paid()
	original := p.print(printer.NotPrinted)
	outcome := func(slip wire.Slip, again wire.Again) {
		t.Helper()
		p.at(wire.StepFarewell)
		if o := p.state().Visit.Outcome; o.Slip != slip || o.Again != again {
			t.Fatalf("slip %q, again %q; want %q, %q", o.Slip, o.Again, slip, again)
		}
	}
	once := func(v printer.Verdict, number int, replaces bool) {
		t.Helper()
		p.now = p.now.Add(20 * time.Second)
		p.tap(wire.NameSlipAgain, wire.Command{Key: fmt.Sprint(number, v)})
		outcome(wire.SlipPrinting, wire.AgainNo)
		for _, name := range []string{wire.NameSlipAgain, wire.NameNext} {
			if err := p.engine.Command(p.now, name, wire.Command{StepSeq: p.state().StepSeq}); !errors.Is(err, visit.ErrNotHere) {
				t.Errorf("%s while it is printed: %v", name, err)
			}
		}
		p.wait(40 * time.Second) // longer than a farewell stays
		r := p.print(v)
		got := r.Values
		want := maps.Clone(original.Values)
		want["copy"], want["replaces"] = int64(number), got["replaces"]
		if !reflect.DeepEqual(got, want) || r.Number != original.Number || r.Document != original.Document || r.Lang != original.Lang {
			t.Errorf("copy %d differs from the original in more than its mark:\n%+v\n%+v", number, got, want)
		}
		if (got["replaces"] == int64(1)) != replaces {
			t.Errorf("copy %d: replaces an incomplete slip: %v, want %v", number, got["replaces"], replaces)
		}
		if q, _ := journaltest.Last[record.SlipQueued](p.mem); q.Copy != number || q.Number != original.Number || q.Why != "customer" {
			t.Errorf("the journal has %+v", q)
		}
	}
	outcome(wire.SlipNotPrinted, wire.AgainOriginal)
	once(printer.Unknown, 0, false)
	outcome(wire.SlipUnknown, wire.AgainCopy)
	once(printer.NotPrinted, 1, true)
	outcome(wire.SlipNotPrinted, wire.AgainCopy)
	once(printer.Printed, 1, true)
	outcome(wire.SlipPrinted, wire.AgainCopy)
	once(printer.Printed, 2, true)
	once(printer.Printed, 3, true)
	outcome(wire.SlipPrinted, wire.AgainNo)
	if err := p.engine.Command(p.now, wire.NameSlipAgain, wire.Command{StepSeq: p.state().StepSeq}); !errors.Is(err, visit.ErrNotHere) {
		t.Errorf("a fourth copy: %v", err)
	}
	p.wait(29 * time.Second) // the farewell's time begins anew with each slip
	p.at(wire.StepFarewell)
	p.wait(2 * time.Second)
	p.at(wire.StepAttract)

	p.paid()
	next := p.print(printer.Printed)
	if next.Number != original.Number+1 || next.Values["copy"] != int64(0) || next.Values["replaces"] != int64(0) {
		t.Errorf("the next person's slip: %+v", next)
	}
	p.desk.Event(p.now, printer.StatusChanged{Status: printer.Status{Online: true, PaperOut: true}})
	p.rest()
	outcome(wire.SlipPrinted, wire.AgainNo) // there is no paper
	p.desk.Event(p.now, printer.StatusChanged{Status: printer.Status{Online: true}})
	p.rest()
	outcome(wire.SlipPrinted, wire.AgainCopy)
	whose := p.mem.Records[len(p.mem.Records)-1].Visit
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepAttract)
	if _, ok := p.desk.Again(whose); ok {
		t.Error("what stood on the slip is still there when its person has left")
	}

	p.paid()
	p.print(printer.Printed)
	p.tap(wire.NameSlipAgain, wire.Command{})
	p.boot(false) // and the daemon is started anew while it is printed
	outcome(wire.SlipNotPrinted, wire.AgainNo)
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepAttract)
}
