package ioboard

import "fmt"

// State is what an onlooker sees.
type State struct {
	Plugged     bool               `json:"plugged"`
	ServiceDoor string             `json:"service_door"` // "closed" or "open"
	SafeDoor    string             `json:"safe_door"`
	Cassette    string             `json:"cassette"` // "in" or "out"
	Tamper      Loop               `json:"tamper"`
	Mains       string             `json:"mains"` // "present" or "lost"
	Lamps       map[Lamp]LampState `json:"lamps"`
	Commands    uint64             `json:"commands"` // obeyed since the start
	Channels    int                `json:"channels"`
	Outputs     []int              `json:"outputs"` // channels that the host has made outputs
	Troubles    []string           `json:"troubles"`
}

// LampState is one lamp.
type LampState struct {
	Lit      bool   `json:"lit"`                 // at this moment
	Shows    string `json:"shows"`               // "off", "on" or "flashing"
	PeriodMS int64  `json:"period_ms,omitempty"` // from flash to flash
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// State describes board and cabinet.
func (b *Board) State() State {
	s := State{
		Plugged: b.plugged, Tamper: b.w.Tamper, Lamps: map[Lamp]LampState{},
		ServiceDoor: either(b.w.ServiceDoorOpen, "open", "closed"), SafeDoor: either(b.w.SafeDoorOpen, "open", "closed"),
		Cassette: either(b.w.CassetteOut, "out", "in"), Mains: either(b.w.MainsLost, "lost", "present"),
		Commands: b.commands, Channels: b.cfg.Channels, Outputs: []int{}, Troubles: []string{},
	}
	for _, l := range lampChannels {
		shine := b.lamps[l.lamp]
		s.Lamps[l.lamp] = LampState{Lit: shine.lit, Shows: shine.word(), PeriodMS: 2 * shine.half.Milliseconds()}
	}
	for i := range b.cfg.Channels {
		if b.inputs>>i&1 == 0 {
			s.Outputs = append(s.Outputs, i)
		}
	}
	add := func(on bool, format string, args ...any) {
		if on {
			s.Troubles = append(s.Troubles, fmt.Sprintf(format, args...))
		}
	}
	add(b.now.Before(b.troubles.hungUntil), "hangs")
	add(b.troubles.dropAnswer > 0, "%d answers lost", b.troubles.dropAnswer)
	add(b.troubles.garbage.Count > 0, "garbage before %d answers", b.troubles.garbage.Count)
	add(b.bouncing(), "%s bounces", b.bounce.Contact)
	return s
}
