package validator

import (
	"maps"
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// NoteKind is what a piece of paper truly is, whatever the unit makes of it.
type NoteKind string

const (
	KindGenuine     NoteKind = "genuine"
	KindUnreadable  NoteKind = "unreadable"  // worn or taped: no unit can name it
	KindCounterfeit NoteKind = "counterfeit" // not money
	KindCoupon      NoteKind = "coupon"      // a barcode coupon: no note, and no money
)

// Note is one physical banknote, or a coupon: a piece of paper with a barcode and
// without a value.
type Note struct {
	Serial string       `json:"serial"` // unique in one world
	Value  money.Amount `json:"value"`  // what is printed on it
	Kind   NoteKind     `json:"kind"`
	Digits string       `json:"digits,omitempty"` // of a coupon: what its barcode says
}

// Place is where a note lies. A bag's place is "bag:" and its name.
type Place string

const (
	PlaceHand      Place = "hand"      // with the customer
	PlaceSlot      Place = "slot"      // sticking out, for the customer to take
	PlaceHead      Place = "head"      // between slot and escrow
	PlaceEscrow    Place = "escrow"    // read, and waiting
	PlaceTransport Place = "transport" // past the point of return
	PlaceCassette  Place = "cassette"
)

// bagPlace is the place of a named bag.
func bagPlace(name string) Place { return Place("bag:" + name) }

// Held is a note in the unit's path, with what will happen to it.
type Held struct {
	Note       Note    `json:"note"`
	Place      Place   `json:"place"`
	Type       int     `json:"type"` // bill type once read; -1 before, and for what cannot be read
	Quality    Quality `json:"quality"`
	Code       byte    `json:"code,omitempty"` // reject reason or result, by Quality
	InCassette bool    `json:"in_cassette,omitempty"`
	HoldOut    bool    `json:"hold_out,omitempty"`
}

// Jam is where a note is stuck.
type Jam string

const (
	JamNone    Jam = ""
	JamHead    Jam = "head"
	JamStacker Jam = "stacker"
)

// Report is something the unit tells until the host acknowledges it.
type Report struct {
	Z1   byte  `json:"z1"`
	Z2   byte  `json:"z2"`
	Note *Note `json:"note,omitempty"`
}

// World is everything that outlives a power cut: the physical notes and the
// unit's own non-volatile memory.
type World struct {
	Cassette []Note            `json:"cassette"`
	Hand     []Note            `json:"hand"` // what the customer was given back, or could not insert
	Bags     map[string][]Note `json:"bags"`
	Path     *Held             `json:"path,omitempty"`    // the one note in the unit
	Waiting  *Held             `json:"waiting,omitempty"` // a second note pushed in too early

	Inserted   uint64   `json:"inserted"` // notes that ever came into being here
	Counter    uint16   `json:"counter"`  // GET COUNTER OF STACKED BILLS
	Pending    []Report `json:"pending"`
	Jam        Jam      `json:"jam,omitempty"`
	JamInside  *Note    `json:"jam_inside,omitempty"` // the jammed note when it lies in the cassette already
	JamType    int      `json:"jam_type,omitempty"`   // its bill type
	CassetteIn bool     `json:"cassette_in"`
	Full       bool     `json:"full"`
	Failure    byte     `json:"failure,omitempty"` // lasting failure; zero for none
}

// NewWorld is an empty cassette in an idle unit.
func NewWorld() World { return World{CassetteIn: true, Bags: map[string][]Note{}} }

// Clone is a deep copy.
func (w World) Clone() World {
	w.Cassette = slices.Clone(w.Cassette)
	w.Hand = slices.Clone(w.Hand)
	bags := make(map[string][]Note, len(w.Bags))
	for name, notes := range w.Bags {
		bags[name] = slices.Clone(notes)
	}
	w.Bags = bags
	w.Path = cloned(w.Path)
	w.Waiting = cloned(w.Waiting)
	w.JamInside = cloned(w.JamInside)
	w.Pending = slices.Clone(w.Pending)
	for i, r := range w.Pending {
		w.Pending[i].Note = cloned(r.Note)
	}
	return w
}

func cloned[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Notes lists every note with its place.
func (w World) Notes() map[Place][]Note {
	all := map[Place][]Note{}
	put := func(p Place, n ...Note) {
		if len(n) > 0 {
			all[p] = append(all[p], n...)
		}
	}
	put(PlaceCassette, w.Cassette...)
	put(PlaceHand, w.Hand...)
	for _, name := range slices.Sorted(maps.Keys(w.Bags)) {
		put(bagPlace(name), w.Bags[name]...)
	}
	for _, h := range []*Held{w.Path, w.Waiting} {
		if h != nil {
			put(h.Place, h.Note)
		}
	}
	return all
}

// Total is the sum of the genuine notes of one currency in notes.
func Total(notes []Note, c money.Currency) money.Amount {
	sum := money.Zero(c)
	for _, n := range notes {
		if n.Value.Currency == c && n.Kind == KindGenuine {
			sum = sum.Add(n.Value)
		}
	}
	return sum
}
