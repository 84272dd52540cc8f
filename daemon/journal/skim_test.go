package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSkim: what lies before the last checkpoint is read by its place in the chain
// alone, and that finds everything that a full reading finds: whatever is done to a
// line, check sum put right, the chain does not come to its end.
func TestSkim(t *testing.T) {
	s := makeSite(t, 12)
	path := s.segment(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	scan := func(skim uint64) segmentScan {
		t.Helper()
		files, err := listSegments(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := readIdentity(s.o.Dir)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&segmentScanner{id: id, skim: skim, keep: func(Record) error { return nil }}).scan(files, link{0, id.Genesis})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	full := scan(0)
	if full.broken != nil || full.records < 12 {
		t.Fatalf("%d records, %v", full.records, full.broken)
	}
	for skim := uint64(1); skim <= full.tail.seq; skim++ {
		if got := scan(skim); got != full {
			t.Errorf("skimmed below %d: %+v, in full %+v", skim, got, full)
		}
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	again := func(payload string) []byte { return appendLine(nil, '#', []byte(payload)) }
	for i := 1; i < len(lines)-2; i++ { // the last record is not skimmed
		mark, payload, err := parseLine(bytes.TrimSuffix(lines[i], []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		p := string(payload)
		for what, line := range map[string][]byte{
			"a byte of the line":      append([]byte{lines[i][0] ^ 1}, lines[i][1:]...),
			"another wall clock":      again(strings.Replace(p, `"wall":1`, `"wall":2`, 1)),
			"not canonical":           again(strings.Replace(p, `,"seq":`, `, "seq":`, 1)),
			"another number":          again(strings.Replace(p, `"seq":`, `"seq":1`, 1)),
			"another record before":   again(strings.Replace(p, `"prev":"`, `"prev":"0`, 1)),
			"another terminal":        again(strings.Replace(p, testTerminal, otherTerminal, 1)),
			"no record":               again(`{}`),
			"the line twice":          append(bytes.Clone(lines[i]), lines[i]...),
			"the line missing":        nil,
			"a mark of another thing": appendLine(nil, 'H', payload),
		} {
			if mark != '#' && what == "a mark of another thing" {
				continue
			}
			changed := append(append(bytes.Join(lines[:i], nil), line...), bytes.Join(lines[i+1:], nil)...)
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			got := scan(full.tail.seq)
			if got.broken == nil && got.tail == full.tail {
				t.Errorf("record %d, %s: nothing was noticed", i, what)
			}
		}
	}
}
