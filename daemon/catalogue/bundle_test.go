package catalogue

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	country "github.com/asan-kiosk/kiosk/provisioning/catalogue"
	"pgregory.net/rapid"
)

var (
	testNow     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	testRelease = Release{Version: 7, NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(24 * time.Hour), RollbackFloor: 5}
)

// zeros is randomness that is the same every time: keys for tests.
type zeros byte

func (z zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(z)
	}
	return len(b), nil
}

func testKeys(t testing.TB) (content, release Signer, root Root) {
	t.Helper()
	var err error
	if content, err = NewSigner("content-1", zeros(1)); err != nil {
		t.Fatal(err)
	}
	if release, err = NewSigner("release-1", zeros(2)); err != nil {
		t.Fatal(err)
	}
	return content, release, Root{Version: 1, Keys: []RootKey{content.Root(RoleContent), release.Root(RoleRelease)}}
}

// built is a signed bundle of the country's services.
func built(t testing.TB) (dir string, root Root) {
	t.Helper()
	content, release, root := testKeys(t)
	dir = filepath.Join(t.TempDir(), "bundle")
	if err := Write(dir, country.Source(), testRelease, content, release); err != nil {
		t.Fatal(err)
	}
	return dir, root
}

func TestWriteAndLoad(t *testing.T) {
	dir, root := built(t)
	b, err := Load(dir, root, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if found := Check(b); len(found) > 0 {
		t.Errorf("the bundle that was signed is refused: %v", found)
	}
	if b.Version != 7 || b.RollbackFloor != 5 || !b.NotBefore.Equal(testRelease.NotBefore) || !b.NotAfter.Equal(testRelease.NotAfter) {
		t.Errorf("release %d %d %s %s", b.Version, b.RollbackFloor, b.NotBefore, b.NotAfter)
	}
	if len(b.Digest) != 64 || b.Text("az", "slip.end") != "SON" || b.Text("xx", "slip.end") != "END" {
		t.Errorf("digest %q, texts %q %q", b.Digest, b.Text("az", "slip.end"), b.Text("xx", "slip.end"))
	}
	left, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the bundle stand %v, %v", left, err)
	}
	// The same services and dates are the same bundle, byte for byte.
	again := filepath.Join(t.TempDir(), "b")
	content, release, _ := testKeys(t)
	if err := Write(again, country.Source(), testRelease, content, release); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(again, root, testNow); err != nil || c.Digest != b.Digest {
		t.Errorf("a second build has the digest %v, %v", c, err)
	}
	if err := Write(again, country.Source(), testRelease, content, release); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a bundle was written over another: %v", err)
	}
}

