package apdu

// historicalBytes are the card's own words in its answer to reset (ISO/IEC 7816-3
// section 8.2); nil if the ATR makes no sense.
func historicalBytes(atr []byte) []byte {
	if len(atr) < 2 {
		return nil
	}
	count := int(atr[1] & 0x0F)
	indicator := atr[1] >> 4 // which of TA, TB, TC, TD follow
	at := 2
	for indicator != 0 {
		for _, bit := range []byte{1, 2, 4} {
			if indicator&bit != 0 {
				at++
			}
		}
		if indicator&8 == 0 {
			break
		}
		if at >= len(atr) {
			return nil
		}
		indicator = atr[at] >> 4
		at++
	}
	if at+count > len(atr) {
		return nil
	}
	return atr[at : at+count]
}

// Compact data objects in the historical bytes (ISO/IEC 7816-4 section 8.1.1).
const (
	categoryStatusLast   = 0x00 // compact objects, then three bytes of status
	categoryCompact      = 0x80 // compact objects only
	tagCardCapabilities  = 0x7
	softwareFunctionsLen = 3
	extendedLengthBit    = 0x40 // in the third software function byte
)

// extendedByATR reports whether the card says that it knows extended lengths.
func extendedByATR(atr []byte) bool {
	h := historicalBytes(atr)
	if len(h) == 0 {
		return false
	}
	switch h[0] {
	case categoryCompact:
		h = h[1:]
	case categoryStatusLast:
		h = h[1:max(1, len(h)-3)]
	default:
		return false
	}
	for len(h) > 0 {
		tag, n := h[0]>>4, int(h[0]&0x0F)
		h = h[1:]
		if n > len(h) {
			return false
		}
		if tag == tagCardCapabilities && n >= softwareFunctionsLen {
			return h[2]&extendedLengthBit != 0
		}
		h = h[n:]
	}
	return false
}
