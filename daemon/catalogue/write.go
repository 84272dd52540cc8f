package catalogue

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Release is what a build says of the bundle beside its services.
type Release struct {
	Version             uint64
	NotBefore, NotAfter time.Time
	RollbackFloor       uint64
}

// RefusedError is the answer to services that Check does not pass.
type RefusedError struct{ Findings []Finding }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the checker refuses the services: %s (%d in all)", e.Findings[0], len(e.Findings))
}

// Write builds a bundle from a source folder into dir, which must not exist, and
// signs it with every key. It checks first: services that Check refuses are not
// signed (*RefusedError). The folder appears whole or not at all.
func Write(dir string, source fs.FS, r Release, keys ...Signer) error {
	blobs, err := readSource(source)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	b, err := assemble(blobs)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	b.Version, b.NotBefore, b.NotAfter, b.RollbackFloor = r.Version, r.NotBefore, r.NotAfter, r.RollbackFloor
	if found := Check(b); len(found) > 0 {
		return &RefusedError{found}
	}
	m := Manifest{Format: manifestFormat, Version: r.Version, NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC(),
		RollbackFloor: r.RollbackFloor}
	for _, p := range slices.Sorted(maps.Keys(blobs)) {
		m.Blobs = append(m.Blobs, Blob{Path: p, SHA256: digest(blobs[p]), Size: int64(len(blobs[p]))})
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if _, err := parseManifest(manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	signatures, err := sign(nil, manifest, keys...)
	if err != nil {
		return err
	}
	blobs[fileManifest], blobs[fileSignatures] = manifest, signatures
	return writeFolder(dir, blobs)
}

// Sign adds signatures to a bundle that stands in dir: the second person signs
// what the first one built.
func Sign(dir string, keys ...Signer) error {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	manifest, err := readFile(r.FS(), fileManifest, maxManifestBytes)
	if err != nil {
		return err
	}
	if _, err := parseManifest(manifest); err != nil {
		return fmt.Errorf("%s: %w", fileManifest, err)
	}
	old, err := readFile(r.FS(), fileSignatures, maxSignatureBytes)
	if err != nil {
		return err
	}
	signatures, err := sign(old, manifest, keys...)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, fileSignatures), signatures)
}

// sign adds to the signatures in old, if any; a key that has signed before signs
// anew.
func sign(old, manifest []byte, keys ...Signer) ([]byte, error) {
	s := Signatures{Signatures: []Signature{}}
	if old != nil {
		if err := decode(old, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", fileSignatures, err)
		}
	}
	for _, k := range keys {
		if len(k.Key) != ed25519.PrivateKeySize || !isID(k.ID) {
			return nil, errors.New("a key without an id or with the wrong length cannot sign")
		}
		s.Signatures = slices.DeleteFunc(s.Signatures, func(x Signature) bool { return x.Key == k.ID })
		s.Signatures = append(s.Signatures, Signature{Key: k.ID, Signature: ed25519.Sign(k.Key, manifest)})
	}
	if len(s.Signatures) > maxSignatures {
		return nil, fmt.Errorf("%d signatures, at most %d", len(s.Signatures), maxSignatures)
	}
	return json.Marshal(s)
}

// writeFolder writes the files beside dir and then renames the folder into place.
func writeFolder(dir string, files map[string][]byte) error {
	dir = filepath.Clean(dir)
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s: %w", dir, fs.ErrExist)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing is left of it after the rename
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	folders := map[string]bool{tmp: true}
	for name, b := range files {
		p := filepath.Join(tmp, filepath.FromSlash(name))
		folder := filepath.Dir(p)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		folders[folder] = true
		if err := writeSynced(p, b); err != nil {
			return err
		}
	}
	for folder := range folders {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncFolder(parent)
}

// replaceFile writes a file beside path and renames it over it.
func replaceFile(path string, b []byte) error {
	tmp := path + ".new"
	if err := writeSynced(tmp, b); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
