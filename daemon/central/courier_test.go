package central_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

func mustRig(t *testing.T) *rig {
	r, done := newRig(t, 1)
	t.Cleanup(done)
	return r
}

func TestPayment(t *testing.T) {
	for _, x := range []struct {
		name, number string
		minor        int64
		status       record.ActionStatus
		reason       string
	}{
		{"open", "123027172", 1800, record.ActionDone, ""},
		{"paid already", "123027199", 1800, record.ActionRejected, "already_paid"},
		{"cancelled", "123027202", 1800, record.ActionRejected, "cancelled"},
		{"changed", "123027172", 1700, record.ActionRejected, "changed"},
		{"central refuses the body", "12-34", 1800, record.ActionRejected, "refused"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := mustRig(t)
			r.start()
			r.pass(time.Second)
			r.write(payment("v", "key-00000001", x.number, money.New(x.minor, money.AZN)))
			r.pass(time.Second)
			got := r.results()["key-00000001"]
			if got.Status != x.status || got.Reason != x.reason {
				t.Fatalf("got %+v", got)
			}
			if calls := r.callsOf(central.CallAct, central.CallState); !slices.Equal(calls, []string{"act"}) {
				t.Fatalf("calls %v", calls)
			}
			var answer struct{ Transaction string }
			if x.status == record.ActionDone && (json.Unmarshal(got.Answer, &answer) != nil || answer.Transaction == "") {
				t.Fatalf("answer %s", got.Answer)
			}
		})
	}
}

// What follows one answer to an action: never a second deed before a question,
// never a result from anything but a final answer.
func TestAfterAnAnswer(t *testing.T) {
	done := json.RawMessage(`{"status":"done","transaction":"T"}`)
	for _, x := range []struct {
		name  string
		reply central.Reply
		next  []string // calls for this key after the first, within the minute
		ends  bool
	}{
		{"done", central.Reply{Class: central.ReplyOK, Body: done}, nil, true},
		{"rejected", central.Reply{Class: central.ReplyOK, Body: json.RawMessage(`{"status":"rejected","reason":"paid"}`)}, nil, true},
		{"refused", central.Reply{Class: central.ReplyRefused}, nil, true},
		{"a word of a later contract", central.Reply{Class: central.ReplyOK, Body: json.RawMessage(`{"status":"thinking"}`)}, []string{"state"}, false},
		{"not an object", central.Reply{Class: central.ReplyOK, Body: json.RawMessage(`7`)}, []string{"state"}, false},
		{"no answer", central.Reply{Class: central.ReplyNone, Problem: central.CauseTimeout}, []string{"state"}, false},
		{"running", central.Reply{Class: central.ReplyRunning}, []string{"state"}, false},
		{"denied", central.Reply{Class: central.ReplyDenied, Problem: central.CauseStatus}, []string{"state"}, false},
		{"missing, to a deed", central.Reply{Class: central.ReplyMissing}, []string{"state"}, false},
		{"too big", central.Reply{Class: central.ReplyTooBig}, []string{"state"}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := mustRig(t)
			now := noon
			open := func() (c central.Call) {
				r.calls = nil
				r.must(r.book.append(payment("v", "key-00000001", "123027172", money.Manat(18))))
				o := r.courier.Appended(now, 1)
				for _, c := range o.Calls {
					if c.Key == "key-00000001" {
						return c
					}
				}
				t.Fatalf("no call in %+v", o.Calls)
				return c
			}
			r.courier.Start(now)
			first := open()
			if first.Kind != central.CallAct {
				t.Fatalf("first is %s", first.Kind)
			}
			x.reply.ID = first.ID
			var next []string
			written := 0
			look := func(o central.Out) {
				written += len(o.Write)
				for _, c := range o.Calls {
					if c.Key != "" {
						next = append(next, string(c.Kind))
						if !reflect.DeepEqual(c.Body, json.RawMessage(nil)) && c.Kind == central.CallState {
							t.Fatal("a question carries a body")
						}
					}
				}
			}
			look(r.courier.Reply(now, x.reply))
			look(r.courier.Reply(now, x.reply)) // the same end twice is nothing
			for end := now.Add(time.Minute); now.Before(end); now = now.Add(100 * time.Millisecond) {
				look(r.courier.Tick(now))
			}
			if !slices.Equal(next, x.next) || (written == 1) != x.ends || written > 1 {
				t.Fatalf("next %v, written %d", next, written)
			}
		})
	}
}

