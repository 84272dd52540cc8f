//go:build faultpoints

// Package simulator runs a whole terminal, its devices and central in one
// goroutine, in virtual time, from one seed. The rooms, the drivers' protocols,
// the journal (on a memory file system) and central's own code are the real ones;
// what is simulated is the line between them, the clock, the person, and death:
// of the daemon at any fault point, of the validator's power at any frame, of the
// network at any request. The same seed gives the same story, byte for byte.
//
// After each story the world is healed and the accounts are compared: the notes
// that physically lie in the cassette, the terminal's journal, and central's
// ledger must tell the same.
package simulator

import (
	"bytes"
	"container/heap"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/ccnet"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
)

// epoch is when every story begins.
var epoch = time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)

// event is something that will happen. life is the daemon's life it belongs to;
// 0 is the world, which outlives it.
type event struct {
	at   time.Time
	n    uint64
	life int
	do   func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].n < q[j].n
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	o := *q
	x := o[len(o)-1]
	*q = o[:len(o)-1]
	return x
}

// killed is what the fault-point hook panics with.
type killed struct{ point string }

// Sim is one world.
type Sim struct {
	now  time.Time
	q    queue
	n    uint64
	rng  *rand.Rand
	dir  string
	life int // rises with every start of the daemon
	boot int

	bundle    *catalogue.Bundle
	key       ed25519.PrivateKey
	validator *validator.Validator
	printer   *paperprinter.Printer
	network   network
	resume    []byte

	d *daemon // nil while dead

	frames       int                     // frames that passed on the validator's line, both directions
	hits         map[string]int          // fault points
	killAt       func(point string) bool // asked at every hit
	deaths       int
	shown        wire.State
	slips        int // that came out with something on them
	closeCentral func()
	wakeDev      [2]uint64 // newest timer of each device
}

// daemon is one life of the terminal's process.
type daemon struct {
	journal *journal.Journal
	folds   terminal.Folds
	term    *terminal.Terminal
	ccnet   *ccnet.Machine
	escpos  *escpos.Machine
	client  *central.Client
	timers  [3]uint64 // newest timer of the rooms and the two drivers
}

// head is the number of the last record.
func (d *daemon) head() uint64 {
	seq, _ := d.journal.Head()
	return seq
}

// network carries requests to central's own handler, or loses them.
type network struct {
	handler http.Handler
	down    bool
	// lose is asked before and after the work of each request; true loses it there.
	lose func(after bool) bool
}

type lost struct{}

func (lost) Error() string   { return "the network lost it" }
func (lost) Timeout() bool   { return true }
func (lost) Temporary() bool { return true }

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.down || (n.lose != nil && n.lose(false)) {
		return nil, lost{}
	}
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	if n.lose != nil && n.lose(true) {
		return nil, lost{}
	}
	return w.Result(), nil
}

// at schedules f for the world (life 0) or for a life of the daemon.
func (s *Sim) at(t time.Time, life int, f func()) uint64 {
	if t.Before(s.now) {
		t = s.now
	}
	s.n++
	heap.Push(&s.q, event{t, s.n, life, f})
	return s.n
}

func (s *Sim) after(d time.Duration, life int, f func()) uint64 { return s.at(s.now.Add(d), life, f) }

// run lets the world go on until done says so or the time is over.
func (s *Sim) run(limit time.Duration, done func() bool) bool {
	end := s.now.Add(limit)
	for len(s.q) > 0 && !done() {
		e := heap.Pop(&s.q).(event)
		if e.at.After(end) {
			heap.Push(&s.q, e)
			s.now = end
			return done()
		}
		s.now = e.at
		if e.life != 0 && (s.d == nil || e.life != s.life) {
			continue // it belonged to a process that is gone
		}
		s.guard(e.do)
	}
	return done()
}

// guard runs f; a kill inside ends the daemon and nothing else.
func (s *Sim) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			s.die()
		}
	}()
	f()
}

// die drops everything the daemon had not made durable.
func (s *Sim) die() {
	s.deaths++
	if s.d != nil && s.d.journal != nil {
		s.d.journal.Abandon()
	}
	s.d = nil
}

// hit is the fault-point hook.
func (s *Sim) hit(point string) {
	s.hits[point]++
	if s.killAt != nil && s.killAt(point) {
		panic(killed{point})
	}
}

// options are the journal's, on the world's clock.
func (s *Sim) options(folds []journal.Fold) journal.Options {
	return journal.Options{
		Dir: filepath.Join(s.dir, "journal"), Terminal: terminalID, Create: true, Enrolment: []byte(`{"terminal":"simulated"}`),
		SigningKey: s.key, KeyID: "terminal", Folds: folds, Synchronous: true, CheckpointEvery: 40,
		Clock: func() time.Time { return s.now }, Mono: func() time.Duration { return s.now.Sub(epoch) },
		BootID: fmt.Sprintf("boot-%d", s.boot), Sync: func() string { return journal.SyncSynced },
	}
}

const terminalID = "6f1d2c3e-5a47-4b8c-9d10-aabbccddeeff"

