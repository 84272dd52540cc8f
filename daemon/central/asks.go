package central

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// ask is a question whose answer somebody waits for. It lives in memory only, and
// its body is overwritten when it has ended: there may be a password in it.
type ask struct {
	kind     string
	body     json.RawMessage
	wait     time.Duration
	deadline time.Time
	due      time.Time
	n        int
	flying   bool
}

// leastAskTimeout keeps a try from being too short to be of use.
const leastAskTimeout = 5 * time.Second

// Ask sends a query. Exactly one Answer with this id follows, at the latest when
// wait is over, unless CancelAsk comes first. An id that is asked again replaces
// the question before.
func (c *Courier) Ask(now time.Time, id, kind string, body json.RawMessage, wait time.Duration) Out {
	c.forget(id)
	c.asks[id] = &ask{kind: kind, body: body, wait: wait, deadline: now.Add(wait), due: now}
	return c.run(now)
}

// CancelAsk forgets a question; its answer is not wanted any more.
func (c *Courier) CancelAsk(now time.Time, id string) Out {
	c.forget(id)
	return c.run(now)
}

// forget drops a question. A call for it that is under way only counts for the
// health.
func (c *Courier) forget(id string) {
	if a := c.asks[id]; a != nil && !a.flying {
		clear(a.body)
	}
	delete(c.asks, id)
	for n, f := range c.calls {
		if f.kind == CallAsk && f.ask == id {
			f.ask = ""
			c.calls[n] = f
		}
	}
}

func (c *Courier) runAsks(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(c.asks)) {
		a := c.asks[id]
		left := a.deadline.Sub(now)
		if left <= 0 {
			c.forget(id)
			c.answer(Answer{AskID: id, Outcome: AskUnavailable})
			continue
		}
		c.wakeAt(a.deadline)
		switch {
		case a.flying:
		case a.due.After(now):
			c.wakeAt(a.due)
		default:
			// A try takes most of the wait, so that a slow central is heard, and leaves
			// some for another, because a dead connection is never heard.
			a.flying = true
			c.call(Call{Kind: CallAsk, Name: a.kind, Body: a.body, Timeout: min(left, max(a.wait*3/4, leastAskTimeout))}, flight{ask: id, body: a.body})
		}
	}
}

func (c *Courier) answer(a Answer) { c.out.Answers = append(c.out.Answers, a) }

func (c *Courier) askReply(now time.Time, f flight, r Reply) {
	a := c.asks[f.ask]
	if a == nil {
		return
	}
	a.flying = false
	end := func(o AskOutcome, reason string, body json.RawMessage) {
		delete(c.asks, f.ask)
		c.answer(Answer{AskID: f.ask, Outcome: o, Reason: reason, Body: body})
	}
	switch r.Class {
	case ReplyOK:
		var b struct {
			Outcome AskOutcome `json:"outcome"`
			Reason  string     `json:"reason"`
		}
		if json.Unmarshal(r.Body, &b) != nil {
			b.Outcome = ""
		}
		switch b.Outcome {
		case AskFound:
			end(AskFound, "", r.Body)
		case AskNone:
			end(AskNone, "", nil)
		case AskBlocked:
			end(AskBlocked, b.Reason, nil)
		default:
			end(AskUnavailable, "", nil) // a word of a later contract is no answer
		}
	case ReplyRefused:
		end(AskBlocked, reasonRefused, nil)
	case ReplyDenied:
		c.alarm(alarmOf(r))
		end(AskUnavailable, "", nil)
	default:
		a.due = now.Add(c.waiting(a.n, r))
		a.n++
	}
}
