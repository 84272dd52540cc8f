package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// site is a journal that was made, killed and left lying, with everything it had
// confirmed.
type site struct {
	o         Options
	confirmed []Record
	storeBad  bool // in a place that a start does not look at
}

func (s site) store() string { return filepath.Join(s.o.Dir, storeFile) }

// segment is the path of the last segment file.
func (s site) segment(t testing.TB) string {
	t.Helper()
	files, err := listSegments(filepath.Join(s.o.Dir, segmentDir))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d segment files, %v", len(files), err)
	}
	return files[len(files)-1].path
}

// makeSite makes a journal of groups of three notes, with checkpoints.
func makeSite(t testing.TB, groups int) site {
	t.Helper()
	s := site{o: options(t, newClock())}
	s.o.CheckpointEvery = 7
	s.grow(t, groups)
	return s
}

func (s *site) grow(t testing.TB, groups int) {
	t.Helper()
	j := open(t, s.o)
	for i := range groups {
		appendOK(t, j, note(fmt.Sprintf("%d", i), 1), note(fmt.Sprintf("%d'", i), 2), note(fmt.Sprintf("%d''", i), 3))
	}
	s.confirmed = all(t, j)
	j.Abandon()
}

// reopen opens the journal again and checks that everything confirmed is there,
// in both copies, and that the journal can go on.
func (s site) reopen(t testing.TB) []Record {
	t.Helper()
	o := s.o
	fold := newTally()
	o.Folds = []Fold{fold}
	j, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer j.Abandon()
	rs := all(t, j)
	if len(rs) < len(s.confirmed) || !reflect.DeepEqual(rs[:len(s.confirmed)], s.confirmed) {
		t.Fatalf("%d records were confirmed, %d are there", len(s.confirmed), len(rs))
	}
	whole := newTally()
	if err := Rebuild(ctx, j, whole); err != nil || !reflect.DeepEqual(fold.Kinds, whole.Kinds) || fold.Minor != whole.Minor {
		t.Fatalf("fold %+v, from the records %+v, %v", fold, whole, err)
	}
	appendOK(t, j, note("goes on", 1))
	if rep, err := j.Verify(ctx, nil); err != nil || rep.OK() == s.storeBad || !s.storeBad && rep.Store != (CopyReport{rep.Segments.Seq, rep.Segments.Hash, 1, rep.Store.Bytes}) {
		t.Fatalf("after recovery: %v\n%v", err, rep)
	}
	return rs
}

// recovered is the record that tells of a recovery, the last of rs, if there is
// one behind the confirmed ones.
func (s site) recovered(t testing.TB, rs []Record) *record.Recovered {
	t.Helper()
	for _, r := range rs[len(s.confirmed):] {
		if b, _, err := r.Decode(); err != nil {
			t.Fatal(err)
		} else if rec, ok := b.(record.Recovered); ok {
			return &rec
		}
	}
	return nil
}

func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, glob := range []string{"*", "*/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				out[p] = hashOf(readFile(t, p))
			}
		}
	}
	return out
}

func flip(t testing.TB, path string, off int64) {
	t.Helper()
	b := readFile(t, path)
	if off < 0 {
		off += int64(len(b))
	}
	b[off] ^= 0x04
	writeFile(t, path, b)
}

