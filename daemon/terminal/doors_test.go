package terminal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// The service door is opened, without anybody who has signed in, in every step of a
// payment. No note is taken from then on; what was put in is posted if the posting
// had begun, else recorded on a slip; the person is told; then the screen asks who is
// there.
func TestDoorInEveryStep(t *testing.T) {
	for _, c := range []struct {
		step string
		fate wire.Fate // what the person is told; none: nothing was in, and the visit is over at once
		slip string    // document
		held int64     // minor units on it
	}{
		{"attract", wire.FateNone, "", 0},
		{"language", wire.FateNone, "", 0},
		{"services", wire.FateNone, "", 0},
		{"form", wire.FateNone, "", 0},
		{"query", wire.FateNone, "", 0},
		{"quote", wire.FateNone, "", 0},
		{"pay", wire.FateNone, "", 0},
		{"money", wire.FateLeftover, "leftover", 2000},
		{"moving", wire.FateLeftover, "leftover", 3000},
		{"submit", wire.FatePosted, "receipt", 460},
		{"deliver", wire.FatePosted, "receipt", 460},
		{"farewell", wire.FatePosted, "receipt", 460},
	} {
		t.Run(c.step, func(t *testing.T) {
			k := newCabinet(t)
			k.toStep(c.step)
			k.openDoor()
			if k.enabled {
				t.Error("the acceptor takes notes with an open door")
			}
			k.release()
			if c.fate != wire.FateNone {
				k.at(wire.StepFarewell)
				o := k.shown.Visit.Outcome
				if o.Money != c.fate || o.Leftover.Minor != c.held || o.Slip != wire.SlipPrinted {
					t.Errorf("told %+v", o)
				}
				if c.fate == wire.FateLeftover && o.Reason != wire.ReasonOutOfService {
					t.Errorf("the cause is %q", o.Reason)
				}
				if n := len(k.slips); n != 1 || k.slips[0].Document != c.slip {
					t.Errorf("%d slips: %+v", n, k.slips)
				}
				k.tap(wire.NameNext, wire.Command{})
			}
			k.at(wire.StepServiceLogin)
			if got := said[record.AlarmRaised](k); got != "[{Alarm:door Detail:service_door: open}]" {
				t.Errorf("alarms %s", got)
			}
			if ends := records[record.VisitEnded](k); c.step != "attract" && c.fate == wire.FateNone && (len(ends) != 1 || ends[0].Why != "interrupted") {
				t.Errorf("the visit ended as %+v", ends)
			}
			// The door is closed by somebody who has not said who it was: the terminal
			// stays shut.
			k.closeDoor()
			k.out()
			k.openDoor()
			k.signIn("101")
			if got := said[record.AlarmCleared](k); got != "[{Alarm:door Persons:[101]}]" {
				t.Errorf("cleared %s", got)
			}
			k.closeDoor()
			k.tap(wire.NameServiceLeave, wire.Command{})
			if !k.serves() {
				t.Errorf("the terminal does not serve again: %s, %v", k.shown.Visit.Step, k.shown.Visit.Services[0])
			}
		})
	}
}

// With a technician who has signed in the same door raises no alarm.
func TestDoorWithTechnician(t *testing.T) {
	k := newCabinet(t)
	k.openDoor()
	k.signIn("101")
	k.closeDoor()
	alarms := len(records[record.AlarmRaised](k))
	k.openDoor()
	k.turn(panel.InputSafeDoor, panel.StateActive)
	if n := len(records[record.AlarmRaised](k)); n != alarms {
		t.Errorf("%d alarms more", n-alarms)
	}
	k.at(wire.StepService)
	changes := records[record.PanelChanged](k)
	if last := changes[len(changes)-1]; last.Person != "101" || last.Input != panel.InputSafeDoor || last.State != panel.StateActive || last.AtStart {
		t.Errorf("written %+v", last)
	}
}

