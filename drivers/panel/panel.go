// Package panel is the family of cabinet panels: the contacts of doors, safe,
// cassette and tamper loop, and the lamps that lead the eye, whatever board they
// are wired to (panel/numato, panel/gpio).
//
// # The bargain between a driver and its user
//
//  1. A driver says how things stand and never what that means: who may open a
//     door, and what follows, is decided above (protocols/terminal-hardening.md
//     10).
//  2. After start, and after every loss of the board, the first event is Found
//     with the state of every input. No Changed stands for what happened while
//     nobody looked: the user compares Found with what it knew last, and so finds
//     the door that was opened while the power was off.
//  3. Until the next Lost, every Changed is a real change of one input, debounced
//     by Debounce. Bounces and pulses shorter than that are never told. What does
//     not come to rest, or changes more often than a hand moves it, is told once
//     as StateFault and stays so until it has been calm for CalmTime.
//  4. Lost is told when no board is found at start, and once for each loss; what
//     was known of the inputs is worth nothing then. The driver looks for the
//     board for ever.
//  5. A Light is remembered, also while there is no board, and shown by the next
//     one. At start every lamp is off.
//
// Core is the half that all drivers share, a pure state machine: it is told
// levels and the time, and never reads a clock or touches a board. The suite in
// panel/paneltest holds every driver to the bargain.
package panel

import (
	"context"
	"time"
)

// Input is a contact in the cabinet, by what it watches.
type Input string

const (
	InputServiceDoor Input = "service_door"
	InputSafeDoor    Input = "safe_door"
	InputCassette    Input = "cassette" // the note cassette sits in its place
	InputTamper      Input = "tamper"   // loop through the cabinet's walls; always supervised
	InputTilt        Input = "tilt"
	InputTemperature Input = "temperature"
	InputMains       Input = "mains" // behind a small UPS
	InputProximity   Input = "proximity"
)

// Inputs lists every input there can be.
func Inputs() []Input {
	return []Input{InputServiceDoor, InputSafeDoor, InputCassette, InputTamper,
		InputTilt, InputTemperature, InputMains, InputProximity}
}

// State is what is known of an input.
type State string

const (
	// StateRest: as it is in a cabinet that is closed and in service.
	StateRest State = "rest"
	// StateActive: opened, taken out, cut, tilted, lost: what the input is for.
	StateActive State = "active"
	// StateFault: the contact cannot be believed. A supervised line is cut or
	// shorted, or the contact chatters. To be taken as seriously as StateActive.
	StateFault State = "fault"
)

// Word says a state in the word that fits the input, in English, for logs and
// technicians: "open", "out", "cut".
func (i Input) Word(s State) string {
	if s == StateFault {
		return "line fault"
	}
	words, ok := map[Input][2]string{
		InputServiceDoor: {"closed", "open"},
		InputSafeDoor:    {"closed", "open"},
		InputCassette:    {"in", "out"},
		InputTamper:      {"whole", "cut"},
		InputTilt:        {"upright", "tilted"},
		InputTemperature: {"normal", "too hot"},
		InputMains:       {"present", "lost"},
		InputProximity:   {"nobody", "somebody"},
	}[i]
	switch {
	case ok && s == StateRest:
		return words[0]
	case ok && s == StateActive:
		return words[1]
	}
	return string(s)
}

// Lamp is a lamp of the cabinet, by what it stands at.
type Lamp string

const (
	LampAcceptor Lamp = "acceptor" // at the banknote slot
	LampPrinter  Lamp = "printer"  // at the receipt's exit
	LampCard     Lamp = "card"     // at the card slot
	LampStatus   Lamp = "status"   // in service
)

// Lamps lists every lamp there can be.
func Lamps() []Lamp { return []Lamp{LampAcceptor, LampPrinter, LampCard, LampStatus} }

// Pattern is how a lamp shines; the words are the flash rates of XFS4IoT Lights
// (protocols/xfs4iot.md 15), the rates are ours. None flashes more than three
// times a second (WCAG 2.2, success criterion 2.3.1).
type Pattern string

const (
	PatternOff    Pattern = "off"
	PatternOn     Pattern = "continuous"
	PatternSlow   Pattern = "slow"   // once in two seconds
	PatternMedium Pattern = "medium" // once a second
	PatternQuick  Pattern = "quick"  // twice a second
)

// Period is the time from one flash to the next; zero for a steady pattern.
func (p Pattern) Period() time.Duration {
	switch p {
	case PatternSlow:
		return 2 * time.Second
	case PatternMedium:
		return time.Second
	case PatternQuick:
		return 500 * time.Millisecond
	}
	return 0
}

// lit reports whether a lamp shines so long after the common beginning of all
// patterns. The first half of a period is the lit one.
func (p Pattern) lit(since time.Duration) bool {
	if period := p.Period(); period != 0 {
		return since%period < period/2
	}
	return p == PatternOn
}

// Board is what the I/O board says of itself; printable ASCII only.
type Board struct {
	Model    string `json:"model"`
	Firmware string `json:"firmware,omitempty"`
	ID       string `json:"id,omitempty"`
}

// Reading is one input and its state.
type Reading struct {
	Input Input `json:"input"`
	State State `json:"state"`
}

// Event is something that the panel says. The concrete types are below.
type Event interface{ panelEvent() }

type (
	// Found: a board answers and every wired input has come to rest, or is in
	// fault. Inputs has each of them, in the order of the Layout.
	Found struct {
		Board  Board     `json:"board"`
		Inputs []Reading `json:"inputs"`
	}

	// Lost: no board, for the reason in Cause, in words for a technician.
	Lost struct {
		Cause string `json:"cause"`
	}

	// Changed: one input has another state than was told last.
	Changed struct {
		Input Input `json:"input"`
		State State `json:"state"`
	}
)

func (Found) panelEvent()   {}
func (Lost) panelEvent()    {}
func (Changed) panelEvent() {}

// Command is what a panel can be told; it never blocks and may be repeated.
type Command interface{ panelCommand() }

// Light sets a lamp's pattern. A lamp that is not wired is left out silently: a
// cabinet without a card slot is led through the same journey.
type Light struct {
	Lamp    Lamp
	Pattern Pattern
}

func (Light) panelCommand() {}

// Driver runs a panel until ctx ends and returns ctx's cause, or at once what is
// wrong with its configuration. Commands are taken without delay; deliver is
// called from one goroutine, in the order of the events. Everything that a Driver
// started has ended when it returns.
type Driver func(ctx context.Context, commands <-chan Command, deliver func(Event)) error
