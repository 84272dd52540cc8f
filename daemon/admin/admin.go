// Package admin is the door between a running kioskd and the technician's
// kioskctl: HTTP with JSON over a Unix socket in the runtime directory. Whoever
// may open the socket (its owner and its group) is authorised; nothing here
// changes anything, and no personal data is in what can be read (package record).
//
//	GET /v1/status             who this is and how far the journal has come
//	GET /v1/health             devices, functions, why it is out of service (health.Report)
//	GET /v1/journal/records    records, one JSON line each, then a line that ends the list
//	GET /v1/journal/verify     a full walk of both copies (journal.Report)
//	GET /v1/journal/equation   the conservation equation, one JSON line for each moment
//
// Everything is bounded: one request's size, the number of requests at a time,
// how long a reader may take over one line, how many records are held in memory.
// An answer that is not 200 is a JSON object with "error" and, where something
// can be done, "hint".
//
// The same walks serve kioskctl on the files of a stopped terminal: Select,
// Equations.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// Status is the answer to /v1/status.
type Status struct {
	Terminal string `json:"terminal"`
	Epoch    uint64 `json:"epoch"`
	Seq      uint64 `json:"seq"`   // last record
	Hash     string `json:"hash"`  // its hash
	Acked    uint64 `json:"acked"` // last record that central has confirmed
}

// Entry is a record as it is listed.
type Entry struct {
	Hash   string         `json:"hash"`
	Record journal.Record `json:"record"`
}

// Filter chooses records.
type Filter struct {
	From  uint64 // first number, 0 for the first record
	Limit int    // most records; 0 for all
	Last  int    // instead of From and Limit: the last so many that match
	Kind  string // "" for all, "note.stacked" for one, "note." for a family
	Visit string // "" for all
}

// MaxLast bounds Filter.Last: so many records are held in memory.
const MaxLast = 10_000

func (f Filter) check() error {
	switch {
	case f.Limit < 0 || f.Last < 0:
		return fmt.Errorf("a negative number of records")
	case f.Last > MaxLast:
		return fmt.Errorf("the last %d records are asked for, the most is %d", f.Last, MaxLast)
	case f.Last > 0 && (f.From > 0 || f.Limit > 0):
		return fmt.Errorf("last excludes from and limit")
	}
	return nil
}

func (f Filter) matches(r journal.Record) bool {
	switch {
	case f.Visit != "" && r.Visit != f.Visit:
		return false
	case strings.HasSuffix(f.Kind, "."):
		return strings.HasPrefix(string(r.Kind), f.Kind)
	}
	return f.Kind == "" || string(r.Kind) == f.Kind
}

type endOfList struct{ error }

// Select gives keep the records that the filter chooses, in order.
func Select(ctx context.Context, src journal.Source, f Filter, keep func(journal.Record) error) error {
	if err := f.check(); err != nil {
		return err
	}
	var last []journal.Record // a ring
	n := 0
	err := src.Walk(ctx, f.From, func(r journal.Record) error {
		if !f.matches(r) {
			return nil
		}
		n++
		if f.Last > 0 {
			if len(last) < f.Last {
				last = append(last, r)
			} else {
				last[(n-1)%f.Last] = r
			}
			return nil
		}
		if err := keep(r); err != nil {
			return err
		}
		if n == f.Limit {
			return endOfList{}
		}
		return nil
	})
	if _, ok := err.(endOfList); ok {
		err = nil
	}
	for i := 0; err == nil && i < len(last); i++ {
		err = keep(last[(n+i)%len(last)])
	}
	return err
}

// Equation is the conservation equation at one moment, as the till computes it.
// Its JSON is the equation's own.
type Equation interface {
	Holds() bool
	fmt.Stringer
}

// Ledger makes a fresh fold, and the function that reads its equation.
type Ledger func() (journal.Fold, func() Equation)

// Moment is an equation and when it was so.
type Moment struct {
	UpTo   uint64          `json:"up_to"`  // last record that is in it
	Wall   int64           `json:"wall"`   // that record's time, UTC, milliseconds since 1970
	Closed bool            `json:"closed"` // a cassette period ended here
	Holds  bool            `json:"holds"`
	Text   string          `json:"text"` // for a person
	Terms  json.RawMessage `json:"terms"`
}

// Equations computes the equation from the records alone, from the first one on:
// at the end of every cassette period if periods is set, and at the last record.
func Equations(ctx context.Context, src journal.Source, ledger Ledger, periods bool, keep func(Moment) error) error {
	fold, equation := ledger()
	moment := func(at journal.Record, closed bool) error {
		e := equation()
		terms, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("equation after record %d: %w", at.Seq, err)
		}
		return keep(Moment{at.Seq, at.Wall, closed, e.Holds(), e.String(), terms})
	}
	var last journal.Record
	begun := false
	err := src.Walk(ctx, 1, func(r journal.Record) error {
		if r.Kind == (record.PeriodOpened{}).Kind() {
			if periods && begun {
				if err := moment(last, true); err != nil {
					return err
				}
			}
			begun = true
		}
		if err := fold.Apply(r); err != nil {
			return fmt.Errorf("equation: record %d: %w", r.Seq, err)
		}
		last = r
		return nil
	})
	if err != nil {
		return err
	}
	return moment(last, false)
}
