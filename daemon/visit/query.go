package visit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// queryWait is the longest a person waits for a query, unless the step says
// otherwise.
const queryWait = 20 * time.Second

// beginQuery asks central. An ask changes nothing in the world, so after a
// restart it is simply asked again.
func (e *Engine) beginQuery(now time.Time) {
	e.idle = time.Time{}
	e.answer = nil
	wait := queryWait
	if e.step.WaitS > 0 {
		wait = time.Duration(e.step.WaitS) * time.Second
	}
	for _, variable := range e.step.In {
		if variable == catalogue.VarSession {
			e.used(now, e.step.Ask)
		}
	}
	e.askID = e.ports.NewID()
	e.ports.Ask(e.askID, e.step.Ask, e.body(), wait)
}

// body builds a request from the step's In map.
func (e *Engine) body() json.RawMessage {
	m := map[string]any{}
	for name, variable := range e.step.In {
		v := e.r.Vars[variable]
		if variable == catalogue.VarSession {
			v = Var{}
			if e.session != nil {
				v.Code = e.session.id
			}
		}
		if v.Money != nil {
			m[name] = v.Money
		} else {
			m[name] = v.text()
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("visit: " + err.Error())
	}
	return b
}

func (e *Engine) dropAsk() {
	if e.askID != "" {
		e.ports.CancelAsk(e.askID)
		e.askID, e.answer = "", nil
	}
}

// Answer is the end of an ask.
func (e *Engine) Answer(now time.Time, a central.Answer) {
	if a.AskID == e.askID && e.askID != "" {
		e.answer = &a
	}
}

func (e *Engine) observeQuery(now time.Time) {
	a := e.answer
	if a == nil {
		return
	}
	e.askID, e.answer = "", nil
	outcome := string(a.Outcome)
	switch a.Outcome {
	case central.AskFound:
		if !e.take(a.Body) {
			outcome = string(central.AskUnavailable) // an answer that lacks what it must have is no answer
		}
	case central.AskBlocked:
		// A journey may tell reasons apart: "blocked(paid)" beside "blocked".
		if _, ok := e.step.On["blocked("+a.Reason+")"]; ok {
			outcome = "blocked(" + a.Reason + ")"
		}
		e.r.Reason = blockedReason(a.Reason)
		if a.Reason == "session_ended" {
			e.signOut(now, outAbandoned) // central has ended it: so do we
		}
	case central.AskNone:
		e.r.Reason = wire.ReasonUnknownNumber
	}
	if outcome == string(central.AskUnavailable) {
		e.r.Reason = wire.ReasonCentralDown
	}
	e.finish(now, outcome)
}

// isList reports whether some step of the journey shows this variable as a list.
func (e *Engine) isList(variable string) bool {
	return slices.ContainsFunc(e.journey.Steps, func(s catalogue.Step) bool { return s.List == variable })
}

func blockedReason(s string) wire.Reason {
	switch s {
	case "paid":
		return wire.ReasonAlreadyPaid
	case "cancelled":
		return wire.ReasonCancelledOrder
	case "session_ended":
		return wire.ReasonAuthTimeout
	}
	return wire.ReasonCentralReject
}

// take puts the answer's members into the visit's variables.
func (e *Engine) take(b json.RawMessage) bool {
	var root any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&root) != nil {
		return false
	}
	for variable, path := range e.step.Out {
		if e.isList(variable) {
			var member map[string]json.RawMessage
			if json.Unmarshal(b, &member) != nil {
				return false
			}
			list, ok := rows(member[path])
			if !ok {
				return false
			}
			e.lists[variable] = list
			continue
		}
		at := root
		for part := range strings.SplitSeq(path, ".") {
			m, ok := at.(map[string]any)
			if !ok {
				return false
			}
			at = m[part]
		}
		switch v := at.(type) {
		case string:
			e.r.Vars[variable] = Var{Str: v}
		case map[string]any:
			minor, ok1 := v["minor"].(json.Number)
			cur, ok2 := v["currency"].(string)
			n, err := minor.Int64()
			if !ok1 || !ok2 || err != nil || n < 0 || !money.Currency(cur).Valid() {
				return false
			}
			a := money.New(n, money.Currency(cur))
			e.r.Vars[variable] = Var{Money: &a}
		default:
			return false
		}
	}
	return true
}
