package smartcard

import (
	"context"
	"crypto"
	"errors"
	"fmt"
)

// Profile knows one way in which cards are laid out (PKCS#15, PIV, one maker's
// fixed layout). Profiles are tried in order; the first that knows the card wins.
type Profile interface {
	Name() string // "pkcs15"
	// Open finds out what is on the card. The caller holds a transaction. It sends
	// no PIN command. ErrUnsupported: this profile does not know this card.
	Open(ctx context.Context, c Card) (Token, error)
}

// Token is what a profile found on one card: its certificates with their keys and
// PINs. It holds no connection, only the card's structure, so one Token serves
// all jobs of one insertion; it must be dropped at removal, since the next card
// may be another person's. Its methods are called inside a transaction, and
// select what they need; on one connection (Card values compare equal on it alone)
// a Token may go on from where its last call left the card.
type Token interface {
	Profile() string
	// Serial is the card's own serial number, hexadecimal; it is personal data.
	Serial() string
	// Same reports whether this is still the card that the Token was read from: a
	// card may have been swapped before anybody noticed, and the next thing that is
	// sent may be a PIN. It costs an exchange or two.
	Same(ctx context.Context, c Card) (bool, error)
	// Keys lists the pairs of certificate and private key, in the card's order.
	Keys() []Key
	// PINState asks the card how many tries a key's PIN has, without costing one.
	PINState(ctx context.Context, c Card, key string) (PINState, error)
	// Sign verifies the PIN once and signs a digest with the key. PIN is only read,
	// and every copy that Sign makes of it is wiped before it returns. The signature
	// of an RSA key is PKCS#1 v1.5 over the digest's DigestInfo; that of an EC key
	// is r||s, each as long as the curve's order (JOSE, RFC 7518 3.4). It has been
	// verified with the certificate's public key: ErrFalseSignature otherwise.
	// A PIN that the card refuses is a *PINError.
	Sign(ctx context.Context, c Card, key string, pin []byte, hash crypto.Hash, digest []byte) ([]byte, error)
}

// Key is a certificate whose private key is on the card.
type Key struct {
	ID          string // the card's own id of the pair, hexadecimal
	Label       string // as the card names it; printable characters only
	Certificate []byte // DER, cut to its own length
	// PIN is the card's name of the PIN that this key needs; keys with equal PIN
	// share it.
	PIN string
	// MinPIN and MaxPIN bound the PIN's length in characters; only digits are
	// allowed when Digits is set.
	MinPIN, MaxPIN int
	Digits         bool
}

// PINState is what the card says of a PIN.
type PINState struct {
	Left     int  // tries left; TriesUnknown if the card does not tell
	Blocked  bool // no try is left
	NotSet   bool // the PIN was never activated
	Verified bool // somebody's PIN is still verified: reset the card before anything else
}

// TriesUnknown as a number of tries: the card does not tell.
const TriesUnknown = -1

// PINError is the card's refusal of a PIN. No part of the PIN is in it.
type PINError struct {
	Left    int    // tries left; TriesUnknown if the card does not tell
	Blocked bool   // this was the last one, or it had been blocked before
	NotSet  bool   // the PIN was never activated (transport PIN)
	Format  bool   // it is no PIN for this card; no try was used
	SW      uint16 // the card's word; 0 if the PIN was not even sent
}

func (e *PINError) Error() string {
	switch {
	case e.Blocked:
		return fmt.Sprintf("the PIN is blocked (SW %04X)", e.SW)
	case e.NotSet:
		return fmt.Sprintf("the PIN was never activated (SW %04X)", e.SW)
	case e.Format:
		return fmt.Sprintf("the card does not take a PIN of this form (SW %04X)", e.SW)
	case e.Left == TriesUnknown:
		return fmt.Sprintf("the PIN is wrong (SW %04X)", e.SW)
	}
	return fmt.Sprintf("the PIN is wrong, %d tries left (SW %04X)", e.Left, e.SW)
}

// Why a profile could not do its work.
var (
	ErrUnsupported    = errors.New("no profile knows this card")
	ErrMalformed      = errors.New("the card's contents make no sense")
	ErrNoKey          = errors.New("the card has no such key")
	ErrKeyRefused     = errors.New("the card refuses to use the key")
	ErrFalseSignature = errors.New("the card's signature does not fit its certificate")
)
