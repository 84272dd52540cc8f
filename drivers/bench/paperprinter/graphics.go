package paperprinter

import (
	"fmt"

	"golang.org/x/image/font/basicfont"
	"rsc.io/qr"
)

// textLine is the line being built: text and column pictures side by side.
type textLine struct {
	cols   [][]bool // [x][y]
	height int
}

func (l *textLine) empty() bool { return len(l.cols) == 0 }

// column appends one column of dots.
func (p *Printer) column(dots []bool) {
	l := &p.textLine
	if len(l.cols) >= p.cfg.Dots {
		return // what is wider than the paper is lost
	}
	l.cols = append(l.cols, dots)
	l.height = max(l.height, len(dots))
}

// endLine prints the line being built and feeds, both together at least rows.
func (p *Printer) endLine(rows int) {
	l := p.textLine
	p.textLine = textLine{}
	for y := range l.height {
		row := make([]byte, (len(l.cols)+7)/8)
		for x, c := range l.cols {
			if y < len(c) && c[y] {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		p.ops = append(p.ops, mechOp{row: p.placed(row, len(l.cols))})
	}
	p.feed(rows - l.height)
}

// columns is ESC *.
func (p *Printer) columns(m byte, data []byte) {
	n := columnBytes(m)
	wide := m&1 == 0 // single density
	tall := n == columnDots/8
	for ; len(data) >= n; data = data[n:] {
		var dots []bool
		for i := range 8 * n {
			black := data[i/8]&(0x80>>(i%8)) != 0
			dots = append(dots, black)
			if tall { // 8 dots in the height of 24
				dots = append(dots, black, black)
			}
		}
		p.column(dots)
		if wide {
			p.column(dots)
		}
	}
}

// char prints one character of the printer's own font: 14 by 26 dots, ASCII
// only; anything else is a box.
func (p *Printer) char(c byte) {
	const scale = 2
	face := basicfont.Face7x13
	width, height := face.Width, face.Ascent+face.Descent
	glyph, known := int(c)-' ', c >= ' ' && c <= '~'
	if len(p.textLine.cols)+scale*(width+1) > p.cfg.Dots {
		p.endLine(p.pitchRows())
	}
	for x := range width + 1 {
		dots := make([]bool, scale*height)
		for y := range height {
			black := false
			switch {
			case known && x < width:
				_, _, _, a := face.Mask.At(x, glyph*height+y).RGBA()
				black = a != 0
			case !known && x < width-1 && y > 1 && y < height-2:
				black = x == 0 || x == width-2 || y == 2 || y == height-3
			}
			for s := range scale {
				dots[scale*y+s] = black
			}
		}
		for range scale {
			p.column(dots)
		}
	}
}

// graphic is GS ( L and GS 8 L.
func (p *Printer) graphic(d []byte) {
	if len(d) < 2 || d[0] != graphicsM {
		p.ignored("GS ( L % X", d[:min(len(d), 4)])
		return
	}
	switch fn := d[1]; {
	case fn == graphicsStore && len(d) >= storeHeader && d[2] == graphicsTone && d[5] == graphicsBlack:
		if !fits(d[storeHeader:], d[6:]) {
			p.ignored("GS ( L: %d bytes for a picture of %d by %d dots", len(d)-storeHeader, word(d[6:]), word(d[8:]))
			return
		}
		p.graphics = d
	case fn == graphicsPrint || fn == graphicsPrintOld:
		if g := p.graphics; g != nil {
			p.graphics = nil
			p.block(g[storeHeader:], word(g[6:]), word(g[8:]), g[3] == 2, g[4] == 2)
		}
	case fn == graphicsDefine && len(d) >= defineHeader && d[2] == graphicsTone && d[5] == 1:
		if !fits(d[defineHeader:], d[6:]) || d[10] != graphicsBlack || len(p.keys) >= 64 {
			p.ignored("GS ( L: key %q cannot be defined", d[3:5])
			return
		}
		p.keys[[2]byte{d[3], d[4]}] = d
	case fn == graphicsPrintKey && len(d) == printKeyLen:
		if g := p.keys[[2]byte{d[2], d[3]}]; g != nil {
			p.block(g[defineHeader:], word(g[6:]), word(g[8:]), d[4] == 2, d[5] == 2)
		}
	default:
		p.ignored("GS ( L % X", d[:min(len(d), storeHeader)])
	}
}

// fits reports whether dots is a whole picture of the size xL xH yL yH.
func fits(dots, size []byte) bool {
	n := (word(size) + 7) / 8 * word(size[2:])
	return n > 0 && len(dots) == n
}

// block prints a stored picture of x by y dots.
func (p *Printer) block(dots []byte, x, y int, wide, high bool) {
	stride := (x + 7) / 8
	for r := range y {
		p.raster(dots[r*stride:(r+1)*stride], wide, high)
	}
}

// symbol is the printer's own QR symbol.
type symbol struct {
	module int
	level  qr.Level
	data   []byte
}

// symbolCommand is GS ( k.
func (p *Printer) symbolCommand(d []byte) {
	if len(d) < 3 || d[0] != symbolQR {
		p.ignored("GS ( k % X", d[:min(len(d), 4)])
		return
	}
	s := &p.symbol
	switch d[1] {
	case symbolModel:
	case symbolModule:
		s.module = min(max(int(d[2]), 1), maxModule)
	case symbolLevel:
		s.level = qr.Level(min(max(int(d[2])-levelL, 0), int(qr.H)))
	case symbolStore:
		s.data = d[symbolStoreHead:min(len(d), symbolStoreHead+maxSymbolData)]
	case symbolPrint:
		p.printSymbol()
	case symbolSize:
		size, printable := 0, 1
		if code, err := qr.Encode(string(s.data), s.level); err == nil && len(s.data) > 0 {
			size = code.Size * p.module()
			printable = 0
		}
		b := fmt.Appendf([]byte{blockHeader, blockSymbol}, "%d\x1f%d\x1f1\x1f%d", size, size, printable)
		p.ops = append(p.ops, mechOp{reply: append(b, nul)})
	default:
		p.ignored("GS ( k function %02X", d[1])
	}
}

func (p *Printer) module() int { return max(p.symbol.module, 3) }

func (p *Printer) printSymbol() {
	code, err := qr.Encode(string(p.symbol.data), p.symbol.level)
	m := p.module()
	if err != nil || len(p.symbol.data) == 0 || code.Size*m > p.cfg.Dots {
		p.ignored("GS ( k: a symbol that does not fit")
		return
	}
	p.endLine(0)
	width := code.Size * m
	for y := range width {
		row := make([]byte, (width+7)/8)
		for x := range width {
			if code.Black(x/m, y/m) {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		p.ops = append(p.ops, mechOp{row: p.placed(row, width)})
	}
}
