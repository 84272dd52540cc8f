package validator

// crc16 is the CCNET check sum over b: initial value 0, no final XOR
// (CRC-16/KERMIT), sent low byte first.
func crc16(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ crcPolynomial
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// encode wraps a payload of 1 to 245 bytes.
func encode(addr byte, payload []byte) []byte {
	n := len(payload) + frameOverhead
	f := make([]byte, 0, n)
	f = append(f, sync, addr, byte(n))
	f = append(f, payload...)
	crc := crc16(f)
	return append(f, byte(crc), byte(crc>>8))
}

// scanner finds frames in what the host sends. It holds at most maxFrame bytes.
type scanner struct {
	addr byte
	buf  []byte
}

// scanned is what the scanner has found.
type scanned int

const (
	scanMore  scanned = iota // nothing whole yet
	scanFrame                // a good frame addressed to us
	scanBad                  // a frame-shaped run of bytes with a wrong check sum
)

// next takes the first thing out of the buffer. Bytes that cannot begin a frame
// are dropped; after a wrong check sum one byte is dropped and the hunt goes on,
// because a SYNC may stand inside data.
func (s *scanner) next() (payload []byte, what scanned) {
	for len(s.buf) > 0 {
		if s.buf[0] != sync || len(s.buf) > 1 && s.buf[1] != s.addr ||
			len(s.buf) > 2 && (s.buf[2] < minFrame || s.buf[2] > maxFrame) {
			s.buf = s.buf[1:]
			continue
		}
		if len(s.buf) < 3 || len(s.buf) < int(s.buf[2]) {
			return nil, scanMore
		}
		n := int(s.buf[2])
		if crc16(s.buf[:n]) != 0 { // over a good frame and its own check sum: zero
			s.buf = s.buf[1:]
			return nil, scanBad
		}
		payload = append([]byte(nil), s.buf[3:n-2]...)
		s.buf = append([]byte(nil), s.buf[n:]...)
		return payload, scanFrame
	}
	return nil, scanMore
}
