package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	country "github.com/asan-kiosk/kiosk/provisioning/catalogue"
	"github.com/spf13/cobra"
)

// bundle runs "kioskctl bundle ..." as main does, and returns the exit code and
// what was written.
func bundle(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{out: &stdout}
	root := &cobra.Command{Use: "kioskctl", SilenceUsage: true, SilenceErrors: true}
	root.PersistentFlags().BoolVar(&p.json, "json", false, "")
	root.AddCommand(p.bundle())
	root.SetArgs(append([]string{"bundle"}, args...))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	cmd, err := root.ExecuteContextC(t.Context())
	code = p.exit(cmd, err, &stderr)
	return code, stdout.String(), stderr.String()
}

// well runs a command that must succeed.
func well(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := bundle(t, args...)
	if code != exitOK {
		t.Fatalf("bundle %v: exit %d\n%s%s", args, code, out, errOut)
	}
	return out
}

// sourceFolder is a copy of the country's services on disk.
func sourceFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	if err := os.CopyFS(dir, country.Source()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func replace(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %s", path, old)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBundleFromKeysToTerminal(t *testing.T) {
	dir := t.TempDir()
	keys, out, source := filepath.Join(dir, "keys"), filepath.Join(dir, "bundle"), sourceFolder(t)
	well(t, "keys", "--out", keys)
	for name, mode := range map[string]fs.FileMode{"content.key": 0o600, "release.key": 0o600, "root.json": 0o644} {
		info, err := os.Stat(filepath.Join(keys, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if code, _, errOut := bundle(t, "keys", "--out", keys); code != exitFailed || !strings.Contains(errOut, "never overwritten") {
		t.Errorf("keys made twice: exit %d, %s", code, errOut)
	}
	if s := well(t, "build", "--source", source, "--keys", keys, "--out", out); !strings.Contains(s, "signed by content-1 and release-1") {
		t.Errorf("build says %s", s)
	}
	root, err := catalogue.LoadRoot(filepath.Join(keys, "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := catalogue.Load(out, root, time.Now())
	if err != nil {
		t.Fatalf("a terminal does not load it: %v", err)
	}
	if d := b.NotAfter.Sub(b.NotBefore); d != bundleDays*24*time.Hour || b.Version == 0 {
		t.Errorf("it counts for %s, version %d", d, b.Version)
	}
	at := []string{"--bundle", out, "--root", filepath.Join(keys, "root.json")}
	if s := well(t, append([]string{"check"}, at...)...); !strings.Contains(s, "in order: 2 services") {
		t.Errorf("check says %s", s)
	}
	if s := well(t, append([]string{"show"}, at...)...); !strings.Contains(s, b.Digest) || !strings.Contains(s, "unknown→pending") {
		t.Errorf("show says %s", s)
	}
	var shown catalogue.Bundle
	if err := json.Unmarshal([]byte(well(t, append([]string{"show", "--json"}, at...)...)), &shown); err != nil || shown.Digest != b.Digest {
		t.Errorf("show --json: %q, %v", shown.Digest, err)
	}
	if code, _, errOut := bundle(t, "build", "--keys", keys, "--out", out); code != exitFailed || !strings.Contains(errOut, "never changed") {
		t.Errorf("built over another: exit %d, %s", code, errOut)
	}
	// In two years it has ended; a changed byte is seen.
	if code, _, errOut := bundle(t, append([]string{"check", "--at", time.Now().AddDate(2, 0, 0).Format(time.RFC3339)}, at...)...); code != exitFinding || !strings.Contains(errOut, "ended") {
		t.Errorf("in two years: exit %d, %s", code, errOut)
	}
	replace(t, filepath.Join(out, "texts", "az.json"), "SON", "sON")
	if code, _, errOut := bundle(t, append([]string{"check"}, at...)...); code != exitFinding || !strings.Contains(errOut, "texts/az.json") {
		t.Errorf("a changed byte: exit %d, %s", code, errOut)
	}
}

func TestBundleSignedByTwoPeople(t *testing.T) {
	dir := t.TempDir()
	keys, out := filepath.Join(dir, "keys"), filepath.Join(dir, "bundle")
	well(t, "keys", "--out", keys, "--content-id", "writers", "--release-id", "office")
	well(t, "build", "--key", filepath.Join(keys, "content.key"), "--out", out, "--version", "41", "--floor", "40",
		"--from", "2026-11-01T00:00:00+04:00", "--days", "30")
	at := []string{"check", "--at", "2026-11-20T00:00:00+04:00", "--bundle", out, "--root", filepath.Join(keys, "root.json")}
	if code, _, errOut := bundle(t, at...); code != exitFinding || !strings.Contains(errOut, "role release") {
		t.Errorf("with one signature: exit %d, %s", code, errOut)
	}
	if s := well(t, "sign", "--bundle", out, "--key", filepath.Join(keys, "release.key")); !strings.Contains(s, "office") {
		t.Errorf("sign says %s", s)
	}
	well(t, at...)
	if err := os.Chmod(filepath.Join(keys, "release.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := bundle(t, "sign", "--bundle", out, "--keys", keys); code != exitFailed || !strings.Contains(errOut, "chmod 600") {
		t.Errorf("a key that others may read: exit %d, %s", code, errOut)
	}
}

func TestBundleCheckSaysWhatToDo(t *testing.T) {
	source := sourceFolder(t)
	well(t, "check", "--source", source)
	well(t, "check")
	journey := filepath.Join(source, "journeys", "pay.notification.json")
	replace(t, journey, `"unknown": "pending"`, `"unknown": "leftover"`)
	code, out, errOut := bundle(t, "check", "--source", source)
	if code != exitFinding || !strings.Contains(out, "unknown-gives-back") || !strings.Contains(out, "→ lead submit's unknown") || !strings.Contains(errOut, "2 reasons") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	code, out, _ = bundle(t, "check", "--json", "--source", source)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first struct{ Rule, Where, What, Do string }
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || code != exitFinding || len(lines) != 2 || first.Rule == "" || first.Where == "" || first.What == "" {
		t.Errorf("exit %d, %v\n%s", code, err, out)
	}
	// And such services are never signed.
	keys := filepath.Join(t.TempDir(), "keys")
	well(t, "keys", "--out", keys)
	built := filepath.Join(t.TempDir(), "bundle")
	if code, out, _ := bundle(t, "build", "--source", source, "--keys", keys, "--out", built); code != exitFinding || !strings.Contains(out, "unknown-gives-back") {
		t.Errorf("build: exit %d, %s", code, out)
	}
	if _, err := os.Stat(built); err == nil {
		t.Error("a refused bundle was written")
	}
}

func TestBundleExitCodes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"no folder for keys", exitUsage, "out", []string{"keys"}},
		{"no keys", exitUsage, "key", []string{"build", "--out", filepath.Join(dir, "b")}},
		{"a bundle without its root", exitUsage, "root", []string{"check", "--bundle", dir}},
		{"both a bundle and a source", exitUsage, "bundle", []string{"check", "--bundle", dir, "--root", dir, "--source", dir}},
		{"no command: help", exitOK, "", []string{}},
		{"an empty folder of keys", exitFailed, "bundle keys --out", []string{"build", "--keys", dir, "--out", filepath.Join(dir, "b")}},
		{"a source that is not there", exitFailed, "services.json", []string{"check", "--source", filepath.Join(dir, "gone")}},
		{"a root that is not there", exitFailed, "root.json", []string{"check", "--bundle", dir, "--root", filepath.Join(dir, "gone")}},
		{"a time that is none", exitFailed, "2027-01-01", []string{"check", "--bundle", dir, "--root", dir, "--at", "soon"}},
		{"a name that is none", exitFailed, "name", []string{"keys", "--out", filepath.Join(dir, "k"), "--content-id", "A B"}},
	} {
		code, _, errOut := bundle(t, c.args...)
		if code != c.code || !strings.Contains(errOut, c.says) {
			t.Errorf("%s: exit %d, want %d; %s", c.name, code, c.code, errOut)
		}
	}
}
