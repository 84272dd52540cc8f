// Package identity decides who has signed a login challenge: it proves a token of
// the Web eID form (format web-eid:1), its certificate and the certificate's
// standing, and only then reads a name.
//
// It is pure: time, randomness and the one question that leaves the machine (to
// an OCSP responder) come in as parameters. The order of its checks is the order
// in which trust is won:
//
//  1. the certificate can be read, is of this time, and is for signing in
//     (RFC 5280 sections 4.1.2.5, 4.2.1.3, 4.2.1.12);
//  2. it comes from a root that is configured for the method, by crypto/x509
//     (RFC 5280 section 6.1: path length, name constraints, critical extensions);
//  3. its key has signed our own origin and our own nonce. The token says neither
//     of them, so one that was made for another origin is worth nothing here;
//  4. it is not revoked, by OCSP (RFC 6960) or by a CRL (RFC 5280 section 6.3).
//     Asked last, so that nobody without the key makes central ask anybody.
//
// What cannot be told is refused. No error of this package holds anything that
// was sent or that stands in a certificate.
package identity

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
)

// Reason is why a token is refused, in the words of the API's contract.
type Reason string

// The reasons of login.card that this package finds.
const (
	CertMalformed   Reason = "cert_malformed"
	CertExpired     Reason = "cert_expired"
	CertNotYetValid Reason = "cert_not_yet_valid"
	CertRevoked     Reason = "cert_revoked"
	CertSuspended   Reason = "cert_suspended"
	CertUnknown     Reason = "cert_unknown"   // no configured issuer for this method
	CertPurpose     Reason = "cert_purpose"   // not a certificate for signing in
	StatusUnknown   Reason = "status_unknown" // neither revoked nor good
	SignatureFalse  Reason = "signature_false"
	Algorithm       Reason = "algorithm"
)

// Refusal is a final no. Its text is ours alone.
type Refusal struct {
	Reason Reason
	why    string
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.why }

func refuse(r Reason, why string) error { return &Refusal{r, why} }

// ReasonOf is the reason in err; ok is false when err is no refusal.
func ReasonOf(err error) (r Reason, ok bool) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return "", false
	}
	return refusal.Reason, true
}

// Trust is what an operator has configured for one method of signing in.
type Trust struct {
	Roots         []*x509.Certificate // the only ends of a chain
	Intermediates []*x509.Certificate // only help to build one; a token brings none
	CRLs          []*x509.RevocationList
}

// Ask sends a DER OCSP request to a responder and returns its DER response. It is
// bounded in time and in size by whoever provides it.
type Ask func(ctx context.Context, url string, request []byte) (response []byte, err error)

// Verifier proves tokens for one origin.
type Verifier struct {
	Origin string    // ours; see CheckOrigin
	OCSP   string    // address of a responder that is asked in the place of the certificate's own
	Ask    Ask       // nil: no responder is ever asked
	Rand   io.Reader // for the nonces of OCSP requests
}

// Verify is who has signed nonce. An error is a *Refusal, or that of ctx.
func (v Verifier) Verify(ctx context.Context, t Token, nonce string, trust Trust, now time.Time) (Person, error) {
	leaf, err := parseLeaf(t.Certificate)
	if err != nil {
		return Person{}, err
	}
	if err := checkLeaf(leaf, now); err != nil {
		return Person{}, err
	}
	chain, err := chainOf(leaf, trust, now)
	if err != nil {
		return Person{}, err
	}
	if err := checkSignature(leaf.PublicKey, t, v.Origin, nonce); err != nil {
		return Person{}, err
	}
	if err := v.checkStanding(ctx, chain, trust.CRLs, now); err != nil {
		return Person{}, err
	}
	return personOf(leaf)
}

// CheckOrigin reports what is wrong with an origin: it is https://host[:port], in
// lower case, without a trailing slash and without the port that is meant anyway,
// because it is hashed as text.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "":
		return errors.New("an origin is https://host or https://host:port")
	case "https://"+u.Host != origin || u.User != nil:
		return errors.New("an origin has no path, no trailing slash and no user")
	case origin != strings.ToLower(origin):
		return errors.New("an origin is in lower case")
	case u.Port() == "443" || strings.HasSuffix(u.Host, ":"):
		return errors.New("an origin does not name the port that is meant anyway")
	}
	return nil
}
