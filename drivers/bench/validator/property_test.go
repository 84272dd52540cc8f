package validator

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/bench/action"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// choose picks a number below n: rapid's, which shrinks, or a plain random one,
// which walks further.
type choose func(n int) int

func byRapid(t *rapid.T) choose {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
}

func pick[T any](c choose, list ...T) T { return list[c(len(list))] }

// anyAction is anything that can happen to a unit.
func anyAction(c choose) Action {
	value := money.Manat(pick[int64](c, 1, 5, 10, 50, 3))
	quality := pick(c, Qualities()...)
	yes := c(2) == 1
	count := c(3) + 1
	ms := action.Millis(c(2000))
	return pick(c, []Action{
		Insert{Value: value}, Insert{Value: value}, Insert{Value: value},
		Insert{Value: value, Quality: quality, InCassette: yes, HoldOut: !yes},
		Insert{Value: value, Quality: quality, InCassette: yes},
		InsertCoupon{}, InsertCoupon{Quality: quality, HoldOut: yes}, InsertCoupon{Digits: "123456"},
		SetQuirks{Quirks{Above51: Above51Silent}}, SetQuirks{Quirks{Above51: Above51Illegal, NoBarcode: yes}}, SetQuirks{},
		Reinsert{Serial: "N000001"}, Take{}, Cheat{Then: pick(c, "", "init", "power_up")},
		PowerOff{}, PowerOn{}, PowerOn{}, CutAtByte{Byte: uint64(c(300)) + 1}, CutAtFrame{Frame: uint64(c(40)) + 1},
		Unplug{}, Plug{}, LoseACK{Count: count}, RepeatStacked{Count: count},
		FaultLine{Direction: ToHost, Do: "drop", Count: count}, FaultLine{Direction: ToHost, Do: "delay", Count: count, For: ms},
		FaultLine{Direction: ToDevice, Do: "corrupt", Count: count}, FaultLine{Direction: ToDevice, Do: "delay", Count: count, For: ms},
		Garbage{Count: count, Length: 5}, Split{Count: count, Size: 2, Gap: 3}, Coalesce{Count: count}, Echo{On: yes},
		IllegalToStack{Count: count}, Busy{For: ms, NoTime: yes}, ShowState{Z1: 0x77, Count: count},
		Fail{Lasting: yes}, Repair{}, ClearJam{To: PlaceHand, Report: yes}, ClearJam{To: PlaceCassette, Report: yes},
		RemoveCassette{Bag: "A"}, InsertCassette{}, InsertCassette{}, SetFull{Full: yes}, SetFull{}, Swap{Serial: "X"}, ClearFaults{}, ClearFaults{},
		SetQuirks{Quirks{PendingPowerUp10: yes, AfterReturn: AfterReturnSilent}}, SetQuirks{Quirks{ResetFreesJam: yes}},
	}...)
}

