package authority

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bureau is an authority with its server, at a date that the test chooses.
type bureau struct {
	*testing.T
	*Authority
	dir string
	now time.Time
	url string
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{T: t, dir: t.TempDir(), now: time.Now()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	b.url = server.URL
	b.open()
	return b
}

// open opens the authority as after a restart.
func (b *bureau) open() {
	b.Helper()
	a, err := Open(Options{Dir: filepath.Join(b.dir, "authority"), Trust: filepath.Join(b.dir, "trust"), URL: b.url,
		Now: func() time.Time { return b.now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Authority = a
}

// issue certifies a new key, by the national centre and for logging in unless
// changed, and keeps the certificate in a file.
func (b *bureau) issue(change ...func(*Request)) (der []byte, file string) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	r := Request{Issuer: ESign, Purpose: Login, Key: key.Public(),
		Subject: Subject{CommonName: "AYSEL NÜMUNƏ", GivenName: "AYSEL", Surname: "NÜMUNƏ", FIN: "5ABC3T7"}}
	for _, c := range change {
		c(&r)
	}
	if der, err = b.Issue(r); err != nil {
		b.Fatal(err)
	}
	file = filepath.Join(b.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		b.Fatal(err)
	}
	return der, file
}

func (b *bureau) trust(name string) string { return filepath.Join(b.dir, "trust", name) }

func openssl(args ...string) (string, error) {
	out, err := exec.Command("openssl", args...).CombinedOutput()
	return string(out), err
}

// verify is openssl's opinion of a certificate with the trust folder's roots, an
// issuing authority and its list.
func (b *bureau) verify(issuer Issuer, file string, more ...string) (string, error) {
	b.Helper()
	roots := filepath.Join(b.TempDir(), "roots.pem")
	var all []byte
	for _, i := range Trusted {
		p, err := os.ReadFile(b.trust(string(i) + "-root.pem"))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, p...)
	}
	if err := os.WriteFile(roots, all, 0o600); err != nil {
		b.Fatal(err)
	}
	issuing := filepath.Join(b.TempDir(), "issuing.pem")
	h := b.hierarchy[issuer]
	if err := os.WriteFile(issuing, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.issuing.cert.Raw}), 0o600); err != nil {
		b.Fatal(err)
	}
	args := append([]string{"verify", "-CAfile", roots, "-untrusted", issuing}, more...)
	return openssl(append(args, file)...)
}

// crlArgs make openssl check both lists of an issuer.
func (b *bureau) crlArgs(issuer Issuer) []string {
	b.Helper()
	var all []byte
	for _, what := range []string{"root", "issuing"} {
		der, err := os.ReadFile(b.trust(string(issuer) + "-" + what + ".crl"))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	file := filepath.Join(b.TempDir(), "lists.pem")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		b.Fatal(err)
	}
	return []string{"-crl_check_all", "-CRLfile", file}
}

func TestCertificatesToOpenSSL(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	for _, test := range []struct {
		name   string
		issuer Issuer
		change func(*Request)
		args   []string
		want   string // of openssl's output
	}{
		{"login", ESign, func(r *Request) {}, []string{"-purpose", "sslclient"}, "OK"},
		{"signing", ESign, func(r *Request) { r.Purpose = Signing }, nil, "OK"},
		{"seal", ESign, func(r *Request) {
			r.Purpose, r.Subject = Seal, Subject{CommonName: "NÜMUNƏ MMC", Organisation: "NÜMUNƏ MMC", VOEN: "1234567891"}
		}, nil, "OK"},
		{"of the banks' centre", BSXM, func(r *Request) { r.Issuer = BSXM }, nil, "OK"},
		{"expired", ESign, func(r *Request) { r.Validity = Expired }, nil, "certificate has expired"},
		{"not yet valid", ESign, func(r *Request) { r.Validity = Future }, nil, "certificate is not yet valid"},
		{"of nobody", Stranger, func(r *Request) { r.Issuer = Stranger }, nil, "unable to get local issuer certificate"},
		{"for a wrong purpose", ESign, func(r *Request) { r.Purpose = Wrong }, []string{"-purpose", "sslclient"}, "unsuitable certificate purpose"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, file := b.issue(test.change)
			args := append(test.args, "-x509_strict")
			if test.issuer != Stranger {
				args = append(args, b.crlArgs(test.issuer)...)
			}
			out, err := b.verify(test.issuer, file, args...)
			if (err == nil) != (test.want == "OK") || !strings.Contains(out, test.want) {
				t.Errorf("openssl verify: %v\n%swant %s", err, out, test.want)
			}
		})
	}
}

// What a person reads in a certificate, and what a program goes by.
func TestCertificateSays(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	_, login := b.issue()
	_, signing := b.issue(func(r *Request) { r.Purpose = Signing })
	for file, wants := range map[string][]string{
		login: {"CN = AYSEL N\\C3\\9CMUN\\C6\\8F", "SN = N\\C3\\9CMUN\\C6\\8F", "GN = AYSEL", "serialNumber = PNOAZ-5ABC3T7",
			"TEST National Certification Services Centre Issuing CA", "Digital Signature\n", "TLS Web Client Authentication",
			"OCSP - URI:" + b.url + "/ocsp", "URI:" + b.url + "/esign-issuing.crl"},
		signing: {"Non Repudiation\n"},
	} {
		out, err := openssl("x509", "-in", file, "-noout", "-text")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("openssl does not show %q in\n%s", want, out)
			}
		}
	}
}

