// Package journal is the terminal's durable truth: an append-only, hash-chained
// list of records in two independent copies, a bbolt store and text files called
// segments. What it guarantees, each with the test that breaks if it is false:
//
//   - A record that Append has returned is found by every later Open, whichever
//     copy is damaged or lost: TestDamage, TestKillAtEveryPoint (build tag
//     faultpoints).
//   - The drafts of one Append are there together or not at all, wherever the
//     write was cut: TestTornGroup, TestKillAtEveryPoint.
//   - Records are numbered 1, 2, 3 ... without holes, each carries the hash of the
//     one before it, and one record has one sequence of bytes: TestChain,
//     FuzzDecodeEnvelope, TestRecordVectors.
//   - No floating point number is ever in a record: TestCanonicalRefuses.
//   - A changed byte in either copy is found by Verify and named: TestVerifyNames.
//   - A damaged copy is made whole from the other, and that is itself a record;
//     if neither is whole Open names what is lost and changes nothing, and a
//     directory that has lost both is never taken for a new one: TestDamage.
//   - Files of another terminal, epoch or enrolment are refused: TestForeign.
//   - After the first failed write everything is refused: TestFailureSticks.
//   - A fold's state is what the records say: loaded from the last signed
//     checkpoint it equals the state from record 1: TestFoldsAfterCheckpoint,
//     TestVerifyComparesFolds.
//   - A checkpoint with a wrong signature is refused: TestCheckpointSignature.
//   - Hostile bytes in either copy end in an error, never in a panic or a loop:
//     FuzzSegment, FuzzStorePages, TestStoreFlips.
//
// # Writing
//
// One committer owns every write. It takes whatever is queued and commits it at
// once: segment file, synced; then store; then folds; only then are the callers
// answered. A terminal that cannot write must end: see Failed.
//
// # Starting
//
// Open compares the copies. The longer valid chain wins, the other copy is
// brought up to it, and a difference is written down (record.Recovered). Damage
// is set aside in the directory "damaged" for an examiner. The rules are in
// recover.go.
//
// The format of a record is central-sync 2.2; testdata holds its vectors, made
// by an independent program. The format of a segment file is told in segment.go.
package journal

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// Draft is a record before it has a number.
type Draft struct {
	Visit string // visit it belongs to, or ""
	Key   string // idempotency key, if the record is an intent towards anyone
	Body  record.Body
}

// Record is one entry of the chain: the hashed envelope and its hash.
type Record struct {
	V        int             `json:"v"`     // envelope version, 1
	Terminal string          `json:"t"`     // terminal id (UUID)
	Epoch    uint64          `json:"epoch"` // changes only when a technician begins a new chain
	Seq      uint64          `json:"seq"`   // 1, 2, 3 ... without holes, per epoch
	Prev     string          `json:"prev"`  // hash of the record before, hexadecimal
	Kind     record.Kind     `json:"kind"`
	Wall     int64           `json:"wall"` // UTC, milliseconds since 1970
	Mono     int64           `json:"mono"` // milliseconds since boot
	Boot     string          `json:"boot"` // boot id
	Sync     string          `json:"sync"` // trust of Wall: synced, held, unknown
	Visit    string          `json:"visit,omitempty"`
	Key      string          `json:"key,omitempty"`
	Body     json.RawMessage `json:"body"`

	Hash string `json:"-"` // SHA-256 of the envelope's canonical JSON (RFC 8785), hexadecimal
}

// Time is the record's wall clock.
func (r Record) Time() time.Time { return time.UnixMilli(r.Wall).UTC() }

// Fold is a state that is computed from records and from nothing else. Apply
// sees every record once, in order, and must not append; an error of it ends the
// journal, because the state and the records would part. Save and Load carry the state across a
// checkpoint; Load(Save()) followed by the same records must give the same
// state, and equal states must save as equal JSON without fractions. Load is
// called on a fresh fold only; if it refuses it must leave the fold fresh, and
// the fold is then computed from record 1.
type Fold interface {
	Name() string
	Apply(Record) error
	Save() (json.RawMessage, error)
	Load(json.RawMessage) error
}

