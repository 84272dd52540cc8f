package visit

import (
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// identifyState is what a sign-in shows. Of what is typed in secret only the
// number of characters is known here.
func (e *Engine) identifyState(v *wire.Visit) {
	id := e.id
	if id == nil { // between two steps; never shown
		v.Step = wire.StepQuery
		return
	}
	party := e.bundle.Party(e.step.Party)
	w := &wire.Identify{Party: e.text(party.Name), Origin: party.Origin, Method: wire.Method(id.method), Restarted: id.restarted}
	v.Identify = w
	v.CanBack = true
	switch id.phase {
	case phaseMethod:
		v.Step = wire.StepMethod
		for _, m := range e.step.Methods {
			why := e.methodMissing(m)
			w.Methods = append(w.Methods, wire.MethodChoice{Method: wire.Method(m), Available: why == nil, Why: why})
		}
	case phaseCard:
		v.Step, w.Reading = wire.StepCard, id.job != 0
	case phaseChoose:
		v.Step = wire.StepCertificate
		for i := range id.keys {
			k := &id.keys[i]
			c := wire.Certificate{ID: k.ID, Holder: k.Holder, Issuer: k.Issuer, ValidUntil: k.ValidUntil.In(Baku).Format(time.DateOnly)}
			if k.Problem != "" {
				p := cardProblem(k.Problem)
				c.Problem = &p
			}
			w.Certificates = append(w.Certificates, c)
		}
	case phasePIN:
		v.Step, v.CanNext = wire.StepPIN, id.canSend()
		w.PIN = e.pinState()
	case phaseLast:
		v.Step, v.CanNext = wire.StepPINLast, true
		w.PIN = e.pinState()
	case phaseTrouble:
		v.Step, v.CanNext = wire.StepCardProblem, true
		w.Problem = &wire.CardTrouble{What: id.trouble.What, Retry: id.trouble.Retry}
	case phaseSigning:
		v.Step, v.CanBack = wire.StepQuery, false
		v.Wait = e.wait(wire.WaitCard)
	case phaseChecking:
		v.Step, v.CanBack = wire.StepQuery, false
		v.Wait = e.wait(wire.WaitSignIn)
	case phaseConfirm:
		v.Step = wire.StepPhone
		w.Phone = &wire.Phone{Code: id.code, SecondsLeft: max(0, int((id.until.Sub(e.now)+time.Second-1)/time.Second))}
	case phaseFields, phaseCode:
		v.Step, v.CanNext = wire.StepForm, true
		e.fieldsState(v)
	}
}

func (e *Engine) pinState() *wire.PINEntry {
	id := e.id
	return &wire.PINEntry{Holder: id.key.Holder, Length: id.secrets[fieldPIN].Len(), Min: id.key.MinPIN, Max: id.key.MaxPIN,
		Left: id.left, Wrong: id.wrong, Last: id.last, CanSend: id.phase == phasePIN && id.canSend()}
}

func (e *Engine) fieldsState(v *wire.Visit) {
	id := e.id
	title := catalogue.TextPasswordTitle
	switch {
	case id.phase == phaseCode:
		title = catalogue.TextCodeTitle
	case id.method == catalogue.LoginASAN:
		title = catalogue.TextPhoneTitle
	}
	t := e.text(title)
	v.Title, v.Body = &t, nil
	f := &wire.Form{Active: id.active}
	for i := range id.fields {
		c := &id.fields[i]
		hint := e.text(c.Hint)
		if c.Name == fieldCode {
			hint.Values = map[string]wire.Val{"phone_masked": {Code: &id.maskedTo}}
		}
		w := wire.Field{Name: c.Name, Label: e.text(c.Label), Hint: &hint, Value: id.inputs[c.Name], Keyboard: wire.Keyboard(c.Keyboard),
			MaxLen: c.Max, Required: true, Secret: isSecret(c.Name), Length: id.secrets[c.Name].Len()}
		if p, ok := id.problems[c.Name]; ok {
			w.Problem = &p
		}
		f.Fields = append(f.Fields, w)
	}
	v.Form = f
}
