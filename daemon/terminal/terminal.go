// Package terminal joins the rooms to one terminal: till, paper, central, visit and
// upkeep share one thread of thought. Every input (a device's event, an answer, a
// tap, the clock) is taken in by one call, which runs to rest: the room that it
// is for acts, records are made durable where the room says so, the visit looks
// at what has changed, and the new picture is shown.
//
// There is one goroutine for all rooms on purpose. A note a second and a tap a
// second are nothing to a processor, and with one thread a durable write is a
// statement like any other: what stands after it happens after it. The devices,
// the disk, the network and the page have their own goroutines outside, behind
// World. The simulator is another World around this same code; that is why what
// it finds, and what it fails to find, is about the real terminal.
package terminal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// World is everything outside the rooms.
type World interface {
	// Append makes the records durable and applies them to the folds before it
	// returns. It does not fail: a terminal that cannot write ends.
	Append(drafts ...journal.Draft)
	// Head is the number of the last durable record.
	Head() uint64
	// Acked notes how far central has the journal.
	Acked(seq uint64)
	Acceptor(cash.Command)
	Printer(printer.Command)
	// Panel tells the board of the lamps what to show.
	Panel(panel.Command)
	// CheckPIN compares the PIN of a member of staff; PINChecked brings its end.
	CheckPIN(upkeep.Check)
	// DropKeys wipes what the terminal signs with; LoadKeys fetches it again.
	DropKeys()
	LoadKeys() error
	// Card carries a job out at a card; CardDone brings its end.
	Card(esign.Job)
	// Call sends a request to central; Reply brings its end.
	Call(central.Call)
	// Draw draws a slip; Drawn brings the picture.
	Draw(paper.Request)
	// SaveResume keeps what a restart of the daemon needs (nil: nothing). It need
	// not survive a power loss.
	SaveResume([]byte)
	// Show puts a state on the screen.
	Show(wire.State)
}

// Folds are the states that are computed from the records. The journal applies
// them; the rooms read them.
type Folds struct {
	Ledger  *till.Ledger
	Slips   *paper.Log
	Visits  *visit.Log
	Upkeep  *upkeep.Log
	Courier *central.Courier
	Starts  *health.Starts
}

// NewFolds makes the folds of an empty journal.
func NewFolds(c *central.Courier) Folds {
	return Folds{Ledger: till.NewLedger(), Slips: paper.NewLog(), Visits: visit.NewLog(), Upkeep: upkeep.NewLog(), Courier: c, Starts: health.NewStarts()}
}

// List is for the journal.
func (f Folds) List() []journal.Fold {
	return []journal.Fold{f.Ledger, f.Slips, f.Visits, f.Upkeep, f.Courier, f.Starts}
}

// Config is what the rooms must know.
type Config struct {
	Terminal   visit.Terminal
	Times      visit.Times
	Till       till.Config
	People     people.People
	Inputs     []panel.Input // the contacts that are wired; none: no panel
	HasPrinter bool
	HasCards   bool // a card reader
	Fitted     health.Fitted
	Asset      string
	Version    string
	ConfigHash string
	CashTrace  func() []string // see till.Ports.Trace; nil: none
	// Sign signs with the terminal's own key; nil when the key was dropped.
	Sign func([]byte) []byte
	Rand io.Reader
}

// Terminal is the rooms. It is not safe for concurrent use.
type Terminal struct {
	cfg     Config
	world   World
	folds   Folds
	bundle  *catalogue.Bundle
	till    *till.Till
	desk    *paper.Desk
	cards   *esign.Desk
	visit   *visit.Engine
	upkeep  *upkeep.Upkeep
	courier *central.Courier
	health  *health.Table
	ending  bool // see Finish
	now     time.Time
	seen    uint64    // head of the journal that the courier was told of
	wake    time.Time // the courier's
	lastID  uint64
	shown   uint64 // StepSeq of the picture
	lamps   map[panel.Lamp]panel.Pattern
}

