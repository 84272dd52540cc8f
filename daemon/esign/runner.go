package esign

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Limits of a job. A chip needs up to 0.7 s for an RSA signature and some tens of
// milliseconds for anything else (protocols/esign-card.md 6).
const (
	readWithin = 15 * time.Second
	signWithin = 20 * time.Second
)

// Runner carries jobs out at the cards.
type Runner struct {
	Service  smartcard.Service
	Profiles []smartcard.Profile // tried in this order
	Version  string              // of the daemon, for the token
	Now      func() time.Time

	mu    sync.Mutex
	cards map[smartcard.Reader]*inserted
}

// inserted is what is known of the card in a reader. It goes when the card goes.
type inserted struct {
	insertion uint64
	token     smartcard.Token
	tried     map[string]bool // PINs of unknown counter that were tried
}

// Watch watches the readers until ctx ends; deliver is told what happened there.
func (r *Runner) Watch(ctx context.Context, deliver func(smartcard.Event)) error {
	return r.Service.Watch(ctx, func(ev smartcard.Event) {
		r.note(ev)
		deliver(ev)
	})
}

// note drops what is known of a card when it goes.
func (r *Runner) note(ev smartcard.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cards == nil {
		r.cards = map[smartcard.Reader]*inserted{}
	}
	switch e := ev.(type) {
	case smartcard.CardInserted:
		r.cards[e.Reader] = &inserted{insertion: e.Insertion, tried: map[string]bool{}}
	case smartcard.CardRemoved:
		delete(r.cards, e.Reader)
	case smartcard.CardUnreadable:
		delete(r.cards, e.Reader)
	case smartcard.ReaderLost:
		delete(r.cards, e.Reader)
	case smartcard.ServiceDown:
		clear(r.cards)
	}
}

func (r *Runner) card(s Slot) *inserted {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.cards[s.Reader]; c != nil && c.insertion == s.Insertion {
		return c
	}
	return nil
}

