package visit

import (
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// phase is where a sign-in stands. It is not kept over a restart: what a person
// types to sign in is in memory only, and a restart asks again.
type phase int

const (
	phaseMethod   phase = iota // which way to sign in
	phaseCard                  // a card is wanted, or being read
	phaseChoose                // which of its certificates
	phasePIN                   // the PIN is typed
	phaseLast                  // one try is left: a yes of its own
	phaseSigning               // the card signs the challenge
	phaseTrouble               // the card cannot be used
	phaseFields                // FIN and password, or phone and user id
	phaseCode                  // the one-time code
	phaseConfirm               // the person confirms on the phone
	phaseChecking              // central is asked
)

// identification is one identify step under way.
type identification struct {
	phase     phase
	since     time.Time
	method    string
	restarted bool
	failures  int // refused sign-ins of this step

	slot       esign.Slot
	job        uint64
	keys       []esign.Key
	key        *esign.Key
	left       int
	wrong      bool
	last       bool // the person has said yes to the last try
	challenge  *challenge
	asking     string // kind of the question under way
	trouble    wire.CardTrouble
	secrets    map[string]*esign.Secret
	fields     []catalogue.Field
	inputs     map[string]string
	problems   map[string]wire.Problem
	active     string
	attempt    string
	code       string
	until      time.Time
	pollAt     time.Time
	maskedTo   string
	secretBody []byte
}

// challenge is central's, for one signature.
type challenge struct {
	attempt, nonce string
	until          time.Time
}

// Limits of a sign-in.
const (
	signInTries   = 3                // "rejected" after so many refusals
	challengeLeft = 45 * time.Second // a challenge that ends sooner is asked for anew
	pollEvery     = 2 * time.Second  // of a mobile signature
	signInWait    = 20 * time.Second // for central's answer
	phoneWait     = 120 * time.Second
	fieldPIN      = "pin"
	fieldFIN      = "fin"
	fieldPassword = "password"
	fieldCode     = "otp"
	fieldPhone    = "phone"
	fieldUserID   = "user_id"
)

// beginIdentify starts the step. Somebody who is signed in already, with a method
// that this step takes, is not asked twice.
func (e *Engine) beginIdentify(now time.Time) {
	e.dropIdentify()
	e.id = &identification{since: now, restarted: e.restarted}
	e.restarted = false
	if e.session == nil && len(e.step.Methods) == 1 && e.methodMissing(e.step.Methods[0]) == nil {
		e.chooseMethod(now, e.step.Methods[0])
	}
}

// dropIdentify forgets a sign-in that is under way and wipes what was typed.
func (e *Engine) dropIdentify() {
	if e.id == nil {
		return
	}
	e.id.wipe()
	e.id = nil
}

func (id *identification) wipe() {
	for name, s := range id.secrets {
		s.Wipe()
		delete(id.secrets, name)
	}
	clear(id.inputs)
	id.secretBody = nil // central's room wipes it when the question has ended
}

// turn goes to another phase: a tap that was meant for the screen before is
// refused from here on.
func (e *Engine) turn(now time.Time, p phase) {
	e.id.phase, e.id.since = p, now
	e.stepSeq++
	e.since, e.keys = now, nil
	switch p {
	case phaseSigning, phaseChecking:
		e.idle = time.Time{}
	case phaseConfirm:
		e.idle = time.Time{} // the attempt has its own end
	default:
		e.touch(now)
	}
}

// secret is what is typed into a field; it is made when first needed.
func (id *identification) secret(name string) *esign.Secret {
	if s := id.secrets[name]; s != nil {
		return s
	}
	s, err := esign.NewSecret()
	if err != nil {
		return nil // nothing can be typed then; the person is told by a field that stays empty
	}
	if id.secrets == nil {
		id.secrets = map[string]*esign.Secret{}
	}
	id.secrets[name] = s
	return s
}

// take hands a secret to whoever wipes it.
func (id *identification) take(name string) *esign.Secret {
	s := id.secrets[name]
	delete(id.secrets, name)
	return s
}

func (id *identification) drop(name string) {
	id.secrets[name].Wipe()
	delete(id.secrets, name)
}

// methodMissing says why a way to sign in cannot be used now, or nil.
func (e *Engine) methodMissing(m string) *wire.MethodMissing {
	var why wire.MethodMissing
	switch {
	case !e.ports.CentralOnline():
		why = wire.MethodNoCentral
	case byCard(m) && !e.cards.Ready():
		why = wire.MethodNoReader
	default:
		return nil
	}
	return &why
}

func byCard(method string) bool {
	return method == catalogue.LoginCard || method == catalogue.LoginBSXM
}

func (e *Engine) chooseMethod(now time.Time, m string) {
	id := e.id
	id.wipe()
	e.dropAsk()
	*id = identification{method: m, failures: id.failures, since: now}
	switch m {
	case catalogue.LoginPassword:
		id.fields = []catalogue.Field{
			{Name: fieldFIN, Type: catalogue.FieldCode, Label: catalogue.TextFIN, Hint: catalogue.TextFINHint, Required: true,
				Min: 7, Max: 7, Pattern: "^[0-9A-HJ-NP-Z]{7}$", Keyboard: string(wire.KeyboardLatin)},
			{Name: fieldPassword, Label: catalogue.TextPassword, Hint: catalogue.TextPasswordHint, Required: true, Min: 1,
				Max: esign.MaxSecret, Keyboard: string(wire.KeyboardText)},
		}
		e.openFields(now, phaseFields)
	case catalogue.LoginASAN:
		id.fields = []catalogue.Field{
			{Name: fieldPhone, Type: catalogue.FieldCode, Label: catalogue.TextPhone, Hint: catalogue.TextPhoneHint, Required: true,
				Min: 9, Max: len("+994501234567"), Pattern: `^(994)?[1-9][0-9]{8}$`, Keyboard: string(wire.KeyboardPhone)},
			{Name: fieldUserID, Type: catalogue.FieldCode, Label: catalogue.TextUserID, Hint: catalogue.TextUserIDHint, Required: true,
				Min: 4, Max: 10, Pattern: "^[0-9]{4,10}$", Keyboard: string(wire.KeyboardDigits)},
		}
		e.openFields(now, phaseFields)
	default:
		e.turn(now, phaseCard)
	}
}

func (e *Engine) openFields(now time.Time, p phase) {
	e.id.inputs, e.id.problems, e.id.active = map[string]string{}, nil, e.id.fields[0].Name
	e.turn(now, p)
}

// isSecret: these fields are typed key by key and never shown.
func isSecret(field string) bool { return field == fieldPassword || field == fieldCode }

// Secret takes in one key of a secret.
func (e *Engine) Secret(now time.Time, k wire.SecretKey) error {
	e.now = now
	if k.StepSeq != e.stepSeq {
		return ErrStale
	}
	id := e.id
	if id == nil || !e.inIdentify() {
		return ErrNotHere
	}
	least := rune(' ')
	switch {
	case id.phase == phasePIN && k.Field == fieldPIN:
		if id.key.Digits && k.Key >= 0 && (k.Key < '0' || k.Key > '9') {
			return ErrData
		}
		if k.Key >= 0 && id.secret(fieldPIN).Len() >= id.key.MaxPIN {
			return ErrData
		}
		id.wrong = false
	case (id.phase == phaseFields || id.phase == phaseCode) && isSecret(k.Field) && id.field(k.Field) != nil:
		if f := id.field(k.Field); k.Key >= 0 && id.secret(k.Field).Len() >= f.Max {
			return ErrData
		}
		if k.Field == fieldCode && k.Key >= 0 && (k.Key < '0' || k.Key > '9') {
			return ErrData
		}
		id.active = k.Field
		delete(id.problems, k.Field)
	default:
		return ErrNotHere
	}
	e.touch(now)
	s := id.secret(k.Field)
	switch {
	case k.Key == wire.SecretErase:
		s.Erase()
	case k.Key == wire.SecretClear:
		s.Clear()
	case rune(k.Key) < least || !s.Add(rune(k.Key)):
		return ErrData
	}
	return nil
}

func (id *identification) field(name string) *catalogue.Field {
	i := slices.IndexFunc(id.fields, func(f catalogue.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &id.fields[i]
}

// inputIdentify takes in what was typed into a field that is shown.
func (e *Engine) inputIdentify(field, value string) bool {
	id := e.id
	if id == nil || id.phase != phaseFields && id.phase != phaseCode {
		return false
	}
	f := id.field(field)
	if f == nil {
		return false
	}
	id.active = field
	if isSecret(field) {
		return value == "" // only moves the cursor there
	}
	if len(value) > f.Max+8 {
		return false
	}
	id.inputs[field] = value
	delete(id.problems, field)
	return true
}

// nextIdentify is the main button.
func (e *Engine) nextIdentify(now time.Time) error {
	id := e.id
	switch id.phase {
	case phaseLast:
		id.last = true
		e.enterPIN(now)
	case phasePIN:
		if !id.canSend() {
			return ErrNotHere
		}
		e.turn(now, phaseSigning)
	case phaseTrouble:
		if id.trouble.Retry {
			e.again(now)
		} else {
			e.otherWay(now)
		}
	case phaseFields, phaseCode:
		e.sendFields(now)
	default:
		return ErrNotHere
	}
	return nil
}

// again begins anew with the same method.
func (e *Engine) again(now time.Time) { e.chooseMethod(now, e.id.method) }

// otherWay goes back to the choice of methods, or out of the step where there is
// only one.
func (e *Engine) otherWay(now time.Time) {
	e.dropAsk()
	if len(e.step.Methods) == 1 {
		e.rejected(now, e.r.Reason)
		return
	}
	failures := e.id.failures
	e.id.wipe()
	*e.id = identification{failures: failures}
	e.turn(now, phaseMethod)
}

func (e *Engine) backIdentify(now time.Time) {
	id := e.id
	switch {
	case id.phase == phaseMethod, len(e.step.Methods) == 1 && id.phase != phaseCode && id.phase != phasePIN:
		e.dropIdentify()
		e.finish(now, "back")
	case id.phase == phaseCode:
		e.again(now)
	case (id.phase == phasePIN || id.phase == phaseLast) && id.usable() > 1:
		id.drop(fieldPIN)
		id.key = nil
		e.turn(now, phaseChoose)
	default:
		e.otherWay(now)
	}
}

// usable is how many of the card's certificates can be chosen.
func (id *identification) usable() (n int) {
	for i := range id.keys {
		if id.keys[i].Problem == "" {
			n++
		}
	}
	return n
}

// rejected ends the step without a sign-in.
func (e *Engine) rejected(now time.Time, why wire.Reason) {
	if why == wire.ReasonNone {
		why = wire.ReasonSignInFailed
	}
	e.r.Reason = why
	e.dropIdentify()
	e.finish(now, "rejected")
}

// failed counts a refusal; true when it was one too many, and the step has ended.
func (e *Engine) failed(now time.Time, why wire.Reason) bool {
	e.id.failures++
	if e.id.failures < signInTries {
		return false
	}
	e.rejected(now, why)
	return true
}

func (e *Engine) inIdentify() bool {
	return e.step != nil && e.step.Kind == catalogue.KindIdentify && e.id != nil && !e.atFarewell()
}

func (e *Engine) observeIdentify(now time.Time) {
	if e.session != nil {
		e.dropIdentify()
		e.finish(now, "ok")
		return
	}
	switch e.id.phase {
	case phaseCard:
		e.observeCard(now)
	case phaseChoose, phasePIN, phaseLast:
		e.observeCardStays(now)
	case phaseSigning:
		e.observeSigning(now)
	case phaseChecking:
		e.observeChecking(now)
	case phaseConfirm:
		e.observePhone(now)
	}
}

// wakeIdentify is when the step wants to be looked at without an input.
func (e *Engine) wakeIdentify(earlier func(time.Time)) {
	if e.id == nil || e.id.phase != phaseConfirm {
		return
	}
	earlier(e.id.pollAt)
	earlier(e.id.until)
	if left := e.id.until.Sub(e.now); left > 0 {
		earlier(e.id.until.Add(-left.Truncate(time.Second)))
		if left%time.Second == 0 {
			earlier(e.now.Add(time.Second))
		}
	}
}
