package visit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/journaltest"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// bundle is the payment of a notification, as small as the engine can walk it.
func bundle() *catalogue.Bundle {
	notice := func(id, reason string) catalogue.Step {
		return catalogue.Step{ID: id, Kind: catalogue.KindPresent, Final: true, Reason: reason, On: map[string]string{"ok": "@leave"}}
	}
	deliver := func(id, doc string) catalogue.Step {
		return catalogue.Step{ID: id, Kind: catalogue.KindDeliver, Document: doc, Case: doc, On: map[string]string{"ok": "@end", "fault": "@end"}}
	}
	steps := []catalogue.Step{
		{ID: "number", Kind: catalogue.KindForm, On: map[string]string{"ok": "order", "back": "@leave"},
			Fields: []catalogue.Field{{Name: "notification_number", Type: "notification_number", Required: true, Min: 6, Max: 12, Keyboard: "digits"}}},
		{ID: "order", Kind: catalogue.KindQuery, Ask: "notification.lookup", In: map[string]string{"notification_number": "notification_number"},
			Out: map[string]string{"payee": "order.payee", "amount": "order.amount"},
			On:  map[string]string{"found": "quote", "none": "none", "blocked": "blocked", "unavailable": "unavailable"}},
		{ID: "quote", Kind: catalogue.KindQuote, Amount: "amount", Payee: "{payee}", ValidS: 300,
			Commission: []catalogue.CommissionRule{{Flat: money.New(40, money.AZN)}},
			On:         map[string]string{"ok": "pay", "free": "none", "expired": "order", "limit": "blocked", "back": "number"}},
		{ID: "pay", Kind: catalogue.KindPay, Limits: []catalogue.LimitRule{{MaxCash: money.Manat(500), MaxNotes: 40}},
			On: map[string]string{"paid": "post", "abandoned": "case", "fault": "case", "empty": "@leave"}},
		{ID: "post", Kind: catalogue.KindSubmit, Action: "notification.pay", In: map[string]string{"notification_number": "notification_number"}, WaitS: 45,
			On: map[string]string{"done": "receipt", "rejected": "case", "unknown": "pending"}},
		deliver("receipt", "receipt"), deliver("pending", "pending"), deliver("case", "leftover"),
		notice("none", "E-LOOKUP-NONE"), notice("blocked", ""), notice("unavailable", "E-CENTRAL-DOWN"),
	}
	return &catalogue.Bundle{Digest: "test", Services: []catalogue.Service{{ID: "pay", Title: "t", Journey: "j", Needs: []string{"central", "cash", "printer"}}},
		Journeys: map[string]*catalogue.Journey{"j": {ID: "j", Start: "number", Stages: 4, Steps: steps}},
		Texts:    map[string]map[string]string{"en": {"t": "Pay"}, "az": {"t": "Ödə"}}}
}

// person is a visit with everything around it in memory: an acceptor and a
// printer that do as they are told, and a central that the test speaks for.
type person struct {
	t        *testing.T
	mem      *journaltest.Memory
	now      time.Time
	ids      int
	saved    []byte
	online   bool
	engine   *visit.Engine
	till     *till.Till
	desk     *paper.Desk
	cards    *esign.Desk
	jobs     []esign.Job
	asked    map[string]string // kind -> last body
	kind     string
	ask      string
	slips    []paper.Request
	ev       cash.EventID
	broken   bool       // the printer is out of paper
	inUnit   cash.State // escrow or stacked: a note lies there and its end was not heard
	unitNote cash.Note
	lastCmd  []cash.Command
}

var notes = cash.Table{Notes: []cash.Note{{Type: 1, Value: money.Manat(1)}, {Type: 2, Value: money.Manat(5)}, {Type: 3, Value: money.Manat(10)}, {Type: 4, Value: money.Manat(20)}}}

func newPerson(t *testing.T) *person {
	p := &person{t: t, mem: &journaltest.Memory{}, now: time.Unix(1_800_000_000, 0), online: true, asked: map[string]string{}}
	p.boot(false)
	return p
}

func (p *person) newID() string { p.ids++; return fmt.Sprintf("id-%04d", p.ids) }

