// Package apdu speaks ISO/IEC 7816-4 with a card: it builds commands, cuts them
// to what reader and card carry, fetches answers that come in parts, and names
// status words.
//
// A Command is pure bytes. A Channel is a Command's way over a smartcard.Card:
//
//   - Data too long for one short command goes by chaining (CLA bit 10 on every
//     part but the last), or in one extended command where both the card (its
//     historical bytes) and the reader say that they know them. A guess here is a
//     card that signs with one reader and not with another.
//   - 61xx is followed by GET RESPONSE, with a bound on bytes and on rounds: a
//     hostile card can answer 61 for ever.
//   - 6Cxx is followed by the same command with the right length, once.
//   - A command that carries a PIN is sent once, whatever the card answers. Its
//     bytes are wiped when Do returns.
//   - All exchanges of one Channel are counted against a bound, so that a job ends
//     no matter what is in the reader.
//
// Profiles (PKCS#15, PIV, a maker's fixed layout) are written with the commands
// of commands.go and hold no bytes of the frame.
package apdu

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Lengths of the data field and of the answer in one command (ISO/IEC 7816-4
// section 5.2).
const (
	MaxShortData     = 255
	MaxShortAnswer   = 256
	MaxExtendedData  = 65535
	MaxExtendedReply = 65536

	headerLen = 4
)

// Command is one command. Data is its data field; Ne is the greatest number of
// bytes that the answer may have, 0 for none.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	Ne               int
}

// Form is how the lengths Lc and Le are written.
type Form int

const (
	Short    Form = iota // one byte each
	ShortT0              // as Short, but a command with data goes without its Le (T=0)
	Extended             // three bytes for the first, two for a second
)

// ErrLength is the error of a command that the form cannot write.
var ErrLength = errors.New("apdu: length outside the form")

// Encode writes the command into a slice of exactly its length, so that a caller
// who wipes it has wiped all of it.
func (c Command) Encode(f Form) ([]byte, error) {
	maxData, maxAnswer := MaxShortData, MaxShortAnswer
	if f == Extended {
		maxData, maxAnswer = MaxExtendedData, MaxExtendedReply
	}
	nc := len(c.Data)
	if nc > maxData || c.Ne < 0 || c.Ne > maxAnswer {
		return nil, fmt.Errorf("%w: data %d, answer %d", ErrLength, nc, c.Ne)
	}
	withLe := c.Ne > 0 && (f != ShortT0 || nc == 0)

	n := headerLen + nc
	switch {
	case f != Extended:
		n += flag(nc > 0) + flag(withLe)
	case nc > 0:
		n += 3 + 2*flag(withLe)
	default:
		n += 3 * flag(withLe)
	}
	b := make([]byte, headerLen, n)
	b[0], b[1], b[2], b[3] = c.CLA, c.INS, c.P1, c.P2
	if f == Extended {
		if nc > 0 || withLe {
			b = append(b, 0)
		}
		if nc > 0 {
			b = binary.BigEndian.AppendUint16(b, uint16(nc))
			b = append(b, c.Data...)
		}
		if withLe {
			b = binary.BigEndian.AppendUint16(b, uint16(c.Ne)) // 65 536 is 0000
		}
		return b, nil
	}
	if nc > 0 {
		b = append(b, byte(nc))
		b = append(b, c.Data...)
	}
	if withLe {
		b = append(b, byte(c.Ne)) // 256 is 00
	}
	return b, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ErrNoCommand is the error of bytes that are no command.
var ErrNoCommand = errors.New("apdu: not a command")

// Parse reads a command from its bytes, as a card does: for traces, and for the
// twins of cards in tests. A command without lengths is Short. Data points into
// b.
func Parse(b []byte) (Command, Form, error) {
	if len(b) < headerLen {
		return Command{}, Short, fmt.Errorf("%w: %d bytes", ErrNoCommand, len(b))
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[headerLen:]
	switch {
	case len(body) == 0:
		return c, Short, nil
	case len(body) == 1:
		c.Ne = shortLe(body[0])
		return c, Short, nil
	case body[0] != 0:
		nc := int(body[0])
		switch body = body[1:]; len(body) {
		case nc:
		case nc + 1:
			c.Ne = shortLe(body[nc])
		default:
			return Command{}, Short, fmt.Errorf("%w: Lc %d, %d bytes follow", ErrNoCommand, nc, len(body))
		}
		c.Data = body[:nc]
		return c, Short, nil
	case len(body) < 3:
		return Command{}, Extended, fmt.Errorf("%w: extended length cut", ErrNoCommand)
	case len(body) == 3:
		c.Ne = extendedLe(body[1:])
		return c, Extended, nil
	}
	nc := int(binary.BigEndian.Uint16(body[1:]))
	body = body[3:]
	switch {
	case nc == 0:
		return Command{}, Extended, fmt.Errorf("%w: extended Lc 0", ErrNoCommand)
	case len(body) == nc:
	case len(body) == nc+2:
		c.Ne = extendedLe(body[nc:])
	default:
		return Command{}, Extended, fmt.Errorf("%w: Lc %d, %d bytes follow", ErrNoCommand, nc, len(body))
	}
	c.Data = body[:nc]
	return c, Extended, nil
}

func shortLe(b byte) int {
	if b == 0 {
		return MaxShortAnswer
	}
	return int(b)
}

func extendedLe(b []byte) int {
	if n := int(binary.BigEndian.Uint16(b)); n != 0 {
		return n
	}
	return MaxExtendedReply
}
