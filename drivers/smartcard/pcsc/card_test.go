package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

var command = []byte{0x00, 0x20, 0x00, 0x01, 0x04, 0x31, 0x32, 0x33, 0x34}

// on gives a service with one card in every reader, and a connection to it.
func on(t *testing.T, h *fakeCard) (*Service, *fake, smartcard.Card) {
	t.Helper()
	f := &fake{connect: func(string) (bindingCard, error) { return h, nil }}
	s := newService(f)
	c, err := s.Connect(t.Context(), "R")
	if err != nil {
		t.Fatal(err)
	}
	return s, f, c
}

// TestErrors: what the library's codes mean, by when they come. The state is asked
// where they leave it open, and no command is sent twice.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		code                scard.Error
		connect, transmit   error
		transmitWhenRemoved error // when the state says that the card is gone
	}{
		{scard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService},
		{scard.ErrServiceStopped, smartcard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService},
		{scard.ErrCommError, smartcard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService},
		{scard.ErrInvalidHandle, smartcard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService},
		{scard.ErrSecurityViolation, smartcard.ErrNoService, smartcard.ErrNoService, smartcard.ErrNoService},
		{scard.ErrUnknownReader, smartcard.ErrNoReader, smartcard.ErrRemoved, smartcard.ErrRemoved},
		{scard.ErrReaderUnavailable, smartcard.ErrNoReader, smartcard.ErrRemoved, smartcard.ErrRemoved},
		{scard.ErrNoSmartcard, smartcard.ErrNoCard, smartcard.ErrRemoved, smartcard.ErrRemoved},
		{scard.ErrRemovedCard, smartcard.ErrRemoved, smartcard.ErrRemoved, smartcard.ErrRemoved},
		{scard.ErrResetCard, smartcard.ErrReset, smartcard.ErrReset, smartcard.ErrReset},
		{scard.ErrSharingViolation, smartcard.ErrInUse, smartcard.ErrInUse, smartcard.ErrInUse},
		{scard.ErrUnresponsiveCard, smartcard.ErrUnreadable, smartcard.ErrTransport, smartcard.ErrRemoved},
		{scard.ErrUnpoweredCard, smartcard.ErrUnreadable, smartcard.ErrTransport, smartcard.ErrRemoved},
		{scard.ErrProtoMismatch, smartcard.ErrUnreadable, smartcard.ErrTransport, smartcard.ErrRemoved},
		{scard.ErrNotTransacted, smartcard.ErrTransport, smartcard.ErrTransport, smartcard.ErrRemoved},
		{scard.ErrInternalError, smartcard.ErrTransport, smartcard.ErrTransport, smartcard.ErrRemoved},
		{scard.ErrInsufficientBuffer, smartcard.ErrTransport, smartcard.ErrTransport, smartcard.ErrRemoved},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{connect: func(string) (bindingCard, error) { return nil, c.code }}
			_, err := newService(f).Connect(t.Context(), "R")
			if !errors.Is(err, c.connect) || !strings.Contains(err.Error(), fmt.Sprintf("%08X", uint32(c.code))) {
				t.Errorf("connect with %08X: %v, want %v", uint32(c.code), err, c.connect)
			}
			if f.established.Load() != f.released.Load() {
				t.Errorf("connect with %08X: the context stays", uint32(c.code))
			}
			for _, removed := range []bool{false, true} {
				h, sent := newFakeCard(), 0
				h.transmit = func([]byte) ([]byte, error) { sent++; return nil, c.code }
				_, _, card := on(t, h)
				want := c.transmit
				if removed {
					// Seen only a moment later: the reader is polled.
					seen := time.Now().Add(400 * time.Millisecond)
					h.status = func() (*scard.CardStatus, error) {
						if time.Now().Before(seen) {
							return &scard.CardStatus{}, nil
						}
						return nil, scard.ErrRemovedCard
					}
					want = c.transmitWhenRemoved
				}
				began := time.Now()
				if _, err := card.Transmit(t.Context(), command); !errors.Is(err, want) || sent != 1 {
					t.Errorf("transmit with %08X, removed %v: %v, want %v; sent %d times", uint32(c.code), removed, err, want, sent)
				}
				if d := time.Since(began); d > time.Second {
					t.Errorf("transmit with %08X took %s", uint32(c.code), d)
				}
				if err := card.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestShortAnswers: success without a status word is none.
func TestShortAnswers(t *testing.T) {
	for _, answer := range [][]byte{nil, {}, {0x90}} {
		for _, removed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				h, want := newFakeCard(), smartcard.ErrTransport
				h.transmit = func([]byte) ([]byte, error) { return answer, nil }
				_, _, c := on(t, h)
				if removed {
					want = smartcard.ErrRemoved
					h.status = func() (*scard.CardStatus, error) { return nil, scard.ErrRemovedCard }
				}
				if _, err := c.Transmit(t.Context(), command); !errors.Is(err, want) {
					t.Errorf("%X, removed %v: %v", answer, removed, err)
				}
			})
		}
	}
}

