package numato_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
)

// The driver on a real pseudo-terminal, to the end of its cable.
func TestRunOnPTY(t *testing.T) {
	pty, err := linetest.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	cfg := ioboard.DefaultConfig()
	cfg.Response = 0
	board := ioboard.New(cfg, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all sync.WaitGroup
	commands, events := make(chan panel.Command), make(chan panel.Event, 100)
	all.Go(func() {
		defer close(events)
		err := numato.Run(ctx, line.OpenTTY(pty.Path, numato.TTY()), numato.Config{Layout: cabinet()}, commands,
			func(e panel.Event) { events <- e }, line.Options{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
	all.Go(func() {
		buf := make([]byte, 256)
		for ctx.Err() == nil {
			n, err := pty.Read(buf)
			if err != nil { // nobody has the slave open
				time.Sleep(time.Millisecond)
				continue
			}
			mu.Lock()
			out := board.Receive(time.Now(), buf[:n])
			mu.Unlock()
			_, _ = pty.Write(out.Send) // fails once the cable is pulled
		}
	})
	if f, ok := (<-events).(panel.Found); !ok || states(f.Inputs) != "rrrrr" || f.Board.Firmware != "00000008" || f.Board.ID != "00000000" {
		t.Fatalf("%+v", f)
	}
	mu.Lock()
	_, err = board.Do(time.Now(), ioboard.OpenSafeDoor{})
	mu.Unlock()
	if e := <-events; err != nil || e != (panel.Changed{Input: panel.InputSafeDoor, State: panel.StateActive}) {
		t.Errorf("%+v %v", e, err)
	}
	commands <- panel.Light{Lamp: panel.LampCard, Pattern: panel.PatternOn}
	for lit := false; !lit && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		lit = board.State().Lamps[ioboard.LampCard].Lit
		mu.Unlock()
	}
	if err := pty.Close(); err != nil {
		t.Error(err)
	}
	if l, ok := (<-events).(panel.Lost); !ok || l.Cause == "" {
		t.Errorf("the cable was pulled, told %+v", l)
	}
	cancel()
	all.Wait()
}

func TestWrongConfiguration(t *testing.T) {
	for _, c := range []struct {
		layout panel.Layout
		want   string
	}{
		{panel.Layout{}, "no input is wired"},
		{panel.Layout{Contacts: []panel.Contact{{Input: panel.InputMains, Line: "GPIO17"}}}, `line "GPIO17" is not a channel from 0 to 63`},
		{panel.Layout{Contacts: []panel.Contact{{Input: panel.InputMains, Line: "64"}}}, `line "64" is not a channel`},
		{panel.Layout{Contacts: []panel.Contact{{Input: panel.InputMains, Line: "01"}}}, `line "01" is not a channel`},
	} {
		err := numato.Run(t.Context(), nil, numato.Config{Layout: c.layout}, nil, nil, line.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.layout, err, c.want)
		}
	}
}
