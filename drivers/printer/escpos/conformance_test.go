package escpos_test

import (
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/drivers/printer/printertest"
)

// TestConformance runs the family's suite for both profiles and for a slow line.
func TestConformance(t *testing.T) {
	slow := escpos.Generic80()
	slow.Speed = 3840
	levelC := printertest.DefaultConfig()
	levelC.ProcessID, levelC.ClearFunc, levelC.Identity = false, false, false
	sparse := 1
	if testing.Short() {
		sparse = 5
	}
	for _, c := range []struct {
		name    string
		profile escpos.Profile
		config  printertest.Config
	}{
		{"A", escpos.Generic80(), printertest.DefaultConfig()},
		{"C", escpos.Generic80C(), levelC},
		{"slow", slow, printertest.DefaultConfig()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.profile.Check(); err != nil {
				t.Fatal(err)
			}
			printertest.Suite(t, printertest.Subject{
				Name:   c.name,
				New:    func() printertest.Unit { return escpos.New(c.profile) },
				Config: c.config,
				Speed:  c.profile.Speed,
				Width:  c.profile.Width(),
				Level:  c.profile.Barrier,
				Sparse: sparse,
				Classified: func(u printertest.Unit) int {
					s := u.(*escpos.Machine).Stats()
					return s.XON + s.XOFF + s.Realtime + s.Automatic + s.Short + s.Data + s.Text + s.Noise + s.Pending
				},
			})
		})
	}
}
