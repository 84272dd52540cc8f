package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

// Names of the two readers in the interface.
const (
	readerSlot  = "slot"  // takes a card
	readerToken = "token" // takes a USB token
)

var readerNames = []string{readerSlot, readerToken}

// readers are the terminal's two smart-card readers, behind a PC/SC daemon of the
// bench's own, and what is in them. A card that was put in stays in when the
// daemon dies, as it would in steel: it is found again when the daemon is back.
type readers struct {
	hub   *hub
	store *store

	mu      sync.Mutex
	service *vpcd.Service // nil: there is none, see trouble
	trouble string        // why there are no readers
	ports   map[string]*cardReader
	closed  bool
	work    sync.WaitGroup // the goroutines of cards in readers
}

// cardReader is one of the two.
type cardReader struct {
	name string
	slot vpcd.Slot
	in   *insertion // nil: it is empty
}

// insertion is one card in one reader, from when it was put in until it is out.
type insertion struct {
	r      *readers
	p      *cardReader
	card   *card
	upside bool // its contacts do not meet the reader's

	out  chan struct{} // closed: it is out
	conn net.Conn      // to the reader; nil while the reader cannot be reached; under r.mu
}

func newReaders(h *hub, s *store) *readers {
	return &readers{hub: h, store: s, ports: map[string]*cardReader{
		readerSlot:  {name: readerSlot, slot: vpcd.CardSlot},
		readerToken: {name: readerToken, slot: vpcd.TokenPort},
	}}
}

// startWait bounds the start of the PC/SC daemon, which takes a fraction of it.
const startWait = 5 * time.Second

// start starts the PC/SC daemon. A machine that cannot have one of its own has a
// bench without readers, which says why: everything else works.
func (r *readers) start(dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	s, err := vpcd.Start(ctx, dir, r.serviceChanged)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		slog.Error("there are no card readers", "error", err)
		r.trouble = err.Error()
		return
	}
	r.service = s
}

func (r *readers) serviceChanged() {
	r.mu.Lock()
	s, closed := r.service, r.closed
	r.mu.Unlock()
	if s == nil || closed {
		return
	}
	text := "up"
	if running, _ := s.Running(); !running {
		text = "down"
	}
	r.hub.publish(event{Source: sourceReader, Kind: "service", Text: text})
}

// close leaves the cards where they are and ends the daemon.
func (r *readers) close() error {
	r.mu.Lock()
	r.closed = true
	s := r.service
	for _, p := range r.ports {
		if p.in != nil {
			p.in.leave()
		}
	}
	r.mu.Unlock()
	var err error
	if s != nil {
		err = s.Close()
	}
	r.work.Wait()
	return err
}

func (r *readers) port(name string) (*cardReader, error) {
	if name == "" {
		name = readerSlot
	}
	p := r.ports[name]
	if p == nil {
		return nil, unknownActionError{what: "reader", name: name, allowed: readerNames}
	}
	return p, nil
}

// fits says why a card cannot be put into a reader; r.mu is held.
func (r *readers) fits(p *cardReader, c *card, upside bool) error {
	switch {
	case c.Token != (p.name == readerToken):
		return impossibleError{fmt.Errorf("%s does not fit into this reader", c.Name)}
	case c.Token && upside:
		return impossibleError{errors.New("a token cannot be turned round")}
	}
	for _, other := range r.ports {
		if other != p && other.in != nil && other.in.card == c {
			return impossibleError{fmt.Errorf("%s is in the other reader", c.Name)}
		}
	}
	return nil
}

// insert puts a card in; r.mu is held.
func (r *readers) insert(p *cardReader, c *card, upside bool) error {
	if p.in != nil {
		return impossibleError{fmt.Errorf("there is a card in the reader: %s", p.in.card.Name)}
	}
	if err := r.fits(p, c, upside); err != nil {
		return err
	}
	i := &insertion{r: r, p: p, card: c, upside: upside, out: make(chan struct{})}
	p.in = i
	text := ""
	if upside {
		text = "upside down"
	}
	r.keep()
	r.hub.publish(event{Source: sourceReader, Kind: "card_in", Reader: p.name, Card: c.Name, Text: text})
	r.sit(i)
	return nil
}

// remove takes the card out; r.mu is held.
func (r *readers) remove(p *cardReader, how string) error {
	i := p.in
	if i == nil {
		return impossibleError{errors.New("no card is in the reader")}
	}
	p.in = nil
	i.leave()
	r.keep()
	r.hub.publish(event{Source: sourceReader, Kind: "card_out", Reader: p.name, Card: i.card.Name, Text: how})
	return nil
}

// keptReader is where a card was left.
type keptReader struct {
	Card       string `json:"card"`
	UpsideDown bool   `json:"upside_down,omitempty"`
}

