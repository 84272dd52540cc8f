package visit

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// Reasons for closing a tender.
const (
	closeFinished  = "finished"
	closeCancelled = "cancelled"
	closeAbandoned = "abandoned"
)

// beginPay opens the tender, or finds it open or closed after a restart.
func (e *Engine) beginPay(now time.Time) {
	if e.till.Ledger().Closed(e.r.Visit) != nil {
		return
	}
	most, notes := e.limit(now)
	e.till.Open(now, e.r.Visit, e.owed(), most, notes)
}

// finishPay is the person's "finish": only when what is owed is covered.
func (e *Engine) finishPay(now time.Time) bool {
	if e.money().Held.Cmp(e.owed()) < 0 {
		return false
	}
	e.till.Close(now, closeFinished)
	e.idle = time.Time{}
	return true
}

// payIdle: nobody has touched anything for long. What can be finished is
// finished, because that is what the person came for; what cannot is recorded.
func (e *Engine) payIdle(now time.Time) {
	e.idle = time.Time{}
	if m := e.money(); m.Held.IsPositive() && m.Held.Cmp(e.owed()) >= 0 {
		e.till.Close(now, closeFinished)
		return
	}
	e.till.Close(now, closeAbandoned)
}

func (e *Engine) observePay(now time.Time) {
	if e.till.Last().What == "returned" {
		e.r.Returned = true
	}
	c := e.till.Ledger().Closed(e.r.Visit)
	if c == nil {
		if e.till.Ledger().Tender() == nil {
			// Closed by the book while the daemon was away ("superseded" cannot be ours).
			e.beginPay(now)
		}
		return
	}
	m := e.money()
	doubt := e.till.Ledger().Undecided(e.r.Visit)
	switch {
	case m.Held.IsPositive() && m.Held.Cmp(e.owed()) >= 0 && c.Why == closeFinished:
		e.finish(now, "paid")
	case doubt > 0:
		e.r.Reason = wire.ReasonNoteJam
		e.finish(now, "fault")
	case m.Held.IsZero():
		e.r.Reason = why(c.Why)
		if c.Why == closeAbandoned || c.Why == outInterrupted {
			e.end(now, c.Why)
			return
		}
		e.finish(now, "empty")
	default:
		e.r.Reason = why(c.Why)
		e.finish(now, "abandoned")
	}
}

func why(s string) wire.Reason {
	switch s {
	case closeCancelled:
		return wire.ReasonCancelled
	case closeAbandoned:
		return wire.ReasonAbandoned
	case outInterrupted:
		return wire.ReasonOutOfService
	}
	return wire.ReasonRestarted
}
