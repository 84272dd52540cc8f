package paperprinter

import "fmt"

// settings are what ESC @ and power-on set back.
type settings struct {
	unitY      int // feed units per inch
	unitX      int
	pitch      int // line pitch in units; negative: the usual 1/6 inch
	align      byte
	leftMargin int // dots
	printWidth int // dots; zero: all
	asb        byte
	deselected bool
}

// running is a command whose payload is still coming.
type running struct {
	op   op
	args []byte
	data []byte
	lost int // payload bytes that were not kept
	skip bool
}

func (p *Printer) resetSettings() {
	p.set = settings{unitY: p.cfg.UnitY, unitX: p.cfg.DPI, pitch: -1}
	p.textLine = textLine{}
	p.symbol = symbol{}
}

// rowsOf is a number of feed units in rows.
func (p *Printer) rowsOf(units int) int { return units * p.cfg.DPI / p.set.unitY }

func (p *Printer) pitchRows() int {
	if p.set.pitch < 0 {
		return p.cfg.DPI / 6
	}
	return p.rowsOf(p.set.pitch)
}

// execute carries out the first token of the buffer.
func (p *Printer) execute() {
	t := p.lex.next()
	p.keepRaw(t.raw)
	if p.set.deselected && t.op != opSelect {
		return
	}
	switch t.op {
	case opPayload:
		p.piece(t)
		return
	case opDone:
		if c := p.cmd; c != nil {
			p.cmd = nil
			p.done(c)
		}
		return
	case opRaster, opColumns, opParen, opEight, opDownload:
		p.cmd = &running{op: t.op, args: t.args}
		p.cmd.skip = t.op == opRaster && (t.args[0] != '0' || t.args[1]&^0x33 != 0)
		return
	}
	p.command(t)
}

// piece takes a part of a payload. A raster prints as it comes.
func (p *Printer) piece(t token) {
	c := p.cmd
	switch {
	case c == nil || c.skip:
	case c.op == opRaster:
		p.raster(t.data, c.args[1]&1 != 0, c.args[1]&2 != 0)
	case len(c.data)+len(t.data) > maxGraphics:
		c.lost += len(t.data)
	default:
		c.data = append(c.data, t.data...)
	}
}

// raster prints one row of dots.
func (p *Printer) raster(row []byte, wide, high bool) {
	p.endLine(0)
	if wide {
		row = doubled(row)
	}
	row = p.placed(row, len(row)*8)
	p.ops = append(p.ops, mechOp{row: row})
	if high {
		p.ops = append(p.ops, mechOp{row: row})
	}
}

// placed shifts a row to where margin and alignment want it.
func (p *Printer) placed(row []byte, width int) []byte {
	area := p.cfg.Dots - p.set.leftMargin
	if w := p.set.printWidth; w > 0 && w < area {
		area = w
	}
	shift := p.set.leftMargin
	if spare := area - width; spare > 0 {
		shift += spare * int(p.set.align) / 2
	}
	if shift == 0 && area >= p.cfg.Dots {
		return row
	}
	placed := make([]byte, p.stride())
	for x := range min(width, area) {
		if row[x/8]&(0x80>>(x%8)) != 0 {
			if at := x + shift; at < p.cfg.Dots {
				placed[at/8] |= 0x80 >> (at % 8)
			}
		}
	}
	return placed
}

// doubled makes every dot of a row two dots wide.
func doubled(row []byte) []byte {
	out := make([]byte, 2*len(row))
	for x := range 8 * len(row) {
		if row[x/8]&(0x80>>(x%8)) != 0 {
			out[x/4] |= 0xC0 >> (x % 4 * 2)
		}
	}
	return out
}

func (p *Printer) feed(rows int) {
	if rows > 0 {
		p.ops = append(p.ops, mechOp{feed: rows})
	}
}

