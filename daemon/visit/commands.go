package visit

import (
	"errors"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// Why a command was not carried out. None of them changes anything.
var (
	ErrStale   = errors.New("the command was for a screen that is gone")
	ErrNotHere = errors.New("the command does not fit this screen")
	ErrData    = errors.New("the command's data cannot be used")
)

// Command is a tap. A command for an older screen is refused, and the same money
// command twice does nothing the second time: a double tap and a late tap are
// harmless.
func (e *Engine) Command(now time.Time, name string, c wire.Command) error {
	e.now = now
	if c.StepSeq != e.stepSeq {
		return ErrStale
	}
	if c.Key != "" && slices.Contains(e.keys, c.Key) {
		return nil
	}
	step := e.stepSeq
	err := e.command(now, name, c)
	// A refused command has had no effect: the same key may try again.
	if err == nil && c.Key != "" && step == e.stepSeq && len(e.keys) < 64 {
		e.keys = append(e.keys, c.Key)
	}
	return err
}

func (e *Engine) command(now time.Time, name string, c wire.Command) error {
	if !e.idle.IsZero() && !e.atFarewell() {
		e.touch(now)
	}
	switch name {
	case wire.NameTouch, wire.NameMoreTime:
		return nil
	case wire.NameStart:
		if e.InVisit() || e.outOfService() {
			return ErrNotHere
		}
		if c.Lang != "" && !slices.Contains(e.langs(), c.Lang) {
			return ErrData
		}
		e.startVisit(now, c.Lang)
		return nil
	case wire.NameLanguage:
		return e.language(now, c.Lang)
	case wire.NameModes:
		if c.Modes == nil || !e.InVisit() {
			return ErrData
		}
		e.r.Modes = *c.Modes
		e.save()
		return nil
	}
	if !e.InVisit() {
		return ErrNotHere
	}
	switch name {
	case wire.NameService:
		return e.chooseService(now, c.Service)
	case wire.NameMethod:
		if !e.inIdentify() || e.id.phase != phaseMethod {
			return ErrNotHere
		}
		if !slices.Contains(e.step.Methods, string(c.Method)) || e.methodMissing(string(c.Method)) != nil {
			return ErrData
		}
		e.chooseMethod(now, string(c.Method))
		return nil
	case wire.NameCertificate:
		return e.chooseCertificate(now, c.Certificate)
	case wire.NameInput:
		if e.inIdentify() {
			if !e.inputIdentify(c.Field, c.Value) {
				return ErrData
			}
			return nil
		}
		if e.step == nil || e.step.Kind != catalogue.KindForm {
			return ErrNotHere
		}
		if !e.input(c.Field, c.Value) {
			return ErrData
		}
		return nil
	case wire.NameNext:
		return e.next(now)
	case wire.NameBack:
		return e.back(now)
	case wire.NameCancel:
		return e.cancel(now)
	case wire.NameSlipAgain:
		return e.slipAgain(now)
	case wire.NameFinish:
		if e.step == nil || e.step.Kind != catalogue.KindPay || e.till.Closing() || !e.finishPay(now) {
			return ErrNotHere
		}
		return nil
	}
	return ErrNotHere
}

func (e *Engine) langs() []wire.Lang {
	if len(e.terminal.Langs) > 0 {
		return e.terminal.Langs
	}
	return wire.Langs()
}

// language changes the language; the step and what was typed stay.
func (e *Engine) language(now time.Time, l wire.Lang) error {
	if !slices.Contains(e.langs(), l) {
		return ErrData
	}
	if !e.InVisit() {
		if e.outOfService() {
			e.r.Lang = l // a person who reads "out of service" may read it in any language
			return nil
		}
		return ErrNotHere
	}
	e.r.Lang = l
	if e.r.Step == stepLanguage {
		e.r.Step = stepServices
		e.moveTo(now, stepServices, "ok")
		return nil
	}
	e.save()
	return nil
}

func (e *Engine) chooseService(now time.Time, id string) error {
	if e.r.Step != stepServices {
		return ErrNotHere
	}
	for i := range e.bundle.Services {
		s := &e.bundle.Services[i]
		if s.ID != id {
			continue
		}
		if len(e.missing(s)) > 0 {
			return ErrNotHere
		}
		e.r.Service, e.r.Journey = s.ID, s.Journey
		e.r.Vars, e.r.Inputs, e.r.Problems, e.r.Active, e.r.Warned = map[string]Var{}, map[string]string{}, nil, "", ""
		e.r.Reason, e.r.QuoteUntil = "", time.Time{}
		e.moveTo(now, e.bundle.Journeys[s.Journey].Start, "chosen")
		return nil
	}
	return ErrData
}

func (e *Engine) service() *catalogue.Service {
	for i := range e.bundle.Services {
		if e.bundle.Services[i].ID == e.r.Service {
			return &e.bundle.Services[i]
		}
	}
	return nil
}

// missing lists what a service needs and the terminal does not have now.
func (e *Engine) missing(s *catalogue.Service) []wire.Unavailable {
	var out []wire.Unavailable
	for _, n := range s.Needs {
		switch n {
		case "central":
			if !e.ports.CentralOnline() {
				out = append(out, wire.UnavailableCentral)
			}
		case "cash":
			if ok, _ := e.till.Ready(); !ok {
				out = append(out, wire.UnavailableAcceptor)
			}
		case "printer":
			if !e.desk.Fit() {
				out = append(out, wire.UnavailablePrinter)
			}
		}
	}
	return out
}

// outOfService: nobody is here and nothing can be offered.
func (e *Engine) outOfService() bool {
	if e.InVisit() {
		return false
	}
	if e.hold {
		return true
	}
	for i := range e.bundle.Services {
		if len(e.missing(&e.bundle.Services[i])) == 0 {
			return false
		}
	}
	return true
}

func (e *Engine) next(now time.Time) error {
	switch {
	case e.atFarewell():
		if e.printing() {
			return ErrNotHere
		}
		e.end(now, "finished")
	case e.step == nil:
		return ErrNotHere
	case e.inIdentify():
		return e.nextIdentify(now)
	case e.step.Kind == catalogue.KindForm:
		e.nextForm(now)
	case e.step.Kind == catalogue.KindQuote:
		e.finish(now, "ok")
	case e.step.Kind == catalogue.KindPresent && e.step.Final:
		e.end(now, "finished")
	case e.step.Kind == catalogue.KindPresent:
		e.finish(now, "ok")
	default:
		return ErrNotHere
	}
	return nil
}

func (e *Engine) back(now time.Time) error {
	switch {
	case e.r.Step == stepServices:
		e.r.Step = stepLanguage
		e.r.Journey = ""
		e.moveTo(now, stepLanguage, "back")
	case e.inIdentify():
		if e.id.phase == phaseSigning || e.id.phase == phaseChecking {
			return ErrNotHere
		}
		e.backIdentify(now)
	case e.step != nil && e.step.On["back"] != "":
		e.finish(now, "back")
	case e.step != nil && e.step.Kind == catalogue.KindPresent && e.step.On["refused"] != "":
		e.r.Reason = wire.ReasonRefused
		e.finish(now, "refused")
	default:
		return ErrNotHere
	}
	return nil
}

// canCancel says what leaving now would do.
func (e *Engine) canCancel() wire.Cancel {
	c := e.couldCancel()
	if c == wire.CancelLeave && e.session != nil && (e.step == nil || e.step.Kind != catalogue.KindSubmit) {
		return wire.CancelSignOut
	}
	return c
}

func (e *Engine) couldCancel() wire.Cancel {
	switch {
	case !e.InVisit(), e.atFarewell(), e.r.Step == stepLostClose, e.r.Step == stepLostDeliver:
		return wire.CancelNone
	case e.step == nil:
		return wire.CancelLeave
	}
	switch e.step.Kind {
	case catalogue.KindPay:
		switch {
		case e.till.Closing():
			return wire.CancelNone
		case e.money().Held.IsPositive():
			return wire.CancelLeftover
		case e.till.Moving() != "":
			return wire.CancelReturn
		}
		return wire.CancelLeave
	case catalogue.KindSubmit:
		if e.now.Sub(e.since) >= e.times.Leave {
			return wire.CancelLeave
		}
		return wire.CancelNone
	case catalogue.KindDeliver:
		return wire.CancelNone
	case catalogue.KindPresent:
		if e.step.Final {
			return wire.CancelNone
		}
	}
	return wire.CancelLeave
}

func (e *Engine) cancel(now time.Time) error {
	if e.canCancel() == wire.CancelNone {
		return ErrNotHere
	}
	switch {
	case e.step != nil && e.step.Kind == catalogue.KindPay:
		e.idle = time.Time{}
		e.till.Close(now, closeCancelled)
	case e.step != nil && e.step.Kind == catalogue.KindSubmit:
		e.r.Reason = wire.ReasonCentralUnknown
		e.finish(now, "unknown")
	case e.session != nil:
		e.leave(now)
	default:
		e.end(now, closeCancelled)
	}
	return nil
}
