package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/signature"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey  = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
)

func sum(h crypto.Hash) []byte {
	x := h.New()
	x.Write([]byte("message"))
	return x.Sum(nil)
}

// A DigestInfo that is padded and raised is the signature that the standard
// library makes and takes.
func TestPadded(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		block, err := signature.Padded(h, sum(h), 256)
		if err != nil || len(block) != 256 {
			t.Fatal(err, len(block))
		}
		raw := new(big.Int).Exp(new(big.Int).SetBytes(block), rsaKey.D, rsaKey.N).FillBytes(make([]byte, 256))
		want := must(rsa.SignPKCS1v15(nil, rsaKey, h, sum(h)))
		if !bytes.Equal(raw, want) {
			t.Errorf("%v: another signature", h)
		}
		if got, err := signature.Finish(&rsaKey.PublicKey, h, sum(h), raw); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %v", h, err)
		}
	}
	if _, err := signature.Padded(crypto.SHA512, sum(crypto.SHA512), 64); !errors.Is(err, smartcard.ErrKeyRefused) {
		t.Errorf("a modulus shorter than its contents: %v", err)
	}
}

func TestCheckDigest(t *testing.T) {
	if err := signature.CheckDigest(crypto.SHA256, make([]byte, 32)); err != nil {
		t.Error(err)
	}
	for h, n := range map[crypto.Hash]int{crypto.SHA1: 20, crypto.MD5: 16, crypto.SHA256: 31, crypto.SHA384: 32, 0: 0} {
		if err := signature.CheckDigest(h, make([]byte, n)); !errors.Is(err, smartcard.ErrKeyRefused) {
			t.Errorf("%d bytes of %d: %v", n, h, err)
		}
	}
}

// EC answers in both forms give r||s, on each curve and with each digest.
func TestECForms(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key := must(ecdsa.GenerateKey(curve, rand.Reader))
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			n := (curve.Params().N.BitLen() + 7) / 8
			// Enough signatures for r or s with a leading 0, and with the top bit set.
			for range 300 {
				der := must(key.Sign(rand.Reader, sum(h), h))
				var rs struct{ R, S *big.Int }
				must(asn1.Unmarshal(der, &rs))
				want := append(rs.R.FillBytes(make([]byte, n)), rs.S.FillBytes(make([]byte, n))...)
				for form, answer := range map[string][]byte{"DER": der, "raw": want} {
					got, err := signature.Finish(&key.PublicKey, h, sum(h), answer)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("%s %v %s: %v", curve.Params().Name, h, form, err)
					}
				}
				if curve != elliptic.P256() {
					break
				}
			}
		}
	}
}

func TestForCurve(t *testing.T) {
	d := sha512.Sum512([]byte("x"))
	if got := signature.ForCurve(&ecKey.PublicKey, d[:]); !bytes.Equal(got, d[:32]) {
		t.Errorf("%d bytes for P-256", len(got))
	}
	short := sha256.Sum256([]byte("x"))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	if got := signature.ForCurve(&p384.PublicKey, short[:]); !bytes.Equal(got, short[:]) {
		t.Errorf("%d bytes for P-384", len(got))
	}
}

func TestFalse(t *testing.T) {
	h := crypto.SHA256
	good := must(ecKey.Sign(rand.Reader, sum(h), h))
	rsaGood := must(rsa.SignPKCS1v15(nil, rsaKey, h, sum(h)))
	flipped := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	zero := make([]byte, 64)
	for name, c := range map[string]struct {
		public crypto.PublicKey
		answer []byte
	}{
		"nothing for RSA":    {&rsaKey.PublicKey, nil},
		"a bit wrong, RSA":   {&rsaKey.PublicKey, flipped(rsaGood, 10)},
		"cut, RSA":           {&rsaKey.PublicKey, rsaGood[1:]},
		"nothing for EC":     {&ecKey.PublicKey, nil},
		"a bit wrong, EC":    {&ecKey.PublicKey, flipped(good, len(good)-1)},
		"zeros":              {&ecKey.PublicKey, zero},
		"with a tail, EC":    {&ecKey.PublicKey, append(bytes.Clone(good), 0)},
		"an EC answer's RSA": {&rsaKey.PublicKey, good},
		"three integers":     {&ecKey.PublicKey, []byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}},
		"integers too long":  {&ecKey.PublicKey, append([]byte{0x30, 0x44, 0x02, 0x40}, append(bytes.Repeat([]byte{0x11}, 64), 2, 0)...)},
	} {
		if sig, err := signature.Finish(c.public, h, sum(h), c.answer); !errors.Is(err, smartcard.ErrFalseSignature) || sig != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := signature.Finish(nil, h, sum(h), good); !errors.Is(err, smartcard.ErrKeyRefused) {
		t.Errorf("no key: %v", err)
	}
}

// An EC answer is read or refused, whatever it is.
func FuzzFinish(f *testing.F) {
	d := sum(crypto.SHA256)
	f.Add(must(ecKey.Sign(rand.Reader, d, crypto.SHA256)))
	f.Add(make([]byte, 64))
	f.Add([]byte{0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01})
	f.Add([]byte{0x30, 0x84, 0x00, 0x00, 0x00, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, answer []byte) {
		sig, err := signature.Finish(&ecKey.PublicKey, crypto.SHA256, d, answer)
		if (err == nil) != (len(sig) == 64) {
			t.Errorf("%d bytes, %v", len(sig), err)
		}
	})
}
