// Package numato drives the contacts and lamps of a cabinet over a Numato USB
// GPIO module, or a board that speaks its language: lines of ASCII on a USB
// serial port.
//
// Sources: Numato Lab, 8, 16, 32 and 64 Channel USB GPIO Module With Analog
// Inputs, user guides, section "The Command Set", here M; what differs between
// firmwares in the field is told by the issues of github.com/clssn/numato-gpio and
// home-assistant/core (99508, 112101): the end of a line is CR LF or LF CR, and
// the version is any eight characters.
//
// # The language
//
// A command ends with CR. The module echoes it, says what it has to say in a line
// of its own, and shows the prompt ">". A value for all channels is hexadecimal,
// with exactly one digit for four channels; bit n is channel n. No command tells
// how many channels there are: the answer to "gpio readall" does. What a module
// says to an unknown command is not documented, so nothing depends on it.
//
// Most modules of 16 channels and more can be told to notify of changes by
// themselves. A notification may come between any two lines, and what follows it
// may stand on its own line. Where there are notifications they are a nudge: the
// lines are read then, and now and then without one, so that a byte that is lost
// costs a moment and not a door. Where there are none the lines are read more
// often.
//
// # How it is built
//
// codec.go is pure: commands and answers as bytes. Machine is the driver, a pure
// state machine (line.Protocol): one command and its answer at a time, set-up
// first, then readings, in quick succession while a contact moves. An answer that is late or makes no sense is given up, the line is
// brought in step by an empty command and a pause, and after three failures in a
// row the board is lost and its port is opened anew. Run puts the machine on a
// serial line.
//
// The set-up is repeated every few seconds: a module whose processor has started
// anew behind its USB chip has all channels as inputs, and does not say so.
//
// # Wiring
//
// The modules have no pull-ups: each contact needs one (10 kΩ to the module's
// supply), so that a cut wire reads high. A lamp needs a driver stage; a channel
// gives a few milliamperes.
package numato
