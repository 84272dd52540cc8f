package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// The program with its door: an operator makes a code, a machine is enrolled, and
// OpenSSL, which knows nothing of ours, comes in with the machine's identity and is
// turned away without one.
func TestDoorOfTheProgram(t *testing.T) {
	dir := t.TempDir()
	plain, door := freeAddress(t), freeAddress(t)
	ca := filepath.Join(dir, "ca")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", plain, "--store", filepath.Join(dir, "central.db"), "--tls-listen", door, "--ca-dir", ca})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("central ended with %v", err)
		}
	}()
	say := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := command(t.Context(), args, &out)
		return out.String(), err
	}
	var made server.CodeMade
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // until it is up
		out, err := say("code", "new", "--ca-dir", ca, "--site", "Bakı", "--model", "KT-80", "--json")
		if err == nil {
			if err := json.Unmarshal([]byte(out), &made); err != nil {
				t.Fatal(err)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(operatorSocket(ca)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the operator's socket: %v %v", info, err)
	}
	if out, err := say("code", "new", "--ca-dir", ca, "--site", "Bakı", "--model", "KT-80"); err != nil || !strings.Contains(out, made.Root) || !strings.Contains(out, "kioskctl enrol --central") {
		t.Errorf("%s %v", out, err)
	}

	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := filepath.Join(dir, "identity")
	o := enrol.Order{Central: &url.URL{Scheme: "https", Host: door}, Code: made.Code, Dir: id, RunKey: signing}
	raw, err := hex.DecodeString(made.Root)
	if err != nil || len(raw) != sha256.Size {
		t.Fatal(made.Root)
	}
	copy(o.Root[:], raw)
	r, err := enrol.Enrol(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	key, chain := filepath.Join(id, "terminal.key"), filepath.Join(id, "terminal.pem")
	identity := []string{"-cert", chain, "-cert_chain", chain, "-key", key}
	trusting := []string{"-CAfile", enrol.RootFile(id), "-verify_return_error", "-verify_ip", "127.0.0.1"}
	head := "GET /v1/terminals/" + r.Terminal + "/head HTTP/1.1\r\nHost: central\r\nConnection: close\r\n\r\n"
	openssl := func(request string, args ...string) (string, error) {
		c := exec.Command("openssl", append([]string{"s_client", "-connect", door, "-ign_eof", "-quiet"}, args...)...)
		c.Stdin = strings.NewReader(request)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := openssl(head, append(identity, trusting...)...); err != nil || !strings.Contains(out, "200 OK") || !strings.Contains(out, `"seq":0`) {
		t.Errorf("with its identity: %v\n%s", err, out)
	}
	if out, _ := openssl(head, trusting...); !strings.Contains(out, "401 Unauthorized") {
		t.Errorf("without one:\n%s", out)
	}
	if out, err := openssl(head, append(identity, append(trusting, "-tls1_2")...)...); err == nil || !strings.Contains(out, "protocol version") {
		t.Errorf("with TLS 1.2: %v\n%s", err, out)
	}
	other := strings.Replace(head, r.Terminal, "0196a000-0000-7000-8000-000000000002", 1)
	if out, _ := openssl(other, append(identity, trusting...)...); !strings.Contains(out, "403 Forbidden") {
		t.Errorf("another terminal's path:\n%s", out)
	}
	stranger := strangerRoot(t, dir)
	if out, err := openssl(head, append(identity, "-CAfile", stranger, "-verify_return_error")...); err == nil || !strings.Contains(out, "verify error") && !strings.Contains(out, "verify failed") {
		t.Errorf("with another root: %v\n%s", err, out)
	}
	if _, err := say("terminal", "block", "--ca-dir", ca, r.Terminal); err != nil {
		t.Error(err)
	}
	if out, _ := openssl(head, append(identity, trusting...)...); !strings.Contains(out, "403 Forbidden") {
		t.Errorf("blocked:\n%s", out)
	}
	if out, err := say("terminal", "list", "--ca-dir", ca); err != nil || !strings.Contains(out, r.Terminal) || !strings.Contains(out, "BLOCKED") {
		t.Errorf("%s %v", out, err)
	}
	if _, err := say("terminal", "unblock", "--ca-dir", ca, r.Terminal); err != nil {
		t.Error(err)
	}
	if out, _ := openssl(head, append(identity, trusting...)...); !strings.Contains(out, "200 OK") {
		t.Errorf("unblocked:\n%s", out)
	}
	for _, args := range [][]string{{"code"}, {"code", "old"}, {"code", "new"}, {"terminal", "list"}, {"terminal", "block", "--ca-dir", ca},
		{"terminal", "block", "--ca-dir", ca, "nobody"}, {"code", "new", "--ca-dir", ca, "--site", "", "--model", "m"}, {"code", "new", "--ca-dir", dir, "--site", "s", "--model", "m"}} {
		if out, err := say(args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// strangerRoot is the root of an authority that has nothing to do with this one.
func strangerRoot(t *testing.T, dir string) string {
	t.Helper()
	path, key := filepath.Join(dir, "stranger.pem"), filepath.Join(dir, "stranger.key")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-subj", "/CN=Stranger", "-keyout", key, "-out", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
