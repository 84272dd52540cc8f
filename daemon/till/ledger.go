package till

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// NoteState is where a note's record stands (protocols/cash-ccnet.md 10.1). A
// note that was returned or closed is no longer in the ledger. "acked" is not a
// state of its own: whether an acknowledgement arrived cannot be known until the
// unit goes on, and then the note is closed.
type NoteState string

const (
	NoteEscrow       NoteState = "escrow"
	NoteStackIntent  NoteState = "stack_intent"
	NoteReturnIntent NoteState = "return_intent"
	NoteStacked      NoteState = "stacked"
	NoteInDoubt      NoteState = "in_doubt"
)

// OpenNote is a note whose way has not ended.
type OpenNote struct {
	ID        string    `json:"id"`
	Order     uint64    `json:"order"` // number of its first record: ids follow a clock that may be set back
	Note      cash.Note `json:"note"`
	Serial    string    `json:"serial"`
	TableHash string    `json:"table_hash"`
	Visit     string    `json:"visit,omitempty"`
	State     NoteState `json:"state"`
	Was       NoteState `json:"was,omitempty"` // before it became in doubt
	Counter   *uint32   `json:"counter,omitempty"`
	Wall      int64     `json:"wall"`            // time of its first record, UTC, milliseconds since 1970
	Period    uint64    `json:"period"`          // cassette period in which it was put in
	Why       string    `json:"why,omitempty"`   // it is in doubt
	Aside     bool      `json:"aside,omitempty"` // in doubt, and not on its way through the unit
}

// Terms are the two sides of the conservation equation in one currency, in minor
// units. Each is moved by the record kinds that its comment names.
type Terms struct {
	Stacked    int64 `json:"stacked"`    // note.stacked
	Held       int64 `json:"held"`       // note.stacked with a visit, payments, leftovers
	Pending    int64 `json:"pending"`    // payment.intent until action.result
	Posted     int64 `json:"posted"`     // action.result done: the payee's part
	Commission int64 `json:"commission"` // action.result done: the commission
	Leftover   int64 `json:"leftover"`   // leftover.issued
	Unassigned int64 `json:"unassigned"` // note.stacked without a visit, money.unassigned
}

func (t Terms) right() int64 {
	return t.Held + t.Pending + t.Posted + t.Commission + t.Leftover + t.Unassigned
}

// Balanced reports whether the equation holds.
func (t Terms) Balanced() bool { return t.Stacked == t.right() }

// VisitMoney is what a visit has in the terminal.
type VisitMoney struct {
	Held    money.Amount          `json:"held"`
	Pending money.Amount          `json:"pending"`
	Paid    money.Amount          `json:"paid"`            // posted, with commission
	Over    money.Amount          `json:"over"`            // recorded as a leftover
	Notes   map[string]int        `json:"notes,omitempty"` // minor units -> count of stacked notes
	Count   int                   `json:"count"`
	Last    *record.PaymentIntent `json:"last,omitempty"` // its latest payment
	LastKey string                `json:"last_key,omitempty"`
	Result  *record.ActionResult  `json:"result,omitempty"` // of that payment, once it is here
	Ended   bool                  `json:"ended,omitempty"`
}

// OpenTender is a tender that was opened and not closed.
type OpenTender struct {
	ID       string       `json:"id"`
	Visit    string       `json:"visit"`
	Owed     money.Amount `json:"owed"`
	Limit    money.Amount `json:"limit"`
	MaxNotes int          `json:"max_notes"`
}

// ClosedTender is the last closed tender of a visit.
type ClosedTender struct {
	Visit   string       `json:"visit"`
	Held    money.Amount `json:"held"`
	InDoubt int          `json:"in_doubt"`
	Why     string       `json:"why"`
}

// Unit is the acceptor as it was last settled.
type Unit struct {
	Identity  cash.Identity `json:"identity"`
	Table     cash.Table    `json:"table"`
	TableHash string        `json:"table_hash"`
	Known     bool          `json:"known"`
}

type payment struct {
	Visit      string       `json:"visit"`
	Amount     money.Amount `json:"amount"`
	Commission money.Amount `json:"commission"`
}

