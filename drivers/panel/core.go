package panel

import "time"

// Core is what all drivers of the family do in the same way: it debounces what
// they sample, says what is to be told, and knows which lamp shines now. It is
// pure and not safe for concurrent use.
type Core struct {
	layout   Layout
	contacts []contact
	patterns map[Lamp]Pattern
	began    time.Time // common beginning of all patterns
	standing standing
}

// standing is what was told last of the board.
type standing int

const (
	standingUntold standing = iota
	standingFound
	standingLost
)

// NewCore makes a core for a layout that has passed Check. All patterns are in
// step with now.
func NewCore(now time.Time, l Layout) *Core {
	return &Core{layout: l, contacts: make([]contact, len(l.Contacts)), patterns: map[Lamp]Pattern{}, began: now}
}

// Sample takes in the levels of all lines, as high gives them, read at now.
func (c *Core) Sample(now time.Time, b Board, high func(line string) bool) []Event {
	var events []Event
	whole := true
	for i, w := range c.layout.Contacts {
		k := &c.contacts[i]
		if k.sample(now, w.state(high)) {
			events = append(events, Changed{Input: w.Input, State: k.state})
		}
		whole = whole && k.known
	}
	switch {
	case c.standing == standingFound:
		return events
	case !whole:
		return nil
	}
	c.standing = standingFound
	found := Found{Board: b}
	for i, w := range c.layout.Contacts {
		found.Inputs = append(found.Inputs, Reading{Input: w.Input, State: c.contacts[i].state})
	}
	return []Event{found}
}

// Lose forgets what was known of the inputs: the board is gone.
func (c *Core) Lose(cause string) []Event {
	clear(c.contacts)
	if c.standing == standingLost {
		return nil
	}
	c.standing = standingLost
	return []Event{Lost{Cause: cause}}
}

// Found reports whether Found stands.
func (c *Core) Found() bool { return c.standing == standingFound }

// Settling reports whether a contact moves, so that the next sample should follow
// within QuickSample.
func (c *Core) Settling() bool {
	for i := range c.contacts {
		if c.contacts[i].settling() {
			return true
		}
	}
	return false
}

// Command takes in a command. An unknown pattern is darkness.
func (c *Core) Command(cmd Command) {
	if l, ok := cmd.(Light); ok {
		c.patterns[l.Lamp] = l.Pattern
	}
}

// Level is the level that the line of a lamp has to have now.
func (c *Core) Level(now time.Time, w Wire) bool {
	return w.Level(c.patterns[w.Lamp].lit(now.Sub(c.began)))
}

// NextFlash is when a lamp changes next by itself; zero if none does.
func (c *Core) NextFlash(now time.Time) time.Time {
	var next time.Time
	for _, w := range c.layout.Lamps {
		half := c.patterns[w.Lamp].Period() / 2
		if half == 0 {
			continue
		}
		at := now.Add(half - now.Sub(c.began)%half)
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}
