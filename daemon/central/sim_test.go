package central_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

// Whatever the wire and both ends do, in the end every payment has had its effect
// once or not at all, the terminal knows which, and central's ledger is the sum of
// the terminal's records. Requests and answers are lost, late, doubled and out of
// order; the terminal and central are killed at any step.
func TestExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, done := newRig(t, rapid.Uint64().Draw(t, "seed"))
		defer done()
		ms := func(most int, what string) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, what)) * time.Millisecond
		}
		r.fate = func(c central.Call) (f fate) {
			switch rapid.IntRange(0, 9).Draw(t, "fate of "+string(c.Kind)) {
			case 0:
				f.loseRequest = true
			case 1:
				f.loseAnswer = true
			case 2:
				f.twice, f.after = true, ms(90_000, "after")
			case 3:
				f.delay = ms(120_000, "delay") // also: arrives when nobody waits any more
			case 4:
				f.back = ms(90_000, "back")
			case 5:
				f.instead = answered(200, "text/html", "<p>Please sign in.</p>")
			case 6:
				status := rapid.SampledFrom([]int{302, 400, 401, 403, 404, 429, 500, 502, 503}).Draw(t, "status")
				f.instead = answered(status, "text/plain", "no", "Retry-After", "1")
			}
			return f
		}
		steps := []string{server.StepHeadRead, server.StepRows, server.StepEffects, server.StepHead, server.StepCommitted, server.StepKey, server.StepDone, server.StepDurable}
		orders := demoOrders(r)
		var want centralapi.Sums
		sum := map[string]money.Amount{} // by key
		visits := 0
		r.start()
		for range rapid.IntRange(1, 12).Draw(t, "stories") {
			switch rapid.IntRange(0, 5).Draw(t, "story") {
			case 0, 1, 2: // somebody pays, and another may have paid that number before
				visits++
				visit, key := fmt.Sprintf("visit-%d", visits), keyOf(visits)
				o := rapid.SampledFrom(orders).Draw(t, "order")
				amount := o.Amount
				total := amount.Add(money.New(50, money.AZN))
				id := fmt.Sprintf("note-%d", visits)
				n := cash.Note{Value: total}
				r.write(journal.Draft{Visit: visit, Body: record.NoteEscrowed{NoteID: id, Note: n}})
				r.write(journal.Draft{Visit: visit, Body: record.NoteStacked{NoteID: id, Note: n}})
				want.Stacked += total.Minor
				sum[key] = amount
				r.write(payment(visit, key, o.NotificationNumber, amount))
				r.pass(ms(30_000, "stays"))
				r.write(journal.Draft{Visit: visit, Body: record.VisitEnded{Why: "finished"}})
			case 3:
				at := uint64(rapid.IntRange(0, len(r.book.records)).Draw(t, "checkpoint"))
				r.restart(at)
			case 4:
				step := rapid.SampledFrom(steps).Draw(t, "dies at")
				r.probe = func(at string) {
					if at == step {
						r.probe = func(string) {}
						panic(died{})
					}
				}
			case 5:
				r.pass(ms(600_000, "time passes"))
			}
		}
		r.fate, r.probe = nil, func(string) {}
		r.pass(2 * time.Hour) // the wire is whole again
		results, st := r.results(), r.state()
		paid := map[string]centralapi.Payment{}
		numbers := map[string]bool{}
		for _, p := range st.Payments {
			if numbers[p.NotificationNumber] {
				t.Fatalf("%s was paid twice", p.NotificationNumber)
			}
			numbers[p.NotificationNumber], paid[p.Key] = true, p
		}
		for key, amount := range sum {
			res, ok := results[key]
			p, done := paid[key]
			switch {
			case !ok:
				t.Fatalf("%s has no result", key)
			case done != (res.Status == record.ActionDone):
				t.Fatalf("%s: the terminal says %s, central has %+v", key, res.Status, p)
			case done && p.Amount != amount:
				t.Fatalf("%s: paid %v, meant %v", key, p.Amount, amount)
			case done:
				want.Posted += amount.Minor
				want.Commission += 50
			default:
				want.Held += amount.Minor + 50
			}
		}
		if len(sum) == 0 {
			return
		}
		head, hash := r.book.Head()
		g := st.Terminals[0]
		if g.Head.Seq != head || g.Head.Hash != hash || g.Records != int64(head) || r.acked != head {
			t.Fatalf("central has %+v of %d records, acknowledged %d", g, head, r.acked)
		}
		if g.Ledger["AZN"] != want || !g.Balanced || len(st.Incidents) != 0 {
			t.Fatalf("ledger %+v, want %+v; incidents %+v", g.Ledger["AZN"], want, st.Incidents)
		}
		if h := r.courier.Health(); !h.Online || h.Unsent != 0 || h.Open != 0 || len(h.Alarms) != 0 {
			t.Fatalf("health %+v", h)
		}
	})
}

func demoOrders(r *rig) (open []centralapi.Order) {
	for _, o := range r.state().Orders {
		if o.State == centralapi.OrderOpen {
			open = append(open, o)
		}
	}
	return open[:6]
}

// The same seed is the same run, call by call.
func TestReproducible(t *testing.T) {
	trace := func() (out []string) {
		r, done := newRig(t, 7)
		defer done()
		n := 0
		r.fate = func(c central.Call) (f fate) {
			n++
			if n%3 == 0 {
				f.loseAnswer = true
			}
			return f
		}
		r.start()
		for i := range 5 {
			r.write(payment(fmt.Sprintf("v%d", i), keyOf(i), "123027172", money.Manat(18)))
			r.pass(time.Minute)
		}
		for _, c := range r.calls {
			out = append(out, fmt.Sprint(c.ID, c.Kind, c.Key, c.From, c.Max))
		}
		return out
	}
	a, b := trace(), trace()
	if len(a) < 10 || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Fatalf("two runs of one seed differ:\n%v\n%v", a, b)
	}
}

var _ http.Handler = (*rig)(nil)