type ledgerState struct {
	Period   uint64                    `json:"period"`
	Closing  bool                      `json:"closing,omitempty"` // the period was closed, the next one has not begun
	Total    map[money.Currency]*Terms `json:"total"`
	ByPeriod map[money.Currency]*Terms `json:"by_period"` // since the period began
	Visits   map[string]*VisitMoney    `json:"visits"`
	Notes    map[string]*OpenNote      `json:"notes"`
	Payments map[string]*payment       `json:"payments"` // open ones, by key
	Tender   *OpenTender               `json:"tender,omitempty"`
	Closed   *ClosedTender             `json:"closed,omitempty"`
	Unit     Unit                      `json:"unit"`
	Count    map[string]int64          `json:"count"` // notes in the cassette this period, "AZN 1000" -> n
	Rejected int64                     `json:"rejected"`
}

// Ledger is the fold of everything that has happened to money at this terminal.
// It is computed from records alone. The equation it keeps is invariant 1 of the
// architecture.
type Ledger struct{ s ledgerState }

// NewLedger is the ledger of an empty journal.
func NewLedger() *Ledger {
	return &Ledger{ledgerState{
		Total: map[money.Currency]*Terms{}, ByPeriod: map[money.Currency]*Terms{},
		Visits: map[string]*VisitMoney{}, Notes: map[string]*OpenNote{},
		Payments: map[string]*payment{}, Count: map[string]int64{},
	}}
}

// Name is "till".
func (l *Ledger) Name() string { return "till" }

// Save writes the state for a checkpoint.
func (l *Ledger) Save() (json.RawMessage, error) { return json.Marshal(&l.s) }

// Load takes up a saved state.
func (l *Ledger) Load(b json.RawMessage) error {
	n := NewLedger()
	if err := json.Unmarshal(b, &n.s); err != nil {
		return fmt.Errorf("till: load ledger: %w", err)
	}
	l.s = n.s
	return nil
}

// move changes the terms in total and of the cassette period.
func (l *Ledger) move(c money.Currency, f func(*Terms)) {
	l.moveTotal(c, f)
	moveIn(l.s.ByPeriod, c, f)
}

func (l *Ledger) moveTotal(c money.Currency, f func(*Terms)) { moveIn(l.s.Total, c, f) }

func moveIn(m map[money.Currency]*Terms, c money.Currency, f func(*Terms)) {
	if m[c] == nil {
		m[c] = &Terms{}
	}
	f(m[c])
}

func (l *Ledger) visit(id string, c money.Currency) *VisitMoney {
	v := l.s.Visits[id]
	if v == nil {
		v = &VisitMoney{Notes: map[string]int{}}
		l.s.Visits[id] = v
	}
	if v.Notes == nil {
		v.Notes = map[string]int{}
	}
	for _, a := range []*money.Amount{&v.Held, &v.Pending, &v.Paid, &v.Over} {
		if a.Currency == "" {
			a.Currency = c
		}
	}
	return v
}

// forget drops an ended visit that has nothing in the terminal any more.
func (l *Ledger) forget(id string) {
	if v := l.s.Visits[id]; v != nil && v.Ended && v.Held.IsZero() && v.Pending.IsZero() {
		delete(l.s.Visits, id)
	}
}

func body[T record.Body](r journal.Record) (T, error) {
	var b T
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return b, fmt.Errorf("till: record %d (%s): %w", r.Seq, r.Kind, err)
	}
	return b, nil
}

// Apply takes one record into account.
func (l *Ledger) Apply(r journal.Record) error {
	if f := appliers[r.Kind]; f != nil {
		return f(l, r)
	}
	return nil
}

func on[T record.Body](f func(l *Ledger, r journal.Record, b T)) func(*Ledger, journal.Record) error {
	return func(l *Ledger, r journal.Record) error {
		b, err := body[T](r)
		if err != nil {
			return err
		}
		f(l, r, b)
		return nil
	}
}

