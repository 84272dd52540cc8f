package screen_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/gorilla/websocket"
)

const token = "0123456789abcdef012345"

type rig struct {
	t      *testing.T
	screen *screen.Screen
	srv    *httptest.Server
	host   string
	heard  chan wire.Command
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, heard: make(chan wire.Command, 10)}
	r.srv = httptest.NewUnstartedServer(nil)
	r.host = r.srv.Listener.Addr().String()
	r.screen = screen.New(screen.Options{Token: token, Hosts: []string{r.host}, Log: slog.New(slog.DiscardHandler),
		Page: fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>page</title>")}},
		Commands: func(_ context.Context, name string, c wire.Command) error {
			if name == wire.NameBack {
				return errors.New("not here")
			}
			if name == wire.NameInput {
				r.screen.Publish(wire.State{StepSeq: c.StepSeq})
				return nil
			}
			r.heard <- c
			return nil
		}})
	r.srv.Config.Handler = r.screen
	r.srv.Start()
	t.Cleanup(r.srv.Close)
	r.screen.Publish(wire.State{Visit: wire.Visit{Step: wire.StepAttract}})
	return r
}

func (r *rig) dial(origin string) (*websocket.Conn, *http.Response, error) {
	return websocket.DefaultDialer.Dial("ws://"+r.host+"/wire", http.Header{"Origin": {origin}})
}

func (r *rig) connect() *websocket.Conn {
	r.t.Helper()
	c, _, err := r.dial("http://" + r.host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, c *websocket.Conn, name string, id uint64, payload any) {
	t.Helper()
	b, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteJSON(wire.Envelope{Header: wire.Header{Type: wire.TypeCommand, Name: name, Version: wire.MessageVersion, RequestID: id}, Payload: b}); err != nil {
		t.Fatal(err)
	}
}

// next reads until a message that want accepts comes, for as long as a busy machine may
// take.
func next(t *testing.T, c *websocket.Conn, what string, want func(wire.Envelope) bool) wire.Envelope {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		var m wire.Envelope
		if err := c.ReadJSON(&m); err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		if want(m) {
			return m
		}
	}
}

func named(kind wire.MessageType, name string) func(wire.Envelope) bool {
	return func(m wire.Envelope) bool { return m.Header.Type == kind && m.Header.Name == name }
}

func TestWholeStateOnConnectThenChanges(t *testing.T) {
	r := newRig(t)
	c := r.connect()
	send(t, c, wire.NameHello, 1, wire.Hello{Token: token, Contract: wire.Contract})
	m := next(t, c, "the whole state", named(wire.TypeUnsolicited, wire.NameState))
	var s wire.State
	if err := json.Unmarshal(m.Payload, &s); err != nil || s.Visit.Step != wire.StepAttract || s.Seq == 0 {
		t.Fatalf("first state %s", m.Payload)
	}
	r.screen.Publish(wire.State{Visit: wire.Visit{Step: wire.StepAttract}}) // the same: nothing is sent
	r.screen.Publish(wire.State{Visit: wire.Visit{Step: wire.StepLanguage}})
	m = next(t, c, "the change", named(wire.TypeUnsolicited, wire.NameState))
	var s2 wire.State
	if err := json.Unmarshal(m.Payload, &s2); err != nil || s2.Visit.Step != wire.StepLanguage || s2.Seq != s.Seq+1 {
		t.Fatalf("second state %s", m.Payload)
	}
}

