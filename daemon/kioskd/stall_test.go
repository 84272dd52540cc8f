//go:build faultpoints

package main

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
)

// TestEachLoopIsWatched stops each loop of the daemon in turn, in the middle of a
// payment. It is noticed within the loop's limit, the daemon ends, the next life
// takes the visit up where it was, and the person pays and goes.
func TestEachLoopIsWatched(t *testing.T) {
	for _, loop := range []string{"committer", "rooms", "acceptor", "printer", "screen", "panel"} {
		t.Run(loop, func(t *testing.T) {
			p := newPlace(t)
			defer p.central.Close()
			p.board = ioboard.New(ioboard.DefaultConfig(), 1)
			synctest.Test(t, func(t *testing.T) {
				var armed atomic.Bool
				released := make(chan struct{})
				faultpoint.SetStallHook(func(name string) {
					if armed.Load() && name == loop {
						<-released
					}
				})
				defer faultpoint.SetStallHook(nil)
				p.stuck = func(error) { close(released) } // stands for the end of the process, which takes every loop with it
				l := p.start()
				pg := l.open()
				pg.toPay()
				l.insert(20)
				pg.held(2000)
				armed.Store(true)
				began := time.Now()
				err := <-l.ended
				var still *health.StoodStill
				if !errors.As(err, &still) || still.Loop != loop {
					t.Fatalf("ended with %v", err)
				}
				if took := time.Since(began); took > loopLimit+heartbeat+2*health.Round {
					t.Errorf("noticed after %v", took)
				}
				armed.Store(false)
				_ = pg.c.Close()
				l.stop()
				l.away()

				l = p.start()
				pg = l.open()
				pg.until("the same screen with the same money", func(s wire.State) bool {
					return s.Visit.Step == wire.StepPay && s.Visit.Resumed && s.Money.Held.Minor == 2000
				})
				pg.until("the open slot", func(s wire.State) bool { return s.Money.Open })
				l.insert(10)
				pg.held(3000)
				pg.tap(wire.NameFinish, wire.Command{Key: "k"})
				pg.step(wire.StepFarewell)
				_ = pg.c.Close()
				l.end()
			})
		})
	}
}
