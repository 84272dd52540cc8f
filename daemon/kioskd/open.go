package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/ccnet"
	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsc"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pkcs15"
	kioskui "github.com/asan-kiosk/kiosk/kiosk-ui"
)

// open builds the parts as the configuration says. Nothing is driven yet.
func open(cfg *config.Config, log *slog.Logger) (p parts, err error) {
	p = parts{cfg: cfg, log: log, page: kioskui.FS(), asset: kioskui.AssetHash(), watch: health.NewWatch()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.bundle, err = loadBundle(cfg); err != nil {
		return p, err
	}
	p.loadKey = func() (ed25519.PrivateKey, error) { return config.SigningKey(cfg.State.KeyFile) }
	if p.key, err = p.loadKey(); err != nil {
		return p, err
	}
	if cfg.Upkeep.People != "" {
		if p.people, err = people.Load(cfg.Upkeep.People); err != nil {
			return p, fmt.Errorf("upkeep.people: %w", err)
		}
	}
	if err = enough(cfg, p.people, log); err != nil {
		return p, err
	}
	if p.token, err = config.ReadToken(cfg.Screen.TokenFile); err != nil {
		return p, err
	}
	for _, d := range []string{cfg.State.Dir, cfg.State.RuntimeDir} {
		if err = os.MkdirAll(d, 0o700); err != nil {
			return p, fmt.Errorf("folder %s: %w", d, err)
		}
	}
	p.resume = resumeFile{filepath.Join(cfg.State.RuntimeDir, "visit.json")}
	if p.screen, err = openScreen(cfg.Screen.Listen); err != nil {
		return p, err
	}
	if p.admin, err = admin.Listen(cfg.Admin.Socket); err != nil {
		return p, err
	}
	if s := cfg.Central.Socket; s != "" {
		p.network = central.Socket(s)
	}
	if cfg.Health.MetricsSocket != "" {
		if p.metrics, err = admin.Listen(cfg.Health.MetricsSocket); err != nil {
			return p, err
		}
	}
	p.dots = 576
	if cfg.Acceptor.Driver != config.DriverNone {
		a, mark := cfg.Acceptor, p.watch.Mark("acceptor", loopLimit)
		if a.Trace {
			p.trace = keepTraffic(cfg.State.RuntimeDir, log)
		}
		options := line.Options{Log: log.With("device", "acceptor"), Recorder: p.trace, Progress: mark.Touch}
		p.acceptor = func(ctx context.Context, memory cash.Memory, commands <-chan cash.Command, deliver func(cash.Event)) error {
			unit := ccnet.Config{Currency: a.Currency, PollPeriod: a.Poll, Denominations: a.Denominations, HighSecurity: a.HighSecurity,
				CouponLength: a.CouponDigits, UnitEscrow: a.UnitEscrow, Options: a.Options}
			return ccnet.RunTTY(ctx, a.Port, a.Baud, unit, memory, commands, deliver, options)
		}
	}
	if cfg.Printer.Driver != config.DriverNone {
		c := cfg.Printer
		profile, ok := escpos.Profiles()[c.Profile]
		if !ok {
			return p, fmt.Errorf("printer.profile %q; allowed: %s", c.Profile, strings.Join(slices.Sorted(maps.Keys(escpos.Profiles())), ", "))
		}
		p.dots = profile.Dots
		mark := p.watch.Mark("printer", loopLimit)
		p.printer = func(ctx context.Context, commands <-chan printer.Command, deliver func(printer.Event)) error {
			return escpos.RunTTY(ctx, c.Port, c.Baud, profile, commands, deliver, line.Options{Log: log.With("device", "printer"), Progress: mark.Touch})
		}
	}
	if cfg.Cards.Driver != config.DriverNone {
		if s := cfg.Cards.Socket; s != "" {
			// The library reads it at its first call, from its own copy of the environment.
			if err = os.Setenv("PCSCLITE_CSOCK_NAME", s); err != nil {
				return p, err
			}
		}
		readers := pcsc.New()
		readers.Progress = p.watch.Mark("card_reader", cardLimit).Touch
		p.cards = &esign.Runner{Service: readers,
			Profiles: []smartcard.Profile{pkcs15.New()}, Version: Version, Now: time.Now}
	}
	options := line.Options{Log: log.With("device", "panel")}
	if cfg.Panel.Driver == "numato" { // lines of the machine itself have no loop that could stand still
		options.Progress = p.watch.Mark("panel", loopLimit).Touch
	}
	p.panel = panelDriver(cfg.Panel, options)
	return p, nil
}

// enough says whether the people can deal with what the panel can tell.
func enough(cfg *config.Config, ps people.People, log *slog.Logger) error {
	if cfg.Panel.Driver == config.DriverNone {
		return nil
	}
	if len(ps) == 0 {
		return fmt.Errorf("upkeep.people: nobody is in %s, and the cabinet's doors are watched: kioskctl people add", cfg.Upkeep.People)
	}
	if len(ps) < 2 && slices.Contains(inputs(cfg), panel.InputTamper) {
		log.Warn("only one person is enrolled: a tamper alarm needs two people", "file", cfg.Upkeep.People)
	}
	if !slices.ContainsFunc(ps, func(p people.Person) bool { return p.Role.Collector() }) {
		log.Warn("no collector is enrolled: a new cassette cannot be confirmed", "file", cfg.Upkeep.People)
	}
	return nil
}

func (p parts) close() {
	_ = p.trace.Close() // nothing has been recorded yet
	for _, l := range []net.Listener{p.screen, p.admin, p.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
}
