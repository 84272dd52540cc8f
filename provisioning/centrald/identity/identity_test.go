package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

const (
	origin = "https://asanlogin.example.az"
	nonce  = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
)

var noon = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// rsaKey is made once: it is slow.
var rsaKey = sync.OnceValue(func() crypto.Signer { return identitytest.RSAKey(2048) })

func verify(tb testing.TB, raw []byte, trust identity.Trust, v identity.Verifier, now time.Time) (identity.Person, identity.Reason) {
	tb.Helper()
	t, err := identity.ParseToken(raw)
	if err != nil {
		tb.Fatal(err)
	}
	if v.Origin == "" {
		v.Origin = origin
	}
	v.Rand = rand.Reader
	p, err := v.Verify(tb.Context(), t, nonce, trust, now)
	if err == nil {
		return p, ""
	}
	r, ok := identity.ReasonOf(err)
	if !ok {
		tb.Fatalf("an error without a reason: %v", err)
	}
	for _, private := range []string{identitytest.FIN, identitytest.Given, identitytest.Surname} {
		if strings.Contains(err.Error(), private) {
			tb.Fatalf("the error names the person: %v", err)
		}
	}
	return p, r
}

func oid(n ...int) asn1.ObjectIdentifier { return n }

// What a certificate can be, and what is said of it, for both kinds of key.
func TestCertificates(t *testing.T) {
	type c = *x509.Certificate
	for _, x := range []struct {
		name  string
		alter func(c)
		at    time.Duration
		want  identity.Reason
	}{
		{name: "as it should be"},
		{name: "no extended key usage", alter: func(c c) { c.ExtKeyUsage = nil }},
		{name: "the last second", alter: func(c c) { c.NotAfter = noon }},
		{name: "the first second", alter: func(c c) { c.NotBefore = noon }},
		{name: "a second too late", alter: func(c c) { c.NotAfter = noon.Add(-time.Second) }, want: identity.CertExpired},
		{name: "a second too early", alter: func(c c) { c.NotBefore = noon.Add(time.Second) }, want: identity.CertNotYetValid},
		{name: "the signing certificate", alter: func(c c) { c.KeyUsage = x509.KeyUsageContentCommitment }, want: identity.CertPurpose},
		{name: "no key usage", alter: func(c c) { c.KeyUsage = 0 }, want: identity.CertPurpose},
		{name: "for mail", alter: func(c c) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, want: identity.CertPurpose},
		{name: "for an unknown use", alter: func(c c) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{oid(1, 3, 6, 1, 4, 1, 99999, 1)}
		}, want: identity.CertPurpose},
		{name: "an issuer's", alter: func(c c) {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign
		}, want: identity.CertPurpose},
		{name: "an unknown critical extension", alter: func(c c) {
			c.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 2), Critical: true, Value: []byte{5, 0}}}
		}, want: identity.CertPurpose},
		{name: "an unknown extension", alter: func(c c) {
			c.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 2), Value: []byte{5, 0}}}
		}},
		{name: "the plain FIN", alter: func(c c) { c.Subject = identitytest.Subject("5ABC3T7", "AYSEL", "NÜMUNƏ") }},
		{name: "no FIN", alter: func(c c) { c.Subject = identitytest.Subject("", "AYSEL", "NÜMUNƏ") }, want: identity.CertMalformed},
		{name: "a number of another country", alter: func(c c) { c.Subject = identitytest.Subject("PNOEE-38001085718", "AYSEL", "NÜMUNƏ") }, want: identity.CertMalformed},
		{name: "two numbers", alter: func(c c) {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oid(2, 5, 4, 5), Value: "PNOAZ-5ABC3T7"}, pkix.AttributeTypeAndValue{Type: oid(2, 5, 4, 5), Value: "PNOAZ-7KM2P9Q"})
			c.Subject.SerialNumber = ""
		}, want: identity.CertMalformed},
	} {
		for alg, key := range map[string]crypto.Signer{"ES256": identitytest.ECKey(), "RS256": rsaKey()} {
			t.Run(x.name+"/"+alg, func(t *testing.T) {
				root := identitytest.Root(t, "Root", noon)
				card := root.Issue(key, x.alter)
				trust := identity.Trust{Roots: []c{root.Cert}, CRLs: []*x509.RevocationList{root.CRL(nil)}}
				p, got := verify(t, card.Token(t, origin, nonce), trust, identity.Verifier{}, noon)
				if got != x.want {
					t.Fatalf("refused %q, want %q", got, x.want)
				}
				if want := (identity.Person{FIN: "5ABC3T7", Name: "AYSEL NÜMUNƏ"}); got == "" && p != want {
					t.Fatalf("signed in as %+v", p)
				}
			})
		}
	}
}

