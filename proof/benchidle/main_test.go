package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"
	for _, c := range []struct {
		name, stat string
		want       time.Duration
		ok         bool
	}{
		{"both times in ticks of 10 ms", "42 (kioskd)" + rest, 2 * time.Second, true},
		{"a name with blanks and parentheses", "42 (a) R 1 (b)" + rest, 2 * time.Second, true},
		{"nothing used", "42 (kioskd) S 1 2 3 4 5 6 7 8 9 10 0 0 0", 0, true},
		{"cut off", "42 (kioskd) S 1 2 3 4 5 6 7 8 9 10 150", 0, false},
		{"no name", "42", 0, false},
		{"no number", "42 (kioskd) S 1 2 3 4 5 6 7 8 9 10 x 50", 0, false},
	} {
		got, err := parseStat([]byte(c.stat))
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func TestThisProcess(t *testing.T) {
	for begun := time.Now(); time.Since(begun) < 60*time.Millisecond; { // work, so that there is something to see
	}
	if used, err := cpuTime(os.Getpid()); err != nil || used <= 0 {
		t.Errorf("used %v, %v", used, err)
	}
	if pss, err := memory(os.Getpid()); err != nil || pss < 1<<20 || pss > 1<<31 {
		t.Errorf("%d bytes, %v", pss, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (kioskd) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseStat(b) // it may not panic
	})
}