func TestDamage(t *testing.T) {
	remove := func(t testing.TB, path string) {
		t.Helper()
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	cut := func(t testing.TB, path string, by int) {
		t.Helper()
		b := readFile(t, path)
		writeFile(t, path, b[:len(b)-by])
	}
	// lineOffset finds a byte of the record with the given number in the segment.
	lineOffset := func(t testing.TB, path string, seq int, what string) int64 {
		t.Helper()
		b := readFile(t, path)
		at := bytes.Index(b, fmt.Appendf(nil, `"seq":%d,`, seq))
		if at < 0 {
			t.Fatalf("record %d is not in %s", seq, path)
		}
		begin := bytes.LastIndexByte(b[:at], '\n') + 1
		switch what {
		case "crc":
			return int64(begin)
		case "space":
			return int64(begin + 8)
		case "mark":
			return int64(begin + 9)
		case "body":
			return int64(begin + linePrefix + 10)
		case "prev":
			return int64(begin + bytes.Index(b[begin:], []byte(`"prev":"`)) + 10)
		case "end":
			return int64(begin + bytes.IndexByte(b[begin:], '\n'))
		}
		t.Fatalf("no such part: %s", what)
		return 0
	}
	// cutBehind takes a record and everything behind it off the segment.
	cutBehind := func(t testing.TB, path string, seq int) {
		t.Helper()
		b := readFile(t, path)
		at := bytes.Index(b, fmt.Appendf(nil, `"seq":%d,`, seq))
		writeFile(t, path, b[:bytes.LastIndexByte(b[:at], '\n')+1])
	}
	type situation struct {
		name string
		do   func(t testing.TB, s *site)
		tell string // a word of record.Recovered, "" when nothing is to be told
		err  error  // instead: Open refuses
		lost string // and names this
	}
	situations := []situation{
		{name: "nothing", do: func(testing.TB, *site) {}},
		{name: "identity missing", do: func(t testing.TB, s *site) { remove(t, filepath.Join(s.o.Dir, identityFile)) }},
		{name: "identity flipped", do: func(t testing.TB, s *site) { flip(t, filepath.Join(s.o.Dir, identityFile), 30) }},
		{name: "store missing", do: func(t testing.TB, s *site) { remove(t, s.store()) }, tell: "store was missing"},
		{name: "store empty", do: func(t testing.TB, s *site) { writeFile(t, s.store(), nil) }, tell: "store was damaged"},
		{name: "store cut in half", do: func(t testing.TB, s *site) { cut(t, s.store(), len(readFile(t, s.store()))/2) }, tell: "store was damaged"},
		{name: "store is something else", do: func(t testing.TB, s *site) { writeFile(t, s.store(), []byte("not a store")) }, tell: "store was damaged"},
		{name: "segments missing", do: func(t testing.TB, s *site) { remove(t, filepath.Join(s.o.Dir, segmentDir)) }, tell: "segments were missing"},
		{name: "segment file missing", do: func(t testing.TB, s *site) { remove(t, s.segment(t)) }, tell: "segments were missing"},
		{name: "segment empty", do: func(t testing.TB, s *site) { writeFile(t, s.segment(t), nil) }, tell: "segment"},
		{name: "segment header flipped", do: func(t testing.TB, s *site) { flip(t, s.segment(t), 20) }, tell: "segment"},
		{name: "segment: zeros at the end", do: func(t testing.TB, s *site) {
			writeFile(t, s.segment(t), append(readFile(t, s.segment(t)), make([]byte, 512)...))
		}, tell: "torn write"},
		{name: "segment: rubbish at the end", do: func(t testing.TB, s *site) {
			writeFile(t, s.segment(t), append(readFile(t, s.segment(t)), "rubbish\n"...))
		}, tell: "damage cut off"},
		{name: "both missing", do: func(t testing.TB, s *site) { remove(t, s.store()); remove(t, filepath.Join(s.o.Dir, segmentDir)) }, err: ErrLost, lost: "both copies"},
		{name: "both missing, identity unreadable", do: func(t testing.TB, s *site) {
			remove(t, s.store())
			remove(t, s.segment(t))
			writeFile(t, filepath.Join(s.o.Dir, identityFile), []byte("?"))
		}, err: ErrLost, lost: "neither copy"},
		{name: "store missing, segment damaged in the middle", do: func(t testing.TB, s *site) {
			remove(t, s.store())
			flip(t, s.segment(t), lineOffset(t, s.segment(t), 5, "body"))
		}, err: ErrLost, lost: "record 4 "},
		{name: "store missing, last segment line flipped", do: func(t testing.TB, s *site) {
			remove(t, s.store())
			flip(t, s.segment(t), -20)
		}, err: ErrLost},
		{name: "store damaged at its end, segment behind it", do: func(t testing.TB, s *site) {
			writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"12'"`), []byte(`"note_id":"13'"`)))
			cutBehind(t, s.segment(t), 20)
		}, err: ErrLost, lost: "records 20 to 43 are in neither copy"},
		{name: "store damaged before the checkpoint, segment behind it", do: func(t testing.TB, s *site) {
			writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
			cutBehind(t, s.segment(t), 20)
		}, err: ErrLost, lost: "the store cannot complete it"},
		{name: "store damaged before the checkpoint, segment whole", do: func(t testing.TB, s *site) {
			// Found by Verify, not by a start; a reader gets the good copy.
			writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
			s.storeBad = true
		}},
		{name: "store missing, last segment line torn", do: func(t testing.TB, s *site) {
			// Nobody was told of the last group if the store is gone with it: what is
			// whole is kept.
			remove(t, s.store())
			cut(t, s.segment(t), 30)
			s.confirmed = s.confirmed[:len(s.confirmed)-3]
		}, tell: "store was missing"},
		{name: "old store restored", do: func(t testing.TB, s *site) {
			b := readFile(t, s.store())
			s.grow(t, 10)
			writeFile(t, s.store(), b)
		}, tell: "store was behind"},
		{name: "old segment restored", do: func(t testing.TB, s *site) {
			b := readFile(t, s.segment(t))
			s.grow(t, 10)
			writeFile(t, s.segment(t), b)
		}, tell: "segment was behind"},
		{name: "old store, segment damaged beyond it", do: func(t testing.TB, s *site) {
			b, n := readFile(t, s.store()), len(s.confirmed)
			s.grow(t, 10)
			writeFile(t, s.store(), b)
			flip(t, s.segment(t), lineOffset(t, s.segment(t), n+8, "body"))
		}, err: ErrLost, lost: "the store ends with record"},
		{name: "old store that went its own way", do: func(t testing.TB, s *site) {
			old := s.o
			s.o.Dir += "-2"
			copyDir(t, old.Dir, s.o.Dir)
			branch := site{o: old}
			j := open(t, old)
			appendOK(t, j, note("another history", 50))
			j.Abandon()
			s.grow(t, 1)
			writeFile(t, s.store(), readFile(t, branch.store()))
		}, err: ErrForked},
	}
	for _, part := range []string{"crc", "space", "mark", "body", "prev", "end"} {
		for _, seq := range []int{1, 9, 17, 42} {
			situations = append(situations, situation{
				name: fmt.Sprintf("segment: %s of record %d flipped", part, seq),
				do:   func(t testing.TB, s *site) { flip(t, s.segment(t), lineOffset(t, s.segment(t), seq, part)) },
				tell: "segment",
			})
		}
	}
	for _, sit := range situations {
		t.Run(sit.name, func(t *testing.T) {
			s := makeSite(t, 13)
			if len(s.confirmed) != 43 {
				t.Fatalf("%d records", len(s.confirmed))
			}
			sit.do(t, &s)
			before := snapshot(t, s.o.Dir)
			if sit.err != nil {
				j, err := Open(s.o)
				if err == nil {
					j.Abandon()
				}
				var rec *RecoveryError
				if !errors.Is(err, sit.err) || !errors.As(err, &rec) || rec.Do == "" || !strings.Contains(err.Error(), sit.lost) {
					t.Fatalf("Open: %v", err)
				}
				if after := snapshot(t, s.o.Dir); !reflect.DeepEqual(before, after) {
					t.Errorf("a refusal changed the files")
				}
				return
			}
			rs := s.reopen(t)
			rec := s.recovered(t, rs)
			switch {
			case sit.tell == "" && rec != nil:
				t.Errorf("told of a recovery: %+v", rec)
			case sit.tell != "" && (rec == nil || !strings.Contains(rec.Detail, sit.tell)):
				t.Errorf("told %+v, want a word of %q", rec, sit.tell)
			}
			if again := s.recovered(t, s.reopen(t)); again != nil && rec == nil {
				t.Errorf("told of a recovery at the second start: %+v", again)
			}
		})
	}
}

// The last write is cut at every byte: whatever is left of it, confirmed groups
// are there, and a group is there as a whole or not at all.
func TestTornGroup(t *testing.T) {
	s := makeSite(t, 3)
	n := len(s.confirmed)
	old := readFile(t, s.store()) // the store has not had its turn
	s.o.Synchronous = true
	before := len(readFile(t, s.segment(t)))
	j := open(t, s.o)
	appendOK(t, j, note("x", 1), note("y", 1), note("z", 1))
	j.Abandon()
	full := readFile(t, s.segment(t))
	work := site{o: s.o, confirmed: s.confirmed}
	work.o.Dir = s.o.Dir + "-work"
	step := 1
	if testing.Short() {
		step = 11
	}
	// From the end, so that the whole group is always among them.
	for size := len(full); size >= before; size -= step {
		copyDir(t, s.o.Dir, work.o.Dir)
		writeFile(t, work.store(), old)
		writeFile(t, work.segment(t), full[:size])
		rs := work.reopen(t)
		notes := 0
		for _, r := range rs[n:] {
			if r.Kind == "note.stacked" {
				notes++
			}
		}
		want := 0
		if size == len(full) {
			want = 3
		}
		rec := work.recovered(t, rs)
		if notes != want || (rec == nil) != (size == before) || rec != nil && want == 0 && rec.Torn != int64(size-before) {
			t.Fatalf("cut to %d of %d bytes: %d notes of the last group, told %+v", size-before, len(full)-before, notes, rec)
		}
		// The store has it: nothing may be missing.
		copyDir(t, s.o.Dir, work.o.Dir)
		writeFile(t, work.segment(t), full[:size])
		if rs := work.reopen(t); len(rs) < n+3 || rs[n+2].Kind != "note.stacked" {
			t.Fatalf("cut to %d bytes beside a whole store: %v", size-before, kinds(rs[n:]))
		}
	}
}

// Any bit of the store's file may be wrong: Open never panics or hangs, and it
// never loses a record.
func TestStoreFlips(t *testing.T) {
	s := makeSite(t, 12)
	good := readFile(t, s.store())
	step := 61
	if testing.Short() {
		step = 997
	}
	work := site{o: s.o, confirmed: s.confirmed}
	work.o.Dir += "-work"
	for off := 0; off < len(good); off += step {
		if off > 16<<10 && bytes.Count(good[off:min(off+step, len(good))], []byte{0}) == min(step, len(good)-off) {
			continue // never used
		}
		copyDir(t, s.o.Dir, work.o.Dir)
		b := bytes.Clone(good)
		b[off] ^= 1 << (off % 8)
		writeFile(t, work.store(), b)
		j, err := Open(work.o)
		if err != nil {
			t.Fatalf("byte %d flipped: %v", off, err)
		}
		rs := all(t, j)
		if len(rs) < len(work.confirmed) || !reflect.DeepEqual(rs[:len(work.confirmed)], work.confirmed) {
			t.Fatalf("byte %d flipped: %d records of %d", off, len(rs), len(work.confirmed))
		}
		j.Abandon()
	}
}

func TestForeign(t *testing.T) {
	s, other := makeSite(t, 3), site{o: options(t, newClock())}
	other.o.Terminal = otherTerminal
	other.grow(t, 5)
	for name, do := range map[string]func(o *Options){
		"another terminal's directory": func(o *Options) { copyDir(t, other.o.Dir, o.Dir) },
		"another terminal's store": func(o *Options) {
			writeFile(t, filepath.Join(o.Dir, storeFile), readFile(t, other.store()))
		},
		"another terminal's segment": func(o *Options) {
			writeFile(t, filepath.Join(o.Dir, segmentDir, filepath.Base(other.segment(t))), readFile(t, other.segment(t)))
		},
		"another terminal's segment behind ours": func(o *Options) {
			writeFile(t, segmentPath(filepath.Join(o.Dir, segmentDir), 500), readFile(t, other.segment(t)))
		},
		"another epoch":     func(o *Options) { o.Epoch = 2 },
		"another enrolment": func(o *Options) { o.Enrolment = []byte("of a later day") },
		"another terminal's segment alone": func(o *Options) {
			if err := os.Remove(filepath.Join(o.Dir, storeFile)); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(o.Dir, segmentDir, filepath.Base(other.segment(t))), readFile(t, other.segment(t)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := s.o
			o.Dir = filepath.Join(t.TempDir(), "j")
			copyDir(t, s.o.Dir, o.Dir)
			do(&o)
			before := snapshot(t, o.Dir)
			j, err := Open(o)
			if err == nil {
				j.Abandon()
			}
			if !errors.Is(err, ErrForeign) {
				t.Fatalf("Open: %v", err)
			}
			if !reflect.DeepEqual(before, snapshot(t, o.Dir)) {
				t.Error("a refusal changed the files")
			}
		})
	}
}

func TestNoJournal(t *testing.T) {
	o := options(t, newClock())
	o.Create = false
	for range 2 { // the first attempt must not make the second one succeed
		if _, err := Open(o); !errors.Is(err, ErrNoJournal) {
			t.Fatalf("Open without Create: %v", err)
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(o); !errors.Is(err, ErrNoJournal) {
			t.Fatalf("Open of an empty directory: %v", err)
		}
		if _, err := OpenReader(o.Dir); !errors.Is(err, ErrNoJournal) {
			t.Fatalf("OpenReader of an empty directory: %v", err)
		}
	}
	o.Create = true
	o.Epoch = 3
	j := open(t, o)
	fillNotes(t, j, 1)
	if j.Epoch() != 3 || all(t, j)[0].Epoch != 3 {
		t.Errorf("epoch %d", j.Epoch())
	}
	j.Abandon()
	o.Create, o.Epoch, o.Enrolment = false, 0, nil
	if j := open(t, o); j.Epoch() != 3 {
		t.Errorf("epoch %d after a restart", j.Epoch())
	}
}

// An empty journal that is opened again and again has nothing to tell.
func TestEmptyJournal(t *testing.T) {
	o := options(t, newClock())
	for range 3 {
		j := open(t, o)
		if seq, hash := j.Head(); seq != 0 || hash != hashOf(o.Enrolment) {
			t.Fatalf("head %d %s", seq, hash)
		}
		if rs, err := j.Read(1, 10); err != nil || len(rs) != 0 {
			t.Fatalf("%v, %v", rs, err)
		}
		if rep, err := j.Verify(ctx, nil); err != nil || !rep.OK() {
			t.Fatalf("%v, %v", rep, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if rep, err := Verify(ctx, o.Dir, VerifyOptions{}); err != nil || !rep.OK() {
			t.Fatalf("%v, %v", rep, err)
		}
	}
}

// forge rewrites the whole chain of a site, as someone with the disk but without
// the key could.
func forge(t *testing.T, s *site, change func(i int, r *Record)) {
	t.Helper()
	id := identity{testTerminal, 1, hashOf(s.o.Enrolment)}
	if err := os.RemoveAll(s.o.Dir); err != nil {
		t.Fatal(err)
	}
	segs := filepath.Join(s.o.Dir, segmentDir)
	if err := os.MkdirAll(segs, 0o700); err != nil {
		t.Fatal(err)
	}
	w := &segments{dir: segs, id: id, limit: 1 << 20}
	at := link{0, id.Genesis}
	for i := range s.confirmed {
		r := s.confirmed[i]
		change(i, &r)
		r.Prev = at.hash
		if r.Kind == "journal.checkpoint" {
			var c record.Checkpoint
			if err := json.Unmarshal(r.Body, &c); err != nil {
				t.Fatal(err)
			}
			c.Hash = at.hash
			r.Body, _ = json.Marshal(c)
		}
		if err := w.room(at); err != nil {
			t.Fatal(err)
		}
		if err := w.replay(at, r); err != nil {
			t.Fatal(err)
		}
		if _, err := Seal(&r); err != nil {
			t.Fatal(err)
		}
		at = r.link()
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointSignature(t *testing.T) {
	s := makeSite(t, 6)
	o := s.o
	o.SigningKey = otherKey
	if _, err := Open(o); !errors.Is(err, ErrSignature) {
		t.Errorf("another key under the same name: %v", err)
	}
	o.KeyID = "k2"
	if _, err := Open(o); !errors.Is(err, ErrSignature) {
		t.Errorf("a checkpoint by a key that is not known: %v", err)
	}
	o.Keys = map[string]ed25519.PublicKey{"k1": testKey.Public().(ed25519.PublicKey)}
	j := open(t, o)
	fillNotes(t, j, 1)
	j.Abandon()

	forge(t, &s, func(i int, r *Record) {
		if i == 0 {
			r.Body = bytes.ReplaceAll(r.Body, []byte(`"minor":100`), []byte(`"minor":900`))
		}
	})
	if _, err := Open(s.o); !errors.Is(err, ErrSignature) {
		t.Errorf("a chain that was written anew: %v", err)
	}
}