// Every way to spoil a folder, and what Load says.
func TestLoadRefuses(t *testing.T) {
	content, release, root := testKeys(t)
	stranger, err := NewSigner("content-1", zeros(9))
	if err != nil {
		t.Fatal(err)
	}
	signatures := func(t *testing.T, dir string, keys ...Signer) {
		m := read(t, dir, fileManifest)
		s, err := sign(nil, m, keys...)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, fileSignatures, s)
	}
	// manifest changes the manifest and signs it anew: what the keys' owners could
	// do by mistake.
	manifest := func(change func(*Manifest)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			var m Manifest
			if err := json.Unmarshal(read(t, dir, fileManifest), &m); err != nil {
				t.Fatal(err)
			}
			change(&m)
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, fileManifest, b)
			signatures(t, dir, content, release)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, string)
		want  error
		says  string
	}{
		{"a byte of a text changed", func(t *testing.T, dir string) {
			b := read(t, dir, "texts/az.json")
			b[len(b)/2] ^= 1
			write(t, dir, "texts/az.json", b)
		}, ErrDigest, "texts/az.json"},
		{"a text made longer", func(t *testing.T, dir string) {
			write(t, dir, "texts/az.json", append(read(t, dir, "texts/az.json"), ' '))
		}, nil, "more than"},
		{"a text made shorter", func(t *testing.T, dir string) {
			b := read(t, dir, "texts/az.json")
			write(t, dir, "texts/az.json", b[:len(b)-1])
		}, ErrDigest, ""},
		{"a file gone", func(t *testing.T, dir string) { remove(t, dir, "journeys/pay.notification.json") }, fs.ErrNotExist, ""},
		{"the manifest changed", func(t *testing.T, dir string) {
			b := read(t, dir, fileManifest)
			write(t, dir, fileManifest, []byte(strings.Replace(string(b), `"version":7`, `"version":8`, 1)))
		}, ErrSignature, "false"},
		{"no signatures", func(t *testing.T, dir string) { remove(t, dir, fileSignatures) }, ErrSignature, ""},
		{"only the content key", func(t *testing.T, dir string) { signatures(t, dir, content) }, ErrSignature, "release"},
		{"only the release key", func(t *testing.T, dir string) { signatures(t, dir, release) }, ErrSignature, "content"},
		{"another key under a known name", func(t *testing.T, dir string) { signatures(t, dir, stranger, release) }, ErrSignature, "false"},
		{"signature of the wrong length", func(t *testing.T, dir string) {
			write(t, dir, fileSignatures, []byte(`{"signatures":[{"key":"content-1","signature":"AAAA"}]}`))
		}, ErrSignature, "false"},
		{"signatures with something after them", func(t *testing.T, dir string) {
			write(t, dir, fileSignatures, append(read(t, dir, fileSignatures), "{}"...))
		}, nil, "after the JSON value"},
		{"too many signatures", func(t *testing.T, dir string) {
			b, _ := json.Marshal(Signatures{Signatures: make([]Signature, maxSignatures+1)})
			write(t, dir, fileSignatures, b)
		}, nil, "at most"},
		{"a manifest beyond all bounds", func(t *testing.T, dir string) {
			write(t, dir, fileManifest, make([]byte, maxManifestBytes+1))
		}, nil, "more than"},
		{"a path out of the folder", manifest(func(m *Manifest) { m.Blobs[0].Path = "../secret.json" }), nil, "not a path"},
		{"a path out of the folder, hidden", manifest(func(m *Manifest) { m.Blobs[0].Path = "texts/../../x.json" }), nil, "not a path"},
		{"an absolute path", manifest(func(m *Manifest) { m.Blobs[0].Path = "/etc/passwd" }), nil, "not a path"},
		{"a path twice", manifest(func(m *Manifest) { m.Blobs = append(m.Blobs, m.Blobs[0]) }), nil, "twice"},
		{"a negative size", manifest(func(m *Manifest) { m.Blobs[0].Size = -1 }), nil, "size"},
		{"a size beyond all bounds", manifest(func(m *Manifest) { m.Blobs[0].Size = 1 << 62 }), nil, "size"},
		{"too many blobs", manifest(func(m *Manifest) { m.Blobs = make([]Blob, maxBlobs+1) }), nil, "blobs"},
		{"another format", manifest(func(m *Manifest) { m.Format = 2 }), nil, "format"},
		{"version 0", manifest(func(m *Manifest) { m.Version, m.RollbackFloor = 0, 0 }), nil, "version 0"},
		{"a floor above its own version", manifest(func(m *Manifest) { m.RollbackFloor = 8 }), nil, "rollback_floor"},
		{"below the root's floor", manifest(func(m *Manifest) { m.Version, m.RollbackFloor = 2, 0 }), ErrRollback, ""},
		{"not begun", manifest(func(m *Manifest) { m.NotBefore = testNow.Add(time.Minute) }), ErrDates, "begins"},
		{"ended", manifest(func(m *Manifest) { m.NotAfter = testNow }), ErrDates, "ended"},
		{"dates turned round", manifest(func(m *Manifest) { m.NotBefore, m.NotAfter = m.NotAfter, m.NotBefore }), nil, "not_before"},
		{"services left out", manifest(func(m *Manifest) {
			m.Blobs = m.Blobs[:0]
		}), nil, "services.json is missing"},
		{"a symbolic link out of the folder", func(t *testing.T, dir string) {
			outside := filepath.Join(t.TempDir(), "az.json")
			b := read(t, dir, "texts/az.json")
			if err := os.WriteFile(outside, b, 0o644); err != nil {
				t.Fatal(err)
			}
			remove(t, dir, "texts/az.json")
			if err := os.Symlink(outside, filepath.Join(dir, "texts/az.json")); err != nil {
				t.Fatal(err)
			}
		}, nil, "escapes"},
		{"a named pipe", func(t *testing.T, dir string) {
			remove(t, dir, "texts/az.json")
			if err := syscall.Mkfifo(filepath.Join(dir, "texts/az.json"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil, "regular"},
		{"a folder in a file's place", func(t *testing.T, dir string) {
			remove(t, dir, fileManifest)
			if err := os.Mkdir(filepath.Join(dir, fileManifest), 0o755); err != nil {
				t.Fatal(err)
			}
		}, nil, "regular"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bundle")
			if err := Write(dir, country.Source(), testRelease, content, release); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			r := root
			r.Floor = 3
			b, err := Load(dir, r, testNow)
			if err == nil {
				t.Fatalf("it was loaded as version %d", b.Version)
			}
			if !errors.Is(err, ErrBundle) || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

func TestMayFollow(t *testing.T) {
	running := &Bundle{Version: 9, RollbackFloor: 6}
	for version, ok := range map[uint64]bool{5: false, 6: true, 8: true, 10: true} {
		if err := (&Bundle{Version: version}).MayFollow(running); (err == nil) != ok {
			t.Errorf("version %d after one with the floor 6: %v", version, err)
		}
	}
	if err := (&Bundle{Version: 1}).MayFollow(nil); err != nil {
		t.Error(err)
	}
}

// The one who writes builds, the one who releases signs later.
func TestTwoPeopleSign(t *testing.T) {
	content, release, root := testKeys(t)
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := Write(dir, country.Source(), testRelease, content); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, root, testNow); !errors.Is(err, ErrSignature) {
		t.Errorf("half signed: %v", err)
	}
	for range 2 { // signing twice is signing once
		if err := Sign(dir, release); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir, root, testNow); err != nil {
		t.Error(err)
	}
}

func TestWriteRefusesWhatCheckRefuses(t *testing.T) {
	content, release, _ := testKeys(t)
	source := fstest.MapFS{}
	files, err := readSource(country.Source())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		source[name] = &fstest.MapFile{Data: b}
	}
	spoilt := strings.Replace(string(files["journeys/pay.notification.json"]), `"unknown": "pending"`, `"unknown": "leftover"`, 1)
	source["journeys/pay.notification.json"] = &fstest.MapFile{Data: []byte(spoilt)}
	dir := filepath.Join(t.TempDir(), "bundle")
	var refused *RefusedError
	if err := Write(dir, source, testRelease, content, release); !errors.As(err, &refused) || len(refused.Findings) == 0 {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
	source["texts/en.txt"] = &fstest.MapFile{}
	if _, err := Read(source); err == nil || !strings.Contains(err.Error(), "en.txt") {
		t.Errorf("a stray file: %v", err)
	}
}

func TestFilesAreReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ file, text, says string }{
		"unknown member":        {"services.json", `[{"id":"a","colour":"red"}]`, "colour"},
		"a key twice":           {"texts/az.json", `{"a":"x","a":"y"}`, "twice"},
		"nested too deep":       {"texts/az.json", `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "nested"},
		"no JSON":               {"texts/az.json", `{`, "EOF"},
		"another language":      {"texts/tr.json", `{}`, "languages"},
		"file and id differ":    {"journeys/a.json", `{"id":"b"}`, "agree"},
		"document and id":       {"documents/a.json", `{"id":"b"}`, "agree"},
		"an amount in fraction": {"services.json", `[{"id":1.5}]`, "cannot unmarshal"},
	} {
		blobs := map[string][]byte{fileServices: []byte("[]"), c.file: []byte(c.text)}
		if _, err := assemble(blobs); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRoot(t *testing.T) {
	content, release, good := testKeys(t)
	short := content.Root(RoleContent)
	short.Public = short.Public[:31]
	same := content.Root(RoleRelease)
	same.ID = "other"
	for name, r := range map[string]Root{
		"version 0":               {Keys: good.Keys},
		"no keys":                 {Version: 1},
		"no release key":          {Version: 1, Keys: good.Keys[:1]},
		"one key in both roles":   {Version: 1, Keys: []RootKey{content.Root(RoleContent), same}},
		"one name for two keys":   {Version: 1, Keys: []RootKey{content.Root(RoleContent), {ID: content.ID, Role: RoleRelease, Public: release.Root(RoleRelease).Public}}},
		"a key of a wrong length": {Version: 1, Keys: []RootKey{short, release.Root(RoleRelease)}},
		"a role that is none":     {Version: 1, Keys: []RootKey{content.Root("boss"), release.Root(RoleRelease)}},
		"a name that is none":     {Version: 1, Keys: []RootKey{{ID: "A b", Role: RoleContent, Public: content.Root(RoleContent).Public}, release.Root(RoleRelease)}},
	} {
		if err := r.Validate(); !errors.Is(err, ErrRoot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := LoadRoot(path); err != nil || len(r.Keys) != 2 || !r.Keys[0].Public.Equal(content.Key.Public()) {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := LoadRoot(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := Load(t.TempDir(), Root{}, testNow); !errors.Is(err, ErrRoot) {
		t.Errorf("a root without keys was believed: %v", err)
	}
}

func TestSignerFile(t *testing.T) {
	content, _, _ := testKeys(t)
	b, err := content.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseSigner(b)
	if err != nil || back.ID != content.ID || !back.Key.Equal(content.Key) {
		t.Errorf("%v, %v", back.ID, err)
	}
	for _, s := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		strings.Replace(string(b), "Key-Id: content-1", "Key-Id: ../x", 1), strings.ReplaceAll(string(b), "PRIVATE", "PUBLIC")} {
		if _, err := ParseSigner([]byte(s)); err == nil {
			t.Errorf("accepted: %q", s)
		}
	}
	if _, err := NewSigner("Bad Name", zeros(1)); err == nil {
		t.Error("a key without a proper name")
	}
	fresh, err := NewSigner("a", nil)
	if err != nil || len(fresh.Key) != ed25519.PrivateKeySize || fresh.Key.Equal(content.Key) {
		t.Errorf("a fresh key: %v", err)
	}
}

// noDuplicates agrees with a plain count of members.
func TestNoDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4).Draw(t, "keys")
		var members []string
		seen, twice := map[string]bool{}, false
		for _, k := range keys {
			twice = twice || seen[k]
			seen[k] = true
			inner := rapid.SampledFrom([]string{`1`, `"a"`, `{"a":1}`, `[{"a":1},{"a":2},"a","a"]`, `null`}).Draw(t, "value")
			members = append(members, `"`+k+`":`+inner)
		}
		err := noDuplicates([]byte("{" + strings.Join(members, ",") + "}"))
		if (err != nil) != twice {
			t.Fatalf("%v: %v", keys, err)
		}
	})
}

// A manifest with true signatures and bytes of any kind: never a panic, never a
// bundle outside its bounds.
func FuzzManifest(f *testing.F) {
	content, release, root := testKeys(f)
	m, _ := json.Marshal(Manifest{Format: 1, Version: 7, NotBefore: testRelease.NotBefore, NotAfter: testRelease.NotAfter,
		Blobs: []Blob{{Path: fileServices, SHA256: digest([]byte("[]")), Size: 2}}})
	f.Add(m, []byte("[]"))
	f.Add([]byte(`{"format":1}`), []byte(`[{"id":"a"}]`))
	f.Add([]byte(`{}{}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, manifest, services []byte) {
		sigs, err := sign(nil, manifest, content, release)
		if err != nil {
			t.Fatal(err)
		}
		b, err := load(fstest.MapFS{
			fileManifest:   &fstest.MapFile{Data: manifest, Mode: 0o644},
			fileSignatures: &fstest.MapFile{Data: sigs, Mode: 0o644},
			fileServices:   &fstest.MapFile{Data: services, Mode: 0o644},
		}, root, testNow)
		if err == nil {
			Check(b)
			if b.Version == 0 || !b.NotBefore.Before(b.NotAfter) {
				t.Fatalf("loaded: %+v", b)
			}
		}
	})
}

// Any files at all, believed: the decoders and the checker hold.
func FuzzCheck(f *testing.F) {
	blobs, err := readSource(country.Source())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blobs["journeys/pay.notification.json"], blobs["documents/receipt.json"], blobs["texts/ar.json"], blobs[fileServices])
	f.Add([]byte(`{"id":"pay.notification","start":"a","steps":[{"id":"a","kind":"quote","on":{"ok":"a"}}]}`), []byte(`{"id":"receipt"}`), []byte(`{}`), []byte(`[]`))
	f.Add([]byte(`{"id":"pay.notification","steps":null}`), []byte(`null`), []byte(`{"":"{"}`), []byte(`[{}]`))
	f.Fuzz(func(t *testing.T, journey, document, texts, services []byte) {
		b, err := assemble(map[string][]byte{"journeys/pay.notification.json": journey, "documents/receipt.json": document,
			"documents/pending.json": blobs["documents/pending.json"], "documents/leftover.json": blobs["documents/leftover.json"],
			"texts/ar.json": texts, "texts/en.json": blobs["texts/en.json"], fileServices: services})
		if err != nil {
			return
		}
		for _, finding := range Check(b) {
			if finding.Rule == "" || finding.What == "" || finding.Where == "" {
				t.Fatalf("a finding that says nothing: %+v", finding)
			}
		}
	})
}

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
