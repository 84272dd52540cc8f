package draw_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

func fonts(t testing.TB) *draw.Fonts {
	t.Helper()
	f, err := draw.LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func pbm(b printer.Bitmap) []byte {
	return append(fmt.Appendf(nil, "P4\n%d %d\n", b.Width, b.Height), b.Bits...)
}

// slip is a receipt in a language, with everything that is hard in it.
func slip(lang string) draw.Page {
	t := map[string][]string{
		"az": {"Ödəniş qəbzi", "Xidmət haqqı və komissiya, ƏəĞğİıŞş", "Məbləğ", "25,40 AZN", "Sənəd №"},
		"ru": {"Квитанция об оплате", "Комиссия и сумма, Ёё Яя", "Сумма", "25,40 AZN", "Документ №"},
		"en": {"Payment receipt", "Amount and commission", "Amount", "AZN 25.40", "Document no."},
		"ar": {"إيصال الدفع", "المبلغ والعمولة", "المبلغ", "25.40 AZN", "رقم المستند"},
		"fa": {"رسید پرداخت", "مبلغ و کارمزد پچژکگی", "مبلغ", "25.40 AZN", "شماره سند"},
	}[lang]
	return draw.Page{Width: 576, Lang: lang, Blocks: []draw.Block{
		draw.Text{Text: t[0], Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Text{Text: t[1], Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: t[4], Value: "DEMO-0001-000042", LTR: true},
		draw.Row{Label: t[2], Value: t[3], LTR: true, Bold: true, Size: draw.SizeTotal},
		draw.Row{Label: t[1], Value: t[1] + " " + t[1]},
		draw.Space{Dots: 12},
		draw.QR{Content: "KIOSK1;DEMO-0001;ABCD-EFGH-JKMN;2540;" + strings.Repeat("x", 90)},
		draw.Band{Text: t[0]},
	}}
}

func TestSlipsAreDrawn(t *testing.T) {
	f := fonts(t)
	dir := os.Getenv("SLIPS") // a folder to look at the pictures in
	for _, lang := range []string{"az", "ru", "en", "ar", "fa"} {
		b, err := draw.Draw(slip(lang), f)
		if err != nil {
			t.Fatalf("%s: %v", lang, err)
		}
		if b.Width != 576 || b.Height < 400 || len(b.Bits) != b.Height*72 {
			t.Errorf("%s: %d x %d with %d bytes", lang, b.Width, b.Height, len(b.Bits))
		}
		again, _ := draw.Draw(slip(lang), fonts(t))
		if b.Hash() != again.Hash() {
			t.Errorf("%s: drawn twice, the dots differ", lang)
		}
		if dir != "" {
			_ = os.WriteFile(filepath.Join(dir, lang+".pbm"), pbm(b), 0o600)
		}
	}
}

func TestMissingGlyphIsAnErrorThatNamesIt(t *testing.T) {
	_, err := draw.Draw(draw.Page{Width: 576, Lang: "az", Blocks: []draw.Block{draw.Text{Text: "pul 漢"}}}, fonts(t))
	if err == nil || !strings.Contains(err.Error(), "U+6F22") {
		t.Errorf("error %v", err)
	}
	if _, err := draw.Draw(draw.Page{Width: 576, Lang: "az", Blocks: []draw.Block{draw.Text{Text: "ƏəĞğİıŞş ₼ № ЁёЯя پچژکگی ۰۹ ٠٩ €"}}}, fonts(t)); err != nil {
		t.Error(err)
	}
}

// black is the leftmost and rightmost black column of rows.
func black(b printer.Bitmap) (left, right int) {
	left, right = b.Width, -1
	for y := range b.Height {
		for x := range b.Width {
			if b.Black(x, y) {
				left, right = min(left, x), max(right, x)
			}
		}
	}
	return left, right
}

func TestColumnsChangeSidesInArabic(t *testing.T) {
	f := fonts(t)
	at := func(lang, label string) (int, int) {
		b, err := draw.Draw(draw.Page{Width: 576, Lang: lang, Blocks: []draw.Block{draw.Row{Label: label, Value: " "}}}, f)
		if err != nil {
			t.Fatal(err)
		}
		return black(b)
	}
	if l, r := at("en", "Amount"); l > 10 || r > 300 {
		t.Errorf("an English label stands at %d..%d", l, r)
	}
	if l, r := at("ar", "المبلغ"); r < 560 || l < 300 {
		t.Errorf("an Arabic label stands at %d..%d", l, r)
	}
}

// TestNumbersInArabic: a code keeps its order whatever stands around it: its
// picture is the same as that of the code alone.
func TestNumbersInArabic(t *testing.T) {
	f := fonts(t)
	picture := func(lang string) []byte {
		b, err := draw.Draw(draw.Page{Width: 576, Lang: lang, Blocks: []draw.Block{draw.Row{Label: " ", Value: "45-67", LTR: true}}}, f)
		if err != nil {
			t.Fatal(err)
		}
		l, r := black(b)
		var out []byte
		for y := range b.Height {
			for x := l; x <= r; x++ {
				if b.Black(x, y) {
					out = append(out, byte(x-l))
				}
			}
		}
		return out
	}
	if !bytes.Equal(picture("en"), picture("ar")) {
		t.Error("45-67 looks otherwise in an Arabic slip")
	}
}

func TestQRIsReadByAnother(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Fatal("zbarimg is missing: apt-get install zbar-tools (make setup does)")
	}
	const content = "KIOSK1;DEMO-0001;ABCD-EFGH-JKMN;2540;signature-signature-signature"
	b, err := draw.Draw(draw.Page{Width: 576, Lang: "az", Blocks: []draw.Block{draw.Space{Dots: 40}, draw.QR{Content: content}, draw.Space{Dots: 40}}}, fonts(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "slip.pbm")
	if err := os.WriteFile(file, pbm(b), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", file).Output()
	if err != nil || strings.TrimSpace(string(out)) != content {
		t.Errorf("zbarimg reads %q (%v)", out, err)
	}
}

func TestDrawingIsQuick(t *testing.T) {
	f := fonts(t)
	_, _ = draw.Draw(slip("az"), f)
	began := time.Now()
	for range 5 {
		if _, err := draw.Draw(slip("ar"), f); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(began) / 5; d > 300*time.Millisecond {
		t.Errorf("a slip takes %s", d)
	}
}

// TestLimits: what no slip needs is refused, and said.
func TestLimits(t *testing.T) {
	f := fonts(t)
	for name, p := range map[string]draw.Page{
		"no width":   {Lang: "az"},
		"too wide":   {Width: 5000, Lang: "az"},
		"endless":    {Width: 576, Lang: "az", Blocks: []draw.Block{draw.Text{Text: strings.Repeat("söz ", 4000)}}},
		"too high":   {Width: 64, Lang: "az", Blocks: []draw.Block{draw.Text{Text: strings.Repeat("söz ", 499), Size: 40}}},
		"big QR":     {Width: 128, Lang: "az", Blocks: []draw.Block{draw.QR{Content: strings.Repeat("x", 300)}}},
		"empty QR":   {Width: 576, Lang: "az", Blocks: []draw.Block{draw.QR{}}},
		"wide glyph": {Width: 64, Lang: "ar", Blocks: []draw.Block{draw.Text{Text: "ﷺ", Size: 96}}},
	} {
		if _, err := draw.Draw(p, f); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}

// TestLineFeed: it ends a line, and an empty line has its height.
func TestLineFeed(t *testing.T) {
	f := fonts(t)
	height := func(s string) int {
		b, err := draw.Draw(draw.Page{Width: 576, Lang: "az", Blocks: []draw.Block{draw.Text{Text: s}}}, f)
		if err != nil {
			t.Fatal(err)
		}
		return b.Height
	}
	one := height("a")
	for text, lines := range map[string]int{"": 1, "a\nb": 2, "a\n\nb": 3, "a\r\nb": 2} {
		if h := height(text); h != lines*one {
			t.Errorf("%q is %d dots high, want %d lines of %d", text, h, lines, one)
		}
	}
}

// TestAtOnce: fonts are shared by whoever draws.
func TestAtOnce(t *testing.T) {
	f := fonts(t)
	want, err := draw.Draw(slip("ar"), fonts(t))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, lang := range []string{"az", "ar", "ru"} {
				b, err := draw.Draw(slip(lang), f)
				if err != nil || lang == "ar" && b.Hash() != want.Hash() {
					t.Errorf("%s: %v", lang, err)
				}
			}
		})
	}
	group.Wait()
}

// FuzzDraw: any text is drawn within the width, or refused.
func FuzzDraw(f *testing.F) {
	for _, s := range []string{"", "Ödəniş", "المبلغ 45-67 AZN", "\u202eabc\u2066", strings.Repeat("ш", 300), "a\x00b\xff",
		"a\u0301\u0301\u0301\u0301", "ﷺ \u200d\u200c", "((ب)ا(", "DEMO-0001-0002 \u00a0\u00a0 x", strings.Repeat("(ب1", 200)} {
		f.Add(s, uint8(1), uint16(384))
	}
	fs := fonts(f)
	f.Fuzz(func(t *testing.T, s string, kind uint8, width uint16) {
		lang := []string{"az", "ar", "ru", "fa", ""}[kind%5]
		p := draw.Page{Width: int(width), Lang: lang, Blocks: []draw.Block{
			draw.Text{Text: s, Align: draw.Align(kind % 3), Size: int(kind)}, draw.Band{Text: s},
			draw.Row{Label: s, Value: s, LTR: kind&8 != 0, Bold: kind&16 != 0}, draw.Row{Label: "x", Value: s}}}
		b, err := draw.Draw(p, fs)
		if err != nil {
			return
		}
		if b.Width != p.Width || len(b.Bits) != b.Height*b.Stride() {
			t.Fatalf("%d x %d, %d bytes", b.Width, b.Height, len(b.Bits))
		}
		for y := range b.Height {
			if extra := b.Width % 8; extra != 0 && b.Row(y)[b.Stride()-1]<<extra != 0 {
				t.Fatal("a dot stands past the width")
			}
		}
	})
}
