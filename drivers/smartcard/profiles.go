package smartcard

import (
	"context"
	"errors"
	"strings"
	"unicode"
)

// Open tries profiles in order and gives the Token of the first that knows the
// card. The caller holds a transaction; no PIN command is sent. ErrUnsupported:
// none knows it. Another error ends the search, since a card that a profile began
// to read is not somebody else's.
func Open(ctx context.Context, c Card, profiles ...Profile) (Token, error) {
	for _, p := range profiles {
		t, err := p.Open(ctx, c)
		if !errors.Is(err, ErrUnsupported) {
			return t, err
		}
	}
	return nil, ErrUnsupported
}

// maxPrintable bounds a text from a card, in characters.
const maxPrintable = 128

// Printable is a text from a card or certificate as it may be shown to a person:
// without control characters, marks that turn the direction of writing and
// whatever else does not print, in single spaces, at most 128 characters.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if n := []rune(s); len(n) > maxPrintable {
		s = strings.TrimSpace(string(n[:maxPrintable]))
	}
	return s
}
