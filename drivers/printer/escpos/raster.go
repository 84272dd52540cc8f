package escpos

import (
	"errors"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// itemKind is what a piece of the program does. Polls go between items only:
// the printer would obey one inside a picture and print it too.
type itemKind int

const (
	itemSetup   itemKind = iota // changes nothing on paper
	itemFeed                    // white paper
	itemBand                    // a piece of the picture
	itemBarrier                 // data is made when it is sent: it carries an id
	itemCut
	itemZeros // fills up a band that was broken off
)

// item is one command, or one run of zeros, that is sent without a break.
type item struct {
	kind itemKind
	data []byte
	rows int // rows of the picture that are on paper when this has been done
	// moves are the rows by which it moves the paper.
	moves int

	// Of a barrier: rows fed since the one before; whether it stands behind the
	// cut; whether it ends the program.
	since     int
	cut, last bool
}

// feedFrom is the number of empty rows that are worth a command of their own.
const feedFrom = 3

// Errors of a picture that cannot be printed.
var (
	errEmpty = errors.New("the picture is empty")
	errBits  = errors.New("the picture's dots do not fit its size")
)

// checkPicture tells whether the picture can be printed with the profile. Most
// firmware cuts off what is too wide without a word.
func checkPicture(p Profile, b printer.Bitmap) error {
	switch {
	case b.Width < 1 || b.Height < 1:
		return errEmpty
	case b.Width > p.Width():
		return fmt.Errorf("the picture is %d dots wide, the printer has %d", b.Width, p.Width())
	case b.Height > 1<<15 || len(b.Bits) != b.Height*b.Stride():
		return errBits
	}
	return nil
}

// compile turns a picture that has passed checkPicture into a program: bands cut
// at empty rows and at their last black byte, empty rows as feeds, barriers, the
// cut, and the barrier behind it.
func compile(p Profile, b printer.Bitmap) []item {
	var (
		out     []item
		since   int // rows since the last barrier
		pending int // empty rows not fed yet
		black   bool
	)
	flush := func(y int) {
		if pending > 0 {
			out = append(out, item{kind: itemFeed, data: feed(pending), rows: y, moves: pending})
			since += pending
			pending = 0
		}
	}
	for y := 0; y < b.Height; {
		if blank(b.Row(y)) {
			pending++
			y++
			continue
		}
		if black && since+pending >= p.BarrierRows {
			flush(y)
			out = append(out, item{kind: itemBarrier, rows: y, since: since})
			since = 0
		}
		flush(y)
		end := bandEnd(p, b, y)
		out = append(out, item{kind: itemBand, data: band(b, y, end), rows: end, moves: end - y})
		since += end - y
		black = true
		y = end
	}
	flush(b.Height)
	return append(out, ending(p, b.Height, since)...)
}

// ending is the cut and the barrier behind it. At level C an answer is one byte
// without an id, which noise can forge: two are asked for, one after the other,
// so that at least one of them is true.
func ending(p Profile, rows, since int) []item {
	var out []item
	if !p.CutFeeds && p.HeadToCutter > 0 {
		out = append(out, item{kind: itemFeed, data: feed(p.HeadToCutter), rows: rows, moves: p.HeadToCutter})
	}
	out = append(out, item{kind: itemCut, data: p.Cut, rows: rows})
	if p.Barrier == printer.LevelC {
		out = append(out, item{kind: itemBarrier, rows: rows, since: since, cut: true})
	}
	return append(out, item{kind: itemBarrier, rows: rows, since: since, cut: true, last: true})
}

// bandEnd is the row behind the band that starts at y: it ends before a run of
// empty rows, and is never longer in bytes than may lie between two polls.
func bandEnd(p Profile, b printer.Bitmap, y int) int {
	end, wide, empty := y, 0, 0
	for row := y; row < b.Height; row++ {
		w := lastBlack(b.Row(row))
		if w == 0 {
			if empty++; empty == feedFrom {
				break
			}
			continue
		}
		if row+1-y > p.bandRows(max(wide, w)) && row > y {
			break
		}
		wide, empty, end = max(wide, w), 0, row+1
	}
	return end
}

// band is GS v 0 with the rows from y to end, cut at the last black byte.
func band(b printer.Bitmap, y, end int) []byte {
	wide := 0
	for row := y; row < end; row++ {
		wide = max(wide, lastBlack(b.Row(row)))
	}
	data := raster(wide, end-y)
	head := len(data)
	for row := y; row < end; row++ {
		data = append(data, b.Row(row)[:wide]...)
	}
	disarm(data[head:])
	return data
}

// disarm changes dots that the printer would obey as a real-time command in the
// middle of the picture: DLE followed by EOT, ENQ or DC4, and a DLE at the very
// end, which would swallow the poll behind it. A dot is added beside a black one
// (a stroke becomes one dot wider); none is taken away.
func disarm(dots []byte) {
	const beside = 0x08 // right of the one dot of DLE
	for i, d := range dots {
		if d != dle {
			continue
		}
		if i+1 == len(dots) {
			dots[i] |= beside
			continue
		}
		switch dots[i+1] {
		case eot, enq, dc4:
			dots[i] |= beside
		}
	}
}

func blank(row []byte) bool { return lastBlack(row) == 0 }

// lastBlack is the number of bytes up to the last one with a black dot.
func lastBlack(row []byte) int {
	for i := len(row); i > 0; i-- {
		if row[i-1] != 0 {
			return i
		}
	}
	return 0
}
