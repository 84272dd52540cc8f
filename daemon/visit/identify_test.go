package visit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/visit"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// cabinet is the bundle with a journey that signs people in and shows a list.
func cabinet() *catalogue.Bundle {
	b := bundle()
	steps := []catalogue.Step{
		{ID: "login", Kind: catalogue.KindIdentify, Party: "asan", Methods: catalogue.LoginMethods(),
			On: map[string]string{"ok": "menu", "rejected": "rejected", "back": "@leave"}},
		{ID: "menu", Kind: catalogue.KindForm, On: map[string]string{"ok": "ask", "ok(other)": "level", "back": "@leave"},
			Fields: []catalogue.Field{{Name: "section", Type: "choice", Required: true, Keyboard: "none",
				Choices: []catalogue.Choice{{Value: "payments", Label: "t"}, {Value: "other", Label: "t"}}}}},
		{ID: "ask", Kind: catalogue.KindQuery, Ask: "mygov.payments", In: map[string]string{"session": "session"}, Out: map[string]string{"payments": "rows"},
			On: map[string]string{"found": "list", "none": "rejected", "blocked(session_ended)": "login", "blocked": "rejected", "unavailable": "rejected"}},
		{ID: "list", Kind: catalogue.KindPresent, List: "payments", On: map[string]string{"ok": "menu"}},
		{ID: "level", Kind: catalogue.KindPresent, Body: "t", On: map[string]string{"ok": "menu"}},
		{ID: "rejected", Kind: catalogue.KindPresent, Final: true, On: map[string]string{"ok": "@end"}},
	}
	b.Parties = []catalogue.Party{{ID: "asan", Origin: "https://asan.example", Name: "t"}}
	b.Services = append(b.Services, catalogue.Service{ID: "mygov", Title: "t", Journey: "m", Needs: []string{"central"}})
	b.Journeys["m"] = &catalogue.Journey{ID: "m", Start: "login", Stages: 2, Steps: steps}
	return b
}

const reader = smartcard.Reader("slot")

func (p *person) insertCard(n uint64) {
	p.t.Helper()
	p.cards.Event(smartcard.CardInserted{Reader: reader, ATR: []byte{0x3b}, Insertion: n})
	p.rest()
}

func (p *person) pullCard() {
	p.t.Helper()
	p.cards.Event(smartcard.CardRemoved{Reader: reader})
	p.rest()
}

// job is the one that the card is to do now.
func (p *person) job() esign.Job {
	p.t.Helper()
	if len(p.jobs) == 0 {
		p.t.Fatalf("no job for the card at %s", p.state().Visit.Step)
	}
	return p.jobs[len(p.jobs)-1]
}

func (p *person) cardDone(r esign.Result) {
	p.t.Helper()
	j := p.job()
	p.jobs = nil
	if j.Sign != nil {
		j.Sign.PIN.Wipe() // as the runner does
	}
	r.ID = j.ID
	p.cards.Done(r)
	p.rest()
}

func citizen(left int) esign.Key {
	return esign.Key{ID: "45", Holder: "AYSEL NÜMUNƏ", Issuer: "e-imza", ValidUntil: time.Unix(1_900_000_000, 0), MinPIN: 4, MaxPIN: 12, Digits: true,
		State: smartcard.PINState{Left: left}}
}

// toMethod begins a visit and comes to the choice of methods.
func (p *person) toMethod() {
	p.t.Helper()
	p.cards.Event(smartcard.ServiceUp{})
	p.cards.Event(smartcard.ReaderFound{Reader: reader})
	p.tap(wire.NameStart, wire.Command{Lang: wire.LangEn})
	p.tap(wire.NameService, wire.Command{Service: "mygov"})
	p.at(wire.StepMethod)
}

// toPIN puts a card in and comes to its PIN.
func (p *person) toPIN() {
	p.t.Helper()
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
	p.at(wire.StepCard)
	p.insertCard(1)
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(3)}})
	p.at(wire.StepPIN)
	p.challenge()
}