// After a restart the first thing asked is what became of each open key; what
// never arrived is sent again with the same key and body.
func TestRestartAsksFirst(t *testing.T) {
	for _, arrived := range []bool{false, true} {
		for _, checkpoint := range []uint64{0, 1} {
			t.Run(fmt.Sprintf("arrived %v, checkpoint %d", arrived, checkpoint), func(t *testing.T) {
				r := mustRig(t)
				r.fate = func(c central.Call) fate {
					return fate{loseRequest: c.Kind != central.CallAct || !arrived, loseAnswer: true}
				}
				r.start()
				r.write(payment("v", "key-00000001", "123027172", money.Manat(18)))
				r.pass(time.Second)
				sent := r.calls
				r.fate, r.calls = nil, nil
				r.restart(checkpoint)
				r.pass(time.Second)
				want := []string{"state", "act"}
				if arrived {
					want = want[:1]
				}
				if got := r.callsOf(central.CallAct, central.CallState); !slices.Equal(got, want) {
					t.Fatalf("calls %v, want %v", got, want)
				}
				for _, c := range r.calls {
					if c.Kind == central.CallAct {
						i := slices.IndexFunc(sent, func(s central.Call) bool { return s.Kind == central.CallAct })
						if c.Key != sent[i].Key || string(c.Body) != string(sent[i].Body) || c.Name != sent[i].Name {
							t.Fatalf("sent %+v, then %+v", sent[i], c)
						}
					}
				}
				if r.results()["key-00000001"].Status != record.ActionDone || len(r.state().Payments) != 1 {
					t.Fatalf("results %+v, payments %+v", r.results(), r.state().Payments)
				}
			})
		}
	}
}

// While a person waits, tries come at 0.5, 1, 2, 4, 8, 15, 15 ... seconds at the
// latest; when the visit has ended, calmly.
func TestPace(t *testing.T) {
	r := mustRig(t)
	r.fate = func(central.Call) fate { return fate{instead: answered(500, "text/plain", "")} }
	r.start()
	r.write(payment("v", "key-00000001", "123027172", money.Manat(18)))
	times := func(d time.Duration) (at []time.Duration) {
		from := r.now
		r.calls = nil
		last := 0
		for end := r.now.Add(d); r.now.Before(end); {
			r.pass(50 * time.Millisecond)
			if n := len(r.callsOf(central.CallAct, central.CallState)); n > last {
				last = n
				at = append(at, r.now.Sub(from))
			}
		}
		return at
	}
	at := times(time.Minute)
	limits := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}
	for i := 1; i < len(at); i++ {
		limit := limits[min(i, len(limits)-1)]
		if gap := at[i] - at[i-1]; gap < limit/2-50*time.Millisecond || gap > limit+100*time.Millisecond {
			t.Fatalf("try %d came after %v, limit %v (%v)", i, gap, limit, at)
		}
	}
	if len(at) < 7 {
		t.Fatalf("%d tries in a minute while a person waits", len(at))
	}
	r.write(journal.Draft{Visit: "v", Body: record.VisitEnded{Why: "abandoned"}})
	r.pass(10 * time.Minute)
	if n := len(times(time.Hour)); n < 12 || n > 120 {
		t.Fatalf("%d tries in an hour when nobody waits", n)
	}
	r.fate = nil
	r.pass(15 * time.Second)
	if r.results()["key-00000001"].Status != record.ActionDone {
		t.Fatal("not settled when central was back")
	}
}

