package visit

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// quoteValid is how long a quote stands unless the step says otherwise.
const quoteValid = 10 * time.Minute

// beginQuote freezes amount and commission by the rules in force now.
func (e *Engine) beginQuote(now time.Time) {
	v := e.r.Vars[e.step.Amount]
	if v.Money == nil {
		panic("visit: quote without an amount; the checker must refuse such a journey")
	}
	e.r.Amount = *v.Money
	e.r.Commission = catalogue.Commission(e.step.Commission, *v.Money, now)
	valid := quoteValid
	if e.step.ValidS > 0 {
		valid = time.Duration(e.step.ValidS) * time.Second
	}
	if e.r.QuoteUntil.IsZero() || !e.resumed {
		e.r.QuoteUntil = now.Add(valid)
	}
	e.save()
}

func (e *Engine) owed() money.Amount { return e.r.Amount.Add(e.r.Commission) }

// limit is the greatest sum and number of notes: the journey's, or this terminal's
// own if that is less.
func (e *Engine) limit(now time.Time) (money.Amount, int) {
	for i := range e.journey.Steps {
		if s := &e.journey.Steps[i]; s.Kind == catalogue.KindPay {
			if l, ok := catalogue.Limit(s.Limits, now); ok {
				most := l.MaxCash
				if own := e.terminal.MaxCash; own.IsPositive() && own.Currency == most.Currency && own.Cmp(most) < 0 {
					most = own
				}
				return most, l.MaxNotes
			}
		}
	}
	return money.Manat(500), 40 // domain.md 6.5
}

func (e *Engine) observeQuote(now time.Time) {
	most, _ := e.limit(now)
	switch {
	case e.owed().IsZero():
		e.finish(now, "free")
	case e.owed().Currency != most.Currency || e.owed().Cmp(most) > 0:
		e.r.Reason = wire.ReasonAmountLimit
		e.finish(now, "limit")
	case !e.r.QuoteUntil.After(now):
		e.finish(now, "expired")
	}
}