// A door that hides a visit: the visit of a customer who walks off with the door open
// ends by itself, and a note that comes all the same is given back.
func TestDoorKeepsNotesOut(t *testing.T) {
	k := newCabinet(t)
	k.toStep("money")
	k.noPaper = true
	k.openDoor()
	k.insert(5)
	if r := records[record.NoteReturnIntent](k); len(r) != 1 || r[0].Reason != record.RefusedHeld {
		t.Errorf("a note at the open door: %+v", r)
	}
	k.at(wire.StepFarewell)
	if o := k.shown.Visit.Outcome; o.Money != wire.FateLeftover || o.Reference == "" || o.Slip != wire.SlipNotPrinted {
		t.Errorf("without paper the reference on the screen is the proof: %+v", o)
	}
	k.wait(40 * time.Second)
	k.at(wire.StepServiceLogin)
}

// Contacts that changed while nobody looked, found by comparing at the next start.
func TestFoundAtStart(t *testing.T) {
	for _, c := range []struct {
		name  string
		input panel.Input
		state panel.State
		alarm wire.Alarm
		step  wire.Step
	}{
		{"door opened", panel.InputServiceDoor, panel.StateActive, wire.AlarmDoor, wire.StepServiceLogin},
		{"tamper loop cut", panel.InputTamper, panel.StateFault, wire.AlarmTamper, wire.StepOutOfService},
		{"wall moved", panel.InputTamper, panel.StateActive, wire.AlarmTamper, wire.StepOutOfService},
		{"tilted", panel.InputTilt, panel.StateActive, wire.AlarmTilt, wire.StepOutOfService},
		{"cassette taken", panel.InputCassette, panel.StateActive, wire.AlarmCassette, wire.StepAttract}, // services without cash go on
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newCabinet(t)
			if !k.serves() {
				t.Fatal("the terminal does not serve")
			}
			k.stop()
			k.contacts[c.input] = c.state
			k.boot()
			k.at(c.step)
			if got := records[record.AlarmRaised](k); len(got) != 1 || got[0].Alarm != string(c.alarm) {
				t.Errorf("alarms %+v", got)
			}
			changes := records[record.PanelChanged](k)
			if last := changes[len(changes)-1]; !last.AtStart || last.Input != c.input || last.State != c.state {
				t.Errorf("written %+v", last)
			}
			if k.dropped != (c.input == panel.InputTamper) {
				t.Errorf("keys dropped: %v", k.dropped)
			}
			// Another start finds nothing new, and the same holds.
			before := len(changes)
			k.restart()
			k.at(c.step)
			if n := len(records[record.PanelChanged](k)); n != before {
				t.Errorf("%d changes more after a second start", n-before)
			}
		})
	}
}

// The tamper loop: keys go, slips are unsigned, two different people bring the
// terminal back, and nothing less does.
func TestTamper(t *testing.T) {
	k := newCabinet(t)
	k.toStep("money")
	k.turn(panel.InputTamper, panel.StateFault)
	k.at(wire.StepFarewell)
	if qr, ok := k.slips[0].Values["qr"].(string); !ok || !strings.HasSuffix(qr, ";") || !k.dropped {
		t.Errorf("the slip of a terminal without its key: %q", qr)
	}
	k.wait(time.Minute)
	k.out()
	// Whole again: that alone is nothing.
	k.turn(panel.InputTamper, panel.StateRest)
	k.out()
	k.restart()
	k.out()
	if !k.dropped {
		t.Error("the key is in memory after a restart with the alarm")
	}
	k.openDoor()
	k.signIn("101")
	k.actTwice(wire.DevicePanel, wire.ActClearTamper)
	if err := k.tryTap(wire.NameServiceAct, wire.Command{Device: wire.DevicePanel, Act: wire.ActClearTamper, Confirm: true}); err == nil {
		t.Error("one person did it twice")
	}
	k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
	k.signIn("101")
	if err := k.tryTap(wire.NameServiceAct, wire.Command{Device: wire.DevicePanel, Act: wire.ActClearTamper}); err == nil {
		t.Error("the same person signed in again is not a second one")
	}
	k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
	// Broken again between the two: the first one's word is worth nothing now.
	k.turn(panel.InputTamper, panel.StateActive)
	k.turn(panel.InputTamper, panel.StateRest)
	k.signIn("201")
	k.actTwice(wire.DevicePanel, wire.ActClearTamper)
	if !slices.Contains(k.shown.Service.Holds, wire.HoldTamper) {
		t.Error("back after one person")
	}
	k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
	k.signIn("102")
	k.noKey = true
	k.actTwice(wire.DevicePanel, wire.ActClearTamper)
	if r := k.shown.Service.Result; r.Result != wire.ActFailed || !slices.Contains(k.shown.Service.Holds, wire.HoldTamper) {
		t.Errorf("without its key: %+v", r)
	}
	k.noKey = false
	k.actTwice(wire.DevicePanel, wire.ActClearTamper)
	if k.dropped || slices.Contains(k.shown.Service.Holds, wire.HoldTamper) {
		t.Error("not back after two people")
	}
	cleared := records[record.AlarmCleared](k)
	if last := cleared[len(cleared)-1]; last.Alarm != "tamper" || !slices.Equal(last.Persons, []string{"201", "102"}) {
		t.Errorf("cleared %+v", last)
	}
	k.act(wire.DeviceTerminal, wire.ActBack)
	k.closeDoor()
	k.tap(wire.NameServiceLeave, wire.Command{})
	if !k.serves() {
		t.Errorf("the terminal does not serve again: %s", k.shown.Visit.Step)
	}
}

