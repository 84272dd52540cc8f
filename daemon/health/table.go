package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Fitted says which devices this terminal has, by its configuration.
type Fitted struct{ Acceptor, Printer, Cards, Panel bool }

// Facts is what the rooms know at the moment of a Report. They decide by it, so
// the report cannot say otherwise.
type Facts struct {
	CashReady bool
	CashWhy   string // till.Ready's reason
	PaperFit  bool   // a money receipt can be printed
	CardReady bool

	CentralOnline bool
	CentralWhy    string // "starting", or the cause of the last failed call
	CentralSince  time.Time
	Central       CentralReport
	Alarms        []string

	InVisit bool
	// Nothing: nobody is here and no service can be offered. Needs is what the
	// services need, so that the words name only what is in the way.
	Nothing bool
	Needs   []FunctionID
	// Holds is why the terminal was taken out of service, in words; see package
	// upkeep.
	Holds []string
}

// device is what a device has said last.
type device struct {
	fitted bool
	state  State
	cause  string
	model  string
	since  time.Time
}

func (d *device) is(now time.Time, s State, cause string) {
	if d.state != s {
		d.since = now
	}
	d.state, d.cause = s, cause
}

// Table is the device table. It has no clock and does no I/O; it is not safe for
// concurrent use.
type Table struct {
	acceptor, printer, cards, panel device

	readers []smartcard.Reader
	service bool // the PC/SC daemon answers
	faulty  []panel.Input
}

// NewTable makes the table of a terminal that is starting.
func NewTable(now time.Time, f Fitted) *Table {
	one := func(fitted bool) device {
		if !fitted {
			return device{state: NoDevice, since: now}
		}
		return device{fitted: true, state: Starting, since: now}
	}
	return &Table{acceptor: one(f.Acceptor), printer: one(f.Printer), cards: one(f.Cards), panel: one(f.Panel)}
}

// Cash takes in what the acceptor said.
func (t *Table) Cash(now time.Time, ev cash.Event) {
	d := &t.acceptor
	switch e := ev.(type) {
	case cash.Online:
		d.is(now, Starting, "")
	case cash.Offline:
		d.is(now, Offline, e.Cause)
	case cash.Settled:
		d.model = words(e.Identity.Part, e.Identity.Serial)
		d.is(now, Online, "")
	case cash.Fault:
		d.is(now, HardwareError, faultWords(e))
	case cash.FaultCleared:
		d.is(now, Starting, "") // Settled follows when the unit has recovered
	}
}

// faultWords are a fault as a technician reads it.
func faultWords(e cash.Fault) string {
	w, ok := map[cash.FaultKind]string{
		cash.FaultJamValidator: "note jammed in the validator", cash.FaultJamCassette: "note jammed in the cassette",
		cash.FaultCassetteFull: "cassette full", cash.FaultCassetteRemoved: "cassette removed", cash.FaultCheated: "somebody tried to cheat it",
		cash.FaultDevice: "the unit reports a failure", cash.FaultTable: "no usable table of notes", cash.FaultProtocol: "it contradicts itself",
		cash.FaultCounterfeit: "it kept a counterfeit note", cash.FaultUnresponsive: "it never finishes starting",
	}[e.Kind]
	if !ok {
		w = string(e.Kind)
	}
	if e.Code != 0 {
		w += fmt.Sprintf(", code %02X", e.Code)
	}
	if e.Detail != "" {
		w += ": " + e.Detail
	}
	return w
}

// Printer takes in what the printer said.
func (t *Table) Printer(now time.Time, ev printer.Event) {
	d := &t.printer
	switch e := ev.(type) {
	case printer.Online:
		d.model = words(e.Identity.Model, e.Identity.Firmware, e.Identity.Serial)
		d.is(now, Starting, "") // its condition follows
	case printer.Offline:
		d.is(now, Offline, e.Cause)
	case printer.StatusChanged:
		switch s := e.Status; {
		case d.state == Offline && s.Unverified:
		case s.Unverified:
			d.is(now, Starting, s.Cause)
		case s.Error, s.Jam, s.CutterError:
			d.is(now, HardwareError, s.Cause)
		case !s.Online && s.Cause != "" && !s.PaperOut && !s.CoverOpen:
			d.is(now, Offline, s.Cause)
		case s.Cause == "" && s.PaperLow:
			d.is(now, Online, "little paper left")
		default:
			d.is(now, Online, s.Cause)
		}
	}
}

// Reader takes in what happened in the card readers.
func (t *Table) Reader(now time.Time, ev smartcard.Event) {
	d := &t.cards
	switch e := ev.(type) {
	case smartcard.ServiceUp:
		t.service = true
	case smartcard.ServiceDown:
		t.service, t.readers = false, nil
	case smartcard.ReaderFound:
		if !slices.Contains(t.readers, e.Reader) {
			t.readers = append(t.readers, e.Reader)
			slices.Sort(t.readers)
		}
	case smartcard.ReaderLost:
		t.readers = slices.DeleteFunc(t.readers, func(r smartcard.Reader) bool { return r == e.Reader })
	}
	names := make([]string, len(t.readers))
	for i, r := range t.readers {
		names[i] = string(r)
	}
	d.model = strings.Join(names, ", ")
	switch {
	case !t.service:
		d.is(now, Offline, "the PC/SC daemon does not answer")
	case len(t.readers) == 0:
		d.is(now, Offline, "no reader is plugged in")
	default:
		d.is(now, Online, "")
	}
}

