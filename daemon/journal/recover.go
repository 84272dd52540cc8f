package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
)

// How the two copies come together at a start.
//
// A write goes to the segment, which is synced, before it goes to the store, and
// the next write begins when both have it. So in an honest life the segment is at
// most one write ahead of the store, and what follows its last whole group is at
// most one torn write that nobody was told about. The rules:
//
//	store       segment                      outcome
//	whole       whole, same end              go on
//	whole       ahead                        the rest is replayed into the store
//	whole       behind, missing, damaged     the rest is replayed into the segment
//	whole       damaged where the store      refused: ErrLost
//	            does not reach
//	damaged,    whole, or torn at its end    the store is rebuilt
//	missing
//	damaged,    damaged, missing, or behind  refused: ErrLost
//	missing     what the store still says
//	one number, two hashes                   refused: ErrForked
//
// A refusal changes nothing on disk. A difference is told in record.Recovered.

// Places during a recovery at which the crash campaign may kill.
var (
	atRecovering   = faultpoint.New("journal.recovering")
	atSegmentCut   = faultpoint.New("journal.recover.segment-cut")
	atStoreRebuilt = faultpoint.New("journal.recover.store-rebuilt")
	atRecovered    = faultpoint.New("journal.recover.copies-equal")
)

// recover opens both copies, brings them together and leaves j ready for its
// folds. found.Detail is empty when there was nothing to recover.
func (j *Journal) recover() (found record.Recovered, err error) {
	if err := removeLeftovers(j.o.Dir); err != nil {
		return found, err
	}
	state, err := j.findStore()
	if err != nil {
		return found, err
	}
	j.st = state.st
	segs := filepath.Join(j.o.Dir, segmentDir)
	files, err := listSegments(segs)
	if err != nil {
		return found, err
	}
	known, err := j.claim(state.st, state.head, files)
	switch {
	case err != nil:
		return found, err
	case !known && (len(files) > 0 || !state.missing || marked(j.o.Dir)):
		return found, &RecoveryError{ErrLost, fmt.Sprintf("neither copy can be read: store: %v; no segment has a readable header", state.damage), doLost}
	case !known && !j.o.Create:
		return found, noJournal(j.o.Dir)
	case !known:
		if err := j.create(); err != nil {
			return found, err
		}
		if state, err = j.wholeStore(); err != nil {
			return found, err
		}
	}
	if err := makeDir(segs); err != nil {
		return found, fmt.Errorf("make segment directory: %w", err)
	}
	j.seg = &segments{dir: segs, id: j.id, limit: j.o.SegmentSize}

	found, err = j.bringTogether(state, files)
	if err != nil {
		return found, err
	}
	atRecovered.Hit()
	if _, ok, err := readIdentity(j.o.Dir); err == nil && !ok {
		if state.head.tail.seq == 0 && len(files) == 0 {
			found.Detail = "" // the journal has just been begun
		}
		if err := writeIdentity(j.o.Dir, j.id); err != nil {
			return found, err
		}
	} else if err != nil {
		return found, err
	}
	return found, j.noteBoot()
}

// worked tells now and then that the opening goes on.
func (j *Journal) worked(r Record) {
	if r.Seq%1024 == 0 {
		j.o.Progress()
	}
}

// removeLeftovers takes away what a killed start left half made.
func removeLeftovers(dir string) error {
	for _, sub := range []string{"", segmentDir, damagedDir} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for leftovers: %w", err)
		}
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); ext == ".tmp" || ext == ".new" {
				if err := os.Remove(filepath.Join(dir, sub, e.Name())); err != nil {
					return fmt.Errorf("remove leftover: %w", err)
				}
			}
		}
	}
	return nil
}

