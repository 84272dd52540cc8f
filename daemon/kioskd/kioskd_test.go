package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/ccnet"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/gorilla/websocket"
)

// The whole daemon, with all its goroutines, in virtual time: serial lines, the
// screen's socket and the network are in memory, everything else is real.

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
	until atomic.Int64 // nanoseconds since 1970; see SetDeadline
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) SetDeadline(t time.Time) error { p.until.Store(t.UnixNano()); return nil }

func (p *pipes) Accept() (net.Conn, error) {
	var late <-chan time.Time
	if at := p.until.Load(); at != 0 {
		timer := time.NewTimer(time.Until(time.Unix(0, at)))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-late:
		return nil, os.ErrDeadlineExceeded
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8480} }
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- a:
		return b, nil
	case <-p.done:
		return nil, errors.New("the screen is not open")
	}
}

// device runs a virtual device at the far end of a line.
type device[O any] struct {
	mu      sync.Mutex
	port    line.Port
	receive func(now time.Time, b []byte) O
	tick    func(now time.Time) O
	parts   func(O) (send []byte, wake time.Time)
	kick    chan time.Time
}

func (d *device[O]) handle(o O) {
	send, wake := d.parts(o)
	if len(send) > 0 {
		_, _ = d.port.Write(send)
	}
	d.kick <- wake
}

// run serves the line until it is closed.
func (d *device[O]) run(ctx context.Context, wg *sync.WaitGroup) {
	d.kick = make(chan time.Time, 64)
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := d.port.Read(buf)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.handle(d.receive(time.Now(), buf[:n]))
			d.mu.Unlock()
		}
	})
	wg.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case w := <-d.kick:
				if !w.IsZero() {
					timer.Reset(max(0, time.Until(w)))
				}
			case <-timer.C:
				d.mu.Lock()
				d.handle(d.tick(time.Now()))
				d.mu.Unlock()
			case <-ctx.Done():
				_ = d.port.Close()
				return
			}
		}
	})
}

// place is what outlives a life of the daemon.
type place struct {
	t       *testing.T
	dir     string
	unit    *validator.Validator
	paper   *paperprinter.Printer
	central *server.Server
	bundle  *catalogue.Bundle
	slips   int // that came out with something on them
	board   *ioboard.Board
	people  people.People
	stuck   func(error)
	network http.RoundTripper // the way to central; nil: straight
}

func newPlace(t *testing.T) *place {
	t.Helper()
	b, err := catalogue.Read(os.DirFS("../../provisioning/catalogue"))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: t.TempDir(), bundle: b, unit: validator.New(validator.DefaultConfig(), 1), paper: paperprinter.New(paperprinter.DefaultConfig(), 1)}
	if p.central, err = server.Open(filepath.Join(p.dir, "central.db"), server.Options{Demo: true}); err != nil {
		t.Fatal(err)
	}
	return p
}

type handler struct{ h http.Handler }

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// life is one run of the daemon.
type life struct {
	p      *place
	screen *pipes
	doors  map[string]*pipes // the Unix sockets: admin, metrics
	unit   *device[validator.Output]
	board  *device[ioboard.Output]
	stop   context.CancelFunc // orders the daemon to stop
	off    context.CancelFunc // takes the devices away
	ended  chan error
	wg     sync.WaitGroup

	quality validator.Quality // of the notes
}

