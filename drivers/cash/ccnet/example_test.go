package ccnet_test

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/ccnet"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

func ExampleFrame() {
	poll := ccnet.Frame{Address: ccnet.AddressValidator, Payload: []byte{0x33}}
	b, err := poll.AppendBinary(nil)
	fmt.Printf("% X %v\n", b, err)
	// Output: 02 03 06 33 DA 81 <nil>
}

func ExampleDecoder() {
	d := ccnet.Decoder{Address: ccnet.AddressValidator}
	// Noise, then "bill stacked, type 4" in two pieces.
	d.Feed([]byte{0xFF, 0x02, 0x03, 0x07})
	d.Feed([]byte{0x81, 0x04, 0x70, 0x6C})
	f, _, ok := d.Next()
	fmt.Printf("% X %t\n", f.Payload, ok)
	// Output: 81 04 true
}

// A machine is stepped by whoever has the line: here by hand.
func ExampleMachine() {
	m := ccnet.New(ccnet.Config{}, cash.Memory{})
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

	out := m.Step(now, line.Input[cash.Command]{Link: line.LinkUp})
	fmt.Printf("> % X\n", out.Send)

	// The unit has lost power with a note past the point of return.
	now = now.Add(10 * time.Millisecond)
	out = m.Step(now, line.Input[cash.Command]{Received: []byte{0x02, 0x03, 0x06, 0x12, 0x51, 0xB1}})
	fmt.Printf("> % X\n", out.Send)
	var id cash.EventID
	for _, e := range out.Events {
		if up, ok := e.(cash.PowerUp); ok {
			id = up.ID
			fmt.Println("power-up, note in the", up.Position)
		}
	}

	// It is reset only when the till has written that down.
	now = now.Add(50 * time.Millisecond)
	out = m.Step(now, line.Input[cash.Command]{Commands: []cash.Command{cash.Confirm{ID: id}}})
	fmt.Printf("> % X\n", out.Send)
	// Output:
	// > 02 03 06 33 DA 81
	// > 02 03 06 00 C2 82
	// power-up, note in the stacker
	// > 02 03 06 30 41 B3
}
