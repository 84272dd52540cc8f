// Package paperprinter is a virtual kiosk receipt printer that understands
// ESC/POS (Epson ESC/POS Command Reference; TM-T88 class with an 80 mm head of
// 203 dpi) and has paper: a roll, a head, a cutter some way behind it, and
// strips that come out, cut or torn, with every dot on them.
//
// It is a witness. It shares no code with the driver it is used to test; the
// commands are written here a second time, from the manual.
//
// The machine is pure: no clock, no I/O, no goroutines, random garbage only from
// the seed. Every method takes the time and returns an Output: bytes to put on
// the line, the time to be called again, and what happened, finished strips
// among it.
//
// # What is modelled
//
// Bytes arrive at line speed, whatever the caller's pipe can swallow at once:
// what was received and has not yet gone over the wire is the Backlog, and a
// caller with a real pipe stops reading while that is large. Arrived bytes fill
// a receive buffer; XOFF goes out when few bytes are free, XON when there is
// room again, and bytes that find no room are lost. Real-time commands (DLE EOT,
// DLE ENQ, DLE DC4) are obeyed on arrival, also inside a picture, where they stay
// part of the picture. All else is carried out in order, at the speed of the
// mechanism, and stops where it is when the cover is open, the paper has ended or
// something has failed; what was not printed goes on when the cause is gone,
// unless the host clears it.
//
// A power cut loses every buffer and setting; paper stays as it is. A picture
// that was cut off goes on as text and unknown commands, as in a real printer.
//
// # What is not
//
// Presenters and retractors; page mode; barcodes of the firmware, which are
// parsed and reported as ignored, as several clones do; modem lines.
package paperprinter
