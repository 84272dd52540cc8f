package ccnet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// Whatever single frame is lost, refused or spoiled on the way of a note, the
// note arrives and is told once.
func TestOneFaultOnTheLine(t *testing.T) {
	commands := []byte{cmdEnableBillTypes, cmdGetStatus, cmdStack, cmdGetStackedCounter, cmdPoll}
	kinds := []struct {
		name string
		set  func(p *peer, cmd byte)
	}{
		{"not heard", func(p *peer, cmd byte) { p.deaf[cmd] = 1 }},
		{"answer lost", func(p *peer, cmd byte) { p.dumb[cmd] = 1 }},
		{"illegal", func(p *peer, cmd byte) { p.illegal[cmd] = 1 }},
		{"NAK", func(p *peer, cmd byte) { p.nak[cmd] = 3 }},
		{"spoiled", func(p *peer, _ byte) { p.damage = 2 }},
	}
	for _, k := range kinds {
		for _, cmd := range commands {
			t.Run(commandNames[cmd]+" "+k.name, func(t *testing.T) {
				r, p := on(t)
				r.Until("settled", 30*time.Second, r.Settled)
				k.set(p, cmd)
				r.Do(cash.Enable{Types: []int{4}})
				r.Policy.Decide = cashtest.StackAll
				p.Insert(4)
				cashtest.Await[cash.PathClear](r, 30*time.Second)
				if !r.Book.Equal(p.Cassette()) || len(p.cassette) != 1 || cashtest.Count[cash.Stacked](r) != 1 {
					t.Errorf("booked %v, cassette %v\n%s", r.Book.Stacked, p.cassette, r.Log())
				}
			})
		}
	}
}

func TestStackRefused(t *testing.T) {
	for _, how := range []string{"illegal", "not heard"} {
		t.Run(how, func(t *testing.T) {
			r, p := serving(t)
			if how == "illegal" {
				p.illegal[cmdStack] = 10
			} else {
				p.deaf[cmdStack] = 10
			}
			p.Insert(4)
			cashtest.Await[cash.PathClear](r, 40*time.Second)
			if n := countOf(p.heard, cmdStack); n != 2 {
				t.Errorf("STACK was sent %d times, want once and one repeat", n)
			}
			if len(p.given) != 1 || cashtest.Count[cash.Returned](r) != 1 {
				t.Errorf("the unit gave back %v\n%s", p.given, r.Log())
			}
		})
	}
}

// A decision is never repeated before the unit has been polled.
func TestPollBeforeRepeat(t *testing.T) {
	r, p := serving(t)
	p.dumb[cmdStack] = 1 // it stacks, and the ACK is lost
	p.Insert(4)
	cashtest.Await[cash.PathClear](r, 30*time.Second)
	if n := countOf(p.heard, cmdStack); n != 1 || len(p.cassette) != 1 {
		t.Errorf("STACK was sent %d times", n)
	}
}

func TestUnknownState(t *testing.T) {
	r, p := serving(t)
	m := r.Driver.(*Machine)
	m.Remarks()
	before := len(r.Events)
	p.say(0x25, 1)
	r.Run(3 * time.Second)
	if n := len(r.Events); n != before {
		t.Errorf("an unknown state made events\n%s", r.Log())
	}
	if got := strings.Join(m.Remarks(), "; "); got != "unknown state 25" {
		t.Errorf("remarked %q", got)
	}
	p.Thaw()
	p.ready()
	p.Insert(4)
	cashtest.Await[cash.PathClear](r, 20*time.Second)
}

func TestBusyIsRespected(t *testing.T) {
	r, p := serving(t)
	p.say(stateBusy, 30) // 3 s
	r.AwaitState(cash.StateBusy, time.Second)
	r.Run(300 * time.Millisecond)
	polls := p.polls
	r.Run(2500 * time.Millisecond)
	if p.polls != polls {
		t.Errorf("%d polls while the unit asked for silence", p.polls-polls)
	}
	p.say(stateBusy, 255) // longer than the unit may be silent
	r.Run(time.Second)
	p.Thaw()
	p.ready()
	r.Run(30 * time.Second)
	if cashtest.Count[cash.Offline](r) != 0 || !r.Settled() {
		t.Errorf("busy was taken for silence\n%s", r.Log())
	}
}

