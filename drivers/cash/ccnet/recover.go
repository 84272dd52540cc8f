package ccnet

import (
	"encoding/binary"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// recovery is the way to Settled.
type recovery struct {
	settled bool
	power   powerUp
	readyBy time.Time // the unit is coming up and must be ready then
	tableAt time.Time // next attempt to read a table that could not be read
}

// powerUp is a power-up code and what was done about it.
type powerUp struct {
	active    bool
	position  cash.PowerUpPosition
	id        cash.EventID
	confirmed bool
	reset     bool // RESET was sent for it
	begun     bool // the unit has shown another state since
}

// beginRecovery: the unit is no longer settled. A full one, after a loss of link
// or power, forgets the note and reads the unit anew; evidence is kept.
func (m *Machine) beginRecovery(full bool) {
	m.rec.settled = false
	m.pathDue = false
	m.want = 0
	m.appliedKnown, m.verify = false, false
	m.enableTries, m.staysTries, m.verifyTries = 0, 0, 0
	m.unit.counterAt = time.Time{}
	clear(m.unit.failed)
	if full {
		m.note, m.way = nil, false
		m.rec.power = powerUp{}
		m.rec.readyBy = time.Time{}
		m.unit.identityRead, m.unit.tableRead, m.unit.crcRead, m.unit.releaseRead = false, false, false, false
		m.set = settings{}
	}
}

// zeroed: the unit has started, so its masks and settings are those it starts
// with (sections 6.1 and 6.4).
func (m *Machine) zeroed() {
	m.applied, m.appliedKnown = 0, true
	m.set = settings{securityKnown: true}
}

// powerUp: 10h, 11h or 12h.
func (m *Machine) powerUp(z1 byte) {
	m.zeroed()
	position := powerUpPositions[z1]
	p := &m.rec.power
	if p.active && !p.begun && p.position == position {
		return // the same, until it is reset
	}
	if position == cash.PowerUpEmpty && !m.resetAt.IsZero() && m.now.Sub(m.resetAt) < m.cfg.ResetSpacing {
		return // some units show 10h for seconds after RESET (section 12)
	}
	m.beginRecovery(true)
	m.zeroed()
	*p = powerUp{active: true, position: position, id: m.newID()}
	pointPowerUpEvent.Hit()
	m.emit(cash.PowerUp{ID: p.id, Position: position})
}

// leavePower notes that the unit has left its power-up code.
func (m *Machine) leavePower(z1 byte) {
	if _, up := powerUpPositions[z1]; up {
		return
	}
	m.rec.power.begun = true
	if starting(z1) {
		return
	}
	m.rec.readyBy = time.Time{}
	switch z1 {
	case stateStacked, stateReturned, stateRejecting, stateReturning, stateStacking:
		return // still on its way up
	}
	if _, faulty := faultKinds[z1]; !faulty {
		m.rec.power.active = false
	}
}

// initialising: 13h. A unit that was not reset by us comes up all the same.
func (m *Machine) initialising() {
	m.zeroed()
	if m.rec.settled {
		// It restarted too quickly for its power-up code to be polled.
		m.beginRecovery(true)
		m.zeroed()
	}
	if m.rec.readyBy.IsZero() && (m.fault == nil || m.fault.clears != clearsReady) {
		m.rec.readyBy = m.now.Add(m.cfg.Initialise)
	}
}

// resetDue reports whether RESET may and should be sent: for a power-up code that
// is durable, for a fault whose time has come, for an operator.
func (m *Machine) resetDue() bool {
	p, f := &m.rec.power, m.fault
	switch {
	case m.proof != nil && !m.proof.confirmed,
		m.proof != nil && m.link.polls < quietPolls && isBill(m.link.state), // has our ACK arrived?
		p.active && !p.confirmed,
		!m.resetAt.IsZero() && m.now.Sub(m.resetAt) < m.cfg.ResetSpacing:
		return false
	case m.wantReset:
		return true
	case f != nil && !f.resetAt.IsZero():
		return !m.now.Before(f.resetAt)
	}
	_, up := powerUpPositions[m.link.state]
	return up && p.active && (!p.reset || p.position != cash.PowerUpInStacker)
}

func (m *Machine) sendReset() {
	if m.rec.power.active {
		pointPowerUpReset.Hit()
		m.hitAfterSend(pointPowerUpAfter)
	}
	if m.fault != nil && !m.fault.resetAt.IsZero() {
		m.tries++
		m.scheduleReset()
	}
	m.wantReset = false
	m.resetAt = m.now
	m.set = settings{}
	m.beginRecovery(false)
	m.rec.power.reset = true
	m.rec.readyBy = m.now.Add(m.cfg.Initialise)
	if m.note != nil {
		m.note.phase = phaseLost
	}
	// Whatever is polled next, this was between.
	m.link.state, m.link.polls = stateNone, 0
	m.request(cmdReset)
}

// resetDone: a RESET that was not answered may have been heard all the same.
func (m *Machine) resetDone(r result) {
	if r == resultIllegal || r == resultRefused {
		m.rec.power.reset = false
		m.remark("RESET was refused")
	}
	m.link.unsure = true
}

// readDone takes an answer that tells about the unit.
func (m *Machine) readDone(cmd byte, r result, data []byte) {
	u := &m.unit
	if r != resultAccepted {
		u.failed[cmd]++
		m.notRead(cmd, r)
		return
	}
	u.failed[cmd] = 0
	switch cmd {
	case cmdIdentification:
		m.identified(data)
	case cmdGetBillTable:
		m.tabled(data)
	case cmdGetCRC32:
		u.crcRead = true
		u.identity.CRC = hex32(data)
		if old := m.mem.Identity; old.CRC != "" && old.Serial == u.identity.Serial && old.CRC != u.identity.CRC {
			m.remark("firmware of unit %q has changed", u.identity.Serial)
		}
		m.mem.Identity = u.identity
	case cmdGetDateOfRelease:
		u.releaseRead = true
		u.identity.Released = printable(data)
		m.mem.Identity = u.identity
	case cmdGetStackedCounter:
		m.counted(uint32(binary.BigEndian.Uint16(data)))
	}
}

// notRead decides whether an optional reading is beyond this unit. A counter that
// has been read before is not: it was refused in this state, or not heard.
func (m *Machine) notRead(cmd byte, r result) {
	u := &m.unit
	switch {
	case cmd == cmdGetBillTable && m.rec.settled:
		m.rec.tableAt = m.now.Add(tableRetry)
	case cmd == cmdGetStackedCounter && u.counter != nil:
		if r == resultIllegal && m.link.state == stateIdling {
			u.noIdleCounter = true
		}
	case cmd == cmdGetCRC32, cmd == cmdGetStackedCounter, cmd == cmdGetDateOfRelease:
		if r == resultIllegal || u.failed[cmd] >= optionalMax {
			m.setUnsupported(cmd)
		}
	}
}

func (m *Machine) identified(data []byte) {
	u := &m.unit
	id := ParseIdentity(data)
	if u.identity.Serial == id.Serial {
		id.CRC, id.Released = u.identity.CRC, u.identity.Released
	}
	if old := m.mem.Identity.Serial; old != "" && old != id.Serial {
		m.remark("another unit: %q in place of %q", id.Serial, old)
		// Its types must not be valued with the other's table.
		if !u.tableRead {
			u.table = cash.Table{}
		}
		u.noHold, u.noIdleCounter, u.counter = false, false, nil
	}
	u.identity, u.identityRead = id, true
	if m.mem.Identity.Serial != id.Serial {
		m.mem.Identity = id
	}
}

func (m *Machine) tabled(data []byte) {
	entries, err := ParseTable(data)
	if err != nil {
		m.remark("bill table: %v", err)
		m.unit.failed[cmdGetBillTable]++
		return
	}
	size := tableEntries
	m.unit.maskSize = maskBytes
	if len(data) > tableEntries*entryBytes {
		size, m.unit.maskSize = tableLong, maskBytesLong
	}
	t, refused := table(entries, size, m.cfg.Currencies)
	for _, r := range refused {
		m.remark("bill table: refused %s", r)
	}
	again := m.rec.settled
	m.unit.table, m.unit.tableRead = t, true
	if again {
		m.checkTable()
		m.want = m.allowed()
		m.saySettled()
	}
}

// checkTable: a unit without a usable table can be recovered, but takes nothing.
func (m *Machine) checkTable() {
	usable := false
	for _, n := range m.unit.table.Notes {
		usable = usable || m.cfg.permits(n.Value)
	}
	if m.unit.tableRead && usable {
		if m.fault != nil {
			m.clearFault()
		}
		return
	}
	detail := "the unit does not tell its bill table"
	if m.unit.tableRead {
		detail = "no note of " + string(m.cfg.Currency) + " in the unit's bill table"
	}
	m.rec.tableAt = m.now.Add(tableRetry)
	m.raise(fault{kind: cash.FaultTable, clears: clearsTable}, detail)
}

// counted takes the unit's own count of stacked notes. One that moved while no
// note was on its way is told by another Settled: a note went past us.
func (m *Machine) counted(n uint32) {
	u := &m.unit
	moved := u.counter != nil && *u.counter != n && !u.counterAt.IsZero()
	u.counter, u.counterAt = &n, m.now
	if m.rec.settled && !m.pathDue && moved {
		m.remark("counter of stacked notes is %d without a note", n)
		m.saySettled()
	}
}

// conclude says what has become true: a way has ended, the unit is settled.
func (m *Machine) conclude() {
	if !m.link.online || m.link.unsure || m.ex.cmd != noCommand {
		return
	}
	z1 := m.link.state
	if m.rec.settled {
		if m.pathDue && (z1 == stateIdling || z1 == stateDisabled) && !m.wantsCounter() {
			m.sayPathClear(m.freshCounter())
		}
		return
	}
	if m.fault != nil && m.fault.clears != clearsTable {
		return
	}
	if z1 != stateDisabled || m.link.polls < quietPolls || !m.disabledForSure() || !m.readsDone() || m.nextSetting() != nil ||
		m.proof != nil && !m.proof.confirmed {
		return
	}
	m.proof, m.note, m.way = nil, nil, false
	m.tries = 0
	m.rec.settled = true
	m.rec.power = powerUp{}
	m.want = m.allowed()
	m.checkTable()
	pointSettledEvent.Hit()
	m.saySettled()
}

func (m *Machine) saySettled() {
	m.emit(cash.Settled{Identity: m.unit.identity, Table: m.unit.table, Counter: m.freshCounter()})
}

// freshCounter is the counter if it was read since the last note; else nil.
func (m *Machine) freshCounter() *uint32 {
	if m.unit.counter == nil || m.unit.counterAt.IsZero() {
		return nil
	}
	n := *m.unit.counter
	return &n
}
