package catalogue

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
	country "github.com/asan-kiosk/kiosk/provisioning/catalogue"
)

// good is a fresh copy of the country's services.
func good(t testing.TB) *Bundle {
	t.Helper()
	b, err := Read(country.Source())
	if err != nil {
		t.Fatal(err)
	}
	b.NotBefore, b.NotAfter = testRelease.NotBefore, testRelease.NotAfter
	return b
}

// spoil is one mistake that an author of services could make.
type spoil struct {
	name string
	do   func(b *Bundle)
	want Rule   // the finding that must be among those reported
	at   string // part of its place or words
	only bool   // and nothing else is reported
}

// step of the journey under test.
func step(b *Bundle, id string) *Step { return b.Journeys["pay.notification"].Step(id) }

func field(b *Bundle) *Field { return &step(b, "number").Fields[0] }

// text replaces a text in some languages, in all of them if none is named.
func text(b *Bundle, key, value string, langs ...string) {
	if langs == nil {
		langs = Langs()
	}
	for _, l := range langs {
		b.Texts[l][key] = value
	}
}

func addStep(b *Bundle, s Step) {
	j := b.Journeys["pay.notification"]
	j.Steps = append(j.Steps, s)
}

func block(b *Bundle, doc string, match func(*Block) bool) *Block {
	d := b.Documents[doc]
	return &d.Blocks[slices.IndexFunc(d.Blocks, func(x Block) bool { return match(&x) })]
}

func dropBlock(b *Bundle, doc, part string) {
	d := b.Documents[doc]
	d.Blocks = slices.DeleteFunc(d.Blocks, func(x Block) bool { return strings.Contains(x.Value+x.QR+x.Text, part) })
}

func spoils() []spoil {
	return slices.Concat(moneySpoils(), graphSpoils(), valueSpoils(), memberSpoils(), textSpoils(), documentSpoils())
}

func moneySpoils() []spoil {
	return []spoil{
		{"an unknown posting hands money back", func(b *Bundle) { step(b, "post").On["unknown"] = "leftover" }, RuleUnknownLeftover, "post –unknown→ leftover", false},
		{"an unknown posting prints a receipt", func(b *Bundle) { step(b, "post").On["unknown"] = "receipt" }, RuleWrongSlip, "step receipt", false},
		{"a refused posting prints a receipt", func(b *Bundle) { step(b, "post").On["rejected"] = "receipt" }, RuleWrongSlip, "step receipt", true},
		{"a done posting prints a leftover", func(b *Bundle) { step(b, "post").On["done"] = "leftover" }, RuleWrongSlip, "step leftover", false},
		{"an abandoned payment ends", func(b *Bundle) { step(b, "pay").On["abandoned"] = TargetEnd }, RuleMoneyOpen, "step pay", true},
		{"a fault ends", func(b *Bundle) { step(b, "pay").On["fault"] = TargetEnd }, RuleMoneyOpen, "step pay", true},
		{"a refused posting ends", func(b *Bundle) { step(b, "post").On["rejected"] = TargetEnd }, RuleMoneyOpen, "step post", true},
		{"a done posting ends without a receipt", func(b *Bundle) { step(b, "post").On["done"] = TargetEnd }, RuleMoneyOpen, "step post", false},
		{"an unknown posting goes back to the services", func(b *Bundle) { step(b, "post").On["unknown"] = TargetLeave }, RuleLeaveMoney, "step post", false},
		{"an abandoned payment shows a notice", func(b *Bundle) { step(b, "pay").On["abandoned"] = "stopped" }, RuleWaitsWithMoney, "step stopped", true},
		{"a paid sum is not posted", func(b *Bundle) { step(b, "pay").On["paid"] = "receipt" }, RuleSlipBeforePost, "step receipt", false},
		{"a paid sum becomes a leftover", func(b *Bundle) { step(b, "pay").On["paid"] = "leftover" }, RuleSlipBeforePost, "step leftover", false},
		{"a paid sum is asked about", func(b *Bundle) {
			addStep(b, Step{ID: "sure", Kind: KindPresent, Stage: 3, Body: "pay.notification.stopped.body", On: map[string]string{"ok": "post"}})
			step(b, "pay").On["paid"] = "sure"
		}, RuleWaitsWithMoney, "step sure", true},
		{"an abandoned payment is posted", func(b *Bundle) { step(b, "pay").On["abandoned"] = "post" }, RuleSubmitUnpaid, "step post", true},
		{"a posting is sent again", func(b *Bundle) { step(b, "post").On["unknown"] = "post" }, RuleSubmitUnpaid, "step post", false},
		{"payment without a quote", func(b *Bundle) { step(b, "order").On["found"] = "pay" }, RulePayUnquoted, "step pay", false},
		{"payment for a sum that was looked up anew", func(b *Bundle) {
			addStep(b, Step{ID: "again", Kind: KindQuery, Stage: 2, Ask: "notification.lookup",
				In: map[string]string{"notification_number": "notification_number"}, Out: map[string]string{"order_amount": "order.amount"},
				On: map[string]string{"found": "pay", "none": "none", "blocked": "refused", "unavailable": "unavailable"}})
			step(b, "summary").On["ok"] = "again"
		}, RulePayUnquoted, "step pay", true},
		{"a second payment", func(b *Bundle) { step(b, "pay").On["empty"] = "summary" }, RulePayTwice, "step pay", false},
		{"back to the services after the slot was open", func(b *Bundle) { step(b, "pay").On["empty"] = TargetLeave }, RuleLeaveMoney, "no money was put in", false},
		{"a free order is posted", func(b *Bundle) { step(b, "summary").On["free"] = "post" }, RuleSubmitUnpaid, "step post", false},
		{"a slip about money where there is none", func(b *Bundle) { step(b, "order").On["none"] = "leftover" }, RuleWrongSlip, "step leftover", false},
		{"two payments in a journey", func(b *Bundle) {
			p := *step(b, "pay")
			p.ID = "pay2"
			addStep(b, p)
			step(b, "summary").On["free"] = "pay2"
		}, RuleStepCount, "kind pay", false},
	}
}

