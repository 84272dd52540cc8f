package smartcardtest

import (
	"bytes"
	"slices"
	"sync"
)

// ATRs of plain cards: T=1 and T=0, with text as historical bytes. The last byte
// of the first is the check character TCK (ISO/IEC 7816-3 8.2.5); a card of T=0
// only has none.
func ATRT1(history string) []byte {
	atr := append([]byte{0x3B, 0x80 | byte(len(history)), 0x01}, history...)
	var tck byte
	for _, b := range atr[1:] {
		tck ^= b
	}
	return append(atr, tck)
}

func ATRT0(history string) []byte { return append([]byte{0x3B, byte(len(history))}, history...) }

// Plain is a chip for tests of readers: it remembers one PIN verification, and
// answers what it is told to. It may be looked at while it works.
type Plain struct {
	Answer func(command []byte) []byte // nil: 9000 to everything

	atr      []byte
	mu       sync.Mutex
	commands [][]byte
	resets   int
	verified bool
}

// NewPlain gives a chip with this ATR.
func NewPlain(atr []byte) *Plain { return &Plain{atr: atr} }

func (p *Plain) ATR() []byte { return p.atr }

func (p *Plain) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resets++
	p.verified = false
}

func (p *Plain) Command(command []byte) []byte {
	p.mu.Lock()
	p.commands = append(p.commands, slices.Clone(command))
	if command[1] == 0x20 {
		p.verified = true
	}
	p.mu.Unlock()
	if p.Answer != nil {
		return p.Answer(command)
	}
	return []byte{0x90, 0x00}
}

// Count tells how often this very command has come.
func (p *Plain) Count(command []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.commands {
		if bytes.Equal(c, command) {
			n++
		}
	}
	return n
}

// Commands is the number of all commands.
func (p *Plain) Commands() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.commands)
}

// Resets counts resets and power-ups.
func (p *Plain) Resets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resets
}

// Verified tells whether VERIFY came since the last reset.
func (p *Plain) Verified() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verified
}
