package uplink

import (
	"context"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// When a certificate is renewed (protocols/central-sync.md section 7.3): at two
// thirds of its life, spread so that a fleet that was enrolled in a week does not
// come in an hour; then daily, and hourly in the last week and after the end.
const (
	renewDaily  = 24 * time.Hour
	renewHourly = time.Hour
	lastWeek    = 7 * 24 * time.Hour
	alarmBefore = 14 * 24 * time.Hour
	// A clock that was wrong may be put right at any time: no sleep is longer.
	renewLook = time.Hour
)

// renewalDue is when to ask for the next certificate. last is the last try that
// failed, or zero; spread is between 0 and 1, and fixed for a run.
func renewalDue(notBefore, notAfter, last time.Time, spread float64) time.Time {
	life := notAfter.Sub(notBefore)
	first := notBefore.Add(life*2/3 + time.Duration(spread*float64(life/30)))
	if last.Before(first) {
		return first
	}
	pause := renewDaily
	if notAfter.Sub(last) <= lastWeek {
		pause = renewHourly
	}
	return last.Add(pause + time.Duration(spread*float64(pause/10)))
}

// renewer keeps a certificate fresh.
type renewer struct {
	log    *slog.Logger
	leaf   func() *x509.Certificate
	next   func(context.Context) (*x509.Certificate, error)
	spread float64
	nudge  chan struct{}

	mu      sync.Mutex
	problem string
}

func newRenewer(log *slog.Logger, leaf func() *x509.Certificate, next func(context.Context) (*x509.Certificate, error)) *renewer {
	return &renewer{log: log, leaf: leaf, next: next, spread: rand.Float64(), nudge: make(chan struct{}, 1)}
}

// denied says that central has answered 401 or 403: a fresh certificate may help.
func (r *renewer) denied() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// trouble is why the last try failed, or "".
func (r *renewer) trouble() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// run renews until ctx ends.
func (r *renewer) run(ctx context.Context) {
	var last time.Time // try, whatever came of it
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		nudged := false
		select {
		case <-ctx.Done():
			return
		case <-r.nudge:
			nudged = true
		case <-timer.C:
		}
		now := time.Now()
		c := r.leaf()
		due := renewalDue(c.NotBefore, c.NotAfter, last, r.spread)
		// A denial is worth one try an hour.
		if !due.After(now) || nudged && now.Sub(last) >= renewHourly {
			last = now
			if r.try(ctx, now) {
				c = r.leaf()
				due = renewalDue(c.NotBefore, c.NotAfter, time.Time{}, r.spread)
			} else {
				due = renewalDue(c.NotBefore, c.NotAfter, last, r.spread)
			}
		}
		timer.Reset(min(max(due.Sub(now), time.Minute), renewLook))
	}
}

func (r *renewer) try(ctx context.Context, now time.Time) bool {
	c, err := r.next(ctx)
	if ctx.Err() != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.problem = err.Error()
		left := r.leaf().NotAfter.Sub(now)
		level := slog.LevelWarn
		if left < alarmBefore {
			level = slog.LevelError
		}
		r.log.Log(ctx, level, "the certificate could not be renewed", "days_left", int(left.Hours()/24), "err", err)
		return false
	}
	r.problem = ""
	r.log.Info("the certificate was renewed", "not_after", c.NotAfter)
	return true
}
