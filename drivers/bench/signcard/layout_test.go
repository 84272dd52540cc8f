package signcard

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"io"
	"testing"
)

// The ways in which the application is found, and not found.
func TestFinding(t *testing.T) {
	t.Parallel()
	const (
		byAID    = selectApp
		byPathDF = "00A4080C025015"
		byFID    = "00A4000C025015"
		dir      = "00A4080C022F00"
	)
	for _, test := range []struct {
		name   string
		layout Layout
		want   map[string]int
	}{
		{"plain", Layout{}, map[string]int{byAID: swOK, byPathDF: swOK, byFID: swOK, dir: swOK}},
		{"paths only", Layout{PathOnly: true}, map[string]int{byAID: swNotFound, byPathDF: swOK, byFID: swWrongP1P2, "00A4000C023F00": swOK}},
		{"one by one only", Layout{FIDOnly: true}, map[string]int{byAID: swOK, byPathDF: swWrongP1P2, byFID: swOK}},
		{"no EF.DIR", Layout{NoDIR: true}, map[string]int{byAID: swOK, dir: swNotFound}},
		{"the standard's own AID", Layout{ISOForm: true}, map[string]int{byAID: swNotFound, byPathDF: swNotFound,
			"00A4080C024F00": swOK, "00A4040C0AE828BD080FA000000063": swOK, "00A4040C05E828BD080F": swOK}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for command, sw := range test.want {
				r := newRig(t, ecCard(func(c *Config) { c.Layout = test.layout }))
				r.want(sw, command)
			}
		})
	}
}

func TestWhatSelectTells(t *testing.T) {
	t.Parallel()
	const tokenInfo = "00A40800045015503200"
	r := newRig(t, ecCard())
	fci := r.want(swOK, tokenInfo)
	size := len(r.read("50155032"))
	want := []byte{0x6F, 14, 0x80, 2, byte(size >> 8), byte(size), 0x82, 1, 0x01, 0x83, 2, 0x50, 0x32, 0x8A, 1, 5}
	if !bytes.Equal(fci, want) {
		t.Errorf("FCI % X, want % X", fci, want)
	}
	if fcp := r.want(swOK, "00A40804045015503200"); fcp[0] != 0x62 {
		t.Errorf("FCP % X", fcp)
	}
	if df := r.want(swOK, "00A404000CA000000063504B43532D313500"); !bytes.Contains(df, append([]byte{0x84, 12}, aidPKCS15...)) {
		t.Errorf("the folder's AID is not told: % X", df)
	}
	r = newRig(t, ecCard(func(c *Config) { c.Layout.FCP, c.Layout.NoSize = true, true }))
	r.want(swWrongP1P2, tokenInfo)
	if fcp := r.want(swOK, "00A40804045015503200"); fcp[0] != 0x62 || fcp[2] == 0x80 {
		t.Errorf("FCP without a size % X", fcp)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard())
	r.want(swNoCurrentFile, "00B0000000")
	cert := r.cfg.Pairs[0].Certificate
	if got := r.read("50154331"); !bytes.Equal(got, cert) {
		t.Error("the certificate that is read is not the one on the card")
	}
	n := len(cert)
	last := []byte{byte((n - 5) >> 8), byte(n - 5)}
	if got := r.want(swEndOfFile, "00B0", last, []byte{0x20}); len(got) != 5 {
		t.Errorf("%d bytes at the end", len(got))
	}
	r.want(swOutside, "00B0", []byte{byte(n >> 8), byte(n), 0})
	r.want(swWrongLength, "00B00000")
	r.want(swNotSupported, "00B0810000")
	r.want(swFileStructure, "00B2010400")

	r = newRig(t, ecCard(func(c *Config) { c.Layout.ExactLe, c.Layout.Counter = true, CounterRecord }))
	n = len(r.cfg.Pairs[0].Certificate)
	last = []byte{byte((n - 5) >> 8), byte(n - 5)}
	r.want(swOK, "00A4080C0450154331")
	r.want(swWrongLe|5, "00B0", last, []byte{0})
	r.want(swOK, "00B0", last, []byte{5})
	r.want(swOK, "00A4080C020016")
	r.want(swFileStructure, "00B0000000")
	r.want(swWrongLe|6, "00B2010400")
	if got := r.want(swOK, "00B2010406"); !bytes.Equal(got, []byte{0x80, 1, 3, 0x90, 1, 3}) {
		t.Errorf("the tries' record is % X", got)
	}
	r.want(swNoRecord, "00B2040406")

	r = newRig(t, ecCard(func(c *Config) { c.Layout.DIRRecords = true }))
	r.want(swOK, "00A4080C022F00")
	r.want(swOK, "00B2010400")
	if got := r.want(swOK, "00B2020400"); !bytes.Contains(got, aidPKCS15) {
		t.Errorf("the second record of EF.DIR is % X", got)
	}
	r.want(swNoRecord, "00B2030400")
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		layout Layout
		open   func(t *testing.T, file []byte) []byte
	}{
		"padded": {Layout{PaddedCert: true, PadFF: true}, func(t *testing.T, file []byte) []byte {
			if !bytes.HasSuffix(file, bytes.Repeat([]byte{0xFF}, 200)) {
				t.Error("no padding")
			}
			return file[:len(file)-200]
		}},
		"zlib": {Layout{Compressed: Zlib}, func(t *testing.T, file []byte) []byte {
			return must(io.ReadAll(must(zlib.NewReader(bytes.NewReader(file)))))
		}},
		"gzip": {Layout{Compressed: Gzip}, func(t *testing.T, file []byte) []byte {
			return must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(file)))))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ecCard(func(c *Config) { c.Layout = test.layout }))
			if got := test.open(t, r.read("50154331")); !bytes.Equal(got, r.cfg.Pairs[0].Certificate) {
				t.Error("another certificate comes out")
			}
		})
	}
	r := newRig(t, ecCard(func(c *Config) { c.Layout.InlineCert = true }))
	r.want(swNotFound, "00A4080C0450154331")
	if !bytes.Contains(r.read("50154404"), r.cfg.Pairs[0].Certificate) {
		t.Error("the certificate is not in its directory")
	}
}

