package server

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/signin"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/trust"
)

// login is a central with a trust folder, a clock that stands, and both
// authorities.
type login struct {
	*Server
	t     *testing.T
	dir   string
	now   time.Time
	esign *identitytest.Authority
	bsxm  *identitytest.Authority
}

func newLogin(t *testing.T, alter func(*Options)) *login {
	t.Helper()
	l := &login{t: t, dir: t.TempDir(), now: noon, esign: identitytest.Root(t, "Elektron imza", noon), bsxm: identitytest.Root(t, "BSXM", noon)}
	l.write("esign-root.pem", l.esign.PEM())
	l.write("bsxm-root.pem", l.bsxm.PEM())
	l.write("esign.crl", l.esign.CRL(nil).Raw)
	l.write("bsxm.crl", l.bsxm.CRL(nil).Raw)
	o := Options{Demo: true, Now: func() time.Time { return l.now }}
	if alter != nil {
		alter(&o)
	}
	if o.Trust == nil {
		o.Trust = trust.New(l.dir, quiet)
	}
	l.Server = open(t, storePath(t), o)
	return l
}

func (l *login) write(name string, data []byte) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), data, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// heard is the answer of any ask.
type heard struct {
	Outcome     string
	Reason      string
	Left        int
	Challenge   centralapi.Challenge
	Attempt     string
	OtpTo       string `json:"otp_to"`
	ControlCode string `json:"control_code"`
	ExpiresAt   string `json:"expires_at"`
	Session     centralapi.Session
	Rows        []centralapi.CabinetRow
}

// brief is what an answer comes to.
func (h heard) brief() string { return strings.TrimSpace(h.Outcome + " " + h.Reason) }

func (l *login) ask(kind string, body any) heard { return l.askAt(terminalID, kind, body) }

func (l *login) askAt(terminal, kind string, body any) (h heard) {
	l.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	r := do(l, "POST", "/v1/terminals/"+terminal+"/queries/"+kind, nil, raw)
	if r.status != 200 || json.Unmarshal(r.body, &h) != nil {
		l.t.Fatalf("%s: status %d: %s", kind, r.status, r.body)
	}
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		l.t.Fatalf("%s: Cache-Control %q", kind, got)
	}
	return h
}

type m = map[string]any

func (l *login) challenge(method string) centralapi.Challenge {
	l.t.Helper()
	return l.ask("login.challenge", m{"method": method}).Challenge
}

// card signs in with a card.
func (l *login) card(method string, c identitytest.Card) heard {
	l.t.Helper()
	ch := l.challenge(method)
	return l.ask("login.card", m{"attempt": ch.Attempt, "token": json.RawMessage(c.Token(l.t, DefaultOrigin, ch.Nonce))})
}

