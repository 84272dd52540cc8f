package escpos

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// Profile is what differs between models (protocols/receipt-printer.md 10).
type Profile struct {
	Name string

	// Speed is what the line carries, in bytes a second: baud / 10 for 8N1 (At).
	Speed int

	Dots        int // of the head
	DPI         int // dots per inch, both ways
	MarginLeft  int // dots at the left edge that do not print
	MarginRight int

	Buffer       int           // bytes of the receive buffer
	BandRows     int           // most rows of one GS v 0
	BarrierRows  int           // rows between two barriers
	HeadToCutter int           // rows; fed before Cut unless CutFeeds
	CutFeeds     bool          // Cut feeds HeadToCutter by itself
	Cut          []byte        // the cut command
	StubRows     int           // fed before the stub of a spoiled job is cut off
	SlowestFeed  int           // mm a second, for deadlines and for what the buffer can take
	CutTime      time.Duration // longest pause of the cutter

	// Barrier is LevelA (GS ( H) or LevelC (GS r).
	Barrier printer.Level
	ASB     bool // automatic status by GS a

	NearEnd  byte // bits of the answer to DLE EOT 4
	PaperEnd byte

	ClearBuffer []byte // drops what was not printed, in real time
	Recover     []byte // ends a recoverable error, in real time
	FlushBytes  int    // zeros that free a printer left in the middle of a picture

	// Models are the answers to GS I 67 this profile is for; empty: any.
	Models []string

	// Restart is the shortest time in which the model can answer a poll again
	// after it lost power. Bands are cut so that two polls are not that far apart
	// while a job is sent; if they are all the same (the printer has held the line
	// in the middle of a band) the job is spoiled.
	Restart time.Duration
}

// Timing that is the same for every model (protocols/receipt-printer.md 1.3,
// 5.1, 7.1).
const (
	spare     = 256                   // bytes of the buffer that are left free: printers say that they are busy at 128
	Ahead     = 256                   // bytes that may be sent before the line can have carried them
	aheadTime = 50 * time.Millisecond // and of a slow line, no more than it carries in this

	pollIdle    = time.Second
	pollJob     = 200 * time.Millisecond
	pollTimeout = 300 * time.Millisecond
	pollMisses  = 3

	frameGap    = 100 * time.Millisecond // a frame that stops for so long is broken off
	shortQuiet  = 50 * time.Millisecond  // silence that tells an answer to GS r from a piece of a frame
	noiseLimit  = 16                     // bytes of no meaning before the line is opened anew
	busyLimit   = 30 * time.Second       // XOFF for longer is stuck
	cleanTime   = 500 * time.Millisecond // status must stay clean after a level C barrier
	silentASB   = 500 * time.Millisecond // polls and automatic status may differ for so long
	clearWait   = 500 * time.Millisecond // for the answer to ClearBuffer
	initWait    = 5 * time.Second        // for the answer to GS a
	identWait   = 500 * time.Millisecond // for the answer to GS I
	beginWait   = 30 * time.Second       // for Begin after Ready
	prepareWait = 60 * time.Second       // from Print to Ready
	jobLimit    = 150 * time.Second      // from Print to the verdict
	retryWait   = 30 * time.Second       // before a failed preparation is tried again
	restartSafe = 100 * time.Millisecond // kept free of Restart, for timers that come late
)

// Generic80 is an 80 mm printer of the Epson TM kind: 576 dots at 203 dpi, with
// GS ( H and DLE DC4 function 8.
func Generic80() Profile {
	return Profile{
		Name:         "generic80",
		Speed:        11520,
		Dots:         576,
		DPI:          203,
		Buffer:       4096,
		BandRows:     48,
		BarrierRows:  200,
		HeadToCutter: 112,
		CutFeeds:     true,
		Cut:          cutFullFeeding(),
		StubRows:     40,
		SlowestFeed:  50,
		CutTime:      2 * time.Second,
		Barrier:      printer.LevelA,
		ASB:          true,
		NearEnd:      0x0C,
		PaperEnd:     0x60,
		ClearBuffer:  clearBuffers(),
		Recover:      recoverAndClear(),
		FlushBytes:   8192,
		Restart:      600 * time.Millisecond,
	}
}

// Generic80C is the same for models that know neither GS ( H nor DLE DC4
// function 8: only GS r is answered in queue order.
func Generic80C() Profile {
	p := Generic80()
	p.Name = "generic80c"
	p.Barrier = printer.LevelC
	p.ClearBuffer = recoverAndClear()
	return p
}

