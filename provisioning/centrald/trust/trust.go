// Package trust is where central's trust comes from: a folder of PEM files and
// CRLs that an operator keeps, and OCSP responders on hosts that he has named.
//
// The folder is read anew for every sign-in and parsed when its content has
// changed, so that a revocation counts at the next login. It holds
//
//	esign-root.pem, bsxm-root.pem   roots, each for its method alone
//	*-issuing.pem                   issuing authorities, for every method
//	*.crl                           lists, DER or PEM
//
// A file that cannot be read or understood is as if it were not there: what then
// lacks a root or a word about its standing is refused.
package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
)

// Bounds of a folder.
const (
	maxFiles = 64
	maxBytes = 32 << 20 // of all files together; a country's list has megabytes
)

// roots are the files that hold a method's roots.
var roots = map[string]string{"esign_card": "esign-root.pem", "bsxm": "bsxm-root.pem"}

// ByCertificate reports whether a method of signing in goes by certificate.
func ByCertificate(method string) bool { return roots[method] != "" }

// Folder is a trust folder. Its zero value trusts nobody. It is safe for
// concurrent use.
type Folder struct {
	dir string
	log *slog.Logger

	mu     sync.Mutex
	sum    [sha256.Size]byte // of the content that was parsed
	parsed content
}

type content struct {
	roots   map[string][]*x509.Certificate // by method
	between []*x509.Certificate
	crls    []*x509.RevocationList
}

// New is the folder at dir, which need not exist yet.
func New(dir string, log *slog.Logger) *Folder { return &Folder{dir: dir, log: log} }

// For is what is trusted for a method now.
func (f *Folder) For(method string) (identity.Trust, error) {
	if f == nil || f.dir == "" {
		return identity.Trust{}, nil
	}
	files, err := read(f.dir)
	if err != nil {
		return identity.Trust{}, err
	}
	sum := sumOf(files)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.parsed.roots == nil || sum != f.sum {
		f.parsed, f.sum = f.parse(files), sum
	}
	c := f.parsed
	return identity.Trust{Roots: c.roots[method], Intermediates: c.between, CRLs: c.crls}, nil
}

type file struct {
	name string
	data []byte
}

// read takes in the files that mean something, in the order of their names.
func read(dir string) (files []file, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("trust folder: %w", err)
	}
	left := int64(maxBytes)
	for _, e := range entries {
		if kindOf(e.Name()) == "" {
			continue
		}
		if len(files) == maxFiles {
			return nil, fmt.Errorf("trust folder: more than %d files", maxFiles)
		}
		data, err := readFile(filepath.Join(dir, e.Name()), left)
		if errors.Is(err, os.ErrNotExist) {
			continue // it is being replaced; the next sign-in sees it
		} else if err != nil {
			return nil, fmt.Errorf("trust folder: %w", err)
		}
		left -= int64(len(data))
		files = append(files, file{e.Name(), data})
	}
	return files, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	h, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if info, err := h.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no file", filepath.Base(path)))
	}
	data, err := io.ReadAll(io.LimitReader(h, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d bytes", maxBytes)
	}
	return data, err
}

func sumOf(files []file) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, f := range files {
		for _, part := range [][]byte{[]byte(f.name), f.data} {
			_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
			h.Write(part)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// What a file's name says that it is.
const (
	kindRoot    = "root"
	kindIssuing = "issuing"
	kindCRL     = "crl"
)

func kindOf(name string) string {
	for _, root := range roots {
		if name == root {
			return kindRoot
		}
	}
	switch {
	case strings.HasSuffix(name, "-issuing.pem"):
		return kindIssuing
	case strings.HasSuffix(name, ".crl"):
		return kindCRL
	}
	return ""
}

func (f *Folder) parse(files []file) content {
	c := content{roots: map[string][]*x509.Certificate{}}
	for _, x := range files {
		var err error
		var certs []*x509.Certificate
		switch kind := kindOf(x.name); kind {
		case kindCRL:
			var l *x509.RevocationList
			if l, err = parseCRL(x.data); err == nil {
				c.crls = append(c.crls, l)
			}
		default:
			if certs, err = parseCertificates(x.data); err != nil {
				break
			}
			if kind == kindIssuing {
				c.between = append(c.between, certs...)
			}
			for method, name := range roots {
				if name == x.name {
					c.roots[method] = certs
				}
			}
		}
		if err != nil {
			f.log.Warn("trust file is left out", "file", x.name, "err", err)
		}
	}
	return c
}

func parseCRL(data []byte) (*x509.RevocationList, error) {
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("PEM block %q", block.Type)
		}
		data = block.Bytes
	}
	return x509.ParseRevocationList(data)
}

// parseCertificates takes all certificates of a file, or none.
func parseCertificates(data []byte) (all []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM block %q", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 || len(bytes.TrimSpace(data)) > 0 {
		return nil, errors.New("no PEM certificates, or more than them")
	}
	return all, nil
}
