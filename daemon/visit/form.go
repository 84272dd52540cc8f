package visit

import (
	"time"
	"unicode/utf8"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// beginForm: nothing is lost when a person comes back to a form; what was typed
// stands there.
func (e *Engine) beginForm() {
	if e.r.Active == "" || e.field(e.r.Active) == nil {
		e.r.Active = e.step.Fields[0].Name
	}
}

func (e *Engine) field(name string) *catalogue.Field {
	if e.step == nil {
		return nil
	}
	for i := range e.step.Fields {
		if e.step.Fields[i].Name == name {
			return &e.step.Fields[i]
		}
	}
	return nil
}

// input takes in what the person has typed so far.
func (e *Engine) input(name, value string) bool {
	f := e.field(name)
	if f == nil || utf8.RuneCountInString(value) > max(f.Max, 1)+8 {
		return false
	}
	e.r.Active = name
	e.r.Inputs[name] = value
	delete(e.r.Problems, name)
	e.save()
	return true
}

// nextForm checks every field; what is wrong is named at its field and what was
// typed is kept. An unusual value is asked about once and then let pass.
func (e *Engine) nextForm(now time.Time) {
	problems := map[string]wire.Problem{}
	unusual := ""
	for i := range e.step.Fields {
		f := &e.step.Fields[i]
		value := catalogue.Normalise(f.Type, e.r.Inputs[f.Name])
		switch v := catalogue.Validate(f, value); v.Verdict {
		case catalogue.FieldOK:
		case catalogue.FieldSoft:
			unusual += f.Name + "=" + value + ";"
			problems[f.Name] = wire.ProblemUnusual
		default:
			problems[f.Name] = wire.Problem(v.Problem)
		}
	}
	if len(problems) > 0 && (unusual == "" || unusual != e.r.Warned || hasHard(problems)) {
		e.r.Problems, e.r.Warned = problems, unusual
		for i := range e.step.Fields {
			if _, bad := problems[e.step.Fields[i].Name]; bad {
				e.r.Active = e.step.Fields[i].Name
				break
			}
		}
		e.save()
		return
	}
	e.r.Problems = nil
	for i := range e.step.Fields {
		f := &e.step.Fields[i]
		v := catalogue.Normalise(f.Type, e.r.Inputs[f.Name])
		if f.Type == "text" || f.Type == "name" || f.Type == "choice" {
			e.r.Vars[f.Name] = Var{Str: v}
		} else {
			e.r.Vars[f.Name] = Var{Code: v}
		}
	}
	outcome := "ok"
	if e.step.Chooses() {
		chosen := "ok(" + e.r.Vars[e.step.Fields[0].Name].Str + ")"
		if e.step.On[chosen] != "" {
			outcome = chosen
		}
	}
	e.finish(now, outcome)
}

func hasHard(m map[string]wire.Problem) bool {
	for _, p := range m {
		if p != wire.ProblemUnusual {
			return true
		}
	}
	return false
}
