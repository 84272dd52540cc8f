package catalogue

import (
	"slices"
	"strconv"
	"strings"
)

const (
	maxBlocks = 100
	maxSpace  = 400 // dots: 5 cm
)

// slipVars are what a slip about money must say, by its case: the country's rules
// for payment receipts and what a person needs to be helped.
var slipVars = map[string][]string{
	CaseReceipt:  append([]string{VarAmount, VarCommission, VarTotal, VarPayee, VarPurpose, VarSubject, VarService}, slipAlways...),
	CasePending:  append([]string{VarAmount, VarCommission, VarTotal, VarPayee, VarSubject, VarService}, slipAlways...),
	CaseLeftover: append([]string{VarPayee, VarSubject, VarService}, slipAlways...),
}

var slipAlways = []string{VarTerminal, VarOwner, VarOwnerVOEN, VarAddress, VarPhone, VarReceiptNumber, VarCopy, VarDate, VarTime,
	VarReceived, VarReceivedNotes, VarLeftover, VarLeftoverCode, VarLeftoverUntil, VarInDoubt, VarReference, VarTransaction,
	VarStatus, VarQR}

// use is one variable in a document.
type use struct {
	block int
	name  string
	when  string
}

// document checks the blocks of a document and what kind of values they show.
// Which of the journey's own variables exist is the journey's question: see
// documentUses.
func (c *checker) document(d *Document) {
	where := "document " + d.ID
	if len(d.Blocks) == 0 {
		c.add(RuleDocument, where, "", "it has no blocks")
	}
	if len(d.Blocks) > maxBlocks {
		c.add(RuleSize, where, "", "%d blocks, at most %d", len(d.Blocks), maxBlocks)
		return
	}
	for i := range d.Blocks {
		c.block(d, i)
	}
	for _, s := range c.cases(d.ID) {
		c.slip(d, s)
	}
}

// cases lists what the journeys print a document for; the engine's own documents
// have their case by name.
func (c *checker) cases(id string) []string {
	out := map[string]bool{}
	switch id {
	case DocumentPending:
		out[CasePending] = true
	case DocumentLeftover:
		out[CaseLeftover] = true
	}
	for _, j := range c.b.Journeys {
		if j == nil {
			continue
		}
		for i := range j.Steps {
			if s := &j.Steps[i]; s.Kind == KindDeliver && s.Document == id {
				out[s.Case] = true
			}
		}
	}
	var list []string
	for _, s := range []string{CaseReceipt, CasePending, CaseLeftover} {
		if out[s] {
			list = append(list, s)
		}
	}
	return list
}

func (c *checker) block(d *Document, i int) {
	blk := &d.Blocks[i]
	where := blockPlace(d, i)
	bad := func(do, format string, args ...any) { c.add(RuleDocument, where, do, format, args...) }
	count := 0
	for _, set := range []bool{blk.Heading != "", blk.Text != "", blk.Label != "" || blk.Value != "", blk.Total != "", blk.QR != "", blk.Rule, blk.Space != 0} {
		if set {
			count++
		}
	}
	if count != 1 {
		bad("set exactly one of heading, text, label with value, total, qr, rule, space", "it has %d contents", count)
	}
	if (blk.Label == "") != (blk.Value == "") {
		bad("give the label a value", "a label and a value belong together")
	}
	if blk.Code && blk.Value == "" {
		bad("", "only a value can be a code")
	}
	if blk.Space < 0 || blk.Space > maxSpace {
		bad("", "space %d, allowed are 1 to %d dots", blk.Space, maxSpace)
	}
	switch blk.Langs {
	case "", "state", "person", "both":
	default:
		bad("allowed are state, person and both", "langs %q", blk.Langs)
	}
	known := c.documentKnown(d)
	if blk.When != "" {
		if rule, what := known(Placeholder{Name: blk.When}); rule != "" {
			c.add(rule, where, "", "its when names {%s}: %s", blk.When, what)
		}
	}
	if blk.Heading != "" {
		c.slipKeys[blk.Heading] = true
		c.text(where, "heading", blk.Heading, maxSlipHeading, known)
	}
	if blk.Text != "" {
		c.slipKeys[blk.Text] = true
		c.text(where, "text", blk.Text, maxSlipText, known)
	}
	if blk.Label != "" {
		c.slipKeys[blk.Label] = true
		c.text(where, "label", blk.Label, maxLabel, nil)
	}
	if blk.Value != "" {
		c.template(where, "value", blk.Value, known)
	}
	if blk.Total != "" {
		if v, ok := documentVar(blk.Total); !ok || v.Kind != VarIsMoney {
			c.add(RuleVariableKind, where, "name an amount without braces", "its total is %q, which is no amount", blk.Total)
		}
	}
	if blk.QR != "" {
		c.qr(where, blk.QR)
	}
	// A line whose only value may be empty would stand there with a hole.
	for _, u := range c.blockUses(d, i) {
		if v, ok := documentVar(u.name); ok && v.Maybe && !covers(blk.When, v) && !c.alwaysSet(d, v) {
			c.add(RuleDocument, where, `set "when": "`+v.Name+`"`, "{%s} may be empty, and then the line says nothing", v.Name)
		}
	}
}

