// Package action is how the bench is told what happens to a virtual device: an
// action has a name and a JSON object with its fields, and each device has a table
// of those it knows.
package action

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Millis is a duration in milliseconds, as JSON carries it.
type Millis int64

// Duration converts.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Table holds the actions of one device by their names; A is the interface that all
// of them fulfil. It is filled by Add before its first use, and then only read.
type Table[A any] map[string]func(fields []byte) (A, error)

// Add puts in the action that is a T.
func Add[T, A any](t Table[A], name string) {
	t[name] = func(fields []byte) (a A, err error) {
		var v T
		dec := json.NewDecoder(bytes.NewReader(fields))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			return a, fmt.Errorf("action %s: %w", name, err)
		}
		return any(v).(A), nil
	}
}

// Names lists the actions, sorted.
func (t Table[A]) Names() []string { return slices.Sorted(maps.Keys(t)) }

// UnknownError is the error of Parse for a name that is not in the table.
type UnknownError struct{ Name string }

func (e UnknownError) Error() string { return fmt.Sprintf("unknown action %q", e.Name) }

// Parse decodes a JSON object, which holds the fields of the action and nothing
// else.
func (t Table[A]) Parse(name string, fields []byte) (a A, err error) {
	parse, ok := t[name]
	if !ok {
		return a, UnknownError{name}
	}
	return parse(fields)
}
