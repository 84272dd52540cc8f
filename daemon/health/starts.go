package health

import (
	"encoding/json"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// Starts is the fold over the daemon's lives.
type Starts struct{ s starts }

type starts struct {
	Starts  uint64 `json:"starts"`
	Unclean uint64 `json:"unclean"` // starts after a life that did not end in order
	Running bool   `json:"running"` // a life has begun and not ended
}

// NewStarts is the fold of an empty journal.
func NewStarts() *Starts { return &Starts{} }

// Name is "health".
func (l *Starts) Name() string { return "health" }

// Save writes the state for a checkpoint.
func (l *Starts) Save() (json.RawMessage, error) { return json.Marshal(l.s) }

// Load takes up a saved state.
func (l *Starts) Load(b json.RawMessage) error {
	l.s = starts{}
	return json.Unmarshal(b, &l.s)
}

// Apply takes one record into account.
func (l *Starts) Apply(r journal.Record) error {
	switch r.Kind {
	case record.Started{}.Kind():
		l.s.Starts++
		if l.s.Running {
			l.s.Unclean++
		}
		l.s.Running = true
	case record.Stopped{}.Kind():
		l.s.Running = false
	}
	return nil
}

// Count is how often the daemon was started, and how often after a life that did
// not end in order: a kill, a loss of power.
func (l *Starts) Count() (all, unclean uint64) { return l.s.Starts, l.s.Unclean }
