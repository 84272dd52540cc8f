package record

import "github.com/asan-kiosk/kiosk/drivers/panel"

// The cabinet and the people who look after it. Person is the number of a member
// of staff in the file of enrolled people, never a customer; "" is nobody.

// Doors, loop and board.
type (
	// PanelFound: a board of contacts answers. What stands otherwise than was known
	// last follows in PanelChanged with AtStart.
	PanelFound struct {
		Board panel.Board `json:"board"`
	}
	// PanelLost: no board answers; how the contacts stand is not known.
	PanelLost struct {
		Cause string `json:"cause"`
	}
	// PanelChanged: a contact has another state than was known last. AtStart: it
	// changed while nobody looked, as when the power was off.
	PanelChanged struct {
		Input   panel.Input `json:"input"`
		State   panel.State `json:"state"`
		AtStart bool        `json:"at_start,omitempty"`
		Person  string      `json:"person,omitempty"` // who was in service mode
	}
	// AlarmRaised: somebody must look. An alarm that stands already may be raised
	// anew: it has happened again.
	AlarmRaised struct {
		Alarm  string `json:"alarm"`
		Detail string `json:"detail,omitempty"`
	}
	// AlarmCleared: by these people, or by itself (nobody).
	AlarmCleared struct {
		Alarm   string   `json:"alarm"`
		Persons []string `json:"persons,omitempty"`
	}
)

// Service mode.
type (
	// ServiceEntered: a person has signed in at the open cabinet.
	ServiceEntered struct {
		Person string `json:"person"`
		Role   string `json:"role"`
	}
	// ServiceLeft ends what ServiceEntered began.
	ServiceLeft struct {
		Person string `json:"person"`
		Why    string `json:"why"` // left, timeout, restart
	}
	// ServiceActed: something was done, or begun (Result "started"; the end follows).
	ServiceActed struct {
		Person string `json:"person"`
		Device string `json:"device"`
		Act    string `json:"act"`
		Result string `json:"result"` // started, ok, failed
		Detail string `json:"detail,omitempty"`
	}
	// ServiceOut: the terminal is out of service until ServiceBack.
	ServiceOut struct {
		Person string `json:"person,omitempty"`
		Why    string `json:"why"` // person, timeout, restart
	}
	// ServiceBack: a person has put it into service again.
	ServiceBack struct {
		Person string `json:"person"`
	}
)

// Results of ServiceActed.
const (
	ActStarted = "started"
	ActOK      = "ok"
	ActFailed  = "failed"
)

func (PanelFound) Kind() Kind     { return "panel.found" }
func (PanelLost) Kind() Kind      { return "panel.lost" }
func (PanelChanged) Kind() Kind   { return "panel.changed" }
func (AlarmRaised) Kind() Kind    { return "alarm.raised" }
func (AlarmCleared) Kind() Kind   { return "alarm.cleared" }
func (ServiceEntered) Kind() Kind { return "service.entered" }
func (ServiceLeft) Kind() Kind    { return "service.left" }
func (ServiceActed) Kind() Kind   { return "service.act" }
func (ServiceOut) Kind() Kind     { return "service.out" }
func (ServiceBack) Kind() Kind    { return "service.back" }
