package identity_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

const (
	hold       = 6
	compromise = 1
)

var (
	oidPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidDelta = asn1.ObjectIdentifier{2, 5, 29, 27}
)

// point is an issuingDistributionPoint of these bytes.
func point(value ...byte) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: oidPoint, Critical: true, Value: append([]byte{0x30, byte(len(value))}, value...)}}
	}
}

// fullName is a distributionPoint with one address.
func fullName(uri string) []byte {
	name := append([]byte{0x86, byte(len(uri))}, uri...)
	full := append([]byte{0xa0, byte(len(name))}, name...)
	return append([]byte{0xa0, byte(len(full))}, full...)
}

func TestCRLs(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	impostor := identitytest.Root(t, "Root", noon) // the same name, another key
	card := root.Issue(identitytest.ECKey(), func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://crl.example/1"} })
	other := root.Issue(identitytest.ECKey(), nil)
	token := card.Token(t, origin, nonce)
	on := func(c identitytest.Card, reason int) x509.RevocationListEntry {
		return identitytest.Entry(c.Cert, noon.Add(-time.Hour), reason)
	}
	old := root.CRL(nil, on(card, hold))
	oldGood := root.CRL(nil)
	type lists = []*x509.RevocationList
	for _, x := range []struct {
		name string
		crls lists
		want identity.Reason
	}{
		{"not listed", lists{root.CRL(nil)}, ""},
		{"another is listed", lists{root.CRL(nil, on(other, compromise))}, ""},
		{"revoked", lists{root.CRL(nil, on(other, 0), on(card, compromise))}, identity.CertRevoked},
		{"revoked without a reason", lists{root.CRL(nil, on(card, 0))}, identity.CertRevoked},
		{"on hold", lists{root.CRL(nil, on(card, hold))}, identity.CertSuspended},
		{"resumed by a newer list, whatever the order", lists{root.CRL(nil), old}, ""},
		{"revoked by a newer list", lists{root.CRL(nil, on(card, compromise)), oldGood, old}, identity.CertRevoked},
		{"on hold and revoked", lists{root.CRL(nil, on(card, hold), on(card, compromise))}, identity.CertRevoked},

		{"no list", nil, identity.StatusUnknown},
		{"a list of another authority", lists{identitytest.Root(t, "Other", noon).CRL(nil)}, identity.StatusUnknown},
		{"a list by another key", lists{impostor.CRL(nil)}, identity.StatusUnknown},
		{"a newer list by another key hides nothing", lists{impostor.CRL(func(l *x509.RevocationList) { l.Number = big.NewInt(999) }), root.CRL(nil, on(card, compromise))}, identity.CertRevoked},
		{"out of date", lists{root.CRL(func(l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = noon.AddDate(0, 0, -2), noon.Add(-6*time.Minute)
		})}, identity.StatusUnknown},
		{"out of date by no more than a clock", lists{root.CRL(func(l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = noon.AddDate(0, 0, -2), noon.Add(-4*time.Minute)
		})}, ""},
		{"from the future", lists{root.CRL(func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(6 * time.Minute) })}, identity.StatusUnknown},
		{"made by a clock that is ahead", lists{root.CRL(func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(4 * time.Minute) })}, ""},
		{"of changes only", lists{root.CRL(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: oidDelta, Critical: true, Value: []byte{2, 1, 1}}}
		})}, identity.StatusUnknown},
		{"an unknown critical extension", lists{root.CRL(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 3), Critical: true, Value: []byte{5, 0}}}
		})}, identity.StatusUnknown},

		{"of people's certificates", lists{root.CRL(point(0x81, 1, 0xff))}, ""},
		{"of people's certificates, listed", lists{root.CRL(point(0x81, 1, 0xff), on(card, compromise))}, identity.CertRevoked},
		{"of issuers' certificates", lists{root.CRL(point(0x82, 1, 0xff))}, identity.StatusUnknown},
		{"of attribute certificates", lists{root.CRL(point(0x85, 1, 0xff))}, identity.StatusUnknown},
		{"of other issuers as well", lists{root.CRL(point(0x84, 1, 0xff))}, identity.StatusUnknown},
		{"of some reasons, not listed", lists{root.CRL(point(0x83, 2, 6, 0x40))}, identity.StatusUnknown},
		{"of some reasons, listed", lists{root.CRL(point(0x83, 2, 6, 0x40), on(card, compromise))}, identity.CertRevoked},
		{"of some reasons beside a whole one", lists{root.CRL(point(0x83, 2, 6, 0x40)), root.CRL(nil)}, ""},
		{"of the certificate's point", lists{root.CRL(point(fullName("http://crl.example/1")...))}, ""},
		{"of another point", lists{root.CRL(point(fullName("http://crl.example/2")...))}, identity.StatusUnknown},
		{"of a point by relative name", lists{root.CRL(point(0xa0, 0x0c, 0xa1, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, 'x'))}, identity.StatusUnknown},
		{"of a point that cannot be read", lists{root.CRL(point(0xa0, 9))}, identity.StatusUnknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: x.crls}
			if _, got := verify(t, token, trust, identity.Verifier{}, noon); got != x.want {
				t.Fatalf("refused %q, want %q", got, x.want)
			}
		})
	}
	t.Run("an authority that may not sign lists", func(t *testing.T) {
		issuing := root.Issuing("Issuing", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
		list := *issuing
		cert := *issuing.Cert
		cert.KeyUsage |= x509.KeyUsageCRLSign // so that the library lets it try
		list.Cert = &cert
		trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}, Intermediates: []*x509.Certificate{issuing.Cert}, CRLs: lists{list.CRL(nil)}}
		if _, got := verify(t, issuing.Issue(identitytest.ECKey(), nil).Token(t, origin, nonce), trust, identity.Verifier{}, noon); got != identity.StatusUnknown {
			t.Fatalf("refused %q", got)
		}
	})
}

