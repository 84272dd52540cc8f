package central

import (
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// Batches (protocols/central-sync.md section 3.1).
const (
	batchRecords   = 100
	backlogRecords = 1000
	batchAge       = 2 * time.Second
	recordsTimeout = 60 * time.Second

	quarantinePerDay = 10
	quarantineDay    = 24 * time.Hour
)

// lane is the way of the records upward: one batch under way, in order. It knows
// where central stands from central alone.
type lane struct {
	located bool   // cursor is known
	cursor  uint64 // central has everything up to here
	acked   uint64 // greatest cursor that was handed out as Acked
	since   time.Time
	due     time.Time // not before
	n       int       // failures in a row
	flying  bool
	forked  bool
	resting bool   // due was set for a reason that an answer elsewhere does not lift
	era     uint64 // counts calls and their ends: an older head says nothing

	limit   int    // of the next batch, while it is smaller than it could be; 0: none
	suspect uint64 // a record up to this one is refused

	quarantine  string // why the next record goes as opaque bytes
	quarantined []time.Time
}

func (c *Courier) runLane(now time.Time) {
	l := &c.lane
	head, urgent := c.journalHead()
	switch {
	case !l.located || l.forked || l.flying:
		return // the head's answer, or the batch's, goes on from here
	case head <= l.cursor:
		l.since = time.Time{}
		return
	case l.since.IsZero():
		l.since = now
	}
	unsent := head - l.cursor
	at := l.due
	if urgent <= l.cursor && unsent < batchRecords && l.limit == 0 && l.n == 0 && l.quarantine == "" {
		if ripe := l.since.Add(batchAge); ripe.After(at) {
			at = ripe
		}
	}
	if at.After(now) {
		c.wakeAt(at)
		return
	}
	most := batchRecords
	if unsent > batchRecords {
		most = backlogRecords
	}
	if l.limit > 0 {
		most = min(most, l.limit)
	}
	if l.quarantine != "" {
		most = 1
	}
	most = int(min(uint64(most), unsent))
	l.flying, l.resting = true, false
	l.era++
	c.call(Call{Kind: CallRecords, From: l.cursor + 1, Max: most, Quarantine: l.quarantine, Timeout: recordsTimeout}, flight{from: l.cursor + 1, n: most})
}

func (c *Courier) recordsReply(now time.Time, f flight, r Reply) {
	l := &c.lane
	l.flying = false
	l.era++
	switch r.Class {
	case ReplyOK:
		c.uploaded(now, f, r)
	case ReplyMismatch:
		if r.Problem == string(centralapi.ProblemChainForked) || r.Head == nil || !r.Known {
			c.fork()
			return
		}
		if r.Head.Seq+1 == f.from {
			c.later(now, backoffCap, r) // it says what we thought: try again, not at once
			return
		}
		c.locate(now, r.Head.Seq)
	case ReplyTooBig:
		switch {
		case f.n > 1:
			l.limit = f.n / 2
		case l.quarantine == "":
			c.poison(now, r)
		default:
			c.stuck(now, AlarmRecord, r)
		}
	case ReplyInvalid:
		switch {
		case f.n > 1:
			l.limit, l.suspect = f.n/2, f.from+uint64(f.n)-1
		case l.quarantine == "":
			c.poison(now, r)
		default:
			c.stuck(now, AlarmRecord, r)
		}
	case ReplyDenied, ReplyRefused:
		c.alarm(alarmOf(r))
		c.later(now, deniedCap, r)
	default:
		c.later(now, backoffCap, r)
	}
}

func (c *Courier) later(now time.Time, limit time.Duration, r Reply) {
	c.lane.due = now.Add(c.backoff(c.lane.n, limit, r))
	c.lane.n++
}

// stuck rests for long: only a person can help, and yet it is tried again.
func (c *Courier) stuck(now time.Time, alarm string, r Reply) {
	c.alarm(alarm)
	c.lane.due, c.lane.resting = now.Add(max(deniedCap, min(r.RetryAfter, retryAfterCap))), true
}

// uploaded moves on after a batch that central holds.
func (c *Courier) uploaded(now time.Time, f flight, r Reply) {
	l := &c.lane
	switch {
	case r.Head == nil || !r.Known:
		c.fork()
		return
	case r.Head.Seq < f.from:
		c.later(now, backoffCap, r) // an acknowledgement of nothing
		return
	}
	l.quarantine = ""
	c.calm(AlarmRecord, AlarmQuarantine, AlarmContract, AlarmJournal)
	c.locate(now, r.Head.Seq)
	if l.suspect > l.cursor {
		l.limit = max(1, int(l.suspect-l.cursor)/2) // what is wrong lies in what is left
		return
	}
	if l.suspect = 0; l.limit > 0 {
		if l.limit *= 2; l.limit >= batchRecords {
			l.limit = 0
		}
	}
}

// locate takes up central's place in our chain.
func (c *Courier) locate(now time.Time, seq uint64) {
	l := &c.lane
	l.located, l.forked, l.cursor = true, false, seq
	l.n, l.due, l.since = 0, now, now
	c.calm(AlarmForked)
	if seq > l.acked {
		l.acked = seq
		c.out.Acked = seq
	}
}

// fork: central has other records under our numbers. Upload rests until central's
// head is in our chain again; nothing else does.
func (c *Courier) fork() {
	c.lane.forked = true
	c.alarm(AlarmForked)
}

// poison sends the next record as opaque bytes, if the day's number is not used up.
func (c *Courier) poison(now time.Time, r Reply) {
	l := &c.lane
	for len(l.quarantined) > 0 && now.Sub(l.quarantined[0]) >= quarantineDay {
		l.quarantined = l.quarantined[1:]
	}
	if len(l.quarantined) >= quarantinePerDay {
		c.alarm(AlarmQuarantine)
		l.due, l.resting = l.quarantined[0].Add(quarantineDay), true
		return
	}
	l.quarantined = append(l.quarantined, now)
	if l.quarantine = r.Problem; l.quarantine == "" {
		l.quarantine = string(r.Class)
	}
}

// headReply finds central's place, unless a batch has moved it meanwhile.
func (c *Courier) headReply(now time.Time, f flight, r Reply) {
	l := &c.lane
	switch {
	case r.Class == ReplyDenied:
		c.alarm(alarmOf(r))
		return
	case r.Class != ReplyOK || r.Head == nil || l.flying || f.era != l.era:
		return
	case !r.Known:
		c.fork()
	case !l.located || l.forked || r.Head.Seq != l.cursor:
		c.locate(now, r.Head.Seq)
	}
}
