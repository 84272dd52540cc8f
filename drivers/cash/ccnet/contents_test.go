package ccnet

import (
	"reflect"
	"slices"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"pgregory.net/rapid"
)

func TestMasks(t *testing.T) {
	tests := []struct {
		types []int
		n     int
		want  []byte
	}{
		{[]int{0}, 3, []byte{0, 0, 1}}, // type 0 is bit 0 of the last byte
		{[]int{2, 3, 4, 5, 6, 7}, 3, []byte{0, 0, 0xFC}},
		{[]int{8}, 3, []byte{0, 1, 0}},
		{[]int{23}, 3, []byte{0x80, 0, 0}},
		{[]int{0, 47}, 6, []byte{0x80, 0, 0, 0, 0, 1}},
		{[]int{-1, 48, 500}, 6, []byte{0, 0, 0, 0, 0, 0}},
	}
	for _, tt := range tests {
		if got := MaskOf(tt.types...).append(nil, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("mask of %v: % X, want % X", tt.types, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SliceOfDistinct(rapid.IntRange(0, 47), rapid.ID[int]).Draw(t, "types")
		slices.Sort(types)
		m := MaskOf(types...)
		if got := parseMask(m.append(nil, maskBytesLong)); !slices.Equal(got.Types(), types) {
			t.Fatalf("%v came back as %v", types, got.Types())
		}
	})
}

func TestParseStatus(t *testing.T) {
	s, ok := ParseStatus([]byte{0x80, 0, 0x7F, 0, 0, 1})
	if !ok || s.Enabled != MaskOf(0, 1, 2, 3, 4, 5, 6, 23) || s.HighSecurity != MaskOf(0) {
		t.Errorf("%+v %t", s, ok)
	}
	if s, ok := ParseStatus(make([]byte, 12)); !ok || s.Enabled != 0 {
		t.Error("the answer of a unit with 48 types was refused")
	}
	for _, n := range []int{0, 5, 7, 13} {
		if _, ok := ParseStatus(make([]byte, n)); ok {
			t.Errorf("%d bytes were taken", n)
		}
	}
}

func TestEntryValue(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
		want  money.Amount
		ok    bool
	}{
		{"5 EUR", []byte{0x05, 'E', 'U', 'R', 0}, money.New(500, "EUR"), true},
		{"200 manat", []byte{2, 'A', 'Z', 'E', 2}, money.Manat(200), true},
		{"manat by its ISO code", []byte{5, 'A', 'Z', 'N', 1}, money.Manat(50), true},
		{"a quarter of a dollar", []byte{0x19, 'U', 'S', 'A', 0x82}, money.New(25, "USD"), true},
		{"a point that moves out whole units", []byte{250, 'A', 'Z', 'E', 0x81}, money.Manat(25), true},
		{"less than the smallest unit", []byte{5, 'A', 'Z', 'E', 0x83}, money.Amount{}, false},
		{"unmapped", []byte{1, 'R', 'U', 'S', 3}, money.Amount{}, false},
		{"the old manat", []byte{1, 'A', 'Z', 'M', 4}, money.Amount{}, false},
		{"too great for a note", []byte{255, 'A', 'Z', 'E', 0x7F}, money.Amount{}, false},
		{"far behind the point", []byte{100, 'A', 'Z', 'E', 0xFF}, money.Amount{}, false},
		{"a truncated entry", []byte{5, 'A', 'Z', 'E'}, money.Manat(5), true},
		{"no country", []byte{5}, money.Amount{}, false},
	}
	for _, tt := range tests {
		entries, err := ParseTable(tt.bytes)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%s: %v %v", tt.name, entries, err)
		}
		if got, ok := entries[0].Value(DefaultCurrencies()); ok != tt.ok || got != tt.want {
			t.Errorf("%s: %v %t, want %v %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestTableWithHoles(t *testing.T) {
	entries, err := ParseTable(manatTable())
	if err != nil {
		t.Fatal(err)
	}
	got, refused := table(entries, tableEntries, DefaultCurrencies())
	want := cash.Table{}
	for i, v := range []int64{1, 5, 10, 20, 50, 100, 200} {
		want.Notes = append(want.Notes, cash.Note{Type: 1 + i, Value: money.Manat(v)})
	}
	want.Notes = append(want.Notes, cash.Note{Type: 9, Value: money.New(500, "EUR")})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if len(refused) != 1 {
		t.Errorf("refused %q, want the one unmapped entry", refused)
	}
	for _, n := range []int{0, 48*5 + 1} {
		if _, err := ParseTable(make([]byte, n)); err == nil {
			t.Errorf("a table of %d bytes was taken", n)
		}
	}
}

func TestParseIdentity(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want cash.Identity
	}{
		{"as the manual says", "FLS-EU10-69363907KI41AS7482\x75\xED\x8D\xC8\x03\x3F\x7B",
			cash.Identity{Part: "FLS-EU10-693639", Serial: "07KI41AS7482", Asset: "75ed8dc8033f7b"}},
		{"padded", "SM-RU1353      21K801503482\x00\x00\x00\x00\x00\x00\x00",
			cash.Identity{Part: "SM-RU1353", Serial: "21K801503482", Asset: "00000000000000"}},
		{"without the asset number", "ICTL83-AZ      000000012345", cash.Identity{Part: "ICTL83-AZ", Serial: "000000012345"}},
		{"cut short", "ICTL83-AZ", cash.Identity{Part: "ICTL83-AZ"}},
		{"unprintable", "A\x00\x1b[2JB\xff", cash.Identity{Part: "A[2JB"}},
	}
	for _, tt := range tests {
		if got := ParseIdentity([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func FuzzContents(f *testing.F) {
	f.Add(manatTable())
	f.Add([]byte("FLS-EU10-69363907KI41AS7482\x75\xED\x8D\xC8\x03\x3F\x7B"))
	f.Add([]byte{0xFF, 'A', 'Z', 'E', 0xFF})
	f.Fuzz(func(t *testing.T, in []byte) {
		id := ParseIdentity(in)
		for _, s := range []string{id.Part, id.Serial} {
			for i := range len(s) {
				if s[i] < ' ' || s[i] > '~' {
					t.Fatalf("unprintable %q", s)
				}
			}
		}
		ParseStatus(in)
		entries, err := ParseTable(in)
		if err != nil {
			return
		}
		for _, e := range entries {
			if v, ok := e.Value(DefaultCurrencies()); ok && (!v.IsPositive() || v.Minor > largestNote) {
				t.Fatalf("%+v is worth %v", e, v)
			}
		}
	})
}
