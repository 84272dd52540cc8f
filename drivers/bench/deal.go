package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
)

func (b *bench) openCards() error {
	dir := cmp.Or(b.opt.wallet, filepath.Join(b.opt.dir, "wallet"))
	var err error
	b.authority, err = authority.Open(authority.Options{Dir: dir, Trust: filepath.Join(b.opt.dir, "trust"), URL: b.opt.pki})
	if err != nil {
		return err
	}
	for _, name := range []string{"citizen-ec", "other-ec", "token-ec"} {
		key, err := authority.OpenKey(filepath.Join(dir, name+".key"), authority.P256, rand.Reader)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, name+".der")
		der, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			der, err = b.authority.Issue(authority.Request{Issuer: authority.ESign, Subject: authority.Subject{CommonName: name}, Purpose: authority.Login, Key: key.Public()})
			if err == nil {
				err = os.WriteFile(file, der, 0o600)
			}
		}
		if err != nil {
			return err
		}
		chip, err := signcard.New(signcard.Config{Pairs: []signcard.Pair{{Certificate: der, Key: key}}, PIN1: signcard.PIN{Value: "1234"}})
		if err != nil {
			return err
		}
		c := &card{name: name, title: name, holder: "AYSEL NÜMUNƏ", token: name == "token-ec", chip: chip, certificates: []certificate{{der, "login"}}}
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
