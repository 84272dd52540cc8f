package authority

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// Subject is a person, or an organisation with its seal.
type Subject struct {
	CommonName string // as it is shown: "AYSEL NÜMUNƏ"
	GivenName  string
	Surname    string
	FIN        string // personal identification number, seven characters

	Organisation string // of a seal
	VOEN         string // its taxpayer identification number, ten digits
}

// Purpose is what a certificate is for.
type Purpose string

const (
	Login   Purpose = "login"   // digitalSignature, clientAuth
	Signing Purpose = "signing" // nonRepudiation
	Seal    Purpose = "seal"    // of an organisation: digitalSignature and nonRepudiation
	Wrong   Purpose = "wrong"   // keyEncipherment, serverAuth: good for nothing here
)

// Validity is when a certificate is valid.
type Validity string

const (
	Current Validity = "" // three years, as on the centre's cards, from yesterday on
	Expired Validity = "expired"
	Future  Validity = "not-yet-valid"
)

const year = 365 * 24 * time.Hour

// Request is what shall be certified.
type Request struct {
	Issuer   Issuer
	Subject  Subject
	Purpose  Purpose
	Validity Validity
	Key      crypto.PublicKey
}

// Object identifiers of names (X.520, ETSI EN 319 412-1) and extensions.
var (
	oidSurname        = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName      = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidOrganisationID = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidOCSPNoCheck    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// Issue certifies a card's key and returns the certificate, DER.
func (a *Authority) Issue(r Request) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, ok := a.hierarchy[r.Issuer]
	if !ok {
		return nil, fmt.Errorf("authority: no issuer %q", r.Issuer)
	}
	serial, err := a.serialNumber()
	if err != nil {
		return nil, err
	}
	now := a.opt.Now().UTC().Truncate(time.Second)
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               r.Subject.name(),
		BasicConstraintsValid: true,
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(3 * year),
	}
	switch r.Validity {
	case Expired:
		t.NotBefore, t.NotAfter = now.Add(-3*year-30*24*time.Hour), now.Add(-30*24*time.Hour)
	case Future:
		t.NotBefore, t.NotAfter = now.Add(30*24*time.Hour), now.Add(3*year)
	case Current:
	default:
		return nil, fmt.Errorf("authority: no validity %q", r.Validity)
	}
	switch r.Purpose {
	case Login:
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case Signing:
		t.KeyUsage = x509.KeyUsageContentCommitment
	case Seal:
		t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case Wrong:
		t.KeyUsage = x509.KeyUsageKeyEncipherment
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	default:
		return nil, fmt.Errorf("authority: no purpose %q", r.Purpose)
	}
	if a.opt.URL != "" {
		t.OCSPServer = []string{a.opt.URL + "/ocsp"}
		t.IssuingCertificateURL = []string{a.opt.URL + "/" + string(r.Issuer) + "-issuing.cer"}
		t.CRLDistributionPoints = []string{a.opt.URL + "/" + string(r.Issuer) + "-issuing.crl"}
	}
	der, err := x509.CreateCertificate(a.opt.Rand, t, h.issuing.cert, r.Key, h.issuing.key)
	if err != nil {
		return nil, fmt.Errorf("authority: certificate: %w", err)
	}
	a.register.Issued = append(a.register.Issued, &issued{Issuer: r.Issuer, Serial: hexSerial(serial), Status: Good})
	return der, a.register.save()
}

// name is the subject's distinguished name. The identity number is written as
// ETSI EN 319 412-1 5.1.3 has it for a national personal number.
func (s Subject) name() pkix.Name {
	n := pkix.Name{Country: []string{"AZ"}, CommonName: s.CommonName}
	if s.FIN != "" {
		n.SerialNumber = "PNOAZ-" + s.FIN
	}
	if s.Organisation != "" {
		n.Organization = []string{s.Organisation}
	}
	add := func(oid asn1.ObjectIdentifier, v string) {
		if v != "" {
			n.ExtraNames = append(n.ExtraNames, pkix.AttributeTypeAndValue{Type: oid, Value: v})
		}
	}
	add(oidSurname, s.Surname)
	add(oidGivenName, s.GivenName)
	if s.VOEN != "" {
		add(oidOrganisationID, "VATAZ-"+s.VOEN)
	}
	return n
}

func caTemplate(now time.Time, organisation, what string, pathLen int) *x509.Certificate {
	now = now.UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{Country: []string{"AZ"}, Organization: []string{organisation}, CommonName: organisation + " " + what},
		NotBefore:             now.Add(-4 * year), // before the oldest certificate it issues
		NotAfter:              now.Add(20 * year),
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// responderTemplate is a delegated responder's certificate (RFC 6960 4.2.2.2).
func responderTemplate(now time.Time, organisation string) *x509.Certificate {
	now = now.UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber:    big.NewInt(now.UnixNano() + 1),
		Subject:         pkix.Name{Country: []string{"AZ"}, Organization: []string{organisation}, CommonName: organisation + " OCSP"},
		NotBefore:       now.Add(-24 * time.Hour),
		NotAfter:        now.Add(20 * year),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{{Id: oidOCSPNoCheck, Value: asn1.NullBytes}},
	}
}
