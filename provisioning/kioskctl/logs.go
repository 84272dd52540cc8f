package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// logUnits are the units whose words are shown.
var logUnits = []string{"kioskd", "kiosk-uplink"}

// journalctl is the program that reads the system's log; a test has its own.
var journalctl = "journalctl"

const (
	defaultLines = 200
	mostLines    = 100_000
	longestWords = 64 << 10 // bytes of one line
)

// logs is "kioskctl logs".
func (p *program) logs() *cobra.Command {
	var lines int
	var follow bool
	var since, dir string
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what the terminal's programs have written to their logs",
		Long: "logs shows the last lines of kioskd and its uplink from the system's log, or with --dir\n" +
			"from the files of a terminal that \"make run\" has started. With --json each line is an\n" +
			"object. The logs are for finding faults; money is in the journal (kioskctl journal).",
		Args: cobra.NoArgs,
	}
	cmd.Flags().IntVarP(&lines, "lines", "n", defaultLines, "so many of the last lines")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as more is written")
	cmd.Flags().StringVar(&since, "since", "", `only from then on, for example "-2h" or "2026-03-01 08:00"`)
	cmd.Flags().StringVar(&dir, "dir", "", "folder of log files, for example var/run/log")
	cmd.MarkFlagsMutuallyExclusive("dir", "follow")
	cmd.MarkFlagsMutuallyExclusive("dir", "since")
	cmd.RunE = p.do(func(ctx context.Context) error {
		if lines < 1 || lines > mostLines {
			return hinted{fmt.Errorf("--lines %d", lines), fmt.Sprintf("allowed: 1 to %d", mostLines)}
		}
		if dir != "" {
			return p.logFiles(dir, lines)
		}
		return p.systemLog(ctx, lines, follow, since)
	})
	return cmd
}

// systemLog has journalctl speak. Its words go through harmless like all others: a
// device may have put anything into them.
func (p *program) systemLog(ctx context.Context, lines int, follow bool, since string) error {
	args := []string{"--no-pager", "--quiet", "--lines=" + strconv.Itoa(lines), "--output=short-iso"}
	if p.json {
		args[3] = "--output=json"
	}
	for _, u := range logUnits {
		args = append(args, "--unit="+u)
	}
	if follow {
		args = append(args, "--follow")
	}
	if since != "" {
		args = append(args, "--since="+since)
	}
	cmd := exec.CommandContext(ctx, journalctl, args...)
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return hinted{fmt.Errorf("read the system's log: %w", err), "on a machine without systemd give the folder of the log files with --dir"}
	}
	err = p.harmlessly(out)
	if werr := cmd.Wait(); werr != nil && ctx.Err() == nil && err == nil {
		said := harmless(strings.TrimSpace(words.String()))
		return hinted{fmt.Errorf("read the system's log: %w: %s", werr, said), "members of the group systemd-journal may read it"}
	}
	return err
}

// harmlessly copies lines.
func (p *program) harmlessly(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), longestWords)
	for s.Scan() {
		if _, err := fmt.Fprintln(p.out, harmless(s.Text())); err != nil {
			return err
		}
	}
	return s.Err()
}

// logFiles shows the end of each file in a folder.
func (p *program) logFiles(dir string, lines int) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return hinted{fmt.Errorf("no log file lies in %s", dir), "\"make run\" keeps them in var/run/log"}
	}
	slices.Sort(files)
	for _, f := range files {
		last, err := tail(f, lines)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(f), ".log")
		for _, l := range last {
			if p.json {
				err = p.writeJSON(map[string]string{"program": name, "message": harmless(l)})
			} else {
				_, err = fmt.Fprintf(p.out, "%-8s %s\n", name, harmless(l))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// tail is the last lines of a file; they are held in memory.
func tail(path string, n int) (ring []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	count := 0
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 4096), longestWords)
	for s.Scan() {
		if count++; len(ring) < n {
			ring = append(ring, s.Text())
		} else {
			ring[(count-1)%n] = s.Text()
		}
	}
	if err := s.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return nil, err
	}
	if count > n {
		ring = append(ring[count%n:], ring[:count%n]...)
	}
	return ring, nil
}
