package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// way is the way to central, on which something may stand.
type way struct {
	there   http.RoundTripper
	instead atomic.Pointer[func(*http.Request) (*http.Response, error)]
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	if f := w.instead.Load(); f != nil {
		return (*f)(r)
	}
	return w.there.RoundTrip(r)
}

func answers(status int, media, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func problem(status int, problemType string) func(*http.Request) (*http.Response, error) {
	return answers(status, centralapi.MediaProblem, `{"type":"`+problemType+`"}`)
}

// TestOutageInTheMiddleOfAPayment: a person stands at the open slot when central, or
// the way to it, goes wrong for an hour. The notes are taken and recorded, the person
// is told that the payment is under way and has a slip that says so; the next one is
// told that nothing can be had now. When it is right again, the payment is made, once,
// and central holds every record.
func TestOutageInTheMiddleOfAPayment(t *testing.T) {
	walked := 0
	for name, instead := range map[string]func(*http.Request) (*http.Response, error){
		"401":             problem(401, string(centralapi.ProblemUnauthorised)),
		"403":             problem(403, string(centralapi.ProblemForbidden)),
		"500":             problem(500, string(centralapi.ProblemInternal)),
		"HTML with 200":   answers(200, "text/html", "<p>Please sign in.</p>"),
		"a redirect":      answers(302, "text/html", ""),
		"a pulled cable":  problem(502, cause.Unreachable.Type()),
		"not central":     problem(502, cause.TLS.Type()),
		"our certificate": problem(502, cause.Identity.Type()),
		"a byte a second": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"no uplink there": func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "unix", Err: syscall.ECONNREFUSED}
		},
		"cut in an answer": func(*http.Request) (*http.Response, error) { return nil, errors.New("unexpected EOF") },
	} {
		if walked++; testing.Short() && walked > 2 {
			break // any two: the order of a map is another one each time
		}
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			defer p.central.Close()
			w := &way{there: handler{p.central}}
			p.network = w
			synctest.Test(t, func(t *testing.T) {
				l := p.start()
				pg := l.open()
				pg.toPay()
				l.insert(20)
				pg.held(2000)
				w.instead.Store(&instead)
				pg.watch(10 * time.Second)
				l.insert(10)
				pg.held(3000)
				pg.tap(wire.NameFinish, wire.Command{Key: "k"})
				pg.step(wire.StepFarewell)
				if o := pg.state.Visit.Outcome; o.Money != wire.FatePending || o.Slip != wire.SlipPrinted || o.Paid.Minor != 2540 {
					t.Errorf("told %+v", o)
				}
				pg.step(wire.StepOutOfService) // no service goes without central
				_ = pg.c.Close()
				time.Sleep(time.Hour)
				if st, err := p.central.State(); err != nil || len(st.Payments) != 0 {
					t.Errorf("central was paid %+v meanwhile (%v)", st.Payments, err)
				}
				w.instead.Store(nil)
				time.Sleep(25 * time.Minute)
				pg = l.open()
				pg.until("a service again", func(s wire.State) bool { return len(s.Visit.Services) > 0 && s.Visit.Services[0].Available })
				_ = pg.c.Close()
				l.end()
			})
			st, err := p.central.State()
			if err != nil || len(st.Payments) != 1 || st.Payments[0].Amount.Minor != 2540 {
				t.Fatalf("afterwards central has %+v (%v)", st.Payments, err)
			}
			g := st.Terminals[0]
			if sum := g.Ledger["AZN"]; !g.Balanced || sum.Stacked != 3000 || sum.Posted != 2540 || sum.Leftover != 460 || g.Quarantined != 0 || len(st.Incidents) != 0 {
				t.Errorf("ledger %+v, %d quarantined, incidents %+v", sum, g.Quarantined, st.Incidents)
			}
			if n := len(p.unit.World().Cassette); n != 2 || p.slips != 1 {
				t.Errorf("%d notes in the cassette, %d slips", n, p.slips)
			}
		})
	}
}
