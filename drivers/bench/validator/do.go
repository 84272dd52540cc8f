package validator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/action"
)

const (
	maxCount  = 1_000_000 // frames that one armed fault may strike
	maxPieces = 4096      // bytes of garbage, or of one piece of a split answer
)

// do performs an action.
func (v *Validator) do(a Action) error {
	switch a := a.(type) {
	case Insert, InsertCoupon, Reinsert, Take, Cheat:
		return v.customer(a)
	case PowerOff:
		if v.mode == modeOff {
			return errors.New("the power is off already")
		}
		v.powerOff()
	case PowerOn:
		if v.mode != modeOff {
			return errors.New("the power is on already")
		}
		v.event(Event{Kind: EventPower, Text: "on"})
		v.enter(modeBoot, v.cfg.Timing.Boot)
	case Unplug:
		if !v.plugged {
			return errors.New("the line is unplugged already")
		}
		v.plugged = false
		v.wire.scan.buf = nil
		v.event(Event{Kind: EventLine, Text: "unplugged"})
	case Plug:
		if v.plugged {
			return errors.New("the line is plugged already")
		}
		v.plugged = true
		v.event(Event{Kind: EventLine, Text: "plugged"})
	case Fail, Repair, ClearJam, RemoveCassette, InsertCassette, SetFull, EmptyWorld:
		return v.mechanic(a)
	case Swap:
		return v.swap(a)
	case SetTiming:
		v.setTiming(a)
	case SetQuirks:
		if err := a.Quirks.validate(); err != nil {
			return err
		}
		v.cfg.Quirks = a.Quirks
	default:
		return v.arm(a)
	}
	return nil
}

// customer is what a person at the slot does.
func (v *Validator) customer(a Action) error {
	switch a := a.(type) {
	case Insert:
		if !a.Value.IsPositive() || !a.Value.Currency.Valid() {
			return fmt.Errorf("value %s: a note has a positive value in a currency", a.Value)
		}
		kind := a.Kind
		switch {
		case kind == "" && a.Quality == QualityCounterfeit:
			kind = KindCounterfeit
		case kind == "":
			kind = KindGenuine
		case kind != KindGenuine && kind != KindUnreadable && kind != KindCounterfeit:
			return fmt.Errorf("kind %q: want %q, %q or %q", kind, KindGenuine, KindUnreadable, KindCounterfeit)
		}
		quality, err := checkedQuality(a.Quality)
		if err != nil {
			return err
		}
		n := v.newNote(a.Value, kind)
		v.insert(Held{Note: n, Type: -1, Quality: quality, Code: a.Code, InCassette: a.InCassette, HoldOut: a.HoldOut})
	case InsertCoupon:
		quality, err := checkedQuality(a.Quality)
		if err != nil {
			return err
		}
		digits := a.Digits
		if digits == "" {
			digits = usualCoupon
		}
		if len(digits) > barcodeMaxLen || strings.Trim(digits, "0123456789") != "" {
			return fmt.Errorf("digits %q: want up to %d decimal digits", digits, barcodeMaxLen)
		}
		n := v.newCoupon(digits)
		v.insert(Held{Note: n, Type: -1, Quality: quality, Code: a.Code, HoldOut: a.HoldOut})
	case Reinsert:
		quality, err := checkedQuality(a.Quality)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(v.w.Hand, func(n Note) bool { return n.Serial == a.Serial })
		if i < 0 {
			return fmt.Errorf("note %q is not in the customer's hand", a.Serial)
		}
		n := v.w.Hand[i]
		v.w.Hand = slices.Delete(v.w.Hand, i, i+1)
		v.insert(Held{Note: n, Type: -1, Quality: quality, Code: a.Code, InCassette: a.InCassette, HoldOut: a.HoldOut})
	case Take:
		switch {
		case v.w.Waiting != nil:
			v.waitingToHand()
			v.resumed()
		case v.w.Path != nil && v.w.Path.Place == PlaceSlot:
			v.taken()
		default:
			return errors.New("no note sticks out of the slot")
		}
	case Cheat:
		switch a.Then {
		case "", cheatThenIdle, cheatThenInit, cheatThenPowerUp:
		default:
			return fmt.Errorf("then %q: want %q, %q or %q", a.Then, cheatThenIdle, cheatThenInit, cheatThenPowerUp)
		}
		if v.mode <= modeInit || v.mode == modeJam || v.mode == modeFailure {
			return fmt.Errorf("no one can cheat a unit that is in state %s", v.mode)
		}
		v.waitingToHand()
		if h := v.w.Path; h != nil && h.Place != PlaceTransport {
			v.toHand()
		}
		v.cheatThen = a.Then
		v.enter(modeCheated, v.cfg.Timing.Cheated)
	}
	return nil
}

// usualCoupon is what a coupon says when nothing else is asked for.
const usualCoupon = "040911235813213455"

