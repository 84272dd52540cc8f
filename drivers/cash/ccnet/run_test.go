package ccnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
)

// serve runs the scripted unit on the far end of a line until it closes.
func (p *peer) serve(rw io.ReadWriter) {
	buf := make([]byte, 512)
	for {
		n, err := rw.Read(buf)
		if err != nil {
			return
		}
		if out, _ := p.Step(time.Now(), buf[:n]); len(out) > 0 {
			if _, err := rw.Write(out); err != nil {
				return
			}
		}
	}
}

// till confirms, stacks what comes, and passes the events on.
func till(commands chan<- cash.Command, events chan<- cash.Event) func(cash.Event) {
	return func(e cash.Event) {
		switch e := e.(type) {
		case cash.PowerUp:
			commands <- cash.Confirm{ID: e.ID}
		case cash.Settled:
			commands <- cash.Enable{Types: []int{4}}
		case cash.Escrowed:
			commands <- cash.Stack{ID: e.ID}
		case cash.Stacked:
			commands <- cash.Confirm{ID: e.ID}
		}
		events <- e
	}
}

func until[E cash.Event](events <-chan cash.Event) E {
	for e := range events {
		if e, ok := e.(E); ok {
			return e
		}
	}
	panic("the events ended")
}

// The driver with its goroutines, on a line in memory and in virtual time,
// through a lost cable.
func TestRunInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := newPeer()
		p.Insert(4)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			for {
				select {
				case far := <-socket.Far():
					p.serve(far)
				case <-ctx.Done():
					return
				}
			}
		})
		commands, events := make(chan cash.Command), make(chan cash.Event, 1000)
		var ended error
		recorder, err := line.NewRecorder(line.RecorderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var last atomic.Int64
		all.Go(func() {
			ended = Run(ctx, socket.Open, Config{}, cash.Memory{}, commands, till(commands, events),
				line.Options{Recorder: recorder, Progress: func() { last.Store(time.Now().UnixNano()) }})
		})
		until[cash.PathClear](events)
		socket.Unplug()
		until[cash.Offline](events)
		socket.Plug()
		until[cash.Settled](events)
		if d := time.Since(time.Unix(0, last.Load())); d > time.Second {
			t.Errorf("no step for %s", d)
		}
		cancel()
		all.Wait()
		if !errors.Is(ended, context.Canceled) {
			t.Errorf("ended with %v", ended)
		}
		if len(p.cassette) != 1 {
			t.Errorf("cassette %v", p.cassette)
		}
		found := false
		for _, e := range recorder.Since(time.Time{}) {
			found = found || e.Dir == line.Received && bytes.Contains(e.Bytes, []byte{SYNC, 3, 7, stateStacked, 4})
		}
		if !found {
			t.Error("the evidence is not in the recording")
		}
	})
}

// Speed is probed: a unit that is silent at one is heard at the other, and again
// at that one first after the cable was out.
func TestSpeedIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		socket := linetest.NewSocket()
		var mu sync.Mutex
		var tried []string
		at := func(speed string) line.Opener {
			return func(ctx context.Context) (line.Port, error) {
				mu.Lock()
				defer mu.Unlock()
				tried = append(tried, speed)
				if speed == "fast" {
					return socket.Open(ctx)
				}
				near, far := line.Pipe()
				if _, err := far.Write([]byte{0xF8, 0x00, 0xFF}); err != nil { // what the wrong speed looks like
					t.Error(err)
				}
				return near, nil
			}
		}
		p := newPeer()
		p.kept(stateDisabled)
		var all sync.WaitGroup
		all.Go(func() {
			for {
				select {
				case far := <-socket.Far():
					p.serve(far)
				case <-ctx.Done():
					return
				}
			}
		})
		events := make(chan cash.Event, 1000)
		var log bytes.Buffer
		all.Go(func() {
			_ = run(ctx, []line.Opener{at("slow"), at("fast")}, Config{}, cash.Memory{}, nil, func(e cash.Event) { events <- e },
				line.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}) // ends with ctx
		})
		until[cash.Settled](events)
		socket.Unplug()
		until[cash.Offline](events)
		time.Sleep(3 * time.Second)
		socket.Plug()
		until[cash.Settled](events)
		cancel()
		all.Wait()
		if len(tried) < 3 || tried[0] != "slow" || tried[1] != "fast" || strings.Count(strings.Join(tried, ""), "slow") != 1 {
			t.Errorf("tried %v", tried)
		}
		if !strings.Contains(log.String(), "settled") {
			t.Errorf("the log does not tell of it: %s", log.String())
		}
	})
}

// The driver on a real pseudo-terminal.
func TestRunOnPTY(t *testing.T) {
	pty, err := linetest.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer()
	p.initTime = 100 * time.Millisecond
	p.Insert(4)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all sync.WaitGroup
	commands, events := make(chan cash.Command), make(chan cash.Event, 1000)
	all.Go(func() {
		defer close(events)
		_ = RunTTY(ctx, pty.Path, 0, Config{PollPeriod: 20 * time.Millisecond}, cash.Memory{}, commands, till(commands, events), line.Options{}) // ends with ctx
	})
	all.Go(func() {
		for ctx.Err() == nil {
			p.serve(pty) // ends while nobody has the slave open
			time.Sleep(time.Millisecond)
		}
	})
	s := until[cash.Stacked](events)
	until[cash.PathClear](events)
	if s.Note.Type != 4 {
		t.Errorf("%+v", s)
	}
	if err := pty.Close(); err != nil {
		t.Error(err)
	}
	if e := until[cash.Offline](events); e.Cause == "" {
		t.Error("offline without a cause")
	}
	cancel()
	all.Wait()
	if len(p.cassette) != 1 {
		t.Errorf("cassette %v", p.cassette)
	}
}
