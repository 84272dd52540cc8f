package paper

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// stateLang is the language in which every slip is printed whatever the person
// speaks.
const stateLang = "az"

var inBraces = regexp.MustCompile(`\{([a-z_][a-z0-9_]*)\}`)

// Compose lays a document out: the state language first, the person's second
// where they differ. It fails when a value is missing or a text cannot be
// written; the checker of the bundle has proved that neither can happen with a
// document it passed.
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
		blocks, err := compose(b, blk, langs, values)
		if err != nil {
			return page, fmt.Errorf("document %s, block %d: %w", doc.ID, i+1, err)
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
	case money.Amount:
		return v.IsZero()
	case Key:
		return v == ""
	}
	return false
}
