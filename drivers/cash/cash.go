// Package cash is the family of banknote acceptors: what every protocol (CCNET,
// ID-003, SSP, ...) can say and can be told, in the words of the trade and
// without a byte of any of them.
//
// # The bargain between a driver and the till
//
// A driver reports what the device says as Events; the till answers with
// Commands. Three rules make money safe across a power loss of either side
// (protocols/cash-ccnet.md section 10):
//
//  1. A driver never decides a note's fate. Escrowed waits for Stack or Return;
//     with neither within the device's patience the driver returns the note.
//  2. An event with an ID is evidence. The driver makes the device forget it
//     (CCNET: host ACK of 81h and 82h; RESET after a power-up code) only after
//     Confirm with that ID, which the till sends when the evidence is durable.
//     Until then the device repeats it and the driver stays silent about the
//     repeat. If Confirm is late the acknowledgement goes out with the next
//     repeat.
//  3. On start and after every loss of link or power the driver recovers before
//     it serves: it asks for the state and never resets first, reports Online
//     with what it found, reports PowerUp and waits for Confirm before it lets
//     the device initialise, reports every Stacked and Returned that turns up,
//     and ends with Settled: the unit is disabled, its path is empty, nothing is
//     outstanding. Enable is refused before Settled.
//
// Stacked is reported in every state of the driver, also when nobody asked for
// money. EventIDs rise from 1 within one run of a driver and are never reused.
package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// EventID names one piece of evidence within one run of a driver.
type EventID uint64

// TypeUnknown is the bill type of an event whose protocol does not name it
// (ID-003 VEND VALID has no denomination: the open record has).
const TypeUnknown = -1

// Note is a banknote as the device names it. Value is the zero Amount when the
// driver does not know the unit's bill table yet.
type Note struct {
	Type  int          `json:"type"`
	Value money.Amount `json:"value"`
}

// Identity is what the unit says of itself; strings are trimmed and hold
// printable ASCII only.
type Identity struct {
	Part   string `json:"part"`            // model and firmware family
	Serial string `json:"serial"`          // serial number
	Asset  string `json:"asset,omitempty"` // asset number, hexadecimal
	CRC    string `json:"crc,omitempty"`   // check sum of the firmware, hexadecimal
	// Released is the firmware's date of release as the unit writes it.
	Released string `json:"released,omitempty"`
}

// CouponDigitsMax bounds what a coupon's barcode says.
const CouponDigitsMax = 32

// Table is the unit's bill table: which type number is which note. Only notes
// of mapped currencies are in it.
type Table struct {
	Notes []Note `json:"notes"`
}