// What the centre does with a certificate is in the lists and in the answers.
func TestStanding(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	for _, issuer := range Trusted {
		t.Run(string(issuer), func(t *testing.T) {
			der, file := b.issue(func(r *Request) { r.Issuer = issuer })
			for _, step := range []struct {
				name string
				do   func([]byte) error
				ocsp string
				list string // openssl's complaint
			}{
				{"issued", func([]byte) error { return nil }, ": good", ""},
				{"suspended", b.Suspend, "Reason: certificateHold", "certificate revoked"},
				{"resumed", b.Resume, ": good", ""},
				{"revoked", b.Revoke, "Reason: keyCompromise", "certificate revoked"},
			} {
				if err := step.do(der); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				out, err := b.verify(issuer, file, b.crlArgs(issuer)...)
				if (err == nil) != (step.list == "") || !strings.Contains(out, step.list) {
					t.Errorf("%s: openssl verify: %v\n%s", step.name, err, out)
				}
				out, err = b.ask(issuer, file)
				if err != nil || !strings.Contains(out, step.ocsp) || !strings.Contains(out, "Response verify OK") || strings.Contains(out, "WARNING") {
					t.Errorf("%s: openssl ocsp: %v\n%swant %s", step.name, err, out, step.ocsp)
				}
			}
			if b.Resume(der) == nil {
				t.Error("a revoked certificate was resumed")
			}
			b.open() // the bench is started again
			if got := b.Status(der); got != Revoked {
				t.Errorf("after a restart the certificate is %s", got)
			}
		})
	}
}

// ask is openssl's opinion of the answer to a question.
func (b *bureau) ask(issuer Issuer, file string, more ...string) (string, error) {
	args := append([]string{"ocsp"}, more...)
	args = append(args, "-issuer", b.trust(string(issuer)+"-issuing.pem"), "-cert", file, "-url", b.url+"/ocsp",
		"-CAfile", b.trust(string(issuer)+"-root.pem"), "-verify_other", b.trust(string(issuer)+"-issuing.pem"))
	return openssl(args...)
}

func TestOCSPAnswers(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	_, file := b.issue()
	elsewhere := newBureau(t)
	// A certificate that this centre never issued, asked about under its name.
	_, foreign := elsewhere.issue()
	for _, test := range []struct {
		name string
		how  Responding
		file string
		args []string
		want string
	}{
		{"good, named by SHA-256", Truthful, file, []string{"-sha256"}, ": good"},
		{"never issued", Truthful, foreign, nil, ": unknown"},
		{"all unknown", KnowsNone, file, nil, ": unknown"},
		{"try later", TryLater, file, nil, "Responder Error: trylater"},
		{"stale", Stale, file, nil, "WARNING: Status times invalid"},
		{"impostor", Impostor, file, nil, "Response Verify Failure"},
		{"forged", Forged, file, nil, "Response Verify Failure"},
		{"no nonce", NoNonce, file, nil, "WARNING: no nonce in response"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.SetResponding(test.how)
			out, _ := b.ask(ESign, test.file, test.args...)
			if !strings.Contains(out, test.want) {
				t.Errorf("openssl ocsp:\n%swant %s", out, test.want)
			}
		})
	}
	for name, garbage := range map[string]string{"nothing": "", "garbage": "garbage", "an empty SEQUENCE": "\x30\x00"} {
		if got := b.Answer([]byte(garbage)); !bytes.Equal(got, []byte{0x30, 3, 0x0A, 1, ocspMalformed}) {
			t.Errorf("%s: % X", name, got)
		}
	}
}

func TestListsAndFiles(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	der, _ := b.issue()
	if err := b.Suspend(der); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"esign-root.crl", "esign-issuing.crl", "bsxm-root.crl", "bsxm-issuing.crl"} {
		ca := strings.TrimSuffix(name, ".crl") + ".pem"
		out, err := openssl("crl", "-in", b.trust(name), "-inform", "DER", "-noout", "-text", "-CAfile", b.trust(ca))
		if err != nil || !strings.Contains(out, "verify OK") {
			t.Errorf("%s: openssl crl: %v\n%s", name, err, out)
		}
		if want := name == "esign-issuing.crl"; strings.Contains(out, "Certificate Hold") != want {
			t.Errorf("%s: a suspended certificate is on it: want %v\n%s", name, want, out)
		}
		resp, err := http.Get(b.url + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if list, err := x509.ParseRevocationList(body); err != nil || list.NextUpdate.Sub(list.ThisUpdate) != crlPeriod {
			t.Errorf("%s over HTTP: %v", name, err)
		}
	}
	entries, err := os.ReadDir(b.Trust())
	if err != nil || len(entries) != 8 {
		t.Errorf("the trust folder has %d files, want 8: %v", len(entries), entries)
	}
	keys, err := filepath.Glob(filepath.Join(b.dir, "authority", "*.key"))
	if err != nil || len(keys) != 9 {
		t.Errorf("%d keys, want 9", len(keys))
	}
	for _, k := range keys {
		if info, err := os.Stat(k); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, want -rw-------", filepath.Base(k), info.Mode())
		}
	}
}

// Cards that were made before the bench was started again are still good.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	_, file := b.issue()
	before := b.Roots()
	b.open()
	for i, root := range b.Roots() {
		if !root.Equal(before[i]) {
			t.Errorf("root %d was made anew", i)
		}
	}
	if out, err := b.verify(ESign, file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := b.ask(ESign, file); err != nil || !strings.Contains(out, ": good") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	for _, kind := range []KeyKind{RSA2048, P256, P384} {
		var keys []crypto.Signer
		for range 2 {
			k, err := OpenKey(file+string(kind), kind, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		if !keys[0].Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(keys[1].Public()) {
			t.Errorf("%s: another key the second time", kind)
		}
	}
	if _, err := OpenKey(file, "dsa", rand.Reader); err == nil {
		t.Error("a key of an unknown kind was made")
	}
}
