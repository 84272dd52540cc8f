package smartcardtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

func TestConformance(t *testing.T) {
	Suite(t, Subject{
		New: func(*testing.T) Stand { return NewTwin("Reader A 00 00", "Reader B 00 00") },
		Run: synctest.Test,
	})
}

// with gives a twin with a card in its reader and a connection to that.
func with(t *testing.T) (*Twin, *Plain, smartcard.Card) {
	t.Helper()
	tw, chip := NewTwin("R"), NewPlain(ATRT1("chip"))
	tw.Insert("R", chip)
	c, err := tw.Connect(t.Context(), "R")
	if err != nil {
		t.Fatal(err)
	}
	return tw, chip, c
}

// TestFaults: each in the exchange that was named and in no other.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault    Fault
		want     error
		commands int // that the card has had after the second exchange
	}{
		{FaultRemove, smartcard.ErrRemoved, 2},
		{FaultError, smartcard.ErrTransport, 2},
		{FaultStuck, smartcard.ErrStuck, 2},
		{FaultReset, smartcard.ErrReset, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			tw, chip, card := with(t)
			tw.Fault("R", 2, c.fault)
			if _, err := card.Transmit(t.Context(), hello); err != nil {
				t.Errorf("%d: the first exchange: %v", c.fault, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := card.Transmit(ctx, hello); !errors.Is(err, c.want) {
				t.Errorf("%d: %v, want %v", c.fault, err, c.want)
			}
			if chip.Commands() != c.commands {
				t.Errorf("%d: the card has had %d commands", c.fault, chip.Commands())
			}
			if e := tw.Exchanges(); len(e) != 2 || e[0].SW != 0x9000 || !errors.Is(e[1].Err, c.want) {
				t.Errorf("%d: record %v", c.fault, e)
			}
			_ = card.Close() // a stuck one cannot be
		})
	}
}

// TestRecordHasNoPIN: nothing of a PIN is written down, in any form of command.
func TestRecordHasNoPIN(t *testing.T) {
	tw, _, card := with(t)
	for command, want := range map[string]string{
		"\x00\x20\x00\x01\x041234":         "0020000104****",
		"\x00\x20\x00\x01\x04123":          "0020000104***",
		"\x00\x20\x00\x01":                 "00200001",
		"\x10\x24\x00\x01\x0812345678":     "1024000108********",
		"\x00\x2C\x00\x01\x041234\x00":     "002C000104*****",
		"\x00\x20\x00\x01\x00\x00\x041234": "00200001000004****",
		"\x00\x21\x00\x01\x06\x53\x041234": "0021000106******",
		"\x00\xA4\x04\x0C\x02\x3F\x00":     "00A4040C023F00",
	} {
		if _, err := card.Transmit(t.Context(), []byte(command)); err != nil {
			t.Error(err)
		}
		e := tw.Exchanges()
		if got := e[len(e)-1]; got.Command != want || got.Reader != "R" || got.Insertion != 1 {
			t.Errorf("%X: %+v, want %s", command, got, want)
		}
	}
	if text := fmt.Sprint(tw.Exchanges()); strings.Contains(text, "31323334") || strings.Contains(text, "1234") {
		t.Error(text)
	}
}

// complaints collects what AssertReset says.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

func TestAssertReset(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(tw *Twin, c smartcard.Card)
		want int
	}{
		"closed":        {func(_ *Twin, c smartcard.Card) { _ = c.Close() }, 0},
		"left open":     {func(*Twin, smartcard.Card) {}, 2}, // neither reset nor closed
		"only ended":    {func(_ *Twin, c smartcard.Card) { _ = c.End() }, 2},
		"pulled":        {func(tw *Twin, c smartcard.Card) { tw.Remove("R"); _ = c.Close() }, 0},
		"daemon killed": {func(tw *Twin, c smartcard.Card) { tw.StopService(); _ = c.Close() }, 1},
		"and started": {func(tw *Twin, c smartcard.Card) {
			tw.StopService()
			_ = c.Close()
			tw.StartService()
		}, 0},
	} {
		tw, _, card := with(t)
		if _, err := card.Transmit(t.Context(), verify); err != nil {
			t.Fatal(err)
		}
		c.do(tw, card)
		said := &complaints{TB: t}
		tw.AssertReset(said)
		if len(said.said) != c.want {
			t.Errorf("%s: %q", name, said.said)
		}
	}
}

// TestWorld: what persons and machines do is told in order.
func TestWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := NewTwin("R")
		w := Watch(t, tw)
		one, two := NewPlain(ATRT1("one")), NewPlain(ATRT1("two"))
		for _, do := range []func(){
			func() { tw.Insert("R", one) },
			func() { tw.Swap("R", two) },
			func() { tw.Remove("R") },
			func() { tw.Mute("R") },
			func() { tw.Unplug("R") },
			func() { tw.Plug("R") },
			func() { tw.Insert("R", one) },
			tw.StopService,
			func() { tw.Remove("R"); tw.Insert("R", two); tw.Plug("S") }, // nobody sees it
			tw.StartService,
		} {
			do()
			synctest.Wait()
		}
		want := `ServiceUp, ReaderFound R, CardInserted R 1, CardRemoved R, CardInserted R 2, CardRemoved R, CardUnreadable R, ` +
			`CardRemoved R, ReaderLost R, ReaderFound R, CardInserted R 3, CardRemoved R, ReaderLost R, ServiceDown, ` +
			`ServiceUp, ReaderFound R, CardInserted R 4, ReaderFound S`
		var got []string
		for range strings.Count(want, ",") + 1 {
			e := w.Next()
			text := strings.TrimPrefix(fmt.Sprintf("%T", e), "smartcard.")
			if r := readerOf(e); r != "" {
				text += " " + string(r)
			}
			if e, ok := e.(smartcard.CardInserted); ok {
				text += fmt.Sprint(" ", e.Insertion)
			}
			got = append(got, text)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
		}
		if err := CheckOrder(w.Seen()); err != nil {
			t.Error(err)
		}
	})
}

// TestHold: another program's transaction is waited for, and no longer than asked.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw, chip, card := with(t)
		release := tw.Hold("R")
		time.AfterFunc(time.Second, release)
		began := time.Now()
		if err := card.Begin(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if err := card.Close(); err != nil {
			t.Error(err)
		}
		card, err := tw.Connect(t.Context(), "R")
		if err != nil {
			t.Fatal(err)
		}
		release = tw.Hold("R")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := card.Begin(ctx); !errors.Is(err, smartcard.ErrInUse) {
			t.Error(err)
		}
		if _, err := tw.Connect(t.Context(), "R"); !errors.Is(err, smartcard.ErrInUse) {
			t.Errorf("connect: %v", err)
		}
		before := chip.Resets()
		release()
		if _, err := tw.Connect(t.Context(), "R"); err != nil || chip.Resets() != before+1 {
			t.Errorf("afterwards: %v, %d resets", err, chip.Resets()-before)
		}
	})
}
