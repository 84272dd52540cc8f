package apdu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
)

// Two answers to reset with the same interface: only the second one's historical
// bytes say that extended lengths are known (compact object 73, third byte 40).
const (
	atrPlain    = "3B888001807300000000000072"
	atrExtended = "3B888001807300004000000032"
)

// card answers by a script: the n-th command gets the n-th answer, and whatever
// comes after the script the last one.
type card struct {
	atr     string
	t0      bool
	max     int
	answers []string
	sent    []string
	kept    [][]byte // the slices as they were given, to see whether they are wiped
	answer  func(n int) []byte
}

func (c *card) ATR() []byte                 { return mustHex(c.atr) }
func (c *card) MaxCommand() int             { return c.max }
func (c *card) Begin(context.Context) error { return nil }
func (c *card) End() error                  { return nil }
func (c *card) Close() error                { return nil }

func (c *card) Protocol() smartcard.Protocol {
	if c.t0 {
		return smartcard.T0
	}
	return smartcard.T1
}

func (c *card) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	n := len(c.sent)
	c.sent = append(c.sent, fmt.Sprintf("%X", cmd))
	c.kept = append(c.kept, cmd)
	if c.answer != nil {
		return c.answer(n), nil
	}
	return mustHex(c.answers[min(n, len(c.answers)-1)]), nil
}

func TestDo(t *testing.T) {
	long := bytes.Repeat([]byte{0x55}, 256)
	longHex := strings.Repeat("55", 255)
	for _, c := range []struct {
		name string
		card card
		cmd  apdu.Command
		sent []string
		data string
		sw   apdu.SW
	}{
		{
			name: "an answer in one piece",
			card: card{answers: []string{"01029000"}},
			cmd:  apdu.ReadBinary(0, 256), sent: []string{"00B0000000"}, data: "0102", sw: apdu.OK,
		},
		{
			name: "over T=0 the answer is fetched",
			card: card{t0: true, answers: []string{"6103", "0102036102", "04059000"}},
			cmd:  apdu.Sign([]byte{1}), sent: []string{"002A9E9A0101", "00C0000003", "00C0000002"}, data: "0102030405", sw: apdu.OK,
		},
		{
			name: "data before 61 belongs to the answer",
			card: card{answers: []string{"016101", "029000"}},
			cmd:  apdu.ReadBinary(0, 256), sent: []string{"00B0000000", "00C0000001"}, data: "0102", sw: apdu.OK,
		},
		{
			name: "GET RESPONSE with the wrong length is asked again",
			card: card{t0: true, answers: []string{"6100", "6C02", "01029000"}},
			cmd:  apdu.Sign([]byte{1}), sent: []string{"002A9E9A0101", "00C0000000", "00C0000002"}, data: "0102", sw: apdu.OK,
		},
		{
			name: "the right length is taken from 6C",
			card: card{answers: []string{"6C05", "01020304059000"}},
			cmd:  apdu.ReadBinary(0, 256), sent: []string{"00B0000000", "00B0000005"}, data: "0102030405", sw: apdu.OK,
		},
		{
			name: "but only once",
			card: card{answers: []string{"6C05", "6C06", "9000"}},
			cmd:  apdu.ReadBinary(0, 256), sent: []string{"00B0000000", "00B0000005"}, sw: 0x6C06,
		},
		{
			name: "and never for a PIN",
			card: card{answers: []string{"6C05", "9000"}},
			cmd:  apdu.Verify(0x81, []byte("1234")), sent: []string{"002000810431323334"}, sw: 0x6C05,
		},
		{
			name: "long data is chained, with the length of the answer in the last part",
			card: card{answers: []string{"9000"}},
			cmd:  apdu.Sign(long), sent: []string{"102A9E9AFF" + longHex, "002A9E9A015500"}, sw: apdu.OK,
		},
		{
			name: "the reader alone does not make it extended",
			card: card{atr: atrPlain, max: 65536, answers: []string{"9000"}},
			cmd:  apdu.Sign(long), sent: []string{"102A9E9AFF" + longHex, "002A9E9A015500"}, sw: apdu.OK,
		},
		{
			name: "nor does the card alone",
			card: card{atr: atrExtended, max: 255, answers: []string{"9000"}},
			cmd:  apdu.Sign(long), sent: []string{"102A9E9AFF" + longHex, "002A9E9A015500"}, sw: apdu.OK,
		},
		{
			name: "both do",
			card: card{atr: atrExtended, max: 65536, answers: []string{"9000"}},
			cmd:  apdu.Sign(long), sent: []string{"002A9E9A000100" + longHex + "55" + "0100"}, sw: apdu.OK,
		},
		{
			name: "short data stays short there",
			card: card{atr: atrExtended, max: 65536, answers: []string{"9000"}},
			cmd:  apdu.Sign([]byte{1}), sent: []string{"002A9E9A010100"}, sw: apdu.OK,
		},
		{
			name: "over T=0 never",
			card: card{atr: atrExtended, t0: true, max: 65536, answers: []string{"9000"}},
			cmd:  apdu.Sign(long), sent: []string{"102A9E9AFF" + longHex, "002A9E9A0155"}, sw: apdu.OK,
		},
		{
			name: "a refused part ends the chain",
			card: card{answers: []string{"6884"}},
			cmd:  apdu.Sign(long), sent: []string{"102A9E9AFF" + longHex}, sw: 0x6884,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, sw, err := apdu.NewChannel(&c.card).Do(t.Context(), c.cmd)
			if err != nil || sw != c.sw || !bytes.Equal(data, mustHex(c.data)) {
				t.Errorf("got %X, %v, %v; want %s, %v", data, sw, err, c.data, c.sw)
			}
			if strings.Join(c.card.sent, " ") != strings.Join(c.sent, " ") {
				t.Errorf("sent %v\nwant %v", c.card.sent, c.sent)
			}
			for _, b := range c.card.kept {
				if len(bytes.Trim(b, "\x00")) > 0 {
					t.Errorf("a command is still in memory: %d bytes", len(b))
				}
			}
		})
	}
}

