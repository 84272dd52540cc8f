package catalogue

import (
	"strings"
)

// purse is where the money of a visit stands, as far as a journey can tell. The
// prover walks the product of the journey's graph with it.
type purse int

const (
	purseEmpty    purse = iota // nothing was taken and nothing could be
	purseClosed                // notes could be put in, none was, the tender is closed
	purseHeld                  // paid in full: it must be posted
	purseStranded              // taken, and it will not be posted: it must become a leftover
	pursePending               // sent, the answer is not here: it must be shown as pending
	pursePosted                // posted: it needs its receipt
	purseSettled               // a slip says what became of it
)

var purseWords = map[purse]string{
	purseEmpty:    "no money is in",
	purseClosed:   "no money was put in",
	purseHeld:     "money is held for a posting that has not been sent",
	purseStranded: "money is in that was not used and is not recorded on a slip",
	pursePending:  "money is on its way, and no slip says so",
	pursePosted:   "money has been posted, and no receipt says so",
	purseSettled:  "the money is settled",
}

// node is a state of the product.
type node struct {
	step   string
	purse  purse
	quoted bool // the sum to be paid was shown since it was last looked up
}

// violation is a path on which money goes wrong.
type violation struct {
	rule Rule
	step *Step
	path []move // from the start; the last move leads to where it goes wrong
	what string
	do   string
}

// move is one step of a path.
type move struct {
	step, outcome string
}

func (v violation) trail() string {
	var b strings.Builder
	for _, m := range v.path {
		b.WriteString(m.step)
		if m.outcome != "" {
			b.WriteString(" –" + m.outcome + "→ ")
		}
	}
	return b.String()
}

// money proves the rules about money, or says by which path they break.
func (c *checker) money(j *Journey) {
	for _, v := range prove(j) {
		c.add(v.rule, stepPlace(j, v.step), v.do, "%s; by the path %s", v.what, v.trail())
	}
}

// prove walks every state of the product once, shortest paths first, and so
// covers every path there is: what may follow a state depends on nothing but the
// state. It reports each rule once for each step. Behind a broken rule it does
// not look further.
func prove(j *Journey) []violation {
	type from struct {
		node    node
		outcome string
	}
	start := node{step: j.Start}
	came := map[node]from{start: {}}
	queue := []node{start}
	var found []violation
	type site struct {
		rule Rule
		step string
	}
	reported := map[site]bool{}
	report := func(n node, s *Step, way []move, b broken) {
		if reported[site{b.rule, s.ID}] {
			return
		}
		reported[site{b.rule, s.ID}] = true
		path := way
		for at := n; at != start; at = came[at].node {
			path = append([]move{{came[at].node.step, came[at].outcome}}, path...)
		}
		found = append(found, violation{rule: b.rule, step: s, path: path, what: b.what, do: b.do})
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		s := j.Step(n.step)
		if s == nil {
			continue // reported by wires
		}
		if b := enter(s, n); b != nil {
			report(n, s, []move{{step: s.ID}}, *b)
			continue
		}
		for _, e := range edges(s) {
			next := after(s, n, e.outcome)
			if b := leave(next.purse, e.target); b != nil {
				report(n, s, []move{{s.ID, e.outcome}, {step: e.target}}, *b)
				continue
			}
			if e.target == TargetEnd || e.target == TargetLeave {
				continue
			}
			next.step = e.target
			if _, ok := came[next]; !ok {
				came[next] = from{n, e.outcome}
				queue = append(queue, next)
			}
		}
	}
	return found
}

// broken is a rule that does not hold in a state.
type broken struct {
	rule     Rule
	what, do string
}

// open reports money that still waits for something.
func (p purse) open() bool {
	return p == purseHeld || p == purseStranded || p == pursePending || p == pursePosted
}

// enter checks what may happen in a step with the money as it is.
func enter(s *Step, n node) *broken {
	say := func(rule Rule, what, do string) *broken { return &broken{rule, what, do} }
	switch s.Kind {
	case KindPresent, KindForm, KindQuote, KindQuery, KindIdentify:
		// The person may walk away here, and then the visit ends as it stands.
		if n.purse.open() {
			return say(RuleWaitsWithMoney, "it waits for somebody while "+purseWords[n.purse], "go on to submit and deliver first")
		}
	case KindPay:
		switch {
		case n.purse != purseEmpty:
			return say(RulePayTwice, "a second payment in the same visit ("+purseWords[n.purse]+")", "end the visit first")
		case !n.quoted:
			return say(RulePayUnquoted, "money is taken before the sum was shown", "lead here through a quote's ok")
		}
	case KindSubmit:
		if n.purse != purseHeld {
			return say(RuleSubmitUnpaid, "a posting while "+purseWords[n.purse], "post only after pay's paid, and once")
		}
	case KindDeliver:
		return enterDeliver(s, n)
	}
	return nil
}

// slipFor is the slip that each state of the money asks for.
var slipFor = map[purse]string{pursePosted: CaseReceipt, pursePending: CasePending, purseStranded: CaseLeftover,
	purseEmpty: CaseNone, purseClosed: CaseNone, purseSettled: CaseNone}

func enterDeliver(s *Step, n node) *broken {
	switch {
	case n.purse == purseHeld:
		return &broken{RuleSlipBeforePost, "money that was paid in full goes on a slip without a posting", "lead pay's paid to a submit"}
	case n.purse == pursePending && s.Case == CaseLeftover:
		return &broken{RuleUnknownLeftover, "money whose posting is unknown is handed back, and may be posted all the same",
			"lead submit's unknown to a deliver of the case pending"}
	case slipFor[n.purse] != s.Case:
		return &broken{RuleWrongSlip, "a slip of the case " + s.Case + " while " + purseWords[n.purse],
			"print one of the case " + slipFor[n.purse]}
	}
	return nil
}

// after is the state that an outcome leads to; its step is still the old one.
func after(s *Step, n node, outcome string) node {
	switch s.Kind {
	case KindForm, KindQuery:
		if strings.HasPrefix(outcome, "ok") || outcome == "found" {
			n.quoted = false // the sum may be another one now
		}
	case KindQuote:
		n.quoted = outcome == "ok"
	case KindPay:
		n.quoted = false
		switch outcome {
		case "paid":
			n.purse = purseHeld
		case "empty":
			n.purse = purseClosed
		default:
			n.purse = purseStranded
		}
	case KindSubmit:
		switch outcome {
		case "done":
			n.purse = pursePosted
		case "rejected":
			n.purse = purseStranded
		default:
			n.purse = pursePending
		}
	case KindDeliver:
		// Printed or not: what is left over is recorded, and the screen shows the
		// reference.
		if n.purse.open() {
			n.purse = purseSettled
		}
	}
	return n
}

// leave checks an edge's target: an end only with the money settled, back to the
// services only before a tender was opened.
func leave(p purse, target string) *broken {
	switch {
	case target == TargetEnd && p.open():
		return &broken{RuleMoneyOpen, "the visit ends while " + purseWords[p], "print a slip of the case " + caseOf(p) + " first"}
	case target == TargetLeave && p != purseEmpty:
		return &broken{RuleLeaveMoney, "back to the services after notes could be put in (" + purseWords[p] + ")", "end the visit with @end"}
	}
	return nil
}

func caseOf(p purse) string {
	if p == purseHeld {
		return CaseReceipt + " after the posting"
	}
	return slipFor[p]
}
