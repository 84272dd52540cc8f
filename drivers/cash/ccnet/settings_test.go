package ccnet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// told is a settled rig whose driver has the configuration.
func told(t *testing.T, cfg Config, knobs ...func(*peer)) (*cashtest.Rig, *peer) {
	t.Helper()
	r := cashtest.NewRig(t, with(cfg, knobs...))
	r.Policy.Decide = cashtest.StackAll
	r.Policy.Coupon = func(c cash.Coupon) cash.Command { return cash.Return{ID: c.ID} }
	r.Until("settled", 30*time.Second, r.Settled)
	return r, r.Peer.(*peer)
}

var allTypes = cash.Enable{Types: []int{1, 2, 3, 4, 5, 6, 7}}

// What is configured has been told when the unit is settled, before it is
// enabled; what is not configured is never touched.
func TestSettingsAreToldBeforeSettled(t *testing.T) {
	r, p := told(t, everything)
	wantEscrow := []byte{0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10} // 10 s for notes, 10 s for coupons
	if p.security != MaskOf(3, 6, 7) || p.barcodeLength != 18 || !bytes.Equal(p.escrowMS, wantEscrow) || p.options != 1<<30 {
		t.Errorf("security %v, barcode %d, escrow % X, options %08X", p.security.Types(), p.barcodeLength, p.escrowMS, p.options)
	}
	if countOf(p.heard, cmdEnableBillTypes) != 0 || countOf(p.heard, cmdGetOptions) != 2 || countOf(p.heard, cmdGetStatus) != 1 {
		t.Errorf("heard % X: options and security are read back, and nothing is enabled", p.heard)
	}
	if s, _ := cashtest.Last[cash.Settled](r); s.Identity.Released != "20240611" {
		t.Errorf("%+v has no date of release", s.Identity)
	}
	_, p = told(t, Config{})
	for _, cmd := range []byte{cmdSetSecurity, cmdSetBarcode, cmdSetEscrowTimeouts, cmdSetOptions, cmdGetOptions} {
		if countOf(p.heard, cmd) != 0 {
			t.Errorf("%s was sent without being configured", commandNames[cmd])
		}
	}
}

// A start loses all of it, so all of it is told again.
func TestSettingsAfterAStart(t *testing.T) {
	for _, how := range []string{"power", "RESET", "driver"} {
		r, p := told(t, everything)
		r.Do(allTypes)
		r.AwaitState(cash.StateIdle, 5*time.Second)
		switch how {
		case "power":
			p.PowerCut(cash.PowerUpEmpty)
			r.Run(6 * time.Second)
			p.PowerOn()
		case "RESET":
			r.Run(10 * time.Second)
			r.Do(cash.Reset{})
		case "driver": // the unit keeps what it was told; the new driver does not know
			r.Restart()
		}
		r.Run(30 * time.Second)
		if !r.Settled() || p.security != MaskOf(3, 6, 7) || p.barcodeLength != 18 || p.escrowMS == nil || p.options != 1<<30 {
			t.Errorf("after %s: security %v, barcode %d, escrow % X, options %08X",
				how, p.security.Types(), p.barcodeLength, p.escrowMS, p.options)
		}
	}
}

// Security that is no longer configured is taken back from a unit that kept it.
func TestSecurityIsTakenBack(t *testing.T) {
	_, p := told(t, Config{}, func(p *peer) { p.kept(stateDisabled); p.security = MaskOf(1, 7) })
	if p.security != 0 {
		t.Errorf("the unit still verifies %v with high security", p.security.Types())
	}
}

