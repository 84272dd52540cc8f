package smartcard

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"time"
)

// Reason says why a key cannot be used for a purpose; ReasonNone: it can.
type Reason string

const (
	ReasonNone        Reason = ""
	ReasonExpired     Reason = "expired"       // NotAfter is past
	ReasonNotYetValid Reason = "not_yet_valid" // NotBefore is still to come
	ReasonPurpose     Reason = "purpose"       // the certificate is for something else
	ReasonKeyType     Reason = "key_type"      // a key that is not signed with here: too short, or of another kind
	ReasonUnreadable  Reason = "unreadable"    // the certificate makes no sense
)

// Candidate is one key of a card, seen with a purpose in mind. Names are as they
// may be shown (see Printable). They are the certificate's claim: nothing here
// says that its issuer is trusted.
type Candidate struct {
	Key       Key
	Reason    Reason // why not; ReasonNone if the key can be used
	Holder    string // common name of the subject
	Issuer    string // common name of the issuer
	NotBefore time.Time
	NotAfter  time.Time
}

// Usable reports whether the key can be used.
func (c Candidate) Usable() bool { return c.Reason == ReasonNone }

// ForLogin judges keys for proving who somebody is: the certificate's key usage
// has digitalSignature, and its extended key usage, if any, has clientAuth. Every
// key is in the answer, in the card's order; those that cannot be used say why,
// since an expired certificate is the commonest cause at a terminal.
func ForLogin(keys []Key, now time.Time) []Candidate {
	return judge(keys, now, func(c *x509.Certificate) bool {
		return c.KeyUsage&x509.KeyUsageDigitalSignature != 0 && clientAuth(c)
	})
}

// ForSigning judges keys for signing documents: the certificate's key usage has
// contentCommitment (non-repudiation).
func ForSigning(keys []Key, now time.Time) []Candidate {
	return judge(keys, now, func(c *x509.Certificate) bool {
		return c.KeyUsage&x509.KeyUsageContentCommitment != 0
	})
}

func clientAuth(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	for _, u := range c.ExtKeyUsage {
		if u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

func judge(keys []Key, now time.Time, fits func(*x509.Certificate) bool) []Candidate {
	out := make([]Candidate, 0, len(keys))
	for _, k := range keys {
		cand := Candidate{Key: k, Reason: ReasonUnreadable}
		if cert, err := x509.ParseCertificate(k.Certificate); err == nil {
			cand.Holder, cand.Issuer = commonName(cert.Subject), commonName(cert.Issuer)
			cand.NotBefore, cand.NotAfter = cert.NotBefore, cert.NotAfter
			cand.Reason = reason(cert, now, fits)
		}
		out = append(out, cand)
	}
	return out
}

// reason names what a person can do least about first: a certificate for another
// purpose is not worth renewing.
func reason(c *x509.Certificate, now time.Time, fits func(*x509.Certificate) bool) Reason {
	switch {
	case c.IsCA, !fits(c):
		return ReasonPurpose
	case !SigningKey(c):
		return ReasonKeyType
	case now.Before(c.NotBefore):
		return ReasonNotYetValid
	case now.After(c.NotAfter):
		return ReasonExpired
	}
	return ReasonNone
}

// MinRSA is the shortest RSA modulus that is signed with, in bits.
const MinRSA = 2048

// SigningKey reports whether a certificate's key is of a kind that Token.Sign
// signs with: RSA of MinRSA bits or more, or EC on a NIST curve from P-256 on.
func SigningKey(c *x509.Certificate) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= MinRSA
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	}
	return false
}

// commonName is what a name calls itself: its common name or, without one, its
// given name and surname.
func commonName(n pkix.Name) string {
	if cn := Printable(n.CommonName); cn != "" {
		return cn
	}
	var given, sur string
	for _, a := range n.Names {
		text, _ := a.Value.(string)
		switch a.Type.String() {
		case "2.5.4.42":
			given = text
		case "2.5.4.4":
			sur = text
		}
	}
	return Printable(strings.Join([]string{given, sur}, " "))
}
