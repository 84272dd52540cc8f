// Package visit is one person's visit: the engine that walks a journey of the
// signed catalogue, step by step, and says what is on the screen.
//
// The engine is a state machine without clock, goroutine or I/O. Its inputs are
// taps, answers, and the passing of time; what the devices and central have done
// it reads from the folds of the till, the paper room and the journal. After
// every input the caller runs Observe, which looks at those facts and moves on:
// the engine waits for conditions, not for messages, and so it continues after a
// restart exactly as it would have gone on.
//
// Three things make the restart safe. Where the visit stands is in the journal.
// What the person typed is in the runtime folder (Resume), which a restart of the
// daemon leaves and a power loss clears. And every step's beginning may be done
// twice: it looks first whether its deed is already in the records.
package visit

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

var (
	atMove       = faultpoint.New("visit.before-moved")
	atMoved      = faultpoint.New("visit.moved")
	atIntent     = faultpoint.New("visit.before-payment-intent")
	atIntended   = faultpoint.New("visit.payment-intent-recorded")
	atLeftover   = faultpoint.New("visit.before-leftover")
	atLeftoverOK = faultpoint.New("visit.leftover-recorded")
	atEnd        = faultpoint.New("visit.before-ended")
	atEnded      = faultpoint.New("visit.ended")
)

// Steps that are the engine's own, not a journey's.
const (
	stepLanguage    = "@language"
	stepServices    = "@services"
	stepFarewell    = "@farewell"
	stepLostClose   = "@lost-close"   // after a power loss: let the till finish
	stepLostDeliver = "@lost-deliver" // after a power loss: a slip for what is here
	// The farewell after it; the journey is not known any more.
	stepFarewellLost = "@lost-farewell"
)

// Terminal is what the slip and the screen say of the machine.
type Terminal struct {
	ID        string
	Number    string
	Owner     string
	OwnerVOEN string
	Address   string
	Phone     string
	Hours     string

	MaxCash money.Amount // greatest sum of notes in one visit; zero: as the service says

	PixelsPerMM float64
	Langs       []wire.Lang
	Notes       []money.Amount
}

// Times are the engine's limits.
type Times struct {
	Idle     time.Duration // on screens that are read
	Typing   time.Duration // on screens that are filled in; 0: as Idle
	Warning  time.Duration // of that, shown as a warning
	Farewell time.Duration // how long an ending stays
	Slow     time.Duration // a wait is called slow
	Leave    time.Duration // and may be left
}

// DefaultTimes are those of ui.md 2.6 and 3.
func DefaultTimes() Times {
	return Times{Idle: 60 * time.Second, Warning: 20 * time.Second, Farewell: 30 * time.Second,
		Slow: 5 * time.Second, Leave: 15 * time.Second}
}

// Ports is what the engine may do to the world.
type Ports struct {
	Write func(...journal.Draft)
	// Ask sends a query to central; Answer brings its end. CancelAsk forgets it.
	Ask       func(id, kind string, body json.RawMessage, wait time.Duration)
	CancelAsk func(id string)
	// CentralOnline reports whether central can be reached.
	CentralOnline func() bool
	// SaveResume keeps what a restart of the daemon needs; nil removes it. It need
	// not survive a power loss.
	SaveResume func([]byte)
	NewID      func() string
	Rand       io.Reader
	// Sign signs what stands in a slip's QR code with the terminal's own key.
	Sign func([]byte) []byte
}

// Engine is the state machine. It is not safe for concurrent use.
type Engine struct {
	terminal Terminal
	times    Times
	bundle   *catalogue.Bundle
	log      *Log
	till     *till.Till
	desk     *paper.Desk
	cards    *esign.Desk // nil: no reader
	ports    Ports
	asset    string

	r       resume
	journey *catalogue.Journey
	step    *catalogue.Step

	stepSeq  uint64
	since    time.Time // when the step began
	idle     time.Time // when the person is given up; zero while the machine works
	now      time.Time
	askID    string
	answer   *central.Answer
	resumed  bool
	lastNote uint64
	keys     []string // money commands already carried out in this step

	// Who signs in and who is signed in: in memory only.
	id        *identification
	session   *session
	lists     map[string][]wire.ListRow
	restarted bool // the last start ended a sign-in

	hold        bool // no new visit
	interrupted bool // the running visit is to end
}

