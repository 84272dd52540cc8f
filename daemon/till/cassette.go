package till

import (
	"errors"
	"maps"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// The cassette and its periods. A period ends with what is in the cassette when
// the cassette goes out: by its switch in the cabinet, or because the unit says so,
// whichever comes first. The next one begins when a collector has confirmed an
// empty cassette; until then no note is taken. Where nobody can confirm
// (Config.Confirm is false: a terminal without people) it begins at once, as the
// unit itself takes notes again when a cassette is in.

// ErrPeriodOpen: a period is open; there is nothing to confirm.
var ErrPeriodOpen = errors.New("the cassette period is open")

// ErrCassetteOut: the unit says that there is no cassette.
var ErrCassetteOut = errors.New("there is no cassette in the unit")

// ClosePeriod ends the cassette period, unless it has ended already.
func (t *Till) ClosePeriod(why, person string) {
	l := t.ledger
	if l.s.Closing {
		return
	}
	totals := map[money.Currency]int64{}
	for c, terms := range l.s.ByPeriod {
		if terms.Stacked != 0 {
			totals[c] = terms.Stacked
		}
	}
	t.write("", record.CassetteClosed{Period: l.s.Period, Notes: maps.Clone(l.s.Count), Totals: totals, Why: why, Person: person})
	if !t.cfg.Confirm {
		t.write("", record.PeriodOpened{Period: l.s.Period + 1, Why: why})
		return
	}
	t.steer()
}

// OpenPeriod begins the next period with an empty cassette.
func (t *Till) OpenPeriod(why, person string) error {
	switch {
	case !t.ledger.s.Closing:
		return ErrPeriodOpen
	case t.CassetteGone():
		return ErrCassetteOut
	}
	t.write("", record.PeriodOpened{Period: t.ledger.s.Period + 1, Why: why, Person: person})
	t.steer()
	return nil
}

// Hold keeps the acceptor from taking notes, whatever else would let it, until
// Release. A note that is past the decision finishes; one that comes is given
// back. Both may be called twice.
func (t *Till) Hold() { t.setHold(true) }

// Release ends Hold.
func (t *Till) Release() { t.setHold(false) }

func (t *Till) setHold(on bool) {
	if t.held != on {
		t.held = on
		t.steer()
	}
}

// shut reports whether no note may be taken by the machine's own state.
func (t *Till) shut() bool { return t.held || t.ledger.s.Closing }

// CassetteGone reports whether the unit says that it has no cassette.
func (t *Till) CassetteGone() bool {
	return t.fault != nil && t.fault.Kind == cash.FaultCassetteRemoved
}

// Period is the cassette period, and whether it is open. Between two periods the
// counts are those of the one that was closed.
func (l *Ledger) Period() (n uint64, open bool) { return l.s.Period, !l.s.Closing }

// Rejected is how many notes the unit has ever refused.
func (l *Ledger) Rejected() int64 { return l.s.Rejected }