// TestSharingViolation: tried three times more, 150 ms apart.
func TestSharingViolation(t *testing.T) {
	for busy, want := range map[int]error{0: nil, 3: nil, 4: smartcard.ErrInUse} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			f := &fake{connect: func(string) (bindingCard, error) {
				if tries++; tries <= busy {
					return nil, scard.ErrSharingViolation
				}
				return newFakeCard(), nil
			}}
			began := time.Now()
			_, err := newService(f).Connect(t.Context(), "R")
			if !errors.Is(err, want) || tries != min(busy, 3)+1 || time.Since(began) != time.Duration(min(busy, 3))*150*time.Millisecond {
				t.Errorf("busy %d times: %v after %d tries and %s", busy, err, tries, time.Since(began))
			}
		})
	}
}

// TestWiped: the library's buffer and our copy of the command hold nothing when
// the exchange is over, and the caller's command is as it was.
func TestWiped(t *testing.T) {
	h := newFakeCard()
	buffer := make([]byte, 65548)
	var sent []byte
	h.transmit = func(command []byte) ([]byte, error) {
		sent = command
		copy(buffer, "personal data\x90\x00")
		copy(buffer[1000:], "and what was behind it")
		return buffer[:15], nil
	}
	_, _, c := on(t, h)
	mine := slices.Clone(command)
	answer, err := c.Transmit(t.Context(), mine)
	if err != nil || string(answer) != "personal data\x90\x00" || !bytes.Equal(mine, command) {
		t.Errorf("%q, %v, command %X", answer, err, mine)
	}
	if !bytes.Equal(buffer, make([]byte, len(buffer))) || !bytes.Equal(sent, make([]byte, len(command))) {
		t.Errorf("left: %q, %X", buffer[:15], sent)
	}
	if cap(answer) > 64 {
		t.Error("the answer is still the library's buffer")
	}
}

// TestUnusableCards: what the library would panic at is not connected, and is
// given back.
func TestUnusableCards(t *testing.T) {
	for name, spoil := range map[string]func(*fakeCard){
		"raw protocol": func(c *fakeCard) { c.protocol = 4 },
		"no protocol":  func(c *fakeCard) { c.protocol = scard.ProtocolUndefined },
		"no ATR":       func(c *fakeCard) { c.status = func() (*scard.CardStatus, error) { return &scard.CardStatus{}, nil } },
		"ATR too long": func(c *fakeCard) {
			c.status = func() (*scard.CardStatus, error) { return &scard.CardStatus{Atr: make([]byte, 34)}, nil }
		},
		"silent already": func(c *fakeCard) {
			c.status = func() (*scard.CardStatus, error) { return nil, scard.ErrUnresponsiveCard }
		},
	} {
		h := newFakeCard()
		spoil(h)
		f := &fake{connect: func(string) (bindingCard, error) { return h, nil }}
		_, err := newService(f).Connect(t.Context(), "R")
		if !errors.Is(err, smartcard.ErrUnreadable) || !slices.Equal(h.disconnected, []scard.Disposition{scard.ResetCard}) || f.released.Load() != 1 {
			t.Errorf("%s: %v, disconnected %v, released %d", name, err, h.disconnected, f.released.Load())
		}
	}
}

// TestStatusPanics: the library's own fault at a reader without a name.
func TestStatusPanics(t *testing.T) {
	if _, err := (libraryCard{}).Status(); err == nil {
		t.Error("no error")
	}
}

