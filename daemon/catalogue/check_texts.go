package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Greatest lengths of texts by their place, in characters of the longest form.
const (
	maxServiceTitle = 48
	maxTitle        = 60
	maxHint         = 140
	maxBody         = 420
	maxLabel        = 44
	maxChoiceLabel  = 60
	maxSlipHeading  = 48
	maxSlipText     = 420
	maxStatus       = 40
)

// parseTexts reads every message of every language once.
func (c *checker) parseTexts() {
	for _, lang := range slices.Sorted(maps.Keys(c.b.Texts)) {
		if !slices.Contains(Langs(), lang) {
			c.add(RuleTextMissing, "texts "+lang, "allowed are "+strings.Join(Langs(), " "), "%q is not a language of the terminals", lang)
			continue
		}
		c.messages[lang] = map[string]*Message{}
		for _, key := range slices.Sorted(maps.Keys(c.b.Texts[lang])) {
			where := textPlace(lang, key)
			if !isID(key) {
				c.add(RuleID, where, "use a-z, 0-9 and . _ -", "%q is not a key", key)
			}
			m, err := Parse(c.b.Texts[lang][key])
			if err != nil {
				c.add(RuleTextSyntax, where, "write {name} or {name, plural, one {…} other {…}}", "%v", err)
				continue
			}
			c.messages[lang][key] = m
			c.characters(where, c.b.Texts[lang][key], m)
		}
	}
}

func textPlace(lang, key string) string { return fmt.Sprintf("text %s in %s", key, lang) }

// characters checks what a translator's program may have put into a text.
func (c *checker) characters(where, pattern string, m *Message) {
	switch {
	case strings.TrimSpace(pattern) == "":
		c.add(RuleTextCharacters, where, "write the text", "it is empty")
	case strings.TrimSpace(pattern) != pattern:
		c.add(RuleTextCharacters, where, "take them out", "blanks stand at its beginning or end")
	}
	if i := strings.IndexFunc(pattern, unwanted); i >= 0 {
		r, _ := utf8.DecodeRuneInString(pattern[i:])
		c.add(RuleTextCharacters, where, "take it out; the formatter isolates values by itself", "character U+%04X", r)
	}
	if !norm.NFC.IsNormalString(pattern) {
		c.add(RuleTextCharacters, where, "normalise it to NFC", "it is not in Unicode's composed form (NFC)")
	}
	m.literals(func(lit string) {
		if strings.Contains(lit, "'") {
			c.add(RuleTextCharacters, where, "write ’ (U+2019)", "a straight apostrophe, which message formats read as a quotation")
		}
	})
}

// texts checks that every key exists in every language and says the same.
func (c *checker) texts() {
	for _, key := range StatusKeys() {
		c.text("documents", "status", key, maxStatus, nil)
		c.slipKeys[key] = true
	}
	keys := map[string]bool{}
	for _, texts := range c.b.Texts {
		for key := range texts {
			keys[key] = true
		}
	}
	for _, lang := range Langs() {
		if len(c.b.Texts[lang]) == 0 {
			c.add(RuleTextMissing, "texts "+lang, "add texts/"+lang+".json", "the language has no texts")
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if _, ok := c.b.Texts[lang][key]; !ok {
				c.add(RuleTextMissing, textPlace(lang, key), "translate it", "the text is missing")
				continue
			}
			if m := c.messages[lang][key]; m != nil {
				c.sameValues(lang, key, m)
				c.plurals(lang, key, m)
			}
			if c.slipKeys[key] && strings.ContainsRune(c.b.Texts[lang][key], '₼') {
				c.add(RuleTextCharacters, textPlace(lang, key), "write AZN", "₼ cannot be printed on a slip")
			}
		}
	}
}

// sameValues holds a translation's values against the English ones.
func (c *checker) sameValues(lang, key string, m *Message) {
	ref := c.messages[referenceLang][key]
	if ref == nil || lang == referenceLang {
		return
	}
	want, have := names(ref), names(m)
	if !slices.Equal(want, have) {
		c.add(RuleTextPlaceholder, textPlace(lang, key), "use the values of the English text, each of them",
			"it has the values {%s}, the English text {%s}", strings.Join(have, "} {"), strings.Join(want, "} {"))
	}
}