func graphSpoils() []spoil {
	return []spoil{
		{"an outcome forgotten", func(b *Bundle) { delete(step(b, "post").On, "unknown") }, RuleOutcomeMissing, `"unknown"`, false},
		{"a query's block forgotten", func(b *Bundle) { delete(step(b, "order").On, "blocked") }, RuleOutcomeMissing, `"blocked"`, false},
		{"an outcome that cannot be", func(b *Bundle) { step(b, "pay").On["declined"] = "leftover" }, RuleOutcomeUnknown, `"declined"`, true},
		{"a refusal that nobody asks for", func(b *Bundle) { step(b, "none").On["refused"] = TargetEnd }, RuleOutcomeUnknown, `"refused"`, true},
		{"acceptance without a refusal", func(b *Bundle) {
			addStep(b, Step{ID: "terms", Kind: KindPresent, Stage: 1, Accept: true, Body: "pay.notification.number.body", On: map[string]string{"ok": "number"}})
			b.Journeys["pay.notification"].Start = "terms"
		}, RuleOutcomeMissing, `"refused"`, true},
		{"a target misspelt", func(b *Bundle) { step(b, "order").On["found"] = "sumary" }, RuleTargetUnknown, `"sumary"`, false},
		{"a start misspelt", func(b *Bundle) { b.Journeys["pay.notification"].Start = "nr" }, RuleStartUnknown, `"nr"`, true},
		{"a step that nothing leads to", func(b *Bundle) {
			step(b, "summary").On["limit"] = "free"
		}, RuleUnreachable, "step limit", true},
		{"two steps of one name", func(b *Bundle) { step(b, "free").ID = "limit" }, RuleID, `"limit"`, false},
		{"a circle without a person", func(b *Bundle) { step(b, "order").On["unavailable"] = "order" }, RuleLoop, "order → order", false},
		{"a circle through an expired quote", func(b *Bundle) { step(b, "summary").On["expired"] = "order" }, RuleLoop, "order → summary → order", false},
		{"no way out", func(b *Bundle) {
			addStep(b, Step{ID: "trap", Kind: KindPresent, Stage: 2, Body: "pay.notification.stopped.body", On: map[string]string{"ok": "trap"}})
			step(b, "order").On["none"] = "trap"
		}, RuleNoEnd, "step trap", false},
		{"progress that jumps back", func(b *Bundle) { step(b, "summary").Stage = 4 }, RuleStageBack, "step summary", true},
		{"a journey that nothing starts", func(b *Bundle) {
			j := *b.Journeys["pay.notification"]
			j.ID = "other"
			b.Journeys["other"] = &j
		}, RuleReference, "journey other", true},
		{"a service without its journey", func(b *Bundle) { b.Services[0].Journey = "gone" }, RuleReference, `"gone"`, false},
		{"offered while central is down", func(b *Bundle) { b.Services[0].Needs = []string{"cash"} }, RuleOffline, "add central", true},
		{"offered while no note can be taken", func(b *Bundle) { b.Services[0].Needs = []string{"central"} }, RuleOffline, "add cash", true},
		{"a need that does not exist", func(b *Bundle) { b.Services[0].Needs = []string{"central", "cash", "luck"} }, RuleNeeds, `"luck"`, true},
		{"two services of one name", func(b *Bundle) { b.Services = append(b.Services, b.Services[0]) }, RuleID, "two services", true},
		{"no services", func(b *Bundle) { b.Services = nil }, RuleMember, "no service", false},
		{"dates turned round", func(b *Bundle) { b.NotBefore, b.NotAfter = b.NotAfter, b.NotBefore }, RuleDates, "bundle", true},
	}
}

