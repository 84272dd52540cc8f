package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

// How an action stands.
const (
	statusDone     = "done"
	statusRejected = "rejected"
	statusRunning  = "running"
)

// action is the memory of one key: it is what makes a deed happen once.
type action struct {
	Kind     string                   `json:"kind"`
	Digest   string                   `json:"digest"` // of kind and canonical body
	Body     json.RawMessage          `json:"body"`
	Status   string                   `json:"status"`
	Answer   centralapi.ActionOutcome `json:"answer"`
	Received int64                    `json:"received"` // how often it arrived
	At       time.Time                `json:"at"`
}

// deed is what a kind of action does, within the transaction that remembers it.
// check refuses a body before anything is written. private: the body is not kept
// after it is done; its digest is enough to know it again.
type deed struct {
	check   func(body []byte) error
	do      func(s *Server, tx *bolt.Tx, terminal, key string, body []byte) (centralapi.ActionOutcome, error)
	private bool
}

var deeds = map[string]deed{
	"notification.pay": {check: checkPay, do: (*Server).pay},
	"identity.event":   {check: checkEvent, do: (*Server).enter, private: true},
}

// PostAction does a deed once.
func (s *Server) PostAction(_ context.Context, r centralapi.PostActionRequestObject) (centralapi.PostActionResponseObject, error) {
	key, err := unquote(r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if err := checkNames(r.Id, r.Kind); err != nil {
		return nil, err
	}
	d, ok := deeds[r.Kind]
	if !ok {
		return nil, refuse(centralapi.ProblemKindUnknown, "")
	}
	body, err := canonical.JSON(*r.Body)
	if err != nil {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	if err := d.check(body); err != nil {
		return nil, err
	}
	var a action
	err = s.db.Update(func(tx *bolt.Tx) (err error) {
		bucket, at := tx.Bucket(bActions), own(r.Id, key)
		sum := digest([]byte(r.Kind), body)
		a, ok, err = get[action](bucket, at)
		s.o.Probe(StepKey)
		switch {
		case err != nil:
			return fmt.Errorf("action: %w", err)
		case ok && a.Digest != sum:
			return refuse(centralapi.ProblemKeyReused, "")
		case !ok:
			a = action{Kind: r.Kind, Digest: sum, Body: body, Status: statusRunning, At: s.now()}
		}
		a.Received++
		if a.Status == statusRunning && !s.holding() {
			if err := s.carryOut(tx, r.Id, key, &a); err != nil {
				return err
			}
		}
		if err := put(bucket, at, a); err != nil {
			return fmt.Errorf("action: %w", err)
		}
		s.o.Probe(StepDone)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.o.Probe(StepDurable)
	if a.Status == statusRunning {
		return nil, refuse(centralapi.ProblemActionRunning, "")
	}
	raw, err := json.Marshal(a.Answer)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return answer(raw), nil
}

func (s *Server) carryOut(tx *bolt.Tx, terminal, key string, a *action) (err error) {
	d := deeds[a.Kind]
	a.Answer, err = d.do(s, tx, terminal, key, a.Body)
	a.Status = a.Answer.Status
	if d.private {
		a.Body = nil
	}
	return err
}

// GetAction is what became of a key.
func (s *Server) GetAction(_ context.Context, r centralapi.GetActionRequestObject) (centralapi.GetActionResponseObject, error) {
	if err := checkNames(r.Id, r.Kind, r.Key); err != nil {
		return nil, err
	}
	var a action
	var ok bool
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		a, ok, err = get[action](tx.Bucket(bActions), own(r.Id, r.Key))
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("action: %w", err)
	case !ok || a.Kind != r.Kind:
		return nil, refuse(centralapi.ProblemActionUnknown, "")
	case a.Status == statusRunning:
		a.Answer.Status = statusRunning
	}
	raw, err := json.Marshal(a.Answer)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return answer(raw), nil
}

// settle carries out what the demo's behaviour "running" has held back.
func (s *Server) settle() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bActions)
		type held struct {
			at       []byte
			terminal string
			key      string
			action   action
		}
		var all []held
		err := bucket.ForEach(func(k, v []byte) error {
			var a action
			if err := json.Unmarshal(v, &a); err != nil {
				return fmt.Errorf("action: %w", err)
			}
			if a.Status == statusRunning {
				terminal, key := split(k)
				all = append(all, held{own(terminal, key), terminal, key, a})
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, h := range all {
			if err := s.carryOut(tx, h.terminal, h.key, &h.action); err != nil {
				return err
			}
			if err := put(bucket, h.at, h.action); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkPay(body []byte) error {
	var b centralapi.NotificationPay
	if json.Unmarshal(body, &b) != nil || !isNumber(b.NotificationNumber) || b.Reference == "" || len(b.Reference) > maxName || b.PaidAt.IsZero() ||
		!valid(b.Amount, b.Commission, b.Received) || !b.Amount.IsPositive() || b.Received.Cmp(b.Amount.Add(b.Commission)) < 0 {
		return refuse(centralapi.ProblemBodyInvalid, "")
	}
	return nil
}

// pay posts a payment to an order, or says why not.
func (s *Server) pay(tx *bolt.Tx, terminal, key string, body []byte) (out centralapi.ActionOutcome, err error) {
	var b centralapi.NotificationPay
	if err := json.Unmarshal(body, &b); err != nil {
		return out, fmt.Errorf("payment: %w", err)
	}
	now := s.now()
	no := func(reason string) (centralapi.ActionOutcome, error) {
		return centralapi.ActionOutcome{Status: statusRejected, Reason: &reason, At: &now}, nil
	}
	orders := tx.Bucket(bOrders)
	o, ok, err := get[centralapi.Order](orders, []byte(b.NotificationNumber))
	if err != nil {
		return out, fmt.Errorf("order: %w", err)
	}
	switch state := stateOf(o, now); {
	case !ok:
		return no("unknown")
	case state == centralapi.OrderPaid:
		return no("already_paid")
	case state == centralapi.OrderCancelled:
		return no("cancelled")
	case o.Amount != b.Amount:
		return no("changed")
	}
	n, err := tx.Bucket(bPayments).NextSequence()
	if err != nil {
		return out, fmt.Errorf("transaction number: %w", err)
	}
	transaction := fmt.Sprintf("AP%s%08d", now.Format("060102"), n)
	o.State = centralapi.OrderPaid
	if err := put(orders, []byte(b.NotificationNumber), o); err != nil {
		return out, fmt.Errorf("order: %w", err)
	}
	err = put(tx.Bucket(bPayments), own(terminal, key), centralapi.Payment{
		Key: key, Terminal: terminal, NotificationNumber: b.NotificationNumber, Amount: b.Amount, Commission: b.Commission,
		Received: b.Received, Reference: b.Reference, Transaction: transaction, At: now,
	})
	if err != nil {
		return out, fmt.Errorf("payment: %w", err)
	}
	return centralapi.ActionOutcome{Status: statusDone, Transaction: &transaction, At: &now}, nil
}

// isNumber reports whether s may be a notification number.
func isNumber(s string) bool {
	if s == "" || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// validOrder reports whether an order may be stored.
func validOrder(o centralapi.Order) bool {
	return isNumber(o.NotificationNumber) && o.State.Valid() && valid(o.Amount) && o.Amount.IsPositive() &&
		len(deref(o.OrderId)) <= maxName && len(deref(o.Payee)) <= 200 && len(deref(o.Purpose)) <= 200
}

// stateOf is the order's state now: what is unpaid at its time is cancelled.
func stateOf(o centralapi.Order, now time.Time) centralapi.OrderState {
	if o.State == centralapi.OrderOpen && o.PayBy != nil && now.After(*o.PayBy) {
		return centralapi.OrderCancelled
	}
	return o.State
}