// A note that must be verified with high security is taken only when the unit
// says that it verifies it so.
func TestHighSecurity(t *testing.T) {
	tests := []struct {
		name    string
		knob    func(*peer)
		enabled []int
		remark  string
	}{
		{"held", func(*peer) {}, []int{1, 2, 3, 4, 5, 6, 7}, ""},
		{"held in part", func(p *peer) { p.secures = MaskOf(3, 6) }, []int{1, 2, 3, 4, 5, 6}, "types [7] are not taken"},
		{"unknown command", func(p *peer) { p.illegal[cmdSetSecurity] = 100 }, []int{1, 2, 4, 5}, "types [3 6 7] are not taken"},
		{"not answered", func(p *peer) { p.deaf[cmdSetSecurity] = 100 }, []int{1, 2, 4, 5}, "types [3 6 7] are not taken"},
		{"not answered twice", func(p *peer) { p.deaf[cmdSetSecurity] = 2 }, []int{1, 2, 3, 4, 5, 6, 7}, ""},
		{"cannot be read back", func(p *peer) { p.illegal[cmdGetStatus] = 100 }, []int{1, 2, 3, 4, 5, 6, 7}, ""},
		{"not read back", func(p *peer) { p.deaf[cmdGetStatus] = 100 }, []int{1, 2, 3, 4, 5, 6, 7}, "high security is not verified"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := told(t, Config{HighSecurity: everything.HighSecurity}, tt.knob)
			r.Do(allTypes)
			r.AwaitState(cash.StateIdle, 20*time.Second)
			r.Run(5 * time.Second)
			if p.enabled != MaskOf(tt.enabled...) {
				t.Errorf("enabled %v, want %v", p.enabled.Types(), tt.enabled)
			}
			if got := strings.Join(r.Driver.(*Machine).Remarks(), "; "); !strings.Contains(got, tt.remark) {
				t.Errorf("remarked %q, want %q", got, tt.remark)
			}
		})
	}
	t.Run("nothing is left to take", func(t *testing.T) {
		r, p := told(t, Config{HighSecurity: []money.Amount{money.Manat(10)}}, func(p *peer) { p.secures = 0 })
		r.Do(cash.Enable{Types: []int{3}})
		f := cashtest.Await[cash.Fault](r, 10*time.Second)
		if f.Kind != cash.FaultProtocol || !strings.Contains(f.Detail, "high security") || p.enabled != 0 {
			t.Errorf("%+v", f)
		}
	})
	t.Run("lost while it serves", func(t *testing.T) {
		r, p := told(t, Config{HighSecurity: everything.HighSecurity})
		p.security = 0
		r.Do(allTypes)
		r.Run(10 * time.Second)
		if p.enabled&MaskOf(3, 6, 7) != 0 {
			t.Errorf("enabled %v although the unit says that it verifies none of them so", p.enabled.Types())
		}
	})
}

// Above 51h older firmware answers ILLEGAL or nothing. That is asked once for a
// serial number, and again when another unit is there.
func TestOldFirmware(t *testing.T) {
	above := []byte{cmdSetEscrowTimeouts, cmdGetStackedCounter, cmdGetDateOfRelease, cmdGetOptions}
	for how, asked := range map[string]int{"illegal": 1, "silent": optionalMax} {
		t.Run(how, func(t *testing.T) {
			r, p := told(t, everything, func(p *peer) { p.firmware = how })
			for range 3 {
				r.Run(11 * time.Second)
				r.Do(cash.Reset{})
				r.Run(10 * time.Second)
				r.Until("settled", 10*time.Second, r.Settled)
			}
			for _, cmd := range above {
				if n := countOf(p.heard, cmd); n != asked {
					t.Errorf("%s was sent %d times, want %d", commandNames[cmd], n, asked)
				}
			}
			if countOf(p.heard, cmdSetOptions) != 0 {
				t.Error("options were set on a unit that does not tell them")
			}
			r.Do(allTypes)
			r.AwaitState(cash.StateIdle, 10*time.Second)
			p.Insert(4)
			cashtest.Await[cash.PathClear](r, 20*time.Second)
			if !r.Book.Equal(p.Cassette()) || len(p.cassette) != 1 {
				t.Errorf("booked %v, cassette %v", r.Book.Stacked, p.cassette)
			}
			p.heard, p.firmware = nil, ""
			copy(p.identity[partBytes:], "99XX00000001")
			p.PowerCut(cash.PowerUpEmpty)
			r.Run(6 * time.Second)
			p.PowerOn()
			r.Run(10 * time.Second)
			for _, cmd := range above {
				if countOf(p.heard, cmd) == 0 {
					t.Errorf("%s was not sent to the new unit", commandNames[cmd])
				}
			}
		})
	}
}

// Only the options that are needed are touched, and never those that change what
// masks and notes mean.
func TestOptions(t *testing.T) {
	kept := func(p *peer) { p.kept(stateDisabled) }
	tests := []struct {
		name   string
		want   uint32
		knob   func(*peer)
		holds  uint32
		sets   int
		remark string
	}{
		{"added to what is there", 1 << 30, func(p *peer) { kept(p); p.options = 1 << 31 }, 3 << 30, 1, ""},
		{"there already", 1 << 30, func(p *peer) { kept(p); p.options = 3 << 30 }, 3 << 30, 0, ""},
		{"not taken", 3 << 30, func(p *peer) { p.keepsOptions = 1 << 31 }, 1 << 31, 1, "did not take the options 40000000"},
		{"forbidden", option48Entries | optionArticle6 | optionClearCounterfeit, kept, 0, 0, ""},
		{"refused", 1 << 30, func(p *peer) { p.nak[cmdSetOptions] = 100 }, 0, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := told(t, Config{Options: tt.want}, tt.knob)
			if p.options != tt.holds || tt.sets > 0 && countOf(p.heard, cmdSetOptions) != tt.sets ||
				tt.sets == 0 && p.nak[cmdSetOptions] == 0 && countOf(p.heard, cmdSetOptions) != 0 {
				t.Errorf("holds %08X after %d SET OPTIONS, want %08X after %d", p.options, countOf(p.heard, cmdSetOptions), tt.holds, tt.sets)
			}
			if got := strings.Join(r.Driver.(*Machine).Remarks(), "; "); !strings.Contains(got, tt.remark) {
				t.Errorf("remarked %q, want %q", got, tt.remark)
			}
		})
	}
}

