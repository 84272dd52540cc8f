package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// ServeHTTP answers one request of the contract.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/demo/") {
		// A page that a browser has open elsewhere must not steer the demo.
		if !s.o.Demo || r.Header.Get("Origin") != "" {
			writeProblem(w, refuse(centralapi.ProblemNotFound, "").Problem)
			return
		}
		s.serve(w, r)
		return
	}
	switch b := s.behave(r.URL.Path); b.Mode {
	case centralapi.BehaviourSlow:
		if s.o.Sleep(s.ending, time.Duration(deref(b.DelayMs))*time.Millisecond) != nil {
			panic(http.ErrAbortHandler) // central is ending
		}
	case centralapi.BehaviourFail:
		s.misbehave(w, deref(b.Status))
		return
	case centralapi.BehaviourDropAnswer:
		s.serve(&deafWriter{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
	s.serve(w, r)
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// deafWriter takes an answer that nobody will hear.
type deafWriter struct{ header http.Header }

func (d *deafWriter) Header() http.Header         { return d.header }
func (d *deafWriter) Write(b []byte) (int, error) { return len(b), nil }
func (d *deafWriter) WriteHeader(int)             {}

// misbehave answers as the demo was told to.
func (s *Server) misbehave(w http.ResponseWriter, status int) {
	switch {
	case status == http.StatusOK:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in to this network</title><p>Please sign in.</p>")
		return
	case status >= 300 && status < 400:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	}
	t := centralapi.ProblemInternal
	switch status {
	case http.StatusUnauthorized:
		t = centralapi.ProblemUnauthorised
	case http.StatusForbidden:
		t = centralapi.ProblemForbidden
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		t = centralapi.ProblemBusy
	}
	p := refuse(t, "").Problem
	if p.Status = status; status < 200 {
		p.Status = http.StatusInternalServerError
	}
	writeProblem(w, p)
}

// serve bounds and decodes the body before the generated code reads it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	records := strings.HasPrefix(r.URL.Path, "/v1/") && strings.HasSuffix(r.URL.Path, "/records")
	limit, media := int64(centralapi.MaxBody), centralapi.MediaJSON
	if records {
		limit, media = centralapi.MaxBatchCoded, centralapi.MediaRecords
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/reset") || r.Method == http.MethodPut {
		if m, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || m != media {
			writeProblem(w, refuse(centralapi.ProblemUnsupportedMedia, "").Problem)
			return
		}
		if records {
			if err := s.decode(r); err != nil {
				s.badRequest(w, r, err)
				return
			}
		} else if r.Header.Get("Content-Encoding") != "" {
			writeProblem(w, refuse(centralapi.ProblemUnsupportedCoding, "").Problem)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// decode replaces a batch's body by its decoded form, which is never longer than
// MaxBatchDecoded.
func (s *Server) decode(r *http.Request) error {
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
		return nil
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		r.Body = io.NopCloser(&bounded{r: z, left: centralapi.MaxBatchDecoded})
		return nil
	case "zstd":
		coded, err := io.ReadAll(r.Body)
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		b, err := s.zst.DecodeAll(coded, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			return refuse(centralapi.ProblemTooLarge, "")
		} else if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		return nil
	}
	return refuse(centralapi.ProblemUnsupportedCoding, "")
}

// bounded reads at most left bytes and then fails as too large.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, refuse(centralapi.ProblemTooLarge, "")
	}
	return n, err
}

// answer is the JSON of a kind's answer. The generated type of an open answer
// would lose its MarshalJSON and travel as base64.
type answer []byte

func (a answer) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", centralapi.MediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write(a)
	return err
}

// VisitPostActionResponse writes the answer of an action.
func (a answer) VisitPostActionResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitGetActionResponse writes what became of a key.
func (a answer) VisitGetActionResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitPostQueryResponse writes the answer of a query.
func (a answer) VisitPostQueryResponse(w http.ResponseWriter) error { return a.write(w) }
