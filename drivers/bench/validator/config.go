package validator

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Entry is one line of the bill table: the type is its index. The zero Entry is
// a hole.
type Entry struct {
	Value money.Amount `json:"value"`
	// Code is the three letters the unit uses for the currency; empty means the
	// ISO code of Value. Units use country-like codes of their own.
	Code string `json:"code,omitempty"`
}

// Timing holds how long things take. A zero duration means at once, unless said
// otherwise.
type Timing struct {
	Response        time.Duration // from the last byte of a command to the answer; the manual allows 10 ms
	InterByte       time.Duration // a frame whose bytes pause longer than this is forgotten; zero: never
	AckWindow       time.Duration // a host ACK later than this counts as none; zero: any time before the next command
	Boot            time.Duration // silence after power is switched on
	Init            time.Duration // 13h after RESET
	Linger          time.Duration // how long the power-up code is still shown after RESET
	Accept          time.Duration // 15h
	Reject          time.Duration // 1Ch until the note is at the slot
	Escrow          time.Duration // 80h until the unit returns the note by itself
	Hold            time.Duration // 1Ah after each HOLD
	Stack           time.Duration // 17h
	PointOfNoReturn time.Duration // from STACK; later the note cannot come back
	Return          time.Duration // 18h until the note is at the slot
	Take            time.Duration // a note at the slot is taken by the customer; negative: only by Take
	Pause           time.Duration // 46h until both notes are given back
	Cheated         time.Duration // 45h
}

// AfterReturn says what a unit reports when it gives back a note found after
// power-up (units differ: protocols of section 12).
type AfterReturn string

const (
	AfterReturnReported AfterReturn = "returned" // 18h, then 82h
	AfterReturnRejected AfterReturn = "rejected" // 1Ch
	AfterReturnSilent   AfterReturn = "silent"   // 13h, then 19h
)

// Above51 says how a unit meets commands that its firmware does not know yet.
type Above51 string

const (
	Above51Known   Above51 = ""
	Above51Illegal Above51 = "illegal"
	Above51Silent  Above51 = "silent"
)

// Quirks are the ways in which units of different makes and ages differ.
type Quirks struct {
	// PendingPowerUp10: a stacked note whose 81h was not acknowledged is announced
	// after a power cut by 10h in place of 12h.
	PendingPowerUp10 bool `json:"pending_power_up_10"`
	// ForgetsStacked: an unacknowledged 81h is lost with power.
	ForgetsStacked bool `json:"forgets_stacked"`
	// ResetForgets: RESET drops reports that were not acknowledged.
	ResetForgets bool `json:"reset_forgets"`
	// ResetFreesJam: RESET clears a jam: from the head the note comes back with
	// 82h, from the stacker it goes into the cassette with 81h.
	ResetFreesJam bool `json:"reset_frees_jam"`
	// AfterReturn is described at its type; empty means AfterReturnReported.
	AfterReturn AfterReturn `json:"after_return"`
	// ResendOnNAK: the last answer is sent again after a host NAK. Otherwise NAK
	// is the same as silence.
	ResendOnNAK bool `json:"resend_on_nak"`
	// SilentOnBadCRC: no NAK to a frame with a wrong check sum.
	SilentOnBadCRC bool `json:"silent_on_bad_crc"`
	// IdentityWhileIdle: IDENTIFICATION, GET BILL TABLE and GET CRC32 are answered
	// in every state.
	IdentityWhileIdle bool `json:"identity_while_idle"`
	// NoCounter: GET COUNTER OF STACKED BILLS is an illegal command.
	NoCounter bool `json:"no_counter"`
	// NoCRC32: GET CRC32 OF CODE is an illegal command.
	NoCRC32 bool `json:"no_crc32"`
	// Above51 is what an older firmware says to every command above 51h; empty: it
	// knows them.
	Above51 Above51 `json:"above_51"`
	// NoBarcode: the unit has no barcode reader. SET BARCODE PARAMETERS is an illegal
	// command, and a coupon is what no unit can name.
	NoBarcode bool `json:"no_barcode"`
	// Secures lists the bill types that the unit can verify with high security; nil:
	// all. SET SECURITY is taken, and GET STATUS shows those of them only.
	Secures []int `json:"secures,omitempty"`
	// KeepsUnknownTypes: GET STATUS shows enabled bits of types the unit lacks.
	KeepsUnknownTypes bool `json:"keeps_unknown_types"`
}

