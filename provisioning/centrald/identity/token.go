package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
)

// Token is an authentication token: nothing in it is to be trusted.
type Token struct {
	Certificate string // base64 of DER
	Algorithm   string // JWA name (RFC 7518 section 3.1)
	Signature   string // base64; for ES256 r and s at 32 bytes each
}

// Bounds of a token's members, in bytes of their text.
const (
	maxCertificate = 16 << 10
	maxSignature   = 1400 // an RSA signature of 8192 bits
	maxWord        = 32
	maxVersion     = 256
)

// errToken says nothing of what was sent.
var errToken = errors.New("identity: this is no token of format web-eid:1")

// ParseToken reads a token's form. Members that it does not know are passed over;
// what its values are worth is for Verify to find out.
func ParseToken(raw []byte) (Token, error) {
	var t struct {
		Certificate string `json:"unverifiedCertificate"`
		Algorithm   string `json:"algorithm"`
		Signature   string `json:"signature"`
		Format      string `json:"format"`
		AppVersion  string `json:"appVersion"`
	}
	if json.Unmarshal(raw, &t) != nil || !knownFormat(t.Format) ||
		t.Certificate == "" || len(t.Certificate) > maxCertificate ||
		t.Signature == "" || len(t.Signature) > maxSignature ||
		t.Algorithm == "" || len(t.Algorithm) > maxWord || len(t.AppVersion) > maxVersion {
		return Token{}, errToken
	}
	return Token{Certificate: t.Certificate, Algorithm: t.Algorithm, Signature: t.Signature}, nil
}

// knownFormat takes web-eid:1 and its minor versions, which only add members.
func knownFormat(f string) bool {
	if len(f) > maxWord {
		return false
	}
	minor, ok := strings.CutPrefix(f, "web-eid:1")
	if !ok || minor == "" {
		return ok
	}
	minor, ok = strings.CutPrefix(minor, ".")
	return ok && minor != "" && strings.Trim(minor, "0123456789") == ""
}

// decode is strict base64: one text for one value.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") { // the decoder passes over them
		return nil, base64.CorruptInputError(0)
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

// signed is the SHA-256 hash of the message that a login key signs. The two inner
// hashes have fixed lengths, so that no part of the origin can slide into the
// nonce.
func signed(origin, nonce string) [sha256.Size]byte {
	o, n := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(nonce))
	return sha256.Sum256(append(o[:], n[:]...))
}

// The algorithms that are taken, by the key that they need.
const (
	algRS256 = "RS256" // RSA of at least minRSA bits, PKCS #1 v1.5
	algES256 = "ES256" // P-256

	minRSA = 2048
	maxRSA = 8192
)

// checkSignature proves that the certificate's key has signed. The algorithm is
// that of the key; the token may only agree.
func checkSignature(key crypto.PublicKey, t Token, origin, nonce string) error {
	sig, err := decode(t.Signature)
	if err != nil {
		return refuse(SignatureFalse, "the signature is no base64")
	}
	hash := signed(origin, nonce)
	switch key := key.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); t.Algorithm != algRS256 || n < minRSA || n > maxRSA {
			return refuse(Algorithm, "an RSA key of 2048 to 8192 bits signs with RS256")
		}
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], sig) != nil {
			return refuse(SignatureFalse, "it does not hold for our origin and nonce")
		}
	case *ecdsa.PublicKey:
		if t.Algorithm != algES256 || key.Curve != elliptic.P256() {
			return refuse(Algorithm, "a P-256 key signs with ES256")
		}
		if len(sig) != 64 {
			return refuse(SignatureFalse, "an ES256 signature has 64 bytes")
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		if !ecdsa.Verify(key, hash[:], r, s) {
			return refuse(SignatureFalse, "it does not hold for our origin and nonce")
		}
	default:
		return refuse(Algorithm, "a key of this kind does not sign in")
	}
	return nil
}
