package wallet

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
)

func newOptions(t *testing.T, dir string, now time.Time, url string) Options {
	t.Helper()
	clock := func() time.Time { return now }
	a, err := authority.Open(authority.Options{Dir: filepath.Join(dir, "authority"), Trust: filepath.Join(dir, "trust"), URL: url, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Dir: filepath.Join(dir, "wallet"), Authority: a, Now: clock}
}

// Each card shows a terminal what it is there to show.
func TestCards(t *testing.T) {
	t.Parallel()
	now := time.Now()
	opt := newOptions(t, t.TempDir(), now, "http://127.0.0.1:1/pki")
	cards, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		pairs    int
		status   authority.Status
		current  bool
		tries    int
		verify   string // status word of VERIFY without data, hexadecimal
		selected string // of SELECT of the PKCS#15 application
	}{
		"citizen":        {2, authority.Good, true, 3, "63C3", "9000"},
		"citizen-p256":   {2, authority.Good, true, 3, "63C3", "9000"},
		"two-logins":     {3, authority.Good, true, 3, "63C3", "9000"},
		"bsxm-token":     {2, authority.Good, true, 3, "63C3", "9000"},
		"slow":           {2, authority.Good, true, 3, "63C3", "9000"},
		"last-try":       {2, authority.Good, true, 1, "63C1", "9000"},
		"blocked":        {2, authority.Good, true, 0, "6983", "9000"},
		"not-activated":  {2, authority.Good, true, 3, "6984", "9000"},
		"expired":        {2, authority.Good, false, 3, "63C3", "9000"},
		"revoked":        {2, authority.Revoked, true, 3, "63C3", "9000"},
		"suspended":      {2, authority.Suspended, true, 3, "63C3", "9000"},
		"unknown-issuer": {2, authority.Good, true, 3, "63C3", "9000"},
		"national-id":    {0, "", false, 3, "6D00", "6A82"},
		"mute":           {0, "", false, 3, "", ""},
	}
	if len(cards) != len(want) {
		t.Errorf("%d cards, want %d", len(cards), len(want))
	}
	roots := x509.NewCertPool()
	for _, r := range opt.Authority.Roots() {
		roots.AddCert(r)
	}
	serials := map[string]bool{}
	for _, c := range cards {
		w, ok := want[c.Name]
		if !ok {
			t.Errorf("%s: nobody asked for it", c.Name)
			continue
		}
		if c.Title == "" || c.Holder == "" || serials[string(c.Config.Serial)] {
			t.Errorf("%s: title %q, holder %q, or a serial number that another card has", c.Name, c.Title, c.Holder)
		}
		serials[string(c.Config.Serial)] = true
		if len(c.Certificates) != w.pairs {
			t.Errorf("%s: %d certificates, want %d", c.Name, len(c.Certificates), w.pairs)
		}
		for _, crt := range c.Certificates {
			cert, err := x509.ParseCertificate(crt.DER)
			if err != nil {
				t.Fatal(err)
			}
			if got := opt.Authority.Status(crt.DER); got != w.status {
				t.Errorf("%s: the certificate is %s, want %s", c.Name, got, w.status)
			}
			if current := now.After(cert.NotBefore) && now.Before(cert.NotAfter); current != w.current {
				t.Errorf("%s: valid from %v to %v, want valid now: %v", c.Name, cert.NotBefore, cert.NotAfter, w.current)
			}
			if crt.Purpose != authority.Seal && cert.Subject.CommonName != c.Holder {
				t.Errorf("%s: a certificate of %s, the card is %s's", c.Name, cert.Subject.CommonName, c.Holder)
			}
		}
		if got := c.Chip.Tries(signcard.PIN1); got != w.tries {
			t.Errorf("%s: %d tries left, want %d", c.Name, got, w.tries)
		}
		aid := append([]byte{0, 0xA4, 4, 0x0C, 12}, "\xA0\x00\x00\x00\x63PKCS-15"...)
		if got := hex(c.Chip.Command(aid)); got != w.selected {
			t.Errorf("%s: SELECT answers %s, want %s", c.Name, got, w.selected)
		}
		if got := hex(c.Chip.Command([]byte{0, 0x20, 0, 1})); got != w.verify {
			t.Errorf("%s: VERIFY without data answers %s, want %s", c.Name, got, w.verify)
		}
	}
}

func hex(b []byte) string {
	const digits = "0123456789ABCDEF"
	var s strings.Builder
	for _, x := range b {
		s.WriteByte(digits[x>>4])
		s.WriteByte(digits[x&0x0F])
	}
	return s.String()
}

// A card is the same one after the bench was started again, and gets a new
// certificate only when the old one would not do.
func TestKeptCards(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	get := func(name string, now time.Time, url string) *Card {
		t.Helper()
		c, err := Make(newOptions(t, dir, now, url), name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const url, moved = "http://127.0.0.1:1/pki", "http://127.0.0.1:2/pki"
	differ := func(why string, first, later *Card) {
		t.Helper()
		a, errA := x509.ParseCertificate(first.Certificates[0].DER)
		b, errB := x509.ParseCertificate(later.Certificates[0].DER)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.Equal(b) {
			t.Errorf("%s: the old certificate although %s", first.Name, why)
		}
		if !bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) {
			t.Errorf("%s: another key", first.Name)
		}
	}
	for _, name := range []string{"citizen-p256", "suspended", "expired"} {
		first := get(name, now, url)
		if again := get(name, now.Add(24*time.Hour), url); !bytes.Equal(first.Certificates[0].DER, again.Certificates[0].DER) {
			t.Errorf("%s: another certificate after a day", name)
		}
		second := get(name, now, moved)
		differ("the authority has another address", first, second)
		if name != "expired" {
			differ("its time is over", second, get(name, now.Add(3*365*24*time.Hour), moved))
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "wallet", "*.key"))
	if err != nil || len(files) != 6 {
		t.Errorf("keys: %v", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, want -rw-------", filepath.Base(f), info.Mode())
		}
	}
}

func TestOtherPINs(t *testing.T) {
	t.Parallel()
	opt := newOptions(t, t.TempDir(), time.Now(), "")
	opt.PIN1 = "86420975"
	c, err := Make(opt, "citizen-p256")
	if err != nil {
		t.Fatal(err)
	}
	c.Chip.Command(append([]byte{0, 0xA4, 4, 0x0C, 12}, "\xA0\x00\x00\x00\x63PKCS-15"...))
	if got := hex(c.Chip.Command(append([]byte{0, 0x20, 0, 1, 8}, opt.PIN1...))); got != "9000" {
		t.Errorf("VERIFY answers %s", got)
	}
	if _, err := Make(opt, "nobody's"); err == nil || !strings.Contains(err.Error(), "citizen-p256") {
		t.Errorf("an unknown card: %v", err)
	}
	if !slices.Contains(Names(), "national-id") {
		t.Error("no national-id")
	}
}
