package visit

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// What the machine itself can ask of a visit. Why it does (a door, an alarm, a
// technician) is upkeep's to know.

// outInterrupted ends a visit or closes its tender because the terminal may not go
// on.
const outInterrupted = "interrupted"

// SetHold keeps new visits from starting: the screen says that the terminal is out
// of service. A visit that is under way goes on; see Interrupt. It may be repeated.
func (e *Engine) SetHold(on bool) { e.hold = on }

// Interrupt ends the running visit, if there is one, with what was put in kept for
// the person: a tender is closed and goes the way of a cancelled payment to its slip;
// a posting or a slip that is under way finishes, and so does a note; without money
// the visit is over. It may be repeated; Observe does the work.
func (e *Engine) Interrupt() { e.interrupted = e.InVisit() }

// observeInterrupted moves an interrupted visit towards its end. Steps in which the
// machine works, and those that tell the person where the money is, end by
// themselves; all others end here.
func (e *Engine) observeInterrupted(now time.Time) {
	switch {
	case e.atFarewell(), e.r.Step == stepLostClose, e.r.Step == stepLostDeliver:
		return
	case e.step == nil:
	default:
		switch e.step.Kind {
		case catalogue.KindPay:
			e.idle = time.Time{}
			e.till.Close(now, outInterrupted)
			return
		case catalogue.KindSubmit, catalogue.KindDeliver:
			return
		case catalogue.KindPresent:
			if e.step.Final {
				return
			}
		}
	}
	e.r.Reason = wire.ReasonOutOfService
	if !e.money().Held.IsPositive() {
		e.end(now, outInterrupted)
		return
	}
	// No journey of a checked catalogue holds money here; if one did, the person gets
	// a slip for it all the same.
	e.dropAsk()
	e.dropIdentify()
	e.signOut(now, outInterrupted)
	e.journey, e.step = nil, nil
	e.r.Journey, e.r.Step = "", stepLostDeliver
	e.save()
	e.write(record.VisitMoved{Step: stepLostDeliver, Outcome: outInterrupted})
	e.stepSeq++
	e.begin(now)
}