func valueSpoils() []spoil {
	return []spoil{
		{"a payee that only some paths set", func(b *Bundle) {
			delete(step(b, "order").Out, "order_payee")
			addStep(b, Step{ID: "more", Kind: KindQuery, Stage: 2, Ask: "notification.more", Out: map[string]string{"order_payee": "payee"},
				On: map[string]string{"found": "summary", "none": "summary", "blocked": "refused", "unavailable": "unavailable"}})
			step(b, "order").On["found"] = "more"
		}, RuleVariableUnset, "{order_payee}", true},
		{"a payee that nothing sets", func(b *Bundle) { delete(step(b, "order").Out, "order_payee") }, RuleVariableUnknown, "{order_payee}", true},
		{"an amount that nothing sets", func(b *Bundle) { delete(step(b, "order").Out, "order_amount") }, RuleVariableUnknown, "{order_amount}", true},
		{"an amount that the person types", func(b *Bundle) {
			step(b, "number").Fields = append(step(b, "number").Fields, Field{Name: "order_amount", Type: FieldCode, Label: "slip.amount", Max: 6, Keyboard: "digits"})
		}, RuleAmountSource, "{order_amount}", false},
		{"an amount shown before it is frozen", func(b *Bundle) {
			step(b, "summary").Rows = append(step(b, "summary").Rows, Row{Label: "slip.amount", Value: "{order_amount}"})
		}, RuleAmountSource, "{order_amount}", true},
		{"an amount sent past the quote", func(b *Bundle) { step(b, "post").In["amount"] = "order_amount" }, RuleAmountSource, "{order_amount}", true},
		{"a total before the quote", func(b *Bundle) { step(b, "none").Body = "pay.notification.limit.body" }, RuleVariableUnset, "{total}", true},
		{"a question sent without its number", func(b *Bundle) { step(b, "order").In["notification_number"] = "number" }, RuleVariableUnknown, "{number}", true},
		{"a variable that is the engine's", func(b *Bundle) { step(b, "order").Out["status"] = "order.state" }, RuleVariableName, "{status}", true},
		{"a variable that is no name", func(b *Bundle) { step(b, "order").Out["Order-ID"] = "order.id" }, RuleVariableName, "Order-ID", true},
		{"a path into the answer that is none", func(b *Bundle) { step(b, "order").Out["x"] = "order..id" }, RuleVariableName, "order..id", true},
		{"a private value sent to be kept", func(b *Bundle) { step(b, "number").Privacy = "wipe" }, RulePrivate, "step post", false},
		{"a private value on the slip", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Label == "slip.subject" }).Value = "{notification_number}"
		}, RulePrivate, "{notification_number}", false},
		{"a private value as the payee", func(b *Bundle) { step(b, "summary").Payee = "{notification_number}" }, RulePrivate, "payee", true},
		{"words in a template", func(b *Bundle) { step(b, "summary").Payee = "Payee: {order_payee}" }, RuleTextWords, "Payee: ", true},
		{"a text key as a template", func(b *Bundle) { step(b, "summary").Payee = "slip.payee" }, RuleTextWords, "no value", false},
		{"a plural over something that is no number", func(b *Bundle) {
			text(b, "pay.notification.paid.body", "{notification_number, plural, one {a} few {b} many {c} other {d}}", "ru")
			text(b, "pay.notification.paid.body", "{notification_number, plural, one {a} other {d}}", "en")
		}, RuleVariableKind, "{notification_number}", false},
	}
}

