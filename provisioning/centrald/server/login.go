package server

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/signin"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/trust"
)

// asks are the questions of people who sign in or are signed in. What they change
// is not in the store and ends with the visit; they run outside of any store
// transaction, because some of them wait for a responder or for a hash.
var asks = map[string]func(s *Server, ctx context.Context, terminal string, body []byte) (any, error){
	"login.challenge":       (*Server).loginChallenge,
	"login.card":            (*Server).loginCard,
	"login.password":        (*Server).loginPassword,
	"login.otp":             (*Server).loginCode,
	"login.asan":            (*Server).loginAsan,
	"login.asan.poll":       (*Server).loginAsanPoll,
	"login.out":             (*Server).loginOut,
	"mygov.payments":        (*Server).cabinetPayments,
	"mygov.data_access_log": (*Server).cabinetAccesses,
}

// Bounds of what people type, in bytes.
const (
	maxOpaque   = 64
	maxTyped    = 32
	maxPassword = 256
)

// parse reads an ask's body; which of its texts must be there and how long they
// may be is said by want.
func parse[T any](body []byte, want func(T) bool) (v T, err error) {
	if json.Unmarshal(body, &v) != nil || !want(v) {
		return v, refuse(centralapi.ProblemBodyInvalid, "")
	}
	return v, nil
}

// full reports whether s is there and not too long.
func full(s string, limit int) bool { return s != "" && len(s) <= limit }

// busy turns "no room" into an error that says: later.
func busy(err error) error {
	if errors.Is(err, signin.ErrFull) {
		return refuse(centralapi.ProblemBusy, "")
	}
	return err
}

// signedIn answers with a session, or says why there is none.
func (s *Server) signedIn(sn signin.Session, reason string) (centralapi.SessionAnswer, error) {
	if reason != "" {
		return centralapi.SessionAnswer{Outcome: outcomeBlocked, Reason: &reason}, nil
	}
	err := s.db.Update(func(tx *bolt.Tx) error { return putTie(tx, sn, s.now()) })
	if err != nil {
		return centralapi.SessionAnswer{}, err
	}
	return centralapi.SessionAnswer{Outcome: outcomeFound, Session: &centralapi.Session{
		Id: sn.ID, Level: sn.Level, Method: sn.Method, Name: sn.Person.Name, FinMasked: maskFIN(sn.Person.FIN), ExpiresAt: sn.Ends,
	}}, nil
}

// maskFIN shows the last three characters.
func maskFIN(fin string) string {
	return strings.Repeat("*", len(fin)-min(3, len(fin))) + fin[len(fin)-min(3, len(fin)):]
}

// maskPhone shows the operator and the last two digits of +994 XX XXX XX XX.
func maskPhone(p string) string {
	if len(p) != 13 {
		return strings.Repeat("*", len(p))
	}
	return p[:4] + " " + p[4:6] + " *** ** " + p[11:]
}

func (s *Server) loginChallenge(_ context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.ChallengeAsk) bool { return trust.ByCertificate(b.Method) })
	if err != nil {
		return nil, err
	}
	c, err := s.desk.Challenge(s.now(), terminal, b.Method)
	if err != nil {
		return nil, busy(err)
	}
	return centralapi.ChallengeAnswer{Outcome: outcomeFound, Challenge: &centralapi.Challenge{Attempt: c.Attempt, Nonce: c.Nonce, ExpiresAt: c.Ends}}, nil
}

