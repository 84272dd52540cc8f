package escpos

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Machine is the driver as a pure state machine; see the package comment. It is
// not safe for concurrent use.
type Machine struct {
	p   Profile
	now time.Time
	out line.Output[printer.Event]

	up      bool // the port is open
	rx      classifier
	tx      sender
	poll    poller
	seen    condition // by the latest answer of either kind
	byASB   condition // by the last automatic status
	hasASB  bool
	differs [eotLast + 1]time.Time // since when a poll and byASB differ

	standing  standing
	told      printer.Status // last StatusChanged
	identity  printer.Identity
	ident     bool      // identity was asked and fits
	refusedTo time.Time // the identity did not fit; ask again then

	set     bool // ESC @ and what follows it were done since the last power-up
	dirty   bool // something of a job or from before the start may be in the path
	stuck   bool // preparation failed: it executes nothing
	prep    *prep
	prepAt  time.Time // no preparation before this
	wanted  bool      // Clear was told
	job     *job
	barrier *barrier
	id      int // of the last GS ( H
}

// standing is what the room was told last of the link.
type standing int

const (
	standingUntold standing = iota
	standingOnline
	standingOffline
)

// barrier is the one command whose answer is awaited.
type barrier struct {
	id       int // of level A
	rows     int
	last     bool
	sent     bool      // its last byte has been given to the line
	deadline time.Time // once sent
	wait     time.Duration
	heard    time.Time // level C: an answer that silence must still confirm
	shorts   int       // level C: bytes since then that look like one
}

// New makes a machine for a printer of the profile. The profile must have passed
// Check.
func New(p Profile) *Machine {
	return &Machine{p: p, tx: sender{p: p}, dirty: true}
}

// Stats counts the bytes that came in.
func (m *Machine) Stats() Stats { return m.rx.stats }

var _ line.Protocol[printer.Command, printer.Event] = (*Machine)(nil)

// Step takes in what happened and answers with what to do. It never sends more
// than Ahead bytes.
func (m *Machine) Step(now time.Time, in line.Input[printer.Command]) line.Output[printer.Event] {
	m.now = now
	m.out = line.Output[printer.Event]{}
	switch in.Link {
	case line.LinkUp:
		m.linkUp()
	case line.LinkDown:
		m.linkDown(in.Cause)
	}
	if m.up {
		for _, b := range in.Received {
			m.rx.next(now, b, m.hear)
		}
	}
	for _, c := range in.Commands {
		m.command(c)
	}
	m.timers()
	m.decide()
	m.pump()
	m.out.Wake = m.wake()
	out := m.out
	m.out = line.Output[printer.Event]{}
	return out
}

func (m *Machine) emit(ev printer.Event) { m.out.Events = append(m.out.Events, ev) }

func (m *Machine) linkUp() {
	m.up = false
	m.abort(CauseLink)
	m.up = true
	m.rx.reset()
	m.tx = sender{p: m.p, owed: m.tx.owed}
	m.poll = poller{next: m.now, urgent: true}
	m.forget()
}

func (m *Machine) linkDown(cause string) {
	m.up = false
	m.rx.reset()
	text := CauseLink
	if cause != "" {
		text += ": " + cause
	}
	m.goOffline(text)
	m.tx = sender{p: m.p, owed: m.tx.owed}
}

// forget drops what is only true of the printer that answered before.
func (m *Machine) forget() {
	m.set, m.ident, m.stuck = false, false, false
	m.identity = printer.Identity{}
	m.hasASB, m.differs = false, [eotLast + 1]time.Time{}
	m.refusedTo, m.prepAt = time.Time{}, time.Time{}
}

// goOffline ends everything that needs an answering printer.
func (m *Machine) goOffline(cause string) {
	m.abort(cause)
	m.forget()
	m.poll.urgent, m.poll.fresh = true, 0
	if m.standing != standingOffline {
		m.standing = standingOffline
		m.emit(printer.Offline{Cause: cause})
	}
}

