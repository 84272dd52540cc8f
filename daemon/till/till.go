// Package till decides what happens to every physical banknote. It alone talks
// to the acceptor and owns the money of a visit through a tender window:
//
//	Open(visit, owed, limit) ... Close() ... Closed
//
// Closed comes only when no note lies between escrow and a final state (or when
// such a note has been written down as in doubt), so nothing is posted while a
// note is still moving.
//
// The till is a state machine without clock, goroutine or I/O. It is given the
// acceptor's events and the time, and acts through Ports: Write returns when the
// records are durable, so the order of the statements below is the order of
// intent, action, evidence and acknowledgement that makes the money safe
// (protocols/cash-ccnet.md section 10). What it knows of notes it reads from the
// Ledger, a fold over the records; after a restart the same events lead to the
// same decisions.
package till

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// The places where dying matters most. The campaign kills at each.
var (
	atEscrow         = faultpoint.New("till.escrow.before-record")
	atEscrowed       = faultpoint.New("till.escrow.recorded")
	atStackIntent    = faultpoint.New("till.stack-intent.recorded")
	atStackSent      = faultpoint.New("till.stack.commanded")
	atReturnIntent   = faultpoint.New("till.return-intent.recorded")
	atStacked        = faultpoint.New("till.stacked.before-record")
	atCredited       = faultpoint.New("till.stacked.recorded")
	atConfirmed      = faultpoint.New("till.stacked.confirmed")
	atPowerUp        = faultpoint.New("till.power-up.before-record")
	atPowerUpWritten = faultpoint.New("till.power-up.recorded")
	atClosed         = faultpoint.New("till.closed.before-record")
)

// creditAtEscrow is the mistake of writing the credit when the note is decided
// upon instead of when it is in the cassette.
var creditAtEscrow = faultpoint.NewMutant("credit-at-escrow")

// closePatience is how long a closing tender waits for a note in motion before
// it goes on with that note in doubt: twice the longest time the unit may need.
const closePatience = 60 * time.Second

// Ports is what the till may do to the world.
type Ports struct {
	// Write makes the records durable, applies them to the ledger and returns. It
	// does not return an error: a terminal that cannot write ends.
	Write func(drafts ...journal.Draft)
	// Acceptor gives the driver a command; it does not block.
	Acceptor func(cash.Command)
	// NewID makes a unique id that sorts by time (UUIDv7).
	NewID func() string
	// Staff is the member of staff who is in service mode, or "". Nil: never one.
	Staff func() string
	// Trace is what went over the acceptor's line last, as text, a bounded number of
	// lines; nil: nobody keeps it. It is attached to every note in doubt.
	Trace func() []string
}

// Config holds what a terminal decides about notes.
type Config struct {
	Currency money.Currency
	// Confirm: a new cassette counts only after a collector has confirmed it.
	Confirm bool
}

// Moving is the note in the acceptor now, for the screen.
type Moving string

const (
	MovingNone      Moving = ""
	MovingIn        Moving = "in"
	MovingStacking  Moving = "stacking"
	MovingReturning Moving = "returning"
	MovingPaused    Moving = "paused"
)

// Happening is the last thing that happened to a note, for the screen. N rises
// with each.
type Happening struct {
	N      uint64
	What   string // taken, unreadable, returned, stuck, or a record.Refused... reason
	Amount money.Amount
}

// Till is the state machine. It is not safe for concurrent use.
type Till struct {
	cfg    Config
	ledger *Ledger
	ports  Ports

	state    cash.State
	online   bool
	settled  bool
	ill      bool // since a fault or an outcome that was not told; Settled ends it
	fault    *cash.Fault
	counter  *uint32 // last known, nil when a stacked note has made it stale
	escrow   *cash.Escrowed
	moving   Moving
	last     Happening
	enabled  string // what the unit was last told: "" unknown, "off", or the types
	closing  bool
	closeWhy string
	closeBy  time.Time
	refused  map[string]string // note id -> why it is being given back
	held     bool              // see Hold
}

// New makes a till on its ledger.
func New(cfg Config, ledger *Ledger, ports Ports) *Till {
	return &Till{cfg: cfg, ledger: ledger, ports: ports, state: cash.StateOffline, refused: map[string]string{}}
}

