package terminal_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

// A whole terminal with doors, in one goroutine and in the test's own time: the rooms,
// the journal and central are real; acceptor, printer and board do as they are told,
// unless the test holds them up.

const terminalID = "6f1d2c3e-5a47-4b8c-9d10-aabbccddeeff"

var pins = map[string]string{"101": "2580", "102": "3690", "201": "1470"}

var staff = people.People{
	{Number: "101", Name: "Technician", Role: people.RoleTechnician},
	{Number: "102", Name: "Second", Role: people.RoleTechnician},
	{Number: "201", Name: "Collector", Role: people.RoleCollector},
}

var inputs = []panel.Input{panel.InputServiceDoor, panel.InputSafeDoor, panel.InputCassette, panel.InputTamper, panel.InputTilt, panel.InputMains}

var bills = cash.Table{Notes: []cash.Note{{Type: 1, Value: money.Manat(1)}, {Type: 3, Value: money.Manat(5)}, {Type: 4, Value: money.Manat(10)}, {Type: 5, Value: money.Manat(20)}}}

type cabinet struct {
	t       *testing.T
	now     time.Time
	dir     string
	bundle  *catalogue.Bundle
	central *server.Server
	signing ed25519.PrivateKey

	journal *journal.Journal
	folds   terminal.Folds
	client  *central.Client
	term    *terminal.Terminal
	resume  []byte
	shown   wire.State
	lamps   map[panel.Lamp]panel.Pattern

	queue    []func()
	noNet    bool // central's answers do not come
	calls    []central.Call
	noBoard  bool
	contacts map[panel.Input]panel.State

	// The acceptor.
	enabled  bool
	ev       cash.EventID
	holdNote bool // a stacked note's end does not come
	note     *cash.Note

	holdPaper bool // the printer does not finish
	job       string
	noPaper   bool
	slips     []paper.Request

	dropped bool // keys
	noKey   bool // they cannot be read
}

func newCabinet(t *testing.T) *cabinet {
	t.Helper()
	b, err := catalogue.Read(os.DirFS("../../provisioning/catalogue"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/dev/shm", "kiosk-cabinet-")
	if err != nil {
		dir = t.TempDir()
	}
	c := &cabinet{t: t, now: time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC), dir: dir, bundle: b, contacts: map[panel.Input]panel.State{},
		signing: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	for _, in := range inputs {
		c.contacts[in] = panel.StateRest
	}
	if c.central, err = server.Open(filepath.Join(dir, "central.db"), server.Options{Demo: true, Now: func() time.Time { return c.now }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.compare()
		c.stop()
		_ = c.central.Close()
		_ = os.RemoveAll(dir)
	})
	c.boot()
	return c
}

type source struct{ r *rand.Rand }

func (s source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.r.Uint32())
	}
	return len(p), nil
}

func (c *cabinet) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	c.central.ServeHTTP(w, r)
	return w.Result(), nil
}

