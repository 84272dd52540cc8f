package terminal_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/upkeep"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Three wrong PINs: an alarm, and a pause of a minute. A number that nobody has is
// answered like a wrong PIN.
func TestWrongPIN(t *testing.T) {
	for _, number := range []string{"101", "999"} {
		t.Run(number, func(t *testing.T) {
			k := newCabinet(t)
			k.openDoor()
			for n := 1; n <= 3; n++ {
				k.at(wire.StepServiceLogin)
				if n == 1 || number == "" {
					k.tap(wire.NameServiceLogin, wire.Command{Person: number})
				}
				k.key("2589")
				l := k.shown.Service.Login
				if n < 3 && (l.Problem == nil || *l.Problem != wire.LoginWrong || l.Length != 0 || l.Person != number) {
					t.Fatalf("after %d wrong ones: %+v", n, l)
				}
			}
			l := k.shown.Service.Login
			if l.Problem == nil || *l.Problem != wire.LoginPaused || l.WaitS != 60 {
				t.Fatalf("after three: %+v", l)
			}
			alarms := records[record.AlarmRaised](k)
			if last := alarms[len(alarms)-1]; last.Alarm != "wrong_pin" || strings.Contains(last.Detail, "2589") || strings.Contains(last.Detail, "101") != (number == "101") {
				t.Errorf("alarm %+v", last)
			}
			if err := k.tryTap(wire.NameServiceLogin, wire.Command{Person: "101"}); err == nil {
				t.Error("a try within the pause")
			}
			k.wait(10 * time.Second)
			if w := k.shown.Service.Login.WaitS; w != 50 {
				t.Errorf("%d s left after 10", w)
			}
			k.wait(50 * time.Second)
			k.signIn("101")
			if got := records[record.AlarmCleared](k); len(got) != 2 || got[1].Alarm != "wrong_pin" || got[1].Persons[0] != "101" {
				t.Errorf("cleared %+v", got)
			}
		})
	}
}