func anyCommand(c choose) []byte {
	return pick(c, [][]byte{
		{cmdPoll}, {cmdPoll}, {cmdPoll}, {cmdACK}, {cmdACK}, {cmdNAK}, {cmdReset}, {cmdStack}, {cmdStack}, {cmdReturn}, {cmdHold},
		{cmdEnableBillTypes, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, {cmdEnableBillTypes, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		{cmdEnableBillTypes, 0xFF, 0xFF, 0xFF, 0, 0, 0}, {cmdEnableBillTypes, 0, 0, 0, 0, 0, 0},
		{cmdGetBillTable}, {cmdIdentification}, {cmdGetCounter}, {cmdSetEscrowTimeouts, 0, 0, 1, 0, 0, 0, 1, 0},
		{cmdSetBarcode, 1, 18}, {cmdExtractBarcode}, {cmdSetSecurity, 0, 0, 4}, {cmdSetOptions, 0x40, 0, 0, 0}, {cmdGetOptions},
	}...)
}

// serve is a host that works as it should for some polls: it resets what has
// powered up, enables, and decides about notes.
func serve(v *Validator, now time.Time, polls int, decide byte, watch func(Output)) time.Time {
	say := func(payload ...byte) []byte {
		out := v.Receive(now, encode(addrValidator, payload))
		watch(out)
		sent := bytes.Clone(out.Send)
		for range 4 {
			now = now.Add(5 * time.Millisecond)
			out = v.Tick(now)
			watch(out)
			sent = append(sent, out.Send...)
		}
		s := scanner{addr: addrValidator, buf: sent}
		for {
			p, what := s.next()
			if what != scanBad {
				return p
			}
		}
	}
	for range polls {
		if z := say(cmdPoll); len(z) > 0 {
			say(cmdACK)
			switch z[0] {
			case z1PowerUp, z1PowerUpInValidator, z1PowerUpInStacker, z1Failure:
				say(cmdReset)
			case z1Disabled:
				say(cmdEnableBillTypes, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
			case z1Escrow:
				say(decide)
			}
		}
		now = now.Add(300 * time.Millisecond)
		watch(v.Tick(now))
	}
	return now
}

// Whatever is done, notes neither vanish nor appear, no note is in two places,
// and none is reported as stacked twice while it stays where it is.
func walk(t rapid.TB, c choose, seed uint64, met map[string]int) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Timing.Init = time.Second
	v := New(cfg, seed)
	now := time.Unix(1_700_000_000, 0)
	inserted := uint64(0)
	told := map[string]bool{}
	watch := func(out Output) {
		for _, e := range out.Events {
			met[string(e.Kind)]++
			switch e.Kind {
			case EventInserted:
				inserted++
			case EventStacked:
				if told[e.Note.Serial] {
					t.Fatalf("note %s was stacked twice", e.Note.Serial)
				}
				told[e.Note.Serial] = true
			case EventNote:
				if e.From == PlaceCassette || e.To == PlaceHand {
					delete(told, e.Note.Serial)
				}
			case EventState:
				met[hexed([]byte{e.Code})]++
			}
		}
		if !out.Wake.IsZero() && out.Wake.Before(now) {
			t.Fatalf("asked to be woken in the past: %v before %v", out.Wake, now)
		}
		w := v.World()
		if w.Inserted != inserted {
			t.Fatalf("%d notes inserted, the world says %d", inserted, w.Inserted)
		}
		seen := map[string]Place{}
		for place, notes := range w.Notes() {
			for _, n := range notes {
				if other, twice := seen[n.Serial]; twice {
					t.Fatalf("note %s is in %s and in %s", n.Serial, place, other)
				}
				seen[n.Serial] = place
			}
		}
		if uint64(len(seen)) != inserted {
			t.Fatalf("%d notes inserted, %d are somewhere: %v", inserted, len(seen), seen)
		}
	}
	now = serve(v, now, 8, cmdStack, watch)
	for range 40 {
		switch pick(c, "host", "host", "act", "act", "odd host") {
		case "act":
			out, _ := v.Do(now, anyAction(c))
			watch(out)
			now = now.Add(time.Duration(pick(c, 0, 0, 5, 200, 500, 1500, 11000)) * time.Millisecond)
		case "host":
			if c(2) == 1 { // somebody has looked after the machine, and a customer comes
				for _, a := range []Action{PowerOn{}, Plug{}, InsertCassette{}, ClearFaults{}, Insert{Value: money.Manat(5)}} {
					out, _ := v.Do(now, a)
					watch(out)
				}
			}
			decide := pick[byte](c, cmdStack, cmdStack, cmdReturn, cmdHold)
			now = serve(v, now, c(12)+1, decide, watch)
		default:
			watch(v.Receive(now, encode(addrValidator, anyCommand(c))))
			now = now.Add(20 * time.Millisecond)
		}
		watch(v.Tick(now))
	}
}

func TestNotesAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, byRapid(t), rapid.Uint64().Draw(t, "seed"), map[string]int{})
	})
}

