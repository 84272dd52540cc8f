package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Each driver that the configuration allows is there, and says that its board is
// not.
func TestPanelDrivers(t *testing.T) {
	layout := panel.Layout{Contacts: []panel.Contact{{Input: panel.InputServiceDoor, Line: "0"}}}
	for _, name := range []string{"numato", "gpio"} {
		d := panelDriver(config.Panel{Driver: name, Port: filepath.Join(t.TempDir(), "none"), Layout: layout}, line.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var told []panel.Event
		err := d(ctx, nil, func(e panel.Event) { told = append(told, e); cancel() })
		if _, lost := told[0].(panel.Lost); !lost || len(told) != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: told %+v, ended with %v", name, told, err)
		}
		cancel()
	}
	if panelDriver(config.Panel{Driver: config.DriverNone}, line.Options{}) != nil {
		t.Error("a driver for none")
	}
}
