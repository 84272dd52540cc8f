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
	// Text is a paragraph; it wraps, and a line feed ends a line.
	Text struct {
		Text  string
		Lang  string // "" is the page's
		Size  int    // dots per em; 0 is SizeBody
		Bold  bool
		Align Align
	}
	// Row is a label and its value on opposite sides. Where they do not fit beside
	// each other both wrap in columns of their own, and a code that must not be
	// broken goes below. LTR marks a value that is a code, a date or an amount: it
	// reads from left to right in every language.
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
		Module  int // dots; 0 is 6. It is made smaller where the paper is narrow, down to 4.
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
	minWidth  = 64   // dots
	maxWidth  = 2048 // dots
	minSize   = 12   // dots per em
	maxSize   = 96   // dots per em
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
	if p.Width < minWidth || p.Width > maxWidth || len(p.Blocks) > maxBlocks {
		return printer.Bitmap{}, fmt.Errorf("draw: a page of %d dots and %d blocks", p.Width, len(p.Blocks))
	}
	fonts.mu.Lock()
	defer fonts.mu.Unlock()
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

func size(n int) int {
	if n == 0 {
		return SizeBody
	}
	return min(max(n, minSize), maxSize)
}

func (c *canvas) block(p Page, b Block) error {
	switch b := b.(type) {
	case Text:
		st := p.style(b.Lang, b.Size, b.Bold)
		ls, err := c.fonts.lay(b.Text, st, c.width)
		if err != nil {
			return err
		}
		for _, l := range ls {
			c.put(l, c.x(l.width, b.Align, st.rtl))
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
		return c.band(p, b)
	}
	return nil
}

// style is how a block of this language is set; "" is the page's.
func (p Page) style(lang string, dots int, bold bool) style {
	if lang == "" {
		lang = p.Lang
	}
	return style{lang: lang, size: size(dots), bold: bold, rtl: RTL(lang)}
}

// frame is the stroke around a Band; inset the white inside it.
const (
	frame = 3
	inset = 10
)

func (c *canvas) band(p Page, b Band) error {
	ls, err := c.fonts.lay(b.Text, p.style(b.Lang, SizeTotal, true), c.width-2*(frame+inset))
	if err != nil {
		return err
	}
	c.grow(inset)
	top := c.grow(inset)
	for _, l := range ls {
		c.put(l, (c.width-l.width)/2)
	}
	bottom := c.grow(inset) + inset
	c.grow(inset)
	c.box(0, top, c.width, top+frame)
	c.box(0, bottom-frame, c.width, bottom)
	c.box(0, top, frame, bottom)
	c.box(c.width-frame, top, c.width, bottom)
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

// put adds a line below what is there.
func (c *canvas) put(l line, x int) {
	top := c.grow(l.height)
	c.paint(l, x, top+l.base)
}

// paint draws a line; y is its base line.
func (c *canvas) paint(l line, x, y int) {
	for _, s := range l.spots {
		left, top := x+s.x+s.piece.x, y+s.piece.y
		for py := range s.piece.dots.Height {
			for px := range s.piece.dots.Width {
				if s.piece.dots.Black(px, py) {
					c.set(left+px, top+py)
				}
			}
		}
	}
}

// Modules of a QR code, in dots: below 4 (half a millimetre) it is not read well
// from thermal paper.
const (
	defaultModule = 6
	leastModule   = 4
)

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
		m = defaultModule
	}
	for m > 1 && (code.Size+2*quiet)*m > c.width {
		m--
	}
	if m < leastModule {
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
