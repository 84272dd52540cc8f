package uplink

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

const terminalID = "0196a000-0000-7000-8000-000000000001"

const own = "/v1/terminals/" + terminalID

func TestFilter(t *testing.T) {
	json := http.Header{"Content-Type": {centralapi.MediaJSON}}
	records := http.Header{"Content-Type": {centralapi.MediaRecords}, "Content-Encoding": {"zstd"}}
	for _, x := range []struct {
		method, uri string
		h           http.Header
		want        string // route; "" when it is refused
	}{
		{"POST", own + "/records", records, "records"},
		{"POST", own + "/records", http.Header{"Content-Type": {centralapi.MediaRecords}}, "records"},
		{"GET", own + "/head", nil, "head"},
		{"POST", own + "/queries/notification.lookup", json, "query"},
		{"POST", own + "/queries/login.asan.poll", json, "query"},
		{"POST", own + "/actions/notification.pay", json, "action"},
		{"GET", own + "/actions/notification.pay/key-00000001", nil, "action state"},
		{"GET", "/v1/time", nil, "time"},

		// What only the uplink itself asks, and what nobody asks from here.
		{"POST", own + "/certificate", json, ""},
		{"POST", "/v1/enrolments", json, ""},
		{"GET", "/v1/root", nil, ""},
		{"PUT", "/demo/v1/behaviour", json, ""},
		{"GET", "/", nil, ""},
		{"GET", "", nil, ""},
		// Another terminal, and ways to it.
		{"GET", "/v1/terminals/0196a000-0000-7000-8000-000000000002/head", nil, ""},
		{"GET", "/v1/terminals/" + strings.ToUpper(terminalID) + "/head", nil, ""},
		{"GET", "/v1/terminals//head", nil, ""},
		{"GET", own + "/../0196a000-0000-7000-8000-000000000002/head", nil, ""},
		{"POST", own + "/queries/..", json, ""},
		{"POST", own + "/queries/.", json, ""},
		{"POST", own + "/queries/%2e%2e", json, ""},
		{"POST", own + "/queries/a%2fb", json, ""},
		{"POST", own + "/queries/a/b", json, ""},
		{"GET", own + "/actions/a/..", nil, ""},
		{"GET", own + "/head/", nil, ""},
		{"GET", "/" + own + "/head", nil, ""},
		{"GET", own + "/head?x=1", nil, ""},
		{"GET", own + "/head#x", nil, ""},
		{"GET", own + ";x/head", nil, ""},
		{"GET", "http://elsewhere.example" + own + "/head", nil, ""},
		{"CONNECT", "elsewhere.example:443", nil, ""},
		{"OPTIONS", "*", nil, ""},
		{"POST", own + "/queries/" + strings.Repeat("a", 65), json, ""},
		// Another method, another form.
		{"PUT", own + "/records", records, ""},
		{"HEAD", own + "/head", nil, ""},
		{"get", own + "/head", nil, ""},
		{"POST", own + "/records", json, ""},
		{"POST", own + "/queries/a", nil, ""},
		{"POST", own + "/queries/a", http.Header{"Content-Type": {"text/plain"}}, ""},
		{"POST", own + "/queries/a", http.Header{"Content-Type": {centralapi.MediaJSON}, "Content-Encoding": {"zstd"}}, ""},
		{"POST", own + "/records", http.Header{"Content-Type": {centralapi.MediaRecords}, "Content-Encoding": {"br"}}, ""},
		{"POST", own + "/queries/a", http.Header{"Content-Type": {centralapi.MediaJSON, centralapi.MediaJSON}}, ""},
		{"POST", own + "/actions/a", http.Header{"Content-Type": {centralapi.MediaJSON}, "Idempotency-Key": {"a\x01b"}}, ""},
		{"POST", own + "/actions/a", http.Header{"Content-Type": {centralapi.MediaJSON}, "Idempotency-Key": {strings.Repeat("k", 257)}}, ""},
	} {
		r, _, ok := admit(terminalID, x.method, x.uri, x.h)
		got := ""
		if ok {
			got = r.name
		}
		if got != x.want {
			t.Errorf("%s %s: %q, want %q", x.method, x.uri, got, x.want)
		}
	}
}

