package till

import (
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// What the till does when the unit, the line or the terminal itself comes back:
// the tables of protocols/cash-ccnet.md 10.3 and 10.4.

func (t *Till) onlineEvent(e cash.Online) {
	t.online, t.settled, t.fault, t.enabled = true, false, nil, ""
	t.state = e.Found
	f := record.AcceptorFound{State: e.Found, Position: e.Position, Row: row103(t.current(), e.Found)}
	if e.Note != nil {
		f.Type = &e.Note.Type
	}
	t.write("", f)
}

func (t *Till) offlineEvent(e cash.Offline) {
	if t.online {
		t.write("", record.DeviceFault{Device: "acceptor", Fault: "offline", Detail: e.Cause})
	}
	t.online, t.settled, t.enabled, t.escrow = false, false, "", nil
	t.state, t.moving, t.counter = cash.StateOffline, MovingNone, nil
}

func (t *Till) powerUp(e cash.PowerUp) {
	t.settled, t.enabled, t.escrow, t.state = false, "", nil, cash.StatePowerUp
	atPowerUp.Hit()
	t.write("", record.AcceptorPowerUp{Position: e.Position, Row: row104(t.current(), e.Position)})
	atPowerUpWritten.Hit()
	t.ports.Acceptor(cash.Confirm{ID: e.ID})
}

func (t *Till) settledEvent(e cash.Settled) {
	unit := t.ledger.Unit()
	swapped := unit.Known && unit.Identity.Serial != e.Identity.Serial
	t.write("", record.AcceptorSettled{Identity: e.Identity, Table: e.Table, TableHash: e.Table.Hash(), Counter: e.Counter, Swapped: swapped})
	if swapped {
		// The notes went away with the other unit; its counter says nothing here.
		for _, n := range t.ledger.inUnit() {
			if n.State == NoteStacked {
				t.write("", record.NoteClosed{NoteID: n.ID})
			} else if n.State != NoteInDoubt {
				t.doubt(n, "the unit was exchanged", "", nil)
			}
		}
	} else {
		t.resolve(e.Counter)
	}
	t.settled, t.ill, t.online, t.counter, t.moving = true, false, true, e.Counter, MovingNone
	t.state = cash.StateDisabled
	t.enabled = "" // the driver remembers what it was told last, and that was before
	t.steer()
}

// resolve settles the open notes when the unit says that its path is empty. The
// unit's own counter is the independent witness for a note whose end was not
// heard; without it the note stays in doubt.
func (t *Till) resolve(counter *uint32) {
	for _, n := range t.ledger.inUnit() {
		diff, known := int64(0), false
		if counter != nil && n.Counter != nil {
			diff, known = int64(uint16(*counter-*n.Counter)), true // 16 bits on the wire
		}
		state := n.State
		if state == NoteInDoubt && n.Was != "" {
			state = NoteInDoubt
		}
		switch {
		case n.State == NoteStacked:
			atClosed.Hit()
			t.write("", record.NoteClosed{NoteID: n.ID})
		case known && diff == 1:
			t.credit(n, n.Note, row(n.State, "idle")+" counter+1", alarmIf(n.State == NoteEscrow || n.State == NoteReturnIntent, "stacked without being told to"), nil)
		case known && diff == 0:
			t.write("", record.NoteReturned{NoteID: n.ID, Row: row(n.State, "idle") + " counter+0"})
			t.happen("returned", n.Note.Value)
		case state == NoteEscrow || state == NoteReturnIntent:
			t.write("", record.NoteReturned{NoteID: n.ID, Row: row(n.State, "idle")})
			t.happen("returned", n.Note.Value)
		case n.State != NoteInDoubt:
			t.doubt(n, "the unit did not say what became of it", row(n.State, "idle"), nil)
		}
	}
}

// unexpected books a note that is in the cassette without an open record: a note
// is never refused once it is stacked. An open record of another type becomes
// doubtful, because the unit has just contradicted it.
func (t *Till) unexpected(e cash.Stacked) {
	if o := t.undecided(); o != nil && o.State != NoteInDoubt {
		t.doubt(o, "the unit stacked a note of another type", "", nil)
	}
	unit := t.ledger.Unit()
	note := e.Note
	if note.Value.IsZero() {
		note, _ = unit.Table.Lookup(e.Note.Type)
	}
	id := t.ports.NewID()
	atStacked.Hit()
	if note.Value.IsZero() {
		t.ports.Write(
			journal.Draft{Body: record.NoteEscrowed{NoteID: id, Note: note, Serial: unit.Identity.Serial, TableHash: unit.TableHash, Raw: e.Raw}},
			journal.Draft{Body: record.NoteInDoubt{NoteID: id, Why: "stacked without a record, and its value is not known", Row: row("", "stacked"), Trace: t.kept()}},
		)
	} else {
		t.write("", record.NoteStacked{NoteID: id, Note: note, TableHash: unit.TableHash, Row: row("", "stacked"),
			Alarm: "stacked without a record", Raw: e.Raw})
	}
	atCredited.Hit()
	t.counter = nil
}