// New makes an engine. Start must follow.
func New(t Terminal, times Times, asset string, b *catalogue.Bundle, log *Log, tl *till.Till, desk *paper.Desk, cards *esign.Desk, ports Ports) *Engine {
	return &Engine{terminal: t, times: times, asset: asset, bundle: b, log: log, till: tl, desk: desk, cards: cards, ports: ports,
		lists: map[string][]wire.ListRow{}}
}

// InVisit reports whether somebody is here.
func (e *Engine) InVisit() bool { return e.r.Visit != "" }

// Visit is the present visit's id, or "".
func (e *Engine) Visit() string { return e.r.Visit }

// Start goes on with what a restart interrupted; saved is what SaveResume kept.
func (e *Engine) Start(now time.Time, saved []byte) {
	e.now, e.since = now, now
	e.r = resume{Lang: e.firstLang()}
	e.settleOwing()
	cur := e.log.Current()
	if cur == nil {
		e.ports.SaveResume(nil)
		e.endStrayTender(now)
		return
	}
	e.r.Visit = cur.ID // whose records follow
	signedOut := e.endOpenSession(now, cur)
	var r resume
	if err := json.Unmarshal(saved, &r); err == nil && r.Visit == cur.ID && cur.Bundle == e.bundle.Digest {
		e.r = r
		e.r.Step, e.r.Journey = cur.Step, cur.Journey
		if e.find() {
			e.resumed = true
			e.write(record.VisitResumed{Step: cur.Step})
			if e.backToIdentify(now, signedOut) {
				return
			}
			e.stepSeq++
			e.begin(now)
			return
		}
	}
	e.lost(now, cur)
}

// backToIdentify goes back to the sign-in that a restart has ended, unless money
// is in: a payment goes on without it. What central told of the person went with
// the sign-in, so a list cannot be shown again either.
func (e *Engine) backToIdentify(now time.Time, signedOut bool) bool {
	if e.journey == nil || e.step == nil || !signedOut && e.step.List == "" {
		return false
	}
	m := e.money()
	if m.Held.IsPositive() || m.Pending.IsPositive() || m.Paid.IsPositive() || e.till.Ledger().Tender() != nil {
		return false
	}
	target := e.journey.Start
	for i := range e.journey.Steps {
		if e.journey.Steps[i].Kind == catalogue.KindIdentify {
			target = e.journey.Steps[i].ID
		}
	}
	e.restarted = signedOut
	e.moveTo(now, target, outRestarted)
	e.resumed = true
	return true
}

func (e *Engine) firstLang() wire.Lang {
	if len(e.terminal.Langs) > 0 {
		return e.terminal.Langs[0]
	}
	return wire.LangAz
}

// find sets journey and step from the resume data; false if they do not exist.
func (e *Engine) find() bool {
	e.journey, e.step = nil, nil
	if e.r.Journey == "" {
		switch e.r.Step {
		case stepLanguage, stepServices, stepLostClose, stepLostDeliver, stepFarewellLost:
			return true
		}
		return false
	}
	e.journey = e.bundle.Journeys[e.r.Journey]
	if e.journey == nil {
		return false
	}
	if e.r.Step == stepFarewell {
		return true
	}
	e.step = e.journey.Step(e.r.Step)
	return e.step != nil
}

// endStrayTender closes a tender that no visit goes with: the terminal died
// between ending a visit and starting the next. The ledger cannot come to this
// by the engine's own order of steps; it is here so that a tender is never left.
func (e *Engine) endStrayTender(now time.Time) {
	if e.till.Ledger().Tender() != nil {
		e.till.Close(now, "lost")
	}
}

