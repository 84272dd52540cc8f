package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
)

// The places in a commit at which the crash campaign may kill, in the order in
// which they are passed.
var (
	atBeforeSegment  = faultpoint.New("journal.before-segment")
	atSegmentRoom    = faultpoint.New("journal.segment-room") // the file has room, or a new one was begun
	atSegmentTorn    = faultpoint.New("journal.segment-torn") // a part of the write is in the file
	atSegmentWritten = faultpoint.New("journal.segment-written")
	atSegmentSynced  = faultpoint.New("journal.segment-synced")
	atStoreCommitted = faultpoint.New("journal.store-committed")
)

// everyRecordAlone is the mistake of marking each record as a group of its own,
// so that a torn write leaves half a group.
var everyRecordAlone = faultpoint.NewMutant("journal-every-record-alone")

// A commit takes at most this much from the queue.
const (
	maxWriteRequests = 256
	maxWriteBytes    = 4 << 20
)

// clockTolerance is how far wall and monotonic clock may drift apart between two
// records before that is a record of its own.
const clockTolerance = 2 * time.Second

const (
	requestQueued int32 = iota
	requestTaken
	requestWithdrawn
)

// request is what the committer is asked to do: drafts as one atomic group, or a
// new high-water mark of central.
type request struct {
	drafts     []Draft
	acked      *link
	checkpoint bool
	state      atomic.Int32

	records []Record
	err     error
	done    chan struct{}
}

func (r *request) finish(records []Record, err error) {
	r.records, r.err = records, err
	close(r.done)
}

// writing is one write in the making: the groups that will become durable
// together.
type writing struct {
	at         link // the place behind the last record
	stamp      stamp
	checkpoint uint64
	records    []Record
	raw        [][]byte
	ends       []int // index behind each group's last record
	bytes      int
}

// stamp is when a record was made.
type stamp struct {
	wall, mono int64 // milliseconds
	boot       string
}

func (j *Journal) now() stamp {
	return stamp{j.o.Clock().UnixMilli(), j.o.Mono().Milliseconds(), j.o.BootID}
}

// add encodes a group behind what is already there. An error leaves w as it was.
func (j *Journal) add(w *writing, now stamp, drafts []Draft) error {
	at, recs, raws, size := w.at, []Record(nil), [][]byte(nil), 0
	for i, d := range drafts {
		if d.Body == nil {
			return fmt.Errorf("%w: draft %d has no body", ErrDraft, i)
		}
		body, err := json.Marshal(d.Body)
		if err != nil {
			return fmt.Errorf("%w: body of %s: %w", ErrDraft, d.Body.Kind(), err)
		}
		r := Record{
			V: EnvelopeVersion, Terminal: j.id.Terminal, Epoch: j.id.Epoch, Seq: at.seq + 1, Prev: at.hash,
			Kind: d.Body.Kind(), Wall: now.wall, Mono: now.mono, Boot: now.boot, Sync: j.o.Sync(),
			Visit: d.Visit, Key: d.Key, Body: body,
		}
		raw, err := Seal(&r)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDraft, err)
		}
		at, recs, raws, size = r.link(), append(recs, r), append(raws, raw), size+len(raw)
	}
	w.at, w.stamp = at, now
	w.records, w.raw, w.bytes = append(w.records, recs...), append(w.raw, raws...), w.bytes+size
	w.ends = append(w.ends, len(w.records))
	for _, r := range recs {
		if r.Kind == (record.Checkpoint{}).Kind() {
			w.checkpoint = r.Seq
		}
	}
	return nil
}

// jump is by how much the wall clock has moved against the monotonic clock since
// the last record. Across a reboot nobody can say.
func (s stamp) jump(now stamp) (ms int64, jumped bool) {
	if s.boot == "" || s.boot != now.boot {
		return 0, false
	}
	ms = (now.wall - s.wall) - (now.mono - s.mono)
	return ms, ms > clockTolerance.Milliseconds() || ms < -clockTolerance.Milliseconds()
}

// lines is the write as the segment file gets it.
func (w *writing) lines() []byte {
	out := make([]byte, 0, w.bytes+len(w.raw)*(linePrefix+1))
	group := 0
	for i, raw := range w.raw {
		mark := byte(markMore)
		if i+1 == w.ends[group] {
			mark = markGroup
			group++
		}
		if everyRecordAlone.Planted() {
			mark = markGroup
		}
		if i+1 == len(w.raw) {
			mark = markWrite
		}
		out = appendLine(out, mark, raw)
	}
	return out
}

