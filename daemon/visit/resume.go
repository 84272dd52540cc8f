package visit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Var is a value of the visit. Exactly one of its members is meant: Money, or
// Code (left to right, 0-9), or Str.
type Var struct {
	Str   string        `json:"str,omitempty"`
	Code  string        `json:"code,omitempty"`
	Money *money.Amount `json:"money,omitempty"`
}

func (v Var) text() string {
	switch {
	case v.Money != nil:
		return v.Money.String()
	case v.Code != "":
		return v.Code
	}
	return v.Str
}

func (v Var) wire() wire.Val {
	switch {
	case v.Money != nil:
		return wire.Val{Money: v.Money}
	case v.Code != "":
		return wire.Val{Code: &v.Code}
	}
	return wire.Val{Str: &v.Str}
}

// resume is what a restart of the daemon needs and a power loss may take. It
// holds the person's data and goes to the runtime folder only.
type resume struct {
	Visit      string                  `json:"visit"`
	Journey    string                  `json:"journey"`
	Step       string                  `json:"step"`
	Service    string                  `json:"service"`
	Lang       wire.Lang               `json:"lang"`
	Modes      wire.Modes              `json:"modes"`
	Vars       map[string]Var          `json:"vars"`
	Inputs     map[string]string       `json:"inputs"` // as typed
	Active     string                  `json:"active"`
	Problems   map[string]wire.Problem `json:"problems,omitempty"`
	Warned     string                  `json:"warned,omitempty"` // the unusual value that was let pass once
	Amount     money.Amount            `json:"amount"`
	Commission money.Amount            `json:"commission"`
	QuoteUntil time.Time               `json:"quote_until"`
	SubmitBy   time.Time               `json:"submit_by"`
	JobID      string                  `json:"job_id"`
	Code       string                  `json:"code"` // of the leftover voucher
	Document   string                  `json:"document"`
	Reason     wire.Reason             `json:"reason"`
	Returned   bool                    `json:"returned"` // a note was given back
	Lost       bool                    `json:"lost"`
}

func (e *Engine) save() {
	b, err := json.Marshal(e.r)
	if err != nil {
		panic("visit: " + err.Error()) // only plain values are in it
	}
	e.ports.SaveResume(b)
}

// Current is where the visit stands by the journal.
type Current struct {
	ID      string `json:"id"`
	Bundle  string `json:"bundle"`
	Journey string `json:"journey"`
	Step    string `json:"step"`
	// Session is a sign-in that has begun and not ended.
	Session *openSession `json:"session,omitempty"`
}

// Log is the fold of the visits' records.
type Log struct {
	cur *Current
}

// NewLog is the log of an empty journal.
func NewLog() *Log { return &Log{} }

// Name is "visit".
func (l *Log) Name() string { return "visit" }

// Save writes the state for a checkpoint.
func (l *Log) Save() (json.RawMessage, error) { return json.Marshal(l.cur) }

// Load takes up a saved state.
func (l *Log) Load(b json.RawMessage) error {
	l.cur = nil
	return json.Unmarshal(b, &l.cur)
}

// Current is the visit that has not ended, or nil.
func (l *Log) Current() *Current { return l.cur }

// Apply takes one record into account.
func (l *Log) Apply(r journal.Record) error {
	switch r.Kind {
	case record.VisitStarted{}.Kind():
		var b record.VisitStarted
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fmt.Errorf("visit: record %d: %w", r.Seq, err)
		}
		l.cur = &Current{ID: r.Visit, Bundle: b.Bundle}
	case record.VisitMoved{}.Kind():
		var b record.VisitMoved
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fmt.Errorf("visit: record %d: %w", r.Seq, err)
		}
		if l.cur != nil && l.cur.ID == r.Visit {
			l.cur.Journey, l.cur.Step = b.Journey, b.Step
		}
	case record.ActionIntent{}.Kind():
		var b record.ActionIntent
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fmt.Errorf("visit: record %d: %w", r.Seq, err)
		}
		if l.cur != nil && l.cur.ID == r.Visit {
			if err := l.cur.foldSession(b); err != nil {
				return fmt.Errorf("visit: record %d: %w", r.Seq, err)
			}
		}
	case record.VisitEnded{}.Kind():
		if l.cur != nil && l.cur.ID == r.Visit {
			l.cur = nil
		}
	}
	return nil
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// alphabet is Crockford's base 32: no I, L, O, U, so that a code read aloud or
// copied by hand is not mistaken.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func grouped(b []byte, n int) string {
	var s strings.Builder
	for i := range n {
		if i > 0 && i%4 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(alphabet[b[i]&31])
	}
	return s.String()
}

// Reference is the transaction number of a visit: what a person quotes. It
// follows from the visit's id, so that it is the same on every slip, after every
// restart, and can be found again from the journal.
func Reference(visit string) string {
	sum := sha256.Sum256([]byte("reference " + visit))
	return grouped(sum[:], 12)
}
