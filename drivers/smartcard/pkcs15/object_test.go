package pkcs15

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

// tlv writes a value whose body is the others.
func tlv(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	switch n := len(body); {
	case n < 0x80:
		return slices.Concat([]byte{tag, byte(n)}, body)
	default:
		return slices.Concat([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body)
	}
}

func raw(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The vectors' objects, field by field.
func TestVectors(t *testing.T) {
	keys, err := parseObjects(vector(t, "prkd"), parsePrKD)
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys that sign: %v", len(keys), err)
	}
	home := cardfile.Path{0x3F, 0x00, 0x50, 0x15}
	if k := keys[0]; k.id != "45" || k.authID != "01" || k.reference != 1 || !slices.Equal(k.path, home) || !slices.Equal(k.algs, []int{2}) {
		t.Errorf("%+v", k)
	}
	if k := keys[1]; k.id != "46" || k.authID != "02" || k.reference != 0x82 || len(k.path) != 0 || k.algs != nil {
		t.Errorf("%+v", k)
	}

	pins, err := parseObjects(vector(t, "aod"), parseAOD)
	if err != nil || len(pins) != 2 {
		t.Fatalf("%d PINs of the person: %v", len(pins), err)
	}
	if p := pins[0]; p.reference != 1 || p.rule != (pin.Rule{Encoding: pin.ASCII, Min: 4, Max: 12, Stored: 12, Filler: 0xFF}) || p.path != nil || p.unset {
		t.Errorf("%+v", p)
	}
	if p := pins[1]; p.reference != 0x82 || p.rule != (pin.Rule{Encoding: pin.ASCII, Min: 5, Max: 8, Stored: 8, Pad: true, Filler: 0xFF}) {
		t.Errorf("%+v", p)
	}
	pins, err = parseObjects(vector(t, "aod_local"), parseAOD)
	if err != nil || len(pins) != 2 {
		t.Fatalf("%d PINs: %v", len(pins), err)
	}
	if p := pins[0]; p.rule != (pin.Rule{Encoding: pin.BCD, Min: 4, Max: 12, Stored: 6, Filler: 0xFF}) || !slices.Equal(p.path, cardfile.Path{0x4E, 0x01}) {
		t.Errorf("%+v", p)
	}
	if p := pins[1]; p.rule != (pin.Rule{Encoding: pin.UTF8, Min: 6, Max: 16, Filler: 0xFF}) || !p.unset {
		t.Errorf("%+v", p)
	}
	if names := pinNames(pins); names["01"] != "PIN1 01" || names["02"] != "PIN1 02" {
		t.Errorf("PINs of one label are named %v", names)
	}

	info, err := parseTokenInfo(vector(t, "tokeninfo"))
	want := []algorithm{
		{reference: 1, mechanism: 0x250, algRef: NoAlgorithm},
		{reference: 2, mechanism: 0x01, signs: true, algRef: 0x12},
		{reference: 3, mechanism: 0x1041, signs: true, algRef: 0x54},
	}
	if err != nil || info.serial != "00a1b2c3d4e5f6" || !slices.Equal(info.algorithms, want) {
		t.Errorf("%+v, %v", info, err)
	}
}

// A reference above 7F in each way that cards write it.
func TestReference(t *testing.T) {
	for _, ref := range []string{"02 02 0081", "02 01 81", "02 02 FF81", "02 04 FFFFFF81"} {
		b := tlv(0x30, tlv(0x30), tlv(0x30, raw("04 01 45 03 02 0520"), raw(ref)), tlv(0xA1, tlv(0x30, tlv(0x30, raw("04 00")))))
		keys, err := parseObjects(b, parsePrKD)
		if err != nil || len(keys) != 1 || keys[0].reference != 0x81 {
			t.Errorf("%s: %+v, %v", ref, keys, err)
		}
	}
}

// A certificate in its directory file, by both readings of the standard's tags.
func TestInlineCertificate(t *testing.T) {
	der := holder().ecCert
	inside := der[4:] // behind 30 82 and two bytes of length
	for name, value := range map[string][]byte{"explicit": tlv(0xA0, der), "implicit": tlv(0xA0, inside)} {
		b := tlv(0x30, tlv(0x30), tlv(0x30, raw("04 01 45")), tlv(0xA1, tlv(0x30, value)))
		certs, err := parseObjects(b, parseCD)
		if err != nil || len(certs) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := unwrap(certs[0].inline); err != nil || !bytes.Equal(got, der) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// A key that names no PIN has the only one there is, and none of several.
func TestFindPIN(t *testing.T) {
	one := []pinObject{{id: "01"}}
	two := append(one, pinObject{id: "02"})
	for _, c := range []struct {
		pins []pinObject
		auth string
		want string
	}{{one, "01", "01"}, {two, "02", "02"}, {one, "", "01"}, {two, "", ""}, {one, "09", ""}, {nil, "", ""}} {
		p, ok := findPIN(c.pins, c.auth)
		if p.id != c.want || ok != (c.want != "") {
			t.Errorf("%d PINs, asked for %q: %q", len(c.pins), c.auth, p.id)
		}
	}
}

// What EF.DIR names is tried by path, then by name.
func TestDIR(t *testing.T) {
	app := cardfile.Path{0x3F, 0x00, 0x50, 0x15}
	for name, c := range map[string]struct {
		in   []byte
		want []cardfile.Home
	}{
		"path and name":   {vector(t, "dir"), []cardfile.Home{{Path: app}, {AID: raw(issueAID), Path: app}}},
		"a name alone":    {vector(t, "dir_aid"), []cardfile.Home{{AID: raw(issueAID)}}},
		"a relative path": {tlv(0x61, tlv(0x4F, aidPKCS15), raw("51 02 5015")), []cardfile.Home{{Path: app}, {AID: aidPKCS15, Path: app}}},
		"an odd path":     {tlv(0x61, tlv(0x4F, aidPKCS15), raw("51 03 3F0050")), []cardfile.Home{{AID: aidPKCS15}}},
		"padding":         {make([]byte, 20), nil},
	} {
		got := parseDIR(c.in)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", name, got)
			continue
		}
		for i := range got {
			if !bytes.Equal(got[i].AID, c.want[i].AID) || !slices.Equal(got[i].Path, c.want[i].Path) {
				t.Errorf("%s: %X, want %X", name, got[i], c.want[i])
			}
		}
	}
}
