package journal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Canonical JSON: RFC 8785 (JCS), of which the journal uses the part without
// fractions. Numbers are integers within ±(2^53-1), the range in which every
// JSON implementation agrees (RFC 7493 section 2.2); a number with a fraction or
// an exponent is refused, so no floating point number can ever enter a record.

// Bounds of what the canonical encoder takes.
const (
	maxDepth   = 64        // nested arrays and objects
	maxInteger = 1<<53 - 1 // greatest magnitude of a number
)

// ErrNotCanonical is the class of every refusal of Canonical.
var ErrNotCanonical = errors.New("not encodable as canonical JSON")

// Canonical rewrites one JSON text as its RFC 8785 form: members sorted by the
// UTF-16 code units of their names, no white space, shortest string escapes. It
// refuses, with an error that wraps ErrNotCanonical: numbers that are not
// integers within ±(2^53-1), strings that are not well-formed Unicode, a member
// name that occurs twice, more than 64 levels, anything after the value.
func Canonical(in []byte) ([]byte, error) {
	c := canon{in: in}
	out, err := c.value(make([]byte, 0, len(in)), 0)
	if err != nil {
		return nil, err
	}
	c.space()
	if c.pos != len(in) {
		return nil, c.refuse("something follows the value")
	}
	return out, nil
}

type canon struct {
	in  []byte
	pos int
}

func (c *canon) refuse(format string, a ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrNotCanonical, c.pos, fmt.Sprintf(format, a...))
}

func (c *canon) space() {
	for c.pos < len(c.in) {
		switch c.in[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 at the end; 0 begins no value.
func (c *canon) peek() byte {
	if c.pos < len(c.in) {
		return c.in[c.pos]
	}
	return 0
}

func (c *canon) value(out []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, c.refuse("nested deeper than %d levels", maxDepth)
	}
	c.space()
	switch b := c.peek(); {
	case b == '{':
		return c.object(out, depth)
	case b == '[':
		return c.array(out, depth)
	case b == '"':
		s, err := c.str()
		if err != nil {
			return nil, err
		}
		return appendString(out, s), nil
	case b == '-' || b >= '0' && b <= '9':
		return c.number(out)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(c.in[c.pos:], []byte(word)) {
			c.pos += len(word)
			return append(out, word...), nil
		}
	}
	return nil, c.refuse("no JSON value")
}

func (c *canon) array(out []byte, depth int) ([]byte, error) {
	c.pos++ // [
	out = append(out, '[')
	c.space()
	if c.peek() == ']' {
		c.pos++
		return append(out, ']'), nil
	}
	for {
		var err error
		if out, err = c.value(out, depth+1); err != nil {
			return nil, err
		}
		c.space()
		switch c.peek() {
		case ',':
			c.pos++
			out = append(out, ',')
		case ']':
			c.pos++
			return append(out, ']'), nil
		default:
			return nil, c.refuse("array is not closed")
		}
	}
}

func (c *canon) object(out []byte, depth int) ([]byte, error) {
	type member struct {
		name  string
		value []byte
	}
	var members []member
	c.pos++ // {
	c.space()
	for done := c.peek() == '}'; ; {
		if done {
			c.pos++
			break
		}
		c.space()
		if c.peek() != '"' {
			return nil, c.refuse("member has no name")
		}
		name, err := c.str()
		if err != nil {
			return nil, err
		}
		c.space()
		if c.peek() != ':' {
			return nil, c.refuse("member has no value")
		}
		c.pos++
		v, err := c.value(nil, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, v})
		c.space()
		switch c.peek() {
		case ',':
			c.pos++
		case '}':
			done = true
		default:
			return nil, c.refuse("object is not closed")
		}
	}
	slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.name, b.name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			if members[i-1].name == m.name {
				return nil, c.refuse("member %q occurs twice", m.name)
			}
			out = append(out, ',')
		}
		out = appendString(out, m.name)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}'), nil
}

