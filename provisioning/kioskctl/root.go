// Command kioskctl is the program of the technician and the cash collector: it
// reads a terminal and says what is so and what to do next. Each group of
// commands has a file of its own.
//
// Answers go to the standard output, in words or with --json for another
// program. What went wrong goes to the standard error as one sentence, and what
// to do about it as a second one. The exit code says which:
//
//	0  done, and what was looked at is in order
//	1  it could not be done: nobody answers, a file cannot be read
//	2  the command line is wrong
//	3  it was done, and something is not in order: a device that does not work, a
//	   journal that is not whole, an equation that does not hold
//
// "kioskctl completion bash" (or zsh, fish) writes what the shell needs to complete
// its commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitFinding = 3
)

// rooms are the daemon's rooms whose states can be computed from a journal.
type rooms struct {
	ledger admin.Ledger          // the money; nil: this program was built without
	folds  func() []journal.Fold // whose checkpointed states verify compares
}

// finding is what was looked for and found: the report has been written, and
// the exit code is to tell.
type finding struct{ what string }

func (f finding) Error() string { return f.what }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }
func (h hinted) Hint() string  { return h.hint }

// program is one run.
type program struct {
	rooms   rooms
	in      io.Reader
	out     io.Writer
	json    bool
	running bool // the command line was understood
}

// do marks the point from which an error is no longer one of usage.
func (p *program) do(f func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		p.running = true
		return f(cmd.Context())
	}
}

// run is the whole program with its surroundings as parameters.
func run(ctx context.Context, args []string, out, errOut io.Writer, r rooms) int {
	return (&program{rooms: r, in: os.Stdin, out: out}).run(ctx, args, errOut)
}

func (p *program) run(ctx context.Context, args []string, errOut io.Writer) int {
	root := &cobra.Command{
		Use:           "kioskctl",
		Short:         "Look after a self-service terminal",
		Long:          "kioskctl reads a terminal and says what is so and what to do next.\n\nExit codes: 0 in order, 1 could not be done, 2 wrong command line, 3 something is not in order.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVar(&p.json, "json", false, "answer in JSON")
	root.AddCommand(p.status(), p.journal(), p.logs(), p.trace(), p.bundle(), p.people(), p.enrol())
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	return p.exit(cmd, err, errOut)
}

// exit tells an error and chooses the exit code.
func (p *program) exit(cmd *cobra.Command, err error, errOut io.Writer) int {
	var found finding
	var h interface{ Hint() string }
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &found):
		fmt.Fprintf(errOut, "kioskctl: %s\n", found.what)
		return exitFinding
	case !p.running:
		fmt.Fprintf(errOut, "kioskctl: %v\nhint: %s --help tells how it is used\n", err, cmd.CommandPath())
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "kioskctl: interrupted")
		return exitFailed
	}
	fmt.Fprintf(errOut, "kioskctl: %v\n", err)
	if errors.As(err, &h) && h.Hint() != "" {
		fmt.Fprintf(errOut, "hint: %s\n", h.Hint())
	}
	return exitFailed
}
