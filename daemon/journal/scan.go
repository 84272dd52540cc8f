package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// maxGroup bounds the records of one atomic group.
const maxGroup = 1024

// segmentScan is what a walk through segment files has found.
type segmentScan struct {
	tail     link   // the last record of the last whole, valid group
	writeEnd uint64 // the last record of the last whole write: synced, and the store has had its turn
	records  uint64 // valid records that were read

	path string // file in which the valid part ends, "" when there is none
	end  int64  // and the offset of its end

	broken error  // why the valid part ends before the files do; nil when it does not
	torn   bool   // broken looks like a write that was cut off, and like nothing else
	rest   int64  // bytes behind the valid part
	beyond uint64 // highest number of an intact record behind the break
	writes int    // whole writes that end behind the break
}

// errEnough stops a scan at the record it was asked to stop at.
var errEnough = errors.New("scan reached its end")

type segmentScanner struct {
	id   identity
	upTo uint64             // last record wanted, 0 for all
	keep func(Record) error // sees each record of each whole group, in order
	// Records below this number are skimmed: keep sees their number and hash alone.
	skim uint64
	res  segmentScan
}

// scanSegments walks the files, which begin with the record after at. It checks
// every line's check sum, every link of the chain and every group's end. Damage
// is part of the result; an error is a disk that cannot be asked, a file of
// another terminal or epoch (ErrForeign), or one that keep returned.
func scanSegments(files []segmentFile, id identity, at link, upTo uint64, keep func(Record) error) (segmentScan, error) {
	return (&segmentScanner{id: id, upTo: upTo, keep: keep}).scan(files, at)
}

func (s *segmentScanner) scan(files []segmentFile, at link) (segmentScan, error) {
	s.res.tail, s.res.writeEnd = at, at.seq
	for _, f := range files {
		err := s.file(f)
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return s.res, fmt.Errorf("segment %s: %w", filepath.Base(f.path), err)
		}
	}
	return s.res, nil
}

// stop ends the valid part.
func (s *segmentScanner) stop(torn bool, path string, format string, a ...any) {
	if s.res.broken == nil {
		s.res.torn = torn
		s.res.broken = fmt.Errorf("%s: %w", filepath.Base(path), fmt.Errorf(format, a...))
	}
}

func (s *segmentScanner) file(f segmentFile) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	lines := newLineReader(file)
	first, err := lines.next()
	if err == nil || errors.Is(err, errUnterminated) {
		err = s.header(f, first, err)
	} else {
		s.stop(false, f.path, "header: %w", err)
		err = nil
	}
	if err != nil {
		return err
	}
	if s.res.broken == nil {
		s.res.path, s.res.end = f.path, lines.off
		if err := s.body(f, lines, info.Size()); err != nil {
			return err
		}
	}
	if s.res.broken != nil {
		from := int64(0)
		if s.res.path == f.path {
			from = s.res.end
		}
		s.res.rest += info.Size() - from
		s.salvage(lines)
	}
	return nil
}

// header checks the first line of a file. A header of another chain is an error
// even behind a break: that file must not be touched.
func (s *segmentScanner) header(f segmentFile, line []byte, readErr error) error {
	if readErr != nil {
		s.stop(false, f.path, "header: %w", readErr)
		return nil
	}
	h, err := parseHeader(line)
	switch {
	case err != nil:
		s.stop(false, f.path, "header: %w", err)
	case h.Terminal != s.id.Terminal || h.Epoch != s.id.Epoch:
		return fmt.Errorf("%w: it is of terminal %s, epoch %d; this is terminal %s, epoch %d",
			ErrForeign, h.Terminal, h.Epoch, s.id.Terminal, s.id.Epoch)
	case h.First != f.first || h.First != s.res.tail.seq+1:
		s.stop(false, f.path, "%w: it begins with record %d, record %d is due", ErrRecord, h.First, s.res.tail.seq+1)
	case h.Prev != s.res.tail.hash:
		s.stop(false, f.path, "%w: its header does not carry the hash of record %d", ErrRecord, s.res.tail.seq)
	}
	return nil
}

