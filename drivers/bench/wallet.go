package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
	"github.com/asan-kiosk/kiosk/drivers/bench/wallet"
)

// openCards opens the issuers and the wallet, gives the cards what they remember,
// starts the readers, and puts the cards back where they were left.
func (b *bench) openCards() error {
	dir := cmp.Or(b.opt.wallet, filepath.Join(b.opt.dir, "wallet"))
	var err error
	b.authority, err = authority.Open(authority.Options{
		Dir: filepath.Join(dir, "issuers"), Trust: filepath.Join(b.opt.dir, "trust"), URL: b.opt.pki,
	})
	if err != nil {
		return err
	}
	dealt, err := wallet.Open(wallet.Options{Dir: filepath.Join(dir, "cards"), Authority: b.authority, PIN1: b.opt.cardPIN})
	if err != nil {
		return err
	}
	for _, d := range dealt {
		c := &card{Card: d, most: most(d.Config)}
		if c.fresh, err = c.Chip.Save(); err != nil {
			return err
		}
		if kept := b.store.card(c.Name); kept != nil {
			if err := c.Chip.Restore(kept); err != nil {
				return fmt.Errorf("card %s: %w", c.Name, err)
			}
		}
		b.cards = append(b.cards, c)
	}
	b.lookUpStanding()
	b.openReaders()
	return nil
}

// most is how many tries the PINs of such a card have when nobody has tried.
func most(cfg signcard.Config) tries {
	count := func(p signcard.PIN, usual int) int {
		if p.Value == "" {
			return 0
		}
		return cmp.Or(p.Tries, usual)
	}
	return tries{count(cfg.PIN1, 3), count(cfg.PIN2, 3), count(cfg.PUK, 10)}
}

func (b *bench) openReaders() {
	b.readers = newReaders(b.hub, b.store)
	left := b.store.readers()
	if b.opt.readers {
		b.readers.start(b.opt.dir)
	} else {
		b.readers.trouble = "the bench was started without card readers"
	}
	for reader, k := range left {
		err := b.doCard(cardOrder{Action: "insert", Card: k.Card, Reader: reader, UpsideDown: k.UpsideDown})
		if err != nil { // of another wallet
			slog.Warn("a card that was left in a reader is gone", "reader", reader, "card", k.Card, "error", err)
		}
	}
}
