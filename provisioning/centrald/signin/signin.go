// Package signin is what central remembers of people who are signing in or are
// signed in: attempts, sessions, and how often somebody has guessed.
//
// All of it is in memory, bounded, and ends by itself; a restart of central ends
// every session. Time and chance come in from outside. What it hands out belongs
// to one terminal: with another terminal's id it is not found, so that what one
// terminal gives away is of no use to the next.
//
// A guess is counted before it is judged, so that many at once are no more than
// the same number one after the other.
package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
)

// How long things last.
const (
	ChallengeFor = 5 * time.Minute
	CodeFor      = 2 * time.Minute
	AsanFor      = 2 * time.Minute
	SessionFor   = 30 * time.Minute
	LockedFor    = 15 * time.Minute

	// collect is how long after its time a confirmed request may still be
	// collected: the person may have confirmed in the last second.
	collect = 15 * time.Second

	// remembered is how long an attempt that is over can still be told from one
	// that never was.
	remembered = 5 * time.Minute
)

// How often somebody may try.
const (
	Guesses  = 5 // wrong passwords or user ids in LockedFor
	Messages = 5 // codes or requests sent to a telephone without a sign-in or a pause of LockedFor
	CodeTry  = 3 // wrong one-time codes in an attempt
)

// How much is remembered.
const (
	maxAttempts = 10_000
	maxSessions = 10_000
	maxCounters = 50_000
	perTerminal = 8 // one person stands at a terminal
)

// Why not, in the words of the API's contract.
const (
	ChallengeUnknown = "challenge_unknown"
	ChallengeExpired = "challenge_expired"
	Wrong            = "wrong"
	Expired          = "expired"
	Locked           = "locked"
	Waiting          = "waiting"
	Refused          = "refused"
	Unknown          = "unknown"

	// Flooded is not in the contract: the telephone has had its messages.
	Flooded = "flooded"
)

// Levels of assurance.
const (
	Low  = "low"
	High = "high"
)

// Methods of signing in that this package completes by itself.
const (
	FINPassword = "fin_password"
	AsanImza    = "asan_imza"
)

// ErrFull means that there is no room for more: try later.
var ErrFull = errors.New("signin: too many attempts are open")

// Session is a person who is signed in at a terminal.
type Session struct {
	ID, Terminal  string
	Method, Level string
	Person        identity.Person
	Ends          time.Time
}

// Challenge is what a card has to sign.
type Challenge struct {
	Attempt, Nonce string
	Ends           time.Time
}

// Code is a one-time code on its way to a telephone.
type Code struct {
	Attempt, Code string
	Ends          time.Time
}

// Request is a request for an ASAN İmza that a telephone shows.
type Request struct {
	Attempt, Phone, ControlCode, State string
	Ends                               time.Time
}

// States of a request.
const (
	StateWaiting   = "waiting"
	StateConfirmed = "confirmed"
	StateRefused   = "refused"
	StateExpired   = "expired"
)

type kind int

const (
	kindChallenge kind = iota + 1
	kindCode
	kindAsan
)

// attempt is one try to sign in.
type attempt struct {
	kind   kind
	ends   time.Time
	person identity.Person

	method, nonce string // challenge

	salt, code []byte // code: SHA-256 of salt and code
	wrong      int
	guard      string // whose counter a wasted code counts for

	phone, control, state string // asan
	session               *Session
}

// Desk remembers. It is safe for concurrent use.
type Desk struct {
	rand io.Reader

	mu       sync.Mutex
	attempts table[attempt]
	sessions table[Session]
	counters table[counter]
}

// New is an empty desk.
func New(rand io.Reader) *Desk {
	return &Desk{rand: rand,
		attempts: table[attempt]{limit: maxAttempts, each: perTerminal},
		sessions: table[Session]{limit: maxSessions, each: perTerminal},
		counters: table[counter]{limit: maxCounters}}
}

