package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
)

// inWorld runs f in virtual time.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		f(w)
	})
}

// causeIn is the uplink's own word in an answer; "" for one of central's.
func causeIn(t *testing.T, r reply) cause.Cause {
	t.Helper()
	var p centralapi.Problem
	if r.header.Get("Content-Type") != centralapi.MediaProblem || json.Unmarshal([]byte(r.body), &p) != nil {
		return ""
	}
	c, _ := cause.Of(string(p.Type))
	return c
}

func TestPassesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		var seen []*http.Request
		w.before(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			seen = append(seen, r.Clone(context.Background()))
			rw.Header().Set("Set-Cookie", "a=b")
			rw.Header().Set("Retry-After", "7")
			next.ServeHTTP(rw, r)
		})
		if st := w.ask("GET", StatusPath, "", nil); !strings.Contains(st.body, `"central":"not_asked"`) {
			t.Errorf("status before anything was asked: %s", st.body)
		}
		r := w.ask("GET", w.own("/head"), "", nil)
		if r.status != 200 || !strings.Contains(r.body, `"seq":0`) || r.header.Get("Content-Type") != centralapi.MediaJSON {
			t.Errorf("%+v", r)
		}
		if r.header.Get("Set-Cookie") != "" || r.header.Get("Retry-After") != "7" || r.header.Get("Date") == "" || r.header.Get("Cache-Control") != "" {
			t.Errorf("headers %v", r.header)
		}
		r = w.ask("POST", w.own("/queries/notification.lookup"), centralapi.MediaJSON, []byte(`{"notification_number":"123027172"}`))
		if r.status != 200 || !strings.Contains(r.body, `"found"`) {
			t.Errorf("%+v", r)
		}
		r = w.ask("POST", w.own("/actions/no.such"), centralapi.MediaJSON, []byte(`{}`))
		if r.status != 404 || !strings.Contains(r.body, string(centralapi.ProblemKindUnknown)) {
			t.Errorf("%+v", r)
		}
		if len(seen) != 3 || seen[0].ProtoMajor != 2 || seen[0].TLS.Version != tls.VersionTLS13 || seen[0].Host != "central.example.az" || w.connections() != 3 {
			t.Errorf("central saw %d requests, the first %+v, on %d connections (two are the enrolment's)", len(seen), seen[0], w.connections())
		}
		st := w.ask("GET", StatusPath, "", nil)
		if st.status != 200 || !strings.Contains(st.body, `"central":""`) || !strings.Contains(st.body, w.id) {
			t.Errorf("status %+v", st)
		}
	})
}

// What run may not ask never reaches central.
func TestRefusesHere(t *testing.T) {
	inWorld(t, func(w *world) {
		reached := 0
		w.before(func(http.ResponseWriter, *http.Request, http.Handler) { reached++ })
		for _, x := range []struct {
			name, method, path, media string
			size                      int
			status                    int
			cause                     cause.Cause
		}{
			{"another terminal", "GET", "/v1/terminals/0196a000-0000-7000-8000-000000000002/head", "", 0, 404, cause.NotAllowed},
			{"another path", "POST", w.own("/certificate"), centralapi.MediaJSON, 2, 404, cause.NotAllowed},
			{"a body where there is none", "GET", w.own("/head"), "", 1, 400, cause.NotAllowed},
			{"a query too long", "POST", w.own("/queries/a"), centralapi.MediaJSON, centralapi.MaxBody + 1, 413, ""},
			{"a batch too long", "POST", w.own("/records"), centralapi.MediaRecords, centralapi.MaxBatchCoded + 1, 413, ""},
		} {
			r := w.ask(x.method, x.path, x.media, make([]byte, x.size))
			if r.status != x.status || causeIn(t, r) != x.cause {
				t.Errorf("%s: %+v", x.name, r)
			}
			if x.status == 413 && !strings.Contains(r.body, string(centralapi.ProblemTooLarge)) {
				t.Errorf("%s: not in central's words: %s", x.name, r.body)
			}
		}
		if reached > 0 {
			t.Errorf("central was reached %d times", reached)
		}
	})
}

