package upkeep

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/upkeep/people"
)

// Signing in at the open cabinet: a number, then a PIN, key by key. An answer never
// tells whether the number or the PIN was wrong, and takes as long for a number that
// nobody has.

// Check is a PIN to be compared. The PIN belongs to the check from here on.
type Check struct {
	ID     uint64
	Person people.Person
	PIN    *esign.Secret
}

// Do compares, which takes the time of a derivation, and wipes the PIN.
func (c Check) Do() Checked {
	ok := c.Person.Verify(c.PIN.Bytes())
	c.PIN.Wipe()
	return Checked{c.ID, ok}
}

// Checked is the end of a Check.
type Checked struct {
	ID uint64
	OK bool
}

// entry is a sign-in under way.
type entry struct {
	number   string
	pin      *esign.Secret
	checking bool
	check    uint64 // the latest check's ID
	problem  wire.LoginProblem
	tries    int       // wrong ones in a row
	pause    time.Time // nobody may try before
	since    time.Time // of the last key
}

func (e *entry) begun() bool { return e.number != "" }

// dropEntry forgets what was typed, not how often it was wrong.
func (u *Upkeep) dropEntry() {
	e := &u.entry
	e.pin.Wipe()
	*e = entry{check: e.check, tries: e.tries, pause: e.pause}
	u.turn()
}

func (u *Upkeep) paused() bool { return u.now.Before(u.entry.pause) }

func (u *Upkeep) loginCommand(name string, c wire.Command) error {
	e := &u.entry
	if e.checking {
		return ErrNotNow
	}
	switch name {
	case wire.NameServiceLogin:
		switch {
		case u.paused():
			return ErrNotNow
		case !people.IsNumber(c.Person):
			return ErrData
		}
		pin, err := esign.NewSecret()
		if err != nil {
			return err
		}
		u.dropEntry()
		e.number, e.pin, e.since = c.Person, pin, u.now
		return nil
	case wire.NameBack:
		if !e.begun() {
			return ErrNotHere
		}
		u.dropEntry()
		return nil
	case wire.NameNext:
		if !u.canSend() {
			return ErrNotNow
		}
		p := u.cfg.People.Find(e.number)
		if p == nil {
			nobody := people.Nobody()
			p = &nobody
		}
		e.check++
		e.checking = true
		check := Check{ID: e.check, Person: *p, PIN: e.pin}
		e.pin = nil
		u.ports.CheckPIN(check)
		return nil
	}
	return ErrNotHere
}

func (u *Upkeep) canSend() bool {
	e := &u.entry
	return e.begun() && !e.checking && !u.paused() && e.pin.Len() >= people.MinPIN
}

// Secret takes in one key of the PIN.
func (u *Upkeep) Secret(now time.Time, k wire.SecretKey) error {
	u.now = now
	e := &u.entry
	if !u.active || u.log.s.In != nil || !e.begun() || e.checking || u.paused() || k.Field != wire.FieldServicePIN {
		return ErrNotHere
	}
	e.since, e.problem = now, ""
	switch {
	case k.Key == wire.SecretErase:
		e.pin.Erase()
	case k.Key == wire.SecretClear:
		e.pin.Clear()
	case k.Key < '0' || k.Key > '9' || e.pin.Len() >= people.MaxPIN || !e.pin.Add(rune(k.Key)):
		return ErrData
	}
	return nil
}

// PINChecked takes in the end of a Check.
func (u *Upkeep) PINChecked(now time.Time, r Checked) {
	u.now = now
	e := &u.entry
	if !e.checking || r.ID != e.check {
		return // the door was closed meanwhile: nobody is there to come in
	}
	e.checking = false
	if p := u.cfg.People.Find(e.number); r.OK && p != nil {
		e.tries = 0
		u.dropEntry()
		u.enter(p)
		return
	}
	e.tries++
	e.problem = wire.LoginWrong
	if e.tries >= wrongTries {
		number := e.number
		if u.cfg.People.Find(number) == nil {
			number = "that nobody has"
		}
		e.tries, e.pause = 0, now.Add(wrongPause)
		u.raise(wire.AlarmPIN, fmt.Sprintf("%d wrong PINs, at last for number %s", wrongTries, number))
		u.dropEntry()
		return
	}
	pin, err := esign.NewSecret()
	if err != nil { // the number is asked for again, and with it the memory
		u.dropEntry()
		u.entry.problem = wire.LoginWrong
		return
	}
	e.pin, e.since = pin, now
	u.turn()
}

// enter opens service mode. Whoever has signed in answers for the open door.
func (u *Upkeep) enter(p *people.Person) {
	u.write(record.ServiceEntered{Person: p.Number, Role: string(p.Role)})
	for _, a := range []wire.Alarm{wire.AlarmDoor, wire.AlarmCassette, wire.AlarmPIN} {
		u.calm(a, p.Number)
	}
	u.result = nil
	u.turn()
}

func (u *Upkeep) tickEntry() {
	e := &u.entry
	if e.begun() && !e.checking && !u.now.Before(e.since.Add(entryLimit)) {
		u.dropEntry()
	}
}

func (u *Upkeep) wakeEntry(earlier func(time.Time)) {
	e := &u.entry
	if e.begun() && !e.checking {
		earlier(e.since.Add(entryLimit))
	}
	if u.active && u.paused() {
		earlier(nextSecond(u.now, e.pause))
	}
}