// abort ends the preparation and the job, if there are any.
func (m *Machine) abort(cause string) {
	m.prepAgain()
	m.breakOff()
	if m.job != nil {
		m.spoil(cause)
	}
}

// hear acts on one thing the printer said.
func (m *Machine) hear(a answer) {
	m.poll.heard = true
	switch a.kind {
	case answerXOFF:
		if !m.tx.xoff {
			m.tx.xoff, m.tx.xoffSince = true, m.now
		}
	case answerXON:
		if m.tx.xoff {
			m.tx.xoff = false
		} else {
			m.lostPower(CausePower)
		}
	case answerRealtime:
		m.polled(a.data[0])
	case answerAutomatic:
		m.seen.automatic(a.data)
		if m.hasASB && m.prep == nil {
			// It would say nothing by itself if it had started anew.
			m.poll.alive = later(m.poll.alive, m.now.Add(-pollTimeout))
		}
		m.byASB, m.hasASB = m.seen, true
		m.differs = [eotLast + 1]time.Time{}
		if m.prep != nil && m.p.ASB {
			m.prepObeyed()
		}
	case answerShort:
		m.short()
	case answerData:
		m.data(a.data)
	case answerText:
		if m.prep != nil {
			m.prepText(string(a.data))
		}
	case answerNoise:
		m.noise(len(a.data))
	}
}

// noise counts bytes that mean nothing; too many, and the line is opened anew.
func (m *Machine) noise(n int) {
	m.poll.noise += n
	if m.poll.noise >= noiseLimit {
		m.poll.noise = 0
		m.goOffline(CauseNoise)
		m.up = false
		m.out.Reopen = true
	}
}

// short takes in an answer that may be GS r's. A piece of a broken automatic
// status looks the same, so it counts only when silence follows.
func (m *Machine) short() {
	b := m.barrier
	switch {
	case b == nil || !b.sent || m.p.Barrier != printer.LevelC:
		if m.prep != nil && !m.p.ASB {
			m.prepObeyed()
		}
	default:
		b.heard = m.now
		b.shorts++
	}
}

// shortEnded: silence has followed.
func (m *Machine) shortEnded(b *barrier) {
	n := b.shorts
	b.heard, b.shorts = time.Time{}, 0
	if n == 1 {
		m.confirmed()
	} else {
		m.noise(n)
	}
}

func (m *Machine) data(d []byte) {
	switch d[0] {
	case dataProcessID:
		m.processed(string(d[1:]))
	case dataCleared:
		if m.prep != nil && m.prep.step == stepClear {
			m.prepInit()
		}
	}
}

// processed takes in the answer to GS ( H. An id that was not asked for while a
// job is sent means that the one before it is missing.
func (m *Machine) processed(id string) {
	b := m.barrier
	switch {
	case m.p.Barrier != printer.LevelA:
	case b != nil && b.sent && id == string(digits4(b.id)):
		m.confirmed()
	case m.job != nil && m.job.begun():
		m.spoil(CauseSkipped)
	}
}

// confirmed: the printer has done all up to the outstanding barrier.
func (m *Machine) confirmed() {
	b := m.barrier
	m.barrier = nil
	switch {
	case m.prep == nil:
		m.jobConfirmed(b)
	case b.last:
		m.prepBarrier()
	}
}

// lostPower acts on a sign that the printer has started anew: nothing it was
// told before can be relied on.
func (m *Machine) lostPower(cause string) {
	m.set, m.hasASB = false, false
	m.differs = [eotLast + 1]time.Time{}
	m.prepAgain()
	if m.job != nil && m.job.phase >= phaseReady {
		m.spoil(cause)
	}
	m.poll.ask()
}

// command acts on what the room tells.
func (m *Machine) command(c printer.Command) {
	switch c := c.(type) {
	case printer.Print:
		m.print(c.Job)
	case printer.Begin:
		m.begin(c.JobID)
	case printer.Clear:
		m.wanted = true
		if m.up && m.job == nil && (m.seen.cutter || m.seen.mechanical) {
			m.tx.urgent(m.p.Recover)
		}
		m.poll.ask()
	}
}

