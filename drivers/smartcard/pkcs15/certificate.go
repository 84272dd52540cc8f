package pkcs15

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
)

// First bytes of a certificate's file.
const (
	derFirst  = byte(ber.Sequence)
	zlibFirst = 0x78
	gzipFirst = 0x1F
)

// whole reports whether a file that is being read has all of its certificate:
// what follows is padding.
func whole(b []byte) bool {
	if len(b) == 0 || b[0] != derFirst {
		return false
	}
	n, ok := ber.Length(b)
	return ok && n <= len(b)
}

// unwrap is the certificate in a file: cut to its own length, and inflated if the
// card holds it compressed.
func unwrap(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty certificate", smartcard.ErrMalformed)
	}
	var inflate io.Reader
	var err error
	switch b[0] {
	case derFirst:
		return cut(b)
	case zlibFirst:
		inflate, err = zlib.NewReader(bytes.NewReader(b))
	case gzipFirst:
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			z.Multistream(false) // padding follows, not another member
			inflate = z
		}
	default:
		return nil, fmt.Errorf("%w: certificate of an unknown form", smartcard.ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	// A few bytes can inflate to gigabytes: one byte more than the limit is enough
	// to know.
	der, err := io.ReadAll(io.LimitReader(inflate, cardfile.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	if len(der) > cardfile.MaxFile {
		return nil, fmt.Errorf("%w: certificate of more than %d bytes", smartcard.ErrMalformed, cardfile.MaxFile)
	}
	return cut(der)
}

func cut(b []byte) ([]byte, error) {
	v, err := ber.New(b).Want(ber.Sequence)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	return bytes.Clone(v.Raw), nil
}
