package escpos

import (
	"slices"
	"strings"
	"time"
)

// prepStep is where the preparation stands. It makes a printer of unknown state
// ready for a job; steps that have nothing to do are passed over.
type prepStep int

const (
	// stepClear drops what the printer holds of a spoiled job.
	stepClear prepStep = iota
	// stepInit fills up a band that was broken off, makes the settings and waits
	// for an answer in queue order: it obeys commands. If none comes it may be in
	// the middle of a picture: zeros, and once more.
	stepInit
	// stepIdentity asks who it is.
	stepIdentity
	// stepStub cuts off what is in the path.
	stepStub
)

// prep is a preparation under way.
type prep struct {
	step     prepStep
	flushed  bool // stepInit has sent zeros already
	kind     int  // index in identKinds
	deadline time.Time
}

var identKinds = []byte{identFirmware, identMaker, identModel, identSerial}

// needsPrep reports that a preparation is due, if the printer is fit.
func (m *Machine) needsPrep() bool {
	if m.job != nil && m.job.phase != phasePreparing {
		return false
	}
	return !m.set || !m.ident || m.dirty
}

// prepare starts a preparation that is due.
func (m *Machine) prepare() {
	if m.wanted {
		m.wanted = m.dirty
		m.prepAt = time.Time{}
	}
	if m.prep != nil || !m.needsPrep() || !m.poll.complete() || !m.refusedTo.IsZero() ||
		!m.seen.status(false).Fit() || m.job == nil && m.now.Before(m.prepAt) {
		return
	}
	m.prep = &prep{step: stepClear}
	if m.dirty {
		m.tx.urgent(m.p.ClearBuffer)
		m.prep.deadline = m.by(len(m.p.ClearBuffer), clearWait)
		return
	}
	m.prepInit()
}

// by is the time at which n more bytes are on the line, and then some.
func (m *Machine) by(n int, wait time.Duration) time.Time {
	at := m.now
	if m.tx.free.After(at) {
		at = m.tx.free
	}
	return at.Add(m.p.lineTime(n) + wait)
}

// enqueue adds to the program and sets the step's deadline.
func (m *Machine) enqueue(wait time.Duration, items ...item) {
	n := 0
	for _, it := range items {
		n += len(it.data)
	}
	m.tx.queue = append(m.tx.queue, items...)
	m.prep.deadline = m.by(n, wait)
}

func (m *Machine) prepInit() {
	m.prep.step = stepInit
	var items []item
	for owed := m.tx.owed; owed > 0; owed -= Ahead {
		items = append(items, item{kind: itemZeros, data: make([]byte, min(owed, Ahead))})
	}
	setup := slices.Concat(initialize(), motionUnits(byte(m.p.DPI)), alignLeft(), leftMargin(m.p.MarginLeft))
	if m.p.ASB {
		setup = append(setup, automaticStatus(asbUseful)...)
	} else {
		setup = append(setup, transmitPaper()...)
	}
	m.enqueue(initWait, append(items, item{kind: itemSetup, data: setup})...)
}

// prepObeyed: an answer in queue order has come.
func (m *Machine) prepObeyed() {
	if m.prep.step != stepInit || len(m.tx.queue) > 0 {
		return // of a change of status, before the command was sent
	}
	m.set = true
	m.prepIdentity()
}

func (m *Machine) prepIdentity() {
	m.prep.step = stepIdentity
	if m.ident {
		m.prepStub()
		return
	}
	m.enqueue(identWait, item{kind: itemSetup, data: identify(identKinds[m.prep.kind])})
}

// prepText takes in the answer to GS I. A text that did not come is empty.
func (m *Machine) prepText(text string) {
	if m.prep.step != stepIdentity || len(m.tx.queue) > 0 {
		return
	}
	text = printable(text)
	switch identKinds[m.prep.kind] {
	case identFirmware:
		m.identity.Firmware = text
	case identMaker:
		m.identity.Model = text
	case identModel:
		m.identity.Model = strings.TrimSpace(m.identity.Model + " " + text)
		if len(m.p.Models) > 0 && !slices.Contains(m.p.Models, text) {
			m.identity.Model = text
			m.refuse()
			return
		}
	case identSerial:
		m.identity.Serial = text
	}
	if m.prep.kind++; m.prep.kind < len(identKinds) {
		m.prepIdentity()
		return
	}
	m.ident = true
	m.prepStub()
}

func (m *Machine) prepStub() {
	m.prep.step = stepStub
	if !m.dirty {
		m.prepDone()
		return
	}
	var items []item
	if m.p.StubRows > 0 {
		items = append(items, item{kind: itemFeed, data: feed(m.p.StubRows), moves: m.p.StubRows})
	}
	m.tx.queue = append(items, ending(m.p, 0, m.p.StubRows)...)
	m.prep.deadline = time.Time{} // the barrier has its own
}

func (m *Machine) prepBarrier() {
	m.dirty = false
	m.prepDone()
}

func (m *Machine) prepDone() {
	m.prep, m.stuck, m.prepAt = nil, false, time.Time{}
}

// prepTimer acts on an answer that has not come.
func (m *Machine) prepTimer() {
	p := m.prep
	if p.deadline.IsZero() || m.now.Before(p.deadline) {
		return
	}
	if m.tx.xoff { // bounded by busyLimit
		p.deadline = m.now.Add(time.Second)
		return
	}
	switch {
	case p.step == stepClear:
		m.prepInit()
	case p.step == stepIdentity:
		m.prepText("")
	case p.flushed:
		m.prepFailed()
	default:
		p.flushed = true
		m.breakOff()
		m.tx.owed = max(m.tx.owed, m.p.FlushBytes)
		m.prepInit()
	}
}

// prepFailed: it answers polls and executes nothing.
func (m *Machine) prepFailed() {
	m.breakOff()
	m.prep, m.stuck, m.set = nil, true, false
	m.prepAt = m.now.Add(retryWait)
	if m.job != nil && m.job.phase == phasePreparing {
		m.spoil(CauseStuck)
	}
}

// prepAgain starts the preparation anew: what was done may be lost.
func (m *Machine) prepAgain() {
	if m.prep != nil {
		m.prep = nil
		m.breakOff()
	}
}

// printable keeps what a log may hold.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
}
