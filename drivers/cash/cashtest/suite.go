package cashtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Longest times of the trade: what a story may take before it has failed.
const (
	settleTime  = 90 * time.Second
	noteTime    = 15 * time.Second
	outcomeTime = 45 * time.Second
)

// Run holds the family's driver to the bargain.
func Run(t *testing.T, f Family) {
	stories := []struct {
		name string
		tell func(t *testing.T, f Family)
	}{
		{"a cold start asks, waits for Confirm, and settles disabled", coldStart},
		{"Enable before Settled is remembered, not sent", enableEarly},
		{"a note is stacked", stackNote},
		{"two notes of one type are two notes", stackTwice},
		{"a note is returned when the till says so", returnNote},
		{"a note without a decision is returned", noDecision},
		{"a decision about another note is dropped", staleDecision},
		{"a held note waits longer", holdNote},
		{"evidence is repeated in silence until Confirm", lateConfirm},
		{"a lost acknowledgement makes no second note", lostAck},
		{"a note that nobody allowed is told in every state", swallowed},
		{"Disable lets the note in motion finish", disableInFlight},
		{"a unit that stops answering is recovered before it serves", silentAtIdle},
		{"silence in each phase of a note", silentInPhases},
		{"a lost line in each phase of a note", unpluggedInPhases},
		{"a restarted driver in each phase of a note", restartedInPhases},
		{"power lost in each phase of a note", powerLostInPhases},
		{"a fault is told, cleared and settled", faultAndRepair},
		{"a note that does not arrive is unresolved once", unresolved},
		{"an operator's Reset comes after the evidence", operatorReset},
		{"a coupon is told with its digits and given back", couponReturned},
		{"a coupon is never stacked", couponNeverStacked},
		{"a coupon found by a restarted driver is given back", couponFound},
		{"a coupon that the unit keeps is told and is no money", couponKept},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { s.tell(t, f) })
	}
}

// serving is a rig whose driver has settled and whose unit takes notes.
func serving(t *testing.T, f Family) *Rig {
	t.Helper()
	r := NewRig(t, f)
	r.Until("settled", settleTime, r.Settled)
	r.serve()
	return r
}

// serve enables the unit.
func (r *Rig) serve() {
	r.T.Helper()
	r.Do(cash.Enable{Types: r.Family.Types})
	r.AwaitState(cash.StateIdle, noteTime)
}

// closed checks that the unit is empty, settled or clear, and that the till's
// book tells the truth.
func (r *Rig) closed() {
	r.T.Helper()
	r.Run(2 * time.Second)
	if r.Peer.Evidence() {
		r.T.Fatalf("the unit still has something to say\n%s", r.Log())
	}
	if !r.Book.Equal(r.Peer.Cassette()) {
		r.T.Fatalf("booked %v, but the cassette holds %v\n%s", r.Book.Stacked, r.Peer.Cassette(), r.Log())
	}
}

func coldStart(t *testing.T, f Family) {
	r := NewRig(t, f)
	r.Policy.ConfirmAfter = -1
	p := Await[cash.PowerUp](r, noteTime)
	r.Run(20 * time.Second)
	if n := r.Peer.Resets(); n != 0 {
		t.Fatalf("reset %d times before Confirm", n)
	}
	if n := Count[cash.PowerUp](r); n != 1 {
		t.Fatalf("one power-up was told %d times", n)
	}
	if o, _ := Last[cash.Online](r); o.Found != cash.StatePowerUp {
		t.Fatalf("found %q, want power-up", o.Found)
	}
	r.Do(cash.Confirm{ID: p.ID})
	s := Await[cash.Settled](r, settleTime)
	if r.Peer.Enabled() {
		t.Fatal("the unit is enabled")
	}
	for _, typ := range f.Types {
		if n, ok := s.Table.Lookup(typ); !ok || !n.Value.IsPositive() {
			t.Errorf("type %d has no value in the table", typ)
		}
	}
	if s.Identity.Serial == "" {
		t.Error("the unit has no serial number")
	}
}

func enableEarly(t *testing.T, f Family) {
	r := NewRig(t, f)
	r.Do(cash.Enable{Types: f.Types})
	r.Until("the unit takes notes", settleTime, r.Peer.Enabled)
	if Count[cash.Settled](r) != 1 {
		t.Fatal("enabled without Settled")
	}
}