func names(m *Message) []string {
	var out []string
	for _, p := range m.Placeholders() {
		out = append(out, p.Name)
	}
	return out
}

// plurals wants every category of the language in every plural, and no other. A
// case must also show every value that its siblings show, the number excepted.
func (c *checker) plurals(lang, key string, m *Message) {
	m.walk(func(p part) {
		if p.cases == nil {
			return
		}
		want := PluralCategories(lang)
		for _, category := range want {
			if p.cases[category] == nil {
				c.add(RuleTextPlural, textPlace(lang, key), "add it", "the plural of {%s} lacks the category %s", p.name, category)
			}
		}
		for _, category := range slices.Sorted(maps.Keys(p.cases)) {
			if !slices.Contains(want, category) {
				c.add(RuleTextPlural, textPlace(lang, key), "take it out", "the plural of {%s} has the category %s, which the language has not", p.name, category)
			}
		}
		all := map[string]bool{}
		for _, m := range p.cases {
			for _, n := range names(m) {
				all[n] = true
			}
		}
		delete(all, p.name)
		for _, category := range slices.Sorted(maps.Keys(p.cases)) {
			for _, n := range slices.Sorted(maps.Keys(all)) {
				if !slices.Contains(names(p.cases[category]), n) {
					c.add(RuleTextPlaceholder, textPlace(lang, key), "show it in every case", "the case %s of {%s} does not show {%s}", category, p.name, n)
				}
			}
		}
	})
}

// text checks one use of a text: that it exists, fits its place in every
// language, and asks only for values that are known there. known is nil where no
// value can stand.
func (c *checker) text(where, member, key string, longest int, known func(Placeholder) (Rule, string)) {
	if key == "" {
		c.add(RuleMember, where, "name a text", "its %s is missing", member)
		return
	}
	exists := false
	for _, lang := range Langs() {
		if _, ok := c.b.Texts[lang][key]; ok {
			exists = true
		}
		m := c.messages[lang][key]
		if m == nil {
			continue
		}
		if n := m.length(); n > longest {
			c.add(RuleTextLength, textPlace(lang, key), "shorten it", "up to %d characters, at most %d as the %s of %s", n, longest, member, where)
		}
	}
	if !exists {
		c.add(RuleTextMissing, where, "add it to the texts in all nine languages", "the text %q of its %s does not exist", key, member)
		return
	}
	m := c.messages[referenceLang][key]
	if m == nil {
		return // reported where it stands
	}
	for _, p := range m.Placeholders() {
		if known == nil {
			c.add(RuleVariableUnknown, where, "take it out of the text", "its %s (%s) asks for {%s}, but no value can stand there", member, key, p.Name)
			continue
		}
		if rule, what := known(p); rule != "" {
			c.add(rule, where, "", "its %s (%s) asks for {%s}: %s", member, key, p.Name, what)
		}
	}
}

// template checks a value template: values and signs between them, but no words,
// because a template is not translated.
func (c *checker) template(where, member, s string, known func(Placeholder) (Rule, string)) {
	m, err := Parse(s)
	if err != nil {
		c.add(RuleTextSyntax, where, "write {name}", "its %s: %v", member, err)
		return
	}
	ps := m.Placeholders()
	if len(ps) == 0 {
		c.add(RuleTextWords, where, "write the value as {name}", "its %s has no value", member)
	}
	for _, p := range ps {
		if p.Plural {
			c.add(RuleTextSyntax, where, "put the sentence into a text", "its %s has a plural", member)
		}
		if rule, what := known(p); rule != "" {
			c.add(rule, where, "", "its %s asks for {%s}: %s", member, p.Name, what)
		}
	}
	m.literals(func(lit string) {
		if strings.ContainsFunc(lit, unicode.IsLetter) {
			c.add(RuleTextWords, where, "put words into a text, which is translated", "its %s has the words %q", member, lit)
		}
	})
}
