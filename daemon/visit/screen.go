package visit

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"rsc.io/qr"
)

// State is what is on the screen now. It is computed from the same facts that the
// engine decides by, so it cannot disagree with them. Seq is left to the caller.
func (e *Engine) State(now time.Time) wire.State {
	e.now = now
	s := wire.State{
		Contract: wire.Contract, Asset: e.asset, StepSeq: e.stepSeq,
		Terminal: wire.Terminal{
			Number: e.terminal.Number, Owner: e.terminal.Owner, Address: e.terminal.Address, Phone: e.terminal.Phone,
			Hours: e.terminal.Hours, PixelsPerMM: e.terminal.PixelsPerMM, Langs: e.langs(), Notes: e.terminal.Notes,
		},
		Devices: e.devices(),
	}
	v := &s.Visit
	v.Lang, v.Modes, v.Resumed = e.r.Lang, e.r.Modes, e.resumed
	v.Cancel = e.canCancel()
	v.CardIn = (!e.InVisit() || e.atFarewell()) && e.cards.AnyCard()
	if p := e.session; p != nil {
		v.Person = &wire.Person{Name: p.name, FIN: p.fin, Method: wire.Method(p.method), Level: wire.Level(p.level)}
	}
	if !e.InVisit() {
		v.Step = wire.StepAttract
		v.Services = e.services()
		if e.outOfService() {
			v.Step = wire.StepOutOfService
			v.Outcome = &wire.Outcome{Money: wire.FateNone, Reason: e.outReason(), Slip: wire.SlipNone}
		}
		return s
	}
	v.ID = hash("screen " + e.r.Visit)[:16]
	if sv := e.service(); sv != nil {
		t := e.text(sv.Title)
		v.Service = &t
	}
	if e.warns() && !e.idle.IsZero() && e.idle.Sub(now) <= e.times.Warning {
		left := e.idle.Sub(now)
		v.Warning = &wire.Warning{SecondsLeft: max(0, int((left+time.Second-1)/time.Second)), MoneyIn: e.money().Held.IsPositive()}
	}
	if e.step != nil {
		if e.step.Title != "" {
			t := e.text(e.step.Title)
			v.Title = &t
		}
		if e.step.Body != "" {
			t := e.text(e.step.Body)
			v.Body = &t
		}
		if e.step.Stage > 0 && e.journey.Stages > 0 {
			v.Progress = &wire.Progress{At: e.step.Stage, Of: e.journey.Stages}
		}
		v.CanBack = e.step.On["back"] != ""
	}
	switch {
	case e.r.Step == stepLanguage:
		v.Step = wire.StepLanguage
	case e.r.Step == stepServices:
		v.Step, v.CanBack = wire.StepServices, true
		v.Services = e.services()
	case e.atFarewell():
		v.Step, v.CanNext = wire.StepFarewell, !e.printing()
		v.Outcome = e.outcome()
		if e.printing() {
			v.Wait = &wire.Wait{For: wire.WaitPrinting}
		}
	case e.r.Step == stepLostClose:
		v.Step = wire.StepSettle
		v.Wait = e.wait(wire.WaitNote)
		s.Money = e.moneyState()
	case e.r.Step == stepLostDeliver:
		v.Step = wire.StepDeliver
		v.Wait = e.wait(wire.WaitPrinting)
	default:
		e.stepState(&s)
	}
	return s
}

