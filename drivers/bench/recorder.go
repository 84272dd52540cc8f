package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Directions in the line log.
const (
	fromHost   = ">"
	fromDevice = "<"
)

// recorder writes every byte of every line down, one line a piece: time in UTC,
// device, direction, hexadecimal bytes. The nil recorder writes nothing.
type recorder struct {
	mu sync.Mutex
	w  io.WriteCloser
}

func newRecorder(path string) (*recorder, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("line log: %w", err)
	}
	return &recorder{w: f}, nil
}

func (r *recorder) record(device, direction string, b []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.w, "%s %s %s %x\n", time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), device, direction, b)
}

func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	return r.w.Close()
}