// Ledger is the fold the till decides by.
func (t *Till) Ledger() *Ledger { return t.ledger }

// Why Ready says no although the unit is well.
const (
	NotReadyCassette = "cassette" // no cassette is confirmed
	NotReadyHeld     = "held"     // see Hold
)

// Ready reports whether notes can be taken now, and if not, why.
func (t *Till) Ready() (bool, string) {
	switch {
	case !t.online:
		return false, "offline"
	case t.fault != nil:
		return false, string(t.fault.Kind)
	case !t.settled:
		return false, "starting"
	case t.undecided() != nil:
		return false, "in_doubt"
	case t.ledger.s.Closing:
		return false, NotReadyCassette
	case t.held:
		return false, NotReadyHeld
	}
	return true, ""
}

// Online reports whether the unit answers.
func (t *Till) Online() bool { return t.online }

// Fault is the unit's present fault, or nil.
func (t *Till) Fault() *cash.Fault { return t.fault }

// State is the unit's present state.
func (t *Till) State() cash.State { return t.state }

// Moving is the note in the acceptor now.
func (t *Till) Moving() Moving { return t.moving }

// Last is the last thing that happened to a note.
func (t *Till) Last() Happening { return t.last }

// Accepting reports whether the unit has been told to take notes.
func (t *Till) Accepting() bool { return t.enabled != "" && t.enabled != "off" }

// SlotOpen reports whether the unit does take notes: it has been told to, and it
// has said that it is no longer disabled. Only then is a person asked for one.
func (t *Till) SlotOpen() bool {
	switch t.state {
	case cash.StateIdle, cash.StateAccepting, cash.StateEscrow, cash.StateStacking, cash.StateStacked,
		cash.StateReturning, cash.StateReturned, cash.StateRejecting, cash.StatePaused, cash.StateBusy:
		return t.Accepting()
	}
	return false
}

// Closing reports whether a tender is being closed.
func (t *Till) Closing() bool { return t.closing }

// Wake is when Tick is due; zero if never.
func (t *Till) Wake() time.Time {
	if t.closing {
		return t.closeBy
	}
	return time.Time{}
}

// Open begins a tender for the visit. Notes are taken until held reaches owed.
// It does nothing when this visit's tender is already open, as after a restart.
func (t *Till) Open(now time.Time, visit string, owed, limit money.Amount, maxNotes int) {
	if o := t.ledger.Tender(); o != nil {
		if o.Visit == visit {
			t.steer()
			return
		}
		// Another visit's tender cannot be open while this one begins; if the terminal
		// died in between, close it by the book.
		t.writeClosed(o, "superseded")
	}
	t.closing = false
	t.write(visit, record.TenderOpened{TenderID: t.ports.NewID(), Owed: owed, Limit: limit, MaxNotes: maxNotes})
	t.steer()
}

// Close ends the tender: no further note is taken, and a note in motion finishes
// first. The ledger's Closed tells when it is done.
func (t *Till) Close(now time.Time, why string) {
	if t.ledger.Tender() == nil || t.closing {
		return
	}
	t.closing, t.closeWhy, t.closeBy = true, why, now.Add(closePatience)
	t.steer()
	t.tryClose(now)
}

// Tick lets time pass.
func (t *Till) Tick(now time.Time) {
	if t.closing {
		t.tryClose(now)
	}
}

