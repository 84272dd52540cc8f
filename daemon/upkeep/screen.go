package upkeep

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// langs are the languages of service mode (ui.md 12); any other falls to English.
func langs() []wire.Lang { return []wire.Lang{wire.LangAz, wire.LangRu, wire.LangEn} }

// firstLang is the first of the terminal's languages that service mode has.
func (u *Upkeep) firstLang() wire.Lang {
	if len(u.cfg.Langs) > 0 && !slices.Contains(langs(), u.cfg.Langs[0]) {
		return wire.LangEn
	}
	if len(u.cfg.Langs) > 0 {
		return u.cfg.Langs[0]
	}
	return wire.LangAz
}

// Screen is what is shown: s, the visit's, or service mode in its place.
func (u *Upkeep) Screen(now time.Time, s wire.State) wire.State {
	u.now = now
	s.StepSeq += u.seq
	if !u.active {
		return s
	}
	s.Visit = wire.Visit{Lang: u.lang, Cancel: wire.CancelNone, Step: wire.StepServiceLogin, CardIn: s.Visit.CardIn}
	s.Money = wire.Money{}
	m := &wire.ServiceMode{Langs: langs(), Doors: u.doors(), Holds: []wire.ServiceHold{}, Alarms: []wire.ServiceAlarm{},
		Devices: []wire.ServiceDevice{}, Doubts: []wire.ServiceDoubt{}, Faults: []wire.ServiceFault{}}
	s.Service = m
	p := u.staff()
	if p == nil {
		m.Login = u.loginState()
		s.Visit.CanNext, s.Visit.CanBack = m.Login.CanSend, u.entry.begun() && !u.entry.checking
		return s
	}
	s.Visit.Step = wire.StepService
	if left := u.touched.Add(idleLimit).Sub(now); left <= idleWarning {
		s.Visit.Warning = &wire.Warning{SecondsLeft: seconds(left)}
	}
	in := u.log.s.In
	m.Person = &wire.ServicePerson{Number: p.Number, Name: p.Name, Role: wire.ServiceRole(p.Role), Since: u.clock(in.Wall),
		Minutes: max(0, int(now.Sub(in.Time())/time.Minute))}
	m.Holds, m.CanLeave = u.Holds(), !u.doorOpen()
	if o := u.log.s.Out; o != nil {
		m.Out = &wire.ServiceOut{Person: o.Person, Why: wire.OutReason(o.Why), At: u.clock(o.Wall)}
	}
	for _, a := range u.log.s.Alarms {
		persons := append([]string{}, a.Persons...)
		m.Alarms = append(m.Alarms, wire.ServiceAlarm{Alarm: wire.Alarm(a.Name), At: u.clock(a.Wall), Detail: a.Detail, Persons: persons})
	}
	m.Devices = u.devices(s.Devices, p.Role)
	m.Counters, m.Doubts = u.counters(), u.doubts(p.Role)
	for _, f := range u.log.s.Faults {
		m.Faults = append(m.Faults, wire.ServiceFault{At: u.clock(f.Wall), Device: f.Device, Fault: f.Fault, Detail: f.Detail})
	}
	if c := u.confirm; c != nil {
		m.Confirm = &wire.ServiceConfirm{Device: c.device, Act: c.act, Note: c.note, Value: u.confirmedValue(c.deed)}
		s.Visit.CanBack = true
	}
	m.Result = u.result
	return s
}

// clock is a record's time as on the clock in the hall.
func (u *Upkeep) clock(wall int64) string {
	return time.UnixMilli(wall).In(u.cfg.Zone).Format("2006-01-02T15:04")
}

func seconds(d time.Duration) int { return max(0, int((d+time.Second-1)/time.Second)) }

func (u *Upkeep) loginState() *wire.ServiceLogin {
	e := &u.entry
	l := &wire.ServiceLogin{Person: e.number, Length: e.pin.Len(), Min: people.MinPIN, Max: people.MaxPIN, CanSend: u.canSend(), Checking: e.checking}
	problem := e.problem
	if u.paused() {
		problem, l.WaitS = wire.LoginPaused, seconds(e.pause.Sub(u.now))
	}
	if problem != "" {
		l.Problem = &problem
	}
	return l
}

func (u *Upkeep) doors() []wire.ServiceDoor {
	out := []wire.ServiceDoor{}
	for _, in := range u.cfg.Inputs {
		if in == panel.InputProximity {
			continue
		}
		d := wire.ServiceDoor{Input: wire.ServiceInput(in), State: wire.ContactUnknown}
		if s := u.log.s.Inputs[in]; u.board && s != "" {
			d.State = wire.ServiceContact(s)
		}
		out = append(out, d)
	}
	return out
}

