// Package smartcard is the family of contact smart-card readers: what a reader
// and a card can say and be told, in the words of PC/SC and ISO/IEC 7816 and
// without a line of any one library. A USB token is a reader with its card
// inside.
//
// # The bargain between a driver and its user
//
//  1. Watch tells what happens in the readers. It alone knows whether a card is
//     there; a Card that was connected before a removal is dead for good, also
//     when the same card comes back.
//  2. A job is Connect, Begin, exchanges, End, Close. A transaction is never held
//     while a person is waited for. Close resets the card, so that no verified
//     PIN stays behind, also after an error, a timeout or a panic of the job.
//  3. Every exchange has a deadline, its context's or LongestExchange. A reader that
//     does not answer by then is abandoned: the call returns ErrStuck (which also
//     wraps the context's cause), the handle is never used again, Connect to this
//     reader says ErrStuck until the call is back, and the other readers go on. To
//     let an exchange end that was begun, do not end its context.
//  4. No exchange is repeated by a driver. A repeated VERIFY can burn a try.
//  5. What is sent and received is wiped where the library allows it, and is
//     never logged: a log line names instruction, lengths and status word.
//
// Protocols of cards (smartcard/pkcs15, later PIV and fixed profiles) are packages
// below this one and know only Card. What they share stands beside them: commands
// (smartcard/apdu), files (cardfile), data objects (ber), PINs (pin) and the forms
// of signatures (signature). Which of a card's keys serves which purpose is
// decided here, for all profiles alike (ForLogin, ForSigning). The implementation
// over the PC/SC daemon is smartcard/pcsc, the twin in memory and the conformance
// suite smartcard/smartcardtest; smartcard/pcsctest runs tests at the real daemon.
package smartcard

import (
	"context"
	"errors"
	"time"
)

// LongestExchange bounds a Connect, a Begin and an exchange whose context has no
// earlier deadline. A card may ask for more time while it computes, and none
// needs this long.
const LongestExchange = 30 * time.Second

// Reader is a reader's name as PC/SC gives it, stable while it is plugged in.
type Reader string

// Event is something that happened in the readers. The concrete types are below.
type Event interface{ smartcardEvent() }

type (
	// ServiceUp: the PC/SC daemon answers. Every reader and card that is there
	// follows as its own event.
	ServiceUp struct{}
	// ServiceDown: the PC/SC daemon is gone, or was not there when Watch began; all
	// readers went with it (each is reported by ReaderLost before).
	ServiceDown struct{ Err error }
	// ReaderFound and ReaderLost: a reader was plugged in or pulled out. A card in a
	// reader that is lost is reported by CardRemoved before.
	ReaderFound struct{ Reader Reader }
	ReaderLost  struct{ Reader Reader }
	// CardInserted: a card answers in this reader. ATR is its answer to reset
	// (ISO/IEC 7816-3 section 8), at most 33 bytes. Insertion counts this
	// reader's insertions within one run of the driver, from 1.
	CardInserted struct {
		Reader    Reader
		ATR       []byte
		Insertion uint64
	}
	// CardRemoved: no card is in this reader any more. A swap that happened
	// between two looks is CardRemoved and then CardInserted.
	CardRemoved struct{ Reader Reader }
	// CardUnreadable: something is in the reader and does not answer (upside down,
	// dirty contacts, dead). CardRemoved follows when it is taken out.
	CardUnreadable struct{ Reader Reader }
)

func (ServiceUp) smartcardEvent()      {}
func (ServiceDown) smartcardEvent()    {}
func (ReaderFound) smartcardEvent()    {}
func (ReaderLost) smartcardEvent()     {}
func (CardInserted) smartcardEvent()   {}
func (CardRemoved) smartcardEvent()    {}
func (CardUnreadable) smartcardEvent() {}

// Service is the readers of one machine.
type Service interface {
	// Watch delivers events, in order and from one goroutine, until ctx ends; then
	// it returns nil. It reconnects to a PC/SC daemon that dies. One Watch at a
	// time.
	Watch(ctx context.Context, deliver func(Event)) error
	// Connect powers up the card in a reader, shared with others. It may be called
	// while Watch runs, from any goroutine, for several readers at a time.
	Connect(ctx context.Context, r Reader) (Card, error)
}

// Protocol is the transmission protocol of a connection (ISO/IEC 7816-3).
type Protocol int

const (
	T0 Protocol = iota
	T1
)

// Card is one connection to a card. It is for one goroutine at a time.
type Card interface {
	ATR() []byte
	Protocol() Protocol
	// MaxCommand is the greatest length of the data field of a command that this
	// reader carries (PC/SC part 10, dwMaxAPDUDataSize); 255 or less means short
	// commands only.
	MaxCommand() int
	// Begin starts a transaction: nobody else can speak to the card until End. When
	// another program holds one until ctx ends, it is ErrInUse.
	Begin(ctx context.Context) error
	// Transmit exchanges one command, as raw bytes, for the card's answer with its
	// status word (2 bytes or more). The answer is the caller's to wipe, and so is
	// the command, also when the exchange was abandoned. ErrTransport leaves the
	// connection open; ErrRemoved, ErrReset, ErrNoService and ErrStuck are what every
	// further call says. When ctx had ended before, nothing is sent and its error is
	// returned.
	Transmit(ctx context.Context, command []byte) ([]byte, error)
	// End ends the transaction and leaves the card as it is. Without one it is
	// ErrBadExchange.
	End() error
	// Close resets the card and gives it back. It may be called twice, and after
	// every error; it ends a transaction that is open. An error of Close means that
	// the card may not have been reset; a card that was removed needs none.
	Close() error
}

// Why something did not work. Errors of the implementations wrap one of them.
var (
	ErrNoService   = errors.New("the PC/SC daemon does not answer")
	ErrNoReader    = errors.New("the reader is gone")
	ErrNoCard      = errors.New("no card is in the reader")
	ErrUnreadable  = errors.New("the card does not answer")
	ErrRemoved     = errors.New("the card was removed")
	ErrInUse       = errors.New("another program holds the reader")
	ErrReset       = errors.New("the card was reset by another program")
	ErrTransport   = errors.New("the exchange with the card failed")
	ErrStuck       = errors.New("the reader does not come back")
	ErrBadExchange = errors.New("the exchange cannot be made")
)
