package validator

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames that appear in public captures.
func TestWorkedFrames(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0x2189 {
		t.Errorf("check sum of the digits is %04X, want 2189", got)
	}
	for _, s := range []string{
		"02 03 06 00 C2 82", "02 03 06 FF BA 8D", "02 03 06 30 41 B3", "02 03 06 31 C8 A2",
		"02 03 06 33 DA 81", "02 03 0C 34 FF FF FF FF FF FF FE F7", "02 03 0C 34 00 00 00 00 00 00 17 0C",
		"02 03 06 35 EC E4", "02 03 06 36 77 D6", "02 03 06 37 FE C7", "02 03 06 41 4F D1",
		"02 03 06 10 43 92", "02 03 06 13 D8 A0", "02 03 06 14 67 D4", "02 03 06 19 82 0F",
		"02 03 07 80 01 05 22", "02 03 07 81 01 DD 3B", "02 03 07 1C 68 3F 6C", "02 03 07 01 07 27 D2",
		"02 03 27 46 4C 53 2D 45 55 31 30 2D 36 39 33 36 33 39 30 37 4B 49 34 31 41 53 37 34 38 32 75 ED 8D C8 03 3F 7B 35 DA",
	} {
		f := unhex(t, s)
		if got := encode(f[1], f[3:len(f)-2]); !bytes.Equal(got, f) {
			t.Errorf("encoded % X, want % X", got, f)
		}
		sc := scanner{addr: addrValidator, buf: slices.Clone(f)}
		if p, what := sc.next(); what != scanFrame || !bytes.Equal(p, f[3:len(f)-2]) {
			t.Errorf("% X was not recognised", f)
		}
	}
}

func TestStart(t *testing.T) {
	r := newRig(t)
	if z := r.poll(); hexed(z) != "10" {
		t.Fatalf("after power up: %X", z)
	}
	r.want(ansACK, cmdReset)
	began := r.now
	wantSeen(t, r.until(z1Disabled), "13 19")
	if took := r.now.Sub(began); took < 2900*time.Millisecond || took > 3300*time.Millisecond {
		t.Errorf("initialising took %v, want about 3 s", took)
	}
}

func TestData(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Part, c.Serial = "FLS-EU10-693639", "07KI41AS7482"
		c.Asset = [7]byte{0x75, 0xED, 0x8D, 0xC8, 0x03, 0x3F, 0x7B}
	}).start()
	if got := encode(addrValidator, r.ask(cmdIdentification)); hexed(got) !=
		"020327464C532D455531302D36393336333930374B49343141533734383275ED8DC8033F7B35DA" {
		t.Errorf("identification % X", got)
	}
	r.say(cmdACK)
	r.v.w.Counter = 263
	if got := r.ask(cmdGetCounter); hexed(got) != "0107" {
		t.Errorf("counter % X", got)
	}
	r.say(cmdACK)
	if got := r.ask(cmdGetCRC32); hexed(got) != "5A02C3E1" {
		t.Errorf("CRC32 % X", got)
	}
	r.say(cmdACK)
	if got := r.ask(cmdGetReleaseDate); string(got) != "20240611" {
		t.Errorf("date of release %q", got)
	}
	r.say(cmdACK)
	table := r.ask(cmdGetBillTable)
	if len(table) != 120 || hexed(table[:5]) != "0000000000" || hexed(table[5:10]) != "01415A4E00" ||
		hexed(table[35:40]) != "02415A4E02" || hexed(table[40:45]) != "0000000000" {
		t.Errorf("table % X", table)
	}
	r.say(cmdACK)
	r.want(ansACK, cmdEnableBillTypes, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF)
	r.want(ansACK, cmdSetSecurity, 0, 0, 6)
	if got := r.ask(cmdGetStatus); hexed(got) != "0000FE000006" {
		t.Errorf("status % X: enabled types must be those the unit knows", got)
	}
	r.say(cmdACK)
	r.want(ansACK, cmdReset)
	if got := r.ask(cmdGetStatus); hexed(got) != "000000000000" {
		t.Errorf("status after RESET % X", got)
	}
}

