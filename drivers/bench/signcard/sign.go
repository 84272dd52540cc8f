package signcard

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"slices"
)

// environment is the security environment: which key does what (ISO/IEC 7816-4
// 7.5.11), and the hash that waits for its signature.
type environment struct {
	sign, auth *Pair // keys of templates B6 and A4
	alg        byte
	hash       []byte
	fresh      bool // VERIFY was the command before (PIV)
	signatures int  // made since the reset
}

// algorithm is a line of TokenInfo's supported algorithms.
type algorithm struct {
	mechanism int
	reference byte
}

// algorithms are those that the card's keys and its way of signing make useful.
func (c *Card) algorithms() []algorithm {
	var list []algorithm
	add := func(mechanism int, reference byte) {
		if a := (algorithm{mechanism, reference}); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	for _, p := range c.cfg.Pairs {
		_, isRSA := p.Key.Public().(*rsa.PublicKey)
		switch {
		case c.cfg.Layout.Input == SignHash:
			base, mechanism := byte(algECDSA), ckmECDSA256
			if isRSA {
				base, mechanism = algRSA, ckmRSA256
			}
			for i, hash := range []byte{algSHA256, algSHA384, algSHA512} {
				add(mechanism+i, base|hash)
			}
		case isRSA && c.cfg.Layout.Input == SignRaw:
			add(ckmRSARaw, algRSA)
		case isRSA:
			add(ckmRSA, algRSA)
		default:
			add(ckmECDSA, algECDSA)
		}
	}
	return list
}

// manageEnvironment is MANAGE SECURITY ENVIRONMENT: SET for a signature or an
// authentication, or RESTORE of the card's own environment.
func (c *Card) manageEnvironment(cmd command) int {
	if cmd.p1 == mseRestore {
		if cmd.p2 != 1 {
			return swNoReference
		}
		return c.restore()
	}
	if cmd.p1 != mseSet || cmd.p2 != crtSignature && cmd.p2 != crtAuthentication {
		return swWrongP1P2
	}
	crt, ok := elements(cmd.data)
	if !ok || len(crt[tagKey]) != 1 {
		return swWrongData
	}
	pair := c.pairByRef(crt[tagKey][0])
	if pair == nil {
		return swNoReference
	}
	alg, named := crt[tagAlgorithm]
	if named && (len(alg) != 1 || !c.allowed(pair, alg[0])) {
		return swWrongData
	}
	c.env.hash, c.env.alg = nil, 0
	if named {
		c.env.alg = alg[0]
	}
	if cmd.p2 == crtAuthentication {
		c.env.auth = pair
	} else {
		c.env.sign = pair
	}
	return swOK
}

// pairByRef finds a key. Those of the signing folder are known there only.
func (c *Card) pairByRef(ref byte) *Pair {
	for i := range c.cfg.Pairs {
		p := &c.cfg.Pairs[i]
		if p.KeyRef == ref && (p.PIN != PIN2 || !c.cfg.Layout.SigningDF || c.inSigningDF()) {
			return p
		}
	}
	return nil
}

func (c *Card) inSigningDF() bool { return c.df != nil && c.df.fid == fidSigningDF }

// allowed reports whether a key knows an algorithm reference.
func (c *Card) allowed(p *Pair, alg byte) bool {
	_, isRSA := p.Key.Public().(*rsa.PublicKey)
	if c.openSC && (isRSA && alg == algIsoAppletRSA || !isRSA && alg == algIsoAppletEC) {
		return true
	}
	base := byte(algECDSA)
	if isRSA {
		base = algRSA
	}
	if c.cfg.Layout.Input == SignHash {
		return alg&0x0F == base && hashOf(alg) != 0
	}
	return alg == base
}

// hashOf is the hash in the upper nibble of an algorithm reference.
func hashOf(alg byte) crypto.Hash {
	switch alg & 0xF0 {
	case algSHA256:
		return crypto.SHA256
	case algSHA384:
		return crypto.SHA384
	case algSHA512:
		return crypto.SHA512
	}
	return 0
}

// perform is PERFORM SECURITY OPERATION (ISO/IEC 7816-8 5.2 and following).
func (c *Card) perform(cmd command) ([]byte, int) {
	p := c.env.sign
	byHash := c.cfg.Layout.Input == SignHash && !c.openSC
	switch cmd.p1p2() {
	case psoHash:
		if !byHash {
			return nil, swNoInstruction
		}
		do, ok := elements(cmd.data)
		hash := hashOf(c.env.alg)
		if !ok || p == nil || hash == 0 || len(do[tagHash]) != hash.Size() {
			return nil, swWrongData
		}
		c.env.hash = bytes.Clone(do[tagHash])
		return nil, swOK
	case psoSignature:
		if p == nil {
			return nil, swConditions
		}
		if !byHash {
			return c.sign(p, cmd.data)
		}
		hash := c.env.hash
		if c.env.hash = nil; hash == nil || len(cmd.data) > 0 {
			return nil, swConditions
		}
		if _, isRSA := p.Key.Public().(*rsa.PublicKey); isRSA {
			return c.sign(p, append(slices.Clone(digestInfo[hashOf(c.env.alg)]), hash...))
		}
		return c.sign(p, leftmost(hash, p))
	}
	return nil, swWrongP1P2
}

// internalAuthenticate signs with the key for authentication (ISO/IEC 7816-4
// 7.5.2).
func (c *Card) internalAuthenticate(cmd command) ([]byte, int) {
	switch {
	case cmd.p1p2() != 0:
		return nil, swWrongP1P2
	case c.env.auth == nil:
		return nil, swConditions
	}
	return c.sign(c.env.auth, cmd.data)
}

// digestInfo is what stands before a hash in DigestInfo (RFC 8017 9.2, note 1).
// Older hashes are refused.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: []byte("\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"),
	crypto.SHA384: []byte("\x30\x41\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"),
	crypto.SHA512: []byte("\x30\x51\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"),
}

