package paneltest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Soon is how long a driver may take to tell of a change, or of a board that is
// there again.
const (
	Soon     = 500 * time.Millisecond
	FoundIn  = 4 * time.Second
	LostIn   = 5 * time.Second
	lampTime = 300 * time.Millisecond // for a command to reach a lamp
)

// Board is the board as hands reach it. Its methods may be called from any
// goroutine.
type Board interface {
	// Wire puts an input line at a level.
	Wire(line string, high bool)
	// Lamp is the level that an output line has; false with no board.
	Lamp(line string) bool
	// Unplug takes the board away. Its outputs are low afterwards.
	Unplug()
	Plug()
}

// Subject is a driver with its board. Start is called inside the bubble, with all
// wires as they are to be at start; the board and everything else that it starts
// ends with ctx, before wait returns.
type Subject struct {
	// Lines are the board's names of Lines lines that can be inputs, and of Outputs
	// others that can be outputs.
	Lines, Outputs []string
	Start          func(t *testing.T, ctx context.Context, l panel.Layout, levels map[string]bool) (b Board, d panel.Driver, wait func())
}

// Needed numbers of lines.
const (
	Lines   = 5
	Outputs = 3
)

// layout wires a door, a cassette whose contact opens at rest, a supervised
// tamper loop and mains; and three lamps, one of them lit while low.
func (s Subject) layout() panel.Layout {
	return panel.Layout{
		Contacts: []panel.Contact{
			{Input: panel.InputServiceDoor, Line: s.Lines[0]},
			{Input: panel.InputCassette, Line: s.Lines[1], HighAtRest: true},
			{Input: panel.InputTamper, Line: s.Lines[2], Complement: s.Lines[3]},
			{Input: panel.InputMains, Line: s.Lines[4]},
		},
		Lamps: []panel.Wire{
			{Lamp: panel.LampAcceptor, Line: s.Outputs[0]},
			{Lamp: panel.LampCard, Line: s.Outputs[1]},
			{Lamp: panel.LampStatus, Line: s.Outputs[2], LowWhenLit: true},
		},
	}
}

// world is a running driver and what it has said.
type world struct {
	t        *testing.T
	s        Subject
	board    Board
	commands chan panel.Command
	events   chan panel.Event
	levels   map[string]bool
}

// run opens a cabinet at rest, changed by before, and plays a story in it.
func run(t *testing.T, s Subject, before func(w *world), story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, s: s, commands: make(chan panel.Command), events: make(chan panel.Event, 10_000), levels: map[string]bool{}}
		w.rest()
		if before != nil {
			before(w)
		}
		ctx, cancel := context.WithCancel(t.Context())
		board, driver, wait := s.Start(t, ctx, s.layout(), w.levels)
		w.board = board
		ended := make(chan error, 1)
		go func() { ended <- driver(ctx, w.commands, func(e panel.Event) { w.events <- e }) }()
		story(w)
		cancel()
		began := time.Now()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the driver ended with %v, want its context's cause", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the driver took %v to end", took)
		}
		wait()
	})
}

func (w *world) wire(line string, high bool) {
	w.levels[line] = high
	if w.board != nil {
		w.board.Wire(line, high)
	}
}

func (w *world) rest() {
	w.door(false)
	w.cassette(true)
	w.loop(false, true)
	w.wire(w.s.Lines[4], false)
}

func (w *world) door(open bool)                     { w.wire(w.s.Lines[0], open) }
func (w *world) cassette(in bool)                   { w.wire(w.s.Lines[1], in) }
func (w *world) loop(line, other bool)              { w.wire(w.s.Lines[2], line); w.wire(w.s.Lines[3], other) }
func (w *world) tell(l panel.Lamp, p panel.Pattern) { w.commands <- panel.Light{Lamp: l, Pattern: p} }

// next is the next event, which must come in time.
func (w *world) next(in time.Duration) panel.Event {
	w.t.Helper()
	select {
	case e := <-w.events:
		return e
	case <-time.After(in):
		w.t.Fatalf("nothing was told in %v", in)
		return nil
	}
}

// quiet: nothing is told for a time.
func (w *world) quiet(d time.Duration) {
	w.t.Helper()
	time.Sleep(d)
	select {
	case e := <-w.events:
		w.t.Fatalf("told without need: %T %+v", e, e)
	default:
	}
}

