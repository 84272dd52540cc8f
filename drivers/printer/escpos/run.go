package escpos

import (
	"context"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Run drives the printer on the line that opener opens, until ctx ends; it
// returns ctx's cause, or at once what is wrong with the profile. Commands are
// taken without delay; deliver is called in the order of the events.
func Run(ctx context.Context, opener line.Opener, p Profile, commands <-chan printer.Command, deliver func(printer.Event), opts line.Options) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := line.Run(ctx, opener, New(p), commands, deliver, opts); err != nil {
		return fmt.Errorf("escpos: %w", err)
	}
	return nil
}

// RunTTY drives the printer on a serial port at a rate in bits a second, as 8N1.
func RunTTY(ctx context.Context, port string, baud int, p Profile, commands <-chan printer.Command, deliver func(printer.Event), opts line.Options) error {
	return Run(ctx, line.OpenTTY(port, line.Mode{Baud: baud}), p.At(baud), commands, deliver, opts)
}
