// Package catalogue is the country's services as data: journeys, texts in nine
// languages, dated rules, prices and documents, in a signed bundle. A terminal
// runs what a bundle says and nothing else; before it does, Load has verified
// the signatures and Check has proved that no path of any journey can take money
// and end without posting (or recording) it and a slip.
//
// A bundle is a folder:
//
//	manifest.json     version, dates, and the SHA-256 and size of every blob
//	signatures.json   detached ed25519 signatures over manifest.json: at least one
//	                  key of role "content" and one of role "release"
//	services.json     []Service
//	parties.json      []Party; only where a journey signs people in
//	journeys/ID.json  Journey
//	documents/ID.json Document
//	texts/LANG.json   key -> message, one file for each of the nine languages
//
// The keys and their roles stand in a root file that the terminal has from its
// installation, not from the bundle.
package catalogue

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Bundle is a verified and checked catalogue.
type Bundle struct {
	Digest    string // SHA-256 of manifest.json, hexadecimal
	Version   uint64
	NotBefore time.Time
	NotAfter  time.Time
	// RollbackFloor is the lowest version that may still follow this one.
	RollbackFloor uint64
	Services      []Service
	Parties       []Party
	Journeys      map[string]*Journey
	Documents     map[string]*Document
	Texts         map[string]map[string]string // language -> key -> message
}

// Text finds a message; the checker has proved that it is there.
func (b *Bundle) Text(lang, key string) string {
	if m, ok := b.Texts[lang][key]; ok {
		return m
	}
	return b.Texts["en"][key]
}

// Service is one button of the start screen.
type Service struct {
	ID       string `json:"id"`       // "pay.notification"
	Category string `json:"category"` // for grouping
	Title    string `json:"title"`    // text key
	Hint     string `json:"hint,omitempty"`
	Journey  string `json:"journey"`
	// Needs lists the functions without which the service is not offered: any of
	// "central", "cash", "printer".
	Needs []string `json:"needs"`
}

// Party is a relying party: a site that people sign in to at the terminal. A
// card signs for no other origin than those of the signed catalogue, and the
// verifier computes with its own, so that a proxy in between gains nothing
// (protocols/esign-card.md 10.2).
type Party struct {
	ID     string `json:"id"`
	Origin string `json:"origin"` // https://host[:port], lower case, no default port
	Name   string `json:"name"`   // text key: what the screen calls it before a PIN is asked for
}

// Party finds a relying party, or nil.
func (b *Bundle) Party(id string) *Party {
	for i := range b.Parties {
		if b.Parties[i].ID == id {
			return &b.Parties[i]
		}
	}
	return nil
}

// StepKind is one of the kinds that the engine walks.
type StepKind string

const (
	KindPresent StepKind = "present"
	KindForm    StepKind = "form"
	KindQuery   StepKind = "query"
	KindQuote   StepKind = "quote"
	KindPay     StepKind = "pay"
	KindSubmit  StepKind = "submit"
	KindDeliver StepKind = "deliver"

	KindIdentify StepKind = "identify"
)

// Outcomes lists what each kind of step can end with. Every outcome of every
// step must have a target. A query may tell reasons apart: "blocked(paid)" beside
// "blocked"; a form whose only question is a choice may tell its answers apart:
// "ok(payments)" beside "ok".
var Outcomes = map[StepKind][]string{
	KindPresent: {"ok", "refused"}, // "refused" only if Accept
	KindForm:    {"ok", "back"},
	KindQuery:   {"found", "none", "blocked", "unavailable"},
	KindQuote:   {"ok", "free", "expired", "limit", "back"},
	KindPay:     {"paid", "abandoned", "fault", "empty"}, // empty: ended with no money in
	KindSubmit:  {"done", "rejected", "unknown"},
	KindDeliver: {"ok", "fault"},

	KindIdentify: {"ok", "rejected", "back"}, // rejected: no try is left, of the terminal's or of the card's
}

