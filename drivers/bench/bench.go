package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// options are what the bench is started with.
type options struct {
	dir           string
	listen        string
	networkListen string
	central       string
	centralDemo   string
	screenURL     string
	record        string
	seed          uint64
	baud          int
	take          time.Duration
	initTime      time.Duration
	readers       bool
	cardPIN       string // empty: the wallet's own
	wallet        string // folder; empty: one in dir
	pki           string // where the issuers' lists and answers are found; empty: nowhere
}

// bench is the devices, the cable, and what they remember.
type bench struct {
	opt   options
	store *store
	hub   *hub
	rec   *recorder

	validator *device
	unit      *validatorMachine // only under validator.mu
	printer   *device
	paper     *printerMachine // only under printer.mu
	panel     *device
	cabinet   *panelMachine // only under panel.mu

	cable   *cable
	central *centralSwitch

	readers   *readers
	cards     []*card // the wallet; those that are in a reader, too
	authority *authority.Authority
	standing  standings
}

// openBench takes up the world kept in the folder and plugs the devices in.
func openBench(opt options) (*bench, error) {
	st, err := openStore(opt.dir)
	if err != nil {
		return nil, err
	}
	rec, err := newRecorder(opt.record)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	b := &bench{opt: opt, store: st, hub: newHub(), rec: rec, central: newCentralSwitch(opt.centralDemo)}
	if err := b.openDevices(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if b.cable, err = openCable(opt.networkListen, opt.central); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if err := b.openCards(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// lineHaste is the part by which the printer's line is faster than its rate. Bytes are
// on the line from when this process reads them; what a busy machine holds it up for
// would add up over a slip, and the printer would answer later and later, as nothing at
// a real line does. The host, which keeps to the rate, leaves it the time to catch up.
const lineHaste = 5

func (b *bench) openDevices() error {
	cfg, world := validator.DefaultConfig(), validator.NewWorld()
	if k := b.store.k.Validator; k != nil {
		times := cfg.Timing
		cfg, world = k.Config, k.World
		cfg.Timing = times
	}
	if b.opt.take != 0 {
		cfg.Timing.Take = b.opt.take
	}
	if b.opt.initTime != 0 {
		cfg.Timing.Init = b.opt.initTime
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("validator: %w", err)
	}
	b.unit = &validatorMachine{v: validator.Restore(cfg, b.opt.seed, world), store: b.store}
	b.validator = newDevice(sourceValidator, deviceLink(b.opt.dir, "validator"), b.unit, b.hub, b.rec)

	paper := paperprinter.DefaultConfig()
	if b.opt.baud != 0 {
		paper.Baud = b.opt.baud
	}
	paper.Baud += paper.Baud / lineHaste
	if err := paper.Validate(); err != nil {
		return fmt.Errorf("printer: %w", err)
	}
	p := paperprinter.New(paper, b.opt.seed)
	if w := b.store.k.Printer; w != nil {
		p = paperprinter.Restore(paper, b.opt.seed, *w)
	}
	b.paper = &printerMachine{p: p, store: b.store}
	b.printer = newDevice(sourcePrinter, deviceLink(b.opt.dir, "printer"), b.paper, b.hub, b.rec)

	if err := b.openPanel(); err != nil {
		return err
	}
	for _, d := range []*device{b.validator, b.printer, b.panel} {
		d.mu.Lock()
		d.m.keep()
		err := d.plugIn()
		d.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// run keeps the devices going until ctx ends.
func (b *bench) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.validator.run(ctx) })
	g.Go(func() error { return b.printer.run(ctx) })
	g.Go(func() error { return b.runAuthority(ctx) })
	g.Go(func() error { return b.panel.run(ctx) })
	return g.Wait()
}

// close gives everything back; run has ended, or was never called.
func (b *bench) close() error {
	var errs []error
	for _, d := range []*device{b.validator, b.printer, b.panel} {
		if d != nil {
			d.mu.Lock()
			errs = append(errs, d.hangUp())
			d.mu.Unlock()
			d.readers.Wait()
		}
	}
	if b.cable != nil {
		b.cable.close()
	}
	if b.readers != nil {
		errs = append(errs, b.readers.close())
	}
	return errors.Join(append(errs, b.rec.close(), b.store.close())...)
}

// doValidator performs an action; unplugging and plugging happen to the
// pseudo-terminal too.
func (b *bench) doValidator(a validator.Action) error {
	err := b.validator.do(func(now time.Time) (step, error) {
		s, err := b.unit.do(now, a)
		if err != nil {
			return s, impossibleError{err}
		}
		switch a.(type) {
		case validator.Unplug:
			err = b.validator.hangUp()
		case validator.Plug:
			err = b.validator.plugIn()
		}
		return s, err
	})
	if err != nil {
		return err
	}
	return b.followCassette(a)
}

func (b *bench) doPrinter(a paperprinter.Action) error {
	return b.printer.do(func(now time.Time) (step, error) {
		s, err := b.paper.do(now, a)
		if err != nil {
			return s, impossibleError{err}
		}
		switch a.(type) {
		case paperprinter.Unplug:
			err = b.printer.hangUp()
		case paperprinter.Plug:
			err = b.printer.plugIn()
		}
		return s, err
	})
}

// noteOrder is the body of POST /api/notes.
type noteOrder struct {
	Denomination int64              `json:"denomination"` // whole units
	Currency     money.Currency     `json:"currency"`
	Serial       string             `json:"serial"`
	Kind         validator.NoteKind `json:"kind"`
	Quality      validator.Quality  `json:"quality"`
	Code         byte               `json:"code"`
	InCassette   bool               `json:"in_cassette"`
	HoldOut      bool               `json:"hold_out"`
}

// noteAnswer says what became of a note at the slot.
type noteAnswer struct {
	Note  validator.Note `json:"note"`
	Taken bool           `json:"taken"`
	Why   string         `json:"why,omitempty"` // it was not taken
}

const maxDenomination = 1_000_000

func (o noteOrder) action() (validator.Action, error) {
	if o.Serial != "" {
		if o.Denomination != 0 || o.Currency != "" || o.Kind != "" {
			return nil, badRequestError{errors.New("a note with a serial number has its denomination already")}
		}
		return validator.Reinsert{Serial: o.Serial, Quality: o.Quality, Code: o.Code, InCassette: o.InCassette, HoldOut: o.HoldOut}, nil
	}
	if o.Denomination < 1 || o.Denomination > maxDenomination {
		return nil, badRequestError{fmt.Errorf("denomination %d: want 1 to %d", o.Denomination, maxDenomination)}
	}
	c := o.Currency
	if c == "" {
		c = money.AZN
	}
	if !c.Valid() {
		return nil, badRequestError{fmt.Errorf("currency %q: want three capital letters", c)}
	}
	if o.Quality != "" && !slices.Contains(validator.Qualities(), o.Quality) {
		return nil, unknownActionError{what: "quality", name: string(o.Quality), allowed: words(validator.Qualities())}
	}
	minor := o.Denomination
	for range c.Decimals() {
		minor *= 10
	}
	return validator.Insert{Value: money.New(minor, c), Kind: o.Kind, Quality: o.Quality, Code: o.Code,
		InCassette: o.InCassette, HoldOut: o.HoldOut}, nil
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// insert brings a note to the slot.
func (b *bench) insert(o noteOrder) (noteAnswer, error) {
	a, err := o.action()
	if err != nil {
		return noteAnswer{}, err
	}
	var answer noteAnswer
	err = b.validator.do(func(now time.Time) (step, error) {
		out, err := b.unit.v.Do(now, a)
		for _, e := range out.Events {
			switch {
			case e.Kind == validator.EventNotTaken:
				answer.Note, answer.Why = *e.Note, e.Text
			case e.Kind == validator.EventNote && e.From == validator.PlaceHand:
				answer.Note, answer.Taken = *e.Note, true
			}
		}
		if err != nil {
			err = impossibleError{err}
		}
		return b.unit.step(out), err
	})
	return answer, err
}

// reset is a new day: no note, no strip, no card in a reader.
func (b *bench) reset() error {
	if err := b.doValidator(validator.EmptyWorld{}); err != nil {
		return err
	}
	if err := b.doPrinter(paperprinter.EmptyWorld{}); err != nil {
		return err
	}
	b.store.dropStrips()
	if err := b.newCards(); err != nil {
		return err
	}
	b.hub.publish(event{Source: sourceBench, Kind: "reset"})
	return nil
}

// benchState is the answer of GET /api/state.
type benchState struct {
	US        int64              `json:"us"`
	Validator validatorState     `json:"validator"`
	Printer   paperprinter.State `json:"printer"`
	Panel     ioboard.State      `json:"panel"`
	Strips    []stripInfo        `json:"strips"`
	Network   cableState         `json:"network"`
	Central   behaviour          `json:"central"`

	PCSCD     serviceState           `json:"pcscd"`
	Readers   map[string]readerState `json:"readers"`
	Cards     []cardState            `json:"cards"`
	Authority []certificateState     `json:"authority"`

	ScreenURL string            `json:"screen_url,omitempty"`
	Ports     map[string]string `json:"ports"`
	Events    []event           `json:"events"` // the latest, oldest first, without frames
}

// shownEvents is how many events the state holds.
const shownEvents = 80

type validatorState struct {
	validator.State
	CassetteTotal []money.Amount `json:"cassette_total"` // genuine notes, by currency
	CassetteCount []denomination `json:"cassette_count"`
}

// denomination is how many notes of one kind lie in the cassette.
type denomination struct {
	Value money.Amount       `json:"value"`
	Kind  validator.NoteKind `json:"kind"`
	Count int                `json:"count"`
}

func (b *bench) state() benchState {
	s := benchState{
		US: time.Now().UnixMicro(), Strips: b.store.strips(), Network: b.cable.status(),
		Central: b.central.last(), Panel: b.panelState(), ScreenURL: b.opt.screenURL,
		Events: b.hub.recent(shownEvents),
		Ports:  map[string]string{sourceValidator: b.validator.link, sourcePrinter: b.printer.link, sourcePanel: b.panel.link},
	}
	for name, link := range s.Ports {
		if abs, err := filepath.Abs(link); err == nil {
			s.Ports[name] = abs
		}
	}
	b.validator.mu.Lock()
	s.Validator.State = b.unit.v.State()
	b.validator.mu.Unlock()
	b.printer.mu.Lock()
	s.Printer = b.paper.p.State()
	b.printer.mu.Unlock()
	s.PCSCD, s.Readers, s.Cards = b.cardStates()
	s.Authority = b.certificates()
	s.Validator.CassetteTotal, s.Validator.CassetteCount = counted(s.Validator.World.Cassette)
	return s
}

// counted is a cassette's content as a person would count it.
func counted(notes []validator.Note) ([]money.Amount, []denomination) {
	counts := map[denomination]int{}
	currencies := map[money.Currency]bool{}
	for _, n := range notes {
		counts[denomination{Value: n.Value, Kind: n.Kind}]++
		currencies[n.Value.Currency] = true
	}
	list := make([]denomination, 0, len(counts))
	for d, n := range counts {
		d.Count = n
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b denomination) int {
		switch {
		case a.Value.Currency != b.Value.Currency:
			return cmp.Compare(a.Value.Currency, b.Value.Currency)
		case a.Value.Minor != b.Value.Minor:
			return cmp.Compare(a.Value.Minor, b.Value.Minor)
		}
		return cmp.Compare(a.Kind, b.Kind)
	})
	totals := []money.Amount{}
	for _, c := range slices.Sorted(maps.Keys(currencies)) {
		totals = append(totals, validator.Total(notes, c))
	}
	return totals, list
}