// New makes a terminal; Start must follow.
func New(cfg Config, bundle *catalogue.Bundle, folds Folds, world World) *Terminal {
	// Only in service mode can a person confirm a cassette, and only a door opens it.
	cfg.Till.Confirm = len(cfg.People) > 0 && len(cfg.Inputs) > 0
	t := &Terminal{cfg: cfg, world: world, folds: folds, bundle: bundle, courier: folds.Courier, lamps: map[panel.Lamp]panel.Pattern{}}
	t.till = till.New(cfg.Till, folds.Ledger, till.Ports{Write: world.Append, Acceptor: world.Acceptor, NewID: t.newID, Trace: cfg.CashTrace,
		Staff: folds.Upkeep.Person})
	t.desk = paper.New(folds.Slips, paper.Ports{Write: world.Append, Printer: world.Printer, Draw: world.Draw, HasUnit: cfg.HasPrinter})
	if cfg.HasCards {
		t.cards = esign.NewDesk(world.Card)
	}
	t.visit = visit.New(cfg.Terminal, cfg.Times, cfg.Asset, bundle, folds.Visits, t.till, t.desk, t.cards, visit.Ports{
		Write: world.Append,
		Ask: func(id, kind string, body json.RawMessage, wait time.Duration) {
			t.out(t.courier.Ask(t.now, id, kind, body, wait))
		},
		CancelAsk:     func(id string) { t.out(t.courier.CancelAsk(t.now, id)) },
		CentralOnline: t.courier.Online,
		SaveResume:    world.SaveResume,
		NewID:         t.newID,
		Rand:          cfg.Rand,
		Sign:          cfg.Sign,
	})
	t.upkeep = upkeep.New(upkeep.Config{People: cfg.People, Inputs: cfg.Inputs, Terminal: cfg.Terminal.Number, Langs: cfg.Terminal.Langs, Zone: visit.Baku},
		folds.Upkeep, upkeep.Rooms{Till: t.till, Desk: t.desk, Cards: t.cards, Courier: t.courier}, upkeep.Ports{
			Write: world.Append, NewID: t.newID, HoldVisits: t.visit.SetHold, Interrupt: t.visit.Interrupt,
			DropKeys: world.DropKeys, LoadKeys: world.LoadKeys, CheckPIN: world.CheckPIN,
			Ping: func() { t.out(t.courier.Ping(t.now)) },
		})
	return t
}

// Start begins, or goes on with what a restart interrupted. saved is what
// SaveResume kept last.
func (t *Terminal) Start(now time.Time, saved []byte) {
	t.now = now
	t.health = health.NewTable(now, t.cfg.Fitted)
	t.world.Append(journal.Draft{Body: record.Started{Version: t.cfg.Version, Config: t.cfg.ConfigHash, Bundle: t.bundle.Digest}})
	switch n, open := t.folds.Ledger.Period(); {
	case n == 0:
		t.world.Append(journal.Draft{Body: record.PeriodOpened{Period: 1, Why: "first start"}})
	case !open && !t.cfg.Till.Confirm:
		t.world.Append(journal.Draft{Body: record.PeriodOpened{Period: n + 1, Why: "nobody can confirm at this terminal"}})
	}
	t.desk.Start()
	t.upkeep.Start(now) // what holds the terminal holds it before the visit goes on
	t.out(t.courier.Start(now))
	t.visit.Start(now, saved)
	t.rest()
}

// Stop writes that the terminal ended in order.
func (t *Terminal) Stop() { t.world.Append(journal.Draft{Body: record.Stopped{}}) }

// Cash takes in what the acceptor said.
func (t *Terminal) Cash(now time.Time, ev cash.Event) {
	t.now = now
	t.health.Cash(now, ev)
	t.till.Event(now, ev)
	t.rest()
}

// Printer takes in what the printer said.
func (t *Terminal) Printer(now time.Time, ev printer.Event) {
	t.now = now
	t.health.Printer(now, ev)
	t.desk.Event(now, ev)
	t.rest()
}

// Panel takes in what the contacts said.
func (t *Terminal) Panel(now time.Time, ev panel.Event) {
	t.now = now
	t.health.Panel(now, ev)
	t.upkeep.Event(now, ev)
	t.rest()
}

// PINChecked takes in the end of a CheckPIN.
func (t *Terminal) PINChecked(now time.Time, r upkeep.Checked) {
	t.now = now
	t.upkeep.PINChecked(now, r)
	t.rest()
}

// Reader takes in what happened in the card readers.
func (t *Terminal) Reader(now time.Time, ev smartcard.Event) {
	t.now = now
	t.health.Reader(now, ev)
	t.cards.Event(ev)
	t.rest()
}

// CardDone takes in the end of a job at a card.
func (t *Terminal) CardDone(now time.Time, r esign.Result) {
	t.now = now
	t.cards.Done(r)
	t.rest()
}

