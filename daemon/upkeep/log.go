package upkeep

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// maxFaults is how many of the latest device faults are kept for the screen.
const maxFaults = 20

// maxDetail bounds, in bytes, what a kept fault says.
const maxDetail = 160

// entered is who is in service mode.
type entered struct {
	Person string `json:"person"`
	Role   string `json:"role"`
	Wall   int64  `json:"wall"`
}

// Time is when the person came in.
func (e *entered) Time() time.Time { return time.UnixMilli(e.Wall) }

// outOf is who has taken the terminal out of service.
type outOf struct {
	Person string `json:"person,omitempty"`
	Why    string `json:"why"`
	Wall   int64  `json:"wall"`
}

// alarm is one that stands.
type alarm struct {
	Name    string   `json:"name"`
	Detail  string   `json:"detail,omitempty"`
	Wall    int64    `json:"wall"`
	Persons []string `json:"persons,omitempty"` // have cleared it
}

// fault is a device fault.
type fault struct {
	Device string `json:"device"`
	Fault  string `json:"fault"`
	Detail string `json:"detail,omitempty"`
	Wall   int64  `json:"wall"`
}

type logState struct {
	Inputs map[panel.Input]panel.State `json:"inputs,omitempty"` // as last told
	Board  *panel.Board                `json:"board,omitempty"`  // that was found last
	In     *entered                    `json:"in,omitempty"`
	Out    *outOf                      `json:"out,omitempty"`
	Alarms []alarm                     `json:"alarms,omitempty"` // oldest first
	Faults []fault                     `json:"faults,omitempty"` // newest first
}

// Log is the fold of the cabinet's records and of the people's at it.
type Log struct{ s logState }

// NewLog is the log of an empty journal.
func NewLog() *Log { return &Log{} }

// Name is "upkeep".
func (l *Log) Name() string { return "upkeep" }

// Save writes the state for a checkpoint.
func (l *Log) Save() (json.RawMessage, error) { return json.Marshal(&l.s) }

// Load takes up a saved state.
func (l *Log) Load(b json.RawMessage) error {
	var s logState
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("upkeep: load: %w", err)
	}
	l.s = s
	return nil
}

// Person is the number of who is in service mode, or "".
func (l *Log) Person() string {
	if l.s.In == nil {
		return ""
	}
	return l.s.In.Person
}

// alarm is the alarm of this name if it stands, or nil.
func (l *Log) alarm(name wire.Alarm) *alarm {
	for i := range l.s.Alarms {
		if l.s.Alarms[i].Name == string(name) {
			return &l.s.Alarms[i]
		}
	}
	return nil
}

// Apply takes one record into account.
func (l *Log) Apply(r journal.Record) error {
	if f := appliers[r.Kind]; f != nil {
		return f(l, r)
	}
	return nil
}

func on[T record.Body](f func(s *logState, wall int64, b T)) func(*Log, journal.Record) error {
	return func(l *Log, r journal.Record) error {
		var b T
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fmt.Errorf("upkeep: record %d (%s): %w", r.Seq, r.Kind, err)
		}
		f(&l.s, r.Wall, b)
		return nil
	}
}

var appliers = map[record.Kind]func(*Log, journal.Record) error{
	record.PanelFound{}.Kind(): on(func(s *logState, _ int64, b record.PanelFound) { s.Board = &b.Board }),
	record.PanelChanged{}.Kind(): on(func(s *logState, _ int64, b record.PanelChanged) {
		if s.Inputs == nil {
			s.Inputs = map[panel.Input]panel.State{}
		}
		s.Inputs[b.Input] = b.State
	}),
	record.AlarmRaised{}.Kind(): on(func(s *logState, wall int64, b record.AlarmRaised) {
		for i := range s.Alarms {
			if a := &s.Alarms[i]; a.Name == b.Alarm { // again: what people have said of it is over
				a.Detail, a.Persons = b.Detail, nil
				return
			}
		}
		s.Alarms = append(s.Alarms, alarm{Name: b.Alarm, Detail: b.Detail, Wall: wall})
	}),
	record.AlarmCleared{}.Kind(): on(func(s *logState, _ int64, b record.AlarmCleared) {
		s.Alarms = slices.DeleteFunc(s.Alarms, func(a alarm) bool { return a.Name == b.Alarm })
		if len(s.Alarms) == 0 {
			s.Alarms = nil
		}
	}),
	record.ServiceEntered{}.Kind(): on(func(s *logState, wall int64, b record.ServiceEntered) {
		s.In = &entered{b.Person, b.Role, wall}
	}),
	record.ServiceLeft{}.Kind(): on(func(s *logState, _ int64, _ record.ServiceLeft) { s.In = nil }),
	record.ServiceOut{}.Kind():  on(func(s *logState, wall int64, b record.ServiceOut) { s.Out = &outOf{b.Person, b.Why, wall} }),
	record.ServiceBack{}.Kind(): on(func(s *logState, _ int64, _ record.ServiceBack) { s.Out = nil }),
	record.ServiceActed{}.Kind(): on(func(s *logState, _ int64, b record.ServiceActed) {
		if b.Act != string(wire.ActClearTamper) || b.Result != record.ActOK {
			return
		}
		for i := range s.Alarms {
			if a := &s.Alarms[i]; a.Name == string(wire.AlarmTamper) && !slices.Contains(a.Persons, b.Person) {
				a.Persons = append(a.Persons, b.Person)
			}
		}
	}),
	record.DeviceFault{}.Kind(): on(func(s *logState, wall int64, b record.DeviceFault) {
		s.Faults = slices.Insert(s.Faults, 0, fault{b.Device, b.Fault, shorten(b.Detail), wall})
		s.Faults = s.Faults[:min(len(s.Faults), maxFaults)]
	}),
}

// shorten keeps the first part of a text, whole characters only.
func shorten(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	n := 0
	for i := range s {
		if i > maxDetail {
			break
		}
		n = i
	}
	return s[:n]
}
