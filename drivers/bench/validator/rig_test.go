package validator

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// rig is a host in virtual time: it sends one frame and lets time pass until the
// answer is there.
type rig struct {
	t      testing.TB
	v      *Validator
	now    time.Time
	wake   time.Time
	events []Event
	sent   []byte // everything the unit ever sent
}

func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, v: New(cfg, 1), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (r *rig) take(out Output) []byte {
	r.events = append(r.events, out.Events...)
	r.sent = append(r.sent, out.Send...)
	r.wake = out.Wake
	return out.Send
}

func (r *rig) do(a Action) {
	r.t.Helper()
	out, err := r.v.Do(r.now, a)
	if err != nil {
		r.t.Fatalf("%T: %v", a, err)
	}
	r.take(out)
}

// pass lets d go by and returns what the unit sent meanwhile.
func (r *rig) pass(d time.Duration) []byte {
	end := r.now.Add(d)
	var sent []byte
	for !r.wake.IsZero() && !r.wake.After(end) {
		if r.wake.After(r.now) {
			r.now = r.wake
		}
		sent = append(sent, r.take(r.v.Tick(r.now))...)
	}
	r.now = end
	return append(sent, r.take(r.v.Tick(r.now))...)
}

// say sends a payload and returns everything that comes within 10 ms.
func (r *rig) say(payload ...byte) []byte {
	sent := append([]byte(nil), r.take(r.v.Receive(r.now, encode(addrValidator, payload)))...)
	return append(sent, r.pass(10*time.Millisecond)...)
}

// ask is say, with the answer's payload; nil for silence.
func (r *rig) ask(payload ...byte) []byte {
	r.t.Helper()
	sent := r.say(payload...)
	if len(sent) == 0 {
		return nil
	}
	s := scanner{addr: addrValidator, buf: sent}
	answer, what := s.next()
	if what != scanFrame || len(s.buf) != 0 {
		r.t.Fatalf("answer to %X is no single frame: %X", payload, sent)
	}
	return answer
}

// poll asks for the state and acknowledges it.
func (r *rig) poll() []byte {
	r.t.Helper()
	answer := r.ask(cmdPoll)
	if answer != nil {
		r.say(cmdACK)
	}
	return answer
}

// until polls every 100 ms until the state is want, and returns the states that
// were seen on the way, want last, each once in a row.
func (r *rig) until(want ...byte) []string {
	r.t.Helper()
	var seen []string
	for range 600 {
		z := r.poll()
		s := hexed(z)
		if len(seen) == 0 || seen[len(seen)-1] != s {
			seen = append(seen, s)
		}
		if bytes.Equal(z, want) {
			return seen
		}
		r.pass(100 * time.Millisecond)
	}
	r.t.Fatalf("state %X was not reached: %v", want, seen)
	return nil
}

func hexed(b []byte) string {
	if b == nil {
		return "-"
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// start brings the unit from power up to disabled.
func (r *rig) start() *rig {
	r.t.Helper()
	r.want(ansACK, cmdReset)
	r.until(z1Disabled)
	return r
}

// idle brings the unit to idling with every type in escrow.
func (r *rig) idle() *rig {
	r.t.Helper()
	r.start()
	r.enable(0xFFFFFF, 0xFFFFFF)
	r.until(z1Idling)
	return r
}

func (r *rig) enable(types, escrow uint32) {
	r.t.Helper()
	r.want(ansACK, append(append([]byte{cmdEnableBillTypes}, maskBytes(types)...), maskBytes(escrow)...)...)
}

func (r *rig) want(answer byte, payload ...byte) {
	r.t.Helper()
	if got := r.ask(payload...); !bytes.Equal(got, []byte{answer}) {
		r.t.Fatalf("%X was answered with %X, want %02X", payload, got, answer)
	}
}

// note inserts a good note of n manat and brings it to escrow.
func (r *rig) escrowed(n int64) {
	r.t.Helper()
	typ, _ := r.v.cfg.TypeOf(money.Manat(n))
	r.do(Insert{Value: money.Manat(n)})
	r.until(z1Escrow, byte(typ))
}

func (r *rig) places() map[Place]int {
	got := map[Place]int{}
	for p, notes := range r.v.World().Notes() {
		got[p] = len(notes)
	}
	return got
}

func (r *rig) wantPlace(p Place, n int) {
	r.t.Helper()
	if got := r.places(); got[p] != n {
		r.t.Fatalf("%d notes in %s, want %d; all: %v", got[p], p, n, got)
	}
}

func (r *rig) count(k EventKind) (n int) {
	for _, e := range r.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func wantSeen(t *testing.T, got []string, want string) {
	t.Helper()
	if s := strings.Join(got, " "); s != want {
		t.Fatalf("states seen: %s, want %s", s, want)
	}
}
