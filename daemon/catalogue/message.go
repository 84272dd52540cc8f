package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a message. Texts come from a signed bundle, but the parser also runs
// before the bundle is believed.
const (
	maxMessageBytes = 4000
	maxMessageParts = 64
	maxPluralDepth  = 1
)

// ErrMessage is the kind of every mistake in a message's pattern.
var ErrMessage = errors.New("message cannot be read")

// Message is a parsed pattern in a small subset of ICU MessageFormat:
//
//	{name}                                   a value
//	{name, plural, one {...} other {...}}    by the number's plural category
//	''                                       an apostrophe
//	'{'  '}'                                 a brace that is meant as such
//
// Names are [a-z_][a-z0-9_]*. A plural does not stand inside a plural, has no
// exact cases ("=0") and no "#": the number is written {name}. An apostrophe that
// starts no quotation is taken as it is; texts write ’ (U+2019).
type Message struct {
	parts []part
}

// part is one piece: a literal, or a value, or a plural.
type part struct {
	lit   string
	name  string
	cases map[string]*Message // of a plural
}

// Parse reads a pattern. It does not know the language; Check holds the plural
// categories against it.
func Parse(pattern string) (*Message, error) {
	if len(pattern) > maxMessageBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMessage, len(pattern), maxMessageBytes)
	}
	if !utf8.ValidString(pattern) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrMessage)
	}
	p := parser{s: pattern}
	m, err := p.message(0)
	if err != nil {
		return nil, fmt.Errorf("%w: at byte %d: %w", ErrMessage, p.at, err)
	}
	return m, nil
}

type parser struct {
	s     string
	at    int
	parts int
}

// message reads until the end of the text, or inside a plural until its brace.
func (p *parser) message(depth int) (*Message, error) {
	m := &Message{}
	var lit strings.Builder
	flush := func() error {
		if lit.Len() == 0 {
			return nil
		}
		m.parts = append(m.parts, part{lit: lit.String()})
		lit.Reset()
		return p.count()
	}
	for p.at < len(p.s) {
		switch c := p.s[p.at]; c {
		case '{':
			if err := flush(); err != nil {
				return nil, err
			}
			part, err := p.argument(depth)
			if err != nil {
				return nil, err
			}
			m.parts = append(m.parts, part)
		case '}':
			if depth == 0 {
				return nil, errors.New("a closing brace without an opening one")
			}
			return m, flush()
		case '\'':
			text, err := p.quoted()
			if err != nil {
				return nil, err
			}
			lit.WriteString(text)
		case '#':
			if depth > 0 {
				return nil, errors.New("# in a plural: write the number as {name}")
			}
			fallthrough
		default:
			lit.WriteByte(c)
			p.at++
		}
	}
	if depth > 0 {
		return nil, errors.New("a plural case without its closing brace")
	}
	return m, flush()
}

func (p *parser) count() error {
	if p.parts++; p.parts > maxMessageParts {
		return fmt.Errorf("more than %d pieces", maxMessageParts)
	}
	return nil
}

// quoted reads an apostrophe and what it quotes.
func (p *parser) quoted() (string, error) {
	p.at++
	if p.at >= len(p.s) {
		return "'", nil
	}
	switch p.s[p.at] {
	case '\'':
		p.at++
		return "'", nil
	case '{', '}':
	default:
		return "'", nil
	}
	var b strings.Builder
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		if c != '\'' {
			b.WriteByte(c)
			continue
		}
		if p.at < len(p.s) && p.s[p.at] == '\'' {
			b.WriteByte('\'')
			p.at++
			continue
		}
		return b.String(), nil
	}
	return "", errors.New("a quotation without its end")
}

func (p *parser) argument(depth int) (part, error) {
	p.at++ // the brace
	if err := p.count(); err != nil {
		return part{}, err
	}
	p.space()
	name := p.word()
	if !isName(name) {
		return part{}, fmt.Errorf("%q is not a name", name)
	}
	p.space()
	if p.take('}') {
		return part{name: name}, nil
	}
	if !p.take(',') {
		return part{}, errors.New("} or , expected after a name")
	}
	p.space()
	if kind := p.word(); kind != "plural" {
		return part{}, fmt.Errorf("%q is not a kind of argument: only plural", kind)
	}
	p.space()
	if !p.take(',') {
		return part{}, errors.New(", expected after plural")
	}
	if depth >= maxPluralDepth {
		return part{}, errors.New("a plural inside a plural")
	}
	cases := map[string]*Message{}
	for {
		p.space()
		if p.take('}') {
			break
		}
		category := p.word()
		if !slices.Contains([]string{pluralZero, pluralOne, pluralTwo, pluralFew, pluralMany, pluralOther}, category) {
			return part{}, fmt.Errorf("%q is not a plural category", category)
		}
		if cases[category] != nil {
			return part{}, fmt.Errorf("the category %s stands twice", category)
		}
		p.space()
		if !p.take('{') {
			return part{}, errors.New("{ expected after a plural category")
		}
		m, err := p.message(depth + 1)
		if err != nil {
			return part{}, err
		}
		if !p.take('}') {
			return part{}, errors.New("} expected after a plural case")
		}
		cases[category] = m
	}
	if cases[pluralOther] == nil {
		return part{}, errors.New("a plural without the category other")
	}
	return part{name: name, cases: cases}, nil
}

func (p *parser) space() {
	for p.at < len(p.s) && (p.s[p.at] == ' ' || p.s[p.at] == '\n' || p.s[p.at] == '\t' || p.s[p.at] == '\r') {
		p.at++
	}
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word reads letters, digits and underscores.
func (p *parser) word() string {
	from := p.at
	for p.at < len(p.s) && (isNameByte(p.s[p.at]) || p.s[p.at] >= 'A' && p.s[p.at] <= 'Z') {
		p.at++
	}
	return p.s[from:p.at]
}

func isNameByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' }

// isName reports whether s can be a variable: [a-z_][a-z0-9_]*, at most 40 bytes.
func isName(s string) bool {
	if s == "" || len(s) > 40 || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

// Placeholder is a value that a message asks for.
type Placeholder struct {
	Name   string
	Plural bool // the value must be a number
}

// Placeholders lists the values that the message asks for, each once, sorted.
func (m *Message) Placeholders() []Placeholder {
	seen := map[string]bool{}
	m.walk(func(p part) { seen[p.name] = seen[p.name] || p.cases != nil })
	out := make([]Placeholder, 0, len(seen))
	for name, plural := range seen {
		out = append(out, Placeholder{name, plural})
	}
	slices.SortFunc(out, func(a, b Placeholder) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// walk visits every value and plural, those inside plural cases too.
func (m *Message) walk(f func(part)) {
	for _, p := range m.parts {
		if p.name == "" {
			continue
		}
		f(p)
		for _, c := range p.cases {
			c.walk(f)
		}
	}
}

// valueWidth is what a value counts in a text's length: a usual amount or code.
const valueWidth = 12

// length is the greatest number of characters that the message may show.
func (m *Message) length() int {
	n := 0
	for _, p := range m.parts {
		switch {
		case p.cases != nil:
			most := 0
			for _, c := range p.cases {
				most = max(most, c.length())
			}
			n += most
		case p.name != "":
			n += valueWidth
		default:
			n += utf8.RuneCountInString(p.lit)
		}
	}
	return n
}

// literals calls f with every literal piece.
func (m *Message) literals(f func(string)) {
	for _, p := range m.parts {
		if p.name == "" {
			f(p.lit)
		}
		for _, c := range p.cases {
			c.literals(f)
		}
	}
}
