package printertest

import "github.com/asan-kiosk/kiosk/drivers/printer"

// Piece is a piece of paper: all rows between two ends.
type Piece struct {
	Rows     [][]byte // nil: white; else up to the last black byte
	CutAbove bool     // the upper end was made by the cutter
	CutBelow bool
}

// paper is the endless web under the head. Rows are numbered as they are fed.
type paper struct {
	pos  int // the row under the head
	rows map[int][]byte
	ends []end
}

type end struct {
	row int
	cut bool
}

func (p *paper) mark(dots []byte) {
	n := len(dots)
	for n > 0 && dots[n-1] == 0 {
		n--
	}
	if n > 0 {
		p.rows[p.pos] = append([]byte(nil), dots[:n]...)
	}
}

// split ends the piece at a row; what lies above an earlier end is gone.
func (p *paper) split(row int, cut bool) {
	if len(p.ends) > 0 && row <= p.ends[len(p.ends)-1].row {
		return
	}
	p.ends = append(p.ends, end{row, cut})
}

// pieces are all pieces so far; the last may still hang in the printer.
func (p *paper) pieces() []Piece {
	var out []Piece
	from := end{0, true}
	for _, e := range append(append([]end(nil), p.ends...), end{p.pos + 1, false}) {
		piece := Piece{CutAbove: from.cut, CutBelow: e.cut, Rows: make([][]byte, e.row-from.row)}
		for row := from.row; row < e.row; row++ {
			piece.Rows[row-from.row] = p.rows[row]
		}
		out = append(out, piece)
		from = e
	}
	return out
}

// Blank reports that nothing black is on it.
func (p Piece) Blank() bool {
	for _, r := range p.Rows {
		if len(r) > 0 {
			return false
		}
	}
	return true
}

// Holds reports whether the piece shows the whole picture and nothing else,
// leaving aside white paper above and below. A driver may add dots beside a byte
// that would be obeyed as a command (10h), never take one away.
func (p Piece) Holds(b printer.Bitmap) bool {
	first := -1
	for y := range b.Height {
		if len(trim(b.Row(y))) > 0 {
			first = y
			break
		}
	}
	at := 0
	for at < len(p.Rows) && len(p.Rows[at]) == 0 {
		at++
	}
	if first < 0 || at == len(p.Rows) {
		return first < 0 && at == len(p.Rows)
	}
	for y := first; y < b.Height; y++ {
		var got []byte
		if i := at + y - first; i < len(p.Rows) {
			got = p.Rows[i]
		}
		if !sameRow(got, trim(b.Row(y))) {
			return false
		}
	}
	for i := at + b.Height - first; i < len(p.Rows); i++ {
		if len(p.Rows[i]) > 0 {
			return false
		}
	}
	return true
}

func sameRow(got, want []byte) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		if got[i] != want[i] && !(want[i] == 0x10 && got[i]&0x10 != 0) {
			return false
		}
	}
	return true
}

// Shows reports whether a black row of the picture is on the piece. The pictures
// of the suite have rows that no other picture has.
func (p Piece) Shows(b printer.Bitmap) bool {
	for y := range b.Height {
		want := trim(b.Row(y))
		if len(want) == 0 {
			continue
		}
		for _, r := range p.Rows {
			if sameRow(r, want) {
				return true
			}
		}
	}
	return false
}

func trim(row []byte) []byte {
	n := len(row)
	for n > 0 && row[n-1] == 0 {
		n--
	}
	return row[:n]
}
