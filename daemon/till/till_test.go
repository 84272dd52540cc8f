package till_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/journaltest"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

var table = cash.Table{Notes: []cash.Note{
	{Type: 2, Value: money.Manat(1)}, {Type: 3, Value: money.Manat(5)}, {Type: 4, Value: money.Manat(10)}, {Type: 5, Value: money.Manat(20)},
}}

// world is a till on a journal in memory with an acceptor that only listens.
type world struct {
	t    *testing.T
	mem  *journaltest.Memory
	till *till.Till
	now  time.Time
	sent []cash.Command
	ids  int
	ev   cash.EventID
	// trace is what is kept of the acceptor's line.
	trace []string

	confirm bool // new cassettes are confirmed
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, mem: &journaltest.Memory{}, now: time.Unix(1_800_000_000, 0)}
	w.boot()
	return w
}

// boot starts a new till on the same records: a restart of the controller.
func (w *world) boot() {
	l := till.NewLedger()
	for _, r := range w.mem.Records {
		if err := l.Apply(r); err != nil {
			w.t.Fatal(err)
		}
	}
	w.mem.Folds = []journal.Fold{l}
	w.sent, w.ev = nil, 0
	w.till = till.New(till.Config{Currency: money.AZN, Confirm: w.confirm}, l, till.Ports{
		Write:    w.mem.Append,
		Acceptor: func(c cash.Command) { w.sent = append(w.sent, c) },
		NewID:    func() string { w.ids++; return fmt.Sprintf("id-%03d", w.ids) },
		Trace:    func() []string { return w.trace },
	})
}

func (w *world) event(e cash.Event) { w.till.Event(w.now, e) }

func (w *world) id() cash.EventID { w.ev++; return w.ev }

func counter(n int) *uint32 {
	if n < 0 {
		return nil
	}
	u := uint32(n)
	return &u
}

func (w *world) settle(count int) {
	w.event(cash.Settled{Identity: cash.Identity{Serial: "S1"}, Table: table, Counter: counter(count)})
}

func (w *world) escrow(typ int, found bool) {
	n, _ := table.Lookup(typ)
	w.event(cash.Escrowed{ID: w.id(), Note: n, Found: found})
}

func (w *world) stacked(typ int) cash.EventID {
	n, _ := table.Lookup(typ)
	id := w.id()
	w.event(cash.Stacked{ID: id, Note: n})
	return id
}

// pay opens a tender of 18 AZN for visit v1.
func (w *world) pay() {
	w.mem.Append(journal.Draft{Visit: "v1", Body: record.VisitStarted{}})
	w.till.Open(w.now, "v1", money.Manat(18), money.Manat(500), 40)
}

func (w *world) did(c cash.Command) bool {
	for _, s := range w.sent {
		if reflect.DeepEqual(s, c) {
			return true
		}
	}
	return false
}

func (w *world) balanced() {
	w.t.Helper()
	if e := w.till.Ledger().Equation(); !e.Holds() {
		w.t.Fatalf("the equation does not hold:\n%s", e)
	}
}

func (w *world) rows() string {
	var out []string
	for _, r := range w.mem.Records {
		if i := strings.Index(string(r.Body), `"row":"`); i >= 0 {
			s := string(r.Body)[i+7:]
			out = append(out, s[:strings.IndexByte(s, '"')])
		}
	}
	return strings.Join(out, "; ")
}

// inState brings a note of 10 AZN to a state and lets the controller die there.
func inState(t *testing.T, s till.NoteState, count int) *world {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(count)
	w.pay()
	switch s {
	case "":
	case till.NoteEscrow, till.NoteStackIntent, till.NoteReturnIntent:
		stop := map[till.NoteState]record.Kind{till.NoteEscrow: record.NoteStackIntent{}.Kind(), till.NoteStackIntent: "none", till.NoteReturnIntent: "none"}[s]
		w.event(cash.StateChanged{State: cash.StateAccepting})
		if s == till.NoteReturnIntent {
			w.till.Close(w.now, "finished")
		}
		w.mem.Cut = func(d journal.Draft) bool { return d.Body.Kind() == stop }
		func() {
			defer func() { _ = recover() }()
			w.escrow(4, false)
		}()
		w.mem.Cut = nil
	case till.NoteStacked:
		w.escrow(4, false)
		w.stacked(4)
	}
	if s != "" {
		notes := w.till.Ledger().Notes()
		if len(notes) != 1 || notes[0].State != s {
			t.Fatalf("the note is not in state %s: %+v", s, notes)
		}
	}
	w.boot()
	return w
}

