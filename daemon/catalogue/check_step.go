package catalogue

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Bounds of the numbers in a step.
const (
	maxStages   = 12
	minTimeoutS = 40 // the warning alone takes 20 s
	maxTimeoutS = 600
	minWaitS    = 5
	maxWaitS    = 120
	minValidS   = 60
	maxValidS   = 3600
	maxFields   = 12
	maxChoices  = 40
	maxField    = 200 // characters
	maxPattern  = 200
	maxRows     = 12
	maxNotes    = 500
	maxRules    = 100
)

// chosenOutcome is an answer that a form tells apart: "ok(payments)".
var chosenOutcome = regexp.MustCompile(`^ok\(([a-z0-9_]{1,40})\)$`)

// blockedOutcome is a reason that a query tells apart: "blocked(paid)".
var blockedOutcome = regexp.MustCompile(`^blocked\([a-z_]{1,40}\)$`)

// journey checks one journey: first each step by itself, then the graph, the
// values and the money, as far as the graph holds together.
func (c *checker) journey(j *Journey) {
	where := "journey " + j.ID
	before := len(c.found)
	if len(j.Steps) > maxSteps {
		c.add(RuleSize, where, "", "%d steps, at most %d", len(j.Steps), maxSteps)
		return
	}
	if j.Stages < 1 || j.Stages > maxStages {
		c.add(RuleNumber, where, "", "stages %d, allowed are 1 to %d", j.Stages, maxStages)
	}
	seen := map[string]bool{}
	for i := range j.Steps {
		s := &j.Steps[i]
		if !isID(s.ID) {
			c.add(RuleID, where, "use a-z, 0-9 and . _ -", "step id %q is not an id", s.ID)
		}
		if seen[s.ID] {
			c.add(RuleID, where, "rename one", "two steps are called %q", s.ID)
		}
		seen[s.ID] = true
		c.step(j, s)
	}
	if j.Step(j.Start) == nil {
		c.add(RuleStartUnknown, where, "", "it starts with %q, which is none of its steps", j.Start)
	}
	for _, kind := range []StepKind{KindQuote, KindPay, KindIdentify} {
		if n := count(j, kind); n > 1 {
			c.add(RuleStepCount, where, "make one of them, or two journeys", "%d steps of kind %s; the engine shows and limits by the first", n, kind)
		}
	}
	c.wires(j)
	broken := slices.ContainsFunc(c.found[before:], func(f Finding) bool {
		return f.Rule == RuleStartUnknown || f.Rule == RuleID || f.Rule == RuleMember && strings.Contains(f.What, "kind of step")
	})
	if broken {
		return
	}
	c.graph(j)
	c.values(j)
	c.money(j)
}

func count(j *Journey, kind StepKind) int {
	n := 0
	for i := range j.Steps {
		if j.Steps[i].Kind == kind {
			n++
		}
	}
	return n
}

func stepPlace(j *Journey, s *Step) string { return "journey " + j.ID + ", step " + s.ID }

// members says which members a step has set, and in which kinds they belong.
func members(s *Step) map[string]bool {
	return map[string]bool{
		"accept": s.Accept, "final": s.Final, "reason": s.Reason != "",
		"fields": len(s.Fields) > 0,
		"ask":    s.Ask != "", "action": s.Action != "", "in": len(s.In) > 0, "out": len(s.Out) > 0, "wait_s": s.WaitS != 0,
		"amount": s.Amount != "", "payee": s.Payee != "", "purpose": s.Purpose != "", "rows": len(s.Rows) > 0,
		"commission": len(s.Commission) > 0, "valid_s": s.ValidS != 0,
		"limits":   len(s.Limits) > 0,
		"document": s.Document != "", "case": s.Case != "",
		"party": s.Party != "", "methods": len(s.Methods) > 0, "list": s.List != "",
	}
}

var membersOf = map[StepKind]struct{ must, may []string }{
	KindPresent: {nil, []string{"accept", "final", "reason", "list"}},
	KindForm:    {[]string{"fields"}, nil},
	KindQuery:   {[]string{"ask"}, []string{"in", "out", "wait_s"}},
	KindQuote:   {[]string{"amount", "payee"}, []string{"purpose", "rows", "commission", "valid_s"}},
	KindPay:     {[]string{"limits"}, nil},
	KindSubmit:  {[]string{"action"}, []string{"in", "wait_s"}},
	KindDeliver: {[]string{"document", "case"}, nil},

	KindIdentify: {[]string{"party", "methods"}, nil},
}

