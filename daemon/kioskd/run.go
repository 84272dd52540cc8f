package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/health/metrics"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/daemon/screen"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"golang.org/x/sync/errgroup"
)

// parts are what the daemon is built from. run opens them as the configuration
// says; a test gives its own, in memory and in virtual time.
type parts struct {
	cfg      *config.Config
	bundle   *catalogue.Bundle
	key      ed25519.PrivateKey
	token    string
	page     fs.FS
	asset    string
	screen   net.Listener
	admin    net.Listener   // nil: none
	acceptor acceptorDriver // nil: none
	trace    *line.Recorder // of the acceptor's line; nil: none
	printer  printerDriver  // nil: none
	cards    *esign.Runner  // nil: no card reader
	panel    panel.Driver   // nil: no panel
	people   people.People  // who may look after the terminal
	loadKey  func() (ed25519.PrivateKey, error)
	dots     int               // width of the printer's head
	network  http.RoundTripper // nil: plain TCP
	log      *slog.Logger
	resume   resumeFile
	boot     string          // the machine's boot id; "": the kernel is asked
	manager  *health.Manager // the service manager; nil: none
	watch    *health.Watch   // the loops; open and run add theirs
	stuck    func(error)     // called once when a loop stands still; nil: nothing beside the error
	metrics  net.Listener    // nil: none
}

// acceptorDriver and printerDriver run a device until ctx ends.
type (
	acceptorDriver func(ctx context.Context, memory cash.Memory, commands <-chan cash.Command, deliver func(cash.Event)) error
	printerDriver  func(ctx context.Context, commands <-chan printer.Command, deliver func(printer.Event)) error
)

// resumeFile keeps what a restart needs: a file in the runtime folder.
type resumeFile struct{ path string }

func (f resumeFile) load() []byte {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return nil // none, or unreadable: the visit's data are lost, the money is in the journal
	}
	return b
}

// save replaces the file in one step. It is not synced: it must outlive the
// process, not the power.
func (f resumeFile) save(b []byte) error {
	if b == nil {
		err := os.Remove(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	tmp := f.path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, f.path)
}

func loadBundle(cfg *config.Config) (*catalogue.Bundle, error) {
	root, err := catalogue.LoadRoot(cfg.Catalogue.Root)
	if err != nil {
		return nil, err
	}
	b, err := catalogue.Load(cfg.Catalogue.Bundle, root, time.Now())
	if err != nil {
		return nil, err
	}
	if found := catalogue.Check(b); len(found) > 0 {
		return nil, fmt.Errorf("catalogue %s is refused: %s (and %d more)", cfg.Catalogue.Bundle, found[0], len(found)-1)
	}
	return b, nil
}

// The traffic of the acceptor's line lies in the runtime folder, in memory that a
// loss of power clears: traces are for finding out, the journal is the record. At
// five polls a second, and a few thousand notes, a day takes less than the bound.
const (
	traceName      = "acceptor.trace"
	traceFileBytes = 4 << 20
	traceFiles     = 4
	// doubtLines of it explain a note in doubt: its way and some polls around it.
	doubtLines = 96
)

// keepTraffic begins to keep the traffic of the acceptor's line, in files where
// that is possible and in memory where not.
func keepTraffic(dir string, log *slog.Logger) *line.Recorder {
	opts := line.RecorderOptions{Path: filepath.Join(dir, traceName), FileBytes: traceFileBytes, Files: traceFiles}
	r, err := line.NewRecorder(opts)
	if err != nil {
		log.Warn("the acceptor's traffic is kept in memory only", "error", err)
		r, _ = line.NewRecorder(line.RecorderOptions{}) // without a file nothing can fail
	}
	return r
}

// world is the outside of the rooms in a running daemon.
type world struct {
	ctx     context.Context
	journal *journal.Journal
	folds   terminal.Folds
	core    *core
	client  *central.Client
	calls   chan central.Call
	draws   chan paper.Request
	cash    chan cash.Command
	paper   chan printer.Command
	cards   chan esign.Job
	lamps   chan panel.Command
	pins    chan upkeep.Check
	keys    *keyring
	screen  *screen.Screen
	watch   *health.Watch
	metrics *metrics.Metrics
	shown   atomic.Bool // something was shown since the status was told
	resume  resumeFile
	log     *slog.Logger
	fail    func(error)
}

// Append makes records durable. If it cannot, the terminal stops here, with the
// money where the last durable record says: nothing after this call happens.
func (w *world) Append(drafts ...journal.Draft) {
	if _, err := w.journal.Append(context.Background(), drafts...); err != nil {
		w.fail(fmt.Errorf("journal: %w", err))
		panic(stopped{err})
	}
}

// stopped unwinds the rooms after a failed durable write.
type stopped struct{ err error }

func (w *world) Head() uint64 {
	seq, _ := w.journal.Head()
	return seq
}

func (w *world) Acked(seq uint64) {
	if err := w.journal.SetAcked(seq); err != nil {
		w.log.Warn("central's acknowledgement could not be noted; it will be asked for again", "err", err)
	}
}

func (w *world) Acceptor(c cash.Command) {
	if w.cash == nil {
		return
	}
	select {
	case w.cash <- c:
	case <-w.ctx.Done():
	}
}

func (w *world) Printer(c printer.Command) {
	if w.paper == nil {
		return
	}
	select {
	case w.paper <- c:
	case <-w.ctx.Done():
	}
}

// Card hands a job to the one who speaks to cards. Without a reader there is no
// card, and the visit asks for no job.
func (w *world) Card(j esign.Job) {
	select {
	case w.cards <- j:
	case <-w.ctx.Done():
		if j.Sign != nil {
			j.Sign.PIN.Wipe()
		}
	}
}

func (w *world) Call(c central.Call) {
	select {
	case w.calls <- c:
	case <-w.ctx.Done():
	}
}

func (w *world) Draw(r paper.Request) {
	select {
	case w.draws <- r:
	case <-w.ctx.Done():
	}
}

func (w *world) SaveResume(b []byte) {
	if err := w.resume.save(b); err != nil {
		w.log.Error("what a restart needs could not be kept; a restart would lose what was typed, not money", "err", err)
	}
}

func (w *world) Show(s wire.State) {
	w.screen.Publish(s)
	w.shown.Store(true)
}

// queue is how many commands or calls may wait for their goroutine; the rooms
// never have more than a handful under way.
const queue = 256

func runTerminal(ctx context.Context, cfg *config.Config) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Log.Level}))
	manager, err := health.NewManager()
	if err != nil {
		return err
	}
	defer manager.Close()
	manager.Status("starting")
	p, err := open(cfg, log)
	if err != nil {
		manager.Status("cannot start: " + err.Error())
		return err
	}
	p.manager, p.boot = manager, bootID(os.Getenv("KIOSK_BOOT_ID"))
	p.stuck = func(err error) {
		manager.Status(err.Error())
		stuck(log, err)
	}
	if err = p.run(ctx); err != nil {
		manager.Status("ended: " + err.Error())
	}
	return err
}

