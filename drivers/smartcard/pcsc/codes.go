package pcsc

import (
	"errors"
	"fmt"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// pnpReader is the name under which the arrival of readers is waited for.
const pnpReader = `\\?PnP?\Notification`

// Bounds of pcsc-lite: MAX_READERNAME, and PCSCLITE_MAX_READERS_CONTEXTS, which
// also bounds the entries of one wait.
const (
	nameMost    = 128
	entriesMost = 16
)

// atrMost is the length of the longest answer to reset (ISO/IEC 7816-3 8.2.1).
const atrMost = 33

// fault is the library's code in an error's text, with the function that gave it.
// The library's own text is not used: it is in a buffer that calls share.
func fault(function string, why, err error) error {
	var code scard.Error
	if errors.As(err, &code) {
		return fmt.Errorf("%w (%s: %08X)", why, function, uint32(code))
	}
	return fmt.Errorf("%w (%s: %w)", why, function, err)
}

// moment is when a code was given; the same code means different things.
type moment int

const (
	connecting moment = iota
	connected
)

// reason sorts a code of a card's context into the family's errors (section 2.3).
// ok is false when the code leaves open whether the card is still there.
func reason(when moment, err error) (why error, ok bool) {
	var code scard.Error
	if !errors.As(err, &code) {
		return smartcard.ErrTransport, false
	}
	switch code {
	case scard.ErrRemovedCard:
		return smartcard.ErrRemoved, true
	case scard.ErrNoSmartcard:
		if when == connecting {
			return smartcard.ErrNoCard, true
		}
		return smartcard.ErrRemoved, true
	case scard.ErrUnknownReader, scard.ErrReaderUnavailable:
		if when == connecting {
			return smartcard.ErrNoReader, true
		}
		return smartcard.ErrRemoved, true // a token is reader and card in one
	case scard.ErrResetCard:
		return smartcard.ErrReset, true
	case scard.ErrSharingViolation:
		return smartcard.ErrInUse, true
	case scard.ErrUnresponsiveCard, scard.ErrUnpoweredCard, scard.ErrUnsupportedCard, scard.ErrProtoMismatch, scard.ErrInvalidAtr:
		if when == connecting {
			return smartcard.ErrUnreadable, true
		}
		return smartcard.ErrTransport, false
	}
	if serviceGone(code) {
		return smartcard.ErrNoService, true
	}
	return smartcard.ErrTransport, false
}

// serviceGone: the daemon or the context with it is no more, or does not let us
// in (sections 2.2 and 2.4).
func serviceGone(code scard.Error) bool {
	switch code {
	case scard.ErrNoService, scard.ErrServiceStopped, scard.ErrCommError, scard.ErrInvalidHandle, scard.ErrShutdown,
		scard.ErrSystemCancelled, scard.ErrSecurityViolation, scard.ErrNoAccess:
		return true
	}
	return false
}
