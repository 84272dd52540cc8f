package smartcardtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// The suite's rules of connections and exchanges.

func job(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("worker"))
	chip.Answer = func(command []byte) []byte { return append(slices.Clone(command[5:]), 0x90, 0x00) }
	s.settled(s.a, chip)
	c := s.connect(s.a)
	if !bytes.Equal(c.ATR(), chip.ATR()) || c.MaxCommand() < 255 {
		t.Errorf("ATR %X, longest command %d", c.ATR(), c.MaxCommand())
	}
	s.want("begin", c.Begin(t.Context()), nil)
	command := slices.Clone(hello)
	answer := s.send(c, command)
	if !bytes.Equal(answer, []byte{0xCA, 0xFE, 0x90, 0x00}) || !bytes.Equal(command, hello) {
		t.Errorf("answer %X to %X", answer, command)
	}
	s.want("end", c.End(), nil)
	s.want("a second end", c.End(), smartcard.ErrBadExchange)
	s.want("close", c.Close(), nil)
	s.want("a second close", c.Close(), nil)
	_, err := c.Transmit(t.Context(), hello)
	s.want("after close", err, smartcard.ErrBadExchange)
	if chip.Count(hello) != 1 || chip.Commands() != 1 {
		t.Errorf("the card has had %d commands", chip.Commands())
	}
}

func protocols(t *testing.T, s *situation) {
	one, zero := NewPlain(ATRT1("one")), NewPlain(ATRT0("zero"))
	s.settled(s.a, one)
	s.settled(s.b, zero)
	for _, c := range []struct {
		reader smartcard.Reader
		want   smartcard.Protocol
	}{{s.a, smartcard.T1}, {s.b, smartcard.T0}} {
		card := s.connect(c.reader)
		if card.Protocol() != c.want {
			t.Errorf("%s: protocol %d, want %d", c.reader, card.Protocol(), c.want)
		}
		s.send(card, hello)
	}
}

func closeResets(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("pin"))
	s.settled(s.a, chip)
	for _, c := range []struct {
		name string
		job  func(c smartcard.Card)
	}{
		{"after a whole job", func(c smartcard.Card) {
			s.want("begin", c.Begin(t.Context()), nil)
			s.send(c, verify)
			s.want("end", c.End(), nil)
		}},
		{"in a transaction", func(c smartcard.Card) {
			s.want("begin", c.Begin(t.Context()), nil)
			s.send(c, verify)
		}},
		{"without a transaction", func(c smartcard.Card) { s.send(c, verify) }},
		{"after an error", func(c smartcard.Card) {
			s.send(c, verify)
			_, err := c.Transmit(t.Context(), nil)
			s.want("transmit", err, smartcard.ErrBadExchange)
		}},
	} {
		card := s.connect(s.a)
		c.job(card)
		if !chip.Verified() {
			t.Errorf("%s: not verified before", c.name)
		}
		s.want(c.name, card.Close(), nil)
		if chip.Verified() {
			t.Errorf("%s: still verified", c.name)
		}
	}
}

func badCommands(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("picky"))
	s.settled(s.a, chip)
	c := s.connect(s.a)
	for _, command := range [][]byte{nil, {}, {0x00}, {0x00, 0xA4, 0x04}, make([]byte, 70000)} {
		_, err := c.Transmit(t.Context(), command)
		s.want("transmit", err, smartcard.ErrBadExchange)
	}
	if chip.Commands() != 0 {
		t.Errorf("the card has had %d commands", chip.Commands())
	}
	s.send(c, hello)
}

func noCard(t *testing.T, s *situation) {
	_, err := s.Service().Connect(t.Context(), s.a)
	s.want("an empty reader", err, smartcard.ErrNoCard)
	for _, r := range []smartcard.Reader{"", "No such reader 00 00", `\\?PnP?\Notification`, "a\x00b"} {
		_, err := s.Service().Connect(t.Context(), r)
		s.want("reader "+string(r), err, smartcard.ErrNoReader)
	}
}