// TestControllerRestarted walks protocols/cash-ccnet.md 10.3 row by row.
func TestControllerRestarted(t *testing.T) {
	cases := []struct {
		row    string
		state  till.NoteState
		counts [2]int // of the unit: before and after; -1 none
		first  cash.State
		then   func(w *world)
		held   int64 // minor units that the visit has afterwards
		loose  int64 // unassigned
		open   int   // notes still open once settled
	}{
		{"none/idle", "", [2]int{7, 7}, cash.StateIdle, func(w *world) { w.settle(7) }, 0, 0, 0},
		{"none/escrow", "", [2]int{7, 7}, cash.StateEscrow, func(w *world) { w.escrow(4, true); w.mustReturn(); w.returned(4); w.settle(7) }, 0, 0, 0},
		{"none/stacked", "", [2]int{7, 8}, cash.StateStacked, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 0, 1000, 0},
		{"escrow/escrow", till.NoteEscrow, [2]int{7, 7}, cash.StateEscrow, func(w *world) { w.escrow(4, true); w.returned(4); w.settle(7) }, 0, 0, 0},
		{"escrow/idle", till.NoteEscrow, [2]int{-1, -1}, cash.StateIdle, func(w *world) { w.settle(-1) }, 0, 0, 0},
		{"escrow/stacked", till.NoteEscrow, [2]int{7, 8}, cash.StateStacked, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 1000, 0, 0},
		{"stack_intent/stacking", till.NoteStackIntent, [2]int{7, 8}, cash.StateStacking, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 1000, 0, 0},
		{"stack_intent/stacked", till.NoteStackIntent, [2]int{7, 8}, cash.StateStacked, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 1000, 0, 0},
		{"stack_intent/returned", till.NoteStackIntent, [2]int{7, 7}, cash.StateReturned, func(w *world) { w.returned(4); w.settle(7) }, 0, 0, 0},
		{"stack_intent/idle", till.NoteStackIntent, [2]int{7, 8}, cash.StateIdle, func(w *world) { w.settle(8) }, 1000, 0, 1},
		{"stack_intent/idle", till.NoteStackIntent, [2]int{7, 7}, cash.StateIdle, func(w *world) { w.settle(7) }, 0, 0, 0},
		{"stack_intent/idle", till.NoteStackIntent, [2]int{-1, -1}, cash.StateIdle, func(w *world) { w.settle(-1) }, 0, 0, 1},
		{"stack_intent/fault", till.NoteStackIntent, [2]int{7, 8}, cash.StateFault, func(w *world) {
			w.event(cash.Fault{Kind: cash.FaultJamCassette})
			w.event(cash.FaultCleared{})
			w.mustConfirm(w.stacked(4))
			w.settle(8)
		}, 1000, 0, 0},
		{"stacked/stacked", till.NoteStacked, [2]int{7, 8}, cash.StateStacked, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 1000, 0, 0},
		{"stacked/idle", till.NoteStacked, [2]int{7, 8}, cash.StateIdle, func(w *world) { w.settle(8) }, 1000, 0, 0},
		{"return_intent/idle", till.NoteReturnIntent, [2]int{7, 7}, cash.StateIdle, func(w *world) { w.settle(7) }, 0, 0, 0},
		{"return_intent/escrow", till.NoteReturnIntent, [2]int{7, 7}, cash.StateEscrow, func(w *world) { w.escrow(4, true); w.mustReturn(); w.returned(4); w.settle(7) }, 0, 0, 0},
		{"return_intent/stacked", till.NoteReturnIntent, [2]int{7, 8}, cash.StateStacked, func(w *world) { w.mustConfirm(w.stacked(4)); w.settle(8) }, 1000, 0, 0},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%02d %s", i, c.row), func(t *testing.T) {
			w := inState(t, c.state, c.counts[0])
			w.event(cash.Online{Found: c.first})
			c.then(w)
			if !strings.Contains(w.rows(), "10.3 "+c.row) {
				t.Errorf("row 10.3 %s is not in the journal: %s", c.row, w.rows())
			}
			if got := w.till.Ledger().Visit("v1").Held.Minor; got != c.held {
				t.Errorf("held %d, want %d", got, c.held)
			}
			if e := w.till.Ledger().Equation(); len(e.Total) > 0 && e.Total[0].Unassigned != c.loose {
				t.Errorf("unassigned %d, want %d", e.Total[0].Unassigned, c.loose)
			}
			if got := len(w.till.Ledger().Notes()); got != c.open {
				t.Errorf("%d notes are open, want %d", got, c.open)
			}
			w.balanced()
		})
	}
}

