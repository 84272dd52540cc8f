package paperprinter

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(*rig)
		rt   string // DLE EOT 1..4
		asb  string
	}{
		{"ready", func(*rig) {}, "16 12 12 12", "1000000F"},
		{"cover open", func(r *rig) { r.do(OpenCover{}) }, "1E 16 12 12", "3800000F"},
		{"paper low", func(r *rig) { r.do(PaperLow{true}) }, "16 12 12 1E", "1000030F"},
		{"roll nearly used up", func(r *rig) { r.do(PaperEnd{Rows: 100}) }, "16 12 12 1E", "1000030F"},
		{"paper end", func(r *rig) { r.do(PaperEnd{}) }, "1E 32 12 7E", "18000F0F"},
		{"jam", func(r *rig) { r.do(JamPaper{}) }, "1E 52 16 12", "1804000F"},
		{"cutter", func(r *rig) {
			r.do(BlockCutter{})
			r.send(join(raster(0, picture(1, 576, 100)), cutFull)...)
			r.pass(10 * time.Second)
		}, "1E 52 1A 12", "1808000F"},
		{"hot head", func(r *rig) { r.do(HotHead{For: 60_000}) }, "1E 52 52 12", "1840000F"},
		{"broken", func(r *rig) { r.do(Break{}) }, "1E 52 32 12", "1820000F"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.act(r)
			got := ""
			for n := byte(1); n <= 4; n++ {
				got += fmt.Sprintf("%X ", r.ask(dle, eot, n))
			}
			if got != c.rt+" " {
				t.Errorf("DLE EOT 1..4: %s, want %s", got, c.rt)
			}
			r = newRig(t)
			if got := r.ask(gs, 'a', 0x0E); !bytes.Equal(got, []byte{0x10, 0, 0, 0x0F}) {
				t.Errorf("automatic status when switched on: % X", got)
			}
			c.act(r)
			r.pass(20 * time.Millisecond)
			if got := fmt.Sprintf("%X", r.answer()); got != c.asb && (c.name != "ready" || got != "") {
				t.Errorf("automatic status: %s, want %s", got, c.asb)
			}
		})
	}
}

func TestAutomaticStatusEnds(t *testing.T) {
	for name, end := range map[string]func(*rig){
		"ESC @":     func(r *rig) { r.send(esc, '@'); r.pass(20 * time.Millisecond) },
		"GS a 0":    func(r *rig) { r.send(gs, 'a', 0); r.pass(20 * time.Millisecond) },
		"power cut": func(r *rig) { r.do(PowerOff{}); r.do(PowerOn{}); r.pass(2 * time.Second) },
		"brown-out": func(r *rig) { r.do(BrownOut{}) },
	} {
		r := newRig(t)
		r.ask(gs, 'a', 0x0E)
		end(r)
		r.answer()
		r.do(OpenCover{})
		r.pass(time.Second)
		if got := r.answer(); len(got) != 0 {
			t.Errorf("after %s: % X", name, got)
		}
	}
}

func TestQueuedAnswers(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		ask  []byte
		want string
	}{
		{[]byte{gs, 'r', 1}, "\x00"},
		{[]byte{gs, 'r', 2}, "\x00"},
		{[]byte{gs, 'I', 1}, "\x20"},
		{[]byte{gs, 'I', 2}, "\x02"},
		{[]byte{gs, 'I', 0x42}, "_EPSON\x00"},
		{[]byte{gs, 'I', 0x43}, "_TM-T88V\x00"},
		{[]byte{gs, 'I', 0x44}, "_MXAF000123\x00"},
		{barrier("0042"), "7\x220042\x00"},
		{[]byte{gs, 0xE2}, "0 cuts"},
		{[]byte{gs, 0xE5}, "1on"},
		{[]byte{dle, dc4, 8, 1, 3, 20, 1, 6, 2, 8}, "7%\x00"},
	} {
		if got := string(r.ask(c.ask...)); got != c.want {
			t.Errorf("% X: %q, want %q", c.ask, got, c.want)
		}
	}
	r.do(OpenCover{})
	if got := r.ask(gs, 'r', 1); len(got) != 0 {
		t.Errorf("off-line, GS r was answered with % X", got)
	}
	r.do(CloseCover{})
	r.pass(20 * time.Millisecond)
	if got := r.answer(); !bytes.Equal(got, []byte{0}) {
		t.Errorf("on-line again: % X", got)
	}
}