func TestTableEntries(t *testing.T) {
	for _, c := range []struct {
		entry Entry
		want  string
	}{
		{Entry{}, "0000000000"},
		{Entry{Value: money.New(500, "EUR")}, "0545555200"},
		{Entry{Value: money.New(100000, "RUB"), Code: "RUS"}, "0152555303"},
		{Entry{Value: money.New(25, "USD"), Code: "USA"}, "1955534182"},
		{Entry{Value: money.New(150, "USD"), Code: "USA"}, "0F55534181"},
		{Entry{Value: money.New(1000, "USD"), Code: "USA"}, "0155534101"},
	} {
		if got, err := c.entry.bytes(); err != nil || hexed(got) != c.want {
			t.Errorf("%+v: %X %v, want %s", c.entry, got, err, c.want)
		}
	}
	for _, bad := range []Entry{
		{Value: money.New(-5, "EUR")}, {Value: money.New(123456, "EUR")}, {Value: money.New(500, "EUR"), Code: "EU"},
	} {
		if err := validateTable([]Entry{bad}); err == nil {
			t.Errorf("%+v was taken for an entry", bad)
		}
	}
	if err := validateTable(make([]Entry, 25)); err == nil {
		t.Error("25 entries were taken for a table")
	}
}

func TestLegalStates(t *testing.T) {
	states := map[string]func(*rig){
		"power up": func(*rig) {},
		"init":     func(r *rig) { r.want(ansACK, cmdReset) },
		"disabled": func(r *rig) { r.start() },
		"idle":     func(r *rig) { r.idle() },
		"escrow":   func(r *rig) { r.idle(); r.escrowed(5) },
		"holding":  func(r *rig) { r.idle(); r.escrowed(5); r.want(ansACK, cmdHold) },
		"stacking": func(r *rig) { r.idle(); r.escrowed(5); r.want(ansACK, cmdStack) },
		"jam":      func(r *rig) { r.idle(); r.do(Insert{Value: money.Manat(1), Quality: QualityJamHead}); r.until(0x43) },
		"out":      func(r *rig) { r.idle(); r.do(RemoveCassette{Bag: "b"}) },
	}
	for _, c := range []struct {
		cmd   []byte
		legal string
	}{
		{[]byte{cmdStack}, "escrow holding"},
		{[]byte{cmdReturn}, "escrow holding"},
		{[]byte{cmdHold}, "escrow holding"},
		{[]byte{cmdIdentification}, "power up init disabled jam out"},
		{[]byte{cmdGetBillTable}, "power up init disabled jam out"},
		{[]byte{cmdGetCRC32}, "init disabled jam out"},
		{[]byte{cmdGetCounter}, "power up init disabled idle escrow holding stacking jam out"},
		{[]byte{cmdGetOptions}, "init disabled"},
		{[]byte{cmdSetBarcode, 1, 18}, "power up init disabled idle escrow holding stacking jam out"},
		{[]byte{cmdSetBarcode, 1, 19}, ""},
		{[]byte{cmdSetBarcode, 2, 18}, ""},
		{[]byte{cmdEnableBillTypes, 0, 0, 0}, ""},
		{[]byte{cmdExtractBarcode}, ""},
		{[]byte{0x3B}, ""},
		{[]byte{0xF0, 1}, ""},
	} {
		for name, reach := range states {
			r := newRig(t)
			reach(r)
			illegal := bytes.Equal(r.ask(c.cmd...), []byte{ansIllegal})
			if want := strings.Contains(c.legal, name); illegal == want {
				t.Errorf("command %X in state %s: illegal %v", c.cmd, name, illegal)
			}
		}
	}
}

