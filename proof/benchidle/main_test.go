package main

import (
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

func TestThisProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 20*time.Millisecond; { // work, so that there is something to see
	}
	if after, err := cpuTime(os.Getpid()); err != nil || after <= before {
		t.Errorf("used %v, then %v, %v", before, after, err)
	}
	if _, err := cpuTime(1 << 22); err == nil { // above what Linux gives as a number
		t.Error("a process that is not there has used time")
	}
	if pss, err := memory(os.Getpid()); err != nil || pss < 1<<20 || pss > 1<<31 {
		t.Errorf("%d bytes, %v", pss, err)
	}
}

// TestYardstickExchanges: it lives by itself, uses some time, and ends with its lines.
func TestYardstickExchanges(t *testing.T) {
	y, err := startYardstick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // five rounds: a process has no virtual time
	used, err := cpuTime(y.pid())
	y.stop()
	if err != nil || used <= 0 {
		t.Errorf("used %v, %v", used, err)
	}
	if !y.cmd.ProcessState.Success() {
		t.Errorf("it ended with %v", y.cmd.ProcessState)
	}
}

// TestMain lets the test's own program be the yardstick, as the measurement's is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asYardstick {
		exchange()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestJudge(t *testing.T) {
	const ms = time.Millisecond
	quiet := window{took: 5 * time.Second, kioskd: 40 * ms, bare: 15 * ms}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	for _, c := range []struct {
		name                 string
		disturbed            window
		percent, undisturbed float64
	}{
		{"a quiet machine", quiet, 0.8, 0.8},
		{"both cost four times as much: the machine", window{took: 5 * time.Second, kioskd: 160 * ms, bare: 60 * ms}, 2, 0.8},
		{"kioskd alone: its own", window{took: 5 * time.Second, kioskd: 160 * ms, bare: 15 * ms}, 2, 2},
		{"the yardstick cost less: nothing is added", window{took: 5 * time.Second, kioskd: 40 * ms, bare: 15*ms - 10}, 0.8, 0.8},
	} {
		all := []window{quiet, quiet, c.disturbed, c.disturbed}
		if f := judge(all); !near(f.percent, c.percent) || !near(f.undisturbed, c.undisturbed) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// TestQuietest: the yardstick chooses, whatever kioskd cost.
func TestQuietest(t *testing.T) {
	at := func(bare, kioskd time.Duration) window {
		return window{took: 5 * time.Second, bare: bare * time.Millisecond, kioskd: kioskd * time.Millisecond}
	}
	all := []window{at(60, 1), at(15, 90), at(20, 40), at(80, 2), at(16, 50)}
	got := quietest(all, 10*time.Second)
	if !slices.Equal(got, []window{at(15, 90), at(16, 50)}) {
		t.Errorf("%v", got)
	}
	if got := quietest(all, time.Hour); len(got) != len(all) {
		t.Errorf("%d windows of %d", len(got), len(all))
	}
}
