package esign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pkcs15"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

const slot = smartcard.Reader("slot")

// kinds are the two kinds of keys that people's cards have.
var kinds = map[string]func() crypto.Signer{
	"RS256": sync.OnceValue(func() crypto.Signer {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	}),
	"ES256": sync.OnceValue(func() crypto.Signer {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	}),
}

// issue makes a certificate for a key; change makes it a special one.
func issue(t *testing.T, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "AYSEL NÜMUNƏ", SerialNumber: "PNOAZ-5ABC3T7"},
		Issuer: pkix.Name{CommonName: "e-imza"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newCard(t *testing.T, kind string, change func(*signcard.Config)) *signcard.Card {
	t.Helper()
	key := kinds[kind]()
	cfg := signcard.Config{ATR: smartcardtest.ATRT1("e-imza"), Pairs: []signcard.Pair{{Certificate: issue(t, key, nil), Key: key}}, PIN1: signcard.PIN{Value: "1234"}, PUK: signcard.PIN{Value: "12345678"}}
	if change != nil {
		change(&cfg)
	}
	c, err := signcard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bench is a runner before a twin, without a watch: what the runner is told of the
// readers the test says, so that it can also be late.
type bench struct {
	t    *testing.T
	twin *smartcardtest.Twin
	r    *Runner
	n    uint64
	id   uint64
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, twin: smartcardtest.NewTwin(slot)}
	b.r = &Runner{Service: b.twin, Profiles: []smartcard.Profile{pkcs15.New()}, Version: "test", Now: time.Now}
	t.Cleanup(func() { b.twin.AssertReset(t) })
	return b
}

func (b *bench) insert(c *signcard.Card) Slot {
	b.twin.Insert(slot, c)
	b.n++
	b.r.note(smartcard.CardInserted{Reader: slot, Insertion: b.n})
	return Slot{slot, b.n}
}

func (b *bench) pulled() { b.r.note(smartcard.CardRemoved{Reader: slot}) }

func (b *bench) read(s Slot) Result {
	b.id++
	return b.r.Do(context.Background(), Job{ID: b.id, Slot: s})
}

func typed(t *testing.T, pin string) *Secret {
	t.Helper()
	s, err := NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range pin {
		if !s.Add(r) {
			t.Fatal("no room for the PIN")
		}
	}
	return s
}

const (
	origin = "https://asanlogin.example.az"
	nonce  = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
)

func (b *bench) sign(s Slot, key, pin string, confirmed bool) Result {
	b.t.Helper()
	b.id++
	p := typed(b.t, pin)
	r := b.r.Do(context.Background(), Job{ID: b.id, Slot: s, Sign: &Order{Key: key, Origin: origin, Nonce: nonce, LastConfirmed: confirmed, PIN: p}})
	if p.page != nil {
		b.t.Error("the PIN outlives its job")
	}
	return r
}

func (b *bench) wantProblem(r Result, want Problem) {
	b.t.Helper()
	if r.Failure == nil || r.Failure.Problem != want || r.Token != nil || r.Keys != nil {
		b.t.Fatalf("got %+v (%v), want %s", r, r.Failure, want)
	}
	if text := r.Failure.Error(); strings.Contains(text, "1234") || strings.Contains(text, "AYSEL") {
		b.t.Errorf("the failure tells of the person: %s", text)
	}
}

// TestSignature: a login is signed for both kinds of keys, as the Web eID format
// says, with no more exchanges than it needs, and the card is left closed.
func TestSignature(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t)
			card := newCard(t, kind, nil)
			s := b.insert(card)
			r := b.read(s)
			if r.Failure != nil || len(r.Keys) != 1 {
				t.Fatalf("read: %+v", r)
			}
			k := r.Keys[0]
			if k.Holder != "AYSEL NÜMUNƏ" || k.Problem != "" || k.State.Left != 3 || k.MinPIN != 4 || !k.Digits {
				t.Errorf("key %+v", k)
			}
			before := len(b.twin.Exchanges())
			r = b.sign(s, k.ID, "1234", false)
			if r.Failure != nil {
				t.Fatalf("sign: %v", r.Failure)
			}
			if n := len(b.twin.Exchanges()) - before; n > 8 {
				t.Errorf("%d exchanges for one signature: %v", n, b.twin.Exchanges()[before:])
			}
			cert, err := x509.ParseCertificate(r.Token.UnverifiedCertificate)
			if err != nil {
				t.Fatal(err)
			}
			// The construction, written out a second time (Web eID token format 1.0).
			o, n := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(nonce))
			sum := sha256.Sum256([]byte(string(o[:]) + string(n[:])))
			switch pub := cert.PublicKey.(type) {
			case *rsa.PublicKey:
				err = rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], r.Token.Signature)
			case *ecdsa.PublicKey:
				if len(r.Token.Signature) != 64 || !ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(r.Token.Signature[:32]), new(big.Int).SetBytes(r.Token.Signature[32:])) {
					err = fmt.Errorf("not r||s of the key")
				}
			}
			if err != nil || r.Token.Algorithm != kind || r.Token.Format != "web-eid:1.0" {
				t.Errorf("token %s %s: %v", r.Token.Algorithm, r.Token.Format, err)
			}
			if card.Verified() {
				t.Error("the PIN stays verified")
			}
		})
	}
}

