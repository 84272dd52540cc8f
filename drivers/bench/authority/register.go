package authority

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// register is what was issued and how it stands.
type register struct {
	file   string
	CRL    int64     `json:"crl"` // number of the last list
	Issued []*issued `json:"issued"`
}

type issued struct {
	Issuer Issuer    `json:"issuer"`
	Serial string    `json:"serial"` // hexadecimal
	Status Status    `json:"status"`
	Since  time.Time `json:"since,omitzero"` // of a standing that is not good
}

func hexSerial(n *big.Int) string { return fmt.Sprintf("%X", n) }

func (r *register) open(file string) error {
	r.file = file
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (r *register) save() error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return replace(r.file, b, 0o600)
}

func (r *register) find(issuer Issuer, serial *big.Int) *issued {
	s := hexSerial(serial)
	for _, i := range r.Issued {
		if i.Issuer == issuer && i.Serial == s {
			return i
		}
	}
	return nil
}

// ErrNotIssued: the authority did not issue this certificate.
var ErrNotIssued = errors.New("authority: the certificate was not issued here")

// entry finds a certificate in the register.
func (a *Authority) entry(der []byte) (*issued, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	for name, h := range a.hierarchy {
		if cert.CheckSignatureFrom(h.issuing.cert) == nil {
			if i := a.register.find(name, cert.SerialNumber); i != nil {
				return i, nil
			}
		}
	}
	return nil, ErrNotIssued
}

// Status is the standing of a certificate, Unknown if it was not issued here.
func (a *Authority) Status(der []byte) Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, err := a.entry(der)
	if err != nil {
		return Unknown
	}
	return i.Status
}

// Revoke takes a certificate back for good, Suspend for a while, and Resume ends a
// suspension. The lists in the trust folder change with it. What is so already
// stays so, with its date; a revoked certificate stays revoked.
func (a *Authority) Revoke(der []byte) error  { return a.set(der, Revoked) }
func (a *Authority) Suspend(der []byte) error { return a.set(der, Suspended) }
func (a *Authority) Resume(der []byte) error  { return a.set(der, Good) }

func (a *Authority) set(der []byte, s Status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, err := a.entry(der)
	if err != nil {
		return err
	}
	switch {
	case i.Status == s:
		return nil
	case i.Status == Revoked:
		return errors.New("authority: a revoked certificate stays revoked")
	}
	i.Status, i.Since = s, time.Time{}
	if s != Good {
		i.Since = a.opt.Now().UTC().Truncate(time.Second)
	}
	if err := a.register.save(); err != nil {
		return err
	}
	return a.publish()
}

// Periods of validity of what the authority says.
const (
	crlPeriod  = 7 * 24 * time.Hour
	ocspPeriod = time.Hour
)

// Reasons of revocation (RFC 5280 5.3.1).
const (
	reasonKeyCompromise   = 1
	reasonCertificateHold = 6
)

func (i *issued) reason() int {
	if i.Status == Suspended {
		return reasonCertificateHold
	}
	return reasonKeyCompromise
}

// Publish writes the trust folder with lists of today. It is done by itself at
// Open and whenever a standing changes; lists are good for a week.
func (a *Authority) Publish() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.publish()
}

func (a *Authority) publish() error {
	a.register.CRL++
	for _, name := range Trusted {
		h := a.hierarchy[name]
		for what, id := range map[string]identity{"root": h.root, "issuing": h.issuing} {
			base := filepath.Join(a.opt.Trust, string(name)+"-"+what)
			if err := writePEM(base+".pem", "CERTIFICATE", id.cert.Raw, 0o644); err != nil {
				return err
			}
			der, err := a.crl(h, id)
			if err != nil {
				return err
			}
			if err := replace(base+".crl", der, 0o644); err != nil {
				return err
			}
		}
	}
	return a.register.save()
}

// crl is the list of certificates that are not good any more (RFC 5280 5). The
// roots have issued one certificate each, and it is good.
func (a *Authority) crl(h *hierarchy, id identity) ([]byte, error) {
	now := a.opt.Now().UTC().Truncate(time.Second)
	t := &x509.RevocationList{Number: big.NewInt(a.register.CRL), ThisUpdate: now, NextUpdate: now.Add(crlPeriod)}
	for _, i := range a.register.Issued {
		if id.cert != h.issuing.cert || i.Issuer != h.name || i.Status == Good {
			continue
		}
		serial, ok := new(big.Int).SetString(i.Serial, 16)
		if !ok {
			return nil, fmt.Errorf("authority: register: serial number %q", i.Serial)
		}
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: serial, RevocationTime: i.Since, ReasonCode: i.reason()})
	}
	return x509.CreateRevocationList(a.opt.Rand, t, id.cert, id.key)
}
