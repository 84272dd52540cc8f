package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
)

type certificateState struct {
	Card    string `json:"card"`
	Purpose string `json:"purpose"`
	Status  string `json:"status"`
}

func (b *bench) certificates() []certificateState {
	return []certificateState{}
}

type authorityOrder struct{ Action, Card string }

func (b *bench) postAuthority(_ *http.Request, o authorityOrder) (any, error) {
	return nil, errors.New("none")
}

func (b *bench) openCards() error {
	for i, name := range []string{"citizen-ec", "other-ec", "token-ec"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			return err
		}
		chip, err := signcard.New(signcard.Config{Pairs: []signcard.Pair{{Certificate: der, Key: key}}, PIN1: signcard.PIN{Value: "1234"}})
		if err != nil {
			return err
		}
		c := &card{name: name, title: name, holder: "AYSEL NÜMUNƏ", token: name == "token-ec", chip: chip}
		b.cards = append(b.cards, c)
	}
	return b.openReaders()
}

// openReaders gives the cards what they remember, starts the readers, and puts the
// cards back where they were left.
func (b *bench) openReaders() error {
	for _, c := range b.cards {
		var err error
		if c.fresh, err = c.chip.Save(); err != nil {
			return err
		}
		c.most = c.tries()
		if kept := b.store.card(c.name); kept != nil {
			if err := c.chip.Restore(kept); err != nil {
				return fmt.Errorf("card %s: %w", c.name, err)
			}
		}
	}
	b.readers = newReaders(b.hub, b.store)
	left := b.store.readers()
	if b.opt.readers {
		b.readers.start(b.opt.dir)
	} else {
		b.readers.trouble = "the bench was started without card readers"
	}
	for reader, k := range left {
		c, err := b.card(k.Card)
		if err == nil {
			err = b.doCard(cardOrder{Action: "insert", Card: c.name, Reader: reader, UpsideDown: k.UpsideDown})
		}
		if err != nil { // of another wallet
			slog.Warn("a card that was left in a reader is gone", "reader", reader, "card", k.Card, "error", err)
		}
	}
	return nil
}
