// Package bidi is the Unicode Bidirectional Algorithm (UAX 9) down to the
// embedding level of every character, and the visual order that follows from the
// levels of a line.
//
// The libraries at hand give directions and not levels: they join neighbouring
// runs of level 0 and level 2, so that a number behind an Arabic word lands on
// its wrong side in a left-to-right line (golang.org/x/text issue 69819,
// go-text/typesetting issue 249). Character classes and brackets are those of
// golang.org/x/text/unicode/bidi.
package bidi

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// Level is an embedding level: even is left to right, odd right to left.
type Level = uint8

// Auto lets the first strong character decide the paragraph's level (rules P2
// and P3).
const Auto Level = 0xFF

// maxDepth is BD2's greatest explicit level.
const maxDepth = 125

// paragraph is one application of the algorithm.
type paragraph struct {
	text  []rune
	orig  []bidi.Class // as the characters are
	class []bidi.Class // as the rules change them
	level []Level
	match []int // isolate initiator -> its PDI, PDI -> its initiator; -1: none
	base  Level
}

// Levels resolves the level of every character of one paragraph (rules P2 to
// I2). base is 0, 1 or Auto; the second result is the paragraph's level. Rule L1
// is Line's part. Characters that rule X9 removes have the level of the one
// before them.
func Levels(text []rune, base Level) ([]Level, Level) {
	n := len(text)
	p := &paragraph{
		text: text, orig: make([]bidi.Class, n), class: make([]bidi.Class, n),
		level: make([]Level, n), match: make([]int, n),
	}
	for i, r := range text {
		p.orig[i] = Class(r)
	}
	copy(p.class, p.orig)
	p.matchIsolates()
	if base == Auto {
		base = p.firstStrong(0, n)
	}
	p.base = base
	p.explicit()
	for _, s := range p.sequences() {
		s.weak()
		s.brackets()
		s.neutral()
		s.implicit()
	}
	p.fillRemoved()
	return p.level, base
}

// Class is the character's bidirectional class.
func Class(r rune) bidi.Class {
	prop, _ := bidi.LookupRune(r)
	return prop.Class()
}

func isolate(c bidi.Class) bool { return c == bidi.LRI || c == bidi.RLI || c == bidi.FSI }

// removed are the classes that rule X9 takes out.
func removed(c bidi.Class) bool {
	switch c {
	case bidi.RLE, bidi.LRE, bidi.RLO, bidi.LRO, bidi.PDF, bidi.BN:
		return true
	}
	return false
}

// matchIsolates is BD9.
func (p *paragraph) matchIsolates() {
	var open []int
	for i, c := range p.orig {
		p.match[i] = -1
		switch {
		case isolate(c):
			open = append(open, i)
		case c == bidi.PDI && len(open) > 0:
			j := open[len(open)-1]
			open = open[:len(open)-1]
			p.match[i], p.match[j] = j, i
		}
	}
}

// firstStrong is P2 and P3 for text[from:to].
func (p *paragraph) firstStrong(from, to int) Level {
	for i := from; i < to; i++ {
		switch c := p.orig[i]; {
		case c == bidi.L:
			return 0
		case c == bidi.R || c == bidi.AL:
			return 1
		case isolate(c):
			if p.match[i] < 0 {
				return 0
			}
			i = p.match[i]
		}
	}
	return 0
}

// status is an entry of the directional status stack (X1).
type status struct {
	level    Level
	override bidi.Class // ON: none
	isolate  bool
}

