package central_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

func (r *rig) notes(n int) {
	for range n {
		seq, _ := r.book.Head()
		r.must(r.book.append(journal.Draft{Visit: "v", Body: record.NoteStacked{NoteID: fmt.Sprintf("n%d", seq+1), Note: cash.Note{Value: money.Manat(5)}}}))
	}
	head, _ := r.book.Head()
	r.take(r.courier.Appended(r.now, head))
}

// poisoned is a record that central refuses.
func (r *rig) poisoned(n int) {
	for range n {
		r.must(r.book.appendRaw(journal.Draft{Visit: "v", Body: record.NoteStacked{}}, json.RawMessage(`{"note_id":7}`)))
	}
	head, _ := r.book.Head()
	r.take(r.courier.Appended(r.now, head))
}

func (r *rig) upToDate() bool {
	head, hash := r.book.Head()
	st := r.state()
	return r.acked == head && len(st.Terminals) == 1 && st.Terminals[0].Head.Hash == hash
}

// Every status of the table of protocols/central-sync.md section 3, for a day and
// more: nothing is deleted, the alarm is raised, and when central is itself again
// the terminal catches up.
func TestStatusForADay(t *testing.T) {
	for i, x := range []struct {
		name    string
		fate    fate
		alarm   string
		pace    time.Duration // the longest rest between two tries
		catchup time.Duration
	}{
		{"401", fate{instead: answered(401, "application/problem+json", `{"type":"urn:kiosk:problem:unauthorised"}`)}, central.AlarmIdentity, 15 * time.Minute, 21 * time.Minute},
		{"403", fate{instead: answered(403, "application/problem+json", `{"type":"urn:kiosk:problem:forbidden"}`)}, central.AlarmIdentity, 15 * time.Minute, 21 * time.Minute},
		{"403 of a firewall", fate{instead: answered(403, "text/html", `<p>blocked`)}, central.AlarmIdentity, 15 * time.Minute, 21 * time.Minute},
		{"429", fate{instead: answered(429, "text/plain", "", "Retry-After", "30")}, "", 5 * time.Minute, 6 * time.Minute},
		{"503", fate{instead: answered(503, "application/problem+json", `{"type":"urn:kiosk:problem:busy"}`, "Retry-After", "5")}, "", 5 * time.Minute, 6 * time.Minute},
		{"500", fate{instead: answered(500, "text/plain", "")}, "", 5 * time.Minute, 6 * time.Minute},
		{"302", fate{instead: answered(302, "text/html", "", "Location", "http://elsewhere.example/")}, "", 5 * time.Minute, 6 * time.Minute},
		{"200 of a portal", fate{instead: answered(200, "text/html", "<p>Please sign in.</p>")}, "", 5 * time.Minute, 6 * time.Minute},
		{"200 of another API", fate{instead: answered(200, "application/json", `{"hello":"world"}`)}, "", 5 * time.Minute, 6 * time.Minute},
		{"404 of another server", fate{instead: answered(404, "text/html", "not found")}, "", 5 * time.Minute, 6 * time.Minute},
		{"nothing", fate{loseRequest: true}, "", 6*time.Minute + time.Second, 7 * time.Minute},
	} {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			r := mustRig(t)
			r.start()
			r.notes(5)
			r.pass(time.Minute)
			if !r.upToDate() {
				t.Fatal("not up to date before")
			}
			r.fate = func(central.Call) fate { return x.fate }
			r.notes(5)
			r.write(payment("v", "key-00000001", "123027172", money.Manat(18)))
			r.write(journal.Draft{Visit: "v", Body: record.VisitEnded{Why: "finished"}})
			var last time.Time
			var rest time.Duration
			for range 30 * 6 { // 30 hours
				r.calls = nil
				r.pass(10 * time.Minute)
				if len(r.calls) > 0 {
					last = r.now
				} else if rest = r.now.Sub(last); rest > x.pace+10*time.Minute {
					t.Fatalf("gave up for %v", rest)
				}
			}
			if h := r.courier.Health(); h.Online || (x.alarm != "") != slices.Contains(h.Alarms, x.alarm) || h.Unsent != 7 || h.Open != 1 {
				t.Fatalf("health %+v", h)
			}
			if len(r.book.records) != 12 || len(r.results()) != 0 {
				t.Fatalf("%d records, results %v", len(r.book.records), r.results())
			}
			r.fate = nil
			r.pass(x.catchup)
			if h := r.courier.Health(); !r.upToDate() || !h.Online || len(h.Alarms) != 0 {
				t.Fatalf("did not catch up: %+v, acknowledged %d", h, r.acked)
			}
			if r.results()["key-00000001"].Status != record.ActionDone {
				t.Fatal("the payment is not settled")
			}
		})
	}
}