// Only a chain to the method's own root counts.
func TestChains(t *testing.T) {
	root, other := identitytest.Root(t, "Root", noon), identitytest.Root(t, "Root", noon) // the same name, another key
	issuing := root.Issuing("Issuing", nil)
	key := identitytest.ECKey()
	below := issuing.Issue(key, nil)
	type list = []*x509.Certificate
	for _, x := range []struct {
		name          string
		card          identitytest.Card
		by            *identitytest.Authority
		roots, middle list
		want          identity.Reason
	}{
		{"straight from the root", root.Issue(key, nil), root, list{root.Cert}, nil, ""},
		{"through an issuing authority", below, issuing, list{root.Cert}, list{issuing.Cert}, ""},
		{"two roots, at a change of root", below, issuing, list{other.Cert, root.Cert}, list{issuing.Cert}, ""},
		{"the issuing authority is not configured", below, issuing, list{root.Cert}, nil, identity.CertUnknown},
		{"the root of another method", below, issuing, list{other.Cert}, list{issuing.Cert}, identity.CertUnknown},
		{"no root at all", below, issuing, nil, list{issuing.Cert}, identity.CertUnknown},
		{"a root that came in as an issuing authority", below, issuing, nil, list{issuing.Cert, root.Cert}, identity.CertUnknown},
		{"a card that issues", below.Issuer(t, noon).Issue(key, nil), issuing, list{root.Cert}, list{issuing.Cert, below.Cert}, identity.CertUnknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			trust := identity.Trust{Roots: x.roots, Intermediates: x.middle, CRLs: []*x509.RevocationList{x.by.CRL(nil)}}
			if _, got := verify(t, x.card.Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != x.want {
				t.Fatalf("refused %q, want %q", got, x.want)
			}
		})
	}

	for name, x := range map[string]struct {
		alter func(*x509.Certificate)
		want  identity.Reason
	}{
		"expired":                   {func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Hour) }, identity.CertUnknown},
		"may not sign certificates": {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, identity.CertUnknown},
		"is no authority":           {func(c *x509.Certificate) { c.IsCA = false }, identity.CertUnknown},
		"only for mail":             {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, identity.CertPurpose},
		"for clients":               {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, ""},
		"an unknown critical promise": {func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 2), Critical: true, Value: []byte{5, 0}}}
		}, identity.CertUnknown},
		"only for addresses of one domain": {func(c *x509.Certificate) {
			c.PermittedEmailAddresses, c.PermittedDNSDomainsCritical = []string{"example.az"}, true
		}, identity.CertUnknown},
	} {
		t.Run("issuing authority: "+name, func(t *testing.T) {
			issuing := root.Issuing("Issuing", x.alter)
			card := issuing.Issue(key, func(c *x509.Certificate) { c.EmailAddresses = []string{"a@elsewhere.example"} })
			crls := []*x509.RevocationList{}
			if x.want == "" {
				crls = append(crls, issuing.CRL(nil))
			}
			trust := identity.Trust{Roots: list{root.Cert}, Intermediates: list{issuing.Cert}, CRLs: crls}
			if _, got := verify(t, card.Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != x.want {
				t.Fatalf("refused %q, want %q", got, x.want)
			}
		})
	}

	t.Run("a path that is longer than the root allows", func(t *testing.T) {
		one := root.Issuing("One", func(c *x509.Certificate) { c.MaxPathLenZero = true })
		two := one.Issuing("Two", nil)
		trust := identity.Trust{Roots: list{root.Cert}, Intermediates: list{one.Cert, two.Cert}, CRLs: []*x509.RevocationList{two.CRL(nil)}}
		if _, got := verify(t, two.Issue(key, nil).Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != identity.CertUnknown {
			t.Fatalf("refused %q", got)
		}
	})
	t.Run("the root as a card", func(t *testing.T) {
		card := identitytest.Card{Cert: root.Cert, Key: root.Key}
		trust := identity.Trust{Roots: list{root.Cert}, CRLs: []*x509.RevocationList{root.CRL(nil)}}
		if _, got := verify(t, card.Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != identity.CertPurpose {
			t.Fatalf("refused %q", got)
		}
	})
	t.Run("a revoked issuing authority", func(t *testing.T) {
		crls := []*x509.RevocationList{issuing.CRL(nil), root.CRL(nil, identitytest.Entry(issuing.Cert, noon, 2))}
		trust := identity.Trust{Roots: list{root.Cert}, Intermediates: list{issuing.Cert}, CRLs: crls}
		if _, got := verify(t, below.Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != identity.CertUnknown {
			t.Fatalf("refused %q", got)
		}
	})
}

// A signature counts for our origin and our nonce alone, and the algorithm is that
// of the key.
func TestSignatures(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	ec, rsa := root.Issue(identitytest.ECKey(), nil), root.Issue(rsaKey(), nil)
	trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: []*x509.RevocationList{root.CRL(nil)}}
	parts := func(raw []byte) identity.Token {
		p, err := identity.ParseToken(raw)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, x := range map[string]struct {
		card   identitytest.Card
		origin string
		alter  func(*identity.Token)
		want   identity.Reason
	}{
		"RSA":  {rsa, origin, nil, ""},
		"P256": {ec, origin, nil, ""},
		// The relay: a false site shows the person our nonce; what the card signs
		// names the false site.
		"made for another site, RSA":  {rsa, "https://asan1ogin.example.az", nil, identity.SignatureFalse},
		"made for another site, P256": {ec, "https://asan1ogin.example.az", nil, identity.SignatureFalse},
		"origin with a slash":         {ec, origin + "/", nil, identity.SignatureFalse},
		"no origin":                   {ec, "", nil, identity.SignatureFalse},
		"RS256 with a P-256 key":      {ec, origin, func(p *identity.Token) { p.Algorithm = "RS256" }, identity.Algorithm},
		"ES256 with an RSA key":       {rsa, origin, func(p *identity.Token) { p.Algorithm = "ES256" }, identity.Algorithm},
		"PS256":                       {rsa, origin, func(p *identity.Token) { p.Algorithm = "PS256" }, identity.Algorithm},
		"none":                        {rsa, origin, func(p *identity.Token) { p.Algorithm = "none" }, identity.Algorithm},
		"another's signature":         {ec, origin, func(p *identity.Token) { p.Signature = parts(rsa.Token(t, origin, nonce)).Signature }, identity.SignatureFalse},
		"no signature":                {ec, origin, func(p *identity.Token) { p.Signature = "AA==" }, identity.SignatureFalse},
		"zeros":                       {ec, origin, func(p *identity.Token) { p.Signature = strings.Repeat("A", 86) + "==" }, identity.SignatureFalse},
		"signature of two texts":      {ec, origin, func(p *identity.Token) { p.Signature = p.Signature[:20] + "\n" + p.Signature[20:] }, identity.SignatureFalse},
		"certificate no base64":       {ec, origin, func(p *identity.Token) { p.Certificate = "%" }, identity.CertMalformed},
		"certificate no DER":          {ec, origin, func(p *identity.Token) { p.Certificate = "AAAA" }, identity.CertMalformed},
		"certificate cut short":       {ec, origin, func(p *identity.Token) { p.Certificate = p.Certificate[:400] }, identity.CertMalformed},
		"another's certificate": {ec, origin, func(p *identity.Token) {
			p.Certificate = parts(root.Issue(identitytest.ECKey(), nil).Token(t, origin, nonce)).Certificate
		}, identity.SignatureFalse},
	} {
		t.Run(name, func(t *testing.T) {
			p := parts(x.card.Token(t, x.origin, nonce))
			if x.alter != nil {
				x.alter(&p)
			}
			_, err := identity.Verifier{Origin: origin}.Verify(t.Context(), p, nonce, trust, noon)
			if got, _ := identity.ReasonOf(err); got != x.want {
				t.Fatalf("refused %v, want %q", err, x.want)
			}
		})
	}
	t.Run("weak and strange keys", func(t *testing.T) {
		p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string][]byte{
			"RSA 1024": root.Issue(identitytest.RSAKey(1024), nil).Token(t, origin, nonce),
			"P-384":    identitytest.TokenOf(t, root.Issue(p384, nil).Cert.Raw, "ES256", make([]byte, 64)),
		} {
			if _, got := verify(t, token, trust, identity.Verifier{}, noon); got != identity.Algorithm {
				t.Errorf("%s: refused %q", name, got)
			}
		}
	})
	t.Run("another nonce", func(t *testing.T) {
		other := "r" + nonce[1:]
		if _, got := verify(t, ec.Token(t, origin, other), trust, identity.Verifier{}, noon); got != identity.SignatureFalse {
			t.Fatalf("refused %q", got)
		}
	})
}

// Any single bit that is not as it was signed is refused: nonce, origin,
// signature, certificate.
func TestEveryBitCounts(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	crls := []*x509.RevocationList{root.CRL(nil)}
	trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: crls}
	for alg, key := range map[string]crypto.Signer{"ES256": identitytest.ECKey(), "RS256": rsaKey()} {
		card := root.Issue(key, nil)
		whole, err := identity.ParseToken(card.Token(t, origin, nonce))
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, bit int, tok identity.Token, origin, nonce string) {
			t.Helper()
			if _, err := (identity.Verifier{Origin: origin}).Verify(t.Context(), tok, nonce, trust, noon); err == nil {
				t.Fatalf("%s: bit %d of the %s does not count", alg, bit, what)
			}
		}
		eachBit([]byte(nonce), func(bit int, b []byte) { check("nonce", bit, whole, origin, string(b)) })
		eachBit([]byte(origin), func(bit int, b []byte) { check("origin", bit, whole, string(b), nonce) })
		eachBit([]byte(whole.Signature), func(bit int, b []byte) {
			tok := whole
			tok.Signature = string(b)
			check("signature's text", bit, tok, origin, nonce)
		})
		eachBit(unbase64(t, whole.Signature), func(bit int, b []byte) {
			tok := whole
			tok.Signature = base64Of(b)
			check("signature", bit, tok, origin, nonce)
		})
		eachBit(card.Cert.Raw, func(bit int, b []byte) {
			tok := whole
			tok.Certificate = base64Of(b)
			check("certificate", bit, tok, origin, nonce)
		})
	}
}