func TestRejected(t *testing.T) {
	r, p := serving(t)
	p.say(stateRejecting, 0x65)
	e := cashtest.Await[cash.Rejected](r, time.Second)
	r.Run(2 * time.Second)
	if n := cashtest.Count[cash.Rejected](r); n != 1 || e.Reason != "identification" || e.Code != 0x65 {
		t.Errorf("%+v, told %d times", e, n)
	}
	p.say(stateRejecting, 0x7E)
	if e := cashtest.Await[cash.Rejected](r, time.Second); e.Reason != "unknown" || e.Code != 0x7E {
		t.Errorf("%+v", e)
	}
	p.say(stateSuspected, 1)
	if e := cashtest.Await[cash.Rejected](r, time.Second); e.Reason != suspectedReason {
		t.Errorf("%+v", e)
	}
	p.say(statePause)
	r.Run(time.Second)
	if s, _ := cashtest.Last[cash.StateChanged](r); s.State != cash.StatePaused || !r.Settled() {
		t.Errorf("pause is %+v", s)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		state  byte
		data   []byte
		kind   cash.FaultKind
		code   byte
		detail string
	}{
		{stateCassetteFull, nil, cash.FaultCassetteFull, 0x41, ""},
		{stateCassetteRemoved, nil, cash.FaultCassetteRemoved, 0x42, ""},
		{stateJamValidator, nil, cash.FaultJamValidator, 0x43, ""},
		{stateJamCassette, nil, cash.FaultJamCassette, 0x44, ""},
		{stateCheated, nil, cash.FaultCheated, 0x45, ""},
		{stateFailure, []byte{0x50}, cash.FaultDevice, 0x50, "stack motor (50)"},
		{stateFailure, []byte{0xF4}, cash.FaultDevice, 0xF4, "stacker (F4)"},
		{stateFailure, []byte{0xA7}, cash.FaultDevice, 0xA7, "part not listed (A7)"},
		{stateCounterfeit, []byte{1}, cash.FaultCounterfeit, 0x90, ""},
	}
	for _, tt := range tests {
		r, p := serving(t)
		p.say(tt.state, tt.data...)
		e := cashtest.Await[cash.Fault](r, time.Second)
		if e.Kind != tt.kind || e.Code != tt.code || e.Detail != tt.detail || len(e.Trace) == 0 {
			t.Errorf("%02X: %+v", tt.state, e)
		}
		r.Run(2 * time.Second)
		if p.enabled != 0 || r.Settled() {
			t.Errorf("%02X: still serving", tt.state)
		}
		p.Thaw()
		p.ready()
		cashtest.Await[cash.FaultCleared](r, time.Second)
		cashtest.Await[cash.Settled](r, 10*time.Second)
		r.AwaitState(cash.StateIdle, 5*time.Second) // what the till wanted holds on
	}
}

// RESET for a fault after 5 s, 30 s, 2 min and 10 min, then an operator; never
// with the cassette out.
func TestFaultResets(t *testing.T) {
	r, p := serving(t)
	p.initTime = 3 * time.Second
	began := r.Now()
	var at []int
	resets := p.resets
	fail := func() { p.Break(cash.FaultDevice); p.jamWas = 0 }
	fail()
	for r.Now().Sub(began) < time.Hour {
		r.Run(100 * time.Millisecond)
		if p.resets != resets {
			resets = p.resets
			at = append(at, int(r.Now().Sub(began).Seconds()))
		}
		if p.is(stateDisabled) || p.is(stateIdling) {
			fail()
		}
	}
	if len(at) != 4 || at[0] < 5 || at[1] < at[0]+30 || at[2] < at[1]+120 || at[3] < at[2]+600 || at[3] > 800 {
		t.Errorf("RESETs at %v s", at)
	}
	r.Do(cash.Reset{})
	r.Until("settled after the operator's Reset", time.Minute, r.Settled)

	p.Break(cash.FaultCassetteRemoved)
	resets = p.resets
	r.Run(30 * time.Minute)
	if p.resets != resets {
		t.Error("reset without a cassette")
	}
}