// unitConfig tells the unit everything that can be told, so that the stories pass
// through all of it.
var unitConfig = ccnet.Config{
	Currency: money.AZN, HighSecurity: []money.Amount{money.Manat(100), money.Manat(200)},
	CouponLength: 18, UnitEscrow: 10 * time.Second, Options: 1 << 30,
}

// start starts the daemon. It may be killed while it starts.
func (s *Sim) start() {
	s.life++
	d := &daemon{}
	s.d = d
	s.guard(func() {
		courier := central.NewCourier(central.CourierConfig{Terminal: terminalID}, source{s.rng})
		d.folds = terminal.NewFolds(courier)
		j, err := journal.Open(s.options(d.folds.List()))
		if err != nil {
			panic(fmt.Sprintf("the journal does not open: %v", err))
		}
		d.journal = j
		d.client, err = central.NewClient("http://central", terminalID, &s.network, j)
		if err != nil {
			panic(err)
		}
		unit := d.folds.Ledger.Unit()
		d.ccnet = ccnet.New(unitConfig, cash.Memory{Identity: unit.Identity, Table: unit.Table})
		d.escpos = escpos.New(escpos.Generic80())
		d.term = terminal.New(terminal.Config{
			Terminal: visit.Terminal{ID: terminalID, Number: "SIM-1", Owner: "Simulated", Phone: "+994 12 000 00 00"},
			Times:    visit.DefaultTimes(), Till: till.Config{Currency: money.AZN}, HasPrinter: true, Version: "simulated",
			Sign: func(b []byte) []byte { return ed25519.Sign(s.key, b) }, Rand: source{s.rng},
		}, s.bundle, d.folds, world{s, d})
		d.term.Start(s.now, s.resume)
		s.rearm()
		s.stepCash(line.Input[cash.Command]{Link: line.LinkUp})
		s.stepPrinter(line.Input[printer.Command]{Link: line.LinkUp})
	})
}

// source is randomness from the seed.
type source struct{ r *rand.Rand }

func (s source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.r.Uint32())
	}
	return len(p), nil
}

// hop is how long a thing takes from one goroutine to another in a real daemon.
func (s *Sim) hop() time.Duration { return time.Duration(s.rng.IntN(2000)) * time.Microsecond }

// rooms takes one input in, in the daemon's life.
func (s *Sim) rooms(f func(t *terminal.Terminal)) {
	life := s.life
	s.after(s.hop(), life, func() {
		f(s.d.term)
		s.rearm()
	})
}

// rearm sets the rooms' timer.
func (s *Sim) rearm() {
	d := s.d
	w := d.term.Wake()
	if w.IsZero() {
		d.timers[0] = 0
		return
	}
	var id uint64
	id = s.at(w, s.life, func() {
		if d.timers[0] == id {
			d.term.Tick(s.now)
			s.rearm()
		}
	})
	d.timers[0] = id
}

// byteTime is one byte at 9600 baud, 8N1.
const byteTime = 1042 * time.Microsecond

func (s *Sim) stepCash(in line.Input[cash.Command]) {
	d := s.d
	out := d.ccnet.Step(s.now, in)
	if len(out.Send) > 0 {
		send := bytes.Clone(out.Send)
		s.after(time.Duration(len(send))*byteTime, 0, func() { s.device(s.validator.Receive(s.now, send)) })
	}
	for _, e := range out.Events {
		s.rooms(func(t *terminal.Terminal) { t.Cash(s.now, e) })
	}
	d.timers[1] = 0
	if !out.Wake.IsZero() {
		var id uint64
		id = s.at(out.Wake, s.life, func() {
			if d.timers[1] == id {
				s.stepCash(line.Input[cash.Command]{})
			}
		})
		d.timers[1] = id
	}
	if out.Reopen {
		s.after(time.Second, s.life, func() { s.stepCash(line.Input[cash.Command]{Link: line.LinkUp}) })
	}
}

// device carries what the validator sends, and its timer.
func (s *Sim) device(out validator.Output) {
	for _, e := range out.Events {
		if e.Kind == validator.EventFrameIn || e.Kind == validator.EventFrameOut {
			s.frames++
		}
	}
	if len(out.Send) > 0 {
		send := bytes.Clone(out.Send)
		s.after(time.Duration(len(send))*byteTime, s.life, func() {
			s.stepCash(line.Input[cash.Command]{Received: send})
		})
	}
	s.wakeDev[0] = 0
	if !out.Wake.IsZero() {
		var id uint64
		id = s.at(out.Wake, 0, func() {
			if s.wakeDev[0] == id {
				s.device(s.validator.Tick(s.now))
			}
		})
		s.wakeDev[0] = id
	}
}

// do performs an action on the validator.
func (s *Sim) do(a validator.Action) error {
	out, err := s.validator.Do(s.now, a)
	s.device(out)
	return err
}