func (c *checker) step(j *Journey, s *Step) {
	where := stepPlace(j, s)
	kind, ok := membersOf[s.Kind]
	if !ok {
		c.add(RuleMember, where, "allowed are present, form, query, quote, pay, submit, deliver, identify", "%q is no kind of step", s.Kind)
		return
	}
	set := members(s)
	for _, m := range slices.Sorted(maps.Keys(set)) {
		switch {
		case set[m] && !slices.Contains(kind.must, m) && !slices.Contains(kind.may, m):
			c.add(RuleMember, where, "take it out", "%q does not belong to a step of kind %s", m, s.Kind)
		case !set[m] && slices.Contains(kind.must, m):
			c.add(RuleMember, where, "add it", "a step of kind %s needs %q", s.Kind, m)
		}
	}
	if s.Stage < 0 || s.Stage > j.Stages || s.Stage == 0 && !s.Final {
		c.add(RuleNumber, where, "", "stage %d, allowed are 1 to %d", s.Stage, j.Stages)
	}
	c.within(where, "timeout_s", s.TimeoutS, minTimeoutS, maxTimeoutS)
	c.within(where, "wait_s", s.WaitS, minWaitS, maxWaitS)
	c.within(where, "valid_s", s.ValidS, minValidS, maxValidS)
	switch s.Offline {
	case "", "forbid":
	case "local":
		if s.Kind == KindQuery || s.Kind == KindSubmit || s.Kind == KindIdentify {
			c.add(RuleMember, where, "leave it out", "a step of kind %s asks central and cannot be local", s.Kind)
		}
	default:
		c.add(RuleMember, where, "allowed are forbid and local", "offline %q", s.Offline)
	}
	switch s.Privacy {
	case "", "plain", "masked", "wipe":
	default:
		c.add(RuleMember, where, "allowed are plain, masked and wipe", "privacy %q", s.Privacy)
	}
	switch s.Kind {
	case KindPresent:
		c.present(where, s)
	case KindForm:
		c.fields(where, s)
	case KindQuote:
		c.commission(where, s.Commission)
		if len(s.Rows) > maxRows {
			c.add(RuleSize, where, "", "%d rows, at most %d", len(s.Rows), maxRows)
		}
	case KindPay:
		c.limits(where, s.Limits)
	case KindQuery:
		c.names(where, "ask", s.Ask, s)
	case KindSubmit:
		c.names(where, "action", s.Action, s)
	case KindIdentify:
		c.identify(where, s)
	case KindDeliver:
		if !slices.Contains([]string{CaseReceipt, CasePending, CaseLeftover, CaseNone}, s.Case) {
			c.add(RuleMember, where, "allowed are receipt, pending, leftover and none", "case %q", s.Case)
		}
		if c.b.Documents[s.Document] == nil {
			c.add(RuleReference, where, "add documents/"+s.Document+".json", "the document %q does not exist", s.Document)
		}
	}
}

func (c *checker) within(where, member string, n, least, most int) {
	if n != 0 && (n < least || n > most) {
		c.add(RuleNumber, where, "", "%s %d, allowed are %d to %d", member, n, least, most)
	}
}

func (c *checker) present(where string, s *Step) {
	if s.Body == "" && s.List == "" {
		c.add(RuleMember, where, "name a text as body", "a present step has nothing to say")
	}
	if s.List != "" && (s.Final || s.Accept) {
		c.add(RuleMember, where, "give it a step of its own", "a list is neither an ending nor something to accept")
	}
	switch {
	case s.Final && s.Accept:
		c.add(RuleMember, where, "choose one", "an ending cannot ask for acceptance")
	case s.Final && s.On["ok"] != TargetEnd:
		c.add(RuleMember, where, `let "ok" lead to @end`, "an ending leads to %q", s.On["ok"])
	case !s.Final && s.Reason != "":
		c.add(RuleMember, where, "take it out, or make it final", "a reason belongs to an ending")
	}
	if s.Reason != "" && !slices.Contains(Reasons(), s.Reason) {
		c.add(RuleMember, where, "allowed are "+strings.Join(Reasons(), " "), "reason %q", s.Reason)
	}
}

// identify checks whom and how a step signs people in.
func (c *checker) identify(where string, s *Step) {
	if s.Party != "" && c.b.Party(s.Party) == nil {
		c.add(RuleReference, where, "add it to parties.json", "the relying party %q does not exist", s.Party)
	}
	seen := map[string]bool{}
	for _, m := range s.Methods {
		if !slices.Contains(LoginMethods(), m) || seen[m] {
			c.add(RuleMember, where, "allowed are "+strings.Join(LoginMethods(), ", ")+", each once", "method %q", m)
		}
		seen[m] = true
	}
	ask := func(long int, keys ...string) {
		for _, k := range keys {
			c.text(where, "question", k, long, nil)
		}
	}
	if seen[LoginPassword] {
		ask(maxTitle, TextPasswordTitle, TextCodeTitle)
		ask(maxLabel, TextFIN, TextPassword, TextCode)
		ask(maxHint, TextFINHint, TextPasswordHint)
		c.text(where, "question", TextCodeHint, maxHint, func(p Placeholder) (Rule, string) {
			if p.Name != "phone_masked" {
				return RuleVariableUnknown, "only {phone_masked} is known here"
			}
			return "", ""
		})
	}
	if seen[LoginASAN] {
		ask(maxTitle, TextPhoneTitle)
		ask(maxLabel, TextPhone, TextUserID)
		ask(maxHint, TextPhoneHint, TextUserIDHint)
	}
}