// Hash identifies a table: SHA-256 of its JSON, hexadecimal. It stands in every
// note record, because a note recovered later must be valued with the table of
// the unit that stacked it.
func (t Table) Hash() string {
	b, _ := json.Marshal(t)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Lookup finds a type's note.
func (t Table) Lookup(typ int) (Note, bool) {
	for _, n := range t.Notes {
		if n.Type == typ {
			return n, true
		}
	}
	return Note{Type: typ}, false
}

// State is what the unit is doing, in words common to all protocols.
type State string

const (
	StateOffline      State = "offline"      // no valid answer
	StatePowerUp      State = "power_up"     // it has lost power
	StateInitializing State = "initializing" // coming up, or recovering
	StateDisabled     State = "disabled"
	StateIdle         State = "idle" // enabled, waiting for a note
	StateAccepting    State = "accepting"
	StateEscrow       State = "escrow"
	StateStacking     State = "stacking"
	StateStacked      State = "stacked"
	StateReturning    State = "returning"
	StateReturned     State = "returned"
	StateRejecting    State = "rejecting"
	StatePaused       State = "paused" // a second note was pushed in too early
	StateBusy         State = "busy"
	StateFault        State = "fault"
)

// PowerUpPosition says where a note lay when the unit lost power.
type PowerUpPosition string

const (
	PowerUpEmpty     PowerUpPosition = "empty"     // CCNET 10h
	PowerUpInPath    PowerUpPosition = "validator" // 11h: can still be given back
	PowerUpInStacker PowerUpPosition = "stacker"   // 12h: past the point of return
)

// FaultKind is a fault in words; the raw code stands beside it.
type FaultKind string

const (
	FaultJamValidator    FaultKind = "jam_validator"
	FaultJamCassette     FaultKind = "jam_cassette"
	FaultCassetteFull    FaultKind = "cassette_full"
	FaultCassetteRemoved FaultKind = "cassette_removed"
	FaultCheated         FaultKind = "cheated"
	FaultDevice          FaultKind = "device"       // code says which part
	FaultTable           FaultKind = "table"        // no usable bill table
	FaultProtocol        FaultKind = "protocol"     // it contradicts itself; see Detail
	FaultCounterfeit     FaultKind = "counterfeit"  // a note was kept by the unit as counterfeit
	FaultUnresponsive    FaultKind = "unresponsive" // it answers but never finishes starting
)

// Event is something the device said. The concrete types are below.
type Event interface{ cashEvent() }

type (
	// Online: the first valid answer after start or after Offline. Found is the
	// state it named; Note is set where that state names a bill type.
	Online struct {
		Found    State           `json:"found"`
		Position PowerUpPosition `json:"position,omitempty"` // for StatePowerUp
		Note     *Note           `json:"note,omitempty"`
	}

	// Offline: no valid frame for the protocol's non-response time, or the port
	// is gone. It says nothing about a note.
	Offline struct {
		Cause string `json:"cause"`
	}

	// PowerUp: the unit has lost power and says where a note lies. Confirm lets
	// the driver initialise it. Sent also when it is what Online found.
	PowerUp struct {
		ID       EventID         `json:"-"`
		Position PowerUpPosition `json:"position"`
	}

	// Settled: recovery is over. The unit is disabled, its path is empty, and no
	// evidence is outstanding. Counter is the unit's own count of stacked notes
	// (nil where it has none).
	Settled struct {
		Identity Identity `json:"identity"`
		Table    Table    `json:"table"`
		Counter  *uint32  `json:"counter,omitempty"`
	}

	// PathClear: in normal service, a note's way has ended and the unit is idle or
	// disabled again. A Stacked that comes later is another note.
	PathClear struct {
		Counter *uint32 `json:"counter,omitempty"`
	}

	// Escrowed: a recognised note waits. Answer with Stack, Return or Hold.
	// Found is true when the note was there before the driver (re)started.
	Escrowed struct {
		ID    EventID `json:"-"`
		Note  Note    `json:"note"`
		Found bool    `json:"found,omitempty"`
		Raw   []byte  `json:"raw,omitempty"` // the frame that said so
	}

	// Stacking: the unit has taken the note past escrow and has not finished.
	Stacking struct{}

	// Stacked: the note is in the cassette. Evidence: needs Confirm.
	Stacked struct {
		ID   EventID `json:"-"`
		Note Note    `json:"note"`
		Raw  []byte  `json:"raw,omitempty"`
	}

	// Returning: the note is on its way back to the person.
	Returning struct{}

	// Returned: the note was given back. Evidence: needs Confirm.
	Returned struct {
		ID   EventID `json:"-"`
		Note Note    `json:"note"`
		Raw  []byte  `json:"raw,omitempty"`
	}

	// Coupon: the unit has read a barcode coupon and holds it in escrow. A coupon is
	// no note: it has no value of its own and no driver ever stacks one. Answer with
	// Return; without an answer it is returned like a note. Digits are what its
	// barcode says, at most CouponDigitsMax decimal digits, and empty when the unit
	// does not say. Found is true when it was there before the driver (re)started.
	Coupon struct {
		ID     EventID `json:"-"`
		Digits string  `json:"digits,omitempty"`
		Found  bool    `json:"found,omitempty"`
		Raw    []byte  `json:"raw,omitempty"`
	}

	// CouponReturned: the coupon was given back. Evidence: needs Confirm.
	CouponReturned struct {
		ID  EventID `json:"-"`
		Raw []byte  `json:"raw,omitempty"`
	}

	// CouponKept: a coupon is in the cassette, which nobody ordered. It is no money;
	// the unit's counter may have counted it. Evidence: needs Confirm.
	CouponKept struct {
		ID  EventID `json:"-"`
		Raw []byte  `json:"raw,omitempty"`
	}

	// Rejected: a note was refused before escrow. No money meaning. Reason is the
	// protocol's reason in words; Code its raw value.
	Rejected struct {
		Reason string `json:"reason"`
		Code   byte   `json:"code"`
	}

	// Unresolved: a decision was sent and the unit has not said within its time
	// what became of the note. The driver has disabled the unit and goes on
	// listening.
	Unresolved struct {
		After string   `json:"after"`           // "stack" or "return"
		Trace []string `json:"trace,omitempty"` // the last frames, "> hex" sent, "< hex" received
	}

	// Fault: the unit is out of order; it may clear by itself.
	Fault struct {
		Kind   FaultKind `json:"kind"`
		Code   byte      `json:"code,omitempty"`
		Detail string    `json:"detail,omitempty"`
		Trace  []string  `json:"trace,omitempty"`
	}

	// FaultCleared: the fault is gone. What it did to a note in the path is told
	// by the events that follow, Settled last.
	FaultCleared struct{}

	// StateChanged is for the screen and for health; it carries no money meaning.
	StateChanged struct {
		State State `json:"state"`
	}
)

func (Online) cashEvent()         {}
func (Offline) cashEvent()        {}
func (PowerUp) cashEvent()        {}
func (Settled) cashEvent()        {}
func (PathClear) cashEvent()      {}
func (Escrowed) cashEvent()       {}
func (Stacking) cashEvent()       {}
func (Stacked) cashEvent()        {}
func (Returning) cashEvent()      {}
func (Returned) cashEvent()       {}
func (Coupon) cashEvent()         {}
func (CouponReturned) cashEvent() {}
func (CouponKept) cashEvent()     {}
func (Rejected) cashEvent()       {}
func (Unresolved) cashEvent()     {}
func (Fault) cashEvent()          {}
func (FaultCleared) cashEvent()   {}
func (StateChanged) cashEvent()   {}

// Command is what a driver can be told. Commands never block; one that does not
// fit the present state is dropped, and the events say what is true.
type Command interface{ cashCommand() }

type (
	// Enable lets the unit take notes of these types, each through escrow, and
	// coupons where the driver is configured to read them. It may be repeated.
	// Before Settled it is remembered, not sent.
	Enable struct{ Types []int }

	// Disable: take no further note. A note in motion finishes first.
	Disable struct{}

	// Stack, Return and Hold decide on the note of Escrowed with this ID; Return
	// and Hold also on the Coupon. Hold asks for more time where the unit can give
	// it.
	Stack  struct{ ID EventID }
	Return struct{ ID EventID }
	Hold   struct{ ID EventID }

	// Confirm: the evidence with this ID is durable.
	Confirm struct{ ID EventID }

	// Reset is an operator's order to reset the unit now.
	Reset struct{}
)

func (Enable) cashCommand()  {}
func (Disable) cashCommand() {}
func (Stack) cashCommand()   {}
func (Return) cashCommand()  {}
func (Hold) cashCommand()    {}
func (Confirm) cashCommand() {}
func (Reset) cashCommand()   {}

// Memory is what the till remembers of a unit from before the driver started.
// Until the unit's own table has been read, types are valued with Table.
type Memory struct {
	Identity Identity
	Table    Table
}
