package identity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

// authority is OpenSSL: an authority, a signer, a publisher of lists and a
// responder that share no code with what is tested.
type authority struct {
	t   *testing.T
	dir string
}

const opensslConfig = `
[ca]
default_ca = a
[a]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = issuing.pem
private_key = issuing.key
default_md = sha256
policy = any
default_days = 30
default_crl_days = 1
unique_subject = no
[any]
countryName = optional
commonName = optional
givenName = optional
surname = optional
serialNumber = optional
[req]
distinguished_name = dn
utf8 = yes
[dn]
[root]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[login]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = OCSP;URI:http://ocsp.example/
[sign]
keyUsage = critical,nonRepudiation
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
`

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t, t.TempDir()}
	a.write("ca.cnf", opensslConfig)
	a.write("index.txt", "")
	a.write("serial", "1000\n")
	a.write("crlnumber", "01\n")
	a.key("root", "ec")
	a.key("issuing", "rsa")
	a.run("req", "-new", "-x509", "-config", "ca.cnf", "-extensions", "root", "-key", "root.key", "-subj", "/C=AZ/CN=Root", "-days", "30", "-out", "root.pem")
	a.run("req", "-new", "-config", "ca.cnf", "-key", "issuing.key", "-subj", "/C=AZ/CN=Issuing", "-out", "issuing.csr")
	a.run("x509", "-req", "-in", "issuing.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "ca.cnf", "-extensions", "issuing", "-days", "30", "-out", "issuing.pem")
	return a
}

