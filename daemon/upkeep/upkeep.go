// Package upkeep looks after the cabinet: its doors, its tamper loop and its
// cassette, the alarms that stand, whether the terminal is in service, and the
// service mode in which a technician or a cash collector works at it
// (protocols/terminal-hardening.md 10, ui.md 12).
//
// Upkeep is a state machine without clock, goroutine or I/O, one of the rooms that
// daemon/terminal joins. How the contacts stood last, who is in, what alarms stand
// and whether the terminal was taken out of service it knows from the Log, a fold
// over the records. So a door that was opened and a loop that was cut while the
// power was off are found when the board is found again, by comparing; a door that
// was opened and closed again in that time is not, because nothing in the cabinet
// remembers it.
//
// # What follows from what
//
//	a door open              no notes, no visits, the running visit ends; the screen
//	                         asks who is there. Without anybody in: an alarm, and the
//	                         terminal stays shut until somebody has signed in
//	cassette out             its period closes with its total; no notes until a
//	                         collector has confirmed an empty one
//	tamper loop              as a door, and the signing key leaves the memory; back
//	                         only when the loop is whole and two people have said so,
//	                         each signed in
//	mains lost               as a door, until they are back
//	board lost, tilt, heat   no new visits, until it is over
//	three wrong PINs         an alarm and a pause of a minute
//	a note in doubt          no notes until the unit has said what became of it, or a
//	                         person has looked and decided (doubts.go)
//
// A person signs in at an open door with number and PIN, so a key alone and a PIN
// alone are worth nothing. Opening the door comes first: therefore each visit of a
// technician raises the alarm of the door, and the sign-in that follows clears it
// with the person's number. Who reads the alarms sees both.
//
// Service mode ends by Leave, which wants closed doors or says that the terminal
// stays out of service; after five minutes without a touch, to out of service; and
// by a restart, likewise: after a restart nobody is in.
package upkeep