func TestNoSecondResetWithinTenSeconds(t *testing.T) {
	r, p := serving(t)
	r.Run(10 * time.Second) // since the one for the power-up
	r.Do(cash.Reset{})
	r.Until("reset", time.Second, func() bool { return p.resets == 2 })
	r.Do(cash.Reset{})
	r.Run(9 * time.Second)
	if p.resets != 2 {
		t.Error("a second RESET within ten seconds")
	}
	r.Until("reset again", 3*time.Second, func() bool { return p.resets == 3 })
}

// Another bill type inside 80h, 81h and 82h without a state between.
func TestContradiction(t *testing.T) {
	t.Run("in stacked", func(t *testing.T) {
		r, p := serving(t)
		p.Insert(4)
		p.LoseAcks(100)
		cashtest.Await[cash.Stacked](r, 20*time.Second)
		p.data = []byte{5}
		u := cashtest.Await[cash.Unresolved](r, time.Second)
		f, _ := cashtest.Last[cash.Fault](r)
		if f.Kind != cash.FaultProtocol || f.Detail == "" || len(f.Trace) == 0 || u.After != "stack" {
			t.Errorf("%+v %+v", f, u)
		}
		p.LoseAcks(0)
		r.Run(5 * time.Second)
		if p.acked != 0 || cashtest.Count[cash.Stacked](r) != 1 || cashtest.Count[cash.Unresolved](r) != 1 || p.enabled != 0 {
			t.Errorf("evidence that cannot be believed was taken\n%s", r.Log())
		}
		r.Do(cash.Reset{}) // the operator has looked: now it is another note
		s := cashtest.Await[cash.Stacked](r, 20*time.Second)
		if s.Note.Type != 5 {
			t.Errorf("%+v", s)
		}
		r.Until("settled", 20*time.Second, r.Settled)
	})
	t.Run("in escrow", func(t *testing.T) {
		r, p := serving(t)
		r.Policy.Decide = nil
		p.Insert(4)
		cashtest.Await[cash.Escrowed](r, 20*time.Second)
		p.data, p.inPath = []byte{5}, 5
		cashtest.Await[cash.Unresolved](r, time.Second)
		cashtest.Await[cash.Returned](r, 10*time.Second)
		r.Until("settled", 20*time.Second, r.Settled)
		if cashtest.Count[cash.FaultCleared](r) != 1 || len(p.cassette) != 0 {
			t.Errorf("the note was not given back\n%s", r.Log())
		}
	})
	t.Run("from escrow to stacked", func(t *testing.T) {
		r, p := serving(t)
		r.Policy.Decide = nil
		p.Insert(4)
		e := cashtest.Await[cash.Escrowed](r, 20*time.Second)
		r.Do(cash.Stack{ID: e.ID})
		p.say(stateStacked, 5)
		if u := cashtest.Await[cash.Unresolved](r, time.Second); u.After != "stack" {
			t.Errorf("%+v", u)
		}
		if cashtest.Count[cash.Stacked](r) != 0 {
			t.Error("credited on a contradiction")
		}
	})
}

