package central

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// How long an answer may take. Nothing follows from a time-out but a question.
const (
	actTimeout   = 20 * time.Second
	stateTimeout = 10 * time.Second
)

// actionsAtOnce is how many actions may be under way, so that one that hangs
// holds up neither the others nor the other lanes.
const actionsAtOnce = 2

// try is how the sending of an open action goes. It is not in the journal: after a
// restart every open action begins with a question.
type try struct {
	askState bool // next is CallState; otherwise CallAct
	n        int  // failures in a row
	due      time.Time
	flying   bool
	settled  bool // its result has been handed out to be written
}

func (c *Courier) runActions(now time.Time) {
	open := c.openActions()
	still := make(map[string]*try, len(open))
	room := actionsAtOnce - c.flying(CallAct, CallState)
	for _, a := range open {
		t := c.tries[a.key]
		if t == nil {
			t = &try{due: now} // never sent: it was written after the start
		}
		still[a.key] = t
		switch {
		case t.flying || t.settled:
		case t.due.After(now):
			c.wakeAt(t.due)
		case room > 0:
			room--
			t.flying = true
			if t.askState {
				c.call(Call{Kind: CallState, Name: a.Name, Key: a.key, Timeout: stateTimeout}, flight{key: a.key})
			} else {
				c.call(Call{Kind: CallAct, Name: a.Name, Key: a.key, Body: a.Body, Timeout: actTimeout}, flight{key: a.key})
			}
		}
	}
	c.tries = still
}

func (c *Courier) actionReply(now time.Time, f flight, r Reply) {
	t := c.tries[f.key]
	a, open := c.openAction(f.key)
	if t == nil || !open {
		return // settled by a record meanwhile
	}
	t.flying = false
	state, reason := status(r.Body)
	switch {
	case r.Class == ReplyOK && state == string(record.ActionDone):
		c.settle(f.key, a, t, record.ActionResult{Status: record.ActionDone, Answer: r.Body})
	case r.Class == ReplyOK && state == string(record.ActionRejected):
		c.settle(f.key, a, t, record.ActionResult{Status: record.ActionRejected, Reason: reason, Answer: r.Body})
	case r.Class == ReplyRefused && f.kind == CallAct:
		// Central promises that it has done nothing and never will with this body.
		c.settle(f.key, a, t, record.ActionResult{Status: record.ActionRejected, Reason: reasonRefused})
	case r.Class == ReplyMissing && f.kind == CallState:
		// It never arrived, or the answer was about nothing else: the same key and
		// the same body once more.
		t.askState, t.due = false, now
	default:
		// Whatever it was, whether it had an effect is not known. Ask before acting.
		t.askState = true
		limit := backoffCap
		if r.Class == ReplyDenied {
			limit = deniedCap
			c.alarm(alarmOf(r))
		}
		if a.Waiting && r.Class != ReplyDenied {
			t.due = now.Add(c.waiting(t.n, r))
		} else {
			t.due = now.Add(c.backoff(t.n, limit, r))
		}
		t.n++
	}
}

// reasonRefused is the reason of a rejection for which central gave no word of its
// own: it refused the body as not valid.
const reasonRefused = "refused"

func (c *Courier) settle(key string, a openAction, t *try, result record.ActionResult) {
	t.settled = true
	atResult.Hit()
	c.out.Write = append(c.out.Write, journal.Draft{Visit: a.Visit, Key: key, Body: result})
}

// alarmOf names what a denial is.
func alarmOf(r Reply) string {
	switch centralapi.ProblemType(r.Problem) {
	case centralapi.ProblemUnauthorised, centralapi.ProblemForbidden:
		return AlarmIdentity
	case centralapi.ProblemKeyReused:
		return AlarmKey
	}
	switch r.Problem {
	case CauseStatus, // 401 or 403 of something between us and central
		CauseIdentity:
		return AlarmIdentity
	}
	return AlarmContract
}
