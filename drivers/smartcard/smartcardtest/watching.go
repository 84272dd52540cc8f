package smartcardtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Watching runs a Watch for a test and lets it wait for events in their order.
type Watching struct {
	t      *testing.T
	events chan smartcard.Event
	seen   []smartcard.Event
	stop   func()
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// Watch begins to watch; the watch ends with the test, or by Stop.
func Watch(t *testing.T, s smartcard.Service) *Watching {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watching{t: t, events: make(chan smartcard.Event, 1000)}
	ended := make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func(e smartcard.Event) { w.events <- e }) }()
	w.stop = sync.OnceFunc(func() {
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Watch ended with %v", err)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("Watch took %s to end", d)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// Stop ends the watch and checks that it ends at once and without an error.
func (w *Watching) Stop() { w.stop() }

// Next gives the next event.
func (w *Watching) Next() smartcard.Event {
	w.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case e := <-w.events:
		w.seen = append(w.seen, e)
		return e
	case <-timer.C:
		w.t.Fatalf("no event any more; until now %s", describe(w.seen))
	}
	return nil
}

// Until gives the next event of a kind in a reader; others are passed over. Where
// the kind has no reader, any will do.
func Until[E smartcard.Event](w *Watching, r smartcard.Reader) E {
	w.t.Helper()
	for {
		if e, ok := w.Next().(E); ok && (readerOf(e) == r || readerOf(e) == "") {
			return e
		}
	}
}

// Seen is everything that was taken by Next and Until.
func (w *Watching) Seen() []smartcard.Event { return w.seen }

func readerOf(e smartcard.Event) smartcard.Reader {
	switch e := e.(type) {
	case smartcard.ReaderFound:
		return e.Reader
	case smartcard.ReaderLost:
		return e.Reader
	case smartcard.CardInserted:
		return e.Reader
	case smartcard.CardRemoved:
		return e.Reader
	case smartcard.CardUnreadable:
		return e.Reader
	}
	return ""
}

func describe(events []smartcard.Event) string {
	text := ""
	for _, e := range events {
		text += fmt.Sprintf("\n\t%T%+v", e, e)
	}
	return text
}

// CheckOrder complains of events that cannot follow each other: readers come and
// go between ServiceUp and ServiceDown, cards between ReaderFound and ReaderLost,
// and insertions are counted.
func CheckOrder(events []smartcard.Event) error {
	type reader struct {
		found, card bool
	}
	readers := map[smartcard.Reader]*reader{}
	insertions := map[smartcard.Reader]uint64{}
	up, told := false, false
	for i, e := range events {
		r := readers[readerOf(e)]
		if r == nil {
			r = &reader{}
			readers[readerOf(e)] = r
		}
		good := up
		switch e := e.(type) {
		case smartcard.ServiceUp:
			good = !up
			up, told = true, true
		case smartcard.ServiceDown:
			good = (up || !told) && e.Err != nil
			for _, r := range readers {
				good = good && !r.found
			}
			up, told = false, true
		case smartcard.ReaderFound:
			good = up && !r.found
			r.found = true
		case smartcard.ReaderLost:
			good = up && r.found && !r.card
			r.found = false
		case smartcard.CardInserted:
			insertions[e.Reader]++
			good = up && r.found && !r.card && len(e.ATR) > 0 && len(e.ATR) <= atrMost && e.Insertion == insertions[e.Reader]
			r.card = true
		case smartcard.CardUnreadable:
			good = up && r.found && !r.card
			r.card = true
		case smartcard.CardRemoved:
			good = up && r.found && r.card
			r.card = false
		}
		if !good {
			return fmt.Errorf("the last of these cannot be: %s", describe(events[:i+1]))
		}
	}
	return nil
}