func (p *person) challenge() {
	p.t.Helper()
	if p.kind != "login.challenge" || p.ask == "" {
		p.t.Fatalf("no challenge was asked for, but %q", p.kind)
	}
	p.answer(central.AskFound, "", `{"challenge":{"attempt":"a-1","nonce":"`+strings.Repeat("n", 44)+`","expires_at":"2030-01-01T00:00:00Z"}}`)
}

func (p *person) typeSecret(field, text string) {
	p.t.Helper()
	for _, r := range text {
		if err := p.engine.Secret(p.now, wire.SecretKey{StepSeq: p.state().StepSeq, Field: field, Key: wire.SecretRune(r)}); err != nil {
			p.t.Fatalf("a key of %s at %s: %v", field, p.state().Visit.Step, err)
		}
		p.rest()
	}
}

const sessionAnswer = `{"session":{"id":"s-77","level":"high","method":"esign_card","name":"AYSEL NÜMUNƏ","fin_masked":"****3T7"}}`

// signedIn comes to the menu with the card.
func (p *person) signedIn() {
	p.t.Helper()
	p.toPIN()
	p.typeSecret("pin", "1234")
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepQuery)
	p.cardDone(esign.Result{Token: &esign.Token{Algorithm: "RS256", Format: esign.Format, Signature: []byte{1}, UnverifiedCertificate: []byte{2}}})
	if p.kind != "login.card" {
		p.t.Fatalf("central was asked %q", p.kind)
	}
	p.answer(central.AskFound, "", sessionAnswer)
	p.at(wire.StepForm)
}

// events are the reports of the sign-in, as event and why.
func (p *person) events() (out []string) {
	for _, r := range p.mem.Records {
		if r.Kind != (record.ActionIntent{}).Kind() {
			continue
		}
		var b record.ActionIntent
		var ev struct{ Event, Why, Service, Session string }
		if json.Unmarshal(r.Body, &b) != nil || json.Unmarshal(b.Body, &ev) != nil || r.Key == "" || ev.Session != "s-77" {
			p.t.Fatalf("a report that cannot be read: %s", r.Body)
		}
		out = append(out, strings.Trim(ev.Event+" "+ev.Service+ev.Why, " "))
	}
	return out
}

func (p *person) wantEvents(want ...string) {
	p.t.Helper()
	if got := p.events(); fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("reported %q, want %q", got, want)
	}
}

func TestSignInWithCard(t *testing.T) {
	p := newPerson(t)
	p.signedIn()
	if s := p.state().Visit; s.Person == nil || s.Person.Name != "AYSEL NÜMUNƏ" || s.Person.Level != wire.LevelHigh || s.Cancel != wire.CancelSignOut {
		t.Errorf("signed in: %+v, cancel %s", s.Person, s.Cancel)
	}
	p.tap(wire.NameInput, wire.Command{Field: "section", Value: "payments"})
	p.tap(wire.NameNext, wire.Command{})
	if body := p.asked["mygov.payments"]; body != `{"session":"s-77"}` {
		t.Errorf("asked with %s", body)
	}
	p.answer(central.AskFound, "", `{"rows":[{"title":"Su\u202eidarəsi","detail":"Su","at":"2026-11-20T10:00:00Z","amount":{"minor":1250,"currency":"AZN"},"code":"R-1"}]}`)
	p.at(wire.StepList)
	rows := p.state().Visit.List.Rows
	if len(rows) != 1 || rows[0].Title != "Suidarəsi" || rows[0].At != "2026-11-20T14:00" || rows[0].Amount.Money.Minor != 1250 {
		t.Errorf("list %+v", rows)
	}
	if strings.Contains(string(p.saved), "Suidarəsi") || strings.Contains(string(p.saved), "s-77") || strings.Contains(string(p.saved), "AYSEL") {
		t.Errorf("the runtime folder holds what central told of the person: %s", p.saved)
	}
	p.tap(wire.NameNext, wire.Command{})
	p.tap(wire.NameCancel, wire.Command{})
	p.at(wire.StepFarewell)
	if s := p.state().Visit; s.Outcome.Reason != wire.ReasonSignedOut || s.Person != nil || !s.CardIn {
		t.Errorf("farewell %+v, person %v, card in %v", s.Outcome, s.Person, s.CardIn)
	}
	p.pullCard()
	if p.state().Visit.CardIn {
		t.Error("the person is reminded of a card that is out")
	}
	p.wantEvents("signed_in", "used mygov.payments", "signed_out finished")
}

