package authority

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

const terminalID = "0196a000-0000-7000-8000-000000000001"

var noon = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func open(t *testing.T, dir string, c *clock) *Authority {
	t.Helper()
	a, err := Open(dir, c.time)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func requestOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func (a *Authority) mustTerminal(t *testing.T, id string) []*x509.Certificate {
	t.Helper()
	r, err := ParseRequest(requestOf(t, newKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := a.Terminal(id, r)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func parse(t *testing.T, text string) (chain []*x509.Certificate) {
	t.Helper()
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return chain
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
}

func TestWhoComesIn(t *testing.T) {
	c := &clock{noon}
	dir := t.TempDir()
	a := open(t, dir, c)
	other := open(t, t.TempDir(), c)
	chain := a.mustTerminal(t, terminalID)
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Run(terminalID, public)
	if err != nil {
		t.Fatal(err)
	}
	run := parse(t, text)
	a.ServerConfig([]string{"localhost"})
	server, err := a.serverCertificate([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	reopened := open(t, dir, c) // another start of central
	for _, x := range []struct {
		name  string
		shown []*x509.Certificate
		grace time.Duration
		after time.Duration
		want  string // a part of the error
	}{
		{"the terminal", chain, 0, 0, ""},
		{"without the issuer", chain[:1], 0, 0, ""},
		{"nobody", nil, 0, 0, "no certificate"},
		{"of another authority", other.mustTerminal(t, terminalID), 0, 0, "unknown authority"},
		{"the signing key", run, 0, 0, "incompatible key usage"},
		{"the server", []*x509.Certificate{server.Leaf}, 0, 0, "incompatible key usage"},
		{"the issuer", chain[1:], 0, 0, "authority:"},
		{"a name that is none", a.mustTerminal(t, "kiosk-7"), 0, 0, "names no terminal"},
		{"not yet", chain, enrol.Grace, -time.Hour, "not yet valid"},
		{"on its last day", chain, 0, 90*24*time.Hour - time.Minute, ""},
		{"run out", chain, 0, 90*24*time.Hour + time.Minute, "expired"},
		{"run out, on the path of renewal", chain, enrol.Grace, 120*24*time.Hour - time.Minute, "has run out"},
		{"run out for too long", chain, enrol.Grace, 120*24*time.Hour + time.Minute, "expired"},
	} {
		c.now = noon.Add(x.after)
		id, err := reopened.Client(x.shown, x.grace)
		switch {
		case x.want == "" && (err != nil || id != terminalID):
			t.Errorf("%s: %q %v", x.name, id, err)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: %q %v, want %q", x.name, id, err, x.want)
		case errors.Is(err, ErrExpired) != (x.want == "has run out") || (err == nil || errors.Is(err, ErrExpired)) != (id != ""):
			t.Errorf("%s: %q %v", x.name, id, err)
		}
	}
}

func TestRequests(t *testing.T) {
	good := requestOf(t, newKey(t))
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(good))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, text := range map[string]string{
		"none": "", "not PEM": "hello", "another kind": strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"),
		"more behind it": good + good, "P-384": requestOf(t, p384), "RSA": requestOf(t, small),
		"signed by nobody": string(pem.EncodeToMemory(block)),
	} {
		if _, err := ParseRequest(text); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := ParseRequest(good); err != nil {
		t.Error(err)
	}
}

// The server's own certificate is made anew in time, and a folder that is not whole
// is never filled up with a new authority beside the old one.
func TestFolder(t *testing.T) {
	c := &clock{noon}
	dir := t.TempDir()
	a := open(t, dir, c)
	first, err := a.serverCertificate([]string{"central.example.az", "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	if first.Leaf.VerifyHostname("central.example.az") != nil || first.Leaf.VerifyHostname("192.0.2.7") != nil {
		t.Error("the server's certificate has not its names")
	}
	c.now = noon.Add(serverLife / 2)
	if again, _ := a.serverCertificate(nil); again != first {
		t.Error("made anew too early")
	}
	c.now = noon.Add(serverLife * 3 / 4)
	if again, _ := a.serverCertificate(nil); again == first {
		t.Error("not made anew in time")
	}
	for _, name := range []string{"root.key", "issuer.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	sum := a.RootSum()
	if open(t, dir, c).RootSum() != sum {
		t.Error("another start has another root")
	}
	if err := os.Remove(filepath.Join(dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, c.time); err == nil || !strings.Contains(err.Error(), "a certificate and no key") {
		t.Errorf("without the root's key: %v", err)
	}
}

// OpenSSL reads our certificates as we mean them.
func TestOpenSSLAgrees(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is a part of Debian's base system for TLS; install openssl")
	}
	c := &clock{time.Now()}
	dir := t.TempDir()
	a := open(t, dir, c)
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.Run(terminalID, public)
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.serverCertificate([]string{"central.example.az"})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, chain ...*x509.Certificate) string {
		t.Helper()
		var text []byte
		for _, c := range chain {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	terminal := write("terminal.pem", a.mustTerminal(t, terminalID)...)
	signing := write("run.pem", parse(t, run)...)
	own := write("server.pem", server.Leaf, a.issuer)
	for _, x := range []struct {
		file, purpose string
		good          bool
	}{
		{terminal, "sslclient", true}, {terminal, "sslserver", false},
		{signing, "any", true}, {signing, "sslclient", false}, {signing, "sslserver", false},
		{own, "sslserver", true}, {own, "sslclient", false},
	} {
		out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", filepath.Join(dir, "root.pem"),
			"-untrusted", x.file, "-purpose", x.purpose, x.file).CombinedOutput()
		if (err == nil) != x.good {
			t.Errorf("%s as %s: %v\n%s", filepath.Base(x.file), x.purpose, err, out)
		}
	}
	out, err := exec.Command("openssl", "x509", "-in", terminal, "-noout", "-subject", "-ext", "subjectAltName,extendedKeyUsage,keyUsage").CombinedOutput()
	for _, want := range []string{"CN = " + terminalID, "URI:urn:kiosk:terminal:" + terminalID, "TLS Web Client Authentication", "Digital Signature"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}

// A request that OpenSSL has made, with a key of its own, is taken: what a TPM's
// tools make will be.
func TestRequestOfOpenSSL(t *testing.T) {
	csr := filepath.Join(t.TempDir(), "r.pem")
	out, err := exec.Command("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
		"-keyout", csr+".key", "-out", csr).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRequest(string(text))
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, t.TempDir(), &clock{noon})
	chain, _, err := a.Terminal(terminalID, r)
	if err != nil {
		t.Fatal(err)
	}
	if c := parse(t, chain)[0]; c.Subject.String() != "CN="+terminalID || len(c.Subject.Names) != 1 {
		t.Errorf("the request's subject has gone into the certificate: %s", c.Subject)
	}
}

// FuzzRequest: whatever is sent for a request, an answer comes, and what is taken can
// be certified.
func FuzzRequest(f *testing.F) {
	f.Add("")
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n")
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nMIHMMHQCAQAwEjEQMA4GA1UEAxMHa2lvc2stNzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA==\n-----END CERTIFICATE REQUEST-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRequest(text)
		if err == nil && (r.PublicKeyAlgorithm != x509.ECDSA || r.CheckSignature() != nil) {
			t.Fatalf("%q was taken", text)
		}
	})
}
