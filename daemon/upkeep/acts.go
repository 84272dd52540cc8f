package upkeep

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// act is one thing that can be done at the cabinet.
type act struct {
	device wire.DeviceID
	name   wire.Act
	twice  bool // touches money or an alarm
	later  bool // its end comes later; one at a time
	may    func(people.Role) bool
	ready  func(*Upkeep) bool
	do     func(*Upkeep) (result, detail string) // "" as result: it has written its own record
	// note is set instead of do by an act on one note in doubt.
	note func(*Upkeep, deed) (result, detail string)
}

// deed is an act as it was asked for: for an act on a note in doubt with the note's
// id and, where it is to be booked, its value in minor units.
type deed struct {
	device wire.DeviceID
	act    wire.Act
	note   string
	minor  int64
}

func anyone(people.Role) bool { return true }
func always(*Upkeep) bool     { return true }

// acts is every act, in the order in which the screen shows them.
var acts []act

func init() { // the functions below name the list themselves
	acts = []act{
		{wire.DeviceAcceptor, wire.ActSelfTest, false, false, people.Role.Technician, always, (*Upkeep).testAcceptor, nil},
		{wire.DevicePrinter, wire.ActTestPage, false, true, people.Role.Technician,
			func(u *Upkeep) bool { return u.rooms.Desk.HasUnit() && !u.rooms.Desk.Busy() }, (*Upkeep).testPage, nil},
		{wire.DevicePrinter, wire.ActPaperChanged, false, false, anyone,
			func(u *Upkeep) bool { return u.rooms.Desk.HasUnit() }, (*Upkeep).paperChanged, nil},
		{wire.DeviceCards, wire.ActSelfTest, false, false, people.Role.Technician, always, (*Upkeep).testReaders, nil},
		{wire.DevicePanel, wire.ActLampTest, false, true, people.Role.Technician, func(u *Upkeep) bool { return u.board }, (*Upkeep).testLamps, nil},
		{wire.DevicePanel, wire.ActClearTamper, true, false, anyone, (*Upkeep).canClearTamper, (*Upkeep).clearTamper, nil},
		{wire.DeviceCentral, wire.ActPing, false, true, people.Role.Technician, always, (*Upkeep).ping, nil},
		{wire.DeviceCassette, wire.ActNewCassette, true, false, people.Role.Collector, (*Upkeep).canOpenPeriod, (*Upkeep).newCassette, nil},
		{wire.DeviceCassette, wire.ActNoteInside, true, false, people.Role.Collector, (*Upkeep).canSettle, nil, (*Upkeep).settle},
		{wire.DeviceCassette, wire.ActNoteOutside, true, false, anyone, (*Upkeep).canSettle, nil, (*Upkeep).settle},
		{wire.DeviceCassette, wire.ActNoteAside, true, false, anyone, (*Upkeep).canSettle, nil, (*Upkeep).settle},
		{wire.DeviceTerminal, wire.ActOutOfService, false, false, anyone, func(u *Upkeep) bool { return u.log.s.Out == nil }, (*Upkeep).takeOut, nil},
		{wire.DeviceTerminal, wire.ActBack, false, false, anyone, func(u *Upkeep) bool { return u.log.s.Out != nil }, (*Upkeep).takeBack, nil},
	}
}

// can reports whether an act can be done now.
func (u *Upkeep) can(a *act) bool { return a.ready(u) && (!a.later || u.running == nil) }

// confirm is an act that waits for its second yes.
type confirm struct {
	deed
	until time.Time
}

// running is an act whose end comes later. Who began it stands in its end, even if
// that person has left.
type running struct {
	device wire.DeviceID
	act    wire.Act
	person string
}

