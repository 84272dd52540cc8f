package visit

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// askIdentify asks central for the sign-in. Like every ask it lives in memory and
// ends with the step.
func (e *Engine) askIdentify(kind string, body json.RawMessage, wait time.Duration) {
	e.answer = nil
	e.id.asking = kind
	e.askID = e.ports.NewID()
	e.ports.Ask(e.askID, kind, body, wait)
}

// check asks central and waits for nothing else.
func (e *Engine) check(now time.Time, kind string, body json.RawMessage, wait time.Duration) {
	e.dropAsk()
	e.askIdentify(kind, body, wait)
	e.turn(now, phaseChecking)
}

// sendFields checks what was typed and sends it.
func (e *Engine) sendFields(now time.Time) {
	id := e.id
	problems := map[string]wire.Problem{}
	for i := range id.fields {
		f := &id.fields[i]
		if isSecret(f.Name) {
			if id.secrets[f.Name].Len() < f.Min {
				problems[f.Name] = wire.ProblemRequired
			}
			continue
		}
		if v := catalogue.Validate(f, id.value(f.Name)); v.Verdict != catalogue.FieldOK {
			problems[f.Name] = wire.Problem(v.Problem)
		}
	}
	if len(problems) > 0 {
		id.problems = problems
		for i := range id.fields {
			if _, bad := problems[id.fields[i].Name]; bad {
				id.active = id.fields[i].Name
				break
			}
		}
		return
	}
	value := func(name string) []byte { return []byte(id.value(name)) }
	switch {
	case id.phase == phaseCode:
		e.sendSecret(now, "login.otp", member{"attempt", []byte(id.attempt)}, member{"otp", id.secrets[fieldCode].Bytes()})
		id.drop(fieldCode)
	case id.method == catalogue.LoginPassword:
		e.sendSecret(now, "login.password", member{"fin", value(fieldFIN)}, member{"password", id.secrets[fieldPassword].Bytes()})
		id.drop(fieldPassword)
	default:
		phone := string(value(fieldPhone))
		phone = "+994" + strings.TrimPrefix(phone, "994")
		e.sendSecret(now, "login.asan", member{"phone", []byte(phone)}, member{"user_id", value(fieldUserID)})
	}
}

// value is what was typed into a field that is shown, as it is checked and sent. A
// telephone number may begin with the sign that the screen's keyboard puts there.
func (id *identification) value(name string) string {
	return catalogue.Normalise(catalogue.FieldCode, strings.TrimPrefix(strings.TrimSpace(id.inputs[name]), "+"))
}

// member is one member of a JSON object whose value is no string anywhere.
type member struct {
	name  string
	value []byte
}

// sendSecret builds the body byte by byte: encoding/json would make strings of
// what must be wiped. Central's room wipes the body when the question has ended.
func (e *Engine) sendSecret(now time.Time, kind string, members ...member) {
	n := 2
	for _, m := range members {
		n += len(m.name) + 6 + 6*len(m.value)
	}
	b := make([]byte, 0, n) // never grows: growing leaves a copy behind
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, m.name...)
		b = append(b, `":"`...)
		for at := 0; at < len(m.value); {
			r, size := utf8.DecodeRune(m.value[at:])
			switch {
			case r == '"' || r == '\\':
				b = append(b, '\\', byte(r))
			default: // control characters cannot be typed; see wire.SecretRune
				b = append(b, m.value[at:at+size]...)
			}
			at += size
		}
		b = append(b, '"')
	}
	b = append(b, '}')
	e.check(now, kind, b, signInWait)
}

