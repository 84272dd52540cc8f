package pcsc

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Times of the loop (section 2.2).
const (
	waitTime     = 10 * time.Second       // of one wait when all is quiet
	settleTime   = time.Second            // of the wait after the list changed: a reader that came just then is not waited for
	backOffFirst = 250 * time.Millisecond // before the daemon is tried again,
	backOffMost  = 5 * time.Second        // doubling up to this
	patience     = 5 * time.Second        // for a call that asks no reader
	grace        = time.Second            // for a wait that was cancelled
	cancelPeriod = 50 * time.Millisecond  // a Cancel before the wait has begun is lost, so it is said again
	quickRound   = 20 * time.Millisecond  // a wait that was shorter and told nothing
	quickPause   = 50 * time.Millisecond  // is followed by this, lest a faulty state makes a busy loop
)

// errHung: the daemon takes calls and does not answer them.
var errHung = errors.New("no answer")

// Watch implements smartcard.Service.
func (s *Service) Watch(ctx context.Context, deliver func(smartcard.Event)) error {
	if !s.watching.CompareAndSwap(false, true) {
		return errors.New("the readers are being watched already")
	}
	defer s.watching.Store(false)
	w := &watch{service: s, monitor: newMonitor(s.insertions), deliver: deliver, backOff: backOffFirst}
	for ctx.Err() == nil {
		err := w.session(ctx)
		w.tell(ctx, w.monitor.down(err))
		w.awaitHung(ctx)
		s.progressed()
		pause(ctx, w.backOff)
		w.backOff = min(2*w.backOff, backOffMost)
	}
	return nil
}

func (s *Service) progressed() {
	if s.Progress != nil {
		s.Progress()
	}
}

// watch is one run of Watch.
type watch struct {
	service *Service
	monitor *monitor
	deliver func(smartcard.Event)
	backOff time.Duration
	hung    <-chan struct{} // a call that was abandoned; closed when it is back
}

// tell delivers, but nothing after the end.
func (w *watch) tell(ctx context.Context, events []smartcard.Event) {
	for _, e := range events {
		if ctx.Err() != nil {
			return
		}
		w.deliver(e)
	}
}

// awaitHung waits until a call that was abandoned is back: another try would leave
// another thread behind. Waiting so is progress: there is nothing better to do.
func (w *watch) awaitHung(ctx context.Context) {
	round := time.NewTicker(waitTime)
	defer round.Stop()
	for w.hung != nil {
		select {
		case <-w.hung:
			w.hung = nil
		case <-round.C:
			w.service.progressed()
		case <-ctx.Done():
			w.hung = nil
		}
	}
}

// session is one context of the library, from its making to the first fault or
// ctx's end.
func (w *watch) session(ctx context.Context) error {
	var c bindingContext
	var failed error
	if err := w.call(ctx, func() { c, failed = w.service.library.Establish() }, func() {
		if failed == nil {
			_ = c.Release() // nobody is left who could do something about it
		}
	}); err != nil {
		return err
	}
	if failed != nil {
		return fault("SCardEstablishContext", smartcard.ErrNoService, failed)
	}
	release := sync.OnceFunc(func() { _ = c.Release() }) // the context of a daemon that is gone is invalid, which is no news
	if err := w.list(ctx, c, release); err != nil {
		w.drop(ctx, release)
		return err
	}
	err := w.rounds(ctx, c, release)
	w.drop(ctx, release)
	return err
}

// drop releases the context, unless a call is still in it: then that call does.
func (w *watch) drop(ctx context.Context, release func()) {
	if w.hung == nil {
		_ = w.call(context.WithoutCancel(ctx), release, func() {}) // a release that hangs has been noted by call
	}
}

