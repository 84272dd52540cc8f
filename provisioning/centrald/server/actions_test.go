package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

const payPath = "/v1/terminals/" + terminalID + "/actions/notification.pay"

func ask(h http.Handler, key string) reply { return do(h, "GET", payPath+"/"+key, nil, nil) }

func TestPay(t *testing.T) {
	for _, x := range []struct {
		name, number   string
		minor          int64
		status, reason string
	}{
		{"open order", "123027172", 1800, "done", ""},
		{"unknown number", "999999999", 1800, "rejected", "unknown"},
		{"paid already", "123027199", 1800, "rejected", "already_paid"},
		{"cancelled", "123027202", 1800, "rejected", "cancelled"},
		{"the sum has changed", "123027172", 1700, "rejected", "changed"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := open(t, storePath(t), Options{Demo: true})
			first := pay(s, "key-00000001", x.number, x.minor)
			if o := outcome(t, first); o.Status != x.status || deref(o.Reason) != x.reason || (x.status == "done") != (deref(o.Transaction) != "") {
				t.Fatalf("got %s", first.body)
			}
			for range 3 {
				if again := pay(s, "key-00000001", x.number, x.minor); string(again.body) != string(first.body) {
					t.Fatalf("the same key was answered %s, first %s", again.body, first.body)
				}
			}
			if state := ask(s, "key-00000001"); string(state.body) != string(first.body) {
				t.Fatalf("state is %s, answer was %s", state.body, first.body)
			}
			st := stateOfServer(t, s)
			if want := map[string]int{"done": 1}[x.status]; len(st.Payments) != want || len(st.Actions) != 1 || st.Actions[0].Received != 4 {
				t.Fatalf("payments %+v, actions %+v", st.Payments, st.Actions)
			}
		})
	}
}

func TestActionKeys(t *testing.T) {
	s := open(t, storePath(t), Options{Demo: true})
	wantProblem(t, ask(s, "key-00000001"), centralapi.ProblemActionUnknown)
	if o := outcome(t, pay(s, "key-00000001", "123027172", 1800)); o.Status != "done" {
		t.Fatalf("got %+v", o)
	}
	wantProblem(t, pay(s, "key-00000001", "200000001", 2540), centralapi.ProblemKeyReused)
	if o := outcome(t, pay(s, "key-00000002", "123027172", 1800)); o.Status != "rejected" || *o.Reason != "already_paid" {
		t.Fatalf("another key paid it again: %+v", o)
	}
	wantProblem(t, do(s, "GET", "/v1/terminals/other/actions/notification.pay/key-00000001", nil, nil), centralapi.ProblemActionUnknown)
	wantProblem(t, do(s, "POST", payPath, map[string]string{}, []byte(`{}`)), centralapi.ProblemMalformed)
	wantProblem(t, do(s, "POST", payPath, map[string]string{"Idempotency-Key": `"a b"`}, []byte(`{}`)), centralapi.ProblemMalformed)
	wantProblem(t, do(s, "POST", "/v1/terminals/"+terminalID+"/actions/vote", map[string]string{"Idempotency-Key": `"key-00000009"`}, []byte(`{}`)), centralapi.ProblemKindUnknown)
	for _, body := range []string{`{}`, `[]`, `{"notification_number":"x"}`, `{"amount":1.5}`} {
		wantProblem(t, do(s, "POST", payPath, map[string]string{"Idempotency-Key": `"key-00000009"`}, []byte(body)), centralapi.ProblemBodyInvalid)
	}
	wantProblem(t, ask(s, "key-00000009"), centralapi.ProblemActionUnknown) // what was refused was not remembered
}

