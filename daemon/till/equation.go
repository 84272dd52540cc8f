package till

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Line is the conservation equation in one currency, in minor units.
type Line struct {
	Currency money.Currency `json:"currency"`
	Terms
	InDoubt      int   `json:"in_doubt"`       // notes, listed beside the equation until settled
	InDoubtValue int64 `json:"in_doubt_value"` // their value, where it is known
	Holds        bool  `json:"holds"`
}

// VisitLine is what one visit has in the terminal now.
type VisitLine struct {
	Visit   string       `json:"visit"`
	Held    money.Amount `json:"held"`
	Pending money.Amount `json:"pending"`
	InDoubt int          `json:"in_doubt"`
	Ended   bool         `json:"ended"`
}

// Equation is invariant 1 of the architecture at one moment: in total, for the
// cassette period, and visit by visit.
type Equation struct {
	Period   uint64           `json:"period"`
	Total    []Line           `json:"total"`
	ThisTime []Line           `json:"this_period"`
	Visits   []VisitLine      `json:"visits"`
	Cassette map[string]int64 `json:"cassette"` // "AZN 1000" (minor units) -> notes this period
}

// Holds reports whether every line balances and every visit's sums add up to
// what the equation says is held and pending.
func (e Equation) Holds() bool {
	for _, l := range slices.Concat(e.Total, e.ThisTime) {
		if !l.Holds {
			return false
		}
	}
	return true
}

// String prints the equation for a person.
func (e Equation) String() string {
	var b strings.Builder
	section := func(title string, ls []Line) {
		fmt.Fprintf(&b, "%s\n", title)
		for _, l := range ls {
			a := func(v int64) string { return strings.TrimSuffix(money.New(v, "").String(), " ") }
			sign := "="
			if !l.Holds {
				sign = "DOES NOT EQUAL"
			}
			fmt.Fprintf(&b, "  %s: stacked %s %s held %s + pending %s + posted %s + commission %s + leftover %s + unassigned %s",
				l.Currency, a(l.Stacked), sign, a(l.Held), a(l.Pending), a(l.Posted), a(l.Commission), a(l.Leftover), a(l.Unassigned))
			if l.InDoubt > 0 {
				fmt.Fprintf(&b, "  (in doubt: %d, %s)", l.InDoubt, a(l.InDoubtValue))
			}
			b.WriteByte('\n')
		}
	}
	section("in total", e.Total)
	section(fmt.Sprintf("cassette period %d", e.Period), e.ThisTime)
	for _, v := range e.Visits {
		fmt.Fprintf(&b, "visit %s: held %s, pending %s, in doubt %d, ended %v\n", v.Visit, v.Held, v.Pending, v.InDoubt, v.Ended)
	}
	return b.String()
}

// Equation computes the equation from the ledger. It also checks the visits'
// sums against the total: a difference makes the line not hold.
func (l *Ledger) Equation() Equation {
	e := Equation{Period: l.s.Period, Cassette: maps.Clone(l.s.Count)}
	doubtCount, doubtValue := map[money.Currency]int{}, map[money.Currency]int64{}
	byVisit := map[string]int{}
	for _, n := range l.s.Notes {
		if n.State != NoteStacked {
			doubtCount[n.Note.Value.Currency]++
			doubtValue[n.Note.Value.Currency] += n.Note.Value.Minor
			byVisit[n.Visit]++
		}
	}
	held, pending := map[money.Currency]int64{}, map[money.Currency]int64{}
	for _, id := range slices.Sorted(maps.Keys(l.s.Visits)) {
		v := l.s.Visits[id]
		held[v.Held.Currency] += v.Held.Minor
		pending[v.Pending.Currency] += v.Pending.Minor
		if !v.Held.IsZero() || !v.Pending.IsZero() || byVisit[id] > 0 {
			e.Visits = append(e.Visits, VisitLine{id, v.Held, v.Pending, byVisit[id], v.Ended})
		}
	}
	lines := func(m map[money.Currency]*Terms, total bool) (out []Line) {
		all := map[money.Currency]bool{}
		for c := range m {
			all[c] = true
		}
		for c := range doubtCount { // a currency of which nothing but a doubt is here
			all[c] = true
		}
		for _, c := range slices.Sorted(maps.Keys(all)) {
			var t Terms
			if m[c] != nil {
				t = *m[c]
			}
			ok := t.Balanced()
			if total {
				ok = ok && t.Held == held[c] && t.Pending == pending[c] && t.Held >= 0 && t.Pending >= 0
			}
			out = append(out, Line{c, t, doubtCount[c], doubtValue[c], ok})
		}
		return out
	}
	e.Total, e.ThisTime = lines(l.s.Total, true), lines(l.s.ByPeriod, false)
	return e
}
