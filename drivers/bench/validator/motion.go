package validator

import (
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// move takes the note in the path to another place of the path.
func (v *Validator) move(to Place) {
	h := v.w.Path
	from := h.Place
	h.Place = to
	if from != to {
		v.noteMoved(h.Note, from, to)
	}
}

func (v *Validator) noteMoved(n Note, from, to Place) {
	v.event(Event{Kind: EventNote, Note: &n, From: from, To: to})
}

// toHand gives the note in the path to the customer.
func (v *Validator) toHand() {
	h := v.w.Path
	v.w.Path = nil
	v.alarms[timerTake] = zeroTime
	v.w.Hand = append(v.w.Hand, h.Note)
	v.noteMoved(h.Note, h.Place, PlaceHand)
}

// waitingToHand gives the second note of a pause back.
func (v *Validator) waitingToHand() {
	h := v.w.Waiting
	if h == nil {
		return
	}
	v.w.Waiting = nil
	v.w.Hand = append(v.w.Hand, h.Note)
	v.noteMoved(h.Note, h.Place, PlaceHand)
}

// toCassette lets the note in the path fall into the cassette.
func (v *Validator) toCassette() Held {
	h := *v.w.Path
	v.w.Path = nil
	v.w.Cassette = append(v.w.Cassette, h.Note)
	v.noteMoved(h.Note, h.Place, PlaceCassette)
	if c := v.cfg.Capacity; c > 0 && len(v.w.Cassette) >= c && !v.w.Full {
		v.w.Full = true
		v.event(Event{Kind: EventCassette, Text: "full"})
	}
	return h
}

func (v *Validator) report(z1, z2 byte, n Note) {
	v.w.Pending = append(v.w.Pending, Report{Z1: z1, Z2: z2, Note: &n})
	if z1 == z1Stacked {
		v.event(Event{Kind: EventStacked, Data: z2, Note: &n})
	}
}

// counted books a note as stacked: the counter and 81h.
func (v *Validator) counted(n Note, typ int) {
	v.w.Counter++
	v.report(z1Stacked, byte(typ), n)
}

// insert is a note of the customer's hand at the slot.
func (v *Validator) insert(h Held) {
	why := ""
	switch {
	case v.mode == modeOff:
		why = "no power"
	case v.mode == modeAccepting || v.mode == modeEscrow || v.mode == modeHolding:
		v.pause(h)
		return
	case v.mode != modeReady || v.w.Path != nil:
		why = "the slot is closed: " + v.mode.String()
	case !v.w.CassetteIn:
		why = "the cassette is out"
	case v.w.Full:
		why = "the cassette is full"
	case len(v.w.Pending) > 0:
		why = "the last note is not acknowledged"
	case v.busyUntil.After(v.now):
		why = "busy"
	case v.enabled == 0:
		why = "disabled"
	}
	n := h.Note
	if why != "" {
		v.w.Hand = append(v.w.Hand, n)
		v.event(Event{Kind: EventNotTaken, Note: &n, Text: why})
		return
	}
	h.Place = PlaceHead
	v.w.Path = &h
	v.drawn, v.drawnEscrow = v.enabled, v.escrow
	v.acceptedAt = v.now
	v.enter(modeAccepting, v.cfg.Timing.Accept)
	v.noteMoved(n, PlaceHand, PlaceHead)
}

// pause is a second note pushed in before the first has gone.
func (v *Validator) pause(h Held) {
	h.Place = PlaceSlot
	v.w.Waiting = &h
	v.resume = v.mode
	v.enter(modePause, v.cfg.Timing.Pause)
	v.noteMoved(h.Note, PlaceHand, PlaceSlot)
}

// modeEnds is the end of a mode's time.
func (v *Validator) modeEnds() {
	switch v.mode {
	case modeBoot:
		v.showPowerUp()
	case modeInit:
		v.initialized()
	case modeAccepting:
		v.judged()
	case modeEscrow, modeHolding:
		v.startReturn()
	case modeStacking:
		v.stackEnds()
	case modeReturning, modeRejecting:
		v.atSlot()
	case modePause:
		v.waitingToHand()
		v.reject(rejHeadBusy)
	case modeCheated:
		v.cheatEnds()
	}
}

// judged is the end of reading.
func (v *Validator) judged() {
	h := v.w.Path
	typ, known := v.cfg.TypeOf(h.Note.Value)
	v.lastCoupon = ""
	switch {
	case h.Note.Kind == KindCoupon && h.Quality != QualityJamHead:
		v.judgedCoupon()
	case h.Quality == QualityJamHead:
		v.jam(JamHead)
	case h.Quality == QualityRefused:
		v.reject(orElse(h.Code, rejVerification))
	case h.Quality == QualitySuspect:
		v.report(z1Suspected, h.Code, h.Note)
		v.reject(rejVerification)
	case h.Quality == QualityCounterfeit:
		v.enter(modeStacking, v.cfg.Timing.Stack)
		v.move(PlaceTransport)
	case h.Note.Kind != KindGenuine, !known:
		v.reject(rejIdentification)
	case v.drawn&(1<<typ) == 0:
		v.reject(rejInhibited)
	default:
		h.Type = typ
		v.move(PlaceEscrow)
		if v.drawnEscrow&(1<<typ) == 0 {
			v.startStack()
			return
		}
		v.startEscrow()
	}
}

// judgedCoupon is judged for a coupon.
func (v *Validator) judgedCoupon() {
	h := v.w.Path
	switch {
	case v.barcodeLen == 0:
		v.reject(rejIdentification) // to this unit it is a piece of paper
	case h.Quality == QualityRefused:
		v.reject(orElse(h.Code, rejBarUnreadable))
	case len(h.Note.Digits) != v.barcodeLen:
		v.reject(rejBarLength)
	case v.drawn&(1<<couponType) == 0:
		v.reject(rejInhibited)
	default:
		h.Type = couponType
		v.lastCoupon = h.Note.Digits
		v.move(PlaceEscrow)
		if v.drawnEscrow&(1<<couponType) == 0 {
			v.startStack()
			return
		}
		v.startEscrow()
	}
}

func (v *Validator) startEscrow() {
	d, told := v.cfg.Timing.Escrow, v.escrowFor
	if v.w.Path.Note.Kind == KindCoupon {
		told = v.couponFor
	}
	if told > 0 {
		d = told
	}
	v.enter(modeEscrow, d)
}

func (v *Validator) startStack() {
	t := v.cfg.Timing
	v.enter(modeStacking, t.Stack)
	v.alarm(timerNoReturn, min(t.PointOfNoReturn, t.Stack))
}

func (v *Validator) stackEnds() {
	h := v.w.Path
	switch {
	case h.Quality == QualityJamStacker && h.InCassette:
		held := v.toCassette()
		v.w.JamInside, v.w.JamType = &held.Note, held.Type
		v.jam(JamStacker)
		return
	case h.Quality == QualityJamStacker, !v.w.CassetteIn:
		v.move(PlaceTransport)
		v.jam(JamStacker)
		return
	case h.Quality == QualityCounterfeit:
		held := v.toCassette()
		v.report(z1CounterfeitRetained, held.Code, held.Note)
	default:
		held := v.toCassette()
		v.counted(held.Note, held.Type)
	}
	v.enter(modeReady, untilEvent)
}

func (v *Validator) startReturn() {
	v.enter(modeReturning, v.cfg.Timing.Return)
	v.move(PlaceHead)
}

func (v *Validator) reject(code byte) {
	v.rejectCode = code
	v.enter(modeRejecting, v.cfg.Timing.Reject)
	v.move(PlaceHead)
}

// atSlot is a note on its way back that sticks out of the slot.
func (v *Validator) atSlot() {
	h := v.w.Path
	if h.Quality == QualityJamReturn {
		v.jam(JamHead)
		return
	}
	v.move(PlaceSlot)
	if d := v.cfg.Timing.Take; d >= 0 && !h.HoldOut {
		v.alarm(timerTake, d)
	}
}

// taken is the customer's taking the note at the slot.
func (v *Validator) taken() {
	h := v.w.Path
	if h == nil || h.Place != PlaceSlot {
		return
	}
	v.toHand()
	if v.mode == modeReturning && h.Type >= 0 {
		v.report(z1Returned, byte(h.Type), h.Note)
	}
	if v.mode == modeReturning || v.mode == modeRejecting {
		v.enter(modeReady, untilEvent)
	}
}

func (v *Validator) jam(where Jam) {
	v.w.Jam = where
	v.enter(modeJam, untilEvent)
}

// reset is RESET: motion stops, masks go, and the path is emptied while the unit
// initialises.
func (v *Validator) reset() {
	if v.mode == modePowerUp && v.cfg.Timing.Linger > 0 {
		v.lingerUntil = v.now.Add(v.cfg.Timing.Linger)
		v.alarm(timerOverlay, v.cfg.Timing.Linger)
	}
	if v.cfg.Quirks.ResetForgets {
		v.w.Pending = nil
	}
	if v.cfg.Quirks.ResetFreesJam && v.w.Jam != JamNone {
		v.unjam()
	}
	v.failure = 0
	v.startInit()
}

// forget is what every start does to what the unit was told.
func (v *Validator) forget() {
	v.enabled, v.escrow, v.security = 0, 0, 0
	v.escrowFor, v.couponFor, v.barcodeLen = 0, 0, 0
}

func (v *Validator) startInit() {
	v.forget()
	v.busyUntil = zeroTime
	v.waitingToHand()
	v.enter(modeInit, v.cfg.Timing.Init)
}

// unjam frees a stuck note where it lies; initialisation does the rest.
func (v *Validator) unjam() {
	v.w.Jam = JamNone
	if n := v.w.JamInside; n != nil {
		v.w.JamInside = nil
		v.counted(*n, v.w.JamType)
	}
	if h := v.w.Path; h != nil {
		h.Quality = QualityGood
	}
}

// initialized is the end of 13h.
func (v *Validator) initialized() {
	h := v.w.Path
	switch {
	case v.w.Failure != 0:
		v.failure = v.w.Failure
		v.enter(modeFailure, untilEvent)
	case v.w.Jam != JamNone:
		v.enter(modeJam, untilEvent)
	case h == nil:
		v.enter(modeReady, untilEvent)
	case h.Place == PlaceTransport && !v.w.CassetteIn:
		v.jam(JamStacker)
	case h.Place == PlaceTransport:
		v.stackEnds() // it may jam there as it was meant to
	case h.Place == PlaceSlot: // nobody has taken it yet
		v.enter(modeReturning, untilEvent)
	case v.cfg.Quirks.AfterReturn == AfterReturnSilent:
		v.enter(modeReady, untilEvent)
		v.atSlot()
	case v.cfg.Quirks.AfterReturn == AfterReturnRejected, h.Type < 0:
		v.reject(rejHeadBusy)
	default:
		v.startReturn()
	}
}

// powerOff is the moment without power. What is in motion stops where it is.
func (v *Validator) powerOff() {
	if v.mode == modeOff {
		return
	}
	fingers := v.mode == modeAccepting && v.now.Sub(v.acceptedAt) < v.cfg.Timing.Accept/4
	v.enter(modeOff, untilEvent)
	if fingers {
		v.toHand()
	}
	v.settleWithoutPower()
	v.clearLine()
	v.faults.cutAtByte, v.faults.cutAtFrame = 0, 0
	v.event(Event{Kind: EventPower, Text: "off"})
}

// settleWithoutPower forgets what a unit without power forgets.
func (v *Validator) settleWithoutPower() {
	v.forget()
	v.options = [optionsLen]byte{}
	v.failure = 0
	v.busyUntil, v.lingerUntil = zeroTime, zeroTime
	v.alarms[timerOverlay] = zeroTime
	v.waitingToHand()
	if h := v.w.Path; h != nil && h.Place == PlaceSlot && !h.HoldOut && v.cfg.Timing.Take >= 0 {
		v.toHand()
	}
	if v.cfg.Quirks.ForgetsStacked {
		kept := v.w.Pending[:0:0]
		for _, r := range v.w.Pending {
			if r.Z1 != z1Stacked {
				kept = append(kept, r)
			}
		}
		v.w.Pending = kept
	}
}

// showPowerUp is the end of booting: where the note is decides the code.
func (v *Validator) showPowerUp() {
	v.powerUp = z1PowerUp
	h := v.w.Path
	switch {
	case v.w.Jam == JamStacker, h != nil && h.Place == PlaceTransport:
		v.powerUp = z1PowerUpInStacker
	case h != nil:
		v.powerUp = z1PowerUpInValidator
	case v.stackedPending() && !v.cfg.Quirks.PendingPowerUp10:
		v.powerUp = z1PowerUpInStacker
	}
	v.enter(modePowerUp, untilEvent)
}

func (v *Validator) stackedPending() bool {
	for _, r := range v.w.Pending {
		if r.Z1 == z1Stacked {
			return true
		}
	}
	return false
}

func (v *Validator) cheatEnds() {
	switch v.cheatThen {
	case cheatThenInit:
		v.startInit()
	case cheatThenPowerUp:
		v.settleWithoutPower()
		v.showPowerUp()
	default:
		if v.w.Path != nil { // out of the cheat's reach: where it goes is found anew
			v.startInit()
			return
		}
		v.enter(modeReady, untilEvent)
	}
}

const (
	cheatThenIdle    = "idle"
	cheatThenInit    = "init"
	cheatThenPowerUp = "power_up"
)

// newNote makes a piece of paper in the customer's hand.
func (v *Validator) newNote(value money.Amount, kind NoteKind) Note {
	v.w.Inserted++
	n := Note{Serial: fmt.Sprintf("N%06d", v.w.Inserted), Value: value, Kind: kind}
	v.event(Event{Kind: EventInserted, Note: &n})
	return n
}

// newCoupon is newNote for a coupon.
func (v *Validator) newCoupon(digits string) Note {
	v.w.Inserted++
	n := Note{Serial: fmt.Sprintf("N%06d", v.w.Inserted), Value: money.Zero(money.AZN), Kind: KindCoupon, Digits: digits}
	v.event(Event{Kind: EventInserted, Note: &n})
	return n
}

func orElse(code, usual byte) byte {
	if code == 0 {
		return usual
	}
	return code
}