func (e *Engine) write(bodies ...record.Body) {
	drafts := make([]journal.Draft, len(bodies))
	for i, b := range bodies {
		drafts[i] = journal.Draft{Visit: e.r.Visit, Body: b}
	}
	e.ports.Write(drafts...)
}

// money is what this visit has in the terminal.
func (e *Engine) money() till.VisitMoney { return e.till.Ledger().Visit(e.r.Visit) }

// startVisit begins a visit; with a language the person has already chosen one.
func (e *Engine) startVisit(now time.Time, lang wire.Lang) {
	e.r = resume{Visit: e.ports.NewID(), Lang: e.firstLang(), Vars: map[string]Var{}, Inputs: map[string]string{}}
	e.journey, e.step, e.resumed = nil, nil, false
	e.lastNote = e.till.Last().N
	step := stepLanguage
	if lang != "" {
		e.r.Lang, step = lang, stepServices
	}
	e.r.Step = step
	e.save()
	e.write(record.VisitStarted{Bundle: e.bundle.Digest}, record.VisitMoved{Step: step})
	e.entered(now)
}

// finish leaves the present step with an outcome.
func (e *Engine) finish(now time.Time, outcome string) {
	target := e.step.On[outcome]
	e.moveTo(now, target, outcome)
}

func (e *Engine) moveTo(now time.Time, target, outcome string) {
	e.dropAsk()
	if target == catalogue.TargetEnd || target == "" {
		e.signOut(now, outFinished)
	}
	switch target {
	case catalogue.TargetLeave:
		e.r.Journey, e.r.Step = "", stepServices
		e.r.Vars, e.r.Inputs = map[string]Var{}, map[string]string{}
	case catalogue.TargetEnd, "":
		e.r.Step = stepFarewell
	default:
		e.r.Step = target
	}
	e.resumed = false
	e.save() // before the record: the journal may name the step only when its values are there
	atMove.Hit()
	e.write(record.VisitMoved{Journey: e.r.Journey, Step: e.r.Step, Outcome: outcome})
	atMoved.Hit()
	e.entered(now)
}

func (e *Engine) entered(now time.Time) {
	if !e.find() {
		// The checker has proved that every target exists.
		panic(fmt.Sprintf("visit: no step %q in journey %q", e.r.Step, e.r.Journey))
	}
	e.stepSeq++
	e.begin(now)
}

func (e *Engine) atFarewell() bool { return e.r.Step == stepFarewell || e.r.Step == stepFarewellLost }

// begin does the first deed of the present step. It may run twice for the same
// step (after a restart) and must then not do a deed twice.
func (e *Engine) begin(now time.Time) {
	e.now, e.since, e.keys = now, now, nil
	e.touch(now)
	switch {
	case e.atFarewell():
		e.idle = now.Add(e.times.Farewell)
	case e.r.Step == stepLostClose:
		e.idle = time.Time{}
		e.till.Close(now, "lost")
	case e.r.Step == stepLostDeliver:
		e.idle = time.Time{}
		e.beginDeliver(now)
	case e.step == nil:
	default:
		switch e.step.Kind {
		case catalogue.KindForm:
			e.beginForm()
		case catalogue.KindIdentify:
			e.beginIdentify(now)
		case catalogue.KindQuery:
			e.beginQuery(now)
		case catalogue.KindQuote:
			e.beginQuote(now)
		case catalogue.KindPay:
			e.beginPay(now)
		case catalogue.KindSubmit:
			e.beginSubmit(now)
		case catalogue.KindDeliver:
			e.idle = time.Time{}
			e.beginDeliver(now)
		case catalogue.KindPresent:
			if e.step.Final {
				e.idle = now.Add(e.times.Farewell)
			}
		}
	}
}

