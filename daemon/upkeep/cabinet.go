package upkeep

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// What the contacts say, and the alarms that follow. A contact in fault is taken as
// seriously as one that is open: a cut cable must not be a way in.

// Event takes in what the panel said.
func (u *Upkeep) Event(now time.Time, ev panel.Event) {
	u.now = now
	switch e := ev.(type) {
	case panel.Found:
		u.heard, u.board, u.lost = true, true, ""
		u.write(record.PanelFound{Board: e.Board})
		for _, r := range e.Inputs {
			u.contact(r.Input, r.State, true)
		}
		u.calm(wire.AlarmPanel)
	case panel.Lost:
		u.lost = e.Cause
		if u.board || !u.heard {
			u.write(record.PanelLost{Cause: e.Cause})
		}
		u.heard, u.board = true, false
		if u.log.alarm(wire.AlarmPanel) == nil {
			u.raise(wire.AlarmPanel, e.Cause)
		}
	case panel.Changed:
		u.contact(e.Input, e.State, false)
	}
}

// contact takes in the state of one contact. Who walks by is nobody's business:
// proximity is not recorded.
func (u *Upkeep) contact(in panel.Input, s panel.State, atStart bool) {
	was := u.log.s.Inputs[in]
	if s == was || in == panel.InputProximity || !u.wired(in) {
		return
	}
	person := u.person()
	u.write(record.PanelChanged{Input: in, State: s, AtStart: atStart, Person: person})
	detail := fmt.Sprintf("%s: %s", in, in.Word(s))
	if atStart {
		detail += ", found when the board was found"
	}
	rest := s == panel.StateRest
	opened := !rest && (was == "" || was == panel.StateRest)
	switch in {
	case panel.InputServiceDoor, panel.InputSafeDoor:
		if opened && person == "" {
			u.raise(wire.AlarmDoor, detail)
		}
	case panel.InputCassette:
		if opened {
			u.rooms.Till.ClosePeriod("cassette taken out", person)
		}
	case panel.InputTamper:
		if !rest { // whoever has cleared it before has to do so again
			u.raise(wire.AlarmTamper, detail)
		}
	case panel.InputTilt:
		u.passing(wire.AlarmTilt, rest, detail)
	case panel.InputTemperature:
		u.passing(wire.AlarmTemperature, rest, detail)
	case panel.InputMains:
		u.passing(wire.AlarmMains, rest, detail)
	}
}

// passing is an alarm that ends with its cause.
func (u *Upkeep) passing(a wire.Alarm, rest bool, detail string) {
	if rest {
		u.calm(a)
	} else {
		u.raise(a, detail)
	}
}

func (u *Upkeep) raise(a wire.Alarm, detail string) {
	u.write(record.AlarmRaised{Alarm: string(a), Detail: detail})
}

// calm clears an alarm if it stands.
func (u *Upkeep) calm(a wire.Alarm, persons ...string) {
	if u.log.alarm(a) != nil {
		u.write(record.AlarmCleared{Alarm: string(a), Persons: persons})
	}
}
