package validator

import (
	"fmt"
	"math/bits"
)

// State is what an onlooker with X-ray eyes sees.
type State struct {
	Power    bool   `json:"power"`
	Plugged  bool   `json:"plugged"`
	Mode     string `json:"mode"`
	Z1       byte   `json:"z1"` // what POLL would say; zero while silent
	Z2       *byte  `json:"z2,omitempty"`
	Enabled  []int  `json:"enabled"` // bill types
	Escrow   []int  `json:"escrow"`
	World    World  `json:"world"`
	Config   Config `json:"config"`
	Frames   uint64 `json:"frames"` // passed on the line, both directions
	Bytes    uint64 `json:"bytes"`
	Troubles Armed  `json:"troubles"`
}

// Armed lists the troubles to come, in words.
type Armed []string

// State describes the unit.
func (v *Validator) State() State {
	s := State{
		Power:    v.mode != modeOff,
		Plugged:  v.plugged,
		Mode:     v.mode.String(),
		Enabled:  typesOf(v.enabled),
		Escrow:   typesOf(v.escrow),
		World:    v.w.Clone(),
		Config:   v.cfg,
		Frames:   v.wire.frames,
		Bytes:    v.wire.bytes,
		Troubles: v.armed(),
	}
	if v.mode > modeBoot {
		status := v.status()
		s.Z1 = status[0]
		if len(status) > 1 {
			z2 := status[1]
			s.Z2 = &z2
		}
	}
	return s
}

func (v *Validator) armed() Armed {
	f, list := v.faults, Armed{}
	add := func(on bool, format string, args ...any) {
		if on {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(f.cutAtByte > 0, "power cut at byte %d", f.cutAtByte)
	add(f.cutAtFrame > 0, "power cut at frame %d", f.cutAtFrame)
	for _, l := range f.line {
		add(true, "%s the next %d frames %s", l.Do, l.Count, l.Direction)
	}
	add(f.garbage.Count > 0, "garbage before %d answers", f.garbage.Count)
	add(f.split.Count > 0, "%d answers in pieces", f.split.Count)
	add(f.coalesce > 0, "%d answers held back", f.coalesce)
	add(f.echo, "local echo")
	add(f.repeat81 > 0, "%d acknowledgements of 81h disregarded", f.repeat81)
	for _, r := range f.refuse {
		add(true, "%s to %d commands %02Xh", r.With, r.Count, r.Command)
	}
	add(f.show.Count > 0, "state %02Xh shown %d times", f.show.Z1, f.show.Count)
	return list
}

func typesOf(mask uint32) []int {
	list := []int{}
	for mask != 0 {
		t := bits.TrailingZeros32(mask)
		list = append(list, t)
		mask &^= 1 << t
	}
	return list
}
