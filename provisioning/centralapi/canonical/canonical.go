// Package canonical is the byte form in which the terminal and central agree on
// what a record says: canonical JSON after RFC 8785 (JCS), of which only the part
// without fractions is used, and the hash chain over it.
//
// Numbers are integers within ±(2^53-1), the range in which every JSON
// implementation agrees (RFC 7493 section 2.2). A number with a fraction or an
// exponent is refused, so no floating point number can enter a record. Whatever
// comes in is bounded: depth by MaxDepth, size by the caller, who knows how much
// it is willing to read.
package canonical

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxDepth is how deep arrays and objects may be nested.
	MaxDepth = 64
	// MaxInteger is the greatest magnitude of a number.
	MaxInteger = 1<<53 - 1
)

// ErrRefused is the class of every refusal: the text is not JSON, or not of the
// part that has a canonical form here.
var ErrRefused = errors.New("no canonical JSON form")

// JSON rewrites one JSON text in its canonical form: members sorted by the UTF-16
// code units of their names, no white space, the shortest escapes. Refused, with
// an error that wraps ErrRefused, are: numbers that are not integers within
// ±MaxInteger, strings that are not well-formed Unicode, a name that occurs twice
// in an object, more than MaxDepth levels, and anything after the value.
func JSON(in []byte) ([]byte, error) {
	p := parser{in: in}
	out, err := p.value(make([]byte, 0, len(in)), 0)
	if err != nil {
		return nil, err
	}
	return out, p.end()
}

// Object is one JSON object whose members are in canonical form. A reader takes
// members by their exact names from it, which encoding/json does not promise (it
// ignores case).
type Object struct{ members []member }

type member struct {
	name  string
	value []byte
}

// ParseObject reads one JSON object under the rules of JSON.
func ParseObject(in []byte) (*Object, error) {
	p := parser{in: in}
	p.space()
	if p.peek() != '{' {
		return nil, p.refuse("not an object")
	}
	members, err := p.members(0)
	if err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return &Object{members}, nil
}

func (o *Object) find(name string) (int, bool) {
	return slices.BinarySearchFunc(o.members, name, func(m member, n string) int { return compareUTF16(m.name, n) })
}

// Get is the canonical form of a member's value, or nil if there is none. The
// caller must not change it.
func (o *Object) Get(name string) []byte {
	if i, ok := o.find(name); ok {
		return o.members[i].value
	}
	return nil
}

// SetString gives the object a member whose value is the string s, which must be
// well-formed UTF-8; a member of that name is replaced.
func (o *Object) SetString(name, s string) {
	v := appendString(nil, s)
	i, ok := o.find(name)
	if ok {
		o.members[i].value = v
		return
	}
	o.members = slices.Insert(o.members, i, member{name, v})
}

// Delete removes a member, if there is one of that name.
func (o *Object) Delete(name string) {
	if i, ok := o.find(name); ok {
		o.members = slices.Delete(o.members, i, i+1)
	}
}

// Bytes is the object's canonical form.
func (o *Object) Bytes() []byte {
	n := 2
	for _, m := range o.members {
		n += len(m.name) + len(m.value) + 4
	}
	return appendObject(make([]byte, 0, n), o.members)
}

// Hash is the SHA-256 of b in lower-case hexadecimal: the hash of a record whose
// canonical envelope is b.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// IsHash reports whether s has the form that Hash gives.
func IsHash(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Link takes a record's envelope as it travels, without prev, puts the hash of
// the record before it in its place, and gives the canonical envelope. Its Hash
// is the record's place in the chain.
func Link(prev string, record []byte) (*Object, error) {
	if !IsHash(prev) {
		return nil, fmt.Errorf("%w: prev is not a hash", ErrRefused)
	}
	o, err := ParseObject(record)
	if err != nil {
		return nil, err
	}
	if o.Get("prev") != nil {
		return nil, fmt.Errorf("%w: record carries prev", ErrRefused)
	}
	o.SetString("prev", prev)
	return o, nil
}
