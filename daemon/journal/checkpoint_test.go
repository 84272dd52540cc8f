package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// In virtual time: a record waits CheckpointAge for its checkpoint, and an idle
// journal writes none.
func TestCheckpointAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, newClock())
		begun := time.Now()
		o.Clock, o.Mono = time.Now, func() time.Duration { return time.Since(begun) }
		o.Synchronous = false
		j := open(t, o)
		defer j.Abandon()
		count := func() (n int) {
			for _, r := range all(t, j) {
				if r.Kind == "journal.checkpoint" {
					n++
				}
			}
			return n
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if count() != 0 {
			t.Error("an empty journal was checkpointed")
		}
		fillNotes(t, j, 1)
		time.Sleep(9 * time.Minute)
		fillNotes(t, j, 1)
		synctest.Wait()
		if count() != 0 {
			t.Error("checkpoint before its time")
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if count() != 1 {
			t.Errorf("%d checkpoints 10 minutes after the first record", count())
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if count() != 1 {
			t.Errorf("%d checkpoints after an idle day", count())
		}
	})
}

func TestCheckpointEvery(t *testing.T) {
	c := newClock()
	o := options(t, c)
	o.CheckpointEvery = 5
	j := open(t, o)
	fillNotes(t, j, 12)
	var at []uint64
	for _, r := range all(t, j) {
		if r.Kind != "journal.checkpoint" {
			continue
		}
		at = append(at, r.Seq)
		b, _, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyCheckpoint(b.(record.Checkpoint), testKey.Public().(ed25519.PublicKey)); err != nil {
			t.Error(err)
		}
	}
	if !reflect.DeepEqual(at, []uint64{6, 12}) {
		t.Errorf("checkpoints at %v", at)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	if err := j.Close(); err != nil { // nothing was appended
		t.Fatal(err)
	}
	if rs := all(t, open(t, o)); len(rs) != 15 || rs[14].Kind != "journal.checkpoint" {
		t.Errorf("%d records, the last is %s", len(rs), rs[len(rs)-1].Kind)
	}
}

// A state with a fraction cannot be checkpointed. The terminal goes on.
func TestCheckpointFails(t *testing.T) {
	o := options(t, newClock())
	o.CheckpointEvery = 2
	o.Folds = []Fold{fractionFold{}}
	j := open(t, o)
	fillNotes(t, j, 7)
	if err := j.Checkpoint(ctx); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("checkpoint: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	o.Folds = nil
	if rs := all(t, open(t, o)); len(rs) != 7 {
		t.Errorf("%v", kinds(rs))
	}
}

type fractionFold struct{}

func (fractionFold) Name() string                   { return "fraction" }
func (fractionFold) Apply(Record) error             { return nil }
func (fractionFold) Save() (json.RawMessage, error) { return json.RawMessage("0.5"), nil }
func (fractionFold) Load(json.RawMessage) error     { return nil }

func TestFoldsAfterCheckpoint(t *testing.T) {
	o := options(t, newClock())
	o.CheckpointEvery = 10
	o.Folds = []Fold{newTally()}
	j := open(t, o)
	fillNotes(t, j, 95)
	j.Abandon()

	whole := newTally()
	r, err := OpenReader(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Rebuild(ctx, r, whole); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if whole.Minor != 9500 {
		t.Fatalf("rebuilt: %+v", whole)
	}
	for name, c := range map[string]struct {
		fold    *tally
		applied int
	}{
		"from the checkpoint":                    {newTally(), 6},
		"from record 1 when it refuses its past": {&tally{Kinds: map[record.Kind]int{}, refuse: true}, whole.applied},
	} {
		o.Folds = []Fold{c.fold}
		j := open(t, o)
		if c.fold.applied != c.applied || c.fold.Minor != whole.Minor || !reflect.DeepEqual(c.fold.Kinds, whole.Kinds) {
			t.Errorf("%s: %+v, want %+v after %d records", name, c.fold, whole, c.applied)
		}
		j.Abandon()
	}
}

// A terminal whose key was dropped goes on recording, ends in order without a
// checkpoint, and starts again from the last one that was signed.
func TestKeyDropped(t *testing.T) {
	c := newClock()
	o := options(t, c)
	o.CheckpointEvery = 5
	sum := newTally()
	o.Folds = []Fold{sum}
	j := open(t, o)
	fillNotes(t, j, 6)
	j.DropKey()
	fillNotes(t, j, 20)
	c.mono += 24 * time.Hour
	fillNotes(t, j, 1)
	if err := j.Checkpoint(ctx); err == nil {
		t.Error("a checkpoint without a key")
	}
	if err := j.SetKey(otherKey); err == nil {
		t.Error("another terminal's key was taken")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again := newTally()
	o.Folds = []Fold{again}
	j = open(t, o)
	if again.Minor != sum.Minor || again.Minor != 2700 {
		t.Errorf("%d after the restart, %d before", again.Minor, sum.Minor)
	}
	count := func() (n int) {
		for _, r := range all(t, j) {
			if r.Kind == (record.Checkpoint{}).Kind() {
				n++
			}
		}
		return n
	}
	if count() != 1 {
		t.Errorf("%d checkpoints, one was signed before the key was dropped", count())
	}
	j.DropKey()
	fillNotes(t, j, 1)
	if err := j.SetKey(testKey); err != nil {
		t.Fatal(err)
	}
	fillNotes(t, j, 6)
	if count() != 3 { // one that was overdue, one that has become due
		t.Errorf("%d checkpoints after the key came back", count())
	}
	if bytes.Equal(testKey, make([]byte, len(testKey))) {
		t.Error("the caller's own key was wiped")
	}
}
