package pcsc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ebfe/scard"
	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

// look is what one wait says of a reader.
func look(reader string, flags scard.StateFlag, count uint16, atr string) scard.ReaderState {
	s := scard.ReaderState{Reader: reader, EventState: flags | scard.StateFlag(count)<<16}
	if atr != "" {
		s.Atr = []byte(atr)
	}
	return s
}

// tell writes events in short: +R reader, in, mute, out.
func tell(events []smartcard.Event) string {
	var words []string
	for _, e := range events {
		switch e := e.(type) {
		case smartcard.ServiceUp:
			words = append(words, "up")
		case smartcard.ServiceDown:
			words = append(words, "down")
		case smartcard.ReaderFound:
			words = append(words, "+"+string(e.Reader))
		case smartcard.ReaderLost:
			words = append(words, "-"+string(e.Reader))
		case smartcard.CardInserted:
			words = append(words, fmt.Sprintf("%s:%s#%d", e.Reader, e.ATR, e.Insertion))
		case smartcard.CardUnreadable:
			words = append(words, string(e.Reader)+":mute")
		case smartcard.CardRemoved:
			words = append(words, string(e.Reader)+":out")
		}
	}
	return strings.Join(words, " ")
}

const (
	changed = scard.StateChanged
	empty   = scard.StateEmpty | changed
	present = scard.StatePresent | changed
	mute    = scard.StatePresent | scard.StateMute | changed
)

func TestMonitor(t *testing.T) {
	type step struct {
		states []scard.ReaderState
		want   string
		list   bool
	}
	one := func(want string, flags scard.StateFlag, count uint16, atr string) step {
		return step{states: []scard.ReaderState{look("R", flags, count, atr)}, want: want}
	}
	relist := func(s step) step { s.list = true; return s }
	const gone = scard.StateUnknown | scard.StateUnavailable | changed
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"an empty reader is found", []step{one("+R", empty, 0, "")}},
		{"a card at the start", []step{one("+R R:a#1", present, 1, "a")}},
		{"a card comes and goes", []step{one("+R", empty, 0, ""), one("R:a#1", present, 1, "a"), one("R:out", empty, 2, "")}},
		{"without CHANGED nothing happened", []step{one("+R", empty, 0, ""), one("", scard.StatePresent, 1, "a")}},
		{"a swap between two looks", []step{one("+R R:a#1", present, 1, "a"), one("R:out R:b#2", present, 3, "b")}},
		{"a swap to the same card", []step{one("+R R:a#1", present, 1, "a"), one("R:out R:a#2", present, 3, "a")}},
		{"the counter turns over", []step{one("+R R:a#1", present, 0xFFFF, "a"), one("R:out R:b#2", present, 1, "b")}},
		{"in and out between two looks", []step{one("+R", empty, 0, ""), one("", empty, 2, "")}},
		{"another program connects and leaves", []step{one("+R R:a#1", present, 1, "a"),
			one("", present|scard.StateInuse, 1, "a"), one("", present|scard.StateExclusive, 1, "a"), one("", present, 1, "a")}},
		{"PRESENT is a bit among others", []step{one("+R R:a#1", present|scard.StateInuse|scard.StateAtrmatch|scard.StateUnpowered, 1, "a")}},
		{"a silent card", []step{one("+R", empty, 0, ""), one("R:mute", mute, 1, ""), one("R:out", empty, 2, "")}},
		{"a silent card with an ATR", []step{one("+R R:mute", mute, 1, "a")}},
		{"a card without an ATR", []step{one("+R R:mute", present, 1, "")}},
		{"an ATR that is too long", []step{one("+R R:mute", present, 1, strings.Repeat("a", 34))}},
		{"a silent card is turned round unseen", []step{one("+R R:mute", mute, 1, ""), one("R:out R:a#1", present, 3, "a")}},
		{"a silent card answers at last", []step{one("+R R:mute", mute, 1, ""), one("R:out R:a#1", present, 1, "a")}},
		{"a card falls silent", []step{one("+R R:a#1", present, 1, "a"), one("R:out R:mute", mute, 1, "")}},
		{"a silent card for another", []step{one("+R R:mute", mute, 1, ""), one("R:out R:mute", mute, 3, "")}},
		{"a token is pulled", []step{one("+R R:a#1", present, 1, "a"), relist(one("R:out -R", gone, 0, ""))}},
		{"a reader is pulled", []step{one("+R", empty, 0, ""), relist(one("-R", gone, 0, ""))}},
		{"UNKNOWN alone", []step{one("+R", empty, 0, ""), relist(one("-R", scard.StateUnknown|changed, 0, ""))}},
		{"UNAVAILABLE with EXCLUSIVE", []step{one("+R", empty, 0, ""), relist(one("-R", scard.StateUnavailable|scard.StateExclusive|changed, 0, ""))}},
		{"UNAVAILABLE with PRESENT", []step{one("+R R:a#1", present, 1, "a"), relist(one("R:out -R", scard.StateUnavailable|present, 1, "a"))}},
		{"a reader that was never good", []step{relist(one("", scard.StateUnavailable|changed, 0, "")), one("+R", empty, 0, "")}},
		{"a reader comes back", []step{one("+R R:a#1", present, 1, "a"), relist(one("R:out -R", gone, 0, "")), one("+R R:a#2", present, 1, "a")}},
		{"the same wake-up brings a card and a list", []step{one("+R", empty, 0, ""),
			{states: []scard.ReaderState{look("R", present, 1, "a"), look(pnpReader, changed, 0, "")}, want: "R:a#1", list: true}}},
		{"a reader that is not ours", []step{{states: []scard.ReaderState{look("X", present, 1, "a")}}}},
	} {
		m := newMonitor(map[smartcard.Reader]uint64{})
		m.listed([]string{"R"})
		for i, s := range c.steps {
			events, list := m.seen(s.states)
			if got := tell(events); got != s.want || list != s.list {
				t.Errorf("%s: look %d tells %q and asks for the list: %v; want %q, %v", c.name, i+1, got, list, s.want, s.list)
			}
			// What was seen is fed back, with the counter and without CHANGED.
			if asked, said := m.ask()[0], s.states[0]; said.Reader == "R" && said.EventState&changed != 0 &&
				asked.CurrentState != said.EventState&^changed {
				t.Errorf("%s: after look %d %08X is fed back for %08X", c.name, i+1, asked.CurrentState, said.EventState)
			}
		}
	}
}

