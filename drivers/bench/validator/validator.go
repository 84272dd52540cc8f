package validator

import (
	"math/rand/v2"
	"time"
)

// mode is what the unit is doing, inside.
type mode int

const (
	modeOff mode = iota
	modeBoot
	modePowerUp
	modeInit
	modeReady // disabled, idling, cassette full or out
	modeAccepting
	modeEscrow
	modeHolding
	modeStacking
	modeReturning
	modeRejecting
	modePause
	modeJam
	modeFailure
	modeCheated
)

var modeNames = [...]string{"off", "booting", "power up", "initializing", "ready", "accepting", "escrow",
	"holding", "stacking", "returning", "rejecting", "pause", "jam", "failure", "cheated"}

func (m mode) String() string { return modeNames[m] }

// timer names one of the machine's alarms.
type timer int

const (
	timerMode      timer = iota // the present mode ends
	timerNoReturn               // STACK passes the point of no return
	timerTake                   // the customer takes the note at the slot
	timerInterByte              // a half frame is forgotten
	timerOverlay                // busy or lingering ends: only POLL's answer changes
	timers
)

// Validator is one virtual unit. It is not safe for concurrent use.
type Validator struct {
	cfg Config
	rng *rand.Rand
	now time.Time
	w   World

	plugged bool
	mode    mode
	alarms  [timers]time.Time

	// volatile memory of the unit
	powerUp     byte // 10h, 11h or 12h
	enabled     uint32
	escrow      uint32
	security    uint32
	drawn       uint32 // masks as they were when the note in the path was drawn in
	drawnEscrow uint32
	options     [optionsLen]byte
	escrowFor   time.Duration // set by 5Ah; zero: as configured
	couponFor   time.Duration // the same, for coupons
	barcodeLen  int           // set by 39h; zero: coupons are not read
	lastCoupon  string        // what 3Ah tells: of the coupon that was read last, until the next note
	acceptedAt  time.Time
	rejectCode  byte
	failure     byte
	cheatThen   string
	resume      mode // under a pause
	busyUntil   time.Time
	busyNoTime  bool
	lingerUntil time.Time

	wire   wire
	faults faults

	out       Output
	lastState byte
}

// New makes a unit with an empty world that has been powered and plugged in
// for a moment: it shows a power-up code and waits for RESET. cfg must be valid.
func New(cfg Config, seed uint64) *Validator { return Restore(cfg, seed, NewWorld()) }

// Restore makes a unit around a world that was kept, as after a power cut.
func Restore(cfg Config, seed uint64, w World) *Validator {
	v := &Validator{
		cfg:     cfg,
		rng:     rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15)),
		w:       w.Clone(),
		plugged: true,
	}
	v.wire.scan.addr = cfg.Address
	v.settleWithoutPower()
	v.showPowerUp()
	v.lastState = v.status()[0]
	return v
}

// World is a copy of what is kept over a power cut.
func (v *Validator) World() World { return v.w.Clone() }

// Config is the unit as it is now.
func (v *Validator) Config() Config { return v.cfg }

// Receive gives the unit bytes from the host.
func (v *Validator) Receive(now time.Time, b []byte) Output {
	v.begin(now)
	for _, c := range b {
		if v.plugged {
			v.receiveByte(c)
		}
	}
	return v.finish()
}

// Tick lets time pass.
func (v *Validator) Tick(now time.Time) Output {
	v.begin(now)
	return v.finish()
}

// Do performs an action. An action that is impossible now changes nothing and
// gives an error that says why.
func (v *Validator) Do(now time.Time, a Action) (Output, error) {
	v.begin(now)
	err := v.do(a)
	return v.finish(), err
}

// begin makes everything happen that was due until now, each at its own time.
func (v *Validator) begin(now time.Time) {
	v.out = Output{}
	for {
		at, fire := v.earliest()
		if fire == nil || at.After(now) {
			break
		}
		if at.After(v.now) {
			v.now = at
		}
		fire()
		v.noteState()
	}
	if now.After(v.now) {
		v.now = now
	}
}

