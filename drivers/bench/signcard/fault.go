package signcard

import "time"

// FaultKind is what goes wrong.
type FaultKind string

const (
	Silence     FaultKind = "silence"      // the command is not executed and never answered
	Drop        FaultKind = "drop"         // the card is pulled out: Answer.Drop
	Garble      FaultKind = "garble"       // the command is not executed and answered with one byte
	Delay       FaultKind = "delay"        // the command is executed late: Answer.Delay
	SelfReset   FaultKind = "reset"        // the card loses its state before the command
	StatusWords FaultKind = "status-words" // the commands are not executed and answered with SW, one after the other
	BitFlip     FaultKind = "bit-flip"     // one bit of the signature is false
	WrongKey    FaultKind = "wrong-key"    // the signature is another key's
)

// Fault makes the card fail once, at a command of its choice.
type Fault struct {
	Kind FaultKind
	// At counts commands from the moment the fault is set: 1, or 0, is the next one.
	// Of BitFlip and WrongKey it counts signatures.
	At int
	// INS: only commands with this instruction count; zero: all.
	INS byte
	// For: so many commands in a row that count; zero: one, and StatusWords as many
	// as it has words.
	For   int
	Delay time.Duration
	SW    []uint16
}

// armed is a fault that has not passed yet.
type armed struct {
	Fault
	seen   int // commands that counted
	struck int
}

// Inject sets a fault, in addition to those that are set. When two would strike
// the same command the older one does.
func (c *Card) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inject(f)
}

func (c *Card) inject(f Fault) {
	f.At = max(f.At, 1)
	switch {
	case f.Kind == StatusWords:
		f.For = len(f.SW)
	case f.For == 0:
		f.For = 1
	}
	if f.For > 0 {
		c.faults = append(c.faults, &armed{Fault: f})
	}
}

// ClearFaults takes away what has not struck yet.
func (c *Card) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// strike counts a command and returns the fault that strikes it.
func (c *Card) strike(apdu []byte) *armed {
	return c.next(func(f *armed) bool {
		return !f.ofSignature() && (f.INS == 0 || (len(apdu) > 1 && apdu[1] == f.INS))
	})
}

// strikeSignature counts a signature and returns the fault that strikes it.
func (c *Card) strikeSignature() FaultKind {
	if f := c.next((*armed).ofSignature); f != nil {
		return f.Kind
	}
	return ""
}

func (f *armed) ofSignature() bool { return f.Kind == BitFlip || f.Kind == WrongKey }

func (c *Card) next(counts func(*armed) bool) *armed {
	var hit *armed
	kept := c.faults[:0:0]
	for _, f := range c.faults {
		if counts(f) {
			f.seen++
			if f.seen >= f.At && hit == nil {
				hit = f
				f.struck++
			}
		}
		if f.struck < f.For {
			kept = append(kept, f)
		}
	}
	c.faults = kept
	return hit
}
