package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// keyMode is that of a file with a private key: its owner reads it, and nobody
// writes it by accident.
const keyMode = 0o400

// fileKey is a P-256 key in a file: for machines without a TPM. Central knows that
// such a terminal's key can be copied by whoever reads its disk.
type fileKey struct{ key *ecdsa.PrivateKey }

func (k *fileKey) Public() crypto.PublicKey { return k.key.Public() }

func (k *fileKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.key.Sign(random, digest, opts)
}

// Close has nothing to let go of.
func (k *fileKey) Close() error { return nil }

// OpenFileKey reads a key that CreateFileKey has made. A file that others can
// read, or that is not an ordinary file of this user or root, is refused.
func OpenFileKey(path string) (Key, error) {
	// O_NONBLOCK: a pipe in the file's place must not hold up the start.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("terminal's key: %s is not an ordinary file", path)
	}
	if info.Mode().Perm()&^keyMode != 0 {
		return nil, fmt.Errorf("terminal's key: %s has mode %04o; allowed: %04o (chmod %04o)", path, info.Mode().Perm(), keyMode, keyMode)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return nil, fmt.Errorf("terminal's key: %s belongs to user %d; allowed: this user, %d, or root", path, st.Uid, os.Geteuid())
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	defer clear(raw)
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("terminal's key: %s holds no private key in PEM", path)
	}
	defer clear(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		// Its text might repeat a part of what was read.
		return nil, fmt.Errorf("terminal's key: %s cannot be read as PKCS #8", path)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("terminal's key: %s holds no key on P-256", path)
	}
	return &fileKey{key}, nil
}

// CreateFileKey makes a new key in a file that must not be there yet.
func CreateFileKey(path string) (Key, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("terminal's key: %s is there already", path)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	defer clear(der)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(text)
	if err := Keep(path, text, keyMode); err != nil {
		return nil, fmt.Errorf("terminal's key: %w", err)
	}
	return &fileKey{key}, nil
}