// touch restarts the idle clock.
func (e *Engine) touch(now time.Time) {
	d := e.times.Idle
	if e.times.Typing > 0 && e.step != nil && (e.step.Kind == catalogue.KindForm || e.step.Kind == catalogue.KindIdentify) {
		d = e.times.Typing
	}
	if e.r.Modes.MoreTime {
		d *= 2
	}
	if e.step != nil && e.step.TimeoutS > 0 {
		d = time.Duration(e.step.TimeoutS) * time.Second
	}
	e.idle = now.Add(d)
}

// Observe looks at what the devices and central have done and moves on as far as
// it can. Call it after every input.
func (e *Engine) Observe(now time.Time) {
	e.now = now
	for range 64 { // a journey cannot loop without a person's act: the checker has proved it
		if !e.observe(now) {
			return
		}
	}
	panic("visit: the journey does not come to rest at step " + e.r.Step)
}

func (e *Engine) observe(now time.Time) bool {
	if n := e.till.Last().N; n != e.lastNote {
		e.lastNote = n
		if !e.idle.IsZero() && !e.atFarewell() {
			e.touch(now)
		}
	}
	before := e.stepSeq
	e.observeSession(now)
	if e.interrupted && e.stepSeq == before {
		e.observeInterrupted(now)
	}
	switch {
	case e.stepSeq != before: // the sign-in has ended, and the step with it
	case !e.InVisit():
		e.settleOwing()
	case e.atFarewell():
		e.observeAgain(now)
	case e.r.Step == stepLostClose:
		e.observeLostClose(now)
	case e.r.Step == stepLostDeliver:
		e.observeDeliver(now)
	case e.step == nil:
	default:
		switch e.step.Kind {
		case catalogue.KindIdentify:
			e.observeIdentify(now)
		case catalogue.KindQuery:
			e.observeQuery(now)
		case catalogue.KindQuote:
			e.observeQuote(now)
		case catalogue.KindPay:
			e.observePay(now)
		case catalogue.KindSubmit:
			e.observeSubmit(now)
		case catalogue.KindDeliver:
			e.observeDeliver(now)
		}
	}
	return e.stepSeq != before
}

// Tick lets time pass.
func (e *Engine) Tick(now time.Time) {
	e.now = now
	if e.idle.IsZero() || now.Before(e.idle) || !e.InVisit() {
		return
	}
	switch {
	case e.atFarewell():
		e.end(now, "finished")
	case e.step != nil && e.step.Kind == catalogue.KindPresent && e.step.Final:
		e.end(now, "finished")
	case e.step != nil && e.step.Kind == catalogue.KindPay:
		e.payIdle(now)
	default:
		e.end(now, "abandoned")
	}
}

// Wake is when Tick or Observe is due; zero if never.
func (e *Engine) Wake() time.Time {
	if !e.InVisit() {
		return time.Time{}
	}
	w := e.idle
	earlier := func(t time.Time) {
		if t.After(e.now) && (w.IsZero() || t.Before(w)) {
			w = t
		}
	}
	if !e.idle.IsZero() && e.warns() {
		// One change of the picture for each second of the warning.
		if left := e.idle.Sub(e.now); left > e.times.Warning {
			earlier(e.idle.Add(-e.times.Warning))
		} else if left > 0 {
			earlier(e.idle.Add(-left.Truncate(time.Second)))
			if left%time.Second == 0 {
				earlier(e.now.Add(time.Second))
			}
		}
	}
	if e.step != nil || e.r.Step == stepLostDeliver || e.r.Step == stepLostClose {
		earlier(e.since.Add(e.times.Slow))
		earlier(e.since.Add(e.times.Leave))
		if e.step != nil && e.step.Kind == catalogue.KindSubmit {
			earlier(e.submitBy())
		}
		e.wakeIdentify(earlier)
		if e.step != nil && e.step.Kind == catalogue.KindQuote && !e.r.QuoteUntil.IsZero() {
			earlier(e.r.QuoteUntil)
		}
	}
	return w
}

