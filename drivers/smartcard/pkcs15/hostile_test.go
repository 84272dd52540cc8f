package pkcs15

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
)

// A card that means harm costs a bounded number of commands, and of bytes.
func TestHostile(t *testing.T) {
	file := func(name string, b []byte) func(*testCard) {
		return func(c *testCard) { c.files[app+name] = b }
	}
	deep := []byte{}
	for range 500 {
		deep = slices.Concat([]byte{0xA0, 0x83, 0, byte(len(deep) >> 8), byte(len(deep))}, deep)
	}
	var bomb bytes.Buffer
	compress(zlib.NewWriter(&bomb), make([]byte, 8<<20))
	for _, c := range []struct {
		name  string
		shape func(*testCard)
		err   error // nil: opened, perhaps without keys
	}{
		{"a length of four gigabytes", file("5031", []byte{0xA0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x30}), smartcard.ErrUnsupported},
		{"a length of 2^63", file("4401", []byte{0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x30}), nil},
		{"a length without end", file("4401", []byte{0x30, 0x80, 0x00, 0x00}), nil},
		{"nested five hundred times", file("5031", deep), nil},
		{"keys nested so", file("4401", deep), nil},
		{"a thousand keys", file("4401", bytes.Repeat(vector(t, "prkd_files"), 400)), smartcard.ErrMalformed},
		{"a thousand directories", file("5031", bytes.Repeat(vector(t, "odf_relative"), 400)), smartcard.ErrMalformed},
		{"a file without end", file("4401", bytes.Repeat([]byte{0x04, 0x00}, 100_000)), smartcard.ErrMalformed},
		{"all files without end", func(c *testCard) {
			c.info = "nosize"
			for name, f := range c.files {
				c.files[name] = append(slices.Clone(f), bytes.Repeat([]byte{0x04, 0x00}, 100_000)...)
			}
		}, smartcard.ErrMalformed},
		{"a certificate that inflates to 8 megabytes", func(c *testCard) {
			c.files[app+"4501"] = bomb.Bytes()[:min(bomb.Len(), 60_000)]
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			c.shape(card)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := New().Open(t.Context(), card)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
			if len(card.sent) > apdu.MaxExchanges {
				t.Errorf("%d commands", len(card.sent))
			}
			// The card itself copies what it answers; that is counted here too.
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 32 {
				t.Errorf("%d MB were taken", mb)
			}
		})
	}
}

// endlessCard gives one answer to everything.
type endlessCard struct {
	testCard
	answer []byte
	calls  int
}

func (c *endlessCard) Transmit(context.Context, []byte) ([]byte, error) {
	c.calls++
	return bytes.Clone(c.answer), nil
}

func TestEndlessAnswers(t *testing.T) {
	for name, answer := range map[string][]byte{
		"more data, always":    append(bytes.Repeat([]byte{0x30}, 256), 0x61, 0x00),
		"more data, none":      {0x61, 0xFF},
		"all is well":          {0x90, 0x00},
		"one byte at a time":   {0x30, 0x90, 0x00},
		"a value in itself":    {0xA0, 0x80, 0x90, 0x00},
		"the wrong length":     {0x6C, 0xFF},
		"end of file":          {0x62, 0x82},
		"nothing is supported": {0x6D, 0x00},
		"a PIN is missing":     {0x69, 0x82},
		"nothing":              {},
	} {
		t.Run(name, func(t *testing.T) {
			c := &endlessCard{answer: answer}
			tok, err := New().Open(t.Context(), c)
			if err == nil {
				t.Errorf("opened, with %d keys", len(tok.Keys()))
			}
			if c.calls > apdu.MaxExchanges {
				t.Errorf("%d exchanges", c.calls)
			}
		})
	}
}
