package printertest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Unit is a driver's state machine.
type Unit = line.Protocol[printer.Command, printer.Event]

// World joins a driver and a virtual printer over a line of Speed bytes a second,
// in virtual time. It plays the room's part: it answers Ready with Begin.
type World struct {
	Now     time.Time
	Unit    Unit
	Printer *Thermal
	Speed   int

	Events   []printer.Event
	Finished map[string][]printer.Finished
	Sent     int // bytes given to the line
	Garbage  int // bytes of noise put on the line to the host
	Broken   []string

	// OnReady, if set, replaces the answer Begin.
	OnReady func(id string)
	// OnSent is told the number of bytes sent so far, before they travel.
	OnSent func(total int)

	up       bool
	busy     time.Time // the driver was told XOFF then; zero: no, or XON since
	wake     time.Time
	toUnit   []byte
	onWire   []wireByte
	wireFree time.Time
	events   []event
	received int
	steps    int
	since    time.Time
}

type wireByte struct {
	at   time.Time
	data []byte
}

type event struct {
	at time.Time
	do func()
}

// lostXon is how long an XOFF counts: an XON can be lost.
const lostXon = 30 * time.Second

// Epoch is when every world begins.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// NewWorld opens the line at Epoch.
func NewWorld(u Unit, p *Thermal, speed int) *World {
	w := &World{Now: Epoch, Unit: u, Printer: p, Speed: speed, Finished: map[string][]printer.Finished{}, since: Epoch}
	w.Link(true)
	return w
}

// Received is the number of bytes the driver was given.
func (w *World) Received() int { return w.received }

// At plans something.
func (w *World) At(after time.Duration, do func()) {
	w.events = append(w.events, event{w.Now.Add(after), do})
}

// Link opens or loses the port. What was on the wire is lost.
func (w *World) Link(up bool) {
	if up == w.up {
		return
	}
	w.up = up
	w.onWire, w.toUnit, w.wireFree, w.busy = nil, nil, w.Now, time.Time{}
	in := line.Input[printer.Command]{Link: line.LinkDown, Cause: "unplugged"}
	if up {
		in = line.Input[printer.Command]{Link: line.LinkUp}
		w.Printer.Take(w.Now)
	}
	w.step(in)
}

// Tell gives the driver a command.
func (w *World) Tell(c printer.Command) {
	w.step(line.Input[printer.Command]{Commands: []printer.Command{c}})
}

// Noise puts a byte on the line to the host that nobody sent.
func (w *World) Noise(b byte) {
	if w.up {
		w.Garbage++
		w.toUnit = append(w.toUnit, b)
	}
}

