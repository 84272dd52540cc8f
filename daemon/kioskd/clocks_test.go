package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink"
)

func TestClockOffset(t *testing.T) {
	date := time.Date(2026, 3, 1, 6, 0, 10, 0, time.UTC)
	for _, x := range []struct {
		now  time.Time
		want time.Duration
	}{
		{date, 0},
		{date.Add(999 * time.Millisecond), 0}, // the part of a second that a Date does not tell
		{date.Add(90 * time.Second), -90 * time.Second},
		{date.Add(-1500 * time.Millisecond), 2 * time.Second},
	} {
		if got := clockOffset(date, x.now); got != x.want {
			t.Errorf("at %v: %v, want %v", x.now, got, x.want)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCertExpiry(t *testing.T) {
	if certExpiry(nil) != nil {
		t.Error("an expiry without an uplink")
	}
	until := time.Date(2027, 3, 1, 6, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		name, body string
		status     int
		err        error
		good       bool
	}{
		{name: "a status", status: 200, body: `{"terminal":"DEMO-0001","central":"","since":"2026-03-01T06:00:00Z","not_after":"2027-03-01T06:00:00Z"}`, good: true},
		{name: "no date in it", status: 200, body: `{"terminal":"DEMO-0001"}`},
		{name: "refused", status: 404, body: `{"not_after":"2027-03-01T06:00:00Z"}`},
		{name: "no status", status: 200, body: `<p>`},
		{name: "nobody there", err: errors.New("connection refused")},
	} {
		got, err := certExpiry(transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != uplink.StatusPath {
				t.Errorf("asked for %s", r.URL.Path)
			}
			if x.err != nil {
				return nil, x.err
			}
			return &http.Response{StatusCode: x.status, Body: io.NopCloser(strings.NewReader(x.body)), Request: r}, nil
		}))(t.Context())
		if (err == nil) != x.good || x.good && !got.Equal(until) {
			t.Errorf("%s: %v, %v", x.name, got, err)
		}
	}
}