func (q Quirks) validate() error {
	switch q.AfterReturn {
	case "", AfterReturnReported, AfterReturnRejected, AfterReturnSilent:
	default:
		return fmt.Errorf("after_return %q: want %q, %q or %q", q.AfterReturn,
			AfterReturnReported, AfterReturnRejected, AfterReturnSilent)
	}
	switch q.Above51 {
	case Above51Known, Above51Illegal, Above51Silent:
		return nil
	}
	return fmt.Errorf("above_51 %q: want %q, %q or nothing", q.Above51, Above51Illegal, Above51Silent)
}

func checkedQuality(q Quality) (Quality, error) {
	if q == "" {
		return QualityGood, nil
	}
	if !slices.Contains(Qualities(), q) {
		return "", fmt.Errorf("quality %q: want one of %q", q, Qualities())
	}
	return q, nil
}

// resumed goes on after a pause.
func (v *Validator) resumed() {
	switch v.resume {
	case modeAccepting:
		v.enter(modeAccepting, v.cfg.Timing.Accept)
	case modeHolding:
		v.enter(modeHolding, v.cfg.Timing.Hold)
	default:
		v.startEscrow()
	}
}

// mechanic is what a person with the key does, and what breaks.
func (v *Validator) mechanic(a Action) error {
	running := v.mode > modePowerUp
	switch a := a.(type) {
	case Fail:
		code := orElse(a.Code, failStackMotor)
		if a.Lasting {
			v.w.Failure = code
		}
		if running {
			v.waitingToHand()
			v.failure = code
			v.enter(modeFailure, untilEvent)
		} else if !a.Lasting {
			return fmt.Errorf("a unit in state %s can only break for good", v.mode)
		}
	case Repair:
		if v.w.Failure == 0 && v.mode != modeFailure {
			return errors.New("nothing is broken")
		}
		v.w.Failure, v.failure = 0, 0
		if running {
			v.startInit()
		}
	case ClearJam:
		return v.clearJam(a, running)
	case RemoveCassette:
		if !v.w.CassetteIn {
			return errors.New("the cassette is out already")
		}
		if a.Bag == "" {
			return errors.New("bag: a name is needed")
		}
		v.removeCassette(a.Bag)
	case InsertCassette:
		if v.w.CassetteIn {
			return errors.New("the cassette is in already")
		}
		v.w.CassetteIn, v.w.Full = true, false
		v.event(Event{Kind: EventCassette, Text: "inserted"})
		if v.mode == modeReady {
			v.startInit()
		}
	case SetFull:
		if !v.w.CassetteIn {
			return errors.New("the cassette is out")
		}
		v.w.Full = a.Full
		text := "not full"
		if a.Full {
			text = "full"
		}
		v.event(Event{Kind: EventCassette, Text: text})
	case EmptyWorld:
		if v.w.Path != nil || v.w.Waiting != nil {
			return errors.New("a note lies in the path")
		}
		counter, in := v.w.Counter, v.w.CassetteIn
		v.w = NewWorld()
		v.w.Counter, v.w.CassetteIn = counter, in
		if v.mode == modeJam || v.mode == modeFailure {
			v.failure = 0
			v.startInit()
		}
	}
	return nil
}

func (v *Validator) clearJam(a ClearJam, running bool) error {
	if v.w.Jam == JamNone {
		return errors.New("nothing is jammed")
	}
	switch h := v.w.Path; {
	case a.To != "" && a.To != PlaceHand && a.To != PlaceCassette:
		return fmt.Errorf("to %q: want %q or %q", a.To, PlaceHand, PlaceCassette)
	case v.w.JamInside != nil:
		if a.Report {
			v.counted(*v.w.JamInside, v.w.JamType)
		}
		v.w.JamInside = nil
	case h == nil: // the stuck note is gone with the cassette
	case a.To == PlaceCassette:
		if !v.w.CassetteIn {
			return errors.New("the cassette is out")
		}
		held := v.toCassette()
		if a.Report && held.Type >= 0 {
			v.counted(held.Note, held.Type)
		}
	default:
		v.toHand()
		if a.Report && h.Type >= 0 {
			v.report(z1Returned, byte(h.Type), h.Note)
		}
	}
	v.w.Jam = JamNone
	if running {
		v.startInit()
	}
	return nil
}

func (v *Validator) removeCassette(bag string) {
	notes := v.w.Cassette
	v.w.Cassette = nil
	if v.w.Bags == nil {
		v.w.Bags = map[string][]Note{}
	}
	v.w.Bags[bag] = append(v.w.Bags[bag], notes...)
	v.w.CassetteIn, v.w.Full = false, false
	v.event(Event{Kind: EventCassette, Text: "removed"})
	for _, n := range notes {
		v.noteMoved(n, PlaceCassette, bagPlace(bag))
	}
	switch v.mode {
	case modeAccepting:
		v.reject(rejOperation)
	case modePause, modeEscrow, modeHolding:
		v.waitingToHand()
		if v.w.Path.Type < 0 {
			v.reject(rejOperation)
			return
		}
		v.startReturn()
	}
}

