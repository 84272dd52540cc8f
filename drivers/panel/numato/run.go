package numato

import (
	"context"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// TTY is the line's mode. The modules are USB devices of class CDC: no speed is
// real, and any will do.
func TTY() line.Mode { return line.Mode{Baud: 115200} }

// Run drives the module on the line that opener opens, until ctx ends; it returns
// ctx's cause, or at once what is wrong with the configuration. See line.Run for
// how commands and deliver are served.
func Run(ctx context.Context, opener line.Opener, cfg Config, commands <-chan panel.Command, deliver func(panel.Event), opts line.Options) error {
	if err := cfg.Check(); err != nil {
		return fmt.Errorf("numato: %w", err)
	}
	if err := line.Run(ctx, opener, New(cfg), commands, deliver, opts); err != nil {
		return fmt.Errorf("numato: %w", err)
	}
	return nil
}