// parties checks the relying parties.
func (c *checker) parties() {
	seen := map[string]bool{}
	for i := range c.b.Parties {
		p := &c.b.Parties[i]
		where := "party " + p.ID
		if !isID(p.ID) || seen[p.ID] {
			c.add(RuleID, where, "use a-z, 0-9 and . _ -, each once", "%q is not an id, or not the only one", p.ID)
		}
		seen[p.ID] = true
		if !origin.MatchString(p.Origin) || strings.HasSuffix(p.Origin, ":443") {
			c.add(RuleMember, where, "write https://host[:port] in lower case, without :443 and without a slash at its end",
				"%q is not an origin", p.Origin)
		}
		c.text(where, "name", p.Name, maxLabel, nil)
	}
}

// origin is the one form that all sides compute with.
var origin = regexp.MustCompile(`^https://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[1-9][0-9]{0,4})?$`)

// names checks what goes to central and comes from it.
func (c *checker) names(where, member, kind string, s *Step) {
	if !isID(kind) {
		c.add(RuleMember, where, "use a-z, 0-9 and . _ -", "%s %q is not an id", member, kind)
	}
	for name := range s.In {
		if !isName(name) {
			c.add(RuleVariableName, where, "use a-z, 0-9 and _", "%q is not a name for central", name)
		}
	}
	for _, p := range s.Out {
		for part := range strings.SplitSeq(p, ".") {
			if !isName(part) {
				c.add(RuleVariableName, where, "write names with dots between them", "%q is not a path into an answer", p)
				break
			}
		}
	}
}

// keyboards by type of field.
var keyboards = map[string][]string{
	FieldNotification: {"digits"},
	FieldCode:         {"latin", "digits"},
	FieldText:         {"text", "latin", "digits", "phone"},
	FieldName:         {"text", "latin"},
	FieldChoice:       {"none"},
}

func (c *checker) fields(where string, s *Step) {
	if len(s.Fields) > maxFields {
		c.add(RuleSize, where, "", "%d fields, at most %d", len(s.Fields), maxFields)
	}
	seen := map[string]bool{}
	for i := range s.Fields {
		f := &s.Fields[i]
		at := where + ", field " + f.Name
		if seen[f.Name] {
			c.add(RuleVariableName, at, "rename one", "two fields set the same variable")
		}
		seen[f.Name] = true
		allowed, ok := keyboards[f.Type]
		if !ok {
			c.add(RuleMember, at, "allowed are "+strings.Join(FieldTypes(), ", "), "%q is no type of field", f.Type)
			continue
		}
		if !slices.Contains(allowed, f.Keyboard) {
			c.add(RuleMember, at, "allowed are "+strings.Join(allowed, ", "), "keyboard %q for a field of type %s", f.Keyboard, f.Type)
		}
		if f.Type != FieldChoice {
			if f.Min < 0 || f.Max < 1 || f.Max > maxField || f.Min > f.Max {
				c.add(RuleNumber, at, "", "min %d and max %d; allowed are 0 to %d characters, min not above max", f.Min, f.Max, maxField)
			}
			if len(f.Choices) > 0 {
				c.add(RuleMember, at, "take them out", "only a field of type choice has choices")
			}
		}
		sum := 0
		for _, g := range f.Group {
			sum += max(g, 0)
			if g < 1 {
				c.add(RuleNumber, at, "", "a group of %d characters", g)
			}
		}
		if sum > max(f.Max, 0) {
			c.add(RuleNumber, at, "", "groups of %d characters in a field of at most %d", sum, f.Max)
		}
		c.pattern(at, "pattern", f.Pattern)
		c.pattern(at, "soft", f.Soft)
		if f.Type == FieldChoice {
			c.choices(at, f)
		}
	}
}

