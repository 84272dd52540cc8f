package main

import (
	"cmp"
	"slices"
	"time"
)

// windowLength is how long kioskd and the yardstick are compared at a time: long
// beside their rounds, short beside what disturbs a machine.
const windowLength = 5 * time.Second

// window is what both used of one core in the same time.
type window struct {
	took, kioskd, bare time.Duration
}

func watch(pass func() error, kioskd, bare int) (w window, err error) {
	used := [2]time.Duration{}
	pids := [2]int{kioskd, bare}
	for i, pid := range pids {
		if used[i], err = cpuTime(pid); err != nil {
			return w, err
		}
	}
	begun := time.Now()
	if err := pass(); err != nil {
		return w, err
	}
	w.took = time.Since(begun)
	for i, pid := range pids {
		now, err := cpuTime(pid)
		if err != nil {
			return w, err
		}
		used[i] = now - used[i]
	}
	w.kioskd, w.bare = used[0], used[1]
	return w, nil
}

// share is what was used of one core, in percent.
func share(used, took time.Duration) float64 { return 100 * used.Seconds() / took.Seconds() }

// quietest are the windows, as many as fill the span, in which the yardstick cost
// least: of kioskd's own use nothing is asked.
func quietest(all []window, span time.Duration) []window {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b window) int {
		return cmp.Compare(share(a.bare, a.took), share(b.bare, b.took))
	})
	var took time.Duration
	for i, w := range sorted {
		if took += w.took; took >= span {
			return sorted[:i+1]
		}
	}
	return sorted
}

// figures are of all windows together, in percent of one core.
type figures struct {
	took, used  time.Duration // kioskd's
	percent     float64       // kioskd's, as it was
	bare        float64       // the yardstick's, as it was
	bareQuiet   float64       // the yardstick's in a quiet window: the lowest quarter ends there
	undisturbed float64       // kioskd's, without what disturbed both
}

// judge takes out of kioskd's figure what the yardstick's says of the machine: in a
// window in which the yardstick cost three times what it costs in a quiet one, so
// did kioskd's wake-ups. A window is never made dearer.
func judge(all []window) figures {
	var bares []float64
	var f figures
	var bare time.Duration
	for _, w := range all {
		bares = append(bares, share(w.bare, w.took))
		f.took, f.used, bare = f.took+w.took, f.used+w.kioskd, bare+w.bare
	}
	f.percent, f.bare = share(f.used, f.took), share(bare, f.took)
	f.bareQuiet = slices.Sorted(slices.Values(bares))[len(bares)/4]
	var undisturbed float64 // seconds
	for i, w := range all {
		undisturbed += w.kioskd.Seconds() * min(1, f.bareQuiet/bares[i])
	}
	f.undisturbed = 100 * undisturbed / f.took.Seconds()
	return f
}
