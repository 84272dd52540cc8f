package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
	"github.com/asan-kiosk/kiosk/drivers/bench/wallet"
)

// card is one card of the wallet.
type card struct {
	*wallet.Card
	most     tries         // when nobody has tried
	fresh    []byte        // what a new one remembers
	commands atomic.Uint64 // since the bench was started
}

// tries is how many tries the PINs of a card have left.
type tries struct {
	PIN1 int `json:"pin1"`
	PIN2 int `json:"pin2"`
	PUK  int `json:"puk"`
}

func (c *card) tries() tries {
	return tries{c.Chip.Tries(signcard.PIN1), c.Chip.Tries(signcard.PIN2), c.Chip.Tries(signcard.PUK)}
}

func (t tries) words() string {
	return fmt.Sprintf("PIN1 %d, PIN2 %d, PUK %d left", t.PIN1, t.PIN2, t.PUK)
}

// keep writes down what the card remembers without power.
func (c *card) keep(s *store) error {
	saved, err := c.Chip.Save()
	if err != nil {
		return err
	}
	s.update(func(k *kept) {
		if k.Cards == nil {
			k.Cards = map[string]json.RawMessage{}
		}
		k.Cards[c.Name] = saved
	})
	return s.settled()
}

// setTries changes the counters in the card's memory: nil leaves one as it is.
func (c *card) setTries(pin1, pin2, puk *int) error {
	saved, err := c.Chip.Save()
	if err != nil {
		return err
	}
	var memory map[string]json.RawMessage
	var left []int
	if err := json.Unmarshal(saved, &memory); err != nil {
		return err
	}
	if err := json.Unmarshal(memory["left"], &left); err != nil {
		return err
	}
	for i, n := range []*int{pin1, pin2, puk} {
		if n != nil && i < len(left) {
			left[i] = *n
		}
	}
	if memory["left"], err = json.Marshal(left); err != nil {
		return err
	}
	if saved, err = json.Marshal(memory); err != nil {
		return err
	}
	if err := c.Chip.Restore(saved); err != nil {
		return badRequestError{err}
	}
	return nil
}

// Actions with cards.
var cardActions = []string{"insert", "remove", "swap", "upside_down", "fault", "clear_faults", "tries"}

// cardOrder is the body of POST /api/card.
type cardOrder struct {
	Action     string `json:"action"`
	Card       string `json:"card"`
	Reader     string `json:"reader"` // empty: the one that the card fits into
	UpsideDown bool   `json:"upside_down"`

	// Of a fault; see package signcard.
	Kind    signcard.FaultKind `json:"kind"`
	At      int                `json:"at"`
	For     int                `json:"for"`
	INS     string             `json:"ins"` // two hexadecimal digits
	DelayMS int                `json:"delay_ms"`
	SW      []string           `json:"sw"` // four hexadecimal digits each

	// Of tries; left out: as it is.
	PIN1 *int `json:"pin1"`
	PIN2 *int `json:"pin2"`
	PUK  *int `json:"puk"`
}

var faultKinds = []signcard.FaultKind{signcard.Silence, signcard.Drop, signcard.Garble, signcard.Delay, signcard.SelfReset,
	signcard.StatusWords, signcard.BitFlip, signcard.WrongKey}

// Bounds of a fault, so that a slip of the finger does not block a reader for good.
const (
	maxFaultFor   = 1_000_000
	maxFaultDelay = 10 * 60 * 1000
)

func (o cardOrder) fault() (signcard.Fault, error) {
	f := signcard.Fault{Kind: o.Kind, At: o.At, For: o.For, Delay: time.Duration(o.DelayMS) * time.Millisecond}
	if !slices.Contains(faultKinds, o.Kind) {
		return f, unknownActionError{what: "kind", name: string(o.Kind), allowed: words(faultKinds)}
	}
	if o.At < 0 || o.For < 0 || o.At > maxFaultFor || o.For > maxFaultFor || o.DelayMS < 0 || o.DelayMS > maxFaultDelay {
		return f, badRequestError{fmt.Errorf("at and for: 0 to %d; delay_ms: 0 to %d", maxFaultFor, maxFaultDelay)}
	}
	if o.INS != "" {
		n, err := strconv.ParseUint(o.INS, 16, 8)
		if err != nil {
			return f, badRequestError{fmt.Errorf("ins %q: want two hexadecimal digits", o.INS)}
		}
		f.INS = byte(n)
	}
	for _, sw := range o.SW {
		n, err := strconv.ParseUint(sw, 16, 16)
		if err != nil || len(sw) != 4 {
			return f, badRequestError{fmt.Errorf("sw %q: want four hexadecimal digits", sw)}
		}
		f.SW = append(f.SW, uint16(n))
	}
	if (o.Kind == signcard.StatusWords) != (len(f.SW) > 0) {
		return f, badRequestError{errors.New("sw belongs to status-words")}
	}
	return f, nil
}

// card finds a card of the wallet by its name.
func (b *bench) card(name string) (*card, error) {
	for _, c := range b.cards {
		if c.Name == name {
			return c, nil
		}
	}
	names := make([]string, len(b.cards))
	for i, c := range b.cards {
		names[i] = c.Name
	}
	return nil, unknownActionError{what: "card", name: name, allowed: names}
}

