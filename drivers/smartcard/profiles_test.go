package smartcard_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

type fakeProfile struct {
	smartcard.Profile
	asked *int
	token smartcard.Token
	err   error
}

func (p fakeProfile) Open(context.Context, smartcard.Card) (smartcard.Token, error) {
	*p.asked++
	return p.token, p.err
}

type fakeToken struct{ smartcard.Token }

func TestOpen(t *testing.T) {
	var asked int
	stranger := fakeProfile{asked: &asked, err: smartcard.ErrUnsupported}
	friend := fakeProfile{asked: &asked, token: fakeToken{}}
	broken := fakeProfile{asked: &asked, err: smartcard.ErrMalformed}
	for _, c := range []struct {
		name     string
		profiles []smartcard.Profile
		err      error
		asked    int
	}{
		{"the first that knows the card", []smartcard.Profile{stranger, friend, broken}, nil, 2},
		{"none", []smartcard.Profile{stranger, stranger}, smartcard.ErrUnsupported, 2},
		{"no profile", nil, smartcard.ErrUnsupported, 0},
		{"a card that one began to read", []smartcard.Profile{broken, friend}, smartcard.ErrMalformed, 1},
	} {
		asked = 0
		tok, err := smartcard.Open(t.Context(), nil, c.profiles...)
		if !errors.Is(err, c.err) || (tok == nil) != (c.err != nil) || asked != c.asked {
			t.Errorf("%s: %v, %v, %d asked", c.name, tok, err, asked)
		}
	}
}