func TestRealTimeInsideAPicture(t *testing.T) {
	r := newRig(t)
	p := picture(1, 576, 40)
	copy(p.Row(20)[10:], []byte{dle, eot, 4})
	r.send(join(raster(0, p), cutFull)...)
	r.pass(5 * time.Second)
	if got := r.answer(); !bytes.Equal(got, []byte{0x12}) {
		t.Errorf("answers % X", got)
	}
	wantPicture(t, r.strips[0].Picture, p)
}

func TestRealTimeBetweenCommandsLeavesNoTrace(t *testing.T) {
	r := newRig(t, fast)
	p := picture(1, 576, 40)
	r.send(join(raster(0, part(p, 0, 20)), []byte{dle, eot, 1, dle, dle, eot, 2}, raster(0, part(p, 20, 40)), cutFull)...)
	r.pass(time.Second)
	if got := r.answer(); !bytes.Equal(got, []byte{0x16, 0x12}) {
		t.Errorf("answers % X", got)
	}
	wantPicture(t, r.strips[0].Picture, p)
}

func TestAnswerTroubles(t *testing.T) {
	r := newRig(t)
	r.do(NoAnswer{Count: 1})
	if got := r.ask(dle, eot, 1); len(got) != 0 {
		t.Errorf("swallowed answer came: % X", got)
	}
	r.do(LateAnswer{Count: 1, By: 500})
	if got := r.ask(dle, eot, 1); len(got) != 0 {
		t.Errorf("late answer came at once: % X", got)
	}
	r.pass(500 * time.Millisecond)
	if got := r.answer(); !bytes.Equal(got, []byte{0x16}) {
		t.Errorf("late answer: % X", got)
	}
	r.do(Garbage{Count: 1, Bytes: []byte{0x66, 0x67}})
	if got := r.ask(dle, eot, 1); !bytes.Equal(got, []byte{0x66, 0x67, 0x16}) {
		t.Errorf("garbage: % X", got)
	}
	r.do(NoAnswer{For: 1000})
	r.pass(900 * time.Millisecond)
	if got := r.ask(dle, eot, 1); len(got) != 0 {
		t.Errorf("silent printer said % X", got)
	}
	r.pass(100 * time.Millisecond)
	if got := r.ask(dle, eot, 1); !bytes.Equal(got, []byte{0x16}) {
		t.Errorf("afterwards: % X", got)
	}
	r.do(Unplug{})
	if got := r.ask(dle, eot, 1); len(got) != 0 {
		t.Errorf("unplugged: % X", got)
	}
}

func TestFlowControl(t *testing.T) {
	r := newRig(t)
	r.do(OpenCover{})
	p := picture(1, 576, 200)
	b := raster(0, p)
	for len(b) > 0 && !bytes.Contains(r.sent, []byte{xoff}) { // an obedient host
		r.send(b[:64]...)
		b = b[64:]
		r.pass(10 * time.Millisecond)
	}
	if s := r.p.State(); s.Buffered < 4096-128 || s.Buffered > 4096-128+64 || !s.Busy {
		t.Fatalf("busy with %d bytes", s.Buffered)
	}
	r.do(CloseCover{})
	r.pass(time.Second)
	if r.sent[len(r.sent)-1] != xon {
		t.Fatalf("no XON: % X", r.sent)
	}
	r.send(join(b, cutFull)...)
	r.pass(5 * time.Second)
	wantPicture(t, r.strips[0].Picture, p)
	if r.count(EventLost) != 0 {
		t.Error("bytes were lost")
	}
}

func TestDeafHostLosesBytes(t *testing.T) {
	r := newRig(t)
	r.do(OpenCover{})
	r.send(raster(0, picture(1, 576, 100))...)
	r.pass(2 * time.Second)
	lost := 0
	for _, e := range r.events {
		if e.Kind == EventLost {
			lost += e.N
		}
	}
	if lost != 7208-4096 {
		t.Errorf("%d bytes were lost, want %d", lost, 7208-4096)
	}
	if got := r.ask(dle, eot, 2); !bytes.Equal(got, []byte{0x16}) {
		t.Errorf("full buffer, real-time status % X", got)
	}
}

func TestForcedBusy(t *testing.T) {
	r := newRig(t)
	r.do(ForceBusy{For: 1000})
	r.pass(1100 * time.Millisecond)
	if !bytes.Equal(r.sent, []byte{xoff, xon}) {
		t.Errorf("flow control % X", r.sent)
	}
}