// commit makes the requests durable and answers them. It is the one place where
// the journal writes, shared by the committer goroutine and the synchronous mode.
func (j *Journal) commit(requests []*request) {
	w := &writing{at: j.committed, stamp: j.last, checkpoint: j.checkpointSeq}
	type place struct{ from, to int }
	taken, places := requests[:0:0], []place(nil)
	acked := j.ackedLink
	for _, r := range requests {
		if !r.state.CompareAndSwap(requestQueued, requestTaken) {
			continue // its caller has gone
		}
		if r.acked != nil {
			if r.acked.seq > acked.seq {
				acked = *r.acked
			}
			taken, places = append(taken, r), append(places, place{})
			continue
		}
		now := j.now()
		if ms, jumped := w.stamp.jump(now); jumped {
			if err := j.add(w, now, []Draft{{Body: record.ClockJumped{ByMS: ms}}}); err != nil {
				r.finish(nil, err)
				continue
			}
		}
		from := len(w.records)
		if err := j.add(w, now, r.drafts); err != nil {
			r.finish(nil, err)
			continue
		}
		taken, places = append(taken, r), append(places, place{from, len(w.records)})
	}
	if len(taken) == 0 && len(w.records) == 0 {
		return
	}
	began := time.Now()
	err := j.durable(w, acked)
	if err != nil {
		err = j.fail(err)
	} else {
		j.o.Committed(time.Since(began))
	}
	for i, r := range taken {
		if err != nil {
			r.finish(nil, err)
			continue
		}
		r.finish(w.records[places[i].from:places[i].to:places[i].to], nil)
	}
}

// durable takes a write to both copies and to the folds. The order is the whole
// point: segment, synced; store; folds; only then may anyone be answered.
func (j *Journal) durable(w *writing, acked link) error {
	if len(w.raw) > 0 {
		atBeforeSegment.Hit()
		if err := j.seg.room(j.committed); err != nil {
			return err
		}
		atSegmentRoom.Hit()
		if err := j.writeSegment(w.lines()); err != nil {
			return err
		}
		atSegmentWritten.Hit()
		if err := j.seg.sync(); err != nil {
			return err
		}
		atSegmentSynced.Hit()
	}
	entries := make([]entry, len(w.raw))
	for i, raw := range w.raw {
		entries[i] = entry{w.records[i].Seq, raw}
	}
	head := j.head(w.at, acked, w.checkpoint)
	if err := j.st.put(entries, head); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	atStoreCommitted.Hit()

	appended := 0
	for _, r := range w.records {
		if r.Kind != (record.Checkpoint{}).Kind() {
			appended++
		}
	}
	if w.checkpoint != j.checkpointSeq {
		j.sinceCheckpoint = 0
	}
	if appended > 0 && j.sinceCheckpoint == 0 {
		j.oldest = j.o.Mono()
	}
	j.sinceCheckpoint += appended
	j.committed, j.last, j.ackedLink, j.checkpointSeq = w.at, w.stamp, acked, w.checkpoint
	return j.publish(w.records, acked)
}

// writeSegment writes in one call. A build with fault points does it in two, so
// that a kill between them leaves a torn write.
func (j *Journal) writeSegment(b []byte) error {
	if faultpoint.Enabled {
		n := len(b) / 2
		if j.o.TornAt != nil {
			n = max(0, min(len(b), j.o.TornAt(len(b))))
		}
		if err := j.seg.write(b[:n]); err != nil {
			return err
		}
		atSegmentTorn.Hit()
		b = b[n:]
	}
	return j.seg.write(b)
}

// publish applies the records to the folds and moves what others can see.
func (j *Journal) publish(records []Record, acked link) error {
	j.foldMu.Lock()
	defer j.foldMu.Unlock()
	for _, r := range records {
		for _, f := range j.o.Folds {
			if err := f.Apply(r); err != nil {
				return fmt.Errorf("fold %s: record %d: %w", f.Name(), r.Seq, err)
			}
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.visible, j.visibleAcked = j.committed, acked
	if len(records) > 0 {
		close(j.changed)
		j.changed = make(chan struct{})
	}
	return nil
}

// fail makes the first error stick.
func (j *Journal) fail(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure == nil {
		if !errors.Is(err, ErrClosed) {
			err = fmt.Errorf("%w: %w", ErrFailed, err)
		}
		j.failure = err
		j.failed <- err
		close(j.failed)
	}
	return j.failure
}
