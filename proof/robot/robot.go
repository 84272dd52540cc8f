// Package robot is a person at a running terminal: it opens the screen's
// websocket as the page does, reads what is shown, taps what a person would tap,
// and pushes banknotes into the bench. It knows nothing of the daemon but its
// wire, and goes on when the daemon dies and returns.
package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/gorilla/websocket"
)

// Terminal is where a running terminal is found.
type Terminal struct {
	Screen  string `json:"screen"`  // host:port of the screen
	Bench   string `json:"bench"`   // host:port of the bench
	Central string `json:"central"` // host:port of central
	Token   string `json:"token"`
}

// Page is a connection to the screen. One goroutine reads; it ends with Close.
type Page struct {
	conn *websocket.Conn
	in   chan wire.Envelope // closed when the connection is lost
	id   uint64
	// State is what was shown last.
	State wire.State
}

var errGone = errors.New("the screen is gone")

func (p *Page) read() {
	defer close(p.in)
	for {
		var m wire.Envelope
		_ = p.conn.SetReadDeadline(time.Now().Add(6 * time.Second))
		if p.conn.ReadJSON(&m) != nil {
			return
		}
		p.in <- m
	}
}

// Open connects and says hello, trying again until ctx ends.
func (t Terminal) Open(ctx context.Context) (*Page, error) {
	for {
		p, err := t.open(ctx)
		if err == nil {
			return p, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("the screen does not answer: %w", errors.Join(ctx.Err(), err))
		}
	}
}

func (t Terminal) open(ctx context.Context) (*Page, error) {
	c, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+t.Screen+"/wire", http.Header{"Origin": {"http://" + t.Screen}})
	if err != nil {
		return nil, err
	}
	p := &Page{conn: c, in: make(chan wire.Envelope, 256)}
	go p.read()
	if err := p.send(wire.NameHello, wire.Hello{Token: t.Token, Contract: wire.Contract}); err != nil {
		p.Close()
		return nil, err
	}
	for p.State.Contract == 0 {
		if _, err := p.Next(5 * time.Second); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// Close leaves the screen.
func (p *Page) Close() {
	_ = p.conn.Close()
	for range p.in { // until the reader has ended
	}
}

func (p *Page) send(name string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	p.id++
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second))
	return p.conn.WriteJSON(wire.Envelope{Header: wire.Header{Type: wire.TypeCommand, Name: name, Version: wire.MessageVersion, RequestID: p.id}, Payload: b})
}

// Tap sends a command for the screen that is shown.
func (p *Page) Tap(name string, c wire.Command) error {
	c.StepSeq = p.State.StepSeq
	return p.send(name, c)
}

// Press sends one key of a secret: a character, "erase" or "clear".
func (p *Page) Press(field, key string) error {
	return p.send(wire.NameSecretKey, map[string]any{"step_seq": p.State.StepSeq, "field": field, "key": key})
}

// Await takes in messages until the state is as wanted.
func (p *Page) Await(ctx context.Context, what string, wanted func(wire.State) bool) error {
	for !wanted(p.State) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s did not come (the screen shows %s): %w", what, p.State.Visit.Step, err)
		}
		if _, err := p.Next(100 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Next takes in the next message; changed tells whether it was a new state.
// Nothing within wait is no error.
func (p *Page) Next(wait time.Duration) (changed bool, err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, nil
	case m, ok := <-p.in:
		switch {
		case !ok:
			return false, errGone
		case m.Header.Name == wire.NameState:
			var whole wire.State // a fresh one: what a state leaves out is gone
			err := json.Unmarshal(m.Payload, &whole)
			p.State = whole
			return true, err
		case m.Header.Name == wire.NameBeat:
			return false, p.send(wire.NameBeat, struct{}{})
		case m.Header.Name == wire.NameHello && m.Header.CompletionCode != "success":
			return false, fmt.Errorf("the screen refuses: %s", m.Header.ErrorDescription)
		}
		return false, nil
	}
}

