package printertest

import "time"

// work occupies the mechanism for a while, then does f.
func (t *Thermal) work(d time.Duration, f func()) {
	t.busy, t.after = t.now.Add(d), f
}

// execute does the next command of the buffer, or the next row of a picture; it
// reports false when there is nothing whole to do.
func (t *Thermal) execute() bool {
	if t.raster.rows > 0 {
		if len(t.buf) < t.raster.wide {
			return false
		}
		dots := append([]byte(nil), t.take(t.raster.wide)...)
		t.raster.rows--
		t.row(dots)
		return true
	}
	if len(t.buf) == 0 {
		return false
	}
	switch c := t.buf[0]; {
	case c == dle:
		return t.skipRealtime()
	case c == 0x1B:
		return t.escape()
	case c == 0x1D:
		return t.group()
	case c == '\n':
		t.take(1)
		t.flushText()
	case c >= ' ':
		t.take(1)
		t.text = true
	default:
		t.take(1)
	}
	return true
}

// take removes n bytes from the front.
func (t *Thermal) take(n int) []byte {
	b := t.buf[:n]
	t.buf = t.buf[n:]
	return b
}

// row prints one row and moves on; at the roll's end, or in a jam, it stops
// before.
func (t *Thermal) row(dots []byte) {
	t.work(t.c.RowTime, func() {
		switch {
		case t.RollEnd > 0 && t.paper.pos >= t.RollEnd:
			t.NoPaper = true
			t.stopped = func() { t.row(dots) } // goes on with this row on the next roll
		case t.BadFeed && len(dots) > 0:
			t.feedError = true
		case t.offline():
			t.stopped = func() { t.row(dots) }
		default:
			t.paper.mark(dots)
			t.paper.pos++
		}
	})
}

// feed moves n rows of white.
func (t *Thermal) feed(n int, then func()) {
	if n == 0 {
		if then != nil {
			then()
		}
		return
	}
	t.work(t.c.RowTime*time.Duration(n), func() {
		if t.RollEnd > 0 && t.paper.pos+n >= t.RollEnd {
			t.paper.pos = max(t.paper.pos, t.RollEnd)
			t.NoPaper = true
		} else {
			t.paper.pos += n
		}
		if then != nil {
			then()
		}
	})
}

// flushText prints the line buffer: 24 black rows stand for any characters.
func (t *Thermal) flushText() {
	if !t.text {
		return
	}
	t.text = false
	for range 24 {
		t.paper.mark([]byte{0xFF, 0xAA, 0xFF})
		t.paper.pos++
	}
}

// cut feeds and cuts; n < 0: cut here, without feeding.
func (t *Thermal) cut(n int) {
	t.flushText()
	dist := 0
	if n >= 0 {
		dist = t.c.HeadToCutter + n
	}
	t.feed(dist, t.blade)
}

// blade cuts where the paper lies.
func (t *Thermal) blade() {
	t.work(t.c.CutTime, func() {
		switch {
		case t.BadCut:
			t.cutError = true
		case t.offline():
			t.stopped = t.blade
		default:
			t.paper.split(t.paper.pos-t.c.HeadToCutter, true)
		}
	})
}

// skipRealtime passes over a command that was obeyed when it arrived.
func (t *Thermal) skipRealtime() bool {
	if len(t.buf) < 2 {
		return false
	}
	n := 2
	switch t.buf[1] {
	case 0x04, 0x05:
		n = 3
	case 0x14:
		n = 10
	}
	if len(t.buf) < n {
		return false
	}
	t.take(n)
	return true
}

func (t *Thermal) escape() bool {
	if len(t.buf) < 2 {
		return false
	}
	c := t.buf[1]
	args := map[byte]int{'J': 1, 'a': 1, 'd': 1, '3': 1, '=': 1}[c]
	if len(t.buf) < 2+args {
		return false
	}
	b := t.take(2 + args)
	switch c {
	case '@':
		t.text, t.asb, t.asbLast = false, 0, nil
	case 'J':
		t.flushText()
		t.feed(int(b[2]), nil)
	}
	return true
}

func (t *Thermal) group() bool {
	if len(t.buf) < 2 {
		return false
	}
	args := map[byte]int{'P': 2, 'L': 2, 'W': 2, 'a': 1, 'r': 1, 'I': 1, 'V': 1, 'v': 6}[t.buf[1]]
	switch {
	case t.buf[1] == '(':
		if len(t.buf) < 5 {
			return false
		}
		args = 3 + int(t.buf[3]) + int(t.buf[4])<<8
		if args > t.c.Buffer/2 {
			args = 3 // no printer waits for so much
		}
	case t.buf[1] == 'V' && len(t.buf) > 2 && (t.buf[2] == 65 || t.buf[2] == 66):
		args = 2
	}
	if len(t.buf) < 2+args {
		return false
	}
	b := append([]byte(nil), t.take(2+args)...)
	switch b[1] {
	case 'a':
		t.asb = b[2]
		if t.asb != 0 {
			t.asbLast = t.status()
			t.say(t.asbLast...)
		}
	case 'r':
		t.say(bit(t.NoPaper, 0x0F))
	case 'I':
		t.ident(b[2])
	case 'V':
		if len(b) == 4 {
			t.cut(int(b[3]))
		} else {
			t.cut(-1)
		}
	case 'v':
		t.flushText()
		wide, rows := int(b[4])|int(b[5])<<8, int(b[6])|int(b[7])<<8
		if wide > 0 && wide <= 128 && rows <= 2303 {
			t.raster.wide, t.raster.rows = wide, rows
		}
	case '(':
		if t.c.ProcessID && len(b) == 11 && string(b[2:7]) == "H\x06\x0000" {
			t.say(append(append([]byte{0x37, 0x22}, b[7:]...), 0)...)
		}
	}
	return true
}

func (t *Thermal) ident(n byte) {
	if !t.c.Identity {
		return
	}
	text := map[byte]string{65: "1.00 TEST", 66: "VIRTUAL", 67: "T-80", 68: "0001"}[n]
	if text != "" {
		t.say(append(append([]byte{0x5F}, text...), 0)...)
	}
}
