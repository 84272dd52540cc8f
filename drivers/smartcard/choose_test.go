package smartcard_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

var (
	today = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	from  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	until = time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
)

func key[K any](k K, err error) K {
	if err != nil {
		panic(err)
	}
	return k
}

var (
	issuerKey = key(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	holderKey = key(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
)

// certificate is an usual one for login, changed by shape.
func certificate(t *testing.T, public crypto.PublicKey, shape func(*x509.Certificate)) smartcard.Key {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "ƏLİYEVA AYGÜN"},
		NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if shape != nil {
		shape(c)
	}
	issuer := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}}
	return smartcard.Key{ID: "45", Certificate: key(x509.CreateCertificate(rand.Reader, c, issuer, public, issuerKey))}
}

func TestChoose(t *testing.T) {
	ec := holderKey.Public()
	signing := func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageContentCommitment, nil }
	for _, c := range []struct {
		name       string
		public     crypto.PublicKey
		shape      func(*x509.Certificate)
		login      smartcard.Reason
		signatures smartcard.Reason
	}{
		{"a login certificate", ec, nil, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"a signing certificate", ec, signing, smartcard.ReasonPurpose, smartcard.ReasonNone},
		{"one for both", ec, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageContentCommitment }, smartcard.ReasonNone, smartcard.ReasonNone},
		{"no extended usage", ec, func(c *x509.Certificate) { c.ExtKeyUsage = nil }, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"any extended usage", ec, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"for e-mail only", ec, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, smartcard.ReasonPurpose, smartcard.ReasonPurpose},
		{"for something unheard of only", ec, func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}}
		}, smartcard.ReasonPurpose, smartcard.ReasonPurpose},
		{"no usage at all", ec, func(c *x509.Certificate) { c.KeyUsage = 0 }, smartcard.ReasonPurpose, smartcard.ReasonPurpose},
		{"an authority's", ec, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }, smartcard.ReasonPurpose, smartcard.ReasonPurpose},
		{"expired yesterday", ec, func(c *x509.Certificate) { c.NotAfter = today.AddDate(0, 0, -1) }, smartcard.ReasonExpired, smartcard.ReasonPurpose},
		{"valid to this second", ec, func(c *x509.Certificate) { c.NotAfter = today }, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"valid from tomorrow", ec, func(c *x509.Certificate) { c.NotBefore = today.AddDate(0, 0, 1) }, smartcard.ReasonNotYetValid, smartcard.ReasonPurpose},
		{"RSA of 2048 bits", key(rsa.GenerateKey(rand.Reader, 2048)).Public(), nil, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"RSA of 1024 bits", key(rsa.GenerateKey(rand.Reader, 1024)).Public(), nil, smartcard.ReasonKeyType, smartcard.ReasonPurpose},
		{"P-224", key(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).Public(), nil, smartcard.ReasonKeyType, smartcard.ReasonPurpose},
		{"P-384", key(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).Public(), nil, smartcard.ReasonNone, smartcard.ReasonPurpose},
		{"Ed25519", ed25519.PublicKey(make([]byte, 32)), nil, smartcard.ReasonKeyType, smartcard.ReasonPurpose},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := certificate(t, c.public, c.shape)
			for purpose, got := range map[string][]smartcard.Candidate{"login": smartcard.ForLogin([]smartcard.Key{k}, today), "signing": smartcard.ForSigning([]smartcard.Key{k}, today)} {
				want := c.login
				if purpose == "signing" {
					want = c.signatures
				}
				if len(got) != 1 || got[0].Reason != want || got[0].Usable() != (want == smartcard.ReasonNone) {
					t.Fatalf("%s: %+v, want %q", purpose, got, want)
				}
				if got[0].Holder != "ƏLİYEVA AYGÜN" || got[0].Issuer != "Test CA" || got[0].NotAfter.IsZero() || got[0].Key.ID != "45" {
					t.Errorf("%s: %q by %q until %v", purpose, got[0].Holder, got[0].Issuer, got[0].NotAfter)
				}
			}
		})
	}
}

// All of a card's keys are judged, in its order, also one with nonsense for a
// certificate.
func TestChooseAll(t *testing.T) {
	keys := []smartcard.Key{
		{ID: "1", Certificate: []byte("nonsense")},
		certificate(t, holderKey.Public(), nil),
	}
	got := smartcard.ForLogin(keys, today)
	if len(got) != 2 || got[0].Reason != smartcard.ReasonUnreadable || got[0].Key.ID != "1" || !got[1].Usable() {
		t.Errorf("%+v", got)
	}
	if got := smartcard.ForLogin(nil, today); len(got) != 0 {
		t.Errorf("no keys give %+v", got)
	}
}

func TestHolder(t *testing.T) {
	given, sur := asn1.ObjectIdentifier{2, 5, 4, 42}, asn1.ObjectIdentifier{2, 5, 4, 4}
	for _, c := range []struct {
		name    string
		subject pkix.Name
		want    string
	}{
		{"control characters", pkix.Name{CommonName: "A\x00B\x1b[31mC\r\nD"}, "AB[31mC D"},
		{"a name that is turned round", pkix.Name{CommonName: "ALI\u202eVILA\u2066"}, "ALIVILA"},
		{"invisible letters", pkix.Name{CommonName: "A\u200bL\ufeffI"}, "ALI"},
		{"nothing but them", pkix.Name{CommonName: "\u200b\u202e"}, ""},
		{"spaces", pkix.Name{CommonName: "  A \t\u00a0 B  "}, "A B"},
		{"no common name", pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: given, Value: "Aygün"}, {Type: sur, Value: "Əliyeva"}}}, "Aygün Əliyeva"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := certificate(t, holderKey.Public(), func(x *x509.Certificate) { x.Subject = c.subject })
			if got := smartcard.ForLogin([]smartcard.Key{k}, today)[0]; got.Holder != c.want {
				t.Errorf("shown as %q, want %q (%s)", got.Holder, c.want, got.Reason)
			}
		})
	}
	if got := []rune(smartcard.Printable(strings.Repeat("ə", 500))); len(got) != 128 {
		t.Errorf("%d characters are shown", len(got))
	}
	if got := smartcard.Printable("a\xff\xfeb"); got != "ab" {
		t.Errorf("bytes that are no text are shown as %q", got)
	}
}