// The cassette goes out, as its switch says or as the unit says: the period closes
// once, with what is in it, and begins anew when a collector has confirmed.
func TestCassette(t *testing.T) {
	takeOut := map[string]func(k *cabinet){
		"switch": func(k *cabinet) { k.turn(panel.InputCassette, panel.StateActive) },
		"unit":   func(k *cabinet) { k.do(func() { k.term.Cash(k.now, cash.Fault{Kind: cash.FaultCassetteRemoved}) }) },
		"both": func(k *cabinet) {
			k.turn(panel.InputCassette, panel.StateActive)
			k.do(func() { k.term.Cash(k.now, cash.Fault{Kind: cash.FaultCassetteRemoved}) })
		},
	}
	for name, out := range takeOut {
		t.Run(name, func(t *testing.T) {
			k := newCabinet(t)
			k.toStep("farewell")
			k.tap(wire.NameNext, wire.Command{})
			k.openDoor()
			k.signIn("201")
			out(k)
			closed := records[record.CassetteClosed](k)
			if len(closed) != 1 || closed[0].Period != 1 || closed[0].Person != "201" || closed[0].Totals["AZN"] != 3000 || closed[0].Notes["AZN 2000"] != 1 || closed[0].Notes["AZN 1000"] != 1 {
				t.Fatalf("closed as %+v", closed)
			}
			if err := k.tryTap(wire.NameServiceAct, wire.Command{Device: wire.DeviceCassette, Act: wire.ActNewCassette}); err == nil {
				t.Error("confirmed with no cassette in")
			}
			if n := k.shown.Service.Counters; n.Open || n.Period != 1 || n.Count != 2 || n.Totals[0].Minor != 3000 {
				t.Errorf("counters of the closed period: %+v", n)
			}
			k.turn(panel.InputCassette, panel.StateRest)
			k.do(func() { k.term.Cash(k.now, cash.FaultCleared{}) })
			k.do(func() { k.term.Cash(k.now, cash.Settled{Identity: cash.Identity{Serial: "S1"}, Table: bills}) })
			k.closeDoor()
			k.tap(wire.NameServiceLeave, wire.Command{})
			if k.serves() || k.shown.Visit.Services[0].Available {
				t.Error("notes are taken into a cassette that nobody has confirmed")
			}
			k.restart()
			if k.serves() {
				t.Error("a restart has confirmed the cassette")
			}
			k.openDoor()
			k.signIn("101")
			if err := k.tryTap(wire.NameServiceAct, wire.Command{Device: wire.DeviceCassette, Act: wire.ActNewCassette, Confirm: true}); err == nil {
				t.Error("a technician has confirmed a cassette")
			}
			k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
			k.signIn("201")
			k.actTwice(wire.DeviceCassette, wire.ActNewCassette)
			opened := records[record.PeriodOpened](k)
			if last := opened[len(opened)-1]; len(opened) != 2 || last.Period != 2 || last.Person != "201" {
				t.Errorf("opened %+v", opened)
			}
			if n := k.shown.Service.Counters; !n.Open || n.Period != 2 || n.Count != 0 || len(n.Totals) != 0 {
				t.Errorf("counters of the new period: %+v", n)
			}
			k.act(wire.DeviceTerminal, wire.ActBack)
			k.closeDoor()
			k.tap(wire.NameServiceLeave, wire.Command{})
			if !k.serves() {
				t.Errorf("the terminal does not take notes again: %s, %+v", k.shown.Visit.Step, k.shown.Visit.Services)
			}
		})
	}
}

