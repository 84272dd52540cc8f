package till_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// doubtful is a till at rest with a note of 10 AZN in doubt, whose visit goes on. The
// unit has no counter.
func doubtful(t *testing.T) (*world, *till.OpenNote) {
	t.Helper()
	w := inState(t, till.NoteStackIntent, -1)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(-1)
	d := w.till.Ledger().Doubts()
	if len(d) != 1 || d[0].Why == "" || d[0].Note.Value != money.Manat(10) {
		t.Fatalf("doubts %+v", d)
	}
	return w, d[0]
}

func (w *world) decide(id string, where till.Whereabouts, v money.Amount) {
	w.t.Helper()
	if err := w.till.Settle(till.Decision{NoteID: id, Where: where, Value: v, Person: "101"}); err != nil {
		w.t.Fatal(err)
	}
	w.balanced()
}

// end ends the visit as if the person had left.
func (w *world) end() { w.mem.Append(journal.Draft{Visit: "v1", Body: record.VisitEnded{}}) }

func (w *world) total() till.Line {
	if e := w.till.Ledger().Equation(); len(e.Total) == 1 {
		return e.Total[0]
	}
	w.t.Fatalf("not one currency: %s", w.till.Ledger().Equation())
	panic("unreachable")
}

func (w *world) lastBody(v record.Body) string {
	for i := len(w.mem.Records) - 1; i >= 0; i-- {
		if r := w.mem.Records[i]; r.Kind == v.Kind() {
			return string(r.Body)
		}
	}
	return ""
}

func TestSettleInside(t *testing.T) {
	for name, ended := range map[string]bool{"while the visit goes on": false, "when the person has left": true} {
		t.Run(name, func(t *testing.T) {
			w, n := doubtful(t)
			if ended {
				w.end()
			}
			w.decide(n.ID, till.Inside, money.Manat(10))
			l := w.total()
			want := till.Terms{Stacked: 1000, Held: 1000}
			if ended {
				want = till.Terms{Stacked: 1000, Unassigned: 1000}
			}
			if l.Terms != want || l.InDoubt != 0 || len(w.till.Ledger().Notes()) != 0 {
				t.Errorf("the equation is %+v, open notes %+v", l, w.till.Ledger().Notes())
			}
			if b := w.lastBody(record.NoteStacked{}); !strings.Contains(b, `"person":"101"`) || strings.Contains(b, "period") {
				t.Errorf("written down as %s", b)
			}
			if ok, why := w.till.Ready(); !ok {
				t.Errorf("no notes are taken: %s", why)
			}
			// A second word about the same note books nothing.
			if err := w.till.Settle(till.Decision{NoteID: n.ID, Where: till.Inside, Value: money.Manat(10)}); !errors.Is(err, till.ErrNoDoubt) {
				t.Errorf("settled twice: %v", err)
			}
			// What the unit says of a note from now on is about another one.
			w.stacked(4)
			if l := w.total(); l.Stacked != 2000 {
				t.Errorf("after another note: %+v", l)
			}
			w.balanced()
		})
	}
}

func TestSettleOutside(t *testing.T) {
	w, n := doubtful(t)
	w.decide(n.ID, till.Outside, money.Amount{})
	if l := w.till.Ledger(); len(l.Notes()) != 0 || !l.Visit("v1").Held.IsZero() {
		t.Errorf("%+v, held %s", l.Notes(), l.Visit("v1").Held)
	}
	if !w.till.Accepting() {
		t.Error("the visit that goes on cannot go on paying")
	}
	if b := w.lastBody(record.NoteReturned{}); !strings.Contains(b, `"person":"101"`) {
		t.Errorf("written down as %s", b)
	}
	if ok, why := w.till.Ready(); !ok {
		t.Errorf("no notes are taken: %s", why)
	}
}