// Run lets time pass until the condition holds; it reports false if the limit
// is over before that.
func (w *World) Run(limit time.Duration, until func() bool) bool {
	end := w.Now.Add(limit)
	for !until() {
		next := end
		at := func(t time.Time) {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		at(w.wake)
		at(w.Printer.Next())
		if len(w.onWire) > 0 {
			at(w.onWire[0].at)
		}
		for _, e := range w.events {
			at(e.at)
		}
		if len(w.toUnit) > 0 {
			next = w.Now
		}
		if !next.Before(end) {
			w.Now = end
			return until()
		}
		if next.After(w.Now) {
			w.Now = next
		}
		w.turn()
	}
	return true
}

// turn does all that is due now.
func (w *World) turn() {
	for i := 0; i < len(w.events); {
		if e := w.events[i]; !e.at.After(w.Now) {
			w.events = append(w.events[:i], w.events[i+1:]...)
			e.do()
			continue
		}
		i++
	}
	w.Printer.Tick(w.Now)
	for len(w.onWire) > 0 && !w.onWire[0].at.After(w.Now) {
		for _, b := range w.onWire[0].data {
			w.Printer.Receive(w.Now, b)
		}
		w.onWire = w.onWire[1:]
	}
	w.Printer.Tick(w.Now)
	said := w.Printer.Take(w.Now)
	if w.up {
		w.toUnit = append(w.toUnit, said...)
	}
	if len(w.toUnit) > 0 || !w.wake.IsZero() && !w.wake.After(w.Now) {
		data := w.toUnit
		w.toUnit = nil
		w.received += len(data)
		w.step(line.Input[printer.Command]{Received: data})
	}
}

func (w *World) fault(format string, args ...any) {
	if len(w.Broken) < 5 {
		w.Broken = append(w.Broken, fmt.Sprintf("after %v: ", w.Now.Sub(Epoch))+fmt.Sprintf(format, args...))
	}
}

func (w *World) step(in line.Input[printer.Command]) {
	if w.steps++; w.steps > 5000 {
		if d := w.Now.Sub(w.since); d < time.Second {
			w.fault("5000 steps in %v", d)
		}
		w.steps, w.since = 0, w.Now
	}
	for _, b := range in.Received {
		switch {
		case b == xon:
			w.busy = time.Time{}
		case b == xoff && w.busy.IsZero():
			w.busy = w.Now
		}
	}
	in.Received = bytes.Clone(in.Received)
	out := w.Unit.Step(w.Now, in)
	clear(in.Received) // line.Run reads the next bytes into the same place
	w.wake = out.Wake
	if !out.Wake.IsZero() && !out.Wake.After(w.Now) {
		w.fault("asks to be woken at once")
	}
	w.carry(out.Send)
	for _, ev := range out.Events {
		w.heard(ev)
	}
	if out.Reopen && w.up {
		w.Link(false)
		w.At(100*time.Millisecond, func() { w.Link(true) })
	}
}

// carry puts bytes on the wire: 16 at a time arrive together.
func (w *World) carry(data []byte) {
	if len(data) == 0 {
		return
	}
	if !w.up {
		w.fault("sends while the port is closed")
		return
	}
	if len(data) > 256 {
		w.fault("sends %d bytes at once", len(data))
	}
	if !w.busy.IsZero() && w.Now.Sub(w.busy) < lostXon && data[0] != dle {
		w.fault("sends while the printer says busy")
	}
	w.Sent += len(data)
	if w.OnSent != nil {
		w.OnSent(w.Sent)
	}
	if w.wireFree.Before(w.Now) {
		w.wireFree = w.Now
	}
	for len(data) > 0 {
		n := min(len(data), 16)
		w.wireFree = w.wireFree.Add(time.Duration(n) * time.Second / time.Duration(w.Speed))
		w.onWire = append(w.onWire, wireByte{w.wireFree, append([]byte(nil), data[:n]...)})
		data = data[n:]
	}
	if ahead := w.wireFree.Sub(w.Now); ahead > time.Duration(257)*time.Second/time.Duration(w.Speed) {
		w.fault("is %v ahead of the line", ahead)
	}
}

func (w *World) heard(ev printer.Event) {
	w.Events = append(w.Events, ev)
	switch e := ev.(type) {
	case printer.Ready:
		if w.OnReady != nil {
			w.OnReady(e.JobID)
			return
		}
		w.At(5*time.Millisecond, func() { w.Tell(printer.Begin(e)) })
	case printer.Finished:
		w.Finished[e.JobID] = append(w.Finished[e.JobID], e)
	}
}

// Done reports that the job has its verdict.
func (w *World) Done(id string) bool { return len(w.Finished[id]) > 0 }

// Fit reports whether the driver last said that a slip can be printed.
func (w *World) Fit() bool {
	fit := false
	for _, ev := range w.Events {
		switch e := ev.(type) {
		case printer.StatusChanged:
			fit = e.Status.Fit()
		case printer.Offline:
			fit = false
		}
	}
	return fit
}

// Print gives a job and lets time pass until it has its verdict.
func (w *World) Print(id string, b printer.Bitmap) (printer.Finished, error) {
	w.Tell(printer.Print{Job: printer.Job{ID: id, Picture: b}})
	if !w.Run(3*time.Minute, func() bool { return w.Done(id) }) {
		return printer.Finished{}, fmt.Errorf("job %s has no verdict after three minutes", id)
	}
	return w.Finished[id][0], nil
}
