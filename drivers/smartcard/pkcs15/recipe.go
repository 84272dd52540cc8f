package pkcs15

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/signature"
)

// Form is what a card is given to sign.
type Form int

const (
	DigestInfo Form = iota // RSA: DigestInfo; the card pads
	HashFirst              // PSO hash with the digest, then PSO without data
	Padded                 // RSA: the whole padded block
	Digest                 // EC: the digest
)

// Recipe is one way to a signature: the algorithm in the security environment and
// the form of what is signed.
type Recipe struct {
	Algorithm int // one byte for tag 80, or NoAlgorithm
	Form      Form
	Hash      crypto.Hash // the only hash function that it serves; 0 for all
}

// NoAlgorithm as a Recipe's algorithm: tag 80 is left out.
const NoAlgorithm = -1

const noAlgorithm = NoAlgorithm

// Where neither card nor model tells, the commonest first. A refusal costs no try
// of the PIN. References that name a hash function have it in their upper half
// (IAS-ECC and its kin).
var (
	usualRSA = []Recipe{
		{Algorithm: 0x02, Form: DigestInfo},
		{Algorithm: NoAlgorithm, Form: DigestInfo},
		{Algorithm: 0x02, Form: HashFirst},
		{Algorithm: 0x42, Form: HashFirst, Hash: crypto.SHA256},
		{Algorithm: 0x52, Form: HashFirst, Hash: crypto.SHA384},
		{Algorithm: 0x62, Form: HashFirst, Hash: crypto.SHA512},
		{Algorithm: NoAlgorithm, Form: HashFirst},
		{Algorithm: 0x00, Form: Padded},
		{Algorithm: NoAlgorithm, Form: Padded},
	}
	usualEC = []Recipe{
		{Algorithm: 0x04, Form: Digest},
		{Algorithm: NoAlgorithm, Form: Digest},
		{Algorithm: 0x04, Form: HashFirst},
		{Algorithm: 0x44, Form: HashFirst, Hash: crypto.SHA256},
		{Algorithm: 0x54, Form: HashFirst, Hash: crypto.SHA384},
		{Algorithm: 0x64, Form: HashFirst, Hash: crypto.SHA512},
		{Algorithm: NoAlgorithm, Form: HashFirst},
	}
)

// recipes is the order of trial for one key: what the model knows and nothing
// else; or what the card says, then the usual.
func recipes(public crypto.PublicKey, m Model, info tokenInfo, k privateKey) []Recipe {
	mechanisms, usual, known := rsaMechanisms, usualRSA, m.RSA
	if _, ec := public.(*ecdsa.PublicKey); ec {
		mechanisms, usual, known = ecMechanisms, usualEC, m.EC
	}
	if len(known) > 0 {
		return known
	}
	var told []Recipe
	for _, a := range info.algorithms {
		r, ok := mechanisms[a.mechanism]
		if !ok || !a.signs || a.algRef == noAlgorithm || (len(k.algs) > 0 && !slices.Contains(k.algs, a.reference)) {
			continue
		}
		r.Algorithm = a.algRef
		told = append(told, r)
	}
	slices.SortStableFunc(told, func(a, b Recipe) int { return int(a.Form) - int(b.Form) })
	var list []Recipe
	for _, r := range append(told, usual...) {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// input is what the recipe gives to the card; hashed: by PSO hash, and PSO then
// goes without data.
func (r Recipe) input(public crypto.PublicKey, hash crypto.Hash, digest []byte) (data []byte, hashed bool, err error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch r.Form {
		case DigestInfo:
			return signature.DigestInfo(hash, digest), false, nil
		case Padded:
			data, err = signature.Padded(hash, digest, key.Size())
			return data, false, err
		}
	case *ecdsa.PublicKey:
		if r.Form == Digest {
			return signature.ForCurve(key, digest), false, nil
		}
	}
	return digest, true, nil
}
