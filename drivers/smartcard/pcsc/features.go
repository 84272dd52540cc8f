package pcsc

import (
	"encoding/binary"

	"github.com/ebfe/scard"
)

// Names of PC/SC part 10 (revision 2.02.09): 2.2 for the list of features, 2.6.14
// for the properties.
const (
	getFeatureRequest       = 3400 // CM_IOCTL_GET_FEATURE_REQUEST
	featureGetTLVProperties = 0x12
	propertyMaxAPDUDataSize = 0x0A
)

// Bounds of a command's data: what every reader carries, and what none exceeds.
const (
	shortMost    = 255
	extendedMost = 65535
)

// longestCommand asks the reader for the greatest data field it carries. A reader
// that does not tell is given short commands, which all carry: OpenSC/OpenSC #802
// is about cards that sign with one reader and fail with another.
func longestCommand(h bindingCard) int {
	list, err := h.Control(scard.CtlCode(getFeatureRequest), nil)
	if err != nil {
		return shortMost
	}
	code := tlv(list, featureGetTLVProperties)
	if len(code) != 4 {
		return shortMost
	}
	properties, err := h.Control(binary.BigEndian.Uint32(code), nil)
	if err != nil {
		return shortMost
	}
	return maxData(properties)
}

// maxData reads dwMaxAPDUDataSize. Zero or absent means short commands only.
func maxData(properties []byte) int {
	v := tlv(properties, propertyMaxAPDUDataSize)
	if len(v) != 4 {
		return shortMost
	}
	n := binary.LittleEndian.Uint32(v)
	return int(min(max(n, shortMost), extendedMost))
}

// tlv gives the value of the first element with a tag: one byte tag, one byte
// length. A list that breaks off has no further elements.
func tlv(list []byte, tag byte) []byte {
	for len(list) >= 2 {
		n := int(list[1])
		if len(list) < 2+n {
			return nil
		}
		if list[0] == tag {
			return list[2 : 2+n]
		}
		list = list[2+n:]
	}
	return nil
}
