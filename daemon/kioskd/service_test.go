package main

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// benchWiring is how the bench's board is wired (drivers/bench/ioboard).
func benchWiring() panel.Layout {
	return panel.Layout{
		Contacts: []panel.Contact{
			{Input: panel.InputServiceDoor, Line: "0"}, {Input: panel.InputSafeDoor, Line: "1"}, {Input: panel.InputCassette, Line: "2"},
			{Input: panel.InputTamper, Line: "3", Complement: "4"}, {Input: panel.InputMains, Line: "5"},
		},
		Lamps: []panel.Wire{{Lamp: panel.LampAcceptor, Line: "8"}, {Lamp: panel.LampPrinter, Line: "9"}, {Lamp: panel.LampCard, Line: "10"}, {Lamp: panel.LampStatus, Line: "11"}},
	}
}

// move does something to the cabinet.
func (l *life) move(a ioboard.Action) {
	l.p.t.Helper()
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	o, err := l.p.board.Do(time.Now(), a)
	if err != nil {
		l.p.t.Fatal(err)
	}
	l.board.handle(o)
}

func (l *life) lamp(name ioboard.Lamp) string {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	return l.p.board.State().Lamps[name].Shows
}

// watch keeps the page alive for a time.
func (p *page) watch(d time.Duration) {
	p.t.Helper()
	end := time.Now().Add(d)
	p.until("the time", func(wire.State) bool { return time.Now().After(end) })
}

// signIn types number and PIN at the open door.
func (p *page) signIn(number, pin string) {
	p.t.Helper()
	p.step(wire.StepServiceLogin)
	p.tap(wire.NameServiceLogin, wire.Command{Person: number})
	p.until("the number", func(s wire.State) bool {
		return s.Service != nil && s.Service.Login != nil && s.Service.Login.Person == number
	})
	for i, r := range pin {
		p.send(wire.NameSecretKey, map[string]any{"step_seq": p.state.StepSeq, "field": wire.FieldServicePIN, "key": string(r)})
		p.until("a key", func(s wire.State) bool { return s.Service.Login.Length == i+1 })
	}
	p.tap(wire.NameNext, wire.Command{})
	p.step(wire.StepService)
}

// The whole daemon with a board on its line: money is in, the door is opened; the
// person gets a slip; a technician signs in with a real PIN; the tamper loop is cut
// while the daemon is away and found when it comes back.
func TestWholeDaemonDoor(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	p.board = ioboard.New(ioboard.DefaultConfig(), 1)
	person, err := people.New("101", "Technician", people.RoleTechnician, []byte("2580"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.people = people.People{person}
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		pg.watch(3 * time.Second)
		if a, s := l.lamp(ioboard.LampAcceptor), l.lamp(ioboard.LampStatus); a != "on" || s != "on" {
			t.Errorf("while notes are taken the acceptor's lamp is %s and the status lamp %s", a, s)
		}
		l.insert(20)
		pg.held(2000)
		l.move(ioboard.OpenServiceDoor{})
		pg.step(wire.StepFarewell)
		if o := pg.state.Visit.Outcome; o.Money != wire.FateLeftover || o.Leftover.Minor != 2000 || o.Reason != wire.ReasonOutOfService || o.Slip != wire.SlipPrinted {
			t.Errorf("told %+v", o)
		}
		pg.tap(wire.NameNext, wire.Command{})
		pg.signIn("101", "2580")
		pg.watch(3 * time.Second)
		if s := l.lamp(ioboard.LampStatus); s != "flashing" {
			t.Errorf("in service mode the status lamp is %s", s)
		}
		pg.tap(wire.NameServiceAct, wire.Command{Device: wire.DeviceAcceptor, Act: wire.ActSelfTest})
		pg.until("the acceptor's test", func(s wire.State) bool { return s.Service.Result != nil && s.Service.Result.Result == wire.ActOK })
		l.move(ioboard.CloseServiceDoor{})
		pg.until("closed doors", func(s wire.State) bool { return s.Service != nil && s.Service.CanLeave })
		pg.tap(wire.NameServiceLeave, wire.Command{})
		pg.step(wire.StepAttract)
		_ = pg.c.Close()
		l.end()
	})
	if p.slips != 1 {
		t.Errorf("%d slips", p.slips)
	}
	world := p.board.World()
	world.Tamper = ioboard.LoopCut
	p.board = ioboard.Restore(ioboard.DefaultConfig(), 1, world)
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.until("the alarm", func(s wire.State) bool {
			return s.Visit.Step == wire.StepOutOfService && s.Visit.Outcome.Reason == wire.ReasonOutOfService && l.lamp(ioboard.LampStatus) == "flashing"
		})
		l.move(ioboard.OpenServiceDoor{})
		pg.signIn("101", "2580")
		if a := pg.state.Service.Alarms; len(a) != 1 || a[0].Alarm != wire.AlarmTamper {
			t.Errorf("alarms that stand: %+v", a)
		}
		_ = pg.c.Close()
		l.end()
	})
}
