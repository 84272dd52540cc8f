package catalogue

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Files of a bundle.
const (
	fileManifest   = "manifest.json"
	fileSignatures = "signatures.json"
	fileServices   = "services.json"
	fileParties    = "parties.json"
	dirJourneys    = "journeys"
	dirDocuments   = "documents"
	dirTexts       = "texts"
)

// Bounds of a bundle: many times what the whole country needs.
const (
	maxManifestBytes   = 256 << 10
	maxSignatureBytes  = 16 << 10
	maxSignatures      = 16
	maxBlobBytes       = 1 << 20
	maxBundleBytes     = 16 << 20
	maxBlobs           = 1000
	maxServices        = 200
	maxSteps           = 100
	manifestFormat     = 1
	maxIDLength        = 64
	maxKeysInTextFiles = 10000
)

// Manifest is what the signatures stand under: everything else follows from the
// hashes in it.
type Manifest struct {
	Format    int       `json:"format"` // of the bundle; a daemon refuses one that it does not know
	Version   uint64    `json:"version"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	// RollbackFloor is the lowest version that may still follow this one.
	RollbackFloor uint64 `json:"rollback_floor"`
	Blobs         []Blob `json:"blobs"`
}

// Blob is one file of a bundle.
type Blob struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes
}

// Signatures are detached: each over the bytes of manifest.json as they are.
type Signatures struct {
	Signatures []Signature `json:"signatures"`
}

// Signature is one of them (RFC 8032, pure Ed25519).
type Signature struct {
	Key       string `json:"key"`       // id in the root
	Signature []byte `json:"signature"` // 64 bytes, base64
}

// Why a bundle is not loaded.
var (
	ErrBundle    = errors.New("the catalogue bundle cannot be used")
	ErrSignature = errors.New("not signed as it must be")
	ErrDigest    = errors.New("differs from the signed manifest")
	ErrDates     = errors.New("outside its dates")
	ErrRollback  = errors.New("below the lowest version that is accepted")
)

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)
	pathPattern = regexp.MustCompile(`^(services|parties|(journeys|documents|texts)/[a-z0-9]+([._-][a-z0-9]+)*)\.json$`)
)

func isID(s string) bool { return len(s) <= maxIDLength && idPattern.MatchString(s) }

// Load reads a bundle from its folder and believes it only when everything holds:
// sizes within bounds, no path that leaves the folder, a content and a release
// signature by keys of the root, every file as the manifest says, the dates
// around at, and a version not below the root's floor. It does not Check: the
// caller does, before the bundle is used.
func Load(dir string, root Root, at time.Time) (*Bundle, error) {
	if err := root.Validate(); err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	defer r.Close()
	b, err := load(r.FS(), root, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBundle, dir, err)
	}
	return b, nil
}

func load(fsys fs.FS, root Root, at time.Time) (*Bundle, error) {
	raw, err := readFile(fsys, fileManifest, maxManifestBytes)
	if err != nil {
		return nil, err
	}
	// Signatures come first: nothing of an unsigned file is even parsed.
	if err := verify(fsys, raw, root); err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileManifest, err)
	}
	switch {
	case m.Version < root.Floor:
		return nil, fmt.Errorf("version %d: %w (%d)", m.Version, ErrRollback, root.Floor)
	case at.Before(m.NotBefore):
		return nil, fmt.Errorf("%w: it begins at %s", ErrDates, m.NotBefore.Format(time.RFC3339))
	case !at.Before(m.NotAfter):
		return nil, fmt.Errorf("%w: it ended at %s", ErrDates, m.NotAfter.Format(time.RFC3339))
	}
	blobs := map[string][]byte{}
	for _, blob := range m.Blobs {
		b, err := readFile(fsys, blob.Path, blob.Size)
		if err != nil {
			return nil, err
		}
		if int64(len(b)) != blob.Size || digest(b) != blob.SHA256 {
			return nil, fmt.Errorf("%s: %w", blob.Path, ErrDigest)
		}
		blobs[blob.Path] = b
	}
	b, err := assemble(blobs)
	if err != nil {
		return nil, err
	}
	b.Digest, b.Version, b.NotBefore, b.NotAfter, b.RollbackFloor = digest(raw), m.Version, m.NotBefore, m.NotAfter, m.RollbackFloor
	return b, nil
}

// MayFollow reports whether b may take over from the bundle that runs now: a
// bundle does not fall below the floor that the running one has set.
func (b *Bundle) MayFollow(running *Bundle) error {
	if running != nil && b.Version < running.RollbackFloor {
		return fmt.Errorf("version %d: %w (%d)", b.Version, ErrRollback, running.RollbackFloor)
	}
	return nil
}

// verify holds the manifest's bytes against the signatures: a valid one by a key
// of each role.
func verify(fsys fs.FS, manifest []byte, root Root) error {
	raw, err := readFile(fsys, fileSignatures, maxSignatureBytes)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	var s Signatures
	if err := decode(raw, &s); err != nil {
		return fmt.Errorf("%s: %w", fileSignatures, err)
	}
	if len(s.Signatures) > maxSignatures {
		return fmt.Errorf("%s: %d signatures, at most %d", fileSignatures, len(s.Signatures), maxSignatures)
	}
	have := map[Role]bool{}
	for _, sig := range s.Signatures {
		k, ok := root.key(sig.Key)
		if !ok {
			continue // a key that other terminals know
		}
		if len(sig.Signature) != ed25519.SignatureSize || !ed25519.Verify(k.Public, manifest, sig.Signature) {
			return fmt.Errorf("%w: the signature of key %s is false", ErrSignature, k.ID)
		}
		have[k.Role] = true
	}
	for _, role := range []Role{RoleContent, RoleRelease} {
		if !have[role] {
			return fmt.Errorf("%w: no signature of a known key of role %s", ErrSignature, role)
		}
	}
	return nil
}

func parseManifest(raw []byte) (*Manifest, error) {
	var m Manifest
	if err := decode(raw, &m); err != nil {
		return nil, err
	}
	switch {
	case m.Format != manifestFormat:
		return nil, fmt.Errorf("format %d; this program reads format %d", m.Format, manifestFormat)
	case m.Version == 0:
		return nil, errors.New("version 0; versions begin with 1")
	case m.RollbackFloor > m.Version:
		return nil, fmt.Errorf("rollback_floor %d is above version %d", m.RollbackFloor, m.Version)
	case !m.NotBefore.Before(m.NotAfter):
		return nil, errors.New("not_before is not before not_after")
	case len(m.Blobs) > maxBlobs:
		return nil, fmt.Errorf("%d blobs, at most %d", len(m.Blobs), maxBlobs)
	}
	total, seen := int64(0), map[string]bool{}
	for _, b := range m.Blobs {
		switch {
		case len(b.Path) > 2*maxIDLength || !pathPattern.MatchString(b.Path):
			return nil, fmt.Errorf("%q is not a path of a bundle", b.Path)
		case seen[b.Path]:
			return nil, fmt.Errorf("%s stands twice", b.Path)
		case b.Size < 1 || b.Size > maxBlobBytes:
			return nil, fmt.Errorf("%s: size %d, allowed are 1 to %d", b.Path, b.Size, maxBlobBytes)
		case len(b.SHA256) != 2*sha256.Size:
			return nil, fmt.Errorf("%s: sha256 has %d digits, not %d", b.Path, len(b.SHA256), 2*sha256.Size)
		}
		seen[b.Path] = true
		total += b.Size
	}
	if total > maxBundleBytes {
		return nil, fmt.Errorf("%d bytes together, at most %d", total, maxBundleBytes)
	}
	return &m, nil
}

// Read takes up the services from a source folder or an embedded one, without
// manifest and signatures: for tools and tests. A terminal uses Load.
func Read(fsys fs.FS) (*Bundle, error) {
	blobs, err := readSource(fsys)
	if err != nil {
		return nil, err
	}
	return assemble(blobs)
}

// readSource reads every file of a bundle's shape; others (programs, notes) in
// the top folder are no part of it, in the sub-folders they are a mistake.
func readSource(fsys fs.FS) (map[string][]byte, error) {
	blobs := map[string][]byte{}
	paths := []string{fileServices}
	if _, err := fs.Stat(fsys, fileParties); err == nil {
		paths = append(paths, fileParties)
	}
	for _, dir := range []string{dirJourneys, dirDocuments, dirTexts} {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			p := path.Join(dir, e.Name())
			if !pathPattern.MatchString(p) {
				return nil, fmt.Errorf("%s: not a file of a bundle (NAME.json, of a-z 0-9 . _ -)", p)
			}
			paths = append(paths, p)
		}
	}
	if len(paths) > maxBlobs {
		return nil, fmt.Errorf("%d files, at most %d", len(paths), maxBlobs)
	}
	for _, p := range paths {
		b, err := readFile(fsys, p, maxBlobBytes)
		if err != nil {
			return nil, err
		}
		blobs[p] = b
	}
	return blobs, nil
}

// readFile reads a regular file of at most so many bytes.
func readFile(fsys fs.FS, name string, most int64) ([]byte, error) {
	// Looked at before it is opened: opening a named pipe would wait for ever.
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := readBounded(f, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// assemble decodes the files of a bundle.
func assemble(blobs map[string][]byte) (*Bundle, error) {
	b := &Bundle{Journeys: map[string]*Journey{}, Documents: map[string]*Document{}, Texts: map[string]map[string]string{}}
	if blobs[fileServices] == nil {
		return nil, fmt.Errorf("%s is missing", fileServices)
	}
	for _, p := range slices.Sorted(maps.Keys(blobs)) {
		raw := blobs[p]
		dir, id := path.Split(strings.TrimSuffix(p, ".json"))
		var err error
		switch strings.TrimSuffix(dir, "/") {
		case "":
			if p == fileParties {
				err = decode(raw, &b.Parties)
			} else {
				err = decode(raw, &b.Services)
			}
		case dirJourneys:
			j := &Journey{}
			err = decode(raw, j)
			if err == nil && j.ID != id {
				err = fmt.Errorf("the id in it is %q; file and id must agree", j.ID)
			}
			b.Journeys[id] = j
		case dirDocuments:
			d := &Document{}
			err = decode(raw, d)
			if err == nil && d.ID != id {
				err = fmt.Errorf("the id in it is %q; file and id must agree", d.ID)
			}
			b.Documents[id] = d
		case dirTexts:
			texts := map[string]string{}
			err = decode(raw, &texts)
			if err == nil && len(texts) > maxKeysInTextFiles {
				err = fmt.Errorf("%d texts, at most %d", len(texts), maxKeysInTextFiles)
			}
			if err == nil && !slices.Contains(Langs(), id) {
				err = fmt.Errorf("%q is none of the languages %s", id, strings.Join(Langs(), " "))
			}
			b.Texts[id] = texts
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	return b, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
