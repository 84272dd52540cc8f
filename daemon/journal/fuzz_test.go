package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// segmentSeed is the bytes of a segment file with groups and checkpoints.
func segmentSeed(t testing.TB, groups int) (site, []byte) {
	s := makeSite(t, groups)
	return s, readFile(t, s.segment(t))
}

// Whatever a segment file holds, the scanner ends, stays in its bounds and gives
// nothing but records that were in the file, in the order of the chain.
func FuzzSegment(f *testing.F) {
	s, good := segmentSeed(f, 4)
	f.Add(good)
	f.Add(good[:len(good)-7])
	f.Add(append(bytes.Clone(good), make([]byte, 100)...))
	f.Add([]byte("\n\n\n"))
	f.Add([]byte("00000000 H {}\n"))
	id := identity{testTerminal, 1, hashOf(s.o.Enrolment)}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := segmentPath(dir, 1)
		writeFile(t, path, b)
		var got []Record
		at := link{0, id.Genesis}
		scan, err := scanSegments([]segmentFile{{path, 1}}, id, at, 0, func(r Record) error {
			if err := at.follows(id, r); err != nil {
				t.Fatal(err)
			}
			at = r.link()
			got = append(got, r)
			return nil
		})
		if err != nil && !errors.Is(err, ErrForeign) {
			t.Fatalf("%v", err)
		}
		if scan.tail != at || scan.records != uint64(len(got)) || scan.end > int64(len(b)) || scan.end+scan.rest > int64(len(b)) && scan.broken != nil && scan.path != "" {
			t.Fatalf("%d records given, scan says %+v", len(got), scan)
		}
		if err == nil && scan.broken == nil && scan.path != "" && scan.end != int64(len(b)) {
			t.Fatalf("%d of %d bytes read and nothing said", scan.end, len(b))
		}
		for _, r := range got {
			raw, err := Seal(&r)
			if err != nil || !bytes.Contains(b, raw) {
				t.Fatalf("record %d is not in the file", r.Seq)
			}
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add(appendLine(nil, markWrite, []byte("{}")))
	f.Add(appendLine(nil, markHeader, nil))
	f.Add([]byte("00000000 # {}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := newLineReader(bytes.NewReader(b))
		total := 0
		for {
			line, err := lines.next()
			if errors.Is(err, errTooLong) {
				continue
			}
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errUnterminated) {
					t.Fatal(err)
				}
				return
			}
			if total += len(line) + 1; total > len(b) {
				t.Fatal("read more than there is")
			}
			mark, payload, err := parseLine(line)
			if err == nil && !bytes.Equal(appendLine(nil, mark, payload), append(bytes.Clone(line), '\n')) {
				t.Fatalf("one line, two forms: %q", line)
			}
		}
	})
}

// Whatever the store's file holds, checkPages ends with an answer; and what it
// lets pass, the library can open and read.
func FuzzStorePages(f *testing.F) {
	s := makeSite(f, 13)
	good := readFile(f, s.store())
	good = good[:min(len(good), 64<<10)]
	f.Add(0, []byte{})
	f.Add(4096+8, []byte{2})
	f.Add(3*4096+16, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add(8192, bytes.Repeat([]byte{0xff}, 32))
	f.Add(16384+10, []byte{0xff, 0xff})
	path := filepath.Join(f.TempDir(), "fuzz.db")
	f.Fuzz(func(t *testing.T, off int, patch []byte) {
		b := bytes.Clone(good)
		if off >= 0 && off < len(b) {
			copy(b[off:], patch)
		}
		writeFile(t, path, b)
		st, err := openStore(path, false, 0)
		if err != nil {
			if !errors.Is(err, errStoreDamaged) {
				t.Fatalf("neither open nor damaged: %v", err)
			}
			return
		}
		defer func() {
			if err := st.abandon(); err != nil {
				t.Fatal(err)
			}
		}()
		h, err := st.head()
		if err == nil {
			err = checkStore(st, &h)
		}
		if err != nil && !errors.Is(err, errStoreDamaged) {
			t.Fatal(err)
		}
	})
}

// A line that is too long is passed over and the next one is read.
func TestLineTooLong(t *testing.T) {
	b := append(bytes.Repeat([]byte("x"), maxLine+100), '\n')
	b = append(b, appendLine(nil, markWrite, []byte("{}"))...)
	lines := newLineReader(bytes.NewReader(b))
	if _, err := lines.next(); !errors.Is(err, errTooLong) {
		t.Fatalf("first line: %v", err)
	}
	line, err := lines.next()
	if err != nil || !bytes.HasSuffix(line, []byte("# {}")) {
		t.Fatalf("second line: %q, %v", line, err)
	}
	if _, err := lines.next(); !errors.Is(err, io.EOF) {
		t.Fatalf("end: %v", err)
	}
	if lines.off != int64(len(b)) {
		t.Errorf("offset %d of %d", lines.off, len(b))
	}
}

// The largest record there can be goes through both copies.
func TestLargestRecord(t *testing.T) {
	o := options(t, newClock())
	j := open(t, o)
	r := Record{V: 1, Terminal: testTerminal, Epoch: 1, Seq: 1, Prev: hashOf(o.Enrolment), Kind: "odd", Wall: o.Clock().UnixMilli(),
		Mono: o.Mono().Milliseconds(), Boot: o.BootID, Sync: SyncSynced, Body: []byte(`{"f":""}`)}
	raw, err := Seal(&r)
	if err != nil {
		t.Fatal(err)
	}
	rs := appendOK(t, j, Draft{Body: oddBody{string(bytes.Repeat([]byte("x"), MaxRecord-len(raw)))}})
	j.Abandon()
	if err := os.Remove(filepath.Join(o.Dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	if got := all(t, open(t, o)); !reflect.DeepEqual(got[:1], rs) {
		t.Error("the largest record did not come back")
	}
}