// body reads records as long as they are valid, group by group.
func (s *segmentScanner) body(f segmentFile, lines *lineReader, size int64) error {
	var group []Record
	at := s.res.tail
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			if len(group) > 0 {
				s.stop(true, f.path, "%w: the group of record %d is not finished", ErrRecord, group[0].Seq)
			}
			return nil
		case errors.Is(err, errUnterminated):
			s.stop(true, f.path, "%w after record %d", err, at.seq)
			return nil
		case err != nil:
			s.stop(false, f.path, "after record %d: %w", at.seq, err)
			return nil
		}
		mark, payload, err := parseLine(line)
		if err != nil {
			// Space that was given to the file and never written reads as zeros.
			s.stop(len(bytes.Trim(line, "\x00")) == 0, f.path, "after record %d: %w", at.seq, err)
			s.count(line)
			return nil
		}
		r, skimmed := s.skimmed(at, mark, payload)
		if !skimmed {
			r, err = DecodeEnvelope(payload)
		}
		if err == nil && (mark == markHeader || mark == markIdentity) {
			err = fmt.Errorf("%w: line of mark %q among the records", ErrRecord, mark)
		}
		if err == nil && !skimmed {
			err = at.follows(s.id, r)
		}
		if err == nil && len(group) == maxGroup {
			err = fmt.Errorf("%w: group of more than %d records", ErrRecord, maxGroup)
		}
		if errors.Is(err, ErrForeign) {
			return err
		}
		if err != nil {
			s.stop(false, f.path, "after record %d: %w", at.seq, err)
			s.count(line)
			return nil
		}
		group, at = append(group, r), r.link()
		if mark == markMore {
			continue
		}
		for _, r := range group {
			if err := s.keep(r); err != nil {
				return err
			}
			s.res.tail, s.res.records = r.link(), s.res.records+1
			if r.Seq == s.upTo {
				return errEnough
			}
		}
		group, s.res.end = group[:0], lines.off
		if mark == markWrite {
			s.res.writeEnd = at.seq
		}
	}
}

// skimmed takes a record by its place in the chain alone: its line carries the hash
// of the record before and the next number, and its own hash is that of its bytes.
// A start reads so what lies before the last checkpoint. It is no weaker than a
// reading of every member: where the chain leads to the checkpoint's hash, which is
// signed, not one byte on the way is another than was written. What does not fit is
// read in full, for the verdict.
func (s *segmentScanner) skimmed(at link, mark byte, payload []byte) (Record, bool) {
	if at.seq+1 >= s.skim || mark != markMore && mark != markGroup && mark != markWrite {
		return Record{}, false
	}
	// Inside a string the quotes of this name would be escaped, the body's own
	// members come first, and "prev" follows them (RFC 8785 3.2.3).
	_, tail, found := cutLast(payload, []byte(`,"prev":"`))
	if !found {
		return Record{}, false
	}
	want := strconv.AppendUint(append(append(make([]byte, 0, 96), at.hash...), `","seq":`...), at.seq+1, 10)
	if !bytes.HasPrefix(tail, append(want, ',')) {
		return Record{}, false
	}
	return Record{Seq: at.seq + 1, Prev: at.hash, Hash: hashOf(payload)}, true
}

func cutLast(b, sep []byte) (before, after []byte, found bool) {
	if i := bytes.LastIndex(b, sep); i >= 0 {
		return b[:i], b[i+len(sep):], true
	}
	return b, nil, false
}

// salvage looks for intact records behind the break: they tell a torn last write
// from damage in the middle.
func (s *segmentScanner) salvage(lines *lineReader) {
	for {
		line, err := lines.next()
		if errors.Is(err, errTooLong) {
			continue
		}
		if err != nil {
			return
		}
		s.count(line)
	}
}

func (s *segmentScanner) count(line []byte) {
	mark, payload, err := parseLine(line)
	if err != nil || mark == markHeader || mark == markIdentity {
		return
	}
	if r, err := DecodeEnvelope(payload); err == nil && r.Terminal == s.id.Terminal && r.Epoch == s.id.Epoch {
		s.res.beyond = max(s.res.beyond, r.Seq)
	}
	if mark == markWrite {
		s.res.writes++
	}
}

// startFile chooses where a scan may begin so that it still reads every record
// from the checkpoint on: the last file whose first record is not after want. The
// files before it are only looked at (names, headers, last lines); at the first
// doubt the scan begins with the first file.
func startFile(files []segmentFile, id identity, genesis link, want uint64) (int, link) {
	start := 0
	for i, f := range files {
		if f.first <= want {
			start = i
		}
	}
	if start == 0 {
		return 0, genesis
	}
	at := genesis
	for i, f := range files[:start+1] {
		h, ok := quickHeader(f.path)
		if !ok || h.First != f.first || h.First != at.seq+1 || h.Prev != at.hash || h.Terminal != id.Terminal || h.Epoch != id.Epoch {
			return 0, genesis
		}
		if i == start {
			break
		}
		line, err := lastLine(f.path)
		if err != nil {
			return 0, genesis
		}
		mark, payload, err := parseLine(line)
		if err != nil || mark != markWrite {
			return 0, genesis
		}
		r, err := DecodeEnvelope(payload)
		if err != nil {
			return 0, genesis
		}
		at = r.link()
	}
	return start, at
}

func quickHeader(path string) (segmentHeader, bool) {
	f, err := os.Open(path)
	if err != nil {
		return segmentHeader{}, false
	}
	defer f.Close()
	line, err := newLineReader(f).next()
	if err != nil {
		return segmentHeader{}, false
	}
	h, err := parseHeader(line)
	return h, err == nil
}
