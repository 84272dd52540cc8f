package validator

import (
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// reads brings the unit to idling with coupons of 18 digits.
func (r *rig) reads() *rig {
	r.t.Helper()
	r.start()
	r.want(ansACK, cmdSetBarcode, barcodeFormat, 18)
	r.enable(0xFFFFFF, 0xFFFFFF)
	r.until(z1Idling)
	return r
}

func TestCoupon(t *testing.T) {
	r := newRig(t).reads()
	r.do(InsertCoupon{})
	wantSeen(t, r.until(z1Escrow, couponType), "15 8017")
	if got := r.ask(cmdExtractBarcode); string(got) != usualCoupon {
		t.Fatalf("its barcode says %q", got)
	}
	r.say(cmdACK)
	r.want(ansACK, cmdReturn)
	wantSeen(t, r.until(z1Idling), "18 8217 14")
	r.wantPlace(PlaceHand, 1)
	if w := r.v.World(); w.Counter != 0 || w.Hand[0].Kind != KindCoupon || !w.Hand[0].Value.IsZero() {
		t.Errorf("%+v", w)
	}
	r.do(Reinsert{Serial: "N000001"}) // the same coupon again
	r.until(z1Escrow, couponType)
	if got := r.ask(cmdGetStatus); hexed(got) != "8000FE000000" {
		t.Errorf("status % X: coupons are a type of their own", got)
	}
	r.want(ansACK, cmdReset)
	r.until(z1Disabled)
	r.want(ansIllegal, cmdStack)
	if got := r.ask(cmdGetStatus); hexed(got) != "000000000000" {
		t.Errorf("status after RESET % X", got)
	}
}

// What the witness sees when a host stacks a coupon: it is in the cassette, was
// told as type 23 and counted, and is worth nothing.
func TestStackedCouponIsNoMoney(t *testing.T) {
	r := newRig(t).reads()
	r.do(InsertCoupon{})
	r.until(z1Escrow, couponType)
	r.want(ansACK, cmdStack)
	r.pass(2 * time.Second)
	if got := r.ask(cmdExtractBarcode); string(got) != usualCoupon {
		t.Errorf("with 81h to tell its barcode says %q", got)
	}
	wantSeen(t, r.until(z1Idling), "8117 14")
	w := r.v.World()
	if len(w.Cassette) != 1 || !Total(w.Cassette, money.AZN).IsZero() || w.Counter != 1 {
		t.Errorf("%+v", w)
	}
	r.do(Insert{Value: money.Manat(5)})
	r.until(z1Escrow, 2)
	r.want(ansIllegal, cmdExtractBarcode) // the coupon is history
}

func TestCouponRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		coupon InsertCoupon
		quirks Quirks
		length byte
		mask   uint32
		want   string
	}{
		{"barcode not readable", InsertCoupon{Quality: QualityRefused}, Quirks{}, 18, 0xFFFFFF, "15 1C92 14"},
		{"start missing", InsertCoupon{Quality: QualityRefused, Code: 0x94}, Quirks{}, 18, 0xFFFFFF, "15 1C94 14"},
		{"of another length", InsertCoupon{Digits: "12345678"}, Quirks{}, 18, 0xFFFFFF, "15 1C93 14"},
		{"inhibited", InsertCoupon{}, Quirks{}, 18, 0x7FFFFF, "15 1C68 14"},
		{"never told of barcodes", InsertCoupon{}, Quirks{}, 0, 0xFFFFFF, "15 1C65 14"},
		{"no reader", InsertCoupon{}, Quirks{NoBarcode: true}, 18, 0xFFFFFF, "15 1C65 14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *Config) { cfg.Quirks = c.quirks }).start()
			if c.length > 0 {
				r.ask(cmdSetBarcode, barcodeFormat, c.length)
			}
			r.enable(c.mask, c.mask)
			r.until(z1Idling)
			r.do(c.coupon)
			wantSeen(t, r.until(z1Idling), c.want)
			r.wantPlace(PlaceHand, 1)
		})
	}
}

// 5Ah tells two patiences: one for notes, one for coupons.
func TestEscrowTimeouts(t *testing.T) {
	r := newRig(t).reads()
	r.want(ansACK, cmdSetEscrowTimeouts, 0, 0, 0x07, 0xD0, 0, 0, 0x0F, 0xA0) // 2 s and 4 s
	for _, c := range []struct {
		put  Action
		typ  byte
		last time.Duration
	}{{Insert{Value: money.Manat(5)}, 2, 2 * time.Second}, {InsertCoupon{}, couponType, 4 * time.Second}} {
		r.do(c.put)
		r.until(z1Escrow, c.typ)
		began := r.now
		r.until(z1Returning)
		if took := r.now.Sub(began); took < c.last-200*time.Millisecond || took > c.last+200*time.Millisecond {
			t.Errorf("type %d was kept %v, want %v", c.typ, took, c.last)
		}
		r.until(z1Idling)
	}
}

func TestSecures(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Quirks.Secures = []int{6} }).start()
	r.want(ansACK, cmdSetSecurity, 0, 0, 0xC0)
	if got := r.ask(cmdGetStatus); hexed(got) != "000000000040" {
		t.Errorf("status % X: only type 6 can be verified so", got)
	}
}

// An older firmware knows nothing above 51h.
func TestOldFirmware(t *testing.T) {
	above := [][]byte{{cmdSetEscrowTimeouts, 0, 0, 1, 0, 0, 0, 1, 0}, {cmdGetCounter}, {cmdGetReleaseDate}, {cmdSetOptions, 0, 0, 0, 0}, {cmdGetOptions}}
	for how, want := range map[Above51]string{Above51Illegal: "30", Above51Silent: "-"} {
		r := newRig(t).start()
		r.do(SetQuirks{Quirks{Above51: how}})
		for _, cmd := range above {
			if got := hexed(r.ask(cmd...)); got != want {
				t.Errorf("%s: %X was answered with %s", how, cmd, got)
			}
		}
		if got := r.ask(cmdGetCRC32); len(got) != 4 {
			t.Errorf("%s: 51h was answered with % X", how, got)
		}
	}
	r := newRig(t)
	if _, err := r.v.Do(r.now, SetQuirks{Quirks{Above51: "deaf"}}); err == nil {
		t.Error("an unknown kind of firmware was taken")
	}
	if _, err := r.v.Do(r.now, InsertCoupon{Digits: "12A"}); err == nil {
		t.Error("a coupon that is not made of digits was taken")
	}
}
