package signcard

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rsa"
	"io"
)

// defaultATR holds the answers to reset. That of the national identity card and
// that of the AzeDIT are public (pcsc-tools' list, OpenSC's table).
var defaultATR = map[Applet][]byte{
	PKCS15: nil, // made from the layout
	PIV:    atr([]byte{0x3B, 0x88, 0x80, 0x01, 0x80, 0x31, 0x80, 0x73, 0xC0, 0x01, 0x80, 0x00}),
	AzeDIT: {0x3B, 0xF8, 0x18, 0x00, 0x00, 0x80, 0x31, 0xFE, 0x45, 0xFE, 0x41, 0x5A, 0x45, 0x20, 0x44, 0x49, 0x54, 0x33},
	NationalID: {0x3B, 0xFF, 0x96, 0x00, 0x00, 0x81, 0x31, 0x80, 0x43, 0x80, 0x31, 0x80, 0x65, 0xB0, 0x85, 0x03, 0x01,
		0x0F, 0x12, 0x0F, 0xFF, 0x82, 0x90, 0x00, 0x86},
}

// pkcs15ATR offers T=0 and T=1, and tells in eight historical bytes (ISO/IEC
// 7816-4 12.1.1) by which names the card's files are selected and whether it
// knows chains and extended lengths.
func pkcs15ATR(l Layout) []byte {
	selection := byte(0x80 | 0x40 | 0x20) // by full name, by path, by file identifier
	if l.PathOnly {
		selection = 0x40
	}
	if l.FIDOnly {
		selection = 0x80 | 0x20
	}
	lengths := byte(0)
	if !l.NoChaining {
		lengths |= 0x80
	}
	if l.Extended {
		lengths |= 0x40
	}
	return atr([]byte{0x3B, 0x88, 0x80, 0x01, 0x80, 0x31, 0xE0, 0x73, selection, 0x01, lengths, 0x00})
}

// atr appends the check byte (ISO/IEC 7816-3 8.2.5).
func atr(b []byte) []byte {
	var check byte
	for _, x := range b[1:] {
		check ^= x
	}
	return append(b, check)
}

// buildPKCS15 writes the card's files (ISO/IEC 7816-15).
func (c *Card) buildPKCS15() (*file, error) {
	l := c.cfg.Layout
	mf := &file{fid: fidMF, df: true}
	app := &file{fid: fidApp, df: true, name: aidPKCS15}
	if l.ISOForm {
		app.fid, app.name = fidAppISO, aidISO15
	}
	if !l.NoDIR {
		entry := tlv(0x61, tlv(0x4F, app.name), tlv(0x50, []byte(c.cfg.Label)), tlv(0x51, []byte{
			fidMF >> 8, fidMF & 0xFF, byte(app.fid >> 8), byte(app.fid)}))
		dir := mf.add(&file{fid: fidDIR})
		if l.DIRRecords {
			other := tlv(0x61, tlv(0x4F, []byte("\xA0\x00\x00\x00\x77other")), tlv(0x50, []byte("other")))
			dir.records = func() [][]byte { return [][]byte{other, entry} }
		} else {
			dir.body = c.directory(entry)
		}
	}
	if l.Counter == CounterRecord {
		mf.add(&file{fid: fidPINs, records: c.tryRecords})
	}
	mf.add(app)
	if l.SigningDF {
		app.add(&file{fid: fidSigningDF, df: true})
	}
	w := writer{der: der{nonMinimal: l.NonMinimal}, c: c, app: app}
	cdf, err := w.certificates()
	if err != nil {
		return nil, err
	}
	app.add(&file{fid: fidAODF, body: c.directory(w.pins())})
	app.add(&file{fid: fidPrKDF, body: c.directory(w.keys())})
	app.add(&file{fid: fidCDF, body: c.directory(cdf)})
	app.add(&file{fid: fidTokenInfo, body: c.directory(w.tokenInfo())})
	app.add(&file{fid: fidODF, body: c.directory(w.odf())})
	return mf, nil
}

