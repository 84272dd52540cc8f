package ioboard

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/action"
)

// Contact names a contact for Bounce.
type Contact string

const (
	ContactServiceDoor Contact = "service_door"
	ContactSafeDoor    Contact = "safe_door"
	ContactCassette    Contact = "cassette"
	ContactTamper      Contact = "tamper"
)

// bounceStep is how long a bouncing contact stays on one side.
const bounceStep = 5 * time.Millisecond

// Action is something a person, the mains or an ill wind does to the cabinet.
type Action interface{ name() string }

type (
	OpenServiceDoor  struct{}
	CloseServiceDoor struct{}
	OpenSafeDoor     struct{}
	CloseSafeDoor    struct{}
	RemoveCassette   struct{}
	InsertCassette   struct{}
	// OpenTamper moves a wall: the loop's contact changes over.
	OpenTamper struct{}
	// CutTamper cuts the loop's cable through.
	CutTamper struct{}
	// ShortTamper bridges the loop's cable, as somebody would who wants to open the
	// cabinet unseen.
	ShortTamper struct{}
	// MendTamper makes the loop whole.
	MendTamper   struct{}
	LoseMains    struct{}
	RestoreMains struct{}
	// Bounce lets a contact bounce for a time.
	Bounce struct {
		Contact Contact       `json:"contact"`
		For     action.Millis `json:"for_ms"`
	}

	// Unplug pulls the module's cable, which is its power too.
	Unplug struct{}
	Plug   struct{}
	// Restart makes the module's processor start anew behind its USB chip: the host
	// sees no loss of the line.
	Restart struct{}
	// Hang makes it deaf and dumb for a time.
	Hang struct {
		For action.Millis `json:"for_ms"`
	}
	// DropAnswer loses the next Count answers.
	DropAnswer struct {
		Count int `json:"count"`
	}
	// Garbage puts Length random bytes before the next Count answers.
	Garbage struct {
		Count  int `json:"count"`
		Length int `json:"length"`
	}
	// ClearFaults disarms Bounce, Hang, DropAnswer and Garbage.
	ClearFaults struct{}
)

func (OpenServiceDoor) name() string  { return "open_service_door" }
func (CloseServiceDoor) name() string { return "close_service_door" }
func (OpenSafeDoor) name() string     { return "open_safe_door" }
func (CloseSafeDoor) name() string    { return "close_safe_door" }
func (RemoveCassette) name() string   { return "remove_cassette" }
func (InsertCassette) name() string   { return "insert_cassette" }
func (OpenTamper) name() string       { return "open_tamper" }
func (CutTamper) name() string        { return "cut_tamper" }
func (ShortTamper) name() string      { return "short_tamper" }
func (MendTamper) name() string       { return "mend_tamper" }
func (LoseMains) name() string        { return "lose_mains" }
func (RestoreMains) name() string     { return "restore_mains" }
func (Bounce) name() string           { return "bounce" }
func (Unplug) name() string           { return "unplug" }
func (Plug) name() string             { return "plug" }
func (Restart) name() string          { return "restart" }
func (Hang) name() string             { return "hang" }
func (DropAnswer) name() string       { return "drop_answer" }
func (Garbage) name() string          { return "garbage" }
func (ClearFaults) name() string      { return "clear_faults" }

// Actions are all of them.
var Actions = action.Table[Action]{}

func init() {
	register[OpenServiceDoor]()
	register[CloseServiceDoor]()
	register[OpenSafeDoor]()
	register[CloseSafeDoor]()
	register[RemoveCassette]()
	register[InsertCassette]()
	register[OpenTamper]()
	register[CutTamper]()
	register[ShortTamper]()
	register[MendTamper]()
	register[LoseMains]()
	register[RestoreMains]()
	register[Bounce]()
	register[Unplug]()
	register[Plug]()
	register[Restart]()
	register[Hang]()
	register[DropAnswer]()
	register[Garbage]()
	register[ClearFaults]()
}