// Event takes in what the acceptor said.
func (t *Till) Event(now time.Time, ev cash.Event) {
	switch e := ev.(type) {
	case cash.Online:
		t.onlineEvent(e)
	case cash.Offline:
		t.offlineEvent(e)
	case cash.PowerUp:
		t.powerUp(e)
	case cash.Settled:
		t.settledEvent(e)
	case cash.PathClear:
		t.counter = e.Counter
		t.resolve(e.Counter)
		if t.state != cash.StateAccepting { // else the next note is on its way in already
			t.moving = MovingNone
		}
		t.steer()
	case cash.Escrowed:
		t.escrowed(e)
	case cash.Stacking:
		t.moving = MovingStacking
	case cash.Stacked:
		t.stacked(e)
	case cash.Returning:
		t.moving = MovingReturning
	case cash.Returned:
		t.returned(e)
	case cash.Rejected:
		t.write("", record.NoteRejected{Reason: e.Reason, Code: e.Code})
		t.moving = MovingReturning
		t.happen("unreadable", money.Amount{})
	case cash.Coupon:
		t.coupon(e)
	case cash.CouponReturned:
		t.couponGone(e.ID, cash.StateReturned)
	case cash.CouponKept:
		t.write("", record.CouponKept{Alarm: "a coupon was stacked without being told to"})
		t.couponGone(e.ID, cash.StateStacked)
	case cash.Unresolved:
		t.ill = true
		if n := t.undecided(); n != nil && n.State != NoteInDoubt {
			t.doubt(n, "no answer after "+e.After, "", e.Trace)
		}
	case cash.Fault:
		t.faultEvent(e)
	case cash.FaultCleared:
		if t.fault != nil {
			t.fault = nil
			t.write("", record.DeviceCleared{Device: "acceptor"})
		}
	case cash.StateChanged:
		t.stateChanged(e.State)
	}
	t.tryClose(now)
}

func (t *Till) write(visit string, b record.Body) {
	t.ports.Write(journal.Draft{Visit: visit, Body: b})
}

func (t *Till) happen(what string, a money.Amount) {
	t.last = Happening{N: t.last.N + 1, What: what, Amount: a}
}

// current is the newest open note that the unit may still be handling: anything
// but one in doubt that was overtaken by a later note.
func (t *Till) current() *OpenNote {
	notes := t.ledger.inUnit()
	if len(notes) == 0 {
		return nil
	}
	return notes[len(notes)-1]
}

// undecided is an open note of which nobody can say yet whether it was stacked, and
// that keeps the next ones from being taken.
func (t *Till) undecided() *OpenNote {
	for _, n := range t.ledger.inUnit() {
		if n.State != NoteStacked {
			return n
		}
	}
	return nil
}

// creditVisit is the visit a note's value is held for: the one it was put in
// for, as long as that visit goes on; else none, and the value is unassigned.
func (t *Till) creditVisit(n *OpenNote) string {
	if n == nil || n.Visit == "" {
		return ""
	}
	if m, ok := t.ledger.s.Visits[n.Visit]; ok && !m.Ended {
		return n.Visit
	}
	return ""
}

func alarmIf(b bool, s string) string {
	if b {
		return s
	}
	return ""
}

func (t *Till) escrowed(e cash.Escrowed) {
	t.escrow, t.moving, t.state = &e, MovingIn, cash.StateEscrow
	if n := t.current(); n != nil && n.State == NoteStacked {
		t.write("", record.NoteClosed{NoteID: n.ID})
	}
	if n := t.undecided(); n != nil {
		if n.Note.Type == e.Note.Type {
			t.escrowedAgain(n, e)
			return
		}
		if n.State != NoteInDoubt {
			t.doubt(n, "another note was found in escrow", "", nil)
		}
	}
	visit := ""
	tender := t.ledger.Tender()
	if tender != nil {
		visit = tender.Visit
	}
	unit := t.ledger.Unit()
	id := t.ports.NewID()
	value := e.Note.Value
	if value.IsZero() { // the driver came up beside a waiting note and has not read the table yet
		if known, ok := unit.Table.Lookup(e.Note.Type); ok {
			value = known.Value
		}
	}
	e.Note.Value = value
	atEscrow.Hit()
	t.write(visit, record.NoteEscrowed{NoteID: id, Note: e.Note, Serial: unit.Identity.Serial, TableHash: unit.TableHash,
		Counter: t.counter, Found: e.Found, Raw: e.Raw})
	atEscrowed.Hit()
	if e.Found {
		// Put in while nobody was listening: whoever did so was told nothing.
		t.giveBack(id, e, record.RefusedRecovery, row103(nil, cash.StateEscrow))
		return
	}
	if why := t.refuse(tender, e); why != "" {
		t.giveBack(id, e, why, "")
		return
	}
	t.stack(id, e, "")
}

// escrowedAgain deals with a note that is in escrow although its record has
// already gone on, or that was found there after a restart.
func (t *Till) escrowedAgain(n *OpenNote, e cash.Escrowed) {
	e.Note.Value = n.Note.Value
	tender := t.ledger.Tender()
	r := row103(n, cash.StateEscrow)
	goOn := n.State == NoteEscrow || n.State == NoteStackIntent
	if goOn && tender != nil && tender.Visit == n.Visit && !t.closing && t.refuse(tender, e) == "" {
		t.stack(n.ID, e, r)
		return
	}
	t.giveBack(n.ID, e, record.RefusedRecovery, r)
}

