package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// read asks at one of the daemon's Unix sockets.
func (l *life) read(door, path string) string {
	l.p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: l.doors[door].dial, DisableKeepAlives: true}}
	resp, err := client.Get("http://terminal" + path)
	if err != nil {
		l.p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		l.p.t.Fatalf("%s: %s, %v: %s", path, resp.Status, err, b)
	}
	return string(b)
}

// TestHealthOfAWholeTerminal: what a technician and the fleet's watch read while
// all works, and after the acceptor's cable was pulled.
func TestHealthOfAWholeTerminal(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.until("an available service", func(s wire.State) bool { return len(s.Visit.Services) > 0 && s.Visit.Services[0].Available })
		var r health.Report
		if err := json.Unmarshal([]byte(l.read("admin", "/v1/health")), &r); err != nil {
			t.Fatal(err)
		}
		if !r.InOrder() || r.Words() != "in service" || len(r.Loops) != 5 {
			t.Errorf("%+v", r)
		}
		text := l.read("metrics", "/metrics")
		for _, want := range []string{`device_state{device="acceptor",state="online"} 1`, `device_state{device="card_reader",state="noDevice"} 1`,
			`function_available{function="cash"} 1`, "out_of_service 0", "unclean_starts_total 0", `sync_attempts_total{result="ok",type="head"} `, "journal_commit_seconds_count "} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%s is missing in\n%s", want, text)
			}
		}
		_ = l.unit.port.Close()
		pg.until("the service away", func(s wire.State) bool { return !s.Visit.Services[0].Available })
		if err := json.Unmarshal([]byte(l.read("admin", "/v1/health")), &r); err != nil {
			t.Fatal(err)
		}
		if d := r.Devices[0]; r.InOrder() || d.State != health.Offline || d.Cause == "" {
			t.Errorf("%+v", d)
		}
		if text := l.read("metrics", "/metrics"); !strings.Contains(text, "\n"+`function_available{function="cash"} 0`) {
			t.Errorf("cash can still be had:\n%s", text)
		}
		_ = pg.c.Close()
		l.end()
	})
}