// boot starts the daemon on what is there.
func (c *cabinet) boot() {
	c.t.Helper()
	random := source{rand.New(rand.NewPCG(1, 2))}
	c.folds = terminal.NewFolds(central.NewCourier(central.CourierConfig{Terminal: terminalID}, random))
	j, err := journal.Open(journal.Options{
		Dir: filepath.Join(c.dir, "journal"), Terminal: terminalID, Create: true, Enrolment: []byte(`{}`),
		SigningKey: c.signing, KeyID: "terminal", Folds: c.folds.List(), Synchronous: true, CheckpointEvery: 50,
		Clock: func() time.Time { return c.now }, Mono: func() time.Duration { return c.now.Sub(time.Unix(0, 0)) },
		BootID: "boot", Sync: func() string { return journal.SyncSynced },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.journal, c.dropped, c.lamps = j, false, map[panel.Lamp]panel.Pattern{}
	if c.client, err = central.NewClient("http://central", terminalID, c, j); err != nil {
		c.t.Fatal(err)
	}
	c.queue, c.calls, c.enabled, c.job = nil, nil, false, ""
	c.term = terminal.New(terminal.Config{
		Terminal: visit.Terminal{ID: terminalID, Number: "T-1"}, Times: visit.DefaultTimes(), Till: till.Config{Currency: money.AZN},
		People: staff, Inputs: inputs, HasPrinter: true, Version: "test", Rand: random,
		Sign: func(b []byte) []byte {
			if c.dropped {
				return nil
			}
			return ed25519.Sign(c.signing, b)
		},
	}, c.bundle, c.folds, c)
	c.term.Start(c.now, c.resume)
	unit := cash.Identity{Part: "UNIT", Serial: "S1"}
	c.do(func() { c.term.Cash(c.now, cash.Online{Found: cash.StateDisabled}) })
	c.do(func() { c.term.Cash(c.now, cash.Settled{Identity: unit, Table: bills}) })
	c.do(func() { c.term.Printer(c.now, printer.Online{Identity: printer.Identity{Model: "P"}}) })
	c.do(func() { c.term.Printer(c.now, printer.StatusChanged{Status: printer.Status{Online: true}}) })
	c.findBoard()
}

// findBoard is the panel's driver after a start.
func (c *cabinet) findBoard() {
	if c.noBoard {
		c.do(func() { c.term.Panel(c.now, panel.Lost{Cause: "no board"}) })
		return
	}
	f := panel.Found{Board: panel.Board{Model: "B"}}
	for _, in := range inputs {
		f.Inputs = append(f.Inputs, panel.Reading{Input: in, State: c.contacts[in]})
	}
	c.do(func() { c.term.Panel(c.now, f) })
}

// compare computes every fold from the records alone: it must be what the rooms have
// decided by.
func (c *cabinet) compare() {
	c.t.Helper()
	if c.journal == nil {
		return
	}
	fresh := terminal.NewFolds(central.NewCourier(central.CourierConfig{Terminal: terminalID}, source{rand.New(rand.NewPCG(1, 2))})).List()
	err := c.journal.Walk(context.Background(), 1, func(r journal.Record) error {
		for _, f := range fresh {
			if err := f.Apply(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	for i, f := range c.folds.List() {
		got, _ := f.Save()
		want, _ := fresh[i].Save()
		if string(got) != string(want) {
			c.t.Errorf("fold %s: %s, from the records %s", f.Name(), got, want)
		}
	}
}

// stop kills the daemon.
func (c *cabinet) stop() {
	if c.journal != nil {
		c.journal.Abandon()
		c.journal = nil
	}
}

func (c *cabinet) restart() {
	c.t.Helper()
	c.stop()
	c.boot()
}

// do takes one input in, and everything that follows from it at once.
func (c *cabinet) do(in func()) {
	c.t.Helper()
	c.queue = append(c.queue, in)
	for n := 0; len(c.queue) > 0; n++ {
		if n > 10_000 {
			c.t.Fatal("the terminal does not come to rest")
		}
		f := c.queue[0]
		c.queue = c.queue[1:]
		f()
	}
	if e := c.term.Ledger().Equation(); !e.Holds() {
		c.t.Fatalf("the equation does not hold:\n%s", e)
	}
}

func (c *cabinet) later(f func()) { c.queue = append(c.queue, f) }

// wait lets time pass.
func (c *cabinet) wait(d time.Duration) {
	c.t.Helper()
	end := c.now.Add(d)
	for n := 0; c.now.Before(end); n++ {
		if n > 50_000 {
			c.t.Fatalf("the terminal wakes without end at %s", c.shown.Visit.Step)
		}
		next := end
		if w := c.term.Wake(); !w.IsZero() && w.Before(next) {
			next = w
		}
		if next.After(c.now) {
			c.now = next
		} else {
			c.now = c.now.Add(time.Millisecond) // it may be due already
		}
		c.do(func() { c.term.Tick(c.now) })
	}
}

// The world of the rooms.

func (c *cabinet) Append(drafts ...journal.Draft) {
	if _, err := c.journal.Append(context.Background(), drafts...); err != nil {
		c.t.Fatal(err)
	}
}
func (c *cabinet) Head() uint64        { seq, _ := c.journal.Head(); return seq }
func (c *cabinet) Acked(seq uint64)    { _ = c.journal.SetAcked(seq) }
func (c *cabinet) Card(esign.Job)      { c.t.Fatal("a job for a card that is not there") }
func (c *cabinet) SaveResume(b []byte) { c.resume = slices.Clone(b) }
func (c *cabinet) Show(s wire.State)   { c.shown = s }
func (c *cabinet) DropKeys()           { c.dropped = true; c.journal.DropKey() }

func (c *cabinet) LoadKeys() error {
	if c.noKey {
		return errors.New("no such file")
	}
	c.dropped = false
	return c.journal.SetKey(c.signing)
}

func (c *cabinet) Panel(cmd panel.Command) {
	l := cmd.(panel.Light)
	c.lamps[l.Lamp] = l.Pattern
}

func (c *cabinet) CheckPIN(k upkeep.Check) {
	ok := k.Person.Number != "" && string(k.PIN.Bytes()) == pins[k.Person.Number]
	k.PIN.Wipe()
	c.later(func() { c.term.PINChecked(c.now, upkeep.Checked{ID: k.ID, OK: ok}) })
}

func (c *cabinet) Acceptor(cmd cash.Command) {
	say := func(e cash.Event) { c.later(func() { c.term.Cash(c.now, e) }) }
	switch cmd.(type) {
	case cash.Enable:
		c.enabled = true
		if c.note == nil {
			say(cash.StateChanged{State: cash.StateIdle})
		}
	case cash.Disable:
		c.enabled = false
		if c.note == nil {
			say(cash.StateChanged{State: cash.StateDisabled})
		}
	case cash.Stack:
		if !c.holdNote {
			c.stacked()
		}
	case cash.Return:
		c.ev++
		say(cash.Returned{ID: c.ev, Note: *c.note})
		c.clear()
	}
}

// stacked is the end of the note's way into the cassette.
func (c *cabinet) stacked() {
	c.ev++
	id, n := c.ev, *c.note
	c.later(func() { c.term.Cash(c.now, cash.Stacked{ID: id, Note: n}) })
	c.clear()
}

func (c *cabinet) clear() {
	c.note = nil
	c.later(func() { c.term.Cash(c.now, cash.PathClear{}) })
	c.later(func() {
		s := cash.StateDisabled
		if c.enabled {
			s = cash.StateIdle
		}
		c.term.Cash(c.now, cash.StateChanged{State: s})
	})
}

func (c *cabinet) Printer(cmd printer.Command) {
	say := func(e printer.Event) { c.later(func() { c.term.Printer(c.now, e) }) }
	switch cmd := cmd.(type) {
	case printer.Print:
		if c.noPaper {
			say(printer.Finished{JobID: cmd.Job.ID, Verdict: printer.NotPrinted, Cause: "no paper"})
			return
		}
		say(printer.Ready{JobID: cmd.Job.ID})
	case printer.Begin:
		c.job = cmd.JobID
		if !c.holdPaper {
			c.printed()
		}
	}
}

func (c *cabinet) printed() {
	job := c.job
	c.job = ""
	c.later(func() {
		c.term.Printer(c.now, printer.Finished{JobID: job, Verdict: printer.Printed, Level: printer.LevelA})
	})
}

func (c *cabinet) Draw(r paper.Request) {
	c.slips = append(c.slips, r)
	c.later(func() {
		c.term.Drawn(c.now, r.ID, printer.Bitmap{Width: 8, Height: 1, Bits: []byte{1}}, nil)
	})
}

func (c *cabinet) Call(call central.Call) {
	if c.noNet {
		c.calls = append(c.calls, call)
		return
	}
	c.later(func() {
		r := c.client.Do(context.Background(), call)
		c.term.Reply(c.now, r)
	})
}

// release lets everything go on that was held up.
func (c *cabinet) release() {
	c.noNet, c.holdNote, c.holdPaper = false, false, false
	calls := c.calls
	c.calls = nil
	c.do(func() {
		for _, call := range calls {
			c.Call(call)
		}
		if c.note != nil {
			c.stacked()
		}
		if c.job != "" {
			c.printed()
		}
	})
}
