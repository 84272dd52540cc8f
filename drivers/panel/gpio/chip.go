package gpio

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// chips finds the machine's GPIO chips, once. Only the driver of the character
// device is linked in and so started: no other one of periph.io, of which some
// map registers, may run in the cabinet.
var chips = sync.OnceValues(func() ([]*gpioioctl.GPIOChip, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("find GPIO chips: %w", err)
	}
	if len(gpioioctl.Chips) == 0 {
		return nil, errors.New("this machine has no GPIO chip that may be opened")
	}
	return gpioioctl.Chips, nil
})

// Chip takes the lines of a layout from the chip at path, which may be a symbolic
// link such as /dev/kiosk/gpio0.
func Chip(path string, l panel.Layout) Opener {
	return func(ctx context.Context) (Lines, error) {
		if err := ctx.Err(); err != nil {
			return Lines{}, err
		}
		device, err := filepath.EvalSymlinks(path)
		if err != nil {
			return Lines{}, fmt.Errorf("find chip: %w", err)
		}
		all, err := chips()
		if err != nil {
			return Lines{}, err
		}
		for _, c := range all {
			if c.Path() == device {
				return take(c, l)
			}
		}
		return Lines{}, fmt.Errorf("%s is not among the GPIO chips that were there at start", device)
	}
}

// take requests the lines from the kernel, which gives each to one program only.
func take(c *gpioioctl.GPIOChip, l panel.Layout) (Lines, error) {
	in, err := c.LineSet(gpioioctl.LineInput, gpio.BothEdges, gpio.PullUp, l.Inputs()...)
	if err != nil {
		return Lines{}, fmt.Errorf("take inputs: %w", err)
	}
	lines := Lines{Chip: c.Label(), Inputs: in, Close: func() { _ = in.Close() }} // given up either way
	if len(l.Lamps) == 0 {
		return lines, nil
	}
	out, err := c.LineSet(gpioioctl.LineOutput, gpio.NoEdge, gpio.PullNoChange, l.Outputs()...)
	if err != nil {
		lines.Close()
		return Lines{}, fmt.Errorf("take outputs: %w", err)
	}
	lines.Outputs = out
	lines.Close = func() { _, _ = in.Close(), out.Close() }
	return lines, nil
}
