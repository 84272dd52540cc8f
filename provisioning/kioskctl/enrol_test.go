package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// office is a central at which a technician enrols a machine.
type office struct {
	*testing.T
	server  *server.Server
	address string
	root    string
	dir     string // of the machine
}

func newOffice(t *testing.T) *office {
	t.Helper()
	ca, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(filepath.Join(t.TempDir(), "central.db"), server.Options{Authority: ca})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s.Door(), TLSConfig: ca.ServerConfig([]string{"127.0.0.1"}), ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { srv.Close(); <-done; s.Close() })
	sum := ca.RootSum()
	return &office{T: t, server: s, address: "https://" + l.Addr().String(), root: hex.EncodeToString(sum[:]), dir: t.TempDir()}
}

func (o *office) code() string {
	o.Helper()
	c, _, err := o.server.NewCode(server.CodeOrder{Site: "Bakı", Model: "KT-80"})
	if err != nil {
		o.Fatal(err)
	}
	return c
}

func (o *office) identity() string { return filepath.Join(o.dir, "identity") }

// enrol is the technician's command; input is what he types.
func (o *office) enrol(code, input string, more ...string) (exit int, out, errOut string) {
	o.Helper()
	args := append([]string{"enrol", "--central", o.address, "--code", code, "--root-sha256", o.root,
		"--dir", o.identity(), "--signing-key", filepath.Join(o.dir, "signing.key")}, more...)
	var stdout, stderr bytes.Buffer
	p := &program{in: strings.NewReader(input), out: &stdout}
	exit = p.run(ctx, args, &stderr)
	return exit, stdout.String(), stderr.String()
}

func TestEnrol(t *testing.T) {
	o := newOffice(t)
	code := o.code()
	exit, out, errOut := o.enrol("-", code+"\n", "--model", "KT-80")
	if exit != exitOK {
		t.Fatalf("%d %s", exit, errOut)
	}
	id, ok := enrol.Enrolled(o.identity(), time.Now())
	if !ok || !strings.Contains(out, "enrolled as terminal "+id.Terminal) || !strings.Contains(out, "site Bakı, model KT-80") {
		t.Errorf("said %q", out)
	}
	// The signing key was made, and kioskd run can read it.
	if _, err := config.SigningKey(filepath.Join(o.dir, "signing.key")); err != nil {
		t.Error(err)
	}
	exit, _, errOut = o.enrol(code, "")
	if exit != exitFailed || !strings.Contains(errOut, "is enrolled already, as terminal "+id.Terminal) || !strings.Contains(errOut, "--again") {
		t.Errorf("once more: %d %s", exit, errOut)
	}
	exit, out, _ = o.enrol(o.code(), "", "--again", "--json")
	var r enrol.Result
	if exit != exitOK || json.Unmarshal([]byte(out), &r) != nil || r.Terminal == "" || r.Terminal == id.Terminal {
		t.Errorf("anew: %d %s", exit, out)
	}
}

// What a technician reads when it does not work, and that the exit code says whether
// it was his typing.
func TestEnrolRefused(t *testing.T) {
	o := newOffice(t)
	good := o.code()
	for _, x := range []struct {
		name string
		code string
		more []string
		exit int
		want string
	}{
		{"another code", "00000-00000-00000-00000-00000-0", nil, exitFailed, "ask the operator for a new one"},
		{"another model", good, []string{"--model", "KT-100"}, exitFailed, "ask the operator for a new one"},
		{"another root", good, []string{"--root-sha256", strings.Repeat("0", 64)}, exitFailed, "somebody stands between"},
		{"no hash", good, []string{"--root-sha256", "abc"}, exitUsage, "64 hexadecimal digits"},
		{"without TLS", good, []string{"--central", "http://127.0.0.1:1"}, exitUsage, "https://central.example.az is needed"},
		{"a path", good, []string{"--central", o.address + "/v1"}, exitUsage, "is needed"},
		{"nobody there", good, []string{"--central", "https://127.0.0.1:1"}, exitFailed, "the same command may be given again"},
		{"another name", good, []string{"--central", strings.Replace(o.address, "127.0.0.1", "localhost", 1)}, exitFailed, "timedatectl"},
		{"no code came", "-", nil, exitUsage, "no code came"},
		{"a signing key that others read", good, []string{"--signing-key", o.shared()}, exitFailed, "has mode 0444"},
	} {
		exit, out, errOut := o.enrol(x.code, "", x.more...)
		if exit != x.exit || !strings.Contains(errOut, x.want) || out != "" || strings.Contains(errOut, good) {
			t.Errorf("%s: %d %q %q, want %d and %q", x.name, exit, out, errOut, x.exit, x.want)
		}
		if _, ok := enrol.Enrolled(o.identity(), time.Now()); ok {
			t.Fatalf("%s: enrolled", x.name)
		}
	}
	for range 6 {
		o.enrol("wrong", "")
	}
	if exit, _, errOut := o.enrol(good, ""); exit != exitFailed || !strings.Contains(errOut, "wait an hour") {
		t.Errorf("after many guesses: %d %s", exit, errOut)
	}
}

// shared is a key that others can read.
func (o *office) shared() string {
	path := filepath.Join(o.dir, "shared.key")
	if err := os.WriteFile(path, []byte(strings.Repeat("ab", 32)+"\n"), 0o444); err != nil {
		o.Fatal(err)
	}
	return path
}