// act does something, or asks again whether it is to be done.
func (u *Upkeep) act(d deed, yes bool) error {
	device, name := d.device, d.act
	i := slices.IndexFunc(acts, func(a act) bool { return a.device == device && a.name == name })
	if i < 0 {
		return ErrData
	}
	a := &acts[i]
	p := u.staff()
	switch {
	case p == nil || !a.may(p.Role):
		return ErrMayNot
	case !u.can(a):
		return ErrNotNow
	}
	if a.note != nil {
		if err := u.canDecide(d); err != nil {
			return err
		}
	} else {
		d.note, d.minor = "", 0
	}
	asked := u.confirm != nil && u.confirm.deed == d
	if a.twice && !(yes && asked) {
		u.confirm = &confirm{d, u.now.Add(confirmLimit)}
		return nil
	}
	u.confirm = nil
	if a.later {
		u.running = &running{device, name, p.Number}
		u.show(device, name, wire.ActRunning, "")
		u.acted(p.Number, device, name, record.ActStarted, "")
	}
	var result, detail string
	if a.note != nil {
		result, detail = a.note(u, d)
	} else {
		result, detail = a.do(u)
	}
	switch {
	case a.later:
	case result == "":
		u.show(device, name, wire.ActOK, detail)
	default:
		u.end(p.Number, device, name, result, detail)
	}
	return nil
}

// acted writes an act down.
func (u *Upkeep) acted(person string, device wire.DeviceID, name wire.Act, result, detail string) {
	u.write(record.ServiceActed{Person: person, Device: string(device), Act: string(name), Result: result, Detail: detail})
}

func (u *Upkeep) end(person string, device wire.DeviceID, name wire.Act, result, detail string) {
	u.acted(person, device, name, result, detail)
	shown := wire.ActOK
	if result != record.ActOK {
		shown = wire.ActFailed
	}
	u.show(device, name, shown, detail)
}

func (u *Upkeep) show(device wire.DeviceID, name wire.Act, r wire.ActResult, detail string) {
	n := uint64(1)
	if u.result != nil {
		n = u.result.N + 1
	}
	u.result = &wire.ServiceResult{N: n, Device: device, Act: name, Result: r, Detail: detail}
}

// later ends the running act.
func (u *Upkeep) later(ok bool, detail string) {
	r := u.running
	u.running = nil
	result := record.ActFailed
	if ok {
		result = record.ActOK
	}
	u.end(r.person, r.device, r.act, result, detail)
}

// observeTests looks whether the running act has ended.
func (u *Upkeep) observeTests() {
	if u.running == nil {
		return
	}
	switch u.running.act {
	case wire.ActTestPage:
		if e := u.rooms.Desk.TestEnd(); e != nil {
			u.later(e.Verdict == printer.Printed, words(string(e.Verdict), e.Cause))
		}
	case wire.ActPing:
		if p := u.rooms.Courier.Pinged(); p != nil {
			detail := p.Problem
			if p.OK {
				detail = fmt.Sprintf("it has the records up to %d", p.Seq)
			}
			u.later(p.OK, detail)
		}
	case wire.ActLampTest:
		if !u.now.Before(u.lamptest) {
			u.lamptest = time.Time{}
			u.later(u.board, u.lost)
		}
	}
}

// testAcceptor tells who the unit is and how it stands. There is no command for it
// in the family of acceptors, and none is needed: the driver asks the unit several
// times a second, and what it said last is what a test would hear. Nothing is
// moved and nothing counted.
func (u *Upkeep) testAcceptor() (result, detail string) {
	t := u.rooms.Till
	ok, why := t.Ready()
	if why == till.NotReadyHeld || why == till.NotReadyCassette {
		ok = true // the unit is well
	}
	detail = words(u.acceptorDetail(), "as polled last: "+string(t.State()))
	if f := t.Fault(); f != nil {
		detail = words(detail, string(f.Kind), f.Detail)
	}
	if !ok {
		return record.ActFailed, words(detail, why)
	}
	return record.ActOK, detail
}

