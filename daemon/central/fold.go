package central

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// openAction is an intent without a result.
type openAction struct {
	Visit   string          `json:"visit,omitempty"`
	Name    string          `json:"name"`
	Body    json.RawMessage `json:"body"`
	Seq     uint64          `json:"seq"`               // of the intent
	Waiting bool            `json:"waiting,omitempty"` // its visit has not ended
}

// folded is the Courier's state that the records alone decide.
type folded struct {
	Seq  uint64                 `json:"seq"` // last record seen
	Open map[string]*openAction `json:"open,omitempty"`
}

// Name is "central".
func (c *Courier) Name() string { return "central" }

// Apply takes one record into account. It may come from another goroutine than
// the inputs (a checkpoint is written by the journal itself).
func (c *Courier) Apply(r journal.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fold.Seq = r.Seq
	if flushAtOnce[r.Kind] {
		c.urgent = r.Seq
	}
	switch r.Kind {
	case record.PaymentIntent{}.Kind():
		b, err := decode[record.PaymentIntent](r)
		if err != nil {
			return err
		}
		c.opened(r, b.Action, b.Body)
	case record.ActionIntent{}.Kind():
		b, err := decode[record.ActionIntent](r)
		if err != nil {
			return err
		}
		c.opened(r, b.Action, b.Body)
	case record.ActionResult{}.Kind():
		delete(c.fold.Open, r.Key)
	case record.VisitEnded{}.Kind():
		for _, a := range c.fold.Open {
			if a.Visit == r.Visit {
				a.Waiting = false
			}
		}
	}
	return nil
}

func (c *Courier) opened(r journal.Record, name string, body json.RawMessage) {
	if r.Key == "" {
		return // without a key it cannot be sent once; nobody writes such an intent
	}
	if c.fold.Open == nil {
		c.fold.Open = map[string]*openAction{}
	}
	c.fold.Open[r.Key] = &openAction{Visit: r.Visit, Name: name, Body: body, Seq: r.Seq, Waiting: r.Visit != ""}
}

func decode[T record.Body](r journal.Record) (T, error) {
	var b T
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return b, fmt.Errorf("central: record %d (%s): %w", r.Seq, r.Kind, err)
	}
	return b, nil
}

// Save writes the state for a checkpoint.
func (c *Courier) Save() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(&c.fold)
}

// Load takes up a saved state.
func (c *Courier) Load(b json.RawMessage) error {
	var f folded
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("central: load: %w", err)
	}
	for key, a := range f.Open {
		if key == "" || a == nil {
			return fmt.Errorf("central: load: an open action is not whole")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fold = f
	return nil
}

// flushAtOnce are the kinds that do not wait for company: money, what is done in
// the world, and who is at the cabinet.
var flushAtOnce = func() map[record.Kind]bool {
	m := map[record.Kind]bool{}
	for _, b := range []record.Body{
		record.NoteStacked{}, record.NoteReturned{}, record.NoteInDoubt{}, record.NoteLaidAside{}, record.TenderClosed{}, record.PaymentIntent{}, record.ActionIntent{},
		record.ActionResult{}, record.LeftoverIssued{}, record.Unassigned{}, record.PeriodOpened{}, record.CassetteClosed{},
		record.PanelChanged{}, record.PanelLost{}, record.AlarmRaised{}, record.AlarmCleared{}, record.ServiceEntered{}, record.ServiceOut{},
	} {
		m[b.Kind()] = true
	}
	return m
}()

// keyed is an open action with its key.
type keyed struct {
	key string
	openAction
}

// openActions are copies of the open actions: those first for which a person
// waits, then the oldest.
func (c *Courier) openActions() []keyed {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]keyed, 0, len(c.fold.Open))
	for _, key := range slices.Sorted(maps.Keys(c.fold.Open)) {
		out = append(out, keyed{key, *c.fold.Open[key]})
	}
	slices.SortStableFunc(out, func(a, b keyed) int {
		if a.Waiting != b.Waiting {
			if a.Waiting {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Seq, b.Seq)
	})
	return out
}

func (c *Courier) openAction(key string) (openAction, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.fold.Open[key]; a != nil {
		return *a, true
	}
	return openAction{}, false
}

// journalHead is the last record, and the last one that does not wait.
func (c *Courier) journalHead() (seq, urgent uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fold.Seq, c.urgent
}