// found is the state of every input, by the suite's own reckoning.
func (w *world) found(want ...panel.State) {
	w.t.Helper()
	e := w.next(FoundIn)
	f, ok := e.(panel.Found)
	if !ok {
		w.t.Fatalf("%T %+v, want Found", e, e)
	}
	var is []panel.Reading
	for i, c := range w.s.layout().Contacts {
		is = append(is, panel.Reading{Input: c.Input, State: want[i]})
	}
	if !reflect.DeepEqual(f.Inputs, is) {
		w.t.Fatalf("found %+v, want %+v", f.Inputs, is)
	}
	if f.Board.Model == "" {
		w.t.Error("the board has no name")
	}
}

func (w *world) changed(i panel.Input, s panel.State) {
	w.t.Helper()
	if e := w.next(Soon); e != (panel.Changed{Input: i, State: s}) {
		w.t.Fatalf("%T %+v, want %s %s", e, e, i, s)
	}
}

const (
	rest   = panel.StateRest
	active = panel.StateActive
	fault  = panel.StateFault
)

// Suite runs every rule against the subject.
func Suite(t *testing.T, s Subject) {
	if len(s.Lines) < Lines || len(s.Outputs) < Outputs {
		t.Fatalf("the suite needs %d lines and %d outputs", Lines, Outputs)
	}
	t.Run("found at rest", func(t *testing.T) {
		run(t, s, nil, func(w *world) {
			w.found(rest, rest, rest, rest)
			w.quiet(10 * time.Minute)
		})
	})
	t.Run("found as it was left", func(t *testing.T) {
		run(t, s, func(w *world) { w.door(true); w.cassette(false); w.loop(true, true) }, func(w *world) {
			w.found(active, active, fault, rest)
			w.quiet(time.Minute)
		})
	})
	t.Run("each change is told once", func(t *testing.T) { run(t, s, nil, changes) })
	t.Run("bounces", func(t *testing.T) { run(t, s, nil, bounces) })
	t.Run("chatter", func(t *testing.T) { run(t, s, nil, chatter) })
	t.Run("unplugged", func(t *testing.T) { run(t, s, nil, unplugged) })
	t.Run("never there", func(t *testing.T) { run(t, s, nil, neverThere) })
	t.Run("lamps", func(t *testing.T) { run(t, s, nil, lamps) })
	t.Run("lamps told before there is a board", func(t *testing.T) {
		run(t, s, nil, func(w *world) {
			w.tell(panel.LampCard, panel.PatternOn)
			w.found(rest, rest, rest, rest)
			w.shines("card", s.Outputs[1], true)
			w.shines("acceptor", s.Outputs[0], false)
			w.shines("status", s.Outputs[2], true) // dark: lit while low
		})
	})
}

func changes(w *world) {
	w.found(rest, rest, rest, rest)
	for _, c := range []struct {
		input panel.Input
		state panel.State
		move  func()
	}{
		{panel.InputServiceDoor, active, func() { w.door(true) }},
		{panel.InputServiceDoor, rest, func() { w.door(false) }},
		{panel.InputCassette, active, func() { w.cassette(false) }},
		{panel.InputCassette, rest, func() { w.cassette(true) }},
		{panel.InputTamper, active, func() { w.loop(true, false) }},
		{panel.InputTamper, fault, func() { w.loop(true, true) }},   // cut
		{panel.InputTamper, rest, func() { w.loop(false, true) }},   // mended
		{panel.InputTamper, fault, func() { w.loop(false, false) }}, // shorted
		{panel.InputTamper, rest, func() { w.loop(false, true) }},
		{panel.InputMains, active, func() { w.wire(w.s.Lines[4], true) }},
	} {
		c.move()
		w.changed(c.input, c.state)
		w.quiet(13 * time.Second)
	}
}

func bounces(w *world) {
	w.found(rest, rest, rest, rest)
	for range 7 {
		w.door(true)
		time.Sleep(4 * time.Millisecond)
		w.door(false)
		time.Sleep(3 * time.Millisecond)
	}
	w.door(true)
	w.changed(panel.InputServiceDoor, active)
	w.quiet(time.Minute)

	for range 20 { // pulses, too short to count
		w.cassette(false)
		time.Sleep(panel.Debounce - panel.QuickSample - 5*time.Millisecond)
		w.cassette(true)
		time.Sleep(time.Second)
	}
	w.quiet(time.Second)

	w.loop(true, true) // the throw of the change-over contact passes through a cut
	time.Sleep(20 * time.Millisecond)
	w.loop(true, false)
	w.changed(panel.InputTamper, active)
	w.quiet(time.Second)
}

