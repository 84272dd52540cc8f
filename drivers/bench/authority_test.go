package main

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
)

// standing is what the interface says of a card's first certificate.
func (r *rig) standing(card string) authority.Status {
	r.t.Helper()
	for _, a := range r.state().Authority {
		if a.Card == card {
			return a.Status
		}
	}
	r.t.Fatalf("no certificate on %s", card)
	return ""
}

// listed counts the entries of the issuer's list, as it lies in the folder that
// central reads and as it is published.
func (r *rig) listed() int {
	r.t.Helper()
	file, err := os.ReadFile(filepath.Join(r.dir, "trust", "esign-issuing.crl"))
	if err != nil {
		r.t.Fatal(err)
	}
	var published []byte
	if code := r.call("GET", "/pki/esign-issuing.crl", nil, &published); code != http.StatusOK {
		r.t.Fatalf("the list is not published: %d", code)
	}
	var n [2]int
	for i, der := range [][]byte{file, published} {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			r.t.Fatal(err)
		}
		n[i] = len(list.RevokedCertificateEntries)
	}
	if n[0] != n[1] {
		r.t.Errorf("%d entries in the folder, %d published", n[0], n[1])
	}
	return n[0]
}

// A card's certificates are suspended and good again: in the state, in the list
// that central reads, and to the hub's listeners. What was revoked stays revoked.
func TestStanding(t *testing.T) {
	r := startRig(t, t.TempDir())
	events := r.listen("")
	before := r.listed()
	order := func(action, card string, want int) {
		t.Helper()
		if status := r.call("POST", "/api/authority", fields{"action": action, "card": card}, nil); status != want {
			t.Errorf("%s %s: %d, want %d", action, card, status, want)
		}
	}
	order("suspend", "citizen-p256", http.StatusOK)
	if s, n := r.standing("citizen-p256"), r.listed(); s != authority.Suspended || n != before+2 {
		t.Errorf("suspended: %s, %d entries after %d", s, n, before)
	}
	order("resume", "citizen-p256", http.StatusOK)
	if s, n := r.standing("citizen-p256"), r.listed(); s != authority.Good || n != before {
		t.Errorf("resumed: %s, %d entries after %d", s, n, before)
	}
	order("resume", "revoked", http.StatusConflict)
	order("revoke", "national-id", http.StatusConflict) // nothing to revoke
	order("revoke", "nobody", http.StatusBadRequest)
	order("forgive", "revoked", http.StatusBadRequest)
	for _, want := range []string{"suspended", "good"} {
		if e := <-events; e.Source != sourceAuthority || e.Card != "citizen-p256" || e.Text != want {
			t.Errorf("told %+v, want %s", e, want)
		}
	}
}

// The citizen's telephone is central's: the bench shows it and presses its keys.
func TestTelephone(t *testing.T) {
	var pressed []string
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Method == "GET" && r.URL.Path == "/demo/v1/phone":
			_, _ = io.WriteString(w, `{"sms":[{"to":"+994501234567","text":"123456","at":"2026-01-01T00:00:00Z"}],"asan":[]}`)
		case r.Method == "POST" && r.URL.Path == "/demo/v1/phone" && strings.Contains(string(body), "known"):
			pressed = append(pressed, string(body))
			_, _ = io.WriteString(w, `{}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer central.Close()
	r := startRig(t, t.TempDir(), func(o *options) { o.centralDemo = central.URL })
	var phone struct{ SMS []struct{ To, Text string } }
	if code := r.call("GET", "/api/phone", nil, &phone); code != http.StatusOK || len(phone.SMS) != 1 || phone.SMS[0].Text != "123456" {
		t.Errorf("%d %+v", code, phone)
	}
	for _, c := range []struct {
		attempt, answer string
		want            int
	}{
		{"known", "confirm", http.StatusOK},
		{"over", "refuse", http.StatusConflict},
		{"known", "shrug", http.StatusBadRequest},
	} {
		if code := r.call("POST", "/api/phone", fields{"attempt": c.attempt, "answer": c.answer}, nil); code != c.want {
			t.Errorf("%+v: %d", c, code)
		}
	}
	if len(pressed) != 1 || pressed[0] != `{"attempt":"known","answer":"confirm"}` {
		t.Errorf("pressed %q", pressed)
	}
}
