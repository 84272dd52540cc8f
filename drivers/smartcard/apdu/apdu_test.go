package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
)

// The four cases of ISO/IEC 7816-3 section 12.1, in the forms of its tables 12 and
// 13.
func TestEncode(t *testing.T) {
	body := []byte{0xAA, 0xBB}
	for _, c := range []struct {
		name string
		cmd  apdu.Command
		form apdu.Form
		want string
	}{
		{"case 1", apdu.Command{INS: 0x20, P2: 0x81}, apdu.Short, "00200081"},
		{"case 1 extended is the same", apdu.Command{INS: 0x20, P2: 0x81}, apdu.Extended, "00200081"},
		{"case 2", apdu.Command{INS: 0xB0, Ne: 16}, apdu.Short, "00B0000010"},
		{"case 2, 256", apdu.Command{INS: 0xB0, Ne: 256}, apdu.Short, "00B0000000"},
		{"case 2 extended, 256", apdu.Command{INS: 0xB0, Ne: 256}, apdu.Extended, "00B00000000100"},
		{"case 2 extended, all", apdu.Command{INS: 0xB0, Ne: 65536}, apdu.Extended, "00B00000000000"},
		{"case 3", apdu.Command{INS: 0xA4, P2: 0x0C, Data: body}, apdu.Short, "00A4000C02AABB"},
		{"case 3 extended", apdu.Command{INS: 0xA4, P2: 0x0C, Data: body}, apdu.Extended, "00A4000C000002AABB"},
		{"case 4", apdu.Command{INS: 0x2A, Data: body, Ne: 256}, apdu.Short, "002A000002AABB00"},
		{"case 4 over T=0 has no Le", apdu.Command{INS: 0x2A, Data: body, Ne: 256}, apdu.ShortT0, "002A000002AABB"},
		{"case 2 over T=0 has it", apdu.Command{INS: 0xB0, Ne: 256}, apdu.ShortT0, "00B0000000"},
		{"case 4 extended", apdu.Command{INS: 0x2A, Data: body, Ne: 256}, apdu.Extended, "002A0000000002AABB0100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.cmd.Encode(c.form)
			if err != nil || !bytes.Equal(got, mustHex(c.want)) {
				t.Errorf("got %X (%v), want %s", got, err, c.want)
			}
			if cap(got) != len(got) {
				t.Errorf("%d bytes in a slice of %d: wiping it leaves some", len(got), cap(got))
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		cmd  apdu.Command
		form apdu.Form
	}{
		"data over one byte":  {apdu.Command{Data: make([]byte, 256)}, apdu.Short},
		"answer over 256":     {apdu.Command{Ne: 257}, apdu.Short},
		"data over two bytes": {apdu.Command{Data: make([]byte, 65536)}, apdu.Extended},
		"answer over 65536":   {apdu.Command{Ne: 65537}, apdu.Extended},
		"negative answer":     {apdu.Command{Ne: -1}, apdu.Short},
	} {
		if _, err := c.cmd.Encode(c.form); !errors.Is(err, apdu.ErrLength) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "00A400", "00A4000C02AA", "00A4000C02AABBCCDD", "00B000000000", "00A4000C000003AABB", "00A4000C000000AABB"} {
		if c, _, err := apdu.Parse(mustHex(s)); !errors.Is(err, apdu.ErrNoCommand) {
			t.Errorf("%s is read as %+v (%v)", s, c, err)
		}
	}
}

// What is written is read back as itself, in every case and form.
func TestEncodeParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]apdu.Form{apdu.Short, apdu.Extended}).Draw(t, "form")
		maxData, maxAnswer := apdu.MaxShortData, apdu.MaxShortAnswer
		if form == apdu.Extended {
			maxData, maxAnswer = apdu.MaxExtendedData, apdu.MaxExtendedReply
		}
		c := apdu.Command{
			CLA: rapid.Byte().Draw(t, "CLA"), INS: rapid.Byte().Draw(t, "INS"),
			P1: rapid.Byte().Draw(t, "P1"), P2: rapid.Byte().Draw(t, "P2"),
		}
		kind := rapid.IntRange(1, 4).Draw(t, "case")
		if kind >= 3 {
			n := rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(1, maxData), rapid.Just(maxData)).Draw(t, "Nc")
			c.Data = bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, n)
		}
		if kind == 2 || kind == 4 {
			c.Ne = rapid.OneOf(rapid.IntRange(1, maxAnswer), rapid.Just(maxAnswer)).Draw(t, "Ne")
		}
		raw, err := c.Encode(form)
		if err != nil {
			t.Fatal(err)
		}
		if cap(raw) != len(raw) {
			t.Fatalf("%d bytes in a slice of %d", len(raw), cap(raw))
		}
		back, gotForm, err := apdu.Parse(raw)
		if err != nil || (kind > 1 && gotForm != form) {
			t.Fatalf("form %d read as %d: %v", form, gotForm, err)
		}
		if back.CLA != c.CLA || back.INS != c.INS || back.P1 != c.P1 || back.P2 != c.P2 || back.Ne != c.Ne || !bytes.Equal(back.Data, c.Data) {
			t.Fatalf("case %d came back as %+v", kind, back)
		}
	})
}

// Bytes that are read as a command are written back as they were.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"00200081", "00B0000000", "00A4000C02AABB", "002A000002AABB00", "00B00000000100", "002A0000000002AABB0100"} {
		f.Add(mustHex(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, form, err := apdu.Parse(b)
		if err != nil {
			return
		}
		if back, err := c.Encode(form); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%X is read and written as %X (%v)", b, back, err)
		}
	})
}