// A card that never ends, in each way that it can try.
func TestHostile(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(n int) []byte
		most   int // exchanges
	}{
		"more data for ever":         {func(int) []byte { return append(make([]byte, 256), 0x61, 0x00) }, 300},
		"more data and none comes":   {func(int) []byte { return []byte{0x61, 0x00} }, 302},
		"wrong length for ever":      {func(int) []byte { return []byte{0x6C, 0x01} }, 2},
		"61 and 6C in turns":         {func(n int) []byte { return []byte{[]byte{0x61, 0x6C}[n%2], 0x01} }, 602},
		"an answer of no bytes":      {func(int) []byte { return nil }, 1},
		"an answer of one byte":      {func(int) []byte { return []byte{0x90} }, 1},
		"more than the form carries": {func(int) []byte { return make([]byte, 300) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			hostile := &card{answer: c.answer}
			data, err := apdu.NewChannel(hostile).Want(t.Context(), apdu.ReadBinary(0, 256))
			if err == nil || data != nil {
				t.Errorf("it got through with %d bytes", len(data))
			}
			if len(hostile.sent) > c.most {
				t.Errorf("%d exchanges, at most %d", len(hostile.sent), c.most)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	ch := apdu.NewChannel(&card{answer: func(int) []byte { return []byte{0x90} }})
	if _, _, err := ch.Do(t.Context(), apdu.ReadBinary(0, 1)); !errors.Is(err, smartcard.ErrTransport) {
		t.Errorf("one byte as an answer: %v", err)
	}
	ch = apdu.NewChannel(&card{answer: func(int) []byte { return []byte{0x90, 0x00} }})
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		_, _, err = ch.Do(t.Context(), apdu.ReadBinary(0, 1))
	}
	if !errors.Is(err, apdu.ErrEndless) || n != apdu.MaxExchanges+1 {
		t.Errorf("a job went on for %d exchanges: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := &card{answers: []string{"9000"}}
	if _, _, err := apdu.NewChannel(quiet).Do(ctx, apdu.ReadBinary(0, 1)); !errors.Is(err, context.Canceled) || len(quiet.sent) > 0 {
		t.Errorf("after the end of its context: %v, %d exchanges", err, len(quiet.sent))
	}
	_, err = apdu.NewChannel(&card{answers: []string{"6A82"}}).Want(t.Context(), apdu.Select(apdu.ByName, apdu.WithNone, []byte{1, 2}))
	if err == nil || err.Error() != "SELECT: file not found (SW 6A82)" {
		t.Errorf("%v", err)
	}
}

func TestSW(t *testing.T) {
	for sw, want := range map[apdu.SW]string{
		0x63C2: "PIN wrong (SW 63C2)",
		0x6983: "PIN blocked (SW 6983)",
		0x9F10: "refused (SW 9F10)",
	} {
		if sw.String() != want {
			t.Errorf("%04X reads %q, want %q", uint16(sw), sw, want)
		}
	}
	if n, ok := apdu.SW(0x63C2).Tries(); n != 2 || !ok {
		t.Errorf("63C2 leaves %d, %v", n, ok)
	}
	if _, ok := apdu.SW(0x6300).Tries(); ok {
		t.Error("6300 names a number")
	}
}
