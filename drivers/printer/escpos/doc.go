// Package escpos drives receipt printers that speak Epson's ESC/POS over a
// serial line: a picture goes in, a verdict comes out
// (protocols/receipt-printer.md). The commands are those of the Epson ESC/POS
// Command Reference; what differs between models stands in a Profile.
//
// # How a slip becomes a verdict
//
//	Print -> status asked afresh -> left-overs cleared -> ESC @, set-up, GS a
//	  -> Ready ... Begin -> bands and feeds, a barrier every 25 mm -> cut ->
//	  last barrier -> answered -> status asked afresh -> Printed
//
// A barrier is a command that the printer answers only when it has done all
// that was sent before it: GS ( H with an id (level A) or GS r (level C). One is
// outstanding at a time, so an answer can only be to the one that was asked, and
// an id that is skipped is seen to be missing. At level C the answer is one byte
// without an id; the last barrier is asked twice, so that one byte of noise that
// looks like an answer proves nothing.
//
// # What spoils a job
//
// Paper end, an open cover, an error, off-line for no named reason, a lost port,
// a barrier that is late or out of turn, XOFF for half a minute, and every sign
// that the printer has lost power: an XON that no XOFF came before, a status
// poll met by silence, automatic status that no longer says what the polls say.
// The verdict is then NotPrinted if not one byte of a band had left, and Unknown
// otherwise: these printers have no counter that could prove more.
//
// A printer that loses power forgets its buffer and may go on with whatever
// comes next; a barrier sent later would be answered although rows are missing.
// That is why silence alone spoils a job. It is a sound sign because status is
// polled between bands, and bands are cut so small that no model can have
// restarted between two polls (Profile.Restart).
//
// # After a spoiled job
//
// What the printer still holds is dropped at once (it would otherwise come out
// on the next roll), and as soon as it is fit again the band that was broken off
// is filled up with zeros, the settings are made anew and the stub is cut off.
// The same is done when the driver starts, because it does not know what was
// printed before; the status is read before that, and never after a reset.
//
// # Purity
//
// Machine has no clock, no I/O and no goroutine: Step is told the time and what
// arrived. Pacing is by the clock, because a pseudo-terminal or a USB adapter
// swallows far more than the printer has room for: at most Ahead bytes more than the
// line can have carried, and no more in the printer's buffer than its slowest paper
// lets it hold. XON/XOFF is obeyed as well, but it comes late and not from everybody,
// and a printer whose buffer has run over answers its barriers all the same.
package escpos
