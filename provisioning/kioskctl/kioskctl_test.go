package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

var (
	ctx     = context.Background()
	testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
)

// sum is the money of these tests: what was stacked, and that nothing is in
// doubt.
type sum struct {
	Minor int64 `json:"minor"`
	Doubt int   `json:"doubt"`
}

func (s *sum) Name() string                   { return "sum" }
func (s *sum) Save() (json.RawMessage, error) { return json.Marshal(s) }
func (s *sum) Load(b json.RawMessage) error   { return json.Unmarshal(b, s) }
func (s sum) Holds() bool                     { return s.Doubt == 0 }
func (s sum) String() string                  { return fmt.Sprintf("stacked %d.%02d AZN", s.Minor/100, s.Minor%100) }
func (s *sum) Apply(r journal.Record) error {
	b, _, err := r.Decode()
	switch b := b.(type) {
	case record.NoteStacked:
		s.Minor += b.Note.Value.Minor
	case record.NoteInDoubt:
		s.Doubt++
	}
	return err
}

var testRooms = rooms{
	ledger: func() (journal.Fold, func() admin.Equation) {
		s := &sum{}
		return s, func() admin.Equation { return *s }
	},
	folds: func() []journal.Fold { return []journal.Fold{&sum{}} },
}

// makeJournal is the journal of a terminal that has served a little.
func makeJournal(t *testing.T, more ...journal.Draft) (dir string, j *journal.Journal) {
	t.Helper()
	state := t.TempDir()
	dir = filepath.Join(state, "journal")
	now, sync := time.Date(2026, 2, 28, 21, 30, 0, 0, time.UTC), journal.SyncSynced
	j, err := journal.Open(journal.Options{
		Dir: dir, Terminal: "0192c5d4-8a00-7000-8000-0000000000a1", Create: true, Enrolment: []byte("e"),
		SigningKey: testKey, KeyID: "k", Synchronous: true, Folds: []journal.Fold{&sum{}},
		Clock: func() time.Time { return now }, Mono: func() time.Duration { return time.Duration(now.Unix()) * time.Second }, BootID: "b",
		Sync: func() string { return sync },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Abandon)
	stacked := func(visit string, manat int64) journal.Draft {
		return journal.Draft{Visit: visit, Body: record.NoteStacked{NoteID: "n", Note: cash.Note{Type: 2, Value: money.Manat(manat)}}}
	}
	for _, d := range append([]journal.Draft{
		{Body: record.PeriodOpened{Period: 1, Why: "first start"}},
		stacked("visit-a", 5), stacked("visit-b", 10),
		{Body: record.PeriodOpened{Period: 2, Why: "cassette change"}},
		{Visit: "visit-b", Body: record.DeviceFault{Device: "printer", Detail: "\u202eevil\u009b31m" + strings.Repeat("x", 300)}},
	}, more...) {
		if _, err := j.Append(ctx, d); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		sync = journal.SyncHeld
	}
	return dir, j
}

// kioskctl runs the program.
func kioskctl(t *testing.T, r rooms, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(ctx, args, &o, &e, r)
	return code, o.String(), e.String()
}

func stopped(t *testing.T, more ...journal.Draft) string {
	t.Helper()
	dir, j := makeJournal(t, more...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// running serves a journal on a socket, as kioskd does.
func running(t *testing.T, more ...journal.Draft) (dir, socket string) {
	t.Helper()
	dir, j := makeJournal(t, more...)
	socket = filepath.Join(t.TempDir(), "a.sock")
	l, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	serving, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- admin.Serve(serving, l, admin.Handler(admin.Options{Journal: j, Ledger: testRooms.ledger, Folds: testRooms.folds}))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return dir, socket
}

func TestList(t *testing.T) {
	dir := stopped(t)
	code, out, _ := kioskctl(t, testRooms, "journal", "list", "--dir", dir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != 6 {
		t.Fatalf("%d:\n%s", code, out)
	}
	// Half past nine in the evening in London is half past one in the morning in
	// Baku.
	if want := `1  2026-03-01 01:30:00.000  cassette.period        -                                     {"period":1,"why":"first start"}`; lines[0] != want {
		t.Errorf("first line:\n%s\nwant\n%s", lines[0], want)
	}
	if want := `       2  2026-03-01 01:30:01.000~ note.stacked           visit-a `; !strings.HasPrefix(lines[1], want) {
		t.Errorf("second line:\n%s", lines[1])
	}
	if bad := strings.IndexFunc(out, func(r rune) bool { return r == '\u202e' || r == '\u009b' || r < ' ' && r != '\n' }); bad >= 0 {
		t.Errorf("a control character reaches the terminal at %d", bad)
	}
	if !strings.HasSuffix(lines[4], "…") {
		t.Errorf("a long record is not cut: %s", lines[4])
	}
	if _, out, _ := kioskctl(t, testRooms, "journal", "list", "--dir", dir, "--full", "--from", "5", "--limit", "1"); !strings.Contains(out, strings.Repeat("x", 300)) {
		t.Errorf("--full:\n%s", out)
	}
	for args, want := range map[string]int{
		"--kind note.stacked":          2,
		"--kind note.":                 2,
		"--visit visit-b":              2,
		"--visit visit-b --kind note.": 1,
		"--from 4":                     3,
		"--from 2 --limit 2":           2,
		"--limit 1":                    1,
		"--last 1":                     1,
		"--visit nobody":               0,
	} {
		code, out, errOut := kioskctl(t, testRooms, append([]string{"journal", "list", "--dir", dir}, strings.Fields(args)...)...)
		if n := strings.Count(out, "\n"); code != exitOK || n != want {
			t.Errorf("%s: %d, %d lines, want %d\n%s%s", args, code, n, want, out, errOut)
		}
	}
}

func TestListJSON(t *testing.T) {
	code, out, _ := kioskctl(t, testRooms, "journal", "list", "--json", "--dir", stopped(t))
	prev := ""
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var e admin.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Seal(&e.Record); err != nil || e.Record.Hash != e.Hash || e.Record.Seq != uint64(i+1) || i > 0 && e.Record.Prev != prev {
			t.Errorf("line %d does not chain: %s", i, line)
		}
		prev = e.Hash
	}
	if code != exitOK || prev == "" {
		t.Errorf("%d:\n%s", code, out)
	}
}

// What a running terminal answers is what its files say.
func TestSocketEqualsFiles(t *testing.T) {
	dir, socket := running(t)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"journal list", "journal list --last 2", "journal list --kind note. --json", "journal equation", "journal equation --periods", "journal equation --json"} {
		codeA, a, errA := kioskctl(t, testRooms, append(strings.Fields(args), "--socket", socket)...)
		codeB, b, errB := kioskctl(t, testRooms, append(strings.Fields(args), "--dir", copied)...)
		if codeA != exitOK || codeA != codeB || a != b || a == "" {
			t.Errorf("%s:\nsocket %d %s%s\nfiles %d %s%s", args, codeA, a, errA, codeB, b, errB)
		}
	}
	code, out, errOut := kioskctl(t, testRooms, "journal", "list", "--dir", dir)
	if code != exitFailed || out != "" || !strings.Contains(errOut, "in use") || !strings.Contains(errOut, "hint: the terminal runs: ask it with --socket") {
		t.Errorf("files of a running terminal: %d %s", code, errOut)
	}
}

func TestEquation(t *testing.T) {
	dir := stopped(t)
	code, out, _ := kioskctl(t, testRooms, "journal", "equation", "--dir", dir)
	if code != exitOK || out != "stacked 15.00 AZN\nthe equation holds\n" {
		t.Errorf("%d:\n%s", code, out)
	}
	code, out, _ = kioskctl(t, testRooms, "journal", "equation", "--periods", "--dir", dir)
	want := "== at the end of a cassette period: record 3, 2026-03-01 01:30:02.000\nstacked 15.00 AZN\nthe equation holds\n" +
		"== now: record 6, 2026-03-01 01:30:05.000\nstacked 15.00 AZN\nthe equation holds\n"
	if code != exitOK || out != want {
		t.Errorf("%d:\n%s\nwant\n%s", code, out, want)
	}
	dir = stopped(t, journal.Draft{Body: record.NoteInDoubt{NoteID: "x"}})
	code, out, errOut := kioskctl(t, testRooms, "journal", "equation", "--dir", dir)
	if code != exitFinding || !strings.Contains(out, "DOES NOT HOLD") || !strings.Contains(errOut, "does not hold") {
		t.Errorf("%d:\n%s%s", code, out, errOut)
	}
	if code, _, errOut := kioskctl(t, rooms{}, "journal", "equation", "--dir", dir); code != exitFailed || errOut == "" {
		t.Errorf("without a ledger: %d %s", code, errOut)
	}
}

func TestVerify(t *testing.T) {
	dir := stopped(t)
	pub := testKey.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(keys, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pemKey := write("pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	hexKey := write("hex", []byte(hex.EncodeToString(pub)+"\n"))
	other := write("other", []byte(strings.Repeat("0f", 32)))
	bad := write("bad", []byte("not a key"))
	_, socket := running(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in what is said
	}{
		{"key in PEM", []string{"--dir", dir, "--key", pemKey}, exitOK, "checkpoints 1, signatures verified 1"},
		{"key in digits", []string{"--dir", dir, "--key", hexKey}, exitOK, "the journal is whole"},
		{"no key", []string{"--dir", dir}, exitOK, "note: no public key was given"},
		{"state directory", []string{"--dir", filepath.Dir(dir)}, exitOK, "the journal is whole"},
		{"the store's file", []string{"--dir", filepath.Join(dir, "store.db")}, exitOK, "the journal is whole"},
		{"a segment's file", []string{"--dir", filepath.Join(dir, "segments", fmt.Sprintf("%020d.seg", 1))}, exitOK, "the journal is whole"},
		{"JSON", []string{"--dir", dir, "--json"}, exitOK, `"problems":[]`},
		{"another key", []string{"--dir", dir, "--key", other}, exitFinding, "PROBLEM in both at record 6"},
		{"no key at all", []string{"--dir", dir, "--key", bad}, exitFailed, "hint: give the terminal's public key"},
		{"no such key", []string{"--dir", dir, "--key", bad + "?"}, exitFailed, "no such file"},
		{"no such directory", []string{"--dir", dir + "?"}, exitFailed, "hint: give the directory"},
		{"no journal", []string{"--dir", keys}, exitFailed, "no journal here"},
		{"running", []string{"--socket", socket}, exitOK, "folds equal to the records: sum"},
		{"running, with a key", []string{"--socket", socket, "--key", hexKey}, exitFailed, "--key goes with --dir"},
		{"nobody there", []string{"--socket", socket + "?"}, exitFailed, "hint: see whether kioskd runs"},
	} {
		code, out, errOut := kioskctl(t, testRooms, append([]string{"journal", "verify"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: %d, want %d and %q:\n%s%s", c.name, code, c.code, c.want, out, errOut)
		}
	}

	store := filepath.Join(dir, "store.db")
	b, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, bytes.ReplaceAll(b, []byte(`"minor":500`), []byte(`"minor":900`)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := kioskctl(t, testRooms, "journal", "verify", "--dir", dir, "--key", pemKey)
	if code != exitFinding || !strings.Contains(out, "PROBLEM in store at record 2") || !strings.Contains(out, "what to do:") || !strings.Contains(errOut, "problems: 1") {
		t.Errorf("a changed sum: %d\n%s%s", code, out, errOut)
	}
	code, out, _ = kioskctl(t, testRooms, "journal", "equation", "--dir", dir)
	if code != exitOK || !strings.HasPrefix(out, "stacked 15.00 AZN") {
		t.Errorf("the equation took the changed sum: %d\n%s", code, out)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitOK, "says what is so"},
		{[]string{"--help"}, exitOK, "Exit codes"},
		{[]string{"journal"}, exitOK, "verify"},
		{[]string{"jurnal"}, exitUsage, "hint: kioskctl --help"},
		{[]string{"journal", "lst"}, exitUsage, "hint:"},
		{[]string{"journal", "list", "--form", "5"}, exitUsage, "hint: kioskctl journal list --help"},
		{[]string{"journal", "list", "--from", "x"}, exitUsage, "hint:"},
		{[]string{"journal", "list", "5"}, exitUsage, "hint:"},
		{[]string{"journal", "list", "--dir", "a", "--socket", "b"}, exitUsage, "hint:"},
		{[]string{"journal", "list", "--last", "1", "--from", "2"}, exitUsage, "hint:"},
	} {
		code, out, errOut := kioskctl(t, testRooms, c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%v: %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, out, errOut)
		}
	}
}

func TestInterrupted(t *testing.T) {
	dir := stopped(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	var out, errOut bytes.Buffer
	if code := run(gone, []string{"journal", "verify", "--dir", dir}, &out, &errOut, testRooms); code != exitFailed || errOut.String() != "kioskctl: interrupted\n" {
		t.Errorf("%d %s%s", code, out.String(), errOut.String())
	}
}
