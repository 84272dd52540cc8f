package journal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Defaults of Options.
const (
	DefaultCheckpointEvery = 1000
	DefaultCheckpointAge   = 10 * time.Minute
	DefaultSegmentSize     = 16 << 20
	DefaultMaxSize         = 1 << 30
)

// Heartbeat is the longest time between two calls of Options.Progress of a
// committer that gets round.
const Heartbeat = 5 * time.Second

// Trust of the wall clock, the values of Record.Sync (protocols/central-sync.md
// section 5.5).
const (
	SyncSynced  = "synced"  // offset below 1 s
	SyncHeld    = "held"    // the clock has run on by itself since it was synced
	SyncUnknown = "unknown" // nobody can say
)

// Options say where a journal lies, whose it is and where its time comes from.
type Options struct {
	Dir      string // the journal's own directory; nothing else may lie in it
	Terminal string // terminal id, a UUID

	// Epoch of the chain; 0 takes the one that is found, and 1 for a new journal.
	Epoch uint64
	// Enrolment is the terminal's enrolment record, byte for byte: its SHA-256 is
	// the prev of record 1. Needed to create a journal; compared, if given, with
	// the one that is found.
	Enrolment []byte
	// Create allows a new journal to be begun in a directory that has never held
	// one. Without it a directory that was wiped is ErrNoJournal.
	Create bool

	// SigningKey signs checkpoints, KeyID names it. The journal keeps a copy, which
	// DropKey wipes. Keys holds the public keys of checkpoints that were signed
	// before under other names.
	SigningKey ed25519.PrivateKey
	KeyID      string
	Keys       map[string]ed25519.PublicKey

	// Clock is the wall clock, Mono the time since boot, BootID the kernel's boot
	// id, Sync the trust of Clock. The machine's own serve where one is missing
	// (Sync: unknown). A test that sets one sets them all. They are called by
	// whoever commits: the journal's goroutine, or the caller of Append.
	Clock  func() time.Time
	Mono   func() time.Duration
	BootID string
	Sync   func() string

	// Folds see every record. From Open on they are read inside View only.
	Folds []Fold
	// A checkpoint is written after CheckpointEvery records, or when one record
	// waits for CheckpointAge, whichever is first, and at Close.
	CheckpointEvery int
	CheckpointAge   time.Duration

	SegmentSize int64 // bytes after which a new segment file begins
	MaxSize     int64 // most bytes of the store

	// Synchronous makes Append commit in the caller's goroutine, with no goroutine
	// of the journal's own: for the single-threaded simulator. Age makes a
	// checkpoint then only at the next Append.
	Synchronous bool
	// TornAt chooses, in builds with fault points, how many of a write's n bytes
	// are on disk when the point journal.segment-torn is hit; half of them if nil.
	TornAt func(n int) int

	// Progress is called by the committer each time it gets round, at least every
	// Heartbeat, and while Open works through records: for a watchdog, and to show
	// that a long recovery goes on. Committed is told how long each durable write
	// took. Nil for none.
	Progress  func()
	Committed func(time.Duration)

	Log *slog.Logger // nothing is logged where it is nil
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (o Options) complete() (Options, error) {
	switch {
	case o.Dir == "":
		return o, errors.New("journal: Options.Dir is empty")
	case !uuid.MatchString(o.Terminal):
		return o, fmt.Errorf("journal: Options.Terminal %q is not a UUID in lower case", o.Terminal)
	case len(o.SigningKey) != ed25519.PrivateKeySize || o.KeyID == "":
		return o, errors.New("journal: Options.SigningKey and KeyID are needed for checkpoints")
	case o.Epoch > maxInteger:
		return o, fmt.Errorf("journal: Options.Epoch %d is out of range", o.Epoch)
	case o.Create && len(o.Enrolment) == 0:
		return o, errors.New("journal: Options.Create needs the Enrolment record")
	}
	names := map[string]bool{}
	for _, f := range o.Folds {
		if names[f.Name()] {
			return o, fmt.Errorf("journal: two folds are called %q", f.Name())
		}
		names[f.Name()] = true
	}
	o.Keys = maps.Clone(o.Keys)
	if o.Keys == nil {
		o.Keys = map[string]ed25519.PublicKey{}
	}
	o.Keys[o.KeyID] = o.SigningKey.Public().(ed25519.PublicKey)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Mono == nil {
		o.Mono = sinceBoot
	}
	if o.BootID == "" {
		o.BootID = bootID()
	}
	if o.Sync == nil {
		o.Sync = func() string { return SyncUnknown }
	}
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = DefaultCheckpointEvery
	}
	if o.CheckpointAge <= 0 {
		o.CheckpointAge = DefaultCheckpointAge
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.Progress == nil {
		o.Progress = func() {}
	}
	if o.Committed == nil {
		o.Committed = func(time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// sinceBoot is CLOCK_BOOTTIME: it goes on while the machine sleeps and is not
// touched when the wall clock is set.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}
