package cashtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// How long bytes are on their way.
const (
	toPeerDelay = 7 * time.Millisecond
	toHostDelay = 9 * time.Millisecond
)

// Policy is what the rig's till does by itself.
type Policy struct {
	// Confirm evidence after this time; negative: only when the story says so.
	ConfirmAfter time.Duration
	// Decide on a note in escrow; nil: no answer.
	Decide func(cash.Escrowed) cash.Command
	// Coupon answers a coupon in escrow; nil: no answer.
	Coupon func(cash.Coupon) cash.Command
}

// StackAll stacks every note, as a till with an open payment.
func StackAll(e cash.Escrowed) cash.Command {
	if e.Found {
		return cash.Return{ID: e.ID}
	}
	return cash.Stack{ID: e.ID}
}

// ReturnAll returns every note.
func ReturnAll(e cash.Escrowed) cash.Command { return cash.Return{ID: e.ID} }

// Said is an event with its time since the rig began.
type Said struct {
	At    time.Duration
	Event cash.Event
}

// delivery is something on its way.
type delivery struct {
	at      time.Time
	toPeer  bool
	bytes   []byte
	command cash.Command
	link    line.Link
}

// T is what a rig needs of a test; *testing.T and *rapid.T have it.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Rig joins a driver, a peer and a till. It fails the test at once when the
// driver breaks a rule of the bargain.
type Rig struct {
	T      T
	Family Family
	Driver Driver
	Peer   Peer
	Policy Policy
	Book   *Book
	// Events of the present driver, oldest first.
	Events []Said

	now, start time.Time
	pending    []delivery
	driverWake time.Time
	peerWake   time.Time
	unplugged  bool
	memory     cash.Memory

	// What the rules are checked against.
	settled     bool
	online      bool
	lastID      cash.EventID
	unconfirmed map[cash.EventID]string // evidence and power-ups
	wasEnabled  bool
	resets      int
	acks        int
	confirmed   int // of Stacked and Returned, over all runs of drivers
	evidence    map[cash.EventID]bool
}

// NewRig makes a rig with a running driver.
func NewRig(t T, f Family) *Rig {
	r := &Rig{
		T: t, Family: f, Peer: f.NewPeer(), Book: &Book{},
		now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
	}
	r.start = r.now
	r.wasEnabled = r.Peer.Enabled()
	r.Restart()
	return r
}

// Restart replaces the driver by a new one, as when the daemon was killed; the
// unit notices nothing.
func (r *Rig) Restart() {
	r.Driver = r.Family.NewDriver(r.memory)
	r.Events, r.pending = nil, nil
	r.settled, r.online, r.lastID = false, false, 0
	r.unconfirmed, r.evidence = map[cash.EventID]string{}, map[cash.EventID]bool{}
	r.resets = r.Peer.Resets()
	r.Book.restarted()
	r.unplugged = false
	r.pending = append(r.pending, delivery{at: r.now.Add(time.Millisecond), link: line.LinkUp})
}

// Unplug takes the line away; Plug gives it back.
func (r *Rig) Unplug() {
	r.unplugged = true
	r.pending = slices.DeleteFunc(r.pending, func(d delivery) bool { return d.bytes != nil || d.link != line.LinkSame })
	r.stepDriver(line.Input[cash.Command]{Link: line.LinkDown, Cause: "unplugged"})
}

// Plug ends Unplug.
func (r *Rig) Plug() {
	r.unplugged = false
	r.pending = append(r.pending, delivery{at: r.now.Add(time.Millisecond), link: line.LinkUp})
}

// Do gives the driver commands now.
func (r *Rig) Do(commands ...cash.Command) {
	for _, c := range commands {
		r.note(c)
	}
	r.stepDriver(line.Input[cash.Command]{Commands: commands})
}

// note checks off what a command settles.
func (r *Rig) note(c cash.Command) {
	if c, ok := c.(cash.Confirm); ok {
		delete(r.unconfirmed, c.ID)
		if r.evidence[c.ID] {
			delete(r.evidence, c.ID)
			r.confirmed++
		}
	}
}

// Run lets the time pass.
func (r *Rig) Run(d time.Duration) {
	r.T.Helper()
	end := r.now.Add(d)
	for r.advance(end) {
	}
}

// Until lets time pass until the condition holds, and fails the test if it does
// not within the limit.
func (r *Rig) Until(what string, limit time.Duration, holds func() bool) {
	r.T.Helper()
	end := r.now.Add(limit)
	for !holds() {
		if !r.advance(end) {
			r.T.Fatalf("not within %s: %s; the unit is %s\n%s", limit, what, r.Peer.State(), r.Log())
		}
	}
}

