package escpos

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

func anyPicture(t *rapid.T, width int) printer.Bitmap {
	b := printer.Bitmap{
		Width:  rapid.IntRange(1, width).Draw(t, "width"),
		Height: rapid.IntRange(1, 300).Draw(t, "height"),
	}
	b.Bits = make([]byte, b.Height*b.Stride())
	for y := 0; y < b.Height; {
		run := rapid.IntRange(1, 80).Draw(t, "run")
		dots := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0, 0x10, 0x04, 0x05, 0x14, 0xFF}), 0, b.Stride()).Draw(t, "dots")
		for end := min(b.Height, y+run); y < end; y++ {
			copy(b.Row(y), dots)
			if extra := b.Width % 8; extra != 0 {
				b.Row(y)[b.Stride()-1] &= 0xFF << (8 - extra)
			}
		}
	}
	return b
}

// draw does what a program says, on paper of the picture's size.
func draw(t *rapid.T, b printer.Bitmap, items []item) printer.Bitmap {
	got := printer.Bitmap{Width: b.Width, Height: b.Height, Bits: make([]byte, len(b.Bits))}
	y := 0
	for _, it := range items {
		from := y
		if n := len(it.data); n > 0 && it.data[n-1] == dle {
			t.Fatalf("a poll behind % x would not be one", it.data)
		}
		switch it.kind {
		case itemFeed:
			for d := it.data; len(d) > 0; d = d[3:] {
				if d[0] != esc || d[1] != 'J' || d[2] == 0 {
					t.Fatalf("feed is % x", it.data)
				}
				y += int(d[2])
			}
		case itemBand:
			wide, rows := int(it.data[4])|int(it.data[5])<<8, int(it.data[6])|int(it.data[7])<<8
			dots := it.data[8:]
			if !bytes.Equal(it.data[:8], raster(wide, rows)) || len(dots) != wide*rows {
				t.Fatalf("band head % x with %d bytes", it.data[:8], len(dots))
			}
			for ; len(dots) > 0; dots = dots[wide:] {
				copy(got.Row(y), dots[:wide])
				y++
			}
		}
		if it.moves != y-from {
			t.Fatalf("an item moves the paper by %d rows and says %d", y-from, it.moves)
		}
		if it.rows != y {
			t.Fatalf("after an item at row %d the program says %d", y, it.rows)
		}
	}
	return got
}

// TestCompile: the program draws the picture, dot for dot save the ones that
// disarm a command, in bands that fit between two polls.
func TestCompile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Generic80()
		p.Speed = rapid.SampledFrom([]int{960, 1920, 5760, 11520, 100000}).Draw(t, "speed")
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		p.Barrier = rapid.SampledFrom([]printer.Level{printer.LevelA, printer.LevelC}).Draw(t, "level")
		b := anyPicture(t, p.Width())
		if err := checkPicture(p, b); err != nil {
			t.Fatal(err)
		}
		items := compile(p, b)
		got := draw(t, b, items)
		for i := range b.Bits {
			if got.Bits[i] != b.Bits[i] && !(b.Bits[i] == dle && got.Bits[i] == dle|0x08) {
				t.Fatalf("byte %d is %02x on paper and %02x in the picture", i, got.Bits[i], b.Bits[i])
			}
		}
		last, cuts := 0, 0
		for i, it := range items {
			switch it.kind {
			case itemBand:
				if rows := int(it.data[6]); rows > p.BandRows || rows > 1 && len(it.data)-8 > p.bandBytes() {
					t.Errorf("a band of %d rows and %d bytes", rows, len(it.data))
				}
				for j, d := range it.data[8:] {
					rest := it.data[8+j+1:]
					if d == dle && (len(rest) == 0 || rest[0] == eot || rest[0] == enq || rest[0] == dc4) {
						t.Errorf("a real-time command stands in a picture")
					}
				}
				if it.rows-last > p.BarrierRows+p.BandRows+feedMost {
					t.Errorf("%d rows without a barrier", it.rows-last)
				}
			case itemBarrier:
				last = it.rows
			case itemCut:
				cuts++
			}
			if it.last != (i == len(items)-1) {
				t.Errorf("item %d of %d: last is %v", i, len(items), it.last)
			}
		}
		if cuts != 1 {
			t.Errorf("%d cuts", cuts)
		}
	})
}

// TestBands: the shapes that save bytes and hide pauses.
func TestBands(t *testing.T) {
	p := Generic80()
	b := printer.Bitmap{Width: 576, Height: 400}
	b.Bits = make([]byte, b.Height*b.Stride())
	for y := 10; y < 34; y++ { // a line of text, a third of the paper
		b.Row(y)[0], b.Row(y)[23] = 1, 1
	}
	for y := 36; y < 40; y++ { // two rows below: the same band
		b.Row(y)[5] = 1
	}
	for y := 300; y < 360; y++ { // full width
		b.Row(y)[71] = 1
	}
	var got []int
	for _, it := range compile(p, b) {
		got = append(got, int(it.kind), it.rows)
	}
	want := []int{
		int(itemFeed), 10, int(itemBand), 40,
		int(itemFeed), 300, int(itemBarrier), 300, int(itemBand), 344, int(itemBand), 360,
		int(itemFeed), 400, int(itemCut), 400, int(itemBarrier), 400,
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if n := len(compile(p, b)[1].data); n != 8+30*24 {
		t.Errorf("the first band has %d bytes", n)
	}
}

func TestPicturesThatCannotBePrinted(t *testing.T) {
	p := Generic80()
	p.MarginRight = 16
	for _, c := range []struct {
		name string
		b    printer.Bitmap
	}{
		{"nothing", printer.Bitmap{}},
		{"too wide", printer.Bitmap{Width: 561, Height: 1, Bits: make([]byte, 71)}},
		{"bits missing", printer.Bitmap{Width: 8, Height: 2, Bits: make([]byte, 1)}},
		{"endless", printer.Bitmap{Width: 8, Height: 1 << 16, Bits: make([]byte, 1<<16)}},
		{"negative", printer.Bitmap{Width: -8, Height: 1, Bits: nil}},
	} {
		if checkPicture(p, c.b) == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

func TestProfiles(t *testing.T) {
	for name, p := range Profiles() {
		if err := p.Check(); err != nil || p.Name != name {
			t.Errorf("%s: %v", name, err)
		}
		for _, baud := range []int{9600, 19200, 38400, 57600, 115200, 230400} {
			p.Speed = baud / 10
			if err := p.Check(); err != nil {
				t.Errorf("at %d baud: %v", baud, err)
			}
		}
		p.Restart = pollJob
		if p.Check() == nil {
			t.Error("a profile is accepted that cannot see a restart between two polls")
		}
	}
}