import (
	"errors"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Limits of service mode.
const (
	idleLimit    = 5 * time.Minute
	idleWarning  = 30 * time.Second
	entryLimit   = time.Minute // what was typed at the sign-in and left is forgotten
	confirmLimit = 20 * time.Second
	wrongTries   = 3
	wrongPause   = time.Minute
	lampTest     = 5 * time.Second
)

// Config is what upkeep must know.
type Config struct {
	People   people.People
	Inputs   []panel.Input // the contacts that are wired; none: no board
	Terminal string        // number of the terminal
	Langs    []wire.Lang   // of the terminal, in its order
	Zone     *time.Location
}

// Ports is what upkeep may do to the world outside the rooms below it.
type Ports struct {
	Write func(...journal.Draft)
	NewID func() string
	// HoldVisits keeps new visits from starting; Interrupt ends the running one. Both
	// may be repeated.
	HoldVisits func(bool)
	Interrupt  func()
	// DropKeys wipes what the terminal signs with from memory; LoadKeys fetches it
	// again.
	DropKeys func()
	LoadKeys func() error
	// CheckPIN takes the time that a derivation takes; PINChecked brings its end.
	CheckPIN func(Check)
	// Ping asks central; the courier's Pinged brings the end.
	Ping func()
}

// Rooms are the rooms below, whose devices a technician looks at and tests.
type Rooms struct {
	Till    *till.Till
	Desk    *paper.Desk
	Cards   *esign.Desk
	Courier *central.Courier
}

// Why a command was not carried out. None of them changes anything.
var (
	ErrNotHere = errors.New("the command does not fit this screen")
	ErrData    = errors.New("the command's data cannot be used")
	ErrMayNot  = errors.New("this person may not do that")
	ErrNotNow  = errors.New("that cannot be done now")
	ErrDoors   = errors.New("a door is open: close it, or leave the terminal out of service")
)

// Upkeep is the state machine. It is not safe for concurrent use.
type Upkeep struct {
	cfg   Config
	log   *Log
	rooms Rooms
	ports Ports
	now   time.Time

	heard bool // the panel has spoken since the start
	board bool // and a board answers
	lost  string

	dropped  bool // the keys
	closed   bool // the cassette period, as last seen
	active   bool // service mode has the screen
	seq      uint64
	lang     wire.Lang
	entry    entry
	touched  time.Time
	confirm  *confirm
	running  *running
	result   *wire.ServiceResult
	lamptest time.Time // until when
}

// New makes it on its log; Start must follow.
func New(cfg Config, log *Log, rooms Rooms, ports Ports) *Upkeep {
	u := &Upkeep{cfg: cfg, log: log, rooms: rooms, ports: ports}
	u.lang = u.firstLang()
	return u
}

// Start goes on with what the records say. Nobody is in after a restart.
func (u *Upkeep) Start(now time.Time) {
	u.now = now
	if in := u.log.s.In; in != nil {
		u.write(record.ServiceLeft{Person: in.Person, Why: string(wire.OutRestarted)})
		u.out("", wire.OutRestarted)
	}
	_, open := u.rooms.Till.Ledger().Period()
	u.closed = !open
	u.apply()
}

func (u *Upkeep) write(bodies ...record.Body) {
	drafts := make([]journal.Draft, len(bodies))
	for i, b := range bodies {
		drafts[i] = journal.Draft{Body: b}
	}
	u.ports.Write(drafts...)
}

// person is the number of who is in, or "".
func (u *Upkeep) person() string {
	if in := u.log.s.In; in != nil {
		return in.Person
	}
	return ""
}

// staff is who is in, as the file has them; nil if nobody, or nobody any more.
func (u *Upkeep) staff() *people.Person { return u.cfg.People.Find(u.person()) }

func (u *Upkeep) wired(in panel.Input) bool { return slices.Contains(u.cfg.Inputs, in) }

// off reports whether a contact is not as it should be, as far as is known.
func (u *Upkeep) off(in panel.Input) bool {
	s := u.log.s.Inputs[in]
	return u.wired(in) && s != "" && s != panel.StateRest
}

// doorOpen reports whether the cabinet can be reached into.
func (u *Upkeep) doorOpen() bool { return u.off(panel.InputServiceDoor) || u.off(panel.InputSafeDoor) }

// cassetteOut reports whether the switch or the unit misses the cassette.
func (u *Upkeep) cassetteOut() bool { return u.off(panel.InputCassette) || u.rooms.Till.CassetteGone() }

// Holds lists why customers are not served, worst first.
func (u *Upkeep) Holds() []wire.ServiceHold {
	_, open := u.rooms.Till.Ledger().Period()
	out := []wire.ServiceHold{}
	add := func(is bool, h wire.ServiceHold) {
		if is {
			out = append(out, h)
		}
	}
	add(u.log.alarm(wire.AlarmTamper) != nil || u.off(panel.InputTamper), wire.HoldTamper)
	add(u.doorOpen(), wire.HoldDoor)
	add(u.log.alarm(wire.AlarmDoor) != nil, wire.HoldIntrusion)
	add(u.off(panel.InputMains), wire.HoldMains)
	add(u.cassetteOut(), wire.HoldCassetteOut)
	add(!open && !u.cassetteOut(), wire.HoldCassetteNew)
	add(slices.ContainsFunc(u.rooms.Till.Ledger().Doubts(), func(n *till.OpenNote) bool { return !n.Aside }), wire.HoldDoubt)
	add(len(u.cfg.Inputs) > 0 && !u.board, wire.HoldPanel)
	add(u.off(panel.InputTilt), wire.HoldTilt)
	add(u.off(panel.InputTemperature), wire.HoldTemperature)
	add(u.log.s.Out != nil, wire.HoldOut)
	add(u.log.s.In != nil, wire.HoldService)
	return out
}

// consequence is what a hold means to the rooms.
type consequence struct{ notes, visits, interrupt bool }

var consequences = map[wire.ServiceHold]consequence{
	wire.HoldTamper:    {notes: true, visits: true, interrupt: true},
	wire.HoldDoor:      {notes: true, visits: true, interrupt: true},
	wire.HoldIntrusion: {notes: true, visits: true, interrupt: true},
	wire.HoldMains:     {notes: true, visits: true, interrupt: true},
	wire.HoldOut:       {notes: true, visits: true, interrupt: true},
	wire.HoldService:   {notes: true, visits: true, interrupt: true},
	// Services that need no cash go on. The till knows by itself of a cassette that is
	// not confirmed and of a note in doubt.
	wire.HoldCassetteOut: {notes: true},
	wire.HoldCassetteNew: {},
	wire.HoldDoubt:       {},
	wire.HoldPanel:       {visits: true},
	wire.HoldTilt:        {visits: true},
	wire.HoldTemperature: {visits: true},
}

// apply tells the rooms what the holds mean.
func (u *Upkeep) apply() {
	var all consequence
	for _, h := range u.Holds() {
		c := consequences[h]
		all.notes, all.visits, all.interrupt = all.notes || c.notes, all.visits || c.visits, all.interrupt || c.interrupt
	}
	if all.notes {
		u.rooms.Till.Hold()
	} else {
		u.rooms.Till.Release()
	}
	u.ports.HoldVisits(all.visits)
	if all.interrupt {
		u.ports.Interrupt()
	}
	if u.log.alarm(wire.AlarmTamper) != nil && !u.dropped {
		u.dropped = true
		u.ports.DropKeys()
	}
}

// Observe looks at what the rooms have done. inVisit: a customer has the screen, to
// its end; service mode gets it after that.
func (u *Upkeep) Observe(now time.Time, inVisit bool) {
	u.now = now
	if _, open := u.rooms.Till.Ledger().Period(); u.closed == open {
		u.closed = !open
		if u.closed && u.person() == "" && u.log.alarm(wire.AlarmCassette) == nil {
			u.raise(wire.AlarmCassette, "the cassette went out and nobody had signed in")
		}
	}
	u.observeTests()
	u.apply()
	active := !inVisit && (u.log.s.In != nil || u.doorOpen())
	if active != u.active {
		u.active = active
		u.turn()
		if !active {
			u.lang = u.firstLang()
		}
	}
	if u.entry.begun() && (!u.active || u.log.s.In != nil) {
		u.dropEntry()
	}
}

// turn goes to another screen: a command that was meant for the one before is
// refused from here on.
func (u *Upkeep) turn() {
	u.seq++
	u.touched = u.now
	u.confirm = nil
}

// Active reports whether service mode has the screen.
func (u *Upkeep) Active() bool { return u.active }

// Seq rises with every change of screen.
func (u *Upkeep) Seq() uint64 { return u.seq }

// Tick lets time pass.
func (u *Upkeep) Tick(now time.Time) {
	u.now = now
	if u.confirm != nil && !now.Before(u.confirm.until) {
		u.confirm = nil
	}
	u.tickEntry()
	if in := u.log.s.In; in != nil && !now.Before(u.touched.Add(idleLimit)) {
		u.out(in.Person, wire.OutTimeout)
		u.leave(in.Person, string(wire.OutTimeout))
	}
}

// Wake is when Tick or Observe is due; zero if never.
func (u *Upkeep) Wake() time.Time {
	var w time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && t.After(u.now) && (w.IsZero() || t.Before(w)) {
			w = t
		}
	}
	if in := u.log.s.In; in != nil && u.active {
		end := u.touched.Add(idleLimit)
		earlier(end)
		if left := end.Sub(u.now); left > idleWarning {
			earlier(end.Add(-idleWarning))
		} else {
			earlier(nextSecond(u.now, end))
		}
		earlier(u.now.Add(time.Minute - u.now.Sub(in.Time())%time.Minute))
	}
	if u.confirm != nil {
		earlier(u.confirm.until)
	}
	earlier(u.lamptest)
	u.wakeEntry(earlier)
	return w
}

