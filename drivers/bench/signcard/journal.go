package signcard

import "bytes"

// Entry is one line of a card's journal: a command with the status word of its
// answer, or a reset.
type Entry struct {
	// N counts the card's lines from 1, over all insertions of this run.
	N     uint64 `json:"n"`
	Reset bool   `json:"reset,omitempty"` // power on, reset or power off; the rest is empty

	// Command is what was sent. Of an instruction that carries a PIN (VERIFY, CHANGE
	// REFERENCE DATA, RESET RETRY COUNTER) it is the header alone, whatever the
	// class and however broken the command.
	Command []byte `json:"command,omitempty"`
	// PIN is the length of the data of such an instruction, which is left out of
	// Command (of a broken command: how many bytes followed the header).
	PIN int `json:"pin,omitempty"`

	SW     uint16 `json:"sw,omitempty"` // zero: no answer, or one that is too short to have a status word
	Length int    `json:"length"`       // bytes of the answer, status word included
	Fault  string `json:"fault,omitempty"`
}

// INS is the instruction, zero if there is none.
func (e Entry) INS() byte {
	if len(e.Command) < 2 {
		return 0
	}
	return e.Command[1]
}

// journalMax is how many lines are kept; the oldest go first.
const journalMax = 20_000

// note writes a command down, without its PIN.
func (c *Card) note(apdu, answer []byte, fault FaultKind) {
	e := Entry{Command: bytes.Clone(apdu), Length: len(answer), Fault: string(fault)}
	if len(apdu) >= 2 && holdsPIN(apdu[1]) && len(apdu) > 4 {
		e.Command, e.PIN = bytes.Clone(apdu[:4]), len(apdu)-4
		if cmd, ok := parse(apdu); ok {
			e.PIN = len(cmd.data)
		}
	}
	if n := len(answer); n >= 2 {
		e.SW = uint16(answer[n-2])<<8 | uint16(answer[n-1])
	}
	c.append(e)
}

func (c *Card) append(e Entry) {
	c.count++
	e.N = c.count
	if len(c.journal) == journalMax {
		c.journal = append(c.journal[:0], c.journal[journalMax/4:]...)
	}
	c.journal = append(c.journal, e)
}

// Journal is all that was sent to the card, oldest first.
func (c *Card) Journal() []Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Entry(nil), c.journal...)
}