// directory is the body of a directory file, with room for more behind.
func (c *Card) directory(b []byte) []byte {
	size := c.cfg.Layout.DirectorySize
	if size == 0 {
		size = len(b) + 32
	}
	return c.cfg.Layout.padded(b, size)
}

// tryRecords is EF 0016 of the EstEID 3.x kind: for PIN1, PIN2 and PUK how many
// tries there are and how many are left.
func (c *Card) tryRecords() [][]byte {
	var r [][]byte
	for n := PIN1; n <= PUK; n++ {
		r = append(r, append(tlv(0x80, []byte{byte(c.cfg.pin(n).Tries)}), tlv(0x90, []byte{byte(c.left[n])})...))
	}
	return r
}

// getTries is GET DATA of a PIN's tries as Thales' cards know it: 00 CB 00 FF
// with A0 { 83 reference }.
func (c *Card) getTries(cmd command) ([]byte, int) {
	if c.cfg.Layout.Counter != CounterGetData || cmd.p1p2() != 0x00FF {
		return nil, swNoInstruction
	}
	outer, ok := elements(cmd.data)
	if !ok || len(outer[0xA0]) == 0 {
		return nil, swWrongData
	}
	inner, ok := elements(outer[0xA0])
	if !ok || len(inner[0x83]) != 1 {
		return nil, swWrongData
	}
	n, ok := c.byReference(inner[0x83][0])
	if !ok {
		return nil, swNoReference
	}
	return tlv(0xA0, tlv(0x83, inner[0x83]), tlv(0xDF21, []byte{byte(c.left[n])})), swOK
}

// writer writes the directory files of one card.
type writer struct {
	der
	c   *Card
	app *file
}

// path is ISO/IEC 7816-15's Path of a file.
func (w writer) path(f *file) []byte {
	p := f.path()
	if w.c.cfg.Layout.RelativePaths && f != w.app {
		p = p[len(w.app.path()):]
	}
	return w.seq(w.octets(p))
}

func (w writer) odf() []byte {
	ref := func(fid int) []byte { return w.path(&file{fid: fid, parent: w.app}) }
	var b []byte
	if w.c.cfg.Layout.SpareDirectory {
		b = w.obj(0xA7, w.obj(0xA0)) // data objects, none, in the ODF itself
		b = append(b, w.obj(0xA1, w.obj(0xA0))...)
	}
	b = append(b, w.obj(0xA0, ref(fidPrKDF))...)
	b = append(b, w.obj(0xA4, ref(fidCDF))...)
	return append(b, w.obj(0xA8, ref(fidAODF))...)
}

// mechanisms of PKCS#11 that TokenInfo names.
const (
	ckmRSA      = 0x0001 // CKM_RSA_PKCS
	ckmRSARaw   = 0x0003 // CKM_RSA_X_509
	ckmRSA256   = 0x0040 // CKM_SHA256_RSA_PKCS, and on for 384 and 512
	ckmECDSA    = 0x1041 // CKM_ECDSA
	ckmECDSA256 = 0x1044 // CKM_ECDSA_SHA256, and on for 384 and 512
)

func (w writer) tokenInfo() []byte {
	cfg := w.c.cfg
	parts := [][]byte{w.integer(0), w.octets(cfg.Serial), w.utf8(cfg.Manufacturer), w.obj(0x80, []byte(cfg.Label)),
		w.bits(1, 2)} // login required, random numbers
	if !cfg.Layout.NoAlgorithms {
		var list []byte
		for i, a := range w.c.algorithms() {
			list = append(list, w.seq(w.integer(i+1), w.integer(a.mechanism), w.null(), w.bits(1), // compute signature
				w.integer(int(a.reference)))...)
		}
		parts = append(parts, w.obj(0xA2, list))
	}
	return w.seq(parts...)
}

