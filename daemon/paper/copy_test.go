package paper

import (
	"bytes"
	"maps"
	"os"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// TestCopyIsTheSamePicture: a copy is the original's picture, dot for dot, below the
// band that says which copy it is and what for (protocols/receipt-printer.md 6, 7.3).
func TestCopyIsTheSamePicture(t *testing.T) {
	bundle, err := catalogue.Read(os.DirFS("../../provisioning/catalogue"))
	if err != nil {
		t.Fatal(err)
	}
	fonts, err := draw.LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	values := Values{}
	for _, v := range catalogue.DocumentVars() {
		switch v.Kind {
		case catalogue.VarIsMoney:
			values[v.Name] = money.New(1840, money.AZN)
		case catalogue.VarIsNumber:
			values[v.Name] = int64(0)
		default:
			values[v.Name] = "ABC-123"
		}
	}
	for name := range bundle.Documents {
		for _, lang := range []string{"az", "ru", "ar"} {
			rows := func(number, replaces int64) []byte {
				v := maps.Clone(values)
				v[catalogue.VarCopy], v[catalogue.VarReplaces] = number, replaces
				p, err := Render(bundle, Request{Document: name, Lang: lang, Values: v}, 576, fonts)
				if err != nil {
					t.Fatal(err)
				}
				return p.Bits
			}
			original := rows(0, 0)
			if blank := len(original) - len(bytes.TrimLeft(original, "\x00")); blank > 0 {
				original = original[blank/72*72:]
			}
			copies := [][]byte{rows(1, 0), rows(2, 0), rows(2, 1)}
			for i, c := range copies {
				if band := len(c) - len(original); band < 40*72 || !bytes.HasSuffix(c, original) {
					t.Errorf("%s in %s: copy %d is not the original below a band (%d bytes)", name, lang, i, band)
				}
				for _, other := range copies[:i] {
					if bytes.Equal(c, other) {
						t.Errorf("%s in %s: two copies do not differ", name, lang)
					}
				}
			}
		}
	}
}
