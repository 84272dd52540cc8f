package gpio_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/gpio"
	"github.com/asan-kiosk/kiosk/drivers/panel/paneltest"
)

// chip is a GPIO chip with the lines of a layout.
type chip struct {
	in, out *group
	gone    atomic.Bool
	taken   atomic.Int32
}

func newChip(l panel.Layout) *chip {
	c := &chip{}
	c.in, c.out = newGroup(l.Inputs(), c.gone.Load), newGroup(l.Outputs(), c.gone.Load)
	return c
}

func (c *chip) open(context.Context) (gpio.Lines, error) {
	if c.gone.Load() {
		return gpio.Lines{}, errGone
	}
	c.taken.Add(1)
	return gpio.Lines{Chip: "pinctrl-fake", Inputs: c.in, Outputs: c.out, Close: func() { c.taken.Add(-1) }}, nil
}

func (c *chip) Wire(line string, high bool) { c.in.move(line, periph.Level(high)) }
func (c *chip) Lamp(line string) bool       { return bool(c.out.find(line).Read()) }
func (c *chip) Plug()                       { c.gone.Store(false) }
func (c *chip) Unplug() {
	c.gone.Store(true)
	for _, p := range c.out.pins {
		_ = p.Out(periph.Low) // a fake pin's cannot fail
	}
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		knob func(*chip)
	}{
		{"with edges", func(*chip) {}},
		{"every edge is missed", func(c *chip) { c.in.deaf = true }},
		{"a chip without edges", func(c *chip) { c.in.noEdges = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			paneltest.Suite(t, paneltest.Subject{
				Lines: []string{"DOOR", "CASSETTE", "LOOP_A", "LOOP_B", "MAINS"}, Outputs: []string{"L1", "L2", "L3"},
				Start: func(t *testing.T, _ context.Context, l panel.Layout, levels map[string]bool) (paneltest.Board, panel.Driver, func()) {
					board := newChip(l)
					c.knob(board)
					for line, high := range levels {
						board.Wire(line, high)
					}
					driver := func(ctx context.Context, commands <-chan panel.Command, deliver func(panel.Event)) error {
						return gpio.Run(ctx, board.open, gpio.Config{Layout: l}, commands, deliver, line.Options{})
					}
					return board, driver, func() {
						if n := board.taken.Load(); n != 0 {
							t.Errorf("the lines are still taken %d times", n)
						}
					}
				},
			})
		})
	}
}

func door() panel.Layout {
	return panel.Layout{Contacts: []panel.Contact{{Input: panel.InputServiceDoor, Line: "DOOR"}}}
}

// An edge is told of at once; a missed one after the next reading.
func TestEdgesAndSampling(t *testing.T) {
	for _, c := range []struct {
		name  string
		deaf  bool
		least time.Duration
		most  time.Duration
	}{
		{"edge", false, panel.Debounce, panel.Debounce + 2*panel.QuickSample},
		{"missed edge", true, panel.Debounce, 250*time.Millisecond + panel.Debounce + 2*panel.QuickSample},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				board := newChip(door())
				board.in.deaf = c.deaf
				ctx, cancel := context.WithCancel(t.Context())
				events, ended := make(chan panel.Event, 10), make(chan error)
				var last atomic.Int64
				go func() {
					ended <- gpio.Run(ctx, board.open, gpio.Config{Layout: door()}, nil, func(e panel.Event) { events <- e }, line.Options{Progress: func() { last.Store(time.Now().UnixNano()) }})
				}()
				<-events
				time.Sleep(10*time.Second + 3*time.Millisecond)
				began := time.Now()
				board.Wire("DOOR", true)
				<-events
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("told after %v, want %v to %v", took, c.least, c.most)
				}
				if age := time.Since(time.Unix(0, last.Load())); age > time.Second {
					t.Errorf("no progress for %v", age)
				}
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}

// Lines that are not on the chip are told by name; a wrong layout is told at
// once.
func TestWrongLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := newChip(panel.Layout{Contacts: []panel.Contact{{Input: panel.InputMains, Line: "OTHER"}}})
		ctx, cancel := context.WithCancel(t.Context())
		events, ended := make(chan panel.Event, 10), make(chan error)
		go func() {
			ended <- gpio.Run(ctx, board.open, gpio.Config{Layout: door()}, nil, func(e panel.Event) { events <- e }, line.Options{})
		}()
		if l, ok := (<-events).(panel.Lost); !ok || !strings.Contains(l.Cause, "line DOOR") {
			t.Errorf("told %+v", l)
		}
		time.Sleep(time.Hour)
		cancel()
		<-ended
		if len(events) != 0 || board.taken.Load() != 0 {
			t.Errorf("%d more events, taken %d times", len(events), board.taken.Load())
		}
	})
	if err := gpio.Run(t.Context(), nil, gpio.Config{}, nil, nil, line.Options{}); err == nil || !strings.Contains(err.Error(), "no input is wired") {
		t.Errorf("empty layout: %v", err)
	}
}

// A chip that this machine does not have: the driver says so and goes on looking.
func TestChipThatIsNotThere(t *testing.T) {
	for _, path := range []string{"/dev/gpiochip-of-no-machine", "/dev/null"} {
		_, err := gpio.Chip(path, door())(t.Context())
		if err == nil {
			t.Errorf("%s was opened", path)
		}
		t.Log(err)
	}
}
