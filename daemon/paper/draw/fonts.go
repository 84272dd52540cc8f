package draw

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"image"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// The whole files, unchanged: Noto Sans 2.004 (Debian package fonts-noto-core
// 20201225-1) and Vazirmatn 33.003 (npm package vazirmatn 33.0.3), both under the
// SIL Open Font License 1.1, whose text stands beside them.
//
//go:embed fonts/*.ttf
var files embed.FS

//go:embed fonts/*-OFL.txt
var licences embed.FS

// Licences is the text of the fonts' licences, for whoever ships the program.
func Licences() string {
	var out bytes.Buffer
	for _, name := range []string{"NotoSans", "Vazirmatn"} {
		b, err := licences.ReadFile("fonts/" + name + "-OFL.txt")
		if err == nil { // it is built in
			out.Write(b)
		}
	}
	return out.String()
}

// threshold is the coverage, of 255, from which a dot is black: at 90 stems
// double, at 140 thin strokes break.
const threshold = 112

// cacheMost bounds the number of drawn pieces that are kept.
const cacheMost = 5000

// family is a script's type in both weights.
type family struct{ plain, bold *font.Face }

// Fonts are the faces, and the pieces that were drawn with them before. They may
// be used by several goroutines, one at a time draws.
type Fonts struct {
	latin  family // Noto Sans: Latin, Cyrillic
	arabic family // Vazirmatn Medium: as heavy on one bit as Noto Sans Regular

	mu        sync.Mutex // held by Draw
	shaper    shaping.HarfbuzzShaper
	segmenter segmenter.Segmenter
	pieces    map[string]piece
}

// LoadFonts reads the faces that are built in.
func LoadFonts() (*Fonts, error) {
	f := &Fonts{pieces: map[string]piece{}}
	for _, x := range []struct {
		name string
		face **font.Face
	}{
		{"NotoSans-Regular", &f.latin.plain}, {"NotoSans-Bold", &f.latin.bold},
		{"Vazirmatn-Medium", &f.arabic.plain}, {"Vazirmatn-Bold", &f.arabic.bold},
	} {
		b, err := files.ReadFile("fonts/" + x.name + ".ttf")
		if err != nil {
			return nil, fmt.Errorf("draw: font %s: %w", x.name, err)
		}
		if *x.face, err = font.ParseTTF(bytes.NewReader(b)); err != nil {
			return nil, fmt.Errorf("draw: font %s: %w", x.name, err)
		}
	}
	return f, nil
}

func (f family) face(bold bool) *font.Face {
	if bold {
		return f.bold
	}
	return f.plain
}

// chain is where a character of the script is looked for, the best first.
func (f *Fonts) chain(s language.Script, bold bool) [2]*font.Face {
	latin, arabic := f.latin.face(bold), f.arabic.face(bold)
	if s == language.Arabic {
		return [2]*font.Face{arabic, latin}
	}
	return [2]*font.Face{latin, arabic}
}

// faceID is the face's part of a key.
func (f *Fonts) faceID(face *font.Face) byte {
	for i, x := range []*font.Face{f.latin.plain, f.latin.bold, f.arabic.plain, f.arabic.bold} {
		if x == face {
			return byte(i)
		}
	}
	return 0xFF
}

// piece is what is drawn at once and stands on a whole dot: a letter with its
// marks, or a whole word of joined letters. Its dots begin at (x, y) from the dot
// on the base line.
type piece struct {
	x, y int
	dots printer.Bitmap
}

// piece draws glyphs of one face, or finds them drawn.
func (f *Fonts) piece(face *font.Face, size int, glyphs []shaping.Glyph) piece {
	key := make([]byte, 0, 64)
	key = append(key, f.faceID(face), byte(size))
	for _, g := range glyphs {
		for _, n := range []int32{int32(g.GlyphID), int32(g.Advance), int32(g.XOffset), int32(g.YOffset)} {
			key = binary.LittleEndian.AppendUint32(key, uint32(n))
		}
	}
	if p, ok := f.pieces[string(key)]; ok {
		return p
	}
	p := rasterize(face, size, glyphs)
	if len(f.pieces) >= cacheMost {
		clear(f.pieces)
	}
	f.pieces[string(key)] = p
	return p
}

// rasterize fills the outlines of glyphs that stand one after another.
func rasterize(face *font.Face, size int, glyphs []shaping.Glyph) piece {
	scale := float32(size) / float32(face.Upem())
	var path []opentype.Segment // in dots, y downward
	var pen fixed.Int26_6
	for _, g := range glyphs {
		o, ok := face.GlyphDataOutline(g.GlyphID)
		if ok {
			dx, dy := dots(pen+g.XOffset), dots(g.YOffset)
			for _, s := range o.Segments {
				for i := range s.Args {
					s.Args[i] = opentype.SegmentPoint{X: s.Args[i].X*scale + dx, Y: -s.Args[i].Y*scale - dy}
				}
				path = append(path, s)
			}
		}
		pen += g.Advance
	}
	if len(path) == 0 {
		return piece{}
	}
	box := bounds(path)
	if box.Dx() > 4*maxWidth || box.Dy() > 8*maxSize {
		return piece{}
	}
	fill := vector.NewRasterizer(box.Dx(), box.Dy())
	x0, y0 := float32(box.Min.X), float32(box.Min.Y)
	for _, s := range path {
		a := s.Args
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			fill.ClosePath()
			fill.MoveTo(a[0].X-x0, a[0].Y-y0)
		case opentype.SegmentOpLineTo:
			fill.LineTo(a[0].X-x0, a[0].Y-y0)
		case opentype.SegmentOpQuadTo:
			fill.QuadTo(a[0].X-x0, a[0].Y-y0, a[1].X-x0, a[1].Y-y0)
		case opentype.SegmentOpCubeTo:
			fill.CubeTo(a[0].X-x0, a[0].Y-y0, a[1].X-x0, a[1].Y-y0, a[2].X-x0, a[2].Y-y0)
		}
	}
	fill.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	fill.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	return cropped(mask, box.Min)
}

// dots is a 26.6 number as dots.
func dots(v fixed.Int26_6) float32 { return float32(v) / 64 }

// bounds is the box of whole dots around a path.
func bounds(path []opentype.Segment) image.Rectangle {
	first := path[0].Args[0]
	minX, minY, maxX, maxY := first.X, first.Y, first.X, first.Y
	for i := range path {
		for _, p := range path[i].ArgsSlice() {
			minX, maxX = min(minX, p.X), max(maxX, p.X)
			minY, maxY = min(minY, p.Y), max(maxY, p.Y)
		}
	}
	return image.Rect(int(minX)-2, int(minY)-2, int(maxX)+3, int(maxY)+3)
}

// cropped is the mask at the threshold, without white edges.
func cropped(mask *image.Alpha, at image.Point) piece {
	var box image.Rectangle
	for y := range mask.Rect.Dy() {
		for x := range mask.Rect.Dx() {
			if mask.Pix[y*mask.Stride+x] >= threshold {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	p := piece{x: at.X + box.Min.X, y: at.Y + box.Min.Y, dots: printer.Bitmap{Width: box.Dx(), Height: box.Dy()}}
	stride := p.dots.Stride()
	p.dots.Bits = make([]byte, stride*box.Dy())
	for y := range box.Dy() {
		for x := range box.Dx() {
			if mask.Pix[(y+box.Min.Y)*mask.Stride+x+box.Min.X] >= threshold {
				p.dots.Bits[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return p
}
