package pcsc

import (
	"slices"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// sight is what is in a reader, as far as it was told.
type sight int

const (
	nothing sight = iota
	readable
	unreadable
)

// watched is one listed reader.
type watched struct {
	state scard.StateFlag // what the next wait is given: flags, and the counter in the high 16 bits
	found bool            // ReaderFound was told
	card  sight
}

func counter(state scard.StateFlag) uint16 { return uint16(state >> 16) }

// monitor turns what the library says of the readers into events. It has no clock
// and makes no call: ask gives the entries of the next wait, seen takes what the
// wait made of them, listed takes the names that are there now.
type monitor struct {
	insertions map[smartcard.Reader]uint64
	told       bool // one of up and down was told
	up         bool
	readers    map[string]*watched
	order      []string
	pnp        scard.StateFlag
}

func newMonitor(insertions map[smartcard.Reader]uint64) *monitor {
	return &monitor{insertions: insertions, readers: map[string]*watched{}}
}

// ask gives the entries of a wait, fresh each time: the library leaves an old ATR
// in an entry whose card is gone. Every state is fed back with its counter, the
// pseudo-reader's too, or the wait returns at once for ever (section 2.2).
func (m *monitor) ask() []scard.ReaderState {
	states := make([]scard.ReaderState, 0, len(m.order)+1)
	for _, name := range m.order {
		states = append(states, scard.ReaderState{Reader: name, CurrentState: m.readers[name].state})
	}
	if len(states) < entriesMost {
		states = append(states, scard.ReaderState{Reader: pnpReader, CurrentState: m.pnp})
	}
	return states
}

// seen takes a wait's answer in. list: the names must be asked for again, after
// these events, so that an insertion in the same wake-up is not lost.
func (m *monitor) seen(states []scard.ReaderState) (events []smartcard.Event, list bool) {
	for _, s := range states {
		if s.EventState&scard.StateChanged == 0 {
			continue
		}
		state := s.EventState &^ scard.StateChanged
		if s.Reader == pnpReader {
			m.pnp = state
			list = true
			continue
		}
		w := m.readers[s.Reader]
		if w == nil {
			continue
		}
		before := w.state
		w.state = state
		if state&(scard.StateUnknown|scard.StateUnavailable) != 0 {
			// It stays listed, so that its return is seen.
			events = append(events, m.lose(s.Reader)...)
			list = true
			continue
		}
		r := smartcard.Reader(s.Reader)
		if !w.found {
			w.found = true
			events = append(events, smartcard.ReaderFound{Reader: r})
		}
		events = append(events, m.look(r, w, sightOf(s), s.Atr, counter(before) != counter(state))...)
	}
	return events, list
}

// sightOf: PRESENT is a bit among others. A card without an ATR is as good as
// silent.
func sightOf(s scard.ReaderState) sight {
	switch {
	case s.EventState&scard.StatePresent == 0:
		return nothing
	case s.EventState&scard.StateMute != 0, len(s.Atr) == 0, len(s.Atr) > atrMost:
		return unreadable
	}
	return readable
}

// look tells the change from what was in a reader to what is. A counter that
// moved between two cards means that the first was taken out unseen.
func (m *monitor) look(r smartcard.Reader, w *watched, now sight, atr []byte, moved bool) []smartcard.Event {
	if w.card == now && (!moved || now == nothing) {
		return nil
	}
	var events []smartcard.Event
	if w.card != nothing {
		events = append(events, smartcard.CardRemoved{Reader: r})
	}
	w.card = now
	switch now {
	case readable:
		m.insertions[r]++
		events = append(events, smartcard.CardInserted{Reader: r, ATR: slices.Clone(atr), Insertion: m.insertions[r]})
	case unreadable:
		events = append(events, smartcard.CardUnreadable{Reader: r})
	}
	return events
}

// lose tells that a reader and what was in it is gone.
func (m *monitor) lose(name string) []smartcard.Event {
	w := m.readers[name]
	var events []smartcard.Event
	if w.card != nothing {
		w.card = nothing
		events = append(events, smartcard.CardRemoved{Reader: smartcard.Reader(name)})
	}
	if w.found {
		w.found = false
		events = append(events, smartcard.ReaderLost{Reader: smartcard.Reader(name)})
	}
	return events
}

// listed takes the names of the readers in. A new one is told as soon as its state
// is known, which is the next wait's first answer.
func (m *monitor) listed(names []string) (events []smartcard.Event, changed bool) {
	m.order = slices.DeleteFunc(m.order, func(name string) bool {
		if slices.Contains(names, name) {
			return false
		}
		events = append(events, m.lose(name)...)
		delete(m.readers, name)
		changed = true
		return true
	})
	for _, name := range names {
		if name == "" || name == pnpReader || m.readers[name] != nil || len(m.order) == entriesMost {
			continue
		}
		m.readers[name] = &watched{state: scard.StateUnaware}
		m.order = append(m.order, name)
		changed = true
	}
	return events, changed
}

// answers: the daemon is there.
func (m *monitor) answers() []smartcard.Event {
	if m.told && m.up {
		return nil
	}
	m.told, m.up = true, true
	return []smartcard.Event{smartcard.ServiceUp{}}
}

// down: the daemon is gone, and everything that was in it.
func (m *monitor) down(err error) []smartcard.Event {
	events, _ := m.listed(nil)
	m.pnp = scard.StateUnaware
	if !m.told || m.up {
		events = append(events, smartcard.ServiceDown{Err: err})
	}
	m.told, m.up = true, false
	return events
}
