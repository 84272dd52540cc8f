package journal

import (
	"context"
	"fmt"
	"time"
)

// Append makes the drafts durable in both copies and returns them as records.
// The drafts of one call are one group: after any crash all of them are there or
// none. Calls that wait together are committed together.
//
// ctx is heeded until the group's turn comes; from then on Append waits for the
// outcome, and returning nil means the records will be found by every later
// Open. An error that wraps ErrDraft, or ctx's own, means nothing was written. After
// any other error the group's fate is known to the next Open only, and the
// journal refuses everything (ErrFailed).
func (j *Journal) Append(ctx context.Context, drafts ...Draft) ([]Record, error) {
	switch {
	case len(drafts) == 0:
		return nil, fmt.Errorf("%w: a group needs at least one draft", ErrDraft)
	case len(drafts) > maxGroup:
		return nil, fmt.Errorf("%w: a group of %d drafts, the most is %d", ErrDraft, len(drafts), maxGroup)
	}
	r := &request{drafts: drafts, done: make(chan struct{})}
	if err := j.submit(ctx, r); err != nil {
		return nil, err
	}
	return r.records, r.err
}

// SetAcked stores that central has every record up to seq, durably, with the
// hash that this chain has there; the caller has compared it with central's. It
// is kept in the store and is not a record: if the store is ever rebuilt it may
// fall back, and records are sent again, which central takes as a repeat. A
// lower number than the present one changes nothing, one behind the head is
// refused.
func (j *Journal) SetAcked(seq uint64) error {
	if seq <= j.Acked() {
		return nil
	}
	if head, _ := j.Head(); seq > head {
		return fmt.Errorf("acknowledge record %d: the last record is %d", seq, head)
	}
	rs, err := j.Read(seq, 1)
	if err != nil {
		return fmt.Errorf("acknowledge record %d: %w", seq, err)
	}
	l := rs[0].link()
	r := &request{acked: &l, done: make(chan struct{})}
	if err := j.submit(context.Background(), r); err != nil {
		return err
	}
	return r.err
}

// Checkpoint writes a checkpoint now if anything was appended since the last
// one.
func (j *Journal) Checkpoint(ctx context.Context) error {
	r := &request{checkpoint: true, done: make(chan struct{})}
	if err := j.submit(ctx, r); err != nil {
		return err
	}
	return r.err
}

// submit has a request served and returns when it is, or says why it never will
// be.
func (j *Journal) submit(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := j.Err(); err != nil {
		return err
	}
	if j.o.Synchronous {
		return j.serveInline(r)
	}
	select {
	case j.queue <- r:
	case <-j.done:
		return j.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.done:
		return nil
	case <-j.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(requestQueued, requestWithdrawn) {
			return ctx.Err()
		}
	}
	select {
	case <-r.done:
		return nil
	case <-j.done:
	}
	select {
	case <-r.done: // it was served before the committer ended
		return nil
	default:
		return j.ended()
	}
}

// ended is why a journal whose committer is gone serves nobody.
func (j *Journal) ended() error {
	if err := j.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// serveInline is the synchronous mode. A simulated kill unwinds through here as
// a panic and leaves the journal good for Abandon only.
func (j *Journal) serveInline(r *request) error {
	j.inline.Lock()
	defer j.inline.Unlock()
	if j.killed {
		return fmt.Errorf("%w: killed in the middle of a commit", ErrFailed)
	}
	if err := j.Err(); err != nil {
		return err
	}
	j.killed = true
	j.serve([]*request{r})
	j.killed = false
	return nil
}

// serve commits what was asked for and what has become due.
func (j *Journal) serve(requests []*request) {
	writes := requests[:0:0]
	for _, r := range requests {
		if !r.checkpoint {
			writes = append(writes, r)
		}
	}
	j.commit(writes)
	due := j.checkpointDue()
	var err error
	for _, r := range requests {
		due = due || r.checkpoint && j.sinceCheckpoint > 0
	}
	if err = j.Err(); err == nil && due {
		err = j.writeCheckpoint()
	}
	for _, r := range requests {
		if r.checkpoint {
			r.finish(nil, err)
		}
	}
}

// run is the committer: the goroutine that owns every write. It ends at Close,
// at Abandon and at the first failure; if it ends in any other way (a kill that a
// test simulates) the journal has failed.
func (j *Journal) run() {
	defer close(j.done)
	inOrder := false
	defer func() {
		if !inOrder {
			_ = j.fail(fmt.Errorf("the committer was killed"))
		}
	}()
	age := time.NewTimer(j.o.CheckpointAge)
	defer age.Stop()
	beat := time.NewTicker(Heartbeat)
	defer beat.Stop()
	for {
		j.o.Progress()
		select {
		case <-beat.C:
			continue
		case r := <-j.queue:
			j.serve(j.drain(r))
		case <-age.C:
			if j.checkpointDue() {
				_ = j.writeCheckpoint() // its failure is in Err, or logged
			}
		case order := <-j.quit:
			if order == quitClose && j.sinceCheckpoint > 0 && j.hasKey() {
				_ = j.writeCheckpoint()
			}
			inOrder = true
			return
		}
		if j.Err() != nil {
			inOrder = true
			return
		}
		j.setAge(age)
	}
}

// setAge arms the timer for the moment at which the oldest record without a
// checkpoint is CheckpointAge old.
func (j *Journal) setAge(age *time.Timer) {
	wait := j.o.CheckpointAge
	if j.sinceCheckpoint > 0 && j.hasKey() {
		wait = max(time.Millisecond, j.oldest+j.o.CheckpointAge-j.o.Mono())
	}
	age.Reset(wait)
}

// drain takes whatever waits in the queue beside the first request.
func (j *Journal) drain(first *request) []*request {
	requests, drafts := []*request{first}, len(first.drafts)
	for len(requests) < maxWriteRequests && drafts < maxGroup {
		select {
		case r := <-j.queue:
			requests, drafts = append(requests, r), drafts+len(r.drafts)
		default:
			return requests
		}
	}
	return requests
}
