package ccnet

import (
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"pgregory.net/rapid"
)

// places are where a note can lie when the power goes now.
func (p *peer) places() []cash.PowerUpPosition {
	switch {
	case p.is(stateStacked):
		return []cash.PowerUpPosition{cash.PowerUpInStacker, cash.PowerUpEmpty}
	case p.inPath < 0:
		return []cash.PowerUpPosition{cash.PowerUpEmpty}
	case p.is(stateStacking):
		return []cash.PowerUpPosition{cash.PowerUpInPath, cash.PowerUpInStacker}
	case starting(p.state):
		return []cash.PowerUpPosition{p.position}
	}
	return []cash.PowerUpPosition{cash.PowerUpInPath}
}

// Whatever happens to a terminal in whatever order, in the end the book tells
// what lies in the cassette; and on the way the rig holds the driver to the
// bargain at every step.
func TestAnyDay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := cashtest.NewRig(rt, with(everything))
		p := r.Peer.(*peer)
		p.initTime = time.Duration(rapid.IntRange(100, 8000).Draw(rt, "initialise")) * time.Millisecond
		r.Policy.Decide = cashtest.StackAll
		r.Policy.Coupon = func(c cash.Coupon) cash.Command {
			return rapid.SampledFrom([]cash.Command{cash.Return{ID: c.ID}, cash.Stack{ID: c.ID}, nil}).Draw(rt, "answer to a coupon")
		}
		r.Policy.ConfirmAfter = time.Duration(rapid.IntRange(0, 600).Draw(rt, "confirm")) * time.Millisecond
		r.Do(cash.Enable{Types: []int{2, 4}})
		wait := func(longest int) {
			r.Run(time.Duration(rapid.IntRange(1, longest).Draw(rt, "ms")) * time.Millisecond)
		}
		for range rapid.IntRange(1, 25).Draw(rt, "happenings") {
			switch rapid.IntRange(0, 13).Draw(rt, "what") {
			case 0, 1, 2, 3:
				p.Insert(rapid.SampledFrom([]int{2, 4}).Draw(rt, "type"))
				wait(3000)
			case 4:
				p.LoseAcks(rapid.IntRange(1, 3).Draw(rt, "acks"))
			case 5:
				p.Mute(true)
				wait(9000)
				p.Mute(false)
			case 6:
				p.PowerCut(rapid.SampledFrom(p.places()).Draw(rt, "place"))
				wait(9000)
				p.PowerOn()
			case 7:
				r.Unplug()
				wait(3000)
				r.Plug()
			case 8:
				r.Restart()
				r.Do(cash.Enable{Types: []int{2, 4}})
			case 9:
				cmd := rapid.SampledFrom([]byte{cmdPoll, cmdStack, cmdReturn, cmdEnableBillTypes, cmdReset, cmdGetStackedCounter, cmdGetBillTable,
					cmdSetSecurity, cmdGetStatus, cmdSetBarcode, cmdExtractBarcode, cmdSetEscrowTimeouts, cmdGetOptions}).Draw(rt, "command")
				rapid.SampledFrom([]map[byte]int{p.deaf, p.dumb, p.illegal, p.nak}).Draw(rt, "how")[cmd] = 1
			case 10:
				p.damage = rapid.IntRange(1, 3).Draw(rt, "damage")
			case 11:
				r.Do(cash.Disable{})
				wait(2000)
				r.Do(cash.Enable{Types: []int{2, 4}})
			case 12:
				r.Do(cash.Reset{})
			case 13:
				p.InsertCoupon(cashtest.CouponDigits)
				wait(3000)
			}
			wait(4000)
		}
		r.Until("settled", 30*time.Minute, r.Settled)
		r.Until("nothing left to take", 5*time.Minute, func() bool { return len(p.mouth) == 0 && r.Settled() && p.is(stateIdling) })
		r.Run(5 * time.Second)
		if !r.Book.Equal(p.Cassette()) || p.Evidence() {
			rt.Fatalf("booked %v, cassette %v\n%s", r.Book.Stacked, p.Cassette(), r.Log())
		}
		if kept, _ := p.Coupons(); kept > 0 {
			rt.Fatalf("%d coupons were stacked\n%s", kept, r.Log())
		}
	})
}
