package pcsc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// TestProgress: the loop says that it gets round within LongestRound, whatever the
// daemon does, and says nothing while whoever it tells does not come back.
func TestProgress(t *testing.T) {
	gone := errors.New("gone")
	for _, c := range []struct {
		name string
		fake *fake
		hold time.Duration // how long an event's taker needs
		most time.Duration
	}{
		{name: "nothing happens", fake: &fake{list: one, change: new(script).change}, most: LongestRound},
		{name: "no daemon", fake: &fake{establish: func() error { return gone }}, most: LongestRound},
		{name: "the taker stands still", fake: &fake{list: one, change: new(script).change}, hold: time.Hour, most: 2 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(c.fake)
				last, longest := time.Now(), time.Duration(0)
				s.Progress = func() { longest, last = max(longest, time.Since(last)), time.Now() }
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := s.Watch(ctx, func(smartcard.Event) { time.Sleep(c.hold) }); err != nil {
					t.Error(err)
				}
				longest = max(longest, time.Since(last))
				if longest > c.most || c.hold > 0 && longest < 10*time.Minute {
					t.Errorf("nothing was said for %v", longest)
				}
			})
		})
	}
}

func one() ([]string, error) { return []string{"Reader"}, nil }