func TestRunning(t *testing.T) {
	s := open(t, storePath(t), Options{Demo: true})
	behave(t, s, `{"mode":"running"}`)
	wantProblem(t, pay(s, "key-00000001", "123027172", 1800), centralapi.ProblemActionRunning)
	if o := outcome(t, ask(s, "key-00000001")); o.Status != "running" || len(stateOfServer(t, s).Payments) != 0 {
		t.Fatalf("got %+v", o)
	}
	behave(t, s, `{"mode":"normal"}`)
	if o := outcome(t, ask(s, "key-00000001")); o.Status != "done" || len(stateOfServer(t, s).Payments) != 1 {
		t.Fatalf("got %+v", o)
	}
}

func TestLookup(t *testing.T) {
	now := noon
	s := open(t, storePath(t), Options{Demo: true, Now: func() time.Time { return now }})
	look := func(number string) (a centralapi.NotificationAnswer) {
		r := do(s, "POST", "/v1/terminals/"+terminalID+"/queries/notification.lookup", nil, []byte(`{"notification_number":"`+number+`"}`))
		if r.status != 200 || json.Unmarshal(r.body, &a) != nil {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
		return a
	}
	if a := look("123027172"); a.Outcome != "found" || a.Order.Amount != money.Manat(18) || *a.Order.Payee == "" || *a.Order.PayBy != noon.Add(payWithin) {
		t.Fatalf("got %+v", a)
	}
	if a := look("123027199"); a.Outcome != "blocked" || *a.Reason != "paid" {
		t.Fatalf("got %+v", a)
	}
	if a := look("123027202"); a.Outcome != "blocked" || *a.Reason != "cancelled" {
		t.Fatalf("got %+v", a)
	}
	if a := look("1"); a.Outcome != "none" || a.Order != nil {
		t.Fatalf("got %+v", a)
	}
	now = noon.Add(payWithin + time.Second)
	if a := look("123027172"); a.Outcome != "blocked" || *a.Reason != "cancelled" {
		t.Fatalf("unpaid for a week: %+v", a)
	}
	if o := outcome(t, pay(s, "key-00000001", "123027172", 1800)); *o.Reason != "cancelled" {
		t.Fatalf("got %+v", o)
	}
	wantProblem(t, do(s, "POST", "/v1/terminals/"+terminalID+"/queries/notification.lookup", nil, []byte(`{"notification_number":"1 OR 1"}`)), centralapi.ProblemBodyInvalid)
	wantProblem(t, do(s, "POST", "/v1/terminals/"+terminalID+"/queries/weather", nil, []byte(`{}`)), centralapi.ProblemKindUnknown)
}

func behave(t *testing.T, s *Server, body string) {
	t.Helper()
	if r := do(s, "PUT", "/demo/v1/behaviour", nil, []byte(body)); r.status != 200 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
}

func TestBehaviour(t *testing.T) {
	var slept time.Duration
	s := open(t, storePath(t), Options{Demo: true, Sleep: func(_ context.Context, d time.Duration) error { slept += d; return nil }})
	time1 := func() reply { return do(s, "GET", "/v1/time", nil, nil) }
	behave(t, s, `{"mode":"slow","delay_ms":1500,"count":2}`)
	if time1(); slept != 1500*time.Millisecond {
		t.Fatalf("slept %v", slept)
	}
	if time1(); slept != 3*time.Second {
		t.Fatalf("slept %v", slept)
	}
	if time1(); slept != 3*time.Second {
		t.Fatalf("count is not kept: slept %v", slept)
	}
	for status, want := range map[string]centralapi.ProblemType{"500": centralapi.ProblemInternal, "503": centralapi.ProblemBusy, "401": centralapi.ProblemUnauthorised, "403": centralapi.ProblemForbidden} {
		behave(t, s, `{"mode":"fail","status":`+status+`}`)
		wantProblem(t, time1(), want)
	}
	behave(t, s, `{"mode":"fail","status":200}`)
	if r := time1(); r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Fatalf("got %+v", r)
	}
	behave(t, s, `{"mode":"fail","status":302}`)
	if r := time1(); r.status != 302 || r.header.Get("Location") == "" {
		t.Fatalf("got %+v", r)
	}
	behave(t, s, `{"mode":"drop_answer","count":1,"path":"/actions/"}`)
	if r := time1(); r.status != 200 {
		t.Fatalf("another path is served: %+v", r)
	}
	if r := pay(s, "key-00000001", "123027172", 1800); !r.cut {
		t.Fatalf("got %+v", r)
	}
	if len(stateOfServer(t, s).Payments) != 1 {
		t.Fatal("the work was not done")
	}
	if o := outcome(t, ask(s, "key-00000001")); o.Status != "done" {
		t.Fatalf("got %+v", o)
	}
	for _, bad := range []string{`{"mode":"strange"}`, `{"mode":"fail","status":99}`, `{"mode":"slow","delay_ms":-1}`} {
		wantProblem(t, do(s, "PUT", "/demo/v1/behaviour", nil, []byte(bad)), centralapi.ProblemBodyInvalid)
	}
}