// TestUnitLostPower walks 10.4.
func TestUnitLostPower(t *testing.T) {
	cases := []struct {
		state till.NoteState
		where cash.PowerUpPosition
		then  func(w *world)
		held  int64
		loose int64
		open  int
	}{
		{"", cash.PowerUpEmpty, func(w *world) { w.settle(7) }, 0, 0, 0},
		{"", cash.PowerUpInPath, func(w *world) { w.returned(4); w.settle(7) }, 0, 0, 0},
		{"", cash.PowerUpInStacker, func(w *world) { w.stacked(4); w.settle(8) }, 0, 1000, 0},
		{till.NoteEscrow, cash.PowerUpInPath, func(w *world) { w.settle(7) }, 0, 0, 0},
		{till.NoteStackIntent, cash.PowerUpInPath, func(w *world) { w.returned(4); w.settle(7) }, 0, 0, 0},
		{till.NoteStackIntent, cash.PowerUpInStacker, func(w *world) { w.stacked(4); w.settle(8) }, 1000, 0, 0},
		{till.NoteStackIntent, cash.PowerUpInStacker, func(w *world) { w.stacked(5); w.settle(-1) }, 0, 2000, 1},
		{till.NoteStackIntent, cash.PowerUpEmpty, func(w *world) { w.stacked(4); w.settle(8) }, 1000, 0, 0},
		{till.NoteStackIntent, cash.PowerUpEmpty, func(w *world) { w.settle(8) }, 1000, 0, 1},
		{till.NoteStackIntent, cash.PowerUpEmpty, func(w *world) { w.settle(-1) }, 0, 0, 1},
		{till.NoteStacked, cash.PowerUpEmpty, func(w *world) { w.stacked(4); w.settle(8) }, 1000, 0, 0},
		{till.NoteStacked, cash.PowerUpInStacker, func(w *world) { w.stacked(4); w.settle(8) }, 1000, 0, 0},
		{till.NoteReturnIntent, cash.PowerUpInPath, func(w *world) { w.settle(7) }, 0, 0, 0},
		{till.NoteReturnIntent, cash.PowerUpEmpty, func(w *world) { w.settle(7) }, 0, 0, 0},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%02d %s %s", i, c.state, c.where), func(t *testing.T) {
			w := inState(t, c.state, 7)
			w.event(cash.Online{Found: cash.StatePowerUp, Position: c.where})
			id := w.id()
			w.event(cash.PowerUp{ID: id, Position: c.where})
			if !w.did(cash.Confirm{ID: id}) {
				t.Fatal("the power-up was not confirmed")
			}
			if b, ok := journaltest.Last[record.AcceptorPowerUp](w.mem); !ok || b.Position != c.where {
				t.Fatal("the power-up code is not in the journal")
			}
			c.then(w)
			if got := w.till.Ledger().Visit("v1").Held.Minor; got != c.held {
				t.Errorf("held %d, want %d", got, c.held)
			}
			if e := w.till.Ledger().Equation(); len(e.Total) > 0 && e.Total[0].Unassigned != c.loose {
				t.Errorf("unassigned %d, want %d", e.Total[0].Unassigned, c.loose)
			}
			if got := len(w.till.Ledger().Notes()); got != c.open {
				t.Errorf("%d notes open, want %d: %s", got, c.open, w.rows())
			}
			w.balanced()
		})
	}
}

