package uplink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// StatusPath is the one path that the uplink answers itself: Status, for whoever
// may open the socket.
const StatusPath = "/uplink/v1/status"

// Status is how the uplink stands.
type Status struct {
	Terminal string      `json:"terminal"`
	Central  cause.Cause `json:"central"` // "" when the last request had an answer; notAsked before the first
	Since    time.Time   `json:"since"`   // of that
	NotAfter time.Time   `json:"not_after"`
	Renewal  string      `json:"renewal,omitempty"` // why the last try to renew failed
}

// notAsked is what stands in a Status before run has asked anything.
const notAsked cause.Cause = "not_asked"

// slowExchange is how long a failed exchange must have taken for its connection to
// be given up: a connection that is half open takes requests and never answers.
const slowExchange = 5 * time.Second

// ServeHTTP passes one request on.
func (u *Uplink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Until the whole request is here, whatever becomes of it: the rest of a refused
	// one is not waited for either.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	if r.RequestURI == StatusPath && r.Method == http.MethodGet {
		u.status(w)
		return
	}
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, cause.Busy)
		return
	}
	rt, header, ok := admit(u.o.Terminal, r.Method, r.RequestURI, r.Header)
	if !ok {
		u.o.Log.Warn("a request that is not on the list was refused") // not its path: it may hold anything
		refuse(w, http.StatusNotFound, cause.NotAllowed)
		return
	}
	body, ok := u.readBody(w, r, rt)
	if !ok {
		return
	}
	defer body.wipe()
	ctx, cancel := context.WithTimeout(r.Context(), rt.timeout)
	defer cancel()
	began := time.Now()
	a, why := u.exchange(ctx, rt, r.RequestURI, header, body)
	if r.Context().Err() != nil {
		// Run has gone. It was patient, and central silent; or it ended, which says
		// nothing about central.
		if time.Since(began) >= slowExchange {
			u.seen.saw(cause.Timeout)
		}
		return
	}
	u.seen.saw(why)
	if why != "" {
		refuse(w, statusOf(why), why)
		return
	}
	if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		u.renew.denied()
	}
	for name, v := range a.header {
		w.Header()[name] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // run has gone; it asks again
}

// readBody takes the whole body before anything leaves, so that a slow one holds up
// nobody, and a long one is refused as central would.
func (u *Uplink) readBody(w http.ResponseWriter, r *http.Request, rt *route) (*secret, bool) {
	here := func() { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) }
	if rt.media == "" {
		if r.ContentLength != 0 {
			refuse(w, http.StatusBadRequest, cause.NotAllowed)
			return nil, false
		}
		here()
		return nil, true
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, rt.body))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		clear(b)
		// In central's own words: run then halves the batch.
		problem(w, http.StatusRequestEntityTooLarge, string(centralapi.ProblemTooLarge))
		return nil, false
	case err != nil:
		clear(b)
		refuse(w, http.StatusBadRequest, cause.NotAllowed)
		return nil, false
	}
	here()
	return &secret{b: b}, true
}

// answer is central's, with the headers that go on.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange asks central once; the cause says why there is no answer.
func (u *Uplink) exchange(ctx context.Context, rt *route, uri string, header http.Header, body *secret) (answer, cause.Cause) {
	req, err := http.NewRequestWithContext(ctx, rt.method, u.link.base.String()+uri, nil)
	if err != nil {
		return answer{}, cause.NotAllowed
	}
	req.Header = header
	if body != nil {
		req.ContentLength = int64(len(body.b))
		req.GetBody = func() (io.ReadCloser, error) { return &reader{of: body}, nil }
		req.Body, _ = req.GetBody()
	}
	var shaken atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { shaken.Store(err == nil) },
	}))
	began := time.Now()
	t := u.link.transport()
	a, err := roundTrip(t, req)
	if err == nil {
		return a, ""
	}
	if time.Since(began) >= slowExchange {
		u.link.retire(t)
	}
	why := causeOf(err)
	if why == cause.Unreachable && shaken.Load() && u.link.turnedAway(ctx) {
		why = cause.Identity
	}
	return answer{}, why
}

var (
	errOversize = errors.New("the answer is too long")
	errContent  = errors.New("the answer is in a form that was not asked for")
)

func roundTrip(t http.RoundTripper, req *http.Request) (answer, error) {
	resp, err := t.RoundTrip(req) // not http.Client: nothing follows a redirect
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 599 || resp.Header.Get("Content-Encoding") != "" {
		return answer{}, errContent
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, err
	case len(body) > maxAnswer:
		return answer{}, errOversize
	}
	a := answer{status: resp.StatusCode, header: http.Header{}, body: body}
	for _, name := range downward {
		if v := resp.Header.Get(name); v != "" && len(v) <= maxHeader {
			a.header[name] = []string{v}
		}
	}
	return a, nil
}

func statusOf(c cause.Cause) int {
	if c == cause.Timeout {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// refuse answers run in the uplink's own name.
func refuse(w http.ResponseWriter, status int, c cause.Cause) { problem(w, status, c.Type()) }

func problem(w http.ResponseWriter, status int, problemType string) {
	b, err := json.Marshal(map[string]any{"type": problemType, "title": http.StatusText(status), "status": status, "retryable": true})
	if err != nil {
		panic("uplink: a problem document cannot be written: " + err.Error()) // strings and a number
	}
	w.Header().Set("Content-Type", centralapi.MediaProblem)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (u *Uplink) status(w http.ResponseWriter) {
	st := Status{Terminal: u.o.Terminal, NotAfter: u.Leaf().NotAfter, Renewal: u.renew.trouble()}
	st.Central, st.Since = u.seen.last()
	b, err := json.Marshal(st)
	if err != nil {
		panic("uplink: the status cannot be written: " + err.Error())
	}
	w.Header().Set("Content-Type", centralapi.MediaJSON)
	_, _ = w.Write(b)
}

// secret is a body on its way: there may be a password in it. It is overwritten
// when its exchange is over, also under a transport that is still reading it.
type secret struct {
	mu sync.Mutex
	b  []byte
}

func (s *secret) wipe() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.b)
	s.b = nil
}

// reader reads a secret from its beginning.
type reader struct {
	of *secret
	at int
}

func (r *reader) Read(p []byte) (int, error) {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	if r.at >= len(r.of.b) {
		return 0, io.EOF
	}
	n := copy(p, r.of.b[r.at:])
	r.at += n
	return n, nil
}

func (r *reader) Close() error { return nil }

// seen remembers whether central answers, and logs when that changes.
type seen struct {
	log   *slog.Logger
	mu    sync.Mutex
	told  bool
	why   cause.Cause
	since time.Time
}

func (s *seen) saw(why cause.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told && s.why == why {
		return
	}
	s.told, s.why, s.since = true, why, time.Now()
	if why == "" {
		s.log.Info("central answers")
	} else {
		s.log.Warn("central does not answer", "cause", string(why))
	}
}

func (s *seen) last() (cause.Cause, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.told {
		return notAsked, s.since
	}
	return s.why, s.since
}
