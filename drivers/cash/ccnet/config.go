package ccnet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Config is how a unit is driven. A zero field means its default; section 5 of
// the protocol document has the times and where they come from.
type Config struct {
	Address byte // of the unit on the bus; 3, the validator

	Currency      money.Currency // that notes are taken in; AZN
	Currencies    Currencies     // the units' country codes; DefaultCurrencies
	Denominations []money.Amount // notes that may be enabled; empty for all of Currency

	// HighSecurity are the notes that the unit must verify with its highest
	// security; one that it will not verify so is not taken.
	HighSecurity []money.Amount
	// CouponLength is how many digits a barcode coupon has, 6 to 18. Zero: coupons
	// are not read, and the unit gives them back by itself.
	CouponLength int
	// UnitEscrow is told to the unit as the time after which it gives a note or a
	// coupon in escrow back by itself. It must be longer than EscrowDecision. Zero
	// leaves the unit's own time, 10 s.
	UnitEscrow time.Duration
	// Options are bits of SET OPTIONS that must be on, as the unit's own manual
	// numbers them; the others are left as they are.
	Options uint32

	PollPeriod     time.Duration // between two POLLs; 200 ms
	OfflinePeriod  time.Duration // between two POLLs to a silent unit; 1 s
	Answer         time.Duration // longest wait for the answer to a short command; 300 ms
	LongAnswer     time.Duration // the same for identity, table and CRC32; 1.5 s
	Free           time.Duration // silence after an exchange; 20 ms
	InterByte      time.Duration // longest gap inside a frame; 50 ms, because of USB adapters
	AckWindow      time.Duration // wait for Confirm before the ACK is left out; 8 ms
	NonResponse    time.Duration // without a valid frame the unit is offline; 5 s
	ReopenPeriod   time.Duration // between two openings of the port while it is; 10 s
	EscrowDecision time.Duration // after which a note without a decision is returned; 8 s
	Outcome        time.Duration // after STACK or RETURN, until the note is unresolved; 30 s
	ResetSpacing   time.Duration // least time between two RESETs; 10 s
	Initialise     time.Duration // from RESET until the unit is disabled; 60 s

	// Probe, where not zero, opens the port anew after this time while no valid
	// frame has come since the last opening, so that the opener can try another
	// speed. Zero waits NonResponse.
	Probe time.Duration

	// FaultResets are the pauses before each RESET of a unit in fault; after the
	// last of them an operator decides. Default 5 s, 30 s, 2 min, 10 min. None
	// is sent with the cassette removed: the unit cannot start without it, and
	// starts by itself when it is back.
	FaultResets []time.Duration
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Address == 0 {
		c.Address = AddressValidator
	}
	if c.Currency == "" {
		c.Currency = money.AZN
	}
	if c.Currencies == nil {
		c.Currencies = DefaultCurrencies()
	}
	set(&c.PollPeriod, 200*time.Millisecond)
	set(&c.OfflinePeriod, time.Second)
	set(&c.Answer, 300*time.Millisecond)
	set(&c.LongAnswer, 1500*time.Millisecond)
	set(&c.Free, 20*time.Millisecond)
	set(&c.InterByte, 50*time.Millisecond)
	set(&c.AckWindow, 8*time.Millisecond)
	set(&c.NonResponse, 5*time.Second)
	set(&c.ReopenPeriod, 10*time.Second)
	set(&c.EscrowDecision, 8*time.Second)
	set(&c.Outcome, 30*time.Second)
	set(&c.ResetSpacing, 10*time.Second)
	set(&c.Initialise, time.Minute)
	if c.CouponLength != 0 {
		c.CouponLength = min(max(c.CouponLength, couponMin), couponMax)
	}
	if c.UnitEscrow != 0 {
		c.UnitEscrow = min(max(c.UnitEscrow, c.EscrowDecision+2*time.Second), escrowTimeMax)
	}
	c.Options &^= optionsForbidden
	if c.FaultResets == nil {
		c.FaultResets = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	}
	return c
}

// permits reports whether a note of this value may be enabled at all.
func (c Config) permits(v money.Amount) bool {
	if v.Currency != c.Currency || !v.IsPositive() {
		return false
	}
	for _, d := range c.Denominations {
		if d == v {
			return true
		}
	}
	return len(c.Denominations) == 0
}