// A note that was laid aside stays in doubt, keeps nothing up and takes no evidence
// that is about another note, through restarts and a new cassette, until somebody who
// has counted says where it is.
func TestSettleAside(t *testing.T) {
	w, n := doubtful(t)
	id := n.ID
	w.decide(id, till.Aside, money.Amount{})
	if ok, why := w.till.Ready(); !ok {
		t.Fatalf("no notes are taken: %s", why)
	}
	if l := w.total(); l.InDoubt != 1 || l.InDoubtValue != 1000 || w.till.Ledger().Undecided("v1") != 1 {
		t.Errorf("the doubt is no longer told: %+v", l)
	}
	if err := w.till.Settle(till.Decision{NoteID: id, Where: till.Aside}); !errors.Is(err, till.ErrIsAside) {
		t.Errorf("laid aside twice: %v", err)
	}
	check := func(what string, stacked int64) {
		t.Helper()
		d := w.till.Ledger().Doubts()
		if l := w.total(); l.Stacked != stacked || len(d) != 1 || d[0].ID != id || !d[0].Aside {
			t.Fatalf("%s: %+v, in doubt %+v", what, l, d)
		}
		w.balanced()
	}
	// The same type comes, is taken, and the unit says so twice.
	w.escrow(4, false)
	ev := w.stacked(4)
	w.event(cash.Stacked{ID: ev, Note: table.Notes[2]})
	check("a note of the same type", 1000)
	w.event(cash.PathClear{})
	// One that is given back, one that went in without a record, a fault.
	w.till.Close(w.now, "finished")
	w.escrow(4, false)
	w.event(cash.Returned{ID: w.id(), Note: table.Notes[2]})
	check("a note of the same type was returned", 1000)
	w.stacked(4)
	check("a note without a record", 2000)
	w.event(cash.Fault{Kind: cash.FaultJamValidator})
	w.event(cash.FaultCleared{})
	check("a jam", 2000)
	// A restart, and a unit with a counter that fits by chance.
	w.boot()
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(1)
	check("a restart", 2000)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.event(cash.Settled{Identity: cash.Identity{Serial: "OTHER"}, Table: table, Counter: counter(1)})
	check("another unit", 2000)
	w.decide(id, till.Inside, money.Manat(10))
	if l := w.total(); l.Stacked != 3000 || l.InDoubt != 0 {
		t.Errorf("found by the count: %+v", l)
	}
}

// A note of an earlier cassette is booked in total, and not in the count of the
// cassette that is in now.
func TestSettleAfterTheCassetteWentAway(t *testing.T) {
	for name, opened := range map[string]bool{"before the next one is confirmed": false, "after that": true} {
		t.Run(name, func(t *testing.T) {
			w, _ := doubtful(t)
			w.confirm = true
			w.boot()
			w.event(cash.Online{Found: cash.StateDisabled})
			w.settle(-1)
			w.mem.Append(journal.Draft{Body: record.PeriodOpened{Period: 7}})
			w.anotherDoubt()
			n := w.till.Ledger().Doubts()[1]
			if n.Period != 7 {
				t.Fatalf("%+v", n)
			}
			w.end()
			w.till.ClosePeriod("taken out", "101")
			if opened {
				if err := w.till.OpenPeriod("new", "101"); err != nil {
					t.Fatal(err)
				}
			}
			w.decide(n.ID, till.Inside, money.Manat(20))
			var b record.NoteStacked
			if err := json.Unmarshal([]byte(w.lastBody(record.NoteStacked{})), &b); err != nil || b.Period != 7 {
				t.Errorf("booked in period %d, %v", b.Period, err)
			}
			e := w.till.Ledger().Equation()
			if e.Total[0].Stacked != 2000 || e.Total[0].Unassigned != 2000 {
				t.Errorf("in total %+v", e.Total[0])
			}
			if _, counted := e.Cassette["AZN 2000"]; counted == opened {
				t.Errorf("the cassette has %v", e.Cassette)
			}
			if opened && len(e.ThisTime) > 0 && e.ThisTime[0].Stacked != 0 {
				t.Errorf("the present period has %+v", e.ThisTime[0])
			}
		})
	}
}