// TestCauses: what run is told when central does not answer, and how long it takes.
// The wire or central is wrong in one way; afterwards it is right again, and the next
// request has its answer.
func TestCauses(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.ask("GET", w.own("/head"), "", nil) // a connection stands
				f.begin(w)
				if f.fresh {
					w.cut()
					// The uplink has seen it, too: a request on the dying connection would be
					// told of the cut (unreachable) and not of the fault behind it.
					synctest.Wait()
				}
				r := w.ask("GET", w.own("/head"), "", nil)
				if r.status != f.status || causeIn(t, r) != f.cause || r.took > 16*time.Second {
					t.Errorf("%+v, want status %d and cause %q", r, f.status, f.cause)
				}
				f.end(w)
				time.Sleep(time.Minute) // the half-open connection is given up by then
				if r := w.ask("GET", w.own("/head"), "", nil); r.status != 200 {
					t.Errorf("afterwards: %+v", r)
				}
			})
		})
	}
}

// fault is one thing that can be wrong between the uplink and central.
type fault struct {
	name   string
	fresh  bool // shows on a new connection only
	status int
	cause  cause.Cause
	begin  func(w *world)
	undo   func(w *world)
}

func (f fault) end(w *world) {
	w.front.Store(nil)
	w.wire.Store(nil)
	w.tls.Store(nil)
	w.central.dead.Store(false)
	if f.undo != nil {
		f.undo(w)
	}
	w.cut()
}

// says is a fault in which something answers in central's place.
func says(name string, status int, media, body string, header ...string) fault {
	return fault{name: name, status: status, begin: func(w *world) {
		w.before(func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			rw.Header().Set("Content-Type", media)
			for i := 0; i+1 < len(header); i += 2 {
				rw.Header().Set(header[i], header[i+1])
			}
			rw.WriteHeader(status)
			io.WriteString(rw, body)
		})
	}}
}

func refusesWith(status int, t centralapi.ProblemType, header ...string) fault {
	return says(fmt.Sprint(status), status, centralapi.MediaProblem, fmt.Sprintf(`{"type":%q,"title":"no","status":%d,"retryable":true}`, t, status), header...)
}

// onWire is a fault of the connection.
func onWire(name string, c cause.Cause, f func(net.Conn) net.Conn) fault {
	status := 502
	if c == cause.Timeout {
		status = 504
	}
	return fault{name: name, fresh: true, status: status, cause: c, begin: func(w *world) { w.wire.Store(&f) }}
}

// shows is a fault of central's TLS.
func shows(name string, c cause.Cause, config func(w *world) *tls.Config) fault {
	return fault{name: name, fresh: true, status: 502, cause: c, begin: func(w *world) { w.tls.Store(config(w)) }}
}

func (w *world) authority(dir string, now func() time.Time) *authority.Authority {
	ca, err := authority.Open(dir, now)
	if err != nil {
		w.Fatal(err)
	}
	return ca
}

