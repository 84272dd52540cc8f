// Package signcard is a virtual electronic-signature card: a chip that answers
// command APDUs (ISO/IEC 7816-4 and -8) over a PKCS#15 file system (ISO/IEC
// 7816-15), with real keys that really sign.
//
// It is a witness. It shares no code with the drivers it is used to test: its
// commands, its file formats and its status words are written here a second
// time, from the standards. What it knows that no driver can know is the truth of
// the chip: how many tries each PIN has left, whether a PIN is still verified,
// and every command that was ever sent to it, in order (Journal), in which what
// was sent as a PIN is replaced by its length.
//
// The card is pure: no clock, no I/O, no goroutines. A command comes in, an
// answer goes out, together with how long a chip would have taken for it. Its
// owner carries the bytes: the bench program to the virtual reader of the PC/SC
// daemon, a test straight from its own code. The card may be used from several
// goroutines, so that a test can look at a card that is being used.
//
//	c, err := signcard.New(signcard.Config{Pairs: pairs, PIN1: signcard.PIN{Value: "1234"}})
//	c.Reset()                                // put into the reader
//	answer := c.Command([]byte{0x00, 0xA4, 0x04, 0x0C, ...})
//
// # What is kept when the card leaves the reader
//
// Tries left, and with them the blocked state: Save and Restore. Everything
// else (verified PINs, the selected file, a chain of commands, an answer that is
// waiting) is gone at every Reset, which is power on, reset and power off alike.
//
// # How cards differ
//
// Cards of different makers agree on little. Layout lists the ways in which they
// differ that a driver must cope with: the default card is a plain one, and each
// switch makes it differ in one thing. Applet chooses another kind of card
// altogether: a PIV card, one laid out like the AzeDIT, or one that answers
// nothing a terminal knows. Faults make a good card fail at a chosen command.
//
// # Two readers
//
// The card is read by the driver under test and by OpenSC, which knows nothing
// of this project. For OpenSC the card answers to the AID of IsoApplet, a free
// PKCS#15 applet: then OpenSC reads the card by its general ISO 7816 code. What
// OpenSC reads and signs, openssl verifies.
package signcard
