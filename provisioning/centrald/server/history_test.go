package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

var quiet = slog.New(slog.DiscardHandler)

const eventPath = "/actions/identity.event"

func (l *login) event(terminal, key string, body m) reply {
	l.t.Helper()
	whole := m{"terminal": "AZ-0001", "at": l.now, "method": "fin_password", "level": "low"}
	for k, v := range body {
		whole[k] = v
	}
	raw, err := json.Marshal(whole)
	if err != nil {
		l.t.Fatal(err)
	}
	return do(l, "POST", "/v1/terminals/"+terminal+eventPath, map[string]string{"Idempotency-Key": `"` + key + `"`}, raw)
}

func (l *login) history(fin string) (lines []string) {
	l.t.Helper()
	var h centralapi.History
	r := do(l, "GET", "/demo/v1/history?fin="+fin, nil, nil)
	if r.status != 200 || json.Unmarshal(r.body, &h) != nil {
		l.t.Fatalf("status %d: %s", r.status, r.body)
	}
	for _, e := range h.Entries {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(e.Event, " ", e.Method, " ", e.Level, " ", deref(e.Service), deref(e.Why))))
	}
	return lines
}

// All four events come into the person's history once, however late, and signing
// out ends the session.
func TestHistory(t *testing.T) {
	l := newLogin(t, nil)
	s := l.password().Session
	other := l.card("esign_card", l.esign.Issue(identitytest.ECKey(), nil)).Session
	for range 3 {
		for i, body := range []m{
			{"event": "signed_in"},
			{"event": "used", "service": "mygov"},
			{"event": "signed_out", "why": "finished"},
		} {
			body["session"] = s.Id
			if o := outcome(t, l.event(terminalID, fmt.Sprintf("event-%05d", i), body)); o.Status != "done" {
				t.Fatalf("%+v", o)
			}
		}
	}
	if got := fmt.Sprint(l.history("5ABC3T7")); got != "[signed_out fin_password low finished used fin_password low mygov signed_in fin_password low]" {
		t.Fatal(got)
	}
	if h := l.ask("mygov.payments", m{"session": s.Id}); h.brief() != "blocked session_ended" {
		t.Fatal(h.brief())
	}
	if h := l.ask("mygov.payments", m{"session": other.Id}); h.brief() != "found" {
		t.Fatal(h.brief())
	}

	// What central saw counts, and another terminal has no say in it.
	outcome(t, l.event("elsewhere", "event-00010", m{"event": "signed_out", "session": other.Id}))
	if h := l.ask("mygov.payments", m{"session": other.Id}); h.brief() != "found" {
		t.Fatal("another terminal has ended it")
	}
	outcome(t, l.event(terminalID, "event-00011", m{"event": "signed_in", "session": other.Id}))
	if got := l.history("5ABC3T7"); len(got) != 4 || got[0] != "signed_in esign_card high" {
		t.Fatalf("%q", got)
	}
	outcome(t, l.event(terminalID, "event-00012", m{"event": "used", "session": "never-heard-of", "service": "mygov"}))
	if got := fmt.Sprint(l.history("")); got != "[used fin_password low mygov signed_out fin_password low]" {
		t.Fatal(got)
	}

	// A terminal that was offline reports long after the session, to a central that
	// was started anew.
	path := l.db.Path()
	l.Close()
	l.now = noon.Add(29 * 24 * time.Hour)
	l.Server = open(t, path, Options{Demo: true, Now: func() time.Time { return l.now }})
	outcome(t, l.event(terminalID, "event-00020", m{"event": "signed_out", "session": other.Id, "why": "restarted", "at": noon}))
	if got := l.history("5ABC3T7"); len(got) != 5 || got[0] != "signed_out esign_card high restarted" {
		t.Fatalf("%q", got)
	}
	if got := l.history("7KM2P9Q"); len(got) != 0 {
		t.Fatalf("%q", got)
	}
	l.Close()
	l.now = noon.Add(tiedFor + time.Hour)
	l.Server = open(t, path, Options{Demo: true, Now: func() time.Time { return l.now }})
	outcome(t, l.event(terminalID, "event-00021", m{"event": "used", "session": other.Id}))
	if got := l.history("5ABC3T7"); len(got) != 5 {
		t.Fatalf("%q", got)
	}
}

