package identity

import (
	"bytes"
	"context"
	"crypto/sha1" // names an issuer (RFC 5019 section 2.1.1); it proves nothing
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// The parts of RFC 6960 that golang.org/x/crypto/ocsp does not give: a request
// with a nonce, and of a response the whole certID and the nonce. The library
// reads and verifies the rest.
var (
	oidSHA1      = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidOCSPNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
)

type certID struct {
	Hash   pkix.AlgorithmIdentifier
	Name   []byte
	Key    []byte
	Serial *big.Int
}

type ocspRequest struct{ TBS ocspTBSRequest }

type ocspTBSRequest struct {
	List       []ocspSingleRequest
	Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
}

type ocspSingleRequest struct{ ID certID }

type ocspData struct {
	Version     int `asn1:"optional,default:0,explicit,tag:0"`
	ResponderID asn1.RawValue
	ProducedAt  time.Time `asn1:"generalized"`
	Responses   []ocspSingle
	Extensions  []pkix.Extension `asn1:"explicit,tag:1,optional"`
}

// ocspSingle is cut short: what follows in the sequence is passed over.
type ocspSingle struct{ ID certID }

// idOf names a certificate by its issuer (RFC 6960 section 4.1.1).
func idOf(c, issuer *x509.Certificate) (certID, error) {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		return certID{}, err
	}
	name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(spki.Key.RightAlign())
	return certID{pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue}, name[:], key[:], c.SerialNumber}, nil
}

func (a certID) equal(b certID) bool {
	return a.Hash.Algorithm.Equal(b.Hash.Algorithm) && bytes.Equal(a.Name, b.Name) && bytes.Equal(a.Key, b.Key) &&
		b.Serial != nil && a.Serial.Cmp(b.Serial) == 0
}

// unboundAge is how old an answer may be that does not say how long it holds.
const unboundAge = 15 * time.Minute

// maxResponders is how many addresses of one certificate are asked.
const maxResponders = 2

// ocspWord is what the first responder says that may speak and does.
func (v Verifier) ocspWord(ctx context.Context, c, issuer *x509.Certificate, now time.Time) word {
	if v.Ask == nil {
		return noWord
	}
	urls := c.OCSPServer
	if v.OCSP != "" {
		urls = []string{v.OCSP}
	}
	for _, url := range urls[:min(len(urls), maxResponders)] {
		id, err := idOf(c, issuer)
		if err != nil {
			return noWord
		}
		nonce := make([]byte, 32) // RFC 8954 section 2.1
		if _, err := io.ReadFull(v.Rand, nonce); err != nil {
			return noWord
		}
		request, err := ocspRequestFor(id, nonce)
		if err != nil {
			return noWord
		}
		response, err := v.Ask(ctx, url, request)
		if err != nil {
			continue
		}
		if w := ocspResponseWord(response, c, issuer, id, nonce, now); w != noWord {
			return w
		}
	}
	return noWord
}

func ocspRequestFor(id certID, nonce []byte) ([]byte, error) {
	value, err := asn1.Marshal(nonce)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(ocspRequest{ocspTBSRequest{List: []ocspSingleRequest{{id}}, Extensions: []pkix.Extension{{Id: oidOCSPNonce, Value: value}}}})
}

// ocspResponseWord is what a response proves; noWord if it proves nothing.
func ocspResponseWord(raw []byte, c, issuer *x509.Certificate, id certID, nonce []byte, now time.Time) word {
	// Without an issuer the library proves the signature by the certificate in the
	// response, if there is one; who that is, is for us to find out.
	r, err := ocsp.ParseResponseForCert(raw, c, nil)
	if err != nil {
		return noWord
	}
	switch {
	case r.Certificate == nil:
		err = r.CheckSignatureFrom(issuer)
	case !bytes.Equal(r.Certificate.Raw, issuer.Raw):
		err = checkResponder(r.Certificate, issuer, now)
	}
	if err != nil || !sameQuestion(r.TBSResponseData, id, nonce) {
		return noWord
	}
	last := r.NextUpdate
	if last.IsZero() {
		last = r.ThisUpdate.Add(unboundAge - skew)
	}
	if r.ThisUpdate.After(now.Add(skew)) || last.Before(now.Add(-skew)) {
		return noWord
	}
	switch {
	case r.Status == ocsp.Good:
		return good
	case r.Status == ocsp.Revoked && r.RevocationReason == ocsp.CertificateHold:
		return suspended
	case r.Status == ocsp.Revoked:
		return revoked
	}
	return unknown
}

// checkResponder proves that the issuer itself has let somebody answer for it (RFC
// 6960 section 4.2.2.2).
func checkResponder(r, issuer *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(r.NotBefore) || now.After(r.NotAfter),
		!bytes.Equal(r.RawIssuer, issuer.RawSubject),
		!slices.Contains(r.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning),
		r.KeyUsage != 0 && r.KeyUsage&x509.KeyUsageDigitalSignature == 0,
		len(r.UnhandledCriticalExtensions) > 0:
		return refuse(StatusUnknown, "the responder may not speak for the issuer")
	}
	return r.CheckSignatureFrom(issuer)
}

// sameQuestion reports whether signed data answer our question: the whole certID,
// and our nonce where there is one. Responders that sign in advance have none; for
// them the times must do.
func sameQuestion(tbs []byte, id certID, nonce []byte) bool {
	var d ocspData
	if rest, err := asn1.Unmarshal(tbs, &d); err != nil || len(rest) > 0 {
		return false
	}
	for _, e := range d.Extensions {
		var got []byte
		switch {
		case e.Id.Equal(oidOCSPNonce):
			if rest, err := asn1.Unmarshal(e.Value, &got); err != nil || len(rest) > 0 || !bytes.Equal(got, nonce) {
				return false
			}
		case e.Critical:
			return false
		}
	}
	// The library speaks of the first response with the serial number.
	i := slices.IndexFunc(d.Responses, func(s ocspSingle) bool { return s.ID.Serial != nil && s.ID.Serial.Cmp(id.Serial) == 0 })
	return i >= 0 && id.equal(d.Responses[i].ID)
}