// Config is one unit.
type Config struct {
	Address  byte    `json:"address"`
	Part     string  `json:"part"`     // up to 15 ASCII characters
	Serial   string  `json:"serial"`   // up to 12 ASCII characters
	Asset    [7]byte `json:"asset"`    // asset number
	CRC32    uint32  `json:"crc32"`    // of the firmware
	Released string  `json:"released"` // up to 8 ASCII characters
	Table    []Entry `json:"table"`    // up to 24
	Capacity int     `json:"capacity"` // notes in a cassette; zero: endless
	Timing   Timing  `json:"-"`
	Quirks   Quirks  `json:"quirks"`
}

// DefaultConfig is an SM unit for manat with typical times. Type 0 is a hole.
func DefaultConfig() Config {
	table := make([]Entry, 1, maxTypes)
	for _, n := range []int64{1, 5, 10, 20, 50, 100, 200} {
		table = append(table, Entry{Value: money.Manat(n)})
	}
	return Config{
		Address:  addrValidator,
		Part:     "SM-AZ1107",
		Serial:   "21AS0748AZ01",
		Asset:    [7]byte{0x75, 0xED, sync, 0xC8, 0x03, 0x3F, 0x7B}, // a SYNC inside data, on purpose
		CRC32:    0x5A02C3E1,
		Released: "20240611",
		Table:    table,
		Capacity: 1500,
		Timing: Timing{
			Response:        3 * time.Millisecond,
			InterByte:       20 * time.Millisecond,
			Boot:            500 * time.Millisecond,
			Init:            3 * time.Second,
			Accept:          900 * time.Millisecond,
			Reject:          600 * time.Millisecond,
			Escrow:          10 * time.Second,
			Hold:            10 * time.Second,
			Stack:           time.Second,
			PointOfNoReturn: 400 * time.Millisecond,
			Return:          700 * time.Millisecond,
			Take:            800 * time.Millisecond,
			Pause:           10 * time.Second,
			Cheated:         2 * time.Second,
		},
	}
}

// Validate says why a configuration cannot be a unit.
func (c Config) Validate() error {
	if c.Address == 0 {
		return fmt.Errorf("address 00 is forbidden")
	}
	for name, s := range map[string]struct {
		text string
		max  int
	}{"part": {c.Part, partLen}, "serial": {c.Serial, serialLen}, "released": {c.Released, dateLen}} {
		if len(s.text) > s.max {
			return fmt.Errorf("%s %q: longer than %d characters", name, s.text, s.max)
		}
		for i := range len(s.text) {
			if s.text[i] < ' ' || s.text[i] > '~' {
				return fmt.Errorf("%s %q: not printable ASCII", name, s.text)
			}
		}
	}
	return validateTable(c.Table)
}

func validateTable(table []Entry) error {
	if len(table) > maxTypes {
		return fmt.Errorf("table: %d entries, at most %d", len(table), maxTypes)
	}
	for t, e := range table {
		if e == (Entry{}) {
			continue
		}
		if _, err := e.bytes(); err != nil {
			return fmt.Errorf("table: type %d: %w", t, err)
		}
	}
	return nil
}

// TypeOf finds the bill type of a denomination.
func (c Config) TypeOf(v money.Amount) (int, bool) {
	for t, e := range c.Table {
		if e.Value == v && !v.IsZero() {
			return t, true
		}
	}
	return 0, false
}

// bytes is the entry as GET BILL TABLE tells it.
func (e Entry) bytes() ([]byte, error) {
	if e == (Entry{}) {
		return make([]byte, tableEntryLen), nil
	}
	code := e.Code
	if code == "" {
		code = string(e.Value.Currency)
	}
	if len(code) != 3 {
		return nil, fmt.Errorf("currency code %q is not three letters", code)
	}
	if !e.Value.IsPositive() {
		return nil, fmt.Errorf("value %s is not positive", e.Value)
	}
	digits, places := e.Value.Minor, -e.Value.Currency.Decimals()
	for digits%10 == 0 && (places < 0 || digits > 9) {
		digits /= 10
		places++
	}
	if digits > 255 || places > zerosPlaces {
		return nil, fmt.Errorf("value %s has more digits than one byte holds", e.Value)
	}
	last := byte(places)
	if places < 0 {
		last = decimalPoint | byte(-places)
	}
	return []byte{byte(digits), code[0], code[1], code[2], last}, nil
}