func (v *Validator) swap(a Swap) error {
	if v.w.Path != nil || v.w.Waiting != nil || v.w.Jam != JamNone {
		return errors.New("a note lies in the path")
	}
	next := v.cfg
	if a.Part != "" {
		next.Part = a.Part
	}
	if a.Serial != "" {
		next.Serial = a.Serial
	}
	if a.CRC32 != nil {
		next.CRC32 = *a.CRC32
	}
	if a.Table != nil {
		next.Table = slices.Clone(a.Table)
	}
	if err := next.Validate(); err != nil {
		return err
	}
	v.cfg = next
	if a.Counter != nil {
		v.w.Counter = *a.Counter
	}
	if a.Quietly {
		return nil
	}
	v.w.Pending, v.w.Failure = nil, 0 // another unit's memory
	v.clearLine()
	v.settleWithoutPower()
	if v.mode > modeBoot {
		v.showPowerUp()
	}
	return nil
}

func (v *Validator) setTiming(a SetTiming) {
	t := &v.cfg.Timing
	for _, s := range []struct {
		to *time.Duration
		m  *action.Millis
	}{
		{&t.Init, a.Init},
		{&t.Accept, a.Accept},
		{&t.Escrow, a.Escrow},
		{&t.Stack, a.Stack},
		{&t.PointOfNoReturn, a.PointOfNoReturn},
		{&t.Return, a.Return},
		{&t.Take, a.Take},
		{&t.Response, a.Response},
	} {
		if s.m == nil {
			continue
		}
		*s.to = s.m.Duration()
		if *s.to < 0 && s.to != &t.Take { // only taking may wait for ever
			*s.to = 0
		}
	}
}

// arm sets up a trouble to come.
func (v *Validator) arm(a Action) error {
	count := func(n int) error {
		if n < 1 || n > maxCount {
			return fmt.Errorf("count %d: want 1 to %d", n, maxCount)
		}
		return nil
	}
	f := &v.faults
	switch a := a.(type) {
	case CutAtByte:
		f.cutAtByte = 0
		if a.Byte > 0 {
			f.cutAtByte = v.wire.bytes + a.Byte
		}
	case CutAtFrame:
		f.cutAtFrame = 0
		if a.Frame > 0 {
			f.cutAtFrame = v.wire.frames + a.Frame
		}
	case FaultLine:
		if a.Direction != ToDevice && a.Direction != ToHost {
			return fmt.Errorf("direction %q: want %q or %q", a.Direction, ToDevice, ToHost)
		}
		if a.Do != faultDrop && a.Do != faultCorrupt && a.Do != faultDelay {
			return fmt.Errorf("do %q: want %q, %q or %q", a.Do, faultDrop, faultCorrupt, faultDelay)
		}
		if a.For < 0 || len(f.line) >= maxQueued {
			return errors.New("for_ms is negative, or too many faults are armed")
		}
		if err := count(a.Count); err != nil {
			return err
		}
		f.line = append(f.line, a)
	case LoseACK:
		return v.arm(FaultLine{Direction: ToDevice, Do: faultDrop, Count: a.Count, OnlyACK: true})
	case Garbage:
		if a.Length < 0 || a.Length > maxPieces || len(a.Bytes) > maxPieces || a.Length == 0 && len(a.Bytes) == 0 {
			return fmt.Errorf("garbage: want 1 to %d bytes", maxPieces)
		}
		if err := count(a.Count); err != nil {
			return err
		}
		f.garbage = a
	case Split:
		if a.Size < 1 || a.Gap < 0 {
			return errors.New("split: want a size of at least one byte and a gap that is not negative")
		}
		if err := count(a.Count); err != nil {
			return err
		}
		f.split = a
	case Coalesce:
		if err := count(a.Count); err != nil {
			return err
		}
		f.coalesce = a.Count
	case Echo:
		f.echo = a.On
	case RepeatStacked:
		if err := count(a.Count); err != nil {
			return err
		}
		f.repeat81 = a.Count
	case IllegalToStack:
		return v.arm(Refuse{Command: cmdStack, With: refuseIllegal, Count: a.Count})
	case Refuse:
		switch a.With {
		case "":
			a.With = refuseIllegal
		case refuseIllegal, refuseNAK, refuseSilence:
		default:
			return fmt.Errorf("with %q: want %q, %q or %q", a.With, refuseIllegal, refuseNAK, refuseSilence)
		}
		if err := count(a.Count); err != nil {
			return err
		}
		if len(f.refuse) >= maxQueued {
			return errors.New("too many refusals are armed")
		}
		f.refuse = append(f.refuse, a)
	case Busy:
		if a.For < 0 {
			return errors.New("for_ms is negative")
		}
		v.busyUntil = v.now.Add(a.For.Duration())
		v.busyNoTime = a.NoTime
		v.alarm(timerOverlay, a.For.Duration())
	case ShowState:
		if len(a.Data) > maxFrame-minFrame {
			return fmt.Errorf("data: at most %d bytes", maxFrame-minFrame)
		}
		if err := count(a.Count); err != nil {
			return err
		}
		f.show = a
	case ClearFaults:
		*f = faults{}
	default:
		return fmt.Errorf("%T is no action of a validator", a)
	}
	return nil
}
