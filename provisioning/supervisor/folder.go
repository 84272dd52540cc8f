package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// world names what the supervisor and its programs keep in the folder. A reset
// removes these and nothing else: the folder may be named by mistake.
var world = []string{"etc", "state", "runtime", "central", "dev", "log", "bench.json", "strips", "wallet", "trust"}

// lock makes this process the folder's only user until the file is closed. The
// kernel drops the lock with the process, however it ends.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "supervisor.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 16))
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by a running terminal (process %s): end that one first, or choose another folder with --dir",
				dir, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
	}
	return f, nil
}

// sweep removes what only makes sense while the programs run: a program that was
// killed could not do it itself.
func (o *options) sweep() error {
	gone := []string{o.socket(), o.uplink(), filepath.Join(o.ca(), "operator.sock"), o.readers(), o.path("dev", "validator"), o.path("dev", "printer"), o.path("dev", "panel")}
	for _, name := range kept {
		gone = append(gone, o.path(name+".pid"))
	}
	var errs []error
	for _, p := range gone {
		info, err := os.Lstat(p)
		if err == nil && !info.IsDir() {
			err = os.Remove(p)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// reset clears the folder, so that the next start is a first one.
func reset(dir string, out io.Writer) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "%s does not exist: nothing to clear.\n", dir)
		return nil
	}
	l, err := lock(dir)
	if err != nil {
		return err
	}
	defer l.Close()
	for _, name := range world {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("clear %s: %w", dir, err)
		}
	}
	if err := (&options{dir: dir}).sweep(); err != nil {
		return fmt.Errorf("clear %s: %w", dir, err)
	}
	fmt.Fprintf(out, "%s is clear: terminal, central and bench start anew.\n", dir)
	return nil
}

// keep writes a file that must be whole or not there, with a mode.
func keep(path string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// keepOnce writes a file unless it is there, and returns what it holds.
func keepOnce(path string, mode fs.FileMode, make func() ([]byte, error)) (string, error) {
	old, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(old)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	data, err := make()
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(data)), keep(path, data, mode)
}