var appliers = map[record.Kind]func(*Ledger, journal.Record) error{
	record.AcceptorSettled{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.AcceptorSettled) {
		l.s.Unit = Unit{b.Identity, b.Table, b.TableHash, true}
	}),
	record.NoteRejected{}.Kind(): on(func(l *Ledger, _ journal.Record, _ record.NoteRejected) { l.s.Rejected++ }),
	record.CouponKept{}.Kind(): on(func(l *Ledger, _ journal.Record, _ record.CouponKept) {
		for _, n := range l.s.Notes {
			n.Counter = nil // the unit may have counted the coupon
		}
	}),
	record.NoteEscrowed{}.Kind(): on(func(l *Ledger, r journal.Record, b record.NoteEscrowed) {
		l.s.Notes[b.NoteID] = &OpenNote{ID: b.NoteID, Order: r.Seq, Note: b.Note, Serial: b.Serial, TableHash: b.TableHash,
			Visit: r.Visit, State: NoteEscrow, Counter: b.Counter, Wall: r.Wall, Period: l.s.Period}
	}),
	record.NoteStackIntent{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.NoteStackIntent) {
		l.note(b.NoteID, NoteStackIntent)
	}),
	record.NoteReturnIntent{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.NoteReturnIntent) {
		l.note(b.NoteID, NoteReturnIntent)
	}),
	record.NoteInDoubt{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.NoteInDoubt) {
		if n := l.s.Notes[b.NoteID]; n != nil && n.State != NoteInDoubt {
			n.Was, n.State, n.Why = n.State, NoteInDoubt, b.Why
		}
	}),
	record.NoteLaidAside{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.NoteLaidAside) {
		if n := l.s.Notes[b.NoteID]; n != nil && n.State == NoteInDoubt {
			n.Aside = true
		}
	}),
	record.NoteReturned{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.NoteReturned) { delete(l.s.Notes, b.NoteID) }),
	record.NoteClosed{}.Kind():   on(func(l *Ledger, _ journal.Record, b record.NoteClosed) { delete(l.s.Notes, b.NoteID) }),
	record.NoteStacked{}.Kind(): on(func(l *Ledger, r journal.Record, b record.NoteStacked) {
		v := b.Note.Value
		n := l.s.Notes[b.NoteID]
		if n == nil {
			n = &OpenNote{ID: b.NoteID, Order: r.Seq, TableHash: b.TableHash, Wall: r.Wall, Period: l.s.Period}
			l.s.Notes[b.NoteID] = n
		}
		n.State, n.Visit, n.Note, n.Aside = NoteStacked, r.Visit, b.Note, false
		move := l.move
		if b.Period != 0 && b.Period != l.s.Period {
			move = l.moveTotal // it went away with an earlier cassette
		} else {
			l.s.Count[fmt.Sprintf("%s %d", v.Currency, v.Minor)]++
		}
		if r.Visit == "" {
			move(v.Currency, func(t *Terms) { t.Stacked += v.Minor; t.Unassigned += v.Minor })
			return
		}
		move(v.Currency, func(t *Terms) { t.Stacked += v.Minor; t.Held += v.Minor })
		m := l.visit(r.Visit, v.Currency)
		m.Held = m.Held.Add(v)
		m.Count++
		m.Notes[fmt.Sprint(v.Minor)]++
	}),
	record.TenderOpened{}.Kind(): on(func(l *Ledger, r journal.Record, b record.TenderOpened) {
		l.s.Tender = &OpenTender{b.TenderID, r.Visit, b.Owed, b.Limit, b.MaxNotes}
		l.s.Closed = nil
		l.visit(r.Visit, b.Owed.Currency)
	}),
	record.TenderClosed{}.Kind(): on(func(l *Ledger, r journal.Record, b record.TenderClosed) {
		l.s.Tender = nil
		l.s.Closed = &ClosedTender{r.Visit, b.Held, b.InDoubt, b.Why}
	}),
	record.PaymentIntent{}.Kind(): on(func(l *Ledger, r journal.Record, b record.PaymentIntent) {
		sum := b.Amount.Add(b.Commission)
		l.s.Payments[r.Key] = &payment{r.Visit, b.Amount, b.Commission}
		l.move(sum.Currency, func(t *Terms) { t.Held -= sum.Minor; t.Pending += sum.Minor })
		m := l.visit(r.Visit, sum.Currency)
		m.Held, m.Pending = m.Held.Sub(sum), m.Pending.Add(sum)
		m.Last, m.LastKey, m.Result = &b, r.Key, nil
	}),
	record.ActionResult{}.Kind(): on(func(l *Ledger, r journal.Record, b record.ActionResult) {
		p := l.s.Payments[r.Key]
		if p == nil {
			return // an action without money, or a repeat
		}
		delete(l.s.Payments, r.Key)
		sum := p.Amount.Add(p.Commission)
		m := l.visit(p.Visit, sum.Currency)
		m.Pending = m.Pending.Sub(sum)
		if b.Status == record.ActionDone {
			l.move(sum.Currency, func(t *Terms) {
				t.Pending -= sum.Minor
				t.Posted += p.Amount.Minor
				t.Commission += p.Commission.Minor
			})
			m.Paid = m.Paid.Add(sum)
		} else {
			l.move(sum.Currency, func(t *Terms) { t.Pending -= sum.Minor; t.Held += sum.Minor })
			m.Held = m.Held.Add(sum)
		}
		if m.LastKey == r.Key {
			m.Result = &b
		}
		l.forget(p.Visit)
	}),
	record.LeftoverIssued{}.Kind(): on(func(l *Ledger, r journal.Record, b record.LeftoverIssued) {
		m := l.visit(r.Visit, b.Amount.Currency)
		m.Held, m.Over = m.Held.Sub(b.Amount), m.Over.Add(b.Amount)
		l.move(b.Amount.Currency, func(t *Terms) { t.Held -= b.Amount.Minor; t.Leftover += b.Amount.Minor })
		l.forget(r.Visit)
	}),
	record.Unassigned{}.Kind(): on(func(l *Ledger, r journal.Record, b record.Unassigned) {
		m := l.visit(r.Visit, b.Amount.Currency)
		m.Held = m.Held.Sub(b.Amount)
		l.move(b.Amount.Currency, func(t *Terms) { t.Held -= b.Amount.Minor; t.Unassigned += b.Amount.Minor })
		l.forget(r.Visit)
	}),
	record.VisitEnded{}.Kind(): on(func(l *Ledger, r journal.Record, _ record.VisitEnded) {
		if m := l.s.Visits[r.Visit]; m != nil {
			m.Ended = true
			l.forget(r.Visit)
		}
	}),
	record.CassetteClosed{}.Kind(): on(func(l *Ledger, _ journal.Record, _ record.CassetteClosed) { l.s.Closing = true }),
	record.PeriodOpened{}.Kind(): on(func(l *Ledger, _ journal.Record, b record.PeriodOpened) {
		l.s.Period, l.s.Closing = b.Period, false
		l.s.ByPeriod = map[money.Currency]*Terms{}
		l.s.Count = map[string]int64{}
	}),
}