func (w *world) mustReturn() {
	w.t.Helper()
	if !w.did(cash.Return{ID: w.ev}) {
		w.t.Fatalf("the note was not given back: %v", w.sent)
	}
}

func (w *world) mustConfirm(id cash.EventID) {
	w.t.Helper()
	if !w.did(cash.Confirm{ID: id}) {
		w.t.Fatalf("event %d was not confirmed: %v", id, w.sent)
	}
}

func (w *world) returned(typ int) {
	n, _ := table.Lookup(typ)
	id := w.id()
	w.event(cash.Returned{ID: id, Note: n})
	w.mustConfirm(id)
}

func TestNotesOfAVisit(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(0)
	if w.till.Accepting() || w.did(cash.Enable{}) || len(w.sent) != 1 || !w.did(cash.Disable{}) {
		t.Fatalf("nobody pays, but the unit was told %v", w.sent)
	}
	w.pay()
	if !w.till.Accepting() {
		t.Fatal("the unit was not enabled")
	}
	w.escrow(4, false)
	if !w.did(cash.Stack{ID: w.ev}) {
		t.Fatal("a good note was not taken")
	}
	if b, _ := journaltest.Last[record.NoteStackIntent](w.mem); b.NoteID == "" {
		t.Fatal("the intent is not in the journal")
	}
	if got := w.till.Ledger().Visit("v1").Held.Minor; got != 0 {
		t.Fatalf("credited %d at escrow", got)
	}
	w.mustConfirm(w.stacked(4))
	w.mustConfirm(w.stacked(4)) // the acknowledgement was lost
	if got := w.till.Ledger().Visit("v1").Held; got != money.Manat(10) {
		t.Fatalf("held %s after one note of 10", got)
	}
	w.event(cash.PathClear{Counter: counter(1)})
	w.escrow(4, false)
	w.stacked(4)
	w.event(cash.PathClear{Counter: counter(2)})
	if w.till.Accepting() {
		t.Error("20 of 18 AZN are in, and the unit still takes notes")
	}
	w.escrow(4, false) // it was already on its way
	w.mustReturn()
	w.returned(4)
	if l := w.till.Last(); l.What != record.RefusedEnough {
		t.Errorf("the person is told %q", l.What)
	}
	w.till.Close(w.now, "finished")
	if w.till.Ledger().Closed("v1") != nil {
		t.Error("closed while the unit was not yet known to be disabled")
	}
	w.event(cash.StateChanged{State: cash.StateDisabled})
	if c := w.till.Ledger().Closed("v1"); c == nil || c.Held != money.Manat(20) || c.InDoubt != 0 {
		t.Errorf("closed as %+v", c)
	}
	w.balanced()
}

func TestCloseWaitsForANoteInMotion(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(-1)
	w.pay()
	w.escrow(5, false)
	w.till.Close(w.now, "finished")
	w.event(cash.StateChanged{State: cash.StateStacking})
	if w.till.Ledger().Closed("v1") != nil {
		t.Fatal("closed with a note between escrow and cassette")
	}
	t.Run("it arrives", func(t *testing.T) {
		w.stacked(5)
		w.event(cash.PathClear{})
		w.event(cash.StateChanged{State: cash.StateDisabled})
		if c := w.till.Ledger().Closed("v1"); c == nil || c.Held != money.Manat(20) {
			t.Fatalf("closed as %+v", c)
		}
	})
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(-1)
	w.pay()
	w.escrow(5, false)
	w.event(cash.Offline{Cause: "unplugged"})
	w.till.Close(w.now, "abandoned")
	if w.till.Ledger().Closed("v1") != nil {
		t.Fatal("a lost link was taken for the end of a note")
	}
	w.now = w.till.Wake()
	w.till.Tick(w.now)
	c := w.till.Ledger().Closed("v1")
	if c == nil || c.InDoubt != 1 || !c.Held.IsZero() {
		t.Fatalf("closed as %+v", c)
	}
	// The link returns and the unit says it has the note: it is the visit's.
	w.event(cash.Online{Found: cash.StateStacked})
	w.stacked(5)
	if got := w.till.Ledger().Visit("v1").Held; got != money.Manat(20) {
		t.Errorf("held %s", got)
	}
	w.balanced()
}

