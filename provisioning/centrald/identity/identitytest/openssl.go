package identitytest

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// OpenSSL is an authority, a signer, a publisher of lists and a responder that
// share no code with what is tested: the program of that name, in a folder of its
// own. Its root is in root.pem, and issuing.pem issues below it, in real time.
type OpenSSL struct {
	tb  testing.TB
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
authorityInfoAccess = OCSP;URI:RESPONDER
[sign]
keyUsage = critical,nonRepudiation
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
`

// NewOpenSSL makes a root and an authority below it; the cards name responder.
func NewOpenSSL(tb testing.TB, responder string) *OpenSSL {
	tb.Helper()
	a := &OpenSSL{tb, tb.TempDir()}
	a.write("ca.cnf", strings.Replace(opensslConfig, "RESPONDER", responder, 1))
	a.write("index.txt", "")
	a.write("serial", "1000\n")
	a.write("crlnumber", "01\n")
	a.key("root", "ec")
	a.key("issuing", "rsa")
	a.Run("req", "-new", "-x509", "-config", "ca.cnf", "-extensions", "root", "-key", "root.key", "-subj", "/C=AZ/CN=Root", "-days", "30", "-out", "root.pem")
	a.Run("req", "-new", "-config", "ca.cnf", "-key", "issuing.key", "-subj", "/C=AZ/CN=Issuing", "-out", "issuing.csr")
	a.Run("x509", "-req", "-in", "issuing.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "ca.cnf", "-extensions", "issuing", "-days", "30", "-out", "issuing.pem")
	a.Issue("responder", "ec", "responder")
	return a
}

func (a *OpenSSL) write(name, text string) {
	a.tb.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.tb.Fatal(err)
	}
}

// File is what lies in the folder.
func (a *OpenSSL) File(name string) []byte {
	a.tb.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		a.tb.Fatal(err)
	}
	return b
}

// Run runs openssl in the folder.
func (a *OpenSSL) Run(args ...string) {
	a.tb.Helper()
	if out, err := a.Try(args...); err != nil {
		a.tb.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Try is Run for what may fail.
func (a *OpenSSL) Try(args ...string) ([]byte, error) {
	c := exec.Command("openssl", args...)
	c.Dir = a.dir
	return c.CombinedOutput()
}

func (a *OpenSSL) key(name, kind string) {
	if kind == "rsa" {
		a.Run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", name+".key")
		return
	}
	a.Run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name+".key")
}

// Issue makes a card for the test's person: its key is rsa or ec, its extensions
// login, sign or responder.
func (a *OpenSSL) Issue(name, kind, extensions string) {
	a.tb.Helper()
	a.key(name, kind)
	a.Run("req", "-new", "-config", "ca.cnf", "-utf8", "-key", name+".key", "-subj", "/C=AZ/CN="+name+"/givenName=AYSEL/surname=NÜMUNƏ/serialNumber=PNOAZ-5ABC3T7", "-out", name+".csr")
	a.Run("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", extensions, "-in", name+".csr", "-out", name+".pem")
}

// CRL publishes a list, in crl.pem as well.
func (a *OpenSSL) CRL() *x509.RevocationList {
	a.tb.Helper()
	a.Run("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
	block, _ := pem.Decode(a.File("crl.pem"))
	l, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		a.tb.Fatal(err)
	}
	return l
}

// Cert is the certificate in name.pem.
func (a *OpenSSL) Cert(name string) *x509.Certificate {
	a.tb.Helper()
	block, _ := pem.Decode(a.File(name + ".pem"))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.tb.Fatal(err)
	}
	return c
}

// Token has the card sign by "openssl dgst".
func (a *OpenSSL) Token(name, kind, origin, nonce string) []byte {
	a.tb.Helper()
	var message []byte
	for _, part := range []string{origin, nonce} {
		a.write("part", part)
		a.Run("dgst", "-sha256", "-binary", "-out", "hash", "part")
		message = append(message, a.File("hash")...)
	}
	a.write("message", string(message))
	a.Run("dgst", "-sha256", "-sign", name+".key", "-out", "sig", "message")
	sig, algorithm := a.File("sig"), "RS256"
	if kind == "ec" {
		var p struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(sig, &p); err != nil {
			a.tb.Fatal(err)
		}
		sig, algorithm = append(p.R.FillBytes(make([]byte, 32)), p.S.FillBytes(make([]byte, 32))...), "ES256"
	}
	return TokenOf(a.tb, a.Cert(name).Raw, algorithm, sig)
}

// Answer is a responder without a network: "openssl ocsp" between two files.
func (a *OpenSSL) Answer(signer string, request []byte) ([]byte, error) {
	a.write("request.der", string(request))
	out, err := a.Try("ocsp", "-index", "index.txt", "-CA", "issuing.pem", "-rsigner", signer+".pem", "-rkey", signer+".key",
		"-reqin", "request.der", "-respout", "response.der", "-nmin", "5")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return a.File("response.der"), nil
}
