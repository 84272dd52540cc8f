package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// TestTrafficIsKept: what went over the acceptor's line stands in the runtime
// folder, over a restart too, and explains a note in doubt.
func TestTrafficIsKept(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(20)
		pg.held(2000)
		_ = pg.c.Close()
		l.end()
		l = p.start()
		pg = l.open()
		pg.until("the open slot", func(s wire.State) bool { return s.Visit.Step == wire.StepPay && s.Money.Open })
		l.quality = validator.QualityJamStacker
		l.insert(10)
		pg.until("a note in doubt", func(s wire.State) bool { return s.Money.InDoubt == 1 })
		_ = pg.c.Close()
		l.end()
	})
	text, err := os.ReadFile(filepath.Join(p.dir, traceName))
	if err != nil {
		t.Fatal(err)
	}
	const stack, stacked, jam = "> 02 03 06 35 EC E4", "< 02 03 07 81 04 70 6C", "< 02 03 06 44 E2 86"
	if n := strings.Count(string(text), stack); n != 2 || !strings.Contains(string(text), stacked) {
		t.Errorf("STACK stands %d times in the traffic of two notes:\n%s", n, text)
	}
	if st, err := os.Stat(filepath.Join(p.dir, traceName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	r, err := journal.OpenReader(filepath.Join(p.dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	recs, err := r.Read(1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		if rec.Kind != (record.NoteInDoubt{}).Kind() {
			continue
		}
		var b record.NoteInDoubt
		if err := json.Unmarshal(rec.Body, &b); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(b.Trace, "\n")
		if !strings.Contains(all, stack) || !strings.Contains(all, jam) || len(b.Trace) > doubtLines {
			t.Errorf("%d lines:\n%s", len(b.Trace), all)
		}
		return
	}
	t.Error("no note is in doubt")
}

// TestTrafficStaysWithinItsBound: a line that never repeats itself fills the
// files and no more; the newest is what is kept.
func TestTrafficStaysWithinItsBound(t *testing.T) {
	if testing.Short() {
		t.Skip("one writer, and more of its bytes than the race detector has patience for")
	}
	dir := t.TempDir()
	r := keepTraffic(dir, slog.New(slog.DiscardHandler))
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	b := make([]byte, 120)
	for i := range 60_000 { // of some 390 bytes each
		b[0], b[1], b[2] = byte(i>>16), byte(i>>8), byte(i)
		r.Received(at.Add(time.Duration(i)*time.Second), b)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := line.Recording(filepath.Join(dir, traceName))
	if err != nil || len(files) != traceFiles {
		t.Fatalf("%v, %v", files, err)
	}
	var sum int64
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		sum += st.Size()
	}
	if sum > traceFiles*traceFileBytes || sum < (traceFiles-1)*traceFileBytes-4096 {
		t.Errorf("%d bytes are kept, the bound is %d", sum, traceFiles*traceFileBytes)
	}
	if all, _ := os.ReadDir(dir); len(all) != traceFiles {
		t.Errorf("%d files", len(all))
	}
	newest, err := os.ReadFile(files[len(files)-1])
	if err != nil || !strings.Contains(string(newest), "< 00 EA 5F") {
		t.Errorf("the newest is gone: %v", err)
	}
}

// Without a folder the traffic is kept in memory, and nothing is disturbed.
func TestTrafficWithoutAFolder(t *testing.T) {
	r := keepTraffic(filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler))
	r.Sent(time.Now(), []byte{1})
	if len(r.Tail(doubtLines)) != 1 {
		t.Error("nothing is kept")
	}
}