func tooLate(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("late"))
	s.settled(s.a, chip)
	c := s.connect(s.a)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Transmit(ended, hello)
	s.want("transmit", err, context.Canceled)
	s.want("begin", c.Begin(ended), context.Canceled)
	_, err = s.Service().Connect(ended, s.a)
	s.want("connect", err, context.Canceled)
	if chip.Commands() != 0 {
		t.Error("it was sent")
	}
	s.send(c, hello) // and nothing is broken
}

func pulled(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("again"))
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.a)
	s.Insert(s.a, chip)
	s.in(w, s.a, chip)
	c := s.connect(s.a)
	s.send(c, hello)
	s.Remove(s.a)
	Until[smartcard.CardRemoved](w, s.a)
	_, err := c.Transmit(t.Context(), hello)
	s.want("after the removal", err, smartcard.ErrRemoved)
	s.Insert(s.a, chip)
	s.in(w, s.a, chip)
	_, err = c.Transmit(t.Context(), hello)
	s.want("the same card again", err, smartcard.ErrRemoved)
	s.want("close", c.Close(), nil)
	s.send(s.connect(s.a), hello)
}

func pulledAtWork(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("hasty"))
	chip.Answer = func([]byte) []byte {
		s.Remove(s.a)
		return nil
	}
	s.settled(s.a, chip)
	c := s.connect(s.a)
	s.want("begin", c.Begin(t.Context()), nil)
	began := time.Now()
	_, err := c.Transmit(t.Context(), verify)
	s.want("transmit", err, smartcard.ErrRemoved)
	if d := time.Since(began); d > time.Second {
		t.Errorf("it took %s", d)
	}
	if chip.Count(verify) != 1 {
		t.Errorf("the card has had it %d times", chip.Count(verify))
	}
	s.want("close", c.Close(), nil)
}

func garbled(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("garbled"))
	chip.Answer = func(command []byte) []byte {
		if bytes.Equal(command, verify) {
			return []byte{0x90}
		}
		return []byte{0x6D, 0x00}
	}
	s.settled(s.a, chip)
	c := s.connect(s.a)
	_, err := c.Transmit(t.Context(), verify)
	s.want("transmit", err, smartcard.ErrTransport)
	if chip.Count(verify) != 1 {
		t.Errorf("the card has had it %d times", chip.Count(verify))
	}
	s.send(c, hello) // the connection is good
}

func silent(t *testing.T, s *situation) {
	dumb, other, next := NewPlain(ATRT1("dumb")), NewPlain(ATRT1("other")), NewPlain(ATRT1("next"))
	dumb.Answer = func([]byte) []byte { return nil }
	w := Watch(t, s.Service())
	Until[smartcard.ReaderFound](w, s.a)
	s.Insert(s.a, dumb)
	s.in(w, s.a, dumb)
	c := s.connect(s.a)
	s.want("begin", c.Begin(t.Context()), nil)
	_, err := c.Transmit(s.within(300*time.Millisecond), verify)
	s.want("transmit", err, smartcard.ErrStuck)
	s.want("and why", err, context.DeadlineExceeded)
	_, err = c.Transmit(t.Context(), hello)
	s.want("the connection afterwards", err, smartcard.ErrStuck)
	s.want("its end", c.End(), smartcard.ErrStuck)
	began := time.Now()
	s.want("its close", c.Close(), smartcard.ErrStuck)
	_, err = s.Service().Connect(t.Context(), s.a)
	s.want("another connection", err, smartcard.ErrStuck)
	if d := time.Since(began); d > time.Second {
		t.Errorf("that took %s", d)
	}
	s.Insert(s.b, other)
	s.in(w, s.b, other)
	s.send(s.connect(s.b), hello)
	if dumb.Count(verify) != 1 {
		t.Errorf("the card has had it %d times", dumb.Count(verify))
	}
	s.Remove(s.a)
	Until[smartcard.CardRemoved](w, s.a)
	s.Insert(s.a, next)
	s.in(w, s.a, next)
	s.send(s.connect(s.a), hello)
}

