package catalogue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// ErrValue is the kind of every mistake in the values given to a message.
var ErrValue = errors.New("message lacks a value")

// Value is one value for a message: made by Text, Number, Money or Code.
type Value struct {
	kind  valueKind
	str   string
	num   int64
	money money.Amount
}

type valueKind uint8

const (
	valueText valueKind = iota + 1
	valueNumber
	valueMoney
	valueCode
)

// Text is running text: a name, a purpose.
func Text(s string) Value { return Value{kind: valueText, str: s} }

// Number is a count. Only a number, or a text or code of digits alone, can choose
// a plural.
func Number(n int64) Value { return Value{kind: valueNumber, num: n} }

// Money is an amount, written in the language's way.
func Money(a money.Amount) Value { return Value{kind: valueMoney, money: a} }

// Code is a reference, a phone number, a date: always left to right, 0-9.
func Code(s string) Value { return Value{kind: valueCode, str: s} }

// whole is the number that chooses a plural.
func (v Value) whole() (int64, bool) {
	switch v.kind {
	case valueNumber:
		return v.num, true
	case valueText, valueCode:
		if len(v.str) > 18 || strings.ContainsFunc(v.str, func(r rune) bool { return r < '0' || r > '9' }) {
			return 0, false
		}
		n, err := strconv.ParseInt(v.str, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Formatter writes messages in one language.
type Formatter struct {
	Lang string
	// Isolates puts every value between the isolates of UAX 9, so that its
	// direction does not disturb the sentence: for text that is laid out with the
	// bidirectional algorithm in one run.
	Isolates bool
}

// Format writes a pattern with its values in a language, without isolates.
func Format(lang, pattern string, values map[string]Value) (string, error) {
	m, err := Parse(pattern)
	if err != nil {
		return "", err
	}
	return Formatter{Lang: lang}.Format(m, values)
}

// Format writes a message. A value that is missing, or that cannot choose a
// plural, is an error: a sentence with a hole is never shown.
func (f Formatter) Format(m *Message, values map[string]Value) (string, error) {
	var b strings.Builder
	if err := f.write(&b, m, values); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (f Formatter) write(b *strings.Builder, m *Message, values map[string]Value) error {
	for _, p := range m.parts {
		if p.name == "" {
			b.WriteString(p.lit)
			continue
		}
		v, ok := values[p.name]
		if !ok || v.kind == 0 {
			return fmt.Errorf("%w: %s", ErrValue, p.name)
		}
		if p.cases == nil {
			b.WriteString(f.value(v))
			continue
		}
		n, ok := v.whole()
		if !ok {
			return fmt.Errorf("%w: %s must be a number", ErrValue, p.name)
		}
		c := p.cases[Plural(f.Lang, n)]
		if c == nil {
			c = p.cases[pluralOther]
		}
		if err := f.write(b, c, values); err != nil {
			return err
		}
	}
	return nil
}

func (f Formatter) value(v Value) string {
	switch v.kind {
	case valueNumber:
		return FormatNumber(f.Lang, v.num)
	case valueMoney:
		if f.Isolates {
			return leftToRightIsolate + plainMoney(f.Lang, v.money) + popIsolate
		}
		return FormatMoney(f.Lang, v.money)
	case valueCode:
		if f.Isolates {
			return leftToRightIsolate + clean(v.str) + popIsolate
		}
	case valueText:
		if f.Isolates {
			return firstStrongIsolate + clean(v.str) + popIsolate
		}
	}
	return clean(v.str)
}
