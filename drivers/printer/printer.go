// Package printer is the family of receipt printers: one-bit pictures go in,
// a verdict comes out. "The write returned" proves nothing: a slip is printed
// only when the printer answered a barrier placed after the cut and its status
// is clean (protocols/receipt-printer.md section 7).
//
// # The bargain between a driver and the paper room
//
// Print hands over one job. The driver asks the printer for its state first. If
// it is not fit the job ends at once with NotPrinted and no byte was sent. If it
// is fit the driver reports Ready and waits for Begin: the room writes "sending"
// to the journal before the first byte goes out. Every job ends in exactly one
// Finished. Unknown is never printed again by a driver.
package printer

import (
	"crypto/sha256"
	"encoding/hex"
)

// Bitmap is a one-bit picture: Rows of Stride bytes, the leftmost dot in bit 7,
// 1 = black: the body of a binary PBM (P4). Width is in dots; bits past Width
// are zero.
type Bitmap struct {
	Width  int
	Height int
	Bits   []byte // Height * Stride() bytes
}

// Stride is the number of bytes in one row.
func (b Bitmap) Stride() int { return (b.Width + 7) / 8 }

// Row is one row's bytes, not a copy.
func (b Bitmap) Row(y int) []byte { s := b.Stride(); return b.Bits[y*s : (y+1)*s] }

// Black reports whether the dot is black.
func (b Bitmap) Black(x, y int) bool {
	return b.Bits[y*b.Stride()+x/8]&(0x80>>(x%8)) != 0
}

// Hash is SHA-256 of the dots, hexadecimal. A copy of a slip has the same
// picture, so it can be compared by this.
func (b Bitmap) Hash() string {
	sum := sha256.Sum256(b.Bits)
	return hex.EncodeToString(sum[:])
}

// Job is one slip to be printed and cut.
type Job struct {
	ID      string // unique; stands in the journal
	Picture Bitmap
}

// Verdict is how a job ended.
type Verdict string

const (
	Printed    Verdict = "printed"     // the barrier after the cut was answered, status clean
	NotPrinted Verdict = "not_printed" // no black row is on the paper
	Unknown    Verdict = "unknown"     // part of it may be; never print it again by itself
)

// Level is the strength of the proof behind Printed, as in
// protocols/receipt-printer.md 7.1.
type Level string

const (
	LevelA Level = "A" // print-end report with the job's own id
	LevelB Level = "B" // cut and feed counters moved as expected
	LevelC Level = "C" // an answer in queue order after the cut, then clean status
	LevelD Level = "D" // line empty and no error
)

// Status is the printer's condition in words common to all families.
type Status struct {
	Online      bool   `json:"online"`
	PaperOut    bool   `json:"paper_out"`
	PaperLow    bool   `json:"paper_low"`
	CoverOpen   bool   `json:"cover_open"`
	CutterError bool   `json:"cutter_error"`
	Jam         bool   `json:"jam"`
	Error       bool   `json:"error"`      // unrecoverable
	Waiting     bool   `json:"waiting"`    // head too hot: clears itself
	AtExit      bool   `json:"at_exit"`    // a ticket waits at the exit
	Cause       string `json:"cause"`      // in words, for the technician; "" when fit
	Unverified  bool   `json:"unverified"` // known only from before the link was lost
}

// Fit reports whether a money receipt can be printed now.
func (s Status) Fit() bool {
	return s.Online && !s.PaperOut && !s.CoverOpen && !s.CutterError && !s.Jam && !s.Error && !s.Unverified
}

// Identity is what the printer says of itself.
type Identity struct {
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	Serial   string `json:"serial"`
}

// Event is something the printer said or a job's progress.
type Event interface{ printerEvent() }

type (
	// Online: the printer answers and its identity fits the profile.
	Online struct{ Identity Identity }

	// Offline: it does not answer, or the port is gone.
	Offline struct{ Cause string }

	// StatusChanged tells the whole condition, on every change.
	StatusChanged struct{ Status Status }

	// Ready: the job passed its preflight and not one byte of it was sent yet.
	// Send Begin when that it will be is durable.
	Ready struct{ JobID string }

	// Progress: the printer has confirmed the picture up to this row.
	Progress struct {
		JobID string
		Rows  int
	}

	// Finished: the job's verdict. Rows is how much is known to be on paper.
	Finished struct {
		JobID   string
		Verdict Verdict
		Level   Level
		Rows    int
		Cause   string // why not Printed; a word list is in the driver's package
	}
)

func (Online) printerEvent()        {}
func (Offline) printerEvent()       {}
func (StatusChanged) printerEvent() {}
func (Ready) printerEvent()         {}
func (Progress) printerEvent()      {}
func (Finished) printerEvent()      {}

// Command is what a printer driver can be told; it never blocks.
type Command interface{ printerCommand() }

type (
	// Print starts a job. While another is under way it ends at once with
	// NotPrinted, cause "busy".
	Print struct{ Job Job }

	// Begin answers Ready.
	Begin struct{ JobID string }

	// Clear drops what the printer still holds of a spoiled job, once the cause is
	// removed, and cuts off the stub. A driver also does this by itself before the
	// next job.
	Clear struct{}
)

func (Print) printerCommand() {}
func (Begin) printerCommand() {}
func (Clear) printerCommand() {}