// fitted is which devices there are.
func (p parts) fitted() health.Fitted {
	return health.Fitted{Acceptor: p.acceptor != nil, Printer: p.printer != nil, Cards: p.cards != nil, Panel: p.cfg.Panel.Driver != config.DriverNone && p.cfg.Panel.Driver != ""}
}

// run is the daemon: it recovers the journal, starts everything, and ends when
// ctx does or when something that must not fail has failed.
func (p parts) run(ctx context.Context) (err error) {
	cfg, log := p.cfg, p.log
	courier := central.NewCourier(central.CourierConfig{Terminal: cfg.Terminal.ID}, rand.Reader)
	folds := terminal.NewFolds(courier)
	begin := &opening{manager: p.manager}
	committer := p.watch.Mark("committer", loopLimit)
	figures := metrics.New()
	j, err := journal.Open(journal.Options{
		Dir: filepath.Join(cfg.State.Dir, "journal"), Terminal: cfg.Terminal.ID, Create: true,
		Enrolment:  []byte(`{"terminal":"` + cfg.Terminal.ID + `"}`),
		SigningKey: p.key, KeyID: "terminal", Folds: folds.List(), Log: log, BootID: p.boot,
		Progress:  func() { committer.Touch(); begin.progress() },
		Committed: figures.Committed,
	})
	begin.over.Store(true)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	defer func() {
		// The traffic is not the money record: that it could not be kept ends nothing.
		if err := p.trace.Close(); err != nil {
			log.Warn("the acceptor's traffic was not kept", "error", err)
		}
	}()

	// An order to stop ends the life of the daemon only when what moves has come to
	// its end.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, gctx := errgroup.WithContext(life)
	failed := make(chan error, 1)
	box := newMailbox()
	w := &world{ctx: gctx, journal: j, folds: folds, calls: make(chan central.Call, queue), draws: make(chan paper.Request, queue),
		cards: make(chan esign.Job, queue), pins: make(chan upkeep.Check, queue), resume: p.resume, watch: p.watch, metrics: figures, log: log, fail: func(err error) {
			select {
			case failed <- err:
			default:
			}
		}}
	w.keys = &keyring{load: p.loadKey, journal: j, log: log, key: p.key}
	c := &core{mailbox: box, progress: p.watch.Mark("rooms", loopLimit).Touch}
	w.core = c
	w.client, err = central.NewClient(centralBase(cfg), cfg.Terminal.ID, p.network, j)
	if err != nil {
		return err
	}
	w.screen = screen.New(screen.Options{Token: p.token, Hosts: hosts(cfg), Page: p.page, Asset: p.asset, Log: log,
		Commands: func(ctx context.Context, name string, cmd wire.Command) error {
			var result error
			if err := c.do(ctx, func(t *terminal.Terminal, now time.Time) { result = t.Command(now, name, cmd) }); err != nil {
				return err
			}
			return result
		},
		Secrets: func(ctx context.Context, k wire.SecretKey) error {
			var result error
			if err := c.do(ctx, func(t *terminal.Terminal, now time.Time) { result = t.Secret(now, k) }); err != nil {
				return err
			}
			return result
		}})

	memory := cash.Memory{Identity: folds.Ledger.Unit().Identity, Table: folds.Ledger.Unit().Table}
	if p.acceptor != nil {
		w.cash = make(chan cash.Command, queue)
		g.Go(func() error {
			return p.acceptor(gctx, memory, w.cash, func(e cash.Event) {
				box.put(func(t *terminal.Terminal, now time.Time) { t.Cash(now, e) })
			})
		})
	}
	if p.printer != nil {
		w.paper = make(chan printer.Command, queue)
		g.Go(func() error {
			return p.printer(gctx, w.paper, func(e printer.Event) {
				box.put(func(t *terminal.Terminal, now time.Time) { t.Printer(now, e) })
			})
		})
	}
	if p.cards != nil {
		g.Go(func() error {
			return p.cards.Watch(gctx, func(ev smartcard.Event) {
				box.put(func(t *terminal.Terminal, now time.Time) { t.Reader(now, ev) })
			})
		})
		g.Go(func() error { return w.doCards(gctx, p.cards) })
	}
	if p.panel != nil {
		w.lamps = make(chan panel.Command, queue)
		g.Go(func() error {
			return p.panel(gctx, w.lamps, func(e panel.Event) {
				box.put(func(t *terminal.Terminal, now time.Time) { t.Panel(now, e) })
			})
		})
	}
	g.Go(func() error { return w.checkPINs(gctx) })
	g.Go(func() error { return w.drawSlips(gctx, p.bundle, p.dots) })
	for range callers {
		g.Go(func() error { return w.callCentral(gctx) })
	}

	c.terminal = terminal.New(terminal.Config{
		Terminal: terminalOf(cfg), Times: timesOf(cfg), Till: till.Config{Currency: cfg.Acceptor.Currency},
		HasPrinter: p.printer != nil, HasCards: p.cards != nil, Fitted: p.fitted(), Asset: p.asset, Version: Version, ConfigHash: cfg.Digest,
		CashTrace: func() []string { return p.trace.Tail(doubtLines) },
		People:    p.people, Inputs: inputs(cfg), Sign: w.keys.Sign, Rand: rand.Reader,
	}, p.bundle, folds, w)
	saved := p.resume.load()
	begun := make(chan struct{}, 1)
	g.Go(func() error {
		defer func() {
			if r := recover(); r != nil {
				if s, ok := r.(stopped); ok {
					err := fmt.Errorf("%w: %w", journal.ErrFailed, s.err)
					w.fail(err)
					return
				}
				panic(r)
			}
		}()
		c.terminal.Start(time.Now(), saved)
		begun <- struct{}{}
		c.run(gctx)
		c.terminal.Stop()
		return nil
	})
	g.Go(func() error {
		select {
		case err := <-failed:
			return err
		case err := <-j.Failed():
			return err
		case <-gctx.Done():
			return nil
		}
	})
	shows := p.screen
	if _, ok := shows.(deadliner); ok {
		mark := p.watch.Mark("screen", loopLimit)
		shows = answering{shows, func() { w.screen.LastBeat(); mark.Touch() }} // the screen's lock can be had, too
	}
	g.Go(func() error { return serve(gctx, shows, w.screen) })
	if p.metrics != nil {
		figures.Use(metrics.Source{Journal: j, JournalDir: filepath.Join(cfg.State.Dir, "journal"), StateDir: cfg.State.Dir, Report: w.report,
			Starts: func() (all, unclean uint64) {
				j.View(func() { all, unclean = folds.Starts.Count() })
				return all, unclean
			}, CertExpiry: certExpiry(p.network), Loops: p.watch.Loops, Bundle: p.bundle.Version, Version: Version, Now: time.Now, Log: log})
		g.Go(func() error { return serve(gctx, p.metrics, figures.Handler()) })
	}
	if p.admin != nil {
		g.Go(func() error {
			return admin.Serve(gctx, p.admin, admin.Handler(admin.Options{Journal: j, Ledger: tillLedger, Health: w.report, Log: log,
				Folds: func() []journal.Fold {
					return terminal.NewFolds(central.NewCourier(central.CourierConfig{Terminal: cfg.Terminal.ID}, rand.Reader)).List()
				}}))
		})
	}
	g.Go(func() error {
		select {
		case <-begun:
		case <-gctx.Done():
			return nil
		}
		// The journal is verified, the table of devices is built, the screen is open.
		p.manager.Ready()
		log.Info("the terminal is ready")
		w.keepStatus(gctx, p.manager)
		return nil
	})
	g.Go(func() error {
		err := p.watch.Run(gctx, p.manager.Ping)
		if err != nil && p.stuck != nil {
			p.stuck(err)
		}
		return err
	})
	g.Go(func() error {
		w.stopInOrder(ctx, gctx, end, p.manager)
		return nil
	})
	log.Info("the terminal serves", "screen", p.screen.Addr().String(), "records", w.Head())
	err = g.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil
	}
	return err
}