// BenchDo performs an action at the bench: POST path with a JSON body.
func (t Terminal) BenchDo(ctx context.Context, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.Bench+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("bench %s: %s: %s", path, resp.Status, answer)
	}
	return nil
}

// Get reads JSON from one of the programs.
func Get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 8<<20)).Decode(into)
}

// Payment is what a person came to do.
type Payment struct {
	Number string
	Notes  []int64 // manat
	Snatch bool    // cancels while the first note is being drawn in
}

// pause is how long a person waits before pushing a note in (again).
const pause = 700 * time.Millisecond

// Pay walks through the payment until the farewell or a notice has been read and
// left, whatever dies meanwhile, and returns what the person was told.
func (t Terminal) Pay(ctx context.Context, pay Payment) (told *wire.Outcome, err error) {
	notes := pay.Notes
	var page *Page
	defer func() {
		if page != nil {
			page.Close()
		}
	}()
	begun := false
	var lastSeq uint64
	var lastTap time.Time
	inserted := time.Time{}
	for ctx.Err() == nil {
		if page == nil {
			if page, err = t.Open(ctx); err != nil {
				return told, err
			}
			lastSeq = 0
		}
		s := page.State
		tap := func(name string, c wire.Command) {
			if s.StepSeq == lastSeq && time.Since(lastTap) < 2*time.Second && name != wire.NameInput && name != wire.NameNext {
				return
			}
			if time.Since(lastTap) < 60*time.Millisecond {
				return
			}
			lastSeq, lastTap = s.StepSeq, time.Now()
			_ = page.Tap(name, c)
		}
		switch s.Visit.Step {
		case wire.StepAttract:
			if begun {
				return told, nil
			}
			if len(s.Visit.Services) > 0 && s.Visit.Services[0].Available {
				tap(wire.NameStart, wire.Command{Lang: wire.LangAz})
			}
		case wire.StepLanguage:
			tap(wire.NameLanguage, wire.Command{Lang: wire.LangAz})
		case wire.StepServices:
			if len(s.Visit.Services) > 0 && s.Visit.Services[0].Available {
				tap(wire.NameService, wire.Command{Service: s.Visit.Services[0].ID})
			}
		case wire.StepForm:
			begun = true
			if f := s.Visit.Form.Fields[0]; f.Value != pay.Number {
				tap(wire.NameInput, wire.Command{Field: f.Name, Value: pay.Number})
			} else {
				tap(wire.NameNext, wire.Command{})
			}
		case wire.StepQuote, wire.StepPresent:
			tap(wire.NameNext, wire.Command{})
		case wire.StepPay:
			m := s.Money
			switch {
			case pay.Snatch && m.Moving != nil:
				tap(wire.NameCancel, wire.Command{})
			case m.CanFinish:
				tap(wire.NameFinish, wire.Command{Key: fmt.Sprintf("finish-%d", s.StepSeq)})
			case m.Open && m.Moving == nil && m.Missing.IsPositive() && m.Count < len(notes) && time.Since(inserted) > pause:
				// A unit that is not ready for it leaves the note in the person's hand:
				// what has been counted says which note is next.
				_ = t.BenchDo(ctx, "/api/notes", map[string]any{"denomination": notes[m.Count]})
				inserted = time.Now()
			case m.Count >= len(notes) && m.Moving == nil && time.Since(inserted) > 8*time.Second:
				tap(wire.NameCancel, wire.Command{})
			}
		case wire.StepNotice, wire.StepFarewell:
			begun = true
			told = s.Visit.Outcome
			tap(wire.NameNext, wire.Command{})
		}
		if _, err := page.Next(100 * time.Millisecond); err != nil {
			page.Close()
			page = nil
		}
	}
	return told, fmt.Errorf("the visit did not come to its end: %w (at step %v)", ctx.Err(), lastSeq)
}
