package pkcs15

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// testCard is a card with files, PINs and keys, and the peculiarities that the
// tests turn on. It reads commands by itself and shares nothing with the driver.
type testCard struct {
	atr   []byte
	t0    bool
	files map[string][]byte // contents by absolute path, in hexadecimal
	dirs  map[string]bool
	names map[string]string // application identifier: path
	pins  map[byte]*testPIN
	keys  map[byte]*testKey

	refuseP1, refuseP2 string // hexadecimal bytes that SELECT refuses
	info               string // what SELECT tells: "" FCI, "nosize", "all", "none"
	records            bool   // EF.DIR has records
	fetch              bool   // answers wait for GET RESPONSE
	exact              bool   // a wrong Le is answered by 6C
	glitch             int    // the reading that fails once
	glitchSW           uint16
	mute               bool   // VERIFY without data is not known
	verifySW           uint16 // the answer to every VERIFY with a wrong PIN, if not 63Cx

	df, ef  string
	alg     int
	key     byte
	hash    []byte
	waiting []byte
	chain   []byte
	reads   int

	sent []string // commands; of a PIN only the header
	kept [][]byte // their slices, to see whether they are wiped
}

type testPIN struct {
	block    []byte
	left     int
	dir      string // where it is verified
	verified bool
}

type testKey struct {
	signer  crypto.Signer
	pin     byte
	algs    []int  // that MSE takes; -1 for none named; nil for all
	form    string // "info", "hash", "padded", "digest"
	der     bool
	consent bool // VERIFY before every operation, also one that is refused
	dir     string
	flip    bool // answers with one bit wrong
}

func (c *testCard) ATR() []byte                 { return c.atr }
func (c *testCard) MaxCommand() int             { return 255 }
func (c *testCard) Begin(context.Context) error { return nil }
func (c *testCard) End() error                  { return nil }
func (c *testCard) Close() error                { c.reset(); return nil }

func (c *testCard) Protocol() smartcard.Protocol {
	if c.t0 {
		return smartcard.T0
	}
	return smartcard.T1
}

// reset is power off and on, and a clean journal.
func (c *testCard) reset() {
	c.df, c.ef, c.alg, c.key, c.hash, c.waiting, c.chain = "3f00", "", -1, 0, nil, nil, nil
	for _, p := range c.pins {
		p.verified = false
	}
	c.sent, c.kept, c.reads = nil, nil, 0
}

// count is the number of commands with an instruction.
func (c *testCard) count(ins string) (n int) {
	for _, s := range c.sent {
		if s[2:4] == ins {
			n++
		}
	}
	return n
}

func (c *testCard) Transmit(_ context.Context, raw []byte) ([]byte, error) {
	c.kept = append(c.kept, raw)
	cmd := bytes.Clone(raw)
	shown := hex.EncodeToString(cmd)
	if cmd[1] == 0x20 && len(cmd) > 5 {
		shown = shown[:10]
	}
	c.sent = append(c.sent, shown)

	var data []byte
	le := -1
	switch body := cmd[4:]; {
	case len(body) == 1:
		le = int(body[0])
	case len(body) > 1:
		n := int(body[0])
		if len(body) < 1+n {
			return sw(nil, 0x6700), nil
		}
		if data = body[1 : 1+n]; len(body) == n+2 {
			le = int(body[n+1])
		}
	}
	if le == 0 {
		le = 256
	}
	if cmd[0]&0x10 != 0 {
		c.chain = append(c.chain, data...)
		return sw(nil, 0x9000), nil
	}
	data, c.chain = append(c.chain, data...), nil
	answer, status := c.do(cmd, data)
	if cmd[1] == 0xC0 {
		return c.part(le), nil
	}
	if status == 0x9000 && len(answer) > 0 {
		if c.exact && le != len(answer) && le >= 0 && len(answer) <= 256 {
			return sw(nil, 0x6C00|uint16(byte(len(answer)))), nil
		}
		if c.fetch || (c.t0 && len(data) > 0) || len(answer) > max(le, 0) && len(answer) > 256 {
			c.waiting = answer
			return sw(nil, 0x6100|uint16(byte(min(len(answer), 256)))), nil
		}
		if le < 0 {
			answer = nil
		}
	}
	return sw(answer, status), nil
}

