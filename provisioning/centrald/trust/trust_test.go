package trust

import (
	"bytes"
	"context"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

var noon = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What lies in the folder at this moment counts, each root for its method alone.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	f := New(dir, slog.New(slog.NewTextHandler(&log, nil)))
	expect := func(what, method string, roots, between, crls int) {
		t.Helper()
		got, err := f.For(method)
		if err != nil || len(got.Roots) != roots || len(got.Intermediates) != between || len(got.CRLs) != crls {
			t.Fatalf("%s: %d roots, %d issuing, %d lists, %v", what, len(got.Roots), len(got.Intermediates), len(got.CRLs), err)
		}
	}
	expect("empty", "esign_card", 0, 0, 0)
	esign, bsxm := identitytest.Root(t, "E", noon), identitytest.Root(t, "B", noon)
	put(t, dir, "esign-root.pem", esign.PEM())
	put(t, dir, "README.txt", []byte("not for us"))
	expect("one root", "esign_card", 1, 0, 0)
	expect("one root", "bsxm", 0, 0, 0)
	put(t, dir, "bsxm-root.pem", append(bsxm.PEM(), bsxm.PEM()...))
	put(t, dir, "esign-issuing.pem", esign.Issuing("I", nil).PEM())
	expect("both", "bsxm", 2, 1, 0)
	expect("both", "esign_card", 1, 1, 0)
	expect("both", "fin_password", 0, 1, 0)
	put(t, dir, "esign.crl", esign.CRL(nil).Raw)
	put(t, dir, "bsxm.crl", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: bsxm.CRL(nil).Raw}))
	expect("lists", "bsxm", 2, 1, 2)

	first, err := f.For("esign_card")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "esign.crl", esign.CRL(nil).Raw)
	if again, err := f.For("esign_card"); err != nil || again.CRLs[1].Number.Cmp(first.CRLs[1].Number) <= 0 {
		t.Fatalf("the new list does not count: %v", err)
	}

	if log.Len() > 0 {
		t.Fatalf("logged: %s", log.String())
	}
	put(t, dir, "esign.crl", esign.CRL(nil).Raw[:50])
	expect("a list cut short", "esign_card", 1, 1, 1)
	put(t, dir, "bsxm.crl", esign.PEM())
	expect("no list at all", "esign_card", 1, 1, 0)
	for _, bad := range [][]byte{nil, []byte("x"), esign.PEM()[:100], append(esign.PEM(), 'x'), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})} {
		put(t, dir, "esign-root.pem", bad)
		expect("a broken root", "esign_card", 0, 1, 0)
	}
	if !strings.Contains(log.String(), "file=esign-root.pem") {
		t.Fatalf("nobody is told: %s", log.String())
	}
}

func TestFolderBounds(t *testing.T) {
	if got, err := (*Folder)(nil).For("esign_card"); err != nil || got.Roots != nil {
		t.Fatalf("%v %v", got, err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := New(filepath.Join(t.TempDir(), "none"), log).For("esign_card"); err == nil {
		t.Fatal("a folder that is not there")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "x.crl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir, log).For("esign_card"); err == nil {
		t.Fatal("a folder for a file")
	}
	dir = t.TempDir()
	for i := range maxFiles + 1 {
		put(t, dir, strings.Repeat("a", i+1)+".crl", nil)
	}
	if _, err := New(dir, log).For("esign_card"); err == nil {
		t.Fatal("too many files")
	}
	dir = t.TempDir()
	put(t, dir, "a.crl", make([]byte, 20<<20))
	put(t, dir, "b.crl", make([]byte, 20<<20))
	if _, err := New(dir, log).For("esign_card"); err == nil {
		t.Fatal("too many bytes")
	}
}

func TestWhoIsAsked(t *testing.T) {
	named, demo := NewResponders([]string{"ocsp.example", "ocsp.example:8080"}, false), NewResponders(nil, true)
	for address, want := range map[string][2]bool{
		"http://ocsp.example/x":        {true, false},
		"https://ocsp.example":         {true, false},
		"http://ocsp.example:8080/":    {true, false},
		"http://ocsp.example:8081/":    {false, false},
		"http://ocsp.example.evil/":    {false, false},
		"http://u@ocsp.example/":       {false, false},
		"ftp://ocsp.example/":          {false, false},
		"ldap://ocsp.example/":         {false, false},
		"file:///etc/passwd":           {false, false},
		"http://127.0.0.1:8888/":       {false, true},
		"http://[::1]:8888/":           {false, true},
		"http://localhost:8888/":       {false, true},
		"http://localhost.example/":    {false, false},
		"http://127.0.0.1.example/":    {false, false},
		"http://169.254.169.254/":      {false, false},
		"http://192.0.2.1/":            {false, false},
		"http://0x7f000001/":           {false, false},
		"":                             {false, false},
		"http:///x":                    {false, false},
		"http://ocsp.example\n.evil/x": {false, false},
	} {
		if got := [2]bool{named.mayAsk(address), demo.mayAsk(address)}; got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
	if _, err := named.Ask(t.Context(), "http://127.0.0.1:1/", nil); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("got %v", err)
	}
}

func TestAsk(t *testing.T) {
	elsewhere := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaResponse)
		switch r.URL.Path {
		case "/good":
			if r.Method != http.MethodPost || r.Header.Get("Content-Type") != mediaRequest {
				t.Errorf("%s %s", r.Method, r.Header.Get("Content-Type"))
			}
			_, _ = w.Write([]byte("answer"))
		case "/long":
			_, _ = w.Write(make([]byte, maxAnswer+1))
		case "/page":
			w.Header().Set("Content-Type", "text/html")
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/away":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/elsewhere":
			elsewhere++
		}
	}))
	defer s.Close()
	r := NewResponders(nil, true)
	defer r.Close()
	if b, err := r.Ask(t.Context(), s.URL+"/good", []byte("q")); err != nil || string(b) != "answer" {
		t.Fatalf("%q %v", b, err)
	}
	for _, path := range []string{"/long", "/page", "/down", "/away"} {
		if b, err := r.Ask(t.Context(), s.URL+path, []byte("q")); err == nil {
			t.Errorf("%s: %q", path, b)
		}
	}
	if elsewhere != 0 {
		t.Error("it went where it was sent")
	}
}

// A responder that says nothing is waited for, but not for long.
func TestSilentResponder(t *testing.T) {
	block := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer s.Close()
	defer close(block)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := NewResponders(nil, true)
	defer r.Close()
	if r.client.Timeout != answerWithin {
		t.Fatal("nothing ends the wait but the caller")
	}
	if b, err := r.Ask(ctx, s.URL, nil); err == nil {
		t.Fatalf("%q", b)
	}
}
