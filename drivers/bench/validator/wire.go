package validator

import (
	"fmt"
	"time"
)

// maxQueued bounds what waits in either direction; a host that floods the line
// loses the rest.
const maxQueued = 256

// wire is the data line as the unit's end of it sees it.
type wire struct {
	scan   scanner
	out    []outgoing // in the order in which they leave
	in     []incoming // frames delayed on their way to the unit
	held   []outgoing // answers kept back until the next one
	frames uint64     // whole frames that passed, both directions
	bytes  uint64     // bytes that passed, both directions
	lastAt time.Time  // when the last answer is due: answers never overtake

	answer   []byte     // payload of the last data answer that left, until ACK or another command
	kind     answerKind // of that answer
	sentAt   time.Time  // when its last byte left
	lastSent outgoing   // the last answer, for a resend
}

// answerKind says what the host owes an answer. It has to be kept beside the
// bytes, because those of a table can look like a state.
type answerKind int

const (
	answerPlain answerKind = iota // ACK, NAK, ILLEGAL COMMAND: nothing
	answerData                    // ACK
	answerState                   // ACK; the data are what POLL tells
)

// outgoing is a run of bytes on its way to the host.
type outgoing struct {
	due     time.Time
	bytes   []byte
	payload []byte // of the frame that ends here; nil for garbage and for all but the last piece
	kind    answerKind
	lost    bool // dropped on the line
	spoiled bool // corrupted on the line
}

type incoming struct {
	due     time.Time
	payload []byte
}

// faults are the armed troubles.
type faults struct {
	cutAtByte  uint64 // absolute count; zero for none
	cutAtFrame uint64
	line       []FaultLine
	garbage    Garbage
	split      Split
	coalesce   int
	echo       bool
	repeat81   int
	refuse     []Refuse
	show       ShowState
}

// receiveByte takes one byte off the line.
func (v *Validator) receiveByte(c byte) {
	if v.faults.echo {
		v.out.Send = append(v.out.Send, c)
	}
	if v.mode <= modeBoot {
		return
	}
	v.wire.scan.buf = append(v.wire.scan.buf, c)
	if v.countByte() {
		return
	}
	good, bad := false, false
	for {
		payload, what := v.wire.scan.next()
		if what == scanMore {
			break
		}
		if what == scanBad {
			bad = true
			continue
		}
		good = true
		v.arrived(payload)
		if v.mode == modeOff {
			return
		}
	}
	v.alarms[timerInterByte] = time.Time{}
	if len(v.wire.scan.buf) > 0 && v.cfg.Timing.InterByte > 0 {
		v.alarm(timerInterByte, v.cfg.Timing.InterByte)
	}
	if bad && !good {
		v.badFrame()
	}
}

func (v *Validator) badFrame() {
	v.event(Event{Kind: EventBadFrame})
	if !v.cfg.Quirks.SilentOnBadCRC {
		v.send([]byte{ansNAK}, answerPlain)
	}
}

// countByte reports whether power was cut at this byte.
func (v *Validator) countByte() bool {
	v.wire.bytes++
	if v.faults.cutAtByte == 0 || v.wire.bytes < v.faults.cutAtByte {
		return false
	}
	v.powerOff()
	return true
}

// countFrame cuts power after the frame for which that was armed.
func (v *Validator) countFrame() {
	if v.faults.cutAtFrame != 0 && v.wire.frames >= v.faults.cutAtFrame {
		v.powerOff()
	}
}

// arrived is a good frame at the unit's end of the line, where line faults
// strike it.
func (v *Validator) arrived(payload []byte) {
	f, struck := v.strike(ToDevice, payload)
	if !struck {
		if len(v.wire.in) > 0 { // nothing overtakes a delayed frame
			v.queueIn(v.wire.in[len(v.wire.in)-1].due, payload)
			return
		}
		v.act(payload)
		return
	}
	switch f.Do {
	case faultDrop:
	case faultCorrupt:
		v.badFrame()
	case faultDelay:
		v.queueIn(v.now.Add(f.For.Duration()), payload)
	}
}

func (v *Validator) queueIn(due time.Time, payload []byte) {
	if len(v.wire.in) < maxQueued {
		v.wire.in = append(v.wire.in, incoming{due, payload})
	}
}

func (v *Validator) actOnFirst() {
	first := v.wire.in[0]
	v.wire.in = v.wire.in[1:]
	v.act(first.payload)
}

// act carries a frame out.
func (v *Validator) act(payload []byte) {
	if v.mode <= modeBoot {
		return
	}
	v.wire.frames++
	v.event(Event{Kind: EventFrameIn, Frame: v.wire.frames, Bytes: encode(v.cfg.Address, payload), Code: payload[0]})
	v.command(payload)
	v.countFrame()
}