func (c *testCard) part(le int) []byte {
	n := min(max(le, 0), len(c.waiting))
	part := c.waiting[:n]
	c.waiting = c.waiting[n:]
	if len(c.waiting) > 0 {
		return sw(part, 0x6100|uint16(byte(min(len(c.waiting), 256))))
	}
	return sw(part, 0x9000)
}

func sw(data []byte, status uint16) []byte {
	return append(bytes.Clone(data), byte(status>>8), byte(status))
}

func (c *testCard) do(cmd, data []byte) ([]byte, uint16) {
	le := 256
	if n := len(cmd); n == 5 && cmd[4] != 0 {
		le = int(cmd[4])
	}
	switch cmd[1] {
	case 0xA4:
		return c.selectFile(cmd[2], cmd[3], data)
	case 0xB0:
		return c.readBinary(int(cmd[2])<<8|int(cmd[3]), le)
	case 0xB1:
		part, status := c.readBinary(int(data[2])<<8|int(data[3]), 250)
		return append([]byte{0x53, 0x81, byte(len(part))}, part...), status
	case 0xB2:
		return c.readRecord(int(cmd[2]))
	case 0x20:
		return nil, c.verify(cmd[3], data)
	case 0x22:
		return nil, c.environment(data)
	case 0x2A:
		return c.operate(cmd[2], data)
	case 0xCB:
		if p := c.pins[data[len(data)-1]]; p != nil {
			return []byte{0xA0, 0x04, 0xDF, 0x21, 0x01, byte(p.left)}, 0x9000
		}
		return nil, 0x6A88
	case 0xC0:
		return nil, 0x9000
	}
	return nil, 0x6D00
}

func (c *testCard) selectFile(p1, p2 byte, name []byte) ([]byte, uint16) {
	if strings.Contains(c.refuseP1, hex.EncodeToString([]byte{p1})) || strings.Contains(c.refuseP2, hex.EncodeToString([]byte{p2})) {
		return nil, 0x6A86
	}
	n := hex.EncodeToString(name)
	path := ""
	switch p1 {
	case 0x00:
		if path = c.df + n; n == "3f00" {
			path = n
		}
	case 0x01, 0x02:
		if path = c.df + n; c.dirs[path] != (p1 == 0x01) {
			return nil, 0x6A82
		}
	case 0x04:
		path = c.names[n]
	case 0x08:
		path = "3f00" + n
	case 0x09:
		path = c.df + n
	}
	contents, isFile := c.files[path]
	switch {
	case path == "3f00" || c.dirs[path]:
		c.df, c.ef = path, ""
	case isFile:
		c.df, c.ef = path[:len(path)-4], path
	default:
		return nil, 0x6A82
	}
	if p2 == 0x0C || c.info == "none" {
		return nil, 0x9000
	}
	kind := byte(0x38)
	if isFile {
		kind = 0x01
		if c.records && path == "3f002f00" {
			kind = 0x04
		}
	}
	inner := []byte{0x82, 0x01, kind, 0x83, 0x02, 0, 0}
	size := []byte{0x80, 0x02, byte(len(contents) >> 8), byte(len(contents))}
	switch {
	case !isFile || c.info == "nosize":
	case c.info == "all":
		more := len(contents) + 20
		inner = append(inner, 0x81, 0x02, byte(more>>8), byte(more))
	default:
		inner = append(inner, size...)
	}
	tag := byte(0x6F)
	if p2 == 0x04 {
		tag = 0x62
	}
	return append([]byte{tag, byte(len(inner))}, inner...), 0x9000
}

