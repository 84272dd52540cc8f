package uplink

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const day = 24 * time.Hour

func TestRenewalDue(t *testing.T) {
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	end := begin.Add(90 * day)
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	for _, x := range []struct {
		name   string
		last   time.Time
		spread float64
		want   time.Duration // after the beginning
	}{
		{"never tried", time.Time{}, 0, 60 * day},
		{"spread over three days", time.Time{}, 1, 63 * day},
		{"tried for the certificate before", at(-day), 0, 60 * day},
		{"nudged on the first day", at(day), 0, 60 * day},
		{"failed on day 60", at(60 * day), 0, 61 * day},
		{"failed on day 82", at(82 * day), 0, 83 * day},
		{"failed in the last week", at(84 * day), 0, 84*day + time.Hour},
		{"run out", at(95 * day), 0, 95*day + time.Hour},
		{"with jitter", at(70 * day), 1, 71*day + 144*time.Minute},
	} {
		if got := renewalDue(begin, end, x.last, x.spread); !got.Equal(at(x.want)) {
			t.Errorf("%s: %v after the beginning, want %v", x.name, got.Sub(begin), x.want)
		}
	}
}

// locked writes under a lock.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// A terminal whose central cannot renew for 88 days: daily, then hourly, an alarm
// from 14 days on, and one that is renewed at last is quiet for two months.
func TestRenewerThroughALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		// What the renewer's goroutine and the test both touch.
		var mu sync.Mutex
		leaf := &x509.Certificate{NotBefore: began, NotAfter: began.Add(90 * day)}
		var tries []time.Duration
		open := false
		var log strings.Builder
		with := func(f func()) {
			mu.Lock()
			defer mu.Unlock()
			f()
		}
		tried := func() (n int) { with(func() { n = len(tries) }); return n }
		logged := func() (s string) { with(func() { s = log.String() }); return s }
		r := newRenewer(slog.New(slog.NewTextHandler(locked{&mu, &log}, nil)), func() (c *x509.Certificate) { with(func() { c = leaf }); return c }, func(context.Context) (*x509.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			tries = append(tries, time.Since(began))
			if !open {
				return nil, errors.New("not today")
			}
			leaf = &x509.Certificate{NotBefore: time.Now(), NotAfter: time.Now().Add(90 * day)}
			return leaf, nil
		})
		r.spread = 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.run(ctx) }()
		time.Sleep(76*day - time.Minute)
		with(func() {
			if len(tries) != 16 || tries[0] < 60*day || tries[0] > 60*day+2*time.Hour || strings.Contains(log.String(), "ERROR") {
				t.Errorf("until day 76: %v\n%s", tries, log.String())
			}
		})
		time.Sleep(6 * day)
		if !strings.Contains(logged(), "level=ERROR") || r.trouble() == "" {
			t.Error("no alarm although 8 days are left")
		}
		time.Sleep(6 * day)
		n := tried()
		time.Sleep(day)
		if got := tried() - n; got < 20 || got > 24 {
			t.Errorf("%d tries on a day of the last week", got)
		}
		with(func() { open = true })
		time.Sleep(2 * time.Hour)
		n = tried()
		var until time.Time
		with(func() { until = leaf.NotAfter })
		if r.trouble() != "" || until.Before(began.Add(170*day)) {
			t.Errorf("not renewed: %q, until %v", r.trouble(), until.Sub(began))
		}
		time.Sleep(59 * day)
		if tried() != n {
			t.Errorf("%d tries with a fresh certificate", tried()-n)
		}
		// Refused by central: at most one try an hour helps itself.
		for range 120 {
			r.denied()
			time.Sleep(time.Minute)
		}
		if got := tried() - n; got != 2 {
			t.Errorf("%d tries in two hours of refusals", got)
		}
		cancel()
		<-done
	})
}
