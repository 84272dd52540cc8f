package panel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

func TestContactReadsItsLines(t *testing.T) {
	for _, c := range []struct {
		name  string
		wired Contact
		high  string // lines that are high
		want  State
	}{
		{"closed door", Contact{Line: "a"}, "", StateRest},
		{"open door, or its wire is cut", Contact{Line: "a"}, "a", StateActive},
		{"turned around, at rest", Contact{Line: "a", HighAtRest: true}, "a", StateRest},
		{"turned around, active", Contact{Line: "a", HighAtRest: true}, "", StateActive},
		{"whole loop", Contact{Line: "a", Complement: "b"}, "b", StateRest},
		{"opened loop", Contact{Line: "a", Complement: "b"}, "a", StateActive},
		{"cable cut", Contact{Line: "a", Complement: "b"}, "ab", StateFault},
		{"cable shorted to ground", Contact{Line: "a", Complement: "b"}, "", StateFault},
		{"change-over turned around", Contact{Line: "a", Complement: "b", HighAtRest: true}, "a", StateRest},
		{"the same, opened", Contact{Line: "a", Complement: "b", HighAtRest: true}, "b", StateActive},
	} {
		if got := c.wired.state(func(line string) bool { return strings.Contains(c.high, line) }); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestDebounce draws what a line does, one letter for each 10 ms (r rest, A
// active, F fault; a count before it repeats), and says what is told.
func TestDebounce(t *testing.T) {
	for _, c := range []struct{ name, line, told string }{
		{"at rest from the start", "20r", "rest@50"},
		{"open from the start", "20A", "active@50"},
		{"opened", "20r20A", "rest@50 active@250"},
		{"opened with bounces", "20rArAArA20A", "rest@50 active@300"},
		{"a pulse of 40 ms", "20r4A20r", "rest@50"},
		{"a pulse of 50 ms is one too short", "20r5A20r", "rest@50"},
		{"a pulse of 60 ms counts", "20r6A20r", "rest@50 active@250 rest@310"},
		{"the throw of a change-over contact passes through fault", "20r3F20A", "rest@50 active@280"},
		{"a cut", "20r20F", "rest@50 fault@250"},
	} {
		if got := debounced(t, c.line); got != c.told {
			t.Errorf("%s: told %q, want %q", c.name, got, c.told)
		}
	}
}

func debounced(t *testing.T, line string) string {
	t.Helper()
	var k contact
	var told []string
	at, count := 0, 0
	for _, r := range line {
		if r >= '0' && r <= '9' {
			count = 10*count + int(r-'0')
			continue
		}
		s := map[rune]State{'r': StateRest, 'A': StateActive, 'F': StateFault}[r]
		for range max(count, 1) {
			if k.sample(epoch.Add(time.Duration(at)*time.Millisecond), s) {
				told = append(told, fmt.Sprintf("%s@%d", k.state, at))
			}
			at += 10
		}
		count = 0
	}
	return strings.Join(told, " ")
}

// A loose wire is told once and not a thousand times, and is believed again
// after it has been calm.
func TestLooseContact(t *testing.T) {
	for _, c := range []struct {
		name   string
		period time.Duration // of the wire's own restlessness
		most   int           // changes that may be told before the fault
	}{
		{"never settles", 20 * time.Millisecond, 1},
		{"settles for a moment each time", 150 * time.Millisecond, Chatter + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k contact
			told, now := 0, epoch
			step := func(s State) {
				if k.sample(now, s) {
					told++
				}
				now = now.Add(QuickSample)
			}
			for now.Before(epoch.Add(time.Hour)) {
				s := StateRest
				if now.Sub(epoch)/c.period%2 == 1 {
					s = StateActive
				}
				step(s)
			}
			if told > c.most || k.state != StateFault {
				t.Errorf("%d changes told in an hour, at last %s; want at most %d and fault", told, k.state, c.most)
			}
			for end := now.Add(CalmTime + time.Second); now.Before(end); {
				step(StateRest)
			}
			if k.state != StateRest {
				t.Errorf("calm for %v and still %s", CalmTime, k.state)
			}
		})
	}
}

// Whatever a line does: what is told last, after it has come to rest, is true,
// and nothing is told twice.
func TestDebounceProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k contact
		var last State
		now := epoch
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			s := rapid.SampledFrom([]State{StateRest, StateActive, StateFault}).Draw(t, "state")
			for end := now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "ms")) * time.Millisecond); now.Before(end); {
				if k.sample(now, s) {
					if k.state == last {
						t.Fatalf("%s told twice", last)
					}
					last = k.state
				}
				now = now.Add(time.Duration(rapid.IntRange(1, 110).Draw(t, "pause")) * time.Millisecond)
			}
		}
		end := k.seen
		for until := now.Add(CalmTime + time.Second); now.Before(until); now = now.Add(100 * time.Millisecond) {
			k.sample(now, end)
		}
		if k.state != end || k.settling() {
			t.Fatalf("the line rests at %s, told is %s", end, k.state)
		}
	})
}