func (v *Validator) finish() Output {
	for { // what the call itself made due at once
		at, fire := v.earliest()
		if fire == nil || at.After(v.now) {
			break
		}
		fire()
	}
	v.noteState()
	out := v.out
	v.out = Output{}
	out.Wake, _ = v.earliest()
	return out
}

// earliest is the next thing that happens by itself; ties go to the line first.
func (v *Validator) earliest() (at time.Time, fire func()) {
	consider := func(t time.Time, f func()) {
		if !t.IsZero() && (fire == nil || t.Before(at)) {
			at, fire = t, f
		}
	}
	if len(v.wire.out) > 0 {
		consider(v.wire.out[0].due, v.emitFirst)
	}
	if len(v.wire.in) > 0 {
		consider(v.wire.in[0].due, v.actOnFirst)
	}
	for t, alarm := range v.alarms {
		consider(alarm, func() { v.fire(timer(t)) })
	}
	return at, fire
}

func (v *Validator) fire(t timer) {
	v.alarms[t] = time.Time{}
	switch t {
	case timerMode:
		v.modeEnds()
	case timerNoReturn:
		if v.mode == modeStacking && v.w.Path != nil {
			v.move(PlaceTransport)
		}
	case timerTake:
		v.taken()
	case timerInterByte:
		v.wire.scan.buf = nil
	}
}

func (v *Validator) alarm(t timer, d time.Duration) { v.alarms[t] = v.now.Add(d) }

// enter starts a mode that lasts d; a negative d means until something happens.
func (v *Validator) enter(m mode, d time.Duration) {
	v.mode = m
	v.alarms[timerMode] = time.Time{}
	v.alarms[timerNoReturn] = time.Time{}
	if d >= 0 {
		v.alarm(timerMode, d)
	}
}

const untilEvent = time.Duration(-1)

// zeroTime is no alarm.
var zeroTime time.Time

func (v *Validator) event(e Event) {
	e.At = v.now
	v.out.Events = append(v.out.Events, e)
}

// noteState tells a change of what POLL would answer.
func (v *Validator) noteState() {
	z1 := byte(0)
	if v.mode > modeBoot {
		z1 = v.status()[0]
	}
	if z1 != v.lastState {
		v.lastState = z1
		v.event(Event{Kind: EventState, Code: z1, Text: v.mode.String()})
	}
}

// status is what POLL is answered with.
func (v *Validator) status() []byte {
	if s := v.faults.show; s.Count > 0 {
		return append([]byte{s.Z1}, s.Data...)
	}
	if left := v.busyUntil.Sub(v.now); left > 0 {
		if v.busyNoTime {
			return []byte{z1Busy}
		}
		units := (left.Milliseconds() + busyUnit - 1) / busyUnit
		return []byte{z1Busy, byte(min(max(units, 1), 255))}
	}
	switch {
	case v.mode == modePowerUp:
		return []byte{v.powerUp}
	case v.mode == modeInit && v.lingerUntil.After(v.now):
		return []byte{v.powerUp}
	case v.mode == modeInit:
		return []byte{z1Initialize}
	case len(v.w.Pending) > 0:
		return []byte{v.w.Pending[0].Z1, v.w.Pending[0].Z2}
	}
	switch v.mode {
	case modeAccepting:
		return []byte{z1Accepting}
	case modeEscrow:
		return []byte{z1Escrow, byte(v.w.Path.Type)}
	case modeHolding:
		return []byte{z1Holding}
	case modeStacking:
		return []byte{z1Stacking}
	case modeReturning:
		return []byte{z1Returning}
	case modeRejecting:
		return []byte{z1Rejecting, v.rejectCode}
	case modePause:
		return []byte{z1Pause}
	case modeCheated:
		return []byte{z1Cheated}
	case modeFailure:
		return []byte{z1Failure, v.failure}
	case modeJam:
		if v.w.Jam == JamHead {
			return []byte{z1JamInValidator}
		}
		return []byte{z1JamInCassette}
	}
	switch {
	case !v.w.CassetteIn:
		return []byte{z1CassetteOut}
	case v.w.Full:
		return []byte{z1CassetteFull}
	case v.enabled != 0:
		return []byte{z1Idling}
	}
	return []byte{z1Disabled}
}
