package uplink

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// route is one thing that run may ask of central.
type route struct {
	name    string // as it stands in the log
	method  string
	path    []string // segments; see below
	media   string   // of the body; "" when there is none
	body    int64    // greatest body in bytes
	codings []string // of the body
	timeout time.Duration
}

// In a route's path: this terminal's own id, and a name of central's.
const (
	ownID = "{id}"
	word  = "{word}"
)

// routes is the list. What is not on it does not leave the machine: a program that
// has taken run over can do at central what a terminal does, and nothing else. The
// times are a little longer than run's own, so that run's are the first to end.
var routes = []route{
	{name: "records", method: http.MethodPost, path: []string{"v1", "terminals", ownID, "records"},
		media: centralapi.MediaRecords, body: centralapi.MaxBatchCoded, codings: []string{"zstd", "gzip"}, timeout: 65 * time.Second},
	{name: "head", method: http.MethodGet, path: []string{"v1", "terminals", ownID, "head"}, timeout: 15 * time.Second},
	{name: "query", method: http.MethodPost, path: []string{"v1", "terminals", ownID, "queries", word},
		media: centralapi.MediaJSON, body: centralapi.MaxBody, timeout: 65 * time.Second},
	{name: "action", method: http.MethodPost, path: []string{"v1", "terminals", ownID, "actions", word},
		media: centralapi.MediaJSON, body: centralapi.MaxBody, timeout: 25 * time.Second},
	{name: "action state", method: http.MethodGet, path: []string{"v1", "terminals", ownID, "actions", word, word}, timeout: 15 * time.Second},
	{name: "time", method: http.MethodGet, path: []string{"v1", "time"}, timeout: 15 * time.Second},
}

// Headers that go on to central, and back to run. All others end here, those of the
// connection (RFC 9110 section 7.6.1) among them.
var (
	upward   = []string{"Content-Type", "Content-Encoding", "Idempotency-Key", "Traceparent"}
	downward = []string{"Content-Type", "Retry-After", "Date"}
)

// Bounds of a request's parts.
const (
	maxWord   = 64 // bytes of an id, a kind or a key
	maxHeader = 256
)

// admit finds the route of a request and the headers that go on. It is a function
// of its arguments alone. uri is the request line's target as it was sent, before
// anything has decoded it.
func admit(terminal, method, uri string, h http.Header) (*route, http.Header, bool) {
	path, ok := strings.CutPrefix(uri, "/")
	if !ok || len(uri) > 512 {
		return nil, nil, false
	}
	segments := strings.Split(path, "/")
	for i := range routes {
		r := &routes[i]
		if r.method == method && r.fits(terminal, segments) {
			up, ok := r.headers(h)
			return r, up, ok
		}
	}
	return nil, nil, false
}

// fits compares segment by segment. A word has no character that anybody could
// decode, so that central cannot read the path in another way than this.
func (r *route) fits(terminal string, segments []string) bool {
	if len(segments) != len(r.path) {
		return false
	}
	for i, want := range r.path {
		switch want {
		case ownID:
			want = terminal
		case word:
			if !validWord(segments[i]) {
				return false
			}
			continue
		}
		if segments[i] != want || want == "" {
			return false
		}
	}
	return true
}

func validWord(s string) bool {
	if s == "" || len(s) > maxWord || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// headers are those that go on. One that is there twice, too long or not plain text
// is a request that run never sends.
func (r *route) headers(h http.Header) (http.Header, bool) {
	up := http.Header{"User-Agent": {"kiosk-uplink"}}
	for _, name := range upward {
		values := h[name]
		if len(values) == 0 {
			continue
		}
		if len(values) > 1 || len(values[0]) > maxHeader || strings.ContainsFunc(values[0], func(c rune) bool { return c < ' ' || c > '~' }) {
			return nil, false
		}
		up[name] = []string{values[0]}
	}
	media, coding := up.Get("Content-Type"), up.Get("Content-Encoding")
	if r.media == "" {
		up.Del("Content-Type")
		up.Del("Content-Encoding")
		return up, true
	}
	return up, media == r.media && (coding == "" || slices.Contains(r.codings, coding))
}
