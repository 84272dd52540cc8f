package ber_test

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		name, in string
		tag      ber.Tag
		body     string
		rest     bool
	}{
		{"short", "0402AABB", ber.OctetString, "AABB", false},
		{"with something after it", "0401AA02", ber.OctetString, "AA", true},
		{"empty", "0400", ber.OctetString, "", false},
		{"long length", "048103AABBCC", ber.OctetString, "AABBCC", false},
		{"longer than needed", "048400000002AABB", ber.OctetString, "AABB", false},
		{"eight bytes of it", "04880000000000000001AA", ber.OctetString, "AA", false},
		{"a tag of two bytes", "DF210103", 0xDF21, "03", false},
		{"of three", "5F81020103", 0x5F8102, "03", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ber.New(unhex(c.in))
			v, err := r.Next()
			if err != nil || v.Tag != c.tag || hex.EncodeToString(v.Body) != strings.ToLower(c.body) || r.More() != c.rest {
				t.Errorf("%X %X, more %v, %v", v.Tag, v.Body, r.More(), err)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                    "",
		"a tag alone":                "30",
		"a long tag that is cut":     "DF",
		"a tag of four bytes":        "5F81828301AA",
		"a length that is cut":       "0482AA",
		"longer than what is there":  "0403AABB",
		"a length without end":       "3080AA0000",
		"a length of nine bytes":     "0489000000000000000001AA",
		"a length beyond all memory": "0488FFFFFFFFFFFFFFFF",
	} {
		if v, err := ber.New(unhex(in)).Next(); !errors.Is(err, ber.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	if _, err := (ber.Value{Tag: ber.OctetString}).Inside(); !errors.Is(err, ber.ErrMalformed) {
		t.Errorf("values inside an octet string: %v", err)
	}
}

func TestDepth(t *testing.T) {
	b := []byte{}
	for range ber.MaxDepth + 5 {
		b = append([]byte{0x30, byte(len(b))}, b...)
	}
	r, depth := ber.New(b), 0
	for {
		inside, err := r.Enter(ber.Sequence)
		if err != nil {
			break
		}
		r = inside
		depth++
	}
	if depth != ber.MaxDepth-1 {
		t.Errorf("entered %d values, one in the other", depth)
	}
}

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{"020101": 1, "02020081": 0x81, "0201FF": -1, "0202FF81": -127, "020181": -127, "02087FFFFFFFFFFFFFFF": 1<<63 - 1} {
		v, _ := ber.New(unhex(in)).Next()
		if got, err := v.Int(); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"0200", "0209000000000000000001"} {
		v, _ := ber.New(unhex(in)).Next()
		if got, err := v.Int(); err == nil {
			t.Errorf("%s is %d", in, got)
		}
	}
	v, _ := ber.New(unhex("020120")).Next()
	if _, err := v.Uint(31); err == nil {
		t.Error("32 is within 31")
	}
}

func TestBits(t *testing.T) {
	v, _ := ber.New(unhex("0303062040")).Next()
	b, err := v.Bits()
	if err != nil || !b.Has(2) || !b.Has(9) || b.Has(0) || b.Has(8) || b.Has(100) || b.None() {
		t.Errorf("bits %v, %v", b, err)
	}
	for _, in := range []string{"0300", "030108"} {
		v, _ := ber.New(unhex(in)).Next()
		if _, err := v.Bits(); err == nil {
			t.Errorf("%s is a bit string", in)
		}
	}
}

func TestPadding(t *testing.T) {
	for in, want := range map[string]int{"0400040000FF": 2, "0400FFFF": 1, "0000": 0, "": 0, "04000400": 2} {
		r, n := ber.New(unhex(in)), 0
		for ; r.MoreInFile(); n++ {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if n != want {
			t.Errorf("%s holds %d values, want %d", in, n, want)
		}
	}
}

// What the standard library writes is read.
func TestAgainstASN1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type inner struct {
			N int64
			B []byte
			S string `asn1:"utf8"`
		}
		want := inner{rapid.Int64().Draw(t, "N"), rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "B"), rapid.String().Draw(t, "S")}
		der, err := asn1.Marshal(want)
		if err != nil {
			t.Skip(err)
		}
		if n, ok := ber.Length(der); !ok || n != len(der) {
			t.Fatalf("length %d of %d", n, len(der))
		}
		r, err := ber.New(der).Enter(ber.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		n, err1 := r.Want(ber.Integer)
		b, err2 := r.Want(ber.OctetString)
		s, err3 := r.Want(ber.UTF8String)
		if err := errors.Join(err1, err2, err3); err != nil || r.More() {
			t.Fatal(err, r.More())
		}
		if got, err := n.Int(); err != nil || got != want.N || string(b.Body) != string(want.B) || string(s.Body) != want.S {
			t.Fatalf("%d %X %q", got, b.Body, s.Body)
		}
	})
}

// Whatever the bytes, all values together are those bytes, and none reaches
// outside its own.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{"30060201010400", "3080AA0000", "0488FFFFFFFFFFFFFFFF", "DF210103", "A003300130"} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, ber.New(b), len(b), 0) })
}

func walk(t *testing.T, r *ber.Reader, size, depth int) {
	if depth > ber.MaxDepth {
		t.Fatal("too deep")
	}
	used := 0
	for r.More() {
		v, err := r.Next()
		if err != nil {
			return
		}
		if used += len(v.Raw); used > size || len(v.Body) >= len(v.Raw) {
			t.Fatalf("%d bytes of values in %d", used, size)
		}
		if inside, err := v.Inside(); err == nil {
			walk(t, inside, len(v.Body), depth+1)
		}
	}
}
