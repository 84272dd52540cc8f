// Package pkcs15 is the profile of cards that describe themselves after PKCS #15
// v1.1, today ISO/IEC 7816-15.
//
// Such a card has an application directory with a few files of DER values: EF.ODF
// says where the lists of private keys (PrKDF), certificates (CDF) and PINs (AODF)
// are, EF.TokenInfo names the card and its algorithms. Open reads them once per
// insertion and joins what belongs together: a key and a certificate by their
// equal iD, a key and its PIN by authId. Afterwards a signature costs four
// commands on a card of the usual layout (SELECT, VERIFY, MANAGE SECURITY
// ENVIRONMENT, PERFORM SECURITY OPERATION), and five or six where the PIN or the
// key lies in a directory of its own.
//
// What the standard leaves open is found out by trying where that costs nothing,
// and kept for the card's stay: how files are selected (package cardfile), and in
// which form a key wants its digest (recipe.go). Nothing that can cost a try of a
// PIN is ever tried. A Model says what is known of a kind of card beforehand.
//
// Everything on a card is hostile input: files, objects, nesting, exchanges and
// inflated certificates are bounded, and an object that makes no sense is passed
// over. PUKs and the issuer's PINs are never read out as somebody's PIN.
package pkcs15

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

// Name is the profile's name.
const Name = "pkcs15"

var (
	// aidPKCS15 is "PKCS-15" behind RSA's registered identifier; aidCIA begins the
	// identifiers of ISO/IEC 7816-15, which end in an issuer's.
	aidPKCS15 = []byte{0xA0, 0x00, 0x00, 0x00, 0x63, 'P', 'K', 'C', 'S', '-', '1', '5'}
	aidCIA    = []byte{0xE8, 0x28, 0xBD, 0x08, 0x0F}

	pathDIR   = cardfile.Path{0x3F, 0x00, 0x2F, 0x00}
	pathFixed = cardfile.Path{0x3F, 0x00, 0x50, 0x15} // DF.PKCS15 where nothing says otherwise
	fileODF   = cardfile.Path{0x50, 0x31}
	fileInfo  = cardfile.Path{0x50, 0x32}
)

// Model is what is known of one kind of card beyond what it says of itself.
type Model struct {
	Name string
	ATR  []byte // the whole answer to reset
	// Counter asks for the tries left where VERIFY without data does not tell.
	Counter pin.Counter
	// Mute: VERIFY without data must not be sent to this kind of card.
	Mute bool
	// RSA and EC are the recipes of signatures, instead of those that the card or
	// the standard names.
	RSA, EC []Recipe
}

type profile struct{ models []Model }

// New is the profile. A card whose answer to reset is that of a model is treated
// as it says.
func New(models ...Model) smartcard.Profile { return profile{models} }

func (profile) Name() string { return Name }

// Open implements smartcard.Profile.
func (p profile) Open(ctx context.Context, c smartcard.Card) (smartcard.Token, error) {
	var model Model
	for _, m := range p.models {
		if bytes.Equal(m.ATR, c.ATR()) {
			model = m
		}
	}
	return open(ctx, apdu.NewChannel(c), model)
}

// open finds the application and reads it. The card's refusals mean that the
// application, or a part of it, is not there; an exchange that failed is an error.
func open(ctx context.Context, ch *apdu.Channel, model Model) (smartcard.Token, error) {
	r := &reader{ch: ch}
	odf, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	t, err := r.token(ctx, odf, model)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// reader reads the application's files.
type reader struct {
	ch    *apdu.Channel
	home  cardfile.Home
	files *cardfile.Files
}

// find gives the EF.ODF of the first home that has one: by name, as EF.DIR says, or
// at the fixed path.
func (r *reader) find(ctx context.Context) ([]byte, error) {
	odf, err := r.try(ctx, cardfile.Home{AID: aidPKCS15})
	if err != nil || odf != nil {
		return odf, err
	}
	homes, err := r.listed(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range append(homes, cardfile.Home{Path: pathFixed}) {
		if odf, err = r.try(ctx, h); err != nil || odf != nil {
			return odf, err
		}
	}
	return nil, smartcard.ErrUnsupported
}

// try reads EF.ODF below a home; nil if it is not there.
func (r *reader) try(ctx context.Context, h cardfile.Home) ([]byte, error) {
	r.home, r.files = h, cardfile.New(r.ch, h, cardfile.Manners{})
	if err := r.files.SelectHome(ctx); err != nil {
		return nil, unlessRefused(err)
	}
	odf, err := r.file(ctx, fileODF, cardfile.Part{})
	if err != nil || len(values(odf)) == 0 {
		return nil, err
	}
	return odf, nil
}

// listed is the homes that EF.DIR names.
func (r *reader) listed(ctx context.Context) ([]cardfile.Home, error) {
	files := cardfile.New(r.ch, cardfile.Home{}, cardfile.Manners{})
	dir, err := files.Read(ctx, pathDIR, cardfile.Part{}, padding())
	if err != nil {
		return nil, unlessRefused(err)
	}
	return parseDIR(dir), nil
}

// file reads a directory file; nothing if the card does not give it.
func (r *reader) file(ctx context.Context, p cardfile.Path, part cardfile.Part) ([]byte, error) {
	b, err := r.files.Read(ctx, p, part, padding())
	if err != nil {
		return nil, unlessRefused(err)
	}
	return b, nil
}

// unlessRefused drops an error that is the card's own answer: it has no such
// file, or none for us.
func unlessRefused(err error) error {
	var refused *apdu.StatusError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// read gives the contents of all directories of one kind, one after the other.
// No file is read twice, whatever EF.ODF says.
func (r *reader) read(ctx context.Context, dirs []source) ([]byte, error) {
	var all []byte
	seen := map[string]bool{}
	for _, d := range dirs {
		b := d.inline
		if id := fmt.Sprint(d.path, d.part); b == nil && !seen[id] {
			seen[id] = true
			var err error
			if b, err = r.file(ctx, d.path, d.part); err != nil {
				return nil, err
			}
		}
		if len(all)+len(b) > cardfile.MaxFile {
			return nil, fmt.Errorf("%w: directories of more than %d bytes", smartcard.ErrMalformed, cardfile.MaxFile)
		}
		all = append(all, values(b)...)
	}
	return all, nil
}