// Longer walks, always the same ones, that have been everywhere.
func TestNotesAreConservedEverywhere(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(400) {
		walk(t, rand.New(rand.NewPCG(seed, seed)).IntN, seed, met)
	}
	for _, what := range []string{"10", "11", "12", "13", "14", "15", "17", "18", "19", "1A", "1B", "1C", "41", "42", "43", "44",
		"45", "46", "47", "77", "80", "81", "82", "84", "90", "acked", "not_taken", "stacked_sent"} {
		if met[what] == 0 {
			t.Errorf("%s was never met", what)
		}
	}
}

// The same calls with the same seed give the same bytes and events.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := New(DefaultConfig(), seed), New(DefaultConfig(), seed)
		now := time.Unix(1_700_000_000, 0)
		for range 30 {
			var x, y Output
			if rapid.Bool().Draw(t, "act") {
				action := anyAction(byRapid(t))
				x, _ = a.Do(now, action)
				y, _ = b.Do(now, action)
			} else {
				f := encode(addrValidator, anyCommand(byRapid(t)))
				x, y = a.Receive(now, f), b.Receive(now, f)
			}
			if !bytes.Equal(x.Send, y.Send) || len(x.Events) != len(y.Events) || !x.Wake.Equal(y.Wake) {
				t.Fatalf("two runs differ: %+v and %+v", x, y)
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
		}
	})
}

// A late Tick gives the same world as many punctual ones.
func TestLateTick(t *testing.T) {
	run := func(punctual bool) (Place, []byte) {
		r := newRig(t).idle()
		r.escrowed(5)
		r.want(ansACK, cmdReturn)
		if punctual {
			r.pass(time.Minute)
		} else {
			r.now = r.now.Add(time.Minute)
			r.take(r.v.Tick(r.now))
		}
		for p := range r.places() {
			return p, r.poll()
		}
		return "", nil
	}
	p1, z1 := run(true)
	p2, z2 := run(false)
	if p1 != p2 || !bytes.Equal(z1, z2) {
		t.Errorf("punctual: %s %X, late: %s %X", p1, z1, p2, z2)
	}
}

// A hostile line never breaks the unit, its answers stay frames and its memory
// stays bounded.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode(addrValidator, []byte{cmdPoll}))
	f.Add(append(encode(addrValidator, []byte{cmdReset}), encode(addrValidator, []byte{cmdIdentification})...))
	f.Add([]byte{sync, addrValidator, 250, 1, 2, 3})
	f.Add([]byte{sync, addrValidator, 0, 0x50, 0xFF, 0xFF})
	f.Add(bytes.Repeat(encode(addrValidator, []byte{cmdPoll}), 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		v := New(DefaultConfig(), 1)
		now := time.Unix(1_700_000_000, 0)
		sent := v.Receive(now, b).Send
		sent = append(sent, v.Tick(now.Add(time.Second)).Send...)
		for len(sent) > 0 {
			s := scanner{addr: addrValidator, buf: sent}
			if _, what := s.next(); what != scanFrame {
				t.Fatalf("the unit sent % X", sent)
			}
			sent = s.buf
		}
		if len(v.wire.scan.buf) > maxFrame || len(v.wire.out) > maxQueued {
			t.Fatalf("%d bytes and %d answers are kept", len(v.wire.scan.buf), len(v.wire.out))
		}
	})
}

func FuzzParseAction(f *testing.F) {
	for _, name := range Actions.Names() {
		f.Add(name, []byte(`{}`))
	}
	f.Add("swap", []byte(`{"table":[{"value":{"minor":500,"currency":"AZN"}}]}`))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		a, err := Actions.Parse(name, body)
		if err != nil {
			return
		}
		v := New(DefaultConfig(), 1)
		now := time.Unix(1_700_000_000, 0)
		if _, err := v.Do(now, a); err != nil {
			return
		}
		v.Receive(now, encode(addrValidator, []byte{cmdPoll}))
		v.Tick(now.Add(time.Minute))
	})
}
