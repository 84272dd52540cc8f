package ccnet

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// Places where dying matters. "After send" is the beginning of the step that
// follows: by then the bytes have been handed to the line.
var (
	pointStackBefore     = faultpoint.New("ccnet.stack.before-send")
	pointStackAfter      = faultpoint.New("ccnet.stack.after-send")
	pointReturnBefore    = faultpoint.New("ccnet.return.before-send")
	pointReturnAfter     = faultpoint.New("ccnet.return.after-send")
	pointStackedEvent    = faultpoint.New("ccnet.stacked.before-event")
	pointStackedAck      = faultpoint.New("ccnet.stacked.before-ack")
	pointStackedAfterAck = faultpoint.New("ccnet.stacked.after-ack")
	pointReturnedEvent   = faultpoint.New("ccnet.returned.before-event")
	pointReturnedAck     = faultpoint.New("ccnet.returned.before-ack")
	pointPowerUpEvent    = faultpoint.New("ccnet.powerup.before-event")
	pointPowerUpReset    = faultpoint.New("ccnet.powerup.before-reset")
	pointPowerUpAfter    = faultpoint.New("ccnet.powerup.after-reset")
	pointEnableBefore    = faultpoint.New("ccnet.enable.before-send")
	pointSettledEvent    = faultpoint.New("ccnet.settled.before-event")
)

// ackBeforeWrite is the mistake that public implementations make: the unit is
// told to forget a stacked note before anything durable knows of it.
var ackBeforeWrite = faultpoint.NewMutant("ack-before-write")

const (
	// traceEntries is how much traffic a Fault or an Unresolved carries. Idle
	// polling is counted, so it reaches back over several minutes of it.
	traceEntries = 96
	// remarksMax bounds what waits for Remarks.
	remarksMax = 64
	// stale is the age from which the last polled state says nothing about the
	// moment before the present one: a state may have been missed.
	stale = time.Second
)

// Machine drives one validator. It is a line.Protocol: pure, single-threaded,
// without a clock.
type Machine struct {
	cfg Config
	mem cash.Memory

	now    time.Time
	out    line.Output[cash.Event]
	after  []faultpoint.Point // to be hit when the next step begins
	nextID cash.EventID
	trace  *line.Trace
	// remarks are for the log: what was odd and has no event.
	remarks []string
	unknown map[byte]bool // unknown states that have been remarked

	link    linkState
	ex      exchange
	unit    unit
	set     settings
	rec     recovery
	note    *note     // a note between escrow and its outcome
	proof   *evidence // the last 81h or 82h
	fault   *fault
	shown   cash.State // last StateChanged
	tries   int        // RESETs sent for faults since the unit was last settled
	resetAt time.Time  // of the last RESET

	// What the till wants.
	want      Mask // types to take; 0 for none
	wantReset bool // an operator's order
	wanted    []int

	// What the unit was told last.
	applied      Mask
	appliedKnown bool      // false: it may hold other masks
	enabling     Mask      // of the outstanding ENABLE BILL TYPES
	enableAt     time.Time // of the last one
	enableTries  int       // refused or contradicted in a row
	staysTries   int       // enabled, and disabled all the same, in a row
	verify       bool      // applied is to be read back
	verifyTries  int

	way     bool // a note's way has begun and has not ended
	pathDue bool // it has ended, and PathClear is owed

	commandLast bool // the last request was not a POLL
}

// linkState is what is known about the line and about the unit's voice.
type linkState struct {
	up       bool
	since    time.Time // LinkUp
	valid    time.Time // last valid frame, or LinkUp
	heard    bool      // a valid frame since LinkUp
	reopened bool      // the port was given up by us: silence counts on
	online   bool      // Online has been said, and not Offline since
	offline  bool      // Offline has been said, and not Online since
	reopenAt time.Time // next opening while offline
	pollAt   time.Time // next POLL
	busy     time.Time // the unit asked for silence until then
	unsure   bool      // a POLL must come before anything else
	state    byte      // last polled known state; stateNone before
	data     byte      // its Z2
	typ      int       // its bill type, for 80h to 82h
	at       time.Time // when it was polled
	polls    int       // how often in a row
}

// unit is what the unit says of itself.
type unit struct {
	identity     cash.Identity
	identityRead bool
	table        cash.Table
	tableRead    bool
	maskSize     int
	crcRead      bool
	releaseRead  bool
	counter      *uint32
	counterAt    time.Time // when it was read; zero: to be read again
	// unsupported remembers per serial number the commands a unit does not know.
	unsupported   map[string]map[byte]bool
	failed        map[byte]int // attempts to read, by command, in this recovery
	noHold        bool
	noIdleCounter bool // the counter is refused while idling
}

// New makes the driver of one validator. mem is what the till remembers of it.
func New(cfg Config, mem cash.Memory) *Machine {
	cfg = cfg.withDefaults()
	m := &Machine{
		cfg: cfg, mem: mem,
		trace:   line.NewTrace(traceEntries),
		unknown: map[byte]bool{},
		unit:    unit{maskSize: maskBytes, unsupported: map[string]map[byte]bool{}, failed: map[byte]int{}},
	}
	m.unit.table = mem.Table
	m.ex.dec.Address = cfg.Address
	return m
}

// Heard reports whether a valid frame has come since the port was opened.
func (m *Machine) Heard() bool { return m.link.heard }

// Discreet implements line.Discreet.
func (m *Machine) Discreet() bool { return m.ex.discreet }

// Remarks hands over what is worth a line in the log since the last call:
// sentences for the technician, without an event of their own.
func (m *Machine) Remarks() []string {
	r := m.remarks
	m.remarks = nil
	return r
}