func TestAsk(t *testing.T) {
	body := func(n string) json.RawMessage { return json.RawMessage(`{"notification_number":"` + n + `"}`) }
	for _, x := range []struct {
		name, number string
		fate         func(n int) fate
		outcome      central.AskOutcome
		reason       string
		within       time.Duration
	}{
		{"found", "123027172", nil, central.AskFound, "", time.Second},
		{"unknown", "55", nil, central.AskNone, "", time.Second},
		{"paid", "123027199", nil, central.AskBlocked, "paid", time.Second},
		{"cancelled", "123027202", nil, central.AskBlocked, "cancelled", time.Second},
		{"no number", "abc", nil, central.AskBlocked, "refused", time.Second},
		{"the first answer is lost in the web", "123027172", func(n int) fate {
			if n == 0 {
				return fate{instead: answered(502, "text/html", "bad gateway")}
			}
			return fate{}
		}, central.AskFound, "", 2 * time.Second},
		{"the first is never answered", "123027172", func(n int) fate { return fate{loseRequest: n == 0} }, central.AskFound, "", 16 * time.Second},
		{"central is slow", "123027172", func(int) fate { return fate{delay: 12 * time.Second} }, central.AskFound, "", 13 * time.Second},
		{"central is away", "123027172", func(int) fate { return fate{instead: answered(503, "text/plain", "")} }, central.AskUnavailable, "", 20 * time.Second},
		{"nothing is heard", "123027172", func(int) fate { return fate{loseAnswer: true} }, central.AskUnavailable, "", 20 * time.Second},
		{"captive portal", "123027172", func(int) fate { return fate{instead: answered(200, "text/html", "hello")} }, central.AskUnavailable, "", 20 * time.Second},
		{"not allowed", "123027172", func(int) fate { return fate{instead: answered(403, "text/plain", "")} }, central.AskUnavailable, "", time.Second},
		{"a word of a later contract", "123027172", func(int) fate {
			return fate{instead: answered(200, "application/json", `{"outcome":"maybe"}`)}
		}, central.AskUnavailable, "", time.Second},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := mustRig(t)
			n := 0
			r.start()
			r.pass(time.Second)
			r.fate = func(c central.Call) (f fate) {
				if c.Kind == central.CallAsk && x.fate != nil {
					f = x.fate(n)
					n++
				}
				return f
			}
			r.take(r.courier.Ask(r.now, "a1", "notification.lookup", body(x.number), 20*time.Second))
			r.pass(x.within)
			if len(r.answers) != 1 || r.answers[0].Outcome != x.outcome || r.answers[0].Reason != x.reason || r.answers[0].AskID != "a1" {
				t.Fatalf("got %+v", r.answers)
			}
			var b struct {
				Order struct{ Amount money.Amount }
			}
			if x.outcome == central.AskFound && (json.Unmarshal(r.answers[0].Body, &b) != nil || b.Order.Amount != money.Manat(18)) {
				t.Fatalf("body %s", r.answers[0].Body)
			}
			r.pass(time.Minute)
			if len(r.answers) != 1 {
				t.Fatalf("answered again: %+v", r.answers)
			}
		})
	}
}

func TestCancelledAsk(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.fate = func(central.Call) fate { return fate{back: 3 * time.Second} }
	r.take(r.courier.Ask(r.now, "a1", "notification.lookup", json.RawMessage(`{"notification_number":"123027172"}`), 20*time.Second))
	r.pass(time.Second)
	r.take(r.courier.CancelAsk(r.now, "a1"))
	r.pass(time.Minute)
	if len(r.answers) != 0 {
		t.Fatalf("got %+v", r.answers)
	}
}

