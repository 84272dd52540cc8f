package main

import (
	"bytes"
	"fmt"
	"os"
	"sync"
)

// logFile takes what a program writes: the file and one older one, each of at
// most max bytes, so that a program that complains for a week fills no disk. It
// remembers the last line, which is what a person wants to know when the program
// dies.
type logFile struct {
	path string
	max  int64

	mu   sync.Mutex
	f    *os.File
	size int64
	part []byte // of the line that is being written
	last string // line
}

const (
	maxLog  = 4 << 20
	maxLine = 400 // bytes of a line that are remembered
)

func openLog(path string, max int64) (*logFile, error) {
	l := &logFile{path: path, max: max}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write never fails: a program must not die of its log. What cannot be written
// is dropped.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remember(p)
	if l.size+int64(len(p)) > l.max && l.f != nil {
		l.f.Close()
		l.f = nil
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			_ = os.Remove(l.path)
		}
		_ = l.open()
	}
	if l.f != nil {
		n, _ := l.f.Write(p)
		l.size += int64(n)
	}
	return len(p), nil
}

func (l *logFile) remember(p []byte) {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		if room := maxLine - len(l.part); room > 0 {
			l.part = append(l.part, line[:min(len(line), room)]...)
		}
		if ended {
			if len(bytes.TrimSpace(l.part)) > 0 {
				l.last = string(l.part)
			}
			l.part = l.part[:0]
		}
		p = rest
	}
}

// mark writes a line of the supervisor's own.
func (l *logFile) mark(format string, args ...any) {
	l.mu.Lock()
	l.last, l.part = "", l.part[:0]
	l.mu.Unlock()
	fmt.Fprintf(l, "--- "+format+"\n", args...)
	l.mu.Lock()
	l.last = ""
	l.mu.Unlock()
}

// lastLine is the last line that the program wrote since it was started, also
// one without an end; "" if it wrote none.
func (l *logFile) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(bytes.TrimSpace(l.part)) > 0 {
		return string(l.part)
	}
	return l.last
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
