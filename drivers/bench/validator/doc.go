// Package validator is a virtual banknote validator that speaks CCNET
// (CashCode NET Interface rev. 2.3.1 and CCNET Common Specifications rev.
// 2.6.0) as a device does: it answers, it never asks.
//
// It is a witness. It shares no code with the driver it is used to test: the
// protocol's bytes, frames and check sum are written here a second time, from
// the manual. What it knows that no driver can know is the physical truth: each
// banknote is a thing of its own with a serial number, and lies at every moment
// in exactly one place: the slot, the path, the cassette, a bag or the
// customer's hand. Notes appear only when a customer inserts them, and never
// vanish.
//
// The machine is pure: no clock, no I/O, no goroutines. Every method takes the
// time and returns an Output: bytes to put on the line at once, the time to be
// called again, and what happened. Random choices (which bit to corrupt, which
// garbage to send) come from the seed alone, so the same calls give the same
// bytes. The bench program runs it over a pseudo-terminal; a simulator calls it
// step by step; a test runs it in virtual time.
//
//	v := validator.New(validator.DefaultConfig(), seed)
//	out := v.Receive(now, pollFrame) // nothing yet: a device takes its time
//	out = v.Tick(out.Wake)           // out.Send is the answer
//
// # What is kept over a power cut
//
// The world (World) is kept: notes and their places, the counter of stacked
// bills, jams, and the reports that the host has not acknowledged (81h, 82h,
// 84h, 90h). Masks, options and everything in motion are lost. Which power-up
// code follows (10h, 11h, 12h) is decided by where the note physically is; a
// note that STACK has moved less than Timing.PointOfNoReturn comes back, one
// moved further goes on into the cassette after RESET and is reported by 81h.
package validator