func register[A Action]() {
	var zero A
	action.Add[A](Actions, zero.name())
}

const (
	maxTime  = action.Millis(3_600_000)
	maxCount = 10_000
)

func (b *Board) do(a Action) error {
	switch a := a.(type) {
	case OpenServiceDoor:
		return b.move(&b.w.ServiceDoorOpen, true, "service door open")
	case CloseServiceDoor:
		return b.move(&b.w.ServiceDoorOpen, false, "service door closed")
	case OpenSafeDoor:
		return b.move(&b.w.SafeDoorOpen, true, "safe door open")
	case CloseSafeDoor:
		return b.move(&b.w.SafeDoorOpen, false, "safe door closed")
	case RemoveCassette:
		return b.move(&b.w.CassetteOut, true, "cassette out")
	case InsertCassette:
		return b.move(&b.w.CassetteOut, false, "cassette in")
	case OpenTamper:
		return b.loop(LoopOpen)
	case CutTamper:
		return b.loop(LoopCut)
	case ShortTamper:
		return b.loop(LoopShort)
	case MendTamper:
		return b.loop(LoopWhole)
	case LoseMains:
		return b.move(&b.w.MainsLost, true, "mains lost")
	case RestoreMains:
		return b.move(&b.w.MainsLost, false, "mains present")
	case Unplug:
		if !b.plugged {
			return errors.New("the module is unplugged already")
		}
		b.plugged = false
		b.restart()
		b.event(EventLine, "unplugged")
	case Plug:
		if b.plugged {
			return errors.New("the module is plugged already")
		}
		b.plugged = true
		b.event(EventLine, "plugged")
	default:
		return b.arm(a)
	}
	return nil
}

func (b *Board) move(what *bool, to bool, words string) error {
	if *what == to {
		return errors.New("it is so already: " + words)
	}
	*what = to
	b.event(EventContact, "%s", words)
	return nil
}

func (b *Board) loop(to Loop) error {
	if b.w.Tamper == to {
		return fmt.Errorf("the tamper loop is %s already", to)
	}
	b.w.Tamper = to
	b.event(EventContact, "tamper loop %s", to)
	return nil
}

// arm sets up a trouble.
func (b *Board) arm(a Action) error {
	duration := func(m action.Millis) error {
		if m <= 0 || m > maxTime {
			return fmt.Errorf("for_ms %d: want 1 to %d", m, maxTime)
		}
		return nil
	}
	count := func(n int) error {
		if n < 1 || n > maxCount {
			return fmt.Errorf("count %d: want 1 to %d", n, maxCount)
		}
		return nil
	}
	switch a := a.(type) {
	case Bounce:
		if !slices.Contains([]Contact{ContactServiceDoor, ContactSafeDoor, ContactCassette, ContactTamper}, a.Contact) {
			return fmt.Errorf("contact %q: want service_door, safe_door, cassette or tamper", a.Contact)
		}
		if err := duration(a.For); err != nil {
			return err
		}
		b.bounce, b.bounced = a, b.now
	case Restart:
		if !b.plugged {
			return errors.New("the module is unplugged")
		}
		b.restart()
	case Hang:
		if err := duration(a.For); err != nil {
			return err
		}
		b.troubles.hungUntil = b.now.Add(a.For.Duration())
		b.queue, b.command, b.answer = nil, nil, nil
	case DropAnswer:
		if err := count(a.Count); err != nil {
			return err
		}
		b.troubles.dropAnswer = a.Count
	case Garbage:
		if err := count(a.Count); err != nil {
			return err
		}
		if a.Length < 1 || a.Length > 256 {
			return fmt.Errorf("length %d: want 1 to 256", a.Length)
		}
		b.troubles.garbage = a
	case ClearFaults:
		b.troubles, b.bounce = troubles{}, Bounce{}
	default:
		return fmt.Errorf("%T is no action of a panel", a)
	}
	return nil
}