// A second service of the same visit does not ask again.
func TestSignInIsKeptForTheVisit(t *testing.T) {
	p := newPerson(t)
	p.signedIn()
	p.tap(wire.NameBack, wire.Command{})
	p.at(wire.StepServices)
	p.tap(wire.NameService, wire.Command{Service: "mygov"})
	p.at(wire.StepForm)
	p.wantEvents("signed_in")
}

func TestEndsOfASignIn(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(p *person)
		step wire.Step
		why  string
	}{
		{"card out", func(p *person) { p.pullCard() }, wire.StepFarewell, "signed_out card_removed"},
		{"another card in its place", func(p *person) { p.insertCard(2) }, wire.StepFarewell, "signed_out card_removed"},
		{"reader unplugged", func(p *person) { p.cards.Event(smartcard.ReaderLost{Reader: reader}); p.rest() }, wire.StepFarewell, "signed_out card_removed"},
		{"service down", func(p *person) { p.cards.Event(smartcard.ServiceDown{}); p.rest() }, wire.StepFarewell, "signed_out card_removed"},
		{"nobody there", func(p *person) { p.wait(2 * time.Minute) }, wire.StepAttract, "signed_out abandoned"},
		{"restart of the daemon", func(p *person) { p.boot(false) }, wire.StepMethod, "signed_out restarted"},
		{"power lost", func(p *person) { p.boot(true) }, wire.StepAttract, "signed_out restarted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPerson(t)
			p.signedIn()
			c.end(p)
			p.at(c.step)
			if p.state().Visit.Person != nil {
				t.Error("still signed in")
			}
			p.wantEvents("signed_in", c.why)
			if c.step == wire.StepMethod && !p.state().Visit.Identify.Restarted {
				t.Error("the person is not told why they must sign in again")
			}
		})
	}
}

func TestCardTroubles(t *testing.T) {
	fail := func(pr esign.Problem) func(p *person) {
		return func(p *person) {
			p.cardDone(esign.Result{Failure: &esign.Failure{Problem: pr, Left: -1, Err: errors.New("x")}})
		}
	}
	key := func(pr esign.Problem) func(p *person) {
		return func(p *person) {
			k := citizen(3)
			k.Problem = pr
			p.cardDone(esign.Result{Keys: []esign.Key{k}})
		}
	}
	for _, c := range []struct {
		name  string
		do    func(p *person)
		want  wire.CardProblem
		retry bool
	}{
		{"pulled while it is read", func(p *person) { p.pullCard() }, wire.CardRemoved, true},
		{"reader gone", func(p *person) { p.cards.Event(smartcard.ReaderLost{Reader: reader}); p.rest() }, wire.CardReaderGone, true},
		{"unsupported", fail(esign.ProblemUnsupported), wire.CardUnsupported, true},
		{"reader stuck", fail(esign.ProblemReaderStuck), wire.CardReaderStuck, false},
		{"reader busy", fail(esign.ProblemReaderBusy), wire.CardReaderBusy, true},
		{"no certificate", fail(esign.ProblemNoCertificate), wire.CardNoCertificate, true},
		{"expired", key(esign.ProblemExpired), wire.CardExpired, true},
		{"not yet valid", key(esign.ProblemNotYetValid), wire.CardNotYetValid, true},
		{"for something else", key(esign.ProblemPurpose), wire.CardPurpose, true},
		{"blocked", key(esign.ProblemPINBlocked), wire.CardBlocked, false},
		{"never activated", key(esign.ProblemPINNotSet), wire.CardNotActivated, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPerson(t)
			p.toMethod()
			p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
			p.insertCard(1)
			c.do(p)
			p.at(wire.StepCardProblem)
			if got := p.state().Visit.Identify.Problem; got.What != c.want || got.Retry != c.retry {
				t.Errorf("shown %+v", got)
			}
			p.tap(wire.NameBack, wire.Command{})
			p.at(wire.StepMethod)
			p.wantEvents()
		})
	}
}