func isDigestInfo(b []byte) bool {
	for hash, prefix := range digestInfo {
		if len(b) == len(prefix)+hash.Size() && bytes.HasPrefix(b, prefix) {
			return true
		}
	}
	return false
}

// leftmost cuts a hash to the size of the curve's order (FIPS 186-5 6.4).
func leftmost(hash []byte, p *Pair) []byte {
	n, _ := keySize(p.Key)
	return hash[:min(len(hash), n/2)]
}

// sign makes the signature of a key whose PIN is verified.
func (c *Card) sign(p *Pair, data []byte) ([]byte, int) {
	if !c.verified[p.PIN] {
		return nil, swSecurityStatus
	}
	size, _ := keySize(p.Key)
	_, isRSA := p.Key.Public().(*rsa.PublicKey)
	switch {
	case isRSA && (c.cfg.Layout.Input == SignRaw || c.cfg.Applet == PIV) && !c.openSC:
		if len(data) != size {
			return nil, swWrongLength
		}
		// 00 01 FF.. 00 DigestInfo: signed as what is inside it, which is the same.
		i := 2
		for i < size && data[i] == 0xFF {
			i++
		}
		if data[0] != 0 || data[1] != 1 || i < 10 || i == size || data[i] != 0 {
			return nil, swWrongData
		}
		data = data[i+1:]
		fallthrough
	case isRSA:
		if !isDigestInfo(data) {
			return nil, swWrongData
		}
	case len(data) < 20 || len(data) > size/2:
		return nil, swWrongLength
	}
	fault := c.strikeSignature()
	key := p.Key
	if fault == WrongKey {
		other, err := anotherKey(c.cfg.Rand, key)
		if err != nil {
			return nil, swConditions
		}
		key = other
	}
	sig, err := key.Sign(c.cfg.Rand, data, crypto.Hash(0)) // 0: data is what the padding goes around
	if err == nil && !isRSA && !c.derECDSA() {
		sig, err = rawECDSA(sig, size)
	}
	if err != nil {
		return nil, swConditions
	}
	if fault == BitFlip {
		sig[len(sig)/2] ^= 0x10
	}
	c.env.signatures++
	if p.UserConsent {
		c.verified[p.PIN] = false
	}
	return sig, swOK
}

// derECDSA: a PIV card and IsoApplet write DER, whatever the layout says.
func (c *Card) derECDSA() bool {
	return c.cfg.Layout.ECDSA == ECDSADER || c.openSC || c.cfg.Applet == PIV
}

// rawECDSA makes r||s of SEQUENCE { r, s }.
func rawECDSA(sig []byte, size int) ([]byte, error) {
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &v); err != nil {
		return nil, err
	}
	out := make([]byte, size)
	v.R.FillBytes(out[:size/2])
	v.S.FillBytes(out[size/2:])
	return out, nil
}

// anotherKey makes a key of the same kind and size.
func anotherKey(random io.Reader, key crypto.Signer) (crypto.Signer, error) {
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		return rsa.GenerateKey(random, pub.N.BitLen())
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(pub.Curve, random)
	}
	return nil, fmt.Errorf("no key is like a %T", key.Public())
}
