package paperprinter

import (
	"bytes"
	"image/png"
	"strings"
	"testing"
	"time"
)

// Every way to send a picture puts the same dots on paper.
func TestDotForDot(t *testing.T) {
	full := picture(1, 576, 240)
	for _, c := range []struct {
		name string
		send []byte
		want Picture
	}{
		{"GS v 0", raster(0, full), full},
		{"GS v 0 by its letter", raster('0', full), full},
		{"GS v 0 in bands", join(raster(0, part(full, 0, 100)), raster(0, part(full, 100, 240))), full},
		{"GS ( L", stored(full), full},
		{"GS 8 L", join([]byte{gs, '8', 'L'}, lohi(storeHeader+len(full.Bits)), []byte{0, 0},
			stored(full)[5:]), full},
		{"ESC *", columns(full), full},
		{"stored by key", join([]byte{gs, '(', 'L'}, lohi(defineHeader+len(full.Bits)), []byte{0x30, 0x43, 0x30, 'k', '1', 1},
			lohi(576), lohi(240), []byte{0x31}, full.Bits, []byte{gs, '(', 'L', 6, 0, 0x30, 0x45, 'k', '1', 1, 1}), full},
		{"narrow", raster(0, picture(2, 80, 30)), widened(picture(2, 80, 30), 0)},
		{"narrow, centred", join([]byte{esc, 'a', 1}, raster(0, picture(2, 80, 30))), widened(picture(2, 80, 30), 248)},
		{"narrow, to the right", join([]byte{esc, 'a', 2}, raster(0, picture(2, 80, 30))), widened(picture(2, 80, 30), 496)},
		{"left margin", join([]byte{gs, 'L', 13, 0}, raster(0, picture(2, 80, 30))), widened(picture(2, 80, 30), 13)},
		{"wider than the head", raster(0, picture(3, 640, 20)), narrowed(picture(3, 640, 20))},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, fast)
			r.send(join([]byte{esc, '@'}, c.send, cutFull)...)
			r.pass(time.Second)
			if len(r.strips) != 1 {
				t.Fatalf("%d strips came out; ignored: %v", len(r.strips), r.events)
			}
			s := r.strips[0]
			wantPicture(t, s.Picture, c.want)
			if s.End != EndCut || s.Partial {
				t.Errorf("the strip ends %s, partial %v", s.End, s.Partial)
			}
			if !bytes.Equal(s.Raw, join([]byte{esc, '@'}, c.send, cutFull)) {
				t.Errorf("%d raw bytes were kept, want %d", len(s.Raw), len(c.send)+6)
			}
		})
	}
}

func part(p Picture, from, to int) Picture {
	s := p.Stride()
	return Picture{Width: p.Width, Height: to - from, Bits: p.Bits[from*s : to*s]}
}

func widened(p Picture, shift int) Picture {
	w := Picture{Width: 576, Height: p.Height, Bits: make([]byte, 72*p.Height)}
	for y := range p.Height {
		for x := range p.Width {
			if p.Black(x, y) {
				w.Row(y)[(x+shift)/8] |= 0x80 >> ((x + shift) % 8)
			}
		}
	}
	return w
}

func narrowed(p Picture) Picture {
	w := Picture{Width: 576, Height: p.Height}
	for y := range p.Height {
		w.Bits = append(w.Bits, p.Row(y)[:72]...)
	}
	return w
}

func TestScaledRaster(t *testing.T) {
	small := picture(4, 64, 20)
	for m, scale := range map[byte][2]int{1: {2, 1}, 2: {1, 2}, 3: {2, 2}} {
		want := Picture{Width: 576, Height: small.Height * scale[1], Bits: make([]byte, 72*small.Height*scale[1])}
		for y := range want.Height {
			for x := range small.Width * scale[0] {
				if small.Black(x/scale[0], y/scale[1]) {
					want.Row(y)[x/8] |= 0x80 >> (x % 8)
				}
			}
		}
		r := newRig(t, fast)
		r.send(join(raster(m, small), cutFull)...)
		r.pass(time.Second)
		wantPicture(t, r.strips[0].Picture, want)
	}
}

