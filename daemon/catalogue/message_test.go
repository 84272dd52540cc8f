package catalogue

import (
	"errors"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/money"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"pgregory.net/rapid"
)

func TestFormat(t *testing.T) {
	notes := "{n, plural, one {{n} note of {sum}} other {{n} notes of {sum}}}"
	values := map[string]Value{"n": Number(2), "one": Number(1), "sum": Money(money.Manat(5)), "who": Text("Aynur"),
		"ref": Code("AB12-CD34"), "count": Code("3"), "word": Text("many"), "evil": Text("a\u202eb\nc")}
	for _, c := range []struct{ lang, pattern, want string }{
		{"en", "no values", "no values"},
		{"en", "", ""},
		{"en", "Hello {who}!", "Hello Aynur!"},
		{"en", "{ who }", "Aynur"},
		{"en", "it''s {who}", "it's Aynur"},
		{"en", "it's {who}", "it's Aynur"},
		{"en", "braces '{who}' stay", "braces {who} stay"},
		{"en", "quoted '{it''s}'", "quoted {it's}"},
		{"en", notes, "2 notes of AZN\u00a05.00"},
		{"en", strings.ReplaceAll(notes, "{n", "{one"), "1 note of AZN\u00a05.00"},
		{"ru", "{n, plural, one {банкнота} few {банкноты} many {банкнот} other {банкноты}}", "банкноты"},
		{"ar", "{n, plural, zero {0} one {1} two {اثنان} few {3} many {11} other {100}}", "اثنان"},
		{"en", "{count, plural, one {note} other {notes}} {count}", "notes 3"}, // a code of digits counts
		{"az", "{sum} ödəyin", "5,00\u00a0AZN ödəyin"},
		{"en", "No. {ref} #", "No. AB12-CD34 #"},
		{"en", "[{evil}]", "[ab c]"}, // no control of direction, no line break, from outside
	} {
		got, err := Format(c.lang, c.pattern, values)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %q, %v; want %q", c.lang, c.pattern, got, err, c.want)
		}
	}
}

func TestFormatIsolates(t *testing.T) {
	m, err := Parse("{who}: {sum}, {ref}, {n}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Formatter{Lang: "ar", Isolates: true}.Format(m, map[string]Value{
		"who": Text("Aynur"), "sum": Money(money.New(1234550, money.AZN)), "ref": Code("A-1"), "n": Number(1000)})
	if want := "\u2068Aynur\u2069: \u206612,345.50\u00a0AZN\u2069, \u2066A-1\u2069, 1,000"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, p := range []string{
		"{", "}", "{}", "{Who}", "{1a}", "{a", "{a b}", "{a,}", "{a, select, other {x}}", "{a, plural}", "{a, plural,}",
		"{a, plural, one {x}}", "{a, plural, =0 {x} other {y}}", "{a, plural, other {x} other {y}}", "{a, plural, other x}",
		"{a, plural, other {#}}", "{a, plural, other {{b, plural, other {x}}}}", "{a, plural, other {x}", "'{never ends",
		"{a, plural, lots {x} other {y}}", "\xff", strings.Repeat("a", maxMessageBytes+1), strings.Repeat("{a}", maxMessageParts+1),
		"{" + strings.Repeat("a", 41) + "}",
	} {
		if m, err := Parse(p); !errors.Is(err, ErrMessage) {
			t.Errorf("%.40q is accepted: %v, %v", p, m, err)
		}
	}
}

func TestFormatRefusesHoles(t *testing.T) {
	for name, values := range map[string]map[string]Value{
		"nothing given":    nil,
		"zero value":       {"n": {}},
		"not a number":     {"n": Text("two")},
		"empty":            {"n": Code("")},
		"amount":           {"n": Money(money.Manat(1))},
		"number too large": {"n": Code("1234567890123456789")},
	} {
		if s, err := Format("en", "{n, plural, one {a} other {b}}", values); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %q, %v", name, s, err)
		}
	}
}

