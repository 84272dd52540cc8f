package paperprinter

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The roll ends in the middle; with a new roll the rest comes out, half a
// receipt on each.
func TestPaperEndInTheMiddle(t *testing.T) {
	r := newRig(t, roomy)
	p := picture(1, 576, 200)
	r.do(PaperEnd{Rows: 120})
	r.send(join(raster(0, p), cutFull, barrier("0001"))...)
	r.pass(10 * time.Second)
	if len(r.strips) != 0 || len(r.answer()) != 0 || !r.p.State().PaperEnd {
		t.Fatalf("after the end of the roll: %+v", r.p.State())
	}
	wantPicture(t, r.p.Hanging(), part(p, 0, 120))
	r.do(LoadRoll{})
	r.pass(10 * time.Second)
	if len(r.strips) != 2 || string(r.answer()) != "7\x220001\x00" {
		t.Fatalf("%d strips", len(r.strips))
	}
	if r.strips[0].End != EndTorn {
		t.Error("the stub was not torn off")
	}
	wantPicture(t, r.strips[0].Picture, part(p, 0, 120))
	wantPicture(t, r.strips[1].Picture, part(p, 120, 200))
}

// Cleared by the host, the rest never comes.
func TestPaperEndThenCleared(t *testing.T) {
	r := newRig(t)
	r.do(PaperEnd{Rows: 20})
	r.send(join(raster(0, picture(1, 576, 50)), cutFull, barrier("0001"))...)
	r.pass(2 * time.Second)
	if got := r.ask(dle, dc4, 8, 1, 3, 20, 1, 6, 2, 8); string(got) != "7%\x00" {
		t.Fatalf("clearing: %q", got)
	}
	r.do(LoadRoll{})
	r.pass(2 * time.Second)
	if len(r.strips) != 1 || len(r.answer()) != 0 || r.p.State().Rows != 20 {
		t.Errorf("something was printed after clearing: %+v", r.p.State())
	}
}

func TestCutterError(t *testing.T) {
	start := func() *rig {
		r := newRig(t)
		r.do(BlockCutter{})
		r.send(join(raster(0, picture(1, 576, 50)), cutFull, barrier("0001"))...)
		r.pass(2 * time.Second)
		r.send(dle, enq, 1) // the cause is still there
		r.pass(time.Second)
		if s := r.p.State(); s.Condition != "cutter error" || len(r.strips) != 0 {
			t.Fatalf("%+v", s)
		}
		r.do(FreeCutter{})
		r.pass(time.Second)
		if len(r.strips) != 0 {
			t.Fatal("the error ended by itself")
		}
		return r
	}
	r := start()
	r.send(dle, enq, 1)
	r.pass(time.Second)
	if len(r.strips) != 1 || string(r.answer()) != "7\x220001\x00" {
		t.Error("DLE ENQ 1 did not go on")
	}
	r = start()
	r.send(dle, enq, 2)
	r.pass(time.Second)
	if len(r.strips) != 0 || len(r.answer()) != 0 || r.p.State().Offline {
		t.Error("DLE ENQ 2 did not clear")
	}
}

func TestJam(t *testing.T) {
	r := newRig(t, roomy)
	r.send(join(raster(0, picture(1, 576, 200)), cutFull)...)
	r.pass(300 * time.Millisecond)
	r.do(JamPaper{})
	rows := r.p.State().Rows
	r.pass(5 * time.Second)
	if s := r.p.State(); s.Rows != rows || rows == 0 || rows >= 200 {
		t.Fatalf("paper moved from row %d to %d", rows, s.Rows)
	}
	r.do(ClearJam{})
	r.do(OpenCover{})
	r.do(CloseCover{})
	r.pass(5 * time.Second)
	if len(r.strips) != 1 {
		t.Error("the rest was not printed")
	}
}

func TestHotHeadGoesOn(t *testing.T) {
	r := newRig(t, roomy)
	p := picture(1, 576, 100)
	r.send(join(raster(0, p), cutFull)...)
	r.pass(200 * time.Millisecond)
	r.do(HotHead{For: 2000})
	r.pass(1900 * time.Millisecond)
	if len(r.strips) != 0 {
		t.Fatal("a hot head printed")
	}
	r.pass(2 * time.Second)
	wantPicture(t, r.strips[0].Picture, p)
}

