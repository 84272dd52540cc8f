package pkcs15

import (
	"encoding/hex"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

// Parts of every object (ISO/IEC 7816-15 section 8.2).
const tagTypeAttributes ber.Tag = 0xA1

// maxID bounds identifiers, in bytes, and small integers.
const maxID = 255

// object is one object with its attributes still to be read.
type object struct {
	label  string
	authID string      // the PIN that guards it, as id
	class  *ber.Reader // attributes of all keys, certificates or PINs
	typ    *ber.Reader // attributes of this type
}

// id is an identifier of the card, hexadecimal.
func id(v ber.Value) string { return hex.EncodeToString(v.Body) }

func parseObject(v ber.Value) (object, error) {
	var o object
	r, err := v.Inside()
	if err != nil {
		return o, err
	}
	common, err := r.Enter(ber.Sequence)
	if err != nil {
		return o, err
	}
	for common.More() {
		x, err := common.Next()
		if err != nil {
			return o, err
		}
		switch x.Tag {
		case ber.UTF8String:
			o.label = smartcard.Printable(string(x.Body))
		case ber.OctetString:
			o.authID = id(x)
		}
	}
	if o.class, err = r.Enter(ber.Sequence); err != nil {
		return o, err
	}
	if err = r.Skip(tagTypeAttributes); err != nil {
		return o, err
	}
	outer, err := r.Enter(tagTypeAttributes)
	if err != nil {
		return o, err
	}
	o.typ, err = outer.Enter(ber.Sequence)
	return o, err
}

// parseObjects reads a directory file. An object that cannot be read is passed
// over: cards carry kinds that this package does not know, and mistakes. A run
// that gives nothing and is broken is an error.
func parseObjects[T any](b []byte, parse func(ber.Value) (T, error)) ([]T, error) {
	var list []T
	r := ber.New(b)
	for seen := 0; r.MoreInFile(); seen++ {
		if seen == maxObjects {
			return nil, fmt.Errorf("%w: more than %d objects", smartcard.ErrMalformed, maxObjects)
		}
		v, err := r.Next()
		if err != nil {
			if len(list) == 0 {
				return nil, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
			}
			break
		}
		if x, err := parse(v); err == nil {
			list = append(list, x)
		}
	}
	return list, nil
}

// privateKey is an object of a PrKDF.
type privateKey struct {
	id        string
	label     string
	authID    string
	reference int // one byte; noReference if the card gives none
	path      cardfile.Path
	algs      []int // references to algorithms of TokenInfo; nil for all
}

const noReference = -1

// Usage bits of keys (ISO/IEC 7816-15 section 8.2.9).
const (
	usageSign           = 2
	usageSignRecover    = 3
	usageNonRepudiation = 9
)

const (
	tagECKey         ber.Tag = 0xA0
	tagAlgReferences ber.Tag = 0xA1
)

func parsePrKD(v ber.Value) (privateKey, error) {
	k := privateKey{reference: noReference}
	if v.Tag != ber.Sequence && v.Tag != tagECKey {
		return k, fmt.Errorf("%w: neither an RSA nor an EC key", ber.ErrMalformed)
	}
	o, err := parseObject(v)
	if err != nil {
		return k, err
	}
	k.label, k.authID = o.label, o.authID
	ident, err := o.class.Want(ber.OctetString)
	if err != nil {
		return k, err
	}
	if k.id = id(ident); len(ident.Body) == 0 || len(ident.Body) > maxID {
		return k, fmt.Errorf("%w: iD of %d bytes", ber.ErrMalformed, len(ident.Body))
	}
	flags, err := o.class.Want(ber.BitString)
	if err != nil {
		return k, err
	}
	usage, err := flags.Bits()
	if err != nil {
		return k, err
	}
	if !usage.None() && !usage.Has(usageSign) && !usage.Has(usageSignRecover) && !usage.Has(usageNonRepudiation) {
		return k, fmt.Errorf("%w: the key does not sign", ber.ErrMalformed)
	}
	for o.class.More() {
		x, err := o.class.Next()
		if err != nil {
			return k, err
		}
		switch x.Tag {
		case ber.Integer:
			if k.reference, err = lowByte(x); err != nil {
				return k, err
			}
		case tagAlgReferences:
			if k.algs, err = integers(x); err != nil {
				return k, err
			}
		}
	}
	if where, ok, err := o.typ.Optional(ber.Sequence); err != nil {
		return k, err
	} else if ok {
		if k.path, _, err = parsePath(where); err != nil {
			return k, err
		}
	}
	if k.reference == noReference && len(k.path) == 0 {
		return k, fmt.Errorf("%w: the key has neither reference nor path", ber.ErrMalformed)
	}
	return k, nil
}

// lowByte is a key or PIN reference. Some cards write those above 7F as negative
// integers, which they are not.
func lowByte(v ber.Value) (int, error) {
	n, err := v.Int()
	return int(byte(n)), err
}

func integers(v ber.Value) ([]int, error) {
	r, err := v.Inside()
	if err != nil {
		return nil, err
	}
	var list []int
	for r.More() && len(list) < maxObjects {
		x, err := r.Want(ber.Integer)
		if err != nil {
			return nil, err
		}
		n, err := x.Int()
		if err != nil {
			return nil, err
		}
		list = append(list, int(n))
	}
	return list, nil
}

// certificate is an object of a CDF.
type certificate struct {
	id    string
	label string
	source
}

func parseCD(v ber.Value) (certificate, error) {
	var c certificate
	if v.Tag != ber.Sequence { // other kinds than X.509 are context tags
		return c, fmt.Errorf("%w: no X.509 certificate", ber.ErrMalformed)
	}
	o, err := parseObject(v)
	if err != nil {
		return c, err
	}
	c.label = o.label
	ident, err := o.class.Want(ber.OctetString)
	if err != nil {
		return c, err
	}
	c.id = id(ident)
	if authority, ok, err := o.class.Optional(ber.Boolean); err != nil || (ok && authority.Bool()) {
		return c, fmt.Errorf("%w: an authority's certificate", ber.ErrMalformed)
	}
	value, err := o.typ.Next()
	if err != nil {
		return c, err
	}
	if c.source, err = parseSource(value); err != nil {
		return c, err
	}
	// [0] replaces the certificate's own tag if the writer read the standard's
	// IMPLICIT TAGS so; then what is inside does not begin with a whole value.
	if c.inline != nil {
		if n, ok := ber.Length(c.inline); !ok || n != len(c.inline) {
			c.inline = append([]byte{byte(ber.Sequence)}, value.Raw[1:]...)
		}
	}
	return c, nil
}

// pinObject is an object of an AODF that a person can enter.
type pinObject struct {
	id        string
	label     string
	reference byte
	rule      pin.Rule
	path      cardfile.Path // of a local PIN: the directory in which it is verified
	unset     bool          // never activated
}

// Bits of pinFlags (ISO/IEC 7816-15 section 8.9.2).
const (
	pinLocal        = 1
	pinInitialised  = 4
	pinNeedsPadding = 5
	pinUnblocking   = 6 // a PUK
	pinSO           = 7 // the issuer's
)

const tagPINReference ber.Tag = 0x80

// Lengths of PINs, in characters.
const (
	maxPIN      = 64
	usualMaxPIN = 16 // where the card names no bound
)

func parseAOD(v ber.Value) (pinObject, error) {
	var p pinObject
	if v.Tag != ber.Sequence { // biometric and other kinds are context tags
		return p, fmt.Errorf("%w: no PIN", ber.ErrMalformed)
	}
	o, err := parseObject(v)
	if err != nil {
		return p, err
	}
	p.label = o.label
	ident, err := o.class.Want(ber.OctetString)
	if err != nil {
		return p, err
	}
	p.id = id(ident)

	raw, err := o.typ.Want(ber.BitString)
	if err != nil {
		return p, err
	}
	flags, err := raw.Bits()
	if err != nil {
		return p, err
	}
	if flags.Has(pinUnblocking) || flags.Has(pinSO) {
		return p, fmt.Errorf("%w: not the user's PIN", ber.ErrMalformed)
	}
	p.unset = !flags.Has(pinInitialised)
	var n [3]int // pinType, minLength, storedLength
	for i, tag := range []ber.Tag{ber.Enumerated, ber.Integer, ber.Integer} {
		x, err := o.typ.Want(tag)
		if err != nil {
			return p, err
		}
		if n[i], err = x.Uint(maxID); err != nil {
			return p, err
		}
	}
	p.rule = pin.Rule{Encoding: pin.Encoding(n[0]), Min: n[1], Stored: n[2], Pad: flags.Has(pinNeedsPadding)}
	if !p.rule.Pad { // the half byte after an odd BCD digit
		p.rule.Filler = 0xFF
	}
	for o.typ.More() {
		x, err := o.typ.Next()
		if err != nil {
			return p, err
		}
		switch x.Tag {
		case ber.Integer:
			if p.rule.Max, err = x.Uint(maxID); err != nil {
				return p, err
			}
		case tagPINReference:
			ref, err := lowByte(x)
			if err != nil {
				return p, err
			}
			p.reference = byte(ref)
		case ber.OctetString:
			if len(x.Body) > 0 {
				p.rule.Filler = x.Body[0]
			}
		case ber.Sequence:
			path, _, err := parsePath(x)
			if err != nil {
				return p, err
			}
			if flags.Has(pinLocal) {
				p.path = path
			}
		}
	}
	p.rule.Max = mostCharacters(p.rule)
	return p, p.rule.Check()
}

// mostCharacters is the greatest length of a PIN by all that the card says of it:
// cards write a maxLength that their block does not hold, or none.
func mostCharacters(r pin.Rule) int {
	most := r.Max
	if most == 0 {
		most = max(usualMaxPIN, r.Min)
		if r.Stored > 0 && !r.Pad {
			most = r.Capacity()
		}
	}
	if r.Pad {
		most = min(most, r.Capacity())
	}
	return min(most, maxPIN)
}

// findPIN is the PIN that guards a key.
func findPIN(pins []pinObject, authID string) (pinObject, bool) {
	for _, p := range pins {
		if p.id == authID {
			return p, true
		}
	}
	// A card with one PIN may leave out which one a key needs.
	if authID == "" && len(pins) == 1 {
		return pins[0], true
	}
	return pinObject{}, false
}

func findCertificate(certs []certificate, id string) (certificate, bool) {
	for _, c := range certs {
		if c.id == id {
			return c, true
		}
	}
	return certificate{}, false
}
