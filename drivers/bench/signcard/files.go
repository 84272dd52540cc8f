package signcard

import (
	"bytes"
	"crypto/ecdsa"
)

// file is a file of the card: a folder (DF), bytes (transparent EF) or records.
type file struct {
	fid     int
	name    []byte // of a DF: its AID
	parent  *file
	df      bool
	files   []*file
	body    []byte
	records func() [][]byte // nil: transparent
}

func (f *file) add(child *file) *file {
	child.parent = f
	f.files = append(f.files, child)
	return child
}

func (f *file) child(fid int) *file {
	for _, c := range f.files {
		if c.fid == fid {
			return c
		}
	}
	return nil
}

// path is the way from the MF, 3F00 included.
func (f *file) path() []byte {
	var p []byte
	if f.parent != nil {
		p = f.parent.path()
	}
	return append(p, byte(f.fid>>8), byte(f.fid))
}

// selectFile is SELECT (ISO/IEC 7816-4 7.1.1).
func (c *Card) selectFile(cmd command) ([]byte, int) {
	if cmd.p1 == selectByName {
		f := c.byName(cmd.data)
		if f == nil {
			return nil, swNotFound
		}
		return c.selected(cmd, f)
	}
	f, sw := c.byPath(cmd)
	if f == nil {
		return nil, sw
	}
	return c.selected(cmd, f)
}

// selectsIsoApplet finds out that OpenSC is asking. It sends no Le, and wants the
// answer all the same.
func (c *Card) selectsIsoApplet(cmd command) bool {
	return c.cfg.Applet == PKCS15 && cmd.ins == insSelect && cmd.p1 == selectByName && bytes.Equal(cmd.data, aidIsoApplet)
}

// isoApplet answers SELECT of IsoApplet: version 0.6 and its features.
func (c *Card) isoApplet() []byte {
	c.openSC = true
	features := byte(0)
	if c.cfg.Layout.Extended {
		features |= isoAppletExtended
	}
	for _, p := range c.cfg.Pairs {
		if _, isEC := p.Key.Public().(*ecdsa.PublicKey); isEC {
			features |= isoAppletECC
		}
	}
	return []byte{0x00, 0x06, features}
}

// byName finds a DF by its AID; a shorter name selects by its beginning.
func (c *Card) byName(name []byte) *file {
	if len(name) < 5 || c.cfg.Layout.PathOnly && c.cfg.Applet == PKCS15 {
		return nil
	}
	for _, f := range c.mf.files {
		if f.df && bytes.HasPrefix(f.name, name) {
			return f
		}
	}
	return nil
}

func (c *Card) byPath(cmd command) (*file, int) {
	if len(cmd.data)%2 != 0 {
		return nil, swWrongLength
	}
	var fids []int
	for i := 0; i < len(cmd.data); i += 2 {
		fids = append(fids, int(cmd.data[i])<<8|int(cmd.data[i+1]))
	}
	toMF := len(fids) == 0 || len(fids) == 1 && fids[0] == fidMF
	l := c.cfg.Layout
	switch cmd.p1 {
	case selectFromMF, selectFromCurrent:
		if l.FIDOnly {
			return nil, swWrongP1P2
		}
		f := c.mf
		if cmd.p1 == selectFromCurrent {
			f = c.df
		} else if len(fids) > 0 && fids[0] == fidMF {
			fids = fids[1:]
		}
		for _, fid := range fids {
			if f = f.child(fid); f == nil {
				return nil, swNotFound
			}
		}
		return f, swOK
	case selectParent:
		if len(fids) != 0 || c.df.parent == nil {
			return nil, swNotFound
		}
		return c.df.parent, swOK
	case selectByID, selectChildDF, selectChildEF:
		switch {
		case cmd.p1 == selectByID && toMF:
			return c.mf, swOK
		case l.PathOnly:
			return nil, swWrongP1P2
		case len(fids) != 1:
			return nil, swWrongLength
		}
		f := c.df.child(fids[0])
		if f == nil && cmd.p1 == selectByID { // a brother of the current folder, or itself
			switch {
			case c.df.fid == fids[0]:
				f = c.df
			case c.df.parent != nil:
				f = c.df.parent.child(fids[0])
			}
		}
		if f == nil || cmd.p1 == selectChildDF && !f.df || cmd.p1 == selectChildEF && f.df {
			return nil, swNotFound
		}
		return f, swOK
	}
	return nil, swWrongP1P2
}

