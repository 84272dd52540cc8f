package catalogue

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Types of a form's field.
const (
	// FieldNotification is the number of a notification (bildiriş №): digits, 6 to
	// 12; 9 are usual (domain reference, section 5).
	FieldNotification = "notification_number"
	// FieldCode is an identifier of capital Latin letters and digits. It has the
	// letter case of no language: the Azerbaijani i does not become İ.
	FieldCode = "code"
	// FieldText and FieldName are running text in the person's own script.
	FieldText = "text"
	FieldName = "name"
	// FieldChoice is one of the field's choices.
	FieldChoice = "choice"
)

// FieldTypes lists the types that a form can ask for.
func FieldTypes() []string {
	return []string{FieldNotification, FieldCode, FieldText, FieldName, FieldChoice}
}

// Bounds of a notification number where the field names none of its own.
const (
	notificationMin   = 6
	notificationMax   = 12
	notificationUsual = 9
)

// maxTyped is how many bytes of what was typed are looked at.
const maxTyped = 4096

// FieldVerdict is how good a value is.
type FieldVerdict int

const (
	FieldOK   FieldVerdict = iota
	FieldSoft              // unusual: ask once, then let it pass; central decides
	FieldHard              // cannot be right: the form does not go on
)

// String is for messages of tests and tools.
func (v FieldVerdict) String() string { return [...]string{"ok", "soft", "hard"}[v] }

// Problems with a value, in the words of the screen's wire.
const (
	ProblemRequired = "required"
	ProblemTooShort = "too_short"
	ProblemTooLong  = "too_long"
	ProblemFormat   = "format"
	ProblemUnusual  = "unusual"
)

// Validity is a verdict and, unless it is good, the problem.
type Validity struct {
	Verdict FieldVerdict
	Problem string
}

// Normalise brings what a person typed into the form in which it is checked,
// stored and sent. Every type loses control characters and blanks at its ends and
// has full-width, Arabic-Indic and Persian digits as 0-9. Identifiers also lose
// inner blanks and hyphens. Normalising twice changes nothing.
func Normalise(fieldType, s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxTyped)], "") // no form takes as much; the length is refused later
	switch fieldType {
	case FieldNotification:
		return strings.Map(func(r rune) rune {
			if separates(r) || unwanted(r) {
				return -1
			}
			return narrow(r)
		}, s)
	case FieldCode:
		return strings.Map(func(r rune) rune {
			if separates(r) || unwanted(r) {
				return -1
			}
			return capital(narrow(r))
		}, s)
	case FieldText, FieldName:
		s = norm.NFC.String(clean(s))
		s = strings.Map(digit, s)
		s = strings.Join(strings.Fields(s), " ")
		return strings.TrimSpace(strings.ToValidUTF8(s[:min(len(s), maxTyped)], "")) // NFC may have made it longer
	}
	return strings.TrimSpace(clean(s))
}

// separates reports blanks and the hyphens and dashes that people put between
// groups of an identifier.
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '\u200c' || r == '\u200b'
}

// digit maps the digits that the nine languages' keyboards have to 0-9.
func digit(r rune) rune {
	switch {
	case r >= '٠' && r <= '٩': // Arabic-Indic
		return '0' + r - '٠'
	case r >= '۰' && r <= '۹': // Persian
		return '0' + r - '۰'
	}
	return r
}

// narrow maps full-width forms to ASCII, and digits.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return digit(r)
}

// capital is the invariant upper case of an identifier's letter.
func capital(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r == 'İ', r == 'ı':
		return 'I'
	}
	return r
}

// Validate judges a normalised value.
func Validate(f *Field, s string) Validity {
	hard := func(problem string) Validity { return Validity{FieldHard, problem} }
	if s == "" {
		if f.Required {
			return hard(ProblemRequired)
		}
		return Validity{Verdict: FieldOK}
	}
	least, most := f.Min, f.Max
	digits := true
	switch f.Type {
	case FieldNotification:
		if least == 0 {
			least = notificationMin
		}
		if most == 0 {
			most = notificationMax
		}
		digits = only(s, func(r rune) bool { return r >= '0' && r <= '9' })
	case FieldCode:
		digits = only(s, func(r rune) bool { return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' })
	case FieldChoice:
		if !slices.ContainsFunc(f.Choices, func(c Choice) bool { return c.Value == s }) {
			return hard(ProblemFormat)
		}
		return Validity{Verdict: FieldOK}
	}
	switch n := utf8.RuneCountInString(s); {
	case !digits:
		return hard(ProblemFormat)
	case n < least:
		return hard(ProblemTooShort)
	case most > 0 && n > most:
		return hard(ProblemTooLong)
	case !matches(f.Pattern, s):
		return hard(ProblemFormat)
	case !matches(f.Soft, s),
		f.Type == FieldNotification && f.Soft == "" && n != notificationUsual:
		return Validity{FieldSoft, ProblemUnusual}
	}
	return Validity{Verdict: FieldOK}
}

func only(s string, ok func(rune) bool) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
}

// matches is true without a pattern. One that cannot be read matches nothing; the
// checker refuses it.
func matches(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(s)
}
