// Package wallet is the set of signature cards that the bench offers a person: a
// good card of each kind, and one for each thing that can be wrong with a card. All
// holders are made up; their names say so (nümunə: sample; sınaq: trial).
//
// The cards' keys are made once and kept in a folder, so that a card is the same
// one after the bench was started again. Certificates are kept beside them and are
// issued anew when they would be of no use any more: another authority, another
// address of it, or their time is over.
//
// What a card remembers by itself, the tries of its PINs, is not kept here but by
// who carries the card: package signcard, Save and Restore.
package wallet

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
)

// Options of a wallet.
type Options struct {
	Dir       string // keys and certificates; made if it is not there
	Authority *authority.Authority
	// The PINs of all cards. Empty: 1234, 123456 and 12345678.
	PIN1, PIN2, PUK string
	Now             func() time.Time // nil: time.Now
	Rand            io.Reader        // nil: crypto/rand
}

// Card is one card of the wallet.
type Card struct {
	Name         string
	Title        string // what is special about it
	Holder       string // whose name is printed on it
	Token        bool   // a USB token: reader and card in one
	Chip         *signcard.Card
	Certificates []Certificate // in the card's order
	// Config is what Chip was made of, for a test that wants the same card with a
	// difference.
	Config signcard.Config
}

// Certificate is a certificate on a card.
type Certificate struct {
	Purpose authority.Purpose
	DER     []byte
}

// Names are the names of all cards, in the order in which a person is shown them.
func Names() []string {
	var names []string
	for _, s := range specs {
		names = append(names, s.name)
	}
	return names
}

// Open makes all cards.
func Open(opt Options) ([]*Card, error) {
	var cards []*Card
	for _, name := range Names() {
		c, err := Make(opt, name)
		if err != nil {
			return nil, err
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// Make makes one card: the same one each time, with all its tries.
func Make(opt Options, name string) (*Card, error) {
	i := slices.IndexFunc(specs, func(s spec) bool { return s.name == name })
	if i < 0 {
		return nil, fmt.Errorf("wallet: there is no card %q; there are %q", name, Names())
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, err
	}
	c, err := specs[i].make(opt)
	if err != nil {
		return nil, fmt.Errorf("wallet: card %s: %w", name, err)
	}
	return c, nil
}

func (s spec) make(opt Options) (*Card, error) {
	pin := func(v, otherwise string) signcard.PIN {
		if v == "" {
			v = otherwise
		}
		return signcard.PIN{Value: v}
	}
	serial := sha256.Sum256([]byte("card " + s.name))
	c := &Card{Name: s.name, Title: s.title, Holder: s.subject.CommonName, Token: s.token}
	cfg := signcard.Config{
		Serial: serial[:8],
		PIN1:   pin(opt.PIN1, "1234"), PIN2: pin(opt.PIN2, "123456"), PUK: pin(opt.PUK, "12345678"),
		Manufacturer: "TEST", Label: s.label(),
	}
	for n, p := range s.pairs {
		file := filepath.Join(opt.Dir, fmt.Sprintf("%s-%d", s.name, n+1))
		key, err := authority.OpenKey(file+".key", s.kind, opt.Rand)
		if err != nil {
			return nil, err
		}
		request := authority.Request{Issuer: s.issuer, Subject: s.subject, Purpose: p.purpose, Validity: s.validity, Key: key.Public()}
		if p.subject != nil {
			request.Subject = *p.subject
		}
		der, err := s.certificate(opt, file+".pem", request)
		if err != nil {
			return nil, err
		}
		c.Certificates = append(c.Certificates, Certificate{Purpose: p.purpose, DER: der})
		pair := signcard.Pair{Label: p.label, Certificate: der, Key: key, PIN: signcard.PIN1}
		if p.purpose == authority.Signing {
			pair.PIN, pair.Signing = signcard.PIN2, true
		}
		cfg.Pairs = append(cfg.Pairs, pair)
	}
	if s.change != nil {
		s.change(&cfg)
	}
	c.Config = cfg
	var err error
	c.Chip, err = signcard.New(cfg)
	return c, err
}

// label is what the card calls itself.
func (s spec) label() string {
	if s.issuer == authority.BSXM {
		return "BSXM"
	}
	return "Elektron imza"
}

// certificate reads a card's certificate, or has it issued.
func (s spec) certificate(opt Options, file string, r authority.Request) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if block, _ := pem.Decode(b); block != nil && s.usable(opt, block.Bytes, r) {
		return block.Bytes, nil
	}
	der, err := opt.Authority.Issue(r)
	if err != nil {
		return nil, err
	}
	switch s.standing {
	case authority.Revoked:
		err = opt.Authority.Revoke(der)
	case authority.Suspended:
		err = opt.Authority.Suspend(der)
	}
	if err != nil {
		return nil, err
	}
	return der, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// usable reports whether a certificate that was kept still shows what its card is
// there to show.
func (s spec) usable(opt Options, der []byte, r authority.Request) bool {
	cert, err := x509.ParseCertificate(der)
	if err != nil || opt.Authority.Status(der) == authority.Unknown {
		return false
	}
	if key, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && !key.Equal(r.Key) {
		return false
	}
	var asked []string // where OCSP is found
	if url := opt.Authority.URL(); url != "" {
		asked = []string{url + "/ocsp"}
	}
	if !slices.Equal(cert.OCSPServer, asked) {
		return false
	}
	now := opt.Now()
	current := now.After(cert.NotBefore) && now.Before(cert.NotAfter.Add(-24*time.Hour))
	return current == (s.validity == authority.Current)
}
