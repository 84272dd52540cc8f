package signcard

// command is a command APDU (ISO/IEC 7816-4 5.1).
type command struct {
	cla, ins, p1, p2 byte
	data             []byte // empty: none
	ne               int    // bytes wanted; noNe: the command has no Le
	exact            bool   // Le names a number and not "as much as there is"
	extended         bool
}

const noNe = -1

func (c command) p1p2() int { return int(c.p1)<<8 | int(c.p2) }

// parse reads the seven forms of a command (ISO/IEC 7816-4 5.1, cases 1 to 4,
// short and extended). A command that has none of them is of wrong length.
func parse(b []byte) (command, bool) {
	if len(b) < 4 {
		return command{}, false
	}
	c := command{cla: b[0], ins: b[1], p1: b[2], p2: b[3], ne: noNe}
	body := b[4:]
	short := func(le byte) {
		c.ne, c.exact = int(le), le != 0
		if le == 0 {
			c.ne = 256
		}
	}
	long := func(le []byte) {
		c.extended = true
		c.ne = int(le[0])<<8 | int(le[1])
		c.exact = c.ne != 0
		if c.ne == 0 {
			c.ne = 65536
		}
	}
	switch {
	case len(body) == 0: // case 1
	case len(body) == 1: // case 2 short
		short(body[0])
	case body[0] != 0: // cases 3 and 4 short
		n := int(body[0])
		switch len(body) {
		case 1 + n:
		case 2 + n:
			short(body[1+n])
		default:
			return c, false
		}
		c.data = body[1 : 1+n]
	case len(body) == 3: // case 2 extended
		long(body[1:])
	case len(body) > 3: // cases 3 and 4 extended
		c.extended = true
		n := int(body[1])<<8 | int(body[2])
		if n == 0 {
			return c, false
		}
		switch len(body) {
		case 3 + n:
		case 5 + n:
			long(body[3+n:])
		default:
			return c, false
		}
		c.data = body[3 : 3+n]
	default:
		return c, false
	}
	return c, true
}

// holdsPIN reports whether an instruction carries a PIN in its data.
func holdsPIN(ins byte) bool {
	return ins == insVerify || ins == insChangePIN || ins == insResetRetry
}
