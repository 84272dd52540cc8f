package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What lies in the journal's directory.
const (
	identityFile = "identity" // whose journal this is; written once
	lockFile     = "lock"     // held by the one process that writes
	storeFile    = "store.db" // the bbolt store
	segmentDir   = "segments" // the second copy
	damagedDir   = "damaged"  // copies that were set aside, for an examiner
)

// keepDamaged is how many sets of damaged files are kept.
const keepDamaged = 3

// lockPatience is how long an opening waits for another process to let go.
const lockPatience = time.Second

// identity says whose chain it is. It lies beside the copies, so that a
// directory that has lost both of them is not taken for a new one.
type identity struct {
	Terminal string `json:"t"`
	Epoch    uint64 `json:"epoch"`
	Genesis  string `json:"genesis"` // SHA-256 of the enrolment record: the first record's prev
}

// readIdentity reads the identity. One that cannot be read is not found: the
// copies say it again.
func readIdentity(dir string) (id identity, found bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if errors.Is(err, os.ErrNotExist) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("read identity: %w", err)
	}
	mark, payload, err := parseLine(bytes.TrimSuffix(b, []byte("\n")))
	if err != nil || mark != markIdentity {
		return id, false, nil
	}
	if err := json.Unmarshal(payload, &id); err != nil || !id.valid() {
		return identity{}, false, nil
	}
	return id, true, nil
}

func (id identity) valid() bool {
	return id.Terminal != "" && id.Epoch != 0 && len(id.Genesis) == 64
}

// marked reports whether the directory has held a journal, even if nothing in it
// can be read.
func marked(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, identityFile))
	return err == nil
}

func writeIdentity(dir string, id identity) error {
	raw, err := json.Marshal(id)
	if err == nil {
		raw, err = Canonical(raw)
	}
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	f, err := writeWhole(filepath.Join(dir, identityFile), appendLine(nil, markIdentity, raw))
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return f.Close()
}

// writeWhole makes a file that holds exactly b, durably, or leaves what was
// there. The file stays open for writing.
func writeWhole(path string, b []byte) (*os.File, error) {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// fdatasync makes a file's bytes and its length durable.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// makeDir makes a directory, durably, with those above it that are missing.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// prepareDir makes the directory, closed to everybody else.
func prepareDir(dir string) error {
	if err := makeDir(dir); err != nil {
		return fmt.Errorf("make journal directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("journal directory: %w", err)
	}
	return nil
}

// takeLock locks the journal's directory: for one writer, or shared by readers.
func takeLock(dir string, shared bool) (*os.File, error) {
	how, flags := syscall.LOCK_EX, os.O_RDWR|os.O_CREATE
	if shared {
		how, flags = syscall.LOCK_SH, os.O_RDONLY
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock journal: %w", err)
	}
	for end := time.Now().Add(lockPatience); ; time.Sleep(20 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(end) {
			break
		}
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrInUse
	}
	return nil, fmt.Errorf("lock journal: %w", err)
}

// setAside moves a damaged file or directory to where an examiner finds it. Only
// the newest sets are kept.
func setAside(dir, name, stamp string) error {
	into := filepath.Join(dir, damagedDir)
	if err := makeDir(into); err != nil {
		return fmt.Errorf("set %s aside: %w", name, err)
	}
	target := filepath.Join(into, stamp+"-"+filepath.Base(name))
	if err := os.RemoveAll(target); err != nil {
		return fmt.Errorf("set %s aside: %w", name, err)
	}
	if err := os.Rename(filepath.Join(dir, name), target); err != nil {
		return fmt.Errorf("set %s aside: %w", name, err)
	}
	if err := pruneDamaged(into); err != nil {
		return fmt.Errorf("set %s aside: %w", name, err)
	}
	return errors.Join(syncDir(into), syncDir(dir), syncDir(filepath.Dir(filepath.Join(dir, name))))
}

func pruneDamaged(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var stamps []string
	stampOf := func(e os.DirEntry) string { s, _, _ := strings.Cut(e.Name(), "-"); return s }
	for _, e := range entries {
		if s := stampOf(e); !slices.Contains(stamps, s) {
			stamps = append(stamps, s) // sorted, as the names are
		}
	}
	for _, e := range entries {
		if i := slices.Index(stamps, stampOf(e)); i < len(stamps)-keepDamaged {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
