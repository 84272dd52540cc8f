// Command kioskd is the terminal: it drives the devices, runs the visit, keeps
// the money record and serves the screen.
//
//	kioskd run --config FILE     run the terminal
//	kioskd uplink --config FILE  speak to central in the terminal's name
//	kioskd check --config FILE   check the configuration and the catalogue, and end
//
// Run and uplink are two processes: run has the devices and the money record and no
// network, uplink has the network and neither (package uplink).
//
// It ends with 0 in order, with 1 on a mistake in what it was given, with 2 when
// the journal can no longer be written or read (then a technician is needed), and
// with 3 when one of its loops has stood still.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// Version is set at build time.
var Version = "development"

func main() {
	root := &cobra.Command{
		Use:           "kioskd",
		Short:         "The terminal's daemon",
		Version:       Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	var path string
	run := &cobra.Command{
		Use:   "run",
		Short: "Run the terminal",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			// A PIN is in this process between its last key and the card: no core dump,
			// and no other process of the same user, may look in.
			if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
				return fmt.Errorf("close the process's memory to others: %w", err)
			}
			return runTerminal(ctx, cfg)
		},
	}
	up := &cobra.Command{
		Use:   "uplink",
		Short: "Speak to central in the terminal's name",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			return runUplink(ctx, cfg)
		},
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the catalogue",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			b, err := loadBundle(cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: good; catalogue version %d with %d services\n", path, b.Version, len(b.Services))
			return nil
		},
	}
	for _, c := range []*cobra.Command{run, up, check} {
		c.Flags().StringVar(&path, "config", "/etc/kioskd/kioskd.toml", "configuration file")
		root.AddCommand(c)
	}
	if err := root.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "kioskd:", err)
		var recovery *journal.RecoveryError
		if errors.As(err, &recovery) || errors.Is(err, journal.ErrFailed) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}
