package ccnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes of frames (section 2), in bytes. LNG counts the whole frame.
const (
	frameOverhead = 5   // SYNC, ADR, LNG and the two bytes of the CRC
	MinFrame      = 6   // one byte of payload
	MaxFrame      = 250 // the longest with a one-byte LNG
	// MaxLongFrame bounds the form with LNG = 0 and a two-byte length, which a
	// validator needs only for a bill table of 48 types.
	MaxLongFrame = 1024

	longOverhead = frameOverhead + 2
	offADR       = 1
	offLNG       = 2
	offPayload   = 3
)

// crcPolynomial is x^16+x^12+x^5+1 with the bits mirrored (CRC-16/KERMIT).
const crcPolynomial = 0x8408

var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ crcPolynomial
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}()

// CRC is the check sum over b: initial value 0, no final XOR (section 3). Over a
// whole good frame, its own CRC included, it is 0.
func CRC(b []byte) uint16 {
	var c uint16
	for _, x := range b {
		c = c>>8 ^ crcTable[byte(c)^x]
	}
	return c
}

// ErrPayload is the error of a payload that no frame can carry.
var ErrPayload = errors.New("ccnet: payload of impossible length")

// Frame is one frame without its wrapping. A host's payload is the command and
// its data, a unit's payload is its answer alone, so what an answer means
// depends on the request.
type Frame struct {
	Address byte
	Payload []byte
}

// AppendBinary appends the frame's bytes to dst. A payload that does not fit a
// one-byte LNG takes the long form, with the length first in the payload, as a
// unit sends it.
func (f Frame) AppendBinary(dst []byte) ([]byte, error) {
	n := len(f.Payload)
	start := len(dst)
	switch {
	case n == 0, n+longOverhead > MaxLongFrame:
		return dst, fmt.Errorf("%w: %d bytes", ErrPayload, n)
	case n+frameOverhead <= MaxFrame:
		dst = append(dst, SYNC, f.Address, byte(n+frameOverhead))
	default:
		dst = append(dst, SYNC, f.Address, 0)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n+longOverhead))
	}
	dst = append(dst, f.Payload...)
	return binary.LittleEndian.AppendUint16(dst, CRC(dst[start:])), nil
}

// command is the frame of a host's command, whose payload always fits.
func command(address byte, payload ...byte) []byte {
	b, err := Frame{address, payload}.AppendBinary(make([]byte, 0, len(payload)+frameOverhead))
	if err != nil {
		panic(err) // a mistake of this package: commands are short and not empty
	}
	return b
}

// Decoder finds frames in a stream of bytes. It hunts for SYNC, believes nothing
// that fails address, length or CRC, and after a failure drops one byte and
// hunts again, because SYNC can occur inside data. It holds at most one long
// frame. The zero value takes every address.
type Decoder struct {
	// Address, unless 0, is the only one accepted.
	Address byte

	buf []byte
	bad int
}

// Bad counts the frames that looked whole and failed their CRC since the last
// Reset.
func (d *Decoder) Bad() int { return d.bad }

// Pending reports whether the beginning of a frame is waiting for its rest.
func (d *Decoder) Pending() bool { return len(d.buf) > 0 }

// Reset forgets what was fed.
func (d *Decoder) Reset() { d.buf, d.bad = d.buf[:0], 0 }

// Feed adds bytes as they came. Call Next until it says false before feeding
// much more: a decoder that is fed without being read keeps the newest bytes.
func (d *Decoder) Feed(p []byte) {
	d.buf = append(d.buf, p...)
	if over := len(d.buf) - 2*MaxLongFrame; over > 0 {
		d.drop(over)
	}
}

// Gap says that the line has been quiet for longer than the bytes of one frame
// may be apart: what is unfinished will stay so, and is hunted through for a
// frame that begins inside it.
func (d *Decoder) Gap() {
	if len(d.buf) > 0 {
		d.drop(1)
	}
}

// Next is the next good frame and its bytes on the line. Both are copies. It is
// false when more bytes are needed.
func (d *Decoder) Next() (f Frame, raw []byte, ok bool) {
	for {
		i := bytes.IndexByte(d.buf, SYNC)
		if i < 0 {
			d.buf = d.buf[:0]
			return Frame{}, nil, false
		}
		d.drop(i)
		size, head, verdict := d.measure()
		switch {
		case verdict == measureBad:
			d.drop(1)
			continue
		case verdict == measureMore, len(d.buf) < size:
			return Frame{}, nil, false
		}
		if CRC(d.buf[:size]) != 0 {
			d.bad++
			d.drop(1)
			continue
		}
		raw = bytes.Clone(d.buf[:size])
		d.drop(size)
		return Frame{Address: raw[offADR], Payload: raw[head : size-2]}, raw, true
	}
}

type measured int

const (
	measureOK measured = iota
	measureMore
	measureBad
)

// measure reads the head of what begins with SYNC: the frame's size and where
// its payload begins.
func (d *Decoder) measure() (size, head int, v measured) {
	b := d.buf
	if len(b) > offADR && (b[offADR] == 0 || d.Address != 0 && b[offADR] != d.Address) {
		return 0, 0, measureBad
	}
	if len(b) <= offLNG {
		return 0, 0, measureMore
	}
	if n := int(b[offLNG]); n != 0 {
		if n < MinFrame || n > MaxFrame {
			return 0, 0, measureBad
		}
		return n, offPayload, measureOK
	}
	if len(b) < offPayload+2 {
		return 0, 0, measureMore
	}
	n := int(binary.BigEndian.Uint16(b[offPayload:]))
	if n <= longOverhead || n > MaxLongFrame {
		return 0, 0, measureBad
	}
	return n, offPayload + 2, measureOK
}

func (d *Decoder) drop(n int) { d.buf = append(d.buf[:0], d.buf[n:]...) }