func (e *Engine) stepState(s *wire.State) {
	v := &s.Visit
	switch e.step.Kind {
	case catalogue.KindPresent:
		v.Step, v.CanNext = wire.StepPresent, true
		if e.step.List != "" {
			v.Step, v.List = wire.StepList, &wire.List{Rows: e.lists[e.step.List]}
			if v.List.Rows == nil {
				v.List.Rows = []wire.ListRow{}
			}
		}
		v.CanBack = v.CanBack || e.step.On["refused"] != ""
		if e.step.Final {
			v.Step = wire.StepNotice
			reason := wire.Reason(e.step.Reason)
			if reason == "" {
				reason = e.r.Reason
			}
			v.Outcome = &wire.Outcome{Money: e.fate(), Reason: reason, Text: v.Body, Slip: wire.SlipNone}
		}
	case catalogue.KindIdentify:
		e.identifyState(v)
	case catalogue.KindForm:
		v.Step, v.CanNext = wire.StepForm, true
		v.Form = e.formState()
	case catalogue.KindQuery:
		v.Step = wire.StepQuery
		v.Wait = e.wait(wire.WaitCentral)
	case catalogue.KindQuote:
		v.Step, v.CanNext = wire.StepQuote, true
		v.Quote = e.quoteState()
	case catalogue.KindPay:
		v.Step = wire.StepPay
		v.Quote = e.quoteState()
		s.Money = e.moneyState()
		v.CanNext = s.Money.CanFinish
		if e.till.Closing() {
			v.Step = wire.StepSettle
			v.Wait = e.wait(wire.WaitNote)
		}
	case catalogue.KindSubmit:
		v.Step = wire.StepSubmit
		v.Wait = e.wait(wire.WaitPosting)
	case catalogue.KindDeliver:
		v.Step = wire.StepDeliver
		v.Wait = e.wait(wire.WaitPrinting)
	}
}

func (e *Engine) wait(w wire.WaitFor) *wire.Wait {
	d := e.now.Sub(e.since)
	return &wire.Wait{For: w, Slow: d >= e.times.Slow, CanLeave: e.canCancel() != wire.CancelNone && d >= e.times.Leave}
}

func (e *Engine) devices() wire.Devices {
	d := wire.Devices{Central: wire.HealthOffline, Acceptor: wire.HealthOffline, Printer: wire.HealthOffline}
	switch {
	case e.cards == nil: // there is none, and nothing to say of it
	case e.cards.Ready():
		d.CardReader = wire.HealthOnline
	default:
		d.CardReader = wire.HealthOffline
	}
	if e.ports.CentralOnline() {
		d.Central = wire.HealthOnline
	}
	switch ok, why := e.till.Ready(); {
	case ok, why == till.NotReadyHeld, why == till.NotReadyCassette: // the unit is well; it is the terminal that takes no notes
		d.Acceptor = wire.HealthOnline
	case e.till.Fault() != nil || why == "in_doubt":
		d.Acceptor = wire.HealthFault
	case e.till.Online():
		d.Acceptor = wire.HealthStarting
	}
	switch {
	case e.desk.Fit():
		d.Printer = wire.HealthOnline
	case e.desk.Online():
		d.Printer = wire.HealthFault
	}
	d.PaperLow = e.desk.Status().PaperLow
	return d
}

// outReason is the first cause for which nothing can be offered.
func (e *Engine) outReason() wire.Reason {
	if e.hold {
		return wire.ReasonOutOfService
	}
	for i := range e.bundle.Services {
		for _, m := range e.missing(&e.bundle.Services[i]) {
			switch m {
			case wire.UnavailableAcceptor:
				if f := e.till.Fault(); f != nil && (f.Kind == cash.FaultCassetteFull || f.Kind == cash.FaultCassetteRemoved) {
					return wire.ReasonCassetteFull
				}
				return wire.ReasonAcceptor
			case wire.UnavailablePrinter:
				if e.desk.Status().PaperOut {
					return wire.ReasonPaper
				}
				return wire.ReasonPrinter
			case wire.UnavailableCentral:
				return wire.ReasonCentralDown
			}
		}
	}
	return wire.ReasonNone
}

func (e *Engine) services() []wire.Service {
	var out []wire.Service
	for i := range e.bundle.Services {
		s := &e.bundle.Services[i]
		w := wire.Service{ID: s.ID, Title: e.text(s.Title), Available: true}
		if s.Hint != "" {
			t := e.text(s.Hint)
			w.Hint = &t
		}
		if m := e.missing(s); len(m) > 0 {
			w.Available, w.Why = false, &m[0]
		}
		out = append(out, w)
	}
	return out
}

