package smartcardtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Fault is what goes wrong in an exchange.
type Fault int

const (
	FaultRemove Fault = iota + 1 // the card is pulled while it computes
	FaultError                   // the exchange fails; the card has had the command
	FaultStuck                   // the reader does not come back, until the card is pulled
	FaultReset                   // another program resets the card just before
)

// Twin is a smartcard.Service in memory. NewTwin makes it, with the daemon up and
// no reader. The names of its methods say what a person or a machine does; each
// has happened when it returns. A method that makes no sense at the time (a card
// into a full reader) is a fault of the test and panics.
type Twin struct {
	mu      sync.Mutex
	down    bool
	slots   []*slot
	watcher *watcher
	record  []Exchange
	open    map[*conn]bool
	changed chan struct{} // closed and renewed at every change of the world
}

// slot is a reader. insertions are counted on when it is plugged in again.
type slot struct {
	name       smartcard.Reader
	plugged    bool
	in         *inserted
	insertions uint64
	faults     map[int]Fault // by the number of the exchange, from 1
	exchanges  int
}

// inserted is one card in a reader, from its insertion to its removal or to the
// end of the daemon.
type inserted struct {
	chip   Chip
	number uint64 // 0: nothing that answers, or the daemon is down
	gone   error  // why it is over
	resets int
	fresh  bool // nothing was sent since the last reset

	holder *conn // who has a transaction; &foreign: another program
	depth  int   // how many of its Begins are without End
	busy   bool  // an exchange is going on
	refuse error // what Connect says while an abandoned call is out
}

// foreign is another program's transaction.
var foreign conn

// NewTwin gives a twin with empty readers of these names.
func NewTwin(readers ...smartcard.Reader) *Twin {
	tw := &Twin{open: map[*conn]bool{}, changed: make(chan struct{})}
	for _, r := range readers {
		tw.Plug(r)
	}
	return tw
}

var _ smartcard.Service = (*Twin)(nil)

// change runs one change of the world and wakes whoever waits for it.
func (tw *Twin) change(f func()) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	f()
	tw.wake()
}

func (tw *Twin) wake() {
	close(tw.changed)
	tw.changed = make(chan struct{})
}

// await waits, with the lock given up meanwhile, until the world is as wanted, and
// tells whether that came before ctx's end.
func (tw *Twin) await(ctx context.Context, wanted func() bool) bool {
	for !wanted() {
		changed := tw.changed
		tw.mu.Unlock()
		ended := false
		select {
		case <-changed:
		case <-ctx.Done():
			ended = true
		}
		tw.mu.Lock()
		if ended {
			return wanted()
		}
	}
	return true
}

func (tw *Twin) slot(r smartcard.Reader) *slot {
	for _, s := range tw.slots {
		if s.name == r {
			return s
		}
	}
	return nil
}

// plugged gives a reader that is there.
func (tw *Twin) plugged(r smartcard.Reader) *slot {
	s := tw.slot(r)
	if s == nil || !s.plugged {
		panic(fmt.Sprintf("smartcardtest: no reader %s", r))
	}
	return s
}

// Plug plugs a reader in.
func (tw *Twin) Plug(r smartcard.Reader) {
	tw.change(func() {
		s := tw.slot(r)
		if s == nil {
			s = &slot{name: r, faults: map[int]Fault{}}
			tw.slots = append(tw.slots, s)
		}
		if s.plugged {
			panic(fmt.Sprintf("smartcardtest: %s is plugged in", r))
		}
		s.plugged = true
		tw.tell(smartcard.ReaderFound{Reader: r})
	})
}

// Unplug pulls a reader out, with the card that is in it.
func (tw *Twin) Unplug(r smartcard.Reader) {
	tw.change(func() {
		s := tw.plugged(r)
		tw.eject(s)
		s.plugged = false
		tw.tell(smartcard.ReaderLost{Reader: r})
	})
}

// Insert puts a card into a reader.
func (tw *Twin) Insert(r smartcard.Reader, c Chip) { tw.change(func() { tw.insert(tw.plugged(r), c) }) }

// Mute puts something into a reader that does not answer.
func (tw *Twin) Mute(r smartcard.Reader) { tw.Insert(r, nil) }

// Remove takes out what is in a reader.
func (tw *Twin) Remove(r smartcard.Reader) {
	tw.change(func() {
		s := tw.plugged(r)
		if s.in == nil {
			panic(fmt.Sprintf("smartcardtest: nothing is in %s", r))
		}
		tw.eject(s)
	})
}

// Swap changes the card so fast that nobody sees the reader empty.
func (tw *Twin) Swap(r smartcard.Reader, c Chip) {
	tw.change(func() {
		s := tw.plugged(r)
		tw.eject(s)
		tw.insert(s, c)
	})
}

// StopService ends the PC/SC daemon. Cards stay where they are.
func (tw *Twin) StopService() {
	tw.change(func() {
		for _, s := range tw.slots {
			if !s.plugged {
				continue
			}
			if c := s.in; c != nil {
				tw.tell(smartcard.CardRemoved{Reader: s.name})
				c.gone = smartcard.ErrNoService
				s.in = &inserted{chip: c.chip, fresh: c.fresh}
			}
			tw.tell(smartcard.ReaderLost{Reader: s.name})
		}
		tw.tell(smartcard.ServiceDown{Err: smartcard.ErrNoService})
		tw.down = true
	})
}