// Challenge opens an attempt with a card.
func (d *Desk) Challenge(now time.Time, terminal, method string) (Challenge, error) {
	nonce, err := d.bytes(32)
	if err != nil {
		return Challenge{}, err
	}
	a := attempt{kind: kindChallenge, ends: now.Add(ChallengeFor), method: method, nonce: base64.StdEncoding.EncodeToString(nonce)}
	id, err := d.open(now, terminal, a)
	return Challenge{id, a.nonce, a.ends}, err
}

// TakeChallenge gives out what was to be signed, once, and why not otherwise.
func (d *Desk) TakeChallenge(now time.Time, terminal, id string) (method, nonce, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.attempts.get(now, id, terminal)
	if a == nil || a.kind != kindChallenge {
		return "", "", ChallengeUnknown
	}
	d.attempts.drop(id)
	if !now.Before(a.ends) {
		return "", "", ChallengeExpired
	}
	return a.method, a.nonce, ""
}

// OpenCode makes a one-time code for a person whose password was right. guard is
// the counter that the password was counted on.
func (d *Desk) OpenCode(now time.Time, terminal string, p identity.Person, guard string) (Code, error) {
	code, err := d.digits(6)
	if err != nil {
		return Code{}, err
	}
	salt, err := d.bytes(16)
	if err != nil {
		return Code{}, err
	}
	a := attempt{kind: kindCode, ends: now.Add(CodeFor), person: p, guard: guard, salt: salt, code: hashCode(salt, code)}
	id, err := d.open(now, terminal, a)
	return Code{id, code, a.ends}, err
}

func hashCode(salt []byte, code string) []byte {
	h := sha256.Sum256(append(slices.Clone(salt), code...))
	return h[:]
}

// TryCode signs in with a one-time code, or says why not and, if it was wrong, how
// many tries are left.
func (d *Desk) TryCode(now time.Time, terminal, id, code string) (s Session, left int, reason string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.attempts.get(now, id, terminal)
	switch {
	case a == nil || a.kind != kindCode:
		return s, 0, Expired, nil
	case a.wrong >= CodeTry:
		return s, 0, Locked, nil
	case !now.Before(a.ends):
		return s, 0, Expired, nil
	case subtle.ConstantTimeCompare(hashCode(a.salt, code), a.code) == 0:
		if a.wrong++; a.wrong < CodeTry {
			return s, CodeTry - a.wrong, Wrong, nil
		}
		// Whoever has the password and not the telephone is guessing as well.
		if c := d.counters.get(now, a.guard, ""); c != nil {
			c.tries++
			d.counters.extend(a.guard, now.Add(LockedFor))
		}
		return s, 0, Locked, nil
	}
	d.attempts.drop(id)
	d.counters.drop(a.guard)
	s, err = d.begin(now, terminal, FINPassword, Low, a.person)
	return s, 0, "", err
}

// OpenAsan sends a request to a person's telephone. An older one to the same
// telephone is over: a person who sees two could confirm the wrong one.
func (d *Desk) OpenAsan(now time.Time, terminal string, p identity.Person, phone, guard string) (Request, error) {
	control, err := d.digits(4)
	if err != nil {
		return Request{}, err
	}
	a := attempt{kind: kindAsan, ends: now.Add(AsanFor), person: p, guard: guard, phone: phone, control: control, state: StateWaiting}
	d.mu.Lock()
	for _, r := range d.attempts.rows {
		if old := &r.v; old.kind == kindAsan && old.phone == phone && old.state == StateWaiting && now.Before(old.ends) {
			old.ends = now
		}
	}
	d.mu.Unlock()
	id, err := d.open(now, terminal, a)
	return Request{Attempt: id, Phone: phone, ControlCode: control, State: a.state, Ends: a.ends}, err
}

// Answer is what the person does on the telephone; false if there is no such
// request that waits.
func (d *Desk) Answer(now time.Time, id string, confirm bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.attempts.rows[id]
	if r == nil || r.v.kind != kindAsan || r.v.stateAt(now) != StateWaiting {
		return false
	}
	if r.v.state = StateRefused; confirm {
		r.v.state = StateConfirmed
	}
	return true
}