var placeholder = regexp.MustCompile(`\{([a-z_][a-z0-9_]*)`)

// text is a message of the catalogue in the visit's language with those of the
// visit's values that it names.
func (e *Engine) text(key string) wire.Text { return e.pattern(e.bundle.Text(string(e.r.Lang), key)) }

func (e *Engine) pattern(p string) wire.Text {
	t := wire.Text{Pattern: p}
	for _, m := range placeholder.FindAllStringSubmatch(p, -1) {
		if v, ok := e.variable(m[1]); ok {
			if t.Values == nil {
				t.Values = map[string]wire.Val{}
			}
			t.Values[m[1]] = v.wire()
		}
	}
	return t
}

// variable finds a value by name: the visit's own, or one that the engine keeps.
func (e *Engine) variable(name string) (Var, bool) {
	if v, ok := e.r.Vars[name]; ok {
		return v, true
	}
	amount := func(a money.Amount) (Var, bool) { return Var{Money: &a}, true }
	switch name {
	case "amount":
		return amount(e.r.Amount)
	case "commission":
		return amount(e.r.Commission)
	case "total":
		return amount(e.owed())
	case "reference":
		return Var{Code: Reference(e.r.Visit)}, true
	case "terminal":
		return Var{Code: e.terminal.Number}, true
	case "phone":
		return Var{Code: e.terminal.Phone}, true
	}
	return Var{}, false
}

// fill writes the visit's values into a plain template, for the slip.
func (e *Engine) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(strings.ReplaceAll(s, "}", ""), func(m string) string {
		v, _ := e.variable(m[1:])
		return v.text()
	})
}

func (e *Engine) quoteStep() *catalogue.Step {
	for i := range e.journey.Steps {
		if e.journey.Steps[i].Kind == catalogue.KindQuote {
			return &e.journey.Steps[i]
		}
	}
	return &catalogue.Step{}
}

func (e *Engine) formState() *wire.Form {
	f := &wire.Form{Active: e.r.Active}
	for i := range e.step.Fields {
		c := &e.step.Fields[i]
		w := wire.Field{Name: c.Name, Label: e.text(c.Label), Value: e.r.Inputs[c.Name], Keyboard: wire.Keyboard(c.Keyboard),
			Group: c.Group, MaxLen: c.Max, Required: c.Required}
		if c.Hint != "" {
			t := e.text(c.Hint)
			w.Hint = &t
		}
		if p, ok := e.r.Problems[c.Name]; ok {
			w.Problem = &p
		}
		for _, ch := range c.Choices {
			w.Choices = append(w.Choices, wire.Choice{Value: ch.Value, Label: e.text(ch.Label)})
		}
		f.Fields = append(f.Fields, w)
	}
	return f
}

func (e *Engine) quoteState() *wire.Quote {
	step := e.quoteStep()
	q := &wire.Quote{Amount: e.r.Amount, Commission: e.r.Commission, Total: e.owed(), Change: wire.ChangeNone,
		NoReceipt: !e.desk.Fit(), Rows: []wire.QuoteRow{}}
	if step.Payee != "" {
		t := e.pattern(step.Payee)
		q.Payee = &t
	}
	if step.Purpose != "" {
		t := e.pattern(step.Purpose)
		q.Purpose = &t
	}
	for _, r := range step.Rows {
		q.Rows = append(q.Rows, wire.QuoteRow{Label: e.text(r.Label), Value: e.pattern(r.Value)})
	}
	return q
}