// explicit is X1 to X8.
func (p *paragraph) explicit() {
	stack := []status{{level: p.base, override: bidi.ON}}
	var badIsolates, badEmbeddings, isolates int
	for i, c := range p.orig {
		top := stack[len(stack)-1]
		next := func(rtl bool) (Level, bool) {
			l := top.level + 2 - top.level%2
			if rtl {
				l = top.level + 1 + top.level%2
			}
			return l, l <= maxDepth && badIsolates == 0 && badEmbeddings == 0
		}
		apply := func() {
			p.level[i] = top.level
			if top.override != bidi.ON {
				p.class[i] = top.override
			}
		}
		switch c {
		case bidi.RLE, bidi.LRE, bidi.RLO, bidi.LRO:
			p.level[i] = top.level
			l, ok := next(c == bidi.RLE || c == bidi.RLO)
			switch {
			case ok:
				stack = append(stack, status{level: l, override: overrideOf(c)})
			case badIsolates == 0:
				badEmbeddings++
			}
		case bidi.RLI, bidi.LRI, bidi.FSI:
			apply()
			rtl := c == bidi.RLI
			if c == bidi.FSI {
				to := len(p.text)
				if p.match[i] >= 0 {
					to = p.match[i]
				}
				rtl = p.firstStrong(i+1, to) == 1
			}
			if l, ok := next(rtl); ok {
				isolates++
				stack = append(stack, status{level: l, override: bidi.ON, isolate: true})
			} else {
				badIsolates++
			}
		case bidi.PDI:
			switch {
			case badIsolates > 0:
				badIsolates--
			case isolates > 0:
				badEmbeddings = 0
				for !stack[len(stack)-1].isolate {
					stack = stack[:len(stack)-1]
				}
				stack = stack[:len(stack)-1]
				isolates--
			}
			top = stack[len(stack)-1]
			apply()
		case bidi.PDF:
			switch {
			case badIsolates > 0:
			case badEmbeddings > 0:
				badEmbeddings--
			case !top.isolate && len(stack) >= 2:
				stack = stack[:len(stack)-1]
			}
			p.level[i] = top.level
		case bidi.B:
			p.level[i] = p.base
		case bidi.BN:
			p.level[i] = top.level
		default:
			apply()
		}
	}
}

func overrideOf(c bidi.Class) bidi.Class {
	switch c {
	case bidi.LRO:
		return bidi.L
	case bidi.RLO:
		return bidi.R
	}
	return bidi.ON
}

// sequences is X10: the isolating run sequences, each with its indices.
func (p *paragraph) sequences() []*sequence {
	var runs [][]int
	runAt := make(map[int]int) // first index -> run
	var run []int
	for i := range p.text {
		if removed(p.orig[i]) {
			continue
		}
		if len(run) > 0 && p.level[i] != p.level[run[len(run)-1]] {
			runs = append(runs, run)
			run = nil
		}
		run = append(run, i)
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	for k, r := range runs {
		runAt[r[0]] = k
	}
	var out []*sequence
	for _, r := range runs {
		if p.orig[r[0]] == bidi.PDI && p.match[r[0]] >= 0 {
			continue // belongs behind its initiator
		}
		var idx []int
		for {
			idx = append(idx, r...)
			last := r[len(r)-1]
			if !isolate(p.orig[last]) || p.match[last] < 0 {
				break
			}
			k, ok := runAt[p.match[last]]
			if !ok {
				break
			}
			r = runs[k]
		}
		out = append(out, p.sequence(idx))
	}
	return out
}

// fillRemoved gives what X9 removed the level of the character before it.
func (p *paragraph) fillRemoved() {
	for i, c := range p.orig {
		if removed(c) {
			if i == 0 {
				p.level[i] = p.base
			} else {
				p.level[i] = p.level[i-1]
			}
		}
	}
}

// Line applies rule L1 to the levels of one line, text[from:to]: white space at
// its end and before separators gets the paragraph's level. The result is new.
func Line(text []rune, levels []Level, from, to int, base Level) []Level {
	out := slices.Clone(levels[from:to])
	reset := true
	for i := to - 1; i >= from; i-- {
		switch c := Class(text[i]); {
		case c == bidi.B || c == bidi.S:
			out[i-from], reset = base, true
		case c == bidi.WS || isolate(c) || c == bidi.PDI || removed(c):
			if reset {
				out[i-from] = base
			}
		default:
			reset = false
		}
	}
	return out
}

// Order is rule L2: which element stands at each visual position, from left to
// right. It orders characters by their levels, or runs by theirs.
func Order(levels []Level) []int {
	out := make([]int, len(levels))
	var highest Level
	lowestOdd := Auto
	for i, l := range levels {
		out[i] = i
		highest = max(highest, l)
		if l%2 == 1 {
			lowestOdd = min(lowestOdd, l)
		}
	}
	for l := highest; l >= lowestOdd; l-- {
		for i := 0; i < len(levels); {
			if levels[i] < l {
				i++
				continue
			}
			j := i
			for j < len(levels) && levels[j] >= l {
				j++
			}
			slices.Reverse(out[i:j])
			i = j
		}
	}
	return out
}