// StartService starts the PC/SC daemon. What is in the readers is powered up and
// counts as an insertion.
func (tw *Twin) StartService() {
	tw.change(func() {
		if !tw.down {
			panic("smartcardtest: the service is up")
		}
		tw.down = false
		tw.tell(smartcard.ServiceUp{})
		for _, s := range tw.slots {
			if !s.plugged {
				continue
			}
			tw.tell(smartcard.ReaderFound{Reader: s.name})
			if c := s.in; c != nil {
				s.in = nil
				tw.insert(s, c.chip)
			}
		}
	})
}

// Hold begins a transaction of another program; the result ends it.
func (tw *Twin) Hold(r smartcard.Reader) (release func()) {
	var c *inserted
	tw.change(func() {
		if c = tw.plugged(r).in; c == nil || c.holder != nil {
			panic(fmt.Sprintf("smartcardtest: nothing to hold in %s", r))
		}
		c.holder = &foreign
	})
	return func() { tw.change(func() { c.letGo() }) }
}

// Fault makes the nth exchange with a reader from now, counted from 1, go wrong.
func (tw *Twin) Fault(r smartcard.Reader, n int, f Fault) {
	tw.change(func() {
		s := tw.plugged(r)
		s.faults[s.exchanges+n] = f
	})
}

// Exchanges is the record, oldest first.
func (tw *Twin) Exchanges() []Exchange {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	return slices.Clone(tw.record)
}

// Resets counts how often the card that is in a reader was reset since it was
// inserted.
func (tw *Twin) Resets(r smartcard.Reader) int {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if s := tw.slot(r); s != nil && s.in != nil {
		return s.in.resets
	}
	return 0
}

// AssertReset complains of every card to which something was sent since its last
// reset, and of every connection that was not closed. Cards that were removed
// have lost their power and are good.
func (tw *Twin) AssertReset(t testing.TB) {
	t.Helper()
	tw.mu.Lock()
	defer tw.mu.Unlock()
	for _, s := range tw.slots {
		if s.in == nil {
			continue
		}
		if !s.in.fresh {
			t.Errorf("the card in %s was not reset after its last command", s.name)
		}
	}
	for c := range tw.open {
		t.Errorf("a connection to a card in %s was not closed", c.slot.name)
	}
}

// atrMost is the length of the longest answer to reset (ISO/IEC 7816-3 8.2.1).
const atrMost = 33

func (tw *Twin) insert(s *slot, c Chip) {
	if s.in != nil {
		panic(fmt.Sprintf("smartcardtest: %s is full", s.name))
	}
	s.in = &inserted{chip: c, fresh: true}
	if tw.down {
		return // it is powered up when the daemon comes
	}
	if c == nil || len(c.ATR()) == 0 || len(c.ATR()) > atrMost {
		tw.tell(smartcard.CardUnreadable{Reader: s.name})
		return
	}
	s.insertions++
	s.in.number = s.insertions
	c.Reset()
	tw.tell(smartcard.CardInserted{Reader: s.name, ATR: slices.Clone(c.ATR()), Insertion: s.insertions})
}

func (tw *Twin) eject(s *slot) {
	if s.in == nil {
		return
	}
	s.in.gone = smartcard.ErrRemoved
	s.in = nil
	tw.tell(smartcard.CardRemoved{Reader: s.name})
}

// watcher is a Watch that is going on; its queue has no bound, because the world
// does not wait for a watcher.
type watcher struct {
	queue []smartcard.Event
	more  chan struct{}
}

// tell queues an event while the daemon is up.
func (tw *Twin) tell(e smartcard.Event) {
	w := tw.watcher
	if w == nil || tw.down {
		return
	}
	w.queue = append(w.queue, e)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// Watch implements smartcard.Service.
func (tw *Twin) Watch(ctx context.Context, deliver func(smartcard.Event)) error {
	w := &watcher{more: make(chan struct{}, 1)}
	if !tw.begin(w) {
		return errors.New("the readers are being watched already")
	}
	defer func() {
		tw.mu.Lock()
		defer tw.mu.Unlock()
		tw.watcher = nil
	}()
	for {
		tw.mu.Lock()
		events := w.queue
		w.queue = nil
		tw.mu.Unlock()
		for _, e := range events {
			if ctx.Err() != nil {
				return nil
			}
			deliver(e)
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return nil
		}
	}
}

// begin queues the world as it is.
func (tw *Twin) begin(w *watcher) bool {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if tw.watcher != nil {
		return false
	}
	w.more <- struct{}{}
	tw.watcher = w
	if tw.down {
		w.queue = append(w.queue, smartcard.ServiceDown{Err: smartcard.ErrNoService})
		return true
	}
	tw.tell(smartcard.ServiceUp{})
	for _, s := range tw.slots {
		if !s.plugged {
			continue
		}
		tw.tell(smartcard.ReaderFound{Reader: s.name})
		switch {
		case s.in == nil:
		case s.in.number == 0:
			tw.tell(smartcard.CardUnreadable{Reader: s.name})
		default:
			tw.tell(smartcard.CardInserted{Reader: s.name, ATR: slices.Clone(s.in.chip.ATR()), Insertion: s.in.number})
		}
	}
	return true
}
