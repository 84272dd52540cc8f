package catalogue

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Langs are the nine languages that every bundle speaks (BCP 47 subtags); the
// language of the state comes first.
func Langs() []string { return []string{"az", "en", "fr", "es", "de", "it", "ar", "fa", "ru"} }

// referenceLang is the language whose placeholders the others must have.
const referenceLang = "en"

// Spaces and marks of CLDR's number and currency patterns.
const (
	noBreakSpace       = "\u00a0"
	narrowNoBreakSpace = "\u202f"
	leftToRightMark    = "\u200e"
	rightToLeftMark    = "\u200f"

	// Isolates of Unicode UAX 9: first strong, left to right, and their end.
	firstStrongIsolate = "\u2068"
	leftToRightIsolate = "\u2066"
	popIsolate         = "\u2069"
)

// numbers is how a language writes numbers and amounts: CLDR 48 with the digits
// 0-9 in every language, as amounts are written on slips and on the screen.
type numbers struct {
	group, decimal string
	minGroup       int  // digits before the first group separator appears: 4, or 5 ("1234,50")
	codeFirst      bool // "AZN 12.50" instead of "12.50 AZN"
	mark           string
}

var numbersOf = map[string]numbers{
	"az": {group: ".", decimal: ",", minGroup: 4},
	"en": {group: ",", decimal: ".", minGroup: 4, codeFirst: true},
	"fr": {group: narrowNoBreakSpace, decimal: ",", minGroup: 4},
	"es": {group: ".", decimal: ",", minGroup: 5},
	"de": {group: ".", decimal: ",", minGroup: 4},
	"it": {group: ".", decimal: ",", minGroup: 5},
	"ar": {group: ",", decimal: ".", minGroup: 4, mark: rightToLeftMark},
	"fa": {group: ",", decimal: ".", minGroup: 4, codeFirst: true, mark: leftToRightMark},
	"ru": {group: noBreakSpace, decimal: ",", minGroup: 4},
}

// numbersFor falls back to English: a slip in an unknown language is still a slip.
func numbersFor(lang string) numbers {
	if n, ok := numbersOf[lang]; ok {
		return n
	}
	return numbersOf[referenceLang]
}

// digits writes a count with the language's group separators.
func (n numbers) digits(u uint64) string {
	s := strconv.FormatUint(u, 10)
	if len(s) < n.minGroup {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(n.group)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// FormatNumber writes a whole number as the language groups it, in the digits
// 0-9.
func FormatNumber(lang string, v int64) string {
	s := numbersFor(lang).digits(magnitude(v))
	if v < 0 {
		return "-" + s
	}
	return s
}

// FormatMoney writes an amount in the language's way with the currency's code
// ("12.345,50 AZN", "AZN 12,345.50"): code pages and fonts of printers lack the
// manat sign. The right-to-left languages get the mark that CLDR puts before the
// amount.
func FormatMoney(lang string, a money.Amount) string {
	return numbersFor(lang).mark + plainMoney(lang, a)
}

// plainMoney is the amount without a direction mark, for use inside an isolate.
func plainMoney(lang string, a money.Amount) string {
	n := numbersFor(lang)
	u := magnitude(a.Minor)
	unit := uint64(1)
	for range a.Currency.Decimals() {
		unit *= 10
	}
	frac := strconv.FormatUint(u%unit, 10)
	frac = strings.Repeat("0", max(0, a.Currency.Decimals()-len(frac))) + frac
	s := n.digits(u/unit) + n.decimal + frac
	if a.Minor < 0 {
		s = "-" + s
	}
	switch {
	case a.Currency == "":
		return s
	case n.codeFirst:
		return string(a.Currency) + noBreakSpace + s
	}
	return s + noBreakSpace + string(a.Currency)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return uint64(-(v + 1)) + 1
	}
	return uint64(v)
}

// clean drops what a value from outside must not bring into a sentence: control
// characters and those that change the direction of the text around them. Line
// breaks and tabs become spaces.
func clean(s string) string {
	if !strings.ContainsFunc(s, unwanted) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unwanted(r):
			return -1
		}
		return r
	}, s)
}

// unwanted characters: controls, the bidirectional controls of UAX 9, and the
// replacement of broken UTF-8.
func unwanted(r rune) bool {
	return unicode.IsControl(r) || slices.Contains(bidiControls, r) || r == unicode.ReplacementChar
}

var bidiControls = []rune{'\u061c', '\u200e', '\u200f', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e',
	'\u2028', '\u2029', '\u2066', '\u2067', '\u2068', '\u2069'}