// The next note after an acknowledged one contradicts nothing, even where the line was
// held up for so long that no state between was polled.
func TestNextNoteAtOnce(t *testing.T) {
	for name, end := range map[string]func(r *cashtest.Rig, p *peer){
		"stacked":  func(r *cashtest.Rig, _ *peer) { cashtest.Await[cash.Stacked](r, 20*time.Second) },
		"returned": func(r *cashtest.Rig, _ *peer) { cashtest.Await[cash.Returned](r, 20*time.Second) },
	} {
		for _, next := range []int{4, 5, barcodeType} {
			t.Run(fmt.Sprintf("%s, then type %d", name, next), func(t *testing.T) {
				r, p := serving(t)
				if name == "returned" {
					r.Policy.Decide = func(e cash.Escrowed) cash.Command { return cash.Return{ID: e.ID} }
				}
				p.Insert(4)
				end(r, p)
				r.Until("acknowledged", 5*time.Second, func() bool { return p.acked == 1 })
				p.coupon, p.inPath = "123456789012345678", next
				p.enter(stateEscrow, peerPatence, byte(next))
				if next == barcodeType {
					cashtest.Await[cash.Coupon](r, 5*time.Second)
				} else {
					r.Until("the next note is told", 5*time.Second, func() bool { return cashtest.Count[cash.Escrowed](r) == 2 })
				}
				r.Run(5 * time.Second)
				if cashtest.Count[cash.Unresolved](r) > 0 || cashtest.Count[cash.Fault](r) > 0 || !r.Settled() {
					t.Errorf("taken for a contradiction\n%s", r.Log())
				}
			})
		}
	}
}

func TestStackedWithoutType(t *testing.T) {
	r, p := serving(t)
	p.say(stateStacked)
	s := cashtest.Await[cash.Stacked](r, time.Second)
	if s.Note.Type != cash.TypeUnknown || !s.Note.Value.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestEnableIsVerified(t *testing.T) {
	t.Run("other types", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.status = []byte{0x80, 0, 0x7F, 0, 0, 0} })
		r.Do(cash.Enable{Types: []int{4}})
		f := cashtest.Await[cash.Fault](r, 30*time.Second)
		r.Run(5 * time.Second)
		if f.Kind != cash.FaultProtocol || p.enabled != 0 || cashtest.Count[cash.Fault](r) != 1 {
			t.Errorf("%+v, enabled %v", f, p.enabled.Types())
		}
		p.status = nil
		r.Do(cash.Reset{})
		r.Until("enabled", 30*time.Second, p.Enabled)
	})
	t.Run("stays disabled", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.stays = true })
		r.Do(cash.Enable{Types: []int{4}})
		if f := cashtest.Await[cash.Fault](r, 30*time.Second); f.Kind != cash.FaultProtocol {
			t.Errorf("%+v", f)
		}
		p.stays = false
		r.Do(cash.Reset{})
		r.Until("enabled", 30*time.Second, p.Enabled)
	})
	t.Run("GET STATUS unknown", func(t *testing.T) {
		r, p := on(t, func(p *peer) { p.illegal[cmdGetStatus] = 100 })
		r.Do(cash.Enable{Types: []int{4}})
		r.AwaitState(cash.StateIdle, 30*time.Second)
		r.Run(5 * time.Second)
		if !p.Enabled() || countOf(p.heard, cmdGetStatus) != 1 {
			t.Errorf("asked %d times", countOf(p.heard, cmdGetStatus))
		}
	})
}

// A unit that was enabled by itself, or did not hear that it was disabled, is
// disabled again.
func TestDisabledAgain(t *testing.T) {
	r, p := serving(t)
	r.Do(cash.Disable{})
	r.AwaitState(cash.StateDisabled, 5*time.Second)
	p.enabled = MaskOf(4)
	r.Run(3 * time.Second)
	if p.Enabled() {
		t.Error("the unit takes notes that nobody wants")
	}
}

func TestCounterMovedWithoutANote(t *testing.T) {
	r, p := serving(t)
	r.Do(cash.Disable{})
	r.AwaitState(cash.StateDisabled, 5*time.Second)
	r.Run(5 * time.Second)
	p.counter += 2
	r.Do(cash.Enable{Types: []int{4}})
	s := cashtest.Await[cash.Settled](r, 5*time.Second)
	if s.Counter == nil || *s.Counter != 2 {
		t.Errorf("counter %v", s.Counter)
	}
	r.AwaitState(cash.StateIdle, 5*time.Second)
}

func TestPathClearCarriesTheCounter(t *testing.T) {
	r, p := serving(t)
	p.counter = 65535
	p.Insert(4)
	c := cashtest.Await[cash.PathClear](r, 20*time.Second)
	if c.Counter == nil || *c.Counter != 0 {
		t.Errorf("counter %v after 65535 and one note", c.Counter)
	}
}