// What is typed at the sign-in: never in the state, and forgotten when the door is
// closed, when nobody goes on, and when the number is given anew.
func TestSignInForgets(t *testing.T) {
	k := newCabinet(t)
	k.openDoor()
	type1 := func() {
		k.tap(wire.NameServiceLogin, wire.Command{Person: "101"})
		for _, r := range "258" {
			k.do(func() {
				_ = k.term.Secret(k.now, wire.SecretKey{StepSeq: k.shown.StepSeq, Field: wire.FieldServicePIN, Key: wire.SecretRune(r)})
			})
		}
		if l := k.shown.Service.Login; l.Length != 3 || l.CanSend {
			t.Fatalf("typed %+v", l)
		}
	}
	for name, forget := range map[string]func(){
		"door closed":  func() { k.closeDoor(); k.openDoor() },
		"nobody":       func() { k.wait(61 * time.Second) },
		"back":         func() { k.tap(wire.NameBack, wire.Command{}) },
		"number again": func() { k.tap(wire.NameServiceLogin, wire.Command{Person: "102"}) },
	} {
		type1()
		forget()
		if l := k.shown.Service.Login; l == nil || l.Length != 0 || l.Person == "101" {
			t.Errorf("%s: %+v", name, l)
		}
	}
	for name, c := range map[string]wire.SecretKey{
		"letter":      {Field: wire.FieldServicePIN, Key: 'a'},
		"other field": {Field: "pin", Key: '1'},
	} {
		c.StepSeq = k.shown.StepSeq
		if err := k.term.Secret(k.now, c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, bad := range []string{"", "1", "abc", "123456789", "10 1"} {
		if err := k.tryTap(wire.NameServiceLogin, wire.Command{Person: bad}); err == nil {
			t.Errorf("number %q was taken", bad)
		}
	}
	if s := k.shown.Service; s.Person != nil || s.Counters != nil || len(s.Devices)+len(s.Faults)+len(s.Alarms) != 0 {
		t.Errorf("who has not signed in is told %+v", s)
	}
}

// A tap that was meant for the customer's screen is not taken by service mode, nor
// the other way round.
func TestStaleTaps(t *testing.T) {
	k := newCabinet(t)
	k.toStep("quote")
	old := k.shown.StepSeq
	k.openDoor()
	k.tap(wire.NameServiceLogin, wire.Command{Person: "101"})
	if err := k.term.Command(k.now, wire.NameNext, wire.Command{StepSeq: old}); err == nil {
		t.Error("the quote's Next was taken by the sign-in")
	}
	old = k.shown.StepSeq
	k.key(pins["101"])
	k.closeDoor()
	k.tap(wire.NameServiceLeave, wire.Command{})
	if err := k.term.Command(k.now, wire.NameStart, wire.Command{StepSeq: old, Lang: wire.LangAz}); err == nil {
		t.Error("a tap of service mode began a visit")
	}
	k.toStep("attract")
}

func TestLeave(t *testing.T) {
	t.Run("doors open", func(t *testing.T) {
		k := newCabinet(t)
		k.openDoor()
		k.turn(panel.InputSafeDoor, panel.StateActive)
		k.signIn("101")
		k.closeDoor()
		if err := k.tryTap(wire.NameServiceLeave, wire.Command{}); err == nil || k.shown.Service.CanLeave {
			t.Fatal("left with the safe open")
		}
		k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
		k.at(wire.StepServiceLogin) // the door is open: who is there now?
		k.turn(panel.InputSafeDoor, panel.StateRest)
		k.out()
		if got := said[record.ServiceOut](k); got != "[{Person:101 Why:person}]" {
			t.Errorf("out %s", got)
		}
		if got := said[record.ServiceLeft](k); got != "[{Person:101 Why:left}]" {
			t.Errorf("left %s", got)
		}
		k.restart()
		k.out()
		k.openDoor()
		k.signIn("201")
		if o := k.shown.Service.Out; o == nil || o.Person != "101" || o.Why != wire.OutByPerson {
			t.Errorf("out is told as %+v", o)
		}
		k.act(wire.DeviceTerminal, wire.ActBack)
		k.closeDoor()
		k.tap(wire.NameServiceLeave, wire.Command{})
		if !k.serves() || said[record.ServiceBack](k) != "[{Person:201}]" {
			t.Errorf("not back: %s", k.shown.Visit.Step)
		}
	})
	t.Run("five minutes", func(t *testing.T) {
		k := newCabinet(t)
		k.openDoor()
		k.signIn("101")
		k.closeDoor()
		k.wait(4 * time.Minute)
		k.tap(wire.NameTouch, wire.Command{})
		k.wait(4*time.Minute + 29*time.Second)
		if k.shown.Visit.Warning != nil {
			t.Error("warned too early")
		}
		k.wait(11 * time.Second)
		if w := k.shown.Visit.Warning; w == nil || w.SecondsLeft != 20 {
			t.Errorf("warned %+v", w)
		}
		k.wait(20 * time.Second)
		k.out()
		if got := said[record.ServiceOut](k) + said[record.ServiceLeft](k); got != "[{Person:101 Why:timeout}][{Person:101 Why:timeout}]" {
			t.Errorf("written %s", got)
		}
	})
	t.Run("restart", func(t *testing.T) {
		k := newCabinet(t)
		k.openDoor()
		k.signIn("101")
		k.closeDoor()
		k.restart()
		k.out()
		if got := said[record.ServiceOut](k) + said[record.ServiceLeft](k); got != "[{Person: Why:restart}][{Person:101 Why:restart}]" {
			t.Errorf("written %s", got)
		}
		k.openDoor()
		k.at(wire.StepServiceLogin)
	})
}

// Every device's test: what the technician is told, and what is written down.
func TestActs(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(k *cabinet)
		device wire.DeviceID
		act    wire.Act
		wait   time.Duration
		result wire.ActResult
		says   string
	}{
		{"acceptor", nil, wire.DeviceAcceptor, wire.ActSelfTest, 0, wire.ActOK, "UNIT, serial S1, as polled last: disabled"},
		{"jammed acceptor", func(k *cabinet) { k.do(func() { k.term.Cash(k.now, cash.Fault{Kind: cash.FaultJamValidator}) }) },
			wire.DeviceAcceptor, wire.ActSelfTest, 0, wire.ActFailed, "jam_validator"},
		{"dead acceptor", func(k *cabinet) { k.do(func() { k.term.Cash(k.now, cash.Offline{Cause: "unplugged"}) }) },
			wire.DeviceAcceptor, wire.ActSelfTest, 0, wire.ActFailed, "offline"},
		{"test page", nil, wire.DevicePrinter, wire.ActTestPage, 0, wire.ActOK, "printed"},
		{"test page without paper", func(k *cabinet) { k.noPaper = true }, wire.DevicePrinter, wire.ActTestPage, 0, wire.ActFailed, "no paper"},
		{"test page, silent printer", func(k *cabinet) { k.holdPaper = true }, wire.DevicePrinter, wire.ActTestPage, 4 * time.Minute, wire.ActFailed, "no verdict"},
		{"paper changed", nil, wire.DevicePrinter, wire.ActPaperChanged, 0, wire.ActOK, ""},
		{"paper not changed", func(k *cabinet) {
			k.do(func() {
				k.term.Printer(k.now, printer.StatusChanged{Status: printer.Status{Online: true, PaperOut: true, Cause: "paper out"}})
			})
		}, wire.DevicePrinter, wire.ActPaperChanged, 0, wire.ActFailed, "no paper"},
		{"card reader", nil, wire.DeviceCards, wire.ActSelfTest, 0, wire.ActFailed, "no reader"},
		{"lamps", nil, wire.DevicePanel, wire.ActLampTest, 6 * time.Second, wire.ActOK, ""},
		{"central", nil, wire.DeviceCentral, wire.ActPing, 0, wire.ActOK, "it has the records up to"},
		{"central is away", func(k *cabinet) { k.noNet = true }, wire.DeviceCentral, wire.ActPing, time.Second, wire.ActRunning, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newCabinet(t)
			number := k.folds.Slips.Number()
			k.openDoor()
			k.signIn("101")
			if c.before != nil {
				c.before(k)
			}
			k.act(c.device, c.act)
			k.wait(c.wait)
			r := k.shown.Service.Result
			if r == nil || r.Device != c.device || r.Act != c.act || r.Result != c.result || !strings.Contains(r.Detail, c.says) {
				t.Errorf("told %+v", r)
			}
			written := records[record.ServiceActed](k)
			last := written[len(written)-1]
			want := map[wire.ActResult]string{wire.ActOK: record.ActOK, wire.ActFailed: record.ActFailed, wire.ActRunning: record.ActStarted}[c.result]
			if last.Person != "101" || last.Act != string(c.act) || last.Result != want {
				t.Errorf("written %+v", last)
			}
			if len(records[record.SlipQueued](k)) != 0 || k.folds.Slips.Number() != number {
				t.Error("a test took a slip's number")
			}
			if n := len(records[record.NoteEscrowed](k)) + len(records[record.NoteRejected](k)); n != 0 {
				t.Error("a test touched a note")
			}
		})
	}
}