// command carries out a command without payload.
func (p *Printer) command(t token) {
	arg := func(i int) int {
		if i < len(t.args) {
			return int(t.args[i])
		}
		return 0
	}
	switch t.op {
	case opInit:
		p.resetSettings()
	case opSelect:
		p.set.deselected = arg(0)&1 == 0
	case opStandard, ht, nul:
	case opAlign:
		if p.textLine.empty() {
			p.set.align = byte(min(arg(0)&3, 2))
		}
	case opPitch:
		p.set.pitch = arg(0)
	case opPitchUsual:
		p.set.pitch = -1
	case opFeedUnits:
		p.endLine(p.rowsOf(arg(0)))
	case opFeedLines:
		p.endLine(p.pitchRows() * arg(0))
	case lf:
		p.endLine(p.pitchRows())
	case cr, ff:
	case can:
		p.textLine = textLine{}
	case opMotionUnits:
		p.motionUnits(arg(0), arg(1))
	case opLeftMargin:
		p.set.leftMargin = min((arg(0)|arg(1)<<8)*p.cfg.DPI/p.set.unitX, p.cfg.Dots)
	case opPrintWidth:
		p.set.printWidth = min((arg(0)|arg(1)<<8)*p.cfg.DPI/p.set.unitX, p.cfg.Dots)
	case opCut:
		p.cut(t.args)
	case opCutOldFull, opCutOldPart:
		p.endLine(0)
		p.ops = append(p.ops, mechOp{cut: true, part: t.op == opCutOldPart})
	case opAutoStatus:
		p.set.asb = byte(arg(0))
		if p.set.asb&(asbOnline|asbError|asbPaper) != 0 {
			p.ops = append(p.ops, mechOp{replyF: func() []byte { b := p.asbBytes(); return b[:] }})
		}
	case opTransmit:
		p.transmit(byte(arg(0)))
	case opIdentity:
		p.identity(byte(arg(0)))
	case opPaperLeft, opCuts, opPrinted, opRetracted, opPowerUps:
		p.counter(t.op)
	case opBarcode:
		p.ignored("barcode GS k %02X", arg(0))
	default:
		if t.op > ' ' && t.op < 0x100 || t.op == ' ' {
			p.char(byte(t.op))
			return
		}
		if _, known := argsLen[t.op]; !known && t.op != opUserChars && t.op != opTabs {
			p.ignored("command %X", t.raw)
		}
	}
}

func (p *Printer) motionUnits(x, y int) {
	p.set.unitX, p.set.unitY = x, y
	if x == 0 {
		p.set.unitX = p.cfg.DPI
	}
	if y == 0 {
		p.set.unitY = p.cfg.UnitY
	}
}

// cut is GS V.
func (p *Printer) cut(args []byte) {
	p.endLine(0)
	m := args[0]
	switch m {
	case 0, '0', 1, '1':
		p.ops = append(p.ops, mechOp{cut: true, part: m&1 != 0})
	case 'A', 'B':
		p.feed(p.cfg.HeadToCutter + p.rowsOf(int(args[1])))
		p.ops = append(p.ops, mechOp{cut: true, part: m == 'B'})
	default:
		p.ignored("GS V %02X", m)
	}
}

// transmit is GS r: answered in its turn.
func (p *Printer) transmit(n byte) {
	switch n {
	case transmitPaper, '1':
		p.ops = append(p.ops, mechOp{replyF: func() []byte {
			return []byte{bit(p.nearEnd(), transmitNearEnd) | bit(p.paperEnd(), transmitEnd)}
		}})
	case transmitDrawer, '2':
		p.ops = append(p.ops, mechOp{reply: []byte{0}})
	default:
		p.ignored("GS r %02X", n)
	}
}

// counter answers one of the Custom family's counters as text.
func (p *Printer) counter(o op) {
	if !p.cfg.Counters {
		p.ignored("counter %04X", int(o))
		return
	}
	cm := func(rows uint64) uint64 { return rows * 254 / uint64(p.cfg.DPI) / 100 }
	p.ops = append(p.ops, mechOp{replyF: func() []byte {
		switch o {
		case opPaperLeft:
			return fmt.Appendf(nil, "%dcm", cm(uint64(max(p.w.RollLeft, 0))))
		case opCuts:
			return fmt.Appendf(nil, "%d cuts", p.w.Cuts)
		case opPrinted:
			return fmt.Appendf(nil, "%dcm", cm(p.w.Rows))
		case opRetracted:
			return []byte("0ret")
		}
		return fmt.Appendf(nil, "%don", p.w.PowerUps)
	}})
}

// done carries out a command whose payload is complete.
func (p *Printer) done(c *running) {
	switch {
	case c.lost > 0:
		p.ignored("command %04X with %d bytes too many", int(c.op), c.lost)
	case c.op == opRaster && c.skip:
		p.ignored("GS v with parameters % X", c.args)
	case c.op == opRaster:
	case c.op == opColumns:
		p.columns(c.args[0], c.data)
	case c.op == opParen:
		p.paren(c.args[0], c.data)
	case c.op == opEight && c.args[0] == parenGraphics:
		p.graphic(c.data)
	default:
		p.ignored("command %04X", int(c.op))
	}
}

// paren is GS ( letter.
func (p *Printer) paren(letter byte, d []byte) {
	switch letter {
	case parenGraphics:
		p.graphic(d)
	case parenResponse:
		if p.cfg.NoBarrier || len(d) != responseLen || d[0] != responseFn48 || d[1] != responseM {
			p.ignored("GS ( H % X", d)
			return
		}
		p.ops = append(p.ops, mechOp{reply: append(append([]byte{blockHeader, blockProcess}, d[2:]...), nul)})
	case parenSymbol:
		if p.cfg.NoSymbols {
			p.ignored("GS ( k")
			return
		}
		p.symbolCommand(d)
	case parenControl, parenRealTime: // darkness, speed, real-time commands: no dot depends on them
	default:
		p.ignored("GS ( %c", letter)
	}
}
