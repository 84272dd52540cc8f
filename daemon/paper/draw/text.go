package draw

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

//go:embed fonts/*.ttf
var files embed.FS

// threshold is the coverage, of 255, from which a dot is black: at 90 stems
// double, at 140 thin strokes break.
const threshold = 112

// Fonts are the faces and what was drawn with them before. It is not safe for
// concurrent use.
type Fonts struct {
	latin, latinBold   *font.Face // Noto Sans: Latin, Cyrillic
	arabic, arabicBold *font.Face // Vazirmatn Medium: as heavy on one bit as Noto Sans Regular
	shaper             shaping.HarfbuzzShaper
	wrapper            shaping.LineWrapper
	segmenter          shaping.Segmenter
	paragraph          bidi.Paragraph
	glyphs             map[glyphKey]glyph
}

type glyphKey struct {
	face *font.Face
	id   font.GID
	size int
}

// glyph is a drawn glyph: dots from (x, y) relative to the dot on the base line.
type glyph struct {
	x, y int
	dots printer.Bitmap
}

// LoadFonts reads the faces that are built in.
func LoadFonts() (*Fonts, error) {
	f := &Fonts{glyphs: map[glyphKey]glyph{}}
	for name, face := range map[string]**font.Face{
		"NotoSans-Regular": &f.latin, "NotoSans-Bold": &f.latinBold,
		"Vazirmatn-Medium": &f.arabic, "Vazirmatn-Bold": &f.arabicBold,
	} {
		b, err := files.ReadFile("fonts/" + name + ".ttf")
		if err != nil {
			return nil, err
		}
		if *face, err = font.ParseTTF(bytes.NewReader(b)); err != nil {
			return nil, fmt.Errorf("font %s: %w", name, err)
		}
	}
	return f, nil
}

type style struct {
	size int
	bold bool
	rtl  bool // base direction
}

// faces resolves characters for a style; it implements shaping.Fontmap.
type faces struct {
	f    *Fonts
	bold bool
	last *font.Face
	miss rune
}

// invisible characters have no picture of their own and stay with the face of
// their neighbours.
func invisible(r rune) bool {
	return r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2060 && r <= 0x2069 || r == 0xFEFF || r == 0x00AD
}

func (m *faces) ResolveFace(r rune) *font.Face {
	latin, arabic := m.f.latin, m.f.arabic
	if m.bold {
		latin, arabic = m.f.latinBold, m.f.arabicBold
	}
	if m.last == nil {
		m.last = latin
	}
	if invisible(r) {
		return m.last
	}
	for _, face := range []*font.Face{latin, arabic} {
		if _, ok := face.NominalGlyph(r); ok {
			m.last = face
			return face
		}
	}
	if m.miss == 0 {
		m.miss = r
	}
	return m.last
}

// line is one laid line.
type line struct {
	width, height, base int // dots; base is from the top to the base line
	runs                []shaping.Output
}

var errLong = errors.New("a text is longer than a slip can be")

