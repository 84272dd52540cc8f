package validator

import (
	"fmt"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Every row of what a power cut does to a note.
func TestPowerCut(t *testing.T) {
	good := Insert{Value: money.Manat(5)}
	stack := func(d time.Duration) func(*rig) {
		return func(r *rig) {
			r.do(good)
			r.until(z1Escrow, 2)
			r.want(ansACK, cmdStack)
			r.pass(d - 10*time.Millisecond)
		}
	}
	for _, c := range []struct {
		name  string
		quirk Quirks
		until func(*rig)
		code  string
		after string
		place Place
	}{
		{"idle", Quirks{}, func(r *rig) {}, "10", "13 19", ""},
		{"note just touched", Quirks{}, func(r *rig) { r.do(good) }, "10", "13 19", PlaceHand},
		{"accepting", Quirks{}, func(r *rig) { r.do(good); r.pass(500 * time.Millisecond) }, "11", "13 1C62 19", PlaceHand},
		{"escrow", Quirks{}, func(r *rig) { r.do(good); r.until(z1Escrow, 2) }, "11", "13 18 8202 19", PlaceHand},
		{"escrow, reported as rejected", Quirks{AfterReturn: AfterReturnRejected}, func(r *rig) { r.do(good); r.until(z1Escrow, 2) }, "11", "13 1C62 19", PlaceHand},
		{"escrow, not reported", Quirks{AfterReturn: AfterReturnSilent}, func(r *rig) { r.do(good); r.until(z1Escrow, 2) }, "11", "13 19", PlaceHand},
		{"stacking, reversible", Quirks{}, stack(300 * time.Millisecond), "11", "13 18 8202 19", PlaceHand},
		{"stacking, past return", Quirks{}, stack(500 * time.Millisecond), "12", "13 8102 19", PlaceCassette},
		{"stacked, not told", Quirks{}, stack(1100 * time.Millisecond), "12", "13 8102 19", PlaceCassette},
		{"stacked, told, not acknowledged", Quirks{}, func(r *rig) { stack(1100 * time.Millisecond)(r); r.ask(cmdPoll) }, "12", "13 8102 19", PlaceCassette},
		{"stacked, not told, 10h", Quirks{PendingPowerUp10: true}, stack(1100 * time.Millisecond), "10", "13 8102 19", PlaceCassette},
		{"stacked, forgotten", Quirks{ForgetsStacked: true}, stack(1100 * time.Millisecond), "10", "13 19", PlaceCassette},
		{"stacked, forgotten at RESET", Quirks{ResetForgets: true}, stack(1100 * time.Millisecond), "12", "13 19", PlaceCassette},
		{"stacked and acknowledged", Quirks{}, func(r *rig) { stack(1100 * time.Millisecond)(r); r.until(z1Idling) }, "10", "13 19", PlaceCassette},
		{"returning", Quirks{}, func(r *rig) {
			r.do(good)
			r.until(z1Escrow, 2)
			r.want(ansACK, cmdReturn)
			r.pass(300 * time.Millisecond)
		}, "11", "13 18 8202 19", PlaceHand},
		{"at the slot", Quirks{}, func(r *rig) {
			r.do(good)
			r.until(z1Escrow, 2)
			r.want(ansACK, cmdReturn)
			r.pass(900 * time.Millisecond)
		}, "10", "13 19", PlaceHand},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *Config) { cfg.Quirks = c.quirk }).idle()
			c.until(r)
			r.do(PowerOff{})
			if got := r.ask(cmdPoll); got != nil {
				t.Fatalf("without power it said %X", got)
			}
			r.pass(time.Minute)
			r.do(PowerOn{})
			if got := r.ask(cmdPoll); got != nil {
				t.Fatalf("while booting it said %X", got)
			}
			r.pass(time.Second)
			if z := r.poll(); hexed(z) != c.code {
				t.Fatalf("power-up code %X, want %s", z, c.code)
			}
			r.pass(10 * time.Second)
			if z := r.poll(); hexed(z) != c.code {
				t.Fatalf("without RESET it went on to %X", z)
			}
			r.want(ansACK, cmdReset)
			wantSeen(t, r.until(z1Disabled), c.after)
			r.pass(time.Second)
			if c.place != "" {
				r.wantPlace(c.place, 1)
			}
		})
	}
}