func TestUpsideDownCard(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
	p.cards.Event(smartcard.CardUnreadable{Reader: reader})
	p.rest()
	p.at(wire.StepCardProblem)
	if got := p.state().Visit.Identify.Problem.What; got != wire.CardUnreadable {
		t.Errorf("shown %s", got)
	}
	p.cards.Event(smartcard.CardRemoved{Reader: reader})
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepCard)
	p.insertCard(2)
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(3)}})
	p.at(wire.StepPIN)
}

// wrong is the card's refusal of a PIN.
func wrong(left int) esign.Result {
	return esign.Result{Failure: &esign.Failure{Problem: esign.ProblemPINWrong, Left: left, Err: errors.New("wrong")}}
}

// A wrong PIN costs a try and says so; the last one is never spent without a yes
// of its own; a blocked card ends it.
func TestTriesOfThePIN(t *testing.T) {
	p := newPerson(t)
	p.toPIN()
	send := func() esign.Job {
		p.typeSecret("pin", "9999")
		p.tap(wire.NameNext, wire.Command{})
		return p.job()
	}
	if j := send(); j.Sign.LastConfirmed || string(j.Sign.PIN.Bytes()) != "9999" || j.Sign.Origin != "https://asan.example" {
		t.Fatalf("order %+v", j.Sign)
	}
	p.cardDone(wrong(2))
	p.at(wire.StepPIN)
	if e := p.state().Visit.Identify.PIN; !e.Wrong || e.Left != 2 || e.Length != 0 {
		t.Errorf("shown %+v", e)
	}
	send()
	p.cardDone(wrong(1))
	p.at(wire.StepPINLast)
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepPIN)
	if e := p.state().Visit.Identify.PIN; !e.Last || e.Left != 1 {
		t.Errorf("shown %+v", e)
	}
	if j := send(); !j.Sign.LastConfirmed {
		t.Error("the yes to the last try did not reach the card's room")
	}
	p.cardDone(esign.Result{Failure: &esign.Failure{Problem: esign.ProblemPINBlocked, Err: errors.New("x")}})
	p.at(wire.StepCardProblem)
	if got := p.state().Visit.Identify.Problem; got.What != wire.CardBlocked || got.Retry {
		t.Errorf("shown %+v", got)
	}
}

// One try is left before anything was typed here: the question comes first, and
// going back leaves the try unspent.
func TestLastTryFromTheStart(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
	p.insertCard(1)
	documents := citizen(3)
	documents.ID, documents.Problem = "46", esign.ProblemPurpose
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(1), documents}})
	p.at(wire.StepPINLast)
	p.tap(wire.NameBack, wire.Command{})
	p.at(wire.StepMethod)
	if len(p.jobs) != 0 {
		t.Error("the card was asked to sign")
	}
}

// The card leaves while the PIN is typed: what was typed is gone, and another
// card does not get it.
func TestCardLeavesDuringThePIN(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(p *person)
		want wire.CardProblem
	}{
		"out":          {func(p *person) { p.pullCard() }, wire.CardRemoved},
		"another card": {func(p *person) { p.pullCard(); p.at(wire.StepCardProblem); p.insertCard(2) }, wire.CardRemoved},
		"swapped":      {func(p *person) { p.insertCard(2) }, wire.CardOther},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			p.toPIN()
			p.typeSecret("pin", "123")
			c.do(p)
			p.at(wire.StepCardProblem)
			if got := p.state().Visit.Identify.Problem.What; got != c.want {
				t.Errorf("shown %s", got)
			}
			if len(p.jobs) != 0 {
				t.Error("a card was given a job")
			}
			if p.cards.In(esign.Slot{Reader: reader, Insertion: 1}) {
				p.t.Error("the old card counts as in")
			}
		})
	}
}

