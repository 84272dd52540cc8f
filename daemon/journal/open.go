package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Open opens the journal in o.Dir, or begins one there (Options.Create). It
// brings the two copies together (recover.go), brings the folds up to the last
// record and returns a journal that is ready for Append. Refusals wrap
// ErrNoJournal, ErrForeign, ErrInUse, ErrLost, ErrForked or ErrSignature; most
// are a *RecoveryError that says what to do.
func Open(o Options) (*Journal, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.Dir); errors.Is(err, fs.ErrNotExist) && !o.Create {
		return nil, noJournal(o.Dir)
	}
	if err := prepareDir(o.Dir); err != nil {
		return nil, err
	}
	key := slices.Clone(o.SigningKey)
	o.SigningKey = nil
	j := &Journal{o: o, key: key, changed: make(chan struct{}), failed: make(chan error, 1),
		queue: make(chan *request, queueLength), quit: make(chan quitOrder), done: make(chan struct{})}
	opened := false
	defer func() {
		if !opened { // also when a simulated kill unwinds through here
			_ = j.release()
		}
	}()
	if j.lock, err = takeLock(o.Dir, false); err != nil {
		return nil, err
	}
	found, err := j.recover()
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.loadFolds(); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j.visible, j.visibleAcked = j.committed, j.ackedLink
	if found.Detail != "" {
		o.Log.Warn("journal recovered", "store_seq", found.StoreSeq, "segment_seq", found.SegmentSeq,
			"torn_bytes", found.Torn, "detail", found.Detail)
		r := &request{drafts: []Draft{{Body: found}}, done: make(chan struct{})}
		j.commit([]*request{r})
		if r.err != nil {
			return nil, fmt.Errorf("open journal: %w", r.err)
		}
	}
	opened = true
	if !o.Synchronous {
		go j.run()
	}
	return j, nil
}

func noJournal(dir string) error {
	return &RecoveryError{ErrNoJournal, "nothing lies in " + dir,
		"a new terminal's journal is begun at its enrolment; if this terminal has run before, its disk was changed or wiped: keep it and call the technician"}
}

// create begins a journal in a directory that has never held one. The identity
// is written last: until then the next start may begin again.
func (j *Journal) create() error {
	j.id = identity{j.o.Terminal, max(1, j.o.Epoch), hashOf(j.o.Enrolment)}
	path := filepath.Join(j.o.Dir, storeFile)
	st, err := createStore(path, j.id, j.o.MaxSize)
	if err != nil {
		return err
	}
	j.st = st
	if err := st.adopt(path); err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	return nil
}

// claim finds out whose journal this is and refuses another's. It reports
// whether anything of a journal is there at all.
func (j *Journal) claim(st *store, h storeHead, files []segmentFile) (found bool, err error) {
	id, found, err := readIdentity(j.o.Dir)
	switch {
	case err != nil:
		return false, err
	case found:
	case st != nil:
		id, found = h.id, true
	case len(files) > 0:
		if first, ok := quickHeader(files[0].path); ok && first.First == 1 {
			id, found = identity{first.Terminal, first.Epoch, first.Prev}, true
		}
	}
	if !found {
		return false, nil
	}
	refuse := func(what string) error {
		return &RecoveryError{ErrForeign, what, "find out whose disk this is; a terminal never goes on with another's journal"}
	}
	switch {
	case id.Terminal != j.o.Terminal:
		return true, refuse(fmt.Sprintf("%s is of terminal %s, this is terminal %s", j.o.Dir, id.Terminal, j.o.Terminal))
	case j.o.Epoch != 0 && j.o.Epoch != id.Epoch:
		return true, refuse(fmt.Sprintf("%s is of epoch %d, the configuration says %d", j.o.Dir, id.Epoch, j.o.Epoch))
	case len(j.o.Enrolment) > 0 && hashOf(j.o.Enrolment) != id.Genesis:
		return true, refuse(fmt.Sprintf("%s was begun under another enrolment", j.o.Dir))
	case st != nil && h.id != id:
		return true, refuse(fmt.Sprintf("the store is of terminal %s, epoch %d", h.id.Terminal, h.id.Epoch))
	}
	j.id = id
	return true, nil
}

// loadFolds brings the folds to the last record: from the last checkpoint where
// it carries the fold, from record 1 where it does not. It checks the
// checkpoint's signature.
func (j *Journal) loadFolds() error {
	at := link{0, j.id.Genesis}
	var fresh []Fold
	if j.checkpointSeq > 0 {
		r, err := j.st.record(j.checkpointSeq)
		if err != nil {
			return err
		}
		c, err := checkpointOf(r)
		if err != nil {
			return err
		}
		key, ok := j.o.Keys[c.KeyID]
		if !ok {
			return &RecoveryError{ErrSignature, fmt.Sprintf("checkpoint %d is signed with key %q, which is not known", r.Seq, c.KeyID), doKeys}
		}
		if err := VerifyCheckpoint(c, key); err != nil {
			return &RecoveryError{ErrSignature, fmt.Sprintf("checkpoint %d: %v", r.Seq, err), doKeys}
		}
		at = link{c.UpTo, c.Hash}
		for _, f := range j.o.Folds {
			state, ok := c.Folds[f.Name()]
			if ok {
				if err := f.Load(state); err == nil {
					continue
				} else {
					j.o.Log.Warn("fold is computed from the beginning", "fold", f.Name(), "checkpoint", r.Seq, "error", err)
				}
			}
			fresh = append(fresh, f)
		}
	}
	apply := func(folds []Fold) func(Record) error {
		return func(r Record) error {
			j.worked(r)
			for _, f := range folds {
				if err := f.Apply(r); err != nil {
					return fmt.Errorf("fold %s: record %d: %w", f.Name(), r.Seq, err)
				}
			}
			return nil
		}
	}
	if len(fresh) > 0 {
		if err := j.chain().walk(context.Background(), 1, at, apply(fresh)); err != nil {
			return err
		}
	}
	checkpointed := j.checkpointSeq
	err := j.st.walk(j.id, at, j.committed, func(r Record) error {
		if r.Seq > checkpointed {
			j.sinceCheckpoint++
		}
		j.last = stamp{r.Wall, r.Mono, r.Boot}
		return apply(j.o.Folds)(r)
	})
	j.oldest = j.o.Mono()
	return err
}

// stampOf names a set of damaged files by the time they were set aside.
func stampOf(t time.Time) string { return fmt.Sprintf("%015d", max(0, t.UnixMilli())) }

// Rebuild computes fresh folds from record 1 and the source's chain alone.
func Rebuild(ctx context.Context, src Source, folds ...Fold) error {
	return src.Walk(ctx, 1, func(r Record) error {
		for _, f := range folds {
			if err := f.Apply(r); err != nil {
				return fmt.Errorf("fold %s: record %d: %w", f.Name(), r.Seq, err)
			}
		}
		return nil
	})
}
