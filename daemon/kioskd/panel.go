package main

import (
	"context"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/gpio"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
)

// panelDriver is the panel as the configuration has it; nil for none.
func panelDriver(c config.Panel, opts line.Options) panel.Driver {
	switch c.Driver {
	case "numato":
		return func(ctx context.Context, commands <-chan panel.Command, deliver func(panel.Event)) error {
			return numato.Run(ctx, line.OpenTTY(c.Port, numato.TTY()), numato.Config{Layout: c.Layout}, commands, deliver, opts)
		}
	case "gpio":
		return func(ctx context.Context, commands <-chan panel.Command, deliver func(panel.Event)) error {
			return gpio.Run(ctx, gpio.Chip(c.Port, c.Layout), gpio.Config{Layout: c.Layout}, commands, deliver, opts)
		}
	}
	return nil
}

// inputs are the contacts that the configuration has wired; none without a panel.
func inputs(c *config.Config) []panel.Input {
	if c.Panel.Driver == config.DriverNone {
		return nil
	}
	var out []panel.Input
	for _, k := range c.Panel.Layout.Contacts {
		out = append(out, k.Input)
	}
	return out
}
