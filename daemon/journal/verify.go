package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// VerifyOptions say against what a journal is verified.
type VerifyOptions struct {
	// Key is the public key that every checkpoint must verify with; Keys are looked
	// up by key id first. With neither, signatures are not checked and the report
	// says so.
	Key  ed25519.PublicKey
	Keys map[string]ed25519.PublicKey
	// Folds makes fresh folds. At every checkpoint their state must equal the one
	// that is written there. Nil leaves that out.
	Folds func() []Fold
}

// Report is what a full walk of both copies has found.
type Report struct {
	Terminal string `json:"terminal"`
	Epoch    uint64 `json:"epoch"`

	Store    CopyReport `json:"store"`
	Segments CopyReport `json:"segments"`

	Checkpoints int      `json:"checkpoints"` // in the chain
	Signed      int      `json:"signed"`      // of them with a verified signature
	Folds       []string `json:"folds"`       // folds whose states were compared

	Problems []Problem `json:"problems"`
	Notes    []string  `json:"notes,omitempty"` // what was not looked at, and why
}

// CopyReport is the valid chain of one copy.
type CopyReport struct {
	Seq   uint64 `json:"seq"`  // last valid record
	Hash  string `json:"hash"` // its hash
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// Problem is one thing that is wrong.
type Problem struct {
	Copy string `json:"copy"` // store, segments, both
	Seq  uint64 `json:"seq"`  // first record concerned
	What string `json:"what"`
	Do   string `json:"do"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// String is the report for a technician.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "terminal %s, epoch %d\n", r.Terminal, r.Epoch)
	fmt.Fprintf(&b, "store     %9d records, %d bytes\n", r.Store.Seq, r.Store.Bytes)
	fmt.Fprintf(&b, "segments  %9d records, %d bytes in %d files\n", r.Segments.Seq, r.Segments.Bytes, r.Segments.Files)
	fmt.Fprintf(&b, "last hash %s\n", r.Store.Hash)
	fmt.Fprintf(&b, "checkpoints %d, signatures verified %d\n", r.Checkpoints, r.Signed)
	if len(r.Folds) > 0 {
		fmt.Fprintf(&b, "folds equal to the records: %s\n", strings.Join(r.Folds, ", "))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "PROBLEM in %s at record %d: %s\n  what to do: %s\n", p.Copy, p.Seq, p.What, p.Do)
	}
	if r.OK() {
		b.WriteString("the journal is whole\n")
	}
	return b.String()
}

const (
	doRestore  = "stop kioskd, move this copy out of the directory and start again: it is rebuilt from the other copy"
	doReplay   = "nothing: the next start of kioskd completes this copy and writes it down"
	doProgram  = "keep the journal and report it with the program's version: a computed state differs from the records"
	doUnsigned = "give the public key under which this terminal's checkpoints are certified"
)

// Verify walks both copies of the journal in dir from the first record to the
// last: numbers without holes, chain, check sums, checkpoints' signatures,
// folds. The terminal must not be running. Memory does not grow with the
// journal. The error is for what cannot be asked at all; damage is in the report.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Report, error) {
	r, err := OpenReader(dir)
	if err != nil {
		return Report{}, err
	}
	defer r.Close()
	st := r.st
	if st == nil { // behind or damaged: look at it all the same
		switch st, err = openStore(filepath.Join(dir, storeFile), true, math.MaxInt64); {
		case err == nil:
			defer func() { _ = st.abandon() }()
		case !errors.Is(err, errStoreDamaged) && !errors.Is(err, fs.ErrNotExist):
			return Report{}, err
		}
	}
	v := &verifier{o: o, dir: dir, id: r.id, st: st, storeErr: err}
	return v.run(ctx, link{})
}

// Verify verifies the journal while it is open, up to the head at the time of
// the call, with the journal's own keys and, where fresh makes folds, against
// what the open folds hold.
func (j *Journal) Verify(ctx context.Context, fresh func() []Fold) (Report, error) {
	if err := j.Err(); errors.Is(err, ErrClosed) {
		return Report{}, err
	}
	j.mu.Lock()
	head := j.visible
	j.mu.Unlock()
	v := &verifier{o: VerifyOptions{Keys: j.o.Keys, Folds: fresh}, dir: j.o.Dir, id: j.id, st: j.st}
	if head.seq == 0 {
		rep := Report{Terminal: j.id.Terminal, Epoch: j.id.Epoch, Folds: []string{}, Problems: []Problem{}}
		rep.Notes = append(rep.Notes, "the journal has no record yet")
		return rep, nil
	}
	rep, err := v.run(ctx, head)
	if err != nil || len(v.folds) == 0 || !rep.OK() {
		return rep, err
	}
	// The fresh folds stand at head. Bring them to where the open ones are, with
	// those held still.
	j.View(func() {
		j.mu.Lock()
		now := j.visible
		j.mu.Unlock()
		if err = j.chain().walk(ctx, head.seq+1, now, v.apply); err != nil {
			return
		}
		var open map[string]json.RawMessage
		if open, err = saveFolds(j.o.Folds); err == nil {
			err = v.compare(&rep, now.seq, open, "the running program")
		}
	})
	return rep, err
}

type verifier struct {
	o        VerifyOptions
	dir      string
	id       identity
	st       *store
	storeErr error
	folds    []Fold
}

func (v *verifier) apply(r Record) error {
	for _, f := range v.folds {
		if err := f.Apply(r); err != nil {
			return fmt.Errorf("fold %s: record %d: %w", f.Name(), r.Seq, err)
		}
	}
	return nil
}

// run walks both copies, to record upTo or to their ends if that is no record.
func (v *verifier) run(ctx context.Context, upTo link) (Report, error) {
	rep := Report{Terminal: v.id.Terminal, Epoch: v.id.Epoch, Folds: []string{}, Problems: []Problem{}}
	if v.o.Folds != nil {
		v.folds = v.o.Folds()
		for _, f := range v.folds {
			rep.Folds = append(rep.Folds, f.Name())
		}
	}
	if v.o.Key == nil && len(v.o.Keys) == 0 {
		rep.Notes = append(rep.Notes, "no public key was given: the checkpoints' signatures were not checked")
	}
	// The content is judged along the store, and along the segments only if the
	// store is not whole: equal hashes mean equal content.
	contentErr := error(nil)
	content := func(r Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		contentErr = v.content(&rep, r)
		return contentErr
	}
	storeWhole, err := v.store(ctx, &rep, upTo, content)
	if contentErr != nil {
		return rep, contentErr
	}
	if err != nil {
		return rep, err
	}
	if !storeWhole {
		rep.Checkpoints, rep.Signed = 0, 0
		if v.o.Folds != nil {
			v.folds = v.o.Folds()
		}
	}
	return rep, v.segments(ctx, &rep, upTo.seq, storeWhole, content)
}

// store walks the store. whole is false when it ends before its head.
func (v *verifier) store(ctx context.Context, rep *Report, upTo link, content func(Record) error) (whole bool, err error) {
	bad := func(seq uint64, err error) {
		rep.Problems = append(rep.Problems, Problem{"store", seq, err.Error(), doRestore})
	}
	if v.st == nil {
		bad(1, fmt.Errorf("the store cannot be used: %w", v.storeErr))
		return false, nil
	}
	if info, err := os.Stat(filepath.Join(v.dir, storeFile)); err == nil {
		rep.Store.Files, rep.Store.Bytes = 1, info.Size()
	}
	h, err := v.st.head()
	if err != nil {
		bad(1, err)
		return false, nil
	}
	end := upTo
	if end.seq == 0 {
		end = h.tail
	}
	at := link{0, v.id.Genesis}
	rep.Store.Hash = at.hash
	err = v.st.walk(v.id, at, end, func(r Record) error {
		if err := content(r); err != nil {
			return err
		}
		at = r.link()
		rep.Store.Seq, rep.Store.Hash = at.seq, at.hash
		return nil
	})
	switch {
	case errors.Is(err, errStoreDamaged):
		bad(at.seq+1, err)
		return false, nil
	case err != nil:
		return false, err
	}
	return true, ctx.Err()
}

// segments walks the segment files.
func (v *verifier) segments(ctx context.Context, rep *Report, upTo uint64, storeWhole bool, content func(Record) error) error {
	files, err := listSegments(filepath.Join(v.dir, segmentDir))
	if err != nil {
		return err
	}
	for _, f := range files {
		if info, err := os.Stat(f.path); err == nil {
			rep.Segments.Files++
			rep.Segments.Bytes += info.Size()
		}
	}
	bad := func(seq uint64, what, do string) {
		rep.Problems = append(rep.Problems, Problem{"segments", seq, what, do})
	}
	forked := false
	scan, err := scanSegments(files, v.id, link{0, v.id.Genesis}, upTo, func(r Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.Seq == rep.Store.Seq && r.Hash != rep.Store.Hash {
			forked = true
		}
		if storeWhole && r.Seq <= rep.Store.Seq {
			return nil
		}
		return content(r)
	})
	if errors.Is(err, ErrForeign) {
		bad(scan.tail.seq+1, err.Error(), doFork)
		return nil
	}
	if err != nil {
		return err
	}
	rep.Segments.Seq, rep.Segments.Hash = scan.tail.seq, scan.tail.hash
	switch {
	case len(files) == 0:
		bad(1, "there are no segment files", doRestore)
	case scan.broken != nil && scan.torn && scan.beyond == 0:
		bad(scan.tail.seq+1, fmt.Sprintf("a write was cut off: %v", scan.broken), doReplay)
	case scan.broken != nil:
		bad(scan.tail.seq+1, scan.broken.Error(), doRestore)
	case storeWhole && scan.tail.seq < rep.Store.Seq:
		bad(scan.tail.seq+1, fmt.Sprintf("the segments end with record %d, the store with %d", scan.tail.seq, rep.Store.Seq), doReplay)
	case storeWhole && scan.tail.seq > rep.Store.Seq:
		rep.Problems = append(rep.Problems, Problem{"store", rep.Store.Seq + 1,
			fmt.Sprintf("the store ends with record %d, the segments with %d", rep.Store.Seq, scan.tail.seq), doReplay})
	}
	if forked || storeWhole && scan.tail.seq == rep.Store.Seq && scan.tail.hash != rep.Store.Hash {
		rep.Problems = append(rep.Problems, Problem{"both", min(scan.tail.seq, rep.Store.Seq), ErrForked.Error(), doFork})
	}
	return nil
}

// content judges what a record says: a checkpoint's signature and fold states.
func (v *verifier) content(rep *Report, r Record) error {
	if r.Kind == (record.Checkpoint{}).Kind() {
		rep.Checkpoints++
		c, err := checkpointOf(r)
		if err != nil {
			rep.Problems = append(rep.Problems, Problem{"both", r.Seq, err.Error(), doKeys})
			return v.apply(r)
		}
		v.signature(rep, r.Seq, c)
		if err := v.compare(rep, r.Seq, c.Folds, "the checkpoint"); err != nil {
			return err
		}
	}
	return v.apply(r)
}

func (v *verifier) signature(rep *Report, seq uint64, c record.Checkpoint) {
	key, ok := v.o.Keys[c.KeyID]
	if !ok {
		key = v.o.Key
	}
	switch {
	case key == nil && len(v.o.Keys) == 0:
	case key == nil:
		rep.Problems = append(rep.Problems, Problem{"both", seq, fmt.Sprintf("checkpoint is signed with key %q, which is not known", c.KeyID), doUnsigned})
	default:
		if err := VerifyCheckpoint(c, key); err != nil {
			rep.Problems = append(rep.Problems, Problem{"both", seq, err.Error(), doKeys})
			return
		}
		rep.Signed++
	}
}

// compare holds the fresh folds' states against states that were written down. A
// fold that is not among those is of another version and is left out.
func (v *verifier) compare(rep *Report, seq uint64, states map[string]json.RawMessage, where string) error {
	fresh, err := saveFolds(v.folds)
	if err != nil {
		return err
	}
	for _, f := range v.folds {
		name := f.Name()
		state, ok := states[name]
		if !ok {
			continue
		}
		if state, err = Canonical(state); err != nil || !bytes.Equal(state, fresh[name]) {
			rep.Problems = append(rep.Problems, Problem{"both", seq,
				fmt.Sprintf("fold %s computed from the records differs from its state in %s", name, where), doProgram})
		}
	}
	return nil
}
