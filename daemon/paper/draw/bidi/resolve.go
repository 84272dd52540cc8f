package bidi

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// sequence is one isolating run sequence (BD13).
type sequence struct {
	p        *paragraph
	idx      []int // indices of its characters in the text
	level    Level
	sos, eos bidi.Class
}

// sequence makes the sequence of the characters at idx, with X10's sos and eos.
func (p *paragraph) sequence(idx []int) *sequence {
	s := &sequence{p: p, idx: idx, level: p.level[idx[0]]}
	before, after := p.base, p.base
	for i := idx[0] - 1; i >= 0; i-- {
		if !removed(p.orig[i]) {
			before = p.level[i]
			break
		}
	}
	last := idx[len(idx)-1]
	if !isolate(p.orig[last]) {
		for i := last + 1; i < len(p.text); i++ {
			if !removed(p.orig[i]) {
				after = p.level[i]
				break
			}
		}
	}
	s.sos, s.eos = direction(max(before, s.level)), direction(max(after, s.level))
	return s
}

// direction is L for an even level and R for an odd one.
func direction(l Level) bidi.Class {
	if l%2 == 1 {
		return bidi.R
	}
	return bidi.L
}

func (s *sequence) class(k int) bidi.Class    { return s.p.class[s.idx[k]] }
func (s *sequence) set(k int, c bidi.Class)   { s.p.class[s.idx[k]] = c }
func (s *sequence) original(k int) bidi.Class { return s.p.orig[s.idx[k]] }
func (s *sequence) fill(from, to int, c bidi.Class) {
	for k := from; k < to; k++ {
		s.set(k, c)
	}
}

// weak is W1 to W7.
func (s *sequence) weak() {
	n := len(s.idx)
	before := s.sos // W1
	for k := range n {
		if s.class(k) == bidi.NSM {
			s.set(k, before)
		}
		if before = s.class(k); isolate(before) || before == bidi.PDI {
			before = bidi.ON
		}
	}
	strong := s.sos // W2, W3
	for k := range n {
		switch c := s.class(k); c {
		case bidi.L, bidi.R:
			strong = c
		case bidi.AL:
			strong = c
			s.set(k, bidi.R)
		case bidi.EN:
			if strong == bidi.AL {
				s.set(k, bidi.AN)
			}
		}
	}
	for k := 1; k+1 < n; k++ { // W4
		a, b := s.class(k-1), s.class(k+1)
		switch c := s.class(k); {
		case a != b:
		case c == bidi.ES && a == bidi.EN, c == bidi.CS && (a == bidi.EN || a == bidi.AN):
			s.set(k, a)
		}
	}
	for k := 0; k < n; { // W5
		if s.class(k) != bidi.ET {
			k++
			continue
		}
		from := k
		for k < n && s.class(k) == bidi.ET {
			k++
		}
		if from > 0 && s.class(from-1) == bidi.EN || k < n && s.class(k) == bidi.EN {
			s.fill(from, k, bidi.EN)
		}
	}
	strong = s.sos
	for k := range n {
		switch c := s.class(k); c {
		case bidi.ES, bidi.ET, bidi.CS: // W6
			s.set(k, bidi.ON)
		case bidi.L, bidi.R:
			strong = c
		case bidi.EN: // W7
			if strong == bidi.L {
				s.set(k, bidi.L)
			}
		}
	}
}

// strong is the direction a character counts for in N0 to N2; ON if none.
func strong(c bidi.Class) bidi.Class {
	switch c {
	case bidi.L:
		return bidi.L
	case bidi.R, bidi.EN, bidi.AN:
		return bidi.R
	}
	return bidi.ON
}

// bracketMost is BD16's depth of the stack.
const bracketMost = 63

// pair is a bracket pair, by positions in the sequence.
type pair struct{ open, close int }

// pairs is BD16.
func (s *sequence) pairs() []pair {
	var out []pair
	type opener struct {
		mirror rune
		at     int
	}
	var open []opener
	for k, i := range s.idx {
		if s.class(k) != bidi.ON {
			continue
		}
		prop, _ := bidi.LookupRune(s.p.text[i])
		if !prop.IsBracket() {
			continue
		}
		if prop.IsOpeningBracket() {
			if len(open) == bracketMost {
				return nil
			}
			open = append(open, opener{canonical(mirror(s.p.text[i])), k})
			continue
		}
		r := canonical(s.p.text[i])
		for j := len(open) - 1; j >= 0; j-- {
			if open[j].mirror == r {
				out = append(out, pair{open[j].at, k})
				open = open[:j]
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return a.open - b.open })
	return out
}

// mirror is the other bracket of a pair.
func mirror(r rune) rune { return []rune(bidi.ReverseString(string(r)))[0] }

// canonical joins the brackets that are canonically equivalent.
func canonical(r rune) rune {
	switch r {
	case 0x2329:
		return 0x3008
	case 0x232A:
		return 0x3009
	}
	return r
}

// brackets is N0.
func (s *sequence) brackets() {
	embedding := direction(s.level)
	for _, p := range s.pairs() {
		found := bidi.ON
		for k := p.open + 1; k < p.close && found != embedding; k++ {
			if c := strong(s.class(k)); c != bidi.ON {
				found = c
			}
		}
		if found == bidi.ON {
			continue
		}
		if found != embedding { // N0c
			before := s.sos
			for k := p.open - 1; k >= 0; k-- {
				if c := strong(s.class(k)); c != bidi.ON {
					before = c
					break
				}
			}
			if before != found {
				found = embedding
			}
		}
		for _, k := range []int{p.open, p.close} {
			s.set(k, found)
			for j := k + 1; j < len(s.idx) && s.original(j) == bidi.NSM; j++ {
				s.set(j, found)
			}
		}
	}
}

// neutral is N1 and N2.
func (s *sequence) neutral() {
	n := len(s.idx)
	for k := 0; k < n; {
		if !neutral(s.class(k)) {
			k++
			continue
		}
		from := k
		for k < n && neutral(s.class(k)) {
			k++
		}
		before, after := s.sos, s.eos
		if from > 0 {
			before = strong(s.class(from - 1))
		}
		if k < n {
			after = strong(s.class(k))
		}
		if before == after {
			s.fill(from, k, before)
		} else {
			s.fill(from, k, direction(s.level))
		}
	}
}

func neutral(c bidi.Class) bool {
	switch c {
	case bidi.B, bidi.S, bidi.WS, bidi.ON, bidi.PDI:
		return true
	}
	return isolate(c)
}

// implicit is I1 and I2.
func (s *sequence) implicit() {
	for k, i := range s.idx {
		switch c := s.class(k); {
		case s.level%2 == 0 && c == bidi.R:
			s.p.level[i]++
		case s.level%2 == 0 && (c == bidi.AN || c == bidi.EN):
			s.p.level[i] += 2
		case s.level%2 == 1 && (c == bidi.L || c == bidi.AN || c == bidi.EN):
			s.p.level[i]++
		}
	}
}