// While the lamps are tested all of them shine, and then they show again what is so.
func TestLamps(t *testing.T) {
	k := newCabinet(t)
	shows := func(acceptor, paper, card, status panel.Pattern) {
		t.Helper()
		got := []panel.Pattern{k.lamps[panel.LampAcceptor], k.lamps[panel.LampPrinter], k.lamps[panel.LampCard], k.lamps[panel.LampStatus]}
		if !slices.Equal(got, []panel.Pattern{acceptor, paper, card, status}) {
			t.Errorf("at %s the lamps show %v", k.shown.Visit.Step, got)
		}
		for _, p := range got {
			if p.Period() > 0 && p.Period() < 500*time.Millisecond {
				t.Errorf("%s is faster than twice a second", p)
			}
		}
	}
	shows("off", "off", "off", "continuous")
	k.toStep("pay")
	shows("continuous", "off", "off", "continuous")
	k.insert(20)
	k.insert(10) // what is owed is covered: nothing more is taken
	shows("off", "off", "off", "continuous")
	k.holdPaper = true
	k.tap(wire.NameFinish, wire.Command{Key: "k"})
	k.at(wire.StepDeliver)
	shows("off", "slow", "off", "continuous")
	k.release()
	k.at(wire.StepFarewell)
	shows("off", "slow", "off", "continuous")
	k.openDoor()
	k.tap(wire.NameNext, wire.Command{})
	shows("off", "off", "off", "slow")
	k.signIn("101")
	k.act(wire.DevicePanel, wire.ActLampTest)
	shows("continuous", "continuous", "continuous", "continuous")
	k.wait(5 * time.Second)
	shows("off", "off", "off", "slow")
	k.closeDoor()
	k.tap(wire.NameServiceLeave, wire.Command{})
	shows("off", "off", "off", "continuous")
}