func TestStack(t *testing.T) {
	r := newRig(t).idle()
	r.escrowed(10)
	r.want(ansACK, cmdStack)
	r.want(ansIllegal, cmdStack)
	var seen []string
	for range 15 { // a host that never acknowledges hears of the note for ever
		seen = append(seen, hexed(r.ask(cmdPoll)))
		r.pass(200 * time.Millisecond)
	}
	seen = slices.Compact(seen)
	wantSeen(t, seen, "17 8103")
	r.wantPlace(PlaceCassette, 1)
	if r.v.World().Counter != 1 {
		t.Errorf("counter %d", r.v.World().Counter)
	}
	wantSeen(t, r.until(z1Idling), "8103 14")
	if r.count(EventStacked) != 1 || r.count(EventAcked) != 1 {
		t.Errorf("one note was stacked %d times and acknowledged %d times", r.count(EventStacked), r.count(EventAcked))
	}
	sent := r.count(EventStackedSent)
	if frames := bytes.Count(r.sent, unhex(t, "02 03 07 81 03")); sent != frames || sent < 5 {
		t.Errorf("%d events for %d frames 81h", sent, frames)
	}
}

func TestAcknowledgementNeedsTheRightAnswer(t *testing.T) {
	r := newRig(t).idle()
	r.escrowed(10)
	r.want(ansACK, cmdStack)
	r.pass(2 * time.Second)
	for _, between := range [][]byte{{cmdGetCounter}, {cmdNAK}, {cmdGetStatus}} {
		r.ask(cmdPoll)
		r.say(between...)
		r.say(cmdACK) // acknowledges the later answer, if anything
		if got := r.ask(cmdPoll); hexed(got) != "8103" {
			t.Fatalf("after %X the report is gone: %X", between, got)
		}
	}
	// A bill table whose first entry looks like the report.
	cfg := r.v.cfg
	cfg.Table[0] = Entry{Value: money.New(129_00, "AZN")}
	cfg.Quirks.IdentityWhileIdle = true
	r.v.cfg = cfg
	if got := r.ask(cmdGetBillTable); got[0] != z1Stacked {
		t.Fatalf("table % X", got[:5])
	}
	r.say(cmdACK)
	if got := r.ask(cmdPoll); hexed(got) != "8103" {
		t.Fatalf("acknowledging a table ended the report: %X", got)
	}
}

func TestAckWindow(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.AckWindow = 50 * time.Millisecond }).idle()
	r.escrowed(10)
	r.want(ansACK, cmdStack)
	r.pass(2 * time.Second)
	r.ask(cmdPoll)
	r.pass(80 * time.Millisecond)
	r.say(cmdACK)
	wantSeen(t, r.until(z1Idling), "8103 14") // the late one did not count, the next does
}

func TestReturn(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(*rig)
		want string
	}{
		{"ordered", func(r *rig) { r.want(ansACK, cmdReturn) }, "18 8202 14"},
		{"after ten seconds", func(r *rig) { r.pass(9700 * time.Millisecond); r.pass(300 * time.Millisecond) }, "18 8202 14"},
		{"after its own timeout", func(r *rig) {
			r.want(ansACK, cmdSetEscrowTimeouts, 0, 0, 0, 100, 0, 0, 0, 100)
			r.want(ansACK, cmdReturn)
		}, "18 8202 14"},
		{"held, then forgotten", func(r *rig) {
			r.pass(5 * time.Second)
			r.want(ansACK, cmdHold)
			r.pass(9 * time.Second)
			if z := r.poll(); hexed(z) != "1A" {
				t.Errorf("held note: %X", z)
			}
			r.pass(time.Second)
		}, "18 8202 14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t).idle()
			r.escrowed(5)
			c.act(r)
			wantSeen(t, r.until(z1Idling), c.want)
			r.wantPlace(PlaceHand, 1)
			if r.v.World().Counter != 0 {
				t.Error("a returned note was counted")
			}
		})
	}
}

func TestRefused(t *testing.T) {
	eur := money.New(500, "EUR")
	for _, c := range []struct {
		name string
		note Insert
		mask uint32
		want string
	}{
		{"by the unit", Insert{Value: money.Manat(5), Quality: QualityRefused, Code: 0x6C}, 0xFFFFFF, "15 1C6C 14"},
		{"type inhibited", Insert{Value: money.Manat(5)}, 1 << 3, "15 1C68 14"},
		{"foreign", Insert{Value: eur}, 0xFFFFFF, "15 1C65 14"},
		{"unreadable", Insert{Value: money.Manat(5), Kind: KindUnreadable}, 0xFFFFFF, "15 1C65 14"},
		{"suspect", Insert{Value: money.Manat(5), Quality: QualitySuspect, Code: 3}, 0xFFFFFF, "15 8403 1C66 14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t).idle()
			r.enable(c.mask, c.mask)
			r.do(c.note)
			wantSeen(t, r.until(z1Idling), c.want)
			r.wantPlace(PlaceHand, 1)
		})
	}
}

