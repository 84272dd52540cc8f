package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the terminal's clock zone, also where the machine has no zone files

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/till"
)

// Version is set at build time.
var Version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, rooms{
		ledger: func() (journal.Fold, func() admin.Equation) {
			l := till.NewLedger()
			return l, func() admin.Equation { return l.Equation() }
		},
		folds: func() []journal.Fold { return []journal.Fold{till.NewLedger()} },
	})
	stop()
	os.Exit(code)
}
