// Package centraltest is the test twin of the network between a terminal and
// central: it hands requests to central's handler in the same thread, without
// sockets, goroutines or time of its own.
package centraltest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// Transport is an http.RoundTripper in front of a handler. The zero Before and
// After do nothing. It is not safe for concurrent use unless the hooks are.
type Transport struct {
	Handler http.Handler
	// Before sees a request before the handler does; an error means that the
	// request never arrived.
	Before func(*http.Request) error
	// After sees an answer; an error means that it was lost on its way back.
	After func(*http.Request, *http.Response) error
}

// RoundTrip carries one request to the handler. A handler that aborts
// (http.ErrAbortHandler) has closed the connection without an answer.
func (t *Transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, fmt.Errorf("centraltest: %w", err)
	}
	var body []byte
	if r.Body != nil {
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("centraltest: request body: %w", err)
		}
	}
	if t.Before != nil {
		if err := t.Before(r); err != nil {
			return nil, fmt.Errorf("centraltest: %w", err)
		}
	}
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body)).WithContext(r.Context())
	in.Header, in.Host = r.Header.Clone(), r.URL.Host
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			resp, err = nil, fmt.Errorf("centraltest: connection closed: %w", io.ErrUnexpectedEOF)
		} else if p != nil {
			panic(p)
		}
	}()
	t.Handler.ServeHTTP(w, in)
	resp = w.Result()
	resp.Request = r
	if t.After != nil {
		if err := t.After(r, resp); err != nil {
			return nil, fmt.Errorf("centraltest: %w", err)
		}
	}
	return resp, nil
}
