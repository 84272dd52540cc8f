package paperprinter

import (
	"bytes"
	"fmt"
	"strings"
)

func (p *Printer) paperEnd() bool { return p.w.RollLeft <= 0 }
func (p *Printer) nearEnd() bool  { return p.w.ForcedLow || p.w.RollLeft <= p.cfg.NearEnd }
func (p *Printer) hot() bool      { return !p.hotUntil.IsZero() }
func (p *Printer) failed() bool   { return p.cutterError || p.jamError || p.w.Broken || p.hot() }
func (p *Printer) offline() bool  { return p.w.CoverOpen || p.paperEnd() || p.failed() }

// condition is the printer's state in words.
func (p *Printer) condition() string {
	var words []string
	for _, c := range []struct {
		on   bool
		word string
	}{
		{p.w.CoverOpen, "cover open"}, {p.paperEnd(), "paper end"}, {p.nearEnd() && !p.paperEnd(), "paper low"},
		{p.cutterError, "cutter error"}, {p.jamError, "paper jam"}, {p.w.Broken, "broken"}, {p.hot(), "head too hot"},
	} {
		if c.on {
			words = append(words, c.word)
		}
	}
	if len(words) == 0 {
		return "ready"
	}
	return strings.Join(words, ", ")
}

func bit(on bool, b byte) byte {
	if on {
		return b
	}
	return 0
}

// realTimeStatus answers DLE EOT n.
func (p *Printer) realTimeStatus(n byte) []byte {
	b := byte(rtFixed)
	switch n {
	case statusPrinter:
		b |= rtDrawer | bit(p.offline(), rtOffline)
	case statusOffline:
		b |= bit(p.w.CoverOpen, rtCover) | bit(p.paperEnd(), rtPaperStop) | bit(p.failed(), rtError)
	case statusError:
		b |= bit(p.jamError, rtRecoverable) | bit(p.cutterError, rtCutter) | bit(p.w.Broken, rtUnrecoverable) | bit(p.hot(), rtAutoRecover)
	case statusPaper:
		b |= bit(p.nearEnd(), rtNearEnd) | bit(p.paperEnd(), rtPaperEnd)
	case statusFull:
		if !p.cfg.Counters {
			return nil
		}
		spooled := len(p.lex.tokens) > 0 || !p.lex.ground() || len(p.ops) > 0
		return []byte{fullHeader1, fullHeader2,
			bit(p.paperEnd(), fullAbsent) | bit(p.nearEnd(), fullNearEnd),
			bit(p.w.CoverOpen, fullCover) | bit(spooled, fullSpooled) | bit(len(p.ops) > 0 && p.running(), fullMotor),
			bit(p.hot(), fullHead) | bit(p.jamError, fullJam),
			bit(p.cutterError, fullCutter) | bit(p.w.Broken, fullBroken),
		}
	default:
		return nil
	}
	return []byte{b}
}

func (p *Printer) asbBytes() [4]byte {
	return [4]byte{
		asb1Fixed | bit(p.offline(), asb1Offline) | bit(p.w.CoverOpen, asb1Cover),
		bit(p.jamError, asb2Recoverable) | bit(p.cutterError, asb2Cutter) | bit(p.w.Broken, asb2Unrecoverable) | bit(p.hot(), asb2AutoRecover),
		bit(p.nearEnd(), asb3NearEnd) | bit(p.paperEnd(), asb3PaperEnd),
		asb4Fixed,
	}
}

// asbWanted reports whether a change is one that GS a asked for.
func (p *Printer) asbWanted(was, is [4]byte) bool {
	m := p.set.asb
	return m&asbOnline != 0 && was[0] != is[0] ||
		m&asbError != 0 && was[1] != is[1] ||
		m&asbPaper != 0 && was[2] != is[2]
}

// realTime finds real-time commands among arriving bytes, whatever these are
// part of.
type realTime struct {
	seen []byte
	own  bool // the run began between commands: the receive buffer never sees it
}

// inside reports whether a real-time command is being collected between
// commands.
func (r *realTime) inside() bool { return len(r.seen) > 0 && r.own }

// push looks at one byte and reports whether it is kept from the buffer.
func (r *realTime) push(p *Printer, c byte, ground bool) bool {
	if len(r.seen) == 0 {
		if c != dle {
			return false
		}
		r.seen, r.own = []byte{c}, ground
		return r.own
	}
	r.seen = append(r.seen, c)
	want := realTimeLen(r.seen)
	switch {
	case want == 0: // no real-time command after all
		r.giveBack(p)
		return r.own
	case len(r.seen) < want:
		return r.own
	}
	done := r.seen
	r.seen = nil
	p.realTimeCommand(done)
	return r.own
}

// giveBack hands bytes that were held back to the buffer.
func (r *realTime) giveBack(p *Printer) {
	b := r.seen
	r.seen = nil
	last := b[len(b)-1]
	if last == dle && len(b) == 2 { // it may begin here
		r.seen = []byte{dle}
		b = b[:1]
	}
	if !r.own {
		return
	}
	for _, c := range b {
		if p.free() <= 0 {
			p.lostRun++
			continue
		}
		p.lex.push(c)
	}
}

// realTimeLen is how long a real-time command that begins so is; zero for none.
func realTimeLen(b []byte) int {
	switch {
	case len(b) < 2:
		return 2
	case b[1] == eot, b[1] == enq:
		return 3
	case b[1] != dc4:
		return 0
	case len(b) < 3:
		return 3
	case b[2] == dc4Clear:
		return 3 + len(dc4ClearTail)
	}
	return 5 // DLE DC4 fn with two parameters
}

func (p *Printer) realTimeCommand(b []byte) {
	switch {
	case b[1] == eot:
		if a := p.realTimeStatus(b[2]); a != nil {
			p.answer(a)
		}
	case b[1] == enq:
		p.recover(b[2])
	case b[2] == dc4Clear && bytes.Equal(b[3:], dc4ClearTail):
		p.clearBuffers()
		p.event(Event{Kind: EventCleared})
		p.answer([]byte{blockHeader, blockCleared, nul})
	}
}

// recover is DLE ENQ: errors that can be recovered end, unless the cause is
// still there.
func (p *Printer) recover(n byte) {
	if n != realTimeContinue && n != realTimeClear {
		return
	}
	if p.cutterError || p.jamError {
		p.cutterError = false
		p.jamError = p.w.Jammed
		if n == realTimeClear {
			p.clearBuffers()
			p.event(Event{Kind: EventCleared})
		}
	}
}

// identity answers GS I n.
func (p *Printer) identity(n byte) {
	switch n {
	case identityModel, '1':
		p.answer([]byte{p.cfg.ModelID})
	case identityType, '2':
		p.answer([]byte{p.cfg.TypeID})
	case identityFirm, '3':
		p.answer([]byte{0x01})
	case identityTextLo, identityTextLo + 1, identityTextLo + 2, identityTextHi:
		text := []string{p.cfg.Firmware, p.cfg.Maker, p.cfg.Model, p.cfg.Serial}[n-identityTextLo]
		p.answer(append(append([]byte{textHeader}, text...), nul))
	default:
		p.ignored("GS I %02X", n)
	}
}

func (p *Printer) ignored(format string, args ...any) {
	p.event(Event{Kind: EventIgnored, Text: fmt.Sprintf(format, args...)})
}
