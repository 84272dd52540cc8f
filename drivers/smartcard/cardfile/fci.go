package cardfile

import (
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
)

// Kind is a file's structure.
type Kind int

const (
	KindUnknown Kind = iota
	Transparent      // bytes, read by offset
	Records          // records, read by number
	Directory        // a DF: files inside
)

// Info is what a card says of a file when it is selected.
type Info struct {
	Kind Kind
	Size int    // bytes of a transparent file; SizeUnknown if the card does not say
	Sure bool   // Size counts the contents alone, not the file's administration
	Name []byte // a DF's application identifier
}

// SizeUnknown as a size: read until the card says that the file ends.
const SizeUnknown = -1

// Data objects of file control information (ISO/IEC 7816-4 section 7.4.3).
const (
	tagFCI        ber.Tag = 0x6F
	tagFCP        ber.Tag = 0x62
	tagSizeBody   ber.Tag = 0x80
	tagSizeAll    ber.Tag = 0x81
	tagDescriptor ber.Tag = 0x82
	tagDFName     ber.Tag = 0x84

	// The descriptor's first byte, without the bit for shareable files.
	descriptorMask = 0x3F
	descriptorDF   = 0x38
	structureMask  = 0x07
	structureByte  = 0x01
	structureLast  = 0x06 // 2 to 6 are the record structures
)

// ParseInfo reads the answer to SELECT, file control information or parameters.
// Cards may answer nothing, or something of their own: then all of it is unknown.
func ParseInfo(b []byte) Info {
	info := Info{Size: SizeUnknown}
	v, err := ber.New(b).Next()
	if err != nil || (v.Tag != tagFCI && v.Tag != tagFCP) {
		return info
	}
	readInfo(v, &info)
	return info
}

func readInfo(template ber.Value, info *Info) {
	r, err := template.Inside()
	if err != nil {
		return
	}
	for r.More() {
		v, err := r.Next()
		if err != nil {
			return
		}
		switch v.Tag {
		case tagFCP: // a whole FCI holds the parameters in their own template
			readInfo(v, info)
		case tagSizeBody:
			if n := size(v.Body); n > 0 {
				info.Size, info.Sure = n, true
			}
		case tagSizeAll:
			if n := size(v.Body); n > 0 && !info.Sure {
				info.Size = n
			}
		case tagDescriptor:
			if len(v.Body) > 0 {
				info.Kind = kind(v.Body[0] & descriptorMask)
			}
		case tagDFName:
			if len(v.Body) <= MaxAID {
				info.Name = v.Body
			}
		}
	}
}

func kind(descriptor byte) Kind {
	switch structure := descriptor & structureMask; {
	case descriptor == descriptorDF:
		return Directory
	case structure == structureByte:
		return Transparent
	case structure > structureByte && structure <= structureLast:
		return Records
	}
	return KindUnknown
}

// size is a size up to MaxFile. Some cards say 0 for a file with contents, which
// is as good as nothing; one that says more is read to the limit.
func size(b []byte) int {
	n := 0
	for _, x := range b {
		if n = n<<8 | int(x); n > MaxFile {
			return MaxFile
		}
	}
	return n
}