func (a *attempt) stateAt(now time.Time) string {
	if a.state == StateWaiting && !now.Before(a.ends) {
		return StateExpired
	}
	return a.state
}

// PollAsan signs in when the person has confirmed. A poll that is repeated because
// its answer was lost gets the same session.
func (d *Desk) PollAsan(now time.Time, terminal, id string) (s Session, reason string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.attempts.get(now, id, terminal)
	if a == nil || a.kind != kindAsan {
		return s, Unknown, nil
	}
	switch a.stateAt(now) {
	case StateWaiting:
		return s, Waiting, nil
	case StateRefused:
		return s, Refused, nil
	case StateConfirmed:
		if a.session == nil {
			if !now.Before(a.ends.Add(collect)) {
				return s, Expired, nil // confirmed, but nobody has waited for it
			}
			if s, err = d.begin(now, terminal, AsanImza, High, a.person); err != nil {
				return s, "", err
			}
			a.session = &s
			d.counters.drop(a.guard)
		}
		if d.sessions.get(now, a.session.ID, terminal) == nil {
			return Session{}, Expired, nil
		}
		return *a.session, "", nil
	}
	return s, Expired, nil
}

// Requests are those that telephones show or have shown of late, newest first.
func (d *Desk) Requests(now time.Time) []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	var rows []*row[attempt]
	ids := map[*row[attempt]]string{}
	for id, r := range d.attempts.rows {
		if r.v.kind == kindAsan && now.Before(r.ends) {
			rows, ids[r] = append(rows, r), id
		}
	}
	slices.SortFunc(rows, func(a, b *row[attempt]) int { return int(b.n) - int(a.n) })
	all := make([]Request, 0, len(rows))
	for _, r := range rows {
		all = append(all, Request{Attempt: ids[r], Phone: r.v.phone, ControlCode: r.v.control, State: r.v.stateAt(now), Ends: r.v.ends})
	}
	return all
}

// Begin signs a person in who has proved to be that person elsewhere.
func (d *Desk) Begin(now time.Time, terminal, method, level string, p identity.Person) (Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begin(now, terminal, method, level, p)
}

func (d *Desk) begin(now time.Time, terminal, method, level string, p identity.Person) (Session, error) {
	id, err := d.id()
	if err != nil {
		return Session{}, err
	}
	s := Session{ID: id, Terminal: terminal, Method: method, Level: level, Person: p, Ends: now.Add(SessionFor)}
	if !d.sessions.put(now, id, terminal, s.Ends, s) {
		return Session{}, ErrFull
	}
	return s, nil
}

// Session is the session with this id at this terminal, if it has not ended.
func (d *Desk) Session(now time.Time, terminal, id string) (Session, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sessions.get(now, id, terminal); s != nil {
		return *s, true
	}
	return Session{}, false
}

// End ends a session; one that is not there has ended.
func (d *Desk) End(now time.Time, terminal, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sessions.get(now, id, terminal) != nil {
		d.sessions.drop(id)
	}
}

// Forget ends everything.
func (d *Desk) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attempts.rows, d.sessions.rows, d.counters.rows = nil, nil, nil
}

func (d *Desk) open(now time.Time, terminal string, a attempt) (string, error) {
	id, err := d.id()
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.attempts.put(now, id, terminal, a.ends.Add(remembered), a) {
		return "", ErrFull
	}
	return id, nil
}

func (d *Desk) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(d.rand, b); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	return b, nil
}

// id is opaque and cannot be guessed: 128 bits.
func (d *Desk) id() (string, error) {
	b, err := d.bytes(16)
	return hex.EncodeToString(b), err
}

// digits are n random decimal digits. 64 bits leave a bias far below one in a
// million millions.
func (d *Desk) digits(n int) (string, error) {
	b, err := d.bytes(8)
	if err != nil {
		return "", err
	}
	span := uint64(1)
	for range n {
		span *= 10
	}
	return fmt.Sprintf("%0*d", n, binary.BigEndian.Uint64(b)%span), nil
}
