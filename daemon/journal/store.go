package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Buckets and fixed keys of the store (protocols/central-sync.md section 2.1).
// What other rooms call open or key is a fold over the records and is not stored.
var (
	bucketRecords = []byte("j")    // seq u64 big endian -> canonical envelope
	bucketHead    = []byte("head") // the keys below

	keyTerminal   = []byte("terminal")
	keyEpoch      = []byte("epoch")      // u64
	keyGenesis    = []byte("genesis")    // the first record's prev
	keySeq        = []byte("seq")        // u64, the last record
	keyHash       = []byte("hash")       // its hash
	keyAcked      = []byte("acked")      // u64, the last record central has confirmed
	keyAckedHash  = []byte("acked_hash") // its hash
	keyCheckpoint = []byte("checkpoint") // u64, the last checkpoint record, 0 for none
	keyBoot       = []byte("boot")       // the boot id in which the store was last opened
	keyBootCount  = []byte("boot_count") // u64, how many different ones there were
)

// fillPercent packs the pages of an append-only bucket.
const fillPercent = 0.95

// storeTimeout is how long an opening waits for the store's own lock.
const storeTimeout = time.Second

// storeHead is the head bucket.
type storeHead struct {
	id         identity
	tail       link
	acked      link
	checkpoint uint64
	boot       string
	bootCount  uint64
}

type store struct {
	db   *bbolt.DB
	file *os.File  // the library's handle, to let go of it without a word
	tx   *bbolt.Tx // the write transaction that is open
}

// guard runs a read of the store. A panic of the library, or a fault on its
// memory map, means a damaged page and becomes an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errStoreDamaged, r)
		}
	}()
	return f()
}

func boltOptions(s *store, readOnly bool, maxSize int64) *bbolt.Options {
	return &bbolt.Options{
		Timeout:        storeTimeout,
		FreelistType:   bbolt.FreelistMapType,
		NoFreelistSync: true,
		ReadOnly:       readOnly,
		MaxSize:        int(min(maxSize, math.MaxInt)),
		NoStatistics:   true,
		OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, perm)
			s.file = f
			return f, err
		},
	}
}

// openStore opens a store that exists. Damage is errStoreDamaged; a missing file
// is os.ErrNotExist.
func openStore(path string, readOnly bool, maxSize int64) (*store, error) {
	if err := checkPages(path); err != nil {
		return nil, err
	}
	s := &store{}
	err := guard(func() (err error) {
		s.db, err = bbolt.Open(path, 0o600, boltOptions(s, readOnly, maxSize))
		return err
	})
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, errStoreDamaged) && s.file != nil:
		s.file.Close() // lets go of the lock; the library has lost its way
		return nil, err
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", errStoreDamaged, err)
	}
	return nil, fmt.Errorf("open store: %w", err)
}

// createStore makes an empty store under its final name.
func createStore(path string, id identity, maxSize int64) (*store, error) {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("create store: %w", err)
	}
	s := &store{}
	db, err := bbolt.Open(tmp, 0o600, boltOptions(s, false, maxSize))
	if err != nil {
		return nil, fmt.Errorf("create store: %w", err)
	}
	s.db = db
	if err := s.put(nil, storeHead{id: id, tail: link{0, id.Genesis}, acked: link{0, id.Genesis}}); err != nil {
		return nil, errors.Join(fmt.Errorf("create store: %w", err), db.Close())
	}
	return s, nil
}

// adopt gives a store made by createStore its name.
func (s *store) adopt(path string) error {
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// head reads and checks the head bucket.
func (s *store) head() (h storeHead, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketHead)
			if b == nil || tx.Bucket(bucketRecords) == nil {
				return fmt.Errorf("%w: a bucket is missing", errStoreDamaged)
			}
			var bad error
			u64 := func(key []byte) uint64 {
				v := b.Get(key)
				if len(v) != 8 {
					bad = fmt.Errorf("%w: head has no %s", errStoreDamaged, key)
					return 0
				}
				return binary.BigEndian.Uint64(v)
			}
			str := func(key []byte) string { return string(b.Get(key)) }
			h = storeHead{
				id:         identity{str(keyTerminal), u64(keyEpoch), str(keyGenesis)},
				tail:       link{u64(keySeq), str(keyHash)},
				acked:      link{u64(keyAcked), str(keyAckedHash)},
				checkpoint: u64(keyCheckpoint),
				boot:       str(keyBoot),
				bootCount:  u64(keyBootCount),
			}
			if bad == nil && (h.id.Terminal == "" || len(h.id.Genesis) != 64 || len(h.tail.hash) != 64 ||
				h.checkpoint > h.tail.seq || h.acked.seq > h.tail.seq) {
				bad = fmt.Errorf("%w: head contradicts itself", errStoreDamaged)
			}
			return bad
		})
	})
	return h, err
}

// entry is a record with its bytes, ready for the store. The bytes belong to the
// store from here on.
type entry struct {
	seq uint64
	raw []byte
}