func chatter(w *world) {
	w.found(rest, rest, rest, rest)
	told := map[panel.State]int{}
	for i := range 1000 { // never in step with a driver's own readings
		w.door(!w.levels[w.s.Lines[0]])
		time.Sleep(time.Duration(120+i*37%101) * time.Millisecond)
	}
	w.door(false)
	time.Sleep(panel.CalmTime + 2*time.Second)
	last := panel.Event(nil)
	for n := len(w.events); n > 0; n-- {
		last = <-w.events
		told[last.(panel.Changed).State]++
	}
	if n := told[rest] + told[active] + told[fault]; n > panel.Chatter+4 || told[fault] != 1 {
		w.t.Errorf("a loose wire was told %d times: %v", n, told)
	}
	if last != (panel.Changed{Input: panel.InputServiceDoor, State: rest}) {
		w.t.Errorf("at last %+v, and the wire holds again", last)
	}
}

func unplugged(w *world) {
	w.found(rest, rest, rest, rest)
	w.tell(panel.LampAcceptor, panel.PatternOn)
	w.shines("acceptor", w.s.Outputs[0], true)
	for range 3 {
		w.board.Unplug()
		e := w.next(LostIn)
		if l, ok := e.(panel.Lost); !ok || l.Cause == "" {
			w.t.Fatalf("%T %+v, want Lost with a cause", e, e)
		}
		w.quiet(time.Minute)
		w.door(true)
		w.board.Plug()
		w.found(active, rest, rest, rest)
		w.shines("acceptor, after the board came back", w.s.Outputs[0], true)
		w.board.Unplug()
		if _, ok := w.next(LostIn).(panel.Lost); !ok {
			w.t.Fatal("lost again, and not told")
		}
		w.door(false)
		w.board.Plug()
		w.found(rest, rest, rest, rest)
	}
}

func neverThere(w *world) {
	w.board.Unplug() // before the driver has found it
	e := w.next(LostIn)
	if _, ok := e.(panel.Lost); !ok {
		w.t.Fatalf("%T %+v, want Lost", e, e)
	}
	w.quiet(10 * time.Minute)
	w.board.Plug()
	w.found(rest, rest, rest, rest)
}

func (w *world) shines(what, line string, high bool) {
	w.t.Helper()
	time.Sleep(lampTime)
	if w.board.Lamp(line) != high {
		w.t.Errorf("%s: its line is %s", what, map[bool]string{true: "low", false: "high"}[high])
	}
}

func lamps(w *world) {
	w.found(rest, rest, rest, rest)
	line := w.s.Outputs[1]
	for _, c := range []struct {
		pattern panel.Pattern
		flashes int // in twenty seconds
		lit     bool
	}{
		{panel.PatternOff, 0, false}, {panel.PatternOn, 0, true}, {panel.PatternSlow, 10, false}, {panel.PatternMedium, 20, false},
		{panel.PatternQuick, 40, false}, {panel.PatternOn, 0, true}, {panel.PatternOff, 0, false},
	} {
		w.tell(panel.LampCard, c.pattern)
		w.tell(panel.LampPrinter, c.pattern) // not wired
		time.Sleep(lampTime)
		rises, second, was := 0, []time.Time{}, w.board.Lamp(line)
		if c.flashes == 0 && was != c.lit {
			w.t.Errorf("%s: lit is %v", c.pattern, was)
		}
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			is := w.board.Lamp(line)
			if is && !was {
				rises++
				second = append(second, time.Now())
			}
			was = is
			for len(second) > 0 && time.Since(second[0]) >= time.Second {
				second = second[1:]
			}
			if len(second) > 3 {
				w.t.Fatalf("%s: more than three flashes in a second", c.pattern)
			}
		}
		if rises < c.flashes-1 || rises > c.flashes+1 {
			w.t.Errorf("%s: %d flashes in 20 s, want %d", c.pattern, rises, c.flashes)
		}
	}
	w.tell(panel.LampStatus, panel.PatternOn)
	w.shines("status, lit while low", w.s.Outputs[2], false)
	w.quiet(time.Second)
}
