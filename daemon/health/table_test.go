package health

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

var (
	dawn = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	all  = Fitted{Acceptor: true, Printer: true, Cards: true, Panel: true}
	good = Facts{CashReady: true, PaperFit: true, CardReady: true, CentralOnline: true, Needs: []FunctionID{FunctionCash, FunctionCentral}}
)

// works is a table all of whose devices work.
func works() *Table {
	t := NewTable(dawn, all)
	t.Cash(dawn, cash.Online{})
	t.Cash(dawn, cash.Settled{Identity: cash.Identity{Part: "SM-AZ", Serial: "7"}})
	t.Printer(dawn, printer.Online{Identity: printer.Identity{Model: "P80"}})
	t.Printer(dawn, printer.StatusChanged{Status: printer.Status{Online: true}})
	t.Reader(dawn, smartcard.ServiceUp{})
	t.Reader(dawn, smartcard.ReaderFound{Reader: "Reader 1"})
	t.Panel(dawn, panel.Found{Board: panel.Board{Model: "16"}, Inputs: []panel.Reading{{Input: panel.InputTamper, State: panel.StateRest}}})
	return t
}

// TestDevices: what a technician reads of each device after what it has said.
func TestDevices(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  func(*Table)
		id    DeviceID
		state State
		words string
	}{
		{"acceptor works", func(*Table) {}, Acceptor, Online, "banknote acceptor works"},
		{"acceptor unplugged", func(t *Table) { t.Cash(dawn, cash.Offline{Cause: "no such file"}) }, Acceptor, Offline, "banknote acceptor does not answer (no such file)"},
		{"acceptor recovers", func(t *Table) { t.Cash(dawn, cash.Offline{}); t.Cash(dawn, cash.Online{}) }, Acceptor, Starting, "banknote acceptor is starting"},
		{"cassette full", func(t *Table) { t.Cash(dawn, cash.Fault{Kind: cash.FaultCassetteFull, Code: 0x41}) }, Acceptor, HardwareError,
			"banknote acceptor is out of order (cassette full, code 41)"},
		{"fault gone, not yet settled", func(t *Table) { t.Cash(dawn, cash.Fault{Kind: cash.FaultDevice}); t.Cash(dawn, cash.FaultCleared{}) }, Acceptor, Starting,
			"banknote acceptor is starting"},
		{"a fault of a kind that is new here", func(t *Table) { t.Cash(dawn, cash.Fault{Kind: "tired"}) }, Acceptor, HardwareError, "banknote acceptor is out of order (tired)"},

		{"printer works", func(*Table) {}, Printer, Online, "receipt printer works"},
		{"printer off", func(t *Table) { t.Printer(dawn, printer.Offline{Cause: "no answer"}) }, Printer, Offline, "receipt printer does not answer (no answer)"},
		{"paper out", func(t *Table) {
			t.Printer(dawn, printer.StatusChanged{Status: printer.Status{Online: true, PaperOut: true, Cause: "paper end"}})
		},
			Printer, Online, "receipt printer: paper end"},
		{"paper low", func(t *Table) {
			t.Printer(dawn, printer.StatusChanged{Status: printer.Status{Online: true, PaperLow: true}})
		}, Printer, Online, "receipt printer: little paper left"},
		{"cover open", func(t *Table) {
			t.Printer(dawn, printer.StatusChanged{Status: printer.Status{CoverOpen: true, Cause: "cover open"}})
		}, Printer, Online, "receipt printer: cover open"},
		{"cutter", func(t *Table) {
			t.Printer(dawn, printer.StatusChanged{Status: printer.Status{Online: true, CutterError: true, Cause: "cutter error"}})
		}, Printer, HardwareError, "receipt printer is out of order (cutter error)"},

		{"reader works", func(*Table) {}, CardReader, Online, "card reader works"},
		{"reader pulled out", func(t *Table) { t.Reader(dawn, smartcard.ReaderLost{Reader: "Reader 1"}) }, CardReader, Offline, "card reader does not answer (no reader is plugged in)"},
		{"no PC/SC daemon", func(t *Table) { t.Reader(dawn, smartcard.ServiceDown{}) }, CardReader, Offline, "card reader does not answer (the PC/SC daemon does not answer)"},
		{"the PC/SC daemon is back, the reader not", func(t *Table) { t.Reader(dawn, smartcard.ServiceDown{}); t.Reader(dawn, smartcard.ServiceUp{}) },
			CardReader, Offline, "card reader does not answer (no reader is plugged in)"},

		{"board works", func(*Table) {}, Panel, Online, "door and lamp board works"},
		{"board lost", func(t *Table) { t.Panel(dawn, panel.Lost{Cause: "pulled out"}) }, Panel, Offline, "door and lamp board does not answer (pulled out)"},
		{"an open door is no trouble of the board", func(t *Table) {
			t.Panel(dawn, panel.Changed{Input: panel.InputServiceDoor, State: panel.StateActive})
		}, Panel, Online, "door and lamp board works"},
		{"two lines in fault", func(t *Table) {
			t.Panel(dawn, panel.Changed{Input: panel.InputTamper, State: panel.StateFault})
			t.Panel(dawn, panel.Changed{Input: panel.InputTilt, State: panel.StateFault})
		}, Panel, HardwareError, "door and lamp board is out of order (line fault: tamper, tilt)"},
		{"one of them calm again", func(t *Table) {
			t.Panel(dawn, panel.Changed{Input: panel.InputTamper, State: panel.StateFault})
			t.Panel(dawn, panel.Changed{Input: panel.InputTilt, State: panel.StateFault})
			t.Panel(dawn, panel.Changed{Input: panel.InputTamper, State: panel.StateRest})
		}, Panel, HardwareError, "door and lamp board is out of order (line fault: tilt)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := works()
			c.says(table)
			for _, d := range table.Report(dawn, good).Devices {
				if d.ID == c.id && (d.State != c.state || d.Words() != c.words) {
					t.Errorf("%s: %q", d.State, d.Words())
				}
			}
		})
	}
}

