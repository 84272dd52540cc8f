package ccnet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

const (
	// stackRepeat and returnRepeat are how long a unit that took the command may
	// go on showing the note in escrow before it is told once more.
	stackRepeat  = 2 * time.Second
	returnRepeat = time.Second
	// counterFresh is the age up to which the counter needs no new reading before
	// the unit is enabled.
	counterFresh = 2 * time.Second
	// enableSettle is how long a unit may take to show that it was enabled or
	// disabled before it is told again.
	enableSettle = time.Second
	// enableMax is how often enabling is tried until it is a fault.
	enableMax = 3
	// readMax is how often identity and table are asked for; optional readings
	// that stay unanswered optionalMax times are taken to be unsupported.
	readMax     = 3
	optionalMax = 2
	// tableRetry is the pause until a table that could not be read is asked for
	// again.
	tableRetry = time.Minute
	// quietPolls of UNIT DISABLED make a unit settled: the first, and two further
	// ones without a late 81h (section 10.4, note a).
	quietPolls = 3
)

// plan sends the next request, if the line is free.
func (m *Machine) plan() {
	if m.now.Before(m.ex.freeAt) || m.now.Before(m.link.busy) {
		return
	}
	if m.ex.again {
		m.transmit()
		return
	}
	due := !m.now.Before(m.link.pollAt)
	if m.mayCommand() && !(due && m.commandLast) {
		if send := m.nextCommand(); send != nil {
			m.commandLast = true
			send()
			return
		}
	}
	if due {
		m.poll()
	}
}

func (m *Machine) poll() {
	m.commandLast = false
	period := m.cfg.PollPeriod
	if !m.link.online && m.link.offline {
		period = m.cfg.OfflinePeriod
	}
	m.link.pollAt = m.now.Add(period)
	m.request(cmdPoll)
}

// mayCommand reports whether the unit's state is known well enough for anything
// but a POLL.
func (m *Machine) mayCommand() bool {
	return m.link.online && m.link.state != stateNone && !m.link.unsure && m.now.Sub(m.link.at) <= stale
}

// nextCommand is what should be sent now besides POLL; nil for nothing. It
// changes nothing: what it returns does.
func (m *Machine) nextCommand() func() {
	if m.resetDue() {
		return m.sendReset
	}
	if !m.rec.settled && !m.disabledForSure() && !starting(m.link.state) {
		return func() { m.sendEnable(0) }
	}
	if f := m.nextDecision(); f != nil {
		return f
	}
	if cmd := m.nextRead(); cmd != noCommand {
		return func() { m.request(cmd) }
	}
	if f := m.nextSetting(); f != nil {
		return f
	}
	if m.rec.settled {
		return m.nextEnable()
	}
	return nil
}

func (m *Machine) disabledForSure() bool { return m.appliedKnown && m.applied == 0 }

// starting: the unit has not finished coming up, and its masks are zero anyway.
func starting(z1 byte) bool {
	_, up := powerUpPositions[z1]
	return up || z1 == stateInitialize
}

// inEscrow: the two states in which STACK, RETURN and HOLD are allowed.
func inEscrow(z1 byte) bool { return z1 == stateEscrow || z1 == stateHolding }

// inFlight: a note is past the point where the unit could be told to leave it.
func inFlight(z1 byte) bool {
	switch z1 {
	case stateEscrow, stateHolding, stateStacking, stateReturning, stateStacked, stateReturned:
		return true
	}
	return false
}

// nextDecision sends what was decided about the note.
func (m *Machine) nextDecision() func() {
	n := m.note
	if n == nil || !inEscrow(m.link.state) {
		return nil
	}
	switch n.phase {
	case phaseEscrow:
		if n.coupon && !n.told {
			return m.readCoupon
		}
		if n.hold && !m.unit.noHold {
			return m.sendHold
		}
	case phaseStack:
		waited := n.refused || m.now.Sub(n.sentAt) >= stackRepeat
		if n.sent == 0 || n.sent == 1 && n.stillThere && waited {
			return m.sendStack
		}
	case phaseReturn:
		waited := n.refused || m.now.Sub(n.sentAt) >= returnRepeat
		if n.sent == 0 || n.stillThere && waited {
			return m.sendReturn
		}
	}
	return nil
}

// nextRead is the next reading that the present state allows (section 6).
func (m *Machine) nextRead() byte {
	z1, u := m.link.state, &m.unit
	if m.rec.settled {
		if z1 != stateDisabled && z1 != stateIdling {
			return noCommand
		}
		if m.pathDue && m.wantsCounter() {
			return cmdGetStackedCounter
		}
		if z1 == stateDisabled && !u.tableRead && !m.rec.tableAt.IsZero() && !m.now.Before(m.rec.tableAt) {
			return cmdGetBillTable
		}
		return noCommand
	}
	if z1 != stateDisabled && z1 != stateInitialize || m.proof != nil && !m.proof.confirmed {
		return noCommand
	}
	limit := readMax
	if z1 == stateInitialize {
		limit = 1 // some units do not answer before they are up
	}
	switch {
	case !u.identityRead && u.failed[cmdIdentification] < limit:
		return cmdIdentification
	case !u.tableRead && u.failed[cmdGetBillTable] < limit:
		return cmdGetBillTable
	case z1 != stateDisabled:
		return noCommand
	case !u.crcRead && !m.unsupportedBy(cmdGetCRC32):
		return cmdGetCRC32
	case !u.releaseRead && !m.unsupportedBy(cmdGetDateOfRelease):
		return cmdGetDateOfRelease
	case m.link.polls >= quietPolls && m.wantsCounter():
		return cmdGetStackedCounter
	}
	return noCommand
}

