package catalogue

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNormalise(t *testing.T) {
	for _, c := range []struct{ kind, typed, want string }{
		{FieldNotification, "123027172", "123027172"},
		{FieldNotification, " 123 027-172 ", "123027172"},
		{FieldNotification, "١٢٣٠٢٧١٧٢", "123027172"},
		{FieldNotification, "۱۲۳۰۲۷۱۷۲", "123027172"},
		{FieldNotification, "１２３０２７１７２", "123027172"},
		{FieldNotification, "123\u200b027\u2013172\u202e", "123027172"},
		{FieldNotification, "12a", "12a"}, // not made good, but refused
		{FieldCode, "5vbk5vr", "5VBK5VR"},
		{FieldCode, "ai-1", "AI1"}, // the letter case of no language: no İ
		{FieldCode, "İı iI", "IIII"},
		{FieldCode, "ｆｉｎ", "FIN"},
		{FieldCode, "ə1", "ə1"},
		{FieldText, "  Nizami   küçəsi\t5 ", "Nizami küçəsi 5"},
		{FieldText, "e\u0301", "é"},
		{FieldText, "ev ٥", "ev 5"},
		{FieldName, "İlqar", "İlqar"}, // words follow their language
		{FieldName, "\u202eAli\x00", "Ali"},
		{FieldChoice, " yes ", "yes"},
		{FieldText, "a\xffb", "ab"},
	} {
		if got := Normalise(c.kind, c.typed); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.typed, got, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	number := Field{Type: FieldNotification, Required: true}
	short := Field{Type: FieldText, Min: 3, Max: 5}
	for _, c := range []struct {
		name    string
		field   Field
		value   string
		verdict FieldVerdict
		problem string
	}{
		{"nine digits", number, "123027172", FieldOK, ""},
		{"nothing", number, "", FieldHard, ProblemRequired},
		{"nothing where nothing is asked", Field{Type: FieldNotification}, "", FieldOK, ""},
		{"five digits", number, "12345", FieldHard, ProblemTooShort},
		{"six digits", number, "123456", FieldSoft, ProblemUnusual},
		{"twelve digits", number, "123456789012", FieldSoft, ProblemUnusual},
		{"thirteen digits", number, "1234567890123", FieldHard, ProblemTooLong},
		{"a letter", number, "12302717x", FieldHard, ProblemFormat},
		{"native digits that were not normalised", number, "١٢٣٠٢٧١٧٢", FieldHard, ProblemFormat},
		{"own bounds", Field{Type: FieldNotification, Min: 4, Max: 4, Soft: "^1"}, "1234", FieldOK, ""},
		{"own soft pattern", Field{Type: FieldNotification, Min: 4, Max: 4, Soft: "^1"}, "2234", FieldSoft, ProblemUnusual},
		{"hard before soft", Field{Type: FieldCode, Max: 9, Pattern: "^A", Soft: "^AA"}, "B", FieldHard, ProblemFormat},
		{"code", Field{Type: FieldCode, Max: 9, Pattern: "^[0-9A-HJ-NP-Z]{7}$"}, "5VBK5VR", FieldOK, ""},
		{"code with a small letter", Field{Type: FieldCode, Max: 9}, "5vbk5vr", FieldHard, ProblemFormat},
		{"text counts characters, not bytes", short, "əüöğ", FieldOK, ""},
		{"text too short", short, "əü", FieldHard, ProblemTooShort},
		{"text too long", short, "əüöğış", FieldHard, ProblemTooLong},
		{"a choice", Field{Type: FieldChoice, Choices: []Choice{{Value: "a"}, {Value: "b"}}}, "b", FieldOK, ""},
		{"no choice", Field{Type: FieldChoice, Choices: []Choice{{Value: "a"}, {Value: "b"}}}, "c", FieldHard, ProblemFormat},
		{"a pattern that cannot be read", Field{Type: FieldText, Max: 9, Pattern: "("}, "a", FieldHard, ProblemFormat},
	} {
		if got := Validate(&c.field, c.value); got.Verdict != c.verdict || got.Problem != c.problem {
			t.Errorf("%s: %s %q, want %s %q", c.name, got.Verdict, got.Problem, c.verdict, c.problem)
		}
	}
}

func TestNormaliseTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(FieldTypes()).Draw(t, "type")
		s := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune(" -٣۴İıi１e\u0301\u202e")), 0, 40, -1)).Draw(t, "typed")
		once := Normalise(kind, s)
		if twice := Normalise(kind, once); twice != once {
			t.Fatalf("%q, then %q", once, twice)
		}
	})
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"", "123 027 172", "۱۲۳", "\xff\xfe", strings.Repeat("\u0958", 3000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range FieldTypes() {
			got := Normalise(kind, s)
			if !utf8.ValidString(got) || len(got) > maxTyped {
				t.Fatalf("%s: %d bytes, valid %v", kind, len(got), utf8.ValidString(got))
			}
			Validate(&Field{Type: kind, Required: true, Max: 20, Pattern: "^a", Soft: "b$"}, got)
		}
	})
}