// meant finds the card and the reader of an order: either may be left out when the
// other one tells.
func (b *bench) meant(o cardOrder) (*cardReader, *card, error) {
	var c *card
	var err error
	if o.Card != "" {
		if c, err = b.card(o.Card); err != nil {
			return nil, nil, err
		}
		if o.Reader == "" && c.Token {
			o.Reader = readerToken
		}
	}
	p, err := b.readers.port(o.Reader)
	if err == nil && c == nil && p.in != nil {
		c = p.in.card
	}
	return p, c, err
}

var errNoCard = impossibleError{errors.New("no card is in the reader, and none was named")}

// doCard carries out an action with a card.
func (b *bench) doCard(o cardOrder) error {
	r := b.readers
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(cardActions, o.Action) {
		return unknownActionError{what: "action", name: o.Action, allowed: cardActions}
	}
	p, c, err := b.meant(o)
	switch {
	case err != nil:
		return err
	case o.Action == "remove":
		return r.remove(p, "")
	case c == nil:
		return errNoCard
	}
	switch o.Action {
	case "insert":
		return r.insert(p, c, o.UpsideDown)
	case "swap":
		if p.in == nil || p.in.card == c {
			return impossibleError{errors.New("a swap needs a card in the reader, and another one")}
		}
		return r.exchange(p, c, o.UpsideDown)
	case "upside_down":
		if p.in == nil {
			return r.insert(p, c, true)
		}
		if p.in.card != c || p.in.upside {
			return impossibleError{fmt.Errorf("%s is in the reader, or upside down already", p.in.card.Name)}
		}
		return r.exchange(p, c, true)
	case "fault":
		f, err := o.fault()
		if err != nil {
			return err
		}
		c.Chip.Inject(f)
		r.hub.publish(event{Source: sourceReader, Kind: "fault", Card: c.Name, Text: string(f.Kind), N: f.At})
	case "clear_faults":
		c.Chip.ClearFaults()
	case "tries":
		if err := c.setTries(o.PIN1, o.PIN2, o.PUK); err != nil {
			return err
		}
		err = c.keep(b.store)
		r.hub.publish(event{Source: sourceReader, Kind: "tries", Card: c.Name, Text: c.tries().words()})
	}
	return err
}

// newCards takes the cards out and makes them forget. What their issuers have
// published stays published.
func (b *bench) newCards() error {
	r := b.readers
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, p := range r.ports {
		if p.in != nil {
			errs = append(errs, r.remove(p, "a new day"))
		}
	}
	for _, c := range b.cards {
		c.Chip.ClearFaults()
		errs = append(errs, c.Chip.Restore(c.fresh), c.keep(b.store))
	}
	return errors.Join(errs...)
}

// cardState is a card as the interface shows it.
type cardState struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Holder   string `json:"holder"`
	Token    bool   `json:"token"`
	Where    string `json:"where"` // a reader, or "wallet"
	PINs     pins   `json:"pins"`  // so that a person at the bench can enter them
	Tries    tries  `json:"tries"`
	Most     tries  `json:"most"`     // tries when nobody has tried; zero: there is no such PIN
	Verified bool   `json:"verified"` // right now: who uses the reader next could sign
	Commands uint64 `json:"commands"` // since the bench was started
}

// pins are those of a virtual card; empty: there is no such PIN.
type pins struct {
	PIN1 string `json:"pin1,omitempty"`
	PIN2 string `json:"pin2,omitempty"`
	PUK  string `json:"puk,omitempty"`
}

// readerState is one reader.
type readerState struct {
	PCSC       string `json:"pcsc"` // its name in PC/SC
	Card       string `json:"card,omitempty"`
	UpsideDown bool   `json:"upside_down,omitempty"`
	Reached    bool   `json:"reached"` // the card has a connection to the reader
}

// serviceState is the PC/SC daemon.
type serviceState struct {
	Running bool   `json:"running"`
	Ended   string `json:"ended,omitempty"`   // how the last one ended
	Trouble string `json:"trouble,omitempty"` // why there can be none
	Socket  string `json:"socket,omitempty"`  // for PCSCLITE_CSOCK_NAME
}

func (b *bench) cardStates() (serviceState, map[string]readerState, []cardState) {
	r := b.readers
	r.mu.Lock()
	defer r.mu.Unlock()
	service := serviceState{Trouble: r.trouble}
	if r.service != nil {
		service.Running, service.Ended = r.service.Running()
		service.Socket = r.service.Socket()
	}
	where := map[*card]string{}
	ports := map[string]readerState{}
	for name, p := range r.ports {
		s := readerState{PCSC: p.slot.Reader()}
		if p.in != nil {
			s.Card, s.UpsideDown, s.Reached = p.in.card.Name, p.in.upside, p.in.conn != nil
			where[p.in.card] = name
		}
		ports[name] = s
	}
	list := []cardState{}
	for _, c := range b.cards {
		s := cardState{Name: c.Name, Title: c.Title, Holder: c.Holder, Token: c.Token, Where: where[c],
			PINs:  pins{c.Config.PIN1.Value, c.Config.PIN2.Value, c.Config.PUK.Value},
			Tries: c.tries(), Most: c.most, Verified: c.Chip.Verified(), Commands: c.commands.Load()}
		if s.Where == "" {
			s.Where = "wallet"
		}
		list = append(list, s)
	}
	return service, ports, list
}