func TestMoneyInNineLanguages(t *testing.T) {
	for _, c := range []struct{ lang, small, large string }{
		{"az", "1.234,50\u00a0AZN", "12.345,50\u00a0AZN"},
		{"en", "AZN\u00a01,234.50", "AZN\u00a012,345.50"},
		{"fr", "1\u202f234,50\u00a0AZN", "12\u202f345,50\u00a0AZN"},
		{"es", "1234,50\u00a0AZN", "12.345,50\u00a0AZN"},
		{"de", "1.234,50\u00a0AZN", "12.345,50\u00a0AZN"},
		{"it", "1234,50\u00a0AZN", "12.345,50\u00a0AZN"},
		{"ar", "\u200f1,234.50\u00a0AZN", "\u200f12,345.50\u00a0AZN"},
		{"fa", "\u200eAZN\u00a01,234.50", "\u200eAZN\u00a012,345.50"},
		{"ru", "1\u00a0234,50\u00a0AZN", "12\u00a0345,50\u00a0AZN"},
	} {
		if got := FormatMoney(c.lang, money.New(123450, money.AZN)); got != c.small {
			t.Errorf("%s: %q, want %q", c.lang, got, c.small)
		}
		if got := FormatMoney(c.lang, money.New(1234550, money.AZN)); got != c.large {
			t.Errorf("%s: %q, want %q", c.lang, got, c.large)
		}
	}
	for minor, want := range map[int64]string{0: "AZN\u00a00.00", 5: "AZN\u00a00.05", 40: "AZN\u00a00.40", 100: "AZN\u00a01.00",
		-1250: "AZN\u00a0-12.50", -9223372036854775808: "AZN\u00a0-92,233,720,368,547,758.08"} {
		if got := FormatMoney("en", money.New(minor, money.AZN)); got != want {
			t.Errorf("%d: %q, want %q", minor, got, want)
		}
	}
}

// The rules of golang.org/x/text are of an older CLDR, which did not yet have the
// category many for millions in French, Spanish and Italian; elsewhere they are an
// independent oracle.
func TestPluralAgainstText(t *testing.T) {
	form := map[plural.Form]string{plural.Other: pluralOther, plural.Zero: pluralZero, plural.One: pluralOne,
		plural.Two: pluralTwo, plural.Few: pluralFew, plural.Many: pluralMany}
	for _, lang := range Langs() {
		tag := language.MustParse(lang)
		for n := range 3000 {
			want := form[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
			if got := Plural(lang, int64(n)); got != want {
				t.Errorf("%s %d: %s, want %s", lang, n, got, want)
			}
		}
	}
}

func TestPluralTable(t *testing.T) {
	numbers := []int64{0, 1, 2, 3, 5, 11, 21, 22, 101, 1_000_000}
	for lang, want := range map[string]string{
		"az": "other one other other other other other other other other",
		"en": "other one other other other other other other other other",
		"de": "other one other other other other other other other other",
		"fa": "one one other other other other other other other other",
		"fr": "one one other other other other other other other many",
		"es": "other one other other other other other other other many",
		"it": "other one other other other other other other other many",
		"ru": "many one few few many many one few one many",
		"ar": "zero one two few few many many many other other",
	} {
		for i, w := range strings.Fields(want) {
			if got := Plural(lang, numbers[i]); got != w {
				t.Errorf("%s %d: %s, want %s", lang, numbers[i], got, w)
			}
		}
	}
	for _, lang := range Langs() {
		for n := int64(-200); n < 2_000_001; n += 97 {
			if !strings.Contains(strings.Join(PluralCategories(lang), " "), Plural(lang, n)) {
				t.Fatalf("%s %d: %s is not a category of the language", lang, n, Plural(lang, n))
			}
		}
	}
}

// What a literal text says survives quoting, parsing and formatting.
func TestLiteralsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("ab '{}#,ə")), 0, 30, -1).Draw(t, "text")
		got, err := Format("en", quote(s), nil)
		if err != nil || got != s {
			t.Fatalf("%q was written %q and reads %q, %v", s, quote(s), got, err)
		}
	})
}

// quote writes a literal as a pattern: a run of braces and apostrophes that begins
// with a brace becomes one quotation.
func quote(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		brace := r == '{' || r == '}'
		if !inside && brace || inside && !brace && r != '\'' {
			b.WriteByte('\'')
			inside = !inside
		}
		b.WriteRune(r)
		if r == '\'' {
			b.WriteRune(r)
		}
	}
	if inside {
		b.WriteByte('\'')
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a {b} c", "{n, plural, one {{n} a} few {b} many {c} other {d}}", "'{'", "it''s", "{a,plural,other{}}", "}{", "'", "{é}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrMessage) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		values := map[string]Value{}
		for _, p := range m.Placeholders() {
			values[p.Name] = Number(3)
		}
		for _, lang := range Langs() {
			if _, err := (Formatter{Lang: lang}).Format(m, values); err != nil {
				t.Fatalf("%q is read but not written: %v", s, err)
			}
		}
		if m.length() < 0 {
			t.Fatal("negative length")
		}
	})
}
