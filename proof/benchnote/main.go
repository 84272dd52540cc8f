// Command benchnote measures how long a person waits for a banknote to be counted:
// from the last byte of the acceptor's 81h (stacked) on the wire to the frame that
// shows the new sum in a real browser. In between lie kioskd's two durable copies of
// the record, its answer to the unit, the wire to the page, and the drawing. It is
// written beside what one fdatasync costs on the same disk, which is the part that
// no program can save.
//
// It ends with 1 when the 99th percentile is above the limit.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/proof/rig"
	"golang.org/x/sys/unix"
)

// limit is the greatest 99th percentile.
const limit = 50 * time.Millisecond

func main() {
	binDir := flag.String("bin-dir", "bin", "folder of the programs")
	notes := flag.Int("notes", 200, "how many banknotes")
	script := flag.String("script", "kiosk-ui/e2e/bench-note.js", "what drives the browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := measure(ctx, *binDir, *script, *notes)
	if err != nil {
		fmt.Println("bench-note: could not be measured:", err)
	}
	if !ok {
		os.Exit(1)
	}
}

func measure(ctx context.Context, binDir, script string, notes int) (ok bool, err error) {
	if notes < 1 || notes > 1000 {
		return false, fmt.Errorf("--notes %d; allowed: 1 to 1000", notes)
	}
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true})
	if err != nil {
		return false, err
	}
	defer r.Stop()
	waits, seen, err := person(ctx, r, script, notes)
	if err != nil {
		return false, err
	}
	syncs, err := syncCosts(filepath.Join(r.Dir, "state"))
	if err != nil {
		return false, err
	}
	fmt.Printf("note to screen:  %4d notes  p50 %6.1f ms  p99 %6.1f ms  longest %6.1f ms\n", len(waits), rig.MS(rig.Quantile(waits, 50)), rig.MS(rig.Quantile(waits, 99)), rig.MS(slices.Max(waits)))
	fmt.Printf("one fdatasync:   %4d times  p50 %6.1f ms  p99 %6.1f ms  longest %6.1f ms\n", len(syncs), rig.MS(rig.Quantile(syncs, 50)), rig.MS(rig.Quantile(syncs, 99)), rig.MS(slices.Max(syncs)))
	fmt.Printf("page's clock:    corrected by at most %.1f ms; 81h frames that the unit sent again: %d\n", rig.MS(seen.skew), seen.repeats)
	p99 := rig.Quantile(waits, 99)
	ok = p99 <= limit
	verdict := "passed"
	if !ok {
		verdict = "MISSED"
	}
	fmt.Printf("bench-note: %s, p99 %.1f ms, limit %.0f ms\n", verdict, rig.MS(p99), rig.MS(limit))
	return ok, nil
}

// aside is what else was seen.
type aside struct {
	skew    time.Duration // the greatest correction of the page's clock
	repeats int           // 81h frames that were sent again
}

// person has the browser's script put notes in, and returns how long each was
// waited for.
func person(ctx context.Context, r *rig.Rig, script string, notes int) (waits []time.Duration, seen aside, err error) {
	at, err := json.Marshal(struct {
		Screen    string `json:"screen"`
		Bench     string `json:"bench"`
		Central   string `json:"central"`
		ScreenURL string `json:"screen_url"`
	}{r.Terminal.Screen, r.Terminal.Bench, r.Terminal.Central, r.ScreenURL})
	if err != nil {
		return nil, seen, err
	}
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", script, string(at), strconv.Itoa(notes))
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err != nil {
		return nil, seen, fmt.Errorf("the browser: %w: %s", err, says.String())
	}
	var got struct {
		US      []int64 `json:"us"`
		Skew    []int64 `json:"skew_us"`
		Repeats int     `json:"repeats"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return nil, seen, fmt.Errorf("the browser's answer: %w", err)
	}
	if len(got.US) != notes {
		return nil, seen, fmt.Errorf("the browser measured %d notes of %d", len(got.US), notes)
	}
	for _, us := range got.US {
		if us <= 0 {
			return nil, seen, errors.New("a sum was shown before its note was told: the clocks cannot be compared")
		}
		waits = append(waits, time.Duration(us)*time.Microsecond)
	}
	for _, us := range got.Skew {
		seen.skew = max(seen.skew, (time.Duration(us) * time.Microsecond).Abs())
	}
	seen.repeats = got.Repeats
	return waits, seen, nil
}

const (
	syncTimes = 200
	syncBytes = 512 // about a record of the journal
)

// syncCosts appends to a file in the folder and measures each fdatasync.
func syncCosts(dir string) (costs []time.Duration, err error) {
	f, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	piece := bytes.Repeat([]byte{'.'}, syncBytes)
	for range syncTimes {
		if _, err := f.Write(piece); err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return nil, fmt.Errorf("fdatasync in %s: %w", dir, err)
		}
		costs = append(costs, time.Since(begun))
	}
	return costs, nil
}
