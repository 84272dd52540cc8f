package escpos

import "time"

// poller asks for the status in real time, DLE EOT 1 to 4 in turn, one request
// at a time.
type poller struct {
	asked    byte      // n of the request that is out; 0: none
	at       time.Time // when it was on the line
	deadline time.Time
	next     time.Time // no request before this
	last     byte      // n that was answered last
	heard    bool      // something came since the request
	misses   int
	noise    int // bytes without meaning since the last answer

	// alive: at this time the printer was known to be the same as before. If it
	// has started anew, then after that.
	alive time.Time

	urgent bool  // ask all four, one after another
	fresh  uint8 // bit n: answered since the last call of ask
}

const freshAll = 1<<eotPrinter | 1<<eotOffline | 1<<eotError | 1<<eotPaper

// ask starts a fresh round of all four.
func (p *poller) ask() {
	p.urgent, p.fresh = true, 0
	if p.asked == 0 {
		p.next = time.Time{}
	}
}

// complete reports whether all four were answered since ask.
func (p *poller) complete() bool { return p.fresh == freshAll }

// which is the n of the next request. After a miss it is the same again, so that
// a late answer is not taken for that of another.
func (p *poller) which() byte { return p.last%eotLast + eotFirst }

func (p *poller) sent(at time.Time) {
	p.asked, p.at, p.deadline, p.heard = p.which(), at, at.Add(pollTimeout), false
}

// polled takes in the answer to DLE EOT n.
func (m *Machine) polled(b byte) {
	p := &m.poll
	n := p.asked
	if n == 0 {
		return // late, or to a request that the printer saw in a picture
	}
	p.asked, p.last, p.noise = 0, n, 0
	p.fresh |= 1 << n
	if p.complete() {
		p.urgent = false
	}
	m.seen.realtime(m.p, n, b)
	m.compareASB(n)
	if p.next = p.at.Add(m.pollEvery()); p.misses > 0 {
		p.misses = 0
		p.next = m.now.Add(pollTimeout) // a late answer to the first request passes by
	}
	from := p.alive
	p.alive = p.at
	if p.at.Sub(from) > m.p.Restart && m.exposed(from) {
		m.lostPower(CauseUnwatched)
	}
}

// exposed reports that a loss of power at or after that time could make a later
// barrier be answered for rows that are not on paper: not all had been sent.
func (m *Machine) exposed(from time.Time) bool {
	j := m.job
	return j != nil && j.phase > phasePreflight && (j.sentAt.IsZero() || from.Before(j.sentAt))
}

// pollEvery is the time from one request to the next.
func (m *Machine) pollEvery() time.Duration {
	switch {
	case m.poll.urgent:
		return 0
	case m.job != nil:
		return pollJob
	}
	return pollIdle
}

// pollTimer acts on a request that was not answered.
func (m *Machine) pollTimer() {
	p := &m.poll
	if p.asked == 0 || m.now.Before(p.deadline) {
		return
	}
	silent := !p.heard
	p.asked = 0
	p.misses++
	p.next = m.now
	switch {
	case p.misses >= pollMisses:
		m.goOffline(CauseSilent)
		p.next = m.now.Add(pollIdle - pollTimeout)
	case silent && (m.job == nil || m.exposed(p.at)):
		// While bytes are still to come, silence is the only sign of a short loss
		// of power.
		m.lostPower(CausePower)
		p.next = m.now
	}
}

// compareASB watches whether the automatic status still says what the polls say.
func (m *Machine) compareASB(n byte) {
	if !m.p.ASB || !m.hasASB {
		return
	}
	switch {
	case m.seen.same(m.byASB, n):
		m.differs[n] = time.Time{}
	case m.differs[n].IsZero():
		m.differs[n] = m.now
	case m.now.Sub(m.differs[n]) >= silentASB:
		m.lostPower(CauseASB)
	}
}