func (s *Sim) stepPrinter(in line.Input[printer.Command]) {
	d := s.d
	out := d.escpos.Step(s.now, in)
	if len(out.Send) > 0 {
		send := bytes.Clone(out.Send)
		s.after(time.Duration(len(send))*87*time.Microsecond, 0, func() { s.paper(s.printer.Receive(s.now, send)) })
	}
	for _, e := range out.Events {
		s.rooms(func(t *terminal.Terminal) { t.Printer(s.now, e) })
	}
	d.timers[2] = 0
	if !out.Wake.IsZero() {
		var id uint64
		id = s.at(out.Wake, s.life, func() {
			if d.timers[2] == id {
				s.stepPrinter(line.Input[printer.Command]{})
			}
		})
		d.timers[2] = id
	}
	if out.Reopen {
		s.after(time.Second, s.life, func() { s.stepPrinter(line.Input[printer.Command]{Link: line.LinkUp}) })
	}
}

func (s *Sim) paper(out paperprinter.Output) {
	for _, e := range out.Events {
		if e.Strip != nil && slices.ContainsFunc(e.Strip.Picture.Bits, func(b byte) bool { return b != 0 }) {
			s.slips++
		}
	}
	if len(out.Send) > 0 {
		send := bytes.Clone(out.Send)
		s.after(time.Duration(len(send))*87*time.Microsecond, s.life, func() {
			s.stepPrinter(line.Input[printer.Command]{Received: send})
		})
	}
	s.wakeDev[1] = 0
	if !out.Wake.IsZero() {
		var id uint64
		id = s.at(out.Wake, 0, func() {
			if s.wakeDev[1] == id {
				s.paper(s.printer.Tick(s.now))
			}
		})
		s.wakeDev[1] = id
	}
}

// world is the outside of the rooms.
type world struct {
	s *Sim
	d *daemon
}

func (w world) Append(drafts ...journal.Draft) {
	if _, err := w.d.journal.Append(background, drafts...); err != nil {
		panic(fmt.Sprintf("the journal refuses: %v", err))
	}
}

func (w world) Head() uint64 { return w.d.head() }

func (w world) Acked(seq uint64) {
	if err := w.d.journal.SetAcked(seq); err != nil {
		panic(fmt.Sprintf("the journal does not take the acknowledgement: %v", err))
	}
}

func (w world) Acceptor(c cash.Command) {
	w.s.after(w.s.hop(), w.s.life, func() { w.s.stepCash(line.Input[cash.Command]{Commands: []cash.Command{c}}) })
}

func (w world) Printer(c printer.Command) {
	w.s.after(w.s.hop(), w.s.life, func() { w.s.stepPrinter(line.Input[printer.Command]{Commands: []printer.Command{c}}) })
}

// Call is carried out at once at central and answered a little later.
func (w world) Call(c central.Call) {
	s := w.s
	s.after(s.hop(), s.life, func() {
		r := w.d.client.Do(background, c)
		delay := 40*time.Millisecond + s.hop()
		if r.Class == central.ReplyNone {
			delay = min(c.Timeout, 5*time.Second)
		}
		s.after(delay, s.life, func() { s.rooms(func(t *terminal.Terminal) { t.Reply(s.now, r) }) })
	})
}

// Card: the simulated terminal has no card reader, so nobody can ask for this.
func (w world) Card(esign.Job) { panic("simulator: a job for a card") }

// The simulated terminal has no panel: no lamps, no doors, and so nobody at them.
func (w world) Panel(panel.Command)   {}
func (w world) CheckPIN(upkeep.Check) { panic("simulator: a PIN of a person who cannot be there") }
func (w world) DropKeys()             { panic("simulator: a tamper loop that is not there") }
func (w world) LoadKeys() error       { panic("simulator: a tamper loop that is not there") }

// Draw makes a small picture: what a slip looks like is not this package's
// concern, how long and how it is printed is.
func (w world) Draw(r paper.Request) {
	s := w.s
	s.after(80*time.Millisecond, s.life, func() {
		b := printer.Bitmap{Width: 64, Height: 160, Bits: make([]byte, 8*160)}
		for i := range b.Bits {
			if (i/8)%40 > 12 {
				b.Bits[i] = byte(i) ^ byte(r.Number)
			}
		}
		s.rooms(func(t *terminal.Terminal) { t.Drawn(s.now, r.ID, b, nil) })
	})
}

func (w world) SaveResume(b []byte) { w.s.resume = bytes.Clone(b) }
func (w world) Show(st wire.State)  { w.s.shown = st }

// state of central, as its own demonstration door tells it.
func (s *Sim) central(into any) error {
	r := httptest.NewRecorder()
	s.network.handler.ServeHTTP(r, httptest.NewRequest("GET", "/demo/v1/state", nil))
	if r.Code != 200 {
		return fmt.Errorf("central: %d %s", r.Code, r.Body)
	}
	return json.Unmarshal(r.Body.Bytes(), into)
}

func tempDir() (string, error) {
	base := "/dev/shm"
	if st, err := os.Stat(base); err != nil || !st.IsDir() {
		base = ""
	}
	return os.MkdirTemp(base, "kiosk-simulator-")
}