// Online follows the last call, and is found out without a person.
func TestOnline(t *testing.T) {
	r := mustRig(t)
	r.start()
	if h := r.courier.Health(); h.Online || h.Why != "starting" {
		t.Fatalf("before the first answer: %+v", h)
	}
	r.pass(time.Second)
	if !r.courier.Online() {
		t.Fatal("central answers, and it is not known")
	}
	r.fate = func(central.Call) fate { return fate{instead: answered(502, "text/html", "")} }
	r.pass(40 * time.Second)
	if h := r.courier.Health(); h.Online || h.Why != central.CauseStatus {
		t.Fatalf("got %+v", h)
	}
	r.calls = nil
	r.pass(time.Minute)
	if n := len(r.callsOf(central.CallHead)); n < 5 || n > 8 {
		t.Fatalf("%d questions in a minute offline", n)
	}
	r.fate = nil
	r.pass(12 * time.Second)
	if h := r.courier.Health(); !h.Online || h.Why != "" {
		t.Fatalf("got %+v", h)
	}
	r.calls = nil
	r.pass(10 * time.Minute)
	if n := len(r.callsOf(central.CallHead)); n < 18 || n > 23 {
		t.Fatalf("%d questions in 10 minutes online", n)
	}
}

// A state that went through Save and Load is the state.
func TestSaveLoad(t *testing.T) {
	r := mustRig(t)
	for i := range 4 {
		r.must(r.book.append(payment(fmt.Sprintf("v%d", i), keyOf(i), "123027172", money.Manat(18))))
	}
	r.must(r.book.append(journal.Draft{Visit: "v1", Body: record.VisitEnded{Why: "finished"}}))
	r.must(r.book.append(journal.Draft{Visit: "v2", Key: keyOf(2), Body: record.ActionResult{Status: record.ActionDone}}))
	r.must(r.book.append(journal.Draft{Key: keyOf(9), Body: record.ActionIntent{Action: "x.y", Body: json.RawMessage(`{}`)}}))
	want, err := r.courier.Save()
	r.must(err)
	for at := range r.book.records {
		a := r.newCourier()
		for _, rec := range r.book.records[:at] {
			r.must(a.Apply(rec))
		}
		saved, err := a.Save()
		r.must(err)
		b := r.newCourier()
		r.must(b.Load(saved))
		for _, rec := range r.book.records[at:] {
			r.must(b.Apply(rec))
		}
		if got, err := b.Save(); err != nil || string(got) != string(want) {
			t.Fatalf("checkpoint at %d: %s, %v\nwant %s", at, got, err, want)
		}
	}
	for _, bad := range []string{`[]`, `{"seq":-1}`, `{"open":{"":{}}}`, `{"open":{"k":null}}`} {
		if err := r.newCourier().Load(json.RawMessage(bad)); err == nil {
			t.Fatalf("%s was taken", bad)
		}
	}
}

// Money goes up at once; what is not money waits two seconds for company.
func TestBatches(t *testing.T) {
	r := mustRig(t)
	r.start()
	r.pass(time.Second)
	r.write(journal.Draft{Visit: "v", Body: record.VisitStarted{Bundle: "b"}})
	r.pass(1900 * time.Millisecond)
	if r.acked != 0 {
		t.Fatal("did not wait for company")
	}
	r.pass(200 * time.Millisecond)
	if r.acked != 1 {
		t.Fatalf("acknowledged %d after two seconds", r.acked)
	}
	n := cash.Note{Value: money.Manat(5)}
	r.write(journal.Draft{Visit: "v", Body: record.NoteStacked{NoteID: "n", Note: n}})
	r.pass(time.Millisecond)
	if r.acked != 2 {
		t.Fatal("money waited")
	}
	for range 99 {
		r.write(journal.Draft{Visit: "v", Body: record.VisitMoved{Step: "s"}})
	}
	r.pass(time.Millisecond)
	if r.acked != 2 {
		t.Fatal("99 records did not wait")
	}
	r.write(journal.Draft{Visit: "v", Body: record.VisitMoved{Step: "s"}})
	r.pass(time.Millisecond)
	if r.acked != 102 {
		t.Fatalf("100 records waited: acknowledged %d", r.acked)
	}
}