// Targets that are not steps: End finishes the visit (money must be settled by
// then), Leave goes back to the list of services (only while no money is in).
const (
	TargetEnd   = "@end"
	TargetLeave = "@leave"
)

// Journey is a graph of steps.
type Journey struct {
	ID    string `json:"id"`
	Start string `json:"start"`
	// Stages is how many stages the progress shows; each step names its own.
	Stages int    `json:"stages"`
	Steps  []Step `json:"steps"`
}

// Step finds a step by id, or nil.
func (j *Journey) Step(id string) *Step {
	for i := range j.Steps {
		if j.Steps[i].ID == id {
			return &j.Steps[i]
		}
	}
	return nil
}

// Step is one node. Which of the members after On belong to it depends on Kind.
type Step struct {
	ID       string            `json:"id"`
	Kind     StepKind          `json:"kind"`
	Stage    int               `json:"stage"`           // 1-based, for "step 2 of 4"
	Title    string            `json:"title,omitempty"` // text key; absent: the screen's own title for the kind
	Body     string            `json:"body,omitempty"`  // text key; values are variables in {braces}
	On       map[string]string `json:"on"`              // outcome -> step id or target
	TimeoutS int               `json:"timeout_s,omitempty"`
	Offline  string            `json:"offline,omitempty"` // forbid (default), local
	Privacy  string            `json:"privacy,omitempty"` // plain, masked, wipe

	// present
	Accept bool   `json:"accept,omitempty"` // asks accept or refuse
	Final  bool   `json:"final,omitempty"`  // an ending: no money was taken
	Reason string `json:"reason,omitempty"` // of an ending: code of the error catalogue

	// form
	Fields []Field `json:"fields,omitempty"`

	// query and submit
	Ask    string            `json:"ask,omitempty"`    // kind of query at central
	Action string            `json:"action,omitempty"` // kind of action at central
	In     map[string]string `json:"in,omitempty"`     // name in the request -> variable
	Out    map[string]string `json:"out,omitempty"`    // variable -> name in the answer (dotted)
	WaitS  int               `json:"wait_s,omitempty"` // greatest wait for an answer, seconds

	// quote
	Amount     string           `json:"amount,omitempty"` // variable with the amount
	Payee      string           `json:"payee,omitempty"`  // variables in {braces}, no words
	Purpose    string           `json:"purpose,omitempty"`
	Rows       []Row            `json:"rows,omitempty"`
	Commission []CommissionRule `json:"commission,omitempty"`
	ValidS     int              `json:"valid_s,omitempty"` // how long the quote stands, seconds

	// pay
	Limits []LimitRule `json:"limits,omitempty"`

	// identify
	Party   string   `json:"party,omitempty"`   // relying party
	Methods []string `json:"methods,omitempty"` // of LoginMethods, in the order in which they are offered

	// present
	List string `json:"list,omitempty"` // variable with a list of records, from a query

	// deliver
	Document string `json:"document,omitempty"`
	// Case is what the slip is for: receipt, pending, leftover (money that was
	// taken and not used), or none.
	Case string `json:"case,omitempty"`
}

// Row is one line of a summary: a label and a value with variables in {braces}.
type Row struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Field is one question of a form.
type Field struct {
	Name     string   `json:"name"` // the variable it sets
	Type     string   `json:"type"` // one of FieldTypes
	Label    string   `json:"label"`
	Hint     string   `json:"hint,omitempty"`
	Required bool     `json:"required,omitempty"`
	Min      int      `json:"min,omitempty"` // characters
	Max      int      `json:"max,omitempty"`
	Pattern  string   `json:"pattern,omitempty"` // RE2, hard: must match after normalising
	Soft     string   `json:"soft,omitempty"`    // RE2: warn unless it matches
	Group    []int    `json:"group,omitempty"`   // grouping for reading
	Keyboard string   `json:"keyboard"`
	Choices  []Choice `json:"choices,omitempty"`
}

