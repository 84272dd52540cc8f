package pkcs15

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// vector is one of the files that openssl made (testdata/generate.sh).
func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".der"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// person is a holder's two pairs, made once: a login key and a signing key.
type person struct {
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	rsaCert []byte
	ecCert  []byte
}

var holder = sync.OnceValue(func() person {
	p := person{rsa: must(rsa.GenerateKey(rand.Reader, 2048)), ec: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	p.rsaCert = issue(p.rsa, 1, x509.KeyUsageDigitalSignature)
	p.ecCert = issue(p.ec, 2, x509.KeyUsageContentCommitment)
	return p
})

func issue(key crypto.Signer, serial int64, usage x509.KeyUsage) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), KeyUsage: usage,
		Subject:   pkix.Name{CommonName: "TEST HOLDER"},
		NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

const (
	cardAID  = "a000000063504b43532d3135"
	issueAID = "e828bd080ff2504f5458"
	app      = "3f005015"
	dfPIN    = app + "4e01"
)

// standardCard has the usual layout: found by name, two pairs, two PINs, files
// with FCI.
func standardCard(t testing.TB) *testCard {
	p := holder()
	c := &testCard{
		atr:   []byte{0x3B, 0x80, 0x01},
		dirs:  map[string]bool{app: true, dfPIN: true},
		names: map[string]string{cardAID: app},
		files: map[string][]byte{
			app + "5031": vector(t, "odf"),
			app + "5032": vector(t, "tokeninfo"),
			app + "4401": vector(t, "prkd"),
			app + "4402": vector(t, "cd"),
			app + "4403": vector(t, "aod"),
			app + "4501": p.rsaCert,
			app + "4502": p.ecCert,
			app + "4b01": {},
		},
		pins: map[byte]*testPIN{
			0x01: {block: []byte("1234"), left: 3},
			0x82: {block: []byte("54321\xFF\xFF\xFF"), left: 3},
		},
		keys: map[byte]*testKey{
			0x01: {signer: p.rsa, pin: 0x01, form: "info"},
			0x82: {signer: p.ec, pin: 0x82, form: "digest"},
		},
	}
	c.reset()
	return c
}

// opened is the token of a card, and the card as a new job finds it.
func opened(t testing.TB, c *testCard, models ...Model) smartcard.Token {
	t.Helper()
	tok, err := New(models...).Open(t.Context(), c)
	if err != nil {
		t.Fatalf("the card cannot be opened: %v\n%v", err, c.sent)
	}
	if n := c.count("20"); n > 0 {
		t.Fatalf("%d VERIFY while looking at the card", n)
	}
	c.reset()
	return tok
}

// pulledCard is taken out while a command runs.
type pulledCard struct {
	*testCard
	after, calls int
}

func (c *pulledCard) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if c.calls++; c.calls == c.after {
		c.kept = append(c.kept, cmd)
		c.sent = append(c.sent, hex.EncodeToString(cmd[:4]))
		return nil, smartcard.ErrRemoved
	}
	return c.testCard.Transmit(ctx, cmd)
}

// Keys that do not belong to the holder's certificates, and one that is too short.
var (
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	weakRSA  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	otherEC  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
