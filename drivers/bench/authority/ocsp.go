package authority

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha1" // names a certificate in a question (RFC 6960 4.1.1), nothing is signed with it
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Responding is how questions are answered.
type Responding string

const (
	Truthful  Responding = ""          // as it is
	TryLater  Responding = "try-later" // an error instead of an answer
	Stale     Responding = "stale"     // answers of last week, out of date since yesterday
	KnowsNone Responding = "unknown"   // every certificate is unknown
	Impostor  Responding = "impostor"  // signed by the stranger's responder
	Forged    Responding = "forged"    // the signature is false
	NoNonce   Responding = "no-nonce"  // the question's nonce is not answered
)

// SetResponding changes how questions are answered from now on.
func (a *Authority) SetResponding(r Responding) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.responding = r
}

// Structures of RFC 6960 4.1.1 and 4.2.1.
type (
	certID struct {
		Hash           pkix.AlgorithmIdentifier
		IssuerNameHash []byte
		IssuerKeyHash  []byte
		SerialNumber   *big.Int
	}
	question struct {
		Cert       certID
		Extensions []pkix.Extension `asn1:"explicit,tag:0,optional"`
	}
	tbsRequest struct {
		Version    int              `asn1:"explicit,tag:0,default:0,optional"`
		Requestor  pkix.RDNSequence `asn1:"explicit,tag:1,optional"`
		Questions  []question
		Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
	}
	ocspRequest struct { // a signature may follow: anybody may ask here
		TBS tbsRequest
	}
	revokedInfo struct {
		Time   time.Time       `asn1:"generalized"`
		Reason asn1.Enumerated `asn1:"explicit,tag:0"`
	}
	singleResponse struct {
		Cert       certID
		Good       asn1.Flag   `asn1:"tag:0,optional"`
		Revoked    revokedInfo `asn1:"tag:1,optional"`
		Unknown    asn1.Flag   `asn1:"tag:2,optional"`
		ThisUpdate time.Time   `asn1:"generalized"`
		NextUpdate time.Time   `asn1:"generalized,explicit,tag:0"`
	}
	responseData struct {
		ResponderName asn1.RawValue
		ProducedAt    time.Time `asn1:"generalized"`
		Responses     []singleResponse
		Extensions    []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	basicResponse struct {
		Data         asn1.RawValue
		Algorithm    pkix.AlgorithmIdentifier
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0"`
	}
	responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  responseBytes `asn1:"explicit,tag:0,optional"`
	}
)

var (
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSASHA256     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// OCSPResponseStatus (RFC 6960 4.2.1).
const (
	ocspSuccessful   = 0
	ocspMalformed    = 1
	ocspInternal     = 2
	ocspTryLater     = 3
	ocspUnauthorised = 6
)

func refusal(status asn1.Enumerated) []byte {
	b, _ := asn1.Marshal(struct{ Status asn1.Enumerated }{status})
	return b
}

// Answer answers an OCSP request, both DER.
func (a *Authority) Answer(request []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	var req ocspRequest
	if rest, err := asn1.Unmarshal(request, &req); err != nil || len(rest) > 0 || len(req.TBS.Questions) == 0 || len(req.TBS.Questions) > 16 {
		return refusal(ocspMalformed)
	}
	if a.responding == TryLater {
		return refusal(ocspTryLater)
	}
	h := a.asked(req.TBS.Questions[0].Cert)
	if h == nil {
		return refusal(ocspUnauthorised)
	}
	b, err := a.respond(h, req.TBS)
	if err != nil {
		return refusal(ocspInternal)
	}
	return b
}

// asked finds the issuer whose certificate a question is about.
func (a *Authority) asked(id certID) *hierarchy {
	for _, h := range a.hierarchy {
		var spki struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(h.issuing.cert.RawSubjectPublicKeyInfo, &spki); err != nil {
			continue
		}
		var name, key []byte
		switch {
		case id.Hash.Algorithm.Equal(oidSHA1):
			n, k := sha1.Sum(h.issuing.cert.RawSubject), sha1.Sum(spki.Key.Bytes)
			name, key = n[:], k[:]
		case id.Hash.Algorithm.Equal(oidSHA256):
			n, k := sha256.Sum256(h.issuing.cert.RawSubject), sha256.Sum256(spki.Key.Bytes)
			name, key = n[:], k[:]
		default:
			return nil
		}
		if bytes.Equal(name, id.IssuerNameHash) && bytes.Equal(key, id.IssuerKeyHash) {
			return h
		}
	}
	return nil
}

func (a *Authority) respond(h *hierarchy, req tbsRequest) ([]byte, error) {
	now := a.opt.Now().UTC().Truncate(time.Second)
	this, next := now, now.Add(ocspPeriod)
	if a.responding == Stale {
		this, next = now.Add(-7*24*time.Hour), now.Add(-24*time.Hour)
	}
	responder := h.responder
	if a.responding == Impostor {
		responder = a.hierarchy[Stranger].responder
	}
	data := responseData{
		ResponderName: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: responder.cert.RawSubject},
		ProducedAt:    this,
	}
	for _, q := range req.Questions {
		s := singleResponse{Cert: q.Cert, ThisUpdate: this, NextUpdate: next}
		i := a.register.find(h.name, q.Cert.SerialNumber)
		switch {
		case a.asked(q.Cert) != h, i == nil, a.responding == KnowsNone:
			s.Unknown = true
		case i.Status == Good:
			s.Good = true
		default:
			s.Revoked = revokedInfo{Time: i.Since.UTC(), Reason: asn1.Enumerated(i.reason())}
		}
		data.Responses = append(data.Responses, s)
	}
	for _, e := range req.Extensions {
		if e.Id.Equal(oidNonce) && len(e.Value) <= 64 && a.responding != NoNonce { // RFC 8954: 32 bytes at most
			data.Extensions = append(data.Extensions, pkix.Extension{Id: oidNonce, Value: e.Value})
		}
	}
	return a.seal(responder, data)
}

