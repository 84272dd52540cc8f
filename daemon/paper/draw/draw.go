// Package draw turns a page of texts into the one-bit picture of a slip: az, en,
// fr, es, de, it, ru, ar and fa, each shaped as its script asks, on whole dots,
// without grey (protocols/receipt-printer.md section 4).
//
// A page is a column of blocks. Labels and values are cells of their own with
// their own direction, so that a number never lands inside an Arabic sentence;
// in ar and fa the columns change sides. A character that no font here has is an
// error that names it, never a box on paper.
package draw

import (
	"fmt"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/printer"
	"rsc.io/qr"
)

// Page is a slip before it is drawn.
type Page struct {
	Width  int    // dots
	Lang   string // language that decides the sides of the columns where a block names none
	Blocks []Block
}

// Align is where a text stands in its column.
type Align int

const (
	AlignStart Align = iota // left, or right in ar and fa
	AlignCenter
	AlignEnd
)

// Sizes of type in dots per em (203 dpi: 8 dots are a millimetre).
const (
	SizeSmall = 20
	SizeBody  = 24
	SizeHead  = 32
	SizeTotal = 40
)

// Block is one part of a page. The kinds are below.
type Block interface{ block() }

type (
	// Text is a paragraph; it wraps.
	Text struct {
		Text  string
		Lang  string // "" is the page's
		Size  int    // dots per em; 0 is SizeBody
		Bold  bool
		Align Align
	}
	// Row is a label and its value on opposite sides. Where they do not fit beside
	// each other the value goes on lines of its own. LTR marks a value that is a
	// code, a date or an amount: it reads from left to right in every language.
	Row struct {
		Label, Value string
		Lang         string
		Size         int
		Bold         bool
		LTR          bool
	}
	// Rule is a thin line across.
	Rule struct{}
	// Space is white.
	Space struct{ Dots int }
	// QR is a code of error correction level M, centred, with its quiet zone.
	QR struct {
		Content string
		Module  int // dots; 0 is 6. Less than 4 is not read well from thermal paper.
	}
	// Band is a word across a page that must be seen first: COPY 1.
	Band struct{ Text, Lang string }
)

func (Text) block()  {}
func (Row) block()   {}
func (Rule) block()  {}
func (Space) block() {}
func (QR) block()    {}
func (Band) block()  {}

// Limits of a page: more is a mistake of the template, not a long slip.
const (
	maxHeight = 6000 // dots; 75 cm
	maxBlocks = 400
	maxRunes  = 2000 // of one text
	quiet     = 4    // modules of white around a QR code
)

// RTL reports whether a language is written from right to left.
func RTL(lang string) bool { return lang == "ar" || lang == "fa" }

// Draw makes the picture. It fails on a character that cannot be written, on a QR
// content that does not fit, and on a page beyond its limits.
func Draw(p Page, fonts *Fonts) (printer.Bitmap, error) {
	if p.Width < 64 || p.Width > 2048 || len(p.Blocks) > maxBlocks {
		return printer.Bitmap{}, fmt.Errorf("draw: a page of %d dots and %d blocks", p.Width, len(p.Blocks))
	}
	c := &canvas{fonts: fonts, stride: (p.Width + 7) / 8, width: p.Width}
	for i, b := range p.Blocks {
		if err := c.block(p, b); err != nil {
			return printer.Bitmap{}, fmt.Errorf("draw: block %d: %w", i+1, err)
		}
		if c.height > maxHeight {
			return printer.Bitmap{}, fmt.Errorf("draw: the page is higher than %d dots", maxHeight)
		}
	}
	return printer.Bitmap{Width: p.Width, Height: c.height, Bits: c.bits}, nil
}

// canvas grows downward.
type canvas struct {
	fonts  *Fonts
	width  int
	stride int
	height int
	bits   []byte
}

func (c *canvas) grow(rows int) (top int) {
	top = c.height
	c.height += rows
	c.bits = append(c.bits, make([]byte, rows*c.stride)...)
	return top
}

func (c *canvas) set(x, y int) {
	if x >= 0 && x < c.width && y >= 0 && y < c.height {
		c.bits[y*c.stride+x/8] |= 0x80 >> (x % 8)
	}
}