// Profiles are the known profiles by name. The map is the caller's own.
func Profiles() map[string]Profile {
	out := map[string]Profile{}
	for _, p := range []Profile{Generic80(), Generic80C()} {
		out[p.Name] = p
	}
	return out
}

// At is the profile on a line of another rate, in bits a second, 8N1.
func (p Profile) At(baud int) Profile {
	p.Speed = baud / 10
	return p
}

// Check tells the first thing in a profile that cannot work.
func (p Profile) Check() error {
	fail := func(field string, got any, allowed string) error {
		return fmt.Errorf("escpos: profile %q: %s is %v, allowed is %s", p.Name, field, got, allowed)
	}
	switch {
	case p.Speed < 100:
		return fail("speed", p.Speed, "100 bytes a second or more")
	case p.Dots < 8 || p.Dots > 8*255:
		return fail("dots", p.Dots, "8 to 2040")
	case p.DPI < 50 || p.DPI > 255:
		return fail("dpi", p.DPI, "50 to 255")
	case p.MarginLeft < 0 || p.MarginRight < 0 || p.Width() < 8:
		return fail("margins", fmt.Sprint(p.MarginLeft, "+", p.MarginRight), "0 or more, leaving 8 dots")
	case p.room() < p.stride()+rasterHead:
		return fail("buffer", p.Buffer, fmt.Sprintf("%d bytes for one row, and %d that are left free", p.stride()+rasterHead, spare))
	case p.BandRows < 1 || p.BandRows > 255:
		return fail("band rows", p.BandRows, "1 to 255")
	case p.BarrierRows < 1:
		return fail("barrier rows", p.BarrierRows, "1 or more")
	case p.HeadToCutter < 0 || p.StubRows < 0:
		return fail("head to cutter, stub", fmt.Sprint(p.HeadToCutter, ", ", p.StubRows), "0 or more")
	case len(p.Cut) == 0:
		return fail("cut", "empty", "a cut command")
	case p.SlowestFeed < 1:
		return fail("slowest feed", p.SlowestFeed, "1 mm a second or more")
	case p.Barrier != printer.LevelA && p.Barrier != printer.LevelC:
		return fail("barrier", p.Barrier, "A or C")
	case p.FlushBytes < 0 || p.FlushBytes > 1<<16:
		return fail("flush bytes", p.FlushBytes, "0 to 65536")
	case p.bandBytes() < p.stride():
		return fail("restart", p.Restart, fmt.Sprintf("long enough to send one row (%d bytes) between two polls", p.stride()))
	}
	return nil
}

// Width is the number of dots that a picture may have.
func (p Profile) Width() int { return p.Dots - p.MarginLeft - p.MarginRight }

func (p Profile) stride() int { return (p.Width() + 7) / 8 }

// ahead is the number of bytes that may wait before the line.
func (p Profile) ahead() int { return max(16, min(Ahead, p.bytesIn(aheadTime))) }

// room is how much of the receive buffer is used.
func (p Profile) room() int { return p.Buffer - spare }

// bandBytes is the most that may lie between two polls, and in the buffer.
func (p Profile) bandBytes() int {
	return min(p.bytesIn(p.Restart-pollJob-restartSafe)-p.ahead(), p.room()-rasterHead)
}

func (p Profile) bytesIn(d time.Duration) int {
	return int(int64(p.Speed) * int64(d) / int64(time.Second))
}

// lineTime is how long the line carries n bytes.
func (p Profile) lineTime(n int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(p.Speed)
}

// bandRows is the most rows of a band of so many bytes a row.
func (p Profile) bandRows(wide int) int {
	return max(1, min(p.BandRows, p.bandBytes()/wide))
}

// rowsTime is how long rows take at the slowest feed.
func (p Profile) rowsTime(rows int) time.Duration {
	return time.Duration(rows) * time.Second * 254 / time.Duration(10*p.DPI*p.SlowestFeed)
}

// barrierWait is the deadline of a barrier behind so many rows, counted from
// when its last byte is on the line (protocols/receipt-printer.md 7.1).
func (p Profile) barrierWait(rows int, cut bool) time.Duration {
	d := p.rowsTime(rows) + 3*time.Second
	if cut {
		d += p.rowsTime(p.HeadToCutter) + p.CutTime
	}
	return 2 * d
}