// A coupon is never a note, whatever its barcode and whatever the unit does with
// the question.
func TestCoupons(t *testing.T) {
	digits := cashtest.CouponDigits
	tests := []struct {
		name   string
		knob   func(*peer)
		coupon string
		digits string
	}{
		{"read", func(*peer) {}, digits, digits},
		{"answer lost once", func(p *peer) { p.dumb[cmdExtractBarcode] = 1 }, digits, digits},
		{"answer never comes", func(p *peer) { p.dumb[cmdExtractBarcode] = 100 }, digits, ""},
		{"illegal", func(p *peer) { p.illegal[cmdExtractBarcode] = 100 }, digits, ""},
		{"not made of digits", func(*peer) {}, "04091123581321345A", ""},
		{"a state as content", func(*peer) {}, "\x81\x04\x81\x04\x81\x04\x81\x04\x81\x04\x81\x04\x81\x04\x81\x04\x81\x04", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := told(t, everything, tt.knob)
			r.Do(allTypes)
			r.AwaitState(cash.StateIdle, 10*time.Second)
			p.InsertCoupon(tt.coupon)
			c := cashtest.Await[cash.Coupon](r, 10*time.Second)
			if strings.Trim(tt.coupon, "0123456789") == "" && c.Digits != tt.digits || len(c.Digits) > couponMax {
				t.Errorf("told %q, want %q", c.Digits, tt.digits)
			}
			if len(c.Raw) == 0 {
				t.Error("without its frame")
			}
			// Whoever reads the number of a coupon could spend it.
			trace := strings.Join(r.Driver.(*Machine).trace.Lines(), "\n")
			if strings.Contains(trace, strings.TrimSpace(fmt.Sprintf("% X", tt.coupon[:6]))) {
				t.Errorf("the coupon stands in the trace:\n%s", trace)
			}
			cashtest.Await[cash.CouponReturned](r, 20*time.Second)
			cashtest.Await[cash.PathClear](r, 5*time.Second)
			if countOf(p.heard, cmdStack) != 0 || len(r.Book.Stacked) != 0 || p.givenCoupons != 1 {
				t.Errorf("booked %v, given back %d\n%s", r.Book.Stacked, p.givenCoupons, r.Log())
			}
		})
	}
	t.Run("not configured", func(t *testing.T) {
		r, p := told(t, Config{})
		r.Do(allTypes)
		r.AwaitState(cash.StateIdle, 10*time.Second)
		p.InsertCoupon(digits)
		cashtest.Await[cash.Rejected](r, 10*time.Second)
	})
	t.Run("the unit does not know barcodes", func(t *testing.T) {
		r, p := told(t, everything, func(p *peer) { p.illegal[cmdSetBarcode] = 100 })
		r.Do(allTypes)
		r.AwaitState(cash.StateIdle, 10*time.Second)
		if p.enabled&couponMask != 0 {
			t.Error("coupons are enabled all the same")
		}
	})
	// Its place in a table of 48 is a note's.
	t.Run("type 23 of a long table", func(t *testing.T) {
		m := New(everything, cash.Memory{Table: cash.Table{Notes: []cash.Note{{Type: barcodeType, Value: money.Manat(5)}}}})
		if m.isCoupon(barcodeType) {
			t.Error("a note that is known as one was taken for a coupon")
		}
	})
	// A coupon leaves nothing behind: the same unit, the next note.
	t.Run("power lost with a coupon in escrow", func(t *testing.T) {
		r, p := told(t, everything)
		r.Policy.Coupon = nil
		r.Do(allTypes)
		r.AwaitState(cash.StateIdle, 10*time.Second)
		p.InsertCoupon(digits)
		cashtest.Await[cash.Coupon](r, 10*time.Second)
		p.PowerCut(cash.PowerUpInPath)
		r.Run(6 * time.Second)
		p.PowerOn()
		cashtest.Await[cash.CouponReturned](r, 20*time.Second)
		r.Until("settled", 20*time.Second, r.Settled)
		r.Do(allTypes)
		p.Insert(4)
		cashtest.Await[cash.Stacked](r, 20*time.Second)
		r.Run(3 * time.Second)
		if !r.Book.Equal(p.Cassette()) || len(p.cassette) != 1 {
			t.Errorf("booked %v, cassette %v", r.Book.Stacked, p.cassette)
		}
	})
}