// put adds records and replaces the head, in one durable transaction. After an
// error the store must not be used again.
func (s *store) put(entries []entry, h storeHead) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	s.tx = tx
	if err := fill(tx, entries, h); err != nil {
		s.tx = nil
		return errors.Join(err, tx.Rollback())
	}
	err = tx.Commit()
	s.tx = nil
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func fill(tx *bbolt.Tx, entries []entry, h storeHead) error {
	j, err := tx.CreateBucketIfNotExists(bucketRecords)
	if err != nil {
		return err
	}
	j.FillPercent = fillPercent
	for _, e := range entries {
		if err := j.Put(u64Bytes(e.seq), e.raw); err != nil {
			return fmt.Errorf("record %d: %w", e.seq, err)
		}
	}
	b, err := tx.CreateBucketIfNotExists(bucketHead)
	if err != nil {
		return err
	}
	for _, kv := range []struct{ k, v []byte }{
		{keyTerminal, []byte(h.id.Terminal)}, {keyEpoch, u64Bytes(h.id.Epoch)}, {keyGenesis, []byte(h.id.Genesis)},
		{keySeq, u64Bytes(h.tail.seq)}, {keyHash, []byte(h.tail.hash)},
		{keyAcked, u64Bytes(h.acked.seq)}, {keyAckedHash, []byte(h.acked.hash)},
		{keyCheckpoint, u64Bytes(h.checkpoint)},
		{keyBoot, []byte(h.boot)}, {keyBootCount, u64Bytes(h.bootCount)},
	} {
		if err := b.Put(kv.k, kv.v); err != nil {
			return fmt.Errorf("head: %w", err)
		}
	}
	return nil
}

func u64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// chunk bounds how much one read transaction copies: a long one would keep the
// writer from reusing pages.
const (
	chunkRecords = 256
	chunkBytes   = 4 << 20
)

// read copies out records from..., at most max of them and about chunkBytes. It
// stops before the first number that is missing.
func (s *store) read(from uint64, max int) (out []entry, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketRecords)
			if b == nil {
				return fmt.Errorf("%w: a bucket is missing", errStoreDamaged)
			}
			bytes := 0
			c := b.Cursor()
			for k, v := c.Seek(u64Bytes(from)); k != nil && len(out) < max && bytes < chunkBytes; k, v = c.Next() {
				want := from + uint64(len(out))
				if len(k) != 8 || binary.BigEndian.Uint64(k) != want {
					return nil
				}
				out = append(out, entry{want, append([]byte(nil), v...)})
				bytes += len(v)
			}
			return nil
		})
	})
	return out, err
}

// record reads one record.
func (s *store) record(seq uint64) (Record, error) {
	es, err := s.read(seq, 1)
	if err != nil {
		return Record{}, err
	}
	if len(es) == 0 {
		return Record{}, fmt.Errorf("%w: record %d is missing", errStoreDamaged, seq)
	}
	r, err := DecodeEnvelope(es[0].raw)
	if err != nil {
		return Record{}, fmt.Errorf("%w: record %d: %v", errStoreDamaged, seq, err)
	}
	if r.Seq != seq {
		return Record{}, fmt.Errorf("%w: record %d lies at %d", errStoreDamaged, r.Seq, seq)
	}
	return r, nil
}

// walk gives keep every record after at up to end and checks the chain on the
// way. A record is given only when the next one carries its hash, or end does, so
// keep never sees one that was changed. Damage is errStoreDamaged; an error of
// keep is passed on.
func (s *store) walk(id identity, at, end link, keep func(Record) error) error {
	var held Record // checked against the past, not yet against the future
	for at.seq < end.seq {
		es, err := s.read(at.seq+1, int(min(chunkRecords, end.seq-at.seq)))
		if err != nil {
			return err
		}
		if len(es) == 0 {
			return fmt.Errorf("%w: record %d is missing", errStoreDamaged, at.seq+1)
		}
		for _, e := range es {
			r, err := DecodeEnvelope(e.raw)
			if err == nil {
				err = at.follows(id, r)
			}
			if err != nil {
				return fmt.Errorf("%w: record %d: %v", errStoreDamaged, e.seq, err)
			}
			if held.Seq != 0 {
				if err := keep(held); err != nil {
					return err
				}
			}
			held, at = r, r.link()
		}
	}
	if at != end {
		return fmt.Errorf("%w: record %d has another hash than is known of it", errStoreDamaged, end.seq)
	}
	if held.Seq != 0 {
		return keep(held)
	}
	return nil
}

// lastKey is the highest record number in the store, 0 for none.
func (s *store) lastKey() (seq uint64, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketRecords)
			if b == nil {
				return fmt.Errorf("%w: a bucket is missing", errStoreDamaged)
			}
			if k, _ := b.Cursor().Last(); len(k) == 8 {
				seq = binary.BigEndian.Uint64(k)
			}
			return nil
		})
	})
	return seq, err
}

// extra reports whether there are records behind the head, which no commit of
// this program leaves.
func (s *store) extra(head uint64) (bool, error) {
	es, err := s.read(head+1, 1)
	return len(es) > 0, err
}

// abandon lets go of the file. Nothing is written or synced.
func (s *store) abandon() error {
	if s.tx != nil {
		tx := s.tx
		s.tx = nil
		if err := tx.Rollback(); err != nil && !errors.Is(err, bolterrors.ErrTxClosed) {
			return err
		}
	}
	return s.db.Close()
}