// Choice is one answer of a choice field.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// CommissionRule is dated: the rule with the latest ValidFrom that is not in the
// future counts. Percent is in hundredths of a percent (40 = 0.40 %); the result
// is rounded half up to one minor unit and then held between Min and Max.
type CommissionRule struct {
	ValidFrom time.Time    `json:"valid_from"`
	Flat      money.Amount `json:"flat"`
	Percent   int64        `json:"percent_hundredths,omitempty"`
	Min       money.Amount `json:"min"`
	Max       money.Amount `json:"max"` // zero: none
}

// LimitRule is dated like CommissionRule: the most cash and the most notes that
// one payment takes.
type LimitRule struct {
	ValidFrom time.Time    `json:"valid_from"`
	MaxCash   money.Amount `json:"max_cash"`
	MaxNotes  int          `json:"max_notes"`
}

// Document is the template of a slip. Values in texts are variables in {braces}.
type Document struct {
	ID     string  `json:"id"`
	Blocks []Block `json:"blocks"`
}

// Block is one part of a document: exactly one of Heading, Text, Label (with
// Value), Total, Code (as text) and QR is set, or Rule, or Space. When names a
// variable: the block is left out if it is empty or zero.
type Block struct {
	When    string `json:"when,omitempty"`
	Heading string `json:"heading,omitempty"` // text key, large, centred
	Text    string `json:"text,omitempty"`    // text key
	Small   bool   `json:"small,omitempty"`
	Label   string `json:"label,omitempty"` // text key
	Value   string `json:"value,omitempty"` // with variables in {braces}
	Code    bool   `json:"code,omitempty"`  // the value is a code: left to right, 0-9
	Bold    bool   `json:"bold,omitempty"`
	Total   string `json:"total,omitempty"` // amount variable in the largest type
	QR      string `json:"qr,omitempty"`    // content with variables in {braces}
	Rule    bool   `json:"rule,omitempty"`
	Space   int    `json:"space,omitempty"` // dots
	// Langs: "state" prints the block in Azerbaijani, "person" in the visit's
	// language, "both" (default) in both when they differ.
	Langs string `json:"langs,omitempty"`
}

// beyondBounds is an amount (in minor units) above every limit there can be.
const beyondBounds = 1 << 50

// Commission applies the dated rules to an amount at an instant. No rule in
// force means no commission; nor has an amount one that can never be paid here,
// because it is in another currency than the rule or above all bounds: the limit
// turns it away.
func Commission(rules []CommissionRule, amount money.Amount, at time.Time) money.Amount {
	var rule *CommissionRule
	for i := range rules {
		if !rules[i].ValidFrom.After(at) && (rule == nil || rules[i].ValidFrom.After(rule.ValidFrom)) {
			rule = &rules[i]
		}
	}
	if rule == nil || amount.Minor >= beyondBounds {
		return money.Zero(amount.Currency)
	}
	for _, a := range []money.Amount{rule.Flat, rule.Min, rule.Max} {
		if a.Currency != "" && a.Currency != amount.Currency {
			return money.Zero(amount.Currency)
		}
	}
	sum := money.New(rule.Flat.Minor, amount.Currency)
	if rule.Percent > 0 {
		sum = sum.Add(money.New((amount.Minor*rule.Percent+5000)/10000, amount.Currency))
	}
	if rule.Min.IsPositive() && sum.Cmp(rule.Min) < 0 {
		sum = rule.Min
	}
	if rule.Max.IsPositive() && sum.Cmp(rule.Max) > 0 {
		sum = rule.Max
	}
	return sum
}

// Limit is the limit in force at an instant, and whether there is one.
func Limit(rules []LimitRule, at time.Time) (LimitRule, bool) {
	var rule *LimitRule
	for i := range rules {
		if !rules[i].ValidFrom.After(at) && (rule == nil || rules[i].ValidFrom.After(rule.ValidFrom)) {
			rule = &rules[i]
		}
	}
	if rule == nil {
		return LimitRule{}, false
	}
	return *rule, true
}
