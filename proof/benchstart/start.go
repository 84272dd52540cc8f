package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startWait and stopWait are when a start or a stop is given up.
const (
	startWait = time.Minute
	stopWait  = 45 * time.Second // TimeoutStopSec of the unit
)

// starts starts kioskd so many times as the service manager does, and measures the
// time to READY=1. The devices are away: a start does not wait for them.
func starts(ctx context.Context, binDir, dir string, runs int) (out []time.Duration, err error) {
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range runs {
		if err := forget(filepath.Join(dir, "state")); err != nil {
			return nil, err
		}
		took, err := startOnce(ctx, c, path, filepath.Join(binDir, "kioskd"), filepath.Join(dir, "etc", "kioskd.toml"))
		if err != nil {
			return nil, err
		}
		out = append(out, took)
	}
	return out, nil
}

func startOnce(ctx context.Context, c *net.UnixConn, notify, program, cfg string) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	var words bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "run", "--config", cfg)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify)
	cmd.Stderr = &words
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if werr := cmd.Wait(); err == nil && werr != nil {
			err = fmt.Errorf("the stop: %w: %s", werr, words.String())
		}
	}()
	b := make([]byte, 4096)
	for {
		_ = c.SetReadDeadline(time.Now().Add(startWait))
		n, err := c.Read(b)
		if err != nil {
			return 0, fmt.Errorf("it was never ready: %w: %s", err, words.String())
		}
		if strings.Contains("\n"+string(b[:n])+"\n", "\nREADY=1\n") {
			return time.Since(began), nil
		}
	}
}

// forget takes a folder's files out of the page cache (posix_fadvise(2)): a start
// after a loss of power finds nothing there.
func forget(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		return errors.Join(err, f.Close())
	})
}

var restartSec = regexp.MustCompile(`(?m)^RestartSec=(\S+)$`)

// restartPause is how long the service manager waits before it starts a service
// again, from its unit.
func restartPause(unit string) (time.Duration, error) {
	b, err := os.ReadFile(unit)
	if err != nil {
		return 0, err
	}
	m := restartSec.FindSubmatch(b)
	if m == nil {
		return 0, fmt.Errorf("%s has no RestartSec=", unit)
	}
	d, err := time.ParseDuration(string(m[1]))
	if err != nil {
		return 0, fmt.Errorf("%s: RestartSec=%s: a number with its unit is needed, for example 200ms", unit, m[1])
	}
	return d, nil
}