// Reply takes in the end of a Call.
func (t *Terminal) Reply(now time.Time, r central.Reply) {
	t.now = now
	t.out(t.courier.Reply(now, r))
	t.rest()
}

// Drawn takes in a picture, or why there is none.
func (t *Terminal) Drawn(now time.Time, id string, picture printer.Bitmap, err error) {
	t.now = now
	t.desk.Drawn(now, id, picture, err)
	t.rest()
}

// Command carries out a tap, at the visit or in service mode: whichever has the
// screen. The picture's StepSeq is the sum of both rooms', so that a tap that was
// meant for the one is never taken by the other.
func (t *Terminal) Command(now time.Time, name string, c wire.Command) error {
	t.now = now
	var err error
	switch {
	case !t.upkeep.Active():
		c.StepSeq -= t.upkeep.Seq()
		err = t.visit.Command(now, name, c)
	case c.StepSeq != t.shown:
		err = visit.ErrStale
	default:
		err = t.upkeep.Command(now, name, c)
	}
	t.rest()
	return err
}

// Secret takes in one key of a secret.
func (t *Terminal) Secret(now time.Time, k wire.SecretKey) error {
	t.now = now
	var err error
	switch {
	case !t.upkeep.Active():
		k.StepSeq -= t.upkeep.Seq()
		err = t.visit.Secret(now, k)
	case k.StepSeq != t.shown:
		err = visit.ErrStale
	default:
		err = t.upkeep.Secret(now, k)
	}
	t.rest()
	return err
}

// Tick lets time pass.
func (t *Terminal) Tick(now time.Time) {
	t.now = now
	t.till.Tick(now)
	t.desk.Tick(now)
	t.out(t.courier.Tick(now))
	t.visit.Tick(now)
	t.upkeep.Tick(now)
	t.rest()
}

// Wake is when Tick is due; zero if never.
func (t *Terminal) Wake() time.Time {
	var w time.Time
	for _, x := range []time.Time{t.till.Wake(), t.desk.Wake(), t.visit.Wake(), t.upkeep.Wake(), t.wake} {
		if !x.IsZero() && (w.IsZero() || x.Before(w)) {
			w = x
		}
	}
	return w
}

// Ledger is the money's fold, for those who only look.
func (t *Terminal) Ledger() *till.Ledger { return t.folds.Ledger }

// InVisit reports whether somebody is here.
func (t *Terminal) InVisit() bool { return t.visit.InVisit() }

// rest brings the rooms to rest after an input and shows the result.
func (t *Terminal) rest() {
	for range 16 {
		t.upkeep.Observe(t.now, t.visit.InVisit())
		t.visit.Observe(t.now)
		head := t.world.Head()
		if head == t.seen {
			break
		}
		t.seen = head
		t.out(t.courier.Appended(t.now, head))
	}
	if t.ending {
		t.till.Hold()
	}
	s := t.upkeep.Screen(t.now, t.visit.State(t.now))
	t.shown = s.StepSeq
	want := t.upkeep.Lamps(s)
	for _, l := range panel.Lamps() {
		if p, known := t.lamps[l]; !known || p != want[l] {
			t.lamps[l] = want[l]
			t.world.Panel(panel.Light{Lamp: l, Pattern: want[l]})
		}
	}
	t.world.Show(s)
}

// out carries out what the courier asks for, in its order.
func (t *Terminal) out(o central.Out) {
	if len(o.Write) > 0 {
		t.world.Append(o.Write...)
	}
	if o.Acked > 0 {
		t.world.Acked(o.Acked)
	}
	for _, a := range o.Answers {
		t.visit.Answer(t.now, a)
	}
	t.wake = o.Wake
	for _, c := range o.Calls {
		t.world.Call(c)
	}
}

// newID makes a UUID of version 7 (RFC 9562): 48 bits of milliseconds, a counter
// that keeps ids of one millisecond in order, and random bits.
func (t *Terminal) newID() string {
	var b [16]byte
	if _, err := io.ReadFull(t.cfg.Rand, b[8:]); err != nil {
		panic("terminal: no randomness: " + err.Error())
	}
	next := uint64(t.now.UnixMilli()) << 12
	if next <= t.lastID {
		next = t.lastID + 1
	}
	t.lastID = next
	ms, n := next>>12, next&0xfff
	binary.BigEndian.PutUint64(b[:8], ms<<16|7<<12|n)
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
