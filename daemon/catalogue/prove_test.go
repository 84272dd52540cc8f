package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// teller is what happened to the money of a visit, kept as plain facts. It knows
// nothing of the prover's states and judges every act by what a person or an
// auditor would say of it: the prover's oracle.
type teller struct {
	slotOpened bool // notes could be put in
	moneyIn    bool // and some were
	covered    bool // all that is owed
	sumKnown   bool // the person saw the sum that is asked for
	sent       bool // the posting left the terminal
	answer     string
	toldOn     string // the slip that says what became of the money
}

// act lets a step happen with an outcome; harm is what an auditor would object to.
func (f teller) act(s *Step, outcome string) (_ teller, harm string) {
	unaccounted := f.moneyIn && f.toldOn == ""
	switch s.Kind {
	case KindPay:
		if f.slotOpened {
			return f, "the slot opens a second time"
		}
		if !f.sumKnown {
			return f, "money for an unknown sum"
		}
		f.slotOpened, f.sumKnown = true, false
		f.moneyIn = outcome != "empty"
		f.covered = outcome == "paid"
	case KindSubmit:
		if !f.covered || f.sent || f.toldOn != "" {
			return f, "a posting without its money"
		}
		f.sent = true
		if outcome != "unknown" {
			f.answer = outcome
		}
	case KindDeliver:
		truth := CaseNone
		switch {
		case !unaccounted:
		case f.covered && !f.sent:
			return f, "the person paid and nobody is told"
		case f.sent && f.answer == "":
			truth = CasePending
		case f.answer == "done":
			truth = CaseReceipt
		default:
			truth = CaseLeftover
		}
		if s.Case != truth {
			return f, "the slip lies"
		}
		if unaccounted {
			f.toldOn = s.Case
		}
	default:
		if unaccounted {
			return f, "the person walks away from money"
		}
		switch {
		case s.Kind == KindQuote:
			f.sumKnown = outcome == "ok"
		case outcome == "ok" && s.Kind == KindForm, outcome == "found":
			f.sumKnown = false
		}
	}
	return f, ""
}

func (f teller) goodbye(target string) (harm string) {
	if f.moneyIn && f.toldOn == "" {
		return "gone with money unaccounted for"
	}
	if target == TargetLeave && f.slotOpened {
		return "another service in a visit that can no longer pay"
	}
	return ""
}

// audit walks every path (each pair of step and facts once) and lists the steps
// at which harm is done.
func audit(j *Journey) map[string]bool {
	type place struct {
		step  string
		facts teller
	}
	seen, harmed := map[place]bool{}, map[string]bool{}
	var walk func(place)
	walk = func(p place) {
		s := j.Step(p.step)
		if s == nil || seen[p] {
			return
		}
		seen[p] = true
		if s.Final {
			if _, harm := p.facts.act(s, "ok"); harm != "" {
				harmed[s.ID] = true
			}
			return
		}
		for outcome, target := range s.On {
			next, harm := p.facts.act(s, outcome)
			if harm == "" && (target == TargetEnd || target == TargetLeave) {
				harm = next.goodbye(target)
			}
			if harm != "" {
				harmed[s.ID] = true
				continue
			}
			walk(place{target, next})
		}
	}
	walk(place{step: j.Start})
	return harmed
}

// agree holds the prover against the auditor: the same steps do harm, and every
// path that the prover names can be walked and does it.
func agree(t *rapid.T, j *Journey) {
	found := prove(j)
	blamed := map[string]bool{}
	for _, v := range found {
		blamed[v.step.ID] = true
		replay(t, j, v)
	}
	if want := audit(j); !maps.Equal(blamed, want) {
		t.Fatalf("the prover blames %v, the auditor %v\n%s", slices.Sorted(maps.Keys(blamed)), slices.Sorted(maps.Keys(want)), draw(j))
	}
}

