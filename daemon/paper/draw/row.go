package draw

// gutter is the least white between label and value; below is the white under a
// row of several lines, which keeps it together.
const (
	gutter = 16
	below  = 6
)

// row lays a label and its value out beside each other, each in its own
// direction; in ar and fa they change sides.
func (c *canvas) row(p Page, b Row) error {
	label := p.style(b.Lang, b.Size, b.Bold)
	value := label
	value.rtl = label.rtl && !b.LTR
	lw, err := c.fonts.natural(b.Label, label)
	if err != nil {
		return err
	}
	vw, err := c.fonts.natural(b.Value, value)
	if err != nil {
		return err
	}
	left, right, beside := columns(c.width, lw, vw, b.LTR, label.size >= SizeHead)
	labels, err := c.fonts.lay(b.Label, label, left)
	if err != nil {
		return err
	}
	values, err := c.fonts.lay(b.Value, value, right)
	if err != nil {
		return err
	}
	if !beside {
		for _, l := range labels {
			c.put(l, c.x(l.width, AlignStart, label.rtl))
		}
		labels = nil
	}
	for i := range max(len(labels), len(values)) {
		var l, v line
		if i < len(labels) {
			l = labels[i]
		}
		if i < len(values) {
			v = values[i]
		}
		// Both on one base line.
		base := max(l.base, v.base)
		top := c.grow(base + max(l.height-l.base, v.height-v.base))
		c.paint(l, c.x(l.width, AlignStart, label.rtl), top+base)
		c.paint(v, c.x(v.width, AlignEnd, label.rtl), top+base)
	}
	if len(values) > 1 || len(labels) > 1 || !beside {
		c.grow(below)
	}
	return nil
}

// columns shares the width between a label and a value of these natural widths.
// A narrow one gets what it needs; two wide ones get two fifths and three. A
// value that must not be broken and does not fit beside goes below (beside is
// false), over the whole width; in large type it also does so rather than break
// the label.
func columns(width, label, value int, whole, large bool) (left, right int, beside bool) {
	inner := width - gutter
	few, many := inner*2/5, inner-inner*2/5
	switch {
	case label+value <= inner:
		return inner - value, value, true
	case whole && (value > many || large):
		return width, width, false
	case value <= many:
		return inner - value, value, true
	case label <= few:
		return label, inner - label, true
	}
	return few, many, true
}
