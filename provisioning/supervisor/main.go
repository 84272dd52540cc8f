// Command supervisor runs a whole terminal on a machine that has no hardware:
// the bench with its virtual devices, the reference central API, and the two
// processes of kioskd, which speaks to central over TLS through the bench's network
// cable.
// It is what "make run" starts, and it stands in for the service manager of a
// cabinet: it prepares what is missing, starts the programs in order, starts
// again what dies, and leaves nothing behind.
//
//	supervisor [--dir DIR] [flags]     run the terminal until it is interrupted
//	supervisor reset [--dir DIR]       clear terminal, central and bench together
//
// Everything lives in one folder (DIR, by default var/run):
//
//	etc/            identity, keys, token, bundle, configuration: made once, kept;
//	                in etc/identity what enrolling at central gave
//	state/          kioskd's journal
//	runtime/        what a restart of kioskd needs and a loss of power clears
//	central/        the store of centrald and, in central/ca, its authority
//	bench.json      the bench's physical world: cassette, hand, paper, cards' memory
//	strips/         the slips in its tray
//	wallet/         its cards and their issuers' keys: made once, kept
//	trust/          what those issuers publish; central trusts and checks by it
//	dev/            the virtual devices, while the bench runs
//	pcscd.comm      the bench's PC/SC daemon with its virtual card readers, likewise
//	log/            what each program wrote, two files of 4 MiB at most
//	NAME.pid        process of each program, while it runs
//	supervisor.lock who uses the folder
//
// Children have process groups of their own, so that an interrupt at the
// keyboard reaches the supervisor alone and the order of the end is its own; and
// the kernel kills them if the supervisor itself is killed. It ends with 0 when
// it was told to end, and with 1 when the terminal could not be started.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	if err := rootCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:           "supervisor",
		Short:         "Run a whole terminal on virtual devices",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Two signals are kept: the second one, in a hurry, ends at once.
			signals := make(chan os.Signal, 2)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer signal.Stop(signals)
			// Who reads the output may go away ("make run | head -1"): a write that
			// finds nobody is an error like any other, not the end. Caught and not
			// ignored, because the children would inherit that.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
			if err := o.complete(); err != nil {
				return err
			}
			return run(cmd.Context(), o, signals, cmd.OutOrStdout())
		},
	}
	root.SetContext(context.Background())
	root.PersistentFlags().StringVar(&o.dir, "dir", "var/run", "folder of everything that the terminal keeps")
	f := root.Flags()
	f.StringVar(&o.bin, "bin-dir", "bin", "folder of the programs bench, centrald, kioskd and kioskctl")
	f.StringVar(&o.catalogue, "catalogue", "provisioning/catalogue", "folder of the services' source")
	f.IntVar(&o.screenPort, "screen-port", 8480, "port of the screen")
	f.IntVar(&o.benchPort, "bench-port", 8481, "port of the bench's page")
	f.BoolVar(&o.portZero, "port-zero", false, "choose free ports and print them as JSON on a line")
	f.StringVar(&o.fault, "fault", "", "NAME:N kills the first kioskd at the n-th hit of a fault point (needs a build with fault points)")
	f.BoolVar(&o.record, "record", false, "record every byte on the devices' lines in log/line.log")
	f.StringVar(&o.logLevel, "log-level", "info", "of kioskd: debug, info, warn or error")
	f.StringVar(&o.cardPIN, "card-pin", "", "PIN1 of the bench's cards, 4 to 12 digits (1234 unless given)")
	f.IntVar(&o.printerBaud, "printer-baud", 115200, "rate of the printer's line, in bits a second")
	f.BoolVar(&o.bare, "without-kioskd", false, "leave both processes of kioskd to somebody else, and run what stands around them")
	f.BoolVar(&o.quiet, "quiet", false, "print nothing but the ready line and what goes wrong")

	root.AddCommand(&cobra.Command{
		Use:   "reset",
		Short: "Clear terminal, central and bench together",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.completeDir(); err != nil {
				return err
			}
			return reset(o.dir, cmd.OutOrStdout())
		},
	})
	return root
}
