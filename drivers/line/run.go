package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Pauses between two attempts to open a port.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second
)

// readChunk is the size of one read; a serial line never has more at once.
const readChunk = 4096

// Options tune Run. The zero value is complete.
type Options struct {
	// Recorder writes down what goes over the line; nil for none.
	Recorder *Recorder
	// Progress is called after every completed step, and every Heartbeat while
	// there is nothing to do, by the loop itself: for a watchdog. Nil for none.
	Progress func()
	// Log receives changes of the link; nil for none.
	Log *slog.Logger
}

// Heartbeat is the longest time between two calls of Options.Progress of a loop
// that gets round. It says nothing about the device: that a port is gone is told
// by LinkDown.
const Heartbeat = 5 * time.Second

func (o Options) progressed() {
	if o.Progress != nil {
		o.Progress()
	}
}

// Run drives p on the line that opener opens, until ctx ends; it returns ctx's
// cause when everything it started has ended.
//
// Step, the writes and deliver run in the calling goroutine, in the order that
// Output promises. A command is taken from commands at once and waits inside, so
// the sender never waits for a slow deliver; a closed commands channel is no
// more commands. deliver may wait for its reader, but the device is not served
// meanwhile.
//
// A read error, a write error or a missed write deadline closes the port, tells
// p LinkDown with the cause, and opens again with pauses growing to one second.
// A port that p gave up by Output.Reopen is opened again likewise, without a
// LinkDown. An attempt that fails is told as LinkDown when its cause is new.
func Run[C, E any](ctx context.Context, opener Opener, p Protocol[C, E], commands <-chan C, deliver func(E), opts Options) error {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	r := &runner[C, E]{
		protocol: p, opener: opener, deliver: deliver, opts: opts,
		opened: make(chan opening), news: make(chan struct{}, 1),
	}
	r.owned.Go(func() { r.collect(ctx, commands) })
	err := r.loop(ctx)
	r.drop()
	r.owned.Wait()
	return err
}

type opening struct {
	port Port
	err  error
}

type runner[C, E any] struct {
	protocol Protocol[C, E]
	opener   Opener
	deliver  func(E)
	opts     Options

	owned  sync.WaitGroup // collector and opening goroutines
	opened chan opening
	buf    [readChunk]byte

	port    Port        // nil while there is none
	release func() bool // stops the closing of the port by ctx

	pause time.Duration // before the next attempt
	cause string        // of the last failed attempt, so that it is told once
	wake  time.Time     // what the last Step asked for
	beat  time.Time     // tell of progress no later than this

	mu      sync.Mutex
	queued  []C
	waiting Port          // whose Read the loop may be in
	news    chan struct{} // something was queued while no port was waited for
}

// collect takes commands as they come, so that nobody waits for a step.
func (r *runner[C, E]) collect(ctx context.Context, commands <-chan C) {
	for {
		select {
		case <-ctx.Done():
			return
		case c, ok := <-commands:
			if !ok {
				return
			}
			r.queue(c)
		}
	}
}

// queue takes a command and tells the loop, wherever it waits.
func (r *runner[C, E]) queue(c C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued = append(r.queued, c)
	if r.waiting != nil {
		_ = r.waiting.SetReadDeadline(time.Unix(1, 0)) // where this fails the Read has ended
		return
	}
	select {
	case r.news <- struct{}{}:
	default: // the loop has been told already
	}
}

func (r *runner[C, E]) takeCommands() []C {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.queued
	r.queued = nil
	return c
}

