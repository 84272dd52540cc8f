// Package ber takes apart the tag-length-value data of cards (ISO/IEC 8825-1, as
// ISO/IEC 7816-4 and -15 use it). What comes from a card is hostile until shown
// otherwise, and real cards are careless: lengths may be longer than needed,
// files are padded with 00 or FF. So nothing here allocates by a length that was
// read, the nesting is bounded, and a value never reaches outside the bytes that
// hold it. All slices point into the caller's.
package ber

import (
	"errors"
	"fmt"
)

// MaxDepth is how deep values may be nested.
const MaxDepth = 12

// ErrMalformed is the error of bytes that are no value, or not the expected one.
var ErrMalformed = errors.New("ber: malformed")

// Tag is a tag with all its bytes, as manuals print it: 30, A0, DF21.
type Tag uint32

// Universal tags that cards use.
const (
	Boolean     Tag = 0x01
	Integer     Tag = 0x02
	BitString   Tag = 0x03
	OctetString Tag = 0x04
	OID         Tag = 0x06
	Enumerated  Tag = 0x0A
	UTF8String  Tag = 0x0C
	Time        Tag = 0x18 // GeneralizedTime
	Sequence    Tag = 0x30
)

const (
	constructedBit = 0x20
	longTag        = 0x1F // in the low bits of the first byte: more bytes follow
	moreBit        = 0x80
	maxTagLen      = 3
	maxLengthLen   = 8 // bytes of a long length, most of them 0
)

// Value is one value.
type Value struct {
	Tag  Tag
	Body []byte
	Raw  []byte // tag, length and body

	constructed bool
	depth       int
}

// Reader gives the values of a run, one after the other.
type Reader struct {
	rest  []byte
	depth int
}

// New is a Reader over the values in b.
func New(b []byte) *Reader { return &Reader{rest: b} }

// More reports whether bytes are left.
func (r *Reader) More() bool { return len(r.rest) > 0 }

// MoreInFile reports whether another value follows in a file that may be padded:
// the first tag byte 00 or FF begins the padding.
func (r *Reader) MoreInFile() bool {
	return len(r.rest) > 0 && r.rest[0] != 0x00 && r.rest[0] != 0xFF
}

// Next takes the next value.
func (r *Reader) Next() (Value, error) {
	tag, head, n, err := header(r.rest)
	if err != nil {
		return Value{}, err
	}
	if n > len(r.rest)-head {
		return Value{}, fmt.Errorf("%w: value of %d bytes in %d", ErrMalformed, n, len(r.rest)-head)
	}
	v := Value{
		Tag: tag, Body: r.rest[head : head+n : head+n], Raw: r.rest[: head+n : head+n],
		constructed: r.rest[0]&constructedBit != 0, depth: r.depth,
	}
	r.rest = r.rest[head+n:]
	return v, nil
}

// Optional takes the next value if it has the tag.
func (r *Reader) Optional(tag Tag) (Value, bool, error) {
	if !r.More() {
		return Value{}, false, nil
	}
	next, _, _, err := header(r.rest)
	if err != nil || next != tag {
		return Value{}, false, err
	}
	v, err := r.Next()
	return v, err == nil, err
}

// Want takes the next value, which must have the tag.
func (r *Reader) Want(tag Tag) (Value, error) {
	v, ok, err := r.Optional(tag)
	if err == nil && !ok {
		err = fmt.Errorf("%w: tag %X is missing", ErrMalformed, uint32(tag))
	}
	return v, err
}

// Enter takes the next value, which must have the tag, and goes inside.
func (r *Reader) Enter(tag Tag) (*Reader, error) {
	v, err := r.Want(tag)
	if err != nil {
		return nil, err
	}
	return v.Inside()
}

// Skip passes over all values that come before one of the tags.
func (r *Reader) Skip(until ...Tag) error {
	for r.More() {
		next, _, _, err := header(r.rest)
		if err != nil {
			return err
		}
		for _, t := range until {
			if next == t {
				return nil
			}
		}
		if _, err := r.Next(); err != nil {
			return err
		}
	}
	return nil
}

// Inside is a Reader over the values in a constructed value.
func (v Value) Inside() (*Reader, error) {
	if !v.constructed {
		return nil, fmt.Errorf("%w: tag %X has no values inside", ErrMalformed, uint32(v.Tag))
	}
	if v.depth+1 >= MaxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrMalformed, MaxDepth)
	}
	return &Reader{rest: v.Body, depth: v.depth + 1}, nil
}

// Length is the number of bytes of the value that begins in b, which may hold
// less than all of it; false if its header is not there or makes no sense.
func Length(b []byte) (int, bool) {
	_, head, n, err := header(b)
	return head + n, err == nil
}

var errCut = fmt.Errorf("%w: cut in tag or length", ErrMalformed)

// header reads tag and length; head is the number of their bytes.
func header(b []byte) (tag Tag, head, n int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, errCut
	}
	tag, head = Tag(b[0]), 1
	if b[0]&longTag == longTag {
		for more := true; more; head++ {
			if head == len(b) {
				return 0, 0, 0, errCut
			}
			if head == maxTagLen {
				return 0, 0, 0, fmt.Errorf("%w: tag too long", ErrMalformed)
			}
			tag = tag<<8 | Tag(b[head])
			more = b[head]&moreBit != 0
		}
	}
	if head == len(b) {
		return 0, 0, 0, errCut
	}
	first := b[head]
	head++
	if first&moreBit == 0 {
		return tag, head, int(first), nil
	}
	k := int(first &^ moreBit)
	if k == 0 || k > maxLengthLen {
		return 0, 0, 0, fmt.Errorf("%w: length of the form %02X", ErrMalformed, first)
	}
	if k > len(b)-head {
		return 0, 0, 0, errCut
	}
	const most = 1 << 30 // far above what any card holds, far below overflow
	for _, x := range b[head : head+k] {
		if n = n<<8 | int(x); n > most {
			return 0, 0, 0, fmt.Errorf("%w: length too great", ErrMalformed)
		}
	}
	return tag, head + k, n, nil
}

// Int is the body as a signed integer of at most 8 bytes.
func (v Value) Int() (int64, error) {
	if len(v.Body) == 0 || len(v.Body) > 8 {
		return 0, fmt.Errorf("%w: integer of %d bytes", ErrMalformed, len(v.Body))
	}
	n := int64(int8(v.Body[0]))
	for _, x := range v.Body[1:] {
		n = n<<8 | int64(x)
	}
	return n, nil
}

// Uint is the body as an integer from 0 to max.
func (v Value) Uint(max int) (int, error) {
	n, err := v.Int()
	if err == nil && (n < 0 || n > int64(max)) {
		err = fmt.Errorf("%w: integer outside 0 to %d", ErrMalformed, max)
	}
	return int(n), err
}

// Bool is the body as a truth value.
func (v Value) Bool() bool { return len(v.Body) > 0 && v.Body[0] != 0 }

// Bits is the body of a BIT STRING; bit 0 is the first one.
type Bits []byte

// Bits is the body as a BIT STRING.
func (v Value) Bits() (Bits, error) {
	if len(v.Body) == 0 || v.Body[0] > 7 {
		return nil, fmt.Errorf("%w: bit string", ErrMalformed)
	}
	return Bits(v.Body[1:]), nil
}

// Has reports whether a bit is set; bits that are not there are not.
func (b Bits) Has(bit int) bool {
	return bit/8 < len(b) && b[bit/8]&(0x80>>(bit%8)) != 0
}

// None reports whether no bit is set.
func (b Bits) None() bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
