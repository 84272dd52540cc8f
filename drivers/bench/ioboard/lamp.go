package ioboard

import "time"

// steadyAfter is how long a lamp must not change to be called on or off: longer
// than half the period of anything that a person would still call flashing.
const steadyAfter = 1300 * time.Millisecond

// shine is what an onlooker sees of a lamp.
type shine struct {
	lit  bool
	last time.Time     // of the latest change; zero once it is steady
	half time.Duration // between the latest two changes, while it flashes
	told string        // "off", "on" or "flashing"
}

func (s *shine) steady() time.Time {
	if s.last.IsZero() {
		return time.Time{}
	}
	return s.last.Add(steadyAfter)
}

func (s *shine) word() string {
	switch {
	case s.half > 0:
		return "flashing"
	case s.lit:
		return "on"
	}
	return "off"
}

// lampLit is whether a lamp truly shines.
func (b *Board) lampLit(channel int) bool {
	bit := uint64(1) << channel
	return b.plugged && channel < b.cfg.Channels && b.inputs&bit == 0 && b.latch&bit != 0
}

// watchLamps looks at the lamps after something was set.
func (b *Board) watchLamps() {
	for _, l := range lampChannels {
		s := b.lamps[l.lamp]
		lit := b.lampLit(l.channel)
		if lit == s.lit {
			continue
		}
		s.lit = lit
		if since := b.now.Sub(s.last); !s.last.IsZero() && since < steadyAfter {
			s.half = since
		}
		s.last = b.now
	}
}

// settleLamps says which lamps have become steady, or flash.
func (b *Board) settleLamps() {
	for _, l := range lampChannels {
		s := b.lamps[l.lamp]
		if t := s.steady(); !t.IsZero() && !b.now.Before(t) {
			s.last, s.half = time.Time{}, 0
		}
		if w := s.word(); w != s.told {
			if s.told != "" {
				b.event(EventLamp, "%s %s", l.lamp, w)
			}
			s.told = w
		}
	}
}