// keep has it written down where the cards are; r.mu is held.
func (r *readers) keep() {
	places := map[string]keptReader{}
	for name, p := range r.ports {
		if p.in != nil {
			places[name] = keptReader{Card: p.in.card.Name, UpsideDown: p.in.upside}
		}
	}
	r.store.update(func(k *kept) { k.Readers = places })
}

// handTime is how long a hand needs between two cards. The virtual reader looks
// whether its card is there about twice a second, and takes another one that has come
// in between for the same: no slot of metal and plastic can be filled anew so fast.
const handTime = time.Second

// exchange takes the card out that is in, and puts one in. r.mu is held, but not while
// the reader is empty.
func (r *readers) exchange(p *cardReader, c *card, upside bool) error {
	if err := r.fits(p, c, upside); err != nil {
		return err
	}
	if err := r.remove(p, ""); err != nil {
		return err
	}
	r.mu.Unlock()
	time.Sleep(handTime)
	r.mu.Lock()
	return r.insert(p, c, upside)
}

// leave breaks the contacts; r.mu is held.
func (i *insertion) leave() {
	close(i.out)
	if i.conn != nil {
		_ = i.conn.Close() // Serve ends
	}
}

// sit starts the card's life in the reader; r.mu is held.
func (r *readers) sit(i *insertion) {
	if r.service == nil || r.closed {
		return
	}
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		i.life(r.service)
	}()
}

// reachGap is between two tries to reach a reader whose daemon is down.
const reachGap = 50 * time.Millisecond

// life connects the card to the reader, again whenever the reader comes back,
// until the card is out.
func (i *insertion) life(s *vpcd.Service) {
	for {
		if running, _ := s.Running(); running {
			if conn, err := s.Dial(i.p.slot); err == nil && i.meet(conn) {
				if err := vpcd.Serve(conn, i); err != nil {
					slog.Warn("card and reader", "reader", i.p.name, "error", err)
				}
				i.part()
			}
		}
		select {
		case <-i.out:
			return
		case <-time.After(reachGap):
		}
	}
}

// meet keeps the connection, unless the card is out meanwhile.
func (i *insertion) meet(conn net.Conn) bool {
	i.r.mu.Lock()
	defer i.r.mu.Unlock()
	select {
	case <-i.out:
		_ = conn.Close()
		return false
	default:
	}
	i.conn = conn
	return true
}

// part ends a connection. A card without a reader has no power.
func (i *insertion) part() {
	i.r.mu.Lock()
	_ = i.conn.Close()
	i.conn = nil
	i.r.mu.Unlock()
	i.card.Chip.Reset()
}

// ATR, Reset and Command are what the reader sees of the card (vpcd.Card).
func (i *insertion) ATR() []byte {
	atr := i.card.Chip.ATR()
	if i.upside || atr == nil {
		return vpcd.NoATR()
	}
	return atr
}

func (i *insertion) Reset() { i.card.Chip.Reset() }

// Command hands a command to the chip. What the chip remembers is written down
// before its answer is on its way: a wrong PIN is counted whoever dies next.
func (i *insertion) Command(apdu []byte) []byte {
	before := i.card.tries()
	a := i.card.Chip.Exchange(apdu)
	i.r.note(i, apdu, a.Bytes)
	if after := i.card.tries(); after != before {
		if err := i.card.keep(i.r.store); err != nil {
			slog.Error("card not kept", "card", i.card.Name, "error", err)
		}
		i.r.hub.publish(event{Source: sourceReader, Kind: "tries", Reader: i.p.name, Card: i.card.Name, Text: after.words()})
	}
	if a.Delay > 0 {
		select {
		case <-i.out:
		case <-time.After(a.Delay):
		}
	}
	if a.Drop {
		i.pulled()
		return nil
	}
	return a.Bytes
}

// pulled takes the card out in the middle of a command.
func (i *insertion) pulled() {
	i.r.mu.Lock()
	defer i.r.mu.Unlock()
	if i.p.in != i {
		return
	}
	if err := i.r.remove(i.p, "pulled in the middle of a command"); err != nil {
		slog.Error("card not pulled", "card", i.card.Name, "error", err)
	}
}

// Instructions whose data is a PIN (ISO/IEC 7816-4 11.5.6 to 11.5.10): not even
// its length is told.
const (
	insVerify     = 0x20
	insChange     = 0x24
	insResetRetry = 0x2C
)

// note tells of a command: instruction, length and status word, and nothing of
// what was said.
func (r *readers) note(i *insertion, apdu, answer []byte) {
	i.card.commands.Add(1)
	e := event{Source: sourceReader, Kind: "command", Reader: i.p.name, Card: i.card.Name, frame: true}
	if len(apdu) >= 2 {
		e.Code = hexByte(apdu[1])
		if ins := apdu[1]; ins != insVerify && ins != insChange && ins != insResetRetry {
			e.N = len(apdu)
		}
	}
	if n := len(answer); n >= 2 {
		e.Data = hexByte(answer[n-2]) + hexByte(answer[n-1])
	}
	r.hub.publish(e)
}
