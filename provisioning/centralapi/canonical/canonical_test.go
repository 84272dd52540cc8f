package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestJSON(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"white space goes", " { \"b\" : [ 1 , 2 ] ,\n\"a\":null } ", `{"a":null,"b":[1,2]}`},
		{"empty ones", `{"o":{},"a":[ ]}`, `{"a":[],"o":{}}`},
		{"minus zero", `-0`, `0`},
		{"greatest integer", `[9007199254740991,-9007199254740991]`, `[9007199254740991,-9007199254740991]`},
		{"literals", `[true,false,null]`, `[true,false,null]`},
		// RFC 8785 section 3.2.2.2, the string of the example.
		{"escapes", `"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"`, "\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
		{"short escapes", `"\b\t\n\f\r"`, `"\b\t\n\f\r"`},
		{"surrogate pair", `"\ud83d\ude02"`, "\"\U0001f602\""},
		{"delete is no control character here", "\"\u007f\"", "\"\u007f\""},
		// RFC 8785 section 3.2.3: the order of the names of the example.
		{"order of names", `{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`,
			"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001f600\":5,\"\ufb33\":3}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := JSON([]byte(c.in))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                   ``,
		"fraction":                  `{"amount":1.5}`,
		"fraction that is whole":    `1.0`,
		"exponent":                  `1e3`,
		"too great":                 `9007199254740992`,
		"far too great":             strings.Repeat("9", 400),
		"leading zero":              `01`,
		"minus alone":               `-`,
		"plus":                      `+1`,
		"name twice":                `{"a":1,"b":2,"a":1}`,
		"name twice by escape":      `{"a":1,"\u0061":1}`,
		"lone surrogate":            `"\ud800"`,
		"low surrogate first":       `"\udc00\ud800"`,
		"control character":         "\"\x01\"",
		"not UTF-8":                 "\"\xff\"",
		"surrogate in UTF-8":        "\"\xed\xa0\x80\"",
		"open string":               `"abc`,
		"open array":                `[1`,
		"open object":               `{"a":1`,
		"trailing comma":            `[1,]`,
		"trailing comma in object":  `{"a":1,}`,
		"no colon":                  `{"a" 1}`,
		"number as name":            `{1:1}`,
		"something behind":          `{} {}`,
		"unknown word":              `nul`,
		"unknown escape":            `"\x41"`,
		"cut escape":                `"\u00`,
		"deeper than allowed":       strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
		"deep enough for the stack": strings.Repeat(`{"a":`, 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := JSON([]byte(in)); !errors.Is(err, ErrRefused) {
				t.Fatalf("got %.80q, %v", got, err)
			}
		})
	}
	if _, err := JSON([]byte(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth))); err != nil {
		t.Fatalf("%d levels: %v", MaxDepth, err)
	}
}

func TestLink(t *testing.T) {
	prev := Hash([]byte("enrolment"))
	o, err := Link(prev, []byte(`{"v":1,"t":"x","seq":1,"kind":"a","body":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"body":{},"kind":"a","prev":"` + prev + `","seq":1,"t":"x","v":1}`
	if got := string(o.Bytes()); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if got := string(o.Get("seq")); got != "1" {
		t.Fatalf("seq: %s", got)
	}
	if o.Get("SEQ") != nil {
		t.Fatal("names are exact")
	}
	for name, f := range map[string]func() (*Object, error){
		"prev travels":  func() (*Object, error) { return Link(prev, []byte(`{"prev":"x"}`)) },
		"not an object": func() (*Object, error) { return Link(prev, []byte(`[1]`)) },
		"not a hash":    func() (*Object, error) { return Link("ABC", []byte(`{}`)) },
	} {
		if _, err := f(); !errors.Is(err, ErrRefused) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// The order of names is that of their UTF-16 code units, whatever they are.
func TestCompareUTF16(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]rune{'a', 'b', 0, 0x7ff, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10400, 0x10ffff})
		a := string(rapid.SliceOfN(alphabet, 0, 4).Draw(t, "a"))
		b := string(rapid.SliceOfN(alphabet, 0, 4).Draw(t, "b"))
		ua, ub := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
		want := 0
		for i := 0; want == 0 && (i < len(ua) || i < len(ub)); i++ {
			switch {
			case i == len(ua):
				want = -1
			case i == len(ub):
				want = 1
			default:
				want = int(ua[i]) - int(ub[i])
			}
		}
		got := compareUTF16(a, b)
		if (got < 0) != (want < 0) || (got > 0) != (want > 0) {
			t.Fatalf("%q, %q: got %d, want %d", a, b, got, want)
		}
	})
}

// What has a canonical form keeps its meaning, and its canonical form is fixed.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[true,null,"\u00e9"]}`, `-0`, `"\ud83d\ude00"`, `{"a":{"a":{}}}`, `1.5`, `{`, "\"\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := JSON(in)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Fatalf("error of another class: %v", err)
			}
			return
		}
		if !json.Valid(in) {
			t.Fatalf("took what is not JSON: %q", in)
		}
		again, err := JSON(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("not a fixed point: %q -> %q, %v", out, again, err)
		}
		var a, b any
		da, db := json.NewDecoder(bytes.NewReader(in)), json.NewDecoder(bytes.NewReader(out))
		da.UseNumber()
		db.UseNumber()
		if da.Decode(&a) != nil || db.Decode(&b) != nil {
			t.Fatalf("cannot be read again: %q", out)
		}
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		if ja, jb = bytes.ReplaceAll(ja, []byte("-0"), []byte("0")), bytes.ReplaceAll(jb, []byte("-0"), []byte("0")); !bytes.Equal(ja, jb) {
			t.Fatalf("meaning changed: %s -> %s", ja, jb)
		}
	})
}