// Journal is an open journal. Its methods may be called from any goroutine.
type Journal struct {
	o    Options
	id   identity
	lock *os.File
	st   *store
	seg  *segments

	// Owned by whoever commits: the committer, or the holder of inline.
	committed       link
	last            stamp
	ackedLink       link
	checkpointSeq   uint64
	sinceCheckpoint int           // records that no checkpoint covers
	skipCheckpoint  int           // after a failed checkpoint: not before so many
	oldest          time.Duration // Mono when the first of them was written
	bootCount       uint64

	inline sync.Mutex // synchronous mode only
	killed bool       // a commit is on its way, or was cut off

	foldMu sync.RWMutex // held while folds change

	mu           sync.Mutex
	visible      link
	visibleAcked link
	changed      chan struct{}
	failure      error
	failed       chan error

	keyMu sync.Mutex
	key   ed25519.PrivateKey // nil: dropped; no checkpoint is made

	queue chan *request
	quit  chan quitOrder
	done  chan struct{}

	endMu    sync.Mutex
	stopping bool
	released bool
	endErr   error
}

type quitOrder int

const (
	quitClose quitOrder = iota
	quitAbandon
)

// queueLength is how many requests wait without their callers blocking in the
// send.
const queueLength = 64

// Head is the last record's number and hash. A journal without records has
// number 0 and the hash of the enrolment record.
func (j *Journal) Head() (seq uint64, hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.visible.seq, j.visible.hash
}

// Acked is the last record that central has confirmed; see SetAcked.
func (j *Journal) Acked() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.visibleAcked.seq
}

// Epoch is the chain's epoch.
func (j *Journal) Epoch() uint64 { return j.id.Epoch }

// Terminal is the terminal's id.
func (j *Journal) Terminal() string { return j.id.Terminal }

// Changed is closed when a record is added after this call. To miss none, take
// the channel first and read the head after.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// View runs f while no fold changes. f must not append.
func (j *Journal) View(f func()) {
	j.foldMu.RLock()
	defer j.foldMu.RUnlock()
	f()
}

// Failed gives the error after which the journal refuses everything, once; the
// channel is closed then. The process must end.
func (j *Journal) Failed() <-chan error { return j.failed }

// Err is that error, ErrClosed after an orderly end, or nil.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

func (j *Journal) head(tail, acked link, checkpoint uint64) storeHead {
	return storeHead{id: j.id, tail: tail, acked: acked, checkpoint: checkpoint, boot: j.o.BootID, bootCount: j.bootCount}
}

// Close ends in order: a last checkpoint, and the files are let go. Everything
// that was appended is durable already; the daemon's own last record is
// record.Stopped, before Close.
func (j *Journal) Close() error { return j.end(quitClose) }

// Abandon lets go of files and locks without writing or syncing anything, as a
// kill would. It may be called in every state, also after a simulated kill has
// left a commit half done.
func (j *Journal) Abandon() { _ = j.end(quitAbandon) }

func (j *Journal) end(order quitOrder) error {
	j.endMu.Lock()
	defer j.endMu.Unlock()
	if j.released {
		return j.endErr
	}
	// A simulated kill in the last checkpoint unwinds from here; Abandon comes next
	// and finds stopping set.
	if !j.stopping {
		j.stopping = true
		j.stop(order)
	}
	j.released = true
	failure := j.Err()
	j.mu.Lock()
	if j.failure == nil {
		j.failure = ErrClosed
		close(j.failed)
	}
	j.mu.Unlock()
	j.endErr = errors.Join(failure, j.release())
	return j.endErr
}

// stop ends the committing, with a last checkpoint if the end is in order.
func (j *Journal) stop(order quitOrder) {
	if !j.o.Synchronous {
		select {
		case j.quit <- order:
		case <-j.done:
		}
		<-j.done
		return
	}
	j.inline.Lock()
	defer j.inline.Unlock()
	if order == quitClose && !j.killed && j.Err() == nil && j.sinceCheckpoint > 0 && j.hasKey() {
		j.killed = true
		_ = j.writeCheckpoint() // its failure is in Err, or logged
		j.killed = false
	}
}

// release closes what is open.
func (j *Journal) release() error {
	var errs []error
	if j.seg != nil {
		errs = append(errs, j.seg.close())
	}
	if j.st != nil {
		errs = append(errs, j.st.abandon())
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}