// tillLedger is the equation's fold for the admin's door.
func tillLedger() (journal.Fold, func() admin.Equation) {
	l := till.NewLedger()
	return l, func() admin.Equation { return l.Equation() }
}

// callers is how many requests to central may be under way: the records' lane,
// a person's query, an action, and one to spare.
const callers = 4

func (w *world) callCentral(ctx context.Context) error {
	for {
		select {
		case c := <-w.calls:
			r := w.client.Do(ctx, c)
			w.metrics.Called(string(c.Kind), string(r.Class))
			if !r.Date.IsZero() {
				w.metrics.Clock(clockOffset(r.Date, time.Now()))
			}
			if c.Quarantine != "" && r.Class == central.ReplyOK {
				w.metrics.Quarantined()
			}
			w.core.put(func(t *terminal.Terminal, now time.Time) { t.Reply(now, r) })
		case <-ctx.Done():
			return nil
		}
	}
}

// doCards carries out one job after the other. A card that does not come back
// costs its job the job's own time and no more.
func (w *world) doCards(ctx context.Context, r *esign.Runner) error {
	for {
		select {
		case j := <-w.cards:
			result := r.Do(ctx, j)
			if f := result.Failure; f != nil {
				w.log.Info("a job at a card did not succeed", "problem", string(f.Problem), "err", f.Err)
			}
			w.core.put(func(t *terminal.Terminal, now time.Time) { t.CardDone(now, result) })
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *world) drawSlips(ctx context.Context, b *catalogue.Bundle, width int) error {
	fonts, err := draw.LoadFonts()
	if err != nil {
		return fmt.Errorf("fonts of the slip: %w", err)
	}
	for {
		select {
		case r := <-w.draws:
			picture, err := paper.Render(b, r, width, fonts)
			if err != nil {
				w.log.Error("a slip could not be drawn", "document", r.Document, "err", err)
			}
			w.core.put(func(t *terminal.Terminal, now time.Time) { t.Drawn(now, r.ID, picture, err) })
		case <-ctx.Done():
			return nil
		}
	}
}

// serve runs an HTTP server on l until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		_ = srv.Close()
		<-done
		return nil
	}
}

