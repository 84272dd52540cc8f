package paperprinter

import (
	"fmt"
	"slices"
	"time"
)

// Config is one printer.
type Config struct {
	Dots         int // width of the head
	DPI          int // dots per inch, both ways
	UnitY        int // feed units per inch after power-on (GS P changes them)
	Baud         int // zero: the line takes no time
	RowsPerS     int // speed of the mechanism; zero: at once
	HeadToCutter int // rows
	Roll         int // rows of a new roll
	NearEnd      int // rows left when the near-end sensor speaks

	Buffer  int // bytes of the receive buffer
	BusyAt  int // free bytes at which the printer becomes busy
	ReadyAt int // free bytes at which it is ready again
	// XonXoff: busy is told by XOFF and XON. Otherwise by a line that a
	// pseudo-terminal does not have, so nothing is told.
	XonXoff bool
	// BusyWhenOffline: busy also while off-line (a switch of some models).
	BusyWhenOffline bool

	Response time.Duration // from a request's end to its answer
	CutTime  time.Duration
	Boot     time.Duration // silence after power is switched on
	Quantum  time.Duration // Wake is never sooner than this for work inside the printer

	ModelID  byte
	TypeID   byte
	Firmware string
	Maker    string
	Model    string
	Serial   string

	NoBarrier bool // GS ( H is ignored, as by older clones
	NoSymbols bool // GS ( k is ignored
	Counters  bool // the Custom family's counters and full status
}

// DefaultConfig is a TM-T88 class printer on a fast line.
func DefaultConfig() Config {
	const mm = 8 // rows
	return Config{
		Dots: 576, DPI: 203, UnitY: 406, Baud: 115200,
		RowsPerS: 150 * mm, HeadToCutter: 12 * mm, Roll: 80_000 * mm, NearEnd: 4_000 * mm,
		Buffer: 4096, BusyAt: 128, ReadyAt: 256, XonXoff: true,
		Response: time.Millisecond, CutTime: 300 * time.Millisecond, Boot: time.Second, Quantum: 5 * time.Millisecond,
		ModelID: 0x20, TypeID: typeCutter, Firmware: "40.42 ESC/POS", Maker: "EPSON", Model: "TM-T88V", Serial: "MXAF000123",
		Counters: true,
	}
}

// Validate says why a configuration cannot be a printer.
func (c Config) Validate() error {
	for _, f := range []struct {
		name     string
		v, lo, n int
	}{
		{"dots", c.Dots, 8, 8 * maxRowBytes}, {"dpi", c.DPI, 100, 600}, {"feed units per inch", c.UnitY, 1, 2000},
		{"baud", c.Baud, 0, 10_000_000}, {"rows per second", c.RowsPerS, 0, 100_000},
		{"head to cutter", c.HeadToCutter, 0, 1000}, {"roll", c.Roll, 1, 10_000_000}, {"near end", c.NearEnd, 0, c.Roll},
		{"buffer", c.Buffer, 45, 1 << 20}, {"ready at", c.ReadyAt, 1, c.Buffer}, {"busy at", c.BusyAt, 0, c.ReadyAt},
	} {
		if f.v < f.lo || f.v > f.n {
			return fmt.Errorf("%s: %d is not in %d..%d", f.name, f.v, f.lo, f.n)
		}
	}
	return nil
}

// World is everything that outlives a power cut: paper, what is broken, and
// the counters.
type World struct {
	RollLeft int    `json:"roll_left"` // rows until the paper-end sensor
	Path     []byte `json:"path"`      // rows since the last cut, outermost first, whole rows
	Raw      []byte `json:"raw"`       // bytes carried out since the last strip
	Strips   int    `json:"strips"`    // that ever came out

	CoverOpen     bool `json:"cover_open"`
	ForcedLow     bool `json:"forced_low"` // the near-end sensor is made to speak
	CutterBlocked bool `json:"cutter_blocked"`
	Jammed        bool `json:"jammed"`
	Broken        bool `json:"broken"` // an error that no command recovers

	Cuts     uint32 `json:"cuts"`
	Rows     uint64 `json:"rows"` // fed in this printer's life
	PowerUps uint32 `json:"power_ups"`
}

// NewWorld is a fresh roll up to the cutter.
func NewWorld(c Config) World {
	return World{RollLeft: c.Roll, Path: make([]byte, c.HeadToCutter*((c.Dots+7)/8))}
}

// Clone is a deep copy.
func (w World) Clone() World {
	w.Path, w.Raw = slices.Clone(w.Path), slices.Clone(w.Raw)
	return w
}