func (w *watch) rounds(ctx context.Context, c bindingContext, release func()) error {
	settle := false
	for ctx.Err() == nil {
		w.service.progressed()
		began := time.Now()
		states, timeout := w.monitor.ask(), waitTime
		if settle {
			timeout = settleTime
		}
		err := w.wait(ctx, c, states, timeout, release)
		var events []smartcard.Event
		var code scard.Error
		list := true // also after a time-out: it costs little and heals what was missed
		switch {
		case err == nil:
			events, list = w.monitor.seen(states)
		case !errors.As(err, &code):
			return fault("SCardGetStatusChange", smartcard.ErrNoService, err)
		case code == scard.ErrTimeout, code == scard.ErrCancelled, code == scard.ErrUnknownReader, code == scard.ErrReaderUnavailable:
		default:
			return fault("SCardGetStatusChange", smartcard.ErrNoService, code)
		}
		w.backOff = backOffFirst
		w.tell(ctx, events)
		quiet := len(events) == 0
		settle = false
		if list && ctx.Err() == nil {
			before := len(w.monitor.order)
			if err := w.list(ctx, c, release); err != nil {
				return err
			}
			settle = len(w.monitor.order) != before
			quiet = quiet && !settle
		}
		if quiet && time.Since(began) < quickRound {
			pause(ctx, quickPause)
		}
	}
	return nil
}

// list asks for the readers' names.
func (w *watch) list(ctx context.Context, c bindingContext, release func()) error {
	var names []string
	var failed error
	if err := w.call(ctx, func() {
		for range 3 { // a reader that comes between the two halves of this call makes the buffer too small
			if names, failed = c.ListReaders(); !errors.Is(failed, scard.ErrInsufficientBuffer) {
				return
			}
		}
	}, release); err != nil {
		return err
	}
	if failed != nil && !errors.Is(failed, scard.ErrNoReadersAvailable) {
		return fault("SCardListReaders", smartcard.ErrNoService, failed)
	}
	if failed != nil {
		names = nil
	}
	w.tell(ctx, w.monitor.answers())
	events, _ := w.monitor.listed(names)
	w.tell(ctx, events)
	return nil
}

// call makes a call that asks no reader and so is over in moments, unless the
// daemon hangs. after cleans up when it does.
func (w *watch) call(ctx context.Context, work, after func()) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t := w.start(func(<-chan struct{}) { work() }, after)
	if t.wait(ctx) || !t.abandon("", nil) {
		return nil
	}
	w.hung = t.hung
	return fault("the daemon", smartcard.ErrNoService, errHung)
}

// hanging is a task that also tells when it is back although it was abandoned.
type hanging struct {
	*task
	hung <-chan struct{}
}

func (w *watch) start(work func(<-chan struct{}), after func()) hanging {
	back := make(chan struct{})
	return hanging{w.service.start(work, func() { after(); close(back) }), back}
}

// wait waits for a change, at the longest for timeout, and ends at once with ctx.
func (w *watch) wait(ctx context.Context, c bindingContext, states []scard.ReaderState, timeout time.Duration, release func()) error {
	// When the wait or its Cancel hangs, the context is released by the one that
	// comes back last: libpcsclite takes a lock of the whole process while it waits
	// for a context that is in use, and Cancel reads what Release frees.
	var parts atomic.Int32
	over := func() {
		if parts.Add(1) == 2 {
			release()
		}
	}
	var failed error
	ended := make(chan struct{})
	t := w.start(func(<-chan struct{}) {
		defer close(ended)
		failed = c.GetStatusChange(states, timeout)
	}, over)
	late, cancel := context.WithTimeout(ctx, timeout+patience)
	defer cancel()
	if t.wait(late) {
		return failed
	}
	// Cancel may come before the wait has begun, and may race with its end
	// (INVALID_HANDLE): it is said until the wait is over, and its answer is nothing.
	ending, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	said := w.start(func(<-chan struct{}) {
		for {
			_ = c.Cancel() // see above
			select {
			case <-ended:
				return
			case <-time.After(cancelPeriod):
			}
		}
	}, over)
	waited := t.wait(ending) || !t.abandon("", nil)
	cancelled := said.wait(ending) || !said.abandon("", nil)
	switch {
	case waited && cancelled:
		return failed
	case waited:
		over()
		w.hung = said.hung
	case cancelled:
		over()
		w.hung = t.hung
	default:
		w.hung = t.hung
	}
	return errHung
}

// pause ends early with ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
