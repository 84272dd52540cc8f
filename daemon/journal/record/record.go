// Package record is the closed schema of the journal: every kind of record the
// terminal writes, with its body. The records are the truth; every other state
// of the terminal is a fold over them. A kind is never changed once terminals
// write it: a new field is optional, a new meaning is a new kind.
//
// No body holds personal data. What a visit needs to go on after a restart of
// the daemon lies in the runtime folder, in memory that a power loss clears.
package record

import (
	"encoding/json"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Kind names what a record says.
type Kind string

// Body is the typed content of a record.
type Body interface{ Kind() Kind }

// The terminal and its journal.
type (
	// Started: the daemon has opened the journal and is about to drive devices.
	Started struct {
		Version string `json:"version"`
		Config  string `json:"config"` // SHA-256 of the configuration file
		Bundle  string `json:"bundle"` // digest of the active catalogue bundle
	}
	// Stopped: the daemon ended in order.
	Stopped struct{}
	// Recovered: after an unclean stop the two copies of the journal differed and
	// the longer valid chain was taken.
	Recovered struct {
		StoreSeq   uint64 `json:"store_seq"`   // last number in the store before
		SegmentSeq uint64 `json:"segment_seq"` // last valid number in the segment
		Torn       int64  `json:"torn_bytes"`  // bytes of an unfinished write that were cut off
		Detail     string `json:"detail"`
	}
	// Checkpoint: signed summary; a start folds from the last one.
	Checkpoint struct {
		UpTo      uint64                     `json:"up_to"` // the record before this one
		Hash      string                     `json:"hash"`  // its hash
		Folds     map[string]json.RawMessage `json:"folds"` // each fold's state by name
		KeyID     string                     `json:"key_id"`
		Signature []byte                     `json:"signature"` // ed25519 over the checkpoint without this field
	}
	// ClockJumped: wall clock and monotonic clock disagree by more than 2 s.
	ClockJumped struct {
		ByMS int64 `json:"by_ms"`
	}
)

// Devices.
type (
	// AcceptorFound: what the acceptor said first after a start or a lost link,
	// and the row of the recovery table (protocols/cash-ccnet.md 10.3, 10.4) that
	// applies to it.
	AcceptorFound struct {
		State    cash.State           `json:"state"`
		Position cash.PowerUpPosition `json:"position,omitempty"`
		Type     *int                 `json:"type,omitempty"`
		Row      string               `json:"row"`
	}
	// AcceptorPowerUp: the unit lost power; written before it is reset.
	AcceptorPowerUp struct {
		Position cash.PowerUpPosition `json:"position"`
		Row      string               `json:"row"`
	}
	// AcceptorSettled: recovery of the unit is over.
	AcceptorSettled struct {
		Identity  cash.Identity `json:"identity"`
		Table     cash.Table    `json:"table"`
		TableHash string        `json:"table_hash"`
		Counter   *uint32       `json:"counter,omitempty"`
		Swapped   bool          `json:"swapped,omitempty"` // another unit than before
	}
	// DeviceFault and DeviceCleared: a device went out of order or came back.
	DeviceFault struct {
		Device string   `json:"device"`
		Fault  string   `json:"fault"`
		Code   byte     `json:"code,omitempty"`
		Detail string   `json:"detail,omitempty"`
		Trace  []string `json:"trace,omitempty"`
	}
	DeviceCleared struct {
		Device string `json:"device"`
	}
	// CouponRefused: a barcode coupon is about to be given back, and why. What it
	// says is not written down: who reads the number of a coupon could spend it.
	CouponRefused struct {
		Reason string `json:"reason"` // see the constants Refused...
		Digits int    `json:"digits"` // how many its barcode has; 0: the unit did not say
	}
	// CouponKept: a coupon is in the cassette, which nobody ordered. It is no money,
	// and the unit's counter is no witness any more for the notes that are open.
	CouponKept struct {
		Alarm string `json:"alarm"`
	}
	// NoteRejected: the unit refused a note before escrow; counted, no money.
	NoteRejected struct {
		Reason string `json:"reason"`
		Code   byte   `json:"code"`
	}
)

// Notes. One NoteID is one physical note.
type (
	// NoteEscrowed: a note waits for a decision.
	NoteEscrowed struct {
		NoteID    string    `json:"note_id"`
		Note      cash.Note `json:"note"`
		Serial    string    `json:"serial"` // of the unit
		TableHash string    `json:"table_hash"`
		Counter   *uint32   `json:"counter,omitempty"` // stacked notes before this one
		Found     bool      `json:"found,omitempty"`   // it lay there when the driver came up
		Raw       []byte    `json:"raw,omitempty"`
	}
	// NoteStackIntent: about to be stacked. On disk before the command is sent.
	NoteStackIntent struct {
		NoteID string `json:"note_id"`
		Row    string `json:"row,omitempty"`
	}
	// NoteReturnIntent: about to be given back, and why.
	NoteReturnIntent struct {
		NoteID string `json:"note_id"`
		Reason string `json:"reason"` // see the constants Refused...
		Row    string `json:"row,omitempty"`
	}
	// NoteStacked is the credit: the note is in the cassette. At most one exists
	// per NoteID. With a visit in the envelope the value is held for that visit,
	// without one it is unassigned.
	NoteStacked struct {
		NoteID    string    `json:"note_id"`
		Note      cash.Note `json:"note"`
		TableHash string    `json:"table_hash"`
		Row       string    `json:"row,omitempty"`   // recovery row that led here
		Alarm     string    `json:"alarm,omitempty"` // something an operator must look at
		Raw       []byte    `json:"raw,omitempty"`
		Person    string    `json:"person,omitempty"` // of the staff, who decided so about a note in doubt
		// Period is the cassette period whose cassette holds it, where that has been
		// closed; 0: the present one.
		Period uint64 `json:"period,omitempty"`
	}
	// NoteReturned: it is not in the cassette. The customer has it back; or Person, of
	// the staff, says that it is not there.
	NoteReturned struct {
		NoteID string `json:"note_id"`
		Row    string `json:"row,omitempty"`
		Raw    []byte `json:"raw,omitempty"`
		Person string `json:"person,omitempty"`
	}
	// NoteClosed: the unit has gone on after our acknowledgement; a stacked event
	// that comes later is another note.
	NoteClosed struct {
		NoteID string `json:"note_id"`
		Row    string `json:"row,omitempty"`
	}
	// NoteInDoubt: nobody can say yet where the note is. NoteStacked or
	// NoteReturned settles it, by the device or by a person.
	NoteInDoubt struct {
		NoteID string   `json:"note_id"`
		Why    string   `json:"why"`
		Row    string   `json:"row,omitempty"`
		Trace  []string `json:"trace,omitempty"`
	}
	// NoteLaidAside: a person has looked, and the note in doubt does not lie on its
	// way through the unit. It stays in doubt until the cassette has been counted, and
	// keeps no further note from being taken.
	NoteLaidAside struct {
		NoteID string `json:"note_id"`
		Person string `json:"person"`
	}
)

// Reasons for giving a recognised note back.
const (
	RefusedNoVisit   = "no_visit"  // nobody is paying
	RefusedEnough    = "enough"    // what is owed is already covered
	RefusedLimit     = "limit"     // the visit's greatest sum or number of notes
	RefusedCurrency  = "currency"  // not the currency of this payment
	RefusedClosing   = "closing"   // the person has finished or left
	RefusedRecovery  = "recovery"  // found in escrow after a restart
	RefusedCassette  = "cassette"  // no room
	RefusedValueless = "valueless" // its value is not known
	RefusedHeld      = "held"      // the terminal takes no notes now: a door, an alarm, no confirmed cassette
	RefusedCoupon    = "coupon"    // no service here takes coupons
)

// Tender, payment and what is left of it.
type (
	// TenderOpened: from here notes are held for the visit.
	TenderOpened struct {
		TenderID string       `json:"tender_id"`
		Owed     money.Amount `json:"owed"` // amount plus commission
		Limit    money.Amount `json:"limit"`
		MaxNotes int          `json:"max_notes"`
	}
	// TenderClosed: no note lies between escrow and a final state; Held is final
	// but for a note in doubt, which InDoubt counts.
	TenderClosed struct {
		TenderID string       `json:"tender_id"`
		Held     money.Amount `json:"held"`
		InDoubt  int          `json:"in_doubt"`
		Why      string       `json:"why"` // finished, cancelled, abandoned, interrupted, fault
	}
	// PaymentIntent: this much of what is held goes to a payee. The envelope's key
	// is the action's key. It moves Amount+Commission from held to pending.
	PaymentIntent struct {
		Action     string          `json:"action"` // kind of action at central
		Service    string          `json:"service"`
		Amount     money.Amount    `json:"amount"`
		Commission money.Amount    `json:"commission"`
		Received   money.Amount    `json:"received"`  // held at that moment
		Reference  string          `json:"reference"` // the slip's transaction number
		Body       json.RawMessage `json:"body"`      // exactly what is sent; no personal data in clear
	}
	// ActionIntent: like PaymentIntent for an action that moves no money.
	ActionIntent struct {
		Action string          `json:"action"`
		Body   json.RawMessage `json:"body"`
	}
	// ActionResult settles the intent with the same key. Done moves a payment from
	// pending to posted and commission; Rejected moves it back to held.
	ActionResult struct {
		Status ActionStatus    `json:"status"`
		Reason string          `json:"reason,omitempty"` // for rejected: central's code
		Answer json.RawMessage `json:"answer,omitempty"`
	}
	// LeftoverIssued: held money the visit did not use is recorded under a code
	// that the person holds.
	LeftoverIssued struct {
		LeftoverID string       `json:"leftover_id"`
		Amount     money.Amount `json:"amount"`
		CodeHash   string       `json:"code_hash"` // SHA-256 of the code on the slip
		Why        string       `json:"why"`       // change, cancelled, abandoned, rejected
	}
	// Unassigned: held money that belongs to no visit any more and has no slip.
	Unassigned struct {
		Amount money.Amount `json:"amount"`
		Why    string       `json:"why"`
	}
)

// ActionStatus is how central settled an action.
type ActionStatus string

const (
	ActionDone     ActionStatus = "done"
	ActionRejected ActionStatus = "rejected"
)

// Visits.
type (
	// VisitStarted: somebody began. Bundle is the catalogue it keeps to its end.
	VisitStarted struct {
		Bundle string `json:"bundle"`
	}
	// VisitMoved: the visit is at this step now.
	VisitMoved struct {
		Journey string `json:"journey,omitempty"`
		Step    string `json:"step"`
		Outcome string `json:"outcome,omitempty"` // of the step that was left
	}
	// VisitResumed: a restarted daemon went on with the visit.
	VisitResumed struct {
		Step string `json:"step"`
		Lost bool   `json:"lost,omitempty"` // what the person had entered is gone
	}
	// VisitEnded: nobody is standing there any more, as far as the terminal knows.
	VisitEnded struct {
		Why string `json:"why"` // finished, cancelled, abandoned, lost, interrupted
	}
)

// Slips.
type (
	// SlipQueued: a document of this visit is to be printed. Picture is the hash of
	// the dots; Copy is 0 for the original. A copy, and an original of which nothing
	// came out and that is printed once more, keep the number; Why says who asked.
	SlipQueued struct {
		JobID    string `json:"job_id"`
		Number   uint64 `json:"number"` // gapless per terminal
		Document string `json:"document"`
		Picture  string `json:"picture"`
		Copy     int    `json:"copy,omitempty"`
		Why      string `json:"why,omitempty"` // "": the journey; "customer"
	}
	// SlipSending: the first byte may go out from here on.
	SlipSending struct {
		JobID string `json:"job_id"`
	}
	// SlipProgress: confirmed up to this row.
	SlipProgress struct {
		JobID string `json:"job_id"`
		Rows  int    `json:"rows"`
	}
	// SlipVerdict ends a job.
	SlipVerdict struct {
		JobID   string          `json:"job_id"`
		Verdict printer.Verdict `json:"verdict"`
		Level   printer.Level   `json:"level,omitempty"`
		Rows    int             `json:"rows,omitempty"`
		Cause   string          `json:"cause,omitempty"`
	}
)

// Cassette.
type (
	// PeriodOpened: a new cassette period begins (first start, cassette change).
	// Person is the collector who confirmed the new cassette.
	PeriodOpened struct {
		Period uint64 `json:"period"`
		Why    string `json:"why"`
		Person string `json:"person,omitempty"`
	}
	// CassetteClosed: the cassette went out and its period ends with what is in it.
	// Notes counts them by currency and minor units ("AZN 1000"), Totals is their
	// value by currency. Until PeriodOpened no note is taken.
	CassetteClosed struct {
		Period uint64                   `json:"period"`
		Notes  map[string]int64         `json:"notes"`
		Totals map[money.Currency]int64 `json:"totals"` // minor units
		Why    string                   `json:"why"`
		Person string                   `json:"person,omitempty"`
	}
)

func (Started) Kind() Kind          { return "terminal.started" }
func (Stopped) Kind() Kind          { return "terminal.stopped" }
func (Recovered) Kind() Kind        { return "journal.recovered" }
func (Checkpoint) Kind() Kind       { return "journal.checkpoint" }
func (ClockJumped) Kind() Kind      { return "clock.jumped" }
func (AcceptorFound) Kind() Kind    { return "acceptor.found" }
func (AcceptorPowerUp) Kind() Kind  { return "acceptor.power_up" }
func (AcceptorSettled) Kind() Kind  { return "acceptor.settled" }
func (DeviceFault) Kind() Kind      { return "device.fault" }
func (DeviceCleared) Kind() Kind    { return "device.cleared" }
func (CouponRefused) Kind() Kind    { return "coupon.refused" }
func (CouponKept) Kind() Kind       { return "coupon.kept" }
func (NoteRejected) Kind() Kind     { return "note.rejected" }
func (NoteEscrowed) Kind() Kind     { return "note.escrowed" }
func (NoteStackIntent) Kind() Kind  { return "note.stack_intent" }
func (NoteReturnIntent) Kind() Kind { return "note.return_intent" }
func (NoteStacked) Kind() Kind      { return "note.stacked" }
func (NoteReturned) Kind() Kind     { return "note.returned" }
func (NoteClosed) Kind() Kind       { return "note.closed" }
func (NoteInDoubt) Kind() Kind      { return "note.in_doubt" }
func (NoteLaidAside) Kind() Kind    { return "note.laid_aside" }
func (TenderOpened) Kind() Kind     { return "tender.opened" }
func (TenderClosed) Kind() Kind     { return "tender.closed" }
func (PaymentIntent) Kind() Kind    { return "payment.intent" }
func (ActionIntent) Kind() Kind     { return "action.intent" }
func (ActionResult) Kind() Kind     { return "action.result" }
func (LeftoverIssued) Kind() Kind   { return "leftover.issued" }
func (Unassigned) Kind() Kind       { return "money.unassigned" }
func (VisitStarted) Kind() Kind     { return "visit.started" }
func (VisitMoved) Kind() Kind       { return "visit.moved" }
func (VisitResumed) Kind() Kind     { return "visit.resumed" }
func (VisitEnded) Kind() Kind       { return "visit.ended" }
func (SlipQueued) Kind() Kind       { return "slip.queued" }
func (SlipSending) Kind() Kind      { return "slip.sending" }
func (SlipProgress) Kind() Kind     { return "slip.progress" }
func (SlipVerdict) Kind() Kind      { return "slip.verdict" }
func (PeriodOpened) Kind() Kind     { return "cassette.period" }
func (CassetteClosed) Kind() Kind   { return "cassette.closed" }

// All lists one value of every kind: the schema's readers (central, kioskctl,
// the checks) walk it.
func All() []Body {
	return []Body{
		Started{}, Stopped{}, Recovered{}, Checkpoint{}, ClockJumped{},
		AcceptorFound{}, AcceptorPowerUp{}, AcceptorSettled{}, DeviceFault{}, DeviceCleared{}, NoteRejected{},
		CouponRefused{}, CouponKept{},
		NoteEscrowed{}, NoteStackIntent{}, NoteReturnIntent{}, NoteStacked{}, NoteReturned{}, NoteClosed{}, NoteInDoubt{}, NoteLaidAside{},
		TenderOpened{}, TenderClosed{}, PaymentIntent{}, ActionIntent{}, ActionResult{}, LeftoverIssued{}, Unassigned{},
		VisitStarted{}, VisitMoved{}, VisitResumed{}, VisitEnded{},
		SlipQueued{}, SlipSending{}, SlipProgress{}, SlipVerdict{}, PeriodOpened{}, CassetteClosed{},
		PanelFound{}, PanelLost{}, PanelChanged{}, AlarmRaised{}, AlarmCleared{},
		ServiceEntered{}, ServiceLeft{}, ServiceActed{}, ServiceOut{}, ServiceBack{},
	}
}
