package paperprinter

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"time"
)

// Picture is what is on a piece of paper: Height rows of (Width+7)/8 bytes, the
// leftmost dot in bit 7, 1 = black.
type Picture struct {
	Width  int
	Height int
	Bits   []byte
}

// Stride is the number of bytes in one row.
func (p Picture) Stride() int { return (p.Width + 7) / 8 }

// Row is one row's bytes, not a copy.
func (p Picture) Row(y int) []byte { s := p.Stride(); return p.Bits[y*s : (y+1)*s] }

// Black reports whether a dot is black.
func (p Picture) Black(x, y int) bool { return p.Bits[y*p.Stride()+x/8]&(0x80>>(x%8)) != 0 }

// Trim leaves out the white rows before the first and after the last black dot.
func (p Picture) Trim() Picture {
	first, last := p.Height, -1
	for y := range p.Height {
		if len(bytes.Trim(p.Row(y), "\x00")) > 0 {
			first, last = min(first, y), y
		}
	}
	if last < 0 {
		return Picture{Width: p.Width}
	}
	s := p.Stride()
	return Picture{Width: p.Width, Height: last - first + 1, Bits: p.Bits[first*s : (last+1)*s]}
}

// PBM is the picture as a binary PBM file (P4).
func (p Picture) PBM() []byte {
	return append(fmt.Appendf(nil, "P4\n%d %d\n", p.Width, p.Height), p.Bits...)
}

// WritePNG writes the picture as a one-bit PNG file.
func (p Picture) WritePNG(w io.Writer) error {
	// An empty strip still needs a picture; PNG has none without rows.
	img := image.NewPaletted(image.Rect(0, 0, p.Width, max(p.Height, 1)), color.Palette{color.White, color.Black})
	for y := range p.Height {
		for x := range p.Width {
			if p.Black(x, y) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(w, img); err != nil {
		return fmt.Errorf("encode strip as PNG: %w", err)
	}
	return nil
}

// End says how a strip came off.
type End string

const (
	EndCut  End = "cut"  // by the cutter, full or partial
	EndTorn End = "torn" // by hand, or with the stub of an old roll
)

// Strip is a piece of paper that came out of the printer. Its first rows are the
// paper that lay between head and cutter when the last strip was cut off.
type Strip struct {
	N       int
	Picture Picture
	End     End
	Partial bool // a cut that leaves one point
	// Raw holds the bytes that were carried out since the last strip, in order,
	// real-time commands between other commands left out.
	Raw []byte
	At  time.Time
}