// What the unit was told before a fault, a loss of power or of its line is remembered
// by the driver. When it is well again and nobody pays any more, it is told to take
// nothing; and where somebody does, to take notes.
func TestUnitIsToldAnewWhenItIsWell(t *testing.T) {
	for name, ill := range map[string]func(w *world){
		"fault":              func(w *world) { w.event(cash.Fault{Kind: cash.FaultDevice}); w.event(cash.FaultCleared{}) },
		"a fault that lasts": func(w *world) { w.event(cash.Fault{Kind: cash.FaultDevice}) },
		"line":               func(w *world) { w.event(cash.Offline{Cause: "cable"}); w.event(cash.Online{Found: cash.StateDisabled}) },
		"power":              func(w *world) { w.event(cash.PowerUp{ID: w.id()}) },
		"no cause":           func(*world) {},
	} {
		for _, closed := range []bool{true, false} {
			w := newWorld(t)
			w.event(cash.Online{Found: cash.StateDisabled})
			w.settle(0)
			w.pay()
			w.event(cash.StateChanged{State: cash.StateIdle})
			w.sent = nil
			ill(w)
			if closed {
				w.till.Close(w.now, "cancelled")
				w.now = w.now.Add(2 * time.Minute)
				w.till.Tick(w.now)
			}
			if w.till.Fault() != nil {
				w.event(cash.FaultCleared{})
			}
			w.settle(0)
			var last cash.Command
			for _, c := range w.sent {
				switch c.(type) {
				case cash.Enable, cash.Disable:
					last = c
				}
			}
			if _, off := last.(cash.Disable); off != closed || last == nil {
				t.Errorf("%s, closed %v: the last that the unit was told is %#v", name, closed, last)
			}
		}
	}
}

func TestSwappedUnitLeavesTheNoteInDoubt(t *testing.T) {
	w := inState(t, till.NoteStackIntent, 7)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.event(cash.Settled{Identity: cash.Identity{Serial: "OTHER"}, Table: table, Counter: counter(8)})
	n := w.till.Ledger().Notes()
	if len(n) != 1 || n[0].State != till.NoteInDoubt {
		t.Fatalf("notes %+v", n)
	}
	if e := w.till.Ledger().Equation(); len(e.Total) != 1 || e.Total[0].InDoubt != 1 || e.Total[0].InDoubtValue != 1000 {
		t.Errorf("the equation does not list the doubt:\n%s", e)
	}
	if ok, why := w.till.Ready(); ok || why != "in_doubt" {
		t.Errorf("ready %v %q with a note in doubt", ok, why)
	}
	if err := w.till.Settle(till.Decision{NoteID: n[0].ID, Where: till.Inside, Value: money.Manat(10), Person: "7"}); err != nil {
		t.Fatal(err)
	}
	if got := w.till.Ledger().Visit("v1").Held; got != money.Manat(10) {
		t.Errorf("held %s after the operator found the note", got)
	}
	w.balanced()
}

