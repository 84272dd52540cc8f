// Package cashtest is the conformance suite of the banknote acceptor family: it
// holds every protocol driver to the bargain of package cash, whatever bytes it
// speaks.
//
// A driver brings its machine and a Peer: a scripted unit that speaks the
// protocol and can be told, in the words of the trade, what happens to it. The
// Rig joins both in virtual time, in one goroutine and without I/O, together
// with a small till that books what it hears. At the end of each story the
// till's book must equal what lies in the peer's cassette.
package cashtest

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// Driver is a protocol machine under test.
type Driver = line.Protocol[cash.Command, cash.Event]

// Peer is a unit that speaks the protocol. All of its methods are called from one
// goroutine; time is what Step was told last.
type Peer interface {
	// Step gives the peer what the host sent and takes what it answers. It wants
	// to be called again no later than wake (zero: only when something comes).
	Step(now time.Time, fromHost []byte) (toHost []byte, wake time.Time)

	// Insert pushes a note of the type into the mouth; a disabled unit leaves it
	// there.
	Insert(typ int)
	// Swallow lets the unit take a note into the cassette that nobody allowed, and
	// say so.
	Swallow(typ int)
	// InsertCoupon and SwallowCoupon do the same with a barcode coupon; they are
	// called where the family has Features.Coupons.
	InsertCoupon(digits string)
	SwallowCoupon()
	// Freeze stops the mechanism when it is, or comes, into the state; the unit
	// goes on answering. Thaw lets it go on.
	Freeze(at cash.State)
	Thaw()
	// Mute keeps the unit from answering, and from hearing; it has power.
	Mute(on bool)
	// PowerCut takes the unit's power; what lies in its path will be found at the
	// position. PowerOn gives it back.
	PowerCut(at cash.PowerUpPosition)
	PowerOn()
	// LoseAcks makes the unit miss the host's next n acknowledgements of evidence.
	LoseAcks(n int)
	// Break puts the unit out of order, with any note left in its path; Repair
	// lets it start again and finish that note's way.
	Break(kind cash.FaultKind)
	Repair()

	// State is what the unit would say now.
	State() cash.State
	// Enabled reports whether it takes notes.
	Enabled() bool
	// Cassette lists the types that lie in the cassette, GivenBack those that were
	// returned, both in their order.
	Cassette() []int
	GivenBack() []int
	// Coupons counts those that lie in the cassette and those that were given back.
	Coupons() (kept, given int)
	// Evidence reports whether it has something to say that the host has not
	// acknowledged; Acknowledged counts what the host has.
	Evidence() bool
	Acknowledged() int
	// Resets counts the host's orders to initialise.
	Resets() int
}

// CouponDigits is what the suite's coupons say.
const CouponDigits = "040911235813213455"

// Features say what a protocol can do at all.
type Features struct {
	// PowerUpPositions: after a power loss the unit says where a note lies.
	PowerUpPositions bool
	// Hold: the unit can be asked to keep a note longer.
	Hold bool
	// Coupons: the unit reads barcode coupons, and the driver that the family makes
	// is configured for those of the suite (CouponDigits).
	Coupons bool
	// ReturnEvidence: a returned note is evidence that needs Confirm.
	ReturnEvidence bool
}

// Family is a driver under test.
type Family struct {
	Name     string
	Features Features
	// NewDriver makes a driver; it is called again for every restart.
	NewDriver func(cash.Memory) Driver
	// NewPeer makes a unit that has just been given power, with nothing in its
	// path and an empty cassette.
	NewPeer func() Peer
	// Types are at least two types that the unit takes, in its own numbers.
	Types []int
}
