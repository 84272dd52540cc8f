package till_test

import (
	"bytes"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// A coupon goes back with its reason, is no money wherever it ends, and leaves no
// number behind that somebody could spend.
func TestCoupon(t *testing.T) {
	const digits = "040911235813213455"
	w := newWorld(t)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.settle(7)
	w.pay()
	id := w.id()
	w.event(cash.Coupon{ID: id, Digits: digits, Raw: []byte{2, 3, 7, 0x80, 23}})
	if !w.did(cash.Return{ID: id}) || w.did(cash.Stack{ID: id}) {
		t.Fatalf("told the unit %v", w.sent)
	}
	if l := w.till.Last(); l.What != record.RefusedCoupon || !l.Amount.IsZero() {
		t.Errorf("the person is told %+v", l)
	}
	back := w.id()
	w.event(cash.CouponReturned{ID: back})
	if !w.did(cash.Confirm{ID: back}) {
		t.Error("the unit was not told to forget it")
	}
	kept := w.id()
	w.event(cash.CouponKept{ID: kept})
	if !w.did(cash.Confirm{ID: kept}) {
		t.Error("the unit was not told to forget it")
	}
	var kinds []record.Kind
	for _, r := range w.mem.Records {
		if bytes.Contains(r.Body, []byte(digits)) {
			t.Errorf("record %s holds the coupon's number", r.Kind)
		}
		if r.Kind == (record.CouponRefused{}).Kind() || r.Kind == (record.CouponKept{}).Kind() {
			kinds = append(kinds, r.Kind)
		}
	}
	if len(kinds) != 2 || len(w.till.Ledger().Notes()) != 0 || !w.till.Ledger().Visit("v1").Held.IsZero() {
		t.Errorf("records %v, notes %v", kinds, w.till.Ledger().Notes())
	}
	w.balanced()
	w.event(cash.PathClear{Counter: counter(8)})
	if ok, why := w.till.Ready(); !ok {
		t.Errorf("not ready after a coupon: %s", why)
	}
}

// The unit may have counted a coupon that it kept: its counter must not credit a
// note whose end was not heard.
func TestKeptCouponIsNoWitness(t *testing.T) {
	w := inState(t, till.NoteStackIntent, 7)
	w.event(cash.Online{Found: cash.StateDisabled})
	w.event(cash.CouponKept{ID: w.id()})
	w.settle(8)
	n := w.till.Ledger().Notes()
	if len(n) != 1 || n[0].State != till.NoteInDoubt || !w.till.Ledger().Visit("v1").Held.IsZero() {
		t.Errorf("notes %+v, held %v: one more on the counter may be the coupon", n, w.till.Ledger().Visit("v1").Held)
	}
	w.balanced()
}
