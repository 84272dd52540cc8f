package ccnet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// phase is what was decided about a note.
type phase int

const (
	phaseEscrow phase = iota // the till has not decided
	phaseStack               // it is to be stacked, or is being
	phaseReturn              // it is to be returned, or is being
	phaseLost                // Unresolved has been said, or a RESET has been sent
)

// What Unresolved.After says.
const (
	afterStack  = "stack"
	afterReturn = "return"
	afterEscrow = "escrow" // nothing was decided when the unit contradicted itself
)

func (p phase) word() string {
	switch p {
	case phaseStack:
		return afterStack
	case phaseReturn:
		return afterReturn
	}
	return afterEscrow
}

// note is a note between escrow and its outcome.
type note struct {
	id    cash.EventID
	typ   int
	phase phase

	coupon bool   // no note but a coupon
	told   bool   // of a coupon: Coupon has been said
	found  bool   // it was there before the unit was settled
	raw    []byte // the frame that showed it

	decideBy time.Time // the default decision falls
	hold     bool      // HOLD is to be sent
	deadline time.Time // for the outcome; zero while nothing was sent

	sent       int // how often the decision was sent
	sentAt     time.Time
	refused    bool // the last sending was not answered with ACK
	stillThere bool // escrow was polled after it
	moved      bool // STACKING or RETURNING has been polled
}

// decide sets the decision; nothing has been sent for it.
func (n *note) decide(p phase) {
	n.phase, n.sent, n.refused, n.stillThere, n.hold = p, 0, false, false, false
}

// escrowed: 80h or 1Ah.
func (m *Machine) escrowed(typ int, raw []byte) {
	m.reply(ACK)
	n := m.note
	switch {
	case n == nil || n.phase == phaseLost:
	case n.moved && n.phase == phaseStack:
		// The way to the cassette ended without an outcome.
		m.unresolved(n)
	case n.moved, n.typ != typ && n.typ != cash.TypeUnknown && typ != cash.TypeUnknown:
		// It went out, and the next one is here already.
		m.endWay()
	default:
		n.stillThere = n.sent > 0
		if n.typ == cash.TypeUnknown {
			n.typ = typ
		}
		return
	}
	if m.pathDue {
		m.sayPathClear(nil)
	}
	n = &note{typ: typ, coupon: m.isCoupon(typ), found: !m.rec.settled, decideBy: m.now.Add(m.cfg.EscrowDecision)}
	m.note, m.way = n, true
	if n.coupon {
		n.raw = append([]byte(nil), raw...)
		return // it is told when its barcode has been asked for
	}
	n.id = m.newID()
	m.emit(cash.Escrowed{ID: n.id, Note: m.lookup(typ), Found: n.found, Raw: raw})
}

// moving: 17h or 18h.
func (m *Machine) moving(p phase) {
	m.reply(ACK)
	m.way = true
	n := m.note
	if n == nil {
		n = &note{typ: cash.TypeUnknown, phase: p}
		m.note = n
	}
	if n.phase == phaseLost || n.moved && n.phase == p {
		return
	}
	if n.phase != p || n.deadline.IsZero() {
		n.decide(p)
		n.deadline = m.now.Add(m.cfg.Outcome)
	}
	n.moved = true
	if p == phaseStack {
		m.emit(cash.Stacking{})
	} else {
		m.emit(cash.Returning{})
	}
}

// unresolved says that the unit did not tell in time what became of the note;
// the unit is disabled, and what comes later still counts.
func (m *Machine) unresolved(n *note) {
	after := n.phase.word()
	n.phase = phaseLost
	m.beginRecovery(false)
	m.emit(cash.Unresolved{After: after, Trace: m.trace.Lines()})
}

// endWay: the path is free again.
func (m *Machine) endWay() {
	m.note = nil
	if !m.way {
		return
	}
	m.way = false
	if m.rec.settled {
		m.pathDue = true
		m.unit.counterAt = time.Time{}
		m.unit.failed[cmdGetStackedCounter] = 0
	}
}

func (m *Machine) sayPathClear(counter *uint32) {
	m.pathDue = false
	m.emit(cash.PathClear{Counter: counter})
}

func (m *Machine) sendStack() {
	m.noteSent()
	pointStackBefore.Hit()
	m.hitAfterSend(pointStackAfter)
	m.request(cmdStack)
}

func (m *Machine) sendReturn() {
	m.noteSent()
	pointReturnBefore.Hit()
	m.hitAfterSend(pointReturnAfter)
	m.request(cmdReturn)
}

func (m *Machine) noteSent() {
	n := m.note
	n.sent++
	n.sentAt, n.refused, n.stillThere = m.now, false, false
	if n.deadline.IsZero() {
		n.deadline = m.now.Add(m.cfg.Outcome)
	}
}

// decisionDone: anything but ACK may still mean that the unit obeyed; the next
// POLL tells.
func (m *Machine) decisionDone(cmd byte, r result) {
	if r == resultAccepted {
		return
	}
	m.remark("%s was not acknowledged", commandNames[cmd])
	if m.note != nil {
		m.note.refused = true
	}
	m.link.unsure = true
}

func (m *Machine) sendHold() {
	m.note.hold = false
	m.request(cmdHold)
}

// holdDone: a unit that holds gives the till another stretch of time.
func (m *Machine) holdDone(r result) {
	switch {
	case r == resultIllegal:
		m.unit.noHold = true
		m.remark("the unit does not support HOLD")
	case r == resultAccepted && m.note != nil && m.note.phase == phaseEscrow:
		m.note.decideBy = m.now.Add(m.cfg.EscrowDecision)
	}
}
