// Package cardfile finds and reads the files of a card (ISO/IEC 7816-4 section 7).
//
// The standard knows several ways to name a file, and each card takes some of
// them: the whole path from the root, the path from the current directory, one
// identifier after the other, with or without the kind of file. It also knows
// several answers to SELECT, and none. So the first files are selected by trying,
// and Manners keeps what the card took: a profile that holds them on pays one
// command for every later file, in later jobs too.
//
// Files lie below an application's directory (Home), which itself is found by
// name or by path; relative paths begin there.
package cardfile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
)

// Bounds of what a card can name.
const (
	MaxFile = 64 << 10
	MaxAID  = 16
	MaxPath = 16 // bytes: eight levels
)

const fidLen = 2

var masterFile = []byte{0x3F, 0x00}

// Path is a run of file identifiers of two bytes. It is absolute if it begins
// with the master file, 3F00.
type Path []byte

// ErrPath is the error of bytes that are no path.
var ErrPath = fmt.Errorf("%w: impossible path", smartcard.ErrMalformed)

// Check says whether p can be a path.
func (p Path) Check() error {
	if len(p)%fidLen != 0 || len(p) > MaxPath {
		return ErrPath
	}
	return nil
}

// Absolute reports whether p begins with the master file.
func (p Path) Absolute() bool {
	return len(p) >= fidLen && p[0] == masterFile[0] && p[1] == masterFile[1]
}

// Home is an application's directory: its name, or its absolute path if it has
// no name. With both, the name is used and the path helps to find files.
type Home struct {
	AID  []byte
	Path Path
}

// In is the absolute path of p, if that can be told.
func (h Home) In(p Path) (Path, bool) {
	if p.Absolute() {
		return p, true
	}
	if !h.Path.Absolute() {
		return nil, false
	}
	whole := slices.Concat(h.Path, p)
	return whole, whole.Check() == nil
}

// Same reports whether p is the home itself, so that there is nothing to select.
func (h Home) Same(p Path) bool { return h.Equal(p, nil) }

// Equal reports whether two paths, absolute or from the home, are known to be the
// same.
func (h Home) Equal(p, q Path) bool {
	if slices.Equal(p, q) {
		return true
	}
	whole, ok := h.In(p)
	other, ok2 := h.In(q)
	return ok && ok2 && slices.Equal(whole, other)
}

// manner is one way to name a file.
type manner byte

const (
	pathFromMF manner = iota + 1 // the path from the master file in one command
	stepsAny                     // identifier by identifier, without its kind
	stepsKind                    // identifier by identifier: DF, DF, EF
	pathHere                     // the path from the current directory
)

// Manners is what a card was found to take. The zero value knows nothing.
type Manners struct {
	absolute, relative manner
	telling, quiet     apdu.SelectAnswer
	told, quieted      bool
}

// Files selects and reads files in one job.
type Files struct {
	ch      *apdu.Channel
	home    Home
	manners Manners
	atHome  bool
}

// New is the files below a home, whose directory is not yet selected. Manners are
// those of an earlier job with the same card, or none.
func New(ch *apdu.Channel, home Home, m Manners) *Files {
	return &Files{ch: ch, home: home, manners: m}
}

// Manners is what was found out so far.
func (f *Files) Manners() Manners { return f.manners }

// SelectHome selects the application's directory.
func (f *Files) SelectHome(ctx context.Context) error {
	f.atHome = false
	var err error
	if len(f.home.AID) > 0 {
		_, err = f.selectAny(ctx, apdu.ByName, f.home.AID, false)
	} else {
		_, err = f.Select(ctx, f.home.Path, false)
	}
	f.atHome = err == nil
	return err
}

