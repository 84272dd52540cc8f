package smartcardtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// MaxCommand is what the twin's readers carry.
const MaxCommand = 65535

// conn is one connection.
type conn struct {
	tw     *Twin
	slot   *slot
	in     *inserted
	resets int // of the card at Connect
	dead   error
	left   bool // a call was abandoned
	closed bool
	result error
}

// Connect implements smartcard.Service.
func (tw *Twin) Connect(ctx context.Context, r smartcard.Reader) (smartcard.Card, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", r, err)
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	why := error(nil)
	s := tw.slot(r)
	switch {
	case tw.down:
		why = smartcard.ErrNoService
	case s == nil || !s.plugged:
		why = smartcard.ErrNoReader
	case s.in == nil:
		why = smartcard.ErrNoCard
	case s.in.number == 0:
		why = smartcard.ErrUnreadable
	case s.in.refuse != nil:
		why = s.in.refuse
	}
	if why != nil {
		return nil, fmt.Errorf("connect to %s: %w", r, why)
	}
	c := &conn{tw: tw, slot: s, in: s.in, resets: s.in.resets}
	tw.open[c] = true
	return c, nil
}

func (c *conn) ATR() []byte     { return slices.Clone(c.in.chip.ATR()) }
func (c *conn) MaxCommand() int { return MaxCommand }

// Protocol is the one that the ATR offers first: TD1 is the byte after TA1, TB1
// and TC1, which T0 announces (ISO/IEC 7816-3 8.2.3).
func (c *conn) Protocol() smartcard.Protocol {
	atr := c.in.chip.ATR()
	if len(atr) < 2 || atr[1]&0x80 == 0 {
		return smartcard.T0
	}
	at := 2
	for _, bit := range []byte{0x10, 0x20, 0x40} {
		if atr[1]&bit != 0 {
			at++
		}
	}
	if at < len(atr) && atr[at]&0x0F == 1 {
		return smartcard.T1
	}
	return smartcard.T0
}

// state tells under the lock why nothing can be sent.
func (c *conn) state() error {
	switch {
	case c.closed:
		return fmt.Errorf("%w: the card was given back", smartcard.ErrBadExchange)
	case c.dead != nil:
	case c.in.gone != nil:
		c.dead = c.in.gone
	case c.in.resets != c.resets:
		c.dead = smartcard.ErrReset
	}
	return c.dead
}

// free: nobody else has a transaction or an exchange.
func (c *conn) free() bool { return !c.in.busy && (c.in.holder == nil || c.in.holder == c) }

