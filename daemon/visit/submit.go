package visit

import (
	"encoding/json"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// submitWait is how long a person waits for a posting unless the step says
// otherwise; after that the payment is pending and goes on without them.
const submitWait = 45 * time.Second

// beginSubmit writes the payment's intent, once per visit: the money moves from
// held to pending with it, and the central room sends what it finds in the
// journal. After a restart the intent is already there.
func (e *Engine) beginSubmit(now time.Time) {
	e.idle = time.Time{}
	m := e.money()
	if e.r.SubmitBy.IsZero() || e.r.SubmitBy.Before(now) {
		wait := submitWait
		if e.step.WaitS > 0 {
			wait = time.Duration(e.step.WaitS) * time.Second
		}
		e.r.SubmitBy = now.Add(wait)
		e.save()
	}
	if m.Last != nil {
		return
	}
	var body map[string]any
	if err := json.Unmarshal(e.body(), &body); err != nil {
		panic("visit: " + err.Error())
	}
	reference := Reference(e.r.Visit)
	body["amount"], body["commission"], body["received"] = e.r.Amount, e.r.Commission, m.Held
	body["reference"] = reference
	body["paid_at"] = now.UTC().Format(time.RFC3339)
	raw, err := json.Marshal(body)
	if err != nil {
		panic("visit: " + err.Error())
	}
	atIntent.Hit()
	e.ports.Write(journal.Draft{Visit: e.r.Visit, Key: e.ports.NewID(), Body: record.PaymentIntent{
		Action: e.step.Action, Service: e.r.Service, Amount: e.r.Amount, Commission: e.r.Commission,
		Received: m.Held, Reference: reference, Body: raw,
	}})
	atIntended.Hit()
}

func (e *Engine) submitBy() time.Time { return e.r.SubmitBy }

func (e *Engine) observeSubmit(now time.Time) {
	m := e.money()
	switch {
	case m.Result != nil && m.Result.Status == record.ActionDone:
		var answer struct {
			Transaction string `json:"transaction"`
		}
		if json.Unmarshal(m.Result.Answer, &answer) == nil && answer.Transaction != "" {
			e.r.Vars["transaction"] = Var{Code: answer.Transaction}
		}
		e.finish(now, "done")
	case m.Result != nil:
		e.r.Reason = rejectReason(m.Result.Reason)
		e.finish(now, "rejected")
	case !now.Before(e.r.SubmitBy):
		e.r.Reason = wire.ReasonCentralUnknown
		e.finish(now, "unknown")
	}
}

func rejectReason(s string) wire.Reason {
	switch s {
	case "already_paid", "paid":
		return wire.ReasonAlreadyPaid
	case "cancelled":
		return wire.ReasonCancelledOrder
	case "changed":
		return wire.ReasonChanged
	}
	return wire.ReasonCentralReject
}
