package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// wired is the sample with a panel.
func wired(t testing.TB, driver string) string {
	t.Helper()
	text := with(t, sample(t), `driver = "none"`, `driver = "`+driver+`"`)
	text = with(t, text, "lamps = ", `lamps = { status = "9", acceptor = "8" }`)
	text = with(t, text, `people = ""`, `people = "/etc/kiosk/people.json"`)
	text = with(t, text, "high_at_rest", `high_at_rest = ["mains"]`)
	return with(t, text, "low_when_lit", `low_when_lit = ["status"]`)
}

func TestPanel(t *testing.T) {
	for _, driver := range []string{"numato", "gpio"} {
		c, err := Parse("k", []byte(wired(t, driver)))
		if err != nil {
			t.Fatal(err)
		}
		want := panel.Layout{
			Contacts: []panel.Contact{
				{Input: panel.InputServiceDoor, Line: "0"}, {Input: panel.InputSafeDoor, Line: "1"}, {Input: panel.InputCassette, Line: "2"},
				{Input: panel.InputTamper, Line: "3", Complement: "4"}, {Input: panel.InputMains, Line: "5", HighAtRest: true},
			},
			Lamps: []panel.Wire{{Lamp: panel.LampAcceptor, Line: "8"}, {Lamp: panel.LampStatus, Line: "9", LowWhenLit: true}},
		}
		if c.Panel.Driver != driver || c.Panel.Port != "/dev/serial/by-id/usb-panel" || fmt.Sprint(c.Panel.Layout) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", c.Panel, want)
		}
	}
	names := strings.NewReplacer(`"0"`, `"GPIO17"`, `"8"`, `"LED_1"`).Replace(wired(t, "gpio"))
	if c, err := Parse("k", []byte(names)); err != nil || c.Panel.Layout.Contacts[0].Line != "GPIO17" {
		t.Errorf("lines by name: %v", err)
	}
	without := with(t, sample(t), `port = "/dev/serial/by-id/usb-panel"`, "")
	if c, err := Parse("k", []byte(with(t, without, "inputs = ", ""))); err != nil || c.Panel.Driver != DriverNone || len(c.Panel.Layout.Contacts) != 0 {
		t.Errorf("no panel: %v", err)
	}
}

// What a technician reads who has wired the cabinet wrongly in the file.
func TestPanelMistakes(t *testing.T) {
	inputs := `; allowed: a table of service_door safe_door cassette tamper tilt temperature mains proximity, each with the line it is wired to, or with two lines for a change-over contact`
	wiring := `; a tamper loop has two lines, so that a cut and a shorted cable are seen, and no line serves twice`
	for _, c := range []struct{ name, begin, line, want string }{
		{"unknown driver", `driver = "numato"`, `driver = "arduino"`, `panel.driver = "arduino" is not allowed; allowed: "numato", "gpio" or "none"`},
		{"no port", `port = "/dev/serial/by-id/usb-panel"`, ``, `panel.port is missing; allowed: an absolute path`},
		{"the printer's port", `port = "/dev/serial/by-id/usb-panel"`, `port = "/dev/serial/by-id/usb-printer"`, `panel.port = "/dev/serial/by-id/usb-printer" is the printer's port too; each device has a line of its own`},
		{"no inputs", "inputs = ", ``, `panel.inputs is missing` + inputs},
		{"empty table", "inputs = ", `inputs = {}`, `panel.inputs = {} is not allowed` + inputs},
		{"input of no meaning", "inputs = ", `inputs = { window = "0" }`, `panel.inputs = {window = "0"} is not allowed` + inputs},
		{"channel as number", "inputs = ", `inputs = { mains = 5 }`, `panel.inputs = {mains = 5} is not allowed` + inputs},
		{"three lines", "inputs = ", `inputs = { mains = ["1", "2", "3"] }`, `panel.inputs = {mains = ["1", "2", "3"]} is not allowed` + inputs},
		{"tamper loop on one line", "inputs = ", `inputs = { tamper = "3", mains = "5" }`, `panel.inputs = {mains = "5", tamper = "3"} cannot be: tamper has one line and needs two` + wiring},
		{"line twice", "inputs = ", `inputs = { service_door = "8", mains = "5" }`, `panel.inputs = {mains = "5", service_door = "8"} cannot be: line 8 is used twice` + wiring},
		{"name on a numbered board", "inputs = ", `inputs = { service_door = "GPIO17", mains = "5" }`, `panel.inputs = {mains = "5", service_door = "GPIO17"} has line "GPIO17", and this board's lines are numbers from 0 to 63; names of lines are for driver gpio`},
		{"channel too great", "lamps = ", `lamps = { status = "64" }`, `panel.lamps = {status = "64"} has line "64", and this board's lines are numbers from 0 to 63; names of lines are for driver gpio`},
		{"lamp of no meaning", "lamps = ", `lamps = { disco = "8" }`, `panel.lamps = {disco = "8"} is not allowed; allowed: a table of acceptor printer card status, each with the line it is wired to`},
		{"turned around and not wired", "high_at_rest", `high_at_rest = ["tilt"]`, `panel.high_at_rest = ["tilt"] is not allowed; allowed: a list of inputs of panel.inputs, each once`},
		{"nobody may open the door", "people = ", `people = ""`, `upkeep.people = "" is missing, and the cabinet's doors are watched; without people nobody could sign in at an open door, and the terminal would stay shut: kioskctl people add`},
		{"turned around twice", "low_when_lit", `low_when_lit = ["status", "status"]`, `panel.low_when_lit = ["status", "status"] is not allowed; allowed: a list of lamps of panel.lamps, each once`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := wired(t, "numato")
			if c.name == "channel too great" {
				text = with(t, text, "low_when_lit", "low_when_lit = []")
			}
			_, err := Parse("k", []byte(with(t, text, c.begin, c.line)))
			if err == nil {
				t.Fatal("was taken")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			_, got, _ := strings.Cut(first, ": ")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
