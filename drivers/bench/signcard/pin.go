package signcard

import "bytes"

// Verified reports whether any PIN is verified now: whether the next user of the
// reader could sign without one.
func (c *Card) Verified() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verified != [PUK + 1]bool{}
}

// Tries is how many tries PIN1, PIN2 or PUK has left; zero: it is blocked.
func (c *Card) Tries(pin int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pin < PIN1 || pin > PUK {
		return 0
	}
	return c.left[pin]
}

// byReference finds a PIN by VERIFY's P2. A local PIN is known in its folder
// only.
func (c *Card) byReference(ref byte) (int, bool) {
	for n := PIN1; n <= PUK; n++ {
		p := c.cfg.pin(n)
		if p.Value == "" || p.Reference != ref {
			continue
		}
		if n == PIN2 && c.cfg.Layout.SigningDF && !c.inSigningDF() {
			continue
		}
		return n, true
	}
	return 0, false
}

// verify is VERIFY (ISO/IEC 7816-4 7.5.6). Without data it tells the state.
func (c *Card) verify(cmd command) int {
	if cmd.p1 != 0 {
		return swWrongP1P2
	}
	n, ok := c.byReference(cmd.p2)
	if !ok {
		return swNoReference
	}
	if len(cmd.data) == 0 {
		switch {
		case c.cfg.Layout.NoTryQuery:
			return swWrongLength
		case c.cfg.pin(n).NotSet:
			return swUnusable
		case c.verified[n]:
			return swOK
		case c.left[n] == 0:
			return swBlocked
		}
		return swPINWrongLeft | c.left[n]
	}
	return c.try(n, cmd.data)
}

// try compares a PIN. What has not the form of a PIN costs no try; a wrong one
// costs one and takes back an earlier right one.
func (c *Card) try(n int, data []byte) int {
	p := c.cfg.pin(n)
	switch {
	case p.NotSet:
		return swUnusable
	case c.left[n] == 0:
		return swBlocked
	}
	if sw := p.form(data); sw != swOK {
		return sw
	}
	if bytes.Equal(data, p.block()) {
		c.left[n] = p.Tries
		c.verified[n] = true
		return swOK
	}
	c.verified[n] = false
	c.left[n]--
	if c.cfg.Layout.Wrong6300 {
		return swPINWrong
	}
	return swPINWrongLeft | c.left[n]
}

// resetRetry is RESET RETRY COUNTER with the PUK alone (ISO/IEC 7816-4 7.5.10,
// P1 = 1): PIN1 or PIN2 keeps its value and gets its tries back. A terminal never
// sends it.
func (c *Card) resetRetry(cmd command) int {
	n, ok := c.byReference(cmd.p2)
	switch {
	case cmd.p1 != 1:
		return swWrongP1P2
	case !ok || n == PUK || c.cfg.PUK.Value == "":
		return swNoReference
	case len(cmd.data) == 0:
		return swWrongLength
	}
	sw := c.try(PUK, cmd.data)
	c.verified[PUK] = false
	if sw == swOK {
		c.left[n] = c.cfg.pin(n).Tries
	}
	return sw
}

// block is the PIN as it is sent in VERIFY.
func (p *PIN) block() []byte {
	var b []byte
	switch p.Type {
	case PINBCD:
		b = bcd(p.Value, p.Pad&0x0F)
	case PINHalfBCD:
		for _, d := range []byte(p.Value) {
			b = append(b, 0xF0|d&0x0F)
		}
	case PINISO9564:
		b = append([]byte{0x20 | byte(len(p.Value))}, bcd(p.Value, 0x0F)...)
	default:
		b = []byte(p.Value)
	}
	for p.Padded && len(b) < p.Stored {
		b = append(b, p.Pad)
	}
	return b
}

// bcd packs two digits into each byte; an odd last one is followed by fill.
func bcd(digits string, fill byte) []byte {
	var b []byte
	for i := 0; i < len(digits); i += 2 {
		low := fill
		if i+1 < len(digits) {
			low = digits[i+1] & 0x0F
		}
		b = append(b, digits[i]<<4|low)
	}
	return b
}

// form checks that data can be a PIN at all: its length (6700) and its characters
// (6A80).
func (p *PIN) form(data []byte) int {
	body := data
	if p.Padded {
		if len(data) != p.Stored {
			return swWrongLength
		}
		for len(body) > 0 && body[len(body)-1] == p.Pad {
			body = body[:len(body)-1]
		}
	} else if n := len(p.block()) - len(p.Value); len(data) > p.Max+n || len(data) == 0 {
		return swWrongLength
	}
	n, ok := len(body), true
	switch p.Type {
	case PINASCII:
		for _, b := range body {
			ok = ok && '0' <= b && b <= '9'
		}
	case PINHalfBCD:
		for _, b := range body {
			ok = ok && b&0xF0 == 0xF0 && b&0x0F <= 9
		}
	case PINISO9564:
		n, ok = int(data[0]&0x0F), data[0]>>4 == 2
		ok = ok && areDigits(data[1:], n) && bytes.Count(data[1+(n+1)/2:], []byte{0xFF}) == len(data)-1-(n+1)/2
	case PINBCD:
		if p.Pad&0x0F <= 9 { // the filling looks like digits: nothing to count
			body, n = data, max(p.Min, len(body))
			ok = areDigits(body, 2*len(body))
			break
		}
		n = 2 * len(body)
		if n > 0 && body[len(body)-1]&0x0F == p.Pad&0x0F {
			n--
		}
		ok = areDigits(body, n)
	}
	if !ok || n < p.Min || n > p.Max {
		return swWrongData
	}
	return swOK
}

// areDigits reports whether the first n nibbles of b are there and decimal.
func areDigits(b []byte, n int) bool {
	if n > 2*len(b) {
		return false
	}
	for i := range n {
		if b[i/2]>>(4*(1-i%2))&0x0F > 9 {
			return false
		}
	}
	return true
}