// advance goes to the next thing that happens; false when that is after end.
func (r *Rig) advance(end time.Time) bool {
	next := end
	first := -1
	for i, d := range r.pending {
		if d.at.Before(next) {
			next, first = d.at, i
		}
	}
	who := "end"
	if first >= 0 {
		who = "delivery"
	}
	if !r.driverWake.IsZero() && r.driverWake.Before(next) {
		next, who = r.driverWake, "driver"
	}
	if !r.peerWake.IsZero() && r.peerWake.Before(next) {
		next, who = r.peerWake, "peer"
	}
	if next.After(r.now) {
		r.now = next
	}
	switch who {
	case "end":
		return false
	case "driver":
		r.stepDriver(line.Input[cash.Command]{})
	case "peer":
		r.stepPeer(nil)
	case "delivery":
		d := r.pending[first]
		r.pending = slices.Delete(r.pending, first, first+1)
		switch {
		case d.command != nil:
			r.note(d.command)
			r.stepDriver(line.Input[cash.Command]{Commands: []cash.Command{d.command}})
		case d.link != line.LinkSame:
			r.stepDriver(line.Input[cash.Command]{Link: d.link})
		case d.toPeer:
			r.stepPeer(d.bytes)
		default:
			r.stepDriver(line.Input[cash.Command]{Received: d.bytes})
		}
	}
	return true
}

func (r *Rig) stepPeer(fromHost []byte) {
	toHost, wake := r.Peer.Step(r.now, fromHost)
	r.peerWake = wake
	if !wake.IsZero() && !wake.After(r.now) {
		r.peerWake = r.now.Add(time.Millisecond)
	}
	if len(toHost) > 0 && !r.unplugged {
		r.pending = append(r.pending, delivery{at: r.now.Add(toHostDelay), bytes: toHost})
	}
	r.checkPeer()
}

func (r *Rig) stepDriver(in line.Input[cash.Command]) {
	r.T.Helper()
	in.Received = bytes.Clone(in.Received)
	out := r.Driver.Step(r.now, in)
	clear(in.Received) // line.Run reads the next bytes into the same place
	r.driverWake = out.Wake
	if len(out.Send) > 0 && !r.unplugged {
		r.pending = append(r.pending, delivery{at: r.now.Add(toPeerDelay), toPeer: true, bytes: out.Send})
	}
	for _, e := range out.Events {
		r.take(e)
	}
	if out.Reopen {
		r.pending = slices.DeleteFunc(r.pending, func(d delivery) bool { return d.bytes != nil })
		r.pending = append(r.pending, delivery{at: r.now.Add(100 * time.Millisecond), link: line.LinkUp})
	}
}

// take checks one event against the bargain and lets the till answer.
func (r *Rig) take(e cash.Event) {
	r.T.Helper()
	r.Events = append(r.Events, Said{r.now.Sub(r.start), e})
	if !r.online {
		switch e.(type) {
		case cash.Online:
			r.online = true
		case cash.Offline, cash.StateChanged, cash.FaultCleared:
		default:
			r.T.Fatalf("%s before Online\n%s", name(e), r.Log())
		}
	}
	r.Book.take(e)
	switch e := e.(type) {
	case cash.Offline:
		r.online, r.settled = false, false
	case cash.PowerUp:
		r.settled = false
		r.fresh(e.ID)
		r.unconfirmed[e.ID] = "power-up"
		r.confirmLater(e.ID)
	case cash.Fault:
		r.settled = r.settled && e.Kind == cash.FaultTable
	case cash.Unresolved:
		r.settled = false
	case cash.Settled:
		if r.Peer.Enabled() && !r.settled {
			r.T.Fatalf("settled, but the unit is enabled\n%s", r.Log())
		}
		if len(r.unconfirmed) > 0 {
			r.T.Fatalf("settled with unconfirmed evidence %v\n%s", r.unconfirmed, r.Log())
		}
		r.settled = true
		r.memory = cash.Memory{Identity: e.Identity, Table: e.Table}
	case cash.CouponKept:
		r.proof(e.ID, "coupon kept")
	case cash.CouponReturned:
		r.proof(e.ID, "coupon returned")
	case cash.Coupon:
		r.fresh(e.ID)
		if len(e.Digits) > cash.CouponDigitsMax || strings.Trim(e.Digits, "0123456789") != "" {
			r.T.Fatalf("a coupon that says %q\n%s", e.Digits, r.Log())
		}
		if r.Policy.Coupon != nil {
			if c := r.Policy.Coupon(e); c != nil {
				r.pending = append(r.pending, delivery{at: r.now.Add(time.Millisecond), command: c})
			}
		}
	case cash.Stacked:
		r.proof(e.ID, "stacked")
	case cash.Returned:
		r.proof(e.ID, "returned")
	case cash.Escrowed:
		r.fresh(e.ID)
		if r.Policy.Decide != nil {
			if c := r.Policy.Decide(e); c != nil {
				r.pending = append(r.pending, delivery{at: r.now.Add(time.Millisecond), command: c})
			}
		}
	}
}

