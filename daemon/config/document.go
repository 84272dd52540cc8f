package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// document is a parsed file: values by section and key, and the line of each.
type document struct {
	name   string
	values map[string]any
	lines  map[string]int // "section" or "section.key" -> line
	taken  map[string]bool
}

// sections is the shape against which the file is read a second time: the
// strict decoder names every key that the target does not have, with its line.
// As the sections here have no keys at all, it names them all.
type sections struct {
	Terminal  struct{} `toml:"terminal"`
	State     struct{} `toml:"state"`
	Screen    struct{} `toml:"screen"`
	Admin     struct{} `toml:"admin"`
	Catalogue struct{} `toml:"catalogue"`
	Central   struct{} `toml:"central"`
	Uplink    struct{} `toml:"uplink"`
	Acceptor  struct{} `toml:"acceptor"`
	Printer   struct{} `toml:"printer"`
	Panel     struct{} `toml:"panel"`
	Limits    struct{} `toml:"limits"`
	Log       struct{} `toml:"log"`
}

func readDocument(name string, data []byte) (*document, Errors) {
	d := &document{name: name, values: map[string]any{}, lines: map[string]int{}, taken: map[string]bool{}}
	if err := toml.Unmarshal(data, &d.values); err != nil {
		return nil, Errors{syntaxError(name, data, err)}
	}
	var missing *toml.StrictMissingError
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&sections{})
	switch {
	case errors.As(err, &missing):
		for i := range missing.Errors {
			row, _ := missing.Errors[i].Position()
			d.mark(missing.Errors[i].Key(), row)
		}
	case err != nil: // a section that is not a section
		e := syntaxError(name, data, err)
		var de *toml.DecodeError
		if errors.As(err, &de) {
			e.Key = strings.Join(de.Key(), ".")
		}
		if v, ok := d.values[e.Key]; ok {
			e.Value = show(v)
		}
		e.Problem, e.Allowed = "is not a section", "["+e.Key+"] with its keys below"
		return nil, Errors{e}
	}
	return d, nil
}

// mark notes the line of a key and, if it is the first of them, of what it
// stands in.
func (d *document) mark(path []string, row int) {
	for n := 1; n <= min(len(path), 2); n++ {
		name := strings.Join(path[:n], ".")
		if old, ok := d.lines[name]; !ok || row < old {
			d.lines[name] = row
		}
	}
}

func (d *document) line(key string) int { return d.lines[key] }

// take hands over a known key's value.
func (d *document) take(key string) (any, bool) {
	section, name, _ := strings.Cut(key, ".")
	table, ok := d.values[section].(map[string]any)
	if !ok {
		return nil, false
	}
	v, ok := table[name]
	if ok {
		d.taken[key] = true
	}
	return v, ok
}

// unknown tells every key and section that was not taken.
func (d *document) unknown() Errors {
	var errs Errors
	known := map[string]bool{}
	for i := range keys {
		known[sectionOf(keys[i].name)] = true
	}
	for _, section := range slices.Sorted(maps.Keys(d.values)) {
		table, ok := d.values[section].(map[string]any)
		if !known[section] {
			errs = append(errs, &Error{File: d.name, Line: d.lines[section], Key: section,
				Problem: "is not known", Hint: suggestSection(section, ok)})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(table)) {
			key := section + "." + name
			if !d.taken[key] {
				errs = append(errs, &Error{File: d.name, Line: d.lines[key], Key: key,
					Problem: "is not known", Hint: suggestKey(section, name)})
			}
		}
	}
	return errs
}

func sectionOf(key string) string {
	s, _, _ := strings.Cut(key, ".")
	return s
}

// suggestKey names the key that was likely meant: the nearest spelling in the
// same section, or the same name in another section.
func suggestKey(section, name string) string {
	best, dist := "", 4
	var here []string
	for i := range keys {
		s, n, _ := strings.Cut(keys[i].name, ".")
		if s != section {
			continue
		}
		here = append(here, n)
		if d := distance(strings.ToLower(name), n); d < dist && d < len(n) {
			best, dist = keys[i].name, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	for i := range keys {
		if _, n, _ := strings.Cut(keys[i].name, "."); n == name {
			return fmt.Sprintf("did you mean %s, in section [%s]?", keys[i].name, sectionOf(keys[i].name))
		}
	}
	return "section [" + section + "] has " + strings.Join(here, ", ")
}

func suggestSection(name string, isSection bool) string {
	if !isSection {
		for i := range keys {
			if _, n, _ := strings.Cut(keys[i].name, "."); n == name {
				return fmt.Sprintf("did you mean %s, in section [%s]?", keys[i].name, sectionOf(keys[i].name))
			}
		}
	}
	best, dist := "", 4
	var all []string
	for i := range keys {
		s := sectionOf(keys[i].name)
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
		if d := distance(strings.ToLower(name), s); d < dist && d < len(s) {
			best, dist = s, d
		}
	}
	if best != "" {
		return "did you mean [" + best + "]?"
	}
	return "the sections are " + strings.Join(all, ", ")
}

// distance is the Levenshtein distance of two short names; a long one is
// nothing's neighbour and costs nothing.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// syntaxError turns the parser's error into ours, with the line it is on.
func syntaxError(name string, data []byte, err error) *Error {
	e := &Error{File: name, Problem: strings.TrimPrefix(err.Error(), "toml: ")}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		e.Line, _ = de.Position()
		if lines := bytes.Split(data, []byte("\n")); e.Line >= 1 && e.Line <= len(lines) {
			e.Hint = "the line reads " + show(strings.TrimSpace(string(lines[e.Line-1])))
		}
	}
	return e
}
