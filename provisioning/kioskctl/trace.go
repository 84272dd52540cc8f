package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/spf13/cobra"
)

// traceName is where kioskd keeps the traffic of the acceptor's line, in its
// runtime folder.
const traceName = "acceptor.trace"

// trace shows what went over the acceptor's line. The files may grow meanwhile:
// nothing is locked and nothing is changed.
func (p *program) trace() *cobra.Command {
	var dir string
	var last time.Duration
	cmd := &cobra.Command{
		Use:   "trace --dir FOLDER",
		Short: "Show what went over the acceptor's line",
		Long: "trace writes the kept traffic of the acceptor's line, oldest first, one frame a line:\n" +
			"its time in UTC, > for sent or < for received, and the bytes. \"= 3 x 120\" says that the\n" +
			"three lines before it came again 120 times. The number of a coupon stands as zeros.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&dir, "dir", "/run/kiosk", "the terminal's runtime folder (state.runtime_dir)")
	cmd.Flags().DurationVar(&last, "last", 0, "only what came within this time, for example 10m; 0: all that is kept")
	cmd.RunE = p.do(func(context.Context) error {
		from := ""
		if last > 0 {
			from = line.Stamp(time.Now().Add(-last))
		}
		files, err := line.Recording(filepath.Join(dir, traceName))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return hinted{err, "give state.runtime_dir of the terminal as --dir, and see whether acceptor.trace is on in its configuration"}
		case err != nil:
			return err
		}
		for _, file := range files {
			if err := p.showTrace(file, from); err != nil && !errors.Is(err, fs.ErrNotExist) { // rotated meanwhile
				return err
			}
		}
		return nil
	})
	return cmd
}

// showTrace writes the lines of one file that are not older than from.
func (p *program) showTrace(file, from string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrPermission) {
		return hinted{err, "run kioskctl as the user that kioskd runs as, or as root"}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if s := lines.Text(); s >= from {
			if _, err := fmt.Fprintln(p.out, s); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}
