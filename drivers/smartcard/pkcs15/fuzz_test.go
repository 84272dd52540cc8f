package pkcs15

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/signature"
)

// seed gives a target all vectors of testdata, whatever they are meant for.
func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/*.der")
	if err != nil || len(files) == 0 {
		f.Fatal("no vectors", err)
	}
	for _, name := range files {
		b := vector(f, filepath.Base(name[:len(name)-len(".der")]))
		f.Add(b)
		f.Add(stretchIfPlain(b))
	}
}

func stretchIfPlain(b []byte) []byte {
	if len(b) > 1 && b[0] != 0x61 {
		return stretch(b)
	}
	return b
}

func FuzzODF(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, _ := parseODF(b)
		for _, s := range append(append(d.keys, d.certificates...), d.pins...) {
			if len(s.inline) > len(b) || len(s.path) > len(b) || s.path.Check() != nil || s.part.Index < 0 || s.part.Length < 0 {
				t.Errorf("%+v out of %d bytes", s, len(b))
			}
		}
	})
}

func FuzzPrKDF(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, _ := parseObjects(b, parsePrKD)
		for _, k := range keys {
			if k.id == "" || k.path.Check() != nil || k.reference < noReference || k.reference > 0xFF ||
				(k.reference == noReference && len(k.path) == 0) || k.label != smartcard.Printable(k.label) {
				t.Errorf("%+v", k)
			}
		}
	})
}

func FuzzCDF(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		certs, _ := parseObjects(b, parseCD)
		for _, c := range certs {
			if c.path.Check() != nil || len(c.inline) > len(b)+1 || c.label != smartcard.Printable(c.label) {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzAODF(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		pins, _ := parseObjects(b, parseAOD)
		for _, p := range pins {
			if p.rule.Check() != nil || p.path.Check() != nil {
				t.Fatalf("%+v", p)
			}
			// Every length that is offered to the person makes a block.
			for n := max(1, p.rule.Min); n <= p.rule.Max; n++ {
				if _, err := p.rule.Block(bytes.Repeat([]byte("7"), n)); err != nil {
					t.Fatalf("%d characters: %+v", n, p.rule)
				}
			}
		}
	})
}

func FuzzTokenInfo(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		info, _ := parseTokenInfo(b)
		for _, a := range info.algorithms {
			if a.algRef < NoAlgorithm || a.algRef > 0xFF {
				t.Errorf("%+v", a)
			}
		}
		if _, err := hex.DecodeString(info.serial); err != nil {
			t.Error(err)
		}
	})
}

func FuzzDIR(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, h := range parseDIR(b) {
			if h.Path.Check() != nil || len(h.AID) > 16 || (len(h.AID) == 0 && !h.Path.Absolute()) {
				t.Errorf("%+v", h)
			}
		}
	})
}

func FuzzCertificate(f *testing.F) {
	seed(f)
	f.Add(holder().ecCert)
	f.Fuzz(func(t *testing.T, b []byte) {
		der, err := unwrap(b)
		if err != nil {
			if !errors.Is(err, smartcard.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		if len(der) > 64<<10 && len(der) > len(b) {
			t.Errorf("%d bytes out of %d", len(der), len(b))
		}
	})
}

// A card of random files is opened or refused within its bounds, and is never
// asked for a PIN; a key that it offers signs with its certificate or not at all.
func FuzzOpen(f *testing.F) {
	c := standardCard(f)
	var whole []byte
	for name, b := range c.files {
		whole = append(whole, pack(name, b)...)
	}
	f.Add(whole, byte(0))
	f.Add(whole, byte(0xFF))
	f.Add(pack("3f002f00", vector(f, "dir")), byte(1))
	f.Add(append(pack(app+"5031", vector(f, "odf_loop")), pack(app+"4401", vector(f, "prkd"))...), byte(2))
	f.Fuzz(func(t *testing.T, b []byte, quirks byte) {
		c := standardCard(t)
		unpack(c, b)
		c.fetch, c.exact = quirks&1 != 0, quirks&2 != 0
		if quirks&4 != 0 {
			c.refuseP2 = "0c"
		}
		if quirks&8 != 0 {
			c.info = "none"
		}
		if quirks&16 != 0 {
			c.names = nil
		}
		tok, err := New().Open(t.Context(), c)
		if len(c.sent) > apdu.MaxExchanges || c.count("20") > 0 {
			t.Fatalf("%d commands, %d VERIFY", len(c.sent), c.count("20"))
		}
		if err != nil {
			if tok != nil {
				t.Error("a token with an error")
			}
			return
		}
		for _, k := range tok.Keys() {
			if k.ID == "" || k.PIN == "" || k.MinPIN < 1 || k.MaxPIN < k.MinPIN || len(k.Certificate) == 0 {
				t.Fatalf("%+v", k)
			}
			c.reset()
			sig, err := tok.Sign(t.Context(), c, k.ID, bytes.Repeat([]byte("1"), k.MinPIN), crypto.SHA256, digest[:])
			if c.count("20") > 2 { // one with the PIN, and one to ask how many tries are left
				t.Fatalf("%d VERIFY", c.count("20"))
			}
			if err != nil {
				continue
			}
			cert, err := x509.ParseCertificate(k.Certificate)
			if err != nil {
				t.Fatalf("signed for a certificate that makes no sense: %v", err)
			}
			if _, err := signature.Finish(cert.PublicKey, crypto.SHA256, digest[:], sig); err != nil {
				t.Errorf("a false signature: %v", err)
			}
		}
	})
}

// pack and unpack write files of the application as name, length and contents.
func pack(name string, b []byte) []byte {
	id, _ := hex.DecodeString(name[len(name)-4:])
	return append(binary.BigEndian.AppendUint16(id, uint16(len(b))), b...)
}

func unpack(c *testCard, b []byte) {
	for len(b) >= 4 {
		name, n := hex.EncodeToString(b[:2]), int(binary.BigEndian.Uint16(b[2:]))
		n = min(n, len(b)-4)
		path := app + name
		if name == "2f00" {
			path = "3f00" + name
		}
		c.files[path] = b[4 : 4+n]
		b = b[4+n:]
	}
}
