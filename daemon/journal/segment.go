package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// A segment file is text: one line for each record, and a header line first.
//
//	crc mark payload \n
//
// crc is the CRC-32C (RFC 3720 section 12.1) of "mark payload" as eight
// hexadecimal digits, the payload is canonical JSON and so holds no line break.
// The mark says what ends with the line, which is how a reader knows a torn
// group from a whole one.
const (
	markHeader   = 'H' // what the file is
	markMore     = '-' // more records of the same group follow
	markGroup    = '=' // the group ends, more groups of the same write follow
	markWrite    = '#' // the group and the write end; synced before the next write
	markIdentity = 'I' // the one line of the file "identity"
)

const (
	linePrefix = 11 // crc, space, mark, space
	maxLine    = MaxRecord + linePrefix
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendLine(out []byte, mark byte, payload []byte) []byte {
	sum := crc32.Update(0, castagnoli, []byte{mark, ' '})
	sum = crc32.Update(sum, castagnoli, payload)
	out = fmt.Appendf(out, "%08x %c ", sum, mark)
	return append(append(out, payload...), '\n')
}

// parseLine checks one line, given without its line break.
func parseLine(line []byte) (mark byte, payload []byte, err error) {
	if len(line) < linePrefix || len(line) > maxLine || line[8] != ' ' || line[10] != ' ' {
		return 0, nil, fmt.Errorf("%w: line has not the shape of a segment line", ErrRecord)
	}
	var sum uint32
	for _, b := range line[:8] { // lower case only: one record has one form
		switch {
		case b >= '0' && b <= '9':
			sum = sum<<4 | uint32(b-'0')
		case b >= 'a' && b <= 'f':
			sum = sum<<4 | uint32(b-'a'+10)
		default:
			return 0, nil, fmt.Errorf("%w: check sum is not hexadecimal", ErrRecord)
		}
	}
	if crc32.Checksum(line[9:], castagnoli) != sum {
		return 0, nil, fmt.Errorf("%w: check sum does not match", ErrRecord)
	}
	switch line[9] {
	case markHeader, markMore, markGroup, markWrite, markIdentity:
		return line[9], line[linePrefix:], nil
	}
	return 0, nil, fmt.Errorf("%w: unknown mark %q", ErrRecord, line[9])
}

// segmentHeader is the first line of a segment file.
type segmentHeader struct {
	V        int    `json:"v"`
	Terminal string `json:"t"`
	Epoch    uint64 `json:"epoch"`
	First    uint64 `json:"first"` // number of the first record in the file
	Prev     string `json:"prev"`  // hash of the record before it
}

func (h segmentHeader) line() ([]byte, error) {
	raw, err := json.Marshal(h)
	if err == nil {
		raw, err = Canonical(raw)
	}
	return appendLine(nil, markHeader, raw), err
}

func parseHeader(line []byte) (segmentHeader, error) {
	var h segmentHeader
	mark, payload, err := parseLine(line)
	if err != nil {
		return h, err
	}
	if mark != markHeader {
		return h, fmt.Errorf("%w: file does not begin with a header", ErrRecord)
	}
	if err := json.Unmarshal(payload, &h); err != nil {
		return h, fmt.Errorf("%w: header: %w", ErrRecord, err)
	}
	if h.V != EnvelopeVersion || h.First == 0 {
		return h, fmt.Errorf("%w: header of version %d for record %d", ErrRecord, h.V, h.First)
	}
	return h, nil
}

// segmentFile is one file of the copy; its name carries its first record.
type segmentFile struct {
	path  string
	first uint64
}

var segmentName = regexp.MustCompile(`^([0-9]{20})\.seg$`)

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d.seg", first))
}

// listSegments finds the segment files in order. A missing directory is an empty
// list.
func listSegments(dir string) ([]segmentFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var files []segmentFile
	for _, e := range entries { // ReadDir sorts by name
		if m := segmentName.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			first, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil {
				continue
			}
			files = append(files, segmentFile{filepath.Join(dir, e.Name()), first})
		}
	}
	return files, nil
}

// lineReader reads lines of bounded length and knows where each began.
type lineReader struct {
	r   *bufio.Reader
	off int64 // of the next line
	buf []byte
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10)}
}

var (
	errUnterminated = errors.New("the last line is not finished")
	errTooLong      = fmt.Errorf("%w: line is too long", ErrRecord)
)

// next gives one line without its line break, valid until the next call. At the
// end it gives io.EOF, or errUnterminated with the rest when that is no whole
// line. A line that is too long is skipped and reported as errTooLong.
func (l *lineReader) next() (line []byte, err error) {
	l.buf = l.buf[:0]
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		l.off += int64(len(part))
		if len(l.buf)+len(part) > maxLine+1 {
			tooLong = true
		}
		if !tooLong {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == nil && tooLong:
			return nil, errTooLong
		case err == nil:
			return l.buf[:len(l.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.buf) == 0 && !tooLong:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return l.buf, errUnterminated
		default:
			return nil, err
		}
	}
}

// segments is the writer's end of the segment copy.
type segments struct {
	dir   string
	id    identity
	limit int64 // bytes after which a new file begins
	f     *os.File
	size  int64
}

// openAt opens the last file for appending behind end, the end of its valid
// part. With no file yet the first write creates one.
func (s *segments) openAt(path string, end int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() != end {
		if err = f.Truncate(end); err == nil {
			err = f.Sync()
		}
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("cut segment %s to %d bytes: %w", filepath.Base(path), end, err)
	}
	s.f, s.size = f, end
	return nil
}

// room begins a new file when the present one is full, or there is none. The
// file appears under its name with a whole, synced header or not at all.
func (s *segments) room(at link) error {
	if s.f != nil && s.size < s.limit {
		return nil
	}
	head, err := segmentHeader{EnvelopeVersion, s.id.Terminal, s.id.Epoch, at.seq + 1, at.hash}.line()
	if err != nil {
		return err
	}
	path := segmentPath(s.dir, at.seq+1)
	f, err := writeWhole(path, head)
	if err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	if s.f != nil {
		if err := s.f.Close(); err != nil {
			f.Close()
			return fmt.Errorf("end segment: %w", err)
		}
	}
	s.f, s.size = f, int64(len(head))
	return nil
}

func (s *segments) write(b []byte) error {
	n, err := s.f.WriteAt(b, s.size)
	s.size += int64(n)
	if err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

func (s *segments) sync() error {
	if err := fdatasync(s.f); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	return nil
}

// replay appends records that the other copy holds, each as a write of its own.
func (s *segments) replay(at link, r Record) error {
	if err := at.follows(s.id, r); err != nil {
		return err
	}
	raw, err := Seal(&r)
	if err != nil {
		return err
	}
	if s.f != nil && s.size >= s.limit {
		if err := s.sync(); err != nil {
			return err
		}
	}
	if err := s.room(at); err != nil {
		return err
	}
	return s.write(appendLine(nil, markWrite, raw))
}

func (s *segments) close() error {
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	return err
}

// lastLine reads the last whole line of a file. It is for the quick look at
// files that are not read through.
func lastLine(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	n := min(info.Size(), maxLine+2)
	b := make([]byte, n)
	if _, err := f.ReadAt(b, info.Size()-n); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n == 0 || b[n-1] != '\n' {
		return nil, errUnterminated
	}
	b = b[:n-1]
	return slices.Clone(b[bytes.LastIndexByte(b, '\n')+1:]), nil
}
