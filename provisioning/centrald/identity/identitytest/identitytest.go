// Package identitytest is a made-up certification authority for tests: it issues
// cards, signs login tokens with them, and answers for them by CRL and OCSP. What
// it makes is right unless a test alters the template.
//
// It is made of the same library as package identity. What an independent
// authority makes (OpenSSL) is tested in package identity itself.
package identitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// The test's person.
const (
	FIN     = "5ABC3T7"
	Given   = "AYSEL"
	Surname = "NÜMUNƏ"
)

// Authority issues certificates.
type Authority struct {
	tb    testing.TB
	Cert  *x509.Certificate
	Key   crypto.Signer
	At    time.Time // what it takes for now
	last  int64     // serial number
	crlNo int64
}

// Card is a certificate with its key.
type Card struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// ECKey is a key of P-256.
func ECKey() crypto.Signer {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// RSAKey is a key of so many bits; it is slow.
func RSAKey(bits int) crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

// Issuer is a card that plays the authority.
func (c Card) Issuer(tb testing.TB, at time.Time) *Authority {
	return &Authority{tb: tb, Cert: c.Cert, Key: c.Key, At: at}
}

// Root is a new root that is valid for ten years around at.
func Root(tb testing.TB, name string, at time.Time) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, Key: ECKey(), At: at}
	t := issuerTemplate(name, at)
	t.SerialNumber = big.NewInt(1)
	a.Cert = a.sign(t, t, a.Key)
	return a
}

// Issuing is a new authority below this one.
func (a *Authority) Issuing(name string, alter func(*x509.Certificate)) *Authority {
	a.tb.Helper()
	b := &Authority{tb: a.tb, Key: ECKey(), At: a.At}
	t := issuerTemplate(name, a.At)
	a.last++
	t.SerialNumber = big.NewInt(1000 + a.last)
	if alter != nil {
		alter(t)
	}
	b.Cert = a.sign(t, a.Cert, b.Key)
	return b
}

func issuerTemplate(name string, at time.Time) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{Country: []string{"AZ"}, CommonName: name}, NotBefore: at.AddDate(-5, 0, 0), NotAfter: at.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
}

func (a *Authority) sign(t, parent *x509.Certificate, subject crypto.Signer) *x509.Certificate {
	a.tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, t, parent, subject.Public(), a.Key)
	if err != nil {
		a.tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return c
}

// Issue is a card for the test's person, valid for a year around At; alter may be
// nil.
func (a *Authority) Issue(key crypto.Signer, alter func(*x509.Certificate)) Card {
	a.tb.Helper()
	a.last++
	t := &x509.Certificate{SerialNumber: big.NewInt(1000 + a.last), Subject: Subject("PNOAZ-"+FIN, Given, Surname),
		NotBefore: a.At.AddDate(0, -6, 0), NotAfter: a.At.AddDate(0, 6, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if alter != nil {
		alter(t)
	}
	return Card{a.sign(t, a.Cert, key), key}
}

// Subject is that of a person.
func Subject(number, given, surname string) pkix.Name {
	return pkix.Name{Country: []string{"AZ"}, SerialNumber: number, CommonName: given + " " + surname, ExtraNames: []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{2, 5, 4, 42}, Value: given}, {Type: asn1.ObjectIdentifier{2, 5, 4, 4}, Value: surname}}}
}

// Entry lists a certificate in a CRL.
func Entry(c *x509.Certificate, at time.Time, reason int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: at, ReasonCode: reason}
}

// CRL is a list of this moment that holds for a day; alter may be nil.
func (a *Authority) CRL(alter func(*x509.RevocationList), entries ...x509.RevocationListEntry) *x509.RevocationList {
	a.tb.Helper()
	a.crlNo++
	t := &x509.RevocationList{Number: big.NewInt(a.crlNo), ThisUpdate: a.At, NextUpdate: a.At.AddDate(0, 0, 1), RevokedCertificateEntries: entries}
	if alter != nil {
		alter(t)
	}
	der, err := x509.CreateRevocationList(rand.Reader, t, a.Cert, a.Key)
	if err != nil {
		a.tb.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return l
}

// OCSP is the answer about a card, signed by the authority or by responder.
func (a *Authority) OCSP(c *x509.Certificate, responder *Card, alter func(*ocsp.Response)) []byte {
	a.tb.Helper()
	t := ocsp.Response{Status: ocsp.Good, SerialNumber: c.SerialNumber, ThisUpdate: a.At, NextUpdate: a.At.Add(time.Hour), ProducedAt: a.At, IssuerHash: crypto.SHA1}
	if alter != nil {
		alter(&t)
	}
	by, key := a.Cert, a.Key
	if responder != nil {
		by, key = responder.Cert, responder.Key
		t.Certificate = responder.Cert
	}
	raw, err := ocsp.CreateResponse(a.Cert, by, t, key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return raw
}

// PEM is the authority's certificate as it lies in a trust folder.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw})
}

// Message is what a login key signs, before its algorithm hashes it.
func Message(origin, nonce string) []byte {
	o, n := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(nonce))
	return append(o[:], n[:]...)
}

// Token is the JSON of a token that the card has signed.
func (c Card) Token(tb testing.TB, origin, nonce string) []byte {
	tb.Helper()
	hash := sha256.Sum256(Message(origin, nonce))
	algorithm := "RS256"
	var sig []byte
	var err error
	if key, ok := c.Key.(*ecdsa.PrivateKey); ok {
		algorithm = "ES256"
		r, s, e := ecdsa.Sign(rand.Reader, key, hash[:])
		if err = e; err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	} else {
		sig, err = c.Key.Sign(rand.Reader, hash[:], crypto.SHA256)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return TokenOf(tb, c.Cert.Raw, algorithm, sig)
}

// TokenOf is the JSON of a token of these parts.
func TokenOf(tb testing.TB, der []byte, algorithm string, sig []byte) []byte {
	tb.Helper()
	raw, err := json.Marshal(map[string]string{"unverifiedCertificate": base64.StdEncoding.EncodeToString(der), "algorithm": algorithm,
		"signature": base64.StdEncoding.EncodeToString(sig), "format": "web-eid:1.0", "appVersion": "test"})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}