func stackNote(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy.Decide = StackAll
	r.Peer.Insert(f.Types[1])
	e := Await[cash.Escrowed](r, noteTime)
	if e.Note.Type != f.Types[1] || !e.Note.Value.IsPositive() || e.Found {
		t.Fatalf("escrowed %+v", e)
	}
	Await[cash.Stacked](r, outcomeTime)
	Await[cash.PathClear](r, noteTime)
	r.closed()
	if n := Count[cash.Stacked](r); n != 1 {
		t.Fatalf("one note was told %d times", n)
	}
}

func stackTwice(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy.Decide = StackAll
	for range 3 {
		r.Peer.Insert(f.Types[0])
		Await[cash.PathClear](r, outcomeTime)
	}
	r.closed()
	if n := Count[cash.Stacked](r); n != 3 {
		t.Fatalf("three notes were told %d times", n)
	}
}

func returnNote(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy.Decide = ReturnAll
	r.Peer.Insert(f.Types[0])
	Await[cash.PathClear](r, outcomeTime)
	r.closed()
	if len(r.Peer.GivenBack()) != 1 || Count[cash.Stacked](r) != 0 {
		t.Fatalf("given back %v\n%s", r.Peer.GivenBack(), r.Log())
	}
	if f.Features.ReturnEvidence && Count[cash.Returned](r) != 1 {
		t.Fatalf("returned was told %d times", Count[cash.Returned](r))
	}
}

func noDecision(t *testing.T, f Family) {
	r := serving(t, f)
	r.Peer.Insert(f.Types[0])
	Await[cash.Escrowed](r, noteTime)
	Await[cash.PathClear](r, outcomeTime)
	r.closed()
	if len(r.Peer.GivenBack()) != 1 {
		t.Fatalf("the note was not given back\n%s", r.Log())
	}
}

func staleDecision(t *testing.T, f Family) {
	r := serving(t, f)
	r.Peer.Insert(f.Types[0])
	e := Await[cash.Escrowed](r, noteTime)
	r.Do(cash.Stack{ID: e.ID + 1}, cash.Stack{ID: 0})
	r.Run(2 * time.Second)
	if s := r.Peer.State(); s != cash.StateEscrow {
		t.Fatalf("the unit is %s after a decision about another note", s)
	}
	r.Do(cash.Return{ID: e.ID})
	r.Do(cash.Stack{ID: e.ID}) // too late: it is decided
	Await[cash.PathClear](r, outcomeTime)
	r.closed()
	if len(r.Peer.GivenBack()) != 1 {
		t.Fatalf("the first decision did not hold\n%s", r.Log())
	}
}

func holdNote(t *testing.T, f Family) {
	if !f.Features.Hold {
		return // nothing to hold a unit to that has no such command
	}
	r := serving(t, f)
	r.Peer.Insert(f.Types[0])
	e := Await[cash.Escrowed](r, noteTime)
	for range 5 {
		r.Run(5 * time.Second)
		if s := r.Peer.State(); s != cash.StateEscrow {
			t.Fatalf("the unit is %s while the note is held\n%s", s, r.Log())
		}
		r.Do(cash.Hold{ID: e.ID})
	}
	r.Do(cash.Stack{ID: e.ID})
	Await[cash.Stacked](r, outcomeTime)
	r.closed()
}

func lateConfirm(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy = Policy{ConfirmAfter: -1, Decide: StackAll}
	r.Peer.Insert(f.Types[0])
	s := Await[cash.Stacked](r, outcomeTime)
	r.Run(1500 * time.Millisecond)
	if !r.Peer.Evidence() || Count[cash.Stacked](r) != 1 {
		t.Fatalf("evidence pending: %t, told %d times", r.Peer.Evidence(), Count[cash.Stacked](r))
	}
	r.Do(cash.Confirm{ID: s.ID})
	r.Until("acknowledged", time.Second, func() bool { return !r.Peer.Evidence() })
	r.closed()
}

func lostAck(t *testing.T, f Family) {
	for _, late := range []time.Duration{0, 500 * time.Millisecond} {
		r := serving(t, f)
		r.Policy = Policy{ConfirmAfter: late, Decide: StackAll}
		r.Peer.LoseAcks(3)
		r.Peer.Insert(f.Types[0])
		Await[cash.PathClear](r, outcomeTime)
		r.closed()
		if n := Count[cash.Stacked](r); n != 1 {
			t.Fatalf("one note was told %d times\n%s", n, r.Log())
		}
	}
}

