package paperprinter

import (
	"errors"
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/action"
)

// Action is something a person, the mains or an ill wind does to the printer.
type Action interface{ name() string }

type (
	// PowerOff cuts power now: every buffer and setting is lost.
	PowerOff struct{}
	// PowerOn gives it back.
	PowerOn struct{}
	// BrownOut is a dip of power that is over at once, without a boot.
	BrownOut struct{}
	// CutAtByte cuts power when Byte more bytes have arrived; zero disarms.
	CutAtByte struct {
		Byte uint64 `json:"byte"`
	}
	// Unplug separates the data line; the printer finishes what it has.
	Unplug struct{}
	// Plug joins it.
	Plug struct{}

	// OpenCover opens the cover: off-line at once.
	OpenCover struct{}
	// CloseCover closes it; a jam whose cause is gone ends, as does a cutter error.
	CloseCover struct{}
	// PaperEnd lets the roll end in Rows rows; zero is now.
	PaperEnd struct {
		Rows int `json:"rows"`
	}
	// PaperLow makes the near-end sensor speak, or not.
	PaperLow struct {
		Low bool `json:"low"`
	}
	// LoadRoll puts in a new roll of Rows rows (zero: as configured). What hung in
	// the path comes out as a torn strip.
	LoadRoll struct {
		Rows int `json:"rows"`
	}
	// Tear tears off by hand what is past the cutter.
	Tear struct{}
	// BlockCutter makes every cut fail until FreeCutter.
	BlockCutter struct{}
	// FreeCutter removes the cause; the error stays until the host recovers it or
	// the cover is closed.
	FreeCutter struct{}
	// JamPaper stops the paper with a mechanical error.
	JamPaper struct{}
	// ClearJam removes the cause; the error stays as with FreeCutter.
	ClearJam struct{}
	// HotHead stops printing for a time.
	HotHead struct {
		For action.Millis `json:"for_ms"`
	}
	// Break is an error that nothing recovers but Repair.
	Break struct{}
	// Repair ends it.
	Repair struct{}

	// NoAnswer swallows the next Count answers, or all for a time.
	NoAnswer struct {
		Count int           `json:"count"`
		For   action.Millis `json:"for_ms"`
	}
	// LateAnswer delays the next Count answers by By.
	LateAnswer struct {
		Count int           `json:"count"`
		By    action.Millis `json:"by_ms"`
	}
	// Garbage puts bytes before the next Count answers (Bytes, or Length random
	// ones), or sends them at once when Count is zero.
	Garbage struct {
		Count  int    `json:"count"`
		Length int    `json:"length"`
		Bytes  []byte `json:"bytes"`
	}
	// ForceBusy says XOFF for a time, whatever the buffer holds.
	ForceBusy struct {
		For action.Millis `json:"for_ms"`
	}
	// ClearFaults disarms what the actions of this group have armed, and CutAtByte.
	ClearFaults struct{}
	// EmptyWorld forgets counters and what hangs in the path, and loads a new roll.
	EmptyWorld struct{}
)

func (PowerOff) name() string    { return "power_off" }
func (PowerOn) name() string     { return "power_on" }
func (BrownOut) name() string    { return "brown_out" }
func (CutAtByte) name() string   { return "cut_at_byte" }
func (Unplug) name() string      { return "unplug" }
func (Plug) name() string        { return "plug" }
func (OpenCover) name() string   { return "open_cover" }
func (CloseCover) name() string  { return "close_cover" }
func (PaperEnd) name() string    { return "paper_end" }
func (PaperLow) name() string    { return "paper_low" }
func (LoadRoll) name() string    { return "load_roll" }
func (Tear) name() string        { return "tear" }
func (BlockCutter) name() string { return "block_cutter" }
func (FreeCutter) name() string  { return "free_cutter" }
func (JamPaper) name() string    { return "jam_paper" }
func (ClearJam) name() string    { return "clear_jam" }
func (HotHead) name() string     { return "hot_head" }
func (Break) name() string       { return "break" }
func (Repair) name() string      { return "repair" }
func (NoAnswer) name() string    { return "no_answer" }
func (LateAnswer) name() string  { return "late_answer" }
func (Garbage) name() string     { return "garbage" }
func (ForceBusy) name() string   { return "force_busy" }
func (ClearFaults) name() string { return "clear_faults" }
func (EmptyWorld) name() string  { return "empty_world" }

// Actions are all of them.
var Actions = action.Table[Action]{}

func init() {
	register[PowerOff]()
	register[PowerOn]()
	register[BrownOut]()
	register[CutAtByte]()
	register[Unplug]()
	register[Plug]()
	register[OpenCover]()
	register[CloseCover]()
	register[PaperEnd]()
	register[PaperLow]()
	register[LoadRoll]()
	register[Tear]()
	register[BlockCutter]()
	register[FreeCutter]()
	register[JamPaper]()
	register[ClearJam]()
	register[HotHead]()
	register[Break]()
	register[Repair]()
	register[NoAnswer]()
	register[LateAnswer]()
	register[Garbage]()
	register[ForceBusy]()
	register[ClearFaults]()
	register[EmptyWorld]()
}

func register[A Action]() {
	var zero A
	action.Add[A](Actions, zero.name())
}

const (
	maxCount   = 1_000_000
	maxGarbage = 4096
)

func checkCount(n int) error {
	if n < 1 || n > maxCount {
		return fmt.Errorf("count %d: want 1 to %d", n, maxCount)
	}
	return nil
}

