// Package pin gives a card its PIN: how the PIN's characters become the block
// that VERIFY carries, what the card's answer means, and how many tries are left.
//
// It keeps four promises for every profile:
//
//   - The PIN is checked for length and characters before it is sent: many cards
//     count a malformed PIN as a wrong one.
//   - One call of Verify sends one VERIFY. Nothing here tries again.
//   - Every copy of the PIN is made in a slice of its exact length and wiped when
//     the function that made it returns.
//   - No error holds any part of it.
package pin

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
)

// Encoding is how characters are written in the block (ISO/IEC 7816-15, pwdType).
type Encoding int

const (
	BCD        Encoding = iota // two digits in a byte
	ASCII                      // digits, one in a byte
	UTF8                       // any characters
	HalfNibble                 // one digit in a byte, upper half F
	ISO9564                    // format 2: control and length nibbles, digits, filled with F to 8 bytes
)

// Rule is what a card demands of a PIN.
type Rule struct {
	Encoding Encoding
	Min, Max int  // characters
	Stored   int  // bytes of the block that is padded
	Pad      bool // the block is always Stored bytes long
	Filler   byte // what fills it, and its lower half the byte of an odd last BCD digit
}

const (
	maxBlock      = 255
	iso9564Len    = 8
	iso9564Digits = 12
	iso9564Format = 0x20
)

// Check says whether the rule can be kept at all: Max characters fit the block.
func (r Rule) Check() error {
	if r.Encoding < BCD || r.Encoding > ISO9564 || r.Min < 0 || r.Max < 1 || r.Max < r.Min || r.Max > maxBlock ||
		r.Stored < 0 || r.Stored > maxBlock || (r.Encoding == ISO9564 && r.Max > iso9564Digits) {
		return fmt.Errorf("%w: impossible rule for a PIN", smartcard.ErrMalformed)
	}
	if r.Pad && r.length(r.Max) > r.Stored {
		return fmt.Errorf("%w: PIN longer than its block", smartcard.ErrMalformed)
	}
	return nil
}

// Digits reports whether the PIN has only digits.
func (r Rule) Digits() bool { return r.Encoding != UTF8 }

// Capacity is the number of characters that a padded block holds.
func (r Rule) Capacity() int {
	switch r.Encoding {
	case BCD:
		return 2 * r.Stored
	case ISO9564:
		return iso9564Digits
	}
	return r.Stored
}

// length is the number of bytes of n characters, unpadded.
func (r Rule) length(n int) int {
	switch r.Encoding {
	case BCD:
		return (n + 1) / 2
	case ISO9564:
		return iso9564Len
	}
	return n
}

// errForm is a PIN that is not sent, since the card would not take it.
func errForm() error { return &smartcard.PINError{Left: smartcard.TriesUnknown, Format: true} }

// Block is the PIN as the card wants it, in a slice of exactly its length that
// the caller must wipe. A PIN against the rule is a *smartcard.PINError.
func (r Rule) Block(pin []byte) ([]byte, error) {
	n := len(pin)
	if r.Encoding == UTF8 {
		if !utf8.Valid(pin) {
			return nil, errForm()
		}
		n = utf8.RuneCount(pin)
	} else {
		for _, c := range pin {
			if c < '0' || c > '9' {
				return nil, errForm()
			}
		}
	}
	if n < r.Min || n > r.Max || n == 0 {
		return nil, errForm()
	}
	size := r.length(len(pin))
	if r.Pad && r.Encoding != ISO9564 {
		if size > r.Stored {
			return nil, errForm()
		}
		size = r.Stored
	}
	b := make([]byte, size)
	switch r.Encoding {
	case ASCII, UTF8:
		fill(b[copy(b, pin):], r.Filler)
	case HalfNibble:
		for i, c := range pin {
			b[i] = 0xF0 | (c - '0')
		}
		fill(b[len(pin):], r.Filler)
	case BCD:
		fill(b, r.Filler)
		nibbles(b, pin)
	case ISO9564:
		fill(b, 0xFF)
		b[0] = iso9564Format | byte(n)
		nibbles(b[1:], pin)
	}
	return b, nil
}

func fill(b []byte, x byte) {
	for i := range b {
		b[i] = x
	}
}

// nibbles writes digits two in a byte and leaves the half after an odd last one.
func nibbles(b, digits []byte) {
	for i, c := range digits {
		if d := c - '0'; i%2 == 0 {
			b[i/2] = b[i/2]&0x0F | d<<4
		} else {
			b[i/2] = b[i/2]&0xF0 | d
		}
	}
}

// Verify sends the PIN once. A refusal is a *smartcard.PINError; where the card
// does not say how many tries are left, that is TriesUnknown. An exchange that
// failed leaves the counter unknown: ask for the state before anything else.
func Verify(ctx context.Context, ch *apdu.Channel, reference byte, r Rule, pin []byte) error {
	block, err := r.Block(pin)
	if err != nil {
		return err
	}
	defer clear(block)
	c := apdu.Verify(reference, block)
	_, sw, err := ch.Do(ctx, c)
	if err != nil {
		return err
	}
	refusal := &smartcard.PINError{Left: smartcard.TriesUnknown, SW: uint16(sw)}
	left, told := sw.Tries()
	switch {
	case sw == apdu.OK:
		return nil
	case told:
		refusal.Left, refusal.Blocked = left, left == 0
	case sw == apdu.Blocked:
		refusal.Left, refusal.Blocked = 0, true
	case sw == apdu.ReferenceUnusable:
		refusal.NotSet = true
	case sw == apdu.WrongLength, sw == apdu.WrongData:
		refusal.Format = true
	case sw == apdu.WrongNoCount, sw == apdu.SecurityStatus:
		// wrong, and the card does not count aloud
	default:
		return fmt.Errorf("%w: %w", smartcard.ErrKeyRefused, &apdu.StatusError{INS: c.INS, SW: sw})
	}
	return refusal
}

// State asks for the PIN's state by VERIFY without data, which is known not to
// count on the cards of the profiles that call it. known is false if this card
// does not answer the question.
func State(ctx context.Context, ch *apdu.Channel, reference byte) (s smartcard.PINState, known bool, err error) {
	s.Left = smartcard.TriesUnknown
	_, sw, err := ch.Do(ctx, apdu.Verify(reference, nil))
	if err != nil {
		return s, false, err
	}
	left, told := sw.Tries()
	switch {
	case told:
		s.Left, s.Blocked = left, left == 0
	case sw == apdu.OK:
		s.Verified = true
	case sw == apdu.Blocked:
		s.Left, s.Blocked = 0, true
	case sw == apdu.ReferenceUnusable:
		s.NotSet = true
	default:
		return s, false, nil
	}
	return s, true, nil
}
