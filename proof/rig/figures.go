package rig

import (
	"slices"
	"time"
)

// Quantile is the smallest of the durations that so many percent of them do not
// exceed (nearest rank).
func Quantile(d []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// MS is a duration in milliseconds, to be printed.
func MS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