func eachBit(b []byte, f func(bit int, flipped []byte)) {
	for i := range len(b) * 8 {
		flipped := append([]byte(nil), b...)
		flipped[i/8] ^= 1 << (i % 8)
		f(i, flipped)
	}
}

// What stands in a certificate goes to a screen.
func TestNames(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: []*x509.RevocationList{root.CRL(nil)}}
	key := identitytest.ECKey()
	for _, x := range []struct{ given, surname, common, want string }{
		{"ELVİN", "SINAQ", "x", "ELVİN SINAQ"},
		{"", "SINAQ", "x", "SINAQ"},
		{"  EL\tVİN\n", "SI\u202eNAQ\x07", "x", "EL VİN SINAQ"},
		{"", "", "SINAQ,ELVİN,5ABC3T7", "SINAQ ELVİN"},
		{"", "", "PNOAZ-5ABC3T7", ""},
		{strings.Repeat("Ə", 3000), "", "x", strings.Repeat("Ə", 100)},
	} {
		card := root.Issue(key, func(c *x509.Certificate) {
			c.Subject = pkix.Name{SerialNumber: "PNOAZ-5ABC3T7", CommonName: x.common}
			for i, v := range []string{x.given, x.surname} {
				if v != "" {
					c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oid(2, 5, 4, []int{42, 4}[i]), Value: v})
				}
			}
		})
		p, reason := verify(t, card.Token(t, origin, nonce), trust, identity.Verifier{}, noon)
		if p.Name != x.want || (reason == identity.CertMalformed) != (x.want == "") {
			t.Errorf("%q: %q, refused %q", x.want, p.Name, reason)
		}
	}
	for fin, ok := range map[string]bool{"5ABC3T7": true, "5VBK5VR": true, "5abc3t7": false, "5ABC3T": false, "5ABC3TO": false, "5ABC3TI": false, "5ABC-T7": false, "": false} {
		if identity.ValidFIN(fin) != ok {
			t.Errorf("%q: %v", fin, !ok)
		}
	}
}