func swallowed(t *testing.T, f Family) {
	states := []struct {
		name string
		to   func(r *Rig)
	}{
		{"disabled", func(r *Rig) { r.Do(cash.Disable{}); r.AwaitState(cash.StateDisabled, noteTime) }},
		{"idle", func(*Rig) {}},
		{"fault", func(r *Rig) { r.Peer.Break(cash.FaultJamCassette); Await[cash.Fault](r, noteTime) }},
	}
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			r := serving(t, f)
			s.to(r)
			r.Peer.Swallow(f.Types[1])
			Await[cash.Stacked](r, noteTime)
			r.closed()
		})
	}
}

func disableInFlight(t *testing.T, f Family) {
	r := serving(t, f)
	r.Peer.Insert(f.Types[0])
	e := Await[cash.Escrowed](r, noteTime)
	r.Do(cash.Disable{}, cash.Stack{ID: e.ID})
	Await[cash.PathClear](r, outcomeTime)
	r.AwaitState(cash.StateDisabled, noteTime)
	r.closed()
	if len(r.Peer.Cassette()) != 1 {
		t.Fatalf("the note did not finish its way\n%s", r.Log())
	}
	r.Peer.Insert(f.Types[0])
	r.Run(5 * time.Second)
	if Count[cash.Escrowed](r) != 1 {
		t.Fatal("a note was taken after Disable")
	}
}

func silentAtIdle(t *testing.T, f Family) {
	r := serving(t, f)
	r.Peer.Mute(true)
	Await[cash.Offline](r, 10*time.Second)
	r.Run(time.Minute)
	if n := Count[cash.Offline](r); n != 1 {
		t.Fatalf("offline was told %d times", n)
	}
	resets := r.Peer.Resets()
	r.Peer.Mute(false)
	Await[cash.Settled](r, settleTime)
	if r.Peer.Resets() != resets {
		t.Fatal("a unit that kept its power was reset")
	}
	r.closed()
}

// phases of a note at which something is done to the terminal. Each freezes the
// unit there, so that the phase is met for certain.
var phases = []struct {
	state  cash.State
	decide func(cash.Escrowed) cash.Command
}{
	{cash.StateIdle, nil},
	{cash.StateAccepting, StackAll},
	{cash.StateEscrow, nil},
	{cash.StateStacking, StackAll},
	{cash.StateStacked, StackAll},
	{cash.StateReturning, ReturnAll},
}

// inPhase is a rig with a note in the phase.
func inPhase(t *testing.T, f Family, state cash.State, decide func(cash.Escrowed) cash.Command, confirm time.Duration) *Rig {
	t.Helper()
	r := serving(t, f)
	r.Policy = Policy{ConfirmAfter: confirm, Decide: decide}
	if state != cash.StateIdle {
		r.Peer.Freeze(state)
		r.Peer.Insert(f.Types[0])
		r.AwaitState(state, outcomeTime)
		r.Run(300 * time.Millisecond) // the driver has seen it
	}
	return r
}

// eachPhase tells the story once for every phase, with evidence confirmed at once
// and not at all before the blow.
func eachPhase(t *testing.T, f Family, story func(t *testing.T, r *Rig)) {
	for _, p := range phases {
		for _, confirm := range []time.Duration{0, -1} {
			t.Run(fmt.Sprintf("%s, confirm %v", p.state, confirm >= 0), func(t *testing.T) {
				r := inPhase(t, f, p.state, p.decide, confirm)
				story(t, r)
			})
		}
	}
}

// confirmAll confirms what is still unconfirmed, and from now on at once.
func (r *Rig) confirmAll() {
	r.Policy.ConfirmAfter = 0
	for id := range r.unconfirmed {
		r.confirmLater(id)
	}
}

// recovered lets everything finish and checks the book.
func (r *Rig) recovered() {
	r.T.Helper()
	r.Peer.Thaw()
	if r.Policy.Decide == nil {
		r.Policy.Decide = ReturnAll
		if e, ok := Last[cash.Escrowed](r); ok {
			r.Do(cash.Return{ID: e.ID})
		}
	}
	r.confirmAll()
	r.Until("settled", 3*settleTime, r.Settled)
	r.closed()
}

func silentInPhases(t *testing.T, f Family) {
	eachPhase(t, f, func(t *testing.T, r *Rig) {
		r.Peer.Mute(true)
		Await[cash.Offline](r, 10*time.Second)
		if Count[cash.Unresolved](r) != 0 {
			t.Fatal("silence alone made a note unresolved")
		}
		r.Peer.Mute(false)
		r.recovered()
	})
}