// Begin implements smartcard.Card.
func (c *conn) Begin(ctx context.Context) error {
	c.tw.mu.Lock()
	defer c.tw.mu.Unlock()
	if err := c.ready(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, smartcard.LongestExchange)
	defer cancel()
	if !c.tw.await(ctx, func() bool { return c.state() != nil || c.free() }) {
		return c.abandon(ctx, "begin", smartcard.ErrInUse)
	}
	if err := c.state(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	c.in.holder = c
	c.in.depth++
	return nil
}

func (c *conn) ready(ctx context.Context) error {
	if err := c.state(); err != nil {
		return err
	}
	return ctx.Err()
}

// abandon leaves the connection to a call that does not come back.
func (c *conn) abandon(ctx context.Context, name string, why error) error {
	c.left, c.dead, c.in.refuse = true, why, why
	delete(c.tw.open, c)
	return fmt.Errorf("%s at %s: %w (%w)", name, c.slot.name, why, context.Cause(ctx))
}

// letGo ends a transaction. A call that waited for that and was abandoned then
// comes back, and gives the card back with a reset.
func (i *inserted) letGo() {
	i.holder, i.depth = nil, 0
	if i.refuse != nil && !i.busy && i.gone == nil {
		i.refuse = nil
		i.reset()
	}
}

func (i *inserted) reset() {
	i.resets++
	i.fresh = true
	i.chip.Reset()
}

// End implements smartcard.Card.
func (c *conn) End() error {
	c.tw.mu.Lock()
	defer c.tw.mu.Unlock()
	if err := c.state(); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if c.in.holder != c {
		return fmt.Errorf("%w: no transaction was begun", smartcard.ErrBadExchange)
	}
	if c.in.depth--; c.in.depth == 0 {
		c.in.letGo()
		c.tw.wake()
	}
	return nil
}

// Bounds of a command, as the real one has them.
const (
	commandLeast = 4
	commandMost  = 4 + 3 + 65535 + 2
)

// Transmit implements smartcard.Card.
func (c *conn) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	c.tw.mu.Lock()
	defer c.tw.mu.Unlock()
	if err := c.ready(ctx); err != nil {
		return nil, fmt.Errorf("transmit: %w", err)
	}
	if len(command) < commandLeast || len(command) > commandMost {
		return nil, fmt.Errorf("%w: a command of %d bytes", smartcard.ErrBadExchange, len(command))
	}
	ctx, cancel := context.WithTimeout(ctx, smartcard.LongestExchange)
	defer cancel()
	if !c.tw.await(ctx, func() bool { return c.state() != nil || c.free() }) {
		return nil, c.abandon(ctx, "transmit", smartcard.ErrStuck)
	}
	if err := c.state(); err != nil {
		return nil, fmt.Errorf("transmit: %w", err)
	}
	answer, err := c.exchange(ctx, command)
	c.tw.record = append(c.tw.record, Exchange{Reader: c.slot.name, Insertion: c.in.number, Command: redact(command),
		SW: statusWord(answer), Err: err})
	return answer, err
}

// exchange is one exchange with a card that is free.
func (c *conn) exchange(ctx context.Context, command []byte) ([]byte, error) {
	c.slot.exchanges++
	fault := c.slot.faults[c.slot.exchanges]
	if fault == FaultReset {
		c.in.reset()
		c.tw.wake()
		return nil, fmt.Errorf("transmit: %w", c.state())
	}
	c.in.busy, c.in.fresh = true, false
	c.tw.mu.Unlock()
	answer := slices.Clone(c.in.chip.Command(slices.Clone(command)))
	c.tw.mu.Lock()
	switch fault {
	case FaultRemove:
		if c.in.gone == nil {
			c.tw.eject(c.slot)
		}
	case FaultError:
		answer = []byte{0}
	case FaultStuck:
		answer = nil
	}
	// Silence: the reader is busy with this card for as long as it is there.
	if len(answer) == 0 && !c.tw.await(ctx, func() bool { return c.in.gone != nil }) {
		return nil, c.abandon(ctx, "transmit", smartcard.ErrStuck)
	}
	c.in.busy = false
	c.tw.wake()
	if err := c.state(); err != nil {
		return nil, fmt.Errorf("transmit: %w", err)
	}
	if len(answer) < 2 {
		return nil, fmt.Errorf("%w: an answer of %d bytes", smartcard.ErrTransport, len(answer))
	}
	return answer, nil
}

// closingTime is how long Close waits for another program.
const closingTime = 5 * time.Second

// Close implements smartcard.Card.
func (c *conn) Close() error {
	c.tw.mu.Lock()
	defer c.tw.mu.Unlock()
	if !c.closed {
		c.result = c.close()
		c.closed = true
	}
	return c.result
}

func (c *conn) close() error {
	if c.left {
		return fmt.Errorf("close: not reset yet: %w", c.dead)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	if !c.tw.await(ctx, func() bool { return c.in.gone != nil || c.free() }) {
		return c.abandon(ctx, "close", smartcard.ErrStuck)
	}
	delete(c.tw.open, c)
	switch {
	case c.in.gone == smartcard.ErrRemoved:
		return nil
	case c.in.gone != nil:
		return fmt.Errorf("close: %w", c.in.gone)
	}
	c.in.reset()
	if c.in.holder == c {
		c.in.letGo()
	}
	c.tw.wake()
	return nil
}
