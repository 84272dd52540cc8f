package pkcs15

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Whatever a card's peculiarity, the same two keys are found.
func TestOpen(t *testing.T) {
	p := holder()
	byPath := func(c *testCard) {
		c.names = nil
		c.files["3f002f00"] = vector(t, "dir")
	}
	for _, c := range []struct {
		name  string
		shape func(*testCard)
		most  int // commands, where the number matters
	}{
		{"the usual layout", func(*testCard) {}, 22},
		{"T=0", func(c *testCard) { c.t0 = true }, 0},
		{"answers wait for GET RESPONSE", func(c *testCard) { c.fetch = true }, 0},
		{"a wrong Le is refused", func(c *testCard) { c.exact = true }, 0},
		{"FCP instead of FCI", func(c *testCard) { c.refuseP2 = "00" }, 0},
		{"SELECT always answers", func(c *testCard) { c.refuseP2 = "0c" }, 0},
		{"SELECT never answers", func(c *testCard) { c.refuseP2 = "00 04" }, 0},
		{"SELECT answers nothing", func(c *testCard) { c.info = "none" }, 0},
		{"FCI without a size", func(c *testCard) { c.info = "nosize" }, 0},
		{"no size, and 6B00 at the end", func(c *testCard) {
			c.info = "nosize"
			c.files[app+"4402"] = append(c.files[app+"4402"], make([]byte, 256-len(c.files[app+"4402"]))...)
		}, 0},
		{"FCI counts the file's administration", func(c *testCard) { c.info = "all" }, 0},
		{"found by EF.DIR, by path", byPath, 0},
		{"EF.DIR has records", func(c *testCard) { byPath(c); c.records = true }, 0},
		{"found by EF.DIR, by its issuer's name", func(c *testCard) {
			c.names = map[string]string{issueAID: app}
			c.files["3f002f00"] = vector(t, "dir_aid")
		}, 0},
		{"found at the fixed path", func(c *testCard) { c.names = nil }, 0},
		{"only paths from the root", func(c *testCard) { c.refuseP1 = "00 01 02 09" }, 0},
		{"only paths from the root, and no name", func(c *testCard) { byPath(c); c.refuseP1 = "00 01 02 04 09" }, 0},
		{"only identifiers", func(c *testCard) { c.refuseP1 = "01 02 08 09" }, 0},
		{"only identifiers by kind", func(c *testCard) {
			c.refuseP1 = "08 09"
			c.files[app+"5031"] = vector(t, "odf_relative")
		}, 0},
		{"paths in EF.ODF are relative", func(c *testCard) { c.files[app+"5031"] = vector(t, "odf_relative") }, 0},
		{"keys stand in EF.ODF itself, certificates in two files", func(c *testCard) {
			c.files[app+"5031"] = vector(t, "odf_inline")
			c.files[app+"4407"] = []byte{}
		}, 0},
		{"files are padded with 00", func(c *testCard) { padFiles(c, 0x00, 2000) }, 40},
		{"files are padded with FF", func(c *testCard) { padFiles(c, 0xFF, 2000) }, 40},
		{"lengths are longer than needed", func(c *testCard) {
			for _, f := range []string{"5031", "4401", "4402", "4403"} {
				c.files[app+f] = stretch(c.files[app+f])
			}
		}, 0},
		{"the certificate is compressed by zlib", func(c *testCard) {
			var b bytes.Buffer
			compress(zlib.NewWriter(&b), p.rsaCert)
			c.files[app+"4501"] = append(b.Bytes(), 0, 0, 0)
		}, 0},
		{"the certificate is compressed by gzip", func(c *testCard) {
			var b bytes.Buffer
			compress(gzip.NewWriter(&b), p.rsaCert)
			c.files[app+"4501"] = append(b.Bytes(), 0xFF, 0xFF)
		}, 0},
		{"keys lie in files of their own", func(c *testCard) { c.files[app+"4401"] = vector(t, "prkd_files") }, 0},
		{"no token information", func(c *testCard) { delete(c.files, app+"5032") }, 0},
		{"the certificate's reading is a glitch of the reader, 6B00", func(c *testCard) { c.glitch, c.glitchSW = 8, 0x6B00 }, 0},
		{"the certificate's reading is a glitch of the reader, 6986", func(c *testCard) { c.glitch, c.glitchSW = 8, 0x6986 }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			c.shape(card)
			tok, err := New().Open(t.Context(), card)
			if err != nil {
				t.Fatalf("%v\n%v", err, card.sent)
			}
			keys := tok.Keys()
			if len(keys) != 2 {
				t.Fatalf("%d keys: %+v\n%v", len(keys), keys, card.sent)
			}
			checkKey(t, keys[0], smartcard.Key{ID: "45", Label: "Login key", PIN: "PIN1", MinPIN: 4, MaxPIN: 12, Digits: true, Certificate: p.rsaCert})
			checkKey(t, keys[1], smartcard.Key{ID: "46", Label: "Signing key", PIN: "PIN2", MinPIN: 5, MaxPIN: 8, Digits: true, Certificate: p.ecCert})
			if card.count("20") > 0 {
				t.Error("a PIN command was sent")
			}
			if c.most > 0 && len(card.sent) > c.most {
				t.Errorf("%d commands, at most %d:\n%v", len(card.sent), c.most, card.sent)
			}
			t.Logf("%d commands", len(card.sent))
		})
	}
}