// No pattern flashes more than three times a second, and each is lit as long as
// it is dark.
func TestPatterns(t *testing.T) {
	for p, flashes := range map[Pattern]int{PatternOff: 0, PatternOn: 0, PatternSlow: 30, PatternMedium: 60, PatternQuick: 120, "nonsense": 0} {
		c := NewCore(epoch, Layout{Lamps: []Wire{{Lamp: LampCard, Line: "0"}}})
		c.Command(Light{Lamp: LampCard, Pattern: p})
		rises, lit, was := 0, 0, false
		for ms := range 60_000 {
			is := c.Level(epoch.Add(time.Duration(ms)*time.Millisecond), Wire{Lamp: LampCard})
			if is && !was && ms > 0 {
				rises++
			}
			if is {
				lit++
			}
			was = is
		}
		if is := c.Level(epoch.Add(time.Minute), Wire{Lamp: LampCard}); is && !was {
			rises++
		}
		if rises != flashes || rises > 3*60 {
			t.Errorf("%s: %d flashes in a minute, want %d", p, rises, flashes)
		}
		if flashes > 0 && lit != 30_000 || p == PatternOn && lit != 60_000 {
			t.Errorf("%s: lit for %d ms of a minute", p, lit)
		}
	}
}

// The core wakes exactly when a lamp has to change.
func TestNextFlash(t *testing.T) {
	w := []Wire{{Lamp: LampCard, Line: "0"}, {Lamp: LampStatus, Line: "1", LowWhenLit: true}}
	c := NewCore(epoch, Layout{Lamps: w})
	if at := c.NextFlash(epoch); !at.IsZero() {
		t.Errorf("dark lamps change at %v", at)
	}
	c.Command(Light{Lamp: LampCard, Pattern: PatternQuick})
	c.Command(Light{Lamp: LampStatus, Pattern: PatternSlow})
	now := epoch.Add(33 * time.Millisecond)
	for range 20 {
		next := c.NextFlash(now)
		before := next.Add(-1)
		if c.Level(before, w[0]) == c.Level(next, w[0]) && c.Level(before, w[1]) == c.Level(next, w[1]) {
			t.Fatalf("nothing changes at %v", next.Sub(epoch))
		}
		if c.Level(now, w[0]) != c.Level(before, w[0]) || c.Level(now, w[1]) != c.Level(before, w[1]) {
			t.Fatalf("a change before %v was left out", next.Sub(epoch))
		}
		now = next
	}
}

func TestLayoutCheck(t *testing.T) {
	door := Contact{Input: InputServiceDoor, Line: "0"}
	for _, c := range []struct {
		name   string
		layout Layout
		want   string // "" for right
	}{
		{"right", Layout{Contacts: []Contact{door, {Input: InputTamper, Line: "1", Complement: "2"}}, Lamps: []Wire{{Lamp: LampCard, Line: "3"}}}, ""},
		{"lamps only", Layout{Lamps: []Wire{{Lamp: LampCard, Line: "3"}}}, "no input is wired"},
		{"unknown input", Layout{Contacts: []Contact{{Input: "window", Line: "0"}}}, `there is no input "window"`},
		{"door twice", Layout{Contacts: []Contact{door, {Input: InputServiceDoor, Line: "1"}}}, "service_door is wired twice"},
		{"tamper loop without supervision", Layout{Contacts: []Contact{{Input: InputTamper, Line: "0"}}}, "tamper has one line and needs two"},
		{"line twice", Layout{Contacts: []Contact{door}, Lamps: []Wire{{Lamp: LampCard, Line: "0"}}}, "line 0 is used twice"},
		{"line without name", Layout{Contacts: []Contact{{Input: InputMains}}}, "a line has no name"},
		{"unknown lamp", Layout{Contacts: []Contact{door}, Lamps: []Wire{{Lamp: "disco", Line: "1"}}}, `there is no lamp "disco"`},
		{"lamp twice", Layout{Contacts: []Contact{door}, Lamps: []Wire{{Lamp: LampCard, Line: "1"}, {Lamp: LampCard, Line: "2"}}}, "lamp card is wired twice"},
	} {
		err := c.layout.Check()
		if got := fmt.Sprint(err); (c.want == "") != (err == nil) || err != nil && got != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, i := range Inputs() {
		words := map[string]bool{}
		for _, s := range []State{StateRest, StateActive, StateFault} {
			w := i.Word(s)
			if w == "" || w == string(s) || words[w] {
				t.Errorf("%s: %s is called %q", i, s, w)
			}
			words[w] = true
		}
	}
}