// The paper between head and cutter belongs to the next strip.
func TestHeadToCutter(t *testing.T) {
	r := newRig(t, fast)
	one, two := picture(1, 576, 200), picture(2, 576, 50)
	r.send(join(raster(0, one), []byte{gs, 'V', 0})...) // cut without a feed
	r.send(join(raster(0, two), cutFull)...)
	r.pass(time.Second)
	if len(r.strips) != 2 {
		t.Fatalf("%d strips", len(r.strips))
	}
	if h := r.strips[0].Picture.Height; h != 200 {
		t.Errorf("first strip has %d rows, want 200", h)
	}
	wantPicture(t, r.strips[0].Picture, part(one, 0, 104))
	wantPicture(t, r.strips[1].Picture, Picture{Width: 576, Height: 146, Bits: join(part(one, 104, 200).Bits, two.Bits)})
	if got := r.p.State(); got.Hanging != 0 || got.Cuts != 2 {
		t.Errorf("afterwards %+v", got)
	}
}

func TestFeeds(t *testing.T) {
	for _, c := range []struct {
		name string
		send []byte
		rows int // between two black rows
	}{
		{"ESC J in half dots after power on", []byte{esc, 'J', 40}, 20},
		{"ESC J in dots", []byte{gs, 'P', 203, 203, esc, 'J', 40}, 40},
		{"ESC @ forgets the units", []byte{gs, 'P', 203, 203, esc, '@', esc, 'J', 40}, 20},
		{"ESC d in lines", []byte{gs, 'P', 203, 203, esc, '3', 30, esc, 'd', 3}, 90},
		{"LF of a usual line", []byte{lf}, 33},
		{"nothing", nil, 0},
	} {
		r := newRig(t, fast)
		dot := raster(0, Picture{Width: 8, Height: 1, Bits: []byte{0x80}})
		r.send(join(dot, c.send, dot, cutFull)...)
		r.pass(time.Second)
		if got := r.strips[0].Picture.Trim().Height - 2; got != c.rows {
			t.Errorf("%s: %d white rows, want %d", c.name, got, c.rows)
		}
	}
}

func TestCuts(t *testing.T) {
	for _, c := range []struct {
		send    []byte
		partial bool
	}{
		{[]byte{gs, 'V', 0}, false}, {[]byte{gs, 'V', '1'}, true}, {[]byte{gs, 'V', 'A', 10}, false},
		{[]byte{gs, 'V', 'B', 10}, true}, {[]byte{esc, 'i'}, false}, {[]byte{esc, 'm'}, true},
	} {
		r := newRig(t, fast)
		r.send(join(raster(0, picture(1, 576, 150)), c.send)...)
		r.pass(time.Second)
		if len(r.strips) != 1 || r.strips[0].Partial != c.partial {
			t.Errorf("% X: %+v", c.send, r.strips)
		}
	}
}

func TestTextAndSymbol(t *testing.T) {
	r := newRig(t, fast)
	r.send([]byte("AB \xE9\n")...)
	r.send(cutFull...)
	r.pass(time.Second)
	text := r.strips[0].Picture.Trim()
	if text.Height < 12 || text.Height > 26 {
		t.Errorf("a line of text is %d rows high", text.Height)
	}
	store := []byte("https://example.org/42")
	r.send(join([]byte{gs, '(', 'k', 4, 0, 0x31, 0x41, 0x32, 0}, []byte{gs, '(', 'k', 3, 0, 0x31, 0x43, 6},
		[]byte{gs, '(', 'k', 3, 0, 0x31, 0x45, 0x31}, []byte{gs, '(', 'k'}, lohi(len(store)+3), []byte{0x31, 0x50, 0x30}, store)...)
	if got := string(r.ask(gs, '(', 'k', 3, 0, 0x31, 0x52, 0x30)); got != "76150\x1f150\x1f1\x1f0\x00" {
		t.Errorf("size answer %q", got)
	}
	r.send(join([]byte{gs, '(', 'k', 3, 0, 0x31, 0x51, 0x30}, cutFull)...)
	r.pass(time.Second)
	code := r.strips[1].Picture.Trim()
	if code.Height != 150 {
		t.Fatalf("symbol of %d rows, want 150", code.Height)
	}
	for _, at := range [][2]int{{0, 0}, {108, 0}, {0, 108}} { // finder patterns
		for m, want := range []bool{true, false, true, true, true, false, true} {
			if code.Black(at[0]+6*m, at[1]+18) != want {
				t.Errorf("no finder pattern at %v", at)
			}
		}
	}
}