// boot starts the rooms on the records that are there.
func (p *person) boot(powerLost bool) {
	ledger, slips, log := till.NewLedger(), paper.NewLog(), visit.NewLog()
	p.mem.Folds = []journal.Fold{ledger, slips, log}
	for _, r := range p.mem.Records {
		for _, f := range p.mem.Folds {
			if err := f.Apply(r); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	if powerLost {
		p.saved = nil
	}
	p.ask = ""
	p.cards = esign.NewDesk(func(j esign.Job) { p.jobs = append(p.jobs, j) })
	p.till = till.New(till.Config{Currency: money.AZN}, ledger, till.Ports{Write: p.mem.Append, NewID: p.newID, Acceptor: func(c cash.Command) { p.lastCmd = append(p.lastCmd, c) }})
	p.desk = paper.New(slips, paper.Ports{Write: p.mem.Append, HasUnit: true,
		Draw:    func(r paper.Request) { p.slips = append(p.slips, r) },
		Printer: func(printer.Command) {}})
	p.engine = visit.New(visit.Terminal{Number: "T-1"}, visit.DefaultTimes(), "asset", cabinet(), log, p.till, p.desk, p.cards, visit.Ports{
		Write: p.mem.Append,
		Ask: func(id, kind string, body json.RawMessage, _ time.Duration) {
			p.ask, p.kind = id, kind
			p.asked[kind] = string(body)
		},
		CancelAsk: func(string) { p.ask = "" }, CentralOnline: func() bool { return p.online },
		SaveResume: func(b []byte) { p.saved = bytes.Clone(b) }, NewID: p.newID,
		Rand: bytes.NewReader(bytes.Repeat([]byte{7, 1, 9}, 4000)), Sign: func(b []byte) []byte { return b[:8] },
	})
	p.desk.Start()
	p.engine.Start(p.now, p.saved)
	p.unitComesUp()
	p.desk.Event(p.now, printer.Online{})
	p.desk.Event(p.now, printer.StatusChanged{Status: printer.Status{Online: true, PaperOut: p.broken}})
	p.rest()
}

// unitComesUp is the acceptor telling a new driver what it has.
func (p *person) unitComesUp() {
	switch p.inUnit {
	case cash.StateEscrow:
		p.till.Event(p.now, cash.Online{Found: cash.StateEscrow})
		p.lastCmd = nil
		p.ev++
		p.till.Event(p.now, cash.Escrowed{ID: p.ev, Note: p.unitNote, Found: true})
		p.obey()
	case cash.StateStacked:
		p.till.Event(p.now, cash.Online{Found: cash.StateStacked})
		p.ev++
		p.till.Event(p.now, cash.Stacked{ID: p.ev, Note: p.unitNote})
	default:
		p.till.Event(p.now, cash.Online{Found: cash.StateDisabled})
	}
	p.inUnit = ""
	p.till.Event(p.now, cash.Settled{Identity: cash.Identity{Serial: "S"}, Table: notes})
	p.till.Event(p.now, cash.StateChanged{State: cash.StateIdle})
}

// obey does with the note in escrow what the unit was told.
func (p *person) obey() bool {
	for _, c := range p.lastCmd {
		switch c.(type) {
		case cash.Stack:
			p.inUnit = cash.StateStacked
			p.ev++
			p.till.Event(p.now, cash.Stacked{ID: p.ev, Note: p.unitNote})
		case cash.Return:
			p.inUnit = ""
			p.ev++
			p.till.Event(p.now, cash.Returned{ID: p.ev, Note: p.unitNote})
		default:
			continue
		}
		p.inUnit = ""
		return true
	}
	return false
}

// rest lets the engine look, and checks what must hold after every input.
func (p *person) rest() {
	p.t.Helper()
	p.engine.Observe(p.now)
	if e := p.till.Ledger().Equation(); !e.Holds() {
		p.t.Fatalf("the equation does not hold:\n%s", e)
	}
	s := p.engine.State(p.now)
	if _, err := json.Marshal(s); err != nil {
		p.t.Fatal(err)
	}
	v := s.Visit
	if v.ID != "" && !v.CanNext && !v.CanBack && v.Cancel == wire.CancelNone && p.engine.Wake().IsZero() && v.Wait == nil {
		p.t.Fatalf("a dead end at %s", v.Step)
	}
}

func (p *person) state() wire.State { return p.engine.State(p.now) }

func (p *person) tap(name string, c wire.Command) {
	p.t.Helper()
	c.StepSeq = p.state().StepSeq
	if err := p.engine.Command(p.now, name, c); err != nil {
		p.t.Fatalf("%s at %s: %v", name, p.state().Visit.Step, err)
	}
	p.rest()
}

func (p *person) at(want wire.Step) {
	p.t.Helper()
	if got := p.state().Visit.Step; got != want {
		p.t.Fatalf("the screen shows %s, want %s", got, want)
	}
}

// wait lets time pass in the engine's own steps.
func (p *person) wait(d time.Duration) {
	p.t.Helper()
	end := p.now.Add(d)
	for {
		next := end
		for _, w := range []time.Time{p.engine.Wake(), p.till.Wake()} {
			if !w.IsZero() && w.After(p.now) && w.Before(next) {
				next = w
			}
		}
		p.now = next
		p.till.Tick(p.now)
		p.engine.Tick(p.now)
		p.rest()
		if !p.now.Before(end) {
			return
		}
	}
}

// toQuote goes to the quote of an order of 18.00 AZN.
func (p *person) toQuote() {
	p.t.Helper()
	p.tap(wire.NameStart, wire.Command{Lang: wire.LangEn})
	p.tap(wire.NameService, wire.Command{Service: "pay"})
	p.tap(wire.NameInput, wire.Command{Field: "notification_number", Value: "123027172"})
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepQuery)
	p.answer(central.AskFound, "", `{"order":{"payee":"Centre","amount":{"minor":1800,"currency":"AZN"}}}`)
	p.at(wire.StepQuote)
}

// toPosting pays that order, 18.40 AZN with the commission, with 20 AZN.
func (p *person) toPosting() {
	p.t.Helper()
	p.toQuote()
	p.tap(wire.NameNext, wire.Command{})
	p.insert(20)
	p.tap(wire.NameFinish, wire.Command{Key: "k"})
	p.unitDisabled()
}

func (p *person) answer(o central.AskOutcome, reason, body string) {
	p.t.Helper()
	p.engine.Answer(p.now, central.Answer{AskID: p.ask, Outcome: o, Reason: reason, Body: json.RawMessage(body)})
	p.rest()
}

// insert puts a note in, and the unit does what it is told.
func (p *person) insert(manat int64) {
	p.t.Helper()
	p.lastCmd = nil
	var n cash.Note
	for _, x := range notes.Notes {
		if x.Value == money.Manat(manat) {
			n = x
		}
	}
	p.ev++
	p.inUnit, p.unitNote = cash.StateEscrow, n
	p.till.Event(p.now, cash.Escrowed{ID: p.ev, Note: n})
	p.rest()
	if p.obey() {
		p.rest()
		p.till.Event(p.now, cash.PathClear{})
		p.rest()
		return
	}
	p.t.Fatalf("the unit was told nothing about a note of %d", manat)
}

// unitDisabled is the unit saying that it takes nothing any more.
func (p *person) unitDisabled() {
	p.till.Event(p.now, cash.StateChanged{State: cash.StateDisabled})
	p.rest()
}

// result settles the open payment at central.
func (p *person) result(status record.ActionStatus, reason string) {
	p.t.Helper()
	for i := len(p.mem.Records) - 1; i >= 0; i-- {
		if r := p.mem.Records[i]; r.Kind == (record.PaymentIntent{}).Kind() {
			p.mem.Append(journal.Draft{Visit: r.Visit, Key: r.Key, Body: record.ActionResult{Status: status, Reason: reason, Answer: json.RawMessage(`{"transaction":"C-77"}`)}})
			p.rest()
			return
		}
	}
	p.t.Fatal("nothing was posted")
}

// print prints whatever waits, with this verdict.
func (p *person) print(v printer.Verdict) paper.Request {
	p.t.Helper()
	if len(p.slips) == 0 {
		p.t.Fatalf("no slip was asked for at %s", p.state().Visit.Step)
	}
	r := p.slips[len(p.slips)-1]
	p.desk.Drawn(p.now, r.ID, printer.Bitmap{Width: 8, Height: 1, Bits: []byte{1}}, nil)
	p.desk.Event(p.now, printer.Ready{JobID: r.ID})
	p.desk.Event(p.now, printer.Finished{JobID: r.ID, Verdict: v, Level: printer.LevelA})
	p.rest()
	return r
}

func TestPaymentWithLeftover(t *testing.T) {
	p := newPerson(t)
	p.toQuote()
	if q := p.state().Visit.Quote; q.Total != money.New(1840, money.AZN) || q.Commission != money.New(40, money.AZN) {
		t.Fatalf("quote %+v", q)
	}
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepPay)
	p.insert(10)
	if m := p.state().Money; m.Held != money.Manat(10) || m.Missing != money.New(840, money.AZN) || m.CanFinish {
		t.Fatalf("money %+v", m)
	}
	p.insert(10)
	if m := p.state().Money; !m.CanFinish || m.Over != money.New(160, money.AZN) {
		t.Fatalf("money %+v", m)
	}
	p.tap(wire.NameFinish, wire.Command{Key: "k"})
	p.at(wire.StepSettle)
	p.unitDisabled()
	p.at(wire.StepSubmit)
	p.result(record.ActionDone, "")
	p.at(wire.StepDeliver)
	r := p.print(printer.Printed)
	p.at(wire.StepFarewell)
	o := p.state().Visit.Outcome
	if o.Money != wire.FatePosted || o.Paid != money.New(1840, money.AZN) || o.Leftover != money.New(160, money.AZN) || o.Slip != wire.SlipPrinted || o.Reference == "" || len(o.QR) == 0 {
		t.Errorf("outcome %+v", o)
	}
	if r.Document != "receipt" || r.Values["leftover"] != money.New(160, money.AZN) || r.Values["transaction"] != "C-77" {
		t.Errorf("slip %+v", r)
	}
	l, ok := journaltest.Last[record.LeftoverIssued](p.mem)
	if !ok || l.CodeHash == "" || strings.Contains(string(mustJSON(t, p.mem.Records)), r.Values["leftover_code"].(string)) {
		t.Error("the voucher's code is in the journal, or its hash is not")
	}
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepAttract)
	if p.saved != nil {
		t.Error("the visit's data are still there")
	}
}