func replay(t *rapid.T, j *Journey, v violation) {
	var facts teller
	for i, m := range v.path {
		if m.step == TargetEnd || m.step == TargetLeave {
			if facts.goodbye(m.step) == "" {
				t.Fatalf("no harm at the end of %s\n%s", v.trail(), draw(j))
			}
			return
		}
		s := j.Step(m.step)
		outcome := m.outcome
		last := i == len(v.path)-1
		if last {
			outcome = outcomes(s)[0]
		}
		next, harm := facts.act(s, outcome)
		if last != (harm != "") {
			t.Fatalf("harm %q at %s, part %d of %s\n%s", harm, m.step, i, v.trail(), draw(j))
		}
		if !last && s.On[m.outcome] != v.path[i+1].step {
			t.Fatalf("%s is no path\n%s", v.trail(), draw(j))
		}
		facts = next
	}
}

func draw(j *Journey) string {
	var b []byte
	for i := range j.Steps {
		s := &j.Steps[i]
		b = fmt.Appendf(b, "%s %s %s final=%v %v\n", s.ID, s.Kind, s.Case, s.Final, s.On)
	}
	return string(b)
}

func TestProverAgainstAuditorOnAnyGraph(t *testing.T) {
	pools := [][]StepKind{
		{KindPresent, KindForm, KindQuery, KindQuote, KindPay, KindSubmit, KindDeliver},
		{KindForm, KindQuery, KindQuote, KindQuote, KindPay}, // until the slot opens
		{KindQuote, KindPay, KindSubmit, KindDeliver},        // and after it
	}
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SampledFrom(pools).Draw(t, "pool")
		n := rapid.IntRange(1, 8).Draw(t, "steps")
		j := &Journey{ID: "any", Start: "s0"}
		targets := []string{TargetEnd, TargetLeave}
		for i := range n {
			targets = append(targets, fmt.Sprintf("s%d", i))
		}
		for i := range n {
			s := Step{ID: fmt.Sprintf("s%d", i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), On: map[string]string{}}
			switch s.Kind {
			case KindDeliver:
				s.Case = rapid.SampledFrom([]string{CaseReceipt, CasePending, CaseLeftover, CaseNone}).Draw(t, "case")
			case KindPresent:
				s.Final = rapid.Bool().Draw(t, "final")
			}
			for _, o := range outcomes(&s) {
				s.On[o] = rapid.SampledFrom(targets).Draw(t, o)
			}
			j.Steps = append(j.Steps, s)
		}
		agree(t, j)
	})
}

// Most random graphs fail at once; these are a good journey with a few wrong ways.
func TestProverAgainstAuditorNearAGoodJourney(t *testing.T) {
	fresh := good(t)
	var ids []string
	for _, s := range fresh.Journeys["pay.notification"].Steps {
		ids = append(ids, s.ID)
	}
	targets := append([]string{TargetEnd, TargetLeave}, ids...)
	safe := 0
	rapid.Check(t, func(t *rapid.T) {
		j := clone(fresh.Journeys["pay.notification"])
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			s := j.Step(rapid.SampledFrom(ids).Draw(t, "step"))
			switch {
			case s.Kind == KindDeliver && rapid.Bool().Draw(t, "its case"):
				s.Case = rapid.SampledFrom([]string{CaseReceipt, CasePending, CaseLeftover, CaseNone}).Draw(t, "case")
			default:
				o := rapid.SampledFrom(slices.Sorted(maps.Keys(s.On))).Draw(t, "outcome")
				s.On[o] = rapid.SampledFrom(targets).Draw(t, "target")
			}
		}
		agree(t, j)
		if len(prove(j)) == 0 {
			safe++
		}
	})
	if safe == 0 {
		t.Error("no journey was safe: the test proves little")
	}
}

func clone(j *Journey) *Journey {
	c := *j
	c.Steps = slices.Clone(j.Steps)
	for i := range c.Steps {
		c.Steps[i].On = maps.Clone(c.Steps[i].On)
	}
	return &c
}