func TestOrdersAndReset(t *testing.T) {
	s := open(t, storePath(t), Options{Demo: true})
	set := func(body string) reply { return do(s, "POST", "/demo/v1/orders", nil, []byte(body)) }
	if r := set(`{"notification_number":"123027172","state":"open","amount":{"minor":1900,"currency":"AZN"}}`); r.status != 200 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	if o := outcome(t, pay(s, "key-00000001", "123027172", 1800)); *o.Reason != "changed" {
		t.Fatalf("got %+v", o)
	}
	for _, bad := range []string{`{"notification_number":"x","state":"open","amount":{"minor":1,"currency":"AZN"}}`,
		`{"notification_number":"1","state":"lost","amount":{"minor":1,"currency":"AZN"}}`, `{"notification_number":"1","state":"open","amount":{"minor":0,"currency":"AZN"}}`} {
		wantProblem(t, set(bad), centralapi.ProblemBodyInvalid)
	}
	if r := do(s, "POST", "/demo/v1/reset", nil, nil); r.status != 204 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	st := stateOfServer(t, s)
	if len(st.Actions)+len(st.Payments)+len(st.Terminals) != 0 || len(st.Orders) != 26 {
		t.Fatalf("got %+v", st)
	}
	r := do(s, "GET", "/demo/v1/state", nil, nil)
	var over centralapi.State
	if json.Unmarshal(r.body, &over) != nil || len(over.Orders) != 26 {
		t.Fatalf("state over the wire: %d %s", r.status, r.body)
	}
	if r := do(s, "POST", "/demo/v1/reset", map[string]string{"Origin": "http://elsewhere.example"}, nil); r.status != 404 {
		t.Fatalf("a page from elsewhere may reset: %d", r.status)
	}
	wantProblem(t, do(open(t, storePath(t), Options{}), "GET", "/demo/v1/state", nil, nil), centralapi.ProblemNotFound)
}