// The card is pulled while it signs: the person sees it at once, and the job's
// late end changes nothing.
func TestCardLeavesDuringTheSignature(t *testing.T) {
	p := newPerson(t)
	p.toPIN()
	p.typeSecret("pin", "1234")
	p.tap(wire.NameNext, wire.Command{})
	j := p.job()
	p.pullCard()
	p.at(wire.StepCardProblem)
	j.Sign.PIN.Wipe()
	p.cards.Done(esign.Result{ID: j.ID, Token: &esign.Token{}})
	p.rest()
	p.at(wire.StepCardProblem)
	if p.kind == "login.card" {
		t.Error("a signature that nobody waits for was shown to central")
	}
}

func TestCentralRefusesTheCard(t *testing.T) {
	for reason, want := range map[string]wire.CardProblem{
		"cert_expired": wire.CardExpired, "cert_revoked": wire.CardRevoked, "cert_suspended": wire.CardSuspended, "cert_unknown": wire.CardUnknownIssuer,
		"cert_purpose": wire.CardPurpose, "status_unknown": wire.CardStatusUnknown, "challenge_expired": wire.CardTooLate,
		"signature_false": wire.CardFault, "of_a_later_contract": wire.CardSignInRefused,
	} {
		t.Run(reason, func(t *testing.T) {
			p := newPerson(t)
			p.toPIN()
			p.typeSecret("pin", "1234")
			p.tap(wire.NameNext, wire.Command{})
			p.cardDone(esign.Result{Token: &esign.Token{}})
			p.answer(central.AskBlocked, reason, "")
			p.at(wire.StepCardProblem)
			if got := p.state().Visit.Identify.Problem.What; got != want {
				t.Errorf("shown %s, want %s", got, want)
			}
			p.wantEvents()
		})
	}
}

// Three refusals end the step: a terminal is no place to guess.
func TestThreeRefusalsEndTheSignIn(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodPassword})
	p.tap(wire.NameInput, wire.Command{Field: "fin", Value: "5abc3t7"})
	for i := range 3 {
		p.at(wire.StepForm)
		p.typeSecret("password", `Sa"lam\1`)
		p.tap(wire.NameNext, wire.Command{})
		p.at(wire.StepQuery)
		if got := p.asked["login.password"]; got != `{"fin":"5ABC3T7","password":"Sa\"lam\\1"}` {
			t.Fatalf("sent %s", got)
		}
		p.answer(central.AskBlocked, "wrong", "")
		if i < 2 {
			f := p.state().Visit.Form.Fields[1]
			if f.Problem == nil || *f.Problem != wire.ProblemWrong || f.Length != 0 || f.Value != "" {
				t.Fatalf("field %+v", f)
			}
		}
	}
	p.at(wire.StepNotice)
	if o := p.state().Visit.Outcome; o.Reason != wire.ReasonSignInFailed || o.Money != wire.FateNone {
		t.Errorf("outcome %+v", o)
	}
}

func TestSignInWithPassword(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodPassword})
	p.tap(wire.NameNext, wire.Command{})
	if f := p.state().Visit.Form.Fields; f[0].Problem == nil || f[1].Problem == nil {
		t.Fatal("empty fields are not named")
	}
	p.tap(wire.NameInput, wire.Command{Field: "fin", Value: "5ABC3T7"})
	p.typeSecret("password", "Salam123!")
	if s := string(mustJSON(t, p.state())); strings.Contains(s, "Salam") {
		t.Fatal("the screen is sent a secret")
	}
	p.tap(wire.NameNext, wire.Command{})
	p.answer(central.AskFound, "", `{"attempt":"a-2","otp_to":"+994 50 *** ** 12"}`)
	p.at(wire.StepForm)
	f := p.state().Visit.Form.Fields[0]
	if !f.Secret || *f.Hint.Values["phone_masked"].Code != "+994 50 *** ** 12" {
		t.Fatalf("field %+v", f)
	}
	p.typeSecret("otp", "123456")
	p.tap(wire.NameNext, wire.Command{})
	if got := p.asked["login.otp"]; got != `{"attempt":"a-2","otp":"123456"}` {
		t.Fatalf("sent %s", got)
	}
	p.answer(central.AskFound, "", sessionAnswer)
	p.at(wire.StepForm)
	p.pullCard() // a card has nothing to do with this sign-in
	p.wantEvents("signed_in")
	if strings.Contains(string(p.saved), "5ABC3T7") || strings.Contains(string(mustJSON(t, p.mem.Records)), "5ABC3T7") {
		t.Error("the FIN is on disk")
	}
}

