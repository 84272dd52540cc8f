package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestInterface(t *testing.T) {
	r := startRig(t, t.TempDir())
	for _, c := range []struct {
		name, path string
		body       any
		code       int
		says       string
	}{
		{"unknown action", "/api/validator", map[string]any{"action": "explode"}, 400, `"allowed":["busy"`},
		{"no action", "/api/printer", map[string]any{}, 400, `"allowed":["block_cutter"`},
		{"unknown field", "/api/validator", map[string]any{"action": "fail", "cod": 1}, 400, "cod"},
		{"impossible now", "/api/validator", map[string]any{"action": "power_on"}, 409, "on already"},
		{"unknown quality", "/api/notes", map[string]any{"denomination": 5, "quality": "odd"}, 400, `"good"`},
		{"no denomination", "/api/notes", map[string]any{}, 400, "denomination"},
		{"no such note", "/api/notes", map[string]any{"serial": "N9"}, 409, "hand"},
		{"unit not enabled", "/api/notes", map[string]any{"denomination": 5}, 200, `"taken":false`},
		{"unknown mode", "/api/network", map[string]any{"mode": "odd"}, 400, `"blackhole"`},
		{"no central", "/api/central", map[string]any{"mode": "fail"}, 502, "central"},
		{"unknown behaviour", "/api/central", map[string]any{"mode": "odd"}, 400, `"drop_answer"`},
		{"printer", "/api/printer", map[string]any{"action": "open_cover"}, 200, `"cover_open":true`},
	} {
		var raw []byte
		if code := r.call("POST", c.path, c.body, &raw); code != c.code || !strings.Contains(string(raw), c.says) {
			t.Errorf("%s: %d %s", c.name, code, raw)
		}
	}
}

func TestGuard(t *testing.T) {
	r := startRig(t, t.TempDir())
	for _, c := range []struct {
		name, method, path, host, origin, contentType, body string
		code                                                int
	}{
		{"own page", "GET", "/", "", "", "", "", 200},
		{"script", "GET", "/bench.js", "", "", "", "", 200},
		{"another name for loopback", "GET", "/api/state", "evil.example", "", "", "", 403},
		{"page of another site", "POST", "/api/reset", "", "http://evil.example", "application/json", "{}", 403},
		{"own origin", "POST", "/api/reset", "", "own", "application/json", "{}", 200},
		{"form of another site", "POST", "/api/reset", "", "", "text/plain", "{}", 415},
		{"wrong method", "GET", "/api/reset", "", "", "", "", 404},
		{"two values", "POST", "/api/reset", "", "", "application/json", "{}{}", 400},
		{"huge", "POST", "/api/notes", "", "", "application/json", `{"serial":"` + strings.Repeat("x", maxBody) + `"}`, 400},
	} {
		req, err := http.NewRequest(c.method, r.base+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		if c.origin == "own" {
			c.origin = r.base
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		req.Header.Set("Content-Type", c.contentType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.code {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.code)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", c.name, resp.Header)
		}
	}
}