func (r *Rig) proof(id cash.EventID, what string) {
	r.fresh(id)
	r.unconfirmed[id] = what
	r.evidence[id] = true
	r.confirmLater(id)
}

// fresh: IDs rise and are never reused.
func (r *Rig) fresh(id cash.EventID) {
	r.T.Helper()
	if id <= r.lastID {
		r.T.Fatalf("event ID %d after %d\n%s", id, r.lastID, r.Log())
	}
	r.lastID = id
}

func (r *Rig) confirmLater(id cash.EventID) {
	if r.Policy.ConfirmAfter >= 0 {
		r.pending = append(r.pending, delivery{at: r.now.Add(r.Policy.ConfirmAfter), command: cash.Confirm{ID: id}})
	}
}

// checkPeer looks for what the driver must not have made the unit do.
func (r *Rig) checkPeer() {
	r.T.Helper()
	if on := r.Peer.Enabled(); on != r.wasEnabled {
		if on && !r.settled {
			r.T.Fatalf("the unit was enabled before Settled\n%s", r.Log())
		}
		r.wasEnabled = on
	}
	if n := r.Peer.Resets(); n != r.resets {
		if !r.online {
			r.T.Fatalf("the unit was reset before it had been asked for its state\n%s", r.Log())
		}
		if len(r.unconfirmed) > 0 {
			r.T.Fatalf("the unit was reset with unconfirmed evidence %v\n%s", r.unconfirmed, r.Log())
		}
		r.resets = n
	}
	if n := r.Peer.Acknowledged(); n != r.acks {
		r.acks = n
		if n > r.confirmed {
			r.T.Fatalf("the unit was told to forget evidence that is not durable (%d of %d)\n%s", n, r.confirmed, r.Log())
		}
	}
}

// Last is the newest event of the type E in the present driver's life.
func Last[E cash.Event](r *Rig) (E, bool) {
	for _, s := range slices.Backward(r.Events) {
		if e, ok := s.Event.(E); ok {
			return e, true
		}
	}
	var none E
	return none, false
}

// Count is how many events of the type E the present driver has said.
func Count[E cash.Event](r *Rig) int {
	n := 0
	for _, s := range r.Events {
		if _, ok := s.Event.(E); ok {
			n++
		}
	}
	return n
}

// Await lets time pass until one more event of the type E has been said than
// before.
func Await[E cash.Event](r *Rig, limit time.Duration) E {
	r.T.Helper()
	before := Count[E](r)
	var none E
	r.Until("event "+name(none), limit, func() bool { return Count[E](r) > before })
	e, _ := Last[E](r)
	return e
}

// AwaitState lets time pass until the unit is in the state.
func (r *Rig) AwaitState(s cash.State, limit time.Duration) {
	r.T.Helper()
	r.Until("the unit is "+string(s), limit, func() bool { return r.Peer.State() == s })
}

// Settled reports whether the driver has recovered the unit.
func (r *Rig) Settled() bool { return r.settled }

// Now is the rig's time.
func (r *Rig) Now() time.Time { return r.now }

// Story is the events' names in their order, without StateChanged.
func (r *Rig) Story() string {
	var out []string
	for _, s := range r.Events {
		if _, ok := s.Event.(cash.StateChanged); !ok {
			out = append(out, name(s.Event))
		}
	}
	return strings.Join(out, " ")
}

// Log is everything the driver has said, for a failing test.
func (r *Rig) Log() string {
	var b strings.Builder
	for _, s := range r.Events {
		fmt.Fprintf(&b, "%9.3fs %s %+v\n", s.At.Seconds(), name(s.Event), s.Event)
	}
	return b.String()
}

func name(e cash.Event) string { return strings.TrimPrefix(fmt.Sprintf("%T", e), "cash.") }