func mustJSON(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEndingsWithoutMoney(t *testing.T) {
	cases := []struct {
		name    string
		outcome central.AskOutcome
		reason  string
		want    wire.Reason
	}{
		{"unknown number", central.AskNone, "", wire.ReasonUnknownNumber},
		{"already paid", central.AskBlocked, "paid", wire.ReasonAlreadyPaid},
		{"cancelled order", central.AskBlocked, "cancelled", wire.ReasonCancelledOrder},
		{"central away", central.AskUnavailable, "", wire.ReasonCentralDown},
		{"an answer that lacks the amount", central.AskFound, "", wire.ReasonCentralDown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPerson(t)
			p.tap(wire.NameStart, wire.Command{Lang: wire.LangRu})
			p.tap(wire.NameService, wire.Command{Service: "pay"})
			p.tap(wire.NameInput, wire.Command{Field: "notification_number", Value: "999999999"})
			p.tap(wire.NameNext, wire.Command{})
			p.answer(c.outcome, c.reason, `{}`)
			p.at(wire.StepNotice)
			if o := p.state().Visit.Outcome; o.Money != wire.FateNone || o.Reason != c.want {
				t.Errorf("outcome %+v", o)
			}
			p.wait(visit.DefaultTimes().Farewell)
			p.at(wire.StepAttract)
			if n := p.mem.Count(record.TenderOpened{}.Kind()); n != 0 {
				t.Error("money could have been taken")
			}
		})
	}
}

