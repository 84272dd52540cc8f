package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// payWithin is how long an order waits for its payment.
const payWithin = 7 * 24 * time.Hour

// demoOrders are made up: no number, payee or sum belongs to anybody.
func demoOrders() []centralapi.Order {
	order := func(number string, state centralapi.OrderState, minor int64, payee, purpose string) centralapi.Order {
		id := "DEMO-" + number
		return centralapi.Order{NotificationNumber: number, OrderId: &id, State: state, Amount: money.New(minor, money.AZN), Payee: &payee, Purpose: &purpose}
	}
	const (
		center  = "Nümunə Sertifikat Mərkəzi"
		service = "Nümunə Xidmət İdarəsi"
	)
	all := []centralapi.Order{
		order("123027172", centralapi.OrderOpen, 1800, center, "Elektron imza sertifikatı, 3 il"),
		order("123027180", centralapi.OrderOpen, 3100, center, "Elektron imza sertifikatı və kart oxuyucu"),
		order("200000001", centralapi.OrderOpen, 2540, service, "Kommunal xidmət haqqı"),
		order("200000015", centralapi.OrderOpen, 700, service, "Arayışın verilməsi"),
		order("123027199", centralapi.OrderPaid, 1800, center, "Elektron imza sertifikatı, 3 il"),
		order("123027202", centralapi.OrderCancelled, 1800, center, "Elektron imza sertifikatı, 3 il"),
	}
	for i := range int64(20) {
		all = append(all, order(fmt.Sprintf("3000000%02d", i+1), centralapi.OrderOpen, 150+i*i*137%9700, service, "Dövlət rüsumu"))
	}
	return all
}

// seed adds the demo's people and orders that are missing, and gives open orders
// whose time is over another week, so that a demo store does not go stale.
func (s *Server) seed(tx *bolt.Tx) error {
	b := tx.Bucket(bOrders)
	by := s.now().Add(payWithin)
	for _, o := range demoOrders() {
		key := []byte(o.NotificationNumber)
		old, ok, err := get[centralapi.Order](b, key)
		if err != nil {
			return fmt.Errorf("order: %w", err)
		}
		if ok && stateOf(old, s.now()) == old.State {
			continue
		}
		if o.State == centralapi.OrderOpen {
			o.PayBy = &by
		}
		if err := put(b, key, o); err != nil {
			return fmt.Errorf("order: %w", err)
		}
	}
	return s.seedCitizens(tx)
}

// behave is how to answer this request; it counts down.
func (s *Server) behave(path string) centralapi.Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.behaviour
	if b.Mode == centralapi.BehaviourNormal || !strings.Contains(path, deref(b.Path)) {
		return centralapi.Behaviour{Mode: centralapi.BehaviourNormal}
	}
	if n := deref(b.Count); n > 0 && b.Mode != centralapi.BehaviourRunning {
		if n--; n == 0 {
			s.behaviour = centralapi.Behaviour{Mode: centralapi.BehaviourNormal}
		} else {
			s.behaviour.Count = &n
		}
	}
	return b
}

// holding reports whether actions stay unfinished for now.
func (s *Server) holding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour.Mode == centralapi.BehaviourRunning
}

// PutBehaviour lets central misbehave.
func (s *Server) PutBehaviour(_ context.Context, r centralapi.PutBehaviourRequestObject) (centralapi.PutBehaviourResponseObject, error) {
	b := *r.Body
	if !b.Mode.Valid() || deref(b.DelayMs) < 0 || deref(b.DelayMs) > 600_000 || deref(b.Count) < 0 || len(deref(b.Path)) > 200 {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	if st := deref(b.Status); b.Mode == centralapi.BehaviourFail && (st < 200 || st > 599) {
		if st != 0 {
			return nil, refuse(centralapi.ProblemBodyInvalid, "")
		}
		st = 500
		b.Status = &st
	}
	s.mu.Lock()
	s.behaviour = b
	s.mu.Unlock()
	if b.Mode != centralapi.BehaviourRunning {
		if err := s.settle(); err != nil {
			return nil, err
		}
	}
	return centralapi.PutBehaviour200JSONResponse(b), nil
}

// PostReset forgets everything but who is enrolled.
func (s *Server) PostReset(context.Context, centralapi.PostResetRequestObject) (centralapi.PostResetResponseObject, error) {
	s.mu.Lock()
	s.behaviour = centralapi.Behaviour{Mode: centralapi.BehaviourNormal}
	s.mu.Unlock()
	s.desk.Forget()
	s.phones.forget()
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			// Who is enrolled is no part of the demo: a terminal stays one.
			if bytes.Equal(b, bMeta) || bytes.Equal(b, bTerminals) || bytes.Equal(b, bCodes) {
				continue
			}
			if err := tx.DeleteBucket(b); err != nil {
				return fmt.Errorf("bucket %s: %w", b, err)
			}
			if _, err := tx.CreateBucket(b); err != nil {
				return fmt.Errorf("bucket %s: %w", b, err)
			}
		}
		return s.seed(tx)
	})
	if err != nil {
		return nil, err
	}
	return centralapi.PostReset204Response{}, nil
}

