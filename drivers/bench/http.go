package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/action"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
)

//go:embed page
var pageFiles embed.FS

const maxBody = 64 << 10

// pkiPath is where the issuers of the cards' certificates publish and answer.
const pkiPath = "/pki"

// Errors by the status they are answered with.
type (
	badRequestError    struct{ error } // 400
	impossibleError    struct{ error } // 409
	upstreamError      struct{ error } // 502
	unknownActionError struct {        // 400, with what is allowed
		what, name string
		allowed    []string
	}
)

func (e upstreamError) Unwrap() error { return e.error }

func (e unknownActionError) Error() string { return fmt.Sprintf("unknown %s %q", e.what, e.name) }

// handler serves the interface and the page at the address host.
func (b *bench) handler(host string) http.Handler {
	mux := http.NewServeMux()
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /api/state", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, b.state()) })
	mux.HandleFunc("GET /api/events", b.serveEvents)
	mux.HandleFunc("GET /api/strips/{file}", b.serveStrip)
	mux.HandleFunc("GET /api/central", func(w http.ResponseWriter, r *http.Request) {
		raw, err := b.central.state(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	})
	mux.HandleFunc("POST /api/notes", post(func(_ *http.Request, o noteOrder) (any, error) { return b.insert(o) }))
	mux.HandleFunc("POST /api/validator", post(b.postValidator))
	mux.HandleFunc("POST /api/printer", post(b.postPrinter))
	mux.HandleFunc("POST /api/panel", post(b.postPanel))
	mux.HandleFunc("POST /api/network", post(func(_ *http.Request, o cableOrder) (any, error) {
		if err := b.cable.set(o); err != nil {
			return nil, err
		}
		b.hub.publish(event{Source: sourceNetwork, Kind: "mode", Text: o.Mode})
		return b.cable.status(), nil
	}))
	mux.HandleFunc("POST /api/central", post(func(r *http.Request, o behaviour) (any, error) {
		if err := b.central.behave(r.Context(), o); err != nil {
			return nil, err
		}
		b.hub.publish(event{Source: sourceCentral, Kind: "mode", Text: o.Mode})
		return o, nil
	}))
	mux.HandleFunc("POST /api/card", post(b.postCard))
	mux.HandleFunc("POST /api/pcscd", post(b.postPCSCD))
	mux.HandleFunc("POST /api/authority", post(b.postAuthority))
	mux.HandleFunc("GET /api/phone", func(w http.ResponseWriter, r *http.Request) {
		raw, err := b.central.phone(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	})
	mux.HandleFunc("POST /api/phone", post(b.postPhone))
	issuers := http.StripPrefix(pkiPath, b.authority.Handler())
	mux.Handle("GET "+pkiPath+"/", issuers)
	mux.Handle("POST "+pkiPath+"/", issuers)
	mux.HandleFunc("POST /api/reset", post(func(*http.Request, struct{}) (any, error) { return struct{}{}, b.reset() }))
	return guard(host, mux)
}

// guard lets in what comes from this machine's own pages and tests: a page of
// another site can neither read nor act, nor reach the bench under a name that
// resolves to loopback.
func guard(host string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(host)
	allowed := map[string]bool{host: true, net.JoinHostPort("localhost", port): true, net.JoinHostPort("127.0.0.1", port): true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		origin := r.Header.Get("Origin")
		switch {
		case !allowed[r.Host]:
			answer(w, http.StatusForbidden, errorBody{Error: "host " + strconv.Quote(r.Host) + " is not this bench"})
		case origin != "" && origin != "http://"+r.Host:
			answer(w, http.StatusForbidden, errorBody{Error: "origin " + strconv.Quote(origin) + " is not this bench"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

type errorBody struct {
	Error   string   `json:"error"`
	Allowed []string `json:"allowed,omitempty"`
}

func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		slog.Error("answer cannot be written", "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func fail(w http.ResponseWriter, err error) {
	body, status := errorBody{Error: err.Error()}, http.StatusInternalServerError
	var unknown unknownActionError
	switch {
	case errors.As(err, &unknown):
		status, body.Allowed = http.StatusBadRequest, unknown.allowed
	case errors.As(err, new(badRequestError)):
		status = http.StatusBadRequest
	case errors.As(err, new(impossibleError)):
		status = http.StatusConflict
	case errors.As(err, new(upstreamError)):
		status = http.StatusBadGateway
	case errors.Is(err, os.ErrNotExist):
		status = http.StatusNotFound
	default:
		slog.Error("request failed", "error", err)
	}
	answer(w, status, body)
}

// post decodes a body strictly and answers with what do returns.
func post[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			answer(w, http.StatusUnsupportedMediaType, errorBody{Error: "the body has to be application/json"})
			return
		}
		var body T
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&body); err != nil {
			fail(w, badRequestError{fmt.Errorf("body: %w", err)})
			return
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			fail(w, badRequestError{errors.New("body: more than one JSON value")})
			return
		}
		result, err := do(r, body)
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, result)
	}
}

// actionOf reads what is to happen to a device.
func actionOf[A any](known action.Table[A], body map[string]json.RawMessage) (a A, err error) {
	name, fields, err := actionBody(body)
	if err != nil {
		return a, err
	}
	a, err = known.Parse(name, fields)
	switch {
	case errors.As(err, new(action.UnknownError)):
		return a, unknownActionError{what: "action", name: name, allowed: known.Names()}
	case err != nil:
		return a, badRequestError{err}
	}
	return a, nil
}

// actionBody takes "action" out of a body and leaves the action's own fields.
func actionBody(body map[string]json.RawMessage) (name string, fields []byte, err error) {
	raw, ok := body["action"]
	if ok {
		err = json.Unmarshal(raw, &name)
	}
	if err != nil {
		return "", nil, badRequestError{fmt.Errorf("action: %w", err)}
	}
	delete(body, "action")
	fields, err = json.Marshal(body)
	return name, fields, err
}

func (b *bench) postValidator(_ *http.Request, body map[string]json.RawMessage) (any, error) {
	a, err := actionOf(validator.Actions, body)
	if err != nil {
		return nil, err
	}
	if err := b.doValidator(a); err != nil {
		return nil, err
	}
	return b.state().Validator, nil
}

func (b *bench) postPrinter(_ *http.Request, body map[string]json.RawMessage) (any, error) {
	a, err := actionOf(paperprinter.Actions, body)
	if err != nil {
		return nil, err
	}
	if err := b.doPrinter(a); err != nil {
		return nil, err
	}
	return b.state().Printer, nil
}

// serveStrip sends a strip as picture or bytes.
func (b *bench) serveStrip(w http.ResponseWriter, r *http.Request) {
	name, ext, _ := strings.Cut(r.PathValue("file"), ".")
	if name == "hanging" && (ext == "png" || ext == "pbm") {
		b.printer.mu.Lock()
		p := b.paper.p.Hanging()
		b.printer.mu.Unlock()
		sendPicture(w, ext, p)
		return
	}
	n, err := strconv.Atoi(name)
	info, known := b.store.strip(n)
	if err != nil || !known || ext != "png" && ext != "pbm" && ext != "bin" {
		answer(w, http.StatusNotFound, errorBody{Error: "no such strip"})
		return
	}
	file := ".pbm"
	if ext == "bin" {
		file = ".bin"
	}
	raw, err := b.store.content(n, file)
	if err != nil {
		fail(w, err)
		return
	}
	if ext == "bin" {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(raw)
		return
	}
	size := (info.Width + 7) / 8 * info.Height
	if len(raw) < size {
		fail(w, fmt.Errorf("strip %d: file is too short", n))
		return
	}
	sendPicture(w, ext, paperprinter.Picture{Width: info.Width, Height: info.Height, Bits: raw[len(raw)-size:]})
}

func sendPicture(w http.ResponseWriter, ext string, p paperprinter.Picture) {
	if ext == "pbm" {
		w.Header().Set("Content-Type", "image/x-portable-bitmap")
		_, _ = w.Write(p.PBM())
		return
	}
	var b bytes.Buffer
	if err := p.WritePNG(&b); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(b.Bytes())
}

// eventBeat keeps a quiet stream alive and finds a client that has gone.
const eventBeat = 5 * time.Second

// serveEvents is the stream of events.
func (b *bench) serveEvents(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	sub := b.hub.subscribe(r.URL.Query().Get("frames") == "1", after)
	defer b.hub.unsubscribe(sub)
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(eventBeat)
	defer beat.Stop()
	_, _ = io.WriteString(w, ": bench\n\n")
	for {
		if err := rc.Flush(); err != nil {
			return
		}
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			_, err = io.WriteString(w, ": beat\n\n")
		case e, ok := <-sub.queue:
			if !ok {
				return
			}
			var line []byte
			if line, err = json.Marshal(e); err == nil {
				_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, line)
			}
		}
		if err != nil {
			return
		}
	}
}
