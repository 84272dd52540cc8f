// Package signature is the forms of signatures between a card and the rest: what
// a card is given to sign, and what it gave back. A signature leaves this package
// only after it was verified with the certificate's public key: that catches a
// wrong key reference, a glitch on the line and a false card.
//
// RSA is PKCS#1 v1.5 (RFC 8017 section 8.2), EC is ECDSA on the NIST curves. The
// digests are SHA-256, SHA-384 and SHA-512; there is no older one anywhere.
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

// digestInfo is the DER of a DigestInfo up to the digest (RFC 8017 section 9.2,
// note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// CheckDigest says whether a digest is one that is signed here.
func CheckDigest(hash crypto.Hash, digest []byte) error {
	if _, ok := digestInfo[hash]; !ok || len(digest) != hash.Size() {
		return fmt.Errorf("%w: a digest of %d bytes of hash function %d", smartcard.ErrKeyRefused, len(digest), uint(hash))
	}
	return nil
}

// DigestInfo is what an RSA card that pads by itself is given.
func DigestInfo(hash crypto.Hash, digest []byte) []byte {
	return append(bytes.Clone(digestInfo[hash]), digest...)
}

// minPadding is the fewest bytes FF that PKCS#1 v1.5 allows.
const minPadding = 8

// Padded is what an RSA card that does not pad is given: the whole block (EMSA-
// PKCS1-v1_5), as long as the modulus.
func Padded(hash crypto.Hash, digest []byte, modulus int) ([]byte, error) {
	info := DigestInfo(hash, digest)
	if modulus < len(info)+minPadding+3 {
		return nil, fmt.Errorf("%w: modulus of %d bytes", smartcard.ErrKeyRefused, modulus)
	}
	b := bytes.Repeat([]byte{0xFF}, modulus)
	b[0], b[1] = 0x00, 0x01
	b[modulus-len(info)-1] = 0x00
	copy(b[modulus-len(info):], info)
	return b, nil
}

// ForCurve is what an EC card is given: the digest, cut from the left to the
// length of the curve's order (FIPS 186-5 section 6.4.1).
func ForCurve(key *ecdsa.PublicKey, digest []byte) []byte {
	return digest[:min(len(digest), orderLen(key))]
}

func orderLen(key *ecdsa.PublicKey) int { return (key.Curve.Params().N.BitLen() + 7) / 8 }

// Finish turns a card's answer into the signature of a smartcard.Token and
// verifies it. An answer that is no signature of this digest with this key is
// smartcard.ErrFalseSignature, with its length and nothing else.
func Finish(public crypto.PublicKey, hash crypto.Hash, digest, answer []byte) ([]byte, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(key, hash, digest, answer) == nil {
			return bytes.Clone(answer), nil
		}
	case *ecdsa.PublicKey:
		for _, raw := range readings(key, answer) {
			n := len(raw) / 2
			r, s := new(big.Int).SetBytes(raw[:n]), new(big.Int).SetBytes(raw[n:])
			if ecdsa.Verify(key, digest, r, s) {
				return raw, nil
			}
		}
	default:
		return nil, fmt.Errorf("%w: key of the type %T", smartcard.ErrKeyRefused, public)
	}
	return nil, fmt.Errorf("%w: an answer of %d bytes", smartcard.ErrFalseSignature, len(answer))
}

// readings is what an EC answer can be, as r||s: raw if it has just that length,
// DER if it is a SEQUENCE of two integers that fits exactly. By chance it can be
// both, so both are verified.
func readings(key *ecdsa.PublicKey, answer []byte) (raws [][]byte) {
	n := orderLen(key)
	if len(answer) == 2*n {
		raws = append(raws, bytes.Clone(answer))
	}
	if raw := fromDER(answer, n); raw != nil {
		raws = append(raws, raw)
	}
	return raws
}

// fromDER reads SEQUENCE { INTEGER r, INTEGER s } into r||s of n bytes each; nil
// if it is not that.
func fromDER(b []byte, n int) []byte {
	outer := ber.New(b)
	r, err := outer.Enter(ber.Sequence)
	if err != nil || outer.More() {
		return nil
	}
	raw := make([]byte, 2*n)
	for _, half := range [][]byte{raw[:n], raw[n:]} {
		v, err := r.Want(ber.Integer)
		if err != nil {
			return nil
		}
		digits := bytes.TrimLeft(v.Body, "\x00")
		if len(digits) > n {
			return nil
		}
		copy(half[n-len(digits):], digits)
	}
	if r.More() {
		return nil
	}
	return raw
}
