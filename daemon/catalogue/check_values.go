package catalogue

import (
	"maps"
	"slices"
	"strings"
)

// values checks that every variable is set on every path before it is used, that
// amounts come from the quote, and that private values stay where they belong.
func (c *checker) values(j *Journey) {
	f := &flow{c: c, j: j, kinds: map[string]VarKind{}, private: map[string]string{}, sums: map[string]bool{},
		lists: map[string]bool{}}
	f.declare()
	f.solve()
	for i := range j.Steps {
		if s := &j.Steps[i]; f.before[s.ID] != nil {
			f.step(s)
		}
	}
}

// flow is the analysis of one journey: which variables have a value when a step
// begins, whatever the path (a forward must-analysis).
type flow struct {
	c       *checker
	j       *Journey
	kinds   map[string]VarKind         // of the journey's own variables
	private map[string]string          // variable -> masked or wipe
	sums    map[string]bool            // variables that a quote takes its amount from
	lists   map[string]bool            // variables that a present step shows as a list
	before  map[string]map[string]bool // step -> variables that are set; nil: not reached
}

// declare finds out what the journey's variables are.
func (f *flow) declare() {
	for i := range f.j.Steps {
		if s := &f.j.Steps[i]; s.Kind == KindQuote {
			f.sums[s.Amount] = true
		} else if s.List != "" {
			f.lists[s.List] = true
		}
	}
	for i := range f.j.Steps {
		s := &f.j.Steps[i]
		where := stepPlace(f.j, s)
		set := func(name string, kind VarKind) {
			_, owned := documentVar(name)
			switch {
			case !isName(name):
				f.c.add(RuleVariableName, where, "use a-z, 0-9 and _", "%q is not a name for a variable", name)
			case owned, name == VarSession && s.Kind != KindIdentify:
				f.c.add(RuleVariableName, where, "choose another name", "{%s} is the engine's own variable", name)
			case f.kinds[name] != 0 && f.kinds[name] != kind:
				f.c.add(RuleVariableKind, where, "choose two names", "{%s} is set as two kinds of value", name)
			}
			f.kinds[name] = kind
			if s.Privacy == "wipe" || s.Privacy == "masked" && f.private[name] == "" {
				f.private[name] = s.Privacy
			}
		}
		for k := range s.Fields {
			kind := VarIsCode
			if t := s.Fields[k].Type; t == FieldText || t == FieldName || t == FieldChoice {
				kind = VarIsText
			}
			if f.sums[s.Fields[k].Name] {
				f.c.add(RuleAmountSource, where, "let central say it", "the person would type the amount {%s} of a quote", s.Fields[k].Name)
			}
			set(s.Fields[k].Name, kind)
		}
		for _, name := range slices.Sorted(maps.Keys(s.Out)) {
			kind := VarIsText
			switch {
			case f.sums[name]:
				kind = VarIsMoney
			case f.lists[name]:
				kind = VarIsList
			}
			set(name, kind)
		}
		if s.Kind == KindIdentify {
			set(VarSession, VarIsSession)
		}
	}
}

// solve walks the graph until nothing changes: what is set before a step is what
// every way into it has set.
func (f *flow) solve() {
	f.before = map[string]map[string]bool{f.j.Start: {}}
	queue := []string{f.j.Start}
	for len(queue) > 0 {
		s := f.j.Step(queue[0])
		queue = queue[1:]
		if s == nil {
			continue
		}
		for _, e := range edges(s) {
			if f.j.Step(e.target) == nil {
				continue
			}
			out := maps.Clone(f.before[s.ID])
			for _, name := range f.sets(s, e.outcome) {
				out[name] = true
			}
			old, reached := f.before[e.target]
			if reached {
				for name := range out {
					if !old[name] {
						delete(out, name)
					}
				}
				if len(out) == len(old) {
					continue
				}
			}
			f.before[e.target] = out
			queue = append(queue, e.target)
		}
	}
}

// sets lists what a step has set when it ends so.
func (f *flow) sets(s *Step, outcome string) []string {
	var out []string
	switch {
	case s.Kind == KindForm && strings.HasPrefix(outcome, "ok"):
		for i := range s.Fields {
			out = append(out, s.Fields[i].Name)
		}
	case s.Kind == KindQuery && outcome == "found":
		for name := range s.Out {
			out = append(out, name)
		}
	case s.Kind == KindIdentify && outcome == "ok":
		out = append(out, VarSession)
	case s.Kind == KindQuote:
		for name := range quoteVars {
			out = append(out, name)
		}
	}
	return out
}

// step checks every use of a variable in a step.
func (f *flow) step(s *Step) {
	where := stepPlace(f.j, s)
	set := f.before[s.ID]
	if s.Kind == KindQuote {
		set = maps.Clone(set)
		for name := range quoteVars {
			set[name] = true // the quote freezes them as it begins
		}
	}
	shown := f.shown(set)
	if s.Title != "" {
		f.c.text(where, "title", s.Title, maxTitle, shown)
	}
	if s.Body != "" {
		f.c.text(where, "body", s.Body, maxBody, shown)
	}
	for i := range s.Fields {
		fl := &s.Fields[i]
		at := where + ", field " + fl.Name
		f.c.text(at, "label", fl.Label, maxLabel, shown)
		if fl.Hint != "" {
			f.c.text(at, "hint", fl.Hint, maxHint, shown)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.In)) {
		f.sent(where, s, name, s.In[name], set)
	}
	if s.List != "" && !set[s.List] {
		f.c.add(RuleVariableUnset, where, "lead here through the query that sets it", "its list {%s} has no value on some path to here", s.List)
	}
	switch s.Kind {
	case KindQuote:
		f.quote(where, s, set, shown)
	case KindDeliver:
		f.printed(where, s, set)
	}
}