// seal signs an answer.
func (a *Authority) seal(responder identity, data responseData) ([]byte, error) {
	tbs, err := asn1.Marshal(data)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(tbs)
	sig, err := responder.key.Sign(a.opt.Rand, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	if a.responding == Forged {
		sig[len(sig)-1] ^= 1
	}
	algorithm := pkix.AlgorithmIdentifier{Algorithm: oidRSASHA256, Parameters: asn1.NullRawValue}
	if _, ok := responder.key.Public().(*ecdsa.PublicKey); ok {
		algorithm = pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA256}
	}
	basic, err := asn1.Marshal(basicResponse{
		Data:         asn1.RawValue{FullBytes: tbs},
		Algorithm:    algorithm,
		Signature:    asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)},
		Certificates: []asn1.RawValue{{FullBytes: responder.cert.Raw}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(ocspResponse{Status: ocspSuccessful, Bytes: responseBytes{oidBasicResponse, basic}})
}

// maxRequest bounds what is read of a question.
const maxRequest = 16 << 10

// Handler answers under URL: OCSP by POST and GET (RFC 6960 A.1) at /ocsp, lists at
// /{issuer}-issuing.crl and /{issuer}-root.crl, certificates of issuers at .cer.
func (a *Authority) Handler() http.Handler {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, kind string, b []byte) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(b) // who asked may have gone
	}
	mux.HandleFunc("POST /ocsp", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
			return
		}
		reply(w, "application/ocsp-response", a.Answer(b))
	})
	mux.HandleFunc("GET /ocsp/", func(w http.ResponseWriter, r *http.Request) {
		text, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
		b, errDecode := base64.StdEncoding.DecodeString(text)
		if err != nil || errDecode != nil || len(b) > maxRequest {
			reply(w, "application/ocsp-response", refusal(ocspMalformed))
			return
		}
		reply(w, "application/ocsp-response", a.Answer(b))
	})
	mux.HandleFunc("GET /{file}", func(w http.ResponseWriter, r *http.Request) {
		b, kind, err := a.file(r.PathValue("file"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		reply(w, kind, b)
	})
	return mux
}

// file is a list of today, or an issuer's certificate, by the name in URLs.
func (a *Authority) file(name string) ([]byte, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for issuer, h := range a.hierarchy {
		for what, id := range map[string]identity{"root": h.root, "issuing": h.issuing} {
			switch base := string(issuer) + "-" + what; name {
			case base + ".cer":
				return id.cert.Raw, "application/pkix-cert", nil
			case base + ".crl":
				der, err := a.crl(h, id)
				return der, "application/pkix-crl", err
			}
		}
	}
	return nil, "", fmt.Errorf("there is no %q here", name)
}

// Roots are the certificates of the roots that are trusted.
func (a *Authority) Roots() []*x509.Certificate {
	var list []*x509.Certificate
	for _, name := range Trusted {
		list = append(list, a.hierarchy[name].root.cert)
	}
	return list
}