func givenUp(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("slow"))
	ctx, cancel := context.WithCancel(t.Context())
	chip.Answer = func([]byte) []byte { cancel(); return nil }
	s.settled(s.a, chip)
	c := s.connect(s.a)
	began := time.Now()
	_, err := c.Transmit(ctx, hello)
	s.want("transmit", err, smartcard.ErrStuck)
	s.want("and why", err, context.Canceled)
	if d := time.Since(began); d > time.Second {
		t.Errorf("that took %s", d)
	}
	s.Remove(s.a)
}

func transaction(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("shared"))
	s.settled(s.a, chip)
	mine, yours, third := s.connect(s.a), s.connect(s.a), s.connect(s.a)
	s.want("my begin", mine.Begin(t.Context()), nil)
	err := third.Begin(s.within(400 * time.Millisecond))
	s.want("a begin that is given up", err, smartcard.ErrInUse)
	began, ended := make(chan error), time.Time{}
	go func() {
		err := yours.Begin(context.WithoutCancel(t.Context()))
		began <- errors.Join(err, func() error {
			if time.Now().Before(ended) {
				return errors.New("it did not wait")
			}
			return nil
		}())
	}()
	time.Sleep(300 * time.Millisecond)
	s.send(mine, hello)
	ended = time.Now()
	s.want("my end", mine.End(), nil)
	// The one that was given up gives the card back with a reset, before or after.
	if err := <-began; err != nil && !errors.Is(err, smartcard.ErrReset) {
		t.Errorf("your begin: %v", err)
	}
}

func resetByAnother(t *testing.T, s *situation) {
	chip := NewPlain(ATRT1("reset"))
	s.settled(s.a, chip)
	mine, yours := s.connect(s.a), s.connect(s.a)
	s.send(mine, hello)
	s.want("your close", yours.Close(), nil)
	_, err := mine.Transmit(t.Context(), verify)
	s.want("transmit", err, smartcard.ErrReset)
	s.want("begin", mine.Begin(t.Context()), smartcard.ErrReset)
	if chip.Count(verify) != 0 {
		t.Error("the command was sent after all")
	}
	s.want("my close", mine.Close(), nil)
	s.send(s.connect(s.a), hello)
}

func twoAtOnce(t *testing.T, s *situation) {
	one, two := NewPlain(ATRT1("one")), NewPlain(ATRT1("two"))
	// Each answers only when the other has been asked too.
	asked := map[*Plain]chan struct{}{one: make(chan struct{}), two: make(chan struct{})}
	meet := func(mine, other *Plain) func([]byte) []byte {
		return func([]byte) []byte {
			close(asked[mine])
			<-asked[other]
			return []byte{0x90, 0x00}
		}
	}
	one.Answer, two.Answer = meet(one, two), meet(two, one)
	s.settled(s.a, one)
	s.settled(s.b, two)
	var all sync.WaitGroup
	for _, r := range []smartcard.Reader{s.a, s.b} {
		all.Go(func() {
			c, err := s.Service().Connect(t.Context(), r)
			if err != nil {
				t.Errorf("%s: %v", r, err)
				return
			}
			if _, err := c.Transmit(t.Context(), hello); err != nil {
				t.Errorf("%s: %v", r, err)
			}
			s.want(string(r), c.Close(), nil)
		})
	}
	all.Wait()
}

func longAnswer(t *testing.T, s *situation) {
	data := bytes.Repeat([]byte{0x5A}, 256)
	chip := NewPlain(ATRT1("long"))
	chip.Answer = func([]byte) []byte { return append(slices.Clone(data), 0x90, 0x00) }
	s.settled(s.a, chip)
	answer := s.send(s.connect(s.a), []byte{0x00, 0xB0, 0x00, 0x00, 0x00})
	if len(answer) != 258 || !bytes.HasPrefix(answer, data) {
		t.Errorf("%d bytes", len(answer))
	}
}