// selected makes a file the current one and says of it what P2 asks for.
func (c *Card) selected(cmd command, f *file) ([]byte, int) {
	var template int
	switch cmd.p2 {
	case answerNothing:
	case answerFCI:
		if template = tagFCI; c.cfg.Layout.FCP {
			return nil, swWrongP1P2
		}
	case answerFCP:
		template = tagFCP
	default:
		return nil, swWrongP1P2
	}
	if f.df {
		c.df, c.ef = f, nil
	} else {
		c.df, c.ef = f.parent, f
	}
	if !c.inSigningDF() && c.cfg.Layout.SigningDF {
		c.verified[PIN2] = false // a local PIN counts in its folder only (ISO/IEC 7816-4 9.3.2)
	}
	if template == 0 {
		return nil, swOK
	}
	return f.information(template, c.cfg.Layout.NoSize), swOK
}

// information is the FCI or FCP of a file (ISO/IEC 7816-4 7.4.2).
func (f *file) information(template int, noSize bool) []byte {
	descriptor, size := byte(descTransparent), len(f.body)
	switch {
	case f.df:
		descriptor, noSize = descDF, true
	case f.records != nil:
		descriptor = descLinearVar
		for _, r := range f.records() {
			size += len(r)
		}
	}
	var parts [][]byte
	if !noSize {
		parts = append(parts, tlv(tagSize, []byte{byte(size >> 8), byte(size)}))
	}
	parts = append(parts, tlv(tagDescriptor, []byte{descriptor}), tlv(tagFID, []byte{byte(f.fid >> 8), byte(f.fid)}))
	if len(f.name) > 0 {
		parts = append(parts, tlv(tagDFName, f.name))
	}
	return tlv(template, append(parts, tlv(tagLifeCycle, []byte{0x05}))...) // 05: operational, activated
}

// readBinary is READ BINARY of the current file (ISO/IEC 7816-4 7.2.3).
func (c *Card) readBinary(cmd command) ([]byte, int) {
	offset := cmd.p1p2()
	switch {
	case len(cmd.data) > 0 || cmd.ne == noNe:
		return nil, swWrongLength
	case cmd.p1&0x80 != 0: // short file identifiers
		return nil, swNotSupported
	case c.ef == nil:
		return nil, swNoCurrentFile
	case c.ef.records != nil:
		return nil, swFileStructure
	case offset >= len(c.ef.body):
		return nil, swOutside
	}
	data := c.ef.body[offset:]
	if len(data) < cmd.ne && cmd.exact && !c.cfg.Layout.ExactLe {
		return data, swEndOfFile
	}
	return data[:min(cmd.ne, len(data))], swOK
}

// readRecord is READ RECORD by number (ISO/IEC 7816-4 7.3.3).
func (c *Card) readRecord(cmd command) ([]byte, int) {
	switch {
	case len(cmd.data) > 0 || cmd.ne == noNe:
		return nil, swWrongLength
	case cmd.p2 != 0x04: // the record that P1 numbers, of the current file
		return nil, swWrongP1P2
	case c.ef == nil:
		return nil, swNoCurrentFile
	case c.ef.records == nil:
		return nil, swFileStructure
	}
	records := c.ef.records()
	if n := int(cmd.p1); n == 0 || n > len(records) {
		return nil, swNoRecord
	}
	r := records[cmd.p1-1]
	return r[:min(len(r), cmd.ne)], swOK
}

// padded is a file's body with bytes behind it that are not used.
func (l Layout) padded(b []byte, size int) []byte {
	fill := byte(0x00)
	if l.PadFF {
		fill = 0xFF
	}
	b = bytes.Clone(b)
	for len(b) < size {
		b = append(b, fill)
	}
	return b
}