const (
	faultDrop    = "drop"
	faultCorrupt = "corrupt"
	faultDelay   = "delay"
)

// strike finds the armed line fault that this frame meets, and uses it up.
func (v *Validator) strike(d Direction, payload []byte) (FaultLine, bool) {
	for i := range v.faults.line {
		f := &v.faults.line[i]
		isACK := d == ToDevice && len(payload) == 1 && payload[0] == cmdACK
		if f.Direction != d || f.OnlyACK && !isACK || f.Match != 0 && f.Match != payload[0] {
			continue
		}
		hit := *f
		if f.Count--; f.Count <= 0 {
			v.faults.line = append(v.faults.line[:i], v.faults.line[i+1:]...)
		}
		v.event(Event{Kind: EventLine, Code: payload[0], Text: fmt.Sprintf("%s %s", hit.Do, d)})
		return hit, true
	}
	return FaultLine{}, false
}

// send answers the host.
func (v *Validator) send(payload []byte, kind answerKind) {
	frame := encode(v.cfg.Address, payload)
	due := v.now.Add(v.cfg.Timing.Response)
	item := outgoing{bytes: frame, payload: payload, kind: kind}
	if f, struck := v.strike(ToHost, payload); struck {
		switch f.Do {
		case faultDrop:
			item.bytes, item.lost = nil, true
		case faultCorrupt:
			bit := v.rng.IntN(8 * len(frame))
			frame[bit/8] ^= 1 << (bit % 8)
			item.spoiled = true
		case faultDelay:
			due = due.Add(f.For.Duration())
		}
	}
	if due.Before(v.wire.lastAt) && len(v.wire.out) > 0 {
		due = v.wire.lastAt
	}
	if v.faults.coalesce > 0 {
		v.faults.coalesce--
		if len(v.wire.held) < maxQueued {
			v.wire.held = append(v.wire.held, item)
		}
		return
	}
	for _, h := range v.wire.held {
		h.due = due
		v.enqueue(h)
	}
	v.wire.held = nil
	if g := &v.faults.garbage; g.Count > 0 {
		g.Count--
		v.enqueue(outgoing{due: due, bytes: v.garbageBytes(*g)})
	}
	item.due = due
	if s := &v.faults.split; s.Count > 0 && !item.lost {
		s.Count--
		for len(item.bytes) > s.Size {
			v.enqueue(outgoing{due: item.due, bytes: item.bytes[:s.Size]})
			item.bytes = item.bytes[s.Size:]
			item.due = item.due.Add(s.Gap.Duration())
		}
	}
	v.enqueue(item)
}

func (v *Validator) enqueue(o outgoing) {
	if len(v.wire.out) >= maxQueued {
		return
	}
	v.wire.out = append(v.wire.out, o)
	v.wire.lastAt = o.due
}

func (v *Validator) garbageBytes(g Garbage) []byte {
	if len(g.Bytes) > 0 {
		return g.Bytes
	}
	b := make([]byte, g.Length)
	for i := range b {
		b[i] = byte(v.rng.Uint32())
	}
	return b
}

// emitFirst puts the first waiting bytes on the line.
func (v *Validator) emitFirst() {
	o := v.wire.out[0]
	v.wire.out = v.wire.out[1:]
	for _, c := range o.bytes {
		if v.plugged {
			v.out.Send = append(v.out.Send, c)
		}
		if v.countByte() {
			return
		}
	}
	if o.payload == nil {
		return
	}
	v.wire.frames++
	v.wire.lastSent = outgoing{payload: o.payload, kind: o.kind}
	if o.kind != answerPlain {
		v.wire.answer, v.wire.kind, v.wire.sentAt = o.payload, o.kind, v.now
	}
	if !o.lost && v.plugged {
		e := Event{Kind: EventFrameOut, Frame: v.wire.frames, Bytes: encode(v.cfg.Address, o.payload), Code: o.payload[0]}
		if o.spoiled {
			e.Text = "corrupted"
		}
		v.event(e)
		if o.kind == answerState && len(o.payload) == 2 && o.payload[0] == z1Stacked {
			e.Kind, e.Data = EventStackedSent, o.payload[1]
			v.event(e)
		}
	}
	v.countFrame()
}

// clearLine drops what was on the line.
func (v *Validator) clearLine() {
	v.wire.scan.buf = nil
	v.wire.out, v.wire.in, v.wire.held = nil, nil, nil
	v.wire.answer, v.wire.lastSent = nil, outgoing{}
	v.alarms[timerInterByte] = time.Time{}
}
