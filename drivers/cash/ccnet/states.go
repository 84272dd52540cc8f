package ccnet

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Time in the answer BUSY (section 7).
const (
	busyUnit    = 100 * time.Millisecond
	busyDefault = time.Second // a recycler sends no time
)

// polled takes the answer to POLL: Z1 and, where the frame has it, Z2. The ACK
// goes out at once for everything but evidence.
func (m *Machine) polled(data, raw []byte) {
	z1, z2, hasZ2 := data[0], byte(0), len(data) > 1
	if hasZ2 {
		z2 = data[1]
	}
	common, known := commonState(z1)
	if !known || z1 == stateBusy {
		m.polledNothing(z1, z2, hasZ2)
		return
	}
	typ := cash.TypeUnknown
	if isBill(z1) && hasZ2 {
		typ = int(z2)
	}
	m.sayOnline(common, z1, typ)
	if m.contradicts(z1, typ) {
		m.contradiction(z1, typ)
		return
	}
	entered := m.setState(z1, z2, typ)
	m.show(common)
	m.closeEvidence(z1)
	m.leaveFault(z1)
	m.leavePower(z1)

	switch z1 {
	case stateStacked, stateReturned:
		m.proven(z1, typ, raw)
		return
	case stateEscrow, stateHolding:
		m.escrowed(typ, raw)
		return
	case stateStacking:
		m.moving(phaseStack)
		return
	case stateReturning:
		m.moving(phaseReturn)
		return
	}
	m.reply(ACK)
	switch z1 {
	case statePowerUp, statePowerUpValidator, statePowerUpStacker:
		m.powerUp(z1)
	case stateInitialize:
		m.initialising()
	case stateIdling, stateDisabled:
		if z1 == stateIdling {
			m.staysTries = 0
		}
		m.endWay()
	case stateAccepting:
		m.endWay()
		if m.pathDue {
			m.sayPathClear(nil)
		}
	case stateRejecting:
		if entered {
			reason, ok := rejectReasons[z2]
			if !ok {
				reason = "unknown"
			}
			m.emit(cash.Rejected{Reason: reason, Code: z2})
		}
	case stateSuspected:
		if entered {
			m.emit(cash.Rejected{Reason: suspectedReason, Code: z1})
		}
	case statePause:
		// Wait: the unit rejects both notes by itself, or goes on.
	default:
		m.faulted(z1, z2)
	}
}

func isBill(z1 byte) bool { return z1 == stateEscrow || z1 == stateStacked || z1 == stateReturned }

// polledNothing: the unit asks for patience, or says what nobody knows. Neither
// changes what it is taken to be doing.
func (m *Machine) polledNothing(z1, z2 byte, hasZ2 bool) {
	m.reply(ACK)
	if z1 == stateBusy {
		wait := busyDefault
		if hasZ2 {
			wait = time.Duration(z2) * busyUnit
		}
		m.link.busy = m.now.Add(wait)
		m.link.unsure = true
		if m.link.online {
			m.show(cash.StateBusy)
		}
	} else if !m.unknown[z1] {
		m.unknown[z1] = true
		m.remark("unknown state %02X", z1)
	}
	if !m.link.online && m.now.Sub(m.link.since) >= m.cfg.NonResponse {
		m.sayOnline(cash.StateBusy, z1, cash.TypeUnknown)
	}
}

func (m *Machine) sayOnline(found cash.State, z1 byte, typ int) {
	if m.link.online {
		return
	}
	m.link.online, m.link.offline = true, false
	e := cash.Online{Found: found, Position: powerUpPositions[z1]}
	if isBill(z1) {
		n := m.lookup(typ)
		e.Note = &n
	}
	m.emit(e)
}

// setState remembers what was polled and reports whether it is new.
func (m *Machine) setState(z1, z2 byte, typ int) (entered bool) {
	l := &m.link
	entered = l.state != z1 || l.data != z2
	if l.state == z1 {
		l.polls++
	} else {
		l.polls = 1
	}
	l.state, l.data, l.typ, l.at, l.unsure = z1, z2, typ, m.now, false
	return entered
}

// contradicts: another bill type inside 80h, 81h and 82h, or stacked after
// returned, with no state between. Evidence that was acknowledged is over: the note in
// escrow behind it is the next one, and a line that was held up has not shown the
// states between.
func (m *Machine) contradicts(z1 byte, typ int) bool {
	l := &m.link
	switch {
	case !isBill(z1):
		return false
	case m.contradicted():
		return true
	case !isBill(l.state), m.now.Sub(l.at) > stale, inEscrow(z1) && m.proof != nil && m.proof.acked:
		return false
	}
	outcomes := z1 != l.state && z1 != stateEscrow && l.state != stateEscrow
	return l.typ != typ || outcomes
}

func (m *Machine) contradicted() bool { return m.fault != nil && m.fault.clears == clearsOtherState }

// contradiction: what the unit says cannot be believed. Evidence stays with the
// unit, unacknowledged, until an operator has looked; a note in escrow goes back.
func (m *Machine) contradiction(z1 byte, typ int) {
	before, beforeTyp, at := m.link.state, m.link.typ, m.link.at
	m.setState(z1, byte(typ), typ)
	if m.contradicted() {
		if z1 == stateEscrow {
			m.reply(ACK)
			if m.note != nil {
				m.note.stillThere = m.note.sent > 0
			}
		}
		return
	}
	after := afterEscrow
	switch {
	case before == stateStacked:
		after = afterStack
	case before == stateReturned:
		after = afterReturn
	case m.note != nil:
		after = m.note.phase.word()
	}
	m.raise(fault{kind: cash.FaultProtocol, code: z1, clears: clearsOtherState},
		fmt.Sprintf("%02X type %d followed by %02X type %d within %d ms", before, beforeTyp, z1, typ, m.now.Sub(at).Milliseconds()))
	m.emit(cash.Unresolved{After: after, Trace: m.trace.Lines()})
	m.note = nil
	if z1 == stateEscrow {
		m.reply(ACK)
		m.way = true
		m.note = &note{typ: typ, phase: phaseReturn}
	}
}