// Who may do what, and what asks twice: a first tap never does what touches money or
// an alarm, and the question goes away by itself and with any other act.
func TestRolesAndConfirm(t *testing.T) {
	k := newCabinet(t)
	k.openDoor()
	k.signIn("101")
	list := func() (all, twice []string) {
		for _, d := range k.shown.Service.Devices {
			for _, a := range d.Acts {
				all = append(all, string(d.ID)+" "+string(a.Act))
				if a.Twice {
					twice = append(twice, string(a.Act))
				}
			}
		}
		return all, twice
	}
	technician, twice := list()
	if !slices.Equal(twice, []string{"clear_tamper"}) || slices.Contains(technician, "cassette new_cassette") || len(technician) != 9 {
		t.Errorf("a technician may %v, twice %v", technician, twice)
	}
	k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
	k.signIn("201")
	collector, twice := list()
	if !slices.Equal(twice, []string{"clear_tamper", "new_cassette"}) || slices.Contains(collector, "acceptor self_test") {
		t.Errorf("a collector may %v, twice %v", collector, twice)
	}
	for _, c := range []wire.Command{
		{Device: wire.DeviceAcceptor, Act: wire.ActSelfTest}, {Device: wire.DeviceCentral, Act: wire.ActPing},
		{Device: wire.DevicePrinter, Act: wire.ActLampTest}, {Device: "safe", Act: "open"},
	} {
		if err := k.tryTap(wire.NameServiceAct, c); err == nil {
			t.Errorf("%s %s was done", c.Device, c.Act)
		}
	}
	k.turn(panel.InputCassette, panel.StateActive)
	k.turn(panel.InputCassette, panel.StateRest)
	opened := func() int { return len(records[record.PeriodOpened](k)) }
	confirm := wire.Command{Device: wire.DeviceCassette, Act: wire.ActNewCassette, Confirm: true}
	k.tap(wire.NameServiceAct, confirm) // a yes to a question that was not asked
	if opened() != 1 || k.shown.Service.Confirm == nil {
		t.Error("done at the first tap")
	}
	k.wait(21 * time.Second)
	if k.shown.Service.Confirm != nil {
		t.Error("the question stands for ever")
	}
	k.tap(wire.NameServiceAct, confirm)
	k.act(wire.DevicePrinter, wire.ActPaperChanged)
	if k.shown.Service.Confirm != nil {
		t.Error("another act left the question standing")
	}
	k.tap(wire.NameServiceAct, confirm)
	k.tap(wire.NameServiceAct, confirm)
	if opened() != 2 {
		t.Error("not done at the second tap")
	}
	if err := k.tryTap(wire.NameServiceAct, confirm); err == nil || opened() != 2 {
		t.Error("a third tap opened another period")
	}
}

// doubtfulNote leaves a note of 20 manat of which the unit cannot say where it is, and
// its customer away with a slip.
func (c *cabinet) doubtfulNote() wire.ServiceDoubt {
	c.t.Helper()
	c.toStep("pay")
	c.holdNote = true
	c.insert(20)
	c.note, c.holdNote = nil, false
	c.do(func() { c.term.Cash(c.now, cash.Offline{Cause: "no answer"}) })
	c.do(func() { c.term.Cash(c.now, cash.Online{Found: cash.StateDisabled}) })
	c.do(func() { c.term.Cash(c.now, cash.Settled{Identity: cash.Identity{Serial: "S1"}, Table: bills}) })
	if c.serves() {
		c.t.Error("notes are taken beside a note in doubt")
	}
	c.openDoor()
	c.wait(3 * time.Minute)
	c.signIn("101")
	m := c.shown.Service
	if len(m.Doubts) != 1 || !slices.Contains(m.Holds, wire.HoldDoubt) || m.Counters.InDoubt != 1 {
		c.t.Fatalf("doubts %+v, holds %v, in doubt %d", m.Doubts, m.Holds, m.Counters.InDoubt)
	}
	d := m.Doubts[0]
	if *d.Value != money.Manat(20) || !slices.Equal(d.Worth, []money.Amount{money.Manat(20)}) || d.At != "2026-11-02T10:00" || d.Why == "" || d.Aside {
		c.t.Errorf("the doubt is shown as %+v", d)
	}
	return d
}