// Of the headers only those of the contract go on; the others do not even stop a
// request.
func TestHeadersThatGoOn(t *testing.T) {
	_, up, ok := admit(terminalID, "POST", own+"/actions/a", http.Header{
		"Content-Type": {centralapi.MediaJSON}, "Idempotency-Key": {`"k"`}, "Traceparent": {"00-1-2-00"},
		"Connection": {"x-secret"}, "X-Secret": {"s"}, "Cookie": {"c"}, "Authorization": {"Bearer b"}, "Te": {"trailers"}, "Upgrade": {"websocket"},
		"Proxy-Authorization": {"p"}, "X-Forwarded-For": {"10.0.0.1"}, "Host": {"elsewhere"}, "User-Agent": {"run"},
	})
	if !ok {
		t.Fatal("refused")
	}
	var names []string
	for n := range up {
		names = append(names, n)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "Content-Type Idempotency-Key Traceparent User-Agent" || up.Get("User-Agent") != "kiosk-uplink" {
		t.Errorf("%s; %v", got, up)
	}
}

// Every path of the contract is either on the list or named here, with why it is not.
func TestListIsOfTheContract(t *testing.T) {
	left := map[string]string{
		"POST /v1/enrolments":                 "a technician's program asks it",
		"GET /v1/root":                        "likewise",
		"POST /v1/terminals/{id}/certificate": "the uplink asks it itself",
	}
	text, err := os.ReadFile("../../provisioning/centralapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	at := ""
	for _, line := range strings.Split(string(text), "\n") {
		if m := regexp.MustCompile(`^  (/v1/\S+):$`).FindStringSubmatch(line); m != nil {
			at = m[1]
		} else if strings.HasPrefix(line, "  /") || strings.HasPrefix(line, "components:") {
			at = ""
		} else if m := regexp.MustCompile(`^    (get|post|put|delete|patch):$`).FindStringSubmatch(line); m != nil && at != "" {
			seen[strings.ToUpper(m[1])+" "+at] = true
		}
	}
	for i := range routes {
		p := "/" + strings.Join(routes[i].path, "/")
		p = strings.Replace(strings.Replace(p, word, "{kind}", 1), word, "{key}", 1)
		left[routes[i].method+" "+p] = "on the list"
	}
	for operation := range seen {
		if left[operation] == "" {
			t.Errorf("%s is in the contract, not on the list, and nobody says why", operation)
		}
		delete(left, operation)
	}
	if len(left) > 0 || len(seen) < 9 {
		t.Errorf("not in the contract: %v", left)
	}
}

// What the filter lets through is read by others as the filter has read it: there
// is nothing to decode, nothing to clean, and the terminal in it is this one.
func FuzzFilter(f *testing.F) {
	f.Add("POST", own+"/records", "Content-Type", centralapi.MediaRecords)
	f.Add("GET", own+"/head", "X", "y")
	f.Add("GET", own+"/actions/notification.pay/key-00000001", "Traceparent", "00-1-2-00")
	f.Add("POST", own+"/queries/%2e%2e/../x", "Content-Type", centralapi.MediaJSON)
	f.Add("GET", "//v1/time?x#y", "Connection", "close")
	f.Fuzz(func(t *testing.T, method, uri, name, value string) {
		r, up, ok := admit(terminalID, method, uri, http.Header{name: {value}, http.CanonicalHeaderKey(name): {value}})
		if !ok {
			return
		}
		u, err := url.ParseRequestURI(uri)
		if err != nil || u.Path != uri || u.EscapedPath() != uri || u.Host != "" || u.RawQuery != "" || path.Clean(u.Path) != uri || strings.ContainsAny(uri, "%?#;\\ ") {
			t.Fatalf("%q is read as %+v (%v)", uri, u, err)
		}
		if segments := strings.Split(uri, "/"); segments[1] != "v1" || segments[2] != "time" && (segments[2] != "terminals" || segments[3] != terminalID) {
			t.Fatalf("%q is not this terminal's", uri)
		}
		if r.method != method || (method != http.MethodGet && method != http.MethodPost) {
			t.Fatalf("method %q for %s", method, r.name)
		}
		for n, v := range up {
			if n != "User-Agent" && !slices.Contains(upward, n) || len(v) != 1 || strings.ContainsAny(v[0], "\r\n\x00") {
				t.Fatalf("header %q: %q", n, v)
			}
		}
	})
}
