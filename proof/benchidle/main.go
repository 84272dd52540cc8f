// Command benchidle measures what a terminal costs while nobody is there: the
// processor time and the memory of kioskd, with every device polled and a screen
// connected. A cabinet's small computer is idle for most of its life, and heat and
// a browser share it.
//
// What a wake-up costs changes several times over on a machine whose processors are
// shared with others, without a word of it in any counter. So a yardstick runs in
// the same time (yardstick.go), and what disturbed both is taken out (window.go). A
// machine that was disturbed all the time is measured for longer, and judged by as
// much time as was asked for in which the yardstick, and not kioskd, cost least.
//
// It ends with 1 when a limit is missed.
package main

import (
	"bufio"
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
	"golang.org/x/sys/unix"
)

// Limits, of one core and of memory.
const (
	maxPercent = 1.0
	maxPSS     = 40 << 20 // bytes
)

// longest is for how many times the time asked for a disturbed machine is measured.
const longest = 5

// settle is how long the terminal is left alone before it is measured.
const settle = 5 * time.Second

func main() {
	if len(os.Args) == 2 && os.Args[1] == asYardstick {
		exchange()
		return
	}
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
	pid, err := r.PIDOf("kioskd")
	if err != nil {
		return false, err
	}
	bare, err := startYardstick(ctx)
	if err != nil {
		return false, fmt.Errorf("the yardstick: %w", err)
	}
	defer bare.stop()
	if err := stay(settle); err != nil {
		return false, err
	}
	var all []window
	var f figures
	for begun, rounds := time.Now(), 1; rounds <= longest; rounds++ {
		for time.Since(begun) < time.Duration(rounds)*span {
			w, err := watch(func() error { return stay(min(windowLength, span)) }, pid, bare.pid())
			if err != nil {
				return false, err
			}
			all = append(all, w)
		}
		if f = judge(quietest(all, span)); f.undisturbed <= maxPercent {
			break
		}
		if rounds < longest {
			fmt.Printf("%.2f %% of one core, a bare exchange %.2f %%: measuring on, in case it is the machine\n", f.percent, f.bare)
		}
	}
	pss, err := memory(pid)
	if err != nil {
		return false, err
	}
	if again, err := r.PIDOf("kioskd"); err != nil || again != pid {
		return false, errors.Join(errors.New("kioskd was started anew during the measurement"), err)
	}
	if whole := judge(all); whole.took > f.took {
		fmt.Printf("in all of %.0f s: %.2f %% of one core; a bare exchange of the same bytes %.2f %%\n", whole.took.Seconds(), whole.percent, whole.bare)
	}
	fmt.Printf("kioskd used %d ms of one core in %.0f s; proportional set size %.1f MB\n", f.used.Milliseconds(), f.took.Seconds(), float64(pss)/(1<<20))
	fmt.Printf("as it was: %.2f %% of one core; a bare exchange of the same bytes: %.2f %%, in its quieter windows %.2f %%; kioskd is %.1f times that exchange\n", f.percent, f.bare, f.bareQuiet, f.percent/f.bare)
	ok = f.undisturbed <= maxPercent && pss <= maxPSS
	verdict := "passed"
	if !ok {
		verdict = "MISSED"
	}
	fmt.Printf("bench-idle: %s, %.2f %% of one core without what disturbed both (limit %.0f %%), %.1f MB (limit %d MB)\n", verdict, f.undisturbed, maxPercent, float64(pss)/(1<<20), maxPSS>>20)
	return ok, nil
}

// cpuTime is what a process has used so far, in its own code and in the kernel, to
// the nanosecond: clock_getcpuclockid(3), whose clock is the process's number,
// inverted, with the kind of the clock (2, the scheduler's) in the lowest bits.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
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
