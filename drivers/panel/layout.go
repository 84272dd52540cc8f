package panel

import (
	"errors"
	"fmt"
	"slices"
)

// Contact says how one input is wired. At rest its line is low: a closed contact
// draws it to ground against a pull-up, and a cut wire reads as the alarm.
type Contact struct {
	Input Input
	// Line is the board's own name of the line: a channel number, or the name that
	// the kernel gives a GPIO line.
	Line string
	// Complement is a second line that is always opposite to Line: the other throw
	// of a change-over contact. It supervises the wiring: both lines high is a cut,
	// both low a short, and either is StateFault. "" for none.
	Complement string
	// HighAtRest turns Line and Complement around, for a contact that opens at
	// rest.
	HighAtRest bool
}

// state reads the contact.
func (c Contact) state(high func(line string) bool) State {
	rest := high(c.Line) == c.HighAtRest
	if c.Complement != "" && high(c.Line) == high(c.Complement) {
		return StateFault
	}
	if rest {
		return StateRest
	}
	return StateActive
}

// Wire says how one lamp is wired: lit while its line is high, or low.
type Wire struct {
	Lamp       Lamp
	Line       string
	LowWhenLit bool
}

// Level is the level of the lamp's line.
func (w Wire) Level(lit bool) bool { return lit != w.LowWhenLit }

// Layout is the wiring of one cabinet.
type Layout struct {
	Contacts []Contact
	Lamps    []Wire
}

// Inputs lists the lines of the contacts, in order.
func (l Layout) Inputs() []string {
	var lines []string
	for _, c := range l.Contacts {
		lines = append(lines, c.Line)
		if c.Complement != "" {
			lines = append(lines, c.Complement)
		}
	}
	return lines
}

// Outputs lists the lines of the lamps, in order.
func (l Layout) Outputs() []string {
	var lines []string
	for _, w := range l.Lamps {
		lines = append(lines, w.Line)
	}
	return lines
}

// Check says what is wrong with a layout. A tamper loop without a complement is
// refused: on one line a shorted loop looks whole for ever
// (protocols/terminal-hardening.md 10).
func (l Layout) Check() error {
	if len(l.Contacts) == 0 {
		return errors.New("no input is wired")
	}
	inputs, lamps, lines := map[Input]bool{}, map[Lamp]bool{}, map[string]bool{}
	for _, c := range l.Contacts {
		switch {
		case !slices.Contains(Inputs(), c.Input):
			return fmt.Errorf("there is no input %q", c.Input)
		case inputs[c.Input]:
			return fmt.Errorf("%s is wired twice", c.Input)
		case c.Input == InputTamper && c.Complement == "":
			return fmt.Errorf("%s has one line and needs two", c.Input)
		}
		inputs[c.Input] = true
	}
	for _, w := range l.Lamps {
		switch {
		case !slices.Contains(Lamps(), w.Lamp):
			return fmt.Errorf("there is no lamp %q", w.Lamp)
		case lamps[w.Lamp]:
			return fmt.Errorf("lamp %s is wired twice", w.Lamp)
		}
		lamps[w.Lamp] = true
	}
	for _, line := range append(l.Inputs(), l.Outputs()...) {
		switch {
		case line == "":
			return errors.New("a line has no name")
		case lines[line]:
			return fmt.Errorf("line %s is used twice", line)
		}
		lines[line] = true
	}
	return nil
}
