package ccnet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// evidence is 81h or 82h, which the unit repeats until the host's ACK.
type evidence struct {
	id        cash.EventID
	code      byte // stateStacked or stateReturned
	typ       int
	confirmed bool // it is durable
	acked     bool // the ACK went out; whether it arrived shows later
}

// proven: the unit offers evidence. A repeat of the same is the same event
// (section 10.2, rule 4): it is acknowledged once it is durable, and never told
// twice.
func (m *Machine) proven(code byte, typ int, raw []byte) {
	if p := m.proof; p != nil && p.code == code && p.typ == typ {
		if p.confirmed {
			m.acknowledge()
		}
		return
	}
	p := &evidence{id: m.newID(), code: code, typ: typ}
	if ackBeforeWrite.Planted() && code == stateStacked {
		p.confirmed = true
	}
	m.proof = p
	m.note = nil
	m.way = true
	coupon := m.isCoupon(typ)
	switch {
	case coupon && code == stateStacked:
		m.emit(cash.CouponKept{ID: p.id, Raw: raw})
	case coupon:
		m.emit(cash.CouponReturned{ID: p.id, Raw: raw})
	case code == stateStacked:
		pointStackedEvent.Hit()
		m.emit(cash.Stacked{ID: p.id, Note: m.lookup(typ), Raw: raw})
	default:
		pointReturnedEvent.Hit()
		m.emit(cash.Returned{ID: p.id, Note: m.lookup(typ), Raw: raw})
	}
	if p.confirmed {
		m.acknowledge()
		return
	}
	m.ex.ackUntil = m.now.Add(m.cfg.AckWindow)
}

// acknowledge lets the unit forget.
func (m *Machine) acknowledge() {
	if m.proof.code == stateStacked {
		pointStackedAck.Hit()
		m.hitAfterSend(pointStackedAfterAck)
	} else {
		pointReturnedAck.Hit()
	}
	m.ex.ackUntil = time.Time{}
	m.proof.acked = true
	m.reply(ACK)
}

// confirm takes the till's word that evidence is durable. While the unit still
// waits for the answer the ACK goes out at once, else with the next repeat.
func (m *Machine) confirm(id cash.EventID) {
	if p := &m.rec.power; p.active && p.id == id {
		p.confirmed = true
	}
	p := m.proof
	if p == nil || p.id != id {
		return
	}
	p.confirmed = true
	if !m.ex.ackUntil.IsZero() && m.now.Before(m.ex.ackUntil) {
		m.acknowledge()
	}
}

// closeEvidence forgets evidence that another state has ended: the same bill
// type after that is another note. Coming up from power loss and standing in a
// fault end nothing, because a unit that did not hear our ACK offers the same
// note again after them (section 10.4). An ACK that never went out leaves the
// evidence open until a new note is on its way.
func (m *Machine) closeEvidence(z1 byte) {
	if m.proof == nil {
		return
	}
	switch z1 {
	case stateIdling, stateStacking, stateReturning, stateDisabled, stateRejecting, statePause, stateSuspected:
		if m.proof.acked {
			m.proof = nil
		}
	case stateAccepting, stateEscrow, stateHolding:
		m.proof = nil
	}
}
