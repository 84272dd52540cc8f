//go:build faultpoints

// Command crash is the crash campaign: what happens to money when anything dies
// at any moment.
//
//	crash [--share 60s] [--seed N] [--random N] [--processes DIR]
//
// In the simulator it kills the daemon at every hit of every fault point and cuts
// the validator's power at every frame, walks every row of the recovery tables,
// and tells random stories from a seed. Then it plants each mutant and must find
// it. With --processes it does the same with real processes: kill -9 once at every
// fault point. With --share it stops with random stories when the time is over;
// without it runs --random of them.
//
// The last line is the verdict; the exit code is 1 if anything is missing.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/proof/simulator"
)

// mutants are the mistakes about money that the campaign must find: a device
// acknowledged before the write, and credit at escrow. The journal has one of its
// own, which its package's tests find.
var mutants = []string{"ack-before-write", "credit-at-escrow"}

func main() {
	seed := flag.Uint64("seed", 1, "first seed of the random stories")
	random := flag.Int("random", 3000, "how many random stories")
	share := flag.Duration("share", 0, "stop with random stories after this time; 0: no limit")
	source := flag.String("catalogue", "provisioning/catalogue", "source of the services")
	simulated := flag.Bool("simulator", true, "run the simulator's part")
	point := flag.String("point", "", "kill real processes at this fault point only")
	processes := flag.String("bin-dir", "", "folder of the programs with fault points: also kill real processes")
	flag.Parse()
	missing, err := campaign(*seed, *random, *share, *source, *processes, *point, *simulated)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
	if missing > 0 {
		fmt.Printf("crash campaign: %d things are wrong or missing (limit 0)\n", missing)
		os.Exit(1)
	}
	fmt.Println("crash campaign: 0 discrepancies, every fault point hit, every row walked, every mutant found")
}

func campaign(seed uint64, random int, share time.Duration, source, bin, point string, simulated bool) (missing int, err error) {
	if !simulated {
		return killProcesses(bin, point)
	}
	b, err := catalogue.Read(os.DirFS(source))
	if err != nil {
		return 0, err
	}
	env := &simulator.Env{Bundle: b}
	began := time.Now()
	report, err := env.Campaign(seed, random, share)
	if err != nil {
		return 0, err
	}
	fmt.Printf("simulator, seed %d, %s:\n", seed, time.Since(began).Round(time.Millisecond))
	missing = report.Print(os.Stdout)
	for _, m := range mutants {
		if !slices.Contains(faultpoint.Mutants(), m) {
			return missing, fmt.Errorf("no mutant is called %s", m)
		}
		faultpoint.Plant(m)
		found, err := env.Mutant()
		faultpoint.Plant("")
		if err != nil {
			return missing, err
		}
		if found == "" {
			fmt.Printf("\nmutant %s: NOT FOUND\n", m)
			missing++
			continue
		}
		fmt.Printf("\nmutant %s: found: %.300s\n", m, found)
	}
	if bin != "" {
		n, err := killProcesses(bin, point)
		if err != nil {
			return missing, err
		}
		missing += n
	}
	return missing, nil
}