// 61xx: answers to commands with data are fetched, a part at a time.
func TestGetResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t, rsaCard(func(c *Config) { c.Layout.GetResponse = true }))
	r.want(swConditions, "00C0000000")
	r.want(swOK, selectApp)
	r.want(swOK, verify1)
	r.want(swOK, "002241B606800102840111")
	a := r.Command(apdu("002A9E9A", info(rsaKey(), "message")))
	if !bytes.Equal(a, []byte{0x61, 0x00}) {
		t.Fatalf("% X, want 61 00: 256 bytes wait", a)
	}
	sig := r.want(swMore|0xDD, "00C0000023")
	r.want(swWrongLe|0xDD, "00C00000F0")
	sig = append(sig, r.want(swOK, "00C00000DD")...)
	if !valid(rsaKey(), "message", sig) {
		t.Error("the signature in two parts is false")
	}
	r.want(swConditions, "00C0000000")

	// T=0: a command with data cannot say how much it wants.
	r = newRig(t, ecCard())
	r.want(swMore|16, "00A408000450155032")
	r.want(swOK, "00C0000010")
	r.want(swMore|16, "00A408000450155032")
	r.want(0x63C3, "00200001") // another command: what waited is gone
	r.want(swConditions, "00C0000010")
}

func TestTransport(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard())
	for command, sw := range map[string]int{
		"00":                                 swWrongLength,
		"00A404":                             swWrongLength,
		"00A4040C0CA0":                       swWrongLength,
		"00B0000000FFFF":                     swWrongLength, // extended, which this card does not know
		"80A4040C0CA000000063504B43532D3135": swNoClass,
		"0CA4040C0CA000000063504B43532D3135": swNoSecureMessaging,
		"01A4040C0CA000000063504B43532D3135": swNoChannel,
		"00FE0000":                           swNoInstruction,
	} {
		r.want(sw, command)
	}
	// A chain that another command breaks into.
	r.want(swOK, "102A9E9A021122")
	r.want(swLastOfChain, "00200001")
	r.want(0x63C3, "00200001")
	// A chain that never ends.
	got := swOK
	for i := 0; i < 30 && got == swOK; i++ {
		_, got = r.send("102A9E9AFF", make([]byte, 255))
	}
	if got != swWrongLength {
		t.Errorf("a chain of 30 parts: SW %04X", got)
	}
	r = newRig(t, ecCard(func(c *Config) { c.Layout.NoChaining = true }))
	r.want(swNoChaining, "102A9E9A021122")
}