// A batch that is too large is halved until it fits, and grows again.
func TestTooLarge(t *testing.T) {
	r := mustRig(t)
	r.fate = func(c central.Call) (f fate) {
		if c.Kind == central.CallRecords && c.Max > 30 {
			f.instead = answered(413, "text/html", "too large")
		}
		return f
	}
	r.notes(400)
	r.start()
	r.pass(time.Minute)
	if !r.upToDate() {
		t.Fatalf("acknowledged %d; calls %d", r.acked, len(r.calls))
	}
	if n := len(r.callsOf(central.CallRecords)); n > 60 {
		t.Fatalf("%d batches for 400 records", n)
	}
}

// A record that central refuses is found by halving, goes up as opaque bytes, and
// the others are applied.
func TestPoisonIsBisected(t *testing.T) {
	for _, at := range []int{0, 1, 37, 99, 150, 299} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			r := mustRig(t)
			r.notes(at)
			r.poisoned(1)
			r.notes(299 - at)
			r.start()
			r.pass(time.Minute)
			st := r.state()
			if !r.upToDate() || st.Terminals[0].Quarantined != 1 || st.Terminals[0].Ledger["AZN"].Stacked != 299*500 {
				t.Fatalf("acknowledged %d, %+v", r.acked, st.Terminals)
			}
			if len(st.Incidents) != 1 || *st.Incidents[0].Seq != uint64(at+1) {
				t.Fatalf("incidents %+v", st.Incidents)
			}
			if n := len(r.callsOf(central.CallRecords)); n > 40 {
				t.Fatalf("%d calls", n)
			}
		})
	}
}

// Ten poison records a day, then the upload rests with an alarm until the next.
func TestQuarantineLimit(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.poisoned(12)
	r.notes(3)
	r.pass(time.Hour)
	if h := r.courier.Health(); r.acked != 10 || !slices.Contains(h.Alarms, central.AlarmQuarantine) || !h.Online {
		t.Fatalf("acknowledged %d, %+v", r.acked, h)
	}
	r.write(payment("v", "key-00000001", "123027172", money.Manat(18)))
	r.pass(time.Minute)
	if r.results()["key-00000001"].Status != record.ActionDone {
		t.Fatal("an action is held up by the records")
	}
	r.pass(24 * time.Hour)
	if !r.upToDate() || r.state().Terminals[0].Quarantined != 12 {
		t.Fatalf("acknowledged %d of %d", r.acked, len(r.book.records))
	}
}