func (c *canvas) box(x0, y0, x1, y1 int) {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			c.set(x, y)
		}
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func size(n int) int {
	if n == 0 {
		return SizeBody
	}
	return min(max(n, 12), 96)
}

func (c *canvas) block(p Page, b Block) error {
	switch b := b.(type) {
	case Text:
		lang := or(b.Lang, p.Lang)
		ls, err := c.fonts.lay(b.Text, lang, style{size(b.Size), b.Bold, RTL(lang)}, c.width)
		if err != nil {
			return err
		}
		for _, l := range ls {
			c.put(l, c.x(l.width, b.Align, RTL(lang)))
		}
	case Row:
		return c.row(p, b)
	case Rule:
		top := c.grow(14)
		c.box(0, top+6, c.width, top+8)
	case Space:
		c.grow(min(max(b.Dots, 0), 400))
	case QR:
		return c.qr(b)
	case Band:
		lang := or(b.Lang, p.Lang)
		ls, err := c.fonts.lay(b.Text, lang, style{SizeTotal, true, RTL(lang)}, c.width-24)
		if err != nil {
			return err
		}
		top := c.grow(10)
		for _, l := range ls {
			c.put(l, (c.width-l.width)/2)
		}
		c.grow(10)
		c.box(0, top, c.width, top+3)
		c.box(0, c.height-3, c.width, c.height)
		c.box(0, top, 3, c.height)
		c.box(c.width-3, top, c.width, c.height)
	}
	return nil
}

// x is where a line of this width begins.
func (c *canvas) x(width int, a Align, rtl bool) int {
	switch {
	case a == AlignCenter:
		return (c.width - width) / 2
	case (a == AlignEnd) != rtl:
		return c.width - width
	}
	return 0
}

// gutter is the least white between label and value.
const gutter = 16

func (c *canvas) row(p Page, b Row) error {
	lang := or(b.Lang, p.Lang)
	rtl := RTL(lang)
	labels, err := c.fonts.lay(b.Label, lang, style{size(b.Size), b.Bold, rtl}, c.width*3/5)
	if err != nil {
		return err
	}
	room := c.width
	for _, l := range labels {
		room = min(room, c.width-l.width-gutter)
	}
	valueRTL := rtl && !b.LTR
	st := style{size(b.Size), b.Bold, valueRTL}
	values, err := c.fonts.lay(b.Value, lang, st, c.width)
	if err != nil {
		return err
	}
	if len(values) == 1 && values[0].width <= room {
		top := c.height
		for _, l := range labels {
			c.put(l, c.x(l.width, AlignStart, rtl))
		}
		// Beside the label's last line.
		last := labels[len(labels)-1]
		at := c.height - last.height
		if at < top {
			at = top
		}
		c.paint(values[0], c.x(values[0].width, AlignEnd, rtl), at)
		return nil
	}
	for _, l := range labels {
		c.put(l, c.x(l.width, AlignStart, rtl))
	}
	values, err = c.fonts.lay(b.Value, lang, st, c.width-2*gutter)
	if err != nil {
		return err
	}
	for _, l := range values {
		c.put(l, c.x(l.width, AlignEnd, rtl))
	}
	return nil
}

// put adds a line below what is there.
func (c *canvas) put(l line, x int) {
	top := c.grow(l.height)
	c.paint(l, x, top)
}

func (c *canvas) qr(b QR) error {
	if strings.TrimSpace(b.Content) == "" || len(b.Content) > 1000 {
		return fmt.Errorf("a QR code of %d bytes", len(b.Content))
	}
	code, err := qr.Encode(b.Content, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	m := b.Module
	if m == 0 {
		m = 6
	}
	for m > 1 && (code.Size+2*quiet)*m > c.width {
		m--
	}
	if m < 4 {
		return fmt.Errorf("a QR code of %d modules is too wide for %d dots", code.Size, c.width)
	}
	top := c.grow((code.Size + 2*quiet) * m)
	left := (c.width - code.Size*m) / 2
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				c.box(left+x*m, top+(y+quiet)*m, left+(x+1)*m, top+(y+quiet+1)*m)
			}
		}
	}
	return nil
}
