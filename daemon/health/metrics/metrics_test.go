package metrics

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/drivers/cash"
)

var dawn = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// chain is a journal of ten records, of which central has seven.
type chain struct{ acked uint64 }

func (chain) Head() (uint64, string) { return 10, "" }
func (c chain) Acked() uint64        { return c.acked }
func (chain) Read(from uint64, _ int) ([]journal.Record, error) {
	return []journal.Record{{Seq: from, Wall: dawn.UnixMilli(), Visit: "0190-visit"}}, nil
}

func figures(t *testing.T, s Source, use func(*Metrics)) string {
	t.Helper()
	m := New()
	m.Use(s)
	if use != nil {
		use(m)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	b, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("%d, %v: %s", w.Code, err, b)
	}
	return string(b)
}

func TestMetrics(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store.db"), make([]byte, 1234), 0o600); err != nil {
		t.Fatal(err)
	}
	table := health.NewTable(dawn, health.Fitted{Acceptor: true})
	table.Cash(dawn, cash.Offline{Cause: "port lost"})
	facts := health.Facts{CentralOnline: true, Nothing: true, Alarms: []string{"a"}, Central: health.CentralReport{Unsent: 3, Open: 2, Backoff: 1500}}
	s := Source{Journal: chain{7}, JournalDir: dir, StateDir: dir, Bundle: 12, Version: "v1",
		Report:     func(context.Context) (health.Report, error) { return table.Report(dawn, facts), nil },
		Starts:     func() (uint64, uint64) { return 5, 2 },
		CertExpiry: func(context.Context) (time.Time, error) { return dawn.Add(time.Hour), nil },
		Loops:      func() []health.Loop { return []health.Loop{{Name: "rooms", Still: 250}} },
		Now:        func() time.Time { return dawn.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler)}
	text := figures(t, s, func(m *Metrics) {
		m.Committed(3 * time.Millisecond)
		m.Called("records", "ok")
		m.Called("records", "none")
		m.Quarantined()
	})
	for _, want := range []string{
		"journal_seq 10", "journal_acked_seq 7", "journal_unsent_records 3", "journal_unsent_oldest_seconds 60", "journal_bytes 1234",
		`journal_commit_seconds_bucket{le="0.004"} 1`, `sync_attempts_total{result="ok",type="records"} 1`, "sync_backoff_seconds 1.5",
		`bundle_version_info{bundle="12",daemon="v1"} 1`, "quarantine_total 1", "starts_total 5", "unclean_starts_total 2", "disk_free_bytes ",
		`device_state{device="acceptor",state="offline"} 1`, `device_state{device="acceptor",state="online"} 0`,
		`function_available{function="cash"} 0`, `function_available{function="central"} 1`, "out_of_service 1", "cert_expiry_seconds 3540", "actions_open 2", "alarms_standing 1",
		`loop_still_seconds{loop="rooms"} 0.25`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "visit") {
		t.Errorf("a visit is named in\n%s", text)
	}
	// Rooms that do not answer cost their own figures and no others.
	s.Journal = chain{10}
	s.Report = func(context.Context) (health.Report, error) { return health.Report{}, errors.New("no answer") }
	text = figures(t, s, nil)
	if strings.Contains(text, "device_state{") || !strings.Contains(text, "\njournal_unsent_oldest_seconds 0\n") {
		t.Errorf("with rooms that do not answer:\n%s", text)
	}
}

func TestClockOffset(t *testing.T) {
	s := Source{Journal: chain{10}, JournalDir: t.TempDir(), StateDir: t.TempDir(),
		Report: func(context.Context) (health.Report, error) { return health.Report{}, nil },
		Starts: func() (uint64, uint64) { return 0, 0 }, Loops: func() []health.Loop { return nil },
		Now: func() time.Time { return dawn }, Log: slog.New(slog.DiscardHandler)}
	if text := figures(t, s, nil); strings.Contains(text, "clock_offset_seconds") {
		t.Errorf("an offset before central has answered:\n%s", text)
	}
	s.CertExpiry = func(context.Context) (time.Time, error) { return time.Time{}, errors.New("nobody listens") }
	if text := figures(t, s, nil); strings.Contains(text, "\ncert_expiry_seconds") {
		t.Errorf("an expiry that the uplink has not told:\n%s", text)
	}
	text := figures(t, s, func(m *Metrics) {
		m.Clock(90 * time.Second)
		m.Clock(-2 * time.Second)
	})
	if !strings.Contains(text, "\nclock_offset_seconds -2\n") {
		t.Errorf("the latest offset is missing:\n%s", text)
	}
}