// TestStuck: a call that does not come back is left behind with its context, and
// its card is reset when it does.
func TestStuck(t *testing.T) {
	for name, c := range map[string]struct {
		hang func(h *fakeCard, f *fake, wait func())
		call func(ctx context.Context, s *Service, c smartcard.Card) error
		want error
	}{
		"transmit": {func(h *fakeCard, _ *fake, wait func()) {
			h.transmit = func([]byte) ([]byte, error) { wait(); return nil, nil }
		},
			func(ctx context.Context, _ *Service, c smartcard.Card) error {
				_, err := c.Transmit(ctx, command)
				return err
			}, smartcard.ErrStuck},
		"begin": {func(h *fakeCard, _ *fake, wait func()) { h.begin = func() error { wait(); return nil } },
			func(ctx context.Context, _ *Service, c smartcard.Card) error { return c.Begin(ctx) }, smartcard.ErrInUse},
		"status after a fault": {func(h *fakeCard, _ *fake, wait func()) {
			h.transmit = func([]byte) ([]byte, error) { return nil, scard.ErrNotTransacted }
			h.status = func() (*scard.CardStatus, error) { wait(); return &scard.CardStatus{Atr: []byte("atr")}, nil }
		}, func(ctx context.Context, _ *Service, c smartcard.Card) error {
			_, err := c.Transmit(ctx, command)
			return err
		}, smartcard.ErrStuck},
		"close": {func(h *fakeCard, _ *fake, wait func()) {
			h.leave = func(scard.Disposition) error { wait(); return nil }
		},
			func(_ context.Context, _ *Service, c smartcard.Card) error { return c.Close() }, smartcard.ErrStuck},
		"end": {func(h *fakeCard, _ *fake, wait func()) { h.end = func() error { wait(); return nil } },
			func(ctx context.Context, _ *Service, c smartcard.Card) error {
				return errors.Join(c.Begin(ctx), c.End())
			}, smartcard.ErrStuck},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newFakeCard()
				s, f, card := on(t, h)
				back := make(chan struct{})
				c.hang(h, f, func() { <-back })
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				began := time.Now()
				if err := c.call(ctx, s, card); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if d := time.Since(began); d > closingTime {
					t.Errorf("it took %s", d)
				}
				if _, err := card.Transmit(t.Context(), command); err == nil {
					t.Error("the connection can still be used")
				}
				if err := card.Close(); !errors.Is(err, c.want) {
					t.Errorf("close: %v", err)
				}
				if _, err := s.Connect(t.Context(), "R"); !errors.Is(err, c.want) {
					t.Errorf("another connection: %v", err)
				}
				if s.Abandoned() != 1 {
					t.Errorf("%d calls out", s.Abandoned())
				}
				close(back)
				if err := s.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				if len(h.disconnected) != 1 || h.disconnected[0] != scard.ResetCard || f.released.Load() != 1 {
					t.Errorf("disconnected %v, released %d", h.disconnected, f.released.Load())
				}
				if _, err := s.Connect(t.Context(), "R"); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// TestStuckConnect: Connect too, and there are never more calls out than readers
// that pcsc-lite knows.
func TestStuckConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		var reset atomic.Int32
		f := &fake{connect: func(string) (bindingCard, error) {
			<-back
			h := newFakeCard()
			h.leave = func(scard.Disposition) error { reset.Add(1); return nil }
			return h, nil
		}}
		s := newService(f)
		began := time.Now()
		for i := range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := s.Connect(ctx, smartcard.Reader(fmt.Sprint(i))); !errors.Is(err, smartcard.ErrStuck) {
				t.Errorf("reader %d: %v", i, err)
			}
			cancel()
		}
		if d := time.Since(began); s.Abandoned() != abandonedMost || d != abandonedMost*time.Second {
			t.Errorf("%d calls out after %s", s.Abandoned(), d)
		}
		out := s.Abandoned()
		close(back)
		if err := s.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if int(reset.Load()) != out || int(f.released.Load()) != out {
			t.Errorf("%d of %d given back, %d released", reset.Load(), out, f.released.Load())
		}
	})
}

// TestNoDeadline: an exchange has one also when its context has none.
func TestNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeCard()
		back := make(chan struct{})
		h.transmit = func([]byte) ([]byte, error) { <-back; return nil, nil }
		s, _, c := on(t, h)
		began := time.Now()
		if _, err := c.Transmit(t.Context(), command); !errors.Is(err, smartcard.ErrStuck) || time.Since(began) != smartcard.LongestExchange {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		close(back)
		if err := s.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseFaults: what Close says when the card cannot be reset.
func TestCloseFaults(t *testing.T) {
	for code, want := range map[scard.Error]error{
		scard.ErrRemovedCard:       nil,
		scard.ErrNoSmartcard:       nil,
		scard.ErrReaderUnavailable: nil,
		scard.ErrNoService:         smartcard.ErrNoService,
		scard.ErrInvalidHandle:     smartcard.ErrNoService,
		scard.ErrNotTransacted:     smartcard.ErrTransport,
		scard.ErrSharingViolation:  smartcard.ErrInUse,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newFakeCard()
			h.leave = func(scard.Disposition) error { return code }
			_, f, c := on(t, h)
			for range 2 {
				if err := c.Close(); !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Errorf("%08X: %v, want %v", uint32(code), err, want)
				}
			}
			if f.released.Load() != 1 {
				t.Errorf("%08X: released %d times", uint32(code), f.released.Load())
			}
		})
	}
}
