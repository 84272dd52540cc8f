package pkcs15

import (
	"crypto"
	"encoding/hex"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

// tokenInfo is EF.TokenInfo, as far as it is needed.
type tokenInfo struct {
	serial     string
	algorithms []algorithm
}

// algorithm is one that the card supports.
type algorithm struct {
	reference int // by which keys name it
	mechanism int // a PKCS #11 mechanism
	signs     bool
	algRef    int // for tag 80 of the security environment; noAlgorithm if it does not say
}

const tagSupportedAlgorithms ber.Tag = 0xA2

const (
	opComputeSignature = 1 // bit of an algorithm's operations
	maxMechanism       = 1<<31 - 1
)

// parseTokenInfo reads what it can: nothing in EF.TokenInfo is needed to sign.
func parseTokenInfo(b []byte) (tokenInfo, error) {
	var t tokenInfo
	r, err := ber.New(b).Enter(ber.Sequence)
	if err != nil {
		return t, err
	}
	if _, err := r.Want(ber.Integer); err != nil {
		return t, err
	}
	serial, err := r.Want(ber.OctetString)
	if err != nil {
		return t, err
	}
	if len(serial.Body) > maxID {
		return t, fmt.Errorf("%w: serial number of %d bytes", ber.ErrMalformed, len(serial.Body))
	}
	t.serial = hex.EncodeToString(serial.Body)
	if err := r.Skip(tagSupportedAlgorithms); err != nil || !r.More() {
		return t, err
	}
	list, err := r.Enter(tagSupportedAlgorithms)
	if err != nil {
		return t, err
	}
	for list.More() && len(t.algorithms) < maxObjects {
		v, err := list.Next()
		if err != nil {
			return t, err
		}
		if a, err := parseAlgorithm(v); err == nil {
			t.algorithms = append(t.algorithms, a)
		}
	}
	return t, nil
}

// parseAlgorithm reads SEQUENCE { INTEGER reference, INTEGER mechanism,
// parameters, BIT STRING operations, [OBJECT IDENTIFIER], [INTEGER algRef] }.
func parseAlgorithm(v ber.Value) (algorithm, error) {
	a := algorithm{algRef: noAlgorithm, signs: true}
	r, err := v.Inside()
	if err != nil {
		return a, err
	}
	for _, n := range []*int{&a.reference, &a.mechanism} {
		x, err := r.Want(ber.Integer)
		if err != nil {
			return a, err
		}
		if *n, err = x.Uint(maxMechanism); err != nil {
			return a, err
		}
	}
	if err := r.Skip(ber.BitString); err != nil {
		return a, err
	}
	if ops, ok, err := r.Optional(ber.BitString); err != nil {
		return a, err
	} else if ok {
		bits, err := ops.Bits()
		if err != nil {
			return a, err
		}
		a.signs = bits.None() || bits.Has(opComputeSignature)
	}
	if err := r.Skip(ber.Integer); err != nil {
		return a, err
	}
	if x, ok, err := r.Optional(ber.Integer); err != nil {
		return a, err
	} else if ok {
		if a.algRef, err = lowByte(x); err != nil {
			return a, err
		}
	}
	return a, nil
}

// PKCS #11 mechanisms (v2.40, section 2) and what a card that has them does with
// the key.
var (
	rsaMechanisms = map[int]Recipe{
		0x01: {Form: DigestInfo},
		0x03: {Form: Padded},
		0x40: {Form: HashFirst, Hash: crypto.SHA256},
		0x41: {Form: HashFirst, Hash: crypto.SHA384},
		0x42: {Form: HashFirst, Hash: crypto.SHA512},
	}
	ecMechanisms = map[int]Recipe{
		0x1041: {Form: Digest},
		0x1044: {Form: HashFirst, Hash: crypto.SHA256},
		0x1045: {Form: HashFirst, Hash: crypto.SHA384},
		0x1046: {Form: HashFirst, Hash: crypto.SHA512},
	}
)
