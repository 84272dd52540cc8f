package catalogue

import (
	"maps"
	"slices"
	"strings"
)

// wires checks that every outcome of every step has a target that exists, and
// that there is no target for an outcome that cannot be.
func (c *checker) wires(j *Journey) {
	for i := range j.Steps {
		s := &j.Steps[i]
		if _, ok := Outcomes[s.Kind]; !ok {
			continue // reported as a step without a kind
		}
		where := stepPlace(j, s)
		for _, o := range outcomes(s) {
			if s.On[o] == "" {
				c.add(RuleOutcomeMissing, where, `add "`+o+`" to its on`, "the outcome %q has no target", o)
			}
		}
		for _, o := range slices.Sorted(maps.Keys(s.On)) {
			if !possible(s, o) {
				c.add(RuleOutcomeUnknown, where, "take it out", "a step of kind %s cannot end with %q", s.Kind, o)
			}
			t := s.On[o]
			if t != "" && t != TargetEnd && t != TargetLeave && j.Step(t) == nil {
				c.add(RuleTargetUnknown, where, "name a step, @end or @leave", "%q leads to %q, which does not exist", o, t)
			}
		}
	}
}

// outcomes are those that a step must have a target for.
func outcomes(s *Step) []string {
	return slices.DeleteFunc(slices.Clone(Outcomes[s.Kind]), func(o string) bool {
		return s.Kind == KindPresent && o == "refused" && !s.Accept
	})
}

// possible reports whether a step may end so: its outcomes, a query's reasons, and
// the answers of a form whose only question is a choice.
func possible(s *Step, outcome string) bool {
	if slices.Contains(outcomes(s), outcome) || s.Kind == KindQuery && blockedOutcome.MatchString(outcome) {
		return true
	}
	m := chosenOutcome.FindStringSubmatch(outcome)
	return m != nil && s.Chooses() && slices.ContainsFunc(s.Fields[0].Choices, func(c Choice) bool { return c.Value == m[1] })
}

// Chooses reports whether a step is a form whose only question is a choice, which
// must be answered: then each answer may lead elsewhere.
func (s *Step) Chooses() bool {
	return s.Kind == KindForm && len(s.Fields) == 1 && s.Fields[0].Type == FieldChoice && s.Fields[0].Required
}

// edge is one way out of a step.
type edge struct {
	outcome, target string
}

// edges are the ways out that can be taken, sorted. An ending has none: the
// engine ends the visit there.
func edges(s *Step) []edge {
	if s.Final {
		return nil
	}
	var out []edge
	for o, t := range s.On {
		if t != "" && possible(s, o) {
			out = append(out, edge{o, t})
		}
	}
	slices.SortFunc(out, func(a, b edge) int { return strings.Compare(a.outcome, b.outcome) })
	return out
}

// byPerson reports whether an outcome needs a person's act. A sum that is covered
// needs one too, but no journey may lean on that: see RulePayTwice.
func byPerson(s *Step, outcome string) bool {
	switch s.Kind {
	case KindPresent, KindForm, KindIdentify:
		return true
	case KindQuote:
		return outcome == "ok" || outcome == "back"
	}
	return false
}

// graph checks the shape: every step can be reached and left, progress does not
// go backwards, and nothing goes round by itself.
func (c *checker) graph(j *Journey) {
	reached := map[string]bool{}
	queue := []string{j.Start}
	for len(queue) > 0 {
		s := j.Step(queue[0])
		queue = queue[1:]
		if s == nil || reached[s.ID] {
			continue
		}
		reached[s.ID] = true
		for _, e := range edges(s) {
			queue = append(queue, e.target)
		}
	}
	leaves := c.leaving(j)
	for i := range j.Steps {
		s := &j.Steps[i]
		switch {
		case !reached[s.ID]:
			c.add(RuleUnreachable, stepPlace(j, s), "lead to it or take it out", "no path from %q leads here", j.Start)
		case !leaves[s.ID]:
			c.add(RuleNoEnd, stepPlace(j, s), "lead on to an end", "no path from here leads to an end")
		}
		for _, e := range edges(s) {
			t := j.Step(e.target)
			// A sign-in that has ended may be asked for again.
			if t != nil && e.outcome != "back" && e.outcome != "refused" && t.Kind != KindIdentify && t.Stage > 0 && t.Stage < s.Stage {
				c.add(RuleStageBack, stepPlace(j, s), "give the steps rising stages", "%q leads from stage %d to stage %d", e.outcome, s.Stage, t.Stage)
			}
		}
	}
	if circle := loop(j, reached); circle != nil {
		c.add(RuleLoop, stepPlace(j, j.Step(circle[0])), "let a person decide somewhere on the way",
			"the circle %s goes round without a person's act", strings.Join(circle, " → "))
	}
}

// leaving is the set of steps from which some path ends.
func (c *checker) leaving(j *Journey) map[string]bool {
	leaves := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for i := range j.Steps {
			s := &j.Steps[i]
			if leaves[s.ID] {
				continue
			}
			if s.Final || slices.ContainsFunc(edges(s), func(e edge) bool {
				return e.target == TargetEnd || e.target == TargetLeave || leaves[e.target]
			}) {
				leaves[s.ID] = true
				changed = true
			}
		}
	}
	return leaves
}

// loop finds a circle of outcomes that need no person, as "a → b → a", or nil.
func loop(j *Journey, reached map[string]bool) []string {
	const (
		fresh = iota
		open
		done
	)
	mark := map[string]int{}
	var path, found []string
	var visit func(id string)
	visit = func(id string) {
		s := j.Step(id)
		if s == nil || found != nil {
			return
		}
		switch mark[id] {
		case done:
			return
		case open:
			found = append(slices.Clone(path[slices.Index(path, id):]), id)
			return
		}
		mark[id] = open
		path = append(path, id)
		for _, e := range edges(s) {
			if !byPerson(s, e.outcome) {
				visit(e.target)
			}
		}
		path = path[:len(path)-1]
		mark[id] = done
	}
	for i := range j.Steps {
		if reached[j.Steps[i].ID] {
			visit(j.Steps[i].ID)
		}
	}
	return found
}