// shown says what is wrong with a value on the screen.
func (f *flow) shown(set map[string]bool) func(Placeholder) (Rule, string) {
	return func(p Placeholder) (Rule, string) {
		kind, own := f.kinds[p.Name]
		engine, always := screenVars[p.Name]
		sum, fromQuote := quoteVars[p.Name]
		switch {
		case !own && !always && !fromQuote:
			return RuleVariableUnknown, "no step sets it"
		case f.sums[p.Name]:
			return RuleAmountSource, "show {amount}, {commission} or {total}, which the quote has frozen"
		case kind == VarIsList, kind == VarIsSession:
			return RuleVariableKind, "it is nothing that a text can show"
		case !always && !set[p.Name]:
			return RuleVariableUnset, "some path leads here on which it has no value"
		case f.private[p.Name] == "wipe":
			return RulePrivate, "it is to be wiped and is not shown"
		case p.Plural && max(kind, engine, sum) != VarIsNumber:
			return RuleVariableKind, "it is no number and cannot choose a plural"
		}
		return "", ""
	}
}

// sent checks a value that goes to central.
func (f *flow) sent(where string, s *Step, name, variable string, set map[string]bool) {
	switch {
	case f.kinds[variable] == 0:
		f.c.add(RuleVariableUnknown, where, "", "it sends %s from {%s}, which no step sets", name, variable)
	case f.kinds[variable] == VarIsList, f.kinds[variable] == VarIsSession && s.Kind != KindQuery:
		f.c.add(RuleVariableKind, where, "take it out", "it sends {%s}, which does not go there", variable)
	case f.sums[variable]:
		f.c.add(RuleAmountSource, where, "take it out; the engine sends what the quote has frozen", "it sends the amount {%s}", variable)
	case !set[variable]:
		f.c.add(RuleVariableUnset, where, "", "it sends %s from {%s}, which has no value on some path to here", name, variable)
	case s.Kind == KindSubmit && f.private[variable] == "wipe":
		f.c.add(RulePrivate, where, "", "it sends {%s}, which is to be wiped, and what is sent is kept in the journal", variable)
	}
}

func (f *flow) quote(where string, s *Step, set map[string]bool, shown func(Placeholder) (Rule, string)) {
	switch {
	case s.Amount == "": // reported as a missing member
	case f.kinds[s.Amount] == 0:
		f.c.add(RuleVariableUnknown, where, "set it from a query's answer", "its amount {%s} is set by no step", s.Amount)
	case !set[s.Amount]:
		f.c.add(RuleVariableUnset, where, "lead here through the query that sets it", "its amount {%s} has no value on some path to here", s.Amount)
	}
	// Payee and purpose also stand on the slip, which lies about.
	onSlip := func(p Placeholder) (Rule, string) {
		if f.private[p.Name] != "" {
			return RulePrivate, "it also stands on the slip, and the value is private"
		}
		return shown(p)
	}
	if s.Payee != "" {
		f.c.template(where, "payee", s.Payee, onSlip)
	}
	if s.Purpose != "" {
		f.c.template(where, "purpose", s.Purpose, onSlip)
	}
	for i := range s.Rows {
		f.c.text(where, "row label", s.Rows[i].Label, maxLabel, nil)
		f.c.template(where, "row "+s.Rows[i].Label, s.Rows[i].Value, shown)
	}
}

// printed checks the journey's own values on a slip. It lies about, and others
// read it: what is masked or to be wiped does not go there.
func (f *flow) printed(where string, s *Step, set map[string]bool) {
	d := f.c.b.Documents[s.Document]
	if d == nil || d.ID == DocumentPending || d.ID == DocumentLeftover {
		return // those use nothing of the journey's
	}
	told := map[string]bool{}
	for _, u := range f.c.documentUses(d) {
		if _, engine := documentVar(u.name); engine || told[u.name] {
			continue
		}
		told[u.name] = true
		switch {
		case f.kinds[u.name] == 0:
			f.c.add(RuleVariableUnknown, where, "", "the document %s shows {%s}, which no step sets", d.ID, u.name)
		case f.kinds[u.name] == VarIsList, f.kinds[u.name] == VarIsSession:
			f.c.add(RuleVariableKind, where, "take it out", "the document %s shows {%s}, which is nothing for a slip", d.ID, u.name)
		case f.sums[u.name]:
			f.c.add(RuleAmountSource, where, "show {amount}, {commission} or {total}", "the document %s shows the amount {%s}", d.ID, u.name)
		case !set[u.name]:
			f.c.add(RuleVariableUnset, where, "", "the document %s shows {%s}, which has no value on some path to here", d.ID, u.name)
		case f.private[u.name] != "":
			f.c.add(RulePrivate, where, "show {subject}, which is masked", "the document %s shows {%s}, which is private", d.ID, u.name)
		}
	}
}
