package signcard

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The forms in which cards want a PIN. What has another form costs no try.
func TestPINForms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		pin   PIN
		right string
		wrong string         // a PIN, but not this one
		form  map[string]int // not of the form
	}{
		{"digits as they are", PIN{Value: "1234"}, "31323334", "3939393939", map[string]int{
			"313233": swWrongData, "3132333A": swWrongData, "31323334FFFFFFFF": swWrongData,
			"31323334353637383930313233": swWrongLength}},
		{"filled with 00", PIN{Value: "1234", Padded: true, Stored: 8}, "3132333400000000", "3939393900000000", map[string]int{
			"31323334": swWrongLength, "31323334FFFFFFFF": swWrongData, "3132330000000000": swWrongData, "3132003400000000": swWrongData}},
		{"filled with FF", PIN{Value: "1234", Padded: true, Stored: 8, Pad: 0xFF}, "31323334FFFFFFFF", "3939393939FFFFFF", map[string]int{
			"31323334": swWrongLength, "3132333400000000": swWrongData, "FFFFFFFFFFFFFFFF": swWrongData}},
		{"two digits a byte", PIN{Value: "12345", Type: PINBCD, Pad: 0xFF}, "12345F", "12346F", map[string]int{
			"12A4": swWrongData, "12": swWrongData}},
		{"two digits a byte, filled", PIN{Value: "1234", Type: PINBCD, Pad: 0xFF, Padded: true, Stored: 8}, "1234FFFFFFFFFFFF", "9999FFFFFFFFFFFF",
			map[string]int{"1234": swWrongLength, "12FFFFFFFFFFFFFF": swWrongData, "1A34FFFFFFFFFFFF": swWrongData}},
		{"two digits a byte, filled with 00", PIN{Value: "1234", Type: PINBCD, Padded: true, Stored: 8}, "1234000000000000", "9999000000000000",
			map[string]int{"1234FFFFFFFFFFFF": swWrongData}},
		{"one digit a byte, FF", PIN{Value: "1234", Type: PINHalfBCD, Pad: 0xFF, Padded: true, Stored: 8}, "F1F2F3F4FFFFFFFF", "F9F9F9F9FFFFFFFF",
			map[string]int{"01020304FFFFFFFF": swWrongData}},
		{"ISO 9564-1 format 2", PIN{Value: "1234", Type: PINISO9564}, "241234FFFFFFFFFF", "249999FFFFFFFFFF", map[string]int{
			"251234FFFFFFFFFF": swWrongData, "141234FFFFFFFFFF": swWrongData, "2412340000000000": swWrongData, "241234": swWrongLength, "2F1234FFFFFFFFFF": swWrongData}},
		{"letters", PIN{Value: "şifrə", Type: PINUTF8}, hex.EncodeToString([]byte("şifrə")), hex.EncodeToString([]byte("başqa1")), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, ecCard(func(c *Config) { c.PIN1 = test.pin }))
			verify := func(pin string) int {
				b := must(hex.DecodeString(pin))
				_, sw := r.send("00200001", []byte{byte(len(b))}, b)
				return sw
			}
			r.want(swOK, selectApp)
			for pin, sw := range test.form {
				if got := verify(pin); got != sw || r.Tries(PIN1) != 3 {
					t.Errorf("%s: SW %04X and %d tries left, want %04X and 3", pin, got, r.Tries(PIN1), sw)
				}
			}
			if got := verify(test.wrong); got != 0x63C2 {
				t.Errorf("a wrong PIN: SW %04X", got)
			}
			if got := verify(test.right); got != swOK || r.Tries(PIN1) != 3 {
				t.Errorf("the right PIN: SW %04X and %d tries left", got, r.Tries(PIN1))
			}
		})
	}
}

func TestPINNeverActivated(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard(func(c *Config) { c.PIN1.NotSet = true }))
	r.want(swOK, selectApp)
	r.want(swUnusable, "00200001")
	r.want(swUnusable, verify1)
	if r.Tries(PIN1) != 3 || r.Verified() {
		t.Error("a PIN that was never activated was tried")
	}
	if aodf := r.read("50154401"); !bytes.Contains(aodf, []byte{0x03, 0x02, 0x06, 0x40}) { // local, not initialised
		t.Errorf("the card's files say that the PIN is set: % X", aodf)
	}
}

// Cards there cannot be.
func TestConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"applet":            func(c *Config) { c.Applet = "teletext" },
		"ATR":               func(c *Config) { c.ATR = make([]byte, 34) },
		"no key":            func(c *Config) { c.Pairs[0].Key = nil },
		"PIN of a key":      func(c *Config) { c.Pairs[0].PIN = PUK },
		"PIN not there":     func(c *Config) { c.PIN2 = PIN{} },
		"PIN too short":     func(c *Config) { c.PIN1.Value = "12" },
		"PIN of 9 in 8":     func(c *Config) { c.PIN1 = PIN{Value: "123456789", Padded: true, Stored: 8} },
		"tries":             func(c *Config) { c.PIN1.Tries = 16 },
		"more left than is": func(c *Config) { c.PIN1.Left = 4 },
		"nine pairs":        func(c *Config) { c.Pairs = make([]Pair, 9) },
	} {
		if _, err := New(ecCard(change)); err == nil {
			t.Errorf("%s: such a card was made", name)
		}
	}
}