func (w writer) pins() []byte {
	var b []byte
	for n := PIN1; n <= PUK; n++ {
		p := w.c.cfg.pin(n)
		if p.Value == "" {
			continue
		}
		flags := []int{1} // local
		home := w.app
		if n == PIN2 && w.c.cfg.Layout.SigningDF {
			home = w.app.child(fidSigningDF)
		}
		if !p.NotSet {
			flags = append(flags, 4) // initialised
		}
		if p.Padded {
			flags = append(flags, 5)
		}
		label := map[int]string{PIN1: "PIN1", PIN2: "PIN2", PUK: "PUK"}[n]
		if n == PUK {
			flags = append(flags, 6) // unblocking PIN
		}
		b = append(b, w.seq(
			w.seq(w.utf8(label), w.bits(0)), // private
			w.seq(w.octets(w.authID(n))),
			w.obj(0xA1, w.seq(w.bits(flags...), w.enum(p.Type.code()), w.integer(p.Min), w.integer(p.Stored), w.integer(p.Max),
				w.obj(0x80, intBytes(int(p.Reference))), w.octets([]byte{p.Pad}), w.path(home))))...)
	}
	return b
}

// code is the type's number in ISO/IEC 7816-15.
func (t PINType) code() int {
	return map[PINType]int{PINBCD: 0, PINASCII: 1, PINUTF8: 2, PINHalfBCD: 3, PINISO9564: 4}[t]
}

func (w writer) authID(n int) []byte { return []byte{byte(n)} }

func (w writer) keys() []byte {
	var b []byte
	for _, p := range w.c.cfg.Pairs {
		consent := []byte(nil)
		if p.UserConsent {
			consent = w.integer(1)
		}
		usage := w.bits(2) // sign
		if p.Signing {
			usage = w.bits(2, 9) // and non-repudiation
		}
		ref := intBytes(int(p.KeyRef))
		if w.c.cfg.Layout.SignedKeyRef {
			ref = ref[len(ref)-1:]
		}
		tag, length := 0xA0, []byte(nil)
		if pub, ok := p.Key.Public().(*rsa.PublicKey); ok {
			tag, length = 0x30, w.integer(pub.N.BitLen())
		}
		b = append(b, w.obj(tag,
			w.seq(w.utf8(p.Label), w.bits(0), w.octets(w.authID(p.PIN)), consent),
			w.seq(w.octets(p.ID), usage, w.bits(0, 2, 3, 4), w.obj(0x02, ref)), // sensitive, always so, never extractable, made on the card
			w.obj(0xA1, w.seq(w.path(w.home(p)), length)))...)
	}
	return b
}

// home is the folder in which a pair's key lives.
func (w writer) home(p Pair) *file {
	if p.PIN == PIN2 && w.c.cfg.Layout.SigningDF {
		return w.app.child(fidSigningDF)
	}
	return w.app
}

// certificates writes the certificates' files and returns the directory of them.
func (w writer) certificates() ([]byte, error) {
	l := w.c.cfg.Layout
	var b []byte
	for i, p := range w.c.cfg.Pairs {
		var value []byte
		if l.InlineCert {
			value = w.obj(0xA0, p.Certificate)
		} else {
			body, err := compressed(p.Certificate, l.Compressed)
			if err != nil {
				return nil, err
			}
			if l.PaddedCert {
				body = l.padded(body, len(body)+200)
			}
			value = w.path(w.home(p).add(&file{fid: fidCert + i, body: body}))
		}
		b = append(b, w.seq(
			w.seq(w.utf8(p.Label), w.bits()),
			w.seq(w.octets(p.ID)),
			w.obj(0xA1, w.seq(value)))...)
	}
	return b, nil
}

func compressed(b []byte, c Compression) ([]byte, error) {
	var out bytes.Buffer
	var z io.WriteCloser
	switch c {
	case Zlib:
		z = zlib.NewWriter(&out)
	case Gzip:
		z = gzip.NewWriter(&out)
	default:
		return b, nil
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
