package ccnet

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// clears says what ends a fault.
type clears int

const (
	clearsState      clears = iota // the unit names a state that is no fault
	clearsOtherState               // it names one that is not 80h, 81h or 82h
	clearsReady                    // it has come up
	clearsTable                    // its table could be read
	clearsRestart                  // it starts anew
)

type fault struct {
	kind    cash.FaultKind
	code    byte // Z1
	data    byte // Z2
	clears  clears
	resetAt time.Time // of the next RESET; zero for none
}

// raise begins a fault and says so.
func (m *Machine) raise(f fault, detail string) {
	code := f.code
	if f.kind == cash.FaultDevice {
		code = f.data
	}
	told := m.fault != nil && m.fault.kind == f.kind && m.fault.clears == f.clears && f.clears != clearsState
	if f.kind != cash.FaultTable {
		m.beginRecovery(false)
	}
	m.fault = &f
	m.scheduleReset()
	if told {
		return
	}
	m.emit(cash.Fault{Kind: f.kind, Code: code, Detail: detail, Trace: m.trace.Lines()})
}

// faulted: 41h to 45h, 47h and 90h.
func (m *Machine) faulted(z1, z2 byte) {
	if f := m.fault; f != nil && f.clears == clearsState && f.code == z1 && f.data == z2 {
		return
	}
	detail := ""
	if z1 == stateFailure {
		text, ok := failureCodes[z2]
		if !ok {
			text = "part not listed"
		}
		detail = fmt.Sprintf("%s (%02X)", text, z2)
	}
	m.raise(fault{kind: faultKinds[z1], code: z1, data: z2, clears: clearsState}, detail)
}

// leaveFault ends a fault that the polled state ends.
func (m *Machine) leaveFault(z1 byte) {
	if m.fault == nil {
		return
	}
	_, faulty := faultKinds[z1]
	switch m.fault.clears {
	case clearsState:
		if !faulty {
			m.clearFault()
		}
	case clearsOtherState:
		if !isBill(z1) {
			m.clearFault()
		}
	case clearsReady:
		if !starting(z1) {
			m.clearFault()
		}
	case clearsRestart:
		if starting(z1) {
			m.clearFault()
		}
	}
}

func (m *Machine) clearFault() {
	m.fault = nil
	m.emit(cash.FaultCleared{})
}

// scheduleReset sets when the unit is reset for the present fault, if ever.
func (m *Machine) scheduleReset() {
	f, spacing := m.fault, time.Duration(0)
	f.resetAt = time.Time{}
	// Between 12h and the 81h that it owes, a unit is reset once only, and has all
	// its time. One that still says 12h has not begun.
	owing := m.rec.power.active && m.rec.power.position == cash.PowerUpInStacker && m.rec.power.begun
	switch f.kind {
	case cash.FaultCassetteRemoved, cash.FaultCounterfeit, cash.FaultProtocol, cash.FaultTable:
		return
	case cash.FaultUnresponsive:
		if owing {
			return
		}
	default:
		if owing {
			spacing = m.cfg.Initialise
		}
	}
	if m.tries < len(m.cfg.FaultResets) {
		f.resetAt = latest(m.now.Add(m.cfg.FaultResets[m.tries]), m.resetAt.Add(spacing))
	}
}

// deadlines acts on what has taken too long.
func (m *Machine) deadlines() {
	if !m.link.up {
		return
	}
	m.silence()
	if !m.link.online {
		return
	}
	if n := m.note; n != nil {
		switch n.phase {
		case phaseEscrow:
			if !m.now.Before(n.decideBy) {
				m.remark("no decision in time: the note is returned")
				n.decide(phaseReturn)
			}
		case phaseStack, phaseReturn:
			if !n.deadline.IsZero() && !m.now.Before(n.deadline) {
				m.unresolved(n)
			}
		}
	}
	if t := m.rec.readyBy; !t.IsZero() && !m.now.Before(t) {
		m.rec.readyBy = time.Time{}
		m.raise(fault{kind: cash.FaultUnresponsive, code: m.link.state, clears: clearsReady},
			fmt.Sprintf("not ready %s after it began to start", m.cfg.Initialise))
	}
}

// silence watches for a unit that does not answer.
func (m *Machine) silence() {
	l := &m.link
	quiet := m.now.Sub(latest(l.valid, l.busy))
	if quiet >= m.cfg.NonResponse {
		m.goOffline(fmt.Sprintf("no answer for %s", m.cfg.NonResponse))
		if !m.now.Before(l.reopenAt) {
			next := m.cfg.ReopenPeriod
			if m.cfg.Probe > 0 {
				next = m.cfg.Probe
			}
			m.reopen(next)
			return
		}
	}
	if m.cfg.Probe > 0 && !l.heard && m.now.Sub(l.since) >= m.cfg.Probe {
		m.reopen(m.cfg.Probe)
	}
}
