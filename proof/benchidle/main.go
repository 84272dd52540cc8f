// Command benchidle measures what a terminal costs while nobody is there: the
// processor time and the memory of kioskd, with every device polled and a screen
// connected. A cabinet's small computer is idle for most of its life, and heat and
// a browser share it.
//
// It ends with 1 when a limit is missed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/proof/rig"
)

// Limits, of one core and of memory.
const (
	maxPercent = 1.0
	maxPSS     = 40 << 20 // bytes
)

// settle is how long the terminal is left alone before it is measured.
const settle = 5 * time.Second

func main() {
	binDir := flag.String("bin-dir", "bin", "folder of the programs")
	seconds := flag.Int("seconds", 60, "how long it is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := measure(ctx, *binDir, time.Duration(*seconds)*time.Second)
	if err != nil {
		fmt.Println("bench-idle: could not be measured:", err)
	}
	if !ok {
		os.Exit(1)
	}
}

func measure(ctx context.Context, binDir string, span time.Duration) (ok bool, err error) {
	if span < time.Second || span > time.Hour {
		return false, fmt.Errorf("--seconds %v; allowed: 1 to 3600", span.Seconds())
	}
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true})
	if err != nil {
		return false, err
	}
	defer r.Stop()
	page, err := r.Terminal.Open(ctx)
	if err != nil {
		return false, err
	}
	defer page.Close()
	// The page answers the screen's beats all the time, as a browser does.
	stay := func(d time.Duration) error {
		for end := time.Now().Add(d); ; {
			left := time.Until(end)
			if left <= 0 {
				return nil
			}
			if _, err := page.Next(min(left, time.Second)); err != nil {
				return fmt.Errorf("the screen during the measurement: %w", err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if err := stay(settle); err != nil {
		return false, err
	}
	pid, err := r.PIDOf("kioskd")
	if err != nil {
		return false, err
	}
	before, err := cpuTime(pid)
	if err != nil {
		return false, err
	}
	begun := time.Now()
	if err := stay(span); err != nil {
		return false, err
	}
	after, err := cpuTime(pid)
	if err != nil {
		return false, err
	}
	took := time.Since(begun)
	pss, err := memory(pid)
	if err != nil {
		return false, err
	}
	if again, err := r.PIDOf("kioskd"); err != nil || again != pid {
		return false, errors.Join(errors.New("kioskd was started anew during the measurement"), err)
	}
	percent := 100 * (after - before).Seconds() / took.Seconds()
	fmt.Printf("kioskd used %d ms of one core in %.0f s; proportional set size %.1f MB\n", (after - before).Milliseconds(), took.Seconds(), float64(pss)/(1<<20))
	ok = percent <= maxPercent && pss <= maxPSS
	verdict := "passed"
	if !ok {
		verdict = "MISSED"
	}
	fmt.Printf("bench-idle: %s, %.2f %% of one core (limit %.0f %%), %.1f MB (limit %d MB)\n", verdict, percent, maxPercent, float64(pss)/(1<<20), maxPSS>>20)
	return ok, nil
}

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for every program.
const ticksPerSecond = 100

// Fields of /proc/PID/stat after the command's name, from proc_pid_stat(5): the
// state is field 3.
const (
	fieldState = 3
	fieldUtime = 14
	fieldStime = 15
)

// cpuTime is what a process has used so far, in its own code and in the kernel.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(b)
}

func parseStat(b []byte) (time.Duration, error) {
	// The name is in parentheses and may hold anything, also parentheses.
	at := bytes.LastIndexByte(b, ')')
	if at < 0 {
		return 0, fmt.Errorf("stat without a name: %q", b)
	}
	fields := strings.Fields(string(b[at+1:]))
	if len(fields) <= fieldStime-fieldState {
		return 0, fmt.Errorf("stat with %d fields after the name", len(fields))
	}
	var ticks uint64
	for _, i := range []int{fieldUtime, fieldStime} {
		n, err := strconv.ParseUint(fields[i-fieldState], 10, 63)
		if err != nil {
			return 0, fmt.Errorf("stat, field %d: %w", i, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory is a process's proportional set size in bytes: pages that are shared
// count for each of their users in part.
func memory(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 53)
			return kb << 10, err
		}
	}
	return 0, errors.New("smaps_rollup has no Pss")
}