func TestEventBodies(t *testing.T) {
	l := newLogin(t, nil)
	for name, body := range map[string]m{
		"no session":           {"event": "signed_in"},
		"another event":        {"event": "slept", "session": "s"},
		"a long session":       {"event": "used", "session": strings.Repeat("s", 65)},
		"no time":              {"event": "used", "session": "s", "at": nil},
		"a reason with spaces": {"event": "signed_out", "session": "s", "why": "the person was bored"},
		"no terminal":          {"event": "used", "session": "s", "terminal": ""},
	} {
		if r := l.event(terminalID, "event-00001", body); r.problem(t).Type != centralapi.ProblemBodyInvalid {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if got := l.history(""); len(got) != 0 {
		t.Fatalf("%q", got)
	}
}

// Killed at any step, an event is in the history once.
func TestEventOnce(t *testing.T) {
	for _, step := range []string{StepKey, StepDone, StepDurable} {
		t.Run(step, func(t *testing.T) {
			armed := true
			l := newLogin(t, func(o *Options) {
				o.Probe = func(at string) {
					if armed && at == step {
						armed = false
						panic(killed{at})
					}
				}
			})
			s := l.card("esign_card", l.esign.Issue(identitytest.ECKey(), nil)).Session
			send := func() (r reply) { return l.event(terminalID, "event-00001", m{"event": "signed_in", "session": s.Id}) }
			func() {
				defer func() {
					if k, ok := recover().(killed); !ok || k.step != step {
						t.Fatal("not killed")
					}
				}()
				send()
			}()
			first := outcome(t, send())
			if again := outcome(t, send()); again.Status != "done" || !again.At.Equal(*first.At) {
				t.Fatalf("%+v, first %+v", again, first)
			}
			if got := l.history("5ABC3T7"); len(got) != 1 {
				t.Fatalf("%q", got)
			}
		})
	}
}

// Nothing that identifies or lets anybody in is in the log or in an error, and no
// secret is in the store, whatever happens on the way.
func TestNothingLeaks(t *testing.T) {
	var log bytes.Buffer
	var bodies bytes.Buffer // of refusals
	l := newLogin(t, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // its digits are like a code's
			}
			return a
		}}))
		o.Rand = rand.NewChaCha8([32]byte{}) // the same codes each time
	})
	l.Server.o.Trust = nil // a card's issuer is not known
	secret := []string{}
	keep := func(s ...string) {
		for _, x := range s {
			if x == "" {
				t.Fatal("nothing to look for")
			}
			secret = append(secret, x)
		}
	}
	card := l.esign.Issue(identitytest.ECKey(), nil)
	c := l.challenge("esign_card")
	token := card.Token(t, DefaultOrigin, c.Nonce)
	var parts map[string]string
	if err := json.Unmarshal(token, &parts); err != nil {
		t.Fatal(err)
	}
	keep(c.Attempt, c.Nonce, parts["signature"], parts["unverifiedCertificate"][:60])
	if h := l.ask("login.card", m{"attempt": c.Attempt, "token": json.RawMessage(token)}); h.brief() != "blocked cert_unknown" {
		t.Fatal(h.brief())
	}
	const wrong = "MarkerPassword-4169"
	keep(wrong, "Salam123!")
	for range 6 {
		l.ask("login.password", m{"fin": "7KM2P9Q", "password": wrong})
	}
	h := l.ask("login.password", m{"fin": "5ABC3T7", "password": "Salam123!"})
	code := sixDigits.FindString(l.phone().Sms[0].Text)
	keep(h.Attempt, code)
	l.ask("login.otp", m{"attempt": h.Attempt, "otp": "995511"})
	keep("995511")
	s := l.ask("login.otp", m{"attempt": h.Attempt, "otp": code}).Session
	a := l.asan("confirm").Session
	keep(s.Id, a.Id)
	outcome(t, l.event(terminalID, "event-00001", m{"event": "signed_in", "session": s.Id}))
	outcome(t, l.event(terminalID, "event-00002", m{"event": "signed_out", "session": s.Id}))
	wantProblem(t, l.event(terminalID, "event-00002", m{"event": "used", "session": a.Id}), centralapi.ProblemKeyReused)
	for _, body := range []string{`{"fin":"5ABC3T7","password":"` + wrong, `{"fin":"5ABC3T7","password":["` + wrong + `"]}`, `{"attempt":"` + s.Id + `","otp":7}`} {
		for _, kind := range []string{"login.password", "login.otp", "login.card", "nothing"} {
			bodies.Write(do(l, "POST", "/v1/terminals/"+terminalID+"/queries/"+kind, nil, []byte(body)).body)
		}
	}
	store, err := os.ReadFile(l.db.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range secret {
		for where, b := range map[string][]byte{"log": log.Bytes(), "errors": bodies.Bytes(), "store": store} {
			if bytes.Contains(b, []byte(x)) {
				t.Errorf("%q is in the %s", x, where)
			}
		}
	}
	for _, x := range []string{"5ABC3T7", "7KM2P9Q", "AYSEL", "NÜMUNƏ", "ELVİN", "501234567", "12345"} {
		if bytes.Contains(log.Bytes(), []byte(x)) || bytes.Contains(bodies.Bytes(), []byte(x)) {
			t.Errorf("%q is in the log or in an error", x)
		}
	}
	if !bytes.Contains(log.Bytes(), []byte("cert_unknown")) {
		t.Errorf("the operator learns nothing: %s", log.String())
	}
}
