// Package smartcardtest helps to test what uses smart cards.
//
// Twin is a smartcard.Service in memory: readers are plugged, cards inserted and
// pulled, the PC/SC daemon stopped, another program holds or resets a card, and
// the nth exchange fails in a way that the test names. It has no goroutine of its
// own and waits only on channels and timers, so that it works in a bubble of
// testing/synctest. It keeps a record of every exchange without PINs, and
// AssertReset checks that no card was left with what a PIN has opened.
//
// Chip is what a card's processor does. The same chip runs in the Twin and, by
// package pcsctest, in a virtual reader of the real PC/SC daemon.
//
// Suite is what every smartcard.Service must hold; the Twin and package pcsc both
// pass it.
package smartcardtest

// Chip is a card's processor. Its methods are called one at a time.
type Chip interface {
	// ATR is its answer to reset. One of more than 33 bytes makes it unreadable, as
	// is a chip without one.
	ATR() []byte
	// Reset is a reset and also the power coming on: nothing stays verified.
	Reset()
	// Command answers one command, with the status word. No answer means silence,
	// until the card is pulled. It may pull its own card.
	Command(command []byte) []byte
}
