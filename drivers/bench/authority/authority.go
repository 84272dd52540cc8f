// Package authority is the test authority behind the bench's signature cards: what
// the country's certification centres are for real cards. It certifies card keys,
// revokes and suspends certificates, publishes lists of them (CRL, RFC 5280) and
// answers questions about them (OCSP, RFC 6960).
//
// There are two hierarchies that a terminal and its central trust, and one that
// nobody does:
//
//	esign    the national centre, whose cards are called e-imza
//	bsxm     the Bank Certification Services Centre
//	stranger somebody who only looks like them
//
// Each has a root, an issuing authority below it and a certificate for OCSP
// answers. They are made once and kept in a folder, so that cards stay good when
// the bench is started again; private keys are readable by their owner only. What
// others need stands in a second folder, the trust folder:
//
//	esign-root.pem  esign-issuing.pem  esign-root.crl  esign-issuing.crl
//	bsxm-root.pem   bsxm-issuing.pem   bsxm-root.crl   bsxm-issuing.crl
//
// The .crl files are DER and are written again whenever a certificate's standing
// changes. The stranger is not there.
//
// The names say TEST. None of it has any value outside a bench.
package authority

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Issuer is one hierarchy.
type Issuer string

const (
	ESign    Issuer = "esign"
	BSXM     Issuer = "bsxm"
	Stranger Issuer = "stranger"
)

// Trusted are the issuers that stand in the trust folder.
var Trusted = []Issuer{ESign, BSXM}

var issuers = []struct {
	name         Issuer
	organisation string
	rsa          bool // the kind of its keys: both kinds occur
}{
	{ESign, "TEST National Certification Services Centre", true},
	{BSXM, "TEST Bank Certification Services Centre", false},
	{Stranger, "TEST nobody's Certification Centre", false},
}

// Status is the standing of a certificate.
type Status string

const (
	Good      Status = "good"
	Revoked   Status = "revoked"
	Suspended Status = "suspended" // certificateHold: may be good again
	Unknown   Status = "unknown"   // never issued here
)

// Options of an authority.
type Options struct {
	// Dir keeps keys and the register, Trust is what others read. Both are made.
	Dir, Trust string
	// URL is where Handler is found, without a slash at its end:
	// "http://127.0.0.1:8481/pki". It stands in certificates. Empty: certificates say
	// nothing of OCSP and CRLs.
	URL  string
	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // nil: crypto/rand
}

// Authority is all three hierarchies. Its methods may be called from several
// goroutines.
type Authority struct {
	opt Options

	mu         sync.Mutex
	hierarchy  map[Issuer]*hierarchy
	register   register
	responding Responding
}

// hierarchy is the keys and certificates of one issuer.
type hierarchy struct {
	name                     Issuer
	root, issuing, responder identity
}

type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Open makes an authority in an empty folder, or opens the one that is there.
func Open(opt Options) (*Authority, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	for dir, mode := range map[string]os.FileMode{opt.Dir: 0o700, opt.Trust: 0o755} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return nil, err
		}
	}
	a := &Authority{opt: opt, hierarchy: map[Issuer]*hierarchy{}}
	for _, i := range issuers {
		h, err := a.openHierarchy(i.name, i.organisation, i.rsa)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", i.name, err)
		}
		a.hierarchy[i.name] = h
	}
	if err := a.register.open(filepath.Join(opt.Dir, "register.json")); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a, a.publish()
}

// Trust is the folder that others read.
func (a *Authority) Trust() string { return a.opt.Trust }

// URL is where Handler is found, as certificates say it.
func (a *Authority) URL() string { return a.opt.URL }

// openHierarchy reads an issuer's keys and certificates, or makes them.
func (a *Authority) openHierarchy(name Issuer, organisation string, rsa bool) (*hierarchy, error) {
	h := &hierarchy{name: name}
	var err error
	h.root, err = a.openIdentity(string(name)+"-root", rsa, func(key crypto.Signer) ([]byte, error) {
		t := caTemplate(a.opt.Now(), organisation, "Root CA", 1)
		return x509.CreateCertificate(a.opt.Rand, t, t, key.Public(), key)
	})
	if err != nil {
		return nil, err
	}
	h.issuing, err = a.openIdentity(string(name)+"-issuing", rsa, func(key crypto.Signer) ([]byte, error) {
		t := caTemplate(a.opt.Now(), organisation, "Issuing CA", 0)
		if a.opt.URL != "" {
			t.CRLDistributionPoints = []string{a.opt.URL + "/" + string(name) + "-root.crl"}
		}
		return x509.CreateCertificate(a.opt.Rand, t, h.root.cert, key.Public(), h.root.key)
	})
	if err != nil {
		return nil, err
	}
	h.responder, err = a.openIdentity(string(name)+"-ocsp", rsa, func(key crypto.Signer) ([]byte, error) {
		return x509.CreateCertificate(a.opt.Rand, responderTemplate(a.opt.Now(), organisation), h.issuing.cert, key.Public(), h.issuing.key)
	})
	return h, err
}

// openIdentity reads a key and its certificate, or makes both.
func (a *Authority) openIdentity(name string, rsa bool, certify func(crypto.Signer) ([]byte, error)) (identity, error) {
	keyFile, certFile := filepath.Join(a.opt.Dir, name+".key"), filepath.Join(a.opt.Dir, name+".pem")
	key, err := OpenKey(keyFile, kind(rsa), a.opt.Rand)
	if err != nil {
		return identity{}, err
	}
	der, err := readPEM(certFile, "CERTIFICATE")
	if os.IsNotExist(err) {
		if der, err = certify(key); err == nil {
			err = writePEM(certFile, "CERTIFICATE", der, 0o644)
		}
	}
	if err != nil {
		return identity{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return identity{}, fmt.Errorf("%s: %w", certFile, err)
	}
	return identity{cert: cert, key: key}, nil
}

func kind(rsa bool) KeyKind {
	if rsa {
		return RSA2048
	}
	return P256
}

// serialNumber is 16 random bytes, positive (RFC 5280 4.1.2.2 allows 20).
func (a *Authority) serialNumber() (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(a.opt.Rand, b); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x7F | 0x40
	return new(big.Int).SetBytes(b), nil
}
