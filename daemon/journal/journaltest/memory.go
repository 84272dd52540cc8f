// Package journaltest is the journal's twin for unit tests: records in memory,
// numbered and applied to folds like real ones, with nothing durable about them.
package journaltest

import (
	"encoding/json"
	"fmt"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// Memory is a journal in memory.
type Memory struct {
	Records []journal.Record
	Folds   []journal.Fold
	// Cut, if not nil, is asked before each record; true ends the test's world
	// there (Append panics with Killed).
	Cut func(journal.Draft) bool
}

// Killed is what Append panics with at a cut.
type Killed struct{}

// Append numbers the drafts and applies them to the folds.
func (m *Memory) Append(drafts ...journal.Draft) {
	for _, d := range drafts {
		if m.Cut != nil && m.Cut(d) {
			panic(Killed{})
		}
		b, err := json.Marshal(d.Body)
		if err != nil {
			panic(fmt.Sprintf("journaltest: %v", err))
		}
		r := journal.Record{V: 1, Seq: uint64(len(m.Records) + 1), Kind: d.Body.Kind(), Visit: d.Visit, Key: d.Key, Body: b}
		m.Records = append(m.Records, r)
		for _, f := range m.Folds {
			if err := f.Apply(r); err != nil {
				panic(fmt.Sprintf("journaltest: %v", err))
			}
		}
	}
}

// Count counts the records of a kind.
func (m *Memory) Count(k record.Kind) int {
	n := 0
	for _, r := range m.Records {
		if r.Kind == k {
			n++
		}
	}
	return n
}

// Last is the body of the latest record of B's kind, and whether there is one.
func Last[B record.Body](m *Memory) (B, bool) {
	var b B
	for i := len(m.Records) - 1; i >= 0; i-- {
		if m.Records[i].Kind == b.Kind() {
			if err := json.Unmarshal(m.Records[i].Body, &b); err != nil {
				panic(fmt.Sprintf("journaltest: %v", err))
			}
			return b, true
		}
	}
	return b, false
}
