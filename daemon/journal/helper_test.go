package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

const (
	testTerminal  = "0192c5d4-8a00-7000-8000-0000000000a1"
	otherTerminal = "0192c5d4-8a00-7000-8000-0000000000a2"
)

var (
	testKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	otherKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	ctx      = context.Background()
)

// testClock is a wall clock and a monotonic clock that a test moves.
type testClock struct {
	wall time.Time
	mono time.Duration
}

func newClock() *testClock {
	return &testClock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), time.Minute}
}

func (c *testClock) advance(d time.Duration) { c.wall, c.mono = c.wall.Add(d), c.mono+d }

// tally is a fold: how many records of each kind there were, and the sum of
// stacked notes.
type tally struct {
	Kinds map[record.Kind]int `json:"kinds"`
	Minor int64               `json:"minor"`

	applied int
	refuse  bool // of Load
}

func newTally() *tally { return &tally{Kinds: map[record.Kind]int{}} }

func (t *tally) Name() string { return "tally" }

func (t *tally) Apply(r Record) error {
	t.applied++
	t.Kinds[r.Kind]++
	b, ok, err := r.Decode()
	if err != nil || !ok {
		return err
	}
	if n, ok := b.(record.NoteStacked); ok {
		t.Minor += n.Note.Value.Minor
	}
	return nil
}

func (t *tally) Save() (json.RawMessage, error) { return json.Marshal(t) }

func (t *tally) Load(b json.RawMessage) error {
	if t.refuse {
		return fmt.Errorf("state of an older version")
	}
	return json.Unmarshal(b, t)
}

// tempDir is a directory in memory where there is one: the tests sync often.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "journal-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func options(t testing.TB, c *testClock) Options {
	t.Helper()
	return Options{
		Dir: filepath.Join(tempDir(t), "journal"), Terminal: testTerminal, Create: true,
		Enrolment:  []byte("enrolment of a test"),
		SigningKey: testKey, KeyID: "k1",
		Clock: func() time.Time { return c.wall }, Mono: func() time.Duration { return c.mono },
		BootID: "boot-1", Sync: func() string { return SyncSynced },
		Synchronous: true,
	}
}

func open(t testing.TB, o Options) *Journal {
	t.Helper()
	j, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(j.Abandon)
	return j
}

func note(id string, manat int64) Draft {
	return Draft{Visit: "visit-1", Body: record.NoteStacked{NoteID: id, Note: cash.Note{Type: 1, Value: money.Manat(manat)}, TableHash: "t"}}
}

func appendOK(t testing.TB, j *Journal, drafts ...Draft) []Record {
	t.Helper()
	rs, err := j.Append(ctx, drafts...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return rs
}

// fill appends n groups of one note.
func fillNotes(t testing.TB, j *Journal, n int) {
	t.Helper()
	for i := range n {
		appendOK(t, j, note(fmt.Sprintf("n%d", i), 1))
	}
}

func all(t testing.TB, src Source) []Record {
	t.Helper()
	var out []Record
	if err := src.Walk(ctx, 1, func(r Record) error { out = append(out, r); return nil }); err != nil {
		t.Fatalf("Walk: %v", err)
	}
	return out
}

func kinds(rs []Record) (out []record.Kind) {
	for _, r := range rs {
		out = append(out, r.Kind)
	}
	return out
}

// copyDir copies a journal's directory, as a disk image would.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