// TestNonceIsSignedAsReceived: the base64 text, not the bytes that it stands for.
func TestNonceIsSignedAsReceived(t *testing.T) {
	raw, err := base64.StdEncoding.DecodeString(nonce)
	if err != nil || len(raw) != 32 {
		t.Fatal("the test's nonce is none")
	}
	if digest(origin, nonce) == digest(origin, string(raw)) || digest(origin, nonce) == digest(origin+"x", nonce) {
		t.Error("origin or nonce does not count")
	}
}

// TestTries: what a wrong PIN costs, and that the last try waits for its own yes.
func TestTries(t *testing.T) {
	b := newBench(t)
	card := newCard(t, "RS256", nil)
	s := b.insert(card)
	key := b.read(s).Keys[0].ID
	for _, left := range []int{2, 1} {
		r := b.sign(s, key, "9999", false)
		b.wantProblem(r, ProblemPINWrong)
		if r.Failure.Left != left || card.Tries(signcard.PIN1) != left {
			t.Fatalf("told %d, the card has %d, want %d", r.Failure.Left, card.Tries(signcard.PIN1), left)
		}
	}
	b.wantProblem(b.sign(s, key, "1234", false), ProblemPINLast)
	if card.Tries(signcard.PIN1) != 1 {
		t.Fatal("the last try was touched without a yes")
	}
	if r := b.sign(s, key, "1234", true); r.Failure != nil {
		t.Fatalf("with a yes: %v", r.Failure)
	}
	if card.Tries(signcard.PIN1) != 3 {
		t.Error("a right PIN did not bring the tries back")
	}
	b.sign(s, key, "9999", false)
	b.sign(s, key, "9999", false)
	b.wantProblem(b.sign(s, key, "9999", true), ProblemPINBlocked)
	b.wantProblem(b.sign(s, key, "1234", true), ProblemPINBlocked)
	if k := b.read(s).Keys[0]; k.Problem != ProblemPINBlocked {
		t.Errorf("a blocked card is offered: %+v", k)
	}
}

// TestCards: cards that do not sign anybody in, and why.
func TestCards(t *testing.T) {
	key := kinds["ES256"]()
	with := func(change func(*x509.Certificate)) func(*signcard.Config) {
		return func(c *signcard.Config) { c.Pairs[0].Certificate = issue(t, key, change) }
	}
	for name, c := range map[string]struct {
		change func(*signcard.Config)
		want   Problem
	}{
		"expired":         {with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), ProblemExpired},
		"not yet valid":   {with(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), ProblemNotYetValid},
		"for documents":   {with(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }), ProblemPurpose},
		"for servers":     {with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), ProblemPurpose},
		"blocked":         {func(c *signcard.Config) { c.PIN1.Blocked = true }, ProblemPINBlocked},
		"never activated": {func(c *signcard.Config) { c.PIN1.NotSet = true }, ProblemPINNotSet},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := b.read(b.insert(newCard(t, "ES256", c.change)))
			if r.Failure != nil || len(r.Keys) != 1 || r.Keys[0].Problem != c.want {
				t.Errorf("got %+v (%v), want %s", r.Keys, r.Failure, c.want)
			}
		})
	}
	t.Run("of nobody we know", func(t *testing.T) {
		b := newBench(t)
		card := newCard(t, "ES256", func(c *signcard.Config) { c.Applet = signcard.NationalID })
		b.wantProblem(b.read(b.insert(card)), ProblemUnsupported)
		for _, e := range card.Journal() {
			if e.INS() == 0x20 {
				t.Error("a PIN command went to an unknown card")
			}
		}
	})
}