func (c *checker) choices(where string, f *Field) {
	if n := len(f.Choices); n < 2 || n > maxChoices {
		c.add(RuleMember, where, "", "%d choices, allowed are 2 to %d", n, maxChoices)
	}
	if f.Pattern != "" || f.Soft != "" {
		c.add(RuleMember, where, "take it out", "a choice needs no pattern")
	}
	seen := map[string]bool{}
	for _, ch := range f.Choices {
		if seen[ch.Value] || ch.Value == "" || ch.Value != Normalise(FieldChoice, ch.Value) {
			c.add(RuleMember, where, "give each choice its own value, without blanks at its ends", "value %q", ch.Value)
		}
		seen[ch.Value] = true
		c.text(where, "choice "+ch.Value, ch.Label, maxChoiceLabel, nil)
	}
}

// pattern wants an RE2 expression that is about the whole value.
func (c *checker) pattern(where, member, p string) {
	if p == "" {
		return
	}
	if len(p) > maxPattern {
		c.add(RulePattern, where, "shorten it", "its %s has %d bytes, at most %d", member, len(p), maxPattern)
		return
	}
	if _, err := regexp.Compile(p); err != nil {
		c.add(RulePattern, where, "write it in RE2", "its %s: %v", member, err)
		return
	}
	if !strings.HasPrefix(p, "^") || !strings.HasSuffix(p, "$") || strings.HasSuffix(p, `\$`) || topAlternative(p) {
		c.add(RulePattern, where, "begin with ^ and end with $, and put alternatives in (?:…)", "its %s is not about the whole value", member)
	}
}

// topAlternative reports a | outside of all brackets: "^a|b$" is about two halves.
func topAlternative(p string) bool {
	depth, class := 0, false
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '(':
			if !class {
				depth++
			}
		case ')':
			if !class {
				depth--
			}
		case '|':
			if !class && depth == 0 {
				return true
			}
		}
	}
	return false
}

func (c *checker) commission(where string, rules []CommissionRule) {
	if len(rules) > maxRules {
		c.add(RuleSize, where, "", "%d commission rules, at most %d", len(rules), maxRules)
		return
	}
	for i, r := range rules {
		for name, a := range map[string]money.Amount{"flat": r.Flat, "min": r.Min, "max": r.Max} {
			if a.IsNegative() {
				c.add(RulePrice, where, "", "commission rule %d: %s is negative", i+1, name)
			}
			if !a.Currency.Valid() && !a.IsZero() {
				c.add(RulePrice, where, "", "commission rule %d: %s has the currency %q", i+1, name, a.Currency)
			}
			if a.Currency.Valid() && r.Flat.Currency.Valid() && a.Currency != r.Flat.Currency {
				c.add(RulePrice, where, "", "commission rule %d: %s and flat have two currencies", i+1, name)
			}
		}
		switch {
		case r.Percent < 0 || r.Percent > 10000:
			c.add(RulePrice, where, "", "commission rule %d: percent_hundredths %d, allowed are 0 to 10000", i+1, r.Percent)
		case r.Max.IsPositive() && r.Max.Minor < r.Min.Minor:
			c.add(RulePrice, where, "", "commission rule %d: max is below min", i+1)
		case r.Max.IsPositive() && r.Max.Minor < r.Flat.Minor:
			c.add(RulePrice, where, "", "commission rule %d: max is below flat", i+1)
		}
		if r.ValidFrom.IsZero() {
			c.add(RulePrice, where, "", "commission rule %d has no valid_from", i+1)
		}
		if slices.ContainsFunc(rules[:i], func(o CommissionRule) bool { return o.ValidFrom.Equal(r.ValidFrom) }) {
			c.add(RulePrice, where, "", "commission rule %d begins with another at the same instant", i+1)
		}
	}
}

func (c *checker) limits(where string, rules []LimitRule) {
	if len(rules) > maxRules {
		c.add(RuleSize, where, "", "%d limit rules, at most %d", len(rules), maxRules)
		return
	}
	for i, r := range rules {
		if !r.MaxCash.IsPositive() || !r.MaxCash.Currency.Valid() {
			c.add(RuleLimit, where, "", "limit rule %d: max_cash %s", i+1, r.MaxCash)
		}
		if r.MaxNotes < 1 || r.MaxNotes > maxNotes {
			c.add(RuleLimit, where, "", "limit rule %d: max_notes %d, allowed are 1 to %d", i+1, r.MaxNotes, maxNotes)
		}
		if r.ValidFrom.IsZero() {
			c.add(RuleLimit, where, "", "limit rule %d has no valid_from", i+1)
		}
		if slices.ContainsFunc(rules[:i], func(o LimitRule) bool { return o.ValidFrom.Equal(r.ValidFrom) }) {
			c.add(RuleLimit, where, "", "limit rule %d begins with another at the same instant", i+1)
		}
	}
	if len(rules) > 0 && !c.b.NotBefore.IsZero() {
		if _, ok := Limit(rules, c.b.NotBefore); !ok {
			c.add(RuleLimit, where, "let one rule begin before the bundle does", "no limit is in force when the bundle begins")
		}
	}
}
