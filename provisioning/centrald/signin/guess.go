package signin

import "time"

// counter is how often somebody has tried to be one person. It is forgotten when
// LockedFor has gone by since the last guess that was judged, and when the person
// has signed in.
type counter struct{ tries, sent int }

// Guess counts a guess that is about to be judged. Locked or Flooded: do not judge
// it. Whether there is an account makes no difference to it.
func (d *Desk) Guess(now time.Time, guard string) (reason string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counters.get(now, guard, "")
	if c == nil {
		if !d.counters.put(now, guard, "", now.Add(LockedFor), counter{}) {
			return "", ErrFull // to forget somebody's guesses would let him go on
		}
		c = d.counters.get(now, guard, "")
	}
	switch {
	case c.tries >= Guesses: // all used up, or the last of them is being judged
		return Locked, nil
	case c.sent >= Messages:
		return Flooded, nil
	}
	c.tries++
	d.counters.extend(guard, now.Add(LockedFor))
	return "", nil
}

// Missed says that the guess was wrong; it reports whether that was the last.
func (d *Desk) Missed(now time.Time, guard string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counters.get(now, guard, "")
	return c != nil && c.tries >= Guesses
}

// Hit says that the guess was right. The earlier ones stay counted until the
// person has signed in, since a right password alone is no sign-in.
func (d *Desk) Hit(now time.Time, guard string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.counters.get(now, guard, ""); c != nil && c.tries > 0 {
		c.tries--
	}
}

// Sent counts a message to a telephone.
func (d *Desk) Sent(now time.Time, guard string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.counters.get(now, guard, ""); c != nil {
		c.sent++
	}
}