// lay shapes and wraps a text to lines no wider than width dots.
func (f *Fonts) lay(text, lang string, st style, width int) ([]line, error) {
	runes := []rune{0x200E} // the template's direction decides, not the data's
	if st.rtl {
		runes[0] = 0x200F
	}
	for _, r := range text {
		if r == '\n' || r == '\t' || r == '\r' {
			r = ' '
		}
		if r < 0x20 || r == 0x7F {
			continue
		}
		runes = append(runes, r)
	}
	if len(runes) > maxRunes {
		return nil, errLong
	}
	if len(runes) == 1 {
		runes = append(runes, ' ')
	}
	m := &faces{f: f, bold: st.bold}
	base, dir := bidi.LeftToRight, di.DirectionLTR
	if st.rtl {
		base, dir = bidi.RightToLeft, di.DirectionRTL
	}
	levels := make([]bidi.Level, len(runes))
	var outs []shaping.Output
	segments := f.paragraph.Segment(runes, base)
	type span struct {
		start, end int
		level      bidi.Level
	}
	var spans []span
	for i := range segments.NumRuns() {
		r := segments.Run(i)
		spans = append(spans, span{r.Start, r.End, r.Level})
		for k := r.Start; k < r.End; k++ {
			levels[k] = r.Level
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	for _, s := range spans {
		d := di.DirectionLTR
		if s.level%2 == 1 {
			d = di.DirectionRTL
		}
		in := shaping.Input{Text: runes, RunStart: s.start, RunEnd: s.end, Direction: d, Size: fixed.I(st.size), Language: language.NewLanguage(lang)}
		for _, part := range f.segmenter.Split(in, m) {
			part.Direction = d // what the bidirectional algorithm said of the whole line, not of this piece
			outs = append(outs, f.shaper.Shape(part))
		}
	}
	if m.miss != 0 {
		return nil, fmt.Errorf("no font here has %q (U+%04X)", m.miss, m.miss)
	}
	snap(outs)
	wrapped, _ := f.wrapper.WrapParagraph(shaping.WrapConfig{Direction: dir, BreakPolicy: shaping.WhenNecessary}, width, runes, shaping.NewSliceIterator(outs))
	var out []line
	for _, w := range wrapped {
		l := line{runs: reorder(w, levels), height: st.size * 4 / 3, base: st.size * 21 / 20}
		if lang == "ar" || lang == "fa" {
			l.height, l.base = st.size*8/5, st.size*6/5
		}
		for _, r := range l.runs {
			l.width += r.Advance.Round()
		}
		out = append(out, l)
	}
	return out, nil
}

// snap puts every glyph on a whole dot, so that equal letters are equal and stems
// stay even.
func snap(outs []shaping.Output) {
	for i := range outs {
		for k := range outs[i].Glyphs {
			g := &outs[i].Glyphs[k]
			g.Advance = fixed.I(g.Advance.Round())
			g.XAdvance = g.Advance //nolint:staticcheck // kept equal for readers of the old field
		}
		outs[i].RecomputeAdvance()
	}
}

// reorder puts a line's runs into visual order by their levels, rule L2 of UAX 9:
// the library orders by direction alone and joins level 0 with level 2.
func reorder(w shaping.Line, levels []bidi.Level) []shaping.Output {
	runs := slices.Clone([]shaping.Output(w))
	slices.SortStableFunc(runs, func(a, b shaping.Output) int { return a.Runes.Offset - b.Runes.Offset })
	lv := make([]bidi.Level, len(runs))
	var highest bidi.Level
	lowestOdd := bidi.Level(127)
	for i, r := range runs {
		lv[i] = levels[min(r.Runes.Offset, len(levels)-1)]
		highest = max(highest, lv[i])
		if lv[i]%2 == 1 {
			lowestOdd = min(lowestOdd, lv[i])
		}
	}
	for level := highest; level >= lowestOdd; level-- {
		for i := 0; i < len(runs); {
			if lv[i] < level {
				i++
				continue
			}
			j := i
			for j < len(runs) && lv[j] >= level {
				j++
			}
			slices.Reverse(runs[i:j])
			slices.Reverse(lv[i:j])
			i = j
		}
	}
	return runs
}

// paint draws a line with its top at y.
func (c *canvas) paint(l line, x, y int) {
	dot := fixed.I(x)
	for _, r := range l.runs {
		for _, g := range r.Glyphs {
			d := c.fonts.glyph(glyphKey{r.Face, g.GlyphID, r.Size.Round()})
			gx := (dot + g.XOffset).Round() + d.x
			gy := y + l.base - g.YOffset.Round() + d.y
			for yy := range d.dots.Height {
				for xx := range d.dots.Width {
					if d.dots.Black(xx, yy) {
						c.set(gx+xx, gy+yy)
					}
				}
			}
			dot += g.Advance
		}
	}
}

// glyph draws one glyph, or finds it.
func (f *Fonts) glyph(k glyphKey) glyph {
	if g, ok := f.glyphs[k]; ok {
		return g
	}
	g := f.outline(k)
	if len(f.glyphs) > 5000 {
		clear(f.glyphs)
	}
	f.glyphs[k] = g
	return g
}

func (f *Fonts) outline(k glyphKey) glyph {
	o, ok := k.face.GlyphData(k.id).(font.GlyphOutline)
	if !ok || len(o.Segments) == 0 {
		return glyph{}
	}
	scale := float32(k.size) / float32(k.face.Upem())
	var minX, minY, maxX, maxY float32 = 1e9, 1e9, -1e9, -1e9
	for i := range o.Segments {
		for _, p := range o.Segments[i].ArgsSlice() {
			minX, maxX = min(minX, p.X*scale), max(maxX, p.X*scale)
			minY, maxY = min(minY, -p.Y*scale), max(maxY, -p.Y*scale)
		}
	}
	x0, y0 := int(minX)-2, int(minY)-2
	w, h := int(maxX)-x0+3, int(maxY)-y0+3
	if w <= 0 || h <= 0 || w > 400 || h > 400 {
		return glyph{}
	}
	ras := vector.NewRasterizer(w, h)
	at := func(p opentype.SegmentPoint) (float32, float32) {
		return p.X*scale - float32(x0), -p.Y*scale - float32(y0)
	}
	for _, s := range o.Segments {
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			ras.ClosePath()
			x, y := at(s.Args[0])
			ras.MoveTo(x, y)
		case opentype.SegmentOpLineTo:
			x, y := at(s.Args[0])
			ras.LineTo(x, y)
		case opentype.SegmentOpQuadTo:
			x, y := at(s.Args[0])
			x1, y1 := at(s.Args[1])
			ras.QuadTo(x, y, x1, y1)
		case opentype.SegmentOpCubeTo:
			x, y := at(s.Args[0])
			x1, y1 := at(s.Args[1])
			x2, y2 := at(s.Args[2])
			ras.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	ras.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	ras.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	g := glyph{x: x0, y: y0, dots: printer.Bitmap{Width: w, Height: h}}
	stride := g.dots.Stride()
	g.dots.Bits = make([]byte, stride*h)
	for y := range h {
		for x := range w {
			if mask.Pix[y*mask.Stride+x] >= threshold {
				g.dots.Bits[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return g
}
