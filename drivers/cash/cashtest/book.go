package cashtest

import (
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Book is the smallest till that is right: it books each stacked note once. A
// Stacked of the type that was booked last counts again only if the way of that
// note had ended before (PathClear or Settled), as the family's bargain says.
type Book struct {
	Stacked  []int
	Returned []int

	last   int
	open   bool // the last booked note's way has not ended
	newRun bool // a driver has been restarted since
	// power is set between a power-up and Settled: a note whose acknowledgement
	// was lost may be told again.
	power bool
}

func (b *Book) restarted() { b.newRun = true }

func (b *Book) take(e cash.Event) {
	switch e := e.(type) {
	case cash.PowerUp:
		b.power = true
	case cash.Stacked:
		if b.open && b.last == e.Note.Type && (b.newRun || b.power) {
			return
		}
		b.Stacked = append(b.Stacked, e.Note.Type)
		b.last, b.open, b.newRun = e.Note.Type, true, false
	case cash.Returned:
		b.Returned = append(b.Returned, e.Note.Type)
	case cash.PathClear:
		b.open, b.newRun = false, false
	case cash.Settled:
		b.open, b.newRun, b.power = false, false, false
	}
}

// Equal reports whether what was booked is what lies in the cassette.
func (b *Book) Equal(cassette []int) bool { return slices.Equal(b.Stacked, cassette) }
