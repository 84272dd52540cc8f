package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

func fresh() []Fold { return []Fold{newTally()} }

// siteWithFold is a site whose checkpoints carry a fold.
func siteWithFold(t *testing.T) site {
	t.Helper()
	s := site{o: options(t, newClock())}
	s.o.CheckpointEvery = 7
	s.o.Folds = fresh()
	s.grow(t, 13)
	s.o.Folds = nil
	return s
}

func TestVerifyNames(t *testing.T) {
	pub := testKey.Public().(ed25519.PublicKey)
	for _, c := range []struct {
		name   string
		do     func(s *site)
		o      VerifyOptions
		copy   string // "" when all is well
		seq    uint64
		what   string
		signed int
	}{
		{name: "nothing", o: VerifyOptions{Key: pub, Folds: fresh}, signed: 4},
		{name: "no key given", o: VerifyOptions{}, signed: 0},
		{name: "key by name", o: VerifyOptions{Keys: map[string]ed25519.PublicKey{"k1": pub}}, signed: 4},
		{name: "wrong key", o: VerifyOptions{Key: otherKey.Public().(ed25519.PublicKey)}, copy: "both", seq: 10, what: "signature"},
		{name: "unknown key", o: VerifyOptions{Keys: map[string]ed25519.PublicKey{"k9": pub}}, copy: "both", seq: 10, what: `key "k1"`},
		{name: "a byte in the store", o: VerifyOptions{Key: pub}, copy: "store", seq: 32, signed: 4, what: "record 33",
			do: func(s *site) {
				writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
			}},
		{name: "a byte in the segment", o: VerifyOptions{Key: pub}, copy: "segments", seq: 31, signed: 4, what: "check sum",
			do: func(s *site) {
				writeFile(t, s.segment(t), bytes.ReplaceAll(readFile(t, s.segment(t)), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
			}},
		{name: "segments gone", o: VerifyOptions{Key: pub}, copy: "segments", seq: 1, signed: 4, what: "no segment",
			do: func(s *site) { _ = os.RemoveAll(filepath.Join(s.o.Dir, segmentDir)) }},
		{name: "store gone", o: VerifyOptions{Key: pub, Folds: fresh}, copy: "store", seq: 1, signed: 4, what: "cannot be used",
			do: func(s *site) { _ = os.Remove(s.store()) }},
		{name: "segment torn", o: VerifyOptions{Key: pub}, copy: "segments", seq: 41, signed: 4, what: "cut off",
			do: func(s *site) { b := readFile(t, s.segment(t)); writeFile(t, s.segment(t), b[:len(b)-5]) }},
		{name: "store behind", o: VerifyOptions{Key: pub}, copy: "store", seq: 44, signed: 5, what: "ends with record 43",
			do: func(s *site) {
				b := readFile(t, s.store())
				s.grow(t, 2)
				writeFile(t, s.store(), b)
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := siteWithFold(t)
			if c.do != nil {
				c.do(&s)
			}
			before := snapshot(t, s.o.Dir)
			rep, err := Verify(ctx, s.o.Dir, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(before, snapshot(t, s.o.Dir)) {
				t.Error("Verify changed the files")
			}
			if rep.Signed != c.signed {
				t.Errorf("%d signatures verified, want %d", rep.Signed, c.signed)
			}
			if c.copy == "" {
				if !rep.OK() || rep.Store.Seq != 43 || rep.Segments.Hash != rep.Store.Hash || !strings.Contains(rep.String(), "the journal is whole") {
					t.Errorf("%v", rep)
				}
				return
			}
			if rep.OK() || rep.Problems[0].Copy != c.copy || rep.Problems[0].Seq != c.seq || !strings.Contains(rep.Problems[0].What, c.what) || rep.Problems[0].Do == "" {
				t.Errorf("%v", rep)
			}
			if !strings.Contains(rep.String(), fmt.Sprintf("PROBLEM in %s at record %d", c.copy, c.seq)) {
				t.Errorf("printed:\n%v", rep)
			}
		})
	}
}

// skipping is a fold of another mind: it does not see every second note.
type skipping struct{ tally }

func (s *skipping) Apply(r Record) error {
	if r.Seq%2 == 0 {
		return nil
	}
	return s.tally.Apply(r)
}

func TestVerifyComparesFolds(t *testing.T) {
	s := siteWithFold(t)
	wrong := func() []Fold { return []Fold{&skipping{*newTally()}} }
	rep, err := Verify(ctx, s.o.Dir, VerifyOptions{Folds: wrong})
	if err != nil || rep.OK() || rep.Problems[0].Seq != 10 || !strings.Contains(rep.Problems[0].What, "fold tally") {
		t.Errorf("offline: %v, %v", rep, err)
	}

	o := s.o
	live := newTally()
	o.Folds = []Fold{live}
	j := open(t, o)
	if rep, err := j.Verify(ctx, fresh); err != nil || !rep.OK() || rep.Signed != 4 {
		t.Errorf("live: %v, %v", rep, err)
	}
	live.Minor++ // a bug in the running program
	rep, err = j.Verify(ctx, fresh)
	if err != nil || rep.OK() || !strings.Contains(rep.Problems[0].What, "running program") {
		t.Errorf("live, with a wrong sum: %v, %v", rep, err)
	}
}

func TestReader(t *testing.T) {
	for name, do := range map[string]func(s site){
		"whole":         func(site) {},
		"store gone":    func(s site) { _ = os.Remove(s.store()) },
		"store rubbish": func(s site) { writeFile(t, s.store(), bytes.Repeat([]byte("x"), 20000)) },
		"segments gone": func(s site) { _ = os.RemoveAll(filepath.Join(s.o.Dir, segmentDir)) },
		"identity gone": func(s site) { _ = os.Remove(filepath.Join(s.o.Dir, identityFile)) },
		"no lock file":  func(s site) { _ = os.Remove(filepath.Join(s.o.Dir, lockFile)) },
		"store damaged": func(s site) {
			writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := makeSite(t, 13)
			do(s)
			before := snapshot(t, s.o.Dir)
			r, err := OpenReader(s.o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := all(t, r); !reflect.DeepEqual(got, s.confirmed) {
				t.Errorf("%d records of %d", len(got), len(s.confirmed))
			}
			if rs, err := r.Read(35, 3); err != nil || !reflect.DeepEqual(rs, s.confirmed[34:37]) {
				t.Errorf("Read: %v, %v", kinds(rs), err)
			}
			last := s.confirmed[len(s.confirmed)-1]
			if seq, hash := r.Head(); seq != last.Seq || hash != last.Hash || r.Terminal() != testTerminal || r.Epoch() != 1 {
				t.Errorf("head %d %s", seq, hash)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if !reflect.DeepEqual(before, snapshot(t, s.o.Dir)) {
				t.Error("a reader changed the files")
			}
		})
	}
}

// A live journal whose store goes bad under it reads on from the segments.
func TestReadFallsBack(t *testing.T) {
	s := makeSite(t, 13)
	writeFile(t, s.store(), bytes.ReplaceAll(readFile(t, s.store()), []byte(`"note_id":"9'"`), []byte(`"note_id":"8'"`)))
	j := open(t, s.o)
	if rs, err := j.Read(30, 5); err != nil || !reflect.DeepEqual(rs, s.confirmed[29:34]) {
		t.Errorf("Read: %v, %v", kinds(rs), err)
	}
	flip(t, s.segment(t), 3000) // now both are wrong in places
	if rs, err := j.Read(30, 5); err == nil && !reflect.DeepEqual(rs, s.confirmed[29:34]) {
		t.Errorf("Read gave what was never written: %v", rs)
	}
}

func TestCheckpointBytes(t *testing.T) {
	c := record.Checkpoint{UpTo: 9, Hash: "ab", KeyID: "k1", Folds: map[string]json.RawMessage{"b": []byte(`{"y":1,"x":"<"}`), "a": []byte("null")}}
	b, err := checkpointBytes(c)
	if want := `{"folds":{"a":null,"b":{"x":"<","y":1}},"hash":"ab","key_id":"k1","up_to":9}`; err != nil || string(b) != want {
		t.Errorf("signed are %s, %v", b, err)
	}
	if err := SignCheckpoint(&c, testKey); err != nil {
		t.Fatal(err)
	}
	pub := testKey.Public().(ed25519.PublicKey)
	for name, change := range map[string]func(c *record.Checkpoint){
		"number":       func(c *record.Checkpoint) { c.UpTo++ },
		"hash":         func(c *record.Checkpoint) { c.Hash = "ac" },
		"key id":       func(c *record.Checkpoint) { c.KeyID = "k2" },
		"state":        func(c *record.Checkpoint) { c.Folds = map[string]json.RawMessage{"a": []byte("1")} },
		"no signature": func(c *record.Checkpoint) { c.Signature = nil },
	} {
		d := c
		change(&d)
		if VerifyCheckpoint(d, pub) == nil {
			t.Errorf("%s changed: still verifies", name)
		}
	}
	if err := VerifyCheckpoint(c, pub); err != nil {
		t.Error(err)
	}
}