func memberSpoils() []spoil {
	azn := func(n int64) money.Amount { return money.New(n, money.AZN) }
	return []spoil{
		{"a kind that does not exist", func(b *Bundle) { step(b, "pay").Kind = "charge" }, RuleMember, `"charge"`, false},
		{"a member of another kind", func(b *Bundle) { step(b, "pay").Document = "receipt" }, RuleMember, `"document"`, false},
		{"a quote without a payee", func(b *Bundle) { step(b, "summary").Payee = "" }, RuleMember, `"payee"`, true},
		{"an ending without words", func(b *Bundle) { step(b, "none").Body = "" }, RuleMember, "nothing to say", true},
		{"an ending that goes on", func(b *Bundle) { step(b, "none").On["ok"] = "number" }, RuleMember, "ending", true},
		{"a reason that is none", func(b *Bundle) { step(b, "none").Reason = "E-OOPS" }, RuleMember, "E-OOPS", true},
		{"a case that is none", func(b *Bundle) { step(b, "receipt").Case = "bill" }, RuleMember, `"bill"`, false},
		{"a document that does not exist", func(b *Bundle) { step(b, "receipt").Document = "gone" }, RuleReference, `"gone"`, false},
		{"the engine's own document gone", func(b *Bundle) { delete(b.Documents, "pending") }, RuleReference, "prints it by itself", false},
		{"a document that nothing prints", func(b *Bundle) {
			d := *b.Documents["receipt"]
			d.ID = "extra"
			b.Documents["extra"] = &d
		}, RuleReference, "document extra", false},
		{"a local query", func(b *Bundle) { step(b, "order").Offline = "local" }, RuleMember, "cannot be local", true},
		{"a stage beyond the last", func(b *Bundle) { step(b, "receipt").Stage = 5 }, RuleNumber, "stage 5", true},
		{"a time too short to read", func(b *Bundle) { step(b, "number").TimeoutS = 10 }, RuleNumber, "timeout_s 10", true},
		{"a wait without end", func(b *Bundle) { step(b, "post").WaitS = 3600 }, RuleNumber, "wait_s 3600", true},
		{"a pattern that is none", func(b *Bundle) { field(b).Pattern = "^[0-9$" }, RulePattern, "pattern", true},
		{"a pattern with a look-ahead", func(b *Bundle) { field(b).Soft = "^(?=1)[0-9]+$" }, RulePattern, "soft", true},
		{"a pattern about a part", func(b *Bundle) { field(b).Pattern = "[0-9]{6,12}" }, RulePattern, "whole value", true},
		{"a pattern about two halves", func(b *Bundle) { field(b).Pattern = "^1|2$" }, RulePattern, "whole value", true},
		{"a keyboard that cannot type it", func(b *Bundle) { field(b).Keyboard = "none" }, RuleMember, "keyboard", true},
		{"a type that is none", func(b *Bundle) { field(b).Type = "secret" }, RuleMember, `"secret"`, true},
		{"groups longer than the field", func(b *Bundle) { field(b).Group = []int{9, 9} }, RuleNumber, "groups", true},
		{"least above most", func(b *Bundle) { field(b).Min = 13 }, RuleNumber, "min 13", true},
		{"one choice only", func(b *Bundle) {
			step(b, "number").Fields = append(step(b, "number").Fields, Field{Name: "how", Type: FieldChoice, Label: "slip.total", Keyboard: "none", Choices: []Choice{{"a", "slip.total"}}})
		}, RuleMember, "1 choices", true},
		{"a commission below zero", func(b *Bundle) { step(b, "summary").Commission[0].Flat = azn(-40) }, RulePrice, "negative", true},
		{"a commission above the sum", func(b *Bundle) { step(b, "summary").Commission[0].Percent = 10001 }, RulePrice, "percent", true},
		{"a commission in two currencies", func(b *Bundle) { step(b, "summary").Commission[0].Max = money.New(5, "USD") }, RulePrice, "currenc", true},
		{"two commissions at one instant", func(b *Bundle) {
			step(b, "summary").Commission = append(step(b, "summary").Commission, step(b, "summary").Commission[0])
		}, RulePrice, "same instant", true},
		{"no limit", func(b *Bundle) { step(b, "pay").Limits = nil }, RuleMember, `"limits"`, true},
		{"a limit of nothing", func(b *Bundle) { step(b, "pay").Limits[0].MaxCash = azn(0) }, RuleLimit, "max_cash", true},
		{"a limit of no notes", func(b *Bundle) { step(b, "pay").Limits[0].MaxNotes = 0 }, RuleLimit, "max_notes", true},
		{"a limit that begins too late", func(b *Bundle) { step(b, "pay").Limits[0].ValidFrom = testRelease.NotBefore.Add(time.Hour) }, RuleLimit, "in force", true},
	}
}

