//go:build faultpoints

package journal

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"pgregory.net/rapid"
)

// killed is what a hook throws where the simulated kill is due.
type killed struct{ at string }

// killAt makes the n-th hit of a point a kill, and f run into it. It reports
// whether the kill came.
func killAt(name string, n int, f func()) (died bool) {
	faultpoint.SetHook(func(at string) {
		if at == name {
			if n--; n == 0 {
				panic(killed{at})
			}
		}
	})
	defer faultpoint.SetHook(nil)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			died = true
		}
	}()
	f()
	return false
}

func journalPoints() (out []string) {
	for _, n := range faultpoint.Names() {
		if strings.HasPrefix(n, "journal.") {
			out = append(out, n)
		}
	}
	return out
}

// model is what the world may hold a journal to: confirmed groups are there, and
// of the group that was under way at a kill all or nothing.
type model struct {
	groups [][]string // note ids of confirmed groups
	open   []string   // note ids of the group that was cut off
}

// check compares a journal with the model and takes over the fate of the group
// that was cut off.
func (m *model) check(t interface{ Fatalf(string, ...any) }, rs []Record) {
	var got []string
	for _, r := range rs {
		if b, _, err := r.Decode(); err != nil {
			t.Fatalf("%v", err)
		} else if n, ok := b.(record.NoteStacked); ok {
			got = append(got, n.NoteID)
		}
	}
	want := slices.Concat(m.groups...)
	with := slices.Concat(want, m.open)
	switch {
	case slices.Equal(got, with):
		if len(m.open) > 0 {
			m.groups = append(m.groups, m.open)
		}
	case !slices.Equal(got, want):
		t.Fatalf("confirmed %v, under way %v, there are %v", want, m.open, got)
	}
	m.open = nil
}

func drafts(ids []string) (out []Draft) {
	for _, id := range ids {
		out = append(out, note(id, 1))
	}
	return out
}

// step appends a group, perhaps into a kill.
func (m *model) step(j *Journal, ids []string) {
	m.open = ids
	if _, err := j.Append(ctx, drafts(ids)...); err == nil {
		m.groups, m.open = append(m.groups, ids), nil
	}
}

func TestKillAtEveryPoint(t *testing.T) {
	reached := map[string]bool{}
	for _, name := range journalPoints() {
		for hit := 1; hit <= 6; hit++ {
			for _, torn := range []int{0, 1, 100, 1 << 20} {
				if name != "journal.segment-torn" && torn != 0 {
					continue
				}
				o := options(t, newClock())
				o.SegmentSize, o.CheckpointEvery = 1500, 4
				o.TornAt = func(n int) int { return min(n, torn) }
				m := &model{}
				life := func() {
					fold := newTally()
					o.Folds = []Fold{fold}
					j, err := Open(o)
					if err != nil {
						t.Fatalf("killed at %s: Open: %v", name, err)
					}
					defer j.Abandon()
					m.check(t, all(t, j))
					for i := range 4 {
						m.step(j, []string{fmt.Sprintf("%d.%d", len(m.groups), i), fmt.Sprintf("%d.%d'", len(m.groups), i)})
					}
				}
				if killAt(name, hit, life) {
					reached[name] = true
				}
				// The second life is killed too, in its recovery where there is one.
				for _, again := range []string{"journal.recovering", "journal.recover.segment-cut", "journal.recover.store-rebuilt", "journal.recover.copies-equal", "journal.segment-synced"} {
					if killAt(again, 1, life) {
						reached[again] = true
					}
				}
				life()
				j := open(t, o2(o))
				m.check(t, all(t, j))
				if rep, err := j.Verify(ctx, fresh); err != nil || !rep.OK() || rep.Store.Hash != rep.Segments.Hash {
					t.Fatalf("killed at %s: %v\n%v", name, err, rep)
				}
				j.Abandon()
			}
		}
	}
	// A lost store, and a kill in the middle of its rebuilding.
	for _, name := range []string{"journal.recovering", "journal.recover.segment-cut", "journal.recover.store-rebuilt", "journal.recover.copies-equal"} {
		s := makeSite(t, 5)
		if err := os.Remove(s.store()); err != nil {
			t.Fatal(err)
		}
		if !killAt(name, 1, func() { open(t, s.o) }) {
			t.Errorf("%s was not reached by a rebuilding", name)
		}
		reached[name] = true
		if rs := s.reopen(t); len(rs) < len(s.confirmed) {
			t.Errorf("killed at %s: %d records", name, len(rs))
		}
	}
	for _, name := range journalPoints() {
		if !reached[name] {
			t.Errorf("no kill ever came at %s", name)
		}
	}
}

// o2 gives the options a fresh fold.
func o2(o Options) Options { o.Folds = fresh(); return o }

