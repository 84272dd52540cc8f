package signcard

import (
	"bytes"
	"crypto"
	"testing"
)

// The national identity card answers nothing that a terminal knows, and a terminal
// must not try PINs on it.
func TestUnknownApplet(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Applet: NationalID})
	for _, command := range []string{selectApp, "00A4040C09A00000030800001000", "00A4000C023F00", "00A4080C0450155031",
		"00A4040C0BD031000000446967694944"} {
		if _, sw := r.send(command); sw != swNotFound {
			t.Errorf("%s: SW %04X", command, sw)
		}
	}
	r.want(swNoInstruction, "00B0000000")
	r.want(swNoInstruction, "00200001")
}

// SP 800-73-4 part 2: certificates by GET DATA, signatures by GENERAL AUTHENTICATE.
func TestPIV(t *testing.T) {
	t.Parallel()
	const selectPIV, verify, login, signing = "00A404000BA00000030800001000010000", "0020008008313233343536FFFF", "9A", "9C"
	for name, keys := range map[string][2]crypto.Signer{"P-256": {ecKey(), ecKey2()}, "RSA": {rsaKey(), rsaKey2()}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, pivCard(keys[0], keys[1]))
			r.want(swNoInstruction, verify) // nothing is selected
			if got := r.want(swOK, selectPIV); got[0] != 0x61 {
				t.Errorf("application property template % X", got)
			}
			for i, tag := range []string{"5FC105", "5FC10A"} {
				if got := r.fetch("00CB3FFF055C03" + tag + "00"); !bytes.Contains(got, r.cfg.Pairs[i].Certificate) {
					t.Errorf("the certificate of pair %d is not there", i+1)
				}
			}
			r.want(swNotFound, "00CB3FFF055C035FC10B00")
			r.want(0x63C3, "00200080")
			r.want(swWrongLength, "0020008006313233343536")
			r.want(swOK, verify)
			for range 2 {
				if !valid(keys[0], "message", r.pivSign(login, keys[0])) {
					t.Error("slot 9A does not sign")
				}
			}
			if r.pivSign(signing, keys[1]) != nil {
				t.Error("slot 9C signs without VERIFY just before")
			}
			r.want(swOK, verify)
			if !valid(keys[1], "message", r.pivSign(signing, keys[1])) {
				t.Error("slot 9C does not sign")
			}
		})
	}
}

// fetch sends a command and whatever GET RESPONSE it needs.
func (r rig) fetch(command string, more ...[]byte) []byte {
	r.Helper()
	data, sw := r.send(command, more...)
	for sw&0xFF00 == swMore {
		var next []byte
		next, sw = r.send("00C00000", []byte{byte(sw)})
		data = append(data, next...)
	}
	if sw != swOK {
		return nil
	}
	return data
}

// pivSign chains a challenge to a slot and returns the signature, nil if refused.
func (r rig) pivSign(slot string, key crypto.Signer) []byte {
	r.Helper()
	challenge, alg := digest("message"), "11"
	if len(info(key, "")) > 32 {
		challenge, alg = rawBlock(info(key, "message")), "07"
	}
	template := tlv(0x7C, tlv(0x82), tlv(0x81, challenge))
	for len(template) > 255 {
		r.want(swOK, "1087"+alg+slot+"FF", template[:255])
		template = template[255:]
	}
	got := r.fetch("0087"+alg+slot, []byte{byte(len(template))}, template, []byte{0})
	outer, ok := elements(got)
	if !ok {
		return nil
	}
	inner, _ := elements(outer[0x7C])
	return inner[0x82]
}

// An AzeDIT is laid out like an EstEID 3.x card: fixed files, tries in records,
// INTERNAL AUTHENTICATE to log in.
func TestAzeDIT(t *testing.T) {
	t.Parallel()
	r := newRig(t, rsaCard(func(c *Config) { c.Applet = AzeDIT }))
	r.want(swNotFound, selectApp)
	r.want(swOK, "00A4040C0BD031000000446967694944")
	if got := r.read("EEEEAACE"); !bytes.HasPrefix(got, r.cfg.Pairs[0].Certificate) || len(got) != estEIDCertSize {
		t.Error("the certificate for logging in is not in AACE")
	}
	if got := r.read("EEEEDDCE"); !bytes.HasPrefix(got, r.cfg.Pairs[1].Certificate) {
		t.Error("the certificate for signing is not in DDCE")
	}
	r.want(swOK, "00A4080C020016")
	if got := r.want(swOK, "00B2020400"); !bytes.Equal(got, []byte{0x80, 1, 3, 0x90, 1, 3}) {
		t.Errorf("PIN2's record: % X", got)
	}
	r.want(swOK, "00A4010C02EEEE")
	r.want(swOK, "0022F301")
	r.want(swOK, verify1)
	a := r.Command(apdu("00880000", info(rsaKey(), "message")))
	if !valid(rsaKey(), "message", a[:len(a)-2]) {
		t.Error("INTERNAL AUTHENTICATE does not sign")
	}
	r.want(swOK, verify2)
	a = r.Command(apdu("002A9E9A", info(rsaKey2(), "message")))
	if !valid(rsaKey2(), "message", a[:len(a)-2]) {
		t.Error("PSO does not sign")
	}
}

// Whatever is sent, the card answers with a status word and never with a PIN.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{"\x00\xA4\x04\x0C\x0C\xA0\x00\x00\x00\x63PKCS-15", "\x00\x20\x00\x01\x04\x31\x32\x33\x34",
		"\x00\x22\x41\xB6\x06\x80\x01\x04\x84\x01\x11", "\x00\x2A\x9E\x9A\x00", "\x00\xB0\x00\x00\x00", "\x10\x2A\x90\xA0\x02\x90\x00",
		"\x00\x87\x11\x9A\x04\x7C\x02\x82\x00\x00", "\x00\xC0\x00\x00\x00", "\x00\xCB\x00\xFF\x05\xA0\x03\x83\x01\x01\x00", ""} {
		f.Add([]byte(s), []byte("\x00\x88\x00\x00\x00"))
	}
	cards := []*Card{}
	for _, cfg := range []Config{ecCard(), pivCard(ecKey(), ecKey2()), ecCard(func(c *Config) { c.Applet = AzeDIT }), {Applet: NationalID},
		rsaCard(func(c *Config) {
			c.Layout = Layout{Input: SignRaw, Extended: true, SigningDF: true, ExactLe: true, Counter: CounterGetData}
		}),
		ecCard(func(c *Config) { c.Layout = Layout{Input: SignHash, GetResponse: true, Counter: CounterRecord} }),
	} {
		cards = append(cards, must(New(cfg)))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, c := range cards {
			c.Reset()
			for _, apdu := range [][]byte{first, second, {0, insGetResponse, 0, 0, 0}} {
				if a := c.Command(apdu); len(a) < 2 {
					t.Errorf("% X: % X", apdu, a)
				}
			}
		}
	})
}
