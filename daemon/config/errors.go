package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Error is one mistake in a configuration file, written for the technician who
// has to put it right.
type Error struct {
	File    string
	Line    int    // 1-based; 0 when the mistake is something that is not there
	Key     string // "section.key"; "" when it is about the whole file
	Value   string // as it was read; "" when there is none
	Problem string // what is wrong; "" when Allowed says it all
	Allowed string // what may stand there
	Hint    string // the likely remedy
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(":")
	if e.Key != "" {
		b.WriteString(" " + e.Key)
	}
	if e.Value != "" {
		b.WriteString(" = " + e.Value)
	}
	if e.Problem != "" {
		b.WriteString(" " + e.Problem)
	} else {
		b.WriteString(" is not allowed")
	}
	if e.Allowed != "" {
		b.WriteString("; allowed: " + e.Allowed)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Errors is every mistake of one file, in the order of its lines; what is
// missing stands first.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single Error.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int { return a.Line - b.Line })
}

// show writes a value as it could stand in the file, cut to a readable length.
func show(v any) string {
	var s string
	switch v := v.(type) {
	case string:
		s = strconv.Quote(v)
	case []any:
		parts := make([]string, 0, min(len(v), 12))
		for i, one := range v {
			if i == 12 {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, show(one))
		}
		s = "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, name+" = "+show(v[name]))
		}
		s = "{" + strings.Join(parts, ", ") + "}"
	default:
		s = fmt.Sprint(v)
	}
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