func TestHeldOutNoteStaysUntilTaken(t *testing.T) {
	r := newRig(t).idle()
	r.do(Insert{Value: money.Manat(5), HoldOut: true})
	r.until(z1Escrow, 2)
	r.want(ansACK, cmdReturn)
	r.pass(time.Minute)
	if z := r.poll(); hexed(z) != "18" {
		t.Fatalf("with the note in the slot: %X", z)
	}
	r.wantPlace(PlaceSlot, 1)
	r.do(Insert{Value: money.Manat(1)})
	if r.count(EventNotTaken) != 1 {
		t.Error("a second note went into a slot that is not free")
	}
	r.do(Take{})
	wantSeen(t, r.until(z1Idling), "8202 14")
}

func TestNoEscrow(t *testing.T) {
	r := newRig(t).idle()
	r.enable(0xFFFFFF, 0)
	r.do(Insert{Value: money.Manat(20)})
	wantSeen(t, r.until(z1Idling), "15 17 8104 14")
	r.wantPlace(PlaceCassette, 1)
}

func TestDisableFinishesTheNoteInFlight(t *testing.T) {
	r := newRig(t).idle()
	r.do(Insert{Value: money.Manat(20)})
	r.poll()
	r.enable(0, 0)
	r.until(z1Escrow, 4)
	r.want(ansACK, cmdStack)
	wantSeen(t, r.until(z1Disabled), "17 8104 19")
}

func TestPause(t *testing.T) {
	t.Run("second note removed", func(t *testing.T) {
		r := newRig(t).idle()
		r.escrowed(5)
		r.do(Insert{Value: money.Manat(1)})
		if z := r.poll(); hexed(z) != "46" {
			t.Fatalf("with two notes: %X", z)
		}
		r.do(Take{})
		r.until(z1Escrow, 2)
		r.wantPlace(PlaceHand, 1)
	})
	t.Run("both rejected", func(t *testing.T) {
		r := newRig(t).idle()
		r.escrowed(5)
		r.do(Insert{Value: money.Manat(1)})
		wantSeen(t, r.until(z1Idling), "46 1C62 14")
		r.wantPlace(PlaceHand, 2)
	})
}

func TestCassette(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Capacity = 2 }).idle()
	for range 2 {
		r.escrowed(1)
		r.want(ansACK, cmdStack)
		r.until(z1Stacked, 1)
	}
	if z := r.poll(); hexed(z) != "41" {
		t.Fatalf("full cassette: %X", z)
	}
	r.do(Insert{Value: money.Manat(1)})
	r.wantPlace(PlaceHand, 1)
	r.do(RemoveCassette{Bag: "A17"})
	if z := r.poll(); hexed(z) != "42" {
		t.Fatalf("cassette out: %X", z)
	}
	r.wantPlace(bagPlace("A17"), 2)
	r.wantPlace(PlaceCassette, 0)
	r.do(InsertCassette{})
	wantSeen(t, r.until(z1Disabled), "13 19")
}