// Power is cut at a byte: what is on paper is the beginning of the picture,
// nothing follows, and the counters tell of it.
func TestPowerCutAtByte(t *testing.T) {
	p := picture(1, 576, 60)
	job := join([]byte{esc, '@'}, raster(0, p), cutFull, barrier("0001"))
	for n := 1; n < len(job)+20; n += 97 {
		r := newRig(t)
		r.do(CutAtByte{Byte: uint64(n)})
		r.send(job...)
		r.pass(3 * time.Second)
		if n > len(job) {
			if len(r.strips) != 1 {
				t.Fatalf("cut at byte %d: %d strips", n, len(r.strips))
			}
			continue
		}
		if len(r.strips) != 0 || len(r.answer()) != 0 || r.p.State().Power {
			t.Fatalf("cut at byte %d: %+v", n, r.p.State())
		}
		rows := int(r.p.State().Rows)
		if whole := (n - 10) / 72; rows > max(whole, 0) || rows < whole-1 {
			t.Fatalf("cut at byte %d: %d rows are printed", n, rows)
		}
		wantPicture(t, r.p.Hanging(), part(p, 0, rows))
		r.do(PowerOn{})
		r.pass(1500 * time.Millisecond)
		if got := r.sent; !bytes.Equal(got, []byte{xon}) {
			t.Fatalf("after power up it sent % X", got)
		}
		if got := string(r.ask(gs, 0xE5)); got != "2on" {
			t.Errorf("power-up counter %q", got)
		}
	}
}

// What follows of a picture after a brown-out is text and unknown commands, and a
// later barrier is answered.
func TestBrownOut(t *testing.T) {
	r := newRig(t)
	p := picture(1, 576, 100)
	job := raster(0, p)
	r.send(job[:4000]...)
	r.pass(time.Second)
	r.do(BrownOut{})
	r.send(job[4000:]...)
	r.pass(5 * time.Second)
	r.answer()
	r.send(bytes.Repeat([]byte{nul}, 8192)...)
	r.pass(5 * time.Second)
	if got := string(r.ask(barrier("0009")...)); got != "7\x220009\x00" {
		t.Errorf("barrier after a brown-out: %q", got)
	}
	if bytes.Equal(r.p.Hanging().Trim().Bits, p.Bits) {
		t.Error("the picture is whole")
	}
}

func TestTear(t *testing.T) {
	r := newRig(t)
	p := picture(1, 576, 200)
	r.send(raster(0, p)...)
	r.pass(3 * time.Second)
	r.do(Tear{})
	if len(r.strips) != 1 || r.strips[0].End != EndTorn {
		t.Fatalf("%v", r.strips)
	}
	wantPicture(t, r.strips[0].Picture, part(p, 0, 104))
	if _, err := r.p.Do(r.now, Tear{}); err == nil {
		t.Error("nothing was torn off twice")
	}
	r.p = Restore(r.p.Config(), 2, r.p.World())
	wantPicture(t, r.p.Hanging(), part(p, 104, 200))
}

func TestEndlessPaperTears(t *testing.T) {
	r := newRig(t, fast)
	for range 2 {
		r.send(raster(0, picture(1, 576, 20))...)
		r.send(bytes.Repeat([]byte{esc, 'J', 255}, 200)...) // 127 rows each
		r.pass(time.Second)
	}
	if s := r.p.State(); len(r.strips) == 0 || s.Hanging > maxStrip {
		t.Errorf("%d rows hang out, %d strips", s.Hanging, len(r.strips))
	}
}

func TestImpossibleActions(t *testing.T) {
	r := newRig(t)
	for _, a := range []Action{
		PowerOn{}, Plug{}, CloseCover{}, Tear{}, ClearJam{}, Repair{}, PaperEnd{Rows: -1}, PaperEnd{Rows: 1 << 40}, LoadRoll{Rows: -1},
		NoAnswer{}, LateAnswer{Count: 1}, LateAnswer{By: 1}, Garbage{}, HotHead{}, ForceBusy{},
	} {
		if _, err := r.p.Do(r.now, a); err == nil {
			t.Errorf("%T %+v was possible", a, a)
		}
	}
}