// centralBase is the base of central's addresses.
func centralBase(cfg *config.Config) string {
	if cfg.Central.URL == nil {
		return central.UplinkBase
	}
	return cfg.Central.URL.String()
}

func hosts(cfg *config.Config) []string {
	out := []string{cfg.Screen.Listen}
	if _, port, err := net.SplitHostPort(cfg.Screen.Listen); err == nil {
		out = append(out, "127.0.0.1:"+port, "localhost:"+port)
	}
	return out
}

func terminalOf(cfg *config.Config) visit.Terminal {
	return visit.Terminal{
		ID: cfg.Terminal.ID, Number: cfg.Terminal.Number, Owner: cfg.Terminal.Owner, OwnerVOEN: cfg.Terminal.OwnerVOEN,
		Address: cfg.Terminal.Address, Phone: cfg.Terminal.Phone, Hours: cfg.Terminal.Hours,
		PixelsPerMM: cfg.Terminal.PixelsPerMM, Langs: cfg.Terminal.Languages, Notes: cfg.Acceptor.Denominations,
		MaxCash: cfg.Limits.MaxCash,
	}
}

func timesOf(cfg *config.Config) visit.Times {
	t := visit.DefaultTimes()
	t.Idle, t.Typing, t.Warning, t.Farewell = cfg.Limits.IdleRead, cfg.Limits.IdleTyping, cfg.Limits.Warning, cfg.Limits.IdleAttract
	return t
}
