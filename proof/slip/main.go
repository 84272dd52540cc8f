// Command slip reads slips back with programs that others wrote.
//
// A person pays at a whole terminal. The bytes that the printer was sent are then
// given to npos, a reader of ESC/POS, and its dots are compared with two others:
// with the picture that kioskd drew, whose SHA-256 stands in the journal before the
// first byte is sent, and with what the bench's printer put on paper. At last
// zbarimg reads the code from npos's dots, and it must name the visit's reference.
// So a mistake in the driver cannot hide behind the same mistake in the bench.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/proof/rig"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// width of the paper in dots: 72 mm at 203 dpi.
const width = 576

// Each payment leaves another document behind.
var payments = []struct {
	what string
	pay  robot.Payment
	fate wire.Fate
}{
	{"receipt with a rest", robot.Payment{Number: "200000001", Notes: []int64{20, 5, 1}}, wire.FatePosted},
	{"voucher for a payment that was stopped", robot.Payment{Number: "300000002", Notes: []int64{1}}, wire.FateLeftover},
}

func main() {
	binDir := flag.String("bin-dir", "bin", "folder of the programs")
	reader := flag.String("reader", "proof/slip/reader", "folder of the reader")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	wrong, err := check(ctx, *binDir, *reader)
	switch {
	case err != nil:
		fmt.Println("check-slip: could not be done:", err)
		os.Exit(1)
	case wrong > 0:
		fmt.Printf("check-slip: FAILED, %d of %d slips differ\n", wrong, len(payments))
		os.Exit(1)
	}
	fmt.Printf("check-slip: passed, %d slips read back dot for dot, their codes name their references\n", len(payments))
}

func check(ctx context.Context, binDir, reader string) (wrong int, err error) {
	if err := install(ctx, reader); err != nil {
		return 0, err
	}
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true})
	if err != nil {
		return 0, err
	}
	defer r.Stop()
	for _, p := range payments {
		if err := one(ctx, r, reader, p.pay, p.fate); err != nil {
			if ctx.Err() != nil || errors.Is(err, errNotDone) {
				return wrong, fmt.Errorf("%s: %w", p.what, err)
			}
			wrong++
			fmt.Printf("%s: WRONG: %v\n", p.what, err)
			continue
		}
		fmt.Printf("%s: ok\n", p.what)
	}
	return wrong, nil
}

// errNotDone: there is nothing to compare.
var errNotDone = errors.New("not done")

func notDone(err error) error { return fmt.Errorf("%w: %w", errNotDone, err) }

// one pays and compares; nil means that all agree.
func one(ctx context.Context, r *rig.Rig, reader string, pay robot.Payment, fate wire.Fate) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	told, err := r.Terminal.Pay(ctx, pay)
	if err != nil {
		return notDone(err)
	}
	if told == nil || told.Money != fate || told.Slip != wire.SlipPrinted {
		return notDone(fmt.Errorf("the visit ended otherwise: %+v", told))
	}
	raw, paper, err := newestStrip(ctx, r.Terminal)
	if err != nil {
		return notDone(err)
	}
	read, report, err := readBack(ctx, reader, raw)
	if err != nil {
		return err
	}
	drawn, err := drawnHash(ctx, r.Socket)
	if err != nil {
		return notDone(err)
	}
	if got := read.hash(); got != drawn {
		return fmt.Errorf("npos reads a picture with the hash %s, drawn was %s", got, drawn)
	}
	// The bench's paper begins at its cutter, which is some rows above the head.
	lead := paper.height - read.height
	if lead < 0 || !bytes.Equal(paper.rows(lead, paper.height), read.bits) || len(bytes.Trim(paper.rows(0, lead), "\x00")) > 0 {
		return fmt.Errorf("the paper (%d rows) does not show the %d rows that npos reads", paper.height, read.height)
	}
	if err := readCode(ctx, read, told); err != nil {
		return err
	}
	fmt.Printf("  %d bytes, %s, SHA-256 %s…\n", len(raw), report, drawn[:16])
	return nil
}
