package paperprinter

// token is one command, or a piece of its payload, as it lies in the receive
// buffer.
type token struct {
	op   op
	args []byte // parameters after the two bytes of op
	data []byte // of opPayload
	size int    // bytes of the receive buffer it takes
	raw  []byte // those bytes, as far as they are kept
}

// lexer divides arrived bytes into tokens. It keeps at most one command header
// and one piece of payload.
type lexer struct {
	head    []byte // the command so far
	need    int    // bytes that head must have before it is looked at again
	payload int    // bytes of payload to come
	piece   []byte // payload bytes that are no token yet
	size    int    // bytes that piece stands for
	width   int    // bytes of a piece
	tokens  []token
	queued  int // bytes of the tokens
}

// used is how many bytes of the buffer are taken. Of a long header and a row
// wider than any head the rest moves out of the buffer as it comes.
func (l *lexer) used() int { return l.queued + min(len(l.head), pieceLen) + len(l.piece) }

// ground reports whether the next byte begins a command.
func (l *lexer) ground() bool { return len(l.head) == 0 && l.payload == 0 }

func (l *lexer) reset() { *l = lexer{} }

// push takes one byte.
func (l *lexer) push(c byte) {
	if l.payload > 0 {
		l.push1(c)
		return
	}
	l.head = append(l.head, c)
	if len(l.head) < l.need {
		return
	}
	l.need = 0
	switch l.head[0] {
	case esc, gs, fs:
		l.header()
	default:
		l.emit(op(c), 1)
	}
}

// push1 takes one byte of payload.
func (l *lexer) push1(c byte) {
	if len(l.piece) < maxRowBytes {
		l.piece = append(l.piece, c)
	}
	l.size++
	l.payload--
	if l.size == l.width || l.payload == 0 {
		l.add(token{op: opPayload, data: l.piece, size: len(l.piece), raw: l.piece})
		l.piece, l.size = nil, 0
	}
	if l.payload == 0 {
		l.add(token{op: opDone})
	}
}

func (l *lexer) add(t token) {
	l.tokens = append(l.tokens, t)
	l.queued += t.size
}

// next takes the first token.
func (l *lexer) next() token {
	t := l.tokens[0]
	l.tokens = l.tokens[1:]
	l.queued -= t.size
	return t
}

// emit makes a token of the head, whose op takes n bytes of it.
func (l *lexer) emit(o op, n int) {
	l.add(token{op: o, args: l.head[n:], size: min(len(l.head), pieceLen), raw: l.head})
	l.head = nil
}

// more asks for a head of n bytes.
func (l *lexer) more(n int) { l.need = n }

// argsLen is how many bytes follow a command of fixed length.
var argsLen = map[op]int{
	opInit: 0, opSelect: 1, opStandard: 0, opAlign: 1, opPitch: 1, opPitchUsual: 0, opFeedUnits: 1, opFeedLines: 1,
	opCutOldFull: 0, opCutOldPart: 0, opMotionUnits: 2, opLeftMargin: 2, opPrintWidth: 2,
	opAutoStatus: 1, opTransmit: 1, opIdentity: 1,
	opPaperLeft: 0, opCuts: 0, opPrinted: 0, opRetracted: 0, opPowerUps: 0,

	// text settings, which this printer has one of
	opOf(esc, '!'): 1, opOf(esc, 'E'): 1, opOf(esc, 'G'): 1, opOf(esc, '-'): 1, opOf(esc, 'M'): 1, opOf(esc, 't'): 1,
	opOf(esc, 'R'): 1, opOf(esc, '{'): 1, opOf(esc, '%'): 1, opOf(esc, ' '): 1, opOf(esc, '$'): 2, opOf(esc, '\\'): 2,
	opOf(esc, 'V'): 1, opOf(esc, 'r'): 1, opOf(esc, 'p'): 3, opOf(esc, 'c'): 2, opOf(esc, '?'): 1, opOf(esc, 'L'): 0,
	opOf(gs, '!'): 1, opOf(gs, 'B'): 1, opOf(gs, 'H'): 1, opOf(gs, 'f'): 1, opOf(gs, 'h'): 1, opOf(gs, 'w'): 1,
	opOf(gs, '|'): 1, opOf(gs, '/'): 1, opOf(gs, ':'): 0, opOf(gs, '^'): 3, opOf(gs, 'b'): 1, opOf(gs, '$'): 2,
	opOf(gs, '\\'): 2, opOf(gs, 0xE0): 1, opOf(fs, '.'): 0, opOf(fs, '&'): 0, opOf(fs, 'C'): 1, opOf(fs, 'p'): 2,
}

