package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalVectors(t *testing.T) {
	var vectors []struct{ In, Out, SHA256 string }
	if err := json.Unmarshal(readFile(t, "testdata/canonical.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 10 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		got, err := Canonical([]byte(v.In))
		if err != nil || string(got) != v.Out || hashOf(got) != v.SHA256 {
			t.Errorf("%s\n got %s, %v\nwant %s", v.In, got, err, v.Out)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"fraction":                `{"minor":12.50}`,
		"whole number as float":   `1.0`,
		"exponent":                `1e3`,
		"exponent of zero":        `0E0`,
		"beyond 2^53":             `9007199254740992`,
		"far beyond":              `123456789012345678901234567890`,
		"below -2^53":             `-9007199254740992`,
		"leading zero":            `01`,
		"leading zero, negative":  `-01`,
		"minus alone":             `-`,
		"plus":                    `+1`,
		"NaN":                     `NaN`,
		"empty":                   ``,
		"white space":             ` `,
		"two values":              `1 2`,
		"name twice":              `{"a":1,"a":2}`,
		"name twice, escaped":     `{"a":1,"\u0061":2}`,
		"trailing comma, object":  `{"a":1,}`,
		"trailing comma, array":   `[1,]`,
		"no colon":                `{"a" 1}`,
		"name without quotes":     `{a:1}`,
		"not closed":              `{"a":[1`,
		"string not closed":       `"a`,
		"lone high surrogate":     `"\ud83d"`,
		"lone low surrogate":      `"\ude00"`,
		"surrogates in bad order": `"\ude00\ud83d"`,
		"surrogate, then text":    `"\ud83dx"`,
		"unknown escape":          `"\x41"`,
		"short escape":            `"\u00"`,
		"control character":       "\"a\nb\"",
		"not UTF-8":               "\"a\xff\"",
		"surrogate as UTF-8":      "\"\xed\xa0\x80\"",
		"too deep":                strings.Repeat("[", 70) + strings.Repeat("]", 70),
		"word":                    `nul`,
	} {
		if got, err := Canonical([]byte(in)); !errors.Is(err, ErrNotCanonical) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1,{"\ud83d\ude00":null}],"a":"\u0000x"}`))
	f.Add([]byte(`{"":{"":[]}}`))
	f.Add([]byte(`[-0,9007199254740991,"\/"]`))
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := Canonical(in)
		if err != nil {
			return
		}
		twice, err := Canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not stable: %q, then %q, %v", once, twice, err)
		}
		if !json.Valid(in) || !json.Valid(once) {
			t.Fatalf("took what is no JSON: %q", in)
		}
	})
}

// Any value that the standard library writes has one form, whatever its white
// space and whatever order its members were written in.
func TestCanonicalIgnoresForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.MapOf(rapid.String(), rapid.Int64Range(-maxInteger, maxInteger)).Draw(t, "value")
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(v, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		a, errA := Canonical(plain)
		b, errB := Canonical(indented)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s, %v and %s, %v", a, errA, b, errB)
		}
		var back map[string]int64
		if err := json.Unmarshal(a, &back); err != nil || len(back) != len(v) {
			t.Fatalf("%s reads back as %v, %v", a, back, err)
		}
	})
}

// The envelope's own string writer is the canonical one.
func TestAppendString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "string")
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Canonical(quoted)
		if err != nil || string(appendString(nil, s)) != string(want) {
			t.Fatalf("%q: %s, want %s, %v", s, appendString(nil, s), want, err)
		}
	})
}