func textSpoils() []spoil {
	const key, doubt = "pay.notification.none.body", "slip.in_doubt"
	return []spoil{
		{"a text missing in Persian", func(b *Bundle) { delete(b.Texts["fa"], key) }, RuleTextMissing, key + " in fa", true},
		{"a text missing everywhere", func(b *Bundle) {
			for _, l := range Langs() {
				delete(b.Texts[l], key)
			}
		}, RuleTextMissing, "step none", true},
		{"a whole language missing", func(b *Bundle) { delete(b.Texts, "it") }, RuleTextMissing, "texts it", true},
		{"a tenth language", func(b *Bundle) { b.Texts["tr"] = b.Texts["az"] }, RuleTextMissing, "texts tr", true},
		{"a status without its text", func(b *Bundle) {
			for _, l := range Langs() {
				delete(b.Texts[l], StatusPending)
			}
		}, RuleTextMissing, StatusPending, true},
		{"an extra value in German", func(b *Bundle) { text(b, key, "{notification_number} {phone}", "de") }, RuleTextPlaceholder, key + " in de", true},
		{"a lost value in Azerbaijani", func(b *Bundle) { text(b, key, "Yoxdur.", "az") }, RuleTextPlaceholder, key + " in az", true},
		{"a misspelt value in Russian", func(b *Bundle) { text(b, key, "{notification_nummer}", "ru") }, RuleTextPlaceholder, key + " in ru", true},
		{"a value that nobody sets", func(b *Bundle) { text(b, key, "{weather}") }, RuleVariableUnknown, "{weather}", true},
		{"a value in a label", func(b *Bundle) { text(b, "slip.total", "Total {total}") }, RuleVariableUnknown, "{total}", false},
		{"a plural category missing in Arabic", func(b *Bundle) {
			b.Texts["ar"][doubt] = strings.Replace(b.Texts["ar"][doubt], "two {", "few {", 1)
		}, RuleTextSyntax, doubt + " in ar", false},
		{"a plural category left out in Russian", func(b *Bundle) {
			text(b, doubt, "{in_doubt, plural, one {{in_doubt} а} few {{in_doubt} б} other {{in_doubt} в}}", "ru")
		}, RuleTextPlural, "lacks the category many", true},
		{"a plural category too many in English", func(b *Bundle) {
			text(b, doubt, "{in_doubt, plural, one {{in_doubt} a} few {{in_doubt} b} other {{in_doubt} c}}", "en")
		}, RuleTextPlural, "category few", true},
		{"a plural that drops a value", func(b *Bundle) {
			for _, l := range Langs() {
				var s strings.Builder
				for _, c := range PluralCategories(l) {
					s.WriteString(c + " {" + map[bool]string{true: "x"}[c == "one"] + map[bool]string{true: "{phone}"}[c != "one"] + "} ")
				}
				b.Texts[l][doubt] = "{in_doubt, plural, " + s.String() + "}"
			}
		}, RuleTextPlaceholder, "does not show {phone}", false},
		{"a brace left open", func(b *Bundle) { text(b, key, "{notification_number", "fr") }, RuleTextSyntax, key + " in fr", true},
		{"a straight apostrophe", func(b *Bundle) { text(b, "slip.total", "l'ensemble", "fr") }, RuleTextCharacters, "apostrophe", true},
		{"an empty text", func(b *Bundle) { text(b, "slip.total", " ", "es") }, RuleTextCharacters, "empty", true},
		{"a blank at the end", func(b *Bundle) { text(b, "slip.total", "Total ", "es") }, RuleTextCharacters, "blanks", true},
		{"a control of direction", func(b *Bundle) { text(b, "slip.total", "\u202eTotal", "ar") }, RuleTextCharacters, "U+202E", true},
		{"letters and accents apart", func(b *Bundle) { text(b, "slip.total", "Total e\u0301", "fr") }, RuleTextCharacters, "NFC", true},
		{"the manat sign on a slip", func(b *Bundle) { text(b, "slip.total", "Cəmi ₼", "az") }, RuleTextCharacters, "₼", true},
		{"a title too long in German", func(b *Bundle) {
			text(b, "pay.notification.none.title", strings.Repeat("lang", 16), "de")
		}, RuleTextLength, "64 characters", true},
		{"a key that is none", func(b *Bundle) { text(b, "Slip Total", "x") }, RuleID, "Slip Total", false},
	}
}

