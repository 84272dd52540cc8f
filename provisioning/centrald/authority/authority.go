// Package authority is the small certificate authority of the reference central: a
// root, and below it an issuer that signs the terminals' certificates and the
// server's own. Both keys lie in one folder, mode 0400; an operator who runs a
// fleet keeps the root's key elsewhere, since only a new issuer needs it.
//
// What a certificate is for stands in it, and each kind leaves the others out
// (protocols/central-sync.md section 7.2):
//
//   - a terminal's network half: client authentication, 90 days, its name a URI
//   - a terminal's signing key: document signing (RFC 9336), as long as the issuer
//   - the server: server authentication, renewed by itself, its key in memory only
//
// There is no revocation list: central asks its own row of the terminal at each
// request.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

const (
	year       = 365 * 24 * time.Hour
	rootLife   = 20 * year
	issuerLife = 10 * year
	serverLife = 90 * 24 * time.Hour
	// skew is how far a terminal's clock may be behind.
	skew = 5 * time.Minute
)

// documentSigning is id-kp-documentSigning (RFC 9336 section 3.1).
var documentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}

// Authority issues and checks certificates. It is safe for concurrent use.
type Authority struct {
	root, issuer *x509.Certificate
	key          crypto.Signer // the issuer's
	now          func() time.Time

	mu     sync.Mutex
	server *tls.Certificate
}

// Open reads the authority in a folder, and makes it if there is none.
func Open(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Authority{now: now}
	root, rootKey, err := readPair(dir, "root")
	if errors.Is(err, fs.ErrNotExist) {
		root, rootKey, err = a.make(dir, "root", "Kiosk central root", rootLife, 1, nil, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	a.root = root
	a.issuer, a.key, err = readPair(dir, "issuer")
	if errors.Is(err, fs.ErrNotExist) {
		a.issuer, a.key, err = a.make(dir, "issuer", "Kiosk central issuer", issuerLife, 0, root, rootKey)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	if err := a.issuer.CheckSignatureFrom(root); err != nil {
		return nil, fmt.Errorf("authority: the issuer in %s is not the root's: %w", dir, err)
	}
	return a, nil
}

// make makes a certificate of an authority; a nil parent is itself.
func (a *Authority) make(dir, name, common string, life time.Duration, below int, parent *x509.Certificate, parentKey crypto.Signer) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t, err := a.template(common, life)
	if err != nil {
		return nil, nil, err
	}
	t.IsCA, t.MaxPathLen, t.MaxPathLenZero = true, below, below == 0
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	if parent == nil {
		parent, parentKey = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	// The key first: a certificate without one would stop the next start.
	path := filepath.Join(dir, name)
	if err := enrol.Keep(path+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o400); err != nil {
		return nil, nil, err
	}
	return c, key, enrol.Keep(path+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// readPair reads a certificate and its key. A missing certificate is
// fs.ErrNotExist: the pair is not made yet.
func readPair(dir, name string) (*x509.Certificate, crypto.Signer, error) {
	text, err := os.ReadFile(filepath.Join(dir, name+".pem"))
	if err != nil {
		return nil, nil, err
	}
	key, err := enrol.OpenFileKey(filepath.Join(dir, name+".key"))
	if err != nil {
		return nil, nil, fmt.Errorf("%s has a certificate and no key: %v", name, err) // not ErrNotExist: nothing is made anew
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, fmt.Errorf("%s.pem holds no certificate", name)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s.pem: %w", name, err)
	}
	if public, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) {
		return nil, nil, fmt.Errorf("%s.pem is not for %s.key", name, name)
	}
	return c, key, nil
}

// template is a certificate that begins now; it never outlives the issuer.
func (a *Authority) template(common string, life time.Duration) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, err
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive and of full length (RFC 5280 section 4.1.2.2)
	now := a.now().UTC().Truncate(time.Second)
	end := now.Add(life)
	if a.issuer != nil && end.After(a.issuer.NotAfter) {
		end = a.issuer.NotAfter
	}
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: common},
		NotBefore: now.Add(-skew), NotAfter: end, BasicConstraintsValid: true,
	}, nil
}

// Root is the root certificate in DER; its SHA-256 travels with the codes.
func (a *Authority) Root() []byte { return a.root.Raw }

// RootSum is the SHA-256 of the root certificate.
func (a *Authority) RootSum() [sha256.Size]byte { return sha256.Sum256(a.root.Raw) }

// ParseRequest reads a CSR in PEM: its signature holds and its key is one that a
// TPM and a file can have alike.
func ParseRequest(text string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		return nil, errors.New("no certificate request in PEM")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate request cannot be read")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, errors.New("the certificate request is not signed by its own key")
	}
	if k, ok := r.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("the certificate request is not for a key on P-256")
	}
	return r, nil
}