// Panel takes in what the board of doors and lamps said.
func (t *Table) Panel(now time.Time, ev panel.Event) {
	d := &t.panel
	switch e := ev.(type) {
	case panel.Found:
		d.model = words(e.Board.Model, e.Board.Firmware, e.Board.ID)
		t.faulty = nil
		for _, r := range e.Inputs {
			t.input(now, r.Input, r.State)
		}
	case panel.Lost:
		t.faulty = nil
		d.is(now, Offline, e.Cause)
	case panel.Changed:
		t.input(now, e.Input, e.State)
	}
}

// input notes a contact that cannot be believed. What an open door means is not
// health's business.
func (t *Table) input(now time.Time, in panel.Input, s panel.State) {
	t.faulty = slices.DeleteFunc(t.faulty, func(i panel.Input) bool { return i == in })
	if s == panel.StateFault {
		t.faulty = append(t.faulty, in)
	}
	if len(t.faulty) == 0 {
		t.panel.is(now, Online, "")
		return
	}
	list := make([]string, len(t.faulty))
	for i, f := range t.faulty {
		list[i] = string(f)
	}
	t.panel.is(now, HardwareError, "line fault: "+strings.Join(list, ", "))
}

// words joins what a device says of itself; what it does not say is left out.
func words(parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" }), " ")
}

// names are the devices as technicians call them.
var names = map[DeviceID]string{
	Acceptor: "banknote acceptor", Printer: "receipt printer", CardReader: "card reader", Panel: "door and lamp board", Central: "central",
}

// Report is the table and what follows from it.
func (t *Table) Report(now time.Time, f Facts) Report {
	central := device{fitted: true, state: Offline, cause: f.CentralWhy, since: f.CentralSince}
	switch {
	case f.CentralOnline:
		central.state, central.cause = Online, ""
	case f.CentralWhy == "starting":
		central.state, central.cause = Starting, ""
	}
	r := Report{At: now, InVisit: f.InVisit, Central: f.Central, Alarms: slices.Clone(f.Alarms), OutOfService: []string{}, Loops: []Loop{}}
	for _, d := range []struct {
		id DeviceID
		device
	}{{Acceptor, t.acceptor}, {Printer, t.printer}, {CardReader, t.cards}, {Panel, t.panel}, {Central, central}} {
		r.Devices = append(r.Devices, Device{ID: d.id, Name: names[d.id], State: d.state, Cause: d.cause, Model: d.model, Since: d.since})
	}
	slices.Sort(r.Alarms)
	if r.Alarms == nil {
		r.Alarms = []string{}
	}
	r.Functions = t.functions(f, r.Devices)
	r.OutOfService = append(r.OutOfService, f.Holds...)
	if f.Nothing && len(f.Holds) == 0 {
		for _, fn := range r.Functions {
			if !fn.Available && slices.Contains(f.Needs, fn.ID) {
				r.OutOfService = append(r.OutOfService, fn.Cause)
			}
		}
		if len(r.OutOfService) == 0 {
			r.OutOfService = append(r.OutOfService, "no service can be offered")
		}
	}
	return r
}

// cashReasons are till.Ready's reasons where the device itself has none.
var cashReasons = map[string]string{
	"in_doubt": "a note is in doubt: look for it and say where it is in service mode, under Cassette",
	"starting": "banknote acceptor is starting",
}

func (t *Table) functions(f Facts, devices []Device) []Function {
	by := map[DeviceID]Device{}
	for _, d := range devices {
		by[d.ID] = d
	}
	var out []Function
	add := func(id FunctionID, dev DeviceID, fitted, can bool, why string) {
		if !fitted {
			return // nobody misses what the terminal does not have
		}
		fn := Function{ID: id, Available: can}
		if !can {
			switch d := by[dev]; {
			case d.State == Online && d.Cause == "" && why != "":
				fn.Cause = why
			case d.State == Online && d.Cause == "":
				fn.Cause = d.Name + " cannot be used"
			default:
				fn.Cause = d.Words()
			}
		}
		out = append(out, fn)
	}
	why := cashReasons[f.CashWhy]
	if why == "" && f.CashWhy != "" {
		why = "no notes are taken: " + f.CashWhy
	}
	add(FunctionCash, Acceptor, t.acceptor.fitted, f.CashReady, why)
	add(FunctionPrinter, Printer, t.printer.fitted, f.PaperFit, "")
	add(FunctionCard, CardReader, t.cards.fitted, f.CardReady, "")
	add(FunctionPanel, Panel, t.panel.fitted, t.panel.state == Online, "")
	add(FunctionCentral, Central, true, f.CentralOnline, "")
	return out
}