// loginCard proves a token. Its challenge is used up whatever comes of it.
func (s *Server) loginCard(ctx context.Context, terminal string, body []byte) (any, error) {
	// The token stays raw: its form is for package identity to judge.
	type cardLogin struct {
		Attempt string          `json:"attempt"`
		Token   json.RawMessage `json:"token"`
	}
	b, err := parse(body, func(b cardLogin) bool { return full(b.Attempt, maxOpaque) })
	if err != nil {
		return nil, err
	}
	token, err := identity.ParseToken(b.Token)
	if err != nil {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	method, nonce, reason := s.desk.TakeChallenge(s.now(), terminal, b.Attempt)
	if reason != "" {
		return s.signedIn(signin.Session{}, reason)
	}
	trusted, err := s.o.Trust.For(method)
	if err != nil {
		return nil, err
	}
	person, err := s.verifier.Verify(ctx, token, nonce, trusted, s.now())
	if reason, no := identity.ReasonOf(err); no {
		s.log.Info("a card was refused", "method", method, "reason", string(reason))
		return s.signedIn(signin.Session{}, string(reason))
	} else if err != nil {
		return nil, err
	}
	var a citizen
	err = s.db.Update(func(tx *bolt.Tx) (err error) {
		a, err = register(tx, person)
		return err
	})
	if err != nil {
		return nil, err
	}
	sn, err := s.desk.Begin(s.now(), terminal, method, signin.High, a.person())
	if err != nil {
		return nil, busy(err)
	}
	return s.signedIn(sn, "")
}

// loginPassword is the first half of the method with FIN and password. That there
// is no such account looks like a wrong password, and takes as long.
func (s *Server) loginPassword(ctx context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.PasswordLogin) bool { return full(b.Fin, maxTyped) && full(b.Password, maxPassword) })
	if err != nil {
		return nil, err
	}
	no := func(reason string) (any, error) {
		return centralapi.CodeAnswer{Outcome: outcomeBlocked, Reason: &reason}, nil
	}
	fin := strings.ToUpper(strings.TrimSpace(b.Fin))
	if !identity.ValidFIN(fin) {
		return no(signin.Wrong) // nobody's; nothing to guard, and nothing to learn
	}
	guard := "fin " + fin
	if reason, err := s.desk.Guess(s.now(), guard); err != nil {
		return nil, busy(err)
	} else if reason != "" {
		return no(signin.Locked)
	}
	var a citizen
	err = s.db.View(func(tx *bolt.Tx) (err error) {
		a, _, err = citizenOf(tx, fin)
		return err
	})
	if err != nil {
		return nil, err
	}
	right, err := s.checkPassword(ctx, a.Password, b.Password)
	if err != nil {
		return nil, err
	}
	if !right {
		if s.desk.Missed(s.now(), guard) {
			return no(signin.Locked)
		}
		return no(signin.Wrong)
	}
	s.desk.Hit(s.now(), guard)
	if s.phones == nil {
		s.log.Warn("no way to send a code to a telephone")
		return nil, refuse(centralapi.ProblemBusy, "")
	}
	c, err := s.desk.OpenCode(s.now(), terminal, a.person(), guard)
	if err != nil {
		return nil, busy(err)
	}
	s.desk.Sent(s.now(), guard)
	s.phones.send(a.Phone, "ASAN Login: birdəfəlik kodunuz "+c.Code+". Kodu heç kimə verməyin.", s.now())
	to := maskPhone(a.Phone)
	return centralapi.CodeAnswer{Outcome: outcomeFound, Attempt: &c.Attempt, OtpTo: &to, ExpiresAt: &c.Ends}, nil
}

// checkPassword lets few be hashed at once, since each takes memory and time.
func (s *Server) checkPassword(ctx context.Context, hash, password string) (bool, error) {
	select {
	case s.hashing <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-s.hashing }()
	if hash == "" {
		hash = signin.Nobody
	}
	return signin.CheckPassword(hash, password)
}

func (s *Server) loginCode(_ context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.CodeLogin) bool { return full(b.Attempt, maxOpaque) && full(b.Otp, maxTyped) })
	if err != nil {
		return nil, err
	}
	sn, left, reason, err := s.desk.TryCode(s.now(), terminal, b.Attempt, b.Otp)
	if err != nil {
		return nil, busy(err)
	}
	a, err := s.signedIn(sn, reason)
	if reason == signin.Wrong {
		a.Left = &left
	}
	return a, err
}