func TestMoneyInAndNotPaid(t *testing.T) {
	cases := []struct {
		name  string
		leave func(p *person)
		why   wire.Reason
	}{
		{"cancelled", func(p *person) {
			if c := p.state().Visit.Cancel; c != wire.CancelLeftover {
				p.t.Errorf("the button says %q", c)
			}
			p.tap(wire.NameCancel, wire.Command{})
		}, wire.ReasonCancelled},
		{"walked away", func(p *person) { p.wait(visit.DefaultTimes().Idle) }, wire.ReasonAbandoned},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPerson(t)
			p.toQuote()
			p.tap(wire.NameNext, wire.Command{})
			p.insert(10)
			c.leave(p)
			p.unitDisabled()
			p.at(wire.StepDeliver)
			r := p.print(printer.Printed)
			o := p.state().Visit.Outcome
			if o.Money != wire.FateLeftover || o.Leftover != money.Manat(10) || o.Reason != c.why {
				t.Errorf("outcome %+v", o)
			}
			if r.Document != "leftover" || r.Values["leftover_code"] == "" {
				t.Errorf("slip %+v", r)
			}
		})
	}
}

func TestWalkedAwayWithEnoughIn(t *testing.T) {
	p := newPerson(t)
	p.toQuote()
	p.tap(wire.NameNext, wire.Command{})
	p.insert(20)
	p.wait(visit.DefaultTimes().Idle)
	p.unitDisabled()
	p.at(wire.StepSubmit) // what the person came for is done
}

