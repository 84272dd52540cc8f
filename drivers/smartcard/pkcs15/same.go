package pkcs15

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
)

// identity tells a card from every other: its answer to reset and EF.TokenInfo,
// which holds the serial number. A card without a usable EF.TokenInfo is told by
// its first certificate.
type identity [sha256.Size]byte

func identify(atr, tokenInfo, certificate []byte) identity {
	h := sha256.New()
	for _, part := range [][]byte{atr, tokenInfo, certificate} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return identity(h.Sum(nil))
}

// Same implements smartcard.Token: it costs the selection of the application, and
// of one file, and its reading.
func (t *token) Same(ctx context.Context, c smartcard.Card) (bool, error) {
	j := t.job(c)
	j.stay(place{})
	if err := j.files.SelectHome(ctx); err != nil {
		return false, unlessRefused(err) // another card may not have the application
	}
	var info, certificate []byte
	var err error
	if t.serial != "" {
		info, err = j.files.Read(ctx, fileInfo, cardfile.Part{}, padding())
	} else if len(t.pairs) > 0 && t.pairs[0].source.inline == nil {
		s := t.pairs[0].source
		if certificate, err = j.files.Read(ctx, s.path, s.part, whole); err == nil {
			certificate, err = unwrap(certificate)
		}
	}
	if err != nil {
		return false, unlessRefused(err)
	}
	if t.serial != "" {
		// A file was selected below the application's directory, which stays the
		// current one (ISO/IEC 7816-4 7.1.1), if the card was asked for it from there.
		j.stay(place{card: c})
	}
	id := identify(c.ATR(), info, certificate)
	if !bytes.Equal(id[:], t.identity[:]) {
		return false, nil
	}
	t.mu.Lock()
	t.manners = j.files.Manners()
	t.mu.Unlock()
	return true, nil
}
