package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/proof/rig"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// kills brings a visit to its payment, with one note in, and kills the daemon again
// and again. The supervisor starts it after a pause of its own, which is the unit's
// or longer (it doubles with each death); what it is longer or shorter is put
// right.
func kills(ctx context.Context, o rig.Options, runs int, pause time.Duration) (out []time.Duration, err error) {
	r, err := rig.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.Stop()
	page, err := pay(ctx, r)
	if err != nil {
		return nil, err
	}
	for range runs {
		// A life that was long enough resets the supervisor's pause.
		if page, err = rest(ctx, page, longLife); err != nil {
			return nil, err
		}
		pid, err := r.PIDOf("kioskd")
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return nil, err
		}
		page.Close()
		if page, err = open(ctx, r); err != nil {
			return nil, err
		}
		out = append(out, time.Since(began)-supervisorPause+pause)
	}
	page.Close()
	return out, nil
}

// The supervisor's first pause, and the life after which a death is a first one
// again.
const (
	supervisorPause = 200 * time.Millisecond
	longLife        = 10500 * time.Millisecond
)

// rest answers the screen's beats for a while, as the page does, and touches the
// screen, as a person who looks for the next note.
func rest(ctx context.Context, page *robot.Page, d time.Duration) (*robot.Page, error) {
	if err := page.Tap(wire.NameTouch, wire.Command{}); err != nil {
		return page, err
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
		if _, err := page.Next(min(time.Until(end)+time.Millisecond, time.Second)); err != nil {
			return page, err
		}
		if ctx.Err() != nil {
			return page, ctx.Err()
		}
	}
	return page, nil
}

// open waits until the slot is open in the same visit with the same money.
func open(ctx context.Context, r *rig.Rig) (*robot.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for ctx.Err() == nil {
		page, err := r.Terminal.Open(ctx)
		if err != nil {
			return nil, err
		}
		for ctx.Err() == nil {
			if s := page.State; s.Visit.Step == wire.StepPay && s.Money.Open && s.Money.Held.Minor == 500 {
				return page, nil
			}
			if _, err = page.Next(time.Second); err != nil {
				break // it died again, or was not yet up: come back
			}
		}
		page.Close()
	}
	return nil, fmt.Errorf("the slot did not open again: %w", ctx.Err())
}

// pay goes to the payment of an order and puts one note of five in.
func pay(ctx context.Context, r *rig.Rig) (*robot.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	page, err := r.Terminal.Open(ctx)
	if err != nil {
		return nil, err
	}
	tapped, at, inserted := uint64(0), time.Time{}, time.Time{}
	for ctx.Err() == nil {
		s := page.State
		tap := func(name string, c wire.Command) {
			if s.StepSeq != tapped || time.Since(at) > time.Second {
				tapped, at = s.StepSeq, time.Now()
				_ = page.Tap(name, c) // a page that is gone is told by Next
			}
		}
		switch s.Visit.Step {
		case wire.StepAttract:
			if len(s.Visit.Services) > 0 && s.Visit.Services[0].Available {
				tap(wire.NameStart, wire.Command{Lang: wire.LangAz})
			}
		case wire.StepServices:
			tap(wire.NameService, wire.Command{Service: s.Visit.Services[0].ID})
		case wire.StepForm:
			if f := s.Visit.Form.Fields[0]; f.Value != "200000001" {
				tap(wire.NameInput, wire.Command{Field: f.Name, Value: "200000001"})
			} else {
				tap(wire.NameNext, wire.Command{})
			}
		case wire.StepQuote:
			tap(wire.NameNext, wire.Command{})
		case wire.StepPay:
			switch m := s.Money; {
			case m.Held.Minor == 500 && m.Moving == nil && m.Open:
				return page, nil
			case m.Held.IsZero() && m.Open && m.Moving == nil && time.Since(inserted) > 2*time.Second:
				inserted = time.Now()
				if err := r.Terminal.BenchDo(ctx, "/api/notes", map[string]any{"denomination": 5}); err != nil {
					return nil, err
				}
			}
		}
		if _, err := page.Next(300 * time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the visit did not come to its payment: %w", ctx.Err())
}