func TestPostingUnknownNeverGivesMoneyBack(t *testing.T) {
	p := newPerson(t)
	p.toQuote()
	p.tap(wire.NameNext, wire.Command{})
	p.insert(20)
	p.tap(wire.NameFinish, wire.Command{Key: "k"})
	p.unitDisabled()
	p.wait(45 * time.Second)
	p.at(wire.StepDeliver)
	r := p.print(printer.Printed)
	o := p.state().Visit.Outcome
	if r.Document != "pending" || o.Money != wire.FatePending || o.Paid != money.New(1840, money.AZN) || o.Leftover != money.New(160, money.AZN) {
		t.Errorf("outcome %+v", o)
	}
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepAttract)
	// Much later central refuses: the money is recorded under the slip's reference.
	p.result(record.ActionRejected, "cancelled")
	l, _ := journaltest.Last[record.LeftoverIssued](p.mem)
	if l.Amount != money.New(1840, money.AZN) || l.Why != "rejected" {
		t.Errorf("leftover %+v", l)
	}
}

func TestRejectedPosting(t *testing.T) {
	p := newPerson(t)
	p.toPosting()
	p.result(record.ActionRejected, "already_paid")
	p.print(printer.NotPrinted)
	o := p.state().Visit.Outcome
	if o.Money != wire.FateLeftover || o.Leftover != money.Manat(20) || o.Reason != wire.ReasonAlreadyPaid || o.Slip != wire.SlipNotPrinted || o.Reference == "" {
		t.Errorf("outcome %+v", o)
	}
}

func TestIdleWarning(t *testing.T) {
	p := newPerson(t)
	p.tap(wire.NameStart, wire.Command{Lang: wire.LangEn})
	for range 10 {
		p.wait(visit.DefaultTimes().Idle - visit.DefaultTimes().Warning)
		if w := p.state().Visit.Warning; w == nil || w.SecondsLeft != 20 {
			t.Fatalf("warning %+v", w)
		}
		p.tap(wire.NameMoreTime, wire.Command{})
		if p.state().Visit.Warning != nil {
			t.Fatal("the warning stays")
		}
	}
	p.wait(visit.DefaultTimes().Idle - 7*time.Second)
	if w := p.state().Visit.Warning; w == nil || w.SecondsLeft != 7 {
		t.Fatalf("warning %+v", w)
	}
	p.wait(7 * time.Second)
	p.at(wire.StepAttract)
}

func TestTapsThatComeLateOrTwice(t *testing.T) {
	p := newPerson(t)
	stale := p.state().StepSeq
	p.tap(wire.NameStart, wire.Command{Lang: wire.LangEn})
	if err := p.engine.Command(p.now, wire.NameBack, wire.Command{StepSeq: stale}); err != visit.ErrStale {
		t.Errorf("a late tap: %v", err)
	}
	p.tap(wire.NameService, wire.Command{Service: "pay"})
	p.tap(wire.NameInput, wire.Command{Field: "notification_number", Value: "1234"})
	p.tap(wire.NameNext, wire.Command{})
	f := p.state().Visit.Form.Fields[0]
	if f.Problem == nil || *f.Problem != wire.ProblemTooShort || f.Value != "1234" {
		t.Errorf("field %+v", f)
	}
	p.tap(wire.NameInput, wire.Command{Field: "notification_number", Value: "12345678"})
	p.tap(wire.NameNext, wire.Command{})
	if f := p.state().Visit.Form.Fields[0]; f.Problem == nil || *f.Problem != wire.ProblemUnusual {
		t.Errorf("an unusual number: %+v", f.Problem)
	}
	if err := p.engine.Command(p.now, wire.NameFinish, wire.Command{StepSeq: p.state().StepSeq, Key: "k"}); err != visit.ErrNotHere {
		t.Errorf("finish on a form: %v", err)
	}
	if err := p.engine.Command(p.now, wire.NameFinish, wire.Command{StepSeq: p.state().StepSeq, Key: "k"}); err != visit.ErrNotHere {
		t.Errorf("a refused key tried again: %v", err)
	}
	p.tap(wire.NameLanguage, wire.Command{Lang: wire.LangAr})
	if s := p.state(); s.Visit.Step != wire.StepForm || s.Visit.Lang != wire.LangAr || s.Visit.Form.Fields[0].Value != "12345678" {
		t.Errorf("after the change of language: %+v", s.Visit)
	}
	p.tap(wire.NameNext, wire.Command{}) // asked twice: let it pass
	p.at(wire.StepQuery)
}

