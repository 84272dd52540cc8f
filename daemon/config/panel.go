package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// lineForm is a line's name: a channel number, or a name that the kernel gives.
var lineForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,31}$`)

// maxChannel is the greatest channel number of a numbered board.
const maxChannel = 63

func inputNames() string { return names(panel.Inputs()) }
func lampNames() string  { return names(panel.Lamps()) }

func names[S ~string](list []S) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, " ")
}

func isLine(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && lineForm.MatchString(s)
}

// setInputs reads the wiring of the contacts. They stand in the order of
// panel.Inputs, because a TOML table has none.
func setInputs(c *Config, v any) bool {
	table, ok := v.(map[string]any)
	if !ok || len(table) == 0 {
		return false
	}
	var contacts []panel.Contact
	for _, in := range panel.Inputs() {
		v, wired := table[string(in)]
		if !wired {
			continue
		}
		k := panel.Contact{Input: in}
		if pair, two := v.([]any); two {
			if len(pair) != 2 {
				return false
			}
			if k.Complement, ok = isLine(pair[1]); !ok {
				return false
			}
			v = pair[0]
		}
		if k.Line, ok = isLine(v); !ok {
			return false
		}
		contacts = append(contacts, k)
	}
	if len(contacts) != len(table) {
		return false // an input of another name
	}
	c.Panel.Layout.Contacts = contacts
	return true
}

func setLamps(c *Config, v any) bool {
	table, ok := v.(map[string]any)
	if !ok {
		return false
	}
	var lamps []panel.Wire
	for _, l := range panel.Lamps() {
		v, wired := table[string(l)]
		if !wired {
			continue
		}
		line, ok := isLine(v)
		if !ok {
			return false
		}
		lamps = append(lamps, panel.Wire{Lamp: l, Line: line})
	}
	if len(lamps) != len(table) {
		return false
	}
	c.Panel.Layout.Lamps = lamps
	return true
}

// setHighAtRest and setLowWhenLit turn wires around. Where the wiring itself is
// wrong, only that is told: any name will do.
func setHighAtRest(c *Config, v any) bool {
	list := c.Panel.Layout.Contacts
	return eachOnce(v, panel.Inputs(), func(in panel.Input) bool {
		i := slices.IndexFunc(list, func(k panel.Contact) bool { return k.Input == in })
		if i >= 0 {
			list[i].HighAtRest = true
		}
		return i >= 0 || len(list) == 0
	})
}

func setLowWhenLit(c *Config, v any) bool {
	list := c.Panel.Layout.Lamps
	return eachOnce(v, panel.Lamps(), func(l panel.Lamp) bool {
		i := slices.IndexFunc(list, func(w panel.Wire) bool { return w.Lamp == l })
		if i >= 0 {
			list[i].LowWhenLit = true
		}
		return i >= 0 || len(list) == 0
	})
}

// eachOnce takes a list of known names, each once.
func eachOnce[S ~string](v any, known []S, take func(S) bool) bool {
	list, ok := v.([]any)
	if !ok {
		return false
	}
	seen := map[S]bool{}
	for _, one := range list {
		s, ok := one.(string)
		if !ok || seen[S(s)] || !slices.Contains(known, S(s)) || !take(S(s)) {
			return false
		}
		seen[S(s)] = true
	}
	return true
}

// comparePanel checks the wiring as a whole.
func comparePanel(c *Config, all func(...string) bool, fail func(key, problem, hint string)) {
	if !all("panel.driver") || !hasPanel(c) {
		return
	}
	if all("panel.inputs", "panel.lamps") {
		l := c.Panel.Layout
		if err := l.Check(); err != nil {
			fail("panel.inputs", "cannot be: "+err.Error(), "a tamper loop has two lines, so that a cut and a shorted cable are seen, and no line serves twice")
		} else if c.Panel.Driver == "numato" {
			for _, line := range append(l.Inputs(), l.Outputs()...) {
				if n, err := strconv.Atoi(line); err != nil || n < 0 || n > maxChannel || strconv.Itoa(n) != line {
					key := "panel.inputs"
					if slices.Contains(l.Outputs(), line) {
						key = "panel.lamps"
					}
					fail(key, fmt.Sprintf("has line %q, and this board's lines are numbers from 0 to %d", line, maxChannel), "names of lines are for driver gpio")
					break
				}
			}
		}
	}
	for _, d := range []struct {
		key, port string
		there     bool
		name      string
	}{
		{"acceptor.port", c.Acceptor.Port, hasAcceptor(c), "acceptor"},
		{"printer.port", c.Printer.Port, hasPrinter(c), "printer"},
	} {
		if all("panel.port", d.key) && d.there && c.Panel.Port == d.port {
			fail("panel.port", "is the "+d.name+"'s port too", "each device has a line of its own")
		}
	}
}