// refuse says why a recognised note is not taken, or "".
func (t *Till) refuse(tender *OpenTender, e cash.Escrowed) string {
	v := e.Note.Value
	if v.IsZero() {
		return record.RefusedValueless
	}
	if t.shut() {
		return record.RefusedHeld
	}
	if tender == nil {
		return record.RefusedNoVisit
	}
	m := t.ledger.Visit(tender.Visit)
	held := m.Held
	switch {
	case t.closing:
		return record.RefusedClosing
	case v.Currency != tender.Owed.Currency:
		return record.RefusedCurrency
	case held.Cmp(tender.Owed) >= 0:
		return record.RefusedEnough
	case held.Add(v).Cmp(tender.Limit) > 0, m.Count >= tender.MaxNotes:
		return record.RefusedLimit
	case t.fault != nil:
		return record.RefusedCassette
	}
	return ""
}

func (t *Till) stack(id string, e cash.Escrowed, r string) {
	t.write(t.visitOf(id), record.NoteStackIntent{NoteID: id, Row: r})
	atStackIntent.Hit()
	if creditAtEscrow.Planted() {
		if n := t.ledger.s.Notes[id]; n != nil {
			t.credit(n, e.Note, "", "", nil)
		}
	}
	t.moving = MovingStacking
	t.ports.Acceptor(cash.Stack{ID: e.ID})
	atStackSent.Hit()
}

func (t *Till) giveBack(id string, e cash.Escrowed, why, r string) {
	t.write(t.visitOf(id), record.NoteReturnIntent{NoteID: id, Reason: why, Row: r})
	atReturnIntent.Hit()
	t.refused[id] = why
	t.moving = MovingReturning
	t.ports.Acceptor(cash.Return{ID: e.ID})
}

func (t *Till) visitOf(id string) string {
	if n := t.ledger.s.Notes[id]; n != nil {
		return n.Visit
	}
	return ""
}

func (t *Till) stacked(e cash.Stacked) {
	t.escrow = nil
	n := t.match(e.Note.Type)
	switch {
	case n == nil:
		t.unexpected(e)
	case n.State == NoteStacked:
		// The same evidence again: our acknowledgement was lost. No second credit.
	default:
		alarm := ""
		if n.State == NoteEscrow || n.State == NoteReturnIntent {
			alarm = "stacked without being told to"
		}
		t.credit(n, n.Note, row(n.State, "stacked"), alarm, e.Raw)
	}
	t.state = cash.StateStacked
	t.ports.Acceptor(cash.Confirm{ID: e.ID})
	atConfirmed.Hit()
	t.moving = MovingNone
	t.steer()
}

// match finds the open note that a device event of this type is about.
func (t *Till) match(typ int) *OpenNote {
	notes := t.ledger.inUnit()
	for i := len(notes) - 1; i >= 0; i-- {
		if n := notes[i]; typ == cash.TypeUnknown || n.Note.Type == typ {
			return n
		}
	}
	return nil
}

// credit writes that the note is in the cassette, once per note.
func (t *Till) credit(n *OpenNote, note cash.Note, r, alarm string, raw []byte) {
	if alarm == "" && t.ledger.s.Closing {
		alarm = "stacked after the cassette's period was closed"
	}
	atStacked.Hit()
	t.write(t.creditVisit(n), record.NoteStacked{NoteID: n.ID, Note: note, TableHash: n.TableHash, Row: r, Alarm: alarm, Raw: raw})
	atCredited.Hit()
	t.counter = nil // stale until the unit is asked again
	t.happen("taken", note.Value)
}

func (t *Till) returned(e cash.Returned) {
	t.escrow = nil
	if n := t.match(e.Note.Type); n != nil && n.State != NoteStacked {
		t.write(n.Visit, record.NoteReturned{NoteID: n.ID, Row: rowReturned(n.State), Raw: e.Raw})
		what := t.refused[n.ID]
		if what == "" {
			what = "returned"
		}
		delete(t.refused, n.ID)
		t.happen(what, n.Note.Value)
	}
	t.state = cash.StateReturned
	t.ports.Acceptor(cash.Confirm{ID: e.ID})
	t.moving = MovingNone
	t.steer()
}