// TestRestartAtEveryRecord ends the process after each record of a payment and
// starts again, with the runtime folder and without it. Whatever happens, the
// money is accounted for, one payment at most is made, one original slip at most
// is printed, and the visit comes to an end.
func TestRestartAtEveryRecord(t *testing.T) {
	for _, powerLost := range []bool{false, true} {
		for cut := 1; ; cut++ {
			died, p := payWithCut(t, cut, powerLost)
			if !died {
				break
			}
			name := fmt.Sprintf("cut %d power lost %v", cut, powerLost)
			if m := p.till.Ledger().Equation().Visits; len(m) > 0 && m[0].Pending.IsPositive() {
				p.result(record.ActionDone, "") // central answers after the person has left
			}
			e := p.till.Ledger().Equation()
			if !e.Holds() || len(e.Visits) != 0 {
				t.Errorf("%s: %s", name, e)
			}
			if n := p.mem.Count(record.PaymentIntent{}.Kind()); n > 1 {
				t.Errorf("%s: %d payments", name, n)
			}
			if p.mem.Count(record.VisitStarted{}.Kind()) != p.mem.Count(record.VisitEnded{}.Kind()) {
				t.Errorf("%s: the visit did not end", name)
			}
			printed := 0
			for _, r := range p.mem.Records {
				if r.Kind == (record.SlipVerdict{}).Kind() && strings.Contains(string(r.Body), `"printed"`) {
					printed++
				}
			}
			if printed > 1 {
				t.Errorf("%s: %d original slips", name, printed)
			}
		}
	}
}

// payWithCut is a whole payment that dies before the cut-th record.
func payWithCut(t *testing.T, cut int, powerLost bool) (died bool, p *person) {
	p = newPerson(t)
	n, base := 0, len(p.mem.Records)
	p.mem.Cut = func(journal.Draft) bool { n++; return n == cut }
	_ = base
	step := func(f func()) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(journaltest.Killed); !ok {
					panic(r)
				}
				died = true
				p.mem.Cut = nil
				p.boot(powerLost)
			}
		}()
		f()
	}
	for range 200 {
		before := p.state()
		switch v := before.Visit; v.Step {
		case wire.StepAttract:
			if len(p.mem.Records) > 12 && p.mem.Count(record.VisitEnded{}.Kind()) > 0 {
				return died, p
			}
			step(func() { p.tap(wire.NameStart, wire.Command{Lang: wire.LangEn}) })
		case wire.StepServices:
			step(func() { p.tap(wire.NameService, wire.Command{Service: "pay"}) })
		case wire.StepForm:
			step(func() { p.tap(wire.NameInput, wire.Command{Field: "notification_number", Value: "123027172"}) })
			step(func() { p.tap(wire.NameNext, wire.Command{}) })
		case wire.StepQuery:
			step(func() {
				p.answer(central.AskFound, "", `{"order":{"payee":"Centre","amount":{"minor":1800,"currency":"AZN"}}}`)
			})
		case wire.StepQuote:
			step(func() { p.tap(wire.NameNext, wire.Command{}) })
		case wire.StepPay:
			if before.Money.CanFinish {
				step(func() { p.tap(wire.NameFinish, wire.Command{Key: "k"}) })
			} else if before.Money.Open {
				step(func() { p.insert(20) })
			} else {
				step(func() { p.wait(2 * time.Minute) })
			}
		case wire.StepSettle:
			step(func() { p.unitDisabled() })
			step(func() { p.wait(20 * time.Second) })
		case wire.StepSubmit:
			step(func() { p.result(record.ActionDone, "") })
		case wire.StepDeliver:
			step(func() { p.print(printer.Printed) })
		case wire.StepFarewell:
			step(func() { p.tap(wire.NameNext, wire.Command{}) })
		case wire.StepOutOfService:
			t.Fatalf("out of service after cut %d", cut)
		}
	}
	t.Fatalf("cut %d, power lost %v: the visit does not end; the screen shows %s", cut, powerLost, p.state().Visit.Step)
	return died, p
}
