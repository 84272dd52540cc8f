package escpos

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func names(as []answer) string {
	words := map[answerKind]string{answerXON: "xon", answerXOFF: "xoff", answerRealtime: "realtime",
		answerAutomatic: "automatic", answerShort: "short", answerData: "data", answerText: "text", answerNoise: "noise"}
	var out []string
	for _, a := range as {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %q", words[a.kind], a.data)))
	}
	return strings.Join(out, ", ")
}

func TestClassify(t *testing.T) {
	cases := []struct {
		name, in, want string
	}{
		{"real-time", "\x12", `realtime "\x12"`},
		{"automatic", "\x14\x00\x00\x0f", `automatic "\x14\x00\x00\x0f"`},
		{"automatic broken by XOFF only", "\x14\x00\x13\x00\x0f", `xoff "", automatic "\x14\x00\x00\x0f"`},
		{"automatic broken off", "\x14\x00\x12", `noise "\x14\x00", realtime "\x12"`},
		{"two automatic", "\x1c\x00\x00\x00\x14\x00\x00\x00", `automatic "\x1c\x00\x00\x00", automatic "\x14\x00\x00\x00"`},
		{"answer to GS r", "\x00", `short "\x00"`},
		{"process id", "\x37\x220042\x00", `data "\"0042"`},
		{"clear response", "\x37\x25\x00", `data "%"`},
		{"empty block", "\x37\x00", `noise "7\x00"`},
		{"text", "_TM-T88\x00", `text "TM-T88"`},
		{"text of nothing", "_\x00", `text ""`},
		{"text with a high byte", "_TM\x80\x12", `noise "_TM\x80", realtime "\x12"`},
		{"no meaning", "\xff\x92", `noise "\xff", noise "\x92"`},
		{"flow", "\x11\x13", `xon "", xoff ""`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var cl classifier
			var got []answer
			for i := range len(c.in) {
				cl.next(t0, c.in[i], func(a answer) { got = append(got, a) })
			}
			if n := names(got); n != c.want {
				t.Errorf("got %s, want %s", n, c.want)
			}
		})
	}
}

// TestFrameThatStops: the rest of a frame that comes late is not part of it.
func TestFrameThatStops(t *testing.T) {
	var c classifier
	var got []answer
	emit := func(a answer) { got = append(got, a) }
	c.next(t0, 0x14, emit)
	c.next(t0, 0x00, emit)
	if due := c.due(); !due.Equal(t0.Add(frameGap)) {
		t.Fatalf("due %v", due)
	}
	c.expire(t0.Add(frameGap), emit)
	c.next(t0.Add(frameGap), 0x00, emit)
	if n := names(got); n != `noise "\x14\x00", short "\x00"` {
		t.Error(n)
	}
}

// FuzzClassify: every byte is counted once, whatever comes.
func FuzzClassify(f *testing.F) {
	for _, s := range []string{"", "\x12\x14\x00\x00\x0f", "_TM-T88V\x00\x37\x220001\x00", "\x37\x25\x00\x11\x13\xff", strings.Repeat("_a", 200)} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint16) {
		var c classifier
		now := t0
		for _, b := range in {
			c.next(now, b, func(a answer) {
				if len(a.data) > blockMost {
					t.Fatalf("%d bytes in one answer", len(a.data))
				}
			})
			now = now.Add(time.Duration(step) * time.Millisecond)
		}
		s := c.stats
		sum := s.XON + s.XOFF + s.Realtime + s.Automatic + s.Short + s.Data + s.Text + s.Noise + s.Pending
		if s.Received != len(in) || sum != len(in) || s.Pending != len(c.frame) {
			t.Fatalf("%d bytes: %+v", len(in), s)
		}
	})
}
