package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsc"
)

// How long each loop may take to get round. A loop that has nothing to do says so
// every few seconds; these are three times that, for a disk that takes its time.
const (
	loopLimit = 15 * time.Second
	cardLimit = pcsc.LongestRound + 5*time.Second
)

// exitStuck is the exit code after a loop has stood still.
const exitStuck = 3

// stuck ends the process after a loop has stood still. It ends as a kill does:
// whatever an orderly end waits for may be what stands still, and the journal is
// made for kills. The stacks say where; they hold names of functions, no values.
func stuck(log *slog.Logger, err error) {
	log.Error("the daemon ends, so that it can be started again", "err", err)
	_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	os.Exit(exitStuck)
}

// opening tells the service manager that a long start goes on. It is told of
// records that were worked through, so a start that stands still gets no time.
type opening struct {
	manager *health.Manager
	over    atomic.Bool
	told    time.Time
}

// extension is how much time a start gets from each sign of progress on.
const extension = 60 * time.Second

func (o *opening) progress() {
	if o.over.Load() || time.Since(o.told) < extension/6 {
		return
	}
	o.told = time.Now()
	o.manager.Extend(extension)
	o.manager.Status("starting: going through the journal")
}

// answering is a listener whose accept loop says that it gets round.
type answering struct {
	net.Listener
	round func()
}

// deadliner is a listener whose Accept can be told to come back.
type deadliner interface {
	SetDeadline(t time.Time) error
}

func (a answering) Accept() (net.Conn, error) {
	for {
		a.round()
		if err := a.Listener.(deadliner).SetDeadline(time.Now().Add(heartbeat)); err != nil {
			return nil, err
		}
		c, err := a.Listener.Accept()
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
	}
}

// report asks the rooms how the terminal is.
func (w *world) report(ctx context.Context) (health.Report, error) {
	var r health.Report
	if err := w.core.do(ctx, func(t *terminal.Terminal, now time.Time) { r = t.Health(now) }); err != nil {
		return health.Report{}, err // r may still be written to
	}
	r.Loops = w.watch.Loops()
	return r, nil
}

// keepStatus tells the service manager in words how the terminal is, whenever
// something has been shown that may have changed it.
func (w *world) keepStatus(ctx context.Context, m *health.Manager) {
	tick := time.NewTicker(health.Round)
	defer tick.Stop()
	for {
		if w.shown.Swap(false) {
			ask, cancel := context.WithTimeout(ctx, health.Round)
			r, err := w.report(ask)
			cancel()
			if err == nil {
				m.Status(r.Words())
			} else {
				w.shown.Store(true)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// finishWithin is how long a stop waits for what moves: a note takes up to 30 s.
// The service manager kills after TimeoutStopSec=45s.
const finishWithin = 35 * time.Second

// stopInOrder waits for the order to stop and lets what moves come to its end; then
// it ends the daemon's life. The acceptor is told first, so no further note comes.
func (w *world) stopInOrder(ordered, life context.Context, end func(), m *health.Manager) {
	select {
	case <-ordered.Done():
	case <-life.Done():
		return
	}
	defer end()
	m.Stopping()
	m.Status("stopping: what moves comes to its end")
	ctx, cancel := context.WithTimeout(life, finishWithin)
	defer cancel()
	if w.core.do(ctx, func(t *terminal.Terminal, now time.Time) { t.Finish(now) }) != nil {
		return
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		rest := false
		if err := w.core.do(ctx, func(t *terminal.Terminal, _ time.Time) { rest = t.AtRest() }); err != nil {
			w.log.Warn("stopped before everything had come to rest; the next start finds out what became of it")
			return
		}
		if rest {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// bootID is the machine's boot id for the journal. A sandbox hides the kernel's
// own file, so the service manager passes it on (Environment=KIOSK_BOOT_ID=%b), as
// 32 digits; the kernel writes it with hyphens. "" leaves it to the journal.
func bootID(passed string) string {
	s := strings.ToLower(strings.ReplaceAll(passed, "-", ""))
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
