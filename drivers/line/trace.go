package line

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Direction says who sent bytes, as seen from the host.
type Direction byte

const (
	Sent     Direction = '>'
	Received Direction = '<'
)

// Entry is one piece of traffic, or the note that the pieces before it came
// again: then Times > 0, Span is how many entries before this one were repeated
// as a group, and Until is when the last of them came.
type Entry struct {
	At    time.Time
	Dir   Direction
	Bytes []byte

	Span  int
	Times int
	Until time.Time
}

// String is "> 02 03 06 33 DA 81" for bytes and "= 3 x 120" for three entries
// that came again 120 times.
func (e Entry) String() string {
	if e.Times > 0 {
		return fmt.Sprintf("= %d x %d", e.Span, e.Times)
	}
	return fmt.Sprintf("%c % X", e.Dir, e.Bytes)
}

const (
	// joinGap joins bytes of one direction that come within it: a USB adapter cuts
	// a frame into pieces at will.
	joinGap = 20 * time.Millisecond
	// longestEntry bounds one entry's bytes.
	longestEntry = 1024
	// longestSpan is the longest group of entries whose repetition is noticed:
	// an idle line is a poll, an answer and an acknowledgement, over and over.
	longestSpan = 6
	// repeatEvery bounds the time that one repeat entry covers.
	repeatEvery = time.Minute
)

// Trace is a bounded memory of the traffic on a line, oldest first. It is a
// plain value without a clock: whoever adds says when. Repetitions of up to
// six entries are counted, not stored, so a small trace reaches far back
// on a line that is only polled. The zero value is not ready; use NewTrace.
type Trace struct {
	limit   int
	entries []Entry
	sink    func(Entry) // told of every finished entry

	open *Entry // still growing; not in entries

	// While the traffic repeats itself: the last span entries of the trace come
	// again; pos of them have come since the last whole group.
	span, pos, times int
	since, until     time.Time
	partial          []Entry
}

// NewTrace makes a trace that keeps the last limit entries.
func NewTrace(limit int) *Trace { return &Trace{limit: max(limit, 4*longestSpan)} }

// Add notes bytes that went in the direction at the time; b is copied.
func (t *Trace) Add(at time.Time, dir Direction, b []byte) {
	if len(b) == 0 {
		return
	}
	if o := t.open; o != nil && o.Dir == dir && dir == Received && at.Sub(o.Until) <= joinGap && len(o.Bytes)+len(b) <= longestEntry {
		o.Bytes = append(o.Bytes, b...)
		o.Until = at
		return
	}
	t.close()
	for len(b) > longestEntry {
		t.open = &Entry{At: at, Until: at, Dir: dir, Bytes: bytes.Clone(b[:longestEntry])}
		t.close()
		b = b[longestEntry:]
	}
	t.open = &Entry{At: at, Until: at, Dir: dir, Bytes: bytes.Clone(b)}
}

// close finishes the growing entry: it joins a repetition or is stored.
func (t *Trace) close() {
	if t.open == nil {
		return
	}
	e := *t.open
	t.open = nil
	if t.span > 0 {
		want := t.entries[len(t.entries)-t.span+t.pos]
		if same(want, e) {
			if t.times == 0 && t.pos == 0 {
				t.since = e.At
			}
			t.partial = append(t.partial, e)
			t.pos++
			if t.pos == t.span {
				t.pos, t.partial = 0, t.partial[:0]
				t.times++
				t.until = e.Until
				if t.until.Sub(t.since) >= repeatEvery {
					t.renewRepeat()
				}
			}
			return
		}
		t.endRepeat()
	}
	t.store(e)
	t.span = t.repeating()
}

// endRepeat stores how often the group came, and what had begun of the next.
func (t *Trace) endRepeat() {
	partial := t.partial
	if t.times > 0 {
		t.store(Entry{At: t.since, Span: t.span, Times: t.times, Until: t.until})
	}
	t.span, t.pos, t.times, t.partial = 0, 0, 0, nil
	for _, e := range partial {
		t.store(e)
	}
}

// renewRepeat stores how often the group came so far, and begins to count it
// anew: the group stands once more behind the count, so that what follows is
// compared with it. It is called between two whole groups.
func (t *Trace) renewRepeat() {
	group := append([]Entry(nil), t.entries[len(t.entries)-t.span:]...)
	span := t.span
	t.times-- // the group's last coming is the one that is stored in full
	t.endRepeat()
	for _, e := range group {
		e.At, e.Until = t.until, t.until
		t.store(e)
	}
	t.span = span
}

func (t *Trace) store(e Entry) {
	t.entries = append(t.entries, e)
	if t.sink != nil {
		t.sink(e)
	}
	t.trim()
}

func (t *Trace) trim() {
	if over := len(t.entries) - t.limit; over > 0 {
		t.entries = append(t.entries[:0], t.entries[over:]...)
	}
}

// repeating is the length of the group that the newest entries repeat; 0 if none.
func (t *Trace) repeating() int {
	n := len(t.entries)
	for span := 2; span <= longestSpan && 2*span <= n; span++ {
		match := true
		for i := 1; i <= span && match; i++ {
			match = same(t.entries[n-i], t.entries[n-i-span])
		}
		if match {
			return span
		}
	}
	return 0
}

func same(a, b Entry) bool {
	return a.Times == 0 && b.Times == 0 && a.Dir == b.Dir && bytes.Equal(a.Bytes, b.Bytes)
}

// Entries is what the trace holds, oldest first; the caller may keep it.
func (t *Trace) Entries() []Entry {
	out := append([]Entry(nil), t.entries...)
	if t.times > 0 {
		out = append(out, Entry{At: t.since, Span: t.span, Times: t.times, Until: t.until})
	}
	out = append(out, t.partial...)
	if t.open != nil {
		e := *t.open
		e.Bytes = bytes.Clone(e.Bytes)
		out = append(out, e)
	}
	return out
}

// Lines is Entries as text, one entry a line.
func (t *Trace) Lines() []string {
	entries := t.Entries()
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.String()
	}
	return out
}

// Since is Entries without those that ended before the time.
func (t *Trace) Since(at time.Time) []Entry {
	all := t.Entries()
	for i, e := range all {
		if !e.Until.Before(at) {
			return all[i:]
		}
	}
	return nil
}

// ParseEntry reads what String wrote; for replaying a recording.
func ParseEntry(s string) (Entry, error) {
	kind, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	switch kind {
	case "=":
		var e Entry
		if _, err := fmt.Sscanf(rest, "%d x %d", &e.Span, &e.Times); err != nil || e.Span < 1 || e.Times < 1 {
			return Entry{}, fmt.Errorf("line: not a repeat entry: %q", s)
		}
		return e, nil
	case string(Sent), string(Received):
		var b []byte
		for f := range strings.FieldsSeq(rest) {
			var v byte
			if len(f) != 2 {
				return Entry{}, fmt.Errorf("line: not hexadecimal: %q", s)
			}
			if _, err := fmt.Sscanf(f, "%02X", &v); err != nil {
				return Entry{}, fmt.Errorf("line: not hexadecimal: %q", s)
			}
			b = append(b, v)
		}
		return Entry{Dir: Direction(kind[0]), Bytes: b}, nil
	}
	return Entry{}, fmt.Errorf("line: not an entry: %q", s)
}
