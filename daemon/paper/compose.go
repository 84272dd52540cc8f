package paper

import (
	"fmt"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// stateLang is the language in which every slip is printed whatever the person
// speaks.
const stateLang = "az"

// Render composes a request's document and draws it.
func Render(b *catalogue.Bundle, r Request, width int, fonts *draw.Fonts) (printer.Bitmap, error) {
	if r.Test != nil {
		return r.Test.Draw(width, fonts)
	}
	doc := b.Documents[r.Document]
	if doc == nil {
		return printer.Bitmap{}, fmt.Errorf("paper: the catalogue has no document %q", r.Document)
	}
	page, err := Compose(b, doc, r.Lang, r.Values, width)
	if err != nil {
		return printer.Bitmap{}, err
	}
	return draw.Draw(page, fonts)
}

// Compose lays a document out: the state language first, the person's second
// where they differ. It fails when a value is missing or a text cannot be
// written; the checker has proved that neither happens with a bundle it passed.
func Compose(b *catalogue.Bundle, doc *catalogue.Document, lang string, values Values, width int) (draw.Page, error) {
	page := draw.Page{Width: width, Lang: stateLang}
	for i, blk := range doc.Blocks {
		if blk.When != "" && empty(values[blk.When]) {
			continue
		}
		langs := []string{stateLang, lang}
		switch {
		case lang == stateLang || blk.Langs == "state":
			langs = langs[:1]
		case blk.Langs == "person":
			langs = langs[1:]
		}
		c := composer{b, values, langs}
		blocks, err := c.block(blk)
		if err != nil {
			return page, fmt.Errorf("paper: document %s, block %d: %w", doc.ID, i+1, err)
		}
		page.Blocks = append(page.Blocks, blocks...)
	}
	return page, nil
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case int64:
		return v == 0
	case money.Amount:
		return v.IsZero()
	case Key:
		return v == ""
	}
	return false
}

type composer struct {
	bundle *catalogue.Bundle
	values Values
	langs  []string
}

// block writes one block, once for each of its languages where it holds words.
func (c composer) block(blk catalogue.Block) (out []draw.Block, err error) {
	switch {
	case blk.Rule:
		return []draw.Block{draw.Rule{}}, nil
	case blk.Space > 0:
		return []draw.Block{draw.Space{Dots: blk.Space}}, nil
	case blk.QR != "":
		s, err := c.write(stateLang, blk.QR)
		return []draw.Block{draw.QR{Content: s}}, err
	case blk.Total != "":
		s, err := c.write(stateLang, "{"+blk.Total+"}")
		return []draw.Block{draw.Text{Text: s, Lang: stateLang, Size: draw.SizeTotal, Bold: true, Align: draw.AlignEnd}}, err
	case blk.Label != "":
		return c.row(blk)
	}
	for n, lang := range c.langs {
		key, t := blk.Text, draw.Text{Lang: lang, Bold: blk.Bold, Size: draw.SizeBody}
		if blk.Heading != "" {
			key, t.Size, t.Bold, t.Align = blk.Heading, draw.SizeHead, true, draw.AlignCenter
			if n > 0 {
				t.Size = draw.SizeBody
			}
		}
		if blk.Small {
			t.Size = draw.SizeSmall
		}
		if t.Text, err = c.write(lang, c.bundle.Text(lang, key)); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// row is a label and its value. A value that reads the same in every language
// stands once, beside the state language's label; the person's label is under it,
// small. A value in words stands in each language.
func (c composer) row(blk catalogue.Block) (out []draw.Block, err error) {
	size := draw.SizeBody
	if blk.Small {
		size = draw.SizeSmall
	}
	var before string
	for n, lang := range c.langs {
		label, err := c.write(lang, c.bundle.Text(lang, blk.Label))
		if err != nil {
			return nil, err
		}
		value, err := c.write(lang, blk.Value)
		if err != nil {
			return nil, err
		}
		ltr := blk.Code || c.isMoney(blk.Value)
		if n > 0 && (bare(value) == bare(before) || ltr) {
			out = append(out, draw.Text{Text: label, Lang: lang, Size: draw.SizeSmall})
			continue
		}
		out = append(out, draw.Row{Label: label, Value: value, Lang: lang, Size: size, Bold: blk.Bold, LTR: ltr})
		before = value
	}
	return out, nil
}

// bare is a value without the isolates around it.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
}

// isMoney reports whether a value is one amount alone.
func (c composer) isMoney(pattern string) bool {
	if len(pattern) < 3 || pattern[0] != '{' {
		return false
	}
	_, ok := c.values[pattern[1:len(pattern)-1]].(money.Amount)
	return ok
}

// write fills a pattern in a language. A value of running text is laid out inside
// a sentence, so it gets isolates; a value that stands alone needs none.
func (c composer) write(lang, pattern string) (string, error) {
	m, err := catalogue.Parse(pattern)
	if err != nil {
		return "", err
	}
	values := map[string]catalogue.Value{}
	for name, v := range c.values {
		switch v := v.(type) {
		case string:
			values[name] = catalogue.Code(v)
			if textual[name] {
				values[name] = catalogue.Text(v)
			}
		case int64:
			values[name] = catalogue.Number(v)
		case money.Amount:
			values[name] = catalogue.Money(v)
		case Key:
			values[name] = catalogue.Text(c.bundle.Text(lang, string(v)))
		default:
			return "", fmt.Errorf("value %s is a %T", name, v)
		}
	}
	return catalogue.Formatter{Lang: lang, Isolates: draw.RTL(lang)}.Format(m, values)
}

// textual names the variables that hold running text.
var textual = func() map[string]bool {
	m := map[string]bool{}
	for _, v := range catalogue.DocumentVars() {
		if v.Kind == catalogue.VarIsText {
			m[v.Name] = true
		}
	}
	return m
}()
