package terminal

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// Health is how the terminal is now: what the devices have said, and what the
// rooms decide by. The loops are the caller's to add.
func (t *Terminal) Health(now time.Time) health.Report {
	c := t.courier.Health()
	f := health.Facts{
		PaperFit: t.desk.Fit(), CardReady: t.cards.Ready(),
		CentralOnline: c.Online, CentralWhy: c.Why, CentralSince: c.Since, Alarms: c.Alarms,
		Central: health.CentralReport{Unsent: c.Unsent, Open: c.Open},
		InVisit: t.visit.InVisit(),
		Nothing: t.visit.State(now).Visit.Step == wire.StepOutOfService,
	}
	if !c.Retry.IsZero() {
		f.Central.Backoff = max(0, c.Retry.Sub(now)).Milliseconds()
	}
	f.CashReady, f.CashWhy = t.till.Ready()
	for _, s := range t.bundle.Services {
		for _, n := range s.Needs {
			f.Needs = append(f.Needs, health.FunctionID(n))
		}
	}
	for _, h := range t.upkeep.Holds() {
		f.Holds = append(f.Holds, string(h))
	}
	return t.health.Report(now, f)
}

// Finish begins the end of the daemon's life: from here on no note is taken, and
// what moves comes to its end. The visit stays; the next life goes on with it.
func (t *Terminal) Finish(now time.Time) {
	t.now, t.ending = now, true
	t.rest()
}

// AtRest reports whether nothing moves that a stop would interrupt: no note in the
// acceptor, no slip in the printer.
func (t *Terminal) AtRest() bool { return t.till.AtRest() && !t.desk.Busy() }
