package signcard

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// OpenSC knows nothing of this project: it reads the card through the real PC/SC
// daemon by its general ISO 7816 code and signs with it, and openssl verifies.
func TestOpenSC(t *testing.T) {
	reader, env := startReader(t)
	awkward := Layout{NonMinimal: true, PadFF: true, PaddedCert: true, GetResponse: true, ExactLe: true, RelativePaths: true}
	for _, test := range []struct {
		name string
		cfg  Config
		key  crypto.Signer
		pin  string
		sign func(t *testing.T, w work) // nil: pkcs11-tool makes an RSA signature
		dump []string                   // what pkcs15-tool must see
	}{
		{"RSA-2048", rsaCard(), rsaKey(), "1234", signRSA, []string{
			"Private RSA Key [login]", "ModLength      : 2048", "Auth ID        : 01", "Private RSA Key [signing]",
			"X.509 Certificate [login]", "X.509 Certificate [signing]", "PIN [PUK]", "unblockingPin"}},
		{"RSA-2048 on an awkward card", rsaCard(func(c *Config) { c.Layout = awkward }), rsaKey(), "1234", signRSA, []string{
			"Private RSA Key [login]", "X.509 Certificate [signing]"}},
		{"P-256", ecCard(func(c *Config) { c.Layout.ECDSA = ECDSADER }), ecKey(), "1234", signByCommands, []string{
			"Private EC Key [login]", "X.509 Certificate [login]", "CKM_ECDSA"}},
		{"P-256 on a PIV card", pivCard(ecKey(), ecKey2()), ecKey(), "123456", signPIV, []string{
			"X.509 Certificate [Certificate for PIV Authentication]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			remove := insert(t, reader, c)
			waitForCard(t, env, true)
			defer func() {
				remove()
				waitForCard(t, env, false)
			}()

			dump, err := run(env, "pkcs15-tool", "--dump")
			if err != nil {
				t.Errorf("pkcs15-tool: %v", err)
			}
			for _, want := range test.dump {
				if !strings.Contains(dump, want) {
					t.Errorf("pkcs15-tool does not see %q", want)
				}
			}
			if t.Failed() {
				t.Fatal(dump)
			}

			w := newWork(t, env, test.key, test.pin)
			test.sign(t, w)
			if out, err := run(env, "openssl", "dgst", "-sha256", "-verify", w.public, "-signature", w.signature, w.message); err != nil {
				t.Errorf("openssl: %v\n%s", err, out)
			}
			verifies := 0
			for _, e := range c.Journal() {
				if e.INS() == insVerify && e.PIN > 0 {
					verifies++
				}
			}
			if verifies != 1 || c.Tries(PIN1) != 3 {
				t.Errorf("%d PINs were sent and %d tries are left: OpenSC was given the right PIN once", verifies, c.Tries(PIN1))
			}
		})
	}
}

// A card that lies upside down in the reader is seen, and is not silently missing.
func TestMuteCard(t *testing.T) {
	reader, env := startReader(t)
	c, err := New(ecCard(func(c *Config) { c.Mute = true }))
	if err != nil {
		t.Fatal(err)
	}
	insert(t, reader, c)
	waitForCard(t, env, true)
	out, err := run(env, "pkcs15-tool", "--dump")
	if err == nil || !strings.Contains(out, "Unresponsive card") {
		t.Errorf("pkcs15-tool: %v\n%s", err, out)
	}
}

// work is the files of one signature.
type work struct {
	env                                     []string
	pin, message, digest, signature, public string
}

func newWork(t *testing.T, env []string, key crypto.Signer, pin string) work {
	t.Helper()
	dir := t.TempDir()
	w := work{env: env, pin: pin, message: filepath.Join(dir, "message"), digest: filepath.Join(dir, "digest"),
		signature: filepath.Join(dir, "signature"), public: filepath.Join(dir, "public.pem")}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		w.message: []byte("message"), w.digest: digest("message"),
		w.public: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w work) pkcs11(t *testing.T, args ...string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/opensc-pkcs11.so")
	if err != nil || len(found) == 0 {
		t.Fatal("no opensc-pkcs11.so: needs the Debian package opensc-pkcs11")
	}
	args = append([]string{"--module", found[0], "--login", "--pin", w.pin, "--sign", "-o", w.signature}, args...)
	if out, err := run(w.env, "pkcs11-tool", args...); err != nil {
		t.Fatalf("pkcs11-tool: %v\n%s", err, out)
	}
}

func signRSA(t *testing.T, w work) {
	w.pkcs11(t, "--id", "45", "-m", "SHA256-RSA-PKCS", "-i", w.message)
}

func signPIV(t *testing.T, w work) {
	w.pkcs11(t, "--id", "01", "-m", "ECDSA", "-i", w.digest, "--signature-format", "openssl")
}

var received = regexp.MustCompile(`(?s)Received \(SW1=0x90, SW2=0x00\):\n(.*)$`)

// signByCommands sends the commands as they are: OpenSC 0.23 offers ECDSA on
// IsoApplet with SHA-1 only, and then does not know how to do it.
func signByCommands(t *testing.T, w work) {
	var args []string
	for _, c := range []string{selectApp, verify1, "002241B606800104840111", hex.EncodeToString(apdu("002A9E9A", digest("message")))} {
		args = append(args, "-s", c)
	}
	out, err := run(w.env, "opensc-tool", args...)
	m := received.FindStringSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("opensc-tool: %v\n%s", err, out)
	}
	// Lines of sixteen bytes, with what is printable of them behind.
	var sig []byte
	for line := range strings.Lines(m[1]) {
		for _, field := range strings.Fields(line[:min(len(line), 3*16)]) {
			if b, err := hex.DecodeString(field); err == nil && len(b) == 1 {
				sig = append(sig, b...)
			}
		}
	}
	if len(sig) > 2 {
		sig = sig[:min(len(sig), 2+int(sig[1]))]
	}
	if !bytes.HasPrefix(sig, []byte{0x30}) {
		t.Fatalf("no signature: % X\n%s", sig, out)
	}
	if err := os.WriteFile(w.signature, sig, 0o600); err != nil {
		t.Fatal(err)
	}
}
