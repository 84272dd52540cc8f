// Package ioboard is a virtual I/O board in a virtual cabinet: a Numato USB GPIO
// module (Numato Lab, 8, 16 and 32 Channel USB GPIO Module, section "The Command
// Set") with doors, a cassette switch, a tamper loop and lamps wired to it.
//
// It is a witness. It shares no code with the driver it is used to test: the
// commands are written here a second time, from the manual. What it knows that no
// driver can know is how the doors truly stand, and which lamp truly shines.
//
// The machine is pure: no clock, no I/O, no goroutines, random garbage only from
// the seed. Every method takes the time and returns an Output: bytes to put on
// the line, the time to be called again, and what happened.
//
// # How the cabinet is wired
//
// A contact is closed at rest and draws its channel to ground; a pull-up holds it
// high otherwise. The tamper loop is a change-over contact on two channels, so
// that a cut cable (both high) and a shorted one (both low) can be told from a
// whole loop. A lamp shines while its channel is an output and high.
//
//	0 service door   3 tamper loop              8 lamp: acceptor   10 lamp: card
//	1 safe door      4 its other throw          9 lamp: printer    11 lamp: status
//	2 cassette       5 mains behind the UPS
//
// # What is modelled
//
// Every character is echoed; a carriage return ends a command and is echoed as
// the module's own end of line, which differs from model to model. The answer
// comes after Response, then the prompt. Bytes that come meanwhile wait. The
// module takes its power from the cable: unplugged, it forgets directions, mask
// and outputs, and keeps only its ID. Notifications come when a level changes,
// also between a command's echo and its answer.
//
// # What is not
//
// Analogue inputs; single-channel commands (set, clear, read), which no program
// here needs; what a module says to an unknown command, which the manual does not
// tell: this one says nothing but the prompt.
package ioboard
