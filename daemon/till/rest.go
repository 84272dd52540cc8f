package till

import "github.com/asan-kiosk/kiosk/drivers/cash"

// AtRest reports whether nothing moves: no note lies between escrow and a final
// state, and the unit takes none. The terminal may end then.
func (t *Till) AtRest() bool {
	n := t.undecided()
	return t.moving == MovingNone && (n == nil || n.State == NoteInDoubt) && quiet(t.state)
}

// quiet reports whether the unit draws no note in, in this state.
func quiet(s cash.State) bool {
	switch s {
	case cash.StateDisabled, cash.StateFault, cash.StateOffline, cash.StatePowerUp, cash.StateInitializing:
		return true
	}
	return false
}