func (p *place) start() *life {
	ctx, cancel := context.WithCancel(context.Background())
	powered, off := context.WithCancel(context.Background())
	l := &life{p: p, screen: newPipes(), doors: map[string]*pipes{"admin": newPipes(), "metrics": newPipes()}, stop: cancel, off: off, ended: make(chan error, 1)}
	unitHost, unitEnd := line.Pipe()
	paperHost, paperEnd := line.Pipe()
	l.unit = &device[validator.Output]{port: unitEnd, receive: p.unit.Receive, tick: p.unit.Tick,
		parts: func(o validator.Output) ([]byte, time.Time) { return o.Send, o.Wake }}
	l.unit.run(powered, &l.wg)
	(&device[paperprinter.Output]{port: paperEnd, receive: p.paper.Receive, tick: p.paper.Tick,
		parts: func(o paperprinter.Output) ([]byte, time.Time) {
			for _, e := range o.Events {
				if e.Strip != nil && slices.ContainsFunc(e.Strip.Picture.Bits, func(b byte) bool { return b != 0 }) {
					p.slips++ // a blank stub is no slip
				}
			}
			return o.Send, o.Wake
		}}).run(powered, &l.wg)
	boardHost, boardEnd := line.Pipe()
	if p.board != nil {
		l.board = &device[ioboard.Output]{port: boardEnd, receive: p.board.Receive, tick: p.board.Tick,
			parts: func(o ioboard.Output) ([]byte, time.Time) { return o.Send, o.Wake }}
		l.board.run(powered, &l.wg)
	}
	once := func(port line.Port) line.Opener {
		given := false
		return func(context.Context) (line.Port, error) {
			if given {
				return nil, errors.New("the line is gone")
			}
			given = true
			return port, nil
		}
	}
	cfg := &config.Config{Digest: "test"}
	cfg.Terminal.ID, cfg.Terminal.Number, cfg.Terminal.PixelsPerMM = "6f1d2c3e-5a47-4b8c-9d10-aabbccddeeff", "T-1", 3.2
	cfg.State.Dir = p.dir
	cfg.Screen.Listen = "127.0.0.1:8480"
	cfg.Central.URL = &url.URL{Scheme: "http", Host: "central"}
	cfg.Acceptor.Currency = money.AZN
	network := p.network
	if network == nil {
		network = handler{p.central}
	}
	cfg.Limits.IdleRead, cfg.Limits.Warning, cfg.Limits.IdleAttract = time.Minute, 20*time.Second, 30*time.Second
	trace := keepTraffic(p.dir, slog.New(slog.DiscardHandler))
	watch := health.NewWatch()
	acceptor, paper := watch.Mark("acceptor", loopLimit), watch.Mark("printer", loopLimit)
	d := parts{
		trace: trace,
		cfg:   cfg, watch: watch, stuck: func(err error) {
			if p.stuck != nil {
				p.stuck(err)
			}
		}, bundle: p.bundle, key: ed25519.NewKeyFromSeed(make([]byte, 32)), token: token, page: fstest.MapFS{},
		screen: l.screen, admin: l.doors["admin"], metrics: l.doors["metrics"], network: network, log: slog.New(slog.DiscardHandler), dots: 576,
		resume: resumeFile{filepath.Join(p.dir, "visit.json")},
		acceptor: func(ctx context.Context, m cash.Memory, commands <-chan cash.Command, deliver func(cash.Event)) error {
			return ccnet.Run(ctx, once(unitHost), ccnet.Config{Currency: money.AZN}, m, commands, deliver, line.Options{Recorder: trace, Progress: acceptor.Touch})
		},
		printer: func(ctx context.Context, commands <-chan printer.Command, deliver func(printer.Event)) error {
			return escpos.Run(ctx, once(paperHost), escpos.Generic80(), commands, deliver, line.Options{Progress: paper.Touch})
		},
	}
	d.loadKey = func() (ed25519.PrivateKey, error) { return ed25519.NewKeyFromSeed(make([]byte, 32)), nil }
	if p.board != nil {
		cfg.Panel.Driver, cfg.Panel.Layout, d.people = "numato", benchWiring(), p.people
		board := watch.Mark("panel", loopLimit)
		d.panel = func(ctx context.Context, commands <-chan panel.Command, deliver func(panel.Event)) error {
			return numato.Run(ctx, once(boardHost), numato.Config{Layout: cfg.Panel.Layout}, commands, deliver, line.Options{Progress: board.Touch})
		}
	}
	go func() { l.ended <- d.run(ctx) }()
	return l
}

// end stops the daemon and waits for everything it started.
func (l *life) end() {
	l.stop()
	if err := <-l.ended; err != nil {
		l.p.t.Errorf("the daemon ended with %v", err)
	}
	l.away()
}

// away takes the devices away and waits for them.
func (l *life) away() {
	l.off()
	l.wg.Wait()
}

