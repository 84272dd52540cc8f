package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
)

// kept is the content of bench.json.
type kept struct {
	Validator *keptValidator      `json:"validator,omitempty"`
	Printer   *paperprinter.World `json:"printer,omitempty"`
	Panel     *ioboard.World      `json:"panel,omitempty"`
	Strips    []stripInfo         `json:"strips"` // oldest first

	Cards   map[string]json.RawMessage `json:"cards,omitempty"`   // what each card remembers
	Readers map[string]keptReader      `json:"readers,omitempty"` // the cards that are in
}

type keptValidator struct {
	World  validator.World  `json:"world"`
	Config validator.Config `json:"config"` // times are not part of it
}

// stripInfo is what is listed of a strip; its picture is a file.
type stripInfo struct {
	N       int    `json:"n"`
	US      int64  `json:"us"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	End     string `json:"end"`
	Partial bool   `json:"partial,omitempty"`
	Bytes   int    `json:"bytes"` // that made it
}

// maxStrips is how many strips are kept; the oldest go first.
const maxStrips = 500

// store keeps the physical world in a folder. The truth is in memory; one goroutine
// writes it down as it changes, so that no device waits for a disk: a unit of metal
// does not, and one that is silent for half a second has lost its power as far as a
// driver can see. A file is replaced whole, by rename. What a bench that is killed did
// last may be missing; one that ends, or that was waited for (settled), has written
// everything. It is safe against the death of the process, not of the machine.
type store struct {
	dir  string
	lock *os.File

	mu      sync.Mutex
	k       kept
	fresh   []*paperprinter.Strip // whose files are not written yet
	gone    []int                 // strips whose files are to go
	version int                   // counts the changes
	written int                   // the version on the disk, or that should be: see err
	err     error                 // of the last writing
	closed  bool
	idle    *sync.Cond // written has changed

	work chan struct{} // something has changed
	stop chan struct{}
	done chan struct{}
}

// openStore reads what is kept in dir, and takes it for this process alone.
func openStore(dir string) (*store, error) {
	for _, d := range []string{dir, filepath.Join(dir, "dev"), filepath.Join(dir, "strips")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := os.OpenFile(filepath.Join(dir, "bench.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another bench works here: %w", dir, err), lock.Close())
	}
	s := &store{dir: dir, lock: lock, work: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	s.idle = sync.NewCond(&s.mu)
	b, err := os.ReadFile(s.path())
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, errors.Join(err, lock.Close())
	default:
		if err := json.Unmarshal(b, &s.k); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", s.path(), err), lock.Close())
		}
	}
	go s.run()
	return s, nil
}

// close writes what is left; nothing may change any more.
func (s *store) close() error {
	close(s.stop)
	<-s.done
	err := s.write()
	s.mu.Lock()
	s.closed = true
	s.idle.Broadcast()
	s.mu.Unlock()
	return errors.Join(err, s.lock.Close())
}

func (s *store) path() string { return filepath.Join(s.dir, "bench.json") }

// update changes what is kept and has it written down soon.
func (s *store) update(change func(*kept)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.k)
	s.version++
	select {
	case s.work <- struct{}{}:
	default: // it looks at everything anyway
	}
}

// settled waits until all that was changed before is written down.
func (s *store) settled() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for until := s.version; s.written < until; s.idle.Wait() {
		if s.closed {
			return errors.New("the bench has ended")
		}
	}
	return s.err
}

// run writes until close.
func (s *store) run() {
	defer close(s.done)
	for {
		select {
		case <-s.work:
			if err := s.write(); err != nil {
				slog.Error("world not kept", "error", err)
			}
		case <-s.stop:
			return
		}
	}
}

// write brings the folder up to date.
func (s *store) write() error {
	s.mu.Lock()
	version, fresh, gone := s.version, s.fresh, s.gone
	s.gone = nil
	b, err := json.Marshal(s.k)
	s.mu.Unlock()
	for _, n := range gone { // one that is not there is as good
		_ = os.Remove(s.stripPath(n, ".pbm"))
		_ = os.Remove(s.stripPath(n, ".bin"))
	}
	for _, strip := range fresh {
		err = errors.Join(err,
			os.WriteFile(s.stripPath(strip.N, ".pbm"), strip.Picture.PBM(), 0o600),
			os.WriteFile(s.stripPath(strip.N, ".bin"), strip.Raw, 0o600))
	}
	if err == nil {
		err = replaceFile(s.path(), b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil { // else they are tried again with the next change
		s.fresh = slices.DeleteFunc(slices.Clone(s.fresh), func(f *paperprinter.Strip) bool { return slices.Contains(fresh, f) })
	}
	s.written, s.err = version, err
	s.idle.Broadcast()
	return err
}

// card is what a card remembers; nil: nothing was kept of it.
func (s *store) card(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.k.Cards[name]
}

// readers is where cards were left.
func (s *store) readers() map[string]keptReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.k.Readers
}

func replaceFile(path string, b []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, b, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func (s *store) stripPath(n int, ext string) string {
	return filepath.Join(s.dir, "strips", strconv.Itoa(n)+ext)
}

// addStrip keeps a strip's picture and bytes.
func (s *store) addStrip(strip *paperprinter.Strip) {
	s.update(func(k *kept) {
		s.fresh = append(slices.Clip(s.fresh), strip)
		k.Strips = append(k.Strips, stripInfo{
			N: strip.N, US: strip.At.UnixMicro(), Width: strip.Picture.Width, Height: strip.Picture.Height,
			End: string(strip.End), Partial: strip.Partial, Bytes: len(strip.Raw),
		})
		if len(k.Strips) > maxStrips {
			s.drop(k.Strips[0].N)
			k.Strips = append([]stripInfo(nil), k.Strips[1:]...)
		}
	})
}

// drop gives a strip up; s.mu is held.
func (s *store) drop(n int) {
	s.fresh = slices.DeleteFunc(slices.Clone(s.fresh), func(f *paperprinter.Strip) bool { return f.N == n })
	s.gone = append(s.gone, n)
}

// dropStrips empties the tray.
func (s *store) dropStrips() {
	s.update(func(k *kept) {
		for _, strip := range k.Strips {
			s.drop(strip.N)
		}
		k.Strips = nil
	})
}

// content is a strip's picture (".pbm") or the bytes that made it (".bin").
func (s *store) content(n int, ext string) ([]byte, error) {
	s.mu.Lock()
	i := slices.IndexFunc(s.fresh, func(f *paperprinter.Strip) bool { return f.N == n })
	var fresh *paperprinter.Strip
	if i >= 0 {
		fresh = s.fresh[i]
	}
	s.mu.Unlock()
	switch {
	case fresh == nil:
		return os.ReadFile(s.stripPath(n, ext))
	case ext == ".bin":
		return fresh.Raw, nil
	}
	return fresh.Picture.PBM(), nil
}

// strips lists the strips, newest first.
func (s *store) strips() []stripInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]stripInfo, 0, len(s.k.Strips))
	for i := len(s.k.Strips) - 1; i >= 0; i-- {
		list = append(list, s.k.Strips[i])
	}
	return list
}

func (s *store) strip(n int) (stripInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, strip := range s.k.Strips {
		if strip.N == n {
			return strip, true
		}
	}
	return stripInfo{}, false
}
