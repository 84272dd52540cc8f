package visit

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// observeCard waits for a card and reads it.
func (e *Engine) observeCard(now time.Time) {
	id := e.id
	if id.job == 0 {
		slot, in := e.cards.Card()
		switch {
		case !e.cards.Ready():
			e.cardTrouble(now, wire.CardReaderGone)
		case in && !e.cards.Busy():
			id.slot = slot
			id.job = e.cards.Read(slot)
			e.touch(now)
		case !in && e.cards.Unreadable():
			e.cardTrouble(now, wire.CardUnreadable)
		}
		return
	}
	r := e.cards.Result(id.job)
	if r == nil {
		if !e.cards.In(id.slot) {
			id.job = 0
			e.cardTrouble(now, e.whereGone())
		}
		return
	}
	id.job = 0
	if r.Failure != nil {
		e.cardTrouble(now, cardProblem(r.Failure.Problem))
		return
	}
	id.keys = r.Keys
	for i := range id.keys {
		if id.keys[i].Problem == "" {
			id.key = &id.keys[i]
		}
	}
	switch id.usable() {
	case 0:
		id.key = nil
		e.cardTrouble(now, cardProblem(id.keys[0].Problem))
	case 1:
		e.openKey(now)
	default:
		id.key = nil
		e.turn(now, phaseChoose)
	}
}

// openKey goes to the PIN of the chosen certificate, by way of the question about
// the last try where one is left.
func (e *Engine) openKey(now time.Time) {
	e.id.left, e.id.wrong, e.id.last = e.id.key.State.Left, false, false
	if e.id.left == 1 {
		e.turn(now, phaseLast)
		return
	}
	e.enterPIN(now)
}

// enterPIN shows the keys, and fetches a challenge meanwhile.
func (e *Engine) enterPIN(now time.Time) {
	e.id.drop(fieldPIN)
	e.id.secret(fieldPIN)
	e.turn(now, phasePIN)
	e.fetchChallenge(now)
}

func (id *identification) canSend() bool {
	return id.key != nil && id.secrets[fieldPIN].Len() >= max(id.key.MinPIN, 1)
}

// chooseCertificate is a tap on one of several.
func (e *Engine) chooseCertificate(now time.Time, which string) error {
	id := e.id
	if !e.inIdentify() || id.phase != phaseChoose {
		return ErrNotHere
	}
	for i := range id.keys {
		if id.keys[i].ID == which && id.keys[i].Problem == "" {
			id.key = &id.keys[i]
			e.openKey(now)
			return nil
		}
	}
	return ErrData
}

// observeCardStays ends the entry when the card goes.
func (e *Engine) observeCardStays(now time.Time) {
	if !e.cards.In(e.id.slot) {
		e.cardTrouble(now, e.whereGone())
		return
	}
	e.takeChallenge(now)
}

// whereGone tells a card that was taken out from one that was replaced, and from
// a reader that went with it.
func (e *Engine) whereGone() wire.CardProblem {
	if !e.cards.Ready() {
		return wire.CardReaderGone
	}
	if slot, in := e.cards.Card(); in && slot.Reader == e.id.slot.Reader {
		return wire.CardOther
	}
	return wire.CardRemoved
}

// observeSigning gets a challenge, lets the card sign it, and shows central the
// result.
func (e *Engine) observeSigning(now time.Time) {
	id := e.id
	if !e.cards.In(id.slot) {
		// The job ends by itself; its end is nobody's concern any more.
		e.cardTrouble(now, e.whereGone())
		return
	}
	if id.job == 0 {
		e.takeChallenge(now)
		switch {
		case id.phase != phaseSigning: // central could not be asked
		case id.challenge == nil:
			e.fetchChallenge(now)
		case !e.cards.Busy():
			id.job = e.cards.Sign(id.slot, esign.Order{Key: id.key.ID, Origin: e.bundle.Party(e.step.Party).Origin,
				Nonce: id.challenge.nonce, LastConfirmed: id.last, PIN: id.take(fieldPIN)})
		}
		return
	}
	r := e.cards.Result(id.job)
	if r == nil {
		return
	}
	id.job = 0
	if r.Failure != nil {
		e.signFailed(now, r.Failure)
		return
	}
	body, err := json.Marshal(struct {
		Attempt string       `json:"attempt"`
		Token   *esign.Token `json:"token"`
	}{id.challenge.attempt, r.Token})
	if err != nil {
		panic("visit: " + err.Error())
	}
	id.challenge = nil // it is good for one signature
	e.check(now, "login.card", body, signInWait)
}

func (e *Engine) signFailed(now time.Time, f *esign.Failure) {
	id := e.id
	switch f.Problem {
	case esign.ProblemPINWrong:
		id.left, id.last = f.Left, false
		switch f.Left {
		case 0:
			e.cardTrouble(now, wire.CardBlocked)
		case 1:
			id.wrong = true
			e.turn(now, phaseLast)
		default:
			e.enterPIN(now)
			id.wrong = true
		}
	case esign.ProblemPINFormat:
		e.enterPIN(now)
		id.wrong = true
	case esign.ProblemPINLast:
		id.left, id.last = 1, false
		e.turn(now, phaseLast)
	default:
		e.cardTrouble(now, cardProblem(f.Problem))
	}
}