// Two terminals from one disk: the second one to write is found out, and goes on
// taking money into its own journal.
func TestFork(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.notes(4)
	r.pass(time.Minute)
	copied := slices.Clone(r.book.records)
	r.notes(3)
	r.pass(time.Minute)
	if !r.upToDate() {
		t.Fatal("not up to date")
	}
	head := r.state().Terminals[0].Head
	for name, more := range map[string]int{"shorter": 0, "other records": 2, "longer": 9} {
		t.Run(name, func(t *testing.T) {
			r.book.records = slices.Clone(copied)
			r.calls = nil
			r.restart(0)
			for range more {
				r.write(journal.Draft{Visit: "w", Body: record.VisitStarted{Bundle: "copy"}})
			}
			r.pass(time.Hour)
			if n := len(r.callsOf(central.CallRecords)); n > 0 {
				t.Fatalf("%d batches went up although the heads differ", n)
			}
			h := r.courier.Health()
			if !slices.Contains(h.Alarms, central.AlarmForked) || !h.Online {
				t.Fatalf("health %+v", h)
			}
			if got := r.state().Terminals[0].Head; got != head || len(r.book.records) != 4+more {
				t.Fatalf("central's head moved to %+v; %d records here", got, len(r.book.records))
			}
		})
	}
}

// A head that was read before a batch and is heard after it says nothing.
func TestLateHead(t *testing.T) {
	r := mustRig(t)
	r.fate = func(c central.Call) (f fate) {
		if c.Kind == central.CallHead {
			f.back = 3 * time.Second
		}
		return f
	}
	r.start()
	for len(r.callsOf(central.CallHead)) < 2 {
		r.pass(100 * time.Millisecond)
	}
	r.notes(5)
	r.pass(20 * time.Second)
	if n := len(r.callsOf(central.CallRecords)); n != 1 || !r.upToDate() {
		t.Fatalf("%d batches, acknowledged %d", n, r.acked)
	}
}

// Central lost its store, or had a backup put back: it gets everything it lacks.
func TestCentralForgets(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.notes(20)
	r.pass(time.Minute)
	r.must(r.server.Close())
	r.path += ".new"
	r.openServer()
	r.pass(time.Minute)
	if !r.upToDate() || r.state().Terminals[0].Ledger["AZN"].Stacked != 20*500 {
		t.Fatalf("got %+v", r.state().Terminals)
	}
}

// A journal of a new epoch begins at central, too.
func TestNewEpoch(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.notes(5)
	r.pass(time.Minute)
	r.book.epoch, r.book.records, r.acked = 2, nil, 0
	r.restart(0)
	r.notes(7)
	r.pass(time.Minute)
	if got := r.state().Terminals[0].Head; got.Epoch != 2 || got.Seq != 7 || len(r.courier.Health().Alarms) != 0 {
		t.Fatalf("head %+v, health %+v", got, r.courier.Health())
	}
}

// Seven days without a network, at a busy terminal.
func TestSevenDays(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.pass(time.Minute)
	r.fate = func(central.Call) fate { return fate{loseRequest: true} }
	for range 7 * 24 {
		r.notes(40)
		r.pass(time.Hour)
	}
	if h := r.courier.Health(); h.Unsent != 7*24*40 || h.Online {
		t.Fatalf("health %+v", h)
	}
	r.fate, r.calls = nil, nil
	r.pass(6 * time.Minute)
	if !r.upToDate() || len(r.callsOf(central.CallRecords)) > 10 {
		t.Fatalf("acknowledged %d with %d batches", r.acked, len(r.callsOf(central.CallRecords)))
	}
}

var moved = journal.Draft{Visit: "v", Body: record.VisitMoved{}}

// Records/s of a backlog through courier, client, wire and central, in one thread.
func BenchmarkBacklog(b *testing.B) {
	r, done := newRig(b, 1)
	defer done()
	for i := range 10_000 {
		r.must(r.book.append(journal.Draft{Visit: "v", Body: record.NoteStacked{NoteID: fmt.Sprintf("n%d", i), Note: cash.Note{Value: money.Manat(5)}}}))
	}
	for b.Loop() {
		b.StopTimer()
		r.must(r.server.Close())
		r.path += "x"
		r.openServer()
		r.acked, r.events = 0, nil
		b.StartTimer()
		r.restart(0)
		r.pass(time.Minute)
		if r.acked != 10_000 {
			b.Fatalf("acknowledged %d", r.acked)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "records/s")
}
