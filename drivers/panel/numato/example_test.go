package numato_test

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
)

// A machine is stepped by whoever has the line: here by hand, up to the first
// readings of a cabinet whose door stands open.
func ExampleMachine() {
	m := numato.New(numato.Config{Layout: panel.Layout{
		Contacts: []panel.Contact{{Input: panel.InputServiceDoor, Line: "0"}},
		Lamps:    []panel.Wire{{Lamp: panel.LampStatus, Line: "7"}},
	}})
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	out := m.Step(now, line.Input[panel.Command]{Link: line.LinkUp})
	fmt.Printf("%q\n", out.Send) // ends whatever the module had been told by half
	out = m.Step(out.Wake, line.Input[panel.Command]{})
	now = now.Add(60 * time.Millisecond)
	for _, says := range []string{"00000008", "00000000", "01", "", "", "", "", "", "01", "01", "01", "01", "01", "01"} {
		fmt.Printf("%q\n", out.Send)
		if says != "" {
			says += "\r\n"
		}
		echo := string(out.Send[:len(out.Send)-1])
		out = m.Step(now, line.Input[panel.Command]{Received: []byte(echo + "\r\n" + says + ">")})
		for _, e := range out.Events {
			fmt.Printf("%+v\n", e)
		}
		if len(out.Send) == 0 {
			now = out.Wake
			out = m.Step(now, line.Input[panel.Command]{})
		}
	}
	// Output:
	// "\r"
	// "ver\r"
	// "id get\r"
	// "gpio readall\r"
	// "gpio notify on\r"
	// "gpio iomask ff\r"
	// "gpio iodir 7f\r"
	// "gpio iomask 80\r"
	// "gpio writeall 00\r"
	// "gpio readall\r"
	// "gpio readall\r"
	// "gpio readall\r"
	// "gpio readall\r"
	// "gpio readall\r"
	// "gpio readall\r"
	// {Board:{Model:Numato GPIO, 8 channels Firmware:00000008 ID:00000000} Inputs:[{Input:service_door State:active}]}
}
