package health

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatch: one loop gets round every second, and then does not.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name    string
		stops   time.Duration // when the loop stops getting round; 0: never
		within  time.Duration // from then until the watch ends
		stopped string
	}{
		{name: "all get round"},
		{name: "one stands still", stops: time.Minute, within: 15*time.Second + 2*Round, stopped: "slow"},
		{name: "one never gets round", stops: time.Millisecond, within: 15*time.Second + 2*Round, stopped: "slow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWatch()
				quick, slow := w.Mark("quick", 15*time.Second), w.Mark("slow", 15*time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				var loops sync.WaitGroup
				defer loops.Wait()
				defer cancel()
				loops.Go(func() {
					for ctx.Err() == nil {
						quick.Touch()
						time.Sleep(time.Second)
					}
				})
				began := time.Now()
				loops.Go(func() {
					for c.stops == 0 || time.Since(began) < c.stops {
						slow.Touch()
						if time.Sleep(time.Second); ctx.Err() != nil {
							return
						}
					}
				})
				pings, lastPing := 0, time.Time{}
				err := w.Run(ctx, func() { pings, lastPing = pings+1, time.Now() })
				var e *StoodStill
				switch {
				case c.stops == 0:
					if err != nil || pings != int(time.Hour/Round)-1 && pings != int(time.Hour/Round) {
						t.Errorf("%v after %d pings", err, pings)
					}
				case !errors.As(err, &e) || e.Loop != c.stopped:
					t.Errorf("ended with %v", err)
				case time.Since(began) > c.stops+c.within:
					t.Errorf("noticed after %v", time.Since(began)-c.stops)
				case !lastPing.IsZero() && lastPing.Sub(began) > c.stops+15*time.Second+time.Second:
					t.Errorf("a ping %v after the loop had stopped", lastPing.Sub(began)-c.stops)
				}
			})
		})
	}
}

// TestWatchSlept: a machine that slept is not a loop that stands still.
func TestWatchSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch()
		m := w.Mark("loop", 15*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		slept := false
		err := w.Run(ctx, func() {
			if !slept {
				slept = true
				time.Sleep(time.Hour) // nobody runs meanwhile, this watch included
				return
			}
			m.Touch()
			cancel()
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch()
		w.Mark("a", time.Second)
		time.Sleep(1500 * time.Millisecond)
		w.Mark("b", time.Minute).Touch()
		var none *Mark
		none.Touch()
		if l := w.Loops(); len(l) != 2 || l[0] != (Loop{"a", 1500, 1000}) || l[1] != (Loop{"b", 0, 60000}) {
			t.Errorf("%+v", l)
		}
	})
}
