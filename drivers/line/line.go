// Package line is a serial line and the loop that runs a device protocol on it.
//
// A device protocol is a pure state machine (Protocol): it is told what arrived
// and what time it is, and answers with what to send, what happened, and when
// it wants to be woken. It never reads a clock, never sleeps and never touches a
// port, so the same machine runs on a real tty, on a pseudo-terminal, over an
// in-memory pipe inside testing/synctest, and step by step in the simulator.
//
// Run is the loop that joins a Protocol to a Port: one goroutine reads, steps and
// writes, reads and writes carry deadlines, and a lost port is opened again by its
// stable name for ever.
package line

import (
	"context"
	"time"
)

// Protocol is one device protocol as a pure state machine. C is the family's
// command type, E its event type. Step must not block and must not keep
// in.Received.
type Protocol[C, E any] interface {
	Step(now time.Time, in Input[C]) Output[E]
}

// Discreet is a Protocol that knows when what comes is not to be written down: a
// number that whoever reads it could spend. It is recorded as so many zeros.
type Discreet interface{ Discreet() bool }

// Blank is what is recorded of bytes that are not to be written down.
func Blank(b []byte) []byte { return make([]byte, len(b)) }

// Link says what happened to the port itself.
type Link int

const (
	LinkSame Link = iota
	LinkUp        // the port has just been opened; both directions were flushed
	LinkDown      // the port was lost or could not be opened
)

// Input is what a Step is told. Any of its parts may be empty; an empty Input
// is the timer.
type Input[C any] struct {
	Link     Link
	Cause    string // for LinkDown: why, in words for the technician
	Received []byte // bytes in the order they came
	Commands []C    // in the order they were given
}

// Output is what a Step asks for, in this order: Send, then Events.
type Output[E any] struct {
	Send   []byte    // to be written at once; nil for nothing
	Events []E       // to be delivered in order
	Wake   time.Time // step again no later than this; zero for no timer
	Reopen bool      // close the port and find it again by its stable name
}

// Port is an open line. Read returns as soon as at least one byte is there, and
// os.ErrDeadlineExceeded when there is none at its deadline: what has come is read
// also after it. SetReadDeadline holds for a Read that waits already, as that of
// net.Conn does; a time that has passed releases it, and zero is no deadline.
// Write returns an error when the peer has not taken the bytes by the deadline
// of its implementation; it never blocks for ever.
type Port interface {
	Read(p []byte) (int, error)
	SetReadDeadline(t time.Time) error
	Write(p []byte) (int, error)
	Flush() error // drop what waits in both directions
	Close() error // releases a blocked Read and Write
}

// Opener opens the line by its stable name. It is called again, with growing
// pauses up to one second, until it succeeds or ctx ends.
type Opener func(ctx context.Context) (Port, error)
