// Command benchidle measures what an idle terminal costs: processor time and
// memory of kioskd with every device polled every 200 ms.
//
//	benchidle --bin-dir bin [--seconds 60]
//
// The last line holds the figures and the limits; the exit code is 1 when one is
// missed. Beside them stands what the same machine did in the same time as a
// whole, because these machines are shared.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/proof/rig"
)

// Goals of the product.
const (
	maxPercent = 1.0   // of one core
	maxPSS     = 40960 // KiB
)

// ticks is USER_HZ: /proc counts processor time in hundredths of a second on
// every Linux that this runs on.
const ticks = 100

func main() {
	bin := flag.String("bin-dir", "bin", "folder of the programs")
	seconds := flag.Int("seconds", 60, "how long to measure")
	flag.Parse()
	ok, err := measure(context.Background(), *bin, time.Duration(*seconds)*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchidle:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

func measure(ctx context.Context, bin string, d time.Duration) (bool, error) {
	r, err := rig.Start(ctx, rig.Options{BinDir: bin, Quiet: true})
	if err != nil {
		return false, err
	}
	defer r.Stop()
	pid, err := r.PIDOf("kioskd")
	if err != nil {
		return false, err
	}
	time.Sleep(3 * time.Second) // the start is not idle
	before, err := processTicks(pid)
	if err != nil {
		return false, err
	}
	allBefore, err := machineTicks()
	if err != nil {
		return false, err
	}
	time.Sleep(d)
	after, err := processTicks(pid)
	if err != nil {
		return false, err
	}
	allAfter, err := machineTicks()
	if err != nil {
		return false, err
	}
	pss, err := proportionalSet(pid)
	if err != nil {
		return false, err
	}
	percent := float64(after-before) / ticks / d.Seconds() * 100
	machine := float64(allAfter-allBefore) / ticks / d.Seconds() * 100
	fmt.Printf("the whole machine was busy %.1f %% of one core in the same time\n", machine)
	ok := percent <= maxPercent && pss <= maxPSS
	verdict := "within the limits"
	if !ok {
		verdict = "LIMIT MISSED"
	}
	fmt.Printf("idle kioskd over %s: %.2f %% of a core (limit %.0f %%), PSS %.1f MB (limit %d MB): %s\n",
		d, percent, maxPercent, float64(pss)/1024, maxPSS/1024, verdict)
	return ok, nil
}

// processTicks is the processor time of a process, user and system (proc(5),
// /proc/PID/stat fields 14 and 15).
func processTicks(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in field 2 may hold anything; what follows its last ")" does not.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return 0, errors.New("/proc/PID/stat is too short")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return user + system, errors.Join(err1, err2)
}

// machineTicks is the busy time of all cores (proc(5), /proc/stat).
func machineTicks() (int64, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum int64
	for i, s := range strings.Fields(line)[1:] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 && i < 8 { // idle, iowait; guest time is in user time
			sum += n
		}
	}
	return sum, nil
}

// proportionalSet is the process's PSS in KiB.
func proportionalSet(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "Pss:"); ok {
			return strconv.ParseInt(strings.Fields(v)[0], 10, 64)
		}
	}
	return 0, errors.New("no Pss in smaps_rollup")
}
