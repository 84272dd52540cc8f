package pin_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		name string
		rule pin.Rule
		pin  string
		want string
	}{
		{"digits as they are", pin.Rule{Encoding: pin.ASCII, Min: 4, Max: 12}, "1234", "31323334"},
		{"filled with 00", pin.Rule{Encoding: pin.ASCII, Min: 4, Max: 8, Stored: 8, Pad: true}, "1234", "3132333400000000"},
		{"filled with FF, as PIV has it", pin.Rule{Encoding: pin.ASCII, Min: 6, Max: 8, Stored: 8, Pad: true, Filler: 0xFF}, "123456", "313233343536FFFF"},
		{"as long as the block", pin.Rule{Encoding: pin.ASCII, Min: 4, Max: 8, Stored: 8, Pad: true}, "12345678", "3132333435363738"},
		{"two digits in a byte", pin.Rule{Encoding: pin.BCD, Min: 4, Max: 12}, "1234", "1234"},
		{"an odd number of them", pin.Rule{Encoding: pin.BCD, Min: 4, Max: 12, Filler: 0xFF}, "12345", "12345F"},
		{"filled", pin.Rule{Encoding: pin.BCD, Min: 4, Max: 12, Stored: 6, Pad: true, Filler: 0xFF}, "12345", "12345FFFFFFF"},
		{"filled with 00", pin.Rule{Encoding: pin.BCD, Min: 4, Max: 8, Stored: 4, Pad: true}, "12345", "12345000"},
		{"one digit in half a byte", pin.Rule{Encoding: pin.HalfNibble, Min: 4, Max: 8}, "1234", "F1F2F3F4"},
		{"ISO 9564 format 2", pin.Rule{Encoding: pin.ISO9564, Min: 4, Max: 12}, "12345", "2512345FFFFFFFFF"},
		{"any characters", pin.Rule{Encoding: pin.UTF8, Min: 4, Max: 8}, "şifrə", "C59F696672C999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.rule.Check(); err != nil {
				t.Fatal(err)
			}
			got, err := c.rule.Block([]byte(c.pin))
			if err != nil || strings.ToUpper(hex.EncodeToString(got)) != c.want {
				t.Errorf("%X (%v), want %s", got, err, c.want)
			}
			if cap(got) != len(got) {
				t.Errorf("a slice of %d for %d bytes", cap(got), len(got))
			}
		})
	}
}

func TestBlockRefuses(t *testing.T) {
	digits := pin.Rule{Encoding: pin.ASCII, Min: 4, Max: 8}
	for name, c := range map[string]struct {
		rule pin.Rule
		pin  string
	}{
		"too short":                    {digits, "123"},
		"too long":                     {digits, "123456789"},
		"a letter":                     {digits, "12a4"},
		"digits of another script":     {digits, "١٢٣٤"},
		"nothing, where anything goes": {pin.Rule{Encoding: pin.ASCII, Max: 8}, ""},
		"no text":                      {pin.Rule{Encoding: pin.UTF8, Min: 1, Max: 8}, "\xff\xfe"},
		"more bytes than the block":    {pin.Rule{Encoding: pin.UTF8, Min: 1, Max: 8, Stored: 8, Pad: true}, "əəəəəəə"},
	} {
		_, err := c.rule.Block([]byte(c.pin))
		var refused *smartcard.PINError
		if !errors.As(err, &refused) || !refused.Format || refused.Left != smartcard.TriesUnknown {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && c.pin != "" && strings.Contains(err.Error(), c.pin) {
			t.Errorf("%s: the PIN is in the error", name)
		}
	}
}

func TestRuleCheck(t *testing.T) {
	for name, r := range map[string]pin.Rule{
		"no such encoding":     {Encoding: 7, Max: 8},
		"least above most":     {Encoding: pin.ASCII, Min: 9, Max: 8},
		"nothing allowed":      {Encoding: pin.ASCII},
		"block too small":      {Encoding: pin.ASCII, Min: 4, Max: 12, Stored: 8, Pad: true},
		"more than ISO 9564":   {Encoding: pin.ISO9564, Min: 4, Max: 13},
		"block beyond one Lc":  {Encoding: pin.ASCII, Min: 4, Max: 8, Stored: 256, Pad: true},
		"negative lower bound": {Encoding: pin.ASCII, Min: -1, Max: 8},
	} {
		if err := r.Check(); !errors.Is(err, smartcard.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two PINs of digits never give one block, and every PIN within the rule gives one.
func TestBlocksDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := pin.Rule{
			Encoding: rapid.SampledFrom([]pin.Encoding{pin.BCD, pin.ASCII, pin.HalfNibble, pin.ISO9564}).Draw(t, "encoding"),
			Min:      4, Max: 8, Stored: 8, Pad: rapid.Bool().Draw(t, "pad"), Filler: 0xFF,
		}
		code := rapid.StringMatching(`[0-9]{4,8}`)
		a, b := code.Draw(t, "a"), code.Draw(t, "b")
		x, err1 := r.Block([]byte(a))
		y, err2 := r.Block([]byte(b))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if (a == b) != bytes.Equal(x, y) {
			t.Fatalf("%q gives %X, %q gives %X", a, x, b, y)
		}
	})
}
