package rig

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var hundred, two []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)) // 100 .. 1, not in order
	}
	for i := range 200 {
		two = append(two, time.Duration(i+1))
	}
	for _, c := range []struct {
		name    string
		of      []time.Duration
		percent int
		want    time.Duration
	}{
		{"the middle of a hundred", hundred, 50, 50},
		{"99 of a hundred", hundred, 99, 99},
		{"two of two hundred may be slower", two, 99, 198},
		{"one alone", []time.Duration{7}, 99, 7},
		{"of three", []time.Duration{3, 1, 2}, 50, 2},
	} {
		if got := Quantile(c.of, c.percent); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the measurements were put into another order")
	}
}