// warns reports whether the present step warns before it gives up.
func (e *Engine) warns() bool {
	if e.atFarewell() {
		return false
	}
	return e.step == nil || !(e.step.Kind == catalogue.KindPresent && e.step.Final)
}

// end is the end of the visit: nobody is here any more. Money that is still held
// for it, because a note turned up late, is recorded before.
func (e *Engine) end(now time.Time, why string) {
	e.dropAsk()
	e.dropIdentify()
	e.signOut(now, why)
	if m := e.money(); m.Held.IsPositive() {
		e.write(record.Unassigned{Amount: m.Held, Why: "turned up after the slip; see the visit's reference"})
	}
	atEnd.Hit()
	e.write(record.VisitEnded{Why: why})
	atEnded.Hit()
	e.desk.Forget()
	e.ports.SaveResume(nil)
	e.r = resume{Lang: e.firstLang()}
	e.journey, e.step, e.answer, e.resumed = nil, nil, nil, false
	e.restarted, e.interrupted = false, false
	clear(e.lists)
	e.idle = time.Time{}
	e.stepSeq++
}

// settleOwing issues leftovers for money whose visit has ended: a payment was
// refused after the person left with a pending slip. The slip's reference is the
// code.
func (e *Engine) settleOwing() {
	for _, id := range e.till.Ledger().Owing() {
		m := e.till.Ledger().Visit(id)
		e.ports.Write(journal.Draft{Visit: id, Body: record.LeftoverIssued{LeftoverID: e.ports.NewID(), Amount: m.Held,
			CodeHash: hash(Reference(id)), Why: "rejected"}})
	}
}

// lost goes on after a power loss: what the person entered is gone, the money is
// not.
func (e *Engine) lost(now time.Time, cur *Current) {
	e.r = resume{Visit: cur.ID, Lang: e.firstLang(), Vars: map[string]Var{}, Inputs: map[string]string{}, Lost: true}
	e.write(record.VisitResumed{Step: cur.Step, Lost: true})
	m := e.money()
	if m.Held.IsZero() && m.Pending.IsZero() && m.Paid.IsZero() && m.Over.IsZero() &&
		e.till.Ledger().Undecided(cur.ID) == 0 && e.till.Ledger().Tender() == nil {
		e.end(now, "lost")
		return
	}
	e.r.Step = stepLostClose
	e.save()
	e.write(record.VisitMoved{Step: stepLostClose, Outcome: "lost"})
	e.stepSeq++
	e.begin(now)
}

// lostPatience is how long the till is given to find out about a note after a
// power loss, before the slip is printed without it.
const lostPatience = 90 * time.Second

func (e *Engine) observeLostClose(now time.Time) {
	l := e.till.Ledger()
	if l.Tender() != nil {
		if ok, _ := e.till.Ready(); ok && !e.till.Closing() {
			e.till.Close(now, "lost")
		}
		return
	}
	m := e.money()
	if l.Undecided(e.r.Visit) > 0 && now.Sub(e.since) < lostPatience {
		return
	}
	if m.Pending.IsPositive() && now.Sub(e.since) < e.times.Leave {
		return // central may answer in a moment
	}
	if m.Held.IsZero() && m.Pending.IsZero() && m.Paid.IsZero() && m.Over.IsZero() && l.Undecided(e.r.Visit) == 0 {
		e.end(now, "lost")
		return
	}
	if m.Held.IsZero() && e.slipOut() {
		e.end(now, "lost") // the person has the slip; a second one would be a second original
		return
	}
	e.r.Step = stepLostDeliver
	e.save()
	e.write(record.VisitMoved{Step: stepLostDeliver, Outcome: "lost"})
	e.stepSeq++
	e.begin(now)
}

// slipOut reports whether this visit's slip is on paper, or may be: neither is
// printed again by itself.
func (e *Engine) slipOut() bool {
	j := e.desk.Log().Last()
	return j != nil && j.Visit == e.r.Visit && (j.Verdict == printer.Printed || j.Verdict == printer.Unknown)
}