// Terminal issues the certificate of a terminal's network half: the chain in PEM,
// and the end of its life. Nothing of the request but its key is used.
func (a *Authority) Terminal(id string, r *x509.CertificateRequest) (chain string, notAfter time.Time, err error) {
	t, err := a.template(id, enrol.Life)
	if err != nil {
		return "", time.Time{}, err
	}
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := a.issue(t, enrol.TerminalURI(id), r.PublicKey)
	return a.chain(der), t.NotAfter, err
}

// Run issues the certificate of a terminal's signing key.
func (a *Authority) Run(id string, key ed25519.PublicKey) (chain string, err error) {
	t, err := a.template(id, issuerLife)
	if err != nil {
		return "", err
	}
	t.KeyUsage, t.UnknownExtKeyUsage = x509.KeyUsageDigitalSignature, []asn1.ObjectIdentifier{documentSigning}
	der, err := a.issue(t, enrol.RunURI(id), key)
	return a.chain(der), err
}

func (a *Authority) issue(t *x509.Certificate, name string, key crypto.PublicKey) ([]byte, error) {
	u, err := url.Parse(name)
	if err != nil {
		return nil, err
	}
	t.URIs = []*url.URL{u}
	return x509.CreateCertificate(rand.Reader, t, a.issuer, key, a.key)
}

func (a *Authority) chain(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.issuer.Raw}))
}

// ErrExpired: the certificate is genuine and has run out.
var ErrExpired = errors.New("authority: the certificate has run out")

// Client finds the terminal that a connection's certificates prove. ErrExpired
// comes with the terminal, when the certificate was good until at most grace ago.
// That the other side has the key TLS has shown.
func (a *Authority) Client(shown []*x509.Certificate, grace time.Duration) (terminal string, err error) {
	if len(shown) == 0 {
		return "", errors.New("authority: no certificate was shown")
	}
	leaf, now := shown[0], a.now()
	at, late := now, false
	if now.After(leaf.NotAfter) && now.Sub(leaf.NotAfter) <= grace {
		at, late = leaf.NotAfter, true
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(a.root)
	between.AddCert(a.issuer)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return "", fmt.Errorf("authority: %w", err)
	}
	if terminal, err = enrol.TerminalOf(leaf); err != nil {
		return "", fmt.Errorf("authority: %w", err)
	}
	if late {
		return terminal, ErrExpired
	}
	return terminal, nil
}

// ServerConfig is TLS as central speaks it: 1.3 alone. A client may show a
// certificate; whether it must, and whether it is good, is decided for each
// request, because a connection may live longer than a certificate and one path
// needs none. names are the server's host names and addresses.
func (a *Authority) ServerConfig(names []string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert, Time: a.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.serverCertificate(names) },
	}
}

// serverCertificate is the server's own, made anew when a third of its life is left.
func (a *Authority) serverCertificate(names []string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil && a.now().Before(a.server.Leaf.NotAfter.Add(-serverLife/3)) {
		return a.server, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t, err := a.template("Kiosk central", serverLife)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.issuer, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a.server = &tls.Certificate{Certificate: [][]byte{der, a.issuer.Raw}, PrivateKey: key, Leaf: leaf}
	return a.server, nil
}
