package till

import (
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// coupon gives a barcode coupon back: no service takes one, and it is no money
// whatever happens to it.
func (t *Till) coupon(e cash.Coupon) {
	t.state, t.moving = cash.StateEscrow, MovingReturning
	t.write("", record.CouponRefused{Reason: record.RefusedCoupon, Digits: len(e.Digits)})
	t.happen(record.RefusedCoupon, money.Amount{})
	t.ports.Acceptor(cash.Return{ID: e.ID})
}

// couponGone is the end of a coupon's way.
func (t *Till) couponGone(id cash.EventID, s cash.State) {
	t.escrow, t.moving, t.counter, t.state = nil, MovingNone, nil, s
	t.ports.Acceptor(cash.Confirm{ID: id})
	t.steer()
}

// doubt writes that nobody can say where the note is, with what went over the
// line: the kept traffic, which reaches back behind a restart, or else the
// driver's own trace.
func (t *Till) doubt(n *OpenNote, why, r string, trace []string) {
	if kept := t.kept(); len(kept) > 0 {
		trace = kept
	}
	t.write(n.Visit, record.NoteInDoubt{NoteID: n.ID, Why: why, Row: r, Trace: trace})
	t.happen("stuck", n.Note.Value)
}
