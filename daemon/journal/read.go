package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// Source is a chain that can be read: an open Journal, or a Reader.
type Source interface {
	Terminal() string
	Epoch() uint64
	// Head is the number and hash of the last record.
	Head() (seq uint64, hash string)
	// Walk gives keep every record from number from (0 counts as 1) to the head at
	// the time of the call, in order, each verified. An error of keep ends the walk
	// and is returned as it is. keep may be slow; it holds nothing up.
	Walk(ctx context.Context, from uint64, keep func(Record) error) error
}

// maxRead bounds one Read.
const maxRead = 10_000

// Read returns up to max records from number from on (0 counts as 1), each
// verified against the chain. Behind the head there is nothing, and no error.
func (j *Journal) Read(from uint64, max int) ([]Record, error) {
	return collect(j, from, max)
}

// errCollected ends the walk of a collect that has what it wants.
var errCollected = errors.New("enough was read")

func collect(src Source, from uint64, max int) ([]Record, error) {
	if max <= 0 || max > maxRead {
		return nil, fmt.Errorf("read journal: %d records asked for, between 1 and %d are possible", max, maxRead)
	}
	var out []Record
	size := 0
	err := src.Walk(context.Background(), from, func(r Record) error {
		out, size = append(out, r), size+len(r.Body)
		if len(out) == max || size >= chunkBytes {
			return errCollected
		}
		return nil
	})
	if errors.Is(err, errCollected) {
		err = nil
	}
	return out, err
}

// Walk implements Source. Where the store is damaged it goes on with the
// segments and says so in the log.
func (j *Journal) Walk(ctx context.Context, from uint64, keep func(Record) error) error {
	if err := j.Err(); errors.Is(err, ErrClosed) {
		return err
	}
	j.mu.Lock()
	head := j.visible
	j.mu.Unlock()
	return j.chain().walk(ctx, from, head, keep)
}

func (j *Journal) chain() chain {
	return chain{id: j.id, st: j.st, segments: filepath.Join(j.o.Dir, segmentDir), damaged: func(seq uint64, err error) {
		j.o.Log.Error("store cannot be read; the segments serve", "record", seq, "error", err)
	}}
}

// chain reads records from the store as long as it is good, and then from the
// segments.
type chain struct {
	id       identity
	st       *store // nil: segments only
	segments string
	damaged  func(seq uint64, err error)
}

func (c chain) walk(ctx context.Context, from uint64, end link, keep func(Record) error) error {
	from = max(1, from)
	upTo := end.seq
	if from > upTo {
		return ctx.Err()
	}
	at := link{from - 1, c.id.Genesis}
	anchored := from == 1
	given := at.seq
	pass := func(r Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		given, at = r.Seq, r.link()
		return keep(r)
	}
	if c.st != nil {
		err := error(nil)
		if !anchored {
			var before Record
			if before, err = c.st.record(from - 1); err == nil {
				at = before.link()
			}
		}
		if err == nil {
			err = c.st.walk(c.id, at, end, pass)
		}
		if !errors.Is(err, errStoreDamaged) {
			return err
		}
		if c.damaged != nil {
			c.damaged(given+1, err)
		}
	}
	files, err := listSegments(c.segments)
	if err != nil {
		return err
	}
	start, begin := startFile(files, c.id, link{0, c.id.Genesis}, given+1)
	done := given
	scan, err := scanSegments(files[start:], c.id, begin, upTo, func(r Record) error {
		if r.Seq <= done {
			return nil
		}
		return pass(r)
	})
	if err == nil && scan.tail.seq < upTo {
		err = fmt.Errorf("read journal: %w: record %d: %w", ErrLost, scan.tail.seq+1, scan.broken)
		if scan.broken == nil {
			err = fmt.Errorf("read journal: %w: the segments end with record %d of %d", ErrLost, scan.tail.seq, upTo)
		}
	}
	return err
}

// Reader reads the journal of a terminal that is not running. It writes nothing,
// so it serves on a copy and on a read-only disk too. It takes the store where
// that is whole and the segments where not, whichever has the longer chain.
type Reader struct {
	chain
	dir  string
	tail link
	lock *os.File

	StoreDamage error // why the store is not used; nil if it is
}

// OpenReader opens the journal in dir for reading. A directory that holds none
// is ErrNoJournal, one whose daemon runs ErrInUse. As long as a Reader is open the
// daemon cannot start.
func OpenReader(dir string) (*Reader, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, noJournal(dir)
	}
	r := &Reader{dir: dir, chain: chain{segments: filepath.Join(dir, segmentDir)}}
	lock, err := takeLock(dir, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	r.lock = lock
	if err := r.open(); err != nil {
		r.Close()
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return r, nil
}

func (r *Reader) open() error {
	id, known, err := readIdentity(r.dir)
	if err != nil {
		return err
	}
	st, err := openStore(filepath.Join(r.dir, storeFile), true, math.MaxInt64)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errStoreDamaged):
		r.StoreDamage = err
	case err != nil:
		return err
	default:
		r.st = st
		h, err := st.head()
		if err == nil {
			err = checkStore(st, &h)
		}
		switch {
		case err == nil && (!known || h.id == id):
			id, known, r.tail = h.id, true, h.tail
		case err == nil:
			return fmt.Errorf("%w: the store is of terminal %s, epoch %d", ErrForeign, h.id.Terminal, h.id.Epoch)
		case errors.Is(err, errStoreDamaged):
			r.StoreDamage = err
			if err := r.closeStore(); err != nil {
				return err
			}
		default:
			return err
		}
	}
	files, err := listSegments(r.segments)
	if err != nil {
		return err
	}
	if !known && len(files) > 0 {
		if first, ok := quickHeader(files[0].path); ok && first.First == 1 {
			id, known = identity{first.Terminal, first.Epoch, first.Prev}, true
		}
	}
	if !known {
		if len(files) == 0 && errors.Is(r.StoreDamage, fs.ErrNotExist) && !marked(r.dir) {
			return noJournal(r.dir)
		}
		return &RecoveryError{ErrLost, fmt.Sprintf("neither copy can be read: store: %v; no segment has a readable header", r.StoreDamage), doLost}
	}
	r.id = id
	start, at := startFile(files, id, link{0, id.Genesis}, max(1, r.tail.seq))
	scan, err := scanSegments(files[start:], id, at, 0, func(Record) error { return nil })
	if err != nil {
		return err
	}
	if r.st == nil || scan.tail.seq > r.tail.seq {
		// The daemon's next start will take these records; until then they are
		// only here.
		r.tail = scan.tail
		if err := r.closeStore(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) closeStore() error {
	if r.st == nil {
		return nil
	}
	st := r.st
	r.st = nil
	return st.abandon()
}

// Terminal implements Source.
func (r *Reader) Terminal() string { return r.id.Terminal }

// Epoch implements Source.
func (r *Reader) Epoch() uint64 { return r.id.Epoch }

// Head implements Source.
func (r *Reader) Head() (seq uint64, hash string) { return r.tail.seq, r.tail.hash }

// Walk implements Source.
func (r *Reader) Walk(ctx context.Context, from uint64, keep func(Record) error) error {
	return r.walk(ctx, from, r.tail, keep)
}

// Read is Journal.Read.
func (r *Reader) Read(from uint64, max int) ([]Record, error) { return collect(r, from, max) }

// Close lets go of the files.
func (r *Reader) Close() error {
	err := r.closeStore()
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
		r.lock = nil
	}
	return err
}