func mayDo(d wire.ServiceDoubt) (out []wire.Act) {
	for _, a := range d.Acts {
		if a.Available {
			out = append(out, a.Act)
		}
	}
	return out
}

// A note in doubt is decided upon by who has looked: at the second yes, with the
// person's number in the journal, and money is booked by a collector alone.
func TestNoteInDoubt(t *testing.T) {
	of := func(d wire.ServiceDoubt, a wire.Act, minor int64, yes bool) wire.Command {
		return wire.Command{Device: wire.DeviceCassette, Act: a, Note: d.Note, Minor: minor, Confirm: yes}
	}
	t.Run("inside", func(t *testing.T) {
		k := newCabinet(t)
		d := k.doubtfulNote()
		if may := mayDo(d); !slices.Equal(may, []wire.Act{wire.ActNoteOutside, wire.ActNoteAside}) {
			t.Errorf("a technician may %v", may)
		}
		if err := k.tryTap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, false)); !errors.Is(err, upkeep.ErrMayNot) {
			t.Errorf("a technician books money: %v", err)
		}
		k.tap(wire.NameServiceLeave, wire.Command{OutOfService: true})
		k.signIn("201")
		if may := mayDo(k.shown.Service.Doubts[0]); !slices.Equal(may, []wire.Act{wire.ActNoteInside, wire.ActNoteOutside, wire.ActNoteAside}) {
			t.Errorf("a collector may %v", may)
		}
		for what, c := range map[string]wire.Command{
			"no note": {Device: wire.DeviceCassette, Act: wire.ActNoteInside, Minor: 2000}, "another note": {Device: wire.DeviceCassette, Act: wire.ActNoteOutside, Note: "x"},
			"another value": of(d, wire.ActNoteInside, 5000, true), "no value": of(d, wire.ActNoteInside, 0, false), "a value for nothing": of(d, wire.ActNoteOutside, 2000, false),
			"another device": {Device: wire.DeviceAcceptor, Act: wire.ActNoteInside, Note: d.Note, Minor: 2000},
		} {
			if err := k.tryTap(wire.NameServiceAct, c); !errors.Is(err, upkeep.ErrData) {
				t.Errorf("%s: %v", what, err)
			}
		}
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteOutside, 0, false))
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, true)) // a yes to another question
		q := k.shown.Service.Confirm
		if q == nil || q.Act != wire.ActNoteInside || q.Note != d.Note || q.Value == nil || *q.Value != money.Manat(20) {
			t.Fatalf("asked %+v", q)
		}
		if n := len(records[record.NoteStacked](k)); n != 0 {
			t.Fatalf("%d notes were booked at the first yes", n)
		}
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, true))
		b := records[record.NoteStacked](k)
		if len(b) != 1 || b[0].Person != "201" || b[0].NoteID != d.Note || b[0].Note.Value != money.Manat(20) {
			t.Fatalf("booked %+v", b)
		}
		acted := records[record.ServiceActed](k)
		if a := acted[len(acted)-1]; a.Person != "201" || a.Act != "note_inside" || a.Result != record.ActOK || !strings.Contains(a.Detail, d.Note) {
			t.Errorf("written down as %+v", a)
		}
		m := k.shown.Service
		if len(m.Doubts) != 0 || slices.Contains(m.Holds, wire.HoldDoubt) || m.Counters.InDoubt != 0 || m.Counters.Count != 1 || m.Result.Result != wire.ActOK {
			t.Errorf("afterwards %+v", m)
		}
		if err := k.tryTap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, true)); !errors.Is(err, upkeep.ErrData) {
			t.Errorf("a third yes: %v", err)
		}
		l := k.term.Ledger().Equation().Total[0]
		if l.Stacked != 2000 || l.Unassigned != 2000 {
			t.Errorf("the equation: %+v", l)
		}
		// Central holds the same.
		k.wait(time.Minute)
		if k.journal.Acked() != k.Head() {
			t.Error("central has not taken the decision")
		}
	})
	t.Run("laid aside, a new cassette, and found by the count", func(t *testing.T) {
		k := newCabinet(t)
		d := k.doubtfulNote()
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteAside, 0, false))
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteAside, 0, true))
		if m := k.shown.Service; len(m.Doubts) != 1 || !m.Doubts[0].Aside || slices.Contains(m.Holds, wire.HoldDoubt) || slices.Contains(mayDo(m.Doubts[0]), wire.ActNoteAside) {
			t.Fatalf("%+v", m.Doubts)
		}
		if err := k.tryTap(wire.NameServiceAct, of(d, wire.ActNoteAside, 0, false)); !errors.Is(err, upkeep.ErrNotNow) {
			t.Errorf("laid aside twice: %v", err)
		}
		k.closeDoor()
		k.tap(wire.NameServiceLeave, wire.Command{})
		if !k.serves() {
			t.Error("no notes are taken")
		}
		k.restart()
		k.toStep("farewell") // a payment beside it
		k.tap(wire.NameNext, wire.Command{})
		k.openDoor()
		k.signIn("201")
		k.turn(panel.InputCassette, panel.StateActive)
		k.turn(panel.InputCassette, panel.StateRest)
		k.actTwice(wire.DeviceCassette, wire.ActNewCassette)
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, false))
		k.tap(wire.NameServiceAct, of(d, wire.ActNoteInside, 2000, true))
		b := records[record.NoteStacked](k)
		if last := b[len(b)-1]; last.NoteID != d.Note || last.Period != 1 || last.Person != "201" {
			t.Errorf("booked %+v", last)
		}
		if c := k.shown.Service.Counters; c.Count != 0 || c.Period != 2 || c.InDoubt != 0 {
			t.Errorf("the present cassette: %+v", c)
		}
	})
	t.Run("not while the unit may still say it", func(t *testing.T) {
		k := newCabinet(t)
		d := k.doubtfulNote()
		k.do(func() { k.term.Cash(k.now, cash.Offline{Cause: "no answer"}) })
		if may := mayDo(k.shown.Service.Doubts[0]); len(may) != 0 {
			t.Errorf("may %v", may)
		}
		if err := k.tryTap(wire.NameServiceAct, of(d, wire.ActNoteOutside, 0, false)); !errors.Is(err, upkeep.ErrNotNow) {
			t.Errorf("%v", err)
		}
	})
}