// nextSecond is the next moment at which the whole seconds left until end change.
func nextSecond(now, end time.Time) time.Time {
	left := end.Sub(now)
	if left <= time.Second {
		return end
	}
	next := end.Add(-left.Truncate(time.Second))
	if !next.After(now) {
		next = next.Add(time.Second)
	}
	return next
}

// out takes the terminal out of service; who did so first is kept.
func (u *Upkeep) out(person string, why wire.OutReason) {
	if u.log.s.Out == nil {
		u.write(record.ServiceOut{Person: person, Why: string(why)})
	}
}

// leave ends service mode.
func (u *Upkeep) leave(person, why string) {
	u.write(record.ServiceLeft{Person: person, Why: why})
	u.result = nil
	u.turn()
}

// Command carries out a command of the service screens. The caller has checked
// that it was meant for the screen that is shown.
func (u *Upkeep) Command(now time.Time, name string, c wire.Command) error {
	u.now = now
	if !u.active {
		return ErrNotHere
	}
	u.touched = now
	switch name {
	case wire.NameTouch, wire.NameMoreTime:
		return nil
	case wire.NameLanguage:
		if !slices.Contains(langs(), c.Lang) {
			return ErrData
		}
		u.lang = c.Lang
		return nil
	}
	in := u.log.s.In
	if in == nil {
		return u.loginCommand(name, c)
	}
	switch name {
	case wire.NameServiceAct:
		return u.act(deed{c.Device, c.Act, c.Note, c.Minor}, c.Confirm)
	case wire.NameBack:
		if u.confirm == nil {
			return ErrNotHere
		}
		u.confirm = nil
		return nil
	case wire.NameServiceLeave:
		if u.doorOpen() && !c.OutOfService {
			return ErrDoors
		}
		if c.OutOfService {
			u.out(in.Person, wire.OutByPerson)
		}
		u.leave(in.Person, "left")
		return nil
	}
	return ErrNotHere
}