// insert pushes a note in once the unit waits for one, as a person sees by its
// light.
func (l *life) insert(manat int64) {
	const idling = 0x14
	for range 100 {
		l.unit.mu.Lock()
		ready := l.p.unit.State().Z1 == idling
		l.unit.mu.Unlock()
		if ready {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.unit.mu.Lock()
	defer l.unit.mu.Unlock()
	o, err := l.p.unit.Do(time.Now(), validator.Insert{Value: money.Manat(manat), Quality: l.quality})
	if err != nil {
		l.p.t.Error(err)
	}
	for _, e := range o.Events {
		if e.Kind == validator.EventNotTaken {
			l.p.t.Errorf("the unit does not draw the note in: %s", e.Text)
		}
	}
	l.unit.handle(o)
}

const token = "0123456789abcdef012345"

// page is the screen's page, as far as a test needs one.
type page struct {
	t     *testing.T
	c     *websocket.Conn
	id    uint64
	state wire.State
}

func (l *life) open() *page {
	l.p.t.Helper()
	d := websocket.Dialer{NetDialContext: l.screen.dial}
	c, _, err := d.Dial("ws://127.0.0.1:8480/wire", http.Header{"Origin": {"http://127.0.0.1:8480"}})
	if err != nil {
		l.p.t.Fatal(err)
	}
	p := &page{t: l.p.t, c: c}
	p.send(wire.NameHello, wire.Hello{Token: token, Contract: wire.Contract})
	return p
}

func (p *page) send(name string, payload any) {
	p.t.Helper()
	b, err := json.Marshal(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	p.id++
	if err := p.c.WriteJSON(wire.Envelope{Header: wire.Header{Type: wire.TypeCommand, Name: name, Version: wire.MessageVersion, RequestID: p.id}, Payload: b}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) tap(name string, c wire.Command) {
	p.t.Helper()
	c.StepSeq = p.state.StepSeq
	p.send(name, c)
}

// until reads until the state is as wanted.
func (p *page) until(what string, want func(wire.State) bool) {
	p.t.Helper()
	end := time.Now().Add(3 * time.Minute)
	for !want(p.state) {
		_ = p.c.SetReadDeadline(end)
		var m wire.Envelope
		if err := p.c.ReadJSON(&m); err != nil {
			p.t.Fatalf("waiting for %s at %s: %v", what, p.state.Visit.Step, err)
		}
		switch m.Header.Name {
		case wire.NameState:
			var whole wire.State // a fresh one: what a state leaves out is gone
			if err := json.Unmarshal(m.Payload, &whole); err != nil {
				p.t.Fatal(err)
			}
			p.state = whole
		case wire.NameBeat:
			p.send(wire.NameBeat, struct{}{})
		}
	}
}

func (p *page) step(want wire.Step) {
	p.t.Helper()
	p.until(string(want), func(s wire.State) bool { return s.Visit.Step == want })
}

// toPay goes to the pay screen of an order of 25.40 AZN.
func (p *page) toPay() {
	p.t.Helper()
	p.until("an available service", func(s wire.State) bool { return len(s.Visit.Services) > 0 && s.Visit.Services[0].Available })
	p.tap(wire.NameStart, wire.Command{Lang: wire.LangAz})
	p.step(wire.StepServices)
	p.tap(wire.NameService, wire.Command{Service: p.state.Visit.Services[0].ID})
	p.step(wire.StepForm)
	p.tap(wire.NameInput, wire.Command{Field: p.state.Visit.Form.Fields[0].Name, Value: "200000001"})
	p.tap(wire.NameNext, wire.Command{})
	p.step(wire.StepQuote)
	p.tap(wire.NameNext, wire.Command{})
	p.until("the open slot", func(s wire.State) bool { return s.Visit.Step == wire.StepPay && s.Money.Open })
}

func (p *page) held(minor int64) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d held", minor), func(s wire.State) bool { return s.Money.Held.Minor == minor && s.Money.Moving == nil })
}

func TestWholeDaemonPayment(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(20)
		pg.held(2000)
		l.insert(10)
		pg.held(3000)
		pg.tap(wire.NameFinish, wire.Command{Key: "k"})
		pg.step(wire.StepFarewell)
		o := pg.state.Visit.Outcome
		if o.Money != wire.FatePosted || o.Paid.Minor != 2540 || o.Leftover.Minor != 460 || o.Slip != wire.SlipPrinted {
			t.Errorf("told %+v", o)
		}
		_ = pg.c.Close()
		l.end()
	})
	if n := len(p.unit.World().Cassette); n != 2 {
		t.Errorf("%d notes in the cassette", n)
	}
	if p.slips != 1 {
		t.Errorf("%d slips", p.slips)
	}
}

// TestWholeDaemonRestart: the daemon is stopped with a note in and started again;
// the person finds the same screen and the same sum, and goes on.
func TestWholeDaemonRestart(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(20)
		pg.held(2000)
		_ = pg.c.Close()
		l.end()
		l = p.start()
		pg = l.open()
		pg.until("the same screen", func(s wire.State) bool {
			return s.Visit.Step == wire.StepPay && s.Visit.Resumed && s.Money.Held.Minor == 2000
		})
		pg.until("the open slot", func(s wire.State) bool { return s.Money.Open })
		l.insert(10)
		pg.held(3000)
		pg.tap(wire.NameFinish, wire.Command{Key: "k"})
		pg.step(wire.StepFarewell)
		_ = pg.c.Close()
		l.end()
	})
}

// TestWholeDaemonWalkAway: nobody comes back; the money is recorded and the slip
// says so, with no hand on the screen.
func TestWholeDaemonWalkAway(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(5)
		pg.held(500)
		pg.until("the warning", func(s wire.State) bool { return s.Visit.Warning != nil && s.Visit.Warning.MoneyIn })
		pg.step(wire.StepFarewell)
		if o := pg.state.Visit.Outcome; o.Money != wire.FateLeftover || o.Leftover.Minor != 500 || o.Reason != wire.ReasonAbandoned {
			t.Errorf("told %+v", o)
		}
		pg.step(wire.StepAttract)
		_ = pg.c.Close()
		l.end()
	})
}