func documentSpoils() []spoil {
	return []spoil{
		{"a receipt without the taxpayer number", func(b *Bundle) { dropBlock(b, "receipt", "{owner_voen}") }, RuleDocumentLacks, "{owner_voen}", true},
		{"a receipt without the leftover", func(b *Bundle) { dropBlock(b, "receipt", "{leftover}") }, RuleDocumentLacks, "{leftover}", true},
		{"a leftover slip without its code", func(b *Bundle) { dropBlock(b, "leftover", "{leftover_code}") }, RuleDocumentLacks, "{leftover_code}", true},
		{"a pending slip without its reference", func(b *Bundle) { dropBlock(b, "pending", "{reference}") }, RuleDocumentLacks, "{reference}", true},
		{"a slip without a last line", func(b *Bundle) {
			d := b.Documents["receipt"]
			d.Blocks = d.Blocks[:len(d.Blocks)-1]
		}, RuleDocumentLacks, "last line", true},
		{"a leftover behind another condition", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Label == "slip.leftover" }).When = VarCopy
		}, RuleDocumentLacks, "{leftover}", false},
		{"a line with a hole", func(b *Bundle) {
			block(b, "leftover", func(x *Block) bool { return x.Label == "slip.payee" }).When = ""
		}, RuleDocument, "{payee} may be empty", true},
		{"a journey's value on the engine's own slip", func(b *Bundle) {
			block(b, "pending", func(x *Block) bool { return x.Label == "slip.purpose" }).Value = "{order_purpose}"
		}, RuleVariableUnknown, "{order_purpose}", false},
		{"a value that no document has", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Label == "slip.purpose" }).Value = "{weather}"
		}, RuleVariableUnknown, "{weather}", false},
		{"a block that says two things", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Heading == "slip.receipt.heading" }).Text = "slip.help"
		}, RuleDocument, "2 contents", true},
		{"a block that says nothing", func(b *Bundle) {
			d := b.Documents["receipt"]
			d.Blocks = slices.Insert(d.Blocks, 3, Block{})
		}, RuleDocument, "0 contents", true},
		{"a label without a value", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Label == "slip.address" }).Value = ""
		}, RuleDocument, "belong together", false},
		{"a total that is no amount", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.Total != "" }).Total = "payee"
		}, RuleVariableKind, "no amount", false},
		{"a picture too full", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.QR != "" }).QR = "{qr}" + strings.Repeat("0", 61)
		}, RuleQR, "301 bytes", true},
		{"a name in the picture", func(b *Bundle) {
			block(b, "receipt", func(x *Block) bool { return x.QR != "" }).QR = "{qr}{payee}"
		}, RuleQR, "{payee}", false},
		{"languages that are none", func(b *Bundle) { b.Documents["receipt"].Blocks[1].Langs = "ours" }, RuleDocument, `"ours"`, true},
		{"no blocks", func(b *Bundle) { b.Documents["receipt"].Blocks = nil }, RuleDocument, "no blocks", false},
	}
}

