// Command watchdog stops each loop of a running daemon in turn, in the middle of a
// payment, with real processes: kioskd of a build with fault points, the supervisor
// in the place of the service manager, the bench and central. Each time the daemon
// has to notice it and end by itself, it is started again, the visit goes on with
// its money, and the accounts agree.
//
// It ends with 1 when one of them is not so within a minute.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/proof/rig"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// limit is from the loop's last turn to the open slot of the next life
// (terminal-hardening 12.9).
const limit = time.Minute

// longest is for all of it, so that a terminal that never comes back ends the run.
const longest = 15 * time.Minute

// loops are those of a whole terminal, by the names of their marks. One that the
// daemon has and that is not stopped here is a miss.
var loops = []string{"committer", "rooms", "screen", "acceptor", "printer", "card_reader", "panel"}

func main() {
	binDir := flag.String("bin-dir", "bin/faultpoints", "folder of the programs, kioskd with fault points")
	only := flag.String("loop", "", "only this loop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	bad, worst := 0, time.Duration(0)
	for _, loop := range loops {
		if *only != "" && loop != *only {
			continue
		}
		took, err := story(ctx, *binDir, loop)
		if err != nil || took > limit {
			bad++
		}
		worst = max(worst, took)
		if err != nil {
			fmt.Printf("  %-12s WRONG: %v\n", loop, err)
			continue
		}
		fmt.Printf("  %-12s the slot is open again after %.1f s\n", loop, took.Seconds())
	}
	if bad > 0 {
		fmt.Printf("watchdog: MISSED, %d loops (limit %.0f s)\n", bad, limit.Seconds())
		os.Exit(1)
	}
	fmt.Printf("watchdog: passed, every loop noticed and the visit gone on with, worst %.1f s (limit %.0f s)\n", worst.Seconds(), limit.Seconds())
}

// story stops one loop and tells how long the terminal took no money.
func story(ctx context.Context, binDir, loop string) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true, Fault: loop + ":1:stall"})
	if err != nil {
		return 0, err
	}
	defer r.Stop()
	first, err := r.PIDOf("kioskd")
	if err != nil {
		return 0, err
	}
	report, err := admin.NewClient(r.Socket).Health(ctx)
	if err != nil {
		return 0, err
	}
	if own := names(report); !slices.Equal(own, slices.Sorted(slices.Values(loops))) {
		return 0, fmt.Errorf("the daemon's loops are %v, and %v are stopped here", own, loops)
	}
	p := &person{ctx: ctx, r: r}
	defer p.leave()
	if err := p.until("the first note", p.pay, func(s wire.State) bool { return s.Money.Held.Minor == 2000 && s.Money.Moving == nil }); err != nil {
		return 0, err
	}
	if err := syscall.Kill(first, syscall.SIGUSR1); err != nil {
		return 0, err
	}
	began := time.Now()
	for pid := first; pid == first; { // the person goes on looking at the screen
		if err := p.look(); err != nil {
			return 0, err
		}
		if time.Since(began) > 2*limit {
			return 0, fmt.Errorf("kioskd has not ended after %v", 2*limit)
		}
		if now, err := r.PIDOf("kioskd"); err == nil {
			pid = now
		}
	}
	err = p.until("the open slot", p.look, func(s wire.State) bool {
		return s.Visit.Step == wire.StepPay && s.Visit.Resumed && s.Money.Held.Minor == 2000 && s.Money.Open
	})
	if err != nil {
		return 0, err
	}
	took = time.Since(began)
	if err := p.until("the second note", p.pay, func(s wire.State) bool { return s.Money.Held.Minor == 3000 && s.Money.Moving == nil }); err != nil {
		return took, err
	}
	err = p.until("the farewell", func() error {
		p.tap(wire.NameFinish, wire.Command{Key: "finish"})
		return p.look()
	}, func(s wire.State) bool { return s.Visit.Step == wire.StepFarewell })
	if err != nil {
		return took, err
	}
	var eq till.Equation
	if err := admin.NewClient(r.Socket).Equations(ctx, false, func(m admin.Moment) error { return json.Unmarshal(m.Terms, &eq) }); err != nil {
		return took, err
	}
	if !eq.Holds() || len(eq.Total) == 0 || eq.Total[0].Stacked != 3000 {
		return took, fmt.Errorf("the accounts: %s", eq)
	}
	return took, nil
}

// names are the loops that the daemon watches, in alphabetical order.
func names(r health.Report) (out []string) {
	for _, l := range r.Loops {
		out = append(out, l.Name)
	}
	slices.Sort(out)
	return out
}

// person stands at the screen and opens it again whenever it is gone.
type person struct {
	ctx  context.Context
	r    *rig.Rig
	page *robot.Page

	tapped   time.Time
	inserted time.Time
}

func (p *person) leave() {
	if p.page != nil {
		p.page.Close()
	}
}

// look takes in what the screen says next.
func (p *person) look() error {
	if p.page == nil {
		wait, cancel := context.WithTimeout(p.ctx, 2*limit)
		defer cancel()
		page, err := p.r.Terminal.Open(wait)
		if err != nil {
			return err
		}
		p.page = page
	}
	if _, err := p.page.Next(200 * time.Millisecond); err != nil {
		p.page.Close()
		p.page = nil
	}
	return p.ctx.Err()
}

// until does something again and again until the screen is as wanted.
func (p *person) until(what string, do func() error, want func(wire.State) bool) error {
	for end := time.Now().Add(2 * limit); time.Now().Before(end); {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if p.page != nil && want(p.page.State) {
			return nil
		}
	}
	return fmt.Errorf("%s did not come", what)
}

func (p *person) tap(name string, c wire.Command) {
	if p.page != nil && time.Since(p.tapped) > 500*time.Millisecond {
		p.tapped = time.Now()
		_ = p.page.Tap(name, c) // a screen that is gone is seen by look
	}
}

// pay goes to the payment and puts in what is missing: a note of 20, then one of
// 10.
func (p *person) pay() error {
	if err := p.look(); err != nil || p.page == nil {
		return err
	}
	switch s := p.page.State; s.Visit.Step {
	case wire.StepAttract:
		p.tap(wire.NameStart, wire.Command{Lang: wire.LangAz})
	case wire.StepServices:
		p.tap(wire.NameService, wire.Command{Service: s.Visit.Services[0].ID})
	case wire.StepForm:
		if f := s.Visit.Form.Fields[0]; f.Value != "200000001" {
			p.tap(wire.NameInput, wire.Command{Field: f.Name, Value: "200000001"})
		} else {
			p.tap(wire.NameNext, wire.Command{})
		}
	case wire.StepQuote:
		p.tap(wire.NameNext, wire.Command{})
	case wire.StepPay:
		if m := s.Money; m.Open && m.Moving == nil && time.Since(p.inserted) > 5*time.Second {
			p.inserted = time.Now()
			note := 20
			if m.Held.Minor == 2000 {
				note = 10
			}
			return p.r.Terminal.BenchDo(p.ctx, "/api/notes", map[string]any{"denomination": note})
		}
	}
	return nil
}
