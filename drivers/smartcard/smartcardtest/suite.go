package smartcardtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Stand is a service with readers in the hands of a test: two readers or more,
// plugged in and empty, with the daemon up. Insert and Remove have happened when
// they return, but the service may notice later. Twin is one.
type Stand interface {
	Service() smartcard.Service
	Readers() []smartcard.Reader
	Insert(r smartcard.Reader, c Chip)
	Remove(r smartcard.Reader)
	StopService()
	StartService()
}

// Service and Readers make a Stand of a Twin.
func (tw *Twin) Service() smartcard.Service { return tw }

// Readers are those that are plugged in.
func (tw *Twin) Readers() []smartcard.Reader {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	var names []smartcard.Reader
	for _, s := range tw.slots {
		if s.plugged {
			names = append(names, s.name)
		}
	}
	return names
}

// Subject is what the suite is run against.
type Subject struct {
	// New gives a fresh stand for one test.
	New func(t *testing.T) Stand
	// Run runs a test; a subject in memory runs it in a bubble of synctest.
	Run func(t *testing.T, f func(t *testing.T))
}

// Bytes of a command that a test can tell from others.
var (
	hello  = []byte{0x00, 0x01, 0x00, 0x00, 0x02, 0xCA, 0xFE}
	verify = []byte{0x00, 0x20, 0x00, 0x01, 0x04, 0x31, 0x32, 0x33, 0x34}
)

// Suite runs every rule of the family against the subject.
func Suite(t *testing.T, s Subject) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s *situation)
	}{
		{"what is there at the start is told", atStart},
		{"cards come and go, and are counted", comeAndGo},
		{"a card that does not answer is unreadable", unreadable},
		{"the daemon stops and starts", stopAndStart},
		{"a second Watch is refused", secondWatch},
		{"a job", job},
		{"both protocols", protocols},
		{"Close resets, whatever happened before", closeResets},
		{"commands that cannot be are not sent", badCommands},
		{"no card, no reader", noCard},
		{"nothing is sent when it is too late", tooLate},
		{"a card that is pulled stays dead", pulled},
		{"a card is pulled while it computes", pulledAtWork},
		{"a garbled answer is no answer", garbled},
		{"a silent card does not hold the others up", silent},
		{"an exchange is given up by its caller", givenUp},
		{"a transaction keeps others out", transaction},
		{"a reset by another is told", resetByAnother},
		{"two readers at once", twoAtOnce},
		{"the longest short answer", longAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Run(t, func(t *testing.T) {
				stand := s.New(t)
				readers := stand.Readers()
				c.test(t, &situation{T: t, Stand: stand, a: readers[0], b: readers[1]})
			})
		})
	}
}

// situation is one test's stand with two of its readers.
type situation struct {
	*testing.T
	Stand
	a, b smartcard.Reader
}

// in waits until a card with this ATR is told in a reader.
func (s *situation) in(w *Watching, r smartcard.Reader, chip Chip) smartcard.CardInserted {
	s.Helper()
	e := Until[smartcard.CardInserted](w, r)
	if !bytes.Equal(e.ATR, chip.ATR()) {
		s.Fatalf("%s: a card with ATR %X instead of %X", r, e.ATR, chip.ATR())
	}
	return e
}

func (s *situation) connect(r smartcard.Reader) smartcard.Card {
	s.Helper()
	c, err := s.Service().Connect(s.Context(), r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() }) // the test has looked at what matters of it
	return c
}

// want checks which of the family's errors it is.
func (s *situation) want(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		s.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (s *situation) send(c smartcard.Card, command []byte) []byte {
	s.Helper()
	answer, err := c.Transmit(s.Context(), command)
	if err != nil {
		s.Fatalf("transmit: %v", err)
	}
	return answer
}

// within gives a context for something that must be given up.
func (s *situation) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), d)
	s.Cleanup(cancel)
	return ctx
}

func atStart(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("already"))
	s.Insert(s.a, chip)
	w := Watch(t, s.Service())
	if _, ok := w.Next().(smartcard.ServiceUp); !ok {
		t.Errorf("first comes %T", w.Seen()[0])
	}
	Until[smartcard.ReaderFound](w, s.a)
	if e := s.in(w, s.a, chip); e.Insertion != 1 {
		t.Errorf("insertion %d", e.Insertion)
	}
	if err := CheckOrder(w.Seen()); err != nil {
		t.Error(err)
	}
}

func comeAndGo(t *testing.T, s *situation) {
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.b)
	for i := range uint64(3) {
		chip := NewPlain(ATRT1(fmt.Sprintf("card%d", i)))
		s.Insert(s.b, chip)
		if e := s.in(w, s.b, chip); e.Insertion != i+1 {
			t.Errorf("insertion %d, want %d", e.Insertion, i+1)
		}
		s.Remove(s.b)
		if i == 1 { // a swap: the next card is in before the removal is seen
			continue
		}
		Until[smartcard.CardRemoved](w, s.b)
	}
	if err := CheckOrder(w.Seen()); err != nil {
		t.Error(err)
	}
}

func unreadable(t *testing.T, s *situation) {
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.a)
	s.Insert(s.a, NewPlain(make([]byte, atrMost+7)))
	Until[smartcard.CardUnreadable](w, s.a)
	_, err := s.Service().Connect(t.Context(), s.a)
	s.want("connect", err, smartcard.ErrUnreadable)
	s.Remove(s.a)
	Until[smartcard.CardRemoved](w, s.a)
	chip := NewPlain(ATRT1("turned"))
	s.Insert(s.a, chip)
	s.in(w, s.a, chip)
	if err := CheckOrder(w.Seen()); err != nil {
		t.Error(err)
	}
}

func stopAndStart(t *testing.T, s *situation) {
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.a)
	chip := NewPlain(ATRT1("steady"))
	s.Insert(s.a, chip)
	s.in(w, s.a, chip)
	c := s.connect(s.a)
	s.StopService()
	if e := Until[smartcard.ServiceDown](w, ""); !errors.Is(e.Err, smartcard.ErrNoService) {
		t.Errorf("down: %v", e.Err)
	}
	_, err := c.Transmit(t.Context(), hello)
	s.want("an old connection", err, smartcard.ErrNoService)
	_, err = s.Service().Connect(t.Context(), s.a)
	s.want("a new connection", err, smartcard.ErrNoService)
	s.StartService()
	Until[smartcard.ServiceUp](w, "")
	Until[smartcard.CardInserted](w, s.a)
	_, err = c.Transmit(t.Context(), hello)
	s.want("an old connection afterwards", err, smartcard.ErrNoService)
	s.send(s.connect(s.a), hello)
	if err := CheckOrder(w.Seen()); err != nil {
		t.Error(err)
	}
}

func secondWatch(t *testing.T, s *situation) {
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.a)
	if err := s.Service().Watch(t.Context(), func(smartcard.Event) {}); err == nil {
		t.Error("it was not refused")
	}
	w.Stop()
	Until[smartcard.ReaderFound](Watch(t, s.Service()), s.a) // after the first it is not the second
}

// settled inserts a card and waits until it is there, with nobody watching
// afterwards.
func (s *situation) settled(r smartcard.Reader, chip Chip) {
	s.Helper()
	w := Watch(s.T, s.Service())
	Until[smartcard.ReaderFound](w, r)
	s.Insert(r, chip)
	s.in(w, r, chip)
	w.Stop()
}