// Causes that pass: no new visit while they stand, and who is at it finishes.
func TestLowerHolds(t *testing.T) {
	for _, c := range []struct {
		name      string
		begin     func(k *cabinet)
		end       func(k *cabinet)
		alarm     wire.Alarm
		interrupt bool
	}{
		{"board lost", func(k *cabinet) { k.do(func() { k.term.Panel(k.now, panel.Lost{Cause: "unplugged"}) }) },
			(*cabinet).findBoard, wire.AlarmPanel, false},
		{"tilted", func(k *cabinet) { k.turn(panel.InputTilt, panel.StateActive) },
			func(k *cabinet) { k.turn(panel.InputTilt, panel.StateRest) }, wire.AlarmTilt, false},
		{"mains lost", func(k *cabinet) { k.turn(panel.InputMains, panel.StateActive) },
			func(k *cabinet) { k.turn(panel.InputMains, panel.StateRest) }, wire.AlarmMains, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newCabinet(t)
			k.toStep("money")
			c.begin(k)
			if c.interrupt {
				k.at(wire.StepFarewell)
				k.wait(40 * time.Second)
			} else {
				k.insert(10)
				k.tap(wire.NameFinish, wire.Command{Key: "k"})
				k.at(wire.StepFarewell)
				if o := k.shown.Visit.Outcome; o.Money != wire.FatePosted {
					t.Errorf("who was at it was told %+v", o)
				}
				k.tap(wire.NameNext, wire.Command{})
			}
			k.out()
			if got := records[record.AlarmRaised](k); len(got) != 1 || got[0].Alarm != string(c.alarm) {
				t.Errorf("alarms %+v", got)
			}
			c.end(k)
			if !k.serves() || len(records[record.AlarmCleared](k)) != 1 {
				t.Errorf("still %s", k.shown.Visit.Step)
			}
		})
	}
}

// Before the board has spoken nobody can say that the cabinet is closed: a start
// waits for it with new visits, and a board that is not there is an alarm once.
func TestNoBoardAtStart(t *testing.T) {
	k := newCabinet(t)
	k.noBoard = true
	k.restart()
	k.out()
	k.restart()
	if n := len(records[record.AlarmRaised](k)); n != 1 {
		t.Errorf("%d alarms for one lost board", n)
	}
	k.noBoard = false
	k.findBoard()
	if !k.serves() {
		t.Errorf("still %s", k.shown.Visit.Step)
	}
}

// A daemon that restarts with an open door ends the visit that was interrupted; what
// was put in comes to its slip.
func TestRestartWithOpenDoor(t *testing.T) {
	k := newCabinet(t)
	k.toStep("moving")
	k.openDoor() // the note's end is not known yet: the tender closes
	k.note, k.holdNote = nil, false
	k.stop()
	k.boot() // the unit's path is empty and it has no counter: the note is in doubt
	if k.enabled {
		t.Error("the acceptor takes notes")
	}
	k.wait(3 * time.Minute)
	k.at(wire.StepServiceLogin)
	if n := len(records[record.LeftoverIssued](k)); n != 1 {
		t.Errorf("%d leftovers for the note that was in", n)
	}
}