func TestMonitorLists(t *testing.T) {
	m := newMonitor(map[smartcard.Reader]uint64{})
	names := func() string {
		var names []string
		for _, s := range m.ask() {
			names = append(names, s.Reader)
			if s.Atr != nil {
				t.Errorf("an ATR is fed back for %s", s.Reader)
			}
		}
		return strings.Join(names, " ")
	}
	if got := names(); got != pnpReader {
		t.Errorf("without readers it waits for %s", got)
	}
	if got := tell(m.answers()) + tell(m.answers()); got != "up" {
		t.Error(got)
	}
	if events, changed := m.listed([]string{"A", "", "B", "A", pnpReader}); len(events) != 0 || !changed || names() != "A B "+pnpReader {
		t.Errorf("%s, changed %v, waits for %s", tell(events), changed, names())
	}
	m.seen([]scard.ReaderState{look("A", present, 1, "a"), look("B", empty, 0, ""), look(pnpReader, changed, 2, "")})
	if s := m.ask()[2].CurrentState; s != 2<<16 {
		t.Errorf("the pseudo-reader is asked with %08X", s)
	}
	if events, changed := m.listed([]string{"B", "C"}); tell(events) != "A:out -A" || !changed || names() != "B C "+pnpReader {
		t.Errorf("%s, changed %v, waits for %s", tell(events), changed, names())
	}
	if events, changed := m.listed([]string{"C", "B"}); len(events) != 0 || changed {
		t.Errorf("another order: %s, changed %v", tell(events), changed)
	}
	// More than the library takes: without the pseudo-reader, and cut off.
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint(i))
	}
	m.listed(many)
	if got := m.ask(); len(got) != entriesMost || got[entriesMost-1].Reader != "15" {
		t.Errorf("%d entries", len(got))
	}
	m.seen([]scard.ReaderState{look("3", mute, 1, "")})
	if got := tell(m.down(smartcard.ErrNoService)) + tell(m.down(smartcard.ErrNoService)); got != "3:out -3 down" {
		t.Error(got)
	}
	// Insertions are counted on over the daemon's restart; the counters are not kept.
	m.answers()
	m.listed([]string{"A"})
	if s := m.ask(); s[0].CurrentState != scard.StateUnaware || s[1].CurrentState != scard.StateUnaware {
		t.Errorf("after a restart it asks with %+v", s)
	}
	events, _ := m.seen([]scard.ReaderState{look("A", present, 1, "a")})
	if got := tell(events); got != "+A A:a#2" {
		t.Error(got)
	}
}

