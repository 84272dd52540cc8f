package main

import (
	"context"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/daemon/upkeep"
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

func (w *world) Panel(c panel.Command) {
	if w.lamps == nil {
		return
	}
	select {
	case w.lamps <- c:
	case <-w.ctx.Done():
	}
}

// CheckPIN hands a PIN to the one who has the time for its derivation.
func (w *world) CheckPIN(c upkeep.Check) {
	select {
	case w.pins <- c:
	case <-w.ctx.Done():
		c.PIN.Wipe()
	}
}

func (w *world) DropKeys()       { w.keys.drop() }
func (w *world) LoadKeys() error { return w.keys.restore() }

// checkPINs compares one PIN after the other.
func (w *world) checkPINs(ctx context.Context) error {
	for {
		select {
		case c := <-w.pins:
			r := c.Do()
			w.core.put(func(t *terminal.Terminal, now time.Time) { t.PINChecked(now, r) })
		case <-ctx.Done():
			return nil
		}
	}
}