func (u *Upkeep) acceptorDetail() string {
	unit := u.rooms.Till.Ledger().Unit()
	if !unit.Known {
		return ""
	}
	return words(unit.Identity.Part, "serial "+unit.Identity.Serial)
}

func (u *Upkeep) testPage() (result, detail string) {
	u.rooms.Desk.PrintTest(u.now, u.ports.NewID(), paper.TestPage{
		Terminal: u.cfg.Terminal, When: u.now.In(u.cfg.Zone).Format("02.01.2006 15:04:05"), Printer: u.printerDetail(),
	})
	return "", ""
}

func (u *Upkeep) printerDetail() string {
	unit := u.rooms.Desk.Unit()
	return words(unit.Model, unit.Firmware, unit.Serial)
}

// paperChanged is the person's word for it; what the printer says of its paper
// stands beside.
func (u *Upkeep) paperChanged() (result, detail string) {
	s := u.rooms.Desk.Status()
	switch {
	case s.PaperOut:
		return record.ActFailed, "the printer sees no paper"
	case s.PaperLow:
		return record.ActOK, "the printer says that the paper is low"
	}
	return record.ActOK, s.Cause
}

func (u *Upkeep) testReaders() (result, detail string) {
	if !u.rooms.Cards.Ready() {
		return record.ActFailed, "no reader answers"
	}
	return record.ActOK, strings.Join(u.rooms.Cards.Readers(), "; ")
}

func (u *Upkeep) testLamps() (result, detail string) {
	u.lamptest = u.now.Add(lampTest)
	return "", ""
}

func (u *Upkeep) ping() (result, detail string) {
	u.ports.Ping()
	return "", ""
}

// canClearTamper: the loop is whole, and this person has not said so yet.
func (u *Upkeep) canClearTamper() bool {
	a := u.log.alarm(wire.AlarmTamper)
	return a != nil && !u.off(panel.InputTamper) && !slices.Contains(a.Persons, u.person())
}

// tamperPeople is how many must clear a tamper alarm.
const tamperPeople = 2

// clearTamper writes this person down; with the second one the terminal gets its
// key back and the alarm is over.
func (u *Upkeep) clearTamper() (result, detail string) {
	persons := append(slices.Clone(u.log.alarm(wire.AlarmTamper).Persons), u.person())
	detail = fmt.Sprintf("person %d of %d", len(persons), tamperPeople)
	if len(persons) < tamperPeople {
		return record.ActOK, detail
	}
	if err := u.ports.LoadKeys(); err != nil {
		return record.ActFailed, "the signing key cannot be read: " + err.Error()
	}
	u.dropped = false
	u.write(record.ServiceActed{Person: u.person(), Device: string(wire.DevicePanel), Act: string(wire.ActClearTamper), Result: record.ActOK, Detail: detail},
		record.AlarmCleared{Alarm: string(wire.AlarmTamper), Persons: persons})
	return "", detail
}

// canOpenPeriod: a cassette sits in its place and no period is open.
func (u *Upkeep) canOpenPeriod() bool {
	_, open := u.rooms.Till.Ledger().Period()
	return !open && !u.cassetteOut()
}

func (u *Upkeep) newCassette() (result, detail string) {
	if err := u.rooms.Till.OpenPeriod("new cassette", u.person()); err != nil {
		return record.ActFailed, err.Error()
	}
	n, _ := u.rooms.Till.Ledger().Period()
	return record.ActOK, fmt.Sprintf("period %d", n)
}

func (u *Upkeep) takeOut() (result, detail string) {
	u.out(u.person(), wire.OutByPerson)
	return "", ""
}

func (u *Upkeep) takeBack() (result, detail string) {
	u.write(record.ServiceBack{Person: u.person()})
	return "", ""
}

// words joins what there is to say.
func words(s ...string) string {
	return strings.Join(slices.DeleteFunc(s, func(w string) bool { return w == "" || w == "serial " }), ", ")
}
