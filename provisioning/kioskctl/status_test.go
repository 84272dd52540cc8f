package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/health"
)

// telling serves a report on a socket, as kioskd does.
func telling(t *testing.T, report func(context.Context) (health.Report, error)) (socket string) {
	t.Helper()
	_, j := makeJournal(t)
	socket = filepath.Join(t.TempDir(), "a.sock")
	l, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	serving, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- admin.Serve(serving, l, admin.Handler(admin.Options{Journal: j, Health: report})) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func TestStatusCommand(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	good := func() health.Report {
		return health.Report{At: at, Devices: []health.Device{
			{ID: health.Acceptor, Name: "banknote acceptor", State: health.Online, Model: "SM-AZ 7", Since: at.Add(-3 * time.Minute)},
			{ID: health.Panel, Name: "door and lamp board", State: health.NoDevice, Since: at.Add(-80 * time.Hour)},
		}, Functions: []health.Function{{ID: health.FunctionCash, Available: true}}}
	}
	for _, c := range []struct {
		name   string
		change func(*health.Report)
		code   int
		want   []string
	}{
		{"all is well", func(*health.Report) {}, exitOK, []string{
			"  terminal 0192c5d4-", "at 2026-03-01 12:00:00.000\n", "  in service\n", "  banknote acceptor    online (SM-AZ 7), for 3 min\n", "  door and lamp board  noDevice, for 3 days\n",
			"  journal              record "}},
		{"somebody is here", func(r *health.Report) { r.InVisit = true }, exitOK, []string{"  in service, somebody is at the screen\n"}},
		{"out of service", func(r *health.Report) {
			r.OutOfService = []string{"central does not answer (timeout)"}
			r.Functions = []health.Function{{ID: health.FunctionCentral, Cause: "central does not answer (timeout)"}}
			r.Central = health.CentralReport{Open: 2, Backoff: 90_000}
		}, exitFinding, []string{"! OUT OF SERVICE\n!   central does not answer (timeout)\n", "! no central: central does not answer (timeout)\n", "2 without a result yet", "! records              are sent again in 1 min\n"}},
		{"a device in trouble, with its own words", func(r *health.Report) {
			r.Devices[0].State, r.Devices[0].Cause = health.HardwareError, "cassette\x1b[31m full"
		}, exitFinding, []string{"! banknote acceptor    hardwareError: cassette\uFFFD[31m full (SM-AZ 7), for 3 min\n"}},
		{"an alarm", func(r *health.Report) { r.Alarms = []string{"chain.forked"} }, exitFinding, []string{"! alarm: chain.forked\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.change(&r)
			socket := telling(t, func(context.Context) (health.Report, error) { return r, nil })
			code, out, _ := kioskctl(t, testRooms, "status", "--socket", socket)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			code, out, _ = kioskctl(t, testRooms, "status", "--json", "--socket", socket)
			var s Standing
			if err := json.Unmarshal([]byte(out), &s); err != nil || code != c.code || s.InOrder != (c.code == exitOK) || len(s.Health.Devices) != 2 || s.Journal.Seq == 0 {
				t.Errorf("JSON, exit code %d, %v: %s", code, err, out)
			}
		})
	}
}

func TestStatusOfNobody(t *testing.T) {
	code, _, errOut := kioskctl(t, testRooms, "status", "--socket", filepath.Join(t.TempDir(), "none"))
	if code != exitFailed || !strings.Contains(errOut, "no terminal answers") || !strings.Contains(errOut, "kioskctl logs") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	socket := telling(t, func(context.Context) (health.Report, error) { return health.Report{}, errors.New("stuck") })
	code, _, errOut = kioskctl(t, testRooms, "status", "--socket", socket)
	if code != exitFailed || !strings.Contains(errOut, "rooms do not answer") || !strings.Contains(errOut, "ends by itself") {
		t.Errorf("rooms that do not answer: exit code %d: %s", code, errOut)
	}
}

func TestLogs(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"kioskd.log": "one\ntwo\nthree \x1b[31mred\n", "bench.log": "bench\n", "other.txt": "no\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, _ := kioskctl(t, testRooms, "logs", "--dir", dir, "-n", "2")
	if want := "bench    bench\nkioskd   two\nkioskd   three \uFFFD[31mred\n"; code != exitOK || out != want {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, out, _ = kioskctl(t, testRooms, "logs", "--dir", dir, "-n", "1", "--json")
	if code != exitOK || !strings.Contains(out, `{"message":"bench","program":"bench"}`) {
		t.Errorf("JSON, exit code %d, %q", code, out)
	}
	for _, args := range [][]string{{"--dir", t.TempDir()}, {"--lines", "0"}, {"--dir", dir, "--follow"}} {
		if code, _, errOut := kioskctl(t, testRooms, append([]string{"logs"}, args...)...); code == exitOK || !strings.Contains(errOut, "hint: ") {
			t.Errorf("%v: exit code %d: %s", args, code, errOut)
		}
	}
	// The system's log, by a program that says how it was asked.
	asked := filepath.Join(dir, "journalctl")
	if err := os.WriteFile(asked, []byte("#!/bin/sh\nprintf '%s ' \"$@\"\nprintf '\\033[31m\\n'\n[ \"$FAIL\" = \"\" ] || { echo no rights >&2; exit 1; }\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	defer func(was string) { journalctl = was }(journalctl)
	journalctl = asked
	code, out, _ = kioskctl(t, testRooms, "logs", "--since", "-2h", "-n", "5")
	if code != exitOK || out != "--no-pager --quiet --lines=5 --output=short-iso --unit=kioskd --unit=kiosk-uplink --since=-2h \uFFFD[31m\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	t.Setenv("FAIL", "1")
	if code, _, errOut := kioskctl(t, testRooms, "logs"); code != exitFailed || !strings.Contains(errOut, "no rights") || !strings.Contains(errOut, "systemd-journal") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	journalctl = filepath.Join(dir, "none")
	if code, _, errOut := kioskctl(t, testRooms, "logs"); code != exitFailed || !strings.Contains(errOut, "--dir") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

// TestCompletion: each shell gets what it needs.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, errOut := kioskctl(t, testRooms, "completion", shell); code != exitOK || !strings.Contains(out, "kioskctl") {
			t.Errorf("%s: exit code %d: %s", shell, code, errOut)
		}
	}
}
