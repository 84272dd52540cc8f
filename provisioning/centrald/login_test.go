package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

// start runs the program with these further arguments until the test ends.
func start(t *testing.T, args ...string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c := exec.Command(os.Args[0], append([]string{"--listen", address, "--store", filepath.Join(t.TempDir(), "central.db"), "--demo"}, args...)...)
	c.Env = append(os.Environ(), "CENTRALD_TEST_MAIN=1", "GORACE=atexit_sleep_ms=0")
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.Contains(s.Text(), "central listens") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the program
			return "http://" + address
		}
	}
	t.Fatal("it did not start")
	return ""
}

// The whole program with an authority that is not ours: cards of OpenSSL, its list
// in the trust folder, and its responder over HTTP, named by the certificate or by
// the operator.
func TestSignIn(t *testing.T) {
	var a *identitytest.OpenSSL
	var asked atomic.Int32
	responder := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		request, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		answer, err := a.Answer("responder", request)
		if err != nil {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(answer)
	}))
	address := "http://" + responder.Listener.Addr().String()
	a = identitytest.NewOpenSSL(t, address+"/named")
	responder.Start()
	defer responder.Close()
	a.Issue("rsa", "rsa", "login")
	a.Issue("ec", "ec", "login")
	trust := t.TempDir()
	place := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(trust, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	place("esign-root.pem", a.File("root.pem"))
	place("esign-issuing.pem", a.File("issuing.pem"))

	for name, x := range map[string]struct {
		origin string
		args   []string
	}{
		"the certificates' responder": {server.DefaultOrigin, nil},
		"the operator's responder":    {"https://asanlogin.test:8443", []string{"--origin", "https://asanlogin.test:8443", "--ocsp", responder.URL + "/own"}},
	} {
		t.Run(name, func(t *testing.T) {
			login := signer(t, a, start(t, append(x.args, "--trust", trust)...))
			before := asked.Load()
			login("rsa", x.origin, "found")
			login("ec", x.origin, "found")
			if asked.Load() != before+2 {
				t.Fatalf("the responder was asked %d times", asked.Load()-before)
			}
			login("ec", "https://asan1ogin.example.az", "blocked signature_false")
			if asked.Load() != before+2 {
				t.Fatal("somebody was asked about a token that does not hold")
			}
		})
	}
	a.Run("ca", "-config", "ca.cnf", "-revoke", "ec.pem")
	a.CRL()
	place("esign.crl", a.File("crl.pem"))
	signer(t, a, start(t, "--trust", trust))("ec", server.DefaultOrigin, "blocked cert_revoked")
}

// signer signs in at url with a card, for an origin, and expects what comes of it.
func signer(t *testing.T, a *identitytest.OpenSSL, url string) func(card, origin, want string) {
	type answer struct {
		Outcome, Reason string
		Challenge       struct{ Attempt, Nonce string }
		Session         struct{ Name string }
	}
	query := func(kind, body string) (got answer) {
		t.Helper()
		r, err := http.Post(url+"/v1/terminals/t1/queries/"+kind, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK || json.Unmarshal(b, &got) != nil {
			t.Fatalf("%s: status %d: %s %v", kind, r.StatusCode, b, err)
		}
		return got
	}
	return func(card, origin, want string) {
		t.Helper()
		c := query("login.challenge", `{"method":"esign_card"}`).Challenge
		got := query("login.card", fmt.Sprintf(`{"attempt":%q,"token":%s}`, c.Attempt, a.Token(card, card, origin, c.Nonce)))
		if strings.TrimSpace(got.Outcome+" "+got.Reason) != want || (want == "found") != (got.Session.Name == "AYSEL NÜMUNƏ") {
			t.Fatalf("%s: %+v, want %s", card, got, want)
		}
	}
}