func faults() []fault {
	const portal = "<!doctype html><title>Sign in</title>"
	name := []string{"central.example.az"}
	h2 := func(c *tls.Config) *tls.Config { c.NextProtos = []string{"h2", "http/1.1"}; return c }
	later := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	return []fault{
		refusesWith(401, centralapi.ProblemUnauthorised),
		refusesWith(403, centralapi.ProblemForbidden),
		refusesWith(404, centralapi.ProblemNotFound),
		refusesWith(409, centralapi.ProblemHeadMismatch),
		refusesWith(413, centralapi.ProblemTooLarge),
		refusesWith(422, centralapi.ProblemRecordInvalid),
		refusesWith(429, centralapi.ProblemTooMany, "Retry-After", "30"),
		refusesWith(500, centralapi.ProblemInternal),
		refusesWith(503, centralapi.ProblemBusy, "Retry-After", "5"),
		says("403 of a firewall", 403, "text/html", portal),
		says("HTML with 200", 200, "text/html", portal),
		says("a redirect", 302, "text/html", "", "Location", "https://elsewhere.example/"),
		func() fault {
			f := says("an answer without end", 200, centralapi.MediaJSON, strings.Repeat(" ", maxAnswer+1))
			f.status, f.cause = 502, cause.Oversize
			return f
		}(),
		func() fault {
			f := says("an answer in a coding", 200, centralapi.MediaJSON, "{}", "Content-Encoding", "gzip")
			f.status, f.cause = 502, cause.Content
			return f
		}(),
		{name: "a byte a second", status: 504, cause: cause.Timeout, begin: func(w *world) {
			w.before(func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", centralapi.MediaJSON)
				for r.Context().Err() == nil {
					rw.Write([]byte(" "))
					http.NewResponseController(rw).Flush()
					time.Sleep(time.Second)
				}
			})
		}},
		{name: "no answer", status: 504, cause: cause.Timeout, begin: func(w *world) {
			w.before(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
		}},
		{name: "cut before the answer", status: 502, cause: cause.Unreachable, begin: func(w *world) {
			w.before(func(http.ResponseWriter, *http.Request, http.Handler) { w.cut() })
		}},
		{name: "cut after it was done", status: 502, cause: cause.Unreachable, begin: func(w *world) {
			w.before(func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(deaf{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			})
		}},
		{name: "cut in the answer", status: 502, cause: cause.Unreachable, begin: func(w *world) {
			w.before(func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", centralapi.MediaJSON)
				io.WriteString(rw, `{"epoch":1,`)
				http.NewResponseController(rw).Flush()
				panic(http.ErrAbortHandler)
			})
		}},
		{name: "nobody there", fresh: true, status: 502, cause: cause.Unreachable, begin: func(w *world) {
			w.central.dead.Store(true)
		}},
		onWire("cut at once", cause.Unreachable, func(c net.Conn) net.Conn { c.Close(); return c }),
		onWire("cut in the handshake", cause.Unreachable, func(c net.Conn) net.Conn { return &cutting{Conn: c, left: 100} }),
		onWire("cut in the server's certificate", cause.Unreachable, func(c net.Conn) net.Conn { return &cutting{Conn: c, left: 600} }),
		onWire("a cable that lets no byte through", cause.Timeout, func(c net.Conn) net.Conn { return &mute{Conn: c} }),
		onWire("another protocol", cause.TLS, func(c net.Conn) net.Conn {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return &mute{Conn: c}
		}),
		shows("the certificate of another authority", cause.TLS, func(w *world) *tls.Config { return h2(w.authority(quickDir(w.T), time.Now).ServerConfig(name)) }),
		shows("a certificate of another name", cause.TLS, func(w *world) *tls.Config {
			return h2(w.authority(w.caDir, time.Now).ServerConfig([]string{"elsewhere.example"}))
		}),
		shows("a certificate that ran out", cause.TLS, func(w *world) *tls.Config {
			c := h2(w.authority(w.caDir, later(-91*day)).ServerConfig(name))
			c.Time = nil
			return c
		}),
		shows("TLS 1.2", cause.TLS, func(w *world) *tls.Config {
			c := h2(w.ca.ServerConfig(name))
			c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			return c
		}),
		shows("a server that does not take our certificate", cause.Identity, func(w *world) *tls.Config {
			c := h2(w.ca.ServerConfig(name))
			c.ClientAuth = tls.RequireAndVerifyClientCert // with no authority at all
			return c
		}),
	}
}

// deaf takes an answer that nobody hears.
type deaf struct{ h http.Header }

func (d deaf) Header() http.Header         { return d.h }
func (d deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d deaf) WriteHeader(int)             {}

// cutting breaks after so many bytes from central.
type cutting struct {
	net.Conn
	left int
}

func (c *cutting) Write(b []byte) (int, error) {
	if n := min(len(b), c.left); n < len(b) {
		_, _ = c.Conn.Write(b[:n])
		c.Close()
		return n, io.ErrClosedPipe
	}
	c.left -= len(b)
	return c.Conn.Write(b)
}

// mute lets nothing of central's out.
type mute struct{ net.Conn }

func (m *mute) Write(b []byte) (int, error) { return len(b), nil }

