package central

import "time"

// Whether central is there is told by the last call, whatever it was for. When
// nothing else is said, a cheap question (CallHead) is asked.
const (
	probeOnline  = 30 * time.Second
	probeOffline = 10 * time.Second
	probeFirst   = 2 * time.Second // after the failure that began an outage
	headTimeout  = 10 * time.Second

	// An outage this long ended somewhere else than in one request of ours: what
	// waits for its back-off goes now. A shorter one leaves the back-offs alone, so
	// that one path that fails beside another that works is not hammered.
	realOutage = 5 * time.Second
	// After an outage of a region the terminals return together; their backlogs are
	// spread over spreadOver.
	longOutage = 10 * time.Minute
	spreadOver = 5 * time.Minute

	whyStarting = "starting"
)

type health struct {
	online bool
	why    string
	since  time.Time // of the last change
	probe  time.Time // when to ask
	denied int       // denials in a row
	alarms map[string]bool
}

func (c *Courier) alarm(name string) {
	if c.health.alarms == nil {
		c.health.alarms = map[string]bool{}
	}
	c.health.alarms[name] = true
}

func (c *Courier) calm(names ...string) {
	for _, n := range names {
		delete(c.health.alarms, n)
	}
}

// heard takes what a reply says about central, apart from what it was for.
func (c *Courier) heard(now time.Time, r Reply) {
	h := &c.health
	if r.Problem == CauseJournal {
		c.alarm(AlarmJournal)
		return
	}
	denied := r.Class == ReplyDenied && alarmOf(r) == AlarmIdentity
	if r.Class == ReplyNone || denied {
		if h.online || h.why == whyStarting {
			h.since = now
			h.probe = now.Add(probeFirst)
		} else if !h.probe.After(now) {
			h.probe = now.Add(c.around(probeOffline))
		}
		h.online, h.why = false, r.Problem
		if denied {
			h.probe = now.Add(c.backoff(h.denied, deniedCap, r))
			h.denied++
		}
		return
	}
	h.probe, h.denied = now.Add(c.around(probeOnline)), 0
	c.calm(AlarmIdentity)
	if h.online {
		return
	}
	outage := now.Sub(h.since)
	fresh := h.why == whyStarting
	h.online, h.why, h.since = true, "", now
	if !fresh && outage >= realOutage {
		c.recovered(now, outage)
	}
}

// recovered makes what waits for its back-off due within a second.
func (c *Courier) recovered(now time.Time, outage time.Duration) {
	for _, a := range c.openActions() {
		if t := c.tries[a.key]; t != nil && !t.flying && t.due.After(now) {
			t.n, t.due = 0, now.Add(c.upTo(backoffBase))
		}
	}
	for _, a := range c.asks {
		if !a.flying {
			a.n, a.due = 0, now
		}
	}
	if l := &c.lane; !l.flying && !l.resting {
		spread := backoffBase
		if outage >= longOutage {
			spread = spreadOver
		}
		l.n, l.due = 0, now.Add(c.upTo(spread))
	}
}

// around is d, more or less a tenth.
func (c *Courier) around(d time.Duration) time.Duration { return d - d/10 + c.upTo(d/5) }

func (c *Courier) runHealth(now time.Time) {
	if c.flying(CallHead) > 0 {
		return
	}
	if c.health.probe.After(now) {
		c.wakeAt(c.health.probe)
		return
	}
	c.health.probe = now.Add(probeOffline)
	c.call(Call{Kind: CallHead, Timeout: headTimeout}, flight{era: c.lane.era})
}