func (l *login) phone() (p centralapi.Phone) {
	l.t.Helper()
	r := do(l, "GET", "/demo/v1/phone", nil, nil)
	if r.status != 200 || json.Unmarshal(r.body, &p) != nil {
		l.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return p
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// password signs in with FIN, password and the code on the telephone.
func (l *login) password() heard {
	l.t.Helper()
	h := l.ask("login.password", m{"fin": "5ABC3T7", "password": "Salam123!"})
	if h.Outcome != "found" {
		l.t.Fatalf("password: %s", h.brief())
	}
	return l.ask("login.otp", m{"attempt": h.Attempt, "otp": sixDigits.FindString(l.phone().Sms[0].Text)})
}

func (l *login) asan(answer string) heard {
	l.t.Helper()
	h := l.ask("login.asan", m{"phone": "+994501234567", "user_id": "12345"})
	if h.Outcome != "found" {
		l.t.Fatalf("asan: %s", h.brief())
	}
	r := do(l, "POST", "/demo/v1/phone", nil, fmt.Appendf(nil, `{"attempt":%q,"answer":%q}`, h.Attempt, answer))
	if r.status != 200 {
		l.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return l.ask("login.asan.poll", m{"attempt": h.Attempt})
}

// Each method signs in the same person, at its level.
func TestFourMethods(t *testing.T) {
	l := newLogin(t, nil)
	for method, x := range map[string]struct {
		in    func() heard
		level string
	}{
		"esign_card":   {func() heard { return l.card("esign_card", l.esign.Issue(identitytest.ECKey(), nil)) }, "high"},
		"bsxm":         {func() heard { return l.card("bsxm", l.bsxm.Issue(identitytest.RSAKey(2048), nil)) }, "high"},
		"fin_password": {l.password, "low"},
		"asan_imza":    {func() heard { return l.asan("confirm") }, "high"},
	} {
		t.Run(method, func(t *testing.T) {
			h := x.in()
			s := h.Session
			if h.Outcome != "found" || s.Method != method || s.Level != x.level || s.Name != "AYSEL NÜMUNƏ" || s.FinMasked != "****3T7" ||
				len(s.Id) != 32 || !s.ExpiresAt.Equal(noon.Add(30*time.Minute)) {
				t.Fatalf("%s %+v", h.brief(), s)
			}
			if h := l.ask("mygov.payments", m{"session": s.Id}); h.Outcome != "found" || len(h.Rows) != 3 || h.Rows[0].Amount.Minor != 2540 {
				t.Fatalf("%s %+v", h.brief(), h.Rows)
			}
			h = l.ask("mygov.data_access_log", m{"session": s.Id})
			if x.level == "low" && h.brief() != "blocked level" || x.level == "high" && (h.Outcome != "found" || len(h.Rows) != 3 || h.Rows[0].Amount != nil) {
				t.Fatalf("%s %+v", h.brief(), h.Rows)
			}
			for i := 1; i < len(h.Rows); i++ {
				if h.Rows[i].At.After(h.Rows[i-1].At) {
					t.Fatal("not newest first")
				}
			}
			if h := l.askAt("elsewhere", "mygov.payments", m{"session": s.Id}); h.brief() != "blocked session_ended" {
				t.Fatalf("at another terminal: %s", h.brief())
			}
			if h := l.askAt("elsewhere", "login.out", m{"session": s.Id}); h.brief() != "found" || l.ask("mygov.payments", m{"session": s.Id}).Outcome != "found" {
				t.Fatal("another terminal ends it")
			}
			for range 2 {
				if h := l.ask("login.out", m{"session": s.Id}); h.brief() != "found" {
					t.Fatalf("login.out: %s", h.brief())
				}
			}
			if h := l.ask("mygov.payments", m{"session": s.Id}); h.brief() != "blocked session_ended" || h.Rows != nil {
				t.Fatalf("after signing out: %s", h.brief())
			}
		})
	}
}

// Every reason for which a card does not sign in.
func TestCardRefused(t *testing.T) {
	const another = "https://asan1ogin.example.az"
	key, rsaKey := identitytest.ECKey(), identitytest.RSAKey(2048)
	for _, x := range []struct {
		want   string
		method string // esign_card if empty
		origin string
		wait   time.Duration
		alter  func(*x509.Certificate)
		before func(*login, identitytest.Card)
		change func(m)
	}{
		{want: "found"},
		{want: "blocked challenge_unknown", change: func(b m) { b["attempt"] = "0123456789abcdef0123456789abcdef" }},
		{want: "blocked challenge_expired", wait: 5 * time.Minute},
		{want: "blocked cert_malformed", change: func(b m) { b["unverifiedCertificate"] = "AAAA" }},
		{want: "blocked cert_expired", alter: func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) }},
		{want: "blocked cert_not_yet_valid", alter: func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Second) }},
		{want: "blocked cert_revoked", before: func(l *login, c identitytest.Card) {
			l.write("esign.crl", l.esign.CRL(nil, identitytest.Entry(c.Cert, noon, 1)).Raw)
		}},
		{want: "blocked cert_suspended", before: func(l *login, c identitytest.Card) {
			l.write("esign.crl", l.esign.CRL(nil, identitytest.Entry(c.Cert, noon, 6)).Raw)
		}},
		{want: "blocked cert_unknown", method: "bsxm"}, // the card is good, the root is not of this method
		{want: "blocked cert_unknown", before: func(l *login, _ identitytest.Card) { l.write("esign-root.pem", nil) }},
		{want: "blocked cert_purpose", alter: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }},
		{want: "blocked status_unknown", before: func(l *login, _ identitytest.Card) { l.write("esign.crl", nil) }},
		{want: "blocked status_unknown", before: func(l *login, _ identitytest.Card) {
			l.write("esign.crl", l.esign.CRL(func(r *x509.RevocationList) {
				r.ThisUpdate, r.NextUpdate = noon.AddDate(0, 0, -2), noon.AddDate(0, 0, -1)
			}).Raw)
		}},
		{want: "blocked signature_false", origin: another},
		{want: "blocked algorithm", change: func(b m) { b["algorithm"] = "ES384" }},
	} {
		for kind, key := range map[string]identitytest.Card{"P-256": {Key: key}, "RSA": {Key: rsaKey}} {
			t.Run(strings.TrimPrefix(x.want, "blocked ")+"/"+kind, func(t *testing.T) {
				l := newLogin(t, nil)
				card := l.esign.Issue(key.Key, x.alter)
				if x.before != nil {
					x.before(l, card)
				}
				if x.method == "" {
					x.method = "esign_card"
				}
				if x.origin == "" {
					x.origin = DefaultOrigin
				}
				c := l.challenge(x.method)
				body := m{"attempt": c.Attempt}
				token := m{}
				if err := json.Unmarshal(card.Token(t, x.origin, c.Nonce), &token); err != nil {
					t.Fatal(err)
				}
				if x.change != nil {
					x.change(token)
					if a, ok := token["attempt"]; ok {
						body["attempt"] = a
						delete(token, "attempt")
					}
				}
				body["token"] = token
				l.now = l.now.Add(x.wait)
				h := l.ask("login.card", body)
				if h.brief() != x.want || (h.Session.Id != "") != (x.want == "found") {
					t.Fatalf("%s, want %s", h.brief(), x.want)
				}
				// Whatever came of it, the challenge is used up.
				if body["attempt"] == c.Attempt {
					if again := l.ask("login.card", body); again.brief() != "blocked challenge_unknown" {
						t.Fatalf("once more: %s", again.brief())
					}
				}
			})
		}
	}
}