// Requests beyond the bound are told so at once; none of them waits.
func TestTooManyAtATime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.before(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
		var wg sync.WaitGroup
		for range maxRequests {
			wg.Go(func() { w.ask("GET", w.own("/head"), "", nil) })
		}
		synctest.Wait()
		r := w.ask("GET", w.own("/head"), "", nil)
		if r.status != 503 || causeIn(t, r) != cause.Busy || r.took > 0 || r.header.Get("Retry-After") != "1" {
			t.Errorf("%+v", r)
		}
		if st := w.ask("GET", StatusPath, "", nil); st.status != 200 {
			t.Errorf("the status is not to be had: %+v", st)
		}
		wg.Wait()
		w.front.Store(nil)
		if r := w.ask("GET", w.own("/head"), "", nil); r.status != 200 {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

// A body that comes a byte at a time is given up, and a header likewise; connections
// beyond the bound are closed.
func TestSlowRun(t *testing.T) {
	inWorld(t, func(w *world) {
		for what, head := range map[string]string{
			"a body of a query":     "POST " + w.own("/queries/a") + " HTTP/1.1\r\nContent-Type: application/json\r\n",
			"a body where is none":  "GET " + w.own("/head") + " HTTP/1.1\r\n",
			"a body to be refused":  "POST /v1/enrolments HTTP/1.1\r\n",
			"a body for the status": "GET " + StatusPath + " HTTP/1.1\r\n",
		} {
			c, err := w.socket.dial(w.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			fmt.Fprintf(c, "%sHost: uplink\r\nContent-Length: 1000\r\n\r\n{", head)
			b, err := io.ReadAll(c)
			if err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) || time.Since(began) > 11*time.Second {
				t.Errorf("%s: %q %v after %v", what, b, err, time.Since(began))
			}
			c.Close()
		}
		var held []net.Conn
		for range maxConnections {
			c, err := w.socket.dial(w.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "GET")
			held = append(held, c)
		}
		synctest.Wait()
		extra, err := w.socket.dial(w.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if n, err := extra.Read(make([]byte, 1)); n != 0 || err == nil || time.Since(began) > 0 {
			t.Errorf("one more: %d %v after %v", n, err, time.Since(began))
		}
		for _, c := range held {
			io.Copy(io.Discard, c) // until it is given up
			c.Close()
		}
		if took := time.Since(began); took > headerTimeout {
			t.Errorf("slow headers were borne for %v", took)
		}
		if r := w.ask("GET", w.own("/head"), "", nil); r.status != 200 {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

// A cable that lets no byte through: run gives up before the uplink does, and a
// technician reads of it at the uplink all the same.
func TestRunGivesUpFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		silent := func(c net.Conn) net.Conn { return &mute{Conn: c} }
		w.wire.Store(&silent)
		w.cut()
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", "http://uplink"+w.own("/head"), nil)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		if resp, err := c.Do(req); err == nil {
			t.Errorf("answered with %s", resp.Status)
		}
		synctest.Wait()
		if st := w.ask("GET", StatusPath, "", nil); !strings.Contains(st.body, `"central":"timeout"`) {
			t.Errorf("status %s", st.body)
		}
	})
}

// A body is gone from memory when its exchange is over, also under a transport that
// still reads.
func TestBodyIsWiped(t *testing.T) {
	b := []byte("a password")
	s := &secret{b: b}
	r := &reader{of: s}
	half := make([]byte, 4)
	if n, _ := r.Read(half); n != 4 {
		t.Fatal("cannot be read")
	}
	s.wipe()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 || string(b) != strings.Repeat("\x00", len(b)) {
		t.Errorf("left %q, read %q %v", b, rest, err)
	}
}

// A certificate is renewed at two thirds of its life without run's noticing, and a
// terminal that was off for 20 days too long comes back by itself.
func TestCertificateIsRenewed(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.uplink.Leaf()
		time.Sleep(59 * day)
		if w.uplink.Leaf() != first {
			t.Error("renewed too early")
		}
		time.Sleep(5 * day)
		second := w.uplink.Leaf()
		if second == first || w.ask("GET", w.own("/head"), "", nil).status != 200 {
			t.Fatal("not renewed, or not to be used")
		}
		w.central.dead.Store(true)
		w.cut()
		time.Sleep(110 * day) // 20 days after its end
		w.central.dead.Store(false)
		if r := w.ask("GET", w.own("/head"), "", nil); r.status != 401 {
			t.Errorf("with a certificate that ran out: %+v", r)
		}
		time.Sleep(2 * time.Hour)
		if r := w.ask("GET", w.own("/head"), "", nil); r.status != 200 || w.uplink.Leaf() == second {
			t.Errorf("two hours later: %+v", r)
		}
		if again, err := New(w.uplink.o); err != nil || again.Leaf().SerialNumber.Cmp(w.uplink.Leaf().SerialNumber) != 0 {
			t.Errorf("after a restart it shows another certificate: %v", err)
		}
	})
}

func TestOwnTerminalOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		o := w.uplink.o
		o.Terminal = "0196a000-0000-7000-8000-000000000002"
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "the configuration says 0196a000") {
			t.Errorf("%v", err)
		}
		o = w.uplink.o
		o.Identity = t.TempDir()
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "not enrolled") {
			t.Errorf("%v", err)
		}
	})
}
