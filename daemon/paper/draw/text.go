package draw

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"

	"github.com/asan-kiosk/kiosk/daemon/paper/draw/bidi"
)

// style is how a text is set.
type style struct {
	lang string
	size int // dots per em
	bold bool
	rtl  bool // direction of the paragraph: of the template, not of the data
}

// paragraph is a text of which lines can be made.
type paragraph struct {
	f       *Fonts
	st      style
	text    []rune
	base    bidi.Level
	levels  []bidi.Level
	scripts []language.Script
	faces   []*font.Face
}

// line is one line, laid out.
type line struct {
	width  int // dots, ink included
	height int
	base   int // from the top to the base line
	spots  []spot
}

// spot is a piece in its place, from the line's left end and the base line.
type spot struct {
	x     int
	piece piece
}

var errLong = errors.New("a text is longer than a slip can be")

// lay shapes and wraps a text to lines no wider than width dots. A line feed
// ends a line. An empty text is one empty line.
func (f *Fonts) lay(text string, st style, width int) ([]line, error) {
	var out []line
	if len(text) > 4*maxRunes {
		return nil, errLong
	}
	for _, part := range strings.Split(text, "\n") {
		p, err := f.paragraph(part, st)
		if err != nil {
			return nil, err
		}
		ls, err := p.wrap(width)
		if err != nil {
			return nil, err
		}
		out = append(out, ls...)
	}
	return out, nil
}

// natural is the width of a text that is not wrapped.
func (f *Fonts) natural(text string, st style) (int, error) {
	ls, err := f.lay(text, st, 1<<20)
	if err != nil {
		return 0, err
	}
	width := 0
	for _, l := range ls {
		width = max(width, l.width)
	}
	return width, nil
}

// paragraph resolves level, script and face of every character.
func (f *Fonts) paragraph(text string, st style) (*paragraph, error) {
	p := &paragraph{f: f, st: st, text: clean(text)}
	if len(p.text) > maxRunes {
		return nil, errLong
	}
	if st.rtl {
		p.base = 1
	}
	p.levels, _ = bidi.Levels(p.text, p.base)
	p.resolveScripts()
	return p, p.resolveFaces()
}

// clean drops control characters, which have no picture, and makes a space of a
// tab.
func clean(text string) []rune {
	var out []rune
	for _, r := range text {
		switch {
		case r == '\t' || r == '\u2028' || r == '\u2029':
			out = append(out, ' ')
		case unicode.IsControl(r):
		default:
			out = append(out, r)
		}
	}
	return out
}