// dialogue stacks one note as a careful host does, over whatever the unit does,
// and returns how often the unit's 81h was acknowledged.
func dialogue(r *rig) (acked int) {
	stackSent := false
	for step := range 400 {
		if step == 2 {
			r.do(Insert{Value: money.Manat(5)})
		}
		s := scanner{addr: addrValidator, buf: r.say(cmdPoll)}
		z, what := s.next() // power may go in the middle of an answer
		switch {
		case what != scanFrame:
			if !r.v.State().Power {
				r.do(PowerOn{})
			}
		case z[0] == z1PowerUp || z[0] == z1PowerUpInValidator || z[0] == z1PowerUpInStacker:
			r.say(cmdACK)
			r.say(cmdReset)
		case z[0] == z1Escrow:
			r.say(cmdACK)
			if !stackSent {
				r.say(cmdStack)
				stackSent = true
			} else {
				r.say(cmdReturn)
			}
		default:
			r.say(cmdACK)
		}
		r.pass(200 * time.Millisecond)
	}
	for _, e := range r.events {
		if e.Kind == EventAcked && e.Code == z1Stacked {
			acked++
		}
	}
	return acked
}

// Power is cut at every byte of a note's dialogue: the note is in the hand or in
// the cassette, and it was told exactly once exactly in the second case.
func TestPowerCutAtEveryByte(t *testing.T) {
	codes := map[byte]int{}
	step := uint64(1)
	if testing.Short() {
		step = 5
	}
	for n := uint64(1); ; n += step {
		r := newRig(t).idle()
		r.do(CutAtByte{Byte: n})
		acked := dialogue(r)
		checkOutcome(t, r, acked, fmt.Sprintf("cut at byte %d", n))
		codes[r.v.powerUp]++
		if r.v.faults.cutAtByte != 0 { // the dialogue was shorter
			break
		}
		if n > 20_000 {
			t.Fatal("the dialogue never ends")
		}
		if n > 600 { // past the note's life every cut looks the same
			break
		}
	}
	for _, code := range []byte{z1PowerUp, z1PowerUpInValidator, z1PowerUpInStacker} {
		if codes[code] == 0 {
			t.Errorf("no cut led to %02Xh: %v", code, codes)
		}
	}
}

func TestPowerCutAtEveryFrame(t *testing.T) {
	for n := uint64(1); n < 80; n++ {
		r := newRig(t).idle()
		r.do(CutAtFrame{Frame: n})
		checkOutcome(t, r, dialogue(r), fmt.Sprintf("cut at frame %d", n))
	}
}

func checkOutcome(t *testing.T, r *rig, acked int, what string) {
	t.Helper()
	p := r.places()
	if p[PlaceCassette]+p[PlaceHand] != 1 {
		t.Fatalf("%s: the note is in %v", what, p)
	}
	if acked != p[PlaceCassette] {
		t.Fatalf("%s: told and acknowledged %d times, note is in %v", what, acked, p)
	}
}

func TestCutAtByteStopsAnAnswerInTheMiddle(t *testing.T) {
	r := newRig(t).start()
	r.do(CutAtByte{Byte: 6 + 3})
	if got := r.say(cmdPoll); hexed(got) != "020306" {
		t.Errorf("sent % X", got)
	}
	if r.v.State().Power {
		t.Error("the power is still on")
	}
}

func TestRestoredWorldIsAPowerCut(t *testing.T) {
	r := newRig(t).idle()
	r.escrowed(5)
	r.want(ansACK, cmdStack)
	r.pass(600 * time.Millisecond)
	r.v = Restore(r.v.Config(), 9, r.v.World())
	if z := r.poll(); hexed(z) != "12" {
		t.Fatalf("after the restart: %X", z)
	}
	r.want(ansACK, cmdReset)
	wantSeen(t, r.until(z1Disabled), "13 8102 19")
}