func (a *authority) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) read(name string) []byte {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authority) run(args ...string) {
	a.t.Helper()
	if out, err := a.try(args...); err != nil {
		a.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (a *authority) try(args ...string) ([]byte, error) {
	c := exec.Command("openssl", args...)
	c.Dir = a.dir
	return c.CombinedOutput()
}

func (a *authority) key(name, kind string) {
	if kind == "rsa" {
		a.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", name+".key")
		return
	}
	a.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name+".key")
}

// issue makes a card.
func (a *authority) issue(name, kind, extensions string) {
	a.t.Helper()
	a.key(name, kind)
	a.run("req", "-new", "-config", "ca.cnf", "-utf8", "-key", name+".key", "-subj", "/C=AZ/CN="+name+"/givenName=AYSEL/surname=NÜMUNƏ/serialNumber=PNOAZ-5ABC3T7", "-out", name+".csr")
	a.run("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", extensions, "-in", name+".csr", "-out", name+".pem")
}

func (a *authority) crl() *x509.RevocationList {
	a.t.Helper()
	a.run("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
	block, _ := pem.Decode(a.read("crl.pem"))
	l, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	return l
}

func (a *authority) cert(name string) *x509.Certificate {
	a.t.Helper()
	block, _ := pem.Decode(a.read(name + ".pem"))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// token has the card sign by "openssl dgst".
func (a *authority) token(name, kind, origin, nonce string) []byte {
	a.t.Helper()
	a.write("message", string(identitytest.Message(origin, nonce)))
	a.run("dgst", "-sha256", "-sign", name+".key", "-out", "sig", "message")
	sig, algorithm := a.read("sig"), "RS256"
	if kind == "ec" {
		var p struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(sig, &p); err != nil {
			a.t.Fatal(err)
		}
		sig, algorithm = append(p.R.FillBytes(make([]byte, 32)), p.S.FillBytes(make([]byte, 32))...), "ES256"
	}
	return identitytest.TokenOf(a.t, a.cert(name).Raw, algorithm, sig)
}

// answer is a responder without a network: "openssl ocsp" between two files.
func (a *authority) answer(signer string) identity.Ask {
	return func(_ context.Context, url string, request []byte) ([]byte, error) {
		if url != "http://ocsp.example/" {
			return nil, fmt.Errorf("asked %s", url)
		}
		a.write("request.der", string(request))
		out, err := a.try("ocsp", "-index", "index.txt", "-CA", "issuing.pem", "-rsigner", signer+".pem", "-rkey", signer+".key", "-reqin", "request.der", "-respout", "response.der", "-nmin", "5")
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		return a.read("response.der"), nil
	}
}

// What OpenSSL issues, signs, revokes and answers is understood, for both kinds of
// key, and what it would not accept is not accepted here.
func TestOpenSSL(t *testing.T) {
	a := newAuthority(t)
	for _, kind := range []string{"rsa", "ec"} {
		a.issue(kind, kind, "login")
	}
	a.issue("signing", "ec", "sign")
	a.issue("responder", "ec", "responder")
	now := func() time.Time { return time.Now().Add(time.Second) }
	trust := func(l ...*x509.RevocationList) identity.Trust {
		return identity.Trust{Roots: []*x509.Certificate{a.cert("root")}, Intermediates: []*x509.Certificate{a.cert("issuing")}, CRLs: l}
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
		tokens[kind] = a.token(kind, kind, origin, nonce)
	}
	fresh := a.crl()
	for kind, token := range tokens {
		expect(kind+", by list", token, trust(fresh), nil, "")
		expect(kind+", by responder", token, trust(), a.answer("responder"), "")
		expect(kind+", by the issuer itself", token, trust(), a.answer("issuing"), "")
		expect(kind+", by a card that answers", token, trust(), a.answer("ec"), identity.StatusUnknown)
		expect(kind+", without any word", token, trust(), nil, identity.StatusUnknown)
		expect(kind+", relayed", a.token(kind, kind, "https://asan1ogin.example.az", nonce), trust(fresh), nil, identity.SignatureFalse)
	}
	expect("the signing certificate", a.token("signing", "ec", origin, nonce), trust(fresh), nil, identity.CertPurpose)
	t.Run("the answer to another question", func(t *testing.T) {
		ask := a.answer("responder")
		if _, err := ask(t.Context(), "http://ocsp.example/", questionOf(t, a, tokens["rsa"])); err != nil {
			t.Fatal(err)
		}
		old := a.read("response.der") // it has the nonce of an earlier request
		replay := func(context.Context, string, []byte) ([]byte, error) { return old, nil }
		expect("replayed", tokens["rsa"], trust(), replay, identity.StatusUnknown)
	})

	a.run("ca", "-config", "ca.cnf", "-revoke", "rsa.pem", "-crl_hold", "holdInstructionNone")
	a.run("ca", "-config", "ca.cnf", "-revoke", "ec.pem", "-crl_reason", "keyCompromise")
	newer := a.crl()
	for kind, want := range map[string]identity.Reason{"rsa": identity.CertSuspended, "ec": identity.CertRevoked} {
		expect(kind+", by list", tokens[kind], trust(fresh, newer), nil, want)
		expect(kind+", by responder", tokens[kind], trust(fresh), a.answer("responder"), want)
	}
	// OpenSSL's own verdicts on the same files.
	a.write("chain.pem", string(a.read("root.pem"))+string(a.read("crl.pem")))
	if out, err := a.try("verify", "-CAfile", "chain.pem", "-untrusted", "issuing.pem", "-crl_check", "ec.pem"); err == nil || !bytes.Contains(out, []byte("revoked")) {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
	if out, err := a.try("verify", "-CAfile", "chain.pem", "-untrusted", "issuing.pem", "-crl_check", "responder.pem"); err != nil {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
}

// questionOf is the request that a token leads to.
func questionOf(t *testing.T, a *authority, token []byte) (request []byte) {
	t.Helper()
	tok, err := identity.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	v := identity.Verifier{Origin: origin, Rand: rand.Reader, Ask: func(_ context.Context, _ string, r []byte) ([]byte, error) {
		request = r
		return nil, errors.New("no answer")
	}}
	tr := identity.Trust{Roots: []*x509.Certificate{a.cert("root")}, Intermediates: []*x509.Certificate{a.cert("issuing")}}
	if _, err := v.Verify(t.Context(), tok, nonce, tr, time.Now().Add(time.Second)); err == nil || request == nil {
		t.Fatalf("no question: %v", err)
	}
	return request
}
