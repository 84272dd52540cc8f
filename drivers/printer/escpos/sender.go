package escpos

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// sender is the way out: a program of items, paced by the clock. Between two
// items, and only there, a poll may go out.
type sender struct {
	p     Profile
	queue []item
	sent  int       // bytes of queue[0] that are out
	free  time.Time // when the line can have carried all that was sent
	front []byte    // goes before anything else
	held  []load    // what the printer has not done yet, as far as its slowest paper tells

	xoff      bool
	xoffSince time.Time

	// owed are the bytes that a band which was broken off still lacks: the
	// printer takes whatever comes for them.
	owed int
}

// room is how many bytes may be sent now.
func (s *sender) room(now time.Time) int {
	ahead := s.free.Sub(now)
	if ahead <= 0 {
		return s.p.ahead()
	}
	if ahead > time.Minute {
		return 0
	}
	return max(0, s.p.ahead()-int((int64(ahead)*int64(s.p.Speed)+int64(time.Second)-1)/int64(time.Second)))
}

// load is an item in the printer's buffer: it is taken out of it evenly from begin to
// end, while it moves the paper.
type load struct {
	bytes      int
	begin, end time.Time
}

// fits is when n bytes more have room in the printer's buffer; not after now for at
// once. XOFF says the same, and too late: at 128 free bytes, when as many are on their
// way as may be ahead of the line. Who has no cable for it loses a piece of the picture
// and still answers the barrier.
func (s *sender) fits(now time.Time, n int) time.Time {
	for len(s.held) > 0 && !s.held[0].end.After(now) {
		s.held = s.held[1:]
	}
	over := n - s.p.room()
	left := make([]int, len(s.held)) // bytes of each that are still there
	for i, l := range s.held {
		left[i] = l.bytes
		if l.begin.Before(now) {
			left[i] = int(int64(l.bytes) * int64(l.end.Sub(now)) / int64(l.end.Sub(l.begin)))
		}
		over += left[i]
	}
	if over <= 0 {
		return now
	}
	for i, l := range s.held {
		if over <= left[i] {
			begin := later(l.begin, now)
			return begin.Add(l.end.Sub(begin) * time.Duration(over) / time.Duration(left[i])).Add(time.Microsecond)
		}
		over -= left[i]
	}
	if n := len(s.held); n > 0 {
		return s.held[n-1].end // larger than the room there is: it goes when that is empty
	}
	return now
}

// hold takes an item into account whose first byte is about to go out.
func (s *sender) hold(now time.Time, it *item) {
	begin := later(now, s.free)
	if n := len(s.held); n > 0 {
		begin = later(begin, s.held[n-1].end)
	}
	end := begin.Add(s.p.rowsTime(it.moves))
	if carried := later(now, s.free).Add(s.p.lineTime(len(it.data))); end.Before(carried) {
		end = carried // the paper waits for the line
	}
	s.held = append(s.held, load{bytes: len(it.data), begin: begin, end: end})
}

// chunk is as much room as is worth waking up for.
func (s *sender) chunk() int { return s.p.ahead() / 2 }

// between reports whether no item is in the middle.
func (s *sender) between() bool { return s.sent == 0 }

// carried accounts for n bytes that were given to the line.
func (s *sender) carried(now time.Time, n int) {
	if s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(s.p.lineTime(n))
}

// urgent puts a real-time command before all else.
func (s *sender) urgent(b []byte) { s.front = append(s.front, b...) }

// drop throws the program away and remembers what a broken band lacks.
func (s *sender) drop() {
	if len(s.queue) > 0 {
		switch it := s.queue[0]; {
		case it.kind == itemBand && s.sent > 0:
			s.owed = len(it.data) - s.sent
		case it.kind == itemZeros:
			s.owed = max(0, s.owed-s.sent)
		}
	}
	s.queue, s.sent, s.held = nil, 0, nil
}

