package draw_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/paper/draw"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before they are kept")

// receipts are whole slips as a person would get them.
var receipts = map[string]draw.Page{
	"az": {Width: 576, Lang: "az", Blocks: []draw.Block{
		draw.Text{Text: "Ödəniş qəbzi", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Text{Text: "Dövlət xidmətləri terminalı\nVÖEN 1400057421", Size: draw.SizeSmall, Align: draw.AlignCenter},
		draw.Space{Dots: 8}, draw.Rule{},
		draw.Row{Label: "Qəbz №", Value: "T-0417-000182-K", LTR: true},
		draw.Row{Label: "Tarix və saat", Value: "05.07.2026 13:03 (+04:00)", LTR: true},
		draw.Row{Label: "Xidmət", Value: "Azərişıq ASC, elektrik enerjisi haqqı"},
		draw.Row{Label: "Abonent kodu", Value: "48••••••15", LTR: true},
		draw.Row{Label: "Ödəyicinin ünvanı", Value: "Bakı şəhəri, Nəsimi rayonu, Şıxəli Qurbanov küçəsi 14, mənzil 52"},
		draw.Rule{},
		draw.Row{Label: "Məbləğ", Value: "25,00 AZN", LTR: true},
		draw.Row{Label: "Komissiya", Value: "0,40 AZN", LTR: true},
		draw.Row{Label: "Cəmi", Value: "25,40 AZN", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Rule{},
		draw.Row{Label: "Qəbul edilib", Value: "1 × 20 AZN, 1 × 5 AZN, 1 × 1 AZN", LTR: true, Size: draw.SizeSmall},
		draw.Row{Label: "Qalıq (çek № 8812)", Value: "0,60 AZN", LTR: true, Size: draw.SizeSmall},
		draw.QR{Content: "KIOSK1;T-0417;000182;2540;AZN;3f1c9d2ab8e7705c4411"},
		draw.Text{Text: "Qaynar xətt: 108", Align: draw.AlignCenter},
		draw.Text{Text: "SON T-0417-000182-K", Size: draw.SizeSmall, Align: draw.AlignCenter},
	}},
	"ru": {Width: 576, Lang: "ru", Blocks: []draw.Block{
		draw.Band{Text: "КОПИЯ 1"},
		draw.Text{Text: "Квитанция об оплате", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: "Номер", Value: "T-0417-000182-K", LTR: true},
		draw.Row{Label: "Получатель", Value: "Государственная дорожная полиция, штраф по протоколу № АА-118-2026"},
		draw.Row{Label: "Сумма с комиссией", Value: "12 345,50 AZN", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Text{Text: "Платёж принят и передан получателю. Сохраните квитанцию: по ней можно найти платёж в любом терминале."},
	}},
	"en": {Width: 576, Lang: "en", Blocks: []draw.Block{
		draw.Text{Text: "Electronic visa on arrival", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: "Application", Value: "AZV-2026-07-0000418822-K", LTR: true, Bold: true},
		draw.Row{Label: "Name", Value: "J. O’Brien-Müller"},
		draw.Row{Label: "Document", Value: "•••••4417", LTR: true},
		draw.Row{Label: "Transaction reference for support", Value: "9f3a77c1-0b51-4c37-a1d5-88e2d4a90c16", LTR: true, Size: draw.SizeSmall},
		draw.Row{Label: "Fee", Value: "AZN 44.20", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Text{Text: "This slip is not a visa. Go to passport control and show the application number."},
	}},
	"ar": {Width: 576, Lang: "ar", Blocks: []draw.Block{
		draw.Text{Text: "إيصال الدفع", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: "رقم الإيصال", Value: "T-0417-000182-K", LTR: true},
		draw.Row{Label: "التاريخ والوقت", Value: "05.07.2026 13:03", LTR: true},
		draw.Row{Label: "الخدمة", Value: "تأشيرة إلكترونية عند الوصول إلى مطار حيدر علييف الدولي في باكو"},
		draw.Row{Label: "الاسم", Value: "محمد العلي (Mohammed Al-Ali)"},
		draw.Row{Label: "المبلغ", Value: "44.20 AZN", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Rule{},
		draw.Text{Text: "هذا الإيصال ليس تأشيرة. للاستفسار اتصل بالرقم \u2066*1108\u2069 أو \u2066+994 12 404-40-00\u2069."},
	}},
	"fa": {Width: 576, Lang: "fa", Blocks: []draw.Block{
		draw.Text{Text: "رسید پرداخت", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: "شمارهٔ رسید", Value: "T-0417-000182-K", LTR: true},
		draw.Row{Label: "گذرنامه", Value: "•••••4417", LTR: true},
		draw.Row{Label: "مبلغ", Value: "44.20 AZN", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Text{Text: "این رسید روادید نیست؛ می\u200cتوانید در گمرک شمارهٔ ۱۲۳۴ را نشان دهید."},
	}},
	"az58": {Width: 384, Lang: "az", Blocks: []draw.Block{
		draw.Text{Text: "Ödəniş qəbzi", Size: draw.SizeHead, Bold: true, Align: draw.AlignCenter},
		draw.Rule{},
		draw.Row{Label: "Qəbz №", Value: "T-0417-000182-K", LTR: true},
		draw.Row{Label: "Tarix və saat", Value: "05.07.2026 13:03", LTR: true},
		draw.Row{Label: "Xidmət", Value: "Azərişıq ASC, elektrik enerjisi haqqı"},
		draw.Row{Label: "Cəmi", Value: "25,40 AZN", LTR: true, Size: draw.SizeTotal, Bold: true},
		draw.Text{Text: "Ad: علي 45 və «Ünvan»", Lang: "az"},
		draw.QR{Content: "KIOSK1;T-0417;000182;2540;AZN;3f1c9d2ab8e7705c4411"},
	}},
}

// TestReceipts compares whole slips with the pictures in testdata.
func TestReceipts(t *testing.T) {
	f := fonts(t)
	for name, page := range receipts {
		b, err := draw.Draw(page, f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file := filepath.Join("testdata", name+".pbm")
		if *update {
			if err := os.WriteFile(file, pbm(b), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(pbm(b), want) {
			t.Errorf("%s: the picture differs from %s; if it is meant to, look at it and run with -update", name, file)
		}
	}
}
