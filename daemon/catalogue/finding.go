package catalogue

import (
	"cmp"
	"fmt"
	"slices"
)

// Rule names what a finding is about. Tests, tools and translators go by it.
type Rule string

// Rules about the graph of a journey and the money in it. The prover walks every
// path; a finding carries the path that breaks the rule.
const (
	RuleOutcomeMissing  Rule = "outcome-missing"        // an outcome has no target
	RuleOutcomeUnknown  Rule = "outcome-unknown"        // a target for an outcome that the step cannot have
	RuleTargetUnknown   Rule = "target-unknown"         // a target that does not exist
	RuleStartUnknown    Rule = "start-unknown"          // the journey begins nowhere
	RuleUnreachable     Rule = "step-unreachable"       // no path leads to the step
	RuleNoEnd           Rule = "no-end"                 // no path from the step leads to an end
	RuleLoop            Rule = "endless-loop"           // a circle without a person's act
	RuleMoneyOpen       Rule = "money-left-open"        // an end while money is in
	RuleLeaveMoney      Rule = "leave-with-money"       // @leave after the person could put money in
	RuleWaitsWithMoney  Rule = "waits-with-money"       // a person or central is asked while money is in
	RulePayUnquoted     Rule = "pay-without-quote"      // money is taken before the sum was shown
	RulePayTwice        Rule = "pay-twice"              // a second payment in one visit
	RuleSubmitUnpaid    Rule = "submit-without-payment" // a posting for money that is not there
	RuleSlipBeforePost  Rule = "slip-before-posting"    // money that is paid in full goes to no posting
	RuleUnknownLeftover Rule = "unknown-gives-back"     // money whose posting is unknown is handed back
	RuleWrongSlip       Rule = "wrong-slip"             // the slip says something else than what became of the money
	RuleStepCount       Rule = "step-count"             // more of a kind than one journey can have
	RuleStageBack       Rule = "stage-jumps-back"       // the progress would go backwards
	RuleOffline         Rule = "needs-central"          // a service is offered without what it needs
	RuleNeeds           Rule = "needs"                  // the list of needs is wrong
	RuleVariableUnset   Rule = "variable-unset"         // used on a path on which nothing sets it
	RuleVariableName    Rule = "variable-name"          // not a name, or one that the engine owns
	RuleVariableKind    Rule = "variable-kind"          // a text where a number or an amount must be
	RuleVariableUnknown Rule = "variable-unknown"       // nothing sets it at all
	RuleAmountSource    Rule = "amount-not-from-quote"  // an amount that the quote has not frozen
	RulePrivate         Rule = "private-value"          // a value that must not appear there
	RuleMember          Rule = "member"                 // a member is missing, wrong, or not of this kind of step
	RuleNumber          Rule = "number"                 // a number outside its bounds
	RuleID              Rule = "id"                     // not an id, or not the only one
	RuleReference       Rule = "reference"              // a journey or document that does not exist or is not used
	RulePattern         Rule = "pattern"                // a field's pattern is not a whole RE2 expression
	RulePrice           Rule = "price"                  // a commission rule that cannot be
	RuleLimit           Rule = "limit"                  // a limit rule that cannot be, or none in force
	RuleTextMissing     Rule = "text-missing"           // a language lacks a text
	RuleTextSyntax      Rule = "text-syntax"            // a message that cannot be read
	RuleTextPlaceholder Rule = "text-placeholders"      // other values than in English
	RuleTextPlural      Rule = "text-plural"            // other plural categories than the language has
	RuleTextLength      Rule = "text-length"            // longer than its place
	RuleTextCharacters  Rule = "text-characters"        // characters that do not belong into a text
	RuleTextWords       Rule = "words-outside-texts"    // words where only values may stand: they would not be translated
	RuleDocument        Rule = "document"               // a block that says nothing, or two things
	RuleDocumentLacks   Rule = "document-lacks"         // a slip about money without something it must say
	RuleQR              Rule = "qr-budget"              // more than a QR code of the slip may hold
	RuleDates           Rule = "dates"                  // of the bundle
	RuleSize            Rule = "size"                   // more than a bundle may hold
)

// Finding is one reason why a bundle is refused.
type Finding struct {
	Rule  Rule
	Where string // "journey pay.notification, step pay"
	What  string // what is wrong
	Do    string // what to do about it
}

// String is one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s (%s)", f.Where, f.What, f.Rule)
	if f.Do != "" {
		s += "; " + f.Do
	}
	return s
}

// maxFindings bounds the report on a bundle in which nothing is right.
const maxFindings = 500

type checker struct {
	b        *Bundle
	found    []Finding
	messages map[string]map[string]*Message // language -> key -> message that could be read
	slipKeys map[string]bool                // texts that go on paper
}

func (c *checker) add(rule Rule, where, do, format string, args ...any) {
	if len(c.found) < maxFindings {
		c.found = append(c.found, Finding{Rule: rule, Where: where, What: fmt.Sprintf(format, args...), Do: do})
	}
}

// sorted findings, each once.
func (c *checker) sorted() []Finding {
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.What, b.What))
	})
	return slices.Compact(c.found)
}
