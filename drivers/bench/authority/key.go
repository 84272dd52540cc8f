package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// KeyKind is a kind of key.
type KeyKind string

const (
	RSA2048 KeyKind = "rsa-2048"
	P256    KeyKind = "p-256"
	P384    KeyKind = "p-384"
)

// OpenKey reads a private key that is kept in a file (PKCS #8), or makes one and
// keeps it there, readable by its owner only.
func OpenKey(file string, kind KeyKind, random io.Reader) (crypto.Signer, error) {
	der, err := readPEM(file, "PRIVATE KEY")
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("%s: a %T does not sign", file, key)
		}
		return signer, nil
	}
	var key crypto.Signer
	switch kind {
	case RSA2048:
		key, err = rsa.GenerateKey(random, 2048)
	case P256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case P384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), random)
	default:
		err = fmt.Errorf("no keys of kind %q are made here", kind)
	}
	if err != nil {
		return nil, err
	}
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, err
	}
	return key, writePEM(file, "PRIVATE KEY", der, 0o600)
}

func readPEM(file, what string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != what {
		return nil, fmt.Errorf("%s: no %s in PEM form", file, what)
	}
	return block.Bytes, nil
}

func writePEM(file, what string, der []byte, mode os.FileMode) error {
	return replace(file, pem.EncodeToMemory(&pem.Block{Type: what, Bytes: der}), mode)
}

// replace writes a file whole: who reads it meanwhile sees the old one or the new
// one.
func replace(file string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".new*") // readable by its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