// PostOrder creates an order or alters it.
func (s *Server) PostOrder(_ context.Context, r centralapi.PostOrderRequestObject) (centralapi.PostOrderResponseObject, error) {
	o := *r.Body
	if !validOrder(o) {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	err := s.db.Update(func(tx *bolt.Tx) error { return put(tx.Bucket(bOrders), []byte(o.NotificationNumber), o) })
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	return centralapi.PostOrder200JSONResponse(o), nil
}

// GetState is everything that central holds, in sums.
func (s *Server) GetState(context.Context, centralapi.GetStateRequestObject) (centralapi.GetStateResponseObject, error) {
	st, err := s.State()
	if err != nil {
		return nil, err
	}
	return centralapi.GetState200JSONResponse(st), nil
}

// State is everything that central holds, in sums, at one moment.
func (s *Server) State() (centralapi.State, error) {
	s.mu.Lock()
	st := centralapi.State{Behaviour: s.behaviour}
	s.mu.Unlock()
	st.Orders, st.Payments, st.Actions = []centralapi.Order{}, []centralapi.Payment{}, []centralapi.ActionState{}
	st.Terminals, st.Incidents = []centralapi.TerminalState{}, []centralapi.Incident{}
	err := s.db.View(func(tx *bolt.Tx) error {
		now := s.now()
		err := each(tx.Bucket(bOrders), func(_ []byte, o centralapi.Order) {
			o.State = stateOf(o, now)
			st.Orders = append(st.Orders, o)
		})
		if err != nil {
			return err
		}
		if err := each(tx.Bucket(bPayments), func(_ []byte, p centralapi.Payment) { st.Payments = append(st.Payments, p) }); err != nil {
			return err
		}
		err = each(tx.Bucket(bActions), func(k []byte, a action) {
			terminal, key := split(k)
			st.Actions = append(st.Actions, centralapi.ActionState{Key: key, Terminal: terminal, Kind: a.Kind, Status: a.Status, Reason: a.Answer.Reason, Received: a.Received})
		})
		if err != nil {
			return err
		}
		if err := each(tx.Bucket(bHeads), func(k []byte, h centralapi.Head) {
			st.Terminals = append(st.Terminals, terminalState(tx, string(k), h))
		}); err != nil {
			return err
		}
		return lastIncidents(tx, &st)
	})
	return st, err
}

// shownIncidents is how many of the latest incidents State holds.
const shownIncidents = 100

func lastIncidents(tx *bolt.Tx, st *centralapi.State) error {
	c := tx.Bucket(bIncidents).Cursor()
	for k, v := c.Last(); k != nil && len(st.Incidents) < shownIncidents; k, v = c.Prev() {
		var i centralapi.Incident
		if err := json.Unmarshal(v, &i); err != nil {
			return fmt.Errorf("incident: %w", err)
		}
		st.Incidents = append(st.Incidents, i)
	}
	return nil
}

func terminalState(tx *bolt.Tx, id string, head centralapi.Head) centralapi.TerminalState {
	t := centralapi.TerminalState{Id: id, Head: head, Ledger: map[string]centralapi.Sums{}, Balanced: true}
	counts := tx.Bucket(bCounts)
	t.Records = number(counts.Get(own(id, countRecords)))
	t.Quarantined = number(counts.Get(own(id, countQuarantined)))
	t.Unapplied = number(counts.Get(own(id, countUnapplied)))
	prefix := own(id, "")
	c := tx.Bucket(bSums).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		currency, acc := split(k[len(prefix):])
		sums, n := t.Ledger[currency], number(v)
		switch account(acc) {
		case accStacked:
			sums.Stacked = n
		case accHeld:
			sums.Held = n
		case accPending:
			sums.Pending = n
		case accPosted:
			sums.Posted = n
		case accCommission:
			sums.Commission = n
		case accLeftover:
			sums.Leftover = n
		case accUnassigned:
			sums.Unassigned = n
		case accInDoubt:
			sums.InDoubt = n
		}
		t.Ledger[currency] = sums
	}
	for _, l := range t.Ledger {
		t.Balanced = t.Balanced && l.Stacked == l.Held+l.Pending+l.Posted+l.Commission+l.Leftover+l.Unassigned
	}
	return t
}

// split parts a key of the store at its first zero byte.
func split(k []byte) (head, tail string) {
	h, t, _ := bytes.Cut(k, []byte{0})
	return string(h), string(t)
}

func each[T any](b *bolt.Bucket, f func(k []byte, v T)) error {
	return b.ForEach(func(k, raw []byte) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("stored value: %w", err)
		}
		f(k, v)
		return nil
	})
}