// noteBoot counts a start in a new boot. It is also the first write to the
// store, so a disk that cannot be written is found before a note is taken.
func (j *Journal) noteBoot() error {
	h, err := j.st.head()
	if err != nil {
		return err
	}
	j.bootCount = h.bootCount
	if h.boot == j.o.BootID {
		return nil
	}
	j.bootCount++
	if err := j.st.put(nil, j.head(j.committed, j.ackedLink, j.checkpointSeq)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// wholeStore is the state of the store that j has just made or opened.
func (j *Journal) wholeStore() (storeState, error) {
	h, err := j.st.head()
	return storeState{st: j.st, head: h}, err
}

// bringTogether makes both copies equal and sets where j goes on.
func (j *Journal) bringTogether(s storeState, files []segmentFile) (record.Recovered, error) {
	genesis := link{0, j.id.Genesis}
	start, at := 0, genesis
	if s.st != nil {
		start, at = startFile(files, j.id, genesis, max(1, s.head.checkpoint))
	}
	fromStore := "" // the segment's hash for the store's last record
	if at.seq == s.head.tail.seq {
		fromStore = at.hash
	}
	scanner := &segmentScanner{id: j.id, keep: func(r Record) error {
		j.worked(r)
		if r.Seq == s.head.tail.seq {
			fromStore = r.Hash
		}
		return nil
	}}
	if s.st != nil {
		// The chain has to come to the store's last record, which the store's own
		// chain leads to from the checkpoint on.
		scanner.skim = s.head.checkpoint
	}
	scan, err := scanner.scan(files[start:], at)
	if err == nil && scan.broken != nil && scanner.skim > 0 {
		// Where the valid part ends is for a full reading to say.
		scan, err = scanSegments(files[start:], j.id, at, 0, scanner.keep)
	}
	if errors.Is(err, ErrForeign) {
		return record.Recovered{}, &RecoveryError{ErrForeign, err.Error(), "find out whose file this is and move it out of the directory; a terminal never goes on with another's journal"}
	}
	if err != nil {
		return record.Recovered{}, err
	}
	found := record.Recovered{StoreSeq: s.head.tail.seq, SegmentSeq: scan.tail.seq, Torn: scan.rest}
	if s.st == nil && !s.claimed {
		found.StoreSeq = 0
	}
	if err := j.judge(s, scan, fromStore, len(files)); err != nil {
		return found, err
	}
	found.Detail = describe(s, scan, len(files))
	if found.Detail != "" {
		atRecovering.Hit()
	}
	if err := j.cut(scan, files); err != nil {
		return found, err
	}
	atSegmentCut.Hit()
	if s.st == nil {
		if err := j.rebuildStore(s, scan); err != nil {
			return found, err
		}
		atStoreRebuilt.Hit()
		if s, err = j.wholeStore(); err != nil {
			return found, err
		}
	}
	if err := j.level(s.head, scan, files[start:], at); err != nil {
		return found, err
	}
	return found, j.seg.room(j.committed)
}

// judge decides whether going on could lose a record that was durable once.
func (j *Journal) judge(s storeState, scan segmentScan, fromStore string, files int) error {
	known := s.st != nil || s.claimed
	store, seg := s.head.tail.seq, scan.tail.seq
	lost := func(format string, a ...any) error {
		what := fmt.Sprintf(format, a...)
		if s.damage != nil {
			what += fmt.Sprintf("; store: %v", s.damage)
		}
		if scan.broken != nil {
			what += fmt.Sprintf("; segment: %v", scan.broken)
		}
		return &RecoveryError{ErrLost, what, doLost}
	}
	switch {
	case s.st == nil && files == 0:
		return lost("both copies are gone, with every record")
	case s.st == nil && known && store > seg:
		return lost("records %d to %d are in neither copy", seg+1, store)
	case s.st == nil && scan.broken != nil && (!scan.torn || scan.beyond > 0):
		return lost("record %d is in neither copy, nor what follows it up to %d", seg+1, max(seg+1, scan.beyond))
	}
	if s.st != nil && seg >= store && fromStore != s.head.tail.hash {
		return &RecoveryError{ErrForked, fmt.Sprintf("record %d has hash %s in the store and %s in the segment", store, s.head.tail.hash, fromStore), doFork}
	}
	if s.st == nil {
		return nil
	}
	if seg < store && seg > 0 {
		r, err := s.st.record(seg)
		var next Record
		if err == nil {
			next, err = s.st.record(seg + 1)
		}
		if err == nil && next.Prev != r.Hash {
			err = fmt.Errorf("%w: record %d does not carry its hash", errStoreDamaged, seg+1)
		}
		if err != nil {
			return lost("record %d cannot be compared: %v", seg, err)
		}
		if r.Hash != scan.tail.hash {
			return &RecoveryError{ErrForked, fmt.Sprintf("record %d has hash %s in the store and %s in the segment", seg, r.Hash, scan.tail.hash), doFork}
		}
	}
	if seg < store {
		// The store is to complete the segment, from before the checkpoint maybe.
		err := s.st.walk(j.id, scan.tail, s.head.tail, func(Record) error { return nil })
		if errors.Is(err, errStoreDamaged) {
			return lost("the segment ends with record %d and the store cannot complete it: %v", seg, err)
		}
		if err != nil {
			return err
		}
	}
	covered := store >= max(seg, scan.beyond)
	lastWrite := scan.writeEnd <= store && scan.writes <= 1
	onlyTorn := scan.torn && scan.beyond == 0
	if scan.broken != nil && !covered && !lastWrite && !onlyTorn {
		return lost("record %d is damaged in the segment, and the store ends with record %d; intact records up to %d follow it", seg+1, store, max(seg, scan.beyond))
	}
	return nil
}

// describe says what differed, for record.Recovered; "" if nothing did.
func describe(s storeState, scan segmentScan, files int) string {
	var parts []string
	switch {
	case s.missing:
		parts = append(parts, "store was missing and is rebuilt from the segments")
	case s.st == nil:
		parts = append(parts, fmt.Sprintf("store was damaged and is rebuilt from the segments (%v)", s.damage))
	case files == 0:
		parts = append(parts, "segments were missing and are rebuilt from the store")
	case scan.tail.seq < s.head.tail.seq:
		parts = append(parts, "segment was behind and is completed from the store")
	case scan.tail.seq > s.head.tail.seq:
		parts = append(parts, "store was behind and is completed from the segment")
	}
	if scan.broken != nil {
		how := "damage"
		if scan.torn {
			how = "torn write"
		}
		parts = append(parts, fmt.Sprintf("segment: %s cut off (%v)", how, scan.broken))
	}
	return strings.Join(parts, "; ")
}

// cut leaves of the segments only their valid part. Anything but a torn write is
// kept for an examiner first. Whatever it takes away is either in the store or
// was never confirmed, so it may be killed anywhere and done again.
func (j *Journal) cut(scan segmentScan, files []segmentFile) error {
	stamp := stampOf(j.o.Clock())
	behind := scan.path == ""
	for _, f := range files {
		if behind {
			if err := setAside(j.o.Dir, filepath.Join(segmentDir, filepath.Base(f.path)), stamp); err != nil {
				return err
			}
		}
		behind = behind || f.path == scan.path
	}
	if scan.path == "" {
		return nil
	}
	if scan.broken != nil && !scan.torn {
		b, err := os.ReadFile(scan.path)
		if err == nil {
			err = makeDir(filepath.Join(j.o.Dir, damagedDir))
		}
		if err == nil {
			var f *os.File
			if f, err = writeWhole(filepath.Join(j.o.Dir, damagedDir, stamp+"-"+filepath.Base(scan.path)), b); err == nil {
				err = f.Close()
			}
		}
		if err != nil {
			return fmt.Errorf("keep damaged segment: %w", err)
		}
		if err := pruneDamaged(filepath.Join(j.o.Dir, damagedDir)); err != nil {
			return fmt.Errorf("keep damaged segment: %w", err)
		}
	}
	return j.seg.openAt(scan.path, scan.end)
}

// level replays what one copy has and the other has not.
func (j *Journal) level(h storeHead, scan segmentScan, files []segmentFile, at link) error {
	j.ackedLink, j.checkpointSeq, j.bootCount = h.acked, h.checkpoint, h.bootCount
	j.committed = h.tail
	switch {
	case scan.tail.seq < h.tail.seq:
		seg := scan.tail
		err := j.st.walk(j.id, seg, h.tail, func(r Record) error {
			j.worked(r)
			if err := j.seg.replay(seg, r); err != nil {
				return err
			}
			seg = r.link()
			return nil
		})
		if err != nil {
			return fmt.Errorf("complete segment: %w", err)
		}
		return j.seg.sync()
	case scan.tail.seq > h.tail.seq:
		if err := j.fillStore(h, files, at, scan.tail.seq); err != nil {
			return err
		}
		j.committed = scan.tail
	}
	return nil
}

// fillStore puts the records behind h.tail, up to upTo, into the store.
func (j *Journal) fillStore(h storeHead, files []segmentFile, at link, upTo uint64) error {
	var pending []entry
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		err := j.st.put(pending, h)
		pending = nil
		return err
	}
	size, from := 0, h.tail.seq
	_, err := scanSegments(files, j.id, at, upTo, func(r Record) error {
		j.worked(r)
		if r.Seq == h.acked.seq && r.Hash != h.acked.hash {
			h.acked = link{0, j.id.Genesis} // of another chain: send again from the start
		}
		if r.Seq <= from {
			return nil
		}
		raw, err := Seal(&r)
		if err != nil {
			return err
		}
		h.tail = r.link()
		if r.Kind == (record.Checkpoint{}).Kind() {
			h.checkpoint = r.Seq
		}
		pending, size = append(pending, entry{r.Seq, raw}), size+len(raw)
		if len(pending) < maxGroup && size < chunkBytes {
			return nil
		}
		size = 0
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("complete store: %w", err)
	}
	j.ackedLink, j.checkpointSeq = h.acked, h.checkpoint
	return nil
}

// rebuildStore makes a new store from all segments and puts it in the place of
// the damaged one.
func (j *Journal) rebuildStore(s storeState, scan segmentScan) error {
	path := filepath.Join(j.o.Dir, storeFile)
	st, err := createStore(path, j.id, j.o.MaxSize)
	if err != nil {
		return err
	}
	j.st = st
	h, err := st.head()
	if err != nil {
		return err
	}
	files, err := listSegments(j.seg.dir)
	if err != nil {
		return err
	}
	genesis := link{0, j.id.Genesis}
	if s.claimed && s.head.acked.seq <= scan.tail.seq {
		h.acked = s.head.acked // checked against the record on the way
	}
	h.bootCount = s.head.bootCount
	if err := j.fillStore(h, files, genesis, scan.tail.seq); err != nil {
		return err
	}
	if !s.missing {
		if err := setAside(j.o.Dir, storeFile, stampOf(j.o.Clock())); err != nil {
			return err
		}
	}
	if err := st.adopt(path); err != nil {
		return fmt.Errorf("rebuild store: %w", err)
	}
	return nil
}