func TestPictureFiles(t *testing.T) {
	p := picture(9, 21, 5)
	for i := range p.Height {
		p.Row(i)[2] &^= 0x07
	}
	if got := p.PBM(); !bytes.HasPrefix(got, []byte("P4\n21 5\n")) || !bytes.Equal(got[8:], p.Bits) {
		t.Errorf("PBM % X", got)
	}
	var b bytes.Buffer
	if err := p.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	for y := range p.Height {
		for x := range p.Width {
			if red, _, _, _ := img.At(x, y).RGBA(); (red == 0) != p.Black(x, y) {
				t.Fatalf("dot %d,%d differs", x, y)
			}
		}
	}
}

// The line and the mechanism take their time.
func TestSpeed(t *testing.T) {
	p := picture(1, 576, 800) // 57 608 bytes: 5.0 s at 115200
	r := newRig(t)
	began := r.now
	r.send(join(raster(0, p), cutFull, barrier("0001"))...)
	for r.p.Backlog() > 0 {
		r.pass(10 * time.Millisecond)
	}
	if took := r.now.Sub(began); took < 4900*time.Millisecond || took > 5200*time.Millisecond {
		t.Errorf("the line took %v", took)
	}
	r.pass(time.Second)
	if got := string(r.answer()); got != "7\x220001\x00" {
		t.Errorf("answer %q", got)
	}
	r = newRig(t, func(c *Config) { c.Baud, c.RowsPerS, c.Buffer = 0, 100, 1<<20 })
	r.send(join(raster(0, p), cutFull, barrier("0001"))...)
	r.pass(8500 * time.Millisecond) // 800 rows and 96 of feed at 100 rows/s, and the cut
	if len(r.strips) != 0 || len(r.answer()) != 0 {
		t.Error("the mechanism took no time")
	}
	r.pass(1200 * time.Millisecond)
	if len(r.strips) != 1 || string(r.answer()) != "7\x220001\x00" {
		t.Error("the barrier was not answered after the cut")
	}
}

func TestIgnoredCommandsAreTold(t *testing.T) {
	r := newRig(t, fast, func(c *Config) { c.NoBarrier, c.NoSymbols, c.Counters = true, true, false })
	for _, b := range [][]byte{
		{gs, 'V', 9}, barrier("0001"), {gs, '(', 'k', 3, 0, 0x31, 0x51, 0x30}, {gs, 0xE2}, {esc, 0x99}, {gs, 'I', 99},
		{gs, 'r', 9}, {gs, 'k', 73, 3, 'a', 'b', 'c'}, {gs, 'k', 4, 'a', 0}, {gs, '(', 'Z', 1, 0, 1}, {gs, '(', 'L', 2, 0, 1, 2},
	} {
		before := r.count(EventIgnored)
		if got := r.ask(b...); len(got) != 0 || r.count(EventIgnored) != before+1 {
			t.Errorf("% X: answer % X, %d events", b, got, r.count(EventIgnored)-before)
		}
	}
	if !strings.Contains(r.events[len(r.events)-1].Text, "GS ( L") {
		t.Errorf("last event %+v", r.events[len(r.events)-1])
	}
}
