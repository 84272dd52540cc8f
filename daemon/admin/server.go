package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/socket"
)

// Bounds of the server.
const (
	headerTimeout = 5 * time.Second
	lineTimeout   = 10 * time.Second // how long a reader may take over one line
	maxHeader     = 8 << 10
	maxRequests   = 4 // at a time; the daemon has better things to do
	shutdownGrace = 2 * time.Second
	healthWithin  = 3 * time.Second // for the rooms to say how they are
)

// Journal is what the handler reads. *journal.Journal is one.
type Journal interface {
	journal.Source
	Acked() uint64
	Verify(ctx context.Context, fresh func() []journal.Fold) (journal.Report, error)
}

// Options of the handler.
type Options struct {
	Journal Journal
	Ledger  Ledger                // nil: no equation
	Folds   func() []journal.Fold // fresh ones for verify; nil: folds are not compared
	Health  func(context.Context) (health.Report, error)
	Log     *slog.Logger // nil: nothing is logged
}

// Handler serves the five paths.
func Handler(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{Options: o, slots: make(chan struct{}, maxRequests)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", h.status)
	mux.HandleFunc("GET /v1/health", h.health)
	mux.HandleFunc("GET /v1/journal/records", h.records)
	mux.HandleFunc("GET /v1/journal/verify", h.verify)
	mux.HandleFunc("GET /v1/journal/equation", h.equation)
	return h.bounded(mux)
}

type handler struct {
	Options
	slots chan struct{}
}

// bounded lets in so many requests at a time and takes no bodies.
func (h *handler) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		default:
			refuse(w, http.StatusServiceUnavailable, "too many requests at a time", "try again when the others are done")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 0)
		next.ServeHTTP(w, r)
	})
}

type problem struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func refuse(w http.ResponseWriter, status int, what, hint string) {
	answer(w, status, problem{what, hint})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// query reads a request's parameters; names that are not known are refused, so
// that a mistyped filter never looks like an empty list.
func query(r *http.Request, known ...string) (url.Values, error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the query cannot be read")
	}
	for name, values := range v {
		ok := false
		for _, k := range known {
			ok = ok || name == k
		}
		if !ok || len(values) != 1 {
			return nil, fmt.Errorf("parameter %q is not known or is there twice", name)
		}
	}
	return v, nil
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	if _, err := query(r); err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	j := h.Journal
	seq, hash := j.Head()
	answer(w, http.StatusOK, Status{j.Terminal(), j.Epoch(), seq, hash, j.Acked()})
}

func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	if _, err := query(r); err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	if h.Health == nil {
		refuse(w, http.StatusNotFound, "this terminal does not tell its health", "")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthWithin)
	defer cancel()
	report, err := h.Health(ctx)
	if err != nil {
		h.note("health", err)
		refuse(w, http.StatusServiceUnavailable, "the terminal's rooms do not answer", "if this stays so for a minute the daemon ends by itself and is started again")
		return
	}
	answer(w, http.StatusOK, report)
}

func filterOf(v url.Values) (f Filter, err error) {
	number := func(name string, bits int) uint64 {
		s := v.Get(name)
		if s == "" || err != nil {
			return 0
		}
		n, perr := strconv.ParseUint(s, 10, bits)
		if perr != nil {
			err = fmt.Errorf("%s is not a number that can be used", name)
		}
		return n
	}
	f = Filter{From: number("from", 63), Limit: int(number("limit", 31)), Last: int(number("last", 31)), Kind: v.Get("kind"), Visit: v.Get("visit")}
	if err == nil {
		err = f.check()
	}
	return f, err
}

// tail ends a list: without it the list was cut off.
type tail struct {
	End   bool   `json:"end"`
	Count int    `json:"count"`
	Error string `json:"error,omitempty"`
}

// lines writes a list of JSON lines, each within lineTimeout.
type lines struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	enc   *json.Encoder
	count int
}

func newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &lines{w: w, rc: http.NewResponseController(w), enc: enc}
}

func (l *lines) put(v any) error {
	l.count++
	return l.write(v)
}

func (l *lines) write(v any) error {
	if err := l.rc.SetWriteDeadline(time.Now().Add(lineTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return l.enc.Encode(v)
}

func (l *lines) end(err error) {
	t := tail{End: err == nil, Count: l.count}
	if err != nil {
		t.Error = err.Error()
	}
	_ = l.write(t) // whoever asked has gone
}

func (h *handler) records(w http.ResponseWriter, r *http.Request) {
	v, err := query(r, "from", "limit", "last", "kind", "visit")
	var f Filter
	if err == nil {
		f, err = filterOf(v)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	l := newLines(w)
	err = Select(r.Context(), h.Journal, f, func(rec journal.Record) error { return l.put(Entry{rec.Hash, rec}) })
	h.note("records", err)
	l.end(err)
}

func (h *handler) equation(w http.ResponseWriter, r *http.Request) {
	v, err := query(r, "periods")
	periods := false
	if err == nil && v.Has("periods") {
		periods, err = strconv.ParseBool(v.Get("periods"))
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	if h.Ledger == nil {
		refuse(w, http.StatusNotFound, "this terminal keeps no money", "")
		return
	}
	l := newLines(w)
	err = Equations(r.Context(), h.Journal, h.Ledger, periods, func(m Moment) error { return l.put(m) })
	h.note("equation", err)
	l.end(err)
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	if _, err := query(r); err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	rep, err := h.Journal.Verify(r.Context(), h.Folds)
	if err != nil {
		h.note("verify", err)
		refuse(w, http.StatusInternalServerError, err.Error(), hintOf(err))
		return
	}
	if !rep.OK() {
		h.Log.Error("the journal is not whole", "problems", len(rep.Problems), "first", rep.Problems[0].What)
	}
	answer(w, http.StatusOK, rep)
}

func (h *handler) note(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		h.Log.Warn("admin request ended early", "what", what, "error", err)
	}
}

// Listen opens the socket for its owner and its group (mode 0660). A socket that
// a killed process has left behind is replaced; one that somebody answers on, or
// a file that is no socket, is not.
func Listen(path string) (net.Listener, error) {
	l, err := socket.Listen(path, 0o660, "")
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return l, nil
}

// Serve serves h on l until ctx ends, and waits for the requests under way for a
// moment. It closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer done()
		err := s.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			cancel()
			err = s.Close()
		}
		stopped <- err
	})
	err := s.Serve(l)
	if stop() { // nobody asked for the end
		return errors.Join(fmt.Errorf("admin socket: %w", err), s.Close())
	}
	return <-stopped
}
