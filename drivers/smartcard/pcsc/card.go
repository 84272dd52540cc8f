package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Times of a card (section 2.3).
const (
	sharingTries  = 3
	sharingPause  = 150 * time.Millisecond
	closingTime   = 5 * time.Second        // for End and Close, which have no context
	removalTime   = 700 * time.Millisecond // within which the daemon notices that a card was pulled
	removalPeriod = 50 * time.Millisecond
)

// Lengths of a command (ISO/IEC 7816-4 5.1): a header; a header, three bytes Lc,
// 65,535 bytes of data and two bytes Le.
const (
	commandLeast = 4
	commandMost  = 4 + 3 + 65535 + 2
)

// card is one connection with a context of its own.
type card struct {
	service  *Service
	reader   smartcard.Reader
	context  bindingContext
	handle   bindingCard
	atr      []byte
	protocol smartcard.Protocol
	max      int

	begun    int   // Begins without End
	dead     error // what every further exchange says
	left     bool  // abandoned: handle and context belong to that call
	closed   bool
	closedAs error
}

func (c *card) ATR() []byte                  { return slices.Clone(c.atr) }
func (c *card) Protocol() smartcard.Protocol { return c.protocol }
func (c *card) MaxCommand() int              { return c.max }

// open makes the connection. What it made stays in c also at an error; nothing
// stays open at one.
func (c *card) open(quit <-chan struct{}) (err error) {
	defer func() {
		if err != nil {
			c.cleanUp()
		}
	}()
	if c.context, err = c.service.library.Establish(); err != nil {
		c.context = nil
		return fault("SCardEstablishContext", smartcard.ErrNoService, err)
	}
	for try := 0; ; try++ {
		if c.handle, err = c.context.Connect(string(c.reader)); err == nil {
			break
		}
		c.handle = nil
		if try == sharingTries || !errors.Is(err, scard.ErrSharingViolation) {
			why, _ := reason(connecting, err)
			return fault("SCardConnect", why, err)
		}
		select {
		case <-time.After(sharingPause):
		case <-quit:
			return smartcard.ErrStuck // nobody reads it
		}
	}
	// Transmit panics at any other protocol.
	switch p := c.handle.ActiveProtocol(); p {
	case scard.ProtocolT0:
		c.protocol = smartcard.T0
	case scard.ProtocolT1:
		c.protocol = smartcard.T1
	default:
		return fmt.Errorf("%w: protocol %d", smartcard.ErrUnreadable, p)
	}
	status, err := c.handle.Status()
	if err != nil {
		why, _ := reason(connecting, err)
		return fault("SCardStatus", why, err)
	}
	if len(status.Atr) == 0 || len(status.Atr) > atrMost {
		return fmt.Errorf("%w: an answer to reset of %d bytes", smartcard.ErrUnreadable, len(status.Atr))
	}
	c.atr = slices.Clone(status.Atr)
	c.max = longestCommand(c.handle)
	return nil
}

// giveBack resets the card and gives everything back, as far as it was made. Its
// error is about the reset: the context of a daemon that is gone is invalid, which
// is no news.
func (c *card) giveBack() error {
	var err error
	if h := c.handle; h != nil {
		c.handle = nil
		err = h.Disconnect(scard.ResetCard)
		for try := 0; try < sharingTries && errors.Is(err, scard.ErrSharingViolation); try++ {
			<-time.After(sharingPause)
			err = h.Disconnect(scard.ResetCard)
		}
	}
	if context := c.context; context != nil {
		c.context = nil
		_ = context.Release() // see above
	}
	return err
}

// cleanUp is giveBack when nobody is left to be told.
func (c *card) cleanUp() { _ = c.giveBack() }

// do makes one call to the card. It is abandoned with the whole connection when
// ctx ends before it is back; every further call then says the same.
func (c *card) do(ctx context.Context, name string, stuck error, work func()) error {
	t := c.service.start(func(<-chan struct{}) { work() }, c.cleanUp)
	if t.wait(ctx) || !t.abandon(c.reader, stuck) {
		return nil
	}
	c.left, c.dead = true, stuck
	return fmt.Errorf("%s at %s: %w (%w)", name, c.reader, stuck, context.Cause(ctx))
}

