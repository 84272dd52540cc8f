package validator

import (
	"github.com/asan-kiosk/kiosk/drivers/bench/action"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Quality is how a note behaves in the unit.
type Quality string

const (
	QualityGood        Quality = "good"
	QualityRefused     Quality = "refused"     // 1Ch with Code as reason
	QualityJamHead     Quality = "jam_head"    // sticks in the head
	QualityJamReturn   Quality = "jam_return"  // sticks in the head when it is given back
	QualityJamStacker  Quality = "jam_stacker" // sticks on the way into the cassette
	QualitySuspect     Quality = "suspect"     // 84h with Code as result, then given back
	QualityCounterfeit Quality = "counterfeit" // 90h with Code as result, kept
)

// Qualities lists every Quality.
func Qualities() []Quality {
	return []Quality{QualityGood, QualityRefused, QualityJamHead, QualityJamReturn, QualityJamStacker, QualitySuspect, QualityCounterfeit}
}

// Direction of a line fault.
type Direction string

const (
	ToDevice Direction = "to_device"
	ToHost   Direction = "to_host"
)

// Action is something a person, the mains or an ill wind does to the unit.
type Action interface{ name() string }

type (
	// Insert pushes a new note into the slot. A note the unit does not take stays
	// in the customer's hand.
	Insert struct {
		Value      money.Amount `json:"value"`
		Kind       NoteKind     `json:"kind"`        // empty: genuine
		Quality    Quality      `json:"quality"`     // empty: good
		Code       byte         `json:"code"`        // reason or result; zero: the usual one
		InCassette bool         `json:"in_cassette"` // for jam_stacker: the note has fallen into the cassette
		HoldOut    bool         `json:"hold_out"`    // given back, it is not taken until Take
	}
	// Reinsert pushes a note from the customer's hand into the slot.
	Reinsert struct {
		Serial     string  `json:"serial"`
		Quality    Quality `json:"quality"`
		Code       byte    `json:"code"`
		InCassette bool    `json:"in_cassette"`
		HoldOut    bool    `json:"hold_out"`
	}
	// InsertCoupon pushes a barcode coupon into the slot. Digits is its barcode;
	// empty: one of 18 digits.
	InsertCoupon struct {
		Digits  string  `json:"digits"`
		Quality Quality `json:"quality"` // empty: good; "refused" with Code zero: its barcode cannot be read
		Code    byte    `json:"code"`
		HoldOut bool    `json:"hold_out"`
	}
	// Take takes the note that sticks out of the slot.
	Take struct{}
	// Cheat is a fraud attempt: 45h. A note that can still be reached is pulled
	// out. Then is what follows: "idle" (empty: the same), "init" or "power_up".
	Cheat struct {
		Then string `json:"then"`
	}

	// PowerOff cuts the unit's power now.
	PowerOff struct{}
	// PowerOn gives it back.
	PowerOn struct{}
	// CutAtByte cuts power when Byte more bytes have passed, both directions
	// counted; the last of them is still transferred but not acted upon. Zero
	// disarms.
	CutAtByte struct {
		Byte uint64 `json:"byte"`
	}
	// CutAtFrame cuts power when Frame more frames have passed, both directions
	// counted: a frame from the host has been acted upon and its answer not sent.
	// Zero disarms.
	CutAtFrame struct {
		Frame uint64 `json:"frame"`
	}

	// Unplug separates the data line; the unit goes on.
	Unplug struct{}
	// Plug joins it.
	Plug struct{}
	// FaultLine spoils the next Count matching frames of a direction. Do is "drop",
	// "corrupt" (one random bit) or "delay" (by For). Match, unless zero, is the
	// first payload byte of frames to spoil. OnlyACK is for ToDevice: host ACKs.
	FaultLine struct {
		Direction Direction     `json:"direction"`
		Do        string        `json:"do"`
		Count     int           `json:"count"`
		For       action.Millis `json:"for_ms"`
		Match     byte          `json:"match"`
		OnlyACK   bool          `json:"only_ack"`
	}
	// LoseACK drops the next Count host ACKs on the line.
	LoseACK struct {
		Count int `json:"count"`
	}
	// Garbage puts bytes before the next Count answers: Bytes, or Length random
	// ones.
	Garbage struct {
		Count  int    `json:"count"`
		Length int    `json:"length"`
		Bytes  []byte `json:"bytes"`
	}
	// Split sends the next Count answers in pieces of Size bytes with Gap between.
	Split struct {
		Count int           `json:"count"`
		Size  int           `json:"size"`
		Gap   action.Millis `json:"gap_ms"`
	}
	// Coalesce holds each of the next Count answers back until the following one.
	Coalesce struct {
		Count int `json:"count"`
	}
	// Echo switches local echo: whatever is received comes back at once.
	Echo struct {
		On bool `json:"on"`
	}

	// RepeatStacked makes the unit disregard the next Count host ACKs of 81h, so
	// that it tells the note again.
	RepeatStacked struct {
		Count int `json:"count"`
	}
	// Refuse answers the next Count commands of code Command with "illegal", "nak"
	// or "silence" (With; empty: illegal).
	Refuse struct {
		Command byte   `json:"command"`
		With    string `json:"with"`
		Count   int    `json:"count"`
	}
	// IllegalToStack is Refuse for STACK.
	IllegalToStack struct {
		Count int `json:"count"`
	}
	// Busy shows 1Bh for a time; NoTime leaves out the data byte.
	Busy struct {
		For    action.Millis `json:"for_ms"`
		NoTime bool          `json:"no_time"`
	}
	// ShowState answers the next Count POLLs with Z1 and Data whatever is true.
	ShowState struct {
		Z1    byte   `json:"z1"`
		Data  []byte `json:"data"`
		Count int    `json:"count"`
	}
	// Fail is 47h with Code (zero: stack motor). RESET clears it unless Lasting;
	// Repair always does.
	Fail struct {
		Code    byte `json:"code"`
		Lasting bool `json:"lasting"`
	}
	// Repair ends a failure; the unit starts again by itself.
	Repair struct{}
	// ClearJam frees a stuck note: To is "hand" (empty: the same) or "cassette".
	// Report says whether the unit tells of it (82h or 81h) when it has started
	// again. A note that lies in the cassette already stays there.
	ClearJam struct {
		To     Place `json:"to"`
		Report bool  `json:"report"`
	}

	// RemoveCassette takes the cassette out and empties it into the bag Bag.
	RemoveCassette struct {
		Bag string `json:"bag"`
	}
	// InsertCassette puts an empty cassette in.
	InsertCassette struct{}
	// SetFull makes the cassette full, or not.
	SetFull struct {
		Full bool `json:"full"`
	}
	// EmptyWorld forgets every note and report: a new day on the bench. Legal only
	// when nothing lies in the path.
	EmptyWorld struct{}

	// Swap puts another unit in place: empty strings and nil leave what was.
	// Quietly leaves out the power-up that a swap brings.
	Swap struct {
		Part    string  `json:"part"`
		Serial  string  `json:"serial"`
		CRC32   *uint32 `json:"crc32"`
		Table   []Entry `json:"table"`
		Counter *uint16 `json:"counter"`
		Quietly bool    `json:"quietly"`
	}
	// SetTiming changes the times that are given, in milliseconds.
	SetTiming struct {
		Init            *action.Millis `json:"init_ms"`
		Accept          *action.Millis `json:"accept_ms"`
		Escrow          *action.Millis `json:"escrow_ms"`
		Stack           *action.Millis `json:"stack_ms"`
		PointOfNoReturn *action.Millis `json:"point_of_no_return_ms"`
		Return          *action.Millis `json:"return_ms"`
		Take            *action.Millis `json:"take_ms"`
		Response        *action.Millis `json:"response_ms"`
	}
	// SetQuirks replaces all quirks.
	SetQuirks struct {
		Quirks Quirks `json:"quirks"`
	}
	// ClearFaults disarms cuts, line faults, refusals and shown states.
	ClearFaults struct{}
)

func (Insert) name() string         { return "insert" }
func (Reinsert) name() string       { return "reinsert" }
func (InsertCoupon) name() string   { return "insert_coupon" }
func (Take) name() string           { return "take" }
func (Cheat) name() string          { return "cheat" }
func (PowerOff) name() string       { return "power_off" }
func (PowerOn) name() string        { return "power_on" }
func (CutAtByte) name() string      { return "cut_at_byte" }
func (CutAtFrame) name() string     { return "cut_at_frame" }
func (Unplug) name() string         { return "unplug" }
func (Plug) name() string           { return "plug" }
func (FaultLine) name() string      { return "fault_line" }
func (LoseACK) name() string        { return "lose_ack" }
func (Garbage) name() string        { return "garbage" }
func (Split) name() string          { return "split" }
func (Coalesce) name() string       { return "coalesce" }
func (Echo) name() string           { return "echo" }
func (RepeatStacked) name() string  { return "repeat_stacked" }
func (Refuse) name() string         { return "refuse" }
func (IllegalToStack) name() string { return "illegal_to_stack" }
func (Busy) name() string           { return "busy" }
func (ShowState) name() string      { return "show_state" }
func (Fail) name() string           { return "fail" }
func (Repair) name() string         { return "repair" }
func (ClearJam) name() string       { return "clear_jam" }
func (RemoveCassette) name() string { return "remove_cassette" }
func (InsertCassette) name() string { return "insert_cassette" }
func (SetFull) name() string        { return "set_full" }
func (EmptyWorld) name() string     { return "empty_world" }
func (Swap) name() string           { return "swap" }
func (SetTiming) name() string      { return "set_timing" }
func (SetQuirks) name() string      { return "set_quirks" }
func (ClearFaults) name() string    { return "clear_faults" }

// Actions are all of them.
var Actions = action.Table[Action]{}

func init() {
	register[Insert]()
	register[Reinsert]()
	register[InsertCoupon]()
	register[Take]()
	register[Cheat]()
	register[PowerOff]()
	register[PowerOn]()
	register[CutAtByte]()
	register[CutAtFrame]()
	register[Unplug]()
	register[Plug]()
	register[FaultLine]()
	register[LoseACK]()
	register[Garbage]()
	register[Split]()
	register[Coalesce]()
	register[Echo]()
	register[RepeatStacked]()
	register[Refuse]()
	register[IllegalToStack]()
	register[Busy]()
	register[ShowState]()
	register[Fail]()
	register[Repair]()
	register[ClearJam]()
	register[RemoveCassette]()
	register[InsertCassette]()
	register[SetFull]()
	register[EmptyWorld]()
	register[Swap]()
	register[SetTiming]()
	register[SetQuirks]()
	register[ClearFaults]()
}

func register[A Action]() {
	var zero A
	action.Add[A](Actions, zero.name())
}
