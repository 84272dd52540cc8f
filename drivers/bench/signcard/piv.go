package signcard

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
)

// Slots of a PIV card, its data objects and algorithms (SP 800-73-4 part 1 table
// 4b, part 2 table 6; SP 800-78-4 table 6-2).
const (
	slotAuthentication = 0x9A
	slotSignature      = 0x9C

	pivCertAuthentication = 0x5FC105
	pivCertSignature      = 0x5FC10A
	pivCHUID              = 0x5FC102
	pivDiscovery          = 0x7E

	pivRSA2048 = 0x07
	pivRSA3072 = 0x05
	pivP256    = 0x11
	pivP384    = 0x14
)

// piv is a PIV card (SP 800-73-4 part 2). Its first pair that is not for signing
// is in slot 9A, the one for signing in 9C. Both are guarded by PIN1.
func (c *Card) piv(cmd command) ([]byte, int) {
	fresh := c.env.fresh
	c.env.fresh = false
	if cmd.ins == insSelect {
		return c.pivSelect(cmd)
	}
	if !c.app {
		return nil, swNoInstruction
	}
	switch cmd.ins {
	case insVerify:
		sw := c.verify(cmd)
		c.env.fresh = sw == swOK && len(cmd.data) > 0
		return nil, sw
	case insGetDataOdd:
		return c.pivData(cmd)
	case insGeneralAuth:
		return c.pivSign(cmd, fresh)
	}
	return nil, swNoInstruction
}

func (c *Card) pivSelect(cmd command) ([]byte, int) {
	short := aidPIV // without its version
	full := append(bytes.Clone(aidPIV), 0x01, 0x00)
	if cmd.p1 != selectByName || len(cmd.data) < 5 || !bytes.HasPrefix(full, cmd.data) {
		return nil, swNotFound
	}
	c.app = true
	c.verified = [PUK + 1]bool{}
	return tlv(0x61,
		tlv(0x4F, full[len(full)-6:]),
		tlv(0x79, tlv(0x4F, short[:5])),
		tlv(0x50, []byte(c.cfg.Label))), swOK
}

// pivPair finds the pair of a slot.
func (c *Card) pivPair(slot byte) *Pair {
	for i := range c.cfg.Pairs {
		if p := &c.cfg.Pairs[i]; p.Signing == (slot == slotSignature) {
			return p
		}
	}
	return nil
}

// pivData is GET DATA (SP 800-73-4 part 2, 3.1.2).
func (c *Card) pivData(cmd command) ([]byte, int) {
	do, ok := elements(cmd.data)
	if cmd.p1p2() != 0x3FFF || !ok || len(do[0x5C]) == 0 || len(do[0x5C]) > 3 {
		return nil, swWrongData
	}
	tag := 0
	for _, b := range do[0x5C] {
		tag = tag<<8 | int(b)
	}
	slot := byte(0)
	switch tag {
	case pivCertAuthentication:
		slot = slotAuthentication
	case pivCertSignature:
		slot = slotSignature
	case pivDiscovery:
		return tlv(0x7E, tlv(0x4F, aidPIV, []byte{0x01, 0x00}), tlv(0x5F2F, []byte{0x40, 0x00})), swOK
	case pivCHUID:
		guid := append(bytes.Clone(c.cfg.Serial), make([]byte, 16)...)[:16]
		return tlv(0x53, tlv(0x30, make([]byte, 25)), tlv(0x34, guid), tlv(0x35, []byte("20991231")), tlv(0x3E), tlv(0xFE)), swOK
	}
	p := c.pivPair(slot)
	if slot == 0 || p == nil {
		return nil, swNotFound
	}
	body, err := compressed(p.Certificate, c.cfg.Layout.Compressed)
	if err != nil {
		return nil, swNotFound
	}
	info := byte(0)
	if c.cfg.Layout.Compressed != Plain {
		info = 1
	}
	return tlv(0x53, tlv(0x70, body), tlv(0x71, []byte{info}), tlv(0xFE)), swOK
}

// pivSign is GENERAL AUTHENTICATE with a challenge to be signed (SP 800-73-4 part
// 2, 3.2.4). Slot 9C wants VERIFY as the command before (part 1, 5.5).
func (c *Card) pivSign(cmd command, fresh bool) ([]byte, int) {
	p := c.pivPair(cmd.p2)
	if cmd.p2 != slotAuthentication && cmd.p2 != slotSignature || p == nil || cmd.p1 != pivAlgorithm(p) {
		return nil, swWrongP1P2
	}
	outer, ok := elements(cmd.data)
	if !ok {
		return nil, swWrongData
	}
	inner, ok := elements(outer[0x7C])
	if _, wanted := inner[0x82]; !ok || !wanted || len(inner[0x81]) == 0 {
		return nil, swWrongData
	}
	if cmd.p2 == slotSignature && !fresh {
		return nil, swSecurityStatus
	}
	sig, sw := c.sign(p, inner[0x81])
	if sw != swOK {
		return nil, sw
	}
	return tlv(0x7C, tlv(0x82, sig)), swOK
}

func pivAlgorithm(p *Pair) byte {
	switch pub := p.Key.Public().(type) {
	case *rsa.PublicKey:
		if pub.Size() == 256 {
			return pivRSA2048
		}
		return pivRSA3072
	case *ecdsa.PublicKey:
		if pub.Curve.Params().BitSize == 384 {
			return pivP384
		}
	}
	return pivP256
}