// anotherDoubt is a note of 20 AZN that comes to be in doubt beside the first one.
func (w *world) anotherDoubt() {
	const id = "late"
	note, _ := table.Lookup(5)
	w.mem.Append(journal.Draft{Visit: "v1", Body: record.NoteEscrowed{NoteID: id, Note: note}},
		journal.Draft{Visit: "v1", Body: record.NoteInDoubt{NoteID: id, Why: "test"}})
}

// A note that was not recognised can be booked as what it is, and as nothing else.
func TestSettleOfUnknownValue(t *testing.T) {
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(-1)
	w.event(cash.Stacked{ID: w.id(), Note: cash.Note{Type: 9}})
	w.event(cash.StateChanged{State: cash.StateDisabled})
	n := w.till.Ledger().Doubts()[0]
	want := []money.Amount{money.Manat(1), money.Manat(5), money.Manat(10), money.Manat(20)}
	if got := w.till.Worths(n); !reflect.DeepEqual(got, want) {
		t.Fatalf("it can be %v", got)
	}
	for _, v := range []money.Amount{{}, money.Manat(50), money.New(500, "USD")} {
		if err := w.till.Settle(till.Decision{NoteID: n.ID, Where: till.Inside, Value: v}); !errors.Is(err, till.ErrWorth) {
			t.Errorf("as %s: %v", v, err)
		}
	}
	w.decide(n.ID, till.Inside, money.Manat(5))
	if l := w.total(); l.Stacked != 500 || l.Unassigned != 500 {
		t.Errorf("%+v", l)
	}
}

// While the unit may still say itself what became of a note, nobody decides: the
// note would be counted by both.
func TestNobodyDecidesBeforeTheUnitIsAtRest(t *testing.T) {
	for name, until := range map[string]func(w *world){
		"offline":         func(w *world) { w.event(cash.Offline{Cause: "cable"}) },
		"back, unsettled": func(w *world) { w.event(cash.Offline{Cause: "cable"}); w.event(cash.Online{Found: cash.StateDisabled}) },
		"powered up":      func(w *world) { w.event(cash.PowerUp{ID: w.id(), Position: cash.PowerUpInStacker}) },
		"a fault":         func(w *world) { w.event(cash.Fault{Kind: cash.FaultJamCassette}) },
		"a fault is over, recovery is not": func(w *world) {
			w.event(cash.Fault{Kind: cash.FaultJamCassette})
			w.event(cash.FaultCleared{})
			w.event(cash.StateChanged{State: cash.StateDisabled})
		},
		"unresolved, recovery is not over": func(w *world) {
			w.event(cash.Unresolved{After: "stack"})
			w.event(cash.StateChanged{State: cash.StateDisabled})
		},
		"a note coming in": func(w *world) { w.event(cash.StateChanged{State: cash.StateAccepting}) },
		"still stacking":   func(w *world) { w.event(cash.StateChanged{State: cash.StateStacking}) },
	} {
		t.Run(name, func(t *testing.T) {
			w, n := doubtful(t)
			until(w)
			before := len(w.mem.Records)
			for _, where := range []till.Whereabouts{till.Inside, till.Outside, till.Aside} {
				if err := w.till.Settle(till.Decision{NoteID: n.ID, Where: where, Value: money.Manat(10)}); !errors.Is(err, till.ErrUnitBusy) {
					t.Errorf("%s: %v", where, err)
				}
			}
			if len(w.mem.Records) != before {
				t.Error("something was written down")
			}
		})
	}
	w, n := doubtful(t)
	if err := w.till.Settle(till.Decision{NoteID: n.ID, Where: "elsewhere"}); !errors.Is(err, till.ErrWhereabout) {
		t.Errorf("%v", err)
	}
}