func TestSignInWithPhone(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodASAN})
	p.tap(wire.NameInput, wire.Command{Field: "phone", Value: "+994 50 123 45 67"})
	p.tap(wire.NameInput, wire.Command{Field: "user_id", Value: "12345"})
	p.tap(wire.NameNext, wire.Command{})
	if got := p.asked["login.asan"]; got != `{"phone":"+994501234567","user_id":"12345"}` {
		t.Fatalf("sent %s", got)
	}
	p.answer(central.AskFound, "", `{"attempt":"a-3","control_code":"4821"}`)
	p.at(wire.StepPhone)
	if ph := p.state().Visit.Identify.Phone; ph.Code != "4821" || ph.SecondsLeft != 120 {
		t.Fatalf("phone %+v", ph)
	}
	p.wait(2 * time.Second)
	p.answer(central.AskBlocked, "waiting", "")
	p.at(wire.StepPhone)
	p.wait(2 * time.Second)
	if got := p.asked["login.asan.poll"]; got != `{"attempt":"a-3"}` {
		t.Fatalf("sent %s", got)
	}
	p.answer(central.AskFound, "", sessionAnswer)
	p.at(wire.StepForm)
}

func TestPhoneThatNobodyAnswers(t *testing.T) {
	for name, end := range map[string]func(p *person){
		"no answer from the person": func(p *person) {
			for range 70 {
				p.wait(2 * time.Second)
				if p.state().Visit.Step != wire.StepPhone {
					return
				}
				p.answer(central.AskBlocked, "waiting", "")
			}
		},
		"central gone meanwhile": func(p *person) { p.wait(121 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			p.toMethod()
			p.tap(wire.NameMethod, wire.Command{Method: wire.MethodASAN})
			p.tap(wire.NameInput, wire.Command{Field: "phone", Value: "501234567"})
			p.tap(wire.NameInput, wire.Command{Field: "user_id", Value: "12345"})
			p.tap(wire.NameNext, wire.Command{})
			p.answer(central.AskFound, "", `{"attempt":"a-3","control_code":"4821"}`)
			end(p)
			p.at(wire.StepNotice)
			if o := p.state().Visit.Outcome; o.Reason != wire.ReasonAuthTimeout {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

// Central is away: nothing is spent, the person is told, and trying again works.
func TestCentralAwayDuringTheCard(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
	p.insertCard(1)
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(3)}})
	p.answer(central.AskUnavailable, "", "")
	p.at(wire.StepPIN) // only now does it not matter
	p.typeSecret("pin", "1234")
	p.tap(wire.NameNext, wire.Command{})
	p.at(wire.StepQuery)
	p.answer(central.AskUnavailable, "", "")
	p.at(wire.StepCardProblem)
	if got := p.state().Visit.Identify.Problem; got.What != wire.CardCentral || !got.Retry || len(p.jobs) != 0 {
		t.Errorf("shown %+v, jobs %d", got, len(p.jobs))
	}
	p.tap(wire.NameNext, wire.Command{})
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(3)}})
	p.at(wire.StepPIN)
}

