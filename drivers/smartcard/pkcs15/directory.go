package pkcs15

import (
	"bytes"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
)

// maxObjects bounds the objects of one kind, and the directories of one kind.
const maxObjects = 64

// Data objects of EF.DIR (ISO/IEC 7816-4 section 12.1.1).
const (
	tagApplication ber.Tag = 0x61
	tagAID         ber.Tag = 0x4F
	tagPath        ber.Tag = 0x51
)

// parseDIR gives the homes of PKCS #15 applications that EF.DIR names, the path
// before the name, in the file's order.
func parseDIR(b []byte) []cardfile.Home {
	var homes []cardfile.Home
	r := ber.New(b)
	for r.MoreInFile() && len(homes) < maxObjects {
		v, err := r.Next()
		if err != nil {
			break
		}
		if v.Tag != tagApplication {
			continue
		}
		homes = append(homes, application(v)...)
	}
	return homes
}

// application reads one template of EF.DIR.
func application(v ber.Value) []cardfile.Home {
	inside, err := v.Inside()
	if err != nil {
		return nil
	}
	var aid []byte
	var path cardfile.Path
	for inside.More() {
		x, err := inside.Next()
		if err != nil {
			return nil
		}
		switch x.Tag {
		case tagAID:
			aid = bytes.Clone(x.Body)
		case tagPath:
			path = bytes.Clone(x.Body)
		}
	}
	if !bytes.Equal(aid, aidPKCS15) && !bytes.HasPrefix(aid, aidCIA) || len(aid) > cardfile.MaxAID {
		return nil
	}
	if len(path) > 0 && !path.Absolute() {
		path = append(cardfile.Path{0x3F, 0x00}, path...)
	}
	if len(path) == 0 || path.Check() != nil {
		return []cardfile.Home{{AID: aid}}
	}
	return []cardfile.Home{{Path: path}, {AID: aid, Path: path}}
}

// Context tags of EF.ODF (ISO/IEC 7816-15 section 8.3). The others are public
// keys, other people's certificates and data.
const (
	odfPrivateKeys  ber.Tag = 0xA0
	odfCertificates ber.Tag = 0xA4
	odfAuthObjects  ber.Tag = 0xA8

	tagInline ber.Tag = 0xA0 // [0]: the thing itself where its path could be
)

// source is where objects are: in a part of a file, or inline in EF.ODF.
type source struct {
	path   cardfile.Path
	part   cardfile.Part
	inline []byte
}

// directories is EF.ODF.
type directories struct{ keys, certificates, pins []source }

func parseODF(b []byte) (directories, error) {
	var d directories
	r := ber.New(b)
	for r.MoreInFile() {
		v, err := r.Next()
		if err != nil {
			return d, err
		}
		var list *[]source
		switch v.Tag {
		case odfPrivateKeys:
			list = &d.keys
		case odfCertificates:
			list = &d.certificates
		case odfAuthObjects:
			list = &d.pins
		default:
			continue
		}
		inside, err := v.Inside()
		if err != nil {
			return d, err
		}
		for inside.More() {
			x, err := inside.Next()
			if err != nil {
				return d, err
			}
			s, err := parseSource(x)
			if err != nil {
				continue
			}
			if *list = append(*list, s); len(*list) > maxObjects {
				return d, fmt.Errorf("%w: more than %d directories", smartcard.ErrMalformed, maxObjects)
			}
		}
	}
	return d, nil
}

// parseSource reads a path, or what stands in its place.
func parseSource(v ber.Value) (source, error) {
	if v.Tag == tagInline {
		return source{inline: bytes.Clone(v.Body)}, nil
	}
	path, part, err := parsePath(v)
	return source{path: path, part: part}, err
}

// parsePath reads SEQUENCE { OCTET STRING path, INTEGER index, [0] length }.
func parsePath(v ber.Value) (cardfile.Path, cardfile.Part, error) {
	const tagLength ber.Tag = 0x80
	var part cardfile.Part
	if v.Tag != ber.Sequence {
		return nil, part, fmt.Errorf("%w: no path", ber.ErrMalformed)
	}
	r, err := v.Inside()
	if err != nil {
		return nil, part, err
	}
	id, err := r.Want(ber.OctetString)
	if err != nil {
		return nil, part, err
	}
	path := cardfile.Path(bytes.Clone(id.Body))
	if err := path.Check(); err != nil {
		return nil, part, err
	}
	for r.More() {
		x, err := r.Next()
		if err != nil {
			return nil, part, err
		}
		switch x.Tag {
		case ber.Integer:
			part.Index, err = x.Uint(cardfile.MaxFile)
		case tagLength:
			part.Length, err = x.Uint(cardfile.MaxFile)
		}
		if err != nil {
			return nil, part, err
		}
	}
	return path, part, nil
}

// values is the run of values in a directory file, without its padding. A value
// that is cut ends it.
func values(b []byte) []byte {
	r := ber.New(b)
	n := 0
	for r.MoreInFile() {
		v, err := r.Next()
		if err != nil {
			break
		}
		n += len(v.Raw)
	}
	return b[:n]
}

// padding makes a function that reports whether the padding of a directory file has
// begun, called with more and more of the file.
func padding() func([]byte) bool {
	at := 0 // what lies before is whole values
	return func(b []byte) bool {
		at += len(values(b[at:]))
		return at < len(b) && (b[at] == 0x00 || b[at] == 0xFF)
	}
}