func TestOCSP(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	impostor := identitytest.Root(t, "Root", noon)
	const address = "http://ocsp.example/a"
	card := root.Issue(identitytest.ECKey(), func(c *x509.Certificate) {
		c.OCSPServer = []string{address, "http://ocsp.example/b", "http://ocsp.example/c"}
	})
	other := root.Issue(identitytest.ECKey(), nil)
	token := card.Token(t, origin, nonce)
	responder := func(a *identitytest.Authority, alter func(*x509.Certificate)) *identitytest.Card {
		c := a.Issue(identitytest.ECKey(), func(c *x509.Certificate) {
			c.Subject, c.ExtKeyUsage = pkix.Name{CommonName: "OCSP"}, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
			if alter != nil {
				alter(c)
			}
		})
		return &c
	}
	says := func(status, reason int) func(*ocsp.Response) {
		return func(r *ocsp.Response) {
			r.Status, r.RevocationReason, r.RevokedAt = status, reason, noon.Add(-time.Hour)
		}
	}
	from := func(thisUpdate, nextUpdate time.Duration) func(*ocsp.Response) {
		return func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = noon.Add(thisUpdate), time.Time{}
			if nextUpdate != 0 {
				r.NextUpdate = noon.Add(nextUpdate)
			}
		}
	}
	cut := root.OCSP(card.Cert, nil, nil)
	for _, x := range []struct {
		name   string
		answer []byte
		want   identity.Reason
	}{
		{"good", root.OCSP(card.Cert, nil, nil), ""},
		{"revoked", root.OCSP(card.Cert, nil, says(ocsp.Revoked, compromise)), identity.CertRevoked},
		{"on hold", root.OCSP(card.Cert, nil, says(ocsp.Revoked, hold)), identity.CertSuspended},
		{"never heard of", root.OCSP(card.Cert, nil, says(ocsp.Unknown, 0)), identity.StatusUnknown},
		{"good, by whom the issuer has let", root.OCSP(card.Cert, responder(root, nil), nil), ""},
		{"revoked, by whom the issuer has let", root.OCSP(card.Cert, responder(root, nil), says(ocsp.Revoked, compromise)), identity.CertRevoked},
		{"the issuer's certificate comes with it", root.OCSP(card.Cert, &identitytest.Card{Cert: root.Cert, Key: root.Key}, nil), ""},

		{"by a card", root.OCSP(card.Cert, &other, nil), identity.StatusUnknown},
		{"by the card itself", root.OCSP(card.Cert, &card, nil), identity.StatusUnknown},
		{"by a responder of another authority", root.OCSP(card.Cert, responder(impostor, nil), nil), identity.StatusUnknown},
		{"by another key", impostor.OCSP(card.Cert, nil, nil), identity.StatusUnknown},
		{"by a responder whose time is over", root.OCSP(card.Cert, responder(root, func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) }), nil), identity.StatusUnknown},
		{"by a responder that may not sign", root.OCSP(card.Cert, responder(root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), nil), identity.StatusUnknown},
		{"by a responder with an unknown critical extension", root.OCSP(card.Cert, responder(root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 2), Critical: true, Value: []byte{5, 0}}}
		}), nil), identity.StatusUnknown},
		{"about another card", root.OCSP(other.Cert, nil, nil), identity.StatusUnknown},
		{"about the same number of another issuer", func() []byte {
			a := *root
			key := identitytest.Root(t, "Elsewhere", noon)
			a.Cert = key.Cert // names the issuer in the certID; root's key signs
			return a.OCSP(card.Cert, nil, nil)
		}(), identity.StatusUnknown},
		{"by a certID of another hash", root.OCSP(card.Cert, nil, func(r *ocsp.Response) { r.IssuerHash = crypto.SHA256 }), identity.StatusUnknown},
		{"a critical extension", root.OCSP(card.Cert, nil, func(r *ocsp.Response) {
			r.ExtraExtensions = []pkix.Extension{{Id: oid(1, 3, 6, 1, 4, 1, 99999, 3), Critical: true, Value: []byte{5, 0}}}
		}), identity.StatusUnknown},

		{"holds until now", root.OCSP(card.Cert, nil, from(-24*time.Hour, -4*time.Minute)), ""},
		{"has ceased to hold", root.OCSP(card.Cert, nil, from(-24*time.Hour, -6*time.Minute)), identity.StatusUnknown},
		{"from the future", root.OCSP(card.Cert, nil, from(6*time.Minute, 24*time.Hour)), identity.StatusUnknown},
		{"does not say how long it holds, fresh", root.OCSP(card.Cert, nil, from(-14*time.Minute, 0)), ""},
		{"does not say how long it holds, old", root.OCSP(card.Cert, nil, from(-16*time.Minute, 0)), identity.StatusUnknown},

		{"busy", ocsp.TryLaterErrorResponse, identity.StatusUnknown},
		{"nothing", nil, identity.StatusUnknown},
		{"cut short", cut[:len(cut)-1], identity.StatusUnknown},
		{"with a tail", append(append([]byte(nil), cut...), 0), identity.StatusUnknown},
		{"a page", []byte("<!doctype html>"), identity.StatusUnknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			asked := 0
			v := identity.Verifier{Ask: func(_ context.Context, url string, _ []byte) ([]byte, error) {
				if asked++; url != address {
					return nil, errors.New("no answer")
				}
				return x.answer, nil
			}}
			trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}}
			if _, got := verify(t, token, trust, v, noon); got != x.want {
				t.Fatalf("refused %q, want %q", got, x.want)
			}
			if asked > 2 {
				t.Fatalf("%d responders were asked", asked)
			}
		})
	}
}

