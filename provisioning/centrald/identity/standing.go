package identity

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"
)

// skew is how far another's clock may be from ours.
const skew = 5 * time.Minute

// word is what somebody says of a certificate; a greater one outweighs a lesser.
type word int

const (
	noWord    word = iota
	good           // good at a time that counts
	unknown        // an OCSP responder that speaks for the issuer has never heard of it
	suspended      // certificateHold: it may be resumed
	revoked
)

// checkStanding asks everybody who can speak for the issuer. One bad word is
// enough to refuse and at least one good word is needed: a CRL that is newer than
// a cached OCSP answer counts, and so does the reverse.
func (v Verifier) checkStanding(ctx context.Context, chain []*x509.Certificate, crls []*x509.RevocationList, now time.Time) error {
	leaf, issuer := chain[0], chain[1]
	for i := 1; i < len(chain)-1; i++ {
		// An issuer in the middle is configured by hand, so silence about it is not
		// held against it; a CRL of its own issuer that names it is.
		if crlWord(chain[i], chain[i+1], crls, now) >= suspended {
			return refuse(CertUnknown, "its issuer is revoked")
		}
	}
	w := crlWord(leaf, issuer, crls, now)
	if w < suspended {
		w = max(w, v.ocspWord(ctx, leaf, issuer, now))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	switch w {
	case good:
		return nil
	case suspended:
		return refuse(CertSuspended, "it is on hold")
	case revoked:
		return refuse(CertRevoked, "it is revoked")
	}
	return refuse(StatusUnknown, "nobody who may says that it is good")
}

// Extensions of CRLs and of their entries (RFC 5280 sections 5.2 and 5.3).
var (
	oidReasonCode     = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidInvalidityDate = asn1.ObjectIdentifier{2, 5, 29, 24}
	oidDeltaCRL       = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIssuingPoint   = asn1.ObjectIdentifier{2, 5, 29, 28}
)

const reasonHold = 6 // certificateHold, RFC 5280 section 5.3.1

// issuingPoint is an issuingDistributionPoint (RFC 5280 section 5.2.5).
type issuingPoint struct {
	Point          pointName      `asn1:"optional,tag:0"`
	UserCerts      bool           `asn1:"optional,tag:1"`
	CACerts        bool           `asn1:"optional,tag:2"`
	SomeReasons    asn1.BitString `asn1:"optional,tag:3"`
	Indirect       bool           `asn1:"optional,tag:4"`
	AttributeCerts bool           `asn1:"optional,tag:5"`
}

type pointName struct {
	FullName []asn1.RawValue `asn1:"optional,tag:0"`
	Relative []asn1.RawValue `asn1:"optional,tag:1"`
}

// crlWord is what the CRLs of the certificate's issuer say. Of each scope only
// the newest counts, since a suspension ends with a newer CRL.
func crlWord(c, issuer *x509.Certificate, crls []*x509.RevocationList, now time.Time) word {
	newest := map[string]*x509.RevocationList{}
	words := map[string]word{}
	for _, l := range crls {
		silent, scope, ok := scopeOf(l, c)
		if !ok || !bytes.Equal(l.RawIssuer, c.RawIssuer) || l.ThisUpdate.After(now.Add(skew)) || l.NextUpdate.IsZero() || l.NextUpdate.Before(now.Add(-skew)) {
			continue
		}
		if old := newest[scope]; old != nil && !newer(l, old) {
			continue
		}
		if l.CheckSignatureFrom(issuer) != nil {
			continue
		}
		newest[scope], words[scope] = l, silent
		if w := entryWord(l, c); w != noWord {
			words[scope] = w
		}
	}
	out := noWord
	for _, w := range words {
		out = max(out, w)
	}
	return out
}

// newer orders two CRLs of one scope: by number, which is strictly increasing
// (RFC 5280 section 5.2.3), else by time.
func newer(a, b *x509.RevocationList) bool {
	if a.Number != nil && b.Number != nil && a.Number.Cmp(b.Number) != 0 {
		return a.Number.Cmp(b.Number) > 0
	}
	return a.ThisUpdate.After(b.ThisUpdate)
}

// scopeOf is whether a CRL speaks of certificates like c, under which name, and
// what it says of those that it does not list.
func scopeOf(l *x509.RevocationList, c *x509.Certificate) (silent word, scope string, ok bool) {
	silent = good
	for _, e := range l.Extensions {
		switch {
		case e.Id.Equal(oidIssuingPoint):
			var p issuingPoint
			if rest, err := asn1.Unmarshal(e.Value, &p); err != nil || len(rest) > 0 || p.Indirect || p.AttributeCerts ||
				(p.UserCerts && c.IsCA) || (p.CACerts && !c.IsCA) || !p.Point.meets(c) {
				return noWord, "", false
			}
			if p.SomeReasons.BitLength > 0 {
				silent = noWord // it may be revoked for a reason that is not told here
			}
			scope = string(e.Value)
		case e.Id.Equal(oidDeltaCRL), e.Critical:
			return noWord, "", false
		}
	}
	return silent, scope, true
}

// meets reports whether a CRL's point is one that the certificate names (RFC 5280
// section 6.3.3 (b)(2)(i)).
func (n pointName) meets(c *x509.Certificate) bool {
	if len(n.Relative) > 0 {
		return false
	}
	if len(n.FullName) == 0 {
		return true
	}
	return slices.ContainsFunc(n.FullName, func(name asn1.RawValue) bool {
		const uri = 6 // GeneralName uniformResourceIdentifier
		return name.Class == asn1.ClassContextSpecific && name.Tag == uri && slices.Contains(c.CRLDistributionPoints, string(name.Bytes))
	})
}

// entryWord is what a CRL says of a certificate that it lists.
func entryWord(l *x509.RevocationList, c *x509.Certificate) word {
	w := noWord
	for i := range l.RevokedCertificateEntries {
		e := &l.RevokedCertificateEntries[i]
		if e.SerialNumber == nil || e.SerialNumber.Cmp(c.SerialNumber) != 0 {
			continue
		}
		entry := revoked
		if e.ReasonCode == reasonHold {
			entry = suspended
		}
		for _, x := range e.Extensions {
			if x.Critical && !x.Id.Equal(oidReasonCode) && !x.Id.Equal(oidInvalidityDate) {
				entry = revoked
			}
		}
		w = max(w, entry)
	}
	return w
}