// Select selects a file; telling: the card is asked what it is. A refusal is an
// *apdu.StatusError.
func (f *Files) Select(ctx context.Context, p Path, telling bool) (Info, error) {
	if err := p.Check(); err != nil {
		return Info{}, err
	}
	if len(p) == 0 {
		return Info{Kind: Directory, Size: SizeUnknown}, f.SelectHome(ctx)
	}
	whole, known := f.home.In(p)
	learnt := &f.manners.relative
	order := []manner{stepsAny, stepsKind, pathHere}
	if known {
		order = []manner{pathFromMF, stepsAny, stepsKind, pathHere}
	}
	if p.Absolute() {
		learnt = &f.manners.absolute
	}
	if i := slices.Index(order, *learnt); i > 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, *learnt)
	}

	var first error
	for _, m := range order {
		info, err := f.selectBy(ctx, m, p, whole, telling)
		if err == nil {
			*learnt = m
			return info, nil
		}
		var refused *apdu.StatusError
		if !errors.As(err, &refused) {
			return Info{}, err
		}
		if first == nil {
			first = err
		}
		// "Not found" in a manner that this card is known to take is its last word.
		if m == *learnt && refused.SW == apdu.FileNotFound {
			return Info{}, err
		}
		if refused.SW != apdu.FileNotFound && !refused.SW.Refusal() {
			return Info{}, err
		}
	}
	return Info{}, first
}

// selectBy selects a file in one manner. After it, the current directory is home
// only if that is certain.
func (f *Files) selectBy(ctx context.Context, m manner, p, whole Path, telling bool) (Info, error) {
	if m == pathFromMF {
		f.atHome = false
		if len(whole) == fidLen {
			return f.selectAny(ctx, apdu.ByID, whole, telling)
		}
		return f.selectAny(ctx, apdu.ByPathMF, whole[fidLen:], telling)
	}

	steps := p
	if p.Absolute() {
		f.atHome = false
		if len(p) == fidLen {
			return f.selectAny(ctx, apdu.ByID, p, telling)
		}
		if _, err := f.selectAny(ctx, apdu.ByID, masterFile, false); err != nil {
			return Info{}, err
		}
		steps = p[fidLen:]
	} else if !f.atHome {
		if err := f.SelectHome(ctx); err != nil {
			return Info{}, err
		}
	}
	stays := f.atHome && len(steps) == fidLen
	f.atHome = false
	if m == pathHere {
		return f.selectAny(ctx, apdu.ByPathHere, steps, telling)
	}
	for len(steps) > fidLen {
		by := apdu.ByID
		if m == stepsKind {
			by = apdu.ByChildDF
		}
		if _, err := f.selectAny(ctx, by, steps[:fidLen], false); err != nil {
			return Info{}, err
		}
		steps = steps[fidLen:]
	}
	if m == stepsAny {
		info, err := f.selectAny(ctx, apdu.ByID, steps, telling)
		f.atHome = stays && err == nil && (info.Kind == Transparent || info.Kind == Records)
		return info, err
	}
	info, err := f.selectAny(ctx, apdu.ByChildEF, steps, telling)
	if err == nil {
		f.atHome = stays
		return info, nil
	}
	if refused := (*apdu.StatusError)(nil); !errors.As(err, &refused) {
		return Info{}, err
	}
	return f.selectAny(ctx, apdu.ByChildDF, steps, telling)
}

// selectAny sends SELECT with the kinds of answer that the card may take, best
// first.
func (f *Files) selectAny(ctx context.Context, by apdu.SelectBy, name []byte, telling bool) (Info, error) {
	answers := []apdu.SelectAnswer{apdu.WithNone, apdu.WithFCI, apdu.WithFCP}
	learnt, sure := &f.manners.quiet, &f.manners.quieted
	if telling {
		answers = []apdu.SelectAnswer{apdu.WithFCI, apdu.WithFCP, apdu.WithNone}
		learnt, sure = &f.manners.telling, &f.manners.told
	}
	if i := slices.Index(answers, *learnt); *sure && i > 0 {
		answers = slices.Insert(slices.Delete(answers, i, i+1), 0, *learnt)
	}
	var first error
	for _, a := range answers {
		c := apdu.Select(by, a, name)
		data, sw, err := f.ch.Do(ctx, c)
		if err != nil {
			return Info{}, err
		}
		if sw == apdu.OK || sw == apdu.FileDeactivated {
			*learnt, *sure = a, true
			return ParseInfo(data), nil
		}
		if first == nil {
			first = &apdu.StatusError{INS: c.INS, SW: sw}
		}
		if sw != apdu.WrongP1P2 && sw != apdu.NotSupported && sw != apdu.WrongLength {
			return Info{}, &apdu.StatusError{INS: c.INS, SW: sw}
		}
	}
	return Info{}, first
}