// fetchChallenge asks for one unless it is there or on its way.
func (e *Engine) fetchChallenge(now time.Time) {
	id := e.id
	if id.challenge != nil && id.challenge.until.Sub(now) < challengeLeft {
		id.challenge = nil
	}
	if id.challenge != nil || e.askID != "" {
		return
	}
	body, _ := json.Marshal(map[string]string{"method": id.method})
	e.askIdentify("login.challenge", body, signInWait)
}

// takeChallenge takes up the answer. A central that cannot be asked matters only
// when the PIN has been typed.
func (e *Engine) takeChallenge(now time.Time) {
	id, a := e.id, e.answer
	if a == nil {
		return
	}
	e.askID, e.answer = "", nil
	var b struct {
		Challenge struct {
			Attempt   string    `json:"attempt"`
			Nonce     string    `json:"nonce"`
			ExpiresAt time.Time `json:"expires_at"`
		} `json:"challenge"`
	}
	if a.Outcome == central.AskFound && json.Unmarshal(a.Body, &b) == nil && goodChallenge(b.Challenge.Attempt, b.Challenge.Nonce) == nil {
		// The clocks of the two may differ: what counts is how long it stands from now,
		// five minutes by the contract.
		until := now.Add(5 * time.Minute)
		if b.Challenge.ExpiresAt.Before(until) && b.Challenge.ExpiresAt.After(now.Add(challengeLeft)) {
			until = b.Challenge.ExpiresAt
		}
		id.challenge = &challenge{attempt: b.Challenge.Attempt, nonce: b.Challenge.Nonce, until: until}
		return
	}
	if id.phase == phaseSigning {
		e.cardTrouble(now, wire.CardCentral)
	}
}

// goodChallenge bounds what central sent: at least 32 random bytes as 44
// characters of base64 (protocols/esign-card.md 10.1).
func goodChallenge(attempt, nonce string) error {
	if attempt == "" || len(attempt) > 128 || len(nonce) < 44 || len(nonce) > 128 {
		return errors.New("not a challenge")
	}
	return nil
}

// cardTrouble shows why the card cannot be used; what was typed is gone.
func (e *Engine) cardTrouble(now time.Time, what wire.CardProblem) {
	id := e.id
	e.dropAsk()
	id.wipe()
	id.key, id.keys, id.job, id.challenge = nil, nil, 0, nil
	id.trouble = wire.CardTrouble{What: what, Retry: true}
	switch what {
	case wire.CardBlocked:
		e.r.Reason, id.trouble.Retry = wire.ReasonPINBlocked, false
	case wire.CardExpired:
		e.r.Reason = wire.ReasonCertExpired
	case wire.CardRevoked, wire.CardSuspended:
		e.r.Reason = wire.ReasonCertRevoked
	case wire.CardReaderStuck, wire.CardNotActivated, wire.CardTriesUnknown:
		id.trouble.Retry = false
	}
	e.turn(now, phaseTrouble)
}

// cardProblem puts a job's problem into the screen's words; the two lists are
// kept apart because the screen has problems that only central can find.
func cardProblem(p esign.Problem) wire.CardProblem {
	switch p {
	case esign.ProblemRemoved:
		return wire.CardRemoved
	case esign.ProblemOtherCard:
		return wire.CardOther
	case esign.ProblemUnreadable:
		return wire.CardUnreadable
	case esign.ProblemUnsupported:
		return wire.CardUnsupported
	case esign.ProblemNoCertificate:
		return wire.CardNoCertificate
	case esign.ProblemExpired:
		return wire.CardExpired
	case esign.ProblemNotYetValid:
		return wire.CardNotYetValid
	case esign.ProblemPurpose, esign.ProblemAlgorithm:
		return wire.CardPurpose
	case esign.ProblemPINBlocked:
		return wire.CardBlocked
	case esign.ProblemPINNotSet:
		return wire.CardNotActivated
	case esign.ProblemTriesUnknown:
		return wire.CardTriesUnknown
	case esign.ProblemReaderGone:
		return wire.CardReaderGone
	case esign.ProblemReaderBusy:
		return wire.CardReaderBusy
	case esign.ProblemReaderStuck:
		return wire.CardReaderStuck
	}
	return wire.CardFault
}

// refusedCard is central's refusal of a card's signature.
func refusedCard(reason string) wire.CardProblem {
	switch reason {
	case "cert_expired":
		return wire.CardExpired
	case "cert_not_yet_valid":
		return wire.CardNotYetValid
	case "cert_revoked":
		return wire.CardRevoked
	case "cert_suspended":
		return wire.CardSuspended
	case "cert_unknown", "cert_malformed":
		return wire.CardUnknownIssuer
	case "cert_purpose", "algorithm":
		return wire.CardPurpose
	case "status_unknown":
		return wire.CardStatusUnknown
	case "challenge_unknown", "challenge_expired":
		return wire.CardTooLate
	case "signature_false":
		return wire.CardFault
	}
	return wire.CardSignInRefused
}