// header looks at a command's head and asks for more, begins its payload, or
// emits it.
func (l *lexer) header() {
	h := l.head
	if len(h) < 2 {
		l.more(2)
		return
	}
	o := opOf(h[0], h[1])
	if n, ok := argsLen[o]; ok {
		if len(h) < 2+n {
			l.more(2 + n)
			return
		}
		l.emit(o, 2)
		return
	}
	switch o {
	case opCut:
		l.cut(o)
	case opBarcode:
		l.barcode(o)
	case opTabs:
		if last := h[len(h)-1]; len(h) > 2 && last == nul || len(h) >= 35 {
			l.emit(o, 2)
		}
	case opUserChars:
		l.userChars(o)
	case opRaster: // GS v 0 m xL xH yL yH
		if len(h) < 8 {
			l.more(8)
			return
		}
		x, y := word(h[4:]), word(h[6:])
		l.begin(o, x*y, x)
	case opColumns: // ESC * m nL nH
		if len(h) < 5 {
			l.more(5)
			return
		}
		l.begin(o, word(h[3:])*columnBytes(h[2]), pieceLen)
	case opDownload: // GS * x y
		if len(h) < 4 {
			l.more(4)
			return
		}
		l.begin(o, int(h[2])*int(h[3])*8, pieceLen)
	case opParen: // GS ( letter pL pH
		if len(h) < 5 {
			l.more(5)
			return
		}
		l.begin(o, word(h[3:]), pieceLen)
	case opEight: // GS 8 L p1 p2 p3 p4
		if len(h) < 7 {
			l.more(7)
			return
		}
		l.begin(o, word(h[3:])|word(h[5:])<<16, pieceLen)
	default:
		l.emit(o, 2)
	}
}

// begin emits the head and lets payload follow in pieces of width bytes.
func (l *lexer) begin(o op, payload, width int) {
	l.emit(o, 2)
	l.payload, l.width = payload, width
	if payload == 0 {
		l.add(token{op: opDone})
	}
}

func (l *lexer) cut(o op) {
	h := l.head
	if len(h) < 3 {
		l.more(3)
		return
	}
	if cutFeeds(h[2]) && len(h) < 4 {
		l.more(4)
		return
	}
	l.emit(o, 2)
}

// cutFeeds reports whether GS V m takes a feed.
func cutFeeds(m byte) bool {
	return m == 'A' || m == 'B' || m == 'a' || m == 'b' || m == 'g' || m == 'h'
}

// barcode is GS k m data 00 (m up to 6) or GS k m n data.
func (l *lexer) barcode(o op) {
	h := l.head
	switch {
	case len(h) < 4:
		l.more(4)
	case h[2] <= 6:
		if h[len(h)-1] == nul || len(h) >= 3+255 {
			l.emit(o, 2)
		}
	case len(h) < 4+int(h[3]):
		l.more(4 + int(h[3]))
	default:
		l.emit(o, 2)
	}
}

// userChars is ESC & y c1 c2 and for each character x and x*y bytes.
func (l *lexer) userChars(o op) {
	h := l.head
	if len(h) < 5 {
		l.more(5)
		return
	}
	y, at := int(h[2]), 5
	if h[4] < h[3] || y > 3 {
		l.emit(o, 2)
		return
	}
	for range int(h[4]) - int(h[3]) + 1 {
		if len(h) <= at {
			l.more(at + 1)
			return
		}
		at += 1 + int(h[at])*y
	}
	if len(h) < at {
		l.more(at)
		return
	}
	l.emit(o, 2)
}

func columnBytes(m byte) int {
	if m >= column24From {
		return column24Dots / 8
	}
	return columnDots / 8
}

// word is a two-byte value, low byte first.
func word(b []byte) int { return int(b[0]) | int(b[1])<<8 }