// number copies an integer. "-0" becomes "0", as ECMAScript writes it.
func (c *canon) number(out []byte) ([]byte, error) {
	start := c.pos
	if c.peek() == '-' {
		c.pos++
	}
	digits := c.pos
	var n uint64
	for ; c.peek() >= '0' && c.peek() <= '9'; c.pos++ {
		if n = n*10 + uint64(c.peek()-'0'); n > maxInteger {
			return nil, c.refuse("integer beyond ±(2^53-1)")
		}
	}
	switch b := c.peek(); {
	case c.pos == digits:
		return nil, c.refuse("number without digits")
	case c.in[digits] == '0' && c.pos-digits > 1:
		return nil, c.refuse("number begins with 0")
	case b == '.' || b == 'e' || b == 'E':
		return nil, c.refuse("number is not an integer")
	case n == 0:
		return append(out, '0'), nil
	}
	return append(out, c.in[start:c.pos]...), nil
}

// str reads a quoted string into well-formed UTF-8.
func (c *canon) str() (string, error) {
	c.pos++ // "
	start, escaped := c.pos, false
	var out []byte
	for c.pos < len(c.in) {
		switch b := c.in[c.pos]; {
		case b == '"':
			c.pos++
			if !escaped {
				return string(c.in[start : c.pos-1]), nil
			}
			return string(out), nil
		case b == '\\':
			if !escaped {
				escaped, out = true, append(out, c.in[start:c.pos]...)
			}
			r, err := c.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case b < ' ':
			return "", c.refuse("control character in a string")
		default:
			r, n := utf8.DecodeRune(c.in[c.pos:])
			if r == utf8.RuneError && n <= 1 {
				return "", c.refuse("string is not UTF-8")
			}
			if escaped {
				out = append(out, c.in[c.pos:c.pos+n]...)
			}
			c.pos += n
		}
	}
	return "", c.refuse("string is not closed")
}

var shortEscapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape sequence, a surrogate pair as one character.
func (c *canon) escape() (rune, error) {
	c.pos++ // \
	if r, ok := shortEscapes[c.peek()]; ok {
		c.pos++
		return r, nil
	}
	r, ok := c.hex4()
	if !ok {
		return 0, c.refuse("unknown escape in a string")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if c.peek() == '\\' {
		c.pos++
		if low, ok := c.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, c.refuse("lone surrogate in a string")
}

// hex4 reads uXXXX.
func (c *canon) hex4() (rune, bool) {
	if len(c.in)-c.pos < 5 || c.in[c.pos] != 'u' {
		return 0, false
	}
	var r rune
	for _, b := range c.in[c.pos+1 : c.pos+5] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b >= 'a' && b <= 'f':
			r = r<<4 | rune(b-'a'+10)
		case b >= 'A' && b <= 'F':
			r = r<<4 | rune(b-'A'+10)
		default:
			return 0, false
		}
	}
	c.pos += 5
	return r, true
}

// compareUTF16 orders strings by their UTF-16 code units (RFC 8785 section
// 3.2.3), which differs from the order of their bytes above U+FFFF.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			if ua, ub := firstUnit(ra), firstUnit(rb); ua != ub {
				return int(ua) - int(ub)
			}
			return int(ra - rb) // same high surrogate
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) - len(b)
}

func firstUnit(r rune) rune {
	if high, _ := utf16.EncodeRune(r); high != utf8.RuneError {
		return high
	}
	return r
}

// appendString writes a well-formed string with the escapes of RFC 8785 section
// 3.2.2.2 and no others.
func appendString(out []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		switch b := s[i]; b {
		case '"', '\\':
			out = append(out, '\\', b)
		case '\b':
			out = append(out, '\\', 'b')
		case '\t':
			out = append(out, '\\', 't')
		case '\n':
			out = append(out, '\\', 'n')
		case '\f':
			out = append(out, '\\', 'f')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			if b < ' ' {
				out = append(out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			} else {
				out = append(out, b)
			}
		}
	}
	return append(out, '"')
}