// resolveScripts gives characters of no script of their own that of the text
// before them, at the start that of the text behind them, and a closing bracket
// that of its opening one.
func (p *paragraph) resolveScripts() {
	p.scripts = make([]language.Script, len(p.text))
	last := language.Script(0)
	var open []language.Script
	for i, r := range p.text {
		s := language.LookupScript(r)
		if s.Strong() {
			if last == 0 {
				for j := range i {
					p.scripts[j] = s
				}
				for j := range open {
					open[j] = s
				}
			}
			last = s
		}
		p.scripts[i] = last
		switch {
		case unicode.Is(unicode.Ps, r):
			open = append(open, last)
		case unicode.Is(unicode.Pe, r) && len(open) > 0:
			p.scripts[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
	if last == 0 {
		last = language.Latin
		if p.st.rtl {
			last = language.Arabic
		}
		for i := range p.scripts {
			p.scripts[i] = last
		}
	}
}

// resolveFaces finds a face for every character. What is never seen (joiners,
// isolates) stays with the character before it.
func (p *paragraph) resolveFaces() error {
	p.faces = make([]*font.Face, len(p.text))
	for i, r := range p.text {
		if p.levels[i]%2 == 0 && !p.st.rtl && !language.LookupScript(r).Strong() {
			p.scripts[i] = language.Latin // a number behind a word of Arabic, say
			if i > 0 && p.scripts[i-1] != language.Arabic {
				p.scripts[i] = p.scripts[i-1]
			}
		}
		chain := p.f.chain(p.scripts[i], p.st.bold)
		switch {
		case !unseen(r):
			for _, face := range chain {
				if _, ok := face.NominalGlyph(r); ok {
					p.faces[i] = face
					break
				}
			}
			if p.faces[i] == nil {
				return fmt.Errorf("no font here has %q (U+%04X)", r, r)
			}
		case i > 0:
			p.faces[i] = p.faces[i-1]
		default:
			p.faces[i] = chain[0]
		}
	}
	return nil
}

// unseen are the characters that shape or order a text and have no picture.
func unseen(r rune) bool {
	return r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2060 && r <= 0x2069 ||
		r == 0xFEFF || r == 0x00AD || r == 0x061C || r >= 0xFE00 && r <= 0xFE0F
}

// line lays text[from:to] out as one line, without the white space at its end.
func (p *paragraph) line(from, to int) line {
	for to > from && unicode.IsSpace(p.text[to-1]) {
		to--
	}
	l := line{height: p.st.size * 4 / 3, base: p.st.size * 21 / 20}
	if RTL(p.st.lang) || slices.Contains(p.scripts[from:to], language.Arabic) {
		l.height, l.base = p.st.size*8/5, p.st.size*6/5
	}
	levels := bidi.Line(p.text, p.levels, from, to, p.base)
	type run struct{ from, to int }
	var runs []run
	var runLevels []bidi.Level
	for i := from; i < to; i++ {
		if n := len(runs); n > 0 && levels[i-from] == runLevels[n-1] && p.scripts[i] == p.scripts[i-1] && p.faces[i] == p.faces[i-1] {
			runs[n-1].to = i + 1
			continue
		}
		runs = append(runs, run{i, i + 1})
		runLevels = append(runLevels, levels[i-from])
	}
	pen := 0
	for _, k := range bidi.Order(runLevels) {
		pen = p.set(&l, pen, p.shape(runs[k].from, runs[k].to, runLevels[k]))
	}
	l.width = pen
	l.fit()
	return l
}

// shape shapes one run.
func (p *paragraph) shape(from, to int, level bidi.Level) shaping.Output {
	dir := di.DirectionLTR
	if level%2 == 1 {
		dir = di.DirectionRTL
	}
	return p.f.shaper.Shape(shaping.Input{
		Text: p.text, RunStart: from, RunEnd: to, Direction: dir, Face: p.faces[from],
		Size: fixed.I(p.st.size), Script: p.scripts[from], Language: language.NewLanguage(p.st.lang),
	})
}

// set puts a shaped run's pieces into the line from pen on, and returns the pen
// behind it. Every piece stands on a whole dot and has a width of whole dots, so
// that equal letters are equal and stems stay even; a word of letters that join
// is one piece.
func (p *paragraph) set(l *line, pen int, out shaping.Output) int {
	joined := len(out.Glyphs) > 0 && p.scripts[out.Runes.Offset] == language.Arabic
	for from := 0; from < len(out.Glyphs); {
		to := from + 1
		for to < len(out.Glyphs) && p.together(out.Glyphs[to-1], out.Glyphs[to], joined) {
			to++
		}
		group := out.Glyphs[from:to]
		var width fixed.Int26_6
		for _, g := range group {
			width += g.Advance
		}
		if pc := p.f.piece(out.Face, p.st.size, group); pc.dots.Width > 0 {
			l.spots = append(l.spots, spot{pen, pc})
		}
		pen += max(0, width.Round())
		from = to
	}
	return pen
}

// together reports whether two neighbouring glyphs are of one piece.
func (p *paragraph) together(a, b shaping.Glyph, joined bool) bool {
	if a.TextIndex() == b.TextIndex() {
		return true
	}
	return joined && joins(p.text[a.TextIndex()]) && joins(p.text[b.TextIndex()])
}

// joins reports a letter of a joining script, or a mark or joiner among them.
func joins(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || r == '\u0640' || r == '\u200C' || r == '\u200D'
}

// fit makes room for ink that reaches over the ends.
func (l *line) fit() {
	left, right := 0, l.width
	for _, s := range l.spots {
		left = min(left, s.x+s.piece.x)
		right = max(right, s.x+s.piece.x+s.piece.dots.Width)
	}
	for i := range l.spots {
		l.spots[i].x -= left
	}
	l.width = right - left
}