func unpluggedInPhases(t *testing.T, f Family) {
	eachPhase(t, f, func(t *testing.T, r *Rig) {
		r.Unplug()
		r.Run(2 * time.Second)
		if Count[cash.Offline](r) != 1 {
			t.Fatalf("a lost line was not told\n%s", r.Log())
		}
		r.Plug()
		r.recovered()
	})
}

func restartedInPhases(t *testing.T, f Family) {
	eachPhase(t, f, func(t *testing.T, r *Rig) {
		resets := r.Peer.Resets()
		r.Restart()
		r.recovered()
		if r.Peer.Resets() != resets {
			t.Fatal("a unit that kept its power was reset")
		}
	})
}

func powerLostInPhases(t *testing.T, f Family) {
	// Where a note can lie when the power goes in each phase.
	places := map[cash.State][]cash.PowerUpPosition{
		cash.StateIdle:      {cash.PowerUpEmpty},
		cash.StateAccepting: {cash.PowerUpInPath},
		cash.StateEscrow:    {cash.PowerUpInPath},
		cash.StateStacking:  {cash.PowerUpInPath, cash.PowerUpInStacker},
		cash.StateStacked:   {cash.PowerUpInStacker, cash.PowerUpEmpty},
		cash.StateReturning: {cash.PowerUpInPath},
	}
	for _, restart := range []bool{false, true} {
		for _, p := range phases {
			for _, at := range places[p.state] {
				t.Run(fmt.Sprintf("%s, note %s, driver restarted %t", p.state, at, restart), func(t *testing.T) {
					r := inPhase(t, f, p.state, p.decide, 0)
					r.Peer.PowerCut(at)
					r.Run(2 * time.Second)
					r.Peer.PowerOn()
					if restart {
						r.Restart()
					}
					up := Await[cash.PowerUp](r, 20*time.Second)
					if f.Features.PowerUpPositions && up.Position != at {
						t.Fatalf("power-up with a note at %s, want %s", up.Position, at)
					}
					r.recovered()
				})
			}
		}
	}
}

func faultAndRepair(t *testing.T, f Family) {
	for _, kind := range []cash.FaultKind{cash.FaultCassetteRemoved, cash.FaultCassetteFull, cash.FaultJamValidator, cash.FaultJamCassette} {
		t.Run(string(kind), func(t *testing.T) {
			r := serving(t, f)
			r.Peer.Break(kind)
			e := Await[cash.Fault](r, noteTime)
			if e.Kind != kind {
				t.Fatalf("fault %q, want %q", e.Kind, kind)
			}
			r.Run(3 * time.Second)
			if n := Count[cash.Fault](r); n != 1 {
				t.Fatalf("one fault was told %d times", n)
			}
			r.Peer.Repair()
			Await[cash.FaultCleared](r, settleTime)
			r.Until("settled", settleTime, r.Settled)
			r.closed()
		})
	}
}

func unresolved(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy.Decide = StackAll
	r.Peer.Freeze(cash.StateStacking)
	r.Peer.Insert(f.Types[0])
	u := Await[cash.Unresolved](r, time.Minute)
	if u.After != "stack" || len(u.Trace) == 0 {
		t.Fatalf("unresolved %+v", u)
	}
	r.Run(2 * time.Minute)
	if n := Count[cash.Unresolved](r); n != 1 {
		t.Fatalf("one note was unresolved %d times", n)
	}
	r.Peer.Thaw()
	Await[cash.Stacked](r, outcomeTime)
	r.Until("settled", settleTime, r.Settled)
	r.closed()
}

func operatorReset(t *testing.T, f Family) {
	r := serving(t, f)
	r.Policy = Policy{ConfirmAfter: -1, Decide: StackAll}
	r.Peer.Insert(f.Types[0])
	s := Await[cash.Stacked](r, outcomeTime)
	resets := r.Peer.Resets()
	r.Do(cash.Reset{})
	r.Run(20 * time.Second)
	if r.Peer.Resets() != resets {
		t.Fatal("reset with unconfirmed evidence")
	}
	r.Do(cash.Confirm{ID: s.ID})
	r.Until("reset", 20*time.Second, func() bool { return r.Peer.Resets() == resets+1 })
	r.Policy.ConfirmAfter = 0
	r.Until("settled", settleTime, r.Settled)
	r.closed()
	if n := Count[cash.Stacked](r); n != 1 {
		t.Fatalf("one note was told %d times\n%s", n, r.Log())
	}
}