func TestJams(t *testing.T) {
	for _, c := range []struct {
		name   string
		note   Insert
		decide byte // STACK, RETURN or none
		state  byte
		clear  ClearJam
		after  string
		place  Place
	}{
		{"in the head, taken out", Insert{Quality: QualityJamHead}, 0, 0x43, ClearJam{}, "13 19", PlaceHand},
		{"on return, reported", Insert{Quality: QualityJamReturn}, cmdReturn, 0x43, ClearJam{Report: true}, "13 8202 19", PlaceHand},
		{"in the stacker, taken out", Insert{Quality: QualityJamStacker}, cmdStack, 0x44, ClearJam{To: PlaceHand}, "13 19", PlaceHand},
		{"in the stacker, pushed on", Insert{Quality: QualityJamStacker}, cmdStack, 0x44, ClearJam{To: PlaceCassette, Report: true}, "13 8102 19", PlaceCassette},
		{"in the stacker, pushed on silently", Insert{Quality: QualityJamStacker}, cmdStack, 0x44, ClearJam{To: PlaceCassette}, "13 19", PlaceCassette},
		{"fallen into the cassette", Insert{Quality: QualityJamStacker, InCassette: true}, cmdStack, 0x44, ClearJam{}, "13 19", PlaceCassette},
		{"fallen into the cassette, reported", Insert{Quality: QualityJamStacker, InCassette: true}, cmdStack, 0x44, ClearJam{Report: true}, "13 8102 19", PlaceCassette},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t).idle()
			c.note.Value = money.Manat(5)
			r.do(c.note)
			if c.decide != 0 {
				r.until(z1Escrow, 2)
				r.want(ansACK, c.decide)
			}
			r.until(c.state)
			r.want(ansACK, cmdReset)
			wantSeen(t, r.until(c.state), "13 "+hexed([]byte{c.state})) // RESET does not free it
			r.do(c.clear)
			wantSeen(t, r.until(z1Disabled), c.after)
			r.wantPlace(c.place, 1)
		})
	}
}

func TestResetThatFreesAJam(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Quirks.ResetFreesJam = true }).idle()
	r.do(Insert{Value: money.Manat(5), Quality: QualityJamStacker})
	r.until(z1Escrow, 2)
	r.want(ansACK, cmdStack)
	r.until(0x44)
	r.want(ansACK, cmdReset)
	wantSeen(t, r.until(z1Disabled), "13 8102 19")
	r.wantPlace(PlaceCassette, 1)
}

func TestCounterfeitIsKept(t *testing.T) {
	r := newRig(t).idle()
	r.do(Insert{Value: money.Manat(100), Quality: QualityCounterfeit, Code: 7})
	wantSeen(t, r.until(z1Idling), "15 17 9007 14")
	r.wantPlace(PlaceCassette, 1)
	w := r.v.World()
	if got := Total(w.Cassette, money.AZN); !got.IsZero() || w.Counter != 0 {
		t.Errorf("counterfeit note is worth %s and counted %d", got, w.Counter)
	}
}

func TestFailures(t *testing.T) {
	r := newRig(t).idle()
	r.do(Fail{})
	wantSeen(t, r.until(z1Failure, 0x50), "4750")
	r.want(ansACK, cmdReset)
	wantSeen(t, r.until(z1Disabled), "13 19")
	r.do(Fail{Code: 0x55, Lasting: true})
	r.want(ansACK, cmdReset)
	wantSeen(t, r.until(z1Failure, 0x55), "13 4755")
	r.do(Repair{})
	wantSeen(t, r.until(z1Disabled), "13 19")
}

func TestCheat(t *testing.T) {
	for then, want := range map[string]string{"": "45 14", "init": "45 13 19", "power_up": "45 10"} {
		r := newRig(t).idle()
		r.escrowed(5)
		r.do(Cheat{Then: then})
		last := unhex(t, want[len(want)-2:])
		wantSeen(t, r.until(last...), want)
		r.wantPlace(PlaceHand, 1)
	}
}

func TestSwap(t *testing.T) {
	r := newRig(t).start()
	counter := uint16(7)
	r.do(Swap{Serial: "99XX00000001", Counter: &counter, Table: []Entry{{Value: money.Manat(5)}, {}, {Value: money.New(1000, "EUR"), Code: "EUR"}}})
	if z := r.poll(); hexed(z) != "10" {
		t.Errorf("a new unit says %X", z)
	}
	if got := r.ask(cmdGetBillTable); hexed(got[:15]) != "05415A4E00"+"0000000000"+"0145555201" {
		t.Errorf("table % X", got[:15])
	}
	r.start()
	r.do(Swap{Serial: "99XX00000002", Quietly: true})
	if z := r.poll(); hexed(z) != "19" {
		t.Errorf("a quiet swap says %X", z)
	}
	if got := string(r.ask(cmdIdentification)[15:27]); got != "99XX00000002" {
		t.Errorf("serial %q", got)
	}
}