// decide moves on whatever waits for the printer's condition.
func (m *Machine) decide() {
	if !m.up {
		m.wanted = false
		return
	}
	m.judge()
	m.prepare()
	m.greet()
	m.report()
}

// greet tells that the printer answers: at once if it is not fit (it would not
// say who it is), else when its identity is known.
func (m *Machine) greet() {
	if m.standing == standingOnline || !m.poll.complete() || !m.refusedTo.IsZero() {
		return
	}
	if m.ident || m.stuck || !m.seen.status(false).Fit() {
		m.standing = standingOnline
		m.emit(printer.Online{Identity: m.identity})
		m.told = printer.Status{}
	}
}

// report tells the room what has changed.
func (m *Machine) report() {
	if m.standing != standingOnline {
		return
	}
	if s := m.seen.status(m.stuck); s != m.told {
		m.told = s
		m.emit(printer.StatusChanged{Status: s})
	}
}

// timers acts on time that has passed.
func (m *Machine) timers() {
	if !m.up {
		return
	}
	m.rx.expire(m.now, m.hear)
	if !m.up { // noise
		return
	}
	m.pollTimer()
	if b := m.barrier; b != nil && b.sent {
		switch {
		case !b.heard.IsZero() && m.now.Sub(b.heard) >= shortQuiet:
			m.shortEnded(b)
		case b.heard.IsZero() && !m.now.Before(b.deadline):
			m.barrierLate(b)
		}
	}
	if m.tx.xoff && m.now.Sub(m.tx.xoffSince) >= busyLimit {
		m.tx.xoff = false // the XON was lost, or the printer is stuck
		m.abort(CauseHeld)
	}
	if m.prep != nil {
		m.prepTimer()
	}
	if m.job != nil {
		m.jobTimer()
	}
	if !m.refusedTo.IsZero() && !m.now.Before(m.refusedTo) {
		m.refusedTo = time.Time{}
	}
}

// barrierLate: a held or hot printer is given more time, within the job's limit.
func (m *Machine) barrierLate(b *barrier) {
	if m.tx.xoff || m.seen.selfClearing {
		b.deadline = m.now.Add(time.Second)
		return
	}
	m.barrier = nil
	switch {
	case m.prep != nil:
		m.prepFailed()
	case m.job != nil:
		m.spoil(CauseLate)
	}
}

// wake is the time of the next thing that time alone makes due.
func (m *Machine) wake() time.Time {
	if !m.up {
		return time.Time{}
	}
	var at time.Time
	due := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	due(m.rx.due())
	due(m.tx.due(m.now))
	if m.poll.asked != 0 {
		due(m.poll.deadline)
	} else if m.tx.between() {
		due(m.poll.next)
	}
	if b := m.barrier; b != nil && b.sent {
		if b.heard.IsZero() {
			due(b.deadline)
		} else {
			due(b.heard.Add(shortQuiet))
		}
	}
	if m.tx.xoff {
		due(m.tx.xoffSince.Add(busyLimit))
	}
	if m.prep != nil {
		due(m.prep.deadline)
	} else if m.needsPrep() && m.prepAt.After(m.now) {
		due(m.prepAt)
	}
	if m.job != nil {
		due(m.job.due())
	}
	due(m.refusedTo)
	if !at.IsZero() && !at.After(m.now) {
		at = m.now.Add(time.Millisecond)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextID is the next id of GS ( H: 0001 to 9999, rising.
func (m *Machine) nextID() int {
	m.id = m.id%9999 + 1
	return m.id
}

// refuse: the printer is not what the profile is for.
func (m *Machine) refuse() {
	m.goOffline(fmt.Sprintf("%s: %q", CauseIdentity, m.identity.Model))
	m.refusedTo = m.now.Add(retryWait)
}