func TestEverySpoilingIsFound(t *testing.T) {
	if found := Check(good(t)); len(found) > 0 {
		t.Fatalf("the good bundle is refused: %v", found)
	}
	all := spoils()
	names := map[string]bool{}
	for _, s := range all {
		if names[s.name] {
			t.Errorf("%q stands twice", s.name)
		}
		names[s.name] = true
		t.Run(s.name, func(t *testing.T) {
			b := good(t)
			s.do(b)
			found := Check(b)
			var lines []string
			hit := false
			for _, f := range found {
				lines = append(lines, f.String())
				hit = hit || f.Rule == s.want && strings.Contains(f.String(), s.at)
			}
			switch {
			case len(found) == 0:
				t.Error("the checker lets it pass")
			case !hit:
				t.Errorf("no finding %s about %q among:\n%s", s.want, s.at, strings.Join(lines, "\n"))
			case s.only && slices.ContainsFunc(found, func(f Finding) bool { return f.Rule != s.want }):
				t.Errorf("one mistake, more than one kind of finding:\n%s", strings.Join(lines, "\n"))
			}
		})
	}
}

// Every rule has a spoiling that shows it at work.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{string(RuleSize): true} // TestSizes
	for _, s := range spoils() {
		tested[string(s.want)] = true
	}
	for name, value := range constants(t, "finding.go", "Rule") {
		if !tested[value] {
			t.Errorf("no spoiling breaks %s (%s)", name, value)
		}
	}
}

func TestSizes(t *testing.T) {
	for name, do := range map[string]func(*Bundle){
		"steps":      func(b *Bundle) { b.Journeys["pay.notification"].Steps = make([]Step, maxSteps+1) },
		"blocks":     func(b *Bundle) { b.Documents["receipt"].Blocks = make([]Block, maxBlocks+1) },
		"fields":     func(b *Bundle) { step(b, "number").Fields = make([]Field, maxFields+1) },
		"rows":       func(b *Bundle) { step(b, "summary").Rows = make([]Row, maxRows+1) },
		"commission": func(b *Bundle) { step(b, "summary").Commission = make([]CommissionRule, maxRules+1) },
		"limits":     func(b *Bundle) { step(b, "pay").Limits = make([]LimitRule, maxRules+1) },
		"services":   func(b *Bundle) { b.Services = make([]Service, maxServices+1) },
	} {
		b := good(t)
		do(b)
		found := Check(b)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == RuleSize }) {
			t.Errorf("%s: %v", name, found)
		}
		if len(found) > maxFindings {
			t.Errorf("%s: %d findings", name, len(found))
		}
	}
}

func TestCheckIsDeterministic(t *testing.T) {
	b := good(t)
	b.Texts["fa"], b.Journeys["pay.notification"].Start = nil, "order"
	delete(step(b, "post").On, "done")
	first := Check(b)
	for range 5 {
		if again := Check(b); !slices.Equal(again, first) {
			t.Fatalf("%v, then %v", first, again)
		}
	}
	if len(first) < 3 {
		t.Errorf("%v", first)
	}
	Check(&Bundle{Journeys: map[string]*Journey{"a": nil}, Documents: map[string]*Document{"a": nil}})
}

// The reasons that an ending may give are those that the screen has words for.
func TestReasonsAreTheScreens(t *testing.T) {
	var want []string
	for _, v := range constants(t, "../screen/wire/wire.go", "Reason") {
		if v != "" {
			want = append(want, v)
		}
	}
	have := Reasons()
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("the catalogue knows %v, the screen %v", have, want)
	}
}

// constants reads the string constants of a type from a source file: name -> value.
func constants(t *testing.T, file, typ string) map[string]string {
	t.Helper()
	f, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ && len(spec.Values) == 1 {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				v, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out[spec.Names[0].Name] = v
			}
		}
		return true
	})
	if len(out) == 0 {
		t.Fatalf("no constants of type %s in %s", typ, file)
	}
	return out
}
