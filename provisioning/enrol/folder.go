package enrol

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Names in the folder of an identity.
const (
	keyFile     = "terminal.key"
	chainFile   = "terminal.pem"
	rootFile    = "root.pem"
	runFile     = "run.pem"
	requestFile = "request.pem"
)

// Bounds of what is read.
const (
	maxFile  = 64 << 10
	maxChain = 4 // certificates
)

// RootFile is the root's file in an identity's folder.
func RootFile(dir string) string { return filepath.Join(dir, rootFile) }

// Identity is who this terminal is towards central.
type Identity struct {
	Terminal string
	Key      Key
	Chain    []*x509.Certificate // the terminal's own first
}

// Leaf is the terminal's own certificate.
func (i *Identity) Leaf() *x509.Certificate { return i.Chain[0] }

// TLS is the identity as a client of TLS shows it.
func (i *Identity) TLS() *tls.Certificate {
	c := &tls.Certificate{PrivateKey: i.Key, Leaf: i.Leaf()}
	for _, one := range i.Chain {
		c.Certificate = append(c.Certificate, one.Raw)
	}
	return c
}

// Load reads the identity in a folder. A certificate that has run out is read like
// any other: it still opens the way to its own renewal.
func Load(dir string) (*Identity, error) {
	chain, err := readCertificates(filepath.Join(dir, chainFile))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("this terminal is not enrolled: %w", err)
		}
		return nil, err
	}
	terminal, err := TerminalOf(chain[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, chainFile), err)
	}
	key, err := OpenFileKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	if !samePublic(chain[0].PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s is not for the key in %s", filepath.Join(dir, chainFile), filepath.Join(dir, keyFile))
	}
	return &Identity{Terminal: terminal, Key: key, Chain: chain}, nil
}

// Renewed is the identity with the next certificate, which is kept in the folder
// first.
func (i *Identity) Renewed(dir string, chain []*x509.Certificate) (*Identity, error) {
	if err := keepCertificates(filepath.Join(dir, chainFile), chain); err != nil {
		return nil, err
	}
	return &Identity{Terminal: i.Terminal, Key: i.Key, Chain: chain}, nil
}

// LoadRoots reads the roots that are believed, and no others.
func LoadRoots(path string) (*x509.CertPool, error) {
	list, err := readCertificates(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range list {
		if !c.IsCA {
			return nil, fmt.Errorf("%s: the certificate is not an authority's", path)
		}
		pool.AddCert(c)
	}
	return pool, nil
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	list, err := parseCertificates(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// parseCertificates reads PEM blocks of certificates and nothing else.
func parseCertificates(raw []byte) (list []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(raw)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(list) == maxChain {
			return nil, fmt.Errorf("allowed: one to %d certificates in PEM", maxChain)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate cannot be read")
		}
		list, raw = append(list, c), rest
	}
	if len(list) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return list, nil
}

func keepCertificates(path string, list []*x509.Certificate) error {
	var text []byte
	for _, c := range list {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return Keep(path, text, 0o644)
}

// Keep writes a file that is whole and on the disk, or not there. Root gives it to
// the folder's owner: the technician's program runs as root, and the folder belongs
// to who must read it.
func Keep(path string, data []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = give(f, dir)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func give(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return f.Chown(int(st.Uid), int(st.Gid))
	}
	return nil
}

// Enrolled reports whether the folder holds an identity that is good at now.
func Enrolled(dir string, now time.Time) (*Identity, bool) {
	i, err := Load(dir)
	return i, err == nil && now.Before(i.Leaf().NotAfter)
}
