package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// store keeps the physical world in a folder. A file is replaced whole, by
// rename; it is safe against the death of the process, not of the machine.
type store struct {
	dir  string
	lock *os.File

	mu sync.Mutex
	k  kept
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
	s := &store{dir: dir, lock: lock}
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
	return s, nil
}

func (s *store) close() error { return s.lock.Close() }

func (s *store) path() string { return filepath.Join(s.dir, "bench.json") }

// update changes what is kept and writes it down.
func (s *store) update(change func(*kept)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.k)
	b, err := json.Marshal(s.k)
	if err != nil {
		return err
	}
	return replaceFile(s.path(), b)
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
func (s *store) addStrip(strip *paperprinter.Strip) error {
	err := errors.Join(
		os.WriteFile(s.stripPath(strip.N, ".pbm"), strip.Picture.PBM(), 0o600),
		os.WriteFile(s.stripPath(strip.N, ".bin"), strip.Raw, 0o600))
	if err != nil {
		return err
	}
	return s.update(func(k *kept) {
		k.Strips = append(k.Strips, stripInfo{
			N: strip.N, US: strip.At.UnixMicro(), Width: strip.Picture.Width, Height: strip.Picture.Height,
			End: string(strip.End), Partial: strip.Partial, Bytes: len(strip.Raw),
		})
		if len(k.Strips) > maxStrips {
			s.removeFiles(k.Strips[0].N)
			k.Strips = append([]stripInfo(nil), k.Strips[1:]...)
		}
	})
}

// removeFiles drops a strip's files; one that is not there is as good.
func (s *store) removeFiles(n int) {
	_ = os.Remove(s.stripPath(n, ".pbm"))
	_ = os.Remove(s.stripPath(n, ".bin"))
}

// dropStrips empties the tray.
func (s *store) dropStrips() error {
	return s.update(func(k *kept) {
		for _, strip := range k.Strips {
			s.removeFiles(strip.N)
		}
		k.Strips = nil
	})
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
