package panel

import "time"

const (
	// Debounce is how long a contact must keep a state before it counts
	// (protocols/terminal-hardening.md 10).
	Debounce = 50 * time.Millisecond
	// QuickSample is the longest pause between two samples while a contact is not at
	// rest, so that a bounce is seen as one.
	QuickSample = 10 * time.Millisecond
	// Unsettled is how long a contact may go on bouncing before it is in fault.
	Unsettled = time.Second
	// A contact that changes Chatter times within ChatterTime is in fault too: no
	// hand moves a door so, and each change is a record.
	Chatter     = 8
	ChatterTime = 10 * time.Second
	// CalmTime is how long a contact must keep a state to leave such a fault.
	CalmTime = 5 * time.Second
)

// contact debounces one input. It is told samples and holds what counts.
type contact struct {
	known bool
	state State // what counts, once known

	seen     State     // last sample
	since    time.Time // seen has not changed since; zero before the first sample
	restless time.Time // it has not been settled since; zero while it is

	unruly  bool        // it chatters: StateFault until calm
	changes []time.Time // the latest, Chatter at most
}

// sample takes in what the line says now and reports whether what counts has
// changed.
func (c *contact) sample(now time.Time, s State) bool {
	if c.since.IsZero() || s != c.seen {
		c.seen, c.since = s, now
	}
	calm := now.Sub(c.since)
	if c.unruly && calm >= CalmTime {
		c.unruly, c.changes = false, nil
	}
	if calm < Debounce {
		if c.restless.IsZero() {
			c.restless = now
		}
		if now.Sub(c.restless) < Unsettled {
			return false
		}
		c.unruly = true
	} else {
		c.restless = time.Time{}
	}
	if !c.unruly && c.known && c.state != s {
		c.unruly = c.hasty(now)
	}
	if c.unruly {
		s = StateFault
	}
	if c.known && c.state == s {
		return false
	}
	c.known, c.state = true, s
	return true
}

// hasty notes a change and reports whether it is one too many.
func (c *contact) hasty(now time.Time) bool {
	if len(c.changes) == Chatter {
		c.changes = c.changes[1:]
	}
	c.changes = append(c.changes, now)
	return len(c.changes) == Chatter && now.Sub(c.changes[0]) < ChatterTime
}

// settling reports whether samples should follow quickly.
func (c *contact) settling() bool { return !c.known || !c.restless.IsZero() }