// A revocation counts at the next login, a suspension ends with the next list, and
// a responder's word counts beside them.
func TestRevocationCountsAtOnce(t *testing.T) {
	var answer func(address string) []byte
	l := newLogin(t, func(o *Options) {
		o.AskOCSP = func(_ context.Context, address string, _ []byte) ([]byte, error) {
			if answer == nil {
				return nil, errors.New("no answer")
			}
			return answer(address), nil
		}
	})
	card := l.esign.Issue(identitytest.ECKey(), func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:8484/"} })
	expect := func(want string) {
		t.Helper()
		if h := l.card("esign_card", card); h.brief() != want {
			t.Fatalf("%s, want %s", h.brief(), want)
		}
	}
	expect("found")
	l.write("esign.crl", l.esign.CRL(nil, identitytest.Entry(card.Cert, noon, 6)).Raw)
	expect("blocked cert_suspended")
	l.write("esign.crl", l.esign.CRL(nil).Raw)
	expect("found")
	answer = func(string) []byte {
		return l.esign.OCSP(card.Cert, nil, func(r *ocsp.Response) { r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, noon, 1 })
	}
	expect("blocked cert_revoked")
	answer = func(string) []byte { return l.esign.OCSP(card.Cert, nil, nil) }
	if err := os.Remove(filepath.Join(l.dir, "esign.crl")); err != nil {
		t.Fatal(err)
	}
	expect("found")
}

// A token is good for the terminal whose challenge it answers.
func TestTokenOfAnotherTerminal(t *testing.T) {
	l := newLogin(t, nil)
	card := l.esign.Issue(identitytest.ECKey(), nil)
	c := l.challenge("esign_card")
	body := m{"attempt": c.Attempt, "token": json.RawMessage(card.Token(t, DefaultOrigin, c.Nonce))}
	if h := l.askAt("elsewhere", "login.card", body); h.brief() != "blocked challenge_unknown" {
		t.Fatal(h.brief())
	}
	if h := l.ask("login.card", body); h.brief() != "found" {
		t.Fatalf("the right terminal is served no more: %s", h.brief())
	}
}

// Whoever comes with a card gets an account with the certificate's name, and keeps
// the name that central has.
func TestNewPerson(t *testing.T) {
	l := newLogin(t, nil)
	as := func(number, given, surname string) centralapi.Session {
		t.Helper()
		card := l.esign.Issue(identitytest.ECKey(), func(c *x509.Certificate) { c.Subject = identitytest.Subject(number, given, surname) })
		h := l.card("esign_card", card)
		if h.Outcome != "found" {
			t.Fatal(h.brief())
		}
		return h.Session
	}
	s := as("3NEW5PR", "NİGAR", "YENİ")
	if s.Name != "NİGAR YENİ" || s.FinMasked != "****5PR" {
		t.Fatalf("%+v", s)
	}
	if h := l.ask("mygov.payments", m{"session": s.Id}); h.Outcome != "found" || h.Rows == nil || len(h.Rows) != 0 {
		t.Fatalf("%s %+v", h.brief(), h.Rows)
	}
	if s := as("PNOAZ-3NEW5PR", "NİGAR", "BAŞQA"); s.Name != "NİGAR YENİ" {
		t.Fatalf("%+v", s)
	}
}

func TestPassword(t *testing.T) {
	l := newLogin(t, nil)
	try := func(fin, password, want string) heard {
		t.Helper()
		h := l.ask("login.password", m{"fin": fin, "password": password})
		if h.brief() != want {
			t.Fatalf("%s, want %s", h.brief(), want)
		}
		return h
	}
	h := try(" 5abc3t7 ", "Salam123!", "found")
	if h.OtpTo != "+994 50 *** ** 67" || h.ExpiresAt != "2026-03-02T08:02:00Z" {
		t.Fatalf("%+v", h)
	}
	if sms := l.phone().Sms; len(sms) != 1 || sms[0].To != "+994501234567" {
		t.Fatalf("%+v", sms)
	}
	// There is no difference between no account, no password and a wrong one.
	for _, fin := range []string{"5ABC3T7", "9ZXC4V8", "2222222"} {
		for range 4 {
			try(fin, "salam123!", "blocked wrong")
		}
		try(fin, "salam123!", "blocked locked")
		try(fin, "Salam123!", "blocked locked")
	}
	try("not a FIN", "Salam123!", "blocked wrong")
	try("7KM2P9Q", "Sinaq2026!", "found") // another person is not locked
	l.now = noon.Add(15*time.Minute - time.Second)
	try("5ABC3T7", "Salam123!", "blocked locked")
	l.now = noon.Add(15 * time.Minute)
	try("5ABC3T7", "Salam123!", "found")
}

func TestCode(t *testing.T) {
	l := newLogin(t, nil)
	open := func() (attempt, code string) {
		t.Helper()
		h := l.ask("login.password", m{"fin": "5ABC3T7", "password": "Salam123!"})
		return h.Attempt, sixDigits.FindString(l.phone().Sms[0].Text)
	}
	try := func(attempt, code, want string, left int) {
		t.Helper()
		if h := l.ask("login.otp", m{"attempt": attempt, "otp": code}); h.brief() != want || h.Left != left {
			t.Fatalf("%s, %d left; want %s, %d", h.brief(), h.Left, want, left)
		}
	}
	attempt, code := open()
	try(attempt, "12345", "blocked wrong", 2)
	try(attempt, "x", "blocked wrong", 1)
	try(attempt, "1234567", "blocked locked", 0)
	try(attempt, code, "blocked locked", 0)
	attempt, code = open()
	l.now = l.now.Add(2 * time.Minute)
	try(attempt, code, "blocked expired", 0)
	try("nothing", code, "blocked expired", 0)
	attempt, code = open()
	try(attempt, code, "found", 0)
	try(attempt, code, "blocked expired", 0)
	for range 5 {
		open()
	}
	if h := l.ask("login.password", m{"fin": "5ABC3T7", "password": "Salam123!"}); h.brief() != "blocked locked" {
		t.Fatalf("a sixth message: %s", h.brief())
	}
}

func TestAsan(t *testing.T) {
	l := newLogin(t, nil)
	try := func(phone, user, want string) heard {
		t.Helper()
		h := l.ask("login.asan", m{"phone": phone, "user_id": user})
		if h.brief() != want {
			t.Fatalf("%s, want %s", h.brief(), want)
		}
		return h
	}
	poll := func(attempt, want string) {
		t.Helper()
		if h := l.ask("login.asan.poll", m{"attempt": attempt}); h.brief() != want {
			t.Fatalf("%s, want %s", h.brief(), want)
		}
	}
	h := try("+994501234567", "12345", "found")
	if len(h.ControlCode) != 4 || h.ExpiresAt != "2026-03-02T08:02:00Z" {
		t.Fatalf("%+v", h)
	}
	if p := l.phone(); len(p.Asan) != 1 || p.Asan[0].ControlCode != h.ControlCode || p.Asan[0].Attempt != h.Attempt || p.Asan[0].State != "waiting" {
		t.Fatalf("%+v", p)
	}
	poll(h.Attempt, "blocked waiting")
	l.now = l.now.Add(2 * time.Minute)
	poll(h.Attempt, "blocked expired")
	poll("nothing", "blocked unknown")
	if h := l.asan("refuse"); h.brief() != "blocked refused" {
		t.Fatal(h.brief())
	}
	if h := l.asan("confirm"); h.brief() != "found" {
		t.Fatal(h.brief())
	}
	try("+994700000001", "11111", "blocked no_coverage")
	try("+994509999999", "12345", "blocked unknown")
	for range 5 {
		try("+994501234567", "54321", "blocked unknown")
	}
	try("+994501234567", "12345", "blocked unknown") // five wrong ids lock, without saying so
	l.now = l.now.Add(15 * time.Minute)
	for range 5 {
		try("+994501234567", "12345", "found")
	}
	r := do(l, "POST", "/v1/terminals/t/queries/login.asan", nil, []byte(`{"phone":"+994501234567","user_id":"12345"}`))
	if wantProblem(t, r, centralapi.ProblemBusy); len(l.phone().Asan) == 0 {
		t.Fatal("no telephone")
	}
	for body, want := range map[string]centralapi.ProblemType{
		`{"attempt":"none","answer":"confirm"}`: centralapi.ProblemNotFound,
		`{"attempt":"none","answer":"maybe"}`:   centralapi.ProblemBodyInvalid,
		`{"attempt":`:                           centralapi.ProblemMalformed,
	} {
		wantProblem(t, do(l, "POST", "/demo/v1/phone", nil, []byte(body)), want)
	}
}

// A session ends after half an hour, when central is reset, and when it starts
// anew.
func TestSessionEnds(t *testing.T) {
	l := newLogin(t, nil)
	s := l.password().Session
	l.now = noon.Add(30 * time.Minute)
	if h := l.ask("mygov.payments", m{"session": s.Id}); h.brief() != "blocked session_ended" {
		t.Fatal(h.brief())
	}
	s = l.password().Session
	if r := do(l, "POST", "/demo/v1/reset", nil, nil); r.status != 204 {
		t.Fatalf("status %d", r.status)
	}
	if h := l.ask("mygov.payments", m{"session": s.Id}); h.brief() != "blocked session_ended" || len(l.phone().Sms) != 0 {
		t.Fatal(h.brief())
	}
	if h := l.password(); h.brief() != "found" {
		t.Fatal(h.brief())
	}
}

func TestLoginBodies(t *testing.T) {
	l := newLogin(t, nil)
	token := string(identitytest.TokenOf(t, []byte{1}, "ES256", []byte{1}))
	for kind, bad := range map[string][]string{
		"login.challenge":       {`{}`, `{"method":"fin_password"}`, `{"method":"x"}`, `[]`},
		"login.card":            {`{}`, `{"attempt":"a"}`, `{"attempt":"a","token":{}}`, `{"token":` + token + `}`, `{"attempt":"` + strings.Repeat("a", 65) + `","token":` + token + `}`},
		"login.password":        {`{}`, `{"fin":"5ABC3T7"}`, `{"password":"x"}`, `{"fin":"5ABC3T7","password":"` + strings.Repeat("x", 257) + `"}`, `{"fin":1,"password":"x"}`},
		"login.otp":             {`{}`, `{"attempt":"a"}`, `{"attempt":"a","otp":123456}`},
		"login.asan":            {`{}`, `{"phone":"+994501234567"}`, `{"user_id":"1"}`},
		"login.asan.poll":       {`{}`},
		"login.out":             {`{}`, `{"session":"` + strings.Repeat("x", 65) + `"}`},
		"mygov.payments":        {`{}`},
		"mygov.data_access_log": {`{"session":""}`},
	} {
		for _, body := range bad {
			r := do(l, "POST", "/v1/terminals/t/queries/"+kind, nil, []byte(body))
			if r.problem(t).Type != centralapi.ProblemBodyInvalid {
				t.Errorf("%s %.60s: %s", kind, body, r.body)
			}
		}
	}
}

// Without the demo there is no telephone, and nobody is signed in by half a proof.
func TestWithoutTelephones(t *testing.T) {
	l := newLogin(t, nil)
	path := l.db.Path()
	l.Close()
	s := open(t, path, Options{})
	r := do(s, "POST", "/v1/terminals/t/queries/login.password", nil, []byte(`{"fin":"5ABC3T7","password":"Salam123!"}`))
	wantProblem(t, r, centralapi.ProblemBusy)
	r = do(s, "POST", "/v1/terminals/t/queries/login.asan", nil, []byte(`{"phone":"+994501234567","user_id":"12345"}`))
	if r.status != 200 || !strings.Contains(string(r.body), "no_coverage") {
		t.Fatalf("%s", r.body)
	}
	r = do(s, "POST", "/v1/terminals/t/queries/login.challenge", nil, []byte(`{"method":"esign_card"}`))
	var h heard
	if err := json.Unmarshal(r.body, &h); err != nil {
		t.Fatal(err)
	}
	card := identitytest.Root(t, "Root", noon).Issue(identitytest.ECKey(), nil)
	body, err := json.Marshal(m{"attempt": h.Challenge.Attempt, "token": json.RawMessage(card.Token(t, DefaultOrigin, h.Challenge.Nonce))})
	if err != nil {
		t.Fatal(err)
	}
	if r = do(s, "POST", "/v1/terminals/t/queries/login.card", nil, body); !bytes.Contains(r.body, []byte("cert_unknown")) {
		t.Fatalf("without a trust folder: %s", r.body)
	}
	for _, path := range []string{"/demo/v1/phone", "/demo/v1/history"} {
		wantProblem(t, do(s, "GET", path, nil, nil), centralapi.ProblemNotFound)
	}
}

// The demo's made-up passwords are those that its documentation names.
func TestDemoPeople(t *testing.T) {
	passwords := map[string]string{"5ABC3T7": "Salam123!", "7KM2P9Q": "Sinaq2026!"}
	for _, c := range demoCitizens(noon) {
		if want := passwords[c.FIN]; want != "" {
			if ok, err := signin.CheckPassword(c.Password, want); !ok || err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
	if _, err := Open(storePath(t), Options{Origin: "https://a.example/"}); err == nil {
		t.Error("an origin with a slash")
	}
	broken := newLogin(t, func(o *Options) { o.Rand = bytes.NewReader(nil) })
	if r := do(broken, http.MethodPost, "/v1/terminals/t/queries/login.challenge", nil, []byte(`{"method":"bsxm"}`)); r.status != 500 {
		t.Errorf("without chance: %d %s", r.status, r.body)
	}
}
