package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// storeState is what was found where the store should be.
type storeState struct {
	st      *store // nil unless it is whole
	head    storeHead
	claimed bool  // head could be read, though the store is damaged
	missing bool  // there is no file
	damage  error // why it cannot be used
}

// findStore opens the store and checks it from the last checkpoint on. Damage is
// part of the answer.
func (j *Journal) findStore() (s storeState, err error) {
	st, err := openStore(filepath.Join(j.o.Dir, storeFile), false, j.o.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return storeState{missing: true, damage: errors.New("it is missing")}, nil
	case errors.Is(err, errStoreDamaged):
		return storeState{damage: err}, nil
	case err != nil:
		return s, err
	}
	h, err := st.head()
	if err == nil {
		err = checkStore(st, &h)
	}
	if err == nil {
		return storeState{st: st, head: h}, nil
	}
	// What a damaged store says of its end is believed only if two places say it.
	last, lastErr := st.lastKey()
	claimed := lastErr == nil && last > 0 && last == h.tail.seq
	if closeErr := st.abandon(); closeErr != nil || !errors.Is(err, errStoreDamaged) {
		return s, errors.Join(err, closeErr)
	}
	return storeState{head: h, claimed: claimed, damage: err}, nil
}

// checkStore verifies the chain from the last checkpoint to the head. A
// high-water mark that does not fit the chain goes back to nothing: central takes
// what it has as a repeat.
func checkStore(st *store, h *storeHead) error {
	at := link{0, h.id.Genesis}
	if h.checkpoint > 0 {
		r, err := st.record(h.checkpoint)
		if err != nil {
			return err
		}
		c, err := checkpointOf(r)
		if err != nil {
			return fmt.Errorf("%w: %v", errStoreDamaged, err)
		}
		if c.UpTo > 0 {
			before, err := st.record(c.UpTo)
			if err != nil {
				return err
			}
			at = before.link()
		}
	}
	if h.tail.seq > 0 {
		first, err := st.record(1)
		if err != nil {
			return err
		}
		if first.Prev != h.id.Genesis {
			return fmt.Errorf("%w: head names another enrolment than record 1", errStoreDamaged)
		}
	}
	if err := st.walk(h.id, at, h.tail, func(Record) error { return nil }); err != nil {
		return err
	}
	if more, err := st.extra(h.tail.seq); err != nil || more {
		return fmt.Errorf("%w: a record lies behind the head (%v)", errStoreDamaged, err)
	}
	if h.acked.seq > 0 {
		r, err := st.record(h.acked.seq)
		if err != nil {
			return err
		}
		if r.Hash != h.acked.hash {
			h.acked = link{0, h.id.Genesis}
		}
	}
	return nil
}
