// Package enrol is a terminal's identity: the key and the certificate with which
// its network half speaks to central, how they are come by, and how they are kept
// fresh (protocols/central-sync.md section 7).
//
// A terminal is enrolled once, by a technician with a one-time code (Enrol). The
// code comes with the SHA-256 of central's root certificate: the root is fetched
// over a connection that nobody has verified, compared, and from then on it is the
// only one that is believed. In the same step the key with which kioskd run signs
// slips and checkpoints gets a certificate of its own. It is another key on
// purpose: whoever takes over the network half cannot make a receipt, because the
// two certificates say what each key is for.
//
// Before its certificate is too old a terminal asks for the next one under the
// current one (Renew).
//
// The identity lies in a folder of its own, which belongs to the network half:
//
//	terminal.key   the private key, mode 0400, in a machine without a TPM
//	terminal.pem   the certificate and the ones between it and the root
//	root.pem       the root, or two while one follows the other
//	run.pem        the certificate of the signing key of kioskd run
//	request.pem    a request that has not been answered yet
package enrol

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Key is a private key that can be used and not read: a file here, a TPM where
// there is one. Public and Sign are those of crypto.Signer; Sign may be called from
// several goroutines and may take a tenth of a second on a discrete chip. After
// Close nothing else may be called.
type Key interface {
	Public() crypto.PublicKey
	Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	Close() error
}

// Lives of certificates.
const (
	Life  = 90 * 24 * time.Hour // of a terminal's certificate
	Grace = 30 * 24 * time.Hour // after its end, on the path of renewal alone
)

// Names in certificates: the subject's common name is the terminal's UUID, and the
// subject alternative name is one of these URIs.
const (
	terminalPrefix = "urn:kiosk:terminal:"
	runSuffix      = ":run"
)

// TerminalURI is the name of a terminal's network half in its certificate.
func TerminalURI(terminal string) string { return terminalPrefix + terminal }

// RunURI is the name of its other half, which signs.
func RunURI(terminal string) string { return terminalPrefix + terminal + runSuffix }

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// ValidTerminal reports whether s is a UUID in lower case.
func ValidTerminal(s string) bool { return uuidForm.MatchString(s) }

// TerminalOf is the terminal that a client certificate names. It trusts nothing:
// whether the certificate is genuine is another question. A certificate of a
// signing key is none for a connection.
func TerminalOf(c *x509.Certificate) (string, error) {
	if len(c.URIs) != 1 || len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses) > 0 {
		return "", errors.New("the certificate does not name one terminal")
	}
	id, ok := strings.CutPrefix(c.URIs[0].String(), terminalPrefix)
	if !ok || !ValidTerminal(id) || c.Subject.CommonName != id {
		return "", errors.New("the certificate names no terminal")
	}
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || len(c.UnknownExtKeyUsage) > 0 {
		return "", errors.New("the certificate is not for clients alone")
	}
	return id, nil
}

// checkChain verifies what central has issued before anything relies on it: it
// leads to the root now, it is for this key, and it names one terminal.
func checkChain(chain []*x509.Certificate, roots *x509.CertPool, key crypto.PublicKey, now time.Time) (terminal string, err error) {
	if len(chain) == 0 {
		return "", errors.New("there is no certificate")
	}
	if err := verify(chain, roots, now, x509.ExtKeyUsageClientAuth); err != nil {
		return "", err
	}
	if !samePublic(chain[0].PublicKey, key) {
		return "", errors.New("the certificate is for another key")
	}
	return TerminalOf(chain[0])
}

// checkRun verifies the certificate of the signing key.
func checkRun(chain []*x509.Certificate, roots *x509.CertPool, key crypto.PublicKey, terminal string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("there is no certificate")
	}
	if err := verify(chain, roots, now, x509.ExtKeyUsageAny); err != nil {
		return err
	}
	c := chain[0]
	switch {
	case !samePublic(c.PublicKey, key):
		return errors.New("the certificate is for another key")
	case len(c.URIs) != 1 || c.URIs[0].String() != RunURI(terminal):
		return errors.New("the certificate names another terminal")
	}
	// It must not open a connection: a purpose that leaves clients out.
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		return errors.New("the certificate has no purpose")
	}
	for _, u := range c.ExtKeyUsage {
		if u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageServerAuth || u == x509.ExtKeyUsageAny {
			return errors.New("the certificate of the signing key is for connections")
		}
	}
	return nil
}

func verify(chain []*x509.Certificate, roots *x509.CertPool, now time.Time, usage x509.ExtKeyUsage) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return fmt.Errorf("the certificate does not lead to the root: %w", err)
	}
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