func TestSeveralCertificates(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.tap(wire.NameMethod, wire.Command{Method: wire.MethodCard})
	p.insertCard(1)
	seal, old := citizen(3), citizen(3)
	seal.ID, seal.Holder = "46", "NÜMUNƏ MMC"
	old.ID, old.Problem = "47", esign.ProblemExpired
	p.cardDone(esign.Result{Keys: []esign.Key{citizen(3), seal, old}})
	p.at(wire.StepCertificate)
	if c := p.state().Visit.Identify.Certificates; len(c) != 3 || *c[2].Problem != wire.CardExpired {
		t.Fatalf("shown %+v", c)
	}
	if err := p.engine.Command(p.now, wire.NameCertificate, wire.Command{StepSeq: p.state().StepSeq, Certificate: "47"}); !errors.Is(err, visit.ErrData) {
		t.Errorf("an expired certificate was chosen: %v", err)
	}
	p.tap(wire.NameCertificate, wire.Command{Certificate: "46"})
	p.at(wire.StepPIN)
	if h := p.state().Visit.Identify.PIN.Holder; h != "NÜMUNƏ MMC" {
		t.Errorf("the PIN of %s is asked for", h)
	}
	p.tap(wire.NameBack, wire.Command{})
	p.at(wire.StepCertificate)
}

// What central offers is bounded, whatever it sends.
func TestStrangeAnswersToASignIn(t *testing.T) {
	for name, body := range map[string]string{
		"no session":     `{}`,
		"empty id":       `{"session":{"id":"","level":"high"}}`,
		"unknown level":  `{"session":{"id":"x","level":"divine"}}`,
		"not an object":  `[1]`,
		"a very long id": `{"session":{"id":"` + strings.Repeat("x", 200) + `","level":"high"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			p.toPIN()
			p.typeSecret("pin", "1234")
			p.tap(wire.NameNext, wire.Command{})
			p.cardDone(esign.Result{Token: &esign.Token{}})
			p.answer(central.AskFound, "", body)
			p.at(wire.StepNotice)
			if p.state().Visit.Person != nil {
				t.Error("signed in")
			}
		})
	}
}

// A method that cannot work is shown as such and cannot be chosen.
func TestMethodsThatAreMissing(t *testing.T) {
	p := newPerson(t)
	p.toMethod()
	p.cards.Event(smartcard.ReaderLost{Reader: reader})
	p.rest()
	for _, m := range p.state().Visit.Identify.Methods {
		if card := m.Method == wire.MethodCard || m.Method == wire.MethodBSXM; m.Available == card {
			t.Errorf("%s available: %v", m.Method, m.Available)
		}
	}
	if err := p.engine.Command(p.now, wire.NameMethod, wire.Command{StepSeq: p.state().StepSeq, Method: wire.MethodCard}); err == nil {
		t.Error("a card was asked for without a reader")
	}
}

// Keys of a secret count only where they were meant.
func TestKeysOfASecret(t *testing.T) {
	p := newPerson(t)
	p.toPIN()
	seq := p.state().StepSeq
	for _, c := range []struct {
		k    wire.SecretKey
		want error
	}{
		{wire.SecretKey{StepSeq: seq - 1, Field: "pin", Key: '1'}, visit.ErrStale},
		{wire.SecretKey{StepSeq: seq, Field: "password", Key: '1'}, visit.ErrNotHere},
		{wire.SecretKey{StepSeq: seq, Field: "pin", Key: 'a'}, visit.ErrData},
		{wire.SecretKey{StepSeq: seq, Field: "pin", Key: '\n'}, visit.ErrData},
	} {
		if err := p.engine.Secret(p.now, c.k); !errors.Is(err, c.want) {
			t.Errorf("field %s: %v, want %v", c.k.Field, err, c.want)
		}
	}
	p.typeSecret("pin", "123456789012")
	if err := p.engine.Secret(p.now, wire.SecretKey{StepSeq: seq, Field: "pin", Key: '3'}); err == nil {
		t.Error("a thirteenth digit was taken")
	}
	for range 9 {
		if err := p.engine.Secret(p.now, wire.SecretKey{StepSeq: seq, Field: "pin", Key: wire.SecretErase}); err != nil {
			t.Fatal(err)
		}
	}
	if e := p.state().Visit.Identify.PIN; e.Length != 3 || e.CanSend {
		t.Errorf("shown %+v", e)
	}
	if err := p.engine.Command(p.now, wire.NameNext, wire.Command{StepSeq: seq}); err == nil || len(p.jobs) != 0 {
		t.Error("a PIN of three digits was sent")
	}
}
