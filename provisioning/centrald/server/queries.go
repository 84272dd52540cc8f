package server

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// How a query ends.
const (
	outcomeFound   = "found"
	outcomeNone    = "none"
	outcomeBlocked = "blocked"
)

// queries answer questions; they see a store that they cannot change.
var queries = map[string]func(s *Server, tx *bolt.Tx, body []byte) (any, error){"notification.lookup": (*Server).lookup}

// PostQuery answers a question.
func (s *Server) PostQuery(ctx context.Context, r centralapi.PostQueryRequestObject) (centralapi.PostQueryResponseObject, error) {
	if err := checkNames(r.Id, r.Kind); err != nil {
		return nil, err
	}
	var found any
	var err error
	if ask, ok := asks[r.Kind]; ok {
		found, err = ask(s, ctx, r.Id, *r.Body)
	} else if q, ok := queries[r.Kind]; ok {
		err = s.db.View(func(tx *bolt.Tx) (err error) {
			found, err = q(s, tx, *r.Body)
			return err
		})
	} else {
		err = refuse(centralapi.ProblemKindUnknown, "")
	}
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(found)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return answer(raw), nil
}

func (s *Server) lookup(tx *bolt.Tx, body []byte) (any, error) {
	var b centralapi.NotificationLookup
	if json.Unmarshal(body, &b) != nil || !isNumber(b.NotificationNumber) {
		return nil, refuse(centralapi.ProblemBodyInvalid, "")
	}
	o, ok, err := get[centralapi.Order](tx.Bucket(bOrders), []byte(b.NotificationNumber))
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	if !ok {
		return centralapi.NotificationAnswer{Outcome: outcomeNone}, nil
	}
	o.State = stateOf(o, s.now())
	a := centralapi.NotificationAnswer{Outcome: outcomeFound, Order: &o}
	if o.State != centralapi.OrderOpen {
		reason := string(o.State)
		a.Outcome, a.Reason = outcomeBlocked, &reason
	}
	return a, nil
}
