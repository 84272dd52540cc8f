package cardfile_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestParseInfo(t *testing.T) {
	unknown := cardfile.Info{Size: cardfile.SizeUnknown}
	for _, c := range []struct {
		name, in string
		want     cardfile.Info
	}{
		{"a transparent file, FCI", "6F0A 8002 0123 820101 830245 01", cardfile.Info{Kind: cardfile.Transparent, Size: 0x123, Sure: true}},
		{"the same, FCP", "6207 8002 0123 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x123, Sure: true}},
		{"FCI with FCP in it", "6F09 6207 8002 0123 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x123, Sure: true}},
		{"size with the administration", "6F07 8102 0123 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x123}},
		{"both sizes", "6F0B 8002 0100 8102 0123 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x100, Sure: true}},
		{"both sizes, the other way", "6F0B 8102 0123 8002 0100 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x100, Sure: true}},
		{"a size in three bytes", "6F08 8003 001000 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x1000, Sure: true}},
		{"a size beyond all files", "6F08 8003 FFFFFF 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 65536, Sure: true}},
		{"a size of nothing", "6F07 8002 0000 820101", cardfile.Info{Kind: cardfile.Transparent, Size: -1}},
		{"shareable", "6F03 820141", cardfile.Info{Kind: cardfile.Transparent, Size: -1}},
		{"records", "6F07 8205 0441000A05", cardfile.Info{Kind: cardfile.Records, Size: -1}},
		{"a directory with its name", "6F08 820138 8403 A00001", cardfile.Info{Kind: cardfile.Directory, Size: -1, Name: unhex("A00001")}},
		{"a directory, shareable", "6F03 820178", cardfile.Info{Kind: cardfile.Directory, Size: -1}},
		{"nothing", "", unknown},
		{"something else", "8002 0123", unknown},
		{"cut", "6F0A 8002 01", unknown},
		{"longer lengths than needed", "6F8200 07 8002 0123 820101", cardfile.Info{Kind: cardfile.Transparent, Size: 0x123, Sure: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := cardfile.ParseInfo(unhex(strings.ReplaceAll(c.in, " ", "")))
			if got.Kind != c.want.Kind || got.Size != c.want.Size || got.Sure != c.want.Sure || !bytes.Equal(got.Name, c.want.Name) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzFCI(f *testing.F) {
	for _, s := range []string{"6F0A80020123820101830245", "6F0962078002012382", "6F078205044100", "6F078102012382010162", "6F8200078002012382010100"} {
		f.Add(unhex(s[:len(s)/2*2]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i := cardfile.ParseInfo(b)
		if i.Size == 0 || i.Size < cardfile.SizeUnknown || i.Size > cardfile.MaxFile || len(i.Name) > cardfile.MaxAID || (i.Sure && i.Size < 1) {
			t.Errorf("%+v", i)
		}
	})
}

// readCard holds one file, which any SELECT selects, and reads it as the test
// says.
type readCard struct {
	fci  string
	file []byte
	// answer may replace the answer to the n-th reading.
	answer func(n, offset, le int) []byte
	sent   []string
	reads  int
}

func (c *readCard) ATR() []byte                  { return []byte{0x3B, 0x00} }
func (c *readCard) Protocol() smartcard.Protocol { return smartcard.T1 }
func (c *readCard) MaxCommand() int              { return 255 }
func (c *readCard) Begin(context.Context) error  { return nil }
func (c *readCard) End() error                   { return nil }
func (c *readCard) Close() error                 { return nil }

func (c *readCard) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	c.sent = append(c.sent, fmt.Sprintf("%X", cmd))
	offset, le := int(cmd[2])<<8|int(cmd[3]), 256
	switch cmd[1] {
	case 0xA4:
		return append(unhex(c.fci), 0x90, 0x00), nil
	case 0xB2: // records of three bytes
		if n := int(cmd[2]) * 3; n <= len(c.file) {
			return append(bytes.Clone(c.file[n-3:n]), 0x90, 0x00), nil
		}
		return []byte{0x6A, 0x83}, nil
	case 0xB1:
		offset = int(cmd[7])<<8 | int(cmd[8])
	case 0xB0:
		if cmd[4] != 0 {
			le = int(cmd[4])
		}
	}
	c.reads++
	if c.answer != nil {
		if a := c.answer(c.reads, offset, le); a != nil {
			return a, nil
		}
	}
	if offset >= len(c.file) {
		return []byte{0x6B, 0x00}, nil
	}
	part := c.file[offset:]
	if cmd[1] == 0xB1 {
		part = part[:min(200, len(part))]
		return slices.Concat([]byte{0x53, 0x81, byte(len(part))}, part, []byte{0x90, 0x00}), nil
	}
	if len(part) < le {
		return append(bytes.Clone(part), 0x62, 0x82), nil
	}
	return append(bytes.Clone(part[:le]), 0x90, 0x00), nil
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestRead(t *testing.T) {
	const sized, unsized = "6F07800202BC820101", "6F03820101" // 700 bytes, or nobody knows
	once := func(at int, sw ...byte) func(int, int, int) []byte {
		return func(n, _, _ int) []byte {
			if n == at {
				return sw
			}
			return nil
		}
	}
	from := func(offset int, sw ...byte) func(int, int, int) []byte {
		return func(_, at, _ int) []byte {
			if at == offset {
				return sw
			}
			return nil
		}
	}
	for _, c := range []struct {
		name   string
		card   readCard
		part   cardfile.Part
		enough func([]byte) bool
		want   int    // bytes from the beginning of the part
		sw     uint16 // refused with
		reads  int
	}{
		{name: "by its size", card: readCard{fci: sized, file: pattern(700)}, want: 700, reads: 3},
		{name: "without a size, to the end", card: readCard{fci: unsized, file: pattern(700)}, want: 700, reads: 3},
		{name: "without a size, in whole blocks: the end is heard twice", card: readCard{fci: unsized, file: pattern(512)}, want: 512, reads: 4},
		{name: "a short block is an end too", card: readCard{fci: unsized, file: pattern(700), answer: func(n, at, _ int) []byte {
			if at == 512 {
				return append(pattern(700)[512:], 0x90, 0x00)
			}
			return nil
		}}, want: 700, reads: 3},
		{name: "a short block is none where the size is known", card: readCard{fci: sized, file: pattern(700), answer: func(n, at, _ int) []byte {
			return append(bytes.Clone(pattern(700)[at:min(at+100, 700)]), 0x90, 0x00)
		}}, want: 700, reads: 7},
		{name: "nothing is in it", card: readCard{fci: unsized, answer: func(int, int, int) []byte { return []byte{0x90, 0x00} }}, want: 0, reads: 1},
		{name: "the size counts more than the contents", card: readCard{fci: "6F078102" + "0300" + "820101", file: pattern(700)}, want: 700, reads: 3},
		{name: "a glitch in the middle, 6B00", card: readCard{fci: sized, file: pattern(700), answer: once(2, 0x6B, 0x00)}, want: 700, reads: 4},
		{name: "a glitch in the middle, 6986", card: readCard{fci: unsized, file: pattern(700), answer: once(2, 0x69, 0x86)}, want: 700, reads: 4},
		{name: "the same again is no glitch", card: readCard{fci: sized, file: pattern(700), answer: from(256, 0x6B, 0x00)}, sw: 0x6B00, reads: 3},
		{name: "an error at the beginning", card: readCard{fci: sized, file: pattern(700), answer: from(0, 0x69, 0x82)}, sw: 0x6982, reads: 1},
		{name: "enough", card: readCard{fci: sized, file: pattern(700)}, enough: func(b []byte) bool { return len(b) >= 256 }, want: 256, reads: 1},
		{name: "a part", card: readCard{fci: sized, file: pattern(700)}, part: cardfile.Part{Index: 100, Length: 50}, want: 50, reads: 1},
		{name: "from a place to the end", card: readCard{fci: sized, file: pattern(700)}, part: cardfile.Part{Index: 650}, want: 50, reads: 1},
		{name: "a part outside", card: readCard{fci: sized, file: pattern(700)}, part: cardfile.Part{Index: 900, Length: 5}, want: 0, reads: 0},
		{name: "beyond 32 KiB", card: readCard{fci: unsized, file: pattern(33_000)}, want: 33_000, reads: 132},
		{name: "records", card: readCard{fci: "6F078205044100030A", file: []byte{4, 1, 7, 4, 1, 8}}, want: 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := cardfile.New(apdu.NewChannel(&c.card), cardfile.Home{}, cardfile.Manners{})
			got, err := files.Read(t.Context(), cardfile.Path{0x3F, 0x00, 0x45, 0x01}, c.part, c.enough)
			var refused *apdu.StatusError
			if errors.As(err, &refused) != (c.sw != 0) || (refused != nil && uint16(refused.SW) != c.sw) || (c.sw == 0 && err != nil) {
				t.Fatalf("%v, want %04X", err, c.sw)
			}
			if c.sw == 0 && !bytes.Equal(got, c.card.file[min(c.part.Index, len(c.card.file)):][:c.want]) {
				t.Errorf("%d bytes, want %d", len(got), c.want)
			}
			if c.card.reads != c.reads {
				t.Errorf("%d readings, want %d: %v", c.card.reads, c.reads, c.card.sent)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	path := cardfile.Path{0x3F, 0x00, 0x45, 0x01}
	dir := &readCard{fci: "6F03820138"}
	files := cardfile.New(apdu.NewChannel(dir), cardfile.Home{}, cardfile.Manners{})
	if _, err := files.Read(t.Context(), path, cardfile.Part{}, nil); !errors.Is(err, smartcard.ErrMalformed) {
		t.Errorf("a directory is read: %v", err)
	}
	for name, part := range map[string]cardfile.Part{"before": {Index: -1}, "far behind": {Index: 70_000}, "too long": {Length: 70_000}} {
		if _, err := files.Read(t.Context(), path, part, nil); !errors.Is(err, smartcard.ErrMalformed) {
			t.Errorf("a part %s: %v", name, err)
		}
	}
	for _, p := range []cardfile.Path{{0x3F}, make([]byte, 18)} {
		if _, err := files.Select(t.Context(), p, true); !errors.Is(err, cardfile.ErrPath) {
			t.Errorf("path %X: %v", p, err)
		}
	}
}

// selectCard takes the SELECT commands that it is told, and no other.
type selectCard struct {
	readCard
	takes func(p1, p2 byte) bool
	sw    []byte // for the others
}

func (c *selectCard) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	c.sent = append(c.sent, fmt.Sprintf("%X", cmd))
	if !c.takes(cmd[2], cmd[3]) {
		return c.sw, nil
	}
	return []byte{0x90, 0x00}, nil
}

// What the card took once is what it is given first from then on, in later jobs
// too.
func TestManners(t *testing.T) {
	home := cardfile.Home{AID: []byte{0xA0, 0x01}, Path: cardfile.Path{0x3F, 0x00, 0x50, 0x15}}
	for _, c := range []struct {
		name  string
		takes func(p1, p2 byte) bool
		sw    []byte
		path  string
		then  string // the commands of the second time
	}{
		{"paths from the root", func(p1, _ byte) bool { return p1 == 8 }, []byte{0x6A, 0x86}, "3F0050154401", "00A4080C0450154401"},
		{"the same for a relative path", func(p1, _ byte) bool { return p1 == 8 }, []byte{0x6A, 0x86}, "4401", "00A4080C0450154401"},
		{"identifiers, absolute", func(p1, _ byte) bool { return p1 == 0 }, []byte{0x6A, 0x86}, "3F0050154401", "00A4000C023F00 00A4000C025015 00A4000C024401"},
		{"identifiers by kind, relative", func(p1, _ byte) bool { return p1 == 1 || p1 == 2 || p1 == 4 }, []byte{0x6A, 0x82}, "50164401", "00A4040C02A001 00A4010C025016 00A4020C024401"},
		{"paths from here", func(p1, _ byte) bool { return p1 == 9 || p1 == 4 }, []byte{0x6A, 0x81}, "50164401", "00A4040C02A001 00A4090C0450164401"},
		{"no silence", func(p1, p2 byte) bool { return p2 == 4 }, []byte{0x6A, 0x86}, "3F0050154401", "00A40804045015440100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := &selectCard{takes: c.takes, sw: c.sw}
			path := cardfile.Path(unhex(c.path))
			first := cardfile.New(apdu.NewChannel(card), home, cardfile.Manners{})
			if _, err := first.Select(t.Context(), path, false); err != nil {
				t.Fatalf("%v: %v", err, card.sent)
			}
			card.sent = nil
			later := cardfile.New(apdu.NewChannel(card), home, first.Manners())
			if _, err := later.Select(t.Context(), path, false); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(card.sent, " "); got != c.then {
				t.Errorf("got  %s\nwant %s", got, c.then)
			}
		})
	}
}

// A file that is not there is believed at once where the manner is known, and a
// card that needs a PIN is not asked in other words.
func TestNotFound(t *testing.T) {
	home := cardfile.Home{Path: cardfile.Path{0x3F, 0x00, 0x50, 0x15}}
	there := true
	card := &selectCard{takes: func(byte, byte) bool { return there }, sw: []byte{0x6A, 0x82}}
	files := cardfile.New(apdu.NewChannel(card), home, cardfile.Manners{})
	if _, err := files.Select(t.Context(), cardfile.Path{0x44, 0x01}, true); err != nil {
		t.Fatal(err)
	}
	for _, sw := range [][]byte{{0x6A, 0x82}, {0x69, 0x82}} {
		there, card.sw, card.sent = false, sw, nil
		var refused *apdu.StatusError
		if _, err := files.Select(t.Context(), cardfile.Path{0x44, 0x02}, true); !errors.As(err, &refused) || len(card.sent) != 1 {
			t.Errorf("%X: %v after %v", sw, err, card.sent)
		}
	}
}

func TestHome(t *testing.T) {
	app := cardfile.Path{0x3F, 0x00, 0x50, 0x15}
	known, unknown := cardfile.Home{AID: []byte{1}, Path: app}, cardfile.Home{AID: []byte{1}}
	if !known.Same(app) || !known.Same(nil) || known.Same(cardfile.Path{0x44, 0x01}) || unknown.Same(app) || !unknown.Same(nil) {
		t.Error("the home is not told from other places")
	}
	if !known.Equal(cardfile.Path{0x4E, 0x01}, cardfile.Path{0x3F, 0x00, 0x50, 0x15, 0x4E, 0x01}) {
		t.Error("a relative path is not told to be the absolute one")
	}
	deep := cardfile.Path(bytes.Repeat([]byte{0x44}, cardfile.MaxPath))
	if _, ok := known.In(deep); ok {
		t.Error("a path of nine levels is taken")
	}
}