func (m *Machine) remark(format string, args ...any) {
	if len(m.remarks) < remarksMax {
		m.remarks = append(m.remarks, fmt.Sprintf(format, args...))
	}
}

// Step implements line.Protocol.
func (m *Machine) Step(now time.Time, in line.Input[cash.Command]) line.Output[cash.Event] {
	for _, p := range m.after {
		p.Hit()
	}
	m.after = m.after[:0]
	m.now, m.out = now, line.Output[cash.Event]{}

	switch in.Link {
	case line.LinkUp:
		m.linkUp()
	case line.LinkDown:
		m.linkDown(in.Cause)
	}
	for _, c := range in.Commands {
		m.command(c)
	}
	m.receive(in.Received)
	m.expire()
	m.deadlines()
	if m.link.up && !m.ex.waiting() {
		m.conclude()
		m.plan()
	}
	m.out.Wake = m.nextWake()
	return m.out
}

func (m *Machine) linkUp() {
	old := m.link
	m.link = linkState{up: true, since: m.now, valid: m.now, pollAt: m.now, offline: old.offline, typ: cash.TypeUnknown}
	if old.reopened {
		m.link.valid, m.link.reopenAt = old.valid, old.reopenAt
	}
	m.ex.clear()
	m.beginRecovery(true)
}

func (m *Machine) linkDown(cause string) {
	m.link.up, m.link.heard, m.link.reopened = false, false, false
	m.ex.clear()
	m.goOffline(cause)
}

// reopen gives the port up.
func (m *Machine) reopen(next time.Duration) {
	m.out.Reopen = true
	m.link.up, m.link.reopened, m.link.reopenAt = false, true, m.now.Add(next)
	m.ex.clear()
}

// goOffline says so once, and forgets what only holds while the unit is watched.
// It decides nothing about a note: what became of it is told when the unit is
// back.
func (m *Machine) goOffline(cause string) {
	m.link.online = false
	m.link.state, m.link.polls, m.link.busy = stateNone, 0, time.Time{}
	if m.link.offline {
		return
	}
	m.link.offline = true
	m.beginRecovery(true)
	m.emit(cash.Offline{Cause: cause})
	m.show(cash.StateOffline)
}

func (m *Machine) emit(e cash.Event) { m.out.Events = append(m.out.Events, e) }

// show says what the unit is doing when that has changed.
func (m *Machine) show(s cash.State) {
	if m.shown != s {
		m.shown = s
		m.emit(cash.StateChanged{State: s})
	}
}

func (m *Machine) newID() cash.EventID {
	m.nextID++
	return m.nextID
}

// send hands bytes to the line. ACKs may go out together with nothing else: the
// bus stays silent behind them.
func (m *Machine) send(b []byte) {
	m.out.Send = append(m.out.Send, b...)
	m.trace.Add(m.now, line.Sent, b)
	m.ex.freeAt = m.now.Add(m.cfg.Free)
}

// lookup names a note by the unit's own table, or by the remembered one.
func (m *Machine) lookup(typ int) cash.Note {
	n, _ := m.unit.table.Lookup(typ)
	return n
}

// command takes one command of the till.
func (m *Machine) command(c cash.Command) {
	switch c := c.(type) {
	case cash.Enable:
		m.wanted = append([]int(nil), c.Types...)
		m.want = m.allowed()
		m.enableTries, m.staysTries, m.verifyTries = 0, 0, 0
	case cash.Disable:
		m.wanted, m.want = nil, 0
	case cash.Stack:
		if n := m.decidable(c.ID); n != nil && !n.coupon { // a coupon is never stacked
			n.decide(phaseStack)
		}
	case cash.Return:
		if n := m.decidable(c.ID); n != nil {
			n.decide(phaseReturn)
		}
	case cash.Hold:
		if n := m.decidable(c.ID); n != nil {
			n.hold = true
		}
	case cash.Confirm:
		m.confirm(c.ID)
	case cash.Reset:
		m.wantReset = true
	}
}

// allowed is what of the till's wish may be enabled: types of the unit's own
// table, in the configured currency and denominations.
func (m *Machine) allowed() Mask {
	if !m.unit.tableRead {
		return 0
	}
	var types []int
	for _, t := range m.wanted {
		if n, ok := m.unit.table.Lookup(t); ok && m.cfg.permits(n.Value) {
			types = append(types, t)
		}
	}
	return MaskOf(types...)
}

// decidable is the note that a decision with this ID is about, while it can be
// decided.
func (m *Machine) decidable(id cash.EventID) *note {
	if id == 0 || m.note == nil || m.note.id != id || m.note.phase != phaseEscrow {
		return nil
	}
	return m.note
}

// nextWake is when the next step is due at the latest.
func (m *Machine) nextWake() time.Time {
	if !m.link.up {
		return time.Time{}
	}
	var wake time.Time
	switch {
	case !m.ex.ackUntil.IsZero():
		wake = m.ex.ackUntil
	case m.ex.waiting():
		wake = m.ex.deadline
	default:
		wake = m.link.pollAt
		if m.ex.again || m.mayCommand() && m.nextCommand() != nil {
			wake = m.ex.freeAt
		}
		wake = latest(wake, m.ex.freeAt, m.link.busy)
	}
	// Deadlines of seconds are looked at no later than at the next second.
	if limit := m.now.Add(time.Second); wake.After(limit) {
		wake = limit
	}
	if !wake.After(m.now) {
		wake = m.now.Add(time.Millisecond)
	}
	return wake
}

func latest(t time.Time, others ...time.Time) time.Time {
	for _, o := range others {
		if o.After(t) {
			t = o
		}
	}
	return t
}
