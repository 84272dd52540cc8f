package draw

import "fmt"

// wrap breaks a paragraph into lines no wider than width dots, where UAX 14
// allows it; a word that is wider than that is broken between letters.
func (p *paragraph) wrap(width int) ([]line, error) {
	whole := p.line(0, len(p.text))
	if whole.width <= width {
		return []line{whole}, nil
	}
	var out []line
	ends, widths := p.opportunities()
	for from, k := 0, 0; k < len(ends); {
		// By the sum of the words' widths, then by the line itself: kerning and
		// joining differ at the edges by a dot or two.
		n, sum := k, 0
		for n < len(ends) && (n == k || sum+widths[n].ink <= width) {
			sum += widths[n].all
			n++
		}
		l := p.line(from, ends[n-1])
		for n > k+1 && l.width > width {
			n--
			l = p.line(from, ends[n-1])
		}
		if l.width > width { // one word alone
			ls, err := p.chop(from, ends[k], width)
			if err != nil {
				return nil, err
			}
			out = append(out, ls...)
			from, k = ends[k], k+1
			continue
		}
		out = append(out, l)
		from, k = ends[n-1], n
	}
	return out, nil
}

// wordWidth is a word's width with the white space behind it, and without.
type wordWidth struct{ all, ink int }

// opportunities are the ends of the words, and how wide they are.
func (p *paragraph) opportunities() (ends []int, widths []wordWidth) {
	p.f.segmenter.Init(p.text)
	from := 0
	for it := p.f.segmenter.LineIterator(); it.Next(); {
		l := it.Line()
		to := l.Offset + len(l.Text)
		w := wordWidth{ink: p.line(from, to).width}
		for i := to - 1; i >= from && isBlank(p.text[i]); i-- {
			w.all += p.st.size / 4 // about a space; the line itself decides
		}
		w.all += w.ink
		ends, widths = append(ends, to), append(widths, w)
		from = to
	}
	return ends, widths
}

func isBlank(r rune) bool { return r == ' ' }

// chop breaks a word that no line can hold.
func (p *paragraph) chop(from, to, width int) ([]line, error) {
	p.f.segmenter.Init(p.text[from:to])
	var ends []int
	for it := p.f.segmenter.GraphemeIterator(); it.Next(); {
		g := it.Grapheme()
		ends = append(ends, from+g.Offset+len(g.Text))
	}
	var out []line
	for k := 0; k < len(ends); {
		n := k
		l := line{}
		for n < len(ends) {
			next := p.line(from, ends[n])
			if next.width > width {
				break
			}
			l = next
			n++
		}
		if n == k {
			return nil, fmt.Errorf("%q is wider than %d dots", string(p.text[from:ends[k]]), width)
		}
		out = append(out, l)
		from, k = ends[n-1], n
	}
	return out, nil
}