// TestLedgerIsAFold: saved and loaded at any record, the ledger goes on the same.
func TestLedgerIsAFold(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(0)
	w.pay()
	for range 2 {
		w.escrow(4, false)
		w.stacked(4)
		w.event(cash.PathClear{Counter: counter(1)})
	}
	w.mem.Append(journal.Draft{Visit: "v1", Key: "k", Body: record.PaymentIntent{Amount: money.Manat(18), Commission: money.New(50, money.AZN)}},
		journal.Draft{Key: "k", Body: record.ActionResult{Status: record.ActionDone}},
		journal.Draft{Visit: "v1", Body: record.LeftoverIssued{Amount: money.New(150, money.AZN)}},
		journal.Draft{Visit: "v1", Body: record.VisitEnded{}})
	want, _ := w.till.Ledger().Save()
	for cut := range w.mem.Records {
		l := till.NewLedger()
		for i, r := range w.mem.Records {
			if i == cut {
				b, err := l.Save()
				if err != nil {
					t.Fatal(err)
				}
				l = till.NewLedger()
				if err := l.Load(b); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := l.Save(); string(got) != string(want) {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
	}
	e := w.till.Ledger().Equation()
	if !e.Holds() || e.Total[0].Posted != 1800 || e.Total[0].Commission != 50 || e.Total[0].Leftover != 150 || len(e.Visits) != 0 {
		t.Errorf("equation:\n%s", e)
	}
}

// Hold and Release: nobody's tender and nothing else lets a note in meanwhile.
func TestHold(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(7)
	w.pay()
	w.event(cash.StateChanged{State: cash.StateIdle})
	if ok, _ := w.till.Ready(); !ok || !w.till.Accepting() {
		t.Fatal("the till does not take notes")
	}
	w.till.Hold()
	if ok, why := w.till.Ready(); ok || why != till.NotReadyHeld || w.till.Accepting() || !w.did(cash.Disable{}) {
		t.Errorf("held: ready %v (%s), accepting %v, told %v", ok, why, w.till.Accepting(), w.sent)
	}
	w.sent = nil
	w.escrow(4, false) // it was on its way in
	if r, _ := journaltest.Last[record.NoteReturnIntent](w.mem); r.Reason != record.RefusedHeld {
		t.Errorf("the note that was on its way in: %+v", r)
	}
	w.event(cash.Returned{ID: w.id(), Note: cash.Note{Type: 4}})
	w.event(cash.PathClear{})
	w.till.Hold()
	w.till.Release()
	if !w.till.Accepting() {
		t.Error("released, and no note is taken")
	}
	w.balanced()
}

// A note that is past the decision when the terminal is held finishes and counts.
func TestHoldWithNoteInMotion(t *testing.T) {
	w := inState(t, till.NoteStackIntent, 7)
	w.till.Hold()
	w.stacked(4)
	if m := w.till.Ledger().Visit("v1").Held; m != money.Manat(10) {
		t.Errorf("%s held", m)
	}
	if w.till.Accepting() {
		t.Error("another note is taken")
	}
	w.balanced()
}

// Periods with and without somebody who confirms.
func TestPeriods(t *testing.T) {
	for _, confirm := range []bool{true, false} {
		w := newWorld(t)
		w.mem.Append(journal.Draft{Body: record.PeriodOpened{Period: 1}})
		w.confirm = confirm
		w.boot()
		w.event(cash.Online{Found: cash.StateDisabled})
		w.settle(7)
		w.pay()
		w.escrow(5, false)
		w.stacked(5)
		w.till.ClosePeriod("switch", "201")
		w.till.ClosePeriod("switch again", "")
		w.event(cash.Fault{Kind: cash.FaultCassetteRemoved})
		closed, _ := journaltest.Last[record.CassetteClosed](w.mem)
		n, open := w.till.Ledger().Period()
		if confirm {
			if w.mem.Count(closed.Kind()) != 1 || closed.Person != "201" || closed.Totals[money.AZN] != 2000 || open || n != 1 {
				t.Errorf("closed %+v, period %d, open %v", closed, n, open)
			}
			if err := w.till.OpenPeriod("", "201"); err == nil {
				t.Error("confirmed with no cassette in the unit")
			}
			w.event(cash.FaultCleared{})
			w.settle(8)
			if ok, why := w.till.Ready(); ok || why != till.NotReadyCassette {
				t.Errorf("ready %v, %s", ok, why)
			}
			if err := w.till.OpenPeriod("new cassette", "201"); err != nil {
				t.Error(err)
			}
			if err := w.till.OpenPeriod("new cassette", "201"); err == nil {
				t.Error("a period was opened twice")
			}
		} else if !open || n != 4 { // each removal began one
			t.Errorf("period %d, open %v", n, open)
		}
		w.balanced()
		if e := w.till.Ledger().Equation(); len(e.Cassette) != 0 || e.Total[0].Stacked != 2000 {
			t.Errorf("after the change: %+v", e)
		}
	}
}