// wantsCounter: the counter is to be read and can be.
func (m *Machine) wantsCounter() bool {
	u := &m.unit
	return u.counterAt.IsZero() && !m.unsupportedBy(cmdGetStackedCounter) &&
		u.failed[cmdGetStackedCounter] < optionalMax && !(u.noIdleCounter && m.link.state == stateIdling)
}

// readsDone: everything that can be known of the unit is known.
func (m *Machine) readsDone() bool {
	u := &m.unit
	return (u.identityRead || u.failed[cmdIdentification] >= readMax) &&
		(u.tableRead || u.failed[cmdGetBillTable] >= readMax) &&
		(u.crcRead || m.unsupportedBy(cmdGetCRC32)) &&
		(u.releaseRead || m.unsupportedBy(cmdGetDateOfRelease)) &&
		!m.wantsCounter()
}

// nextEnable brings the unit's masks to what the till wants. It leaves a note in
// flight alone.
func (m *Machine) nextEnable() func() {
	z1 := m.link.state
	if inFlight(z1) || starting(z1) || m.pathDue {
		return nil
	}
	if m.want != 0 {
		if f := m.nextSecurity(); f != nil {
			return f
		}
	}
	target := m.takeable()
	if m.want != 0 && target == 0 {
		return m.cannotServe
	}
	waited := m.now.Sub(m.enableAt) >= enableSettle && m.link.polls >= quietPolls
	if target == 0 {
		if !m.disabledForSure() || z1 == stateIdling && waited {
			return func() { m.sendEnable(0) }
		}
		return nil
	}
	if m.appliedKnown && m.applied == target && z1 == stateDisabled && waited && !m.verify {
		return func() { m.enableStays(target) }
	}
	if !m.appliedKnown || m.applied != target {
		if z1 == stateDisabled && m.counterStale() {
			return func() { m.request(cmdGetStackedCounter) }
		}
		return func() { m.sendEnable(target) }
	}
	if m.verify {
		return func() { m.request(cmdGetStatus) }
	}
	return nil
}

// counterStale: the witness must be heard again before the unit is enabled.
func (m *Machine) counterStale() bool {
	return !m.unsupportedBy(cmdGetStackedCounter) && m.unit.failed[cmdGetStackedCounter] < optionalMax &&
		m.now.Sub(m.unit.counterAt) > counterFresh
}

func (m *Machine) sendEnable(mask Mask) {
	pointEnableBefore.Hit()
	m.enabling, m.enableAt = mask, m.now
	p := enablePayload(mask, m.unit.maskSize)
	m.request(p[0], p[1:]...)
}

// enableStays: the unit took the masks and is disabled all the same. It is told
// again a few times.
func (m *Machine) enableStays(target Mask) {
	m.staysTries++
	if m.staysTries > enableMax {
		m.raise(fault{kind: cash.FaultProtocol, clears: clearsRestart}, "the unit stays disabled")
		return
	}
	m.sendEnable(target)
}

func (m *Machine) enableDone(r result) {
	if r == resultAccepted {
		m.applied, m.appliedKnown = m.enabling, true
		m.verify, m.verifyTries = m.enabling != 0, 0
		return
	}
	m.appliedKnown = false
	if m.enabling != 0 && r != resultSilent {
		m.enableRefused("the unit refuses to be enabled")
	}
}

// statusDone compares what the unit says it takes with what it was told.
func (m *Machine) statusDone(r result, data []byte) {
	s, ok := ParseStatus(data)
	m.securityTold(r == resultAccepted && ok, r == resultIllegal, s.HighSecurity)
	switch {
	case r == resultIllegal:
		m.verify = false // it cannot say; the escrow rules guard every note anyway
	case r != resultAccepted || !ok:
		if m.verifyTries++; m.verifyTries >= readMax {
			m.verify = false
			m.remark("GET STATUS is not answered: enabled types are not verified")
		}
	case !m.verify:
		// It was asked for its security alone.
	case (s.Enabled^m.applied)&^couponMask != 0:
		m.verify, m.appliedKnown = false, false
		m.enableRefused("the unit takes other types than it was told")
	default:
		m.verify, m.enableTries = false, 0
	}
}

// enableRefused counts; at enableMax the unit is out of order until an operator
// resets it.
func (m *Machine) enableRefused(why string) {
	m.enableTries++
	m.remark("%s (attempt %d)", why, m.enableTries)
	if m.enableTries == enableMax {
		m.raise(fault{kind: cash.FaultProtocol, clears: clearsRestart}, why)
	}
}