// observeChecking takes up central's answer to a sign-in.
func (e *Engine) observeChecking(now time.Time) {
	id, a := e.id, e.answer
	if a == nil {
		return
	}
	e.askID, e.answer = "", nil
	if a.Outcome == central.AskFound {
		e.checked(now, a.Body)
		return
	}
	reason := a.Reason
	if a.Outcome != central.AskBlocked {
		reason = ""
	}
	switch id.asking {
	case "login.card":
		problem := refusedCard(reason)
		if a.Outcome != central.AskBlocked {
			problem = wire.CardCentral
		}
		if a.Outcome == central.AskBlocked && problem != wire.CardTooLate && e.failed(now, certReason(problem)) {
			return
		}
		e.cardTrouble(now, problem)
	case "login.password":
		switch {
		case reason == "wrong":
			e.refuseField(now, phaseFields, fieldPassword)
		default:
			e.rejected(now, reasonOf(a, reason))
		}
	case "login.otp":
		switch {
		case reason == "wrong":
			e.refuseField(now, phaseCode, fieldCode)
		case reason == "expired":
			e.rejected(now, wire.ReasonAuthTimeout)
		default:
			e.rejected(now, reasonOf(a, reason))
		}
	default:
		switch {
		case reason == "unknown":
			e.refuseField(now, phaseFields, fieldUserID)
		default:
			e.rejected(now, reasonOf(a, reason))
		}
	}
}

// refuseField goes back to a field whose content was not right.
func (e *Engine) refuseField(now time.Time, p phase, field string) {
	if e.failed(now, wire.ReasonSignInFailed) {
		return
	}
	e.id.active = field
	e.id.problems = map[string]wire.Problem{field: wire.ProblemWrong}
	e.turn(now, p)
}

func reasonOf(a *central.Answer, reason string) wire.Reason {
	switch {
	case a.Outcome != central.AskBlocked:
		return wire.ReasonCentralDown
	case reason == "expired", reason == "no_coverage":
		return wire.ReasonAuthTimeout
	}
	return wire.ReasonSignInFailed
}

func certReason(p wire.CardProblem) wire.Reason {
	switch p {
	case wire.CardExpired:
		return wire.ReasonCertExpired
	case wire.CardRevoked, wire.CardSuspended:
		return wire.ReasonCertRevoked
	}
	return wire.ReasonSignInFailed
}

// checked is a good answer: a session, or the second half of a sign-in.
func (e *Engine) checked(now time.Time, body json.RawMessage) {
	id := e.id
	var b struct {
		Attempt     string          `json:"attempt"`
		OTPTo       string          `json:"otp_to"`
		ControlCode string          `json:"control_code"`
		Session     *centralSession `json:"session"`
	}
	if json.Unmarshal(body, &b) != nil {
		b.Session = nil
	}
	switch {
	case b.Session.good():
		e.signIn(now, b.Session)
	case id.asking == "login.password" && b.Attempt != "":
		id.attempt, id.maskedTo = b.Attempt, printable(b.OTPTo, 32)
		id.fields = []catalogue.Field{{Name: fieldCode, Label: catalogue.TextCode, Hint: catalogue.TextCodeHint, Required: true,
			Min: 6, Max: 6, Keyboard: string(wire.KeyboardDigits)}}
		e.openFields(now, phaseCode)
	case id.asking == "login.asan" && b.Attempt != "" && len(b.ControlCode) == 4:
		id.attempt, id.code = b.Attempt, printable(b.ControlCode, 4)
		id.until, id.pollAt = now.Add(phoneWait), now.Add(pollEvery)
		e.turn(now, phaseConfirm)
	default:
		e.rejected(now, wire.ReasonCentralDown) // an answer that lacks what it must have is no answer
	}
}

// observePhone asks every two seconds whether the person has confirmed.
func (e *Engine) observePhone(now time.Time) {
	id := e.id
	if a := e.answer; a != nil {
		e.askID, e.answer = "", nil
		id.pollAt = now.Add(pollEvery)
		switch {
		case a.Outcome == central.AskFound:
			e.checked(now, a.Body)
			return
		case a.Outcome == central.AskBlocked && a.Reason == "expired":
			e.rejected(now, wire.ReasonAuthTimeout)
			return
		case a.Outcome == central.AskBlocked && a.Reason != "waiting":
			e.rejected(now, wire.ReasonSignInFailed)
			return
		}
	}
	if !now.Before(id.until) {
		e.rejected(now, wire.ReasonAuthTimeout)
		return
	}
	if e.askID == "" && !now.Before(id.pollAt) {
		body, _ := json.Marshal(map[string]string{"attempt": id.attempt})
		e.askIdentify("login.asan.poll", body, 10*time.Second)
	}
}

// printable bounds a text of central's that is shown as it is.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
	for utf8.RuneCountInString(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