// Orders of the demo are reproducible, and survive a restart as they stand.
func TestDemoRestart(t *testing.T) {
	path, now := storePath(t), noon
	o := Options{Demo: true, Now: func() time.Time { return now }}
	s := open(t, path, o)
	outcome(t, pay(s, "key-00000001", "200000015", 700))
	s.Close()
	now = now.Add(30 * 24 * time.Hour)
	s = open(t, path, o)
	for _, o := range stateOfServer(t, s).Orders {
		want := centralapi.OrderOpen
		switch o.NotificationNumber {
		case "200000015", "123027199":
			want = centralapi.OrderPaid
		case "123027202":
			want = centralapi.OrderCancelled
		}
		if o.State != want {
			t.Fatalf("order %s is %s, want %s", o.NotificationNumber, o.State, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	s := open(t, storePath(t), Options{Demo: true})
	wantProblem(t, do(s, "GET", "/v1/nowhere", nil, nil), centralapi.ProblemNotFound)
	wantProblem(t, do(s, "GET", "/", nil, nil), centralapi.ProblemNotFound)
	r := do(s, "DELETE", payPath, nil, nil)
	if wantProblem(t, r, centralapi.ProblemMethodNotAllowed); r.header.Get("Allow") != "POST" {
		t.Fatalf("Allow: %q", r.header.Get("Allow"))
	}
	wantProblem(t, do(s, "POST", payPath, map[string]string{"Content-Type": "text/plain"}, []byte(`{}`)), centralapi.ProblemUnsupportedMedia)
	wantProblem(t, do(s, "POST", payPath, map[string]string{"Content-Encoding": "gzip"}, []byte(`{}`)), centralapi.ProblemUnsupportedCoding)
	long := append([]byte(`{"a":"`), []byte(strings.Repeat("x", centralapi.MaxBody))...)
	r = do(s, "POST", payPath, map[string]string{"Idempotency-Key": `"key-00000001"`}, long)
	wantProblem(t, r, centralapi.ProblemTooLarge)
	r = do(s, "POST", payPath, map[string]string{"Idempotency-Key": `"key-00000001"`}, []byte(`{"secret":"4169`))
	if strings.Contains(string(r.body), "4169") {
		t.Fatalf("input is repeated: %s", r.body)
	}
	wantProblem(t, do(s, "GET", "/v1/terminals/a%00b/head", nil, nil), centralapi.ProblemMalformed)
	var st centralapi.ServerTime
	if r := do(s, "GET", "/v1/time", nil, nil); json.Unmarshal(r.body, &st) != nil || st.UnixMs != noon.UnixMilli() {
		t.Fatalf("time: %s", r.body)
	}
}

// killed is what a Probe panics with.
type killed struct{ step string }

// Killed at any step of what must happen once, and started again, central does it
// once: the client repeats what was not answered.
func TestKilledBetweenSteps(t *testing.T) {
	steps := []string{StepHeadRead, StepRows, StepEffects, StepHead, StepCommitted, StepKey, StepDone, StepDurable}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			path := storePath(t)
			armed, hit := true, false
			o := Options{Demo: true, Probe: func(at string) {
				if armed && at == step {
					armed, hit = false, true
					panic(killed{at})
				}
			}}
			s := open(t, path, o)
			insist := func(request func(http.Handler) reply) (r reply) {
				for range 2 {
					died := func() (died bool) {
						defer func() {
							if k, ok := recover().(killed); ok {
								died = k.step == step
							}
						}()
						r = request(s)
						return false
					}()
					if !died {
						return r
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = open(t, path, o)
				}
				t.Fatal("died twice")
				return r
			}
			c := newChain()
			c.sale(1)
			c.sale(2)
			first := insist(func(h http.Handler) reply { return pay(h, "key-00000001", "123027172", 1800) })
			outcome(t, first)
			outcome(t, insist(func(h http.Handler) reply { return pay(h, "key-00000002", "200000015", 700) }))
			for _, b := range [][2]int{{1, 10}, {11, 16}} {
				if r := insist(func(h http.Handler) reply { return upload(h, c.batch(b[0], b[1])) }); r.status != 200 {
					t.Fatalf("status %d: %s", r.status, r.body)
				}
			}
			if !hit {
				t.Fatal("the step was never reached")
			}
			st := stateOfServer(t, s)
			want := centralapi.Sums{Stacked: 4000, Posted: 3600, Commission: 100, Leftover: 300}
			if st.Terminals[0].Ledger["AZN"] != want || st.Terminals[0].Records != 16 || len(st.Payments) != 2 || len(st.Incidents) != 0 {
				t.Fatalf("got %+v, %+v, %+v", st.Terminals, st.Payments, st.Incidents)
			}
			if again := pay(s, "key-00000001", "123027172", 1800); string(again.body) != string(first.body) {
				t.Fatalf("answer changed: %s, first %s", again.body, first.body)
			}
		})
	}
}

func TestForeignStore(t *testing.T) {
	path := storePath(t)
	s := open(t, path, Options{})
	if _, err := Open(path, Options{}); err == nil {
		t.Fatal("two servers on one store")
	}
	s.Close()
	if _, err := Open("/dev/null/none", Options{}); err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}