func (l *Ledger) note(id string, s NoteState) {
	if n := l.s.Notes[id]; n != nil {
		n.State, n.Was = s, ""
	}
}

// Visit is what a visit has in the terminal; the zero value if nothing.
func (l *Ledger) Visit(id string) VisitMoney {
	if m := l.s.Visits[id]; m != nil {
		return *m
	}
	return VisitMoney{}
}

// Tender is the open tender, or nil.
func (l *Ledger) Tender() *OpenTender { return l.s.Tender }

// Closed is the last closed tender if it was this visit's, or nil.
func (l *Ledger) Closed(visit string) *ClosedTender {
	if c := l.s.Closed; c != nil && c.Visit == visit {
		return c
	}
	return nil
}

// Unit is the acceptor as it last settled.
func (l *Ledger) Unit() Unit { return l.s.Unit }

// Notes lists the open notes, oldest first.
func (l *Ledger) Notes() []*OpenNote {
	return slices.SortedFunc(maps.Values(l.s.Notes), func(a, b *OpenNote) int { return cmp.Compare(a.Order, b.Order) })
}

// inUnit lists the open notes of which the unit may still say something, oldest
// first: all but those that were laid aside.
func (l *Ledger) inUnit() []*OpenNote {
	return slices.DeleteFunc(l.Notes(), func(n *OpenNote) bool { return n.Aside })
}

// Doubts lists the notes in doubt, oldest first.
func (l *Ledger) Doubts() []*OpenNote {
	return slices.DeleteFunc(l.Notes(), func(n *OpenNote) bool { return n.State != NoteInDoubt })
}

// Undecided counts the visit's notes of which nobody can say yet whether they
// were stacked.
func (l *Ledger) Undecided(visit string) int {
	n := 0
	for _, o := range l.s.Notes {
		if o.Visit == visit && o.State != NoteStacked {
			n++
		}
	}
	return n
}

// Owing lists ended visits that still hold money: a payment was rejected after
// the person had left, or the terminal died between two steps.
func (l *Ledger) Owing() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(l.s.Visits)) {
		if v := l.s.Visits[id]; v.Ended && v.Held.IsPositive() {
			out = append(out, id)
		}
	}
	return out
}
