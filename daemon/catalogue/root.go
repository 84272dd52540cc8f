package catalogue

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Role is what a key may sign for. A bundle needs both: whoever writes the
// services cannot release them alone.
type Role string

const (
	RoleContent Role = "content" // the services are right
	RoleRelease Role = "release" // they may go to the terminals
)

// Root is the keys that a terminal believes, from its installation and never from
// a bundle.
type Root struct {
	Version uint64    `json:"version"`
	Keys    []RootKey `json:"keys"`
	// Floor is the lowest version of a bundle that is accepted: whoever has an old
	// bundle with a mistake in it cannot bring it back.
	Floor uint64 `json:"floor,omitempty"`
}

// RootKey is one public key.
type RootKey struct {
	ID     string            `json:"id"`
	Role   Role              `json:"role"`
	Public ed25519.PublicKey `json:"public"` // 32 bytes, base64
}

const (
	maxRootBytes = 64 << 10
	maxRootKeys  = 32
)

// ErrRoot is the kind of every mistake in a root file.
var ErrRoot = errors.New("the catalogue's root cannot be used")

// LoadRoot reads a root file.
func LoadRoot(path string) (Root, error) {
	f, err := os.Open(path)
	if err != nil {
		return Root{}, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	defer f.Close()
	b, err := readBounded(f, maxRootBytes)
	if err != nil {
		return Root{}, fmt.Errorf("%w: %s: %w", ErrRoot, path, err)
	}
	var r Root
	if err := decode(b, &r); err != nil {
		return Root{}, fmt.Errorf("%w: %s: %w", ErrRoot, path, err)
	}
	if err := r.Validate(); err != nil {
		return Root{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Validate reports whether the root can be used: every key whole and known by one
// name, no key in both roles, and a key of each role.
func (r Root) Validate() error {
	if r.Version == 0 {
		return fmt.Errorf("%w: version 0; versions begin with 1", ErrRoot)
	}
	if len(r.Keys) > maxRootKeys {
		return fmt.Errorf("%w: %d keys, at most %d", ErrRoot, len(r.Keys), maxRootKeys)
	}
	roles := map[Role]bool{}
	for i, k := range r.Keys {
		switch {
		case !isID(k.ID):
			return fmt.Errorf("%w: key %d: id %q is not a name (a-z 0-9 . _ -)", ErrRoot, i+1, k.ID)
		case k.Role != RoleContent && k.Role != RoleRelease:
			return fmt.Errorf("%w: key %s: role %q; allowed are content and release", ErrRoot, k.ID, k.Role)
		case len(k.Public) != ed25519.PublicKeySize:
			return fmt.Errorf("%w: key %s: public key of %d bytes, not %d", ErrRoot, k.ID, len(k.Public), ed25519.PublicKeySize)
		}
		for _, o := range r.Keys[:i] {
			if o.ID == k.ID {
				return fmt.Errorf("%w: two keys are called %s", ErrRoot, k.ID)
			}
			if bytes.Equal(o.Public, k.Public) {
				return fmt.Errorf("%w: %s and %s are the same key", ErrRoot, o.ID, k.ID)
			}
		}
		roles[k.Role] = true
	}
	for _, role := range []Role{RoleContent, RoleRelease} {
		if !roles[role] {
			return fmt.Errorf("%w: no key of role %s", ErrRoot, role)
		}
	}
	return nil
}

// key finds a key by id.
func (r Root) key(id string) (RootKey, bool) {
	i := slices.IndexFunc(r.Keys, func(k RootKey) bool { return k.ID == id })
	if i < 0 {
		return RootKey{}, false
	}
	return r.Keys[i], true
}

// Signer is a private key with the id under which roots know it.
type Signer struct {
	ID  string
	Key ed25519.PrivateKey
}

// pemType is the block type of PKCS #8 (RFC 7468 section 10), the form that other
// tools read too.
const pemType = "PRIVATE KEY"

// NewSigner makes a key from the given randomness (crypto/rand's if nil).
func NewSigner(id string, random io.Reader) (Signer, error) {
	if !isID(id) {
		return Signer{}, fmt.Errorf("key id %q is not a name (a-z 0-9 . _ -)", id)
	}
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Signer{}, fmt.Errorf("new key %s: %w", id, err)
	}
	return Signer{ID: id, Key: ed25519.NewKeyFromSeed(seed)}, nil
}

// Root is the key's entry for a root file.
func (s Signer) Root(role Role) RootKey {
	return RootKey{ID: s.ID, Role: role, Public: s.Key.Public().(ed25519.PublicKey)}
}

// Marshal writes the private key as PEM: PKCS #8 with the id as a header.
func (s Signer) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.Key)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s.ID, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Headers: map[string]string{"Key-Id": s.ID}, Bytes: der}), nil
}

// ParseSigner reads what Marshal wrote.
func ParseSigner(b []byte) (Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemType {
		return Signer{}, fmt.Errorf("no PEM block of type %s", pemType)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Signer{}, fmt.Errorf("private key: %w", err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return Signer{}, errors.New("the private key is not an ed25519 key")
	}
	id := block.Headers["Key-Id"]
	if !isID(id) {
		return Signer{}, fmt.Errorf("header Key-Id is %q, not a name (a-z 0-9 . _ -)", id)
	}
	return Signer{ID: id, Key: key}, nil
}

// readBounded reads everything, and fails instead of reading more than most bytes.
func readBounded(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return b, nil
}

// decode reads one JSON value strictly: no unknown members, no member twice,
// nothing after it.
func decode(b []byte, into any) error {
	if err := noDuplicates(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands after the JSON value")
	}
	return nil
}

// maxDepth is how deep a file's JSON may be nested.
const maxDepth = 16

// noDuplicates refuses a member that stands twice in an object: of two
// translations under one key one would be lost in silence.
func noDuplicates(b []byte) error {
	type frame struct {
		seen map[string]bool // nil in an array
		key  bool            // a member's name comes next
	}
	var stack []frame
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		top := len(stack) - 1
		if delim, ok := t.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].seen != nil {
			if stack[top].key {
				name := t.(string)
				if stack[top].seen[name] {
					return fmt.Errorf("the member %q stands twice", name)
				}
				stack[top].seen[name] = true
				stack[top].key = false
				continue
			}
			stack[top].key = true
		}
		if delim, ok := t.(json.Delim); ok {
			f := frame{}
			if delim == '{' {
				f = frame{seen: map[string]bool{}, key: true}
			}
			if stack = append(stack, f); len(stack) > maxDepth {
				return fmt.Errorf("nested deeper than %d", maxDepth)
			}
		}
	}
}
