package identity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

const responder = "http://ocsp.example/"

// by is OpenSSL as a responder, with this certificate's key.
func by(a *identitytest.OpenSSL, signer string) identity.Ask {
	return func(_ context.Context, url string, request []byte) ([]byte, error) {
		if url != responder {
			return nil, fmt.Errorf("asked %s", url)
		}
		return a.Answer(signer, request)
	}
}

// What OpenSSL issues, signs, revokes and answers is understood, for both kinds of
// key, and what it would not accept is not accepted here.
func TestOpenSSL(t *testing.T) {
	a := identitytest.NewOpenSSL(t, responder)
	for _, kind := range []string{"rsa", "ec"} {
		a.Issue(kind, kind, "login")
	}
	a.Issue("signing", "ec", "sign")
	now := func() time.Time { return time.Now().Add(time.Second) }
	trust := func(l ...*x509.RevocationList) identity.Trust {
		return identity.Trust{Roots: []*x509.Certificate{a.Cert("root")}, Intermediates: []*x509.Certificate{a.Cert("issuing")}, CRLs: l}
	}
	expect := func(what string, token []byte, tr identity.Trust, ask identity.Ask, want identity.Reason) {
		t.Helper()
		p, got := verify(t, token, tr, identity.Verifier{Ask: ask}, now())
		if got != want {
			t.Fatalf("%s: refused %q, want %q", what, got, want)
		}
		if person := (identity.Person{FIN: "5ABC3T7", Name: "AYSEL NÜMUNƏ"}); got == "" && p != person {
			t.Fatalf("%s: signed in as %+v", what, p)
		}
	}
	tokens := map[string][]byte{}
	for _, kind := range []string{"rsa", "ec"} {
		tokens[kind] = a.Token(kind, kind, origin, nonce)
	}
	fresh := a.CRL()
	for kind, token := range tokens {
		expect(kind+", by list", token, trust(fresh), nil, "")
		expect(kind+", by responder", token, trust(), by(a, "responder"), "")
		expect(kind+", by the issuer itself", token, trust(), by(a, "issuing"), "")
		expect(kind+", by a card that answers", token, trust(), by(a, "ec"), identity.StatusUnknown)
		expect(kind+", without any word", token, trust(), nil, identity.StatusUnknown)
		expect(kind+", relayed", a.Token(kind, kind, "https://asan1ogin.example.az", nonce), trust(fresh), nil, identity.SignatureFalse)
	}
	expect("the signing certificate", a.Token("signing", "ec", origin, nonce), trust(fresh), nil, identity.CertPurpose)
	t.Run("the answer to another question", func(t *testing.T) {
		ask := by(a, "responder")
		if _, err := ask(t.Context(), responder, questionOf(t, a, tokens["rsa"])); err != nil {
			t.Fatal(err)
		}
		old := a.File("response.der") // it has the nonce of an earlier request
		replay := func(context.Context, string, []byte) ([]byte, error) { return old, nil }
		expect("replayed", tokens["rsa"], trust(), replay, identity.StatusUnknown)
	})

	a.Run("ca", "-config", "ca.cnf", "-revoke", "rsa.pem", "-crl_hold", "holdInstructionNone")
	a.Run("ca", "-config", "ca.cnf", "-revoke", "ec.pem", "-crl_reason", "keyCompromise")
	newer := a.CRL()
	for kind, want := range map[string]identity.Reason{"rsa": identity.CertSuspended, "ec": identity.CertRevoked} {
		expect(kind+", by list", tokens[kind], trust(fresh, newer), nil, want)
		expect(kind+", by responder", tokens[kind], trust(fresh), by(a, "responder"), want)
	}
	// OpenSSL's own verdicts on the same files.
	if out, err := a.Try("verify", "-CAfile", "root.pem", "-CRLfile", "crl.pem", "-untrusted", "issuing.pem", "-crl_check", "ec.pem"); err == nil || !bytes.Contains(out, []byte("revoked")) {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
	if out, err := a.Try("verify", "-CAfile", "root.pem", "-CRLfile", "crl.pem", "-untrusted", "issuing.pem", "-crl_check", "responder.pem"); err != nil {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
}

// questionOf is the request that a token leads to.
func questionOf(t *testing.T, a *identitytest.OpenSSL, token []byte) (request []byte) {
	t.Helper()
	tok, err := identity.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	v := identity.Verifier{Origin: origin, Rand: rand.Reader, Ask: func(_ context.Context, _ string, r []byte) ([]byte, error) {
		request = r
		return nil, errors.New("no answer")
	}}
	tr := identity.Trust{Roots: []*x509.Certificate{a.Cert("root")}, Intermediates: []*x509.Certificate{a.Cert("issuing")}}
	if _, err := v.Verify(t.Context(), tok, nonce, tr, time.Now().Add(time.Second)); err == nil || request == nil {
		t.Fatalf("no question: %v", err)
	}
	return request
}
