package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// Events of a person's operation history.
const (
	eventSignedIn  = "signed_in"
	eventUsed      = "used"
	eventSignedOut = "signed_out"
)

func checkEvent(body []byte) error {
	var b centralapi.IdentityEvent
	word := func(s string) bool { return s == "" || validName(s) }
	ok := json.Unmarshal(body, &b) == nil && full(b.Session, maxOpaque) && !b.At.IsZero() && full(b.Terminal, maxOpaque) &&
		word(b.Method) && word(b.Level) && word(deref(b.Service)) && word(deref(b.Why))
	switch b.Event {
	case eventSignedIn, eventUsed, eventSignedOut:
	default:
		ok = false
	}
	if !ok {
		return refuse(centralapi.ProblemBodyInvalid, "")
	}
	return nil
}

// enter writes an event into the person's operation history. One of a session that
// is not known, or is another terminal's, is entered without a person: the
// terminal's record must not wait for ours.
func (s *Server) enter(tx *bolt.Tx, terminal, _ string, body []byte) (out centralapi.ActionOutcome, err error) {
	var b centralapi.IdentityEvent
	if err := json.Unmarshal(body, &b); err != nil {
		return out, fmt.Errorf("event: %w", err)
	}
	now := s.now()
	e := centralapi.HistoryEntry{Event: b.Event, Method: b.Method, Level: b.Level, Service: b.Service, Why: b.Why, Terminal: b.Terminal, At: b.At, Received: now}
	t, ok, err := get[tie](tx.Bucket(bTies), sessionKey(b.Session))
	switch {
	case err != nil:
		return out, fmt.Errorf("session's owner: %w", err)
	case ok && t.Terminal != terminal:
		t = tie{}
	case ok: // how the person came in is what central saw
		e.Method, e.Level = t.Method, t.Level
	}
	history := tx.Bucket(bHistory)
	n, err := history.NextSequence()
	if err != nil {
		return out, fmt.Errorf("history: %w", err)
	}
	if err := put(history, binary.BigEndian.AppendUint64(own(t.FIN, ""), n), e); err != nil {
		return out, fmt.Errorf("history: %w", err)
	}
	if b.Event == eventSignedOut {
		// Even if this transaction comes to nothing: whoever is told to go is gone.
		s.desk.End(now, terminal, b.Session)
	}
	return centralapi.ActionOutcome{Status: statusDone, At: &now}, nil
}

// shownEntries is how many of the latest entries GetHistory gives.
const shownEntries = 200

// GetHistory is a person's operation history, or what belongs to nobody.
func (s *Server) GetHistory(_ context.Context, r centralapi.GetHistoryRequestObject) (centralapi.GetHistoryResponseObject, error) {
	h := centralapi.History{Entries: []centralapi.HistoryEntry{}}
	err := s.db.View(func(tx *bolt.Tx) error {
		prefix := own(deref(r.Params.Fin), "")
		c := tx.Bucket(bHistory).Cursor()
		step := c.Prev
		if k, _ := c.Seek(append(bytes.Clone(prefix), bytes.Repeat([]byte{0xff}, 9)...)); k == nil {
			step = c.Last
		}
		for k, v := step(); bytes.HasPrefix(k, prefix) && len(h.Entries) < shownEntries; k, v = c.Prev() {
			var e centralapi.HistoryEntry
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("history: %w", err)
			}
			h.Entries = append(h.Entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return centralapi.GetHistory200JSONResponse(h), nil
}