// TestAnotherCardBeforeAnyoneNoticed: the PC/SC daemon sees a swap up to 0.4 s
// late. In that time the PIN must not reach the other person's card.
func TestAnotherCardBeforeAnyoneNoticed(t *testing.T) {
	b := newBench(t)
	s := b.insert(newCard(t, "RS256", nil))
	key := b.read(s).Keys[0].ID
	other := newCard(t, "RS256", func(c *signcard.Config) { c.Serial = []byte{9, 9, 9, 9} })
	b.twin.Swap(slot, other)
	b.wantProblem(b.sign(s, key, "1234", false), ProblemOtherCard)
	for _, e := range other.Journal() {
		if e.INS() == 0x20 {
			t.Errorf("a PIN command reached the other card: %+v", e)
		}
	}
}

// TestPulledAtEveryExchange: whenever the card goes, the person is told that it is
// gone, no PIN stays verified, and the next card works.
func TestPulledAtEveryExchange(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			removed := 0
			for n := 1; ; n++ {
				b := newBench(t)
				card := newCard(t, kind, nil)
				s := b.insert(card)
				b.twin.Fault(slot, n, smartcardtest.FaultRemove)
				r := b.read(s)
				if r.Failure == nil {
					r = b.sign(s, r.Keys[0].ID, "1234", false)
				}
				if r.Failure == nil {
					if n < 10 {
						t.Fatalf("the fault at exchange %d did not strike", n)
					}
					break
				}
				removed++
				b.wantProblem(r, ProblemRemoved)
				card.Reset() // what losing its power does
				if card.Verified() {
					t.Fatalf("pulled at exchange %d, the PIN stays verified", n)
				}
				b.pulled()
				next := newCard(t, kind, nil)
				s = b.insert(next)
				r = b.read(s)
				if r.Failure != nil {
					t.Fatalf("the card after one that was pulled at exchange %d: %v", n, r.Failure)
				}
				if r = b.sign(s, r.Keys[0].ID, "1234", false); r.Failure != nil {
					t.Fatalf("the card after one that was pulled at exchange %d: %v", n, r.Failure)
				}
			}
			t.Logf("pulled at each of %d exchanges", removed)
		})
	}
}

// TestEveryOtherFault: garbage, silence with a deadline, a reset by another
// program. No PIN stays verified, and no try is spent twice.
func TestEveryOtherFault(t *testing.T) {
	for name, f := range map[string]smartcardtest.Fault{"error": smartcardtest.FaultError, "reset by another": smartcardtest.FaultReset} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				b := newBench(t)
				card := newCard(t, "ES256", nil)
				s := b.insert(card)
				b.twin.Fault(slot, n, f)
				r := b.read(s)
				if r.Failure == nil {
					r = b.sign(s, r.Keys[0].ID, "1234", false)
				}
				verifies := 0
				for _, e := range card.Journal() {
					if e.INS() == 0x20 && len(e.Command) > 4 {
						verifies++
					}
				}
				if verifies > 1 {
					t.Fatalf("fault at exchange %d: the PIN was sent %d times", n, verifies)
				}
				if card.Verified() {
					t.Fatalf("fault at exchange %d: the PIN stays verified", n)
				}
				if r.Failure == nil && n > 10 {
					break
				}
			}
		})
	}
}

// TestVerifiedAtStart: a card that somebody left open is not signed with.
func TestVerifiedAtStart(t *testing.T) {
	b := newBench(t)
	card := newCard(t, "RS256", nil)
	s := b.insert(card)
	key := b.read(s).Keys[0].ID
	card.Command(append([]byte{0x00, 0xA4, 0x04, 0x0C, 0x0C, 0xA0, 0x00, 0x00, 0x00, 0x63}, "PKCS-15"...))
	card.Command(append([]byte{0x00, 0x20, 0x00, 0x01, 0x04}, "1234"...))
	if !card.Verified() {
		t.Fatal("the test did not open the card")
	}
	r := b.sign(s, key, "1234", false)
	if card.Verified() {
		t.Error("still open")
	}
	if r.Failure == nil {
		return // the connection had reset it before anything else: as good
	}
	b.wantProblem(r, ProblemFault)
	if r = b.sign(s, key, "1234", false); r.Failure != nil {
		t.Errorf("after the reset: %v", r.Failure)
	}
}

// TestOrigins: one form, so that all sides compute the same.
func TestOrigins(t *testing.T) {
	for o, good := range map[string]bool{
		"https://a.example": true, "https://a.example:8443": true, "https://a.example/": false, "https://A.example": false,
		"http://a.example": false, "https://a.example:443": false, "https://": false, "": false, "https://a.example?x": false, "https://u@a.example": false,
	} {
		if got := CheckOrigin(o) == nil; got != good {
			t.Errorf("%q is an origin: %v", o, got)
		}
	}
}
