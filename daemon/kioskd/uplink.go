package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/socket"
	"github.com/asan-kiosk/kiosk/daemon/uplink"
)

// Names under which the service manager passes listeners (FileDescriptorName=).
const (
	passedScreen = "screen"
	passedUplink = "uplink"
)

// runUplink is the other process. It reads the same file as run and uses none of
// run's secrets, folders and devices.
func runUplink(ctx context.Context, cfg *config.Config) error {
	if cfg.Uplink.Central == nil {
		return errors.New("uplink.central is empty: this terminal has no uplink")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, cfg.Log.LogHandlerOptions()))
	u, err := uplink.New(uplink.Options{Terminal: cfg.Terminal.ID, Central: cfg.Uplink.Central, RootFile: cfg.Uplink.RootFile,
		Identity: cfg.Uplink.Identity, Log: log})
	if err != nil {
		return err
	}
	l, err := socket.Passed(passedUplink)
	if l == nil && err == nil {
		l, err = socket.Listen(cfg.Central.Socket, 0o660, cfg.Uplink.Group)
	}
	if err != nil {
		return fmt.Errorf("the uplink's socket: %w", err)
	}
	log.Info("the uplink serves", "central", cfg.Uplink.Central.Host, "certificate_until", u.Leaf().NotAfter)
	return u.Serve(ctx, l)
}

// openScreen is the screen's listener: the one that the service manager passes, so
// that run needs no network of its own, or a port that run opens when it is started
// by hand. A passed one must be where the configuration says: the page's origin is
// checked against that.
func openScreen(address string) (net.Listener, error) {
	l, err := socket.Passed(passedScreen)
	if err != nil {
		return nil, fmt.Errorf("the screen's address: %w", err)
	}
	if l == nil {
		if l, err = net.Listen("tcp", address); err != nil {
			return nil, fmt.Errorf("the screen's address: %w", err)
		}
		return l, nil
	}
	if got := l.Addr().String(); got != address {
		return nil, errors.Join(fmt.Errorf("the service manager passes a screen at %s; screen.listen says %s", got, address), l.Close())
	}
	return l, nil
}
