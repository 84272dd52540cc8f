package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/drivers/line"
	kioskui "github.com/asan-kiosk/kiosk/kiosk-ui"
)

// open builds the parts as the configuration says. Nothing is driven yet.
func open(cfg *config.Config, log *slog.Logger) (p parts, err error) {
	p = parts{cfg: cfg, log: log, network: http.DefaultTransport, page: kioskui.FS(), asset: kioskui.AssetHash()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.bundle, err = loadBundle(cfg); err != nil {
		return p, err
	}
	if p.key, err = config.SigningKey(cfg.State.KeyFile); err != nil {
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
	if p.screen, err = net.Listen("tcp", cfg.Screen.Listen); err != nil {
		return p, fmt.Errorf("the screen's address: %w", err)
	}
	if p.admin, err = listenUnix(cfg.Admin.Socket); err != nil {
		return p, err
	}
	if cfg.Acceptor.Driver != config.DriverNone {
		p.acceptor = line.OpenTTY(cfg.Acceptor.Port, line.Mode{Baud: baudOr(cfg.Acceptor.Baud, 9600)})
	}
	if cfg.Printer.Driver != config.DriverNone {
		p.printer = line.OpenTTY(cfg.Printer.Port, line.Mode{Baud: baudOr(cfg.Printer.Baud, 115200)})
	}
	return p, nil
}

func baudOr(baud, usual int) int {
	if baud == 0 {
		return usual
	}
	return baud
}

func (p parts) close() {
	for _, l := range []net.Listener{p.screen, p.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// listenUnix opens the admin socket for the owner and its group. A socket that a
// killed process left behind is removed; one that somebody answers on is not.
func listenUnix(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("admin socket %s: another kioskd answers on it", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return l, nil
}