// Random groups, random kills with random tears, random orderly ends: at every
// start the journal is what the model says, and the fold equals the records.
func TestJournalAgainstModel(t *testing.T) {
	points := journalPoints()
	root := tempDir(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		o := options(t, newClock())
		n++
		o.Dir = fmt.Sprintf("%s/%d", root, n)
		defer os.RemoveAll(o.Dir)
		o.SegmentSize = int64(rapid.SampledFrom([]int{500, 2000, 1 << 20}).Draw(rt, "segment size"))
		o.CheckpointEvery = rapid.IntRange(1, 6).Draw(rt, "checkpoint every")
		o.TornAt = func(n int) int { return rapid.IntRange(0, n).Draw(rt, "torn at") }
		m := &model{}
		id := 0
		for range rapid.IntRange(1, 6).Draw(rt, "lives") {
			name, hit := rapid.SampledFrom(points).Draw(rt, "point"), rapid.IntRange(1, 12).Draw(rt, "hit")
			killAt(name, hit, func() {
				fold := newTally()
				o.Folds = []Fold{fold}
				j, err := Open(o)
				if err != nil {
					rt.Fatalf("Open: %v", err)
				}
				defer j.Abandon()
				rs := all(t, j)
				m.check(rt, rs)
				whole := newTally()
				if err := Rebuild(ctx, j, whole); err != nil || !reflect.DeepEqual(whole.Kinds, fold.Kinds) || whole.Minor != fold.Minor {
					rt.Fatalf("fold %+v, from the records %+v, %v", fold, whole, err)
				}
				for range rapid.IntRange(0, 8).Draw(rt, "groups") {
					var ids []string
					for range rapid.IntRange(1, 4).Draw(rt, "notes") {
						ids = append(ids, fmt.Sprint(id))
						id++
					}
					m.step(j, ids)
				}
				if rapid.Bool().Draw(rt, "ends in order") {
					if err := j.Close(); err != nil {
						rt.Fatalf("Close: %v", err)
					}
				}
			})
		}
		o.Folds = fresh()
		j, err := Open(o)
		if err != nil {
			rt.Fatalf("Open: %v", err)
		}
		defer j.Abandon()
		m.check(rt, all(t, j))
		if rep, err := j.Verify(ctx, fresh); err != nil || !rep.OK() {
			rt.Fatalf("%v\n%v", err, rep)
		}
	})
}

// A simulated kill leaves the journal good for Abandon only, and Abandon writes
// nothing.
func TestAbandonAfterKill(t *testing.T) {
	for _, name := range []string{"journal.before-segment", "journal.segment-torn", "journal.segment-synced", "journal.store-committed"} {
		o := options(t, newClock())
		j := open(t, o)
		fillNotes(t, j, 1)
		if !killAt(name, 1, func() { _, _ = j.Append(ctx, note("x", 1)) }) {
			t.Fatalf("%s was not reached", name)
		}
		if _, err := j.Append(ctx, note("y", 1)); err == nil {
			t.Errorf("killed at %s: a journal appended after its death", name)
		}
		before := snapshot(t, o.Dir)
		j.Abandon()
		if !reflect.DeepEqual(before, snapshot(t, o.Dir)) {
			t.Errorf("killed at %s: Abandon wrote", name)
		}
		open(t, o).Abandon() // no lock is left
	}
}

// A kill in the committer goroutine: whoever waits is told.
func TestKilledCommitter(t *testing.T) {
	o := options(t, newClock())
	o.Synchronous = false
	j := open(t, o)
	faultpoint.SetHook(func(at string) {
		if at == "journal.segment-synced" {
			runtime.Goexit()
		}
	})
	_, err := j.Append(ctx, note("x", 1))
	faultpoint.SetHook(nil)
	if err == nil {
		t.Fatal("confirmed by a dead committer")
	}
	if err := <-j.Failed(); err == nil {
		t.Error("the daemon is not told")
	}
	j.Abandon()
	if rs := all(t, open(t, o)); len(rs) != 2 || rs[1].Kind != "journal.recovered" {
		t.Errorf("%v", kinds(rs))
	}
}

// witness collects what the model finds wrong instead of failing the test.
type witness struct{ found string }

func (w *witness) Fatalf(format string, a ...any) { w.found = fmt.Sprintf(format, a...) }

// The planted mistake is found by the model as soon as a write is torn.
func TestMutantIsFound(t *testing.T) {
	faultpoint.Plant("journal-every-record-alone")
	defer faultpoint.Plant("")
	w := &witness{}
	for torn := 0; torn < 2000 && w.found == ""; torn += 50 {
		o := options(t, newClock())
		o.TornAt = func(n int) int { return min(n, torn) }
		m := &model{}
		j := open(t, o)
		killAt("journal.segment-torn", 1, func() { m.step(j, []string{"a", "b", "c"}) })
		j.Abandon()
		j = open(t, o)
		m.check(w, all(t, j))
		j.Abandon()
	}
	if w.found == "" {
		t.Error("half a group was there and the model said nothing")
	}
}
