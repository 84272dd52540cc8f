package till

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// What a person decides about a note in doubt (protocols/cash-ccnet.md 10.1), who
// has opened the cabinet and looked.

// Whereabouts is where a person says that a note in doubt is.
type Whereabouts string

const (
	// Inside: it is in the cassette. It is booked: to its visit if that goes on, else
	// as unassigned, from which central gives it to whoever it belongs to.
	Inside Whereabouts = "inside"
	// Outside: it is not in the cassette. The customer has it back, or it was found on
	// its way; no value is booked.
	Outside Whereabouts = "outside"
	// Aside: it does not lie on its way, and where it is will be known when the
	// cassette has been counted. It stays in doubt, and notes are taken again.
	Aside Whereabouts = "aside"
)

// Decision is a person's word about a note in doubt.
type Decision struct {
	NoteID string
	Where  Whereabouts
	Value  money.Amount // Inside: one of Worths
	Person string
}

// Why a decision was not taken. Nothing has changed then.
var (
	ErrNoDoubt    = errors.New("no such note is in doubt")
	ErrUnitBusy   = errors.New("the unit must be at rest, online and without a fault: until then it may decide by itself")
	ErrWorth      = errors.New("the note cannot have that value")
	ErrIsAside    = errors.New("the note was laid aside before")
	ErrWhereabout = errors.New("no such decision")
)

// CanSettle reports whether a person may decide: not while the unit may still say
// itself what became of a note, for it would be counted twice then.
func (t *Till) CanSettle() bool {
	return t.online && t.settled && !t.ill && t.fault == nil && t.moving == MovingNone && t.state == cash.StateDisabled
}

// Worths lists what a note in doubt can be worth: its value, or every value of the
// unit's table where it was not recognised.
func (t *Till) Worths(n *OpenNote) []money.Amount {
	if !n.Note.Value.IsZero() {
		return []money.Amount{n.Note.Value}
	}
	var out []money.Amount
	for _, known := range t.ledger.Unit().Table.Notes {
		if !slices.Contains(out, known.Value) {
			out = append(out, known.Value)
		}
	}
	return out
}

// Settle takes a decision and writes it down with who has taken it.
func (t *Till) Settle(d Decision) error {
	n := t.ledger.s.Notes[d.NoteID]
	switch {
	case n == nil || n.State != NoteInDoubt:
		return fmt.Errorf("%w: %q", ErrNoDoubt, d.NoteID)
	case !t.CanSettle():
		return ErrUnitBusy
	}
	switch d.Where {
	case Inside:
		if !slices.Contains(t.Worths(n), d.Value) {
			return fmt.Errorf("%w: %s", ErrWorth, d.Value)
		}
		note := n.Note
		note.Value = d.Value
		body := record.NoteStacked{NoteID: n.ID, Note: note, TableHash: n.TableHash, Person: d.Person}
		if n.Period != t.ledger.s.Period || t.ledger.s.Closing { // the count was told without it
			body.Period = n.Period
		}
		visit := t.creditVisit(n)
		t.ports.Write(journal.Draft{Visit: visit, Body: body}, journal.Draft{Visit: visit, Body: record.NoteClosed{NoteID: n.ID}})
	case Outside:
		t.write(n.Visit, record.NoteReturned{NoteID: n.ID, Person: d.Person})
	case Aside:
		if n.Aside {
			return ErrIsAside
		}
		t.write(n.Visit, record.NoteLaidAside{NoteID: n.ID, Person: d.Person})
	default:
		return fmt.Errorf("%w: %q", ErrWhereabout, d.Where)
	}
	t.steer()
	return nil
}