// Who is asked, who is not, and how two words are weighed.
func TestOCSPBesideCRL(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	with := func(c *x509.Certificate) { c.OCSPServer = []string{"http://aia.example"} }
	card := root.Issue(identitytest.ECKey(), with)
	bare := root.Issue(identitytest.ECKey(), nil)
	silent := func(*x509.Certificate) []byte { return nil }
	say := func(status int) func(c *x509.Certificate) []byte {
		return func(c *x509.Certificate) []byte {
			return root.OCSP(c, nil, func(r *ocsp.Response) { r.Status = status })
		}
	}
	clear := func(identitytest.Card) *x509.RevocationList { return root.CRL(nil) }
	listed := func(reason int) func(c identitytest.Card) *x509.RevocationList {
		return func(c identitytest.Card) *x509.RevocationList {
			return root.CRL(nil, identitytest.Entry(c.Cert, noon, reason))
		}
	}
	for _, x := range []struct {
		name     string
		card     identitytest.Card
		override string
		crl      func(identitytest.Card) *x509.RevocationList
		answer   func(*x509.Certificate) []byte
		asked    string
		want     identity.Reason
	}{
		{"both good", card, "", clear, say(ocsp.Good), "http://aia.example", ""},
		{"no answer, good list", card, "", clear, silent, "http://aia.example", ""},
		{"good answer, no list", card, "", nil, say(ocsp.Good), "http://aia.example", ""},
		{"neither", card, "", nil, silent, "http://aia.example", identity.StatusUnknown},
		{"good list, revoked since", card, "", clear, say(ocsp.Revoked), "http://aia.example", identity.CertRevoked},
		{"cached good answer, revoked since", card, "", listed(compromise), say(ocsp.Good), "", identity.CertRevoked},
		{"on hold in the list, good answer", card, "", listed(hold), say(ocsp.Good), "", identity.CertSuspended},
		{"good list, but never heard of", card, "", clear, say(ocsp.Unknown), "http://aia.example", identity.StatusUnknown},
		{"no address", bare, "", nil, say(ocsp.Good), "", identity.StatusUnknown},
		{"the configured responder", bare, "http://own.example", nil, say(ocsp.Good), "http://own.example", ""},
		{"the configured responder in the place of the certificate's", card, "http://own.example", nil, say(ocsp.Good), "http://own.example", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			asked := ""
			v := identity.Verifier{OCSP: x.override, Ask: func(_ context.Context, url string, request []byte) ([]byte, error) {
				asked += url
				r, err := ocsp.ParseRequest(request)
				if err != nil || r.SerialNumber.Cmp(x.card.Cert.SerialNumber) != 0 {
					t.Errorf("the request cannot be read: %v", err)
				}
				if b := x.answer(x.card.Cert); b != nil {
					return b, nil
				}
				return nil, errors.New("no answer")
			}}
			trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}}
			if x.crl != nil {
				trust.CRLs = []*x509.RevocationList{x.crl(x.card)}
			}
			if _, got := verify(t, x.card.Token(t, origin, nonce), trust, v, noon); got != x.want || asked != x.asked {
				t.Fatalf("refused %q, want %q; asked %q, want %q", got, x.want, asked, x.asked)
			}
		})
	}
	t.Run("nobody is asked about a token that does not hold", func(t *testing.T) {
		v := identity.Verifier{Ask: func(context.Context, string, []byte) ([]byte, error) {
			t.Error("asked")
			return nil, errors.New("no answer")
		}}
		trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}}
		if _, got := verify(t, card.Token(t, "https://elsewhere.example", nonce), trust, v, noon); got != identity.SignatureFalse {
			t.Fatalf("refused %q", got)
		}
	})
}

// Any single bit of a responder's answer counts: what is altered never makes a
// certificate good that is not.
func TestEveryBitOfAnAnswerCounts(t *testing.T) {
	root := identitytest.Root(t, "Root", noon)
	card := root.Issue(identitytest.ECKey(), func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.example"} })
	token, err := identity.ParseToken(card.Token(t, origin, nonce))
	if err != nil {
		t.Fatal(err)
	}
	answer := root.OCSP(card.Cert, nil, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, noon })
	trust := identity.Trust{Roots: []*x509.Certificate{root.Cert}}
	eachBit(answer, func(bit int, b []byte) {
		v := identity.Verifier{Origin: origin, Rand: zeros{}, Ask: func(context.Context, string, []byte) ([]byte, error) { return b, nil }}
		if _, err := v.Verify(t.Context(), token, nonce, trust, noon); err == nil {
			t.Fatalf("bit %d makes it good", bit)
		}
	})
}

// zeros is a source of no chance at all.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