func (r *runner[C, E]) loop(ctx context.Context) error {
	r.open(ctx, 0)
	r.beat = time.Now().Add(Heartbeat)
	for {
		var in Input[C]
		if r.port == nil {
			in = r.away(ctx)
		} else {
			in = r.listen(ctx)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		in.Commands = r.takeCommands()
		now := time.Now()
		if !due(r.wake, now) && in.Link == LinkSame && len(in.Received) == 0 && len(in.Commands) == 0 {
			if due(r.beat, now) {
				r.progressed(now)
			}
			continue
		}
		r.step(ctx, in)
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// next is when the loop has to do something by itself.
func (r *runner[C, E]) next() time.Time {
	if !r.wake.IsZero() && r.wake.Before(r.beat) {
		return r.wake
	}
	return r.beat
}

func (r *runner[C, E]) progressed(now time.Time) {
	r.beat = now.Add(Heartbeat)
	r.opts.progressed()
}

// listen waits at the open port for bytes, for a command, or until something is to
// be done. All of it is one Read, so that an idle line wakes up one goroutine of
// one thread: a terminal polls its devices all day.
func (r *runner[C, E]) listen(ctx context.Context) (in Input[C]) {
	r.mu.Lock()
	if len(r.queued) > 0 {
		r.mu.Unlock()
		return in
	}
	r.waiting = r.port
	err := r.port.SetReadDeadline(r.next())
	r.mu.Unlock()
	n := 0
	if err == nil {
		n, err = r.port.Read(r.buf[:])
	}
	r.mu.Lock()
	r.waiting = nil
	r.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return in // the port was closed by that
	case n > 0:
		r.pause = 0
		in.Received = r.buf[:n] // an error comes again
		return in
	case errors.Is(err, os.ErrDeadlineExceeded):
		return in
	case err == nil:
		err = errors.New("read nothing")
	}
	in.Link, in.Cause = LinkDown, "read: "+err.Error()
	r.lose(ctx, in.Cause)
	return in
}

// away waits while there is no port.
func (r *runner[C, E]) away(ctx context.Context) (in Input[C]) {
	timer := time.NewTimer(time.Until(r.next()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case o := <-r.opened:
		var up bool
		if in.Cause, up = r.take(ctx, o); up {
			in.Link = LinkUp
		} else if in.Cause != "" { // else the same failure again
			in.Link = LinkDown
		}
	case <-r.news:
	case <-timer.C:
	}
	return in
}

// step tells p what happened, and does what it asks for, until a write fails no
// more.
func (r *runner[C, E]) step(ctx context.Context, in Input[C]) {
	for {
		now := time.Now()
		if len(in.Received) > 0 {
			recorded := in.Received
			if d, ok := r.protocol.(Discreet); ok && d.Discreet() {
				recorded = Blank(recorded)
			}
			r.opts.Recorder.Received(now, recorded)
		}
		out := r.protocol.Step(now, in)
		r.wake = out.Wake
		var failed error
		if len(out.Send) > 0 && r.port != nil {
			r.opts.Recorder.Sent(now, out.Send)
			failed = writeAll(r.port, out.Send)
		}
		for _, e := range out.Events {
			r.deliver(e)
		}
		r.progressed(time.Now())
		switch {
		case failed != nil && ctx.Err() == nil:
			cause := "write: " + failed.Error()
			r.lose(ctx, cause)
			in = Input[C]{Link: LinkDown, Cause: cause}
			continue
		case out.Reopen && r.port != nil:
			r.opts.Log.Info("line: opened anew at the driver's wish")
			r.drop()
			r.again(ctx)
		}
		return
	}
}

func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// take makes an opened port the current one. It returns the cause of a failure,
// or "" if that cause has been told before.
func (r *runner[C, E]) take(ctx context.Context, o opening) (cause string, up bool) {
	err := o.err
	if err == nil {
		if err = o.port.Flush(); err != nil {
			err = fmt.Errorf("flush: %w", err)
			_ = o.port.Close() // given up; the flush error is the one that counts
		}
	}
	if err != nil {
		r.again(ctx)
		if err.Error() == r.cause {
			return "", false
		}
		r.cause = err.Error()
		r.opts.Log.Warn("line: cannot open", "error", err)
		return r.cause, false
	}
	r.cause = ""
	r.port = o.port
	r.release = context.AfterFunc(ctx, func() { _ = o.port.Close() })
	r.opts.Log.Info("line: open")
	return "", true
}

func (r *runner[C, E]) lose(ctx context.Context, cause string) {
	r.opts.Log.Warn("line: lost", "cause", cause)
	r.drop()
	r.again(ctx)
}

// drop closes the current port.
func (r *runner[C, E]) drop() {
	if r.port == nil {
		return
	}
	r.release()
	_ = r.port.Close() // it is given up; nothing depends on how it closes
	r.port = nil
}

// again opens after the next pause. A port that never brought a byte makes the
// pauses grow as one that could not be opened does.
func (r *runner[C, E]) again(ctx context.Context) {
	r.pause = min(max(firstPause, 2*r.pause), longestPause)
	r.open(ctx, r.pause)
}

// open opens aside, so that timers and commands are served meanwhile.
func (r *runner[C, E]) open(ctx context.Context, pause time.Duration) {
	r.owned.Go(func() {
		if pause > 0 {
			t := time.NewTimer(pause)
			defer t.Stop()
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
		port, err := r.opener(ctx)
		select {
		case r.opened <- opening{port, err}:
		case <-ctx.Done():
			if err == nil {
				_ = port.Close() // nobody will use it
			}
		}
	})
}
