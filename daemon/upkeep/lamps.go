package upkeep

import (
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Lamps lead the eye to the slot that waits. They follow from what is on the screen,
// so that both say the same; none flashes faster than twice a second, and those that
// flash here do so once a second or slower.
//
//	acceptor  lit while notes are taken
//	printer   slowly while a slip is printed, and while it waits to be taken
//	card      once a second while a card is wanted, or one must be taken
//	status    lit in service; slowly when something is wrong, or out of service
func (u *Upkeep) Lamps(s wire.State) map[panel.Lamp]panel.Pattern {
	out := map[panel.Lamp]panel.Pattern{}
	for _, l := range panel.Lamps() {
		out[l] = panel.PatternOff
	}
	if !u.lamptest.IsZero() {
		for l := range out {
			out[l] = panel.PatternOn
		}
		return out
	}
	v := s.Visit
	if s.Money.Open {
		out[panel.LampAcceptor] = panel.PatternOn
	}
	slip := wire.SlipNone
	if v.Outcome != nil {
		slip = v.Outcome.Slip
	}
	if v.Step == wire.StepDeliver || v.Step == wire.StepFarewell && (slip == wire.SlipPrinting || slip == wire.SlipPrinted || slip == wire.SlipUnknown) {
		out[panel.LampPrinter] = panel.PatternSlow
	}
	if v.CardIn || v.Step == wire.StepCard && (v.Identify == nil || !v.Identify.Reading) {
		out[panel.LampCard] = panel.PatternMedium
	}
	out[panel.LampStatus] = panel.PatternOn
	if v.Step == wire.StepOutOfService || len(u.Holds()) > 0 || len(u.log.s.Alarms) > 0 {
		out[panel.LampStatus] = panel.PatternSlow
	}
	return out
}
