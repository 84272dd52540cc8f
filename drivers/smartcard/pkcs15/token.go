package pkcs15

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/apdu"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/ber"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/cardfile"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

// token implements smartcard.Token.
type token struct {
	model  Model
	home   cardfile.Home
	serial string
	pairs  []*pair

	identity identity

	mu      sync.Mutex // guards what jobs find out
	manners cardfile.Manners
	at      place
}

// place is the directory that is current on a connection, so that the next call
// on it need not select it again. A connection is one insertion's, and a reset of
// the card ends the transaction in which all of its calls are made.
type place struct {
	card smartcard.Card
	path string // "": the application's own directory
}

// pair is a certificate with its key and PIN.
type pair struct {
	key       smartcard.Key
	private   privateKey
	source    certificate // where the certificate was read
	pin       pinObject
	public    crypto.PublicKey // nil if the certificate cannot be read or its key not be used
	recipes   []Recipe
	attempts  map[crypto.Hash]attempts // guarded by token.mu
	directory cardfile.Path            // current when the key is used; nil if it does not matter
}

// attempts is what was found out about the recipes of one key.
type attempts struct {
	first  int  // where to begin
	proven bool // that one has signed
}

// token reads what EF.ODF names and joins it.
func (r *reader) token(ctx context.Context, odf []byte, model Model) (*token, error) {
	dirs, err := parseODF(odf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	t := &token{model: model}
	var info tokenInfo
	b, err := r.file(ctx, fileInfo, cardfile.Part{})
	if err != nil {
		return nil, err
	}
	// A token without information, or with nonsense for it, signs all the same.
	info, _ = parseTokenInfo(b)
	t.serial = info.serial

	keys, err := objects(ctx, r, dirs.keys, parsePrKD)
	if err != nil {
		return nil, err
	}
	pins, err := objects(ctx, r, dirs.pins, parseAOD)
	if err != nil {
		return nil, err
	}
	certs, err := objects(ctx, r, dirs.certificates, parseCD)
	if err != nil {
		return nil, err
	}
	names := pinNames(pins)
	for _, k := range keys {
		p, ok := findPIN(pins, k.authID)
		if !ok || t.find(k.id) != nil {
			continue
		}
		c, ok := findCertificate(certs, k.id)
		if !ok {
			continue
		}
		der, err := r.certificate(ctx, c)
		if err != nil {
			return nil, err
		}
		if der == nil {
			continue
		}
		x := &pair{private: k, source: c, pin: p, attempts: map[crypto.Hash]attempts{}}
		x.key = smartcard.Key{
			ID: k.id, Label: k.label, Certificate: der, PIN: names[p.id],
			MinPIN: max(1, p.rule.Min), MaxPIN: p.rule.Max, Digits: p.rule.Digits(),
		}
		if x.key.Label == "" {
			x.key.Label = c.label
		}
		if cert, err := x509.ParseCertificate(der); err == nil && smartcard.SigningKey(cert) {
			x.public = cert.PublicKey
			x.recipes = recipes(x.public, model, info, k)
		}
		if x.directory, err = r.directory(ctx, k); err != nil {
			return nil, err
		}
		t.pairs = append(t.pairs, x)
	}
	t.home, t.manners = r.home, r.files.Manners()
	var first []byte
	if t.serial != "" {
		t.identity = identify(r.ch.ATR(), b, nil)
	} else {
		if len(t.pairs) > 0 && t.pairs[0].source.inline == nil {
			first = t.pairs[0].key.Certificate
		}
		t.identity = identify(r.ch.ATR(), nil, first)
	}
	return t, nil
}

// objects reads all directories of one kind.
func objects[T any](ctx context.Context, r *reader, dirs []source, parse func(ber.Value) (T, error)) ([]T, error) {
	b, err := r.read(ctx, dirs)
	if err != nil {
		return nil, err
	}
	return parseObjects(b, parse)
}

// certificate reads the certificate of a pair; nil if the card does not give it
// or it is none.
func (r *reader) certificate(ctx context.Context, c certificate) ([]byte, error) {
	b := c.inline
	if b == nil {
		var err error
		if b, err = r.files.Read(ctx, c.path, c.part, whole); err != nil {
			return nil, unlessRefused(err)
		}
	}
	der, err := unwrap(b)
	if err != nil {
		return nil, nil
	}
	return der, nil
}

// directory is the file that must be current when a key is used; nil if it does
// not matter. Some cards name one that cannot be selected; the key's reference
// does there.
func (r *reader) directory(ctx context.Context, k privateKey) (cardfile.Path, error) {
	if len(k.path) == 0 {
		return nil, nil
	}
	if err := r.locate(ctx, k.path); err != nil {
		return nil, err
	}
	if r.home.Same(k.path) {
		return k.path, nil
	}
	_, err := r.files.Select(ctx, k.path, false)
	if err != nil && k.reference != noReference {
		return nil, unlessRefused(err)
	}
	return k.path, unlessRefused(err)
}

// locate finds out whether a path is that of the home, where this was selected by
// name and its path is not known: there is EF.ODF below it.
func (r *reader) locate(ctx context.Context, p cardfile.Path) error {
	if len(r.home.Path) > 0 || !p.Absolute() {
		return nil
	}
	odf := append(slices.Clone(p), fileODF...)
	if odf.Check() != nil {
		return nil
	}
	_, err := r.files.Select(ctx, odf, false)
	if err == nil {
		r.home.Path = p
		r.files = cardfile.New(r.ch, r.home, r.files.Manners())
	}
	return unlessRefused(err)
}

// pinNames names PINs by their labels, or where these do not tell them apart by
// their identifiers as well.
func pinNames(pins []pinObject) map[string]string {
	count := map[string]int{}
	for _, p := range pins {
		count[p.label]++
	}
	names := map[string]string{}
	for _, p := range pins {
		if _, named := names[p.id]; named {
			continue
		}
		names[p.id] = p.label
		if p.label == "" || count[p.label] > 1 {
			names[p.id] = smartcard.Printable(p.label + " " + p.id)
		}
	}
	return names
}

func (t *token) Profile() string { return Name }

func (t *token) Serial() string { return t.serial }

func (t *token) Keys() []smartcard.Key {
	list := make([]smartcard.Key, 0, len(t.pairs))
	for _, p := range t.pairs {
		k := p.key
		k.Certificate = slices.Clone(k.Certificate)
		list = append(list, k)
	}
	return list
}

func (t *token) find(key string) *pair {
	for _, p := range t.pairs {
		if p.key.ID == key {
			return p
		}
	}
	return nil
}

// job is one use of the card.
type job struct {
	*token
	card  smartcard.Card
	at    place // token.at when the job began
	ch    *apdu.Channel
	files *cardfile.Files
}

func (t *token) job(c smartcard.Card) job {
	t.mu.Lock()
	defer t.mu.Unlock()
	ch := apdu.NewChannel(c)
	return job{t, c, t.at, ch, cardfile.New(ch, t.home, t.manners)}
}

// stay remembers which directory is current; the zero place: none that is known.
func (j job) stay(p place) {
	j.mu.Lock()
	j.token.at = p
	j.mu.Unlock()
}

// toPIN goes where a pair's PIN is verified: one command if the place is named
// from the root, none if an earlier call on this connection has gone there.
func (j job) toPIN(ctx context.Context, p *pair) error {
	there := place{j.card, string(p.pin.path)}
	if j.home.Same(p.pin.path) {
		there.path = ""
	}
	if j.at == there {
		return nil
	}
	j.stay(place{})
	var err error
	if !p.pin.path.Absolute() || there.path == "" {
		err = j.files.SelectHome(ctx)
	}
	if err == nil && there.path != "" {
		_, err = j.files.Select(ctx, p.pin.path, false)
	}
	if err == nil {
		j.stay(there)
	}
	if err != nil && unlessRefused(err) == nil {
		return fmt.Errorf("%w: %w", smartcard.ErrMalformed, err)
	}
	return err
}

// PINState implements smartcard.Token.
func (t *token) PINState(ctx context.Context, c smartcard.Card, key string) (smartcard.PINState, error) {
	p := t.find(key)
	if p == nil {
		return smartcard.PINState{}, smartcard.ErrNoKey
	}
	j := t.job(c)
	if err := j.toPIN(ctx, p); err != nil {
		return smartcard.PINState{}, err
	}
	s, err := j.state(ctx, p)
	s.NotSet = s.NotSet || p.pin.unset
	return s, err
}

// state asks for the PIN's state in the directory where it is verified.
func (j job) state(ctx context.Context, p *pair) (smartcard.PINState, error) {
	s := smartcard.PINState{Left: smartcard.TriesUnknown}
	if !j.model.Mute {
		answer, known, err := pin.State(ctx, j.ch, p.pin.reference)
		if err != nil || known {
			return answer, err
		}
	}
	if j.model.Counter == nil {
		return s, nil
	}
	left, err := j.model.Counter(ctx, j.ch, p.pin.reference)
	s.Left, s.Blocked = left, left == 0
	return s, err
}