// devices is the device table, with what this role may do.
func (u *Upkeep) devices(d wire.Devices, role people.Role) []wire.ServiceDevice {
	t, desk := u.rooms.Till, u.rooms.Desk
	acceptor := wire.ServiceDevice{ID: wire.DeviceAcceptor, State: d.Acceptor, Detail: u.acceptorDetail()}
	if d.Acceptor != wire.HealthOnline {
		_, acceptor.Cause = t.Ready()
		if f := t.Fault(); f != nil {
			acceptor.Cause = words(string(f.Kind), f.Detail)
		}
	}
	print := wire.ServiceDevice{ID: wire.DevicePrinter, State: d.Printer, Detail: u.printerDetail(), Cause: desk.Status().Cause}
	if print.Cause == "" && d.Printer != wire.HealthOnline {
		print.Cause = "offline"
		if !desk.HasUnit() {
			print.Cause = "not fitted"
		}
	}
	cards := wire.ServiceDevice{ID: wire.DeviceCards, State: d.CardReader, Detail: strings.Join(u.rooms.Cards.Readers(), "; ")}
	if d.CardReader != wire.HealthOnline {
		cards.Cause = "no reader answers"
		if u.rooms.Cards == nil {
			cards.Cause = "not fitted"
		}
	}
	board := wire.ServiceDevice{ID: wire.DevicePanel, State: wire.HealthOnline}
	if b := u.log.s.Board; b != nil {
		board.Detail = words(b.Model, b.Firmware, b.ID)
	}
	switch {
	case len(u.cfg.Inputs) == 0:
		board.State, board.Cause = wire.HealthOffline, "not fitted"
	case !u.heard:
		board.State = wire.HealthStarting
	case !u.board:
		board.State, board.Cause = wire.HealthOffline, u.lost
	}
	health := u.rooms.Courier.Health()
	central := wire.ServiceDevice{ID: wire.DeviceCentral, State: d.Central, Cause: words(health.Why, strings.Join(health.Alarms, ", ")),
		Detail: fmt.Sprintf("%d records to send", health.Unsent)}
	cassette := wire.ServiceDevice{ID: wire.DeviceCassette, State: wire.HealthOnline}
	switch _, open := t.Ledger().Period(); {
	case u.cassetteOut():
		cassette.State, cassette.Cause = wire.HealthOffline, "out"
	case !open:
		cassette.State, cassette.Cause = wire.HealthStarting, "not confirmed"
	}
	terminal := wire.ServiceDevice{ID: wire.DeviceTerminal, State: wire.HealthOnline}
	if u.log.s.Out != nil {
		terminal.State = wire.HealthOffline // who took it out, and when, is said beside the table
	}
	table := []wire.ServiceDevice{acceptor, print, cards, board, central, cassette, terminal}
	for i := range table {
		row := &table[i]
		row.Acts = []wire.ServiceAct{}
		for j := range acts {
			if a := &acts[j]; a.device == row.ID && a.note == nil && a.may(role) {
				row.Acts = append(row.Acts, wire.ServiceAct{Act: a.name, Twice: a.twice, Available: u.can(a)})
			}
		}
	}
	return table
}

func (u *Upkeep) counters() *wire.ServiceCounters {
	l := u.rooms.Till.Ledger()
	c := &wire.ServiceCounters{Notes: []wire.NoteCount{}, Totals: []money.Amount{}, Rejected: l.Rejected(),
		Slips: u.rooms.Desk.Log().Number(), Unsent: u.rooms.Courier.Health().Unsent}
	c.Period, c.Open = l.Period()
	eq := l.Equation()
	for name, n := range eq.Cassette {
		currency, minor, _ := strings.Cut(name, " ")
		value, err := strconv.ParseInt(minor, 10, 64)
		if err != nil {
			continue // the ledger writes no other
		}
		c.Notes = append(c.Notes, wire.NoteCount{Value: money.New(value, money.Currency(currency)), Count: int(n)})
		c.Count += int(n)
	}
	slices.SortFunc(c.Notes, func(a, b wire.NoteCount) int {
		return cmp.Or(cmp.Compare(a.Value.Currency, b.Value.Currency), cmp.Compare(a.Value.Minor, b.Value.Minor))
	})
	for _, line := range eq.ThisTime {
		if line.Stacked != 0 {
			c.Totals = append(c.Totals, money.New(line.Stacked, line.Currency))
		}
	}
	for _, line := range eq.Total {
		c.InDoubt += line.InDoubt
	}
	return c
}