func (p *Printer) do(a Action) error {
	switch a := a.(type) {
	case PowerOff:
		if !p.power {
			return errors.New("the power is off already")
		}
		p.powerOff()
	case PowerOn:
		if p.power {
			return errors.New("the power is on already")
		}
		p.powerOn()
	case BrownOut:
		if !p.power {
			return errors.New("the power is off")
		}
		p.powerOff()
		p.power = true
		p.event(Event{Kind: EventPower, Text: "on"})
		p.booted()
	case CutAtByte:
		p.troubles.cutAtByte = 0
		if a.Byte > 0 {
			p.troubles.cutAtByte = p.arrived + a.Byte
		}
	case Unplug:
		if !p.plugged {
			return errors.New("the line is unplugged already")
		}
		p.plugged = false
		p.line = nil
		p.event(Event{Kind: EventLine, Text: "unplugged"})
	case Plug:
		if p.plugged {
			return errors.New("the line is plugged already")
		}
		p.plugged = true
		p.event(Event{Kind: EventLine, Text: "plugged"})
	case NoAnswer, LateAnswer, Garbage, ForceBusy, ClearFaults:
		return p.arm(a)
	default:
		return p.hand(a)
	}
	return nil
}

// hand is what a person does at the open cabinet, and what breaks.
func (p *Printer) hand(a Action) error {
	switch a := a.(type) {
	case OpenCover:
		if p.w.CoverOpen {
			return errors.New("the cover is open already")
		}
		p.w.CoverOpen = true
	case CloseCover:
		if !p.w.CoverOpen {
			return errors.New("the cover is closed already")
		}
		p.w.CoverOpen = false
		p.jamError = p.w.Jammed
		p.cutterError = false
	case PaperEnd:
		if a.Rows < 0 || a.Rows > p.w.RollLeft {
			return fmt.Errorf("rows %d: the roll has %d left", a.Rows, p.w.RollLeft)
		}
		p.w.RollLeft = a.Rows
	case PaperLow:
		p.w.ForcedLow = a.Low
	case LoadRoll:
		if a.Rows < 0 || a.Rows > 10*p.cfg.Roll {
			return fmt.Errorf("rows %d: want 1 to %d", a.Rows, 10*p.cfg.Roll)
		}
		p.loadRoll(a.Rows)
	case Tear:
		rows := len(p.w.Path)/p.stride() - p.cfg.HeadToCutter
		if rows <= 0 {
			return errors.New("no paper hangs out")
		}
		p.release(rows, EndTorn, false)
	case BlockCutter:
		p.w.CutterBlocked = true
	case FreeCutter:
		p.w.CutterBlocked = false
	case JamPaper:
		p.w.Jammed = true
		p.jamError = p.power && !p.booting
	case ClearJam:
		if !p.w.Jammed {
			return errors.New("nothing is jammed")
		}
		p.w.Jammed = false
	case HotHead:
		if !p.power || a.For <= 0 {
			return errors.New("only a printer with power gets hot, and for some time")
		}
		p.hotUntil = p.now.Add(a.For.Duration())
	case Break:
		p.w.Broken = true
	case Repair:
		if !p.w.Broken {
			return errors.New("nothing is broken")
		}
		p.w.Broken = false
	case EmptyWorld:
		strips := p.w.Strips // numbers are never used twice
		p.w = NewWorld(p.cfg)
		p.w.Strips = strips
		p.cutterError, p.jamError = false, false
	default:
		return fmt.Errorf("%T is no action of a printer", a)
	}
	return nil
}

// loadRoll takes the old paper out, dots and all, and puts a new roll in.
func (p *Printer) loadRoll(rows int) {
	if rows == 0 {
		rows = p.cfg.Roll
	}
	if n := len(p.w.Path) / p.stride(); n > p.cfg.HeadToCutter || len(p.Hanging().Trim().Bits) > 0 {
		p.release(n, EndTorn, false)
	}
	p.w.RollLeft = rows
	p.w.ForcedLow = false
	p.w.Path = make([]byte, p.cfg.HeadToCutter*p.stride())
}

// arm sets up a trouble to come.
func (p *Printer) arm(a Action) error {
	t := &p.troubles
	switch a := a.(type) {
	case NoAnswer:
		if a.For > 0 {
			t.silentUntil = p.now.Add(a.For.Duration())
			return nil
		}
		if err := checkCount(a.Count); err != nil {
			return err
		}
		t.noAnswer = a.Count
	case LateAnswer:
		if a.By <= 0 {
			return fmt.Errorf("by_ms %d: want a positive delay", a.By)
		}
		if err := checkCount(a.Count); err != nil {
			return err
		}
		t.lateAnswer = a
	case Garbage:
		if a.Length < 0 || a.Length > maxGarbage || len(a.Bytes) > maxGarbage || a.Length == 0 && len(a.Bytes) == 0 {
			return fmt.Errorf("garbage: want 1 to %d bytes", maxGarbage)
		}
		if a.Count == 0 {
			if p.power && p.plugged {
				p.out.Send = append(p.out.Send, p.garbageBytes(a)...)
			}
			return nil
		}
		if err := checkCount(a.Count); err != nil {
			return err
		}
		t.garbage = a
	case ForceBusy:
		if !p.power || a.For <= 0 {
			return errors.New("only a printer with power is busy, and for some time")
		}
		p.busyUntil = p.now.Add(a.For.Duration())
	case ClearFaults:
		*t = troubles{}
		p.busyUntil = time.Time{}
	}
	return nil
}
