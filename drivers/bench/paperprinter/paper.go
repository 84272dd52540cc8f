package paperprinter

import "slices"

// mechOp is one thing for the mechanism to do.
type mechOp struct {
	row    []byte // one row of dots; nil for a feed
	feed   int    // rows
	cut    bool
	part   bool
	reply  []byte // sent when everything before is done
	replyF func() []byte
}

func (p *Printer) stride() int { return (p.cfg.Dots + 7) / 8 }

// mechanism does the next step of the first operation.
func (p *Printer) mechanism() {
	o := &p.ops[0]
	took := p.rowTime()
	switch {
	case o.row != nil:
		p.advance(o.row)
		p.ops = p.ops[1:]
	case o.feed > 0:
		p.advance(nil)
		if o.feed--; o.feed == 0 {
			p.ops = p.ops[1:]
		}
	case o.cut:
		took = p.cfg.CutTime
		if p.w.CutterBlocked {
			p.cutterError = true // the operation stays: DLE ENQ 1 tries again
			return
		}
		part := o.part
		p.ops = p.ops[1:]
		p.cutPaper(part)
	default:
		took = 0
		if o.replyF != nil {
			p.answer(o.replyF())
		} else if o.reply != nil {
			p.answer(o.reply)
		}
		p.ops = p.ops[1:]
	}
	p.mechFree = p.now.Add(took)
}

// advance moves the paper by one row, with dots or white.
func (p *Printer) advance(row []byte) {
	s := p.stride()
	at := len(p.w.Path)
	p.w.Path = append(p.w.Path, make([]byte, s)...)
	if row != nil {
		copy(p.w.Path[at:], row[:min(s, len(row))])
		if over := s*8 - p.cfg.Dots; over > 0 {
			p.w.Path[at+s-1] &^= 1<<over - 1
		}
	}
	p.w.Rows++
	p.w.RollLeft--
	if len(p.w.Path) > maxStrip*s {
		p.release(len(p.w.Path)/s-p.cfg.HeadToCutter, EndTorn, false)
	}
}

// cutPaper cuts at the cutter, which is some rows behind the head.
func (p *Printer) cutPaper(part bool) {
	p.w.Cuts++
	p.release(len(p.w.Path)/p.stride()-p.cfg.HeadToCutter, EndCut, part)
}

// release lets the outermost rows of the paper go.
func (p *Printer) release(rows int, end End, part bool) {
	if rows <= 0 {
		return // nothing is past the cutter
	}
	n := rows * p.stride()
	p.w.Strips++
	strip := &Strip{
		N:       p.w.Strips,
		Picture: Picture{Width: p.cfg.Dots, Height: rows, Bits: slices.Clone(p.w.Path[:n])},
		End:     end,
		Partial: part,
		Raw:     p.w.Raw,
		At:      p.now,
	}
	p.w.Path = slices.Clone(p.w.Path[n:])
	p.w.Raw = nil
	p.event(Event{Kind: EventStrip, N: strip.N, Text: string(end), Strip: strip})
}

// Hanging is the paper between head and outside that is not cut off.
func (p *Printer) Hanging() Picture {
	return Picture{Width: p.cfg.Dots, Height: len(p.w.Path) / p.stride(), Bits: slices.Clone(p.w.Path)}
}

// keepRaw remembers bytes that were carried out.
func (p *Printer) keepRaw(b []byte) {
	if room := maxRaw - len(p.w.Raw); room > 0 {
		p.w.Raw = append(p.w.Raw, b[:min(room, len(b))]...)
	}
}