func TestParseAction(t *testing.T) {
	a, err := Actions.Parse("paper_end", []byte(`{"rows":7}`))
	if err != nil || a != (PaperEnd{Rows: 7}) {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := Actions.Parse("paper_end", []byte(`{"row":7}`)); err == nil {
		t.Error("an unknown field was taken")
	}
	if _, err := Actions.Parse("burn", []byte(`{}`)); err == nil {
		t.Error("an unknown action was taken")
	}
	for _, name := range Actions.Names() {
		if _, err := Actions.Parse(name, []byte(`{}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However the bytes are cut into writes and the time into ticks, the same paper
// comes out.
func TestChunksDoNotMatter(t *testing.T) {
	p := picture(5, 576, 60)
	job := join([]byte{esc, '@'}, raster(0, p), []byte{esc, 'J', 9}, []byte("text\n"), stored(p), cutFull, barrier("0007"), columns(p), cutFull)
	whole := newRig(t, roomy)
	whole.send(job...)
	whole.pass(10 * time.Second)
	rapid.Check(t, func(t *rapid.T) {
		r := &rig{t: t, p: New(whole.p.Config(), 1), now: whole.now}
		for rest := job; len(rest) > 0; {
			n := min(rapid.IntRange(1, 2000).Draw(t, "bytes"), len(rest))
			r.send(rest[:n]...)
			rest = rest[n:]
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 300_000).Draw(t, "us")) * time.Microsecond)
			r.take(r.p.Tick(r.now))
		}
		r.pass(10 * time.Second)
		if len(r.strips) != 2 || string(r.answer()) != "7\x220007\x00" {
			t.Fatalf("%d strips", len(r.strips))
		}
		for i, s := range r.strips {
			if !bytes.Equal(s.Picture.Bits, whole.strips[i].Picture.Bits) || !bytes.Equal(s.Raw, whole.strips[i].Raw) {
				t.Fatalf("strip %d differs", i)
			}
		}
	})
}

// A hostile line never breaks the printer, and its memory stays bounded.
func FuzzReceive(f *testing.F) {
	p := picture(1, 64, 8)
	for _, b := range [][]byte{
		{}, raster(0, p), stored(p), columns(p), cutFull, barrier("0001"), {dle, eot, 1}, {dle, dc4, 8, 1, 3, 20, 1, 6, 2, 8},
		{gs, '(', 'k', 0xFF, 0xFF, 0x31}, {gs, '8', 'L', 0xFF, 0xFF, 0xFF, 0xFF, 0x30}, {esc, '&', 3, 0x20, 0xFF, 0xFF}, {gs, 'v', '0', 0, 0xFF, 0xFF, 0xFF, 0xFF},
		{esc, 'D', 1, 2}, {gs, 'k', 4, 'a'}, {gs, 'P', 1, 1, esc, '3', 255, esc, 'd', 255}, {esc, '=', 0, 'x', esc, '=', 1}, []byte("text\n"),
		join([]byte{gs, 'L', 0xFF, 0xFF, gs, 'W', 1, 0, esc, 'a', 1}, raster(3, p)),
	} {
		f.Add(b, uint16(30))
	}
	f.Fuzz(func(t *testing.T, b []byte, ms uint16) {
		r := newRig(t, func(c *Config) { c.Baud, c.RowsPerS, c.Roll, c.NearEnd = 0, 0, 30_000, 10 })
		r.send(b...)
		r.pass(time.Duration(ms) * time.Millisecond)
		r.do(CutAtByte{Byte: 3})
		r.send(b...)
		r.pass(time.Second)
		if r.p.free() < 0 || len(r.p.w.Path) > (maxStrip+1)*72 {
			t.Fatalf("free %d, path %d", r.p.free(), len(r.p.w.Path))
		}
	})
}

func FuzzParseAction(f *testing.F) {
	for _, name := range Actions.Names() {
		f.Add(name, []byte(`{}`))
	}
	f.Add("load_roll", []byte(`{"rows":9}`))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		a, err := Actions.Parse(name, body)
		if err != nil {
			return
		}
		p := New(DefaultConfig(), 1)
		now := time.Unix(1_700_000_000, 0)
		if _, err := p.Do(now, a); err != nil {
			return
		}
		p.Receive(now, []byte{dle, eot, 1})
		p.Tick(now.Add(time.Minute))
	})
}