func (c *testCard) readBinary(offset, le int) ([]byte, uint16) {
	c.reads++
	if c.reads == c.glitch {
		c.ef = ""
		return nil, c.glitchSW
	}
	f, ok := c.files[c.ef]
	switch {
	case !ok:
		return nil, 0x6986
	case offset > len(f) || (offset == len(f) && offset > 0):
		return nil, 0x6B00
	}
	f = f[offset:]
	if len(f) < le && !c.exact {
		return f, 0x6282
	}
	return f[:min(le, len(f))], 0x9000
}

// readRecord takes every value of the file for a record and fills it up.
func (c *testCard) readRecord(n int) ([]byte, uint16) {
	rest := c.files[c.ef]
	for ; len(rest) > 1; n-- {
		end := 2 + int(rest[1])
		if n == 1 {
			return append(bytes.Clone(rest[:end]), 0xFF, 0xFF), 0x9000
		}
		rest = rest[end:]
	}
	return nil, 0x6A83
}

func (c *testCard) verify(ref byte, block []byte) uint16 {
	p := c.pins[ref]
	switch {
	case p == nil:
		return 0x6A88
	case p.dir != "" && p.dir != c.df:
		return 0x6A88
	case len(block) == 0 && c.mute:
		return 0x6700
	case len(block) == 0 && p.verified:
		return 0x9000
	case p.left == 0:
		return 0x6983
	case len(block) == 0:
		return 0x63C0 | uint16(p.left)
	case bytes.Equal(block, p.block):
		p.left, p.verified = 3, true
		return 0x9000
	}
	p.left--
	if c.verifySW != 0 {
		return c.verifySW
	}
	return 0x63C0 | uint16(p.left)
}

func (c *testCard) environment(data []byte) uint16 {
	c.alg, c.key, c.hash = -1, 0, nil
	for len(data) > 2 {
		switch data[0] {
		case 0x80:
			c.alg = int(data[2])
		case 0x84:
			c.key = data[2]
		case 0x81: // by its file
			c.key = data[3]
		}
		data = data[2+int(data[1]):]
	}
	k := c.keys[c.key]
	if k == nil {
		return 0x6A88
	}
	for _, a := range k.algs {
		if a == c.alg {
			return 0x9000
		}
	}
	if k.algs == nil {
		return 0x9000
	}
	return 0x6A80
}

func (c *testCard) operate(p1 byte, data []byte) ([]byte, uint16) {
	k := c.keys[c.key]
	if k == nil {
		return nil, 0x6985
	}
	if p1 == 0x90 {
		if k.form != "hash" {
			return nil, 0x6D00
		}
		c.hash = bytes.Clone(data[2:])
		return nil, 0x9000
	}
	if !c.pins[k.pin].verified || (k.dir != "" && k.dir != c.df) {
		return nil, 0x6982
	}
	if k.consent {
		c.pins[k.pin].verified = false
	}
	digest := c.hash
	switch {
	case k.form == "hash" && len(data) > 0, k.form != "hash" && len(data) == 0:
		return nil, 0x6985
	case k.form == "info" && len(data) != 51, k.form == "padded" && len(data) != 256, k.form == "digest" && len(data) != 32:
		return nil, 0x6A80
	case k.form != "hash":
		digest = data[len(data)-32:]
	}
	sig, err := k.signer.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return nil, 0x6F00
	}
	if _, ec := k.signer.(*ecdsa.PrivateKey); ec && !k.der {
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(sig, &rs); err != nil {
			return nil, 0x6F00
		}
		sig = make([]byte, 64)
		rs.R.FillBytes(sig[:32])
		rs.S.FillBytes(sig[32:])
	}
	if k.flip {
		sig[len(sig)-1] ^= 1
	}
	return sig, 0x9000
}

var _ crypto.Signer = (*rsa.PrivateKey)(nil)