// ready tells why nothing can be sent.
func (c *card) ready(ctx context.Context) error {
	switch {
	case c.closed:
		return fmt.Errorf("%w: the card was given back", smartcard.ErrBadExchange)
	case c.dead != nil:
		return c.dead
	}
	return ctx.Err()
}

// Begin implements smartcard.Card. The library asks again and again while another
// program has a transaction, so a Begin that does not come back means just that.
func (c *card) Begin(ctx context.Context) error {
	if err := c.ready(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, smartcard.LongestExchange)
	defer cancel()
	var failed error
	if err := c.do(ctx, "begin", smartcard.ErrInUse, func() { failed = c.handle.BeginTransaction() }); err != nil {
		return err
	}
	if failed == nil {
		c.begun++
	}
	return c.explain(ctx, "SCardBeginTransaction", failed)
}

// End implements smartcard.Card.
func (c *card) End() error {
	if err := c.ready(context.Background()); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if c.begun == 0 {
		return fmt.Errorf("%w: no transaction was begun", smartcard.ErrBadExchange)
	}
	c.begun--
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	var failed error
	if err := c.do(ctx, "end", smartcard.ErrStuck, func() { failed = c.handle.EndTransaction(scard.LeaveCard) }); err != nil {
		return err
	}
	return c.explain(ctx, "SCardEndTransaction", failed)
}

// Transmit implements smartcard.Card.
func (c *card) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := c.ready(ctx); err != nil {
		return nil, fmt.Errorf("transmit: %w", err)
	}
	// The library panics at an empty command.
	if len(command) < commandLeast || len(command) > commandMost {
		return nil, fmt.Errorf("%w: a command of %d bytes", smartcard.ErrBadExchange, len(command))
	}
	ctx, cancel := context.WithTimeout(ctx, smartcard.LongestExchange)
	defer cancel()
	// The caller may wipe its command while an abandoned call still reads.
	sent := slices.Clone(command)
	var answer []byte
	var failed error
	err := c.do(ctx, "transmit", smartcard.ErrStuck, func() {
		defer clear(sent)
		var whole []byte
		whole, failed = c.handle.Transmit(sent)
		answer = slices.Clone(whole)
		clear(whole[:cap(whole)])
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, c.explain(ctx, "SCardTransmit", failed)
	}
	if len(answer) < 2 {
		// Success without a status word: a card that was pulled or garbled (section 3.2).
		clear(answer)
		return nil, c.explain(ctx, "SCardTransmit", fmt.Errorf("an answer of %d bytes", len(answer)))
	}
	return answer, nil
}

// explain gives the family's error for a code. After one that leaves it open, the
// state decides whether the card was removed or the exchange failed.
func (c *card) explain(ctx context.Context, function string, err error) error {
	if err == nil {
		return nil
	}
	why, sure := reason(connected, err)
	if !sure {
		why = c.ask(ctx)
	}
	if why != smartcard.ErrTransport && why != smartcard.ErrInUse && c.dead == nil {
		c.dead = why
	}
	return fault(function, why, err)
}

// ask waits for the state to tell: a removal is noticed only some time after the
// exchange that it broke, because a reader without interrupts is polled.
func (c *card) ask(ctx context.Context) error {
	why := smartcard.ErrTransport
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*removalTime)
	defer cancel()
	if err := c.do(bound, "status", smartcard.ErrStuck, func() {
		for until := time.Now().Add(removalTime); ; {
			if _, err := c.handle.Status(); err != nil {
				if told, sure := reason(connected, err); sure && told != smartcard.ErrInUse {
					why = told
					return
				}
			}
			if ctx.Err() != nil || !time.Now().Before(until) {
				return
			}
			pause(ctx, removalPeriod)
		}
	}); err != nil {
		return smartcard.ErrStuck
	}
	return why
}

// Close implements smartcard.Card.
func (c *card) Close() error {
	if c.closed {
		return c.closedAs
	}
	c.closed = true
	c.closedAs = c.close()
	return c.closedAs
}

func (c *card) close() error {
	if c.left {
		return fmt.Errorf("close: not reset yet: %w", c.dead)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	var failed error
	if err := c.do(ctx, "close", smartcard.ErrStuck, func() { failed = c.giveBack() }); err != nil {
		return err
	}
	if failed == nil {
		return nil
	}
	why, _ := reason(connected, failed)
	if why == smartcard.ErrRemoved {
		return nil // without power nothing stays verified
	}
	return fault("SCardDisconnect", why, failed)
}
