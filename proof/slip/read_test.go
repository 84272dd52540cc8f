package main

import (
	"bytes"
	"testing"
)

func TestParsePBM(t *testing.T) {
	row := bytes.Repeat([]byte{0xA5}, stride)
	two := picture{height: 2, bits: append(append([]byte{}, row...), row...)}
	for _, c := range []struct {
		name string
		file []byte
		ok   bool
	}{
		{"two rows", two.pbm(), true},
		{"no rows", picture{}.pbm(), true},
		{"a row is missing", two.pbm()[:len(two.pbm())-stride], false},
		{"a byte too many", append(two.pbm(), 0), false},
		{"another width", append([]byte("P4\n8 1\n"), 0), false},
		{"text PBM", []byte("P1\n576 1\n0"), false},
		{"negative height", []byte("P4\n576 -1\n"), false},
		{"height beyond any", []byte("P4\n576 99999999999999999999\n"), false},
		{"one line", []byte("P4"), false},
		{"nothing", nil, false},
	} {
		p, err := parsePBM(c.file)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && !bytes.Equal(p.pbm(), c.file) {
			t.Errorf("%s: written again it differs", c.name)
		}
	}
	if got, _ := parsePBM(two.pbm()); !bytes.Equal(got.rows(1, 2), row) || got.hash() != two.hash() {
		t.Error("rows or hash differ after reading")
	}
}

func FuzzParsePBM(f *testing.F) {
	f.Add(picture{height: 1, bits: make([]byte, stride)}.pbm())
	f.Add([]byte("P4\n576 -1\n"))
	f.Add([]byte("P4\n576 256204778801521551\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePBM(b)
		if err == nil && (p.height < 0 || len(p.bits) != p.height*stride || len(p.bits) > len(b)) {
			t.Errorf("%d rows of %d bytes", p.height, len(p.bits))
		}
	})
}