func TestCommandIsAcknowledgedThenCompleted(t *testing.T) {
	r := newRig(t)
	c := r.connect()
	send(t, c, wire.NameHello, 1, wire.Hello{Token: token, Contract: wire.Contract})
	send(t, c, wire.NameStart, 2, wire.Command{StepSeq: 4, Lang: wire.LangRu})
	next(t, c, "acknowledge", named(wire.TypeAcknowledge, wire.NameStart))
	if m := next(t, c, "completion", named(wire.TypeCompletion, wire.NameStart)); m.Header.CompletionCode != "success" || m.Header.RequestID != 2 {
		t.Errorf("completion %+v", m.Header)
	}
	if got := <-r.heard; got.StepSeq != 4 || got.Lang != wire.LangRu {
		t.Errorf("heard %+v", got)
	}
	send(t, c, wire.NameBack, 3, wire.Command{})
	if m := next(t, c, "refusal", named(wire.TypeCompletion, wire.NameBack)); m.Header.CompletionCode != "sequenceError" {
		t.Errorf("completion %+v", m.Header)
	}
	send(t, c, wire.NameStart, 3, wire.Command{}) // an id again
	if m := next(t, c, "refusal", named(wire.TypeAcknowledge, wire.NameStart)); m.Header.Status != "invalidRequestID" {
		t.Errorf("acknowledge %+v", m.Header)
	}
}

// The page knows with the answer what came of a command: its state is there before.
func TestStateComesBeforeTheCompletion(t *testing.T) {
	r := newRig(t)
	c := r.connect()
	send(t, c, wire.NameHello, 1, wire.Hello{Token: token, Contract: wire.Contract})
	var shown uint64
	for i := range uint64(40) {
		want := 100 + i
		send(t, c, wire.NameInput, 2+i, wire.Command{StepSeq: want})
		next(t, c, "completion", func(m wire.Envelope) bool {
			if named(wire.TypeUnsolicited, wire.NameState)(m) {
				var s wire.State
				if err := json.Unmarshal(m.Payload, &s); err != nil {
					t.Fatal(err)
				}
				shown = s.StepSeq
			}
			return named(wire.TypeCompletion, wire.NameInput)(m)
		})
		if shown != want {
			t.Fatalf("command %d is completed and the page was sent state %d", want, shown)
		}
	}
}

func TestWhoIsRefused(t *testing.T) {
	r := newRig(t)
	if _, resp, err := r.dial("http://evil.example"); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Error("a foreign origin was let in")
	}
	for name, hello := range map[string]any{"wrong token": wire.Hello{Token: "x"}, "no token": wire.Hello{}} {
		t.Run(name, func(t *testing.T) {
			c := r.connect()
			send(t, c, wire.NameHello, 1, hello)
			if m := next(t, c, "refusal", named(wire.TypeCompletion, wire.NameHello)); m.Header.CompletionCode != "authorizationRequired" {
				t.Errorf("%+v", m.Header)
			}
		})
	}
	t.Run("anything before Hello", func(t *testing.T) {
		c := r.connect()
		send(t, c, wire.NameStart, 1, wire.Command{})
		if m := next(t, c, "refusal", named(wire.TypeCompletion, wire.NameHello)); m.Header.CompletionCode != "invalidCommand" {
			t.Errorf("%+v", m.Header)
		}
		if len(r.heard) != 0 {
			t.Error("the command was carried out")
		}
	})
	t.Run("second page", func(t *testing.T) {
		a, b := r.connect(), r.connect()
		send(t, a, wire.NameHello, 1, wire.Hello{Token: token})
		next(t, a, "state", named(wire.TypeUnsolicited, wire.NameState))
		send(t, b, wire.NameHello, 1, wire.Hello{Token: token})
		if m := next(t, b, "refusal", named(wire.TypeCompletion, wire.NameHello)); m.Header.CompletionCode != "sequenceError" {
			t.Errorf("%+v", m.Header)
		}
	})
	t.Run("too much", func(t *testing.T) {
		c := r.connect()
		_ = c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 300<<10)))
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, _, err := c.ReadMessage(); err == nil {
			t.Error("300 KiB were taken")
		}
	})
}

func TestPageIsServedUnderItsPolicy(t *testing.T) {
	r := newRig(t)
	for host, want := range map[string]int{r.host: 200, "rebound.example:80": 403} {
		req, _ := http.NewRequest("GET", r.srv.URL+"/", nil)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("host %s: %d", host, resp.StatusCode)
		}
		if p := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("policy %q", p)
		}
	}
}
