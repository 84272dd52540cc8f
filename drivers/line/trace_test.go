package line

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var day = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

// idle adds n polling cycles of three frames, five a second.
func idle(add func(time.Time, Direction, []byte), from time.Time, n int) time.Time {
	for range n {
		add(from, Sent, []byte{0x33})
		add(from.Add(8*time.Millisecond), Received, []byte{0x14})
		add(from.Add(9*time.Millisecond), Sent, []byte{0x00})
		from = from.Add(200 * time.Millisecond)
	}
	return from
}

func TestTraceCountsRepetitions(t *testing.T) {
	tr := NewTrace(100)
	at := idle(tr.Add, day, 100)
	tr.Add(at, Sent, []byte{0x33})
	tr.Add(at.Add(9*time.Millisecond), Received, []byte{0x81, 0x04})
	tr.Add(at.Add(time.Second), Sent, []byte{0x00})
	want := "> 33|< 14|> 00|> 33|< 14|> 00|= 3 x 98|> 33|< 81 04|> 00"
	if got := strings.Join(tr.Lines(), "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTraceJoinsPieces(t *testing.T) {
	tr := NewTrace(100)
	for i, b := range []byte{2, 3, 6} {
		tr.Add(day.Add(time.Duration(i)*15*time.Millisecond), Received, []byte{b})
	}
	tr.Add(day.Add(time.Second), Received, []byte{7})
	tr.Add(day.Add(time.Second), Sent, []byte{8})
	tr.Add(day.Add(time.Second), Sent, []byte{9}) // two writes are two frames
	if got := strings.Join(tr.Lines(), "|"); got != "< 02 03 06|< 07|> 08|> 09" {
		t.Errorf("%s", got)
	}
	if got := tr.Since(day.Add(500 * time.Millisecond)); len(got) != 3 {
		t.Errorf("since half a second: %v", got)
	}
}

// Whatever goes over the line, a trace is bounded, and what it holds expands to
// the newest traffic.
func TestTraceIsBoundedAndTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := NewTrace(64)
		at := day
		var all []string
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			dir := rapid.SampledFrom([]Direction{Sent, Received}).Draw(t, "dir")
			b := []byte{rapid.ByteMax(2).Draw(t, "b")}
			at = at.Add(time.Duration(rapid.IntRange(25, 40000).Draw(t, "ms")) * time.Millisecond)
			tr.Add(at, dir, b)
			all = append(all, Entry{Dir: dir, Bytes: b}.String())
		}
		entries := tr.Entries()
		if len(entries) > 64+2*longestSpan+2 {
			t.Fatalf("%d entries", len(entries))
		}
		var expanded []string
		for _, e := range entries {
			if e.Times == 0 {
				expanded = append(expanded, e.String())
				continue
			}
			if len(expanded) < e.Span {
				expanded = nil // its group has been dropped
				continue
			}
			group := expanded[len(expanded)-e.Span:]
			for range e.Times {
				expanded = append(expanded, group...)
			}
		}
		if len(expanded) > len(all) {
			t.Fatalf("%d pieces from %d", len(expanded), len(all))
		}
		newest := all[len(all)-len(expanded):]
		if strings.Join(newest, "|") != strings.Join(expanded, "|") {
			t.Fatalf("holds %v, the newest are %v", expanded, newest)
		}
	})
}

func TestRecorderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traffic")
	r, err := NewRecorder(RecorderOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	add := func(at time.Time, dir Direction, b []byte) {
		if dir == Sent {
			r.Sent(at, b)
		} else {
			r.Received(at, b)
		}
	}
	const cycles = 24 * 3600 * 5
	at := idle(add, day, cycles)
	r.Received(at, []byte{0x80, 0x04})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 1<<20 {
		t.Errorf("a day of idling takes %d bytes", len(text))
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; last != "2026-02-01T09:00:00.000000Z < 80 04" {
		t.Errorf("last line %q", last)
	}
	pieces := 0
	for _, l := range lines {
		_, entry, _ := strings.Cut(l, " ")
		e, err := ParseEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		pieces += max(1, e.Times*e.Span)
	}
	if pieces != 3*cycles+1 {
		t.Errorf("the file tells of %d pieces, %d went over the line", pieces, 3*cycles+1)
	}
}

func TestRecorderRotates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "traffic")
	r, err := NewRecorder(RecorderOptions{Path: path, FileBytes: 1000, Files: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		r.Sent(day.Add(time.Duration(i)*time.Second), []byte(fmt.Sprint(i)))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if st, err := f.Info(); err != nil || st.Size() > 1000 {
			t.Errorf("%s holds %d bytes, %v", f.Name(), st.Size(), err)
		}
	}
	newest, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(newest, []byte("> 34 39 39\n")) {
		t.Errorf("the newest is not in the newest file: %v", err)
	}
	// A second start goes on in the same file.
	if r, err = NewRecorder(RecorderOptions{Path: path, FileBytes: 1000, Files: 3}); err != nil {
		t.Fatal(err)
	}
	r.Sent(day, []byte{1})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(again, newest) && len(newest)+35 < 1000 {
		t.Errorf("what was written before is gone: %v", err)
	}
}

// What an earlier run wrote stands before what this one saw.
func TestRecorderTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traffic")
	opts := RecorderOptions{Path: path, FileBytes: 4000, Files: 2}
	for run := range 3 {
		r, err := NewRecorder(opts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			r.Sent(day.Add(time.Duration(100*run+i)*time.Second), []byte{byte(run), byte(i)})
		}
		if got := r.Tail(5); len(got) != 5 || !strings.HasSuffix(got[4], fmt.Sprintf("> %02X 13", run)) {
			t.Errorf("run %d: %q", run, got)
		}
		got := r.Tail(25)
		want := 25
		if run == 0 {
			want = 20
		}
		if len(got) != want {
			t.Fatalf("run %d: %d lines, want %d", run, len(got), want)
		}
		if run > 0 && (!strings.HasSuffix(got[0], fmt.Sprintf("> %02X 0F", run-1)) || !strings.HasSuffix(got[5], fmt.Sprintf("> %02X 00", run))) {
			t.Errorf("run %d: %q", run, got[:6])
		}
		if !slices.IsSorted(got) {
			t.Errorf("not in the order of time: %q", got)
		}
		if run == 1 { // killed: the file ends in half a line
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Close()
			if _, err := f.WriteString("2026-01-31T09:03"); err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			continue
		}
		_ = r.Close()
	}
	var none *Recorder
	if none.Tail(5) != nil {
		t.Error("a nil recorder is not silent")
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "09:032026") {
		t.Errorf("half a line was gone on with: %v", err)
	}
	files, err := Recording(path)
	if err != nil || files[len(files)-1] != path {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := Recording(path + "x"); err == nil {
		t.Error("a recording that is not there")
	}
}

// A file that fails never disturbs the line.
func TestRecorderWithoutRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := NewRecorder(RecorderOptions{Path: filepath.Join(dir, "traffic"), FileBytes: 100, Files: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for i := range byte(10) {
		r.Sent(day.Add(time.Duration(i)*time.Second), bytes.Repeat([]byte{i}, 20))
	}
	if r.Err() == nil {
		t.Error("nobody is told that the file fails")
	}
	if n := len(r.Since(day)); n != 10 {
		t.Errorf("%d entries in memory", n)
	}
	_ = r.Close() // its error was looked at above
	var none *Recorder
	none.Sent(day, []byte{1})
	if none.Since(day) != nil || none.Err() != nil || none.Close() != nil {
		t.Error("a nil recorder is not silent")
	}
	if _, err := NewRecorder(RecorderOptions{Path: filepath.Join(dir, "none", "traffic")}); err == nil {
		t.Error("a file that cannot be opened is not an error")
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{"> 02 03 06 33 DA 81", "< 00", "= 3 x 120 until later", "", ">", "= x", "> 0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEntry(s)
		if err != nil {
			return
		}
		again, err := ParseEntry(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q became %q: %v", e.String(), again.String(), err)
		}
	})
}
