package paperprinter

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rig is a host in virtual time.
type rig struct {
	t      rapid.TB
	p      *Printer
	now    time.Time
	wake   time.Time
	sent   []byte // from the printer, since the last look
	events []Event
	strips []*Strip
}

func newRig(t rapid.TB, change ...func(*Config)) *rig {
	t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, p: New(cfg, 1), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// fast is a printer that takes no time.
func fast(c *Config) { c.Baud, c.RowsPerS, c.CutTime = 0, 0, 0 }

// roomy is a buffer that a host which heeds no XOFF cannot fill.
func roomy(c *Config) { c.Buffer = 1 << 20 }

func (r *rig) take(out Output) {
	r.sent = append(r.sent, out.Send...)
	r.events = append(r.events, out.Events...)
	r.wake = out.Wake
	for _, e := range out.Events {
		if e.Strip != nil {
			r.strips = append(r.strips, e.Strip)
		}
	}
}

func (r *rig) do(a Action) {
	r.t.Helper()
	out, err := r.p.Do(r.now, a)
	if err != nil {
		r.t.Fatalf("%T: %v", a, err)
	}
	r.take(out)
}

func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for !r.wake.IsZero() && !r.wake.After(end) {
		if r.wake.After(r.now) {
			r.now = r.wake
		}
		r.take(r.p.Tick(r.now))
	}
	r.now = end
	r.take(r.p.Tick(r.now))
}

func (r *rig) send(b ...byte) { r.take(r.p.Receive(r.now, b)) }

// answer is what came since the last look, flow control left out.
func (r *rig) answer() []byte {
	b := slices.DeleteFunc(r.sent, func(c byte) bool { return c == xon || c == xoff })
	r.sent = nil
	return b
}

// ask sends a command and returns what comes within 20 ms.
func (r *rig) ask(b ...byte) []byte {
	r.answer()
	r.send(b...)
	r.pass(20 * time.Millisecond)
	return r.answer()
}

func (r *rig) count(k EventKind) (n int) {
	for _, e := range r.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// picture is random dots, black first and last row.
func picture(seed uint64, width, height int) Picture {
	rng := rand.New(rand.NewPCG(seed, 7))
	p := Picture{Width: width, Height: height}
	p.Bits = make([]byte, height*p.Stride())
	for i := range p.Bits {
		p.Bits[i] = byte(rng.Uint32())
		if p.Bits[i] == dle { // a picture that holds commands is a test of its own
			p.Bits[i] = 0
		}
	}
	for _, y := range []int{0, height - 1} {
		p.Row(y)[0] |= 0x80
	}
	return p
}

func lohi(n int) []byte { return []byte{byte(n), byte(n >> 8)} }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// raster is GS v 0.
func raster(m byte, p Picture) []byte {
	return join([]byte{gs, 'v', '0', m}, lohi(p.Stride()), lohi(p.Height), p.Bits)
}

// stored is GS ( L: store, then print.
func stored(p Picture) []byte {
	return join([]byte{gs, '(', 'L'}, lohi(storeHeader+len(p.Bits)),
		[]byte{0x30, 0x70, 0x30, 1, 1, 0x31}, lohi(p.Width), lohi(p.Height), p.Bits,
		[]byte{gs, '(', 'L', 2, 0, 0x30, 0x32})
}

// columns is ESC * with a pitch of 24 dots.
func columns(p Picture) []byte {
	b := []byte{gs, 'P', 203, 203, esc, '3', 24}
	for y := 0; y < p.Height; y += 24 {
		b = append(b, join([]byte{esc, '*', 33}, lohi(p.Width))...)
		for x := range p.Width {
			for i := 0; i < 24; i += 8 {
				var c byte
				for bit := range 8 {
					if at := y + i + bit; at < p.Height && p.Black(x, at) {
						c |= 0x80 >> bit
					}
				}
				b = append(b, c)
			}
		}
		b = append(b, lf)
	}
	return b
}

var cutFull = []byte{gs, 'V', 'A', 0}

func barrier(id string) []byte { return join([]byte{gs, '(', 'H', 6, 0, 0x30, 0x30}, []byte(id)) }

func wantPicture(t *testing.T, got, want Picture) {
	t.Helper()
	got, want = got.Trim(), want.Trim()
	if got.Width != want.Width || got.Height != want.Height {
		t.Fatalf("the paper shows %d by %d dots, want %d by %d", got.Width, got.Height, want.Width, want.Height)
	}
	if !bytes.Equal(got.Bits, want.Bits) {
		for y := range got.Height {
			if !bytes.Equal(got.Row(y), want.Row(y)) {
				t.Fatalf("row %d of the paper differs:\n% X\n% X", y, got.Row(y), want.Row(y))
			}
		}
	}
}
