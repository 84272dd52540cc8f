package line

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Defaults of a recorder.
const (
	// DefaultEntries holds some minutes of lively traffic in memory and days of
	// idle polling.
	DefaultEntries = 4096
	// DefaultFileBytes and DefaultFiles bound the files. An idle line that is
	// polled five times a second costs under 1 MiB a day because repetitions are
	// counted; one that never repeats itself costs about 70 MiB.
	DefaultFileBytes = 24 << 20
	DefaultFiles     = 4
	// tailBytes is how much of an older file is looked at for Tail.
	tailBytes = 64 << 10
)

// stampLayout is the form of a recorded time.
const stampLayout = "2006-01-02T15:04:05.000000Z"

// RecorderOptions say where a Recorder keeps traffic.
type RecorderOptions struct {
	Entries   int    // in memory; 0 for DefaultEntries
	Path      string // file to append to; "" for memory only
	FileBytes int64  // size at which the file is rotated; 0 for DefaultFileBytes
	Files     int    // files kept, the current one included; 0 for DefaultFiles
}

// Recorder writes down the traffic of a line: always the newest of it in memory,
// and on request in files "path", "path.1" (older), and so on. A line of a file
// is the time in UTC and the entry: "2026-01-31T09:00:00.000000Z > 02 03 ...".
//
// Its methods may be called from any goroutine, and on a nil Recorder, which
// records nothing. A file that cannot be written never disturbs the line: the
// traffic goes on in memory, and Err says why.
type Recorder struct {
	mu    sync.Mutex
	opts  RecorderOptions
	trace *Trace
	file  *os.File
	size  int64
	err   error
	// before are the last lines that an earlier run left in the file.
	before []string
}

// NewRecorder makes a recorder. With a Path it opens the file for appending.
func NewRecorder(opts RecorderOptions) (*Recorder, error) {
	if opts.Entries == 0 {
		opts.Entries = DefaultEntries
	}
	if opts.FileBytes == 0 {
		opts.FileBytes = DefaultFileBytes
	}
	if opts.Files == 0 {
		opts.Files = DefaultFiles
	}
	r := &Recorder{opts: opts, trace: NewTrace(opts.Entries)}
	if opts.Path != "" {
		r.before = lastLines(opts.Path)
		if err := r.openFile(); err != nil {
			return nil, err
		}
		r.trace.sink = r.writeEntry
	}
	return r, nil
}

// Sent notes bytes handed to the line.
func (r *Recorder) Sent(at time.Time, b []byte) { r.add(at, Sent, b) }

// Received notes bytes that came.
func (r *Recorder) Received(at time.Time, b []byte) { r.add(at, Received, b) }

func (r *Recorder) add(at time.Time, dir Direction, b []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trace.Add(at, dir, b)
}

// Since is the traffic in memory from the time on, oldest first.
func (r *Recorder) Since(at time.Time) []Entry {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trace.Since(at)
}

// Tail is the newest of the traffic as lines with their times, at most n, oldest
// first; it reaches back behind the start of this run where a file was kept.
func (r *Recorder) Tail(n int) []string {
	if r == nil || n <= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := r.trace.Entries()
	entries = entries[max(0, len(entries)-n):]
	before := r.before[max(0, len(r.before)-(n-len(entries))):]
	out := append(make([]string, 0, n), before...)
	for _, e := range entries {
		out = append(out, stamped(e))
	}
	return out
}

// lastLines are the whole lines at the end of a file; none when it cannot be read.
func lastLines(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	from := max(0, st.Size()-tailBytes)
	b, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return nil
	}
	lines := strings.Split(string(b), "\n")
	lines = lines[:len(lines)-1] // behind the last line's end: nothing, or half a line
	if from > 0 && len(lines) > 0 {
		lines = lines[1:] // may be half a line
	}
	return lines
}

// Recording lists the files of a recording at the path, oldest first.
func Recording(path string) ([]string, error) {
	var files []string
	for i := 1; ; i++ {
		older := fmt.Sprintf("%s.%d", path, i)
		if _, err := os.Stat(older); err != nil {
			break
		}
		files = append(files, older)
	}
	slices.Reverse(files)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("traffic file: %w", err)
	}
	return append(files, path), nil
}

// Err is the last failure of the file; nil when all is well.
func (r *Recorder) Err() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Close writes what is pending and closes the file. Memory stays readable.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trace.close()
	if r.trace.span > 0 {
		r.trace.endRepeat()
		r.trace.span = 0
	}
	r.trace.sink = nil
	if r.file == nil {
		return r.err
	}
	err := r.file.Close()
	r.file = nil
	if err != nil {
		return fmt.Errorf("close traffic file: %w", err)
	}
	return r.err
}

func (r *Recorder) openFile() error {
	f, err := os.OpenFile(r.opts.Path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open traffic file: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close() // the stat error is the one that counts
		return fmt.Errorf("open traffic file: %w", err)
	}
	r.file, r.size = f, st.Size()
	if last := []byte{'\n'}; r.size > 0 {
		if _, err := f.ReadAt(last, r.size-1); err == nil && last[0] != '\n' {
			n, _ := f.WriteString("\n") // a process that died left half a line
			r.size += int64(n)
		}
	}
	return nil
}

// writeEntry appends one finished entry; the caller holds the lock.
func (r *Recorder) writeEntry(e Entry) {
	text := stamped(e)
	if r.file == nil || r.size > 0 && r.size+int64(len(text))+1 > r.opts.FileBytes {
		if err := r.rotate(); err != nil {
			r.err = err
			return
		}
	}
	n, err := fmt.Fprintln(r.file, text)
	r.size += int64(n)
	if err != nil {
		r.err = fmt.Errorf("write traffic file: %w", err)
		return
	}
	r.err = nil
}

// Stamp is a time as the lines of a recording begin with it; they sort by it.
func Stamp(at time.Time) string { return at.UTC().Format(stampLayout) }

// stamped is an entry with its time.
func stamped(e Entry) string {
	text := Stamp(e.At) + " " + e.String()
	if e.Times > 0 {
		text += " until " + Stamp(e.Until)
	}
	return text
}

// rotate renames path to path.1, path.1 to path.2 and so on, and starts anew.
func (r *Recorder) rotate() error {
	if r.file != nil {
		_ = r.file.Close() // its content was handed over; a new file is begun anyway
		r.file = nil
		for i := r.opts.Files - 1; i > 0; i-- {
			from := r.opts.Path
			if i > 1 {
				from = fmt.Sprintf("%s.%d", r.opts.Path, i-1)
			}
			if err := os.Rename(from, fmt.Sprintf("%s.%d", r.opts.Path, i)); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("rotate %s: %w", filepath.Base(r.opts.Path), err)
			}
		}
		if r.opts.Files == 1 {
			if err := os.Remove(r.opts.Path); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("rotate %s: %w", filepath.Base(r.opts.Path), err)
			}
		}
	}
	return r.openFile()
}
