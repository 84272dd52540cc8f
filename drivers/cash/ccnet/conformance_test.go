package ccnet

import (
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// everything is a configuration that tells the unit all that can be told.
var everything = Config{
	HighSecurity: []money.Amount{money.Manat(10), money.Manat(100), money.Manat(200)},
	CouponLength: len(cashtest.CouponDigits),
	UnitEscrow:   10 * time.Second,
	Options:      1 << 30,
}

func family(knobs ...func(*peer)) cashtest.Family {
	return cashtest.Family{
		Name:     "ccnet",
		Features: cashtest.Features{PowerUpPositions: true, Hold: true, ReturnEvidence: true},
		NewDriver: func(m cash.Memory) cashtest.Driver {
			return New(Config{}, m)
		},
		NewPeer: func() cashtest.Peer {
			p := newPeer()
			for _, k := range knobs {
				k(p)
			}
			return p
		},
		Types: []int{2, 4},
	}
}

// with is a family whose driver has the configuration.
func with(cfg Config, knobs ...func(*peer)) cashtest.Family {
	f := family(knobs...)
	f.Features.Coupons = cfg.CouponLength > 0
	f.NewDriver = func(m cash.Memory) cashtest.Driver { return New(cfg, m) }
	return f
}

// TestConformance holds the driver to the family's bargain, on an ordinary unit
// and on the odd ones of section 12.
func TestConformance(t *testing.T) {
	units := []struct {
		name string
		knob func(*peer)
	}{
		{"ordinary", func(*peer) {}},
		{"local echo", func(p *peer) { p.echo = true }},
		{"noise before each answer", func(p *peer) { p.noise = []byte{0x00, SYNC, 0x03, 0x02, 0xFF} }},
		{"shows 10h after RESET", func(p *peer) { p.bootTime = 3e9 }},
		{"no counter", func(p *peer) { p.counterDead = true }},
		{"old firmware, illegal", func(p *peer) { p.firmware = "illegal" }},
		{"old firmware, silent", func(p *peer) { p.firmware = "silent" }},
		{"slow to start", func(p *peer) { p.initTime = 40e9 }},
	}
	t.Run("told nothing but its types", func(t *testing.T) { cashtest.Run(t, family()) })
	for _, u := range units {
		t.Run(u.name, func(t *testing.T) { cashtest.Run(t, with(everything, u.knob)) })
	}
}