// Circles: the checker's search against following every way so many times that
// one must have repeated itself.
func TestLoopAgainstLongWalks(t *testing.T) {
	kinds := []StepKind{KindPresent, KindQuery, KindQuote, KindSubmit, KindDeliver}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "steps")
		j := &Journey{ID: "any", Start: "s0"}
		reached := map[string]bool{}
		for i := range n {
			s := Step{ID: fmt.Sprintf("s%d", i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), On: map[string]string{}}
			for _, o := range outcomes(&s) {
				s.On[o] = rapid.SampledFrom([]string{TargetEnd, TargetEnd, "s0", "s1", "s2", "s3", "s4", "s5"}).Draw(t, o)
			}
			j.Steps = append(j.Steps, s)
			reached[s.ID] = true
		}
		// From which steps can one still go on after so many moves by itself?
		going := maps.Clone(reached)
		for range n + 1 {
			next := map[string]bool{}
			for id := range going {
				s := j.Step(id)
				for o, target := range s.On {
					if going[target] && (s.Kind == KindQuery || s.Kind == KindSubmit || s.Kind == KindDeliver || s.Kind == KindQuote && o != "ok" && o != "back") {
						next[id] = true
					}
				}
			}
			going = next
		}
		circle := loop(j, reached)
		if (circle != nil) != (len(going) > 0) {
			t.Fatalf("circle %v, but %v go on for ever\n%s", circle, going, draw(j))
		}
		for i := 0; i+1 < len(circle); i++ {
			if !slices.ContainsFunc(edges(j.Step(circle[i])), func(e edge) bool { return e.target == circle[i+1] }) {
				t.Fatalf("%v is no circle\n%s", circle, draw(j))
			}
		}
	})
}

// Values: a variable that the checker takes for set has a value on every walk.
func TestValuesAgainstRandomWalks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "steps")
		j := &Journey{ID: "any", Start: "s0"}
		for i := range n {
			s := Step{ID: fmt.Sprintf("s%d", i), Kind: rapid.SampledFrom([]StepKind{KindForm, KindQuery, KindPresent}).Draw(t, "kind"), On: map[string]string{}}
			v := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "sets")
			switch s.Kind {
			case KindForm:
				s.Fields = []Field{{Name: v, Type: FieldText}}
			case KindQuery:
				s.Out = map[string]string{v: "x"}
			}
			for _, o := range outcomes(&s) {
				s.On[o] = fmt.Sprintf("s%d", rapid.IntRange(0, n-1).Draw(t, o))
			}
			j.Steps = append(j.Steps, s)
		}
		f := &flow{c: &checker{b: &Bundle{}}, j: j, kinds: map[string]VarKind{}, private: map[string]string{}, sums: map[string]bool{}}
		f.solve()
		// Every walk with the values that it has really set, each pair once.
		type place struct {
			step string
			a    [3]bool
		}
		some := map[string][3]bool{} // values that every walk to the step has
		seen := map[place]bool{}
		var walk func(place)
		walk = func(p place) {
			if seen[p] {
				return
			}
			seen[p] = true
			all, ok := some[p.step]
			if !ok {
				all = p.a
			}
			for i := range all {
				all[i] = all[i] && p.a[i]
			}
			some[p.step] = all
			s := j.Step(p.step)
			for o, target := range s.On {
				next := place{target, p.a}
				if s.Kind == KindForm && o == "ok" {
					next.a[s.Fields[0].Name[0]-'a'] = true
				}
				if s.Kind == KindQuery && o == "found" {
					for v := range s.Out {
						next.a[v[0]-'a'] = true
					}
				}
				walk(next)
			}
		}
		walk(place{step: "s0"})
		for id, all := range some {
			for i, want := range all {
				if got := f.before[id][string(rune('a'+i))]; got != want {
					t.Fatalf("{%c} before %s: %v, by walking %v\n%s", 'a'+i, id, got, want, draw(j))
				}
			}
		}
	})
}