func TestOffline(t *testing.T) {
	r, p := serving(t)
	p.Mute(true)
	start := r.Now()
	e := cashtest.Await[cash.Offline](r, 10*time.Second)
	if d := r.Now().Sub(start); d < 4*time.Second || d > 6*time.Second {
		t.Errorf("offline after %s", d)
	}
	if e.Cause == "" {
		t.Error("offline without a cause")
	}
	heard := len(p.heard)
	r.Run(10 * time.Minute)
	p.Mute(false)
	cashtest.Await[cash.Settled](r, 10*time.Second)
	if countOf(p.heard[heard:], cmdReset) != 0 {
		t.Error("a silent unit was reset")
	}
}

// The port is given up when the unit has been silent, and again while it stays so.
func TestReopen(t *testing.T) {
	m := New(Config{}, cash.Memory{})
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	out := m.Step(now, line.Input[cash.Command]{Link: line.LinkUp})
	var at []int
	for s := 0; s < 60_000; s += 20 {
		now = now.Add(20 * time.Millisecond)
		in := line.Input[cash.Command]{}
		if out.Reopen {
			at = append(at, s/1000)
			in.Link = line.LinkUp
		}
		out = m.Step(now, in)
	}
	if len(at) < 5 || at[0] != 5 || at[1] != 15 {
		t.Errorf("opened anew at %v s", at)
	}
}

func TestEventsInOneStory(t *testing.T) {
	r, p := serving(t)
	p.Insert(4)
	cashtest.Await[cash.PathClear](r, 20*time.Second)
	want := "Online PowerUp Settled Escrowed Stacking Stacked PathClear"
	if got := r.Story(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzMachine feeds the machine with anything: it must not panic, must not ask to
// be woken in the past, and must not send anything but whole frames.
func FuzzMachine(f *testing.F) {
	idle := []byte{2, 3, 6, 0x14, 0x67, 0xD4}
	f.Add(idle, uint16(20))
	f.Add([]byte{2, 3, 7, 0x80, 4, 0xA8, 0x75, 2, 3, 7, 0x81, 4, 0x70, 0x6C}, uint16(200))
	f.Add([]byte{2, 3, 6, 0x12, 0x51, 0xB1, 2, 3, 6, 0x13, 0xD8, 0xA0}, uint16(500))
	f.Fuzz(func(t *testing.T, in []byte, pause uint16) {
		m := New(Config{}, cash.Memory{})
		now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
		gap := time.Duration(pause%2000+1) * time.Millisecond
		input := line.Input[cash.Command]{Link: line.LinkUp, Commands: []cash.Command{cash.Enable{Types: []int{1}}}}
		for n := 0; ; n++ {
			out := m.Step(now, input)
			if !out.Wake.IsZero() && !out.Wake.After(now) {
				t.Fatalf("woken at %v, now %v", out.Wake, now)
			}
			d := Decoder{Address: AddressValidator}
			d.Feed(out.Send)
			for {
				if _, _, ok := d.Next(); !ok {
					break
				}
			}
			if d.Bad() > 0 || d.Pending() {
				t.Fatalf("sent % X", out.Send)
			}
			input = line.Input[cash.Command]{}
			for _, e := range out.Events {
				switch e := e.(type) {
				case cash.Stacked:
					input.Commands = append(input.Commands, cash.Confirm{ID: e.ID})
				case cash.Escrowed:
					input.Commands = append(input.Commands, cash.Stack{ID: e.ID})
				case cash.PowerUp:
					input.Commands = append(input.Commands, cash.Confirm{ID: e.ID})
				}
			}
			if out.Reopen {
				input.Link = line.LinkUp
			}
			if len(in) == 0 {
				if n > 200 {
					return
				}
			} else {
				k := min(len(in), 1+n%17)
				input.Received, in = in[:k], in[k:]
			}
			now = now.Add(gap)
		}
	})
}
