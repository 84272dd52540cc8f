package signcard

// tlv is one BER object: a tag of one byte or, above FF, of two.
func tlv(tag int, parts ...[]byte) []byte { return der{}.obj(tag, parts...) }

// der writes the card's directory files.
type der struct{ nonMinimal bool }

func (d der) obj(tag int, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	var b []byte
	if tag > 0xFF {
		b = append(b, byte(tag>>8))
	}
	b = append(b, byte(tag))
	switch {
	case d.nonMinimal, n > 0xFF:
		b = append(b, 0x82, byte(n>>8), byte(n))
	case n > 0x7F:
		b = append(b, 0x81, byte(n))
	default:
		b = append(b, byte(n))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func (d der) seq(parts ...[]byte) []byte { return d.obj(0x30, parts...) }
func (d der) octets(b []byte) []byte     { return d.obj(0x04, b) }
func (d der) utf8(s string) []byte       { return d.obj(0x0C, []byte(s)) }
func (d der) enum(n int) []byte          { return d.obj(0x0A, []byte{byte(n)}) }
func (d der) null() []byte               { return d.obj(0x05) }

// integer is an INTEGER of 0 or more, in as few bytes as it needs.
func (d der) integer(n int) []byte { return d.obj(0x02, intBytes(n)) }

func intBytes(n int) []byte {
	b := []byte{byte(n)}
	for n >>= 8; n > 0; n >>= 8 {
		b = append([]byte{byte(n)}, b...)
	}
	if b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

// bits is a named BIT STRING: bit 0 is the first one (X.680 22).
func (d der) bits(set ...int) []byte {
	var b []byte
	last := -1
	for _, n := range set {
		for len(b) <= n/8 {
			b = append(b, 0)
		}
		b[n/8] |= 0x80 >> (n % 8)
		last = max(last, n)
	}
	unused := 0
	if last >= 0 {
		unused = 7 - last%8
	}
	return d.obj(0x03, []byte{byte(unused)}, b)
}

// elements splits the data of a command into objects with tags of one byte.
func elements(b []byte) (map[byte][]byte, bool) {
	m := map[byte][]byte{}
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, false
		}
		tag, n, at := b[0], int(b[1]), 2
		if more := n & 0x7F; n >= 0x80 { // so many bytes of length follow
			if more < 1 || more > 2 || len(b) < 2+more {
				return nil, false
			}
			n = 0
			for _, x := range b[2 : 2+more] {
				n = n<<8 | int(x)
			}
			at += more
		}
		if n > len(b)-at {
			return nil, false
		}
		m[tag], b = b[at:at+n], b[at+n:]
	}
	return m, true
}