// TestMonitorStartsDown: a daemon that is not there is told once.
func TestMonitorStartsDown(t *testing.T) {
	m := newMonitor(map[smartcard.Reader]uint64{})
	if got := tell(append(m.down(smartcard.ErrNoService), m.down(smartcard.ErrNoService)...)); got != "down" {
		t.Error(got)
	}
}

// TestMonitorAnyStates: whatever the library says, the events can follow each
// other, and after each look they agree with it.
func TestMonitorAnyStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { anyStates(t) })
}

func FuzzMonitor(f *testing.F) { f.Fuzz(rapid.MakeFuzz(anyStates)) }

func anyStates(t *rapid.T) {
	m := newMonitor(map[smartcard.Reader]uint64{})
	var told []smartcard.Event
	names := []string{"A", "B", "C", ""}
	flags := []scard.StateFlag{scard.StateUnknown, scard.StateUnavailable, scard.StateEmpty, scard.StatePresent, scard.StateMute,
		scard.StateInuse, scard.StateExclusive, scard.StateIgnore, scard.StateAtrmatch, scard.StateUnpowered}
	for range rapid.IntRange(1, 40).Draw(t, "looks") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			told = append(told, m.down(smartcard.ErrNoService)...)
		case 1, 2:
			told = append(told, m.answers()...)
			events, _ := m.listed(rapid.SliceOfN(rapid.SampledFrom(names), 0, 5).Draw(t, "names"))
			told = append(told, events...)
		default:
			states := m.ask()
			for i := range states {
				states[i].EventState = changed
				if rapid.Bool().Draw(t, "unchanged") {
					states[i].EventState = 0
				}
				for _, f := range rapid.SliceOfN(rapid.SampledFrom(flags), 0, 3).Draw(t, "flags") {
					states[i].EventState |= f
				}
				states[i].EventState |= scard.StateFlag(rapid.IntRange(0, 2).Draw(t, "count")) << 16
				states[i].Atr = rapid.SliceOfN(rapid.Byte(), 0, 35).Draw(t, "atr")
			}
			events, _ := m.seen(states)
			told = append(told, events...)
			agree(t, told, states)
		}
		if err := smartcardtest.CheckOrder(told); err != nil {
			t.Fatal(err)
		}
	}
}

// agree compares what the events add up to with the states that CHANGED.
func agree(t *rapid.T, told []smartcard.Event, states []scard.ReaderState) {
	found, card := map[smartcard.Reader]bool{}, map[smartcard.Reader]string{}
	for _, e := range told {
		switch e := e.(type) {
		case smartcard.ReaderFound:
			found[e.Reader] = true
		case smartcard.ReaderLost:
			found[e.Reader] = false
		case smartcard.CardInserted:
			card[e.Reader] = "readable"
		case smartcard.CardUnreadable:
			card[e.Reader] = "mute"
		case smartcard.CardRemoved:
			card[e.Reader] = ""
		}
	}
	for _, s := range states {
		if s.Reader == pnpReader || s.EventState&changed == 0 {
			continue
		}
		want := ""
		switch gone := s.EventState&(scard.StateUnknown|scard.StateUnavailable) != 0; {
		case gone != !found[smartcard.Reader(s.Reader)]:
			t.Fatalf("%s with %08X: found %v", s.Reader, s.EventState, !gone)
		case gone || s.EventState&scard.StatePresent == 0:
		case s.EventState&scard.StateMute != 0 || len(s.Atr) == 0 || len(s.Atr) > 33:
			want = "mute"
		default:
			want = "readable"
		}
		if got := card[smartcard.Reader(s.Reader)]; got != want {
			t.Fatalf("%s with %08X: %q, want %q", s.Reader, s.EventState, got, want)
		}
	}
}
