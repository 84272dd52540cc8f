package till

import (
	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Rows names every row of the recovery tables, protocols/cash-ccnet.md 10.3 and
// 10.4, that this design can come to. A record written under a row carries its
// name, so that the journal itself says how often each was walked.
//
// 10.3: the controller restarted and the device kept power: last durable state
// of the note / what the device says. 10.4: the device lost power: state of the
// note / where the note lay.
func Rows() []string {
	return []string{
		"10.3 none/idle", "10.3 none/escrow", "10.3 none/stacked",
		"10.3 escrow/escrow", "10.3 escrow/idle", "10.3 escrow/stacked",
		"10.3 stack_intent/escrow", "10.3 stack_intent/stacking", "10.3 stack_intent/stacked",
		"10.3 stack_intent/returned", "10.3 stack_intent/idle", "10.3 stack_intent/fault",
		"10.3 stacked/stacked", "10.3 stacked/idle",
		"10.3 return_intent/idle", "10.3 return_intent/escrow", "10.3 return_intent/stacked",
		"10.3 in_doubt/stacked", "10.3 in_doubt/returned",
		"10.4 none/empty", "10.4 none/validator", "10.4 none/stacker",
		"10.4 escrow/validator",
		"10.4 stack_intent/validator", "10.4 stack_intent/stacker", "10.4 stack_intent/empty",
		"10.4 stacked/empty", "10.4 stacked/stacker",
		"10.4 return_intent/validator", "10.4 return_intent/empty",
		"10.4 in_doubt/validator", "10.4 in_doubt/stacker",
	}
}

func row(s NoteState, said string) string {
	if s == "" {
		s = "none"
	}
	return "10.3 " + string(s) + "/" + said
}

// rowReturned is the row for a note that the unit says it gave back: expected
// where nobody wanted to keep it.
func rowReturned(s NoteState) string {
	if s == NoteStackIntent || s == NoteInDoubt {
		return row(s, "returned")
	}
	return row(s, "idle")
}

func stateOf(n *OpenNote) NoteState {
	if n == nil {
		return ""
	}
	return n.State
}

// row103 is the row for what the device said first after the link came up.
func row103(n *OpenNote, found cash.State) string {
	said := ""
	switch found {
	case cash.StatePowerUp:
		return "" // the power-up record names its row of 10.4
	case cash.StateIdle, cash.StateDisabled, cash.StateAccepting, cash.StateRejecting, cash.StatePaused:
		said = "idle"
	case cash.StateReturning, cash.StateReturned:
		said = "idle"
		if stateOf(n) == NoteStackIntent {
			said = "returned"
		}
	case cash.StateEscrow:
		said = "escrow"
	case cash.StateStacking:
		said = "stacking"
		if s := stateOf(n); s == NoteEscrow || s == NoteReturnIntent {
			said = "stacked"
		} else if s == NoteStacked {
			said = "idle"
		}
	case cash.StateStacked:
		said = "stacked"
	case cash.StateFault:
		said = "fault"
	default:
		return ""
	}
	return row(stateOf(n), said)
}

// row104 is the row for a unit that lost power.
func row104(n *OpenNote, p cash.PowerUpPosition) string {
	s := stateOf(n)
	if s == "" {
		s = "none"
	}
	return "10.4 " + string(s) + "/" + string(p)
}