func (e *Engine) moneyState() wire.Money {
	m := e.money()
	cur := e.owed().Currency
	if cur == "" {
		cur = money.AZN
	}
	held := m.Held.Add(money.Zero(cur))
	w := wire.Money{
		Open: e.till.SlotOpen() && !e.till.Closing(), Owed: e.owed(), Held: held,
		Missing: money.Max(money.Zero(cur), e.owed().Sub(held)), Over: money.Max(money.Zero(cur), held.Sub(e.owed())),
		Count: m.Count, Accepted: e.till.AcceptedNotes(), InDoubt: e.till.Ledger().Undecided(e.r.Visit),
		CanFinish: held.IsPositive() && held.Cmp(e.owed()) >= 0 && !e.till.Closing(),
	}
	if w.InDoubt > 0 && e.till.Moving() != "" {
		w.InDoubt-- // it is on its way, not lost
	}
	for k, n := range m.Notes {
		if minor, err := strconv.ParseInt(k, 10, 64); err == nil {
			w.Notes = append(w.Notes, wire.NoteCount{Value: money.New(minor, cur), Count: n})
		}
	}
	slices.SortFunc(w.Notes, func(a, b wire.NoteCount) int { return a.Value.Cmp(b.Value) })
	if mv := e.till.Moving(); mv != "" {
		x := wire.Moving(mv)
		w.Moving = &x
	}
	if l := e.till.Last(); l.N > 0 && l.What != "" {
		w.Last = &wire.NoteEvent{N: l.N, What: noteWhat(l.What), Value: l.Amount.Add(money.Zero(cur))}
	}
	return w
}

func noteWhat(s string) wire.NoteWhat {
	switch w := wire.NoteWhat(s); w {
	case wire.NoteTaken, wire.NoteUnreadable, wire.NoteEnough, wire.NoteLimit, wire.NoteReturned, wire.NoteCoupon, wire.NoteStuck:
		return w
	}
	return wire.NoteRefused
}

// fate answers "where is my money?" from the ledger and from nothing else.
func (e *Engine) fate() wire.Fate {
	m := e.money()
	switch {
	case m.Paid.IsPositive():
		return wire.FatePosted
	case m.Pending.IsPositive():
		return wire.FatePending
	case m.Over.IsPositive():
		return wire.FateLeftover
	case e.till.Ledger().Undecided(e.r.Visit) > 0:
		return wire.FateDoubt
	case m.Held.IsPositive():
		return wire.FateHeld
	case e.r.Returned:
		return wire.FateReturned
	}
	return wire.FateNone
}

func (e *Engine) outcome() *wire.Outcome {
	m := e.money()
	o := &wire.Outcome{
		Money: e.fate(), Reason: e.r.Reason, Paid: m.Paid.Add(m.Pending), Leftover: m.Over,
		InDoubt: e.till.Ledger().Undecided(e.r.Visit), Slip: e.slip(), Again: e.reprint(),
	}
	if e.r.Lost {
		o.Reason = wire.ReasonRestarted
	}
	if o.Money == wire.FatePosted {
		o.Reason = wire.ReasonNone
	}
	if o.Money != wire.FateNone && o.Money != wire.FateReturned {
		o.Reference = Reference(e.r.Visit)
		if code, err := qr.Encode(e.qr(m, e.since.In(Baku)), qr.M); err == nil {
			for y := range code.Size {
				var row strings.Builder
				for x := range code.Size {
					if code.Black(x, y) {
						row.WriteByte('1')
					} else {
						row.WriteByte('0')
					}
				}
				o.QR = append(o.QR, row.String())
			}
		}
	}
	return o
}

// slip is what became of the paper, from the paper room's log.
func (e *Engine) slip() wire.Slip {
	if e.r.JobID == "" {
		return wire.SlipNone
	}
	if e.printing() {
		return wire.SlipPrinting
	}
	j := e.desk.Log().Last()
	switch {
	case j == nil || j.ID != e.r.JobID || j.Cause == paper.CauseNoPrinter:
		return wire.SlipNotPrinted
	case j.Verdict == printer.Printed:
		return wire.SlipPrinted
	case j.Verdict == printer.NotPrinted:
		return wire.SlipNotPrinted
	case j.Verdict == "":
		return wire.SlipPrinting
	}
	return wire.SlipUnknown
}
