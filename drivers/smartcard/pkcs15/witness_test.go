package pkcs15_test

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
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pkcs15"
)

// witness joins the profile to the bench's card, which was written from the
// standards a second time and shares no code with it.
type witness struct {
	*signcard.Card
	protocol smartcard.Protocol
	max      int
}

// connected is a new connection: the card is reset, and the connection is a value
// of its own, as the family's contract has it.
func (w witness) connected() smartcard.Card {
	w.Reset()
	return &w
}

func (w witness) Protocol() smartcard.Protocol { return w.protocol }
func (w witness) MaxCommand() int              { return w.max }
func (w witness) Begin(context.Context) error  { return nil }
func (w witness) End() error                   { return nil }
func (w witness) Close() error                 { w.Reset(); return nil }

func (w witness) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	switch a := w.Exchange(cmd); {
	case a.Drop:
		return nil, smartcard.ErrRemoved
	case len(a.Bytes) == 0:
		return nil, smartcard.ErrStuck
	default:
		return a.Bytes, nil
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cardKeys are keys of both kinds for both pairs.
var cardKeys = sync.OnceValue(func() (k struct{ rsa, ec [2]crypto.Signer }) {
	for i := range k.rsa {
		k.rsa[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		k.ec[i] = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	return k
})

func certify(key crypto.Signer, usage x509.KeyUsage) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AYSEL NÜMUNƏ"}, KeyUsage: usage,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

// benchCard has a login pair under PIN1 and a signing pair under PIN2.
func benchCard(keys [2]crypto.Signer, change func(*signcard.Config)) signcard.Config {
	cfg := signcard.Config{
		Pairs: []signcard.Pair{
			{Label: "login", Certificate: certify(keys[0], x509.KeyUsageDigitalSignature), Key: keys[0]},
			{Label: "signing", Certificate: certify(keys[1], x509.KeyUsageContentCommitment), Key: keys[1], PIN: signcard.PIN2, Signing: true},
		},
		PIN1: signcard.PIN{Value: "1234"}, PIN2: signcard.PIN{Value: "123456"}, PUK: signcard.PIN{Value: "12345678"},
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func layout(change func(*signcard.Layout)) func(*signcard.Config) {
	return func(c *signcard.Config) { change(&c.Layout) }
}

func pins(change func(*signcard.PIN)) func(*signcard.Config) {
	return func(c *signcard.Config) { change(&c.PIN1); change(&c.PIN2) }
}

// Every difference between cards that the bench knows, with both kinds of keys:
// the profile finds the pairs, tells the tries, signs with both PINs, and a false
// PIN costs just one try. Where steps is given, that is what a signature costs.
func TestBenchCards(t *testing.T) {
	const plain = "A4 20 22 2A"
	for _, c := range []struct {
		name   string
		change func(*signcard.Config)
		models []pkcs15.Model
		steps  string
		mute   bool // the tries cannot be asked for
	}{
		{name: "plain", steps: plain},
		{name: "by path only", change: layout(func(l *signcard.Layout) { l.PathOnly = true }), steps: plain},
		{name: "by path only, no EF.DIR", change: layout(func(l *signcard.Layout) { l.PathOnly, l.NoDIR = true, true })},
		{name: "one file after the other", change: layout(func(l *signcard.Layout) { l.FIDOnly = true }), steps: plain},
		{name: "no EF.DIR", change: layout(func(l *signcard.Layout) { l.NoDIR = true }), steps: plain},
		{name: "the name of ISO/IEC 7816-15", change: layout(func(l *signcard.Layout) { l.ISOForm = true })},
		{name: "EF.DIR of records", change: layout(func(l *signcard.Layout) { l.ISOForm, l.DIRRecords = true, true })},
		{name: "FCP", change: layout(func(l *signcard.Layout) { l.FCP = true }), steps: plain},
		{name: "no sizes", change: layout(func(l *signcard.Layout) { l.NoSize = true }), steps: plain},
		{name: "long lengths", change: layout(func(l *signcard.Layout) { l.NonMinimal = true }), steps: plain},
		{name: "padding FF", change: layout(func(l *signcard.Layout) { l.PadFF, l.DirectorySize = true, 2000 }), steps: plain},
		{name: "relative paths", change: layout(func(l *signcard.Layout) { l.RelativePaths = true }), steps: plain},
		{name: "padded certificates", change: layout(func(l *signcard.Layout) { l.PaddedCert = true }), steps: plain},
		{name: "zlib", change: layout(func(l *signcard.Layout) { l.Compressed, l.PaddedCert = signcard.Zlib, true }), steps: plain},
		{name: "gzip", change: layout(func(l *signcard.Layout) { l.Compressed, l.PaddedCert = signcard.Gzip, true }), steps: plain},
		{name: "certificates in their directory", change: layout(func(l *signcard.Layout) { l.InlineCert = true }), steps: plain},
		{name: "no algorithms", change: layout(func(l *signcard.Layout) { l.NoAlgorithms = true }), steps: plain},
		{name: "negative references", change: func(c *signcard.Config) {
			c.Layout.SignedKeyRef = true
			c.Pairs[0].KeyRef, c.Pairs[1].KeyRef = 0x81, 0x92
		}, steps: plain},
		{name: "a folder for signing", change: func(c *signcard.Config) {
			c.Layout.SigningDF = true
			c.PIN2.Reference = 0x82
		}},
		{name: "other directories", change: layout(func(l *signcard.Layout) { l.SpareDirectory = true }), steps: plain},
		{name: "61xx", change: layout(func(l *signcard.Layout) { l.GetResponse = true }), steps: plain + " C0"},
		{name: "6Cxx", change: layout(func(l *signcard.Layout) { l.ExactLe = true })},
		{name: "extended lengths", change: layout(func(l *signcard.Layout) { l.Extended, l.Input = true, signcard.SignRaw })},
		{name: "extended lengths and no chains", change: layout(func(l *signcard.Layout) {
			l.Extended, l.NoChaining, l.Input = true, true, signcard.SignRaw
		})},
		{name: "the padded block, chained", change: layout(func(l *signcard.Layout) { l.Input = signcard.SignRaw })},
		{name: "the padded block, and it does not say so", change: layout(func(l *signcard.Layout) { l.Input, l.NoAlgorithms = signcard.SignRaw, true })},
		{name: "the hash first", change: layout(func(l *signcard.Layout) { l.Input = signcard.SignHash }), steps: "A4 20 22 2A 2A"},
		{name: "the hash first, and it does not say so", change: layout(func(l *signcard.Layout) { l.Input, l.NoAlgorithms = signcard.SignHash, true })},
		{name: "ECDSA as DER", change: layout(func(l *signcard.Layout) { l.ECDSA = signcard.ECDSADER }), steps: plain},
		{name: "a PIN before every signature", change: func(c *signcard.Config) { c.Pairs[1].UserConsent = true }, steps: plain},
		{name: "no question for the tries", change: layout(func(l *signcard.Layout) { l.NoTryQuery = true }), mute: true, steps: plain},
		{name: "the tries by GET DATA", change: layout(func(l *signcard.Layout) { l.NoTryQuery, l.Counter = true, signcard.CounterGetData }),
			models: []pkcs15.Model{{Counter: pin.ByGetData}}, steps: plain},
		{name: "the tries by record", change: layout(func(l *signcard.Layout) { l.NoTryQuery, l.Counter = true, signcard.CounterRecord }),
			models: []pkcs15.Model{{Counter: pin.ByRecord}}, steps: plain},
		{name: "wrong and no number", change: layout(func(l *signcard.Layout) { l.Wrong6300 = true }), steps: plain},
		{name: "PINs padded with 00", change: pins(func(p *signcard.PIN) { p.Padded = true }), steps: plain},
		{name: "PINs padded with FF to 8", change: pins(func(p *signcard.PIN) { p.Padded, p.Pad, p.Stored, p.Max = true, 0xFF, 8, 8 }), steps: plain},
		{name: "PINs of two digits a byte", change: pins(func(p *signcard.PIN) { p.Type, p.Pad, p.Stored = signcard.PINBCD, 0xFF, 6 }), steps: plain},
		{name: "PINs of one digit a byte", change: pins(func(p *signcard.PIN) { p.Type = signcard.PINHalfBCD }), steps: plain},
		{name: "PINs of ISO 9564", change: pins(func(p *signcard.PIN) { p.Type = signcard.PINISO9564 }), steps: plain},
		{name: "PINs of UTF-8", change: pins(func(p *signcard.PIN) { p.Type = signcard.PINUTF8 }), steps: plain},
	} {
		for kind, keys := range map[string][2]crypto.Signer{"RSA": cardKeys().rsa, "EC": cardKeys().ec} {
			for protocol, name := range []string{"T=0", "T=1"} {
				t.Run(fmt.Sprintf("%s, %s, %s", c.name, kind, name), func(t *testing.T) {
					card, err := signcard.New(benchCard(keys, c.change))
					if err != nil {
						t.Fatal(err)
					}
					w := witness{card, smartcard.Protocol(protocol), 65535}
					if c.name == "extended lengths and no chains" && w.protocol == smartcard.T0 {
						w.protocol = smartcard.T1 // T=0 has no extended lengths: nothing is left
					}
					for i := range c.models {
						c.models[i].ATR = card.ATR()
					}
					useCard(t, w, pkcs15.New(c.models...), keys, c.mute)
					if c.steps != "" && w.protocol == smartcard.T1 {
						checkSteps(t, card, c.steps)
					}
				})
			}
		}
	}
}

// useCard opens a card and does with it all that a terminal does.
func useCard(t *testing.T, w witness, p smartcard.Profile, keys [2]crypto.Signer, mute bool) {
	t.Helper()
	tok, err := p.Open(t.Context(), w.connected())
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	found := tok.Keys()
	if len(found) != 2 || found[0].Label != "login" || found[1].Label != "signing" || found[0].PIN != "PIN1" || found[1].PIN != "PIN2" {
		t.Fatalf("%d keys", len(found))
	}
	if tok.Serial() != "0011223344556677" {
		t.Errorf("serial %s", tok.Serial())
	}
	digest := sha256.Sum256([]byte("message"))
	for i, code := range []string{"1234", "123456"} {
		state, err := tok.PINState(t.Context(), w.connected(), found[i].ID)
		if want := 3; err != nil || (state.Left != want && !mute) || (mute && state.Left != smartcard.TriesUnknown) || state.Blocked || state.NotSet || state.Verified {
			t.Errorf("PIN %d: %+v, %v", i+1, state, err)
		}
		var wrong *smartcard.PINError
		if _, err := tok.Sign(t.Context(), w.connected(), found[i].ID, []byte("99999999")[:len(code)], crypto.SHA256, digest[:]); !errors.As(err, &wrong) || wrong.Format || wrong.Blocked {
			t.Errorf("a wrong PIN %d: %v", i+1, err)
		} else if wrong.Left != 2 && wrong.Left != smartcard.TriesUnknown {
			t.Errorf("a wrong PIN %d leaves %d tries", i+1, wrong.Left)
		}
		if left := w.Tries(i + 1); left != 2 {
			t.Errorf("a wrong PIN %d left %d tries on the card", i+1, left)
		}
		for range 2 {
			sig, err := tok.Sign(t.Context(), w.connected(), found[i].ID, []byte(code), crypto.SHA256, digest[:])
			if err != nil {
				t.Fatalf("signing with key %d: %v", i+1, err)
			}
			if !confirms(keys[i], digest[:], sig) {
				t.Errorf("the signature of key %d is false", i+1)
			}
		}
	}
}

func confirms(key crypto.Signer, digest, sig []byte) bool {
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, sig) == nil
	case *ecdsa.PublicKey:
		return len(sig) == 64 && ecdsa.Verify(public, digest, new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}

// checkSteps compares the instructions since the last reset.
func checkSteps(t *testing.T, card *signcard.Card, want string) {
	t.Helper()
	var steps []string
	for _, e := range card.Journal() {
		if e.Reset {
			steps = nil
			continue
		}
		steps = append(steps, fmt.Sprintf("%02X", e.INS()))
	}
	if got := strings.Join(steps, " "); got != want {
		t.Errorf("a signature costs %s, want %s", got, want)
	}
}

// Cards of other kinds are not this profile's, and no PIN is sent to them.
func TestBenchStrangers(t *testing.T) {
	for _, applet := range []signcard.Applet{signcard.PIV, signcard.AzeDIT, signcard.NationalID} {
		t.Run(string(applet), func(t *testing.T) {
			card, err := signcard.New(benchCard(cardKeys().rsa, func(c *signcard.Config) {
				c.Applet = applet
				c.PIN1.Value = "123456"
				if applet == signcard.NationalID {
					c.Pairs = nil
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			w := witness{card, smartcard.T1, 255}
			if _, err := pkcs15.New().Open(t.Context(), w.connected()); !errors.Is(err, smartcard.ErrUnsupported) {
				t.Errorf("%v", err)
			}
			for _, e := range card.Journal() {
				if e.PIN > 0 || e.INS() == 0x20 {
					t.Errorf("a PIN command was sent: %X", e.Command)
				}
			}
		})
	}
}

// A card that fails in the middle never costs a second VERIFY and never gives a
// signature that is false.
func TestBenchFaults(t *testing.T) {
	digest := sha256.Sum256([]byte("message"))
	for _, c := range []struct {
		name  string
		fault signcard.Fault
		want  error
	}{
		{"a bit of the signature", signcard.Fault{Kind: signcard.BitFlip}, smartcard.ErrFalseSignature},
		{"another key's signature", signcard.Fault{Kind: signcard.WrongKey}, smartcard.ErrFalseSignature},
		{"pulled at VERIFY", signcard.Fault{Kind: signcard.Drop, INS: 0x20}, smartcard.ErrRemoved},
		{"pulled while it signs", signcard.Fault{Kind: signcard.Drop, INS: 0x2A}, smartcard.ErrRemoved},
		{"silent at VERIFY", signcard.Fault{Kind: signcard.Silence, INS: 0x20}, smartcard.ErrStuck},
		{"one byte for VERIFY", signcard.Fault{Kind: signcard.Garble, INS: 0x20}, smartcard.ErrTransport},
		{"one byte for a signature", signcard.Fault{Kind: signcard.Garble, INS: 0x2A}, smartcard.ErrTransport},
		{"reset before the signature", signcard.Fault{Kind: signcard.SelfReset, INS: 0x2A}, smartcard.ErrKeyRefused},
		{"6C for VERIFY", signcard.Fault{Kind: signcard.StatusWords, INS: 0x20, SW: []uint16{0x6C04}}, smartcard.ErrKeyRefused},
		{"61 for VERIFY", signcard.Fault{Kind: signcard.StatusWords, INS: 0x20, SW: []uint16{0x6104}}, smartcard.ErrKeyRefused},
		{"a memory fault", signcard.Fault{Kind: signcard.StatusWords, INS: 0x2A, SW: []uint16{0x6581}}, smartcard.ErrKeyRefused},
	} {
		for kind, keys := range map[string][2]crypto.Signer{"RSA": cardKeys().rsa, "EC": cardKeys().ec} {
			t.Run(c.name+", "+kind, func(t *testing.T) {
				card, err := signcard.New(benchCard(keys, nil))
				if err != nil {
					t.Fatal(err)
				}
				w := witness{card, smartcard.T1, 255}
				tok, err := pkcs15.New().Open(t.Context(), w.connected())
				if err != nil {
					t.Fatal(err)
				}
				card.Inject(c.fault)
				sig, err := tok.Sign(t.Context(), w.connected(), tok.Keys()[0].ID, []byte("1234"), crypto.SHA256, digest[:])
				if !errors.Is(err, c.want) || sig != nil {
					t.Errorf("%v, want %v", err, c.want)
				}
				verify := 0
				for _, e := range card.Journal() {
					if e.INS() == 0x20 {
						verify++
					}
				}
				if verify != 1 {
					t.Errorf("%d VERIFY", verify)
				}
			})
		}
	}
}