// TestReport: what can be had, why nothing can be offered, and whether a
// technician has anything to do.
func TestReport(t *testing.T) {
	for _, c := range []struct {
		name    string
		says    func(*Table)
		facts   func(*Facts)
		missing []FunctionID
		words   string
	}{
		{name: "all is well", words: "in service"},
		{name: "the printer is off and nobody needs it", says: func(t *Table) { t.Printer(dawn, printer.Offline{Cause: "no answer"}) },
			facts: func(f *Facts) { f.PaperFit = false }, missing: []FunctionID{FunctionPrinter}, words: "in service, but receipt printer does not answer (no answer)"},
		{name: "central is away and all services need it", facts: func(f *Facts) { f.CentralOnline, f.CentralWhy, f.Nothing = false, "unreachable", true },
			missing: []FunctionID{FunctionCentral}, words: "out of service: central does not answer (unreachable)"},
		{name: "central and acceptor", says: func(t *Table) { t.Cash(dawn, cash.Offline{Cause: "port lost"}) },
			facts: func(f *Facts) {
				f.CentralOnline, f.CentralWhy, f.CashReady, f.CashWhy, f.Nothing = false, "starting", false, "offline", true
			},
			missing: []FunctionID{FunctionCash, FunctionCentral}, words: "out of service: banknote acceptor does not answer (port lost); central is starting"},
		{name: "a note in doubt", facts: func(f *Facts) { f.CashReady, f.CashWhy, f.Nothing = false, "in_doubt", true }, missing: []FunctionID{FunctionCash},
			words: "out of service: a note is in doubt: look for it and say where it is in service mode, under Cassette"},
		{name: "taken out by a technician", facts: func(f *Facts) { f.Holds, f.Nothing = []string{"taken out by Nr. 7"}, true }, words: "out of service: taken out by Nr. 7"},
		{name: "an alarm", facts: func(f *Facts) { f.Alarms = []string{"chain.forked"} }, words: "in service, but chain.forked"},
		{name: "somebody pays while central is away", facts: func(f *Facts) { f.CentralOnline, f.CentralWhy, f.InVisit = false, "timeout", true },
			missing: []FunctionID{FunctionCentral}, words: "in service, but central does not answer (timeout)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, facts := works(), good
			if c.says != nil {
				c.says(table)
			}
			if c.facts != nil {
				c.facts(&facts)
			}
			r := table.Report(dawn, facts)
			var missing []FunctionID
			for _, f := range r.Functions {
				if !f.Available {
					missing = append(missing, f.ID)
					if f.Cause == "" {
						t.Errorf("%s cannot be had and nobody says why", f.ID)
					}
				}
			}
			if !slices.Equal(missing, c.missing) || r.Words() != c.words || r.InOrder() != (c.words == "in service") {
				t.Errorf("missing %v, in order %v, %q", missing, r.InOrder(), r.Words())
			}
		})
	}
}

// TestNothingFitted: what a terminal does not have is no trouble and no function.
func TestNothingFitted(t *testing.T) {
	r := NewTable(dawn, Fitted{}).Report(dawn, Facts{CentralOnline: true})
	for _, d := range r.Devices {
		if d.ID != Central && (d.State != NoDevice || !strings.HasSuffix(d.Words(), "not fitted")) {
			t.Errorf("%s: %s, %q", d.ID, d.State, d.Words())
		}
	}
	if len(r.Functions) != 1 || !r.InOrder() {
		t.Errorf("functions %v, in order %v", r.Functions, r.InOrder())
	}
}

// TestSince: a state's beginning stays while only its cause changes.
func TestSince(t *testing.T) {
	table := works()
	table.Cash(dawn.Add(time.Minute), cash.Offline{Cause: "no answer"})
	table.Cash(dawn.Add(time.Hour), cash.Offline{Cause: "port lost"})
	d := table.Report(dawn.Add(2*time.Hour), good).Devices[0]
	if !d.Since.Equal(dawn.Add(time.Minute)) || d.Cause != "port lost" || d.Model != "SM-AZ 7" {
		t.Errorf("%+v", d)
	}
}
