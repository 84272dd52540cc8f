package ccnet

// Sizes of a mask on the line, in bytes (section 6.1): 24 bill types, or 48 where
// the unit's table has so many.
const (
	maskBytes     = 3
	maskBytesLong = 6
)

// Mask is a set of bill types: bit t stands for type t, 0 to 47.
type Mask uint64

// MaskOf is the set of the types; one outside 0 to 47 is left out.
func MaskOf(types ...int) Mask {
	var m Mask
	for _, t := range types {
		if t >= 0 && t < 8*maskBytesLong {
			m |= 1 << t
		}
	}
	return m
}

// Types lists the set, ascending.
func (m Mask) Types() []int {
	var out []int
	for t := range 8 * maskBytesLong {
		if m&(1<<t) != 0 {
			out = append(out, t)
		}
	}
	return out
}

// append adds the mask in n bytes, most significant first: type 0 is bit 0 of the
// last byte.
func (m Mask) append(dst []byte, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(m>>(8*i)))
	}
	return dst
}

func parseMask(b []byte) Mask {
	var m Mask
	for _, x := range b {
		m = m<<8 | Mask(x)
	}
	return m
}

// enablePayload is ENABLE BILL TYPES: these types, all of them through escrow.
func enablePayload(m Mask, n int) []byte {
	return m.append(m.append([]byte{cmdEnableBillTypes}, n), n)
}

// Status is the answer to GET STATUS.
type Status struct {
	Enabled      Mask
	HighSecurity Mask
}

// ParseStatus reads the answer to GET STATUS: 6 bytes, or 12 with 48 types.
func ParseStatus(payload []byte) (Status, bool) {
	n := len(payload) / 2
	if len(payload) != 2*maskBytes && len(payload) != 2*maskBytesLong {
		return Status{}, false
	}
	return Status{Enabled: parseMask(payload[:n]), HighSecurity: parseMask(payload[n:])}, true
}