// The screen of service mode is in az, ru or en, says who is in and for how long, and
// never shows what was typed.
func TestServiceScreen(t *testing.T) {
	k := newCabinet(t)
	k.do(func() { k.term.Cash(k.now, cash.Fault{Kind: cash.FaultJamValidator, Detail: "code 43"}) })
	k.openDoor()
	for lang, good := range map[wire.Lang]bool{wire.LangRu: true, wire.LangEn: true, wire.LangFa: false, "xx": false} {
		if err := k.tryTap(wire.NameLanguage, wire.Command{Lang: lang}); (err == nil) != good {
			t.Errorf("language %s: %v", lang, err)
		}
	}
	k.tap(wire.NameLanguage, wire.Command{Lang: wire.LangRu})
	k.signIn("101")
	k.wait(3*time.Minute + time.Second)
	s := k.shown
	m := s.Service
	if s.Visit.Lang != wire.LangRu || s.Visit.ID != "" || m.Person.Name != "Technician" || m.Person.Role != wire.RoleTechnician || m.Person.Minutes != 3 || m.Person.Since != "2026-11-02T10:00" {
		t.Errorf("shows %+v, %+v", s.Visit, m.Person)
	}
	if len(m.Doors) != len(inputs) || m.Doors[0].State != wire.ContactActive || m.Doors[1].State != wire.ContactRest {
		t.Errorf("doors %+v", m.Doors)
	}
	if len(m.Faults) != 1 || m.Faults[0].Fault != "jam_validator" || m.Faults[0].Detail != "code 43" || m.Faults[0].Device != "acceptor" {
		t.Errorf("faults %+v", m.Faults)
	}
	if d := m.Devices[0]; d.State != wire.HealthFault || d.Cause != "jam_validator, code 43" {
		t.Errorf("acceptor %+v", d)
	}
	k.do(func() { k.term.Panel(k.now, panel.Lost{Cause: "unplugged"}) })
	if m := k.shown.Service; m.Doors[0].State != wire.ContactUnknown || m.Devices[3].Cause != "unplugged" || m.CanLeave {
		t.Errorf("without its board: %+v", m)
	}
	b, err := json.Marshal(k.shown)
	if err != nil || strings.Contains(string(b), pins["101"]) {
		t.Errorf("the state shows the PIN, or %v", err)
	}
}
