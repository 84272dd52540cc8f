package canonical

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads one JSON text (RFC 8259) from left to right and writes canonical
// form as it goes.
type parser struct {
	in  []byte
	pos int
}

func (p *parser) refuse(format string, a ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrRefused, p.pos, fmt.Sprintf(format, a...))
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 at the end; no token begins with 0.
func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *parser) end() error {
	p.space()
	if p.pos != len(p.in) {
		return p.refuse("something follows the value")
	}
	return nil
}

var (
	litTrue  = []byte("true")
	litFalse = []byte("false")
	litNull  = []byte("null")
)

func (p *parser) value(out []byte, depth int) ([]byte, error) {
	p.space()
	switch b := p.peek(); {
	case b == '{':
		m, err := p.members(depth)
		if err != nil {
			return nil, err
		}
		return appendObject(out, m), nil
	case b == '[':
		return p.array(out, depth)
	case b == '"':
		s, err := p.str()
		if err != nil {
			return nil, err
		}
		return appendString(out, s), nil
	case b == '-' || b >= '0' && b <= '9':
		return p.number(out)
	}
	for _, lit := range [][]byte{litTrue, litFalse, litNull} {
		if bytes.HasPrefix(p.in[p.pos:], lit) {
			p.pos += len(lit)
			return append(out, lit...), nil
		}
	}
	return nil, p.refuse("no JSON value")
}

func (p *parser) deeper(depth int) error {
	if depth >= MaxDepth {
		return p.refuse("nested deeper than %d levels", MaxDepth)
	}
	return nil
}

func (p *parser) array(out []byte, depth int) ([]byte, error) {
	if err := p.deeper(depth); err != nil {
		return nil, err
	}
	p.pos++ // [
	out = append(out, '[')
	if p.space(); p.peek() == ']' {
		p.pos++
		return append(out, ']'), nil
	}
	for {
		var err error
		if out, err = p.value(out, depth+1); err != nil {
			return nil, err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			out = append(out, ',')
		case ']':
			p.pos++
			return append(out, ']'), nil
		default:
			return nil, p.refuse("array is not closed")
		}
	}
}

// members reads an object and gives its members sorted.
func (p *parser) members(depth int) ([]member, error) {
	if err := p.deeper(depth); err != nil {
		return nil, err
	}
	p.pos++ // {
	var ms []member
	if p.space(); p.peek() == '}' {
		p.pos++
		return ms, nil
	}
	for {
		if p.space(); p.peek() != '"' {
			return nil, p.refuse("member has no name")
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if p.space(); p.peek() != ':' {
			return nil, p.refuse("member has no value")
		}
		p.pos++
		v, err := p.value(nil, depth+1)
		if err != nil {
			return nil, err
		}
		ms = append(ms, member{name, v})
		p.space()
		b := p.peek()
		if b != ',' && b != '}' {
			return nil, p.refuse("object is not closed")
		}
		p.pos++
		if b == '}' {
			break
		}
	}
	byName := func(a, b member) int { return compareUTF16(a.name, b.name) }
	if !slices.IsSortedFunc(ms, byName) {
		slices.SortFunc(ms, byName)
	}
	for i := 1; i < len(ms); i++ {
		if ms[i-1].name == ms[i].name {
			return nil, p.refuse("a name occurs twice in an object")
		}
	}
	return ms, nil
}

// number copies an integer. "-0" becomes "0", as ECMAScript writes it.
func (p *parser) number(out []byte) ([]byte, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	digits := p.pos
	var n uint64
	for ; p.peek() >= '0' && p.peek() <= '9'; p.pos++ {
		if n = n*10 + uint64(p.peek()-'0'); n > MaxInteger {
			return nil, p.refuse("integer beyond ±(2^53-1)")
		}
	}
	switch b := p.peek(); {
	case p.pos == digits:
		return nil, p.refuse("number without digits")
	case p.in[digits] == '0' && p.pos-digits > 1:
		return nil, p.refuse("number begins with 0")
	case b == '.' || b == 'e' || b == 'E':
		return nil, p.refuse("number is not an integer")
	case n == 0:
		return append(out, '0'), nil
	}
	return append(out, p.in[start:p.pos]...), nil
}

// str reads a quoted string into well-formed UTF-8.
func (p *parser) str() (string, error) {
	p.pos++ // "
	start := p.pos
	var out []byte // set from the first escape on
	for p.pos < len(p.in) {
		switch b := p.in[p.pos]; {
		case b == '"':
			s := string(p.in[start:p.pos])
			if out != nil {
				s = string(out)
			}
			p.pos++
			return s, nil
		case b == '\\':
			if out == nil {
				out = append(make([]byte, 0, p.pos-start+16), p.in[start:p.pos]...)
			}
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case b < ' ':
			return "", p.refuse("control character in a string")
		default:
			r, n := utf8.DecodeRune(p.in[p.pos:])
			if r == utf8.RuneError && n <= 1 {
				return "", p.refuse("string is not UTF-8")
			}
			if out != nil {
				out = append(out, p.in[p.pos:p.pos+n]...)
			}
			p.pos += n
		}
	}
	return "", p.refuse("string is not closed")
}

// escape reads one escape sequence, and a surrogate pair as one character.
func (p *parser) escape() (rune, error) {
	p.pos++ // \
	b := p.peek()
	switch b {
	case '"', '\\', '/':
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	default:
		return p.unicodeEscape()
	}
	p.pos++
	return rune(b), nil
}

func (p *parser) unicodeEscape() (rune, error) {
	r, ok := p.hex4()
	if !ok {
		return 0, p.refuse("unknown escape in a string")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.peek() == '\\' {
		p.pos++
		if low, ok := p.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, p.refuse("lone surrogate in a string")
}

// hex4 reads uXXXX.
func (p *parser) hex4() (rune, bool) {
	if len(p.in)-p.pos < 5 || p.in[p.pos] != 'u' {
		return 0, false
	}
	var r rune
	for _, b := range p.in[p.pos+1 : p.pos+5] {
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
	p.pos += 5
	return r, true
}

// compareUTF16 orders names by their UTF-16 code units (RFC 8785 section 3.2.3).
// That differs from the order of their bytes only where a character above U+FFFF
// (whose first unit is a surrogate, from U+D800) meets one from U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) || n == len(b) {
		return len(a) - len(b)
	}
	for n > 0 && !utf8.RuneStart(a[n]) {
		n-- // back to where the character that differs begins
	}
	ra, _ := utf8.DecodeRuneInString(a[n:])
	rb, _ := utf8.DecodeRuneInString(b[n:])
	if ua, ub := firstUnit(ra), firstUnit(rb); ua != ub {
		return int(ua - ub)
	}
	return int(ra - rb)
}

func firstUnit(r rune) rune {
	if high, _ := utf16.EncodeRune(r); high != utf8.RuneError {
		return high
	}
	return r
}

func appendObject(out []byte, ms []member) []byte {
	out = append(out, '{')
	for i, m := range ms {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, m.name)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// appendString writes a well-formed string with the escapes of RFC 8785 section
// 3.2.2.2 and no others.
func appendString(out []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			out = append(out, '\\', b)
		case b >= ' ':
			out = append(out, b)
		case b == '\b':
			out = append(out, '\\', 'b')
		case b == '\t':
			out = append(out, '\\', 't')
		case b == '\n':
			out = append(out, '\\', 'n')
		case b == '\f':
			out = append(out, '\\', 'f')
		case b == '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
	}
	return append(out, '"')
}