// Do carries out one job. It ends within its time whatever the card does.
func (r *Runner) Do(ctx context.Context, j Job) Result {
	within := readWithin
	if j.Sign != nil {
		within = signWithin
		defer j.Sign.PIN.Wipe()
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out := Result{ID: j.ID}
	c := r.card(j.Slot)
	if c == nil {
		out.Failure = failure(smartcard.ErrRemoved)
		return out
	}
	var err error
	if j.Sign == nil {
		out.Keys, err = r.read(ctx, j.Slot, c)
	} else {
		out.Token, err = r.sign(ctx, j.Slot, c, j.Sign)
	}
	if err != nil {
		out.Keys, out.Token = nil, nil
		out.Failure = failure(err)
		// A pulled card may show itself as any error; the slot tells.
		if out.Failure.Problem == ProblemFault && r.card(j.Slot) == nil {
			out.Failure.Problem = ProblemRemoved
		}
	}
	return out
}

// open connects, begins a transaction and hands the card's structure on. What it
// returns must be closed; closing resets the card.
func (r *Runner) open(ctx context.Context, s Slot, c *inserted) (smartcard.Card, smartcard.Token, error) {
	card, err := r.Service.Connect(ctx, s.Reader)
	if err != nil {
		return nil, nil, err
	}
	token, err := r.begin(ctx, card, c)
	if err != nil {
		return nil, nil, errors.Join(err, card.Close())
	}
	return card, token, nil
}

func (r *Runner) begin(ctx context.Context, card smartcard.Card, c *inserted) (smartcard.Token, error) {
	if err := card.Begin(ctx); err != nil {
		return nil, err
	}
	if c.token != nil {
		same, err := c.token.Same(ctx, card)
		if err == nil && !same {
			err = errOther
		}
		return c.token, err
	}
	token, err := smartcard.Open(ctx, card, r.Profiles...)
	if err == nil {
		c.token = token
	}
	return token, err
}

var (
	errOther = errors.New("another card than the one that was read")
	errLast  = errors.New("one try is left, and nobody has said yes to it")
	errTries = errors.New("the card does not tell its tries, and one was used")
)

// read lists the certificates and asks for the tries of their PINs.
func (r *Runner) read(ctx context.Context, s Slot, c *inserted) ([]Key, error) {
	card, token, err := r.open(ctx, s, c)
	if err != nil {
		return nil, err
	}
	keys := r.offer(token)
	states := map[string]smartcard.PINState{}
	pins := map[string]string{}
	for _, k := range token.Keys() {
		pins[k.ID] = k.PIN
	}
	for i := range keys {
		k := &keys[i]
		if k.Problem != "" {
			continue
		}
		state, known := states[pins[k.ID]]
		if !known {
			if state, err = token.PINState(ctx, card, k.ID); err != nil {
				return nil, errors.Join(err, card.Close())
			}
			states[pins[k.ID]] = state
		}
		k.State = state
		switch {
		case state.Blocked:
			k.Problem = ProblemPINBlocked
		case state.NotSet:
			k.Problem = ProblemPINNotSet
		}
	}
	if err := card.Close(); err != nil && !errors.Is(err, smartcard.ErrReset) {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, &Failure{Problem: ProblemNoCertificate, Err: smartcard.ErrNoKey}
	}
	return keys, nil
}

// offer says which of the card's keys sign people in.
func (r *Runner) offer(token smartcard.Token) []Key {
	var out []Key
	for _, k := range smartcard.ForLogin(token.Keys(), r.Now()) {
		key := Key{ID: k.Key.ID, Holder: k.Holder, Issuer: k.Issuer, ValidUntil: k.NotAfter,
			MinPIN: k.Key.MinPIN, MaxPIN: min(k.Key.MaxPIN, MaxSecret), Digits: k.Key.Digits}
		switch k.Reason {
		case smartcard.ReasonNone:
			cert, err := x509.ParseCertificate(k.Key.Certificate)
			if err != nil || algorithm(cert) == "" {
				key.Problem = ProblemAlgorithm
			}
		case smartcard.ReasonExpired:
			key.Problem = ProblemExpired
		case smartcard.ReasonNotYetValid:
			key.Problem = ProblemNotYetValid
		case smartcard.ReasonKeyType:
			key.Problem = ProblemAlgorithm
		default:
			key.Problem = ProblemPurpose
		}
		out = append(out, key)
	}
	return out
}

func (r *Runner) sign(ctx context.Context, s Slot, c *inserted, o *Order) (_ *Token, err error) {
	if err := CheckOrigin(o.Origin); err != nil {
		return nil, err
	}
	card, token, err := r.open(ctx, s, c)
	if err != nil {
		return nil, err
	}
	// Whatever happens from here on, the card ends reset. The card's own trouble
	// with that does not make a signature bad that is already there and verified.
	defer func() {
		if e := card.Close(); e != nil && err != nil {
			err = errors.Join(err, e)
		}
	}()
	var key *smartcard.Key
	for _, k := range token.Keys() {
		if k.ID == o.Key {
			key = &k
		}
	}
	if key == nil {
		return nil, smartcard.ErrNoKey
	}
	cert, err := x509.ParseCertificate(key.Certificate)
	if err != nil {
		return nil, smartcard.ErrMalformed
	}
	state, err := token.PINState(ctx, card, key.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case state.Blocked:
		return nil, &smartcard.PINError{Blocked: true}
	case state.NotSet:
		return nil, &smartcard.PINError{NotSet: true}
	case state.Verified:
		// Somebody's PIN is still open: that is no state to sign in. The close resets
		// the card; the person tries again.
		return nil, smartcard.ErrReset
	case state.Left == smartcard.TriesUnknown && c.tried[key.PIN]:
		return nil, errTries
	case state.Left >= 0 && state.Left <= 1 && !o.LastConfirmed:
		return nil, errLast
	}
	c.tried[key.PIN] = true
	sum := digest(o.Origin, o.Nonce)
	signature, err := token.Sign(ctx, card, key.ID, o.PIN.Bytes(), hash, sum[:])
	o.PIN.Wipe()
	if err != nil {
		return nil, err
	}
	return &Token{UnverifiedCertificate: key.Certificate, Algorithm: algorithm(cert), Signature: signature, Format: Format,
		AppVersion: "kioskd/" + r.Version}, nil
}

// failure says in the person's terms what an error means.
func failure(err error) *Failure {
	f := &Failure{Problem: ProblemFault, Left: smartcard.TriesUnknown, Err: err}
	var own *Failure
	var pin *smartcard.PINError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &pin):
		switch {
		case pin.Blocked:
			f.Problem = ProblemPINBlocked
		case pin.NotSet:
			f.Problem = ProblemPINNotSet
		case pin.Format:
			f.Problem = ProblemPINFormat
		default:
			f.Problem, f.Left = ProblemPINWrong, pin.Left
		}
	case errors.Is(err, errLast):
		f.Problem, f.Left = ProblemPINLast, 1
	case errors.Is(err, errTries):
		f.Problem = ProblemTriesUnknown
	case errors.Is(err, errOther):
		f.Problem = ProblemOtherCard
	case errors.Is(err, smartcard.ErrRemoved), errors.Is(err, smartcard.ErrNoCard):
		f.Problem = ProblemRemoved
	case errors.Is(err, smartcard.ErrUnreadable):
		f.Problem = ProblemUnreadable
	case errors.Is(err, smartcard.ErrUnsupported):
		f.Problem = ProblemUnsupported
	case errors.Is(err, smartcard.ErrNoService), errors.Is(err, smartcard.ErrNoReader):
		f.Problem = ProblemReaderGone
	case errors.Is(err, smartcard.ErrInUse):
		f.Problem = ProblemReaderBusy
	case errors.Is(err, smartcard.ErrStuck), errors.Is(err, context.DeadlineExceeded):
		f.Problem = ProblemReaderStuck
	}
	return f
}
