package catalogue

import (
	"maps"
	"slices"
)

// Check proves that a bundle is safe to run, or lists why it is not. An empty
// answer means:
//
//   - no path of any journey takes money and ends without its posting (or its
//     record as a leftover) and a slip that says which of the two it was;
//   - no posting of unknown result hands money back;
//   - what is to be paid is shown before the first note, and comes from central;
//   - every outcome of every step leads on, every step can be reached and left,
//     and nothing goes round without a person's act;
//   - every value is set before it is used, and none that is private is shown;
//   - every text exists in the nine languages with the same values, with every
//     plural category of the language, and within its length;
//   - every slip says what a slip about money must say.
//
// Check is deterministic and bounded, and does not panic on a bundle that is
// wrong in every way.
func Check(b *Bundle) []Finding {
	c := &checker{b: b, messages: map[string]map[string]*Message{}, slipKeys: map[string]bool{}}
	c.bundle()
	c.parseTexts()
	for _, id := range slices.Sorted(maps.Keys(b.Documents)) {
		if d := b.Documents[id]; d == nil || d.ID != id || !isID(id) {
			c.add(RuleID, "document "+id, "", "its id is not its name, or not an id")
		} else {
			c.document(d)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.Journeys)) {
		if j := b.Journeys[id]; j == nil || j.ID != id || !isID(id) {
			c.add(RuleID, "journey "+id, "", "its id is not its name, or not an id")
		} else {
			c.journey(j)
		}
	}
	c.services()
	c.parties()
	c.texts()
	return c.sorted()
}

// bundle checks what is true of the bundle as a whole.
func (c *checker) bundle() {
	b := c.b
	if !b.NotBefore.IsZero() && !b.NotBefore.Before(b.NotAfter) {
		c.add(RuleDates, "bundle", "give it an end after its beginning", "it ends at %s, before it begins", b.NotAfter)
	}
	if len(b.Services) == 0 {
		c.add(RuleMember, "services", "list at least one", "there is no service")
	}
	if len(b.Services) > maxServices || len(b.Journeys) > maxServices || len(b.Documents) > maxServices {
		c.add(RuleSize, "bundle", "", "more than %d services, journeys or documents", maxServices)
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(b.Journeys)), func(j *Journey) bool { return j != nil && j.has(KindPay) }) {
		for _, id := range []string{DocumentPending, DocumentLeftover} {
			if b.Documents[id] == nil {
				c.add(RuleReference, "documents", "add documents/"+id+".json",
					"no document %q: the terminal prints it by itself when power was lost during a payment", id)
			}
		}
	}
	used := map[string]bool{DocumentPending: true, DocumentLeftover: true}
	for _, j := range b.Journeys {
		if j == nil {
			continue
		}
		for i := range j.Steps {
			used[j.Steps[i].Document] = true
		}
	}
	for id := range b.Documents {
		if !used[id] {
			c.add(RuleReference, "document "+id, "use it or take it out", "no step prints it")
		}
	}
}

func (j *Journey) has(kind StepKind) bool {
	return slices.ContainsFunc(j.Steps, func(s Step) bool { return s.Kind == kind })
}

// needs that a service can name, and the kinds of steps that ask for them.
const (
	needCentral = "central"
	needCash    = "cash"
	needPrinter = "printer"
)

func (c *checker) services() {
	seen, started := map[string]bool{}, map[string]bool{}
	for i := range c.b.Services {
		s := &c.b.Services[i]
		where := "service " + s.ID
		switch {
		case !isID(s.ID):
			c.add(RuleID, where, "use a-z, 0-9 and . _ -", "%q is not an id", s.ID)
		case seen[s.ID]:
			c.add(RuleID, where, "rename one", "two services have this id")
		}
		seen[s.ID], started[s.Journey] = true, true
		if !isID(s.Category) {
			c.add(RuleMember, where, "use a-z, 0-9 and . _ -", "category %q is not an id", s.Category)
		}
		c.text(where, "title", s.Title, maxServiceTitle, nil)
		if s.Hint != "" {
			c.text(where, "hint", s.Hint, maxHint, nil)
		}
		needs := map[string]bool{}
		for _, n := range s.Needs {
			if needs[n] || n != needCentral && n != needCash && n != needPrinter {
				c.add(RuleNeeds, where, "allowed are central, cash and printer, each once", "need %q", n)
			}
			needs[n] = true
		}
		j := c.b.Journeys[s.Journey]
		if j == nil {
			c.add(RuleReference, where, "add journeys/"+s.Journey+".json", "its journey %q does not exist", s.Journey)
			continue
		}
		if (j.has(KindQuery) || j.has(KindSubmit) || j.has(KindIdentify)) && !needs[needCentral] {
			c.add(RuleOffline, where, "add central to its needs", "its journey asks central, but it would be offered while central is down")
		}
		if j.has(KindPay) && !needs[needCash] {
			c.add(RuleOffline, where, "add cash to its needs", "its journey takes notes, but it would be offered while none can be taken")
		}
	}
	for id := range c.b.Journeys {
		if !started[id] {
			c.add(RuleReference, "journey "+id, "use it or take it out", "no service starts it")
		}
	}
}