// due is when there is room enough to be worth waking up for.
func (s *sender) due(now time.Time) time.Time {
	if len(s.front) == 0 && (len(s.queue) == 0 || s.xoff) {
		return time.Time{}
	}
	const round = time.Microsecond // so that rounding leaves no byte too little
	at := s.free.Add(round - s.p.lineTime(s.p.ahead()-s.chunk()))
	if len(s.front) == 0 && s.sent == 0 {
		at = later(at, s.fits(now, len(s.queue[0].data)))
	}
	if !at.After(now) {
		return time.Time{} // what holds it back is neither line nor paper
	}
	return at
}

// pump gives the line as much as it may have now.
func (m *Machine) pump() {
	if !m.up {
		return
	}
	for m.pumpFront() || m.pumpPoll() || m.pumpItem() {
	}
}

// put sends bytes now.
func (m *Machine) put(b []byte) {
	m.out.Send = append(m.out.Send, b...)
	m.tx.carried(m.now, len(b))
}

func (m *Machine) pumpFront() bool {
	n := min(len(m.tx.front), m.tx.room(m.now))
	if n == 0 {
		return false
	}
	m.put(m.tx.front[:n])
	m.tx.front = m.tx.front[n:]
	return true
}

// pumpPoll sends the poll that is due, between two items only.
func (m *Machine) pumpPoll() bool {
	if m.poll.asked != 0 || m.now.Before(m.poll.next) || !m.tx.between() || len(m.tx.front) > 0 {
		return false
	}
	b := pollRequest(m.poll.which())
	if m.tx.room(m.now) < len(b) {
		return false
	}
	m.put(b)
	m.poll.sent(m.tx.free)
	return true
}

// pumpItem sends the next piece of the program.
func (m *Machine) pumpItem() bool {
	s := &m.tx
	if len(s.queue) == 0 || s.xoff || len(s.front) > 0 {
		return false
	}
	it := &s.queue[0]
	if s.sent == 0 {
		if m.pollDue() || m.holding() || it.kind == itemBarrier && len(it.data) == 0 && m.barrier != nil {
			return false
		}
	}
	room := s.room(m.now)
	if it.kind == itemBarrier && len(it.data) == 0 {
		it.data = m.barrierBytes(it)
	}
	if s.sent == 0 && s.fits(m.now, len(it.data)).After(m.now) {
		return false
	}
	left := len(it.data) - s.sent
	if left > room && room < s.chunk() || room == 0 {
		return false
	}
	if s.sent == 0 {
		m.starts(it)
		s.hold(m.now, it)
	}
	n := min(left, room)
	m.put(it.data[s.sent : s.sent+n])
	if s.sent += n; s.sent < len(it.data) {
		return true
	}
	done := *it
	s.queue, s.sent = s.queue[1:], 0
	m.ended(done)
	return true
}

// pollDue reports that the way must be kept free for a poll.
func (m *Machine) pollDue() bool { return m.poll.asked == 0 && !m.now.Before(m.poll.next) }

// barrierBytes makes the barrier's command and expects its answer.
func (m *Machine) barrierBytes(it *item) []byte {
	m.barrier = &barrier{rows: it.rows, last: it.last, wait: m.p.barrierWait(it.since, it.cut)}
	if m.p.Barrier == printer.LevelA {
		m.barrier.id = m.nextID()
		return processID(m.barrier.id)
	}
	return transmitPaper()
}

// ended: the last byte of an item has been given to the line.
func (m *Machine) ended(it item) {
	switch it.kind {
	case itemBarrier:
		m.barrier.sent = true
		m.barrier.deadline = m.tx.free.Add(m.barrier.wait)
		if it.last && m.job != nil && m.job.begun() {
			m.job.sentAt = m.tx.free
		}
	case itemZeros:
		m.tx.owed = max(0, m.tx.owed-len(it.data))
	}
}

// breakOff ends the program where it is.
func (m *Machine) breakOff() {
	m.tx.drop()
	m.barrier = nil
}
