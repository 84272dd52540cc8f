package signin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"crypto/sha256"

	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsc"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsctest"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pkcs15"
)

func TestMain(m *testing.M) { pcsctest.Main(m) }

const (
	origin = "https://asanlogin.example.az"
	nonce  = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
	pin    = "1234"
)

// newCard is a citizen's card with this key.
func newCard(t *testing.T, key crypto.Signer) *signcard.Card {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "AYSEL NÜMUNƏ"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	card, err := signcard.New(signcard.Config{Pairs: []signcard.Pair{{Certificate: der, Key: key}}, PIN1: signcard.PIN{Value: pin}, PUK: signcard.PIN{Value: "12345678"}})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// pulled is a card that a person takes out while it works on its nth command.
type pulled struct {
	*signcard.Card
	at   int
	pull func()
}

func (p *pulled) Command(command []byte) []byte {
	answer := p.Card.Command(command)
	if p.at--; p.at == 0 {
		p.pull()
	}
	return answer
}

// stand is a runner before the real daemon.
type stand struct {
	t        *testing.T
	daemon   *pcsctest.Daemon
	service  *pcsc.Service
	runner   *esign.Runner
	reader   smartcard.Reader
	inserted chan smartcard.CardInserted
	removed  chan struct{}
	id       uint64
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, daemon: pcsctest.Start(t, 1), service: pcsc.New(), inserted: make(chan smartcard.CardInserted, 8), removed: make(chan struct{}, 8)}
	s.reader = s.daemon.Readers()[0]
	s.runner = &esign.Runner{Service: s.service, Profiles: []smartcard.Profile{pkcs15.New()}, Version: "test", Now: time.Now}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.runner.Watch(ctx, func(ev smartcard.Event) {
			switch e := ev.(type) {
			case smartcard.CardInserted:
				s.inserted <- e
			case smartcard.CardRemoved:
				s.removed <- struct{}{}
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// signIn reads the card and lets it sign; it returns what failed.
func (s *stand) signIn() (*esign.Token, *esign.Failure) {
	s.t.Helper()
	var in smartcard.CardInserted
	select {
	case in = <-s.inserted:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the card is not seen")
	}
	slot := esign.Slot{Reader: in.Reader, Insertion: in.Insertion}
	s.id++
	r := s.runner.Do(s.t.Context(), esign.Job{ID: s.id, Slot: slot})
	if r.Failure != nil {
		return nil, r.Failure
	}
	secret, err := esign.NewSecret()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range pin {
		secret.Add(d)
	}
	s.id++
	r = s.runner.Do(s.t.Context(), esign.Job{ID: s.id, Slot: slot, Sign: &esign.Order{Key: r.Keys[0].ID, Origin: origin, Nonce: nonce, PIN: secret}})
	return r.Token, r.Failure
}

// out waits until the reader is seen empty.
func (s *stand) out() {
	s.t.Helper()
	select {
	case <-s.removed:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the removal is not seen")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// atRest are the goroutines and files of a process that only waits: between two of
// its waits the watch of the readers has one goroutine less for a moment.
func atRest(t *testing.T) (goroutines, files int) {
	t.Helper()
	const long = 20
	for same := 0; same < long; same++ {
		g, f := runtime.NumGoroutine(), openFiles(t)
		if g != goroutines || f != files {
			goroutines, files, same = g, f, 0
		}
		time.Sleep(10 * time.Millisecond)
	}
	return goroutines, files
}

// TestPulledAtEveryExchange: at whichever of the exchanges of a sign-in the card
// is pulled out of the real reader, the person is told that it is gone, the card
// keeps no verified PIN, its tries are whole, the next card works, and the process
// keeps neither handle nor goroutine.
func TestPulledAtEveryExchange(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t)
	// One whole sign-in first: what the library opens once is open then.
	s.daemon.Insert(s.reader, newCard(t, key))
	if _, f := s.signIn(); f != nil {
		t.Fatal(f)
	}
	s.daemon.Remove(s.reader)
	s.out()
	goroutines, files := atRest(t)
	step := 1
	if testing.Short() {
		step = 4
	}
	for n := 1; ; n += step {
		card := &pulled{Card: newCard(t, key), at: n, pull: func() { s.daemon.Remove(s.reader) }}
		s.daemon.Insert(s.reader, card)
		_, f := s.signIn()
		if f == nil {
			if n < 15 {
				t.Fatalf("a sign-in of %d exchanges: the pull did not happen", n)
			}
			t.Logf("pulled at exchanges 1 to %d, in steps of %d", n-step, step)
			break
		}
		if f.Problem != esign.ProblemRemoved {
			t.Fatalf("pulled at exchange %d: the person is told %s (%v)", n, f.Problem, f.Err)
		}
		s.out()
		card.Reset() // it has lost its power
		if card.Verified() || card.Tries(signcard.PIN1) != 3 {
			t.Fatalf("pulled at exchange %d: PIN verified %v, tries %d", n, card.Verified(), card.Tries(signcard.PIN1))
		}
	}
	s.daemon.Remove(s.reader)
	s.out()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.service.Wait(ctx); err != nil || s.service.Abandoned() != 0 {
		t.Errorf("%d calls of the library are left behind: %v", s.service.Abandoned(), err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		g, f := runtime.NumGoroutine(), openFiles(t)
		if g <= goroutines && f <= files {
			break
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines where %d were, %d files where %d were\n%s", g, goroutines, f, files, buf[:runtime.Stack(buf, true)])
		}
	}
}

// TestOpenSSLVerifies: the login signature of both kinds of keys, by the real
// daemon, is good for a verifier that is not ours.
func TestOpenSSLVerifies(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t)
	for name, key := range map[string]crypto.Signer{"RS256": rsaKey, "ES256": ecKey} {
		s.daemon.Insert(s.reader, newCard(t, key))
		token, f := s.signIn()
		if f != nil {
			t.Fatal(f)
		}
		s.daemon.Remove(s.reader)
		s.out()
		if token.Algorithm != name {
			t.Errorf("algorithm %s, want %s", token.Algorithm, name)
		}
		signature := token.Signature
		if name == "ES256" { // openssl reads DER
			if signature, err = asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])}); err != nil {
				t.Fatal(err)
			}
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		o, n := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(nonce))
		dir := t.TempDir()
		for file, content := range map[string][]byte{
			"message": append(o[:], n[:]...), "signature": signature, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		} {
			if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message")
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(said), "Verified OK") {
			t.Errorf("%s: openssl says %v: %s", name, err, said)
		}
	}
}
