package cashtest

import (
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// withCoupons is serving for a unit that reads coupons.
func withCoupons(t *testing.T, f Family) *Rig {
	t.Helper()
	if !f.Features.Coupons {
		t.Skip("units of this protocol, or this one, do not read coupons")
	}
	r := serving(t, f)
	r.Policy.Decide = StackAll
	r.Policy.Coupon = func(c cash.Coupon) cash.Command { return cash.Return{ID: c.ID} }
	return r
}

// couponsAre checks where the coupons are, and that they were no money.
func (r *Rig) couponsAre(kept, given int) {
	r.T.Helper()
	r.closed()
	if k, g := r.Peer.Coupons(); k != kept || g != given {
		r.T.Fatalf("%d coupons in the cassette and %d given back, want %d and %d\n%s", k, g, kept, given, r.Log())
	}
	if len(r.Book.Stacked) != 0 {
		r.T.Fatalf("a coupon was booked as a note: %v\n%s", r.Book.Stacked, r.Log())
	}
}

func couponReturned(t *testing.T, f Family) {
	r := withCoupons(t, f)
	r.Peer.InsertCoupon(CouponDigits)
	if c := Await[cash.Coupon](r, noteTime); c.Digits != CouponDigits || c.Found {
		t.Fatalf("told %+v, want the digits %s", c, CouponDigits)
	}
	Await[cash.CouponReturned](r, outcomeTime)
	r.couponsAre(0, 1)
	if Count[cash.Escrowed](r)+Count[cash.Stacked](r)+Count[cash.Returned](r) != 0 || Count[cash.Coupon](r) != 1 {
		t.Fatalf("a coupon was told as a note, or twice\n%s", r.Log())
	}
	// The next note is a note.
	r.Peer.Insert(f.Types[0])
	Await[cash.Stacked](r, outcomeTime)
	r.closed()
}

func couponNeverStacked(t *testing.T, f Family) {
	r := withCoupons(t, f)
	r.Policy.Coupon = func(c cash.Coupon) cash.Command { return cash.Stack{ID: c.ID} }
	r.Peer.InsertCoupon(CouponDigits)
	Await[cash.CouponReturned](r, outcomeTime) // without an answer that fits it goes back
	r.couponsAre(0, 1)
}

func couponFound(t *testing.T, f Family) {
	r := withCoupons(t, f)
	r.Policy.Coupon = nil
	r.Peer.Freeze(cash.StateEscrow)
	r.Peer.InsertCoupon(CouponDigits)
	Await[cash.Coupon](r, noteTime)
	r.Restart()
	r.Policy.Coupon = func(c cash.Coupon) cash.Command { return cash.Return{ID: c.ID} }
	if c := Await[cash.Coupon](r, noteTime); !c.Found {
		t.Fatalf("told %+v", c)
	}
	r.Peer.Thaw()
	r.Until("settled", settleTime, r.Settled)
	r.couponsAre(0, 1)
	if Count[cash.Escrowed](r)+Count[cash.Stacked](r) != 0 {
		t.Fatalf("a coupon was told as a note\n%s", r.Log())
	}
}

func couponKept(t *testing.T, f Family) {
	r := withCoupons(t, f)
	r.Peer.SwallowCoupon()
	Await[cash.CouponKept](r, outcomeTime)
	r.couponsAre(1, 0)
	if Count[cash.Stacked](r) != 0 || Count[cash.CouponKept](r) != 1 {
		t.Fatalf("a coupon was told as a note, or twice\n%s", r.Log())
	}
}