// The answer to reset says which lengths and selections the card knows, and its
// check byte is right.
func TestATR(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  Config
		caps string // card capabilities, tag 73 of the historical bytes
	}{
		"plain":       {ecCard(), "73E00180"},
		"extended":    {ecCard(func(c *Config) { c.Layout.Extended = true }), "73E001C0"},
		"paths only":  {ecCard(func(c *Config) { c.Layout.PathOnly = true }), "73400180"},
		"no chains":   {ecCard(func(c *Config) { c.Layout.NoChaining = true }), "73E00100"},
		"AzeDIT":      {Config{Applet: AzeDIT}, ""},
		"national ID": {Config{Applet: NationalID}, ""},
		"PIV":         {pivCard(ecKey(), ecKey2()), ""},
	} {
		atr := newRig(t, test.cfg).ATR()
		check := byte(0)
		for _, b := range atr[1:] {
			check ^= b
		}
		if check != 0 || !bytes.Contains(atr, must(hex.DecodeString(test.caps))) {
			t.Errorf("%s: % X: check byte off by %02X, want %s in it", name, atr, check, test.caps)
		}
	}
	if newRig(t, Config{Mute: true}).ATR() != nil {
		t.Error("a mute card answers")
	}
}

// PIN2 and its key live in a folder of their own.
func TestSigningFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard(func(c *Config) {
		c.Layout.SigningDF = true
		c.PIN2.Reference = 0x82
		c.Pairs[1].KeyRef = 0x92
	}))
	const folder, key = "00A4080C0450155016", "002241B606800104840192"
	r.want(swOK, selectApp)
	r.want(swNoReference, "00200082")
	r.want(swNoReference, key)
	r.want(swOK, folder)
	r.want(swOK, "0020008206313233343536")
	r.want(swOK, key)
	if a := r.Command(apdu("002A9E9A", digest("message"))); !valid(ecKey2(), "message", a[:len(a)-2]) {
		t.Errorf("no signature: % X", a)
	}
	r.want(swOK, selectApp) // leaves the folder
	r.want(swOK, folder)
	r.want(0x63C3, "00200082")
}

func TestUserConsent(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard(func(c *Config) { c.Pairs[0].UserConsent = true }))
	r.want(swOK, selectApp)
	r.want(swOK, "002241B606800104840111")
	pso := apdu("002A9E9A", digest("message"))
	for i, want := range []int{swSecurityStatus, swOK, swSecurityStatus} {
		if i == 1 {
			r.want(swOK, verify1)
		}
		r.want(want, hex.EncodeToString(pso))
	}
}

// What is not for this card is refused, and costs no try.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, rsaCard())
	r.want(swOK, selectApp)
	r.want(swConditions, "002A9E9A00")            // no key was chosen
	r.want(swWrongData, "002241B606800142840111") // an algorithm of other cards
	r.want(swNoReference, "002241B606800102840199")
	r.want(swWrongP1P2, "002281B606800102840111") // for verifying
	r.want(swOK, "002241B606800102840111")
	r.want(swOK, verify1)
	r.want(swWrongData, "002A9E9A20", make([]byte, 32), []byte{0}) // a bare hash
	sha1 := must(hex.DecodeString("3021300906052B0E03021A05000414"))
	r.want(swWrongData, "002A9E9A23", sha1, make([]byte, 20), []byte{0})
	r.want(swNoInstruction, "002A90A0229020", make([]byte, 32))
	if r.Tries(PIN1) != 3 {
		t.Error("a refusal cost a try")
	}
}

func TestOtherCounters(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard(func(c *Config) {
		c.Layout.Counter, c.Layout.NoTryQuery, c.Layout.Wrong6300 = CounterGetData, true, true
	}))
	r.want(swOK, selectApp)
	r.want(swWrongLength, "00200001")
	r.want(swPINWrong, wrong1)
	if got := r.want(swOK, "00CB00FF05A00383010100"); !bytes.Equal(got, must(hex.DecodeString("A007830101DF210102"))) {
		t.Errorf("GET DATA of the tries: % X", got)
	}
	r.want(swNoReference, "00CB00FF05A00383010900")
}
