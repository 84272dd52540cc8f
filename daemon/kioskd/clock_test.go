package main

import (
	"testing"
	"time"
)

func TestClockOffset(t *testing.T) {
	date := time.Date(2026, 3, 1, 6, 0, 10, 0, time.UTC)
	for _, x := range []struct {
		now  time.Time
		want time.Duration
	}{
		{date, 0},
		{date.Add(999 * time.Millisecond), 0}, // the part of a second that a Date does not tell
		{date.Add(90 * time.Second), -90 * time.Second},
		{date.Add(-1500 * time.Millisecond), 2 * time.Second},
	} {
		if got := clockOffset(date, x.now); got != x.want {
			t.Errorf("at %v: %v, want %v", x.now, got, x.want)
		}
	}
}