// loginAsan asks the person's telephone. A wrong user id looks like an unknown
// telephone.
func (s *Server) loginAsan(_ context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.AsanLogin) bool { return full(b.Phone, maxTyped) && full(b.UserId, maxTyped) })
	if err != nil {
		return nil, err
	}
	no := func(reason string) (any, error) {
		return centralapi.AsanAnswer{Outcome: outcomeBlocked, Reason: &reason}, nil
	}
	guard := "phone " + b.Phone
	switch reason, err := s.desk.Guess(s.now(), guard); {
	case err != nil:
		return nil, busy(err)
	case reason == signin.Flooded:
		return nil, refuse(centralapi.ProblemBusy, "")
	case reason != "":
		return no("unknown")
	}
	var a citizen
	err = s.db.View(func(tx *bolt.Tx) (err error) {
		a, _, err = citizenByPhone(tx, b.Phone)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.UserID == "" || subtle.ConstantTimeCompare([]byte(a.UserID), []byte(b.UserId)) == 0 {
		s.desk.Missed(s.now(), guard)
		return no("unknown")
	}
	s.desk.Hit(s.now(), guard)
	if a.Silent || s.phones == nil {
		return no("no_coverage")
	}
	s.desk.Sent(s.now(), guard)
	r, err := s.desk.OpenAsan(s.now(), terminal, a.person(), a.Phone, guard)
	if err != nil {
		return nil, busy(err)
	}
	return centralapi.AsanAnswer{Outcome: outcomeFound, Attempt: &r.Attempt, ControlCode: &r.ControlCode, ExpiresAt: &r.Ends}, nil
}

func (s *Server) loginAsanPoll(_ context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.AsanPoll) bool { return full(b.Attempt, maxOpaque) })
	if err != nil {
		return nil, err
	}
	sn, reason, err := s.desk.PollAsan(s.now(), terminal, b.Attempt)
	if err != nil {
		return nil, busy(err)
	}
	return s.signedIn(sn, reason)
}

func (s *Server) loginOut(_ context.Context, terminal string, body []byte) (any, error) {
	b, err := parse(body, func(b centralapi.SessionAsk) bool { return full(b.Session, maxOpaque) })
	if err != nil {
		return nil, err
	}
	s.desk.End(s.now(), terminal, b.Session)
	return centralapi.PlainAnswer{Outcome: outcomeFound}, nil
}

func (s *Server) cabinetPayments(_ context.Context, terminal string, body []byte) (any, error) {
	return s.cabinet(terminal, body, signin.Low, func(a citizen) []centralapi.CabinetRow { return a.Payments })
}

func (s *Server) cabinetAccesses(_ context.Context, terminal string, body []byte) (any, error) {
	return s.cabinet(terminal, body, signin.High, func(a citizen) []centralapi.CabinetRow { return a.Accesses })
}

// shownRows is how many lines of a list a terminal gets.
const shownRows = 50

// cabinet is a list of the person who is signed in, at that level at least.
func (s *Server) cabinet(terminal string, body []byte, level string, of func(citizen) []centralapi.CabinetRow) (any, error) {
	b, err := parse(body, func(b centralapi.SessionAsk) bool { return full(b.Session, maxOpaque) })
	if err != nil {
		return nil, err
	}
	no := func(reason string) (any, error) {
		return centralapi.CabinetAnswer{Outcome: outcomeBlocked, Reason: &reason}, nil
	}
	sn, ok := s.desk.Session(s.now(), terminal, b.Session)
	switch {
	case !ok:
		return no("session_ended")
	case level == signin.High && sn.Level != signin.High:
		return no("level")
	}
	rows := []centralapi.CabinetRow{}
	err = s.db.View(func(tx *bolt.Tx) error {
		a, _, err := citizenOf(tx, sn.Person.FIN)
		if all := of(a); len(all) > 0 {
			rows = all[:min(len(all), shownRows)]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cabinet: %w", err)
	}
	return centralapi.CabinetAnswer{Outcome: outcomeFound, Rows: &rows}, nil
}