// alwaysSet: on a receipt the sum is there, because it was paid.
func (c *checker) alwaysSet(d *Document, v DocumentVar) bool {
	if d.ID == DocumentPending || d.ID == DocumentLeftover {
		return false
	}
	cases := c.cases(d.ID)
	paid := len(cases) == 1 && cases[0] == CaseReceipt
	switch v.Name {
	case VarAmount, VarCommission, VarTotal, VarReceived, VarReceivedNotes, VarService:
		return paid
	}
	return false
}

func blockPlace(d *Document, i int) string {
	blk := &d.Blocks[i]
	name := blk.Heading + blk.Text + blk.Label
	switch {
	case blk.Total != "":
		name = "total"
	case blk.QR != "":
		name = "qr"
	}
	return strings.TrimSpace("document " + d.ID + ", block " + strconv.Itoa(i+1) + " " + name)
}

// documentKnown says what is wrong with a variable in a document. A name that is
// not the engine's is left to the journeys that print it, unless the engine prints
// the document by itself.
func (c *checker) documentKnown(d *Document) func(Placeholder) (Rule, string) {
	own := d.ID == DocumentPending || d.ID == DocumentLeftover
	return func(p Placeholder) (Rule, string) {
		v, ok := documentVar(p.Name)
		switch {
		case !ok && own:
			return RuleVariableUnknown, "this document is also printed when the journey's values are lost; only the engine's variables exist then"
		case !ok && p.Plural, ok && p.Plural && v.Kind != VarIsNumber:
			return RuleVariableKind, "it is no number and cannot choose a plural"
		}
		return "", ""
	}
}

// blockUses lists the variables that a block shows.
func (c *checker) blockUses(d *Document, i int) []use {
	blk := &d.Blocks[i]
	var out []use
	add := func(m *Message) {
		if m == nil {
			return
		}
		for _, p := range m.Placeholders() {
			out = append(out, use{i, p.Name, blk.When})
		}
	}
	add(c.messages[referenceLang][blk.Heading])
	add(c.messages[referenceLang][blk.Text])
	for _, s := range []string{blk.Value, blk.QR} {
		if m, err := Parse(s); err == nil {
			add(m)
		}
	}
	if blk.Total != "" {
		out = append(out, use{i, blk.Total, blk.When})
	}
	return out
}

func (c *checker) documentUses(d *Document) []use {
	var out []use
	for i := range d.Blocks {
		out = append(out, c.blockUses(d, i)...)
	}
	return out
}

// qr checks that the content of a code stays within its budget.
func (c *checker) qr(where, s string) {
	m, err := Parse(s)
	if err != nil {
		c.add(RuleTextSyntax, where, "", "its qr: %v", err)
		return
	}
	n := 0
	for _, p := range m.parts {
		if p.name == "" {
			n += len(p.lit)
			continue
		}
		v, ok := documentVar(p.name)
		if !ok || v.MaxBytes == 0 || p.cases != nil {
			c.add(RuleQR, where, "use codes of bounded length, as {qr} or {reference}", "{%s} does not belong into a qr code", p.name)
		}
		n += v.MaxBytes
	}
	if n > maxQRBytes {
		c.add(RuleQR, where, "shorten it", "up to %d bytes, at most %d", n, maxQRBytes)
	}
}

// slip checks what a slip about money must say: everything of its case, its
// number at the top and as the last line, and nothing essential behind a
// condition on something else.
func (c *checker) slip(d *Document, slipCase string) {
	where := "document " + d.ID
	uses := c.documentUses(d)
	for _, name := range slipVars[slipCase] {
		v, _ := documentVar(name)
		if !slices.ContainsFunc(uses, func(u use) bool { return u.name == name && (u.when == "" || covers(u.when, v)) }) {
			do := "add it"
			if slices.ContainsFunc(uses, func(u use) bool { return u.name == name }) {
				do = "let no other variable decide whether it stands there"
			}
			c.add(RuleDocumentLacks, where, do, "a slip of the case %s must show {%s}", slipCase, name)
		}
	}
	last := len(d.Blocks) - 1
	for last >= 0 && (d.Blocks[last].Space != 0 || d.Blocks[last].Rule) {
		last--
	}
	top, end := false, false
	for _, u := range uses {
		if u.name == VarReceiptNumber && u.when == "" {
			top = top || u.block < len(d.Blocks)/3
			end = end || u.block == last
		}
	}
	if !top || !end {
		c.add(RuleDocumentLacks, where, "show {receipt_number} in its first third and in its last line",
			"a slip of the case %s has its number at the top and in the last line, so that a torn one is seen to be torn", slipCase)
	}
}

// together lists variables that are set whenever the first of them is.
var together = [][]string{
	{VarAmount, VarCommission, VarTotal},
	{VarLeftover, VarLeftoverCode, VarLeftoverUntil},
	{VarReceived, VarReceivedNotes},
}

// covers reports whether the variable has something to say exactly when the
// condition holds, or always does.
func covers(when string, v DocumentVar) bool {
	return when == v.Name || slices.ContainsFunc(together, func(g []string) bool { return g[0] == when && slices.Contains(g, v.Name) })
}