func checkKey(t *testing.T, got, want smartcard.Key) {
	t.Helper()
	if !bytes.Equal(got.Certificate, want.Certificate) {
		t.Errorf("key %s has a certificate of %d bytes, want %d", got.ID, len(got.Certificate), len(want.Certificate))
	}
	got.Certificate, want.Certificate = nil, nil
	if !equalKey(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func equalKey(a, b smartcard.Key) bool {
	return a.ID == b.ID && a.Label == b.Label && a.PIN == b.PIN && a.MinPIN == b.MinPIN && a.MaxPIN == b.MaxPIN && a.Digits == b.Digits
}

func padFiles(c *testCard, filler byte, size int) {
	for name, f := range c.files {
		if len(f) < size {
			c.files[name] = append(slices.Clone(f), bytes.Repeat([]byte{filler}, size-len(f))...)
		}
	}
}

// stretch writes the lengths of a run's outer values in four bytes.
func stretch(run []byte) []byte {
	var out []byte
	for len(run) > 0 {
		n, head := int(run[1]), 2
		switch run[1] {
		case 0x81:
			n, head = int(run[2]), 3
		case 0x82:
			n, head = int(run[2])<<8|int(run[3]), 4
		}
		out = append(out, run[0], 0x84, 0, 0, byte(n>>8), byte(n))
		out = append(out, run[head:head+n]...)
		run = run[head+n:]
	}
	return out
}

func compress(w io.WriteCloser, b []byte) {
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
}

func TestSerial(t *testing.T) {
	tok := opened(t, standardCard(t))
	if tok.Serial() != "00a1b2c3d4e5f6" || tok.Profile() != "pkcs15" {
		t.Errorf("%s %s", tok.Profile(), tok.Serial())
	}
}

// The token's keys are the caller's: nothing that he does to them changes it.
func TestKeysAreCopies(t *testing.T) {
	tok := opened(t, standardCard(t))
	clear(tok.Keys()[0].Certificate)
	if bytes.Equal(tok.Keys()[0].Certificate, make([]byte, len(holder().rsaCert))) {
		t.Error("the token's certificate was wiped through its copy")
	}
}

// A card without the application is not this profile's, and is left alone.
func TestUnsupported(t *testing.T) {
	for name, shape := range map[string]func(*testCard){
		"another application": func(c *testCard) { c.names, c.dirs, c.files = nil, nil, nil },
		"somebody else's EF.DIR": func(c *testCard) {
			c.names, c.dirs, c.files = nil, nil, map[string][]byte{"3f002f00": {0x61, 0x02, 0x4F, 0x00}}
		},
		"an application without data": func(c *testCard) { c.files = nil },
		"an empty EF.ODF":             func(c *testCard) { c.files[app+"5031"] = make([]byte, 100) },
		"every SELECT is refused":     func(c *testCard) { c.refuseP1 = "00 01 02 04 08 09" },
	} {
		t.Run(name, func(t *testing.T) {
			c := standardCard(t)
			shape(c)
			tok, err := New().Open(t.Context(), c)
			if !errors.Is(err, smartcard.ErrUnsupported) || tok != nil {
				t.Errorf("%v, %v", tok, err)
			}
			if c.count("20") > 0 || len(c.sent) > 60 {
				t.Errorf("%d commands, %d VERIFY", len(c.sent), c.count("20"))
			}
		})
	}
}

// What is missing or broken on a card takes away the pairs that need it, and no
// other.
func TestPairs(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape func(*testCard)
		want  []string
	}{
		{"no certificate file", func(c *testCard) { delete(c.files, app+"4501") }, []string{"46"}},
		{"a certificate that is none", func(c *testCard) { c.files[app+"4501"] = []byte("hello, hello") }, []string{"46"}},
		{"a certificate that is cut", func(c *testCard) { c.files[app+"4501"] = c.files[app+"4501"][:300] }, []string{"46"}},
		{"no PINs", func(c *testCard) { delete(c.files, app+"4403") }, nil},
		{"no keys", func(c *testCard) { delete(c.files, app+"4401") }, nil},
		{"every directory is EF.ODF", func(c *testCard) { c.files[app+"5031"] = vector(t, "odf_loop") }, nil},
		{"the key is listed twice", func(c *testCard) {
			c.files[app+"4401"] = slices.Concat(vector(t, "prkd_files"), vector(t, "prkd"))
		}, []string{"45", "46"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			c.shape(card)
			tok, err := New().Open(t.Context(), card)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, k := range tok.Keys() {
				got = append(got, k.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("keys %v, want %v", got, c.want)
			}
		})
	}
}

// A certificate can be a part of a file.
func TestPartOfFile(t *testing.T) {
	c := standardCard(t)
	c.files[app+"4402"] = vector(t, "cd_part")
	c.files[app+"4501"] = slices.Concat([]byte{1, 2, 3, 4}, holder().rsaCert, bytes.Repeat([]byte{0xEE}, 700))
	keys := opened(t, c).Keys()
	if len(keys) != 1 || !bytes.Equal(keys[0].Certificate, holder().rsaCert) {
		t.Errorf("%d keys: %s", len(keys), hex.EncodeToString(keys[0].Certificate[:8]))
	}
}
