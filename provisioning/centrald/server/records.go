package server

import (
	"context"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

// GetHead is how far central has a journal.
func (s *Server) GetHead(_ context.Context, r centralapi.GetHeadRequestObject) (centralapi.GetHeadResponseObject, error) {
	if err := checkNames(r.Id); err != nil {
		return nil, err
	}
	var h centralapi.Head
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		h, _, err = get[centralapi.Head](tx.Bucket(bHeads), []byte(r.Id))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	return centralapi.GetHead200JSONResponse(h), nil
}

// PostRecords applies a batch exactly once.
func (s *Server) PostRecords(_ context.Context, r centralapi.PostRecordsRequestObject) (centralapi.PostRecordsResponseObject, error) {
	if err := checkNames(r.Id); err != nil {
		return nil, err
	}
	b := r.Body
	entries, err := parseBatch(r.Id, b)
	if err != nil {
		return nil, err
	}
	last := entries[len(entries)-1].seq
	if want := fmt.Sprintf("%d-%d-%d", b.Epoch, b.First, last); strings.Trim(r.Params.IdempotencyKey, `"`) != want {
		return nil, refuse(centralapi.ProblemMalformed, "the idempotency key is not that of the batch")
	}
	var head centralapi.Head
	err = s.db.Update(func(tx *bolt.Tx) error {
		fresh, err := s.place(tx, r.Id, b, entries)
		if err != nil {
			return err
		}
		s.o.Probe(StepHeadRead)
		if len(fresh) == 0 {
			head, _, err = get[centralapi.Head](tx.Bucket(bHeads), []byte(r.Id))
			return err
		}
		end := fresh[len(fresh)-1]
		head = centralapi.Head{Epoch: b.Epoch, Seq: end.seq, Hash: end.hash}
		return s.store(tx, r.Id, fresh, head)
	})
	if err != nil {
		return nil, err
	}
	s.o.Probe(StepCommitted)
	return centralapi.PostRecords200JSONResponse{
		Epoch: head.Epoch, Seq: head.Seq, Hash: head.Hash, Durable: true, ServerTime: s.now(),
	}, nil
}

// place finds where a batch stands towards what is here: the records of it that
// are new. A batch that leaves a gap, or that says something else about a number
// that is here, is refused with the head.
func (s *Server) place(tx *bolt.Tx, terminal string, b *centralapi.Batch, entries []entry) ([]entry, error) {
	head, known, err := get[centralapi.Head](tx.Bucket(bHeads), []byte(terminal))
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	forked := refuse(centralapi.ProblemChainForked, "").withHead(head)
	last := entries[len(entries)-1]
	switch {
	case b.Epoch < head.Epoch:
		return nil, forked
	case b.Epoch > head.Epoch:
		if b.First != 1 {
			return nil, refuse(centralapi.ProblemHeadMismatch, "").withHead(head)
		}
		if known {
			if err := s.incident(tx, terminal, "epoch.opened", 0, ""); err != nil {
				return nil, err
			}
		}
		return entries, nil
	case b.First > head.Seq+1:
		return nil, refuse(centralapi.ProblemHeadMismatch, "").withHead(head)
	case last.seq <= head.Seq:
		raw := tx.Bucket(bRecords).Get(recordKey(terminal, b.Epoch, last.seq))
		envelope, err := rowEnvelope(raw)
		if err != nil {
			return nil, err
		}
		if canonical.Hash(envelope) != last.hash {
			return nil, forked
		}
		return nil, nil
	}
	at := b.Prev // the hash that the batch has for the head's number
	known1 := entries[:head.Seq+1-b.First]
	if len(known1) > 0 {
		at = known1[len(known1)-1].hash
	}
	if at != head.Hash {
		return nil, forked
	}
	return entries[len(known1):], nil
}

// store writes the new records, their effects and the head. The caller commits.
func (s *Server) store(tx *bolt.Tx, terminal string, fresh []entry, head centralapi.Head) error {
	now := s.now()
	rows, counts := tx.Bucket(bRecords), tx.Bucket(bCounts)
	rows.FillPercent = 0.95
	tally := map[string]int64{}
	for _, e := range fresh {
		how, what := takenApplied, countRecords
		switch {
		case e.quarantine != "":
			how, what = takenQuarantined, countQuarantined
		case !kinds[record.Kind(e.kind)]:
			how, what = takenStored, countUnapplied
		}
		if tally[countRecords]++; what != countRecords {
			tally[what]++
		}
		key := recordKey(terminal, head.Epoch, e.seq)
		if rows.Get(key) != nil {
			return fmt.Errorf("record %d is here already, beyond the head", e.seq)
		}
		if err := rows.Put(key, row(now, how, e.envelope)); err != nil {
			return fmt.Errorf("record %d: %w", e.seq, err)
		}
	}
	s.o.Probe(StepRows)
	p := poster{s: s, tx: tx, terminal: terminal, epoch: head.Epoch}
	for _, e := range fresh {
		if e.quarantine != "" {
			if err := s.incident(tx, terminal, "record.quarantined", e.seq, e.quarantine); err != nil {
				return err
			}
			continue
		}
		if err := p.apply(e); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	for what, n := range tally {
		if err := add(counts, own(terminal, what), n); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	s.o.Probe(StepEffects)
	if err := put(tx.Bucket(bHeads), []byte(terminal), head); err != nil {
		return fmt.Errorf("move head: %w", err)
	}
	s.o.Probe(StepHead)
	return nil
}

// Counters of the counts bucket.
const (
	countRecords     = "records"
	countQuarantined = "quarantined"
	countUnapplied   = "unapplied"
)

// kinds are the kinds of record that this program knows.
var kinds = func() map[record.Kind]bool {
	m := map[record.Kind]bool{}
	for _, b := range record.All() {
		m[b.Kind()] = true
	}
	return m
}()
