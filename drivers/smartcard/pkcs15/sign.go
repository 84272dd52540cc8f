package pkcs15

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/signature"
)

// Sign implements smartcard.Token. It sends one VERIFY and never another, so a
// key whose card asks for the PIN before every signature can be tried with one
// recipe more than the card refuses for free; the next call begins after it.
func (t *token) Sign(ctx context.Context, c smartcard.Card, key string, code []byte, hash crypto.Hash, digest []byte) ([]byte, error) {
	p := t.find(key)
	if p == nil {
		return nil, smartcard.ErrNoKey
	}
	if err := signature.CheckDigest(hash, digest); err != nil {
		return nil, err
	}
	if p.public == nil {
		return nil, fmt.Errorf("%w: its certificate cannot be used", smartcard.ErrKeyRefused)
	}
	if p.pin.unset {
		return nil, &smartcard.PINError{Left: smartcard.TriesUnknown, NotSet: true}
	}

	j := t.job(c)
	defer j.stay(place{}) // a signature ends a job: nothing is taken for granted after it
	if err := j.toPIN(ctx, p); err != nil {
		return nil, err
	}
	if err := j.verify(ctx, p, code); err != nil {
		return nil, err
	}
	if p.directory != nil && !j.home.Equal(p.directory, p.pin.path) {
		if _, err := j.files.Select(ctx, p.directory, false); err != nil {
			return nil, refused(err)
		}
	}
	return j.sign(ctx, p, hash, digest)
}

// verify sends the PIN. A card that says "wrong" and no number is asked for it.
func (j job) verify(ctx context.Context, p *pair, code []byte) error {
	err := pin.Verify(ctx, j.ch, p.pin.reference, p.pin.rule, code)
	var wrong *smartcard.PINError
	if !errors.As(err, &wrong) || wrong.Left != smartcard.TriesUnknown || wrong.Format || wrong.NotSet {
		return err
	}
	// Whether or not the card answers this, the PIN was wrong.
	if s, asked := j.state(ctx, p); asked == nil {
		wrong.Left, wrong.Blocked = s.Left, s.Blocked
	}
	return wrong
}

// refused is an error of the exchange as it is, and the card's refusal as that of
// the key.
func refused(err error) error {
	if unlessRefused(err) == nil {
		return fmt.Errorf("%w: %w", smartcard.ErrKeyRefused, err)
	}
	return err
}

// sign goes through the key's recipes until the card takes one.
func (j job) sign(ctx context.Context, p *pair, hash crypto.Hash, digest []byte) ([]byte, error) {
	j.mu.Lock()
	known := p.attempts[hash]
	j.mu.Unlock()

	var last error = smartcard.ErrKeyRefused
	for n := range p.recipes {
		at := (known.first + n) % len(p.recipes)
		r := p.recipes[at]
		if r.Hash != 0 && r.Hash != hash {
			continue
		}
		answer, err := j.compute(ctx, p, r, hash, digest)
		if err == nil {
			sig, err := signature.Finish(p.public, hash, digest, answer)
			clear(answer)
			switch {
			case err == nil:
				known = attempts{first: at, proven: true}
			case !known.proven: // it may have been signed in another form than was meant
				known.first = at + 1
			}
			j.remember(p, hash, known)
			return sig, err
		}
		last = refused(err)
		var status *apdu.StatusError
		if !errors.As(err, &status) {
			return nil, last
		}
		if !status.SW.Refusal() {
			// The refusals before this one may have used up what VERIFY opened: the
			// next person's PIN goes to the recipe that was not heard out.
			if n > 0 {
				known.first = at
				j.remember(p, hash, known)
			}
			return nil, last
		}
	}
	return nil, last
}

func (j job) remember(p *pair, hash crypto.Hash, a attempts) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p.attempts[hash] = a
	j.token.manners = j.files.Manners()
}

// compute is one recipe's commands. A refusal is an *apdu.StatusError.
func (j job) compute(ctx context.Context, p *pair, r Recipe, hash crypto.Hash, digest []byte) ([]byte, error) {
	data, hashed, err := r.input(p.public, hash, digest)
	if err != nil {
		return nil, err
	}
	var objects []byte
	if r.Algorithm != NoAlgorithm {
		objects = append(objects, apdu.TagAlgorithm, 1, byte(r.Algorithm))
	}
	if p.private.reference != noReference {
		objects = append(objects, apdu.TagKey, 1, byte(p.private.reference))
	} else {
		file := p.private.path[len(p.private.path)-2:]
		objects = append(objects, apdu.TagFile, 2, file[0], file[1])
	}
	if _, err := j.ch.Want(ctx, apdu.SetKey(apdu.TemplateSignature, objects)); err != nil {
		return nil, err
	}
	if hashed {
		if _, err := j.ch.Want(ctx, apdu.SetHash(data)); err != nil {
			return nil, err
		}
		data = nil
	}
	return j.ch.Want(ctx, apdu.Sign(data))
}
