package upkeep

import (
	"fmt"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Notes in doubt. The unit mostly says in the end what became of a note; where it
// cannot (it was exchanged, or it has no counter) somebody opens it and looks. Three
// words are possible, each with its person in the journal: it is in the cassette
// (a collector's alone, for it books money), it is not, or it does not lie on the way
// and the count of the cassette will show. Only the third leaves the doubt, and lets
// the terminal take notes again; a later visit of a collector ends it.

// shownDoubts is how many are listed. There is one at a time, and beside it those
// that were laid aside and whose cassette has not been counted.
const shownDoubts = 20

// wheres is what the acts on a note say of it.
var wheres = map[wire.Act]till.Whereabouts{
	wire.ActNoteInside: till.Inside, wire.ActNoteOutside: till.Outside, wire.ActNoteAside: till.Aside,
}

// canSettle: the unit is at rest and says nothing more.
func (u *Upkeep) canSettle() bool { return u.rooms.Till.CanSettle() }

// doubt is the note in doubt with this id, or nil.
func (u *Upkeep) doubt(id string) *till.OpenNote {
	all := u.rooms.Till.Ledger().Doubts()
	if i := slices.IndexFunc(all, func(n *till.OpenNote) bool { return n.ID == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// worth is the value that a deed gives its note; ok is false if it cannot have it.
func (u *Upkeep) worth(d deed) (v money.Amount, ok bool) {
	if n := u.doubt(d.note); n != nil {
		for _, v := range u.rooms.Till.Worths(n) {
			if v.Minor == d.minor {
				return v, true
			}
		}
	}
	return money.Amount{}, false
}

// canDecide reports why a deed on a note makes no sense.
func (u *Upkeep) canDecide(d deed) error {
	n := u.doubt(d.note)
	_, ok := u.worth(d)
	switch {
	case n == nil, d.act == wire.ActNoteInside && !ok, d.act != wire.ActNoteInside && d.minor != 0:
		return ErrData
	case d.act == wire.ActNoteAside && n.Aside:
		return ErrNotNow
	}
	return nil
}

func (u *Upkeep) confirmedValue(d deed) *money.Amount {
	if v, ok := u.worth(d); ok {
		return &v
	}
	if n := u.doubt(d.note); n != nil && !n.Note.Value.IsZero() {
		return &n.Note.Value
	}
	return nil
}

func (u *Upkeep) settle(d deed) (result, detail string) {
	n := u.doubt(d.note)
	value, _ := u.worth(d)
	where := wheres[d.act]
	detail = words("note "+d.note, fmt.Sprintf("of period %d", n.Period))
	if where == till.Inside {
		detail = words(detail, value.String())
	}
	if err := u.rooms.Till.Settle(till.Decision{NoteID: d.note, Where: where, Value: value, Person: u.person()}); err != nil {
		return record.ActFailed, words(detail, err.Error())
	}
	return record.ActOK, detail
}

// doubts is the list, with what this role may do to each.
func (u *Upkeep) doubts(role people.Role) []wire.ServiceDoubt {
	out := []wire.ServiceDoubt{}
	for _, n := range u.rooms.Till.Ledger().Doubts() {
		if len(out) == shownDoubts {
			break
		}
		d := wire.ServiceDoubt{Note: n.ID, Worth: u.rooms.Till.Worths(n), At: u.clock(n.Wall), Why: n.Why, Aside: n.Aside, Acts: []wire.ServiceAct{}}
		if d.Worth == nil {
			d.Worth = []money.Amount{}
		}
		if !n.Note.Value.IsZero() {
			d.Value = &n.Note.Value
		}
		for i := range acts {
			if a := &acts[i]; a.note != nil && a.may(role) {
				d.Acts = append(d.Acts, wire.ServiceAct{Act: a.name, Twice: a.twice, Available: u.can(a) && !(a.name == wire.ActNoteAside && n.Aside)})
			}
		}
		out = append(out, d)
	}
	return out
}
