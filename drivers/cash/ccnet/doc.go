// Package ccnet drives one banknote validator that speaks CCNET (CashCode, Crane
// Payment Innovations, and others that took the protocol over).
//
// Sources: CCNET Protocol Description, Document 1, Common Specifications,
// revision 2.6.0 (2014), here S26, and CashCode NET Interface, revision 2.3.1
// (2002), here S23; protocols/cash-ccnet.md gathers both with what is known from
// the field, and the sections cited in this package are its sections.
//
// # How it is built
//
// codes.go holds every byte of the protocol under the manual's names. frame.go
// is the codec, masks.go, table.go and identity.go read and write the contents
// of frames. Machine is the driver: a pure state machine (line.Protocol) in layers,
// one file each:
//
//	exchange.go  one request and its answer: time-outs, ACK, NAK, repetition
//	states.go    what a polled state means for the note, the path and the fault
//	recover.go   power-up, initialisation, identity, table, until Settled
//	settings.go  what a unit is told while it is disabled: security, barcodes,
//	             patience, options
//	coupon.go    a barcode coupon, which is no note
//	plan.go      what to send next
//
// Run puts the machine on a serial line.
//
// # What keeps money safe
//
// The host's ACK of 81h (bill stacked) and 82h (bill returned) makes the unit
// forget; RESET makes it forget a power-up code. Neither goes out before the
// till has confirmed that the evidence is durable. A unit is never reset before
// it has been asked for its state, and is not enabled before its path is known
// to be empty.
package ccnet
