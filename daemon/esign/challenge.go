package esign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
)

// Format of the token.
const Format = "web-eid:1.0"

// ErrOrigin: an origin must be https://host[:port] in lower case, without the
// default port and without anything after it.
var ErrOrigin = errors.New("not an origin of a relying party")

// CheckOrigin holds an origin to the one form that all sides compute with
// (protocols/esign-card.md 10.1).
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Port() == "443" ||
		origin != "https://"+u.Host || origin != strings.ToLower(origin) {
		return ErrOrigin
	}
	return nil
}

// digest is what the card signs: hash(hash(origin) || hash(nonce)). Both are
// hashed before they are joined, so that no part of one can slide into the other.
// Web eID authentication token format 1.0; SHA-256, as RS256 and ES256 want it.
func digest(origin, nonce string) [32]byte {
	o, n := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(nonce))
	return sha256.Sum256(append(o[:], n[:]...))
}

// algorithm is the JWA name (RFC 7518 3.1) of the signature that a certificate's
// key makes; "" for a key that no relying party takes.
func algorithm(cert *x509.Certificate) string {
	switch k := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.Size() >= 256 {
			return "RS256"
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return "ES256"
		}
	}
	return ""
}

const hash = crypto.SHA256
