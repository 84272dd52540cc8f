package signcard

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

// The keys are made once: RSA takes a moment.
var (
	rsaKey  = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaKey2 = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey   = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ecKey2  = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// certificate certifies a key by itself: nobody here asks who issued it.
func certificate(key crypto.Signer, name string) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

// rsaCard has two pairs with RSA keys, ecCard two with P-256.
func rsaCard(change ...func(*Config)) Config { return pairs(rsaKey(), rsaKey2(), change) }
func ecCard(change ...func(*Config)) Config  { return pairs(ecKey(), ecKey2(), change) }

func pairs(login, signing crypto.Signer, change []func(*Config)) Config {
	cfg := Config{
		Pairs: []Pair{
			{Label: "login", Certificate: certificate(login, "AYSEL NÜMUNƏ"), Key: login},
			{Label: "signing", Certificate: certificate(signing, "AYSEL NÜMUNƏ"), Key: signing, PIN: PIN2, Signing: true},
		},
		PIN1: PIN{Value: "1234"}, PIN2: PIN{Value: "123456"}, PUK: PIN{Value: "12345678"},
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

// rig is a terminal with a card.
type rig struct {
	*testing.T
	*Card
}

func newRig(t *testing.T, cfg Config) rig {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return rig{t, c}
}

// send sends a command that is written in hexadecimal, with bytes appended, and
// returns the answer's data and status word.
func (r rig) send(command string, more ...[]byte) ([]byte, int) {
	r.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range more {
		b = append(b, m...)
	}
	a := r.Command(b)
	if len(a) < 2 {
		return nil, 0
	}
	return a[:len(a)-2], int(a[len(a)-2])<<8 | int(a[len(a)-1])
}

// want sends a command and demands a status word.
func (r rig) want(sw int, command string, more ...[]byte) []byte {
	r.Helper()
	data, got := r.send(command, more...)
	if got != sw {
		r.Fatalf("%s: SW %04X, want %04X", command, got, sw)
	}
	return data
}

// read selects a file by its path and reads it whole, by size or to its end.
func (r rig) read(path string) []byte {
	r.Helper()
	r.want(swOK, "00A4080C"+lc(path)+path)
	var out []byte
	for {
		data, sw := r.send("00B0", []byte{byte(len(out) >> 8), byte(len(out)), 0})
		if sw == swOutside {
			return out
		}
		if sw != swOK {
			r.Fatalf("READ BINARY of %s: SW %04X", path, sw)
		}
		out = append(out, data...)
	}
}

func lc(h string) string { return hex.EncodeToString([]byte{byte(len(h) / 2)}) }

// selectApp is SELECT of the PKCS#15 application.
const selectApp = "00A4040C0CA000000063504B43532D3135"

const (
	verify1 = "002000010431323334"
	verify2 = "0020000206313233343536"
	wrong1  = "002000010439393939"
)

// apdu builds a command with data, and Le 00.
func apdu(header string, data []byte) []byte {
	h := must(hex.DecodeString(header))
	return append(append(append(h, byte(len(data))), data...), 0)
}

func digest(msg string) []byte {
	h := crypto.SHA256.New()
	h.Write([]byte(msg))
	return h.Sum(nil)
}

// valid reports whether a signature of the card is one of the key over msg.
func valid(key crypto.Signer, msg string, sig []byte) bool {
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest(msg), sig) == nil
	case *ecdsa.PublicKey:
		if len(sig) == 64 {
			return ecdsa.Verify(pub, digest(msg), new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
		}
		return ecdsa.VerifyASN1(pub, digest(msg), sig)
	}
	return false
}

// info is DigestInfo of a message for RSA, its hash for ECDSA.
func info(key crypto.Signer, msg string) []byte {
	if _, ok := key.Public().(*rsa.PublicKey); ok {
		return append(bytes.Clone(digestInfo[crypto.SHA256]), digest(msg)...)
	}
	return digest(msg)
}

// pivCard has a key in slot 9A and one in slot 9C.
func pivCard(login, signing crypto.Signer) Config {
	cfg := pairs(login, signing, nil)
	cfg.Applet = PIV
	cfg.PIN1, cfg.PIN2 = PIN{Value: "123456"}, PIN{}
	cfg.Pairs[1].PIN = PIN1
	return cfg
}