func (t *Till) kept() []string {
	if t.ports.Trace == nil {
		return nil
	}
	return t.ports.Trace()
}

func (t *Till) faultEvent(e cash.Fault) {
	t.fault, t.state, t.moving, t.enabled = &e, cash.StateFault, MovingNone, ""
	t.ill = true
	t.write("", record.DeviceFault{Device: "acceptor", Fault: string(e.Kind), Code: e.Code, Detail: e.Detail, Trace: e.Trace})
	if e.Kind == cash.FaultCheated || e.Kind == cash.FaultCounterfeit {
		return // says nothing about a note of ours
	}
	if n := t.undecided(); n != nil && n.State != NoteInDoubt {
		t.doubt(n, "fault: "+string(e.Kind), row(n.State, "fault"), e.Trace)
	}
	if e.Kind == cash.FaultCassetteRemoved {
		person := ""
		if t.ports.Staff != nil {
			person = t.ports.Staff()
		}
		t.ClosePeriod("cassette removed", person)
	}
}

func (t *Till) stateChanged(s cash.State) {
	t.state = s
	switch s {
	case cash.StateAccepting:
		t.moving = MovingIn
	case cash.StatePaused:
		t.moving = MovingPaused
	case cash.StateRejecting, cash.StateReturning:
		t.moving = MovingReturning
	case cash.StateStacking:
		t.moving = MovingStacking
	case cash.StateIdle, cash.StateDisabled:
		t.moving = MovingNone
	}
}

// steer tells the unit to take notes or not, when that has changed.
func (t *Till) steer() {
	if !t.online || !t.settled || t.fault != nil {
		return
	}
	want := "off"
	var types []int
	if o := t.ledger.Tender(); o != nil && !t.closing && !t.shut() && t.undecided() == nil {
		m := t.ledger.Visit(o.Visit)
		if m.Held.Cmp(o.Owed) < 0 && m.Count < o.MaxNotes {
			for _, n := range t.ledger.Unit().Table.Notes {
				if n.Value.Currency == o.Owed.Currency && m.Held.Add(n.Value).Cmp(o.Limit) <= 0 {
					types = append(types, n.Type)
				}
			}
			want = fmt.Sprint(types)
		}
	}
	if len(types) == 0 {
		want = "off"
	}
	// While a note is being decided on or put away the unit keeps what it was told:
	// to change its mask now would say nothing useful.
	if n := t.undecided(); n != nil && n.State != NoteInDoubt && !t.closing {
		return
	}
	if want == t.enabled {
		return
	}
	t.enabled = want
	if want == "off" {
		t.ports.Acceptor(cash.Disable{})
	} else {
		t.ports.Acceptor(cash.Enable{Types: types})
	}
}

// tryClose finishes a closing tender when nothing moves any more.
func (t *Till) tryClose(now time.Time) {
	o := t.ledger.Tender()
	if !t.closing || o == nil {
		return
	}
	still := t.undecided() == nil || t.undecided().State == NoteInDoubt
	if (still && quiet(t.state)) || !now.Before(t.closeBy) {
		t.writeClosed(o, t.closeWhy)
	}
}

func (t *Till) writeClosed(o *OpenTender, why string) {
	t.write(o.Visit, record.TenderClosed{TenderID: o.ID, Held: t.ledger.Visit(o.Visit).Held, InDoubt: t.ledger.Undecided(o.Visit), Why: why})
	t.closing = false
}

// AcceptedNotes lists the denominations that would be taken now, for the screen.
func (t *Till) AcceptedNotes() []money.Amount {
	o := t.ledger.Tender()
	if o == nil || !t.Accepting() {
		return nil
	}
	m := t.ledger.Visit(o.Visit)
	var out []money.Amount
	for _, n := range t.ledger.Unit().Table.Notes {
		if n.Value.Currency == o.Owed.Currency && m.Held.Add(n.Value).Cmp(o.Limit) <= 0 {
			out = append(out, n.Value)
		}
	}
	return out
}
