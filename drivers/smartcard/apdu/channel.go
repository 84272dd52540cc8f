package apdu

import (
	"context"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Bounds on what a card can make of one command and of one job.
const (
	MaxAnswer    = 64 << 10 // bytes of one answer, over all its parts
	maxParts     = 300      // GET RESPONSE for one command
	MaxExchanges = 2048     // exchanges of one Channel

	chainingBit = 0x10 // in CLA: more parts follow
)

// ErrEndless is a card that does not come to an end.
var ErrEndless = fmt.Errorf("%w: its answers do not end", smartcard.ErrMalformed)

// Channel carries commands to one card, for one job. Like the Card, it is for one
// goroutine.
type Channel struct {
	card     smartcard.Card
	extended bool
	left     int // exchanges that this job may still make
}

// ATR is the card's answer to reset.
func (c *Channel) ATR() []byte { return c.card.ATR() }

// NewChannel is a Channel over a card whose transaction the caller holds.
func NewChannel(card smartcard.Card) *Channel {
	return &Channel{
		card: card,
		// T=0 carries extended commands only in envelopes; chaining does there.
		extended: card.Protocol() == smartcard.T1 && card.MaxCommand() > MaxShortData && extendedByATR(card.ATR()),
		left:     MaxExchanges,
	}
}

// Want is Do for a command whose answer must be 9000; anything else is a
// *StatusError.
func (ch *Channel) Want(ctx context.Context, c Command) ([]byte, error) {
	data, sw, err := ch.Do(ctx, c)
	if err == nil && sw != OK {
		err = &StatusError{INS: c.INS, SW: sw}
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Do sends a command and brings its whole answer home. An error means that the
// exchange failed; what the card thinks of the command is the status word.
func (ch *Channel) Do(ctx context.Context, c Command) ([]byte, SW, error) {
	form := Short
	if ch.card.Protocol() == smartcard.T0 {
		form = ShortT0
	}
	switch {
	case len(c.Data) > MaxShortData && ch.extended && len(c.Data) <= ch.card.MaxCommand():
		form = Extended
	case len(c.Data) > MaxShortData:
		last, sw, err := ch.chain(ctx, c, form)
		if err != nil || sw != OK {
			return nil, sw, err
		}
		c = last
	}
	if form != Extended {
		c.Ne = min(c.Ne, MaxShortAnswer)
	}

	data, sw, err := ch.exchange(ctx, c, form)
	if err != nil || carriesPIN(c.INS) {
		return data, sw, err
	}
	if sw>>8 == swWrongLe {
		clear(data)
		c.Ne = shortLe(byte(sw))
		if data, sw, err = ch.exchange(ctx, c, form); err != nil {
			return nil, 0, err
		}
	}
	return ch.rest(ctx, c, data, sw)
}

// chain sends all parts of a command but the last (ISO/IEC 7816-4 section
// 5.3.3), which it returns. A status word other than 9000 ends it early.
func (ch *Channel) chain(ctx context.Context, c Command, form Form) (last Command, sw SW, err error) {
	for len(c.Data) > MaxShortData {
		part := c
		part.CLA |= chainingBit
		part.Data, part.Ne = c.Data[:MaxShortData], 0
		if _, sw, err = ch.exchange(ctx, part, form); err != nil || sw != OK {
			return c, sw, err
		}
		c.Data = c.Data[MaxShortData:]
	}
	return c, OK, nil
}

// rest fetches what the card holds back (61xx) with GET RESPONSE.
func (ch *Channel) rest(ctx context.Context, c Command, data []byte, sw SW) ([]byte, SW, error) {
	get := Command{CLA: c.CLA &^ chainingBit, INS: insGetResponse}
	for round := 0; sw>>8 == swMoreData; round++ {
		if round == maxParts || len(data) > MaxAnswer {
			clear(data)
			return nil, 0, ErrEndless
		}
		get.Ne = shortLe(byte(sw))
		part, next, err := ch.exchange(ctx, get, Short)
		if err == nil && next>>8 == swWrongLe {
			get.Ne = shortLe(byte(next))
			part, next, err = ch.exchange(ctx, get, Short)
		}
		if err != nil {
			clear(data)
			return nil, 0, err
		}
		grown := append(data, part...)
		if len(data) > 0 && len(grown) > 0 && &grown[0] != &data[0] {
			clear(data)
		}
		clear(part)
		data, sw = grown, next
	}
	if len(data) > MaxAnswer {
		clear(data)
		return nil, 0, ErrEndless
	}
	return data, sw, nil
}

// exchange is one command and one answer.
func (ch *Channel) exchange(ctx context.Context, c Command, form Form) ([]byte, SW, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if ch.left == 0 {
		return nil, 0, ErrEndless
	}
	ch.left--
	raw, err := c.Encode(form)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", smartcard.ErrBadExchange, err)
	}
	defer clear(raw)
	answer, err := ch.card.Transmit(ctx, raw)
	if err != nil {
		return nil, 0, err
	}
	n := len(answer) - 2
	limit := MaxShortAnswer
	if form == Extended {
		limit = MaxExtendedReply
	}
	if n < 0 || n > limit {
		// A card that is pulled while it answers gives one byte or none, with the
		// reader's word that all went well.
		clear(answer)
		return nil, 0, fmt.Errorf("%w: an answer of %d bytes", smartcard.ErrTransport, len(answer))
	}
	return answer[:n], SW(answer[n])<<8 | SW(answer[n+1]), nil
}