func TestOrigins(t *testing.T) {
	for o, ok := range map[string]bool{
		origin: true, "https://a.example:8443": true,
		"": false, "http://a.example": false, "https://a.example/": false, "https://a.example:443": false, "https://A.example": false,
		"https://a.example/x": false, "https://u@a.example": false, "https://": false, "https://:8443": false, "https://a.example:": false, "https://a.example?x": false, "a.example": false,
	} {
		if err := identity.CheckOrigin(o); (err == nil) != ok {
			t.Errorf("%q: %v", o, err)
		}
	}
}

// Who is cut off gets no reason: nothing is known.
func TestGivenUp(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	card := root.Issue(identitytest.ECKey(), func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.example"} })
	ctx, cancel := context.WithCancel(t.Context())
	v := identity.Verifier{Origin: origin, Rand: rand.Reader, Ask: func(context.Context, string, []byte) ([]byte, error) {
		cancel()
		return nil, context.Canceled
	}}
	tok, err := identity.ParseToken(card.Token(t, origin, nonce))
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(ctx, tok, nonce, identity.Trust{Roots: []*x509.Certificate{root.Cert}}, noon)
	if _, refused := identity.ReasonOf(err); refused || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestTokenForm(t *testing.T) {
	const form = `{"unverifiedCertificate":"AAAA","algorithm":"ES256","signature":"AAAA","format":"web-eid:1.0","appVersion":"x"}`
	for raw, ok := range map[string]bool{
		form: true,
		strings.Replace(form, "web-eid:1.0", "web-eid:1", 1):                                   true,
		strings.Replace(form, "web-eid:1.0", "web-eid:1.17", 1):                                true,
		strings.Replace(form, `{`, `{"new":{"a":[1]},`, 1):                                     true,
		strings.Replace(form, `,"appVersion":"x"`, ``, 1):                                      true,
		strings.Replace(form, "web-eid:1.0", "web-eid:2.0", 1):                                 false,
		strings.Replace(form, "web-eid:1.0", "web-eid:10", 1):                                  false,
		strings.Replace(form, "web-eid:1.0", "web-eid:1.", 1):                                  false,
		strings.Replace(form, "web-eid:1.0", "web-eid:1.0x", 1):                                false,
		strings.Replace(form, `"ES256"`, `["ES256"]`, 1):                                       false,
		strings.Replace(form, `"ES256"`, `""`, 1):                                              false,
		strings.Replace(form, `"AAAA"`, `""`, 1):                                               false,
		strings.Replace(form, "AAAA", strings.Repeat("A", 16<<10+4), 1):                        false,
		strings.Replace(form, `signature":"AAAA`, `signature":"`+strings.Repeat("A", 1404), 1): false,
		strings.Replace(form, `"x"`, `"`+strings.Repeat("x", 257)+`"`, 1):                      false,
		form + form: false, "": false, "null": false, "[]": false, form[:60]: false,
	} {
		if _, err := identity.ParseToken([]byte(raw)); (err == nil) != ok {
			t.Errorf("%.90s: %v", raw, err)
		}
	}
}

// Whatever is sent, the parser and the verifier behind it neither fail nor let
// anybody in, and a token that is taken keeps its bounds.
func FuzzToken(f *testing.F) {
	root := identitytest.Root(f, "Root", noon)
	card := root.Issue(identitytest.ECKey(), nil)
	f.Add(card.Token(f, "https://elsewhere.example", nonce))
	f.Add(identitytest.TokenOf(f, root.Cert.Raw, "RS256", big.NewInt(1).Bytes()))
	f.Add([]byte(`{"unverifiedCertificate":"MA==","algorithm":"ES256","signature":"AAAA","format":"web-eid:1"}`))
	trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: []*x509.RevocationList{root.CRL(nil)}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tok, err := identity.ParseToken(raw)
		if err != nil {
			if tok != (identity.Token{}) {
				t.Fatal("a refused token has members")
			}
			return
		}
		if len(tok.Certificate) > 16<<10 || len(tok.Signature) > 1400 || len(tok.Algorithm) > 32 {
			t.Fatal("a token beyond its bounds")
		}
		if p, err := (identity.Verifier{Origin: origin}).Verify(t.Context(), tok, nonce, trust, noon); err == nil {
			t.Fatalf("signed in as %+v", p)
		} else if _, ok := identity.ReasonOf(err); !ok {
			t.Fatalf("an error without a reason: %v", err)
		}
	})
}
