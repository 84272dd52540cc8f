package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

func TestChain(t *testing.T) {
	c := newClock()
	o := options(t, c)
	j := open(t, o)
	rs := appendOK(t, j, Draft{Body: record.Started{Version: "1"}})
	c.advance(time.Second)
	rs = append(rs, appendOK(t, j, note("a", 5), Draft{Visit: "v", Key: "k", Body: record.PaymentIntent{Amount: money.Manat(4)}})...)
	prev := hashOf(o.Enrolment)
	for i, r := range rs {
		if r.Seq != uint64(i+1) || r.Prev != prev || r.Terminal != testTerminal || r.Epoch != 1 || r.Boot != "boot-1" || r.Sync != SyncSynced {
			t.Errorf("record %d is %+v", i+1, r)
		}
		prev = r.Hash
	}
	if d := rs[1].Time().Sub(rs[0].Time()); d != time.Second || rs[1].Mono-rs[0].Mono != 1000 {
		t.Errorf("records are %v, %d ms apart", d, rs[1].Mono-rs[0].Mono)
	}
	if rs[2].Visit != "v" || rs[2].Key != "k" {
		t.Errorf("visit and key: %+v", rs[2])
	}
	if seq, hash := j.Head(); seq != 3 || hash != prev {
		t.Errorf("head %d %s", seq, hash)
	}
	if got := all(t, j); !reflect.DeepEqual(got, rs) {
		t.Errorf("read back %+v", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	got := all(t, j)
	if !reflect.DeepEqual(got[:3], rs) || got[3].Kind != "journal.checkpoint" || len(got) != 4 {
		t.Errorf("after a restart: %v", kinds(got))
	}
	if next := appendOK(t, j, note("b", 1)); next[0].Seq != 5 || next[0].Prev != got[3].Hash {
		t.Errorf("goes on with %+v", next[0])
	}
}

type oddBody struct {
	F any `json:"f"`
}

func (oddBody) Kind() record.Kind { return "odd" }

func TestDraftsRefused(t *testing.T) {
	j := open(t, options(t, newClock()))
	for name, drafts := range map[string][]Draft{
		"nothing":        {},
		"no body":        {{}},
		"a fraction":     {{Body: oddBody{12.5}}},
		"beyond 2^53":    {{Body: record.NoteStacked{Note: note("", 0).Body.(record.NoteStacked).Note}}, {Body: oddBody{uint64(1 << 60)}}},
		"no JSON":        {{Body: oddBody{func() {}}}},
		"too large":      {{Body: oddBody{strings.Repeat("x", MaxRecord)}}},
		"too many":       make([]Draft, maxGroup+1),
		"visit not text": {{Visit: "\xff", Body: record.Stopped{}}},
		"one bad of two": {note("good", 1), {Body: oddBody{0.1}}},
	} {
		if rs, err := j.Append(ctx, drafts...); !errors.Is(err, ErrDraft) || rs != nil {
			t.Errorf("%s: %v, %v", name, rs, err)
		}
	}
	if rs := appendOK(t, j, note("a", 1)); rs[0].Seq != 1 {
		t.Errorf("refused drafts left something: next is record %d", rs[0].Seq)
	}
}

func TestClockJumped(t *testing.T) {
	c := newClock()
	o := options(t, c)
	j := open(t, o)
	fillNotes(t, j, 1)
	c.advance(time.Hour)
	c.wall = c.wall.Add(1900 * time.Millisecond)
	fillNotes(t, j, 1) // within the tolerance
	c.wall = c.wall.Add(-time.Hour)
	fillNotes(t, j, 1)
	c.wall = c.wall.Add(10 * 365 * 24 * time.Hour)
	fillNotes(t, j, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	c.wall = c.wall.Add(-3 * time.Second) // while the daemon was down, in the same boot
	j = open(t, o)
	fillNotes(t, j, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	o.BootID, c.mono, c.wall = "boot-2", time.Second, c.wall.Add(time.Hour) // across a reboot
	j = open(t, o)
	fillNotes(t, j, 1)
	var jumps []int64
	var seqs []uint64
	for _, r := range all(t, j) {
		if b, _, err := r.Decode(); err == nil && r.Kind == "clock.jumped" {
			jumps, seqs = append(jumps, b.(record.ClockJumped).ByMS), append(seqs, r.Seq)
		}
	}
	tenYears := (10 * 365 * 24 * time.Hour).Milliseconds()
	if !reflect.DeepEqual(jumps, []int64{-3_600_000, tenYears, -3000}) || !reflect.DeepEqual(seqs, []uint64{4, 6, 9}) {
		t.Errorf("jumps %v at %v", jumps, seqs)
	}
}

func TestAcked(t *testing.T) {
	o := options(t, newClock())
	j := open(t, o)
	fillNotes(t, j, 3)
	if err := j.SetAcked(2); err != nil {
		t.Fatal(err)
	}
	if err := j.SetAcked(1); err != nil { // a late answer
		t.Fatal(err)
	}
	if err := j.SetAcked(4); err == nil {
		t.Error("acknowledged a record that is not there")
	}
	check := func(when string, want uint64) {
		t.Helper()
		if seq := j.Acked(); seq != want {
			t.Errorf("%s: acknowledged up to %d", when, seq)
		}
	}
	check("now", 2)
	if seq, _ := j.Head(); seq != 3 {
		t.Errorf("an acknowledgement is no record, head is %d", seq)
	}
	j.Abandon()
	j = open(t, o)
	check("after a kill", 2)
	fillNotes(t, j, 1)
	check("after a record", 2)
	j.Abandon()
	if err := os.Remove(filepath.Join(o.Dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	check("after the store was lost", 0)
}

func TestChanged(t *testing.T) {
	j := open(t, options(t, newClock()))
	ch := j.Changed()
	select {
	case <-ch:
		t.Fatal("changed before anything was written")
	default:
	}
	fillNotes(t, j, 1)
	select {
	case <-ch:
	default:
		t.Fatal("a record did not wake the sender")
	}
	ch = j.Changed()
	if err := j.SetAcked(1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ch:
		t.Fatal("an acknowledgement is no change")
	default:
	}
}

func TestReadBounds(t *testing.T) {
	j := open(t, options(t, newClock()))
	fillNotes(t, j, 5)
	for _, c := range []struct {
		from uint64
		max  int
		want []uint64
	}{{0, 2, []uint64{1, 2}}, {1, 1, []uint64{1}}, {4, 10, []uint64{4, 5}}, {6, 10, nil}, {1 << 63, 10, nil}} {
		rs, err := j.Read(c.from, c.max)
		var got []uint64
		for _, r := range rs {
			got = append(got, r.Seq)
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Read(%d, %d) = %v, %v", c.from, c.max, got, err)
		}
	}
	for _, n := range []int{0, -1, maxRead + 1} {
		if _, err := j.Read(1, n); err == nil {
			t.Errorf("Read of %d records did not refuse", n)
		}
	}
	stop := errors.New("stop")
	if err := j.Walk(ctx, 1, func(Record) error { return stop }); err != stop {
		t.Errorf("walk returned %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := j.Walk(gone, 1, func(Record) error { t.Error("walked on"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled walk returned %v", err)
	}
}

func TestSegmentsRotate(t *testing.T) {
	o := options(t, newClock())
	o.SegmentSize, o.CheckpointEvery = 2000, 10
	j := open(t, o)
	fillNotes(t, j, 60)
	want := all(t, j)
	j.Abandon()
	files, err := listSegments(filepath.Join(o.Dir, segmentDir))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if h, ok := quickHeader(f.path); !ok || h.First != f.first || segmentPath(filepath.Dir(f.path), h.First) != f.path {
			t.Errorf("%s begins with record %d", f.path, h.First)
		}
	}
	j = open(t, o)
	if got := all(t, j); !reflect.DeepEqual(got, want) {
		t.Errorf("%d records became %d", len(want), len(got))
	}
	j.Abandon()
	if err := os.Remove(filepath.Join(o.Dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	if got := all(t, j); !reflect.DeepEqual(got[:len(want)], want) {
		t.Errorf("rebuilt from %d files: %d records of %d", len(files), len(got), len(want))
	}
}

func TestPermissions(t *testing.T) {
	o := options(t, newClock())
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j := open(t, o)
	fillNotes(t, j, 1)
	for path, want := range map[string]os.FileMode{
		"": 0o700, storeFile: 0o600, segmentDir: 0o700, identityFile: 0o600, lockFile: 0o600,
		filepath.Join(segmentDir, fmt.Sprintf("%020d.seg", 1)): 0o600,
	} {
		info, err := os.Stat(filepath.Join(o.Dir, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", path, info.Mode().Perm(), err)
		}
	}
}

func TestOneWriter(t *testing.T) {
	o := options(t, newClock())
	j := open(t, o)
	fillNotes(t, j, 1)
	if _, err := Open(o); !errors.Is(err, ErrInUse) {
		t.Errorf("a second writer got %v", err)
	}
	if _, err := OpenReader(o.Dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a reader beside the writer got %v", err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no directory":  func(o *Options) { o.Dir = "" },
		"no UUID":       func(o *Options) { o.Terminal = "terminal-1" },
		"no key":        func(o *Options) { o.SigningKey = nil },
		"no key id":     func(o *Options) { o.KeyID = "" },
		"no enrolment":  func(o *Options) { o.Enrolment = nil },
		"folds by name": func(o *Options) { o.Folds = []Fold{newTally(), newTally()} },
	} {
		o := options(t, newClock())
		change(&o)
		if j, err := Open(o); err == nil {
			j.Abandon()
			t.Errorf("%s: opened", name)
		}
	}
}

// A store that may not grow any more: the first failed write sticks, whoever
// waits hears of it, and the record that the segment already had is there after
// a start that can write again.
func TestFailureSticks(t *testing.T) {
	o := options(t, newClock())
	o.Synchronous = false
	o.MaxSize = 64 << 10
	j := open(t, o)
	var failure error
	n := 0
	for ; failure == nil && n < 1000; n++ {
		_, failure = j.Append(ctx, Draft{Body: record.DeviceFault{Device: "printer", Detail: strings.Repeat("x", 4000)}})
	}
	if !errors.Is(failure, ErrFailed) || n < 3 {
		t.Fatalf("after %d records: %v", n, failure)
	}
	if err := <-j.Failed(); !errors.Is(err, ErrFailed) {
		t.Errorf("the daemon is told %v", err)
	}
	if _, err := j.Append(ctx, note("after", 1)); !errors.Is(err, ErrFailed) {
		t.Errorf("an append after the failure: %v", err)
	}
	if err := j.SetAcked(1); !errors.Is(err, ErrFailed) {
		t.Errorf("an acknowledgement after the failure: %v", err)
	}
	if err := j.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("close: %v", err)
	}
	o.MaxSize = 0
	j = open(t, o)
	rs := all(t, j)
	if len(rs) != n+1 || rs[n-1].Kind != "device.fault" || rs[n].Kind != "journal.recovered" {
		t.Errorf("%d appends, then %v", n, kinds(rs[n-1:]))
	}
}

// A disk that refuses the segment.
func TestSegmentFailureSticks(t *testing.T) {
	o := options(t, newClock())
	j := open(t, o)
	fillNotes(t, j, 1)
	if err := j.seg.f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(ctx, note("b", 1)); !errors.Is(err, ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	if seq, _ := j.Head(); seq != 1 {
		t.Errorf("head is %d", seq)
	}
	j.Abandon()
	if got := all(t, open(t, o)); len(got) != 1 {
		t.Errorf("%d records after the restart", len(got))
	}
}

type brokenFold struct{ tally }

func (*brokenFold) Apply(r Record) error {
	if r.Seq == 2 {
		return errors.New("cannot be")
	}
	return nil
}

func TestFoldErrorEndsTheJournal(t *testing.T) {
	o := options(t, newClock())
	o.Folds = []Fold{&brokenFold{}}
	j := open(t, o)
	fillNotes(t, j, 1)
	if _, err := j.Append(ctx, note("b", 1)); !errors.Is(err, ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	j.Abandon()
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "record 2") {
		t.Errorf("a start with a state that cannot be computed: %v", err)
	}
}

func TestGroupCommit(t *testing.T) {
	o := options(t, newClock())
	o.Synchronous = false
	fold := newTally()
	o.Folds = []Fold{fold}
	j := open(t, o)
	const writers, each = 16, 20
	var wg sync.WaitGroup
	got := make([][]uint64, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				rs, err := j.Append(ctx, note(fmt.Sprintf("%d-%d", w, i), 1), note(fmt.Sprintf("%d-%d'", w, i), 2))
				if err != nil || len(rs) != 2 || rs[1].Seq != rs[0].Seq+1 {
					t.Errorf("writer %d: %v, %v", w, rs, err)
					return
				}
				got[w] = append(got[w], rs[0].Seq)
			}
		})
	}
	wg.Wait()
	seen := map[uint64]bool{}
	for w, seqs := range got {
		for i, s := range seqs {
			if seen[s] || i > 0 && s <= seqs[i-1] {
				t.Errorf("writer %d got number %d twice or out of order", w, s)
			}
			seen[s] = true
		}
	}
	j.View(func() {
		if fold.Minor != writers*each*300 || fold.Kinds["note.stacked"] != writers*each*2 {
			t.Errorf("fold: %+v", fold)
		}
	})
	if rep, err := j.Verify(ctx, func() []Fold { return []Fold{newTally()} }); err != nil || !rep.OK() {
		t.Errorf("%v, %v", rep, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(ctx, note("late", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, err := j.Read(1, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func TestAppendHeedsContext(t *testing.T) {
	o := options(t, newClock())
	o.Synchronous = false
	j := open(t, o)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := j.Append(gone, note("a", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append for a caller that has gone: %v", err)
	}
	if rs := appendOK(t, j, note("b", 1)); rs[0].Seq != 1 {
		t.Errorf("next is record %d", rs[0].Seq)
	}
}

// Whoever waits when the journal is closed gets an answer, and the answer is the
// truth.
func TestCloseWhileAppending(t *testing.T) {
	o := options(t, newClock())
	o.Synchronous = false
	j := open(t, o)
	var wg sync.WaitGroup
	var mu sync.Mutex
	confirmed := map[uint64]bool{}
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				rs, err := j.Append(ctx, note(fmt.Sprintf("%d-%d", w, i), 1))
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("append: %v", err)
					}
					return
				}
				mu.Lock()
				confirmed[rs[0].Seq] = true
				mu.Unlock()
			}
		})
	}
	for {
		if seq, _ := j.Head(); seq > 20 {
			break
		}
		<-j.Changed()
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	there := map[uint64]bool{}
	for _, r := range all(t, open(t, o)) {
		if r.Kind == "note.stacked" {
			there[r.Seq] = true
		}
	}
	if !reflect.DeepEqual(there, confirmed) {
		t.Errorf("%d records were confirmed, %d are there", len(confirmed), len(there))
	}
}

func TestSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, newClock())
		o.Synchronous = false
		j := open(t, o)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { fillNotes(t, j, 5) })
		}
		wg.Wait()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if rs := all(t, open(t, o)); len(rs) != 21 {
			t.Errorf("%d records", len(rs))
		}
	})
}
