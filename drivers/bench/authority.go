package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
)

// certificateState is what the issuer publishes about a certificate.
type certificateState struct {
	Card    string            `json:"card"`
	Purpose authority.Purpose `json:"purpose"`
	Status  authority.Status  `json:"status"`
}

// certificates is the standing of what is on the cards, in the wallet's order.
func (b *bench) certificates() []certificateState {
	b.standing.mu.Lock()
	defer b.standing.mu.Unlock()
	return b.standing.list
}

// standings is kept, because to tell one certificate's takes a signature's check
// and the page asks often. Only setStanding changes them.
type standings struct {
	mu   sync.Mutex
	list []certificateState // replaced, never changed
}

func (b *bench) lookUpStanding() {
	list := []certificateState{}
	for _, c := range b.cards {
		for _, one := range c.Certificates {
			list = append(list, certificateState{Card: c.Name, Purpose: one.Purpose, Status: b.authority.Status(one.DER)})
		}
	}
	b.standing.mu.Lock()
	b.standing.list = list
	b.standing.mu.Unlock()
}

// Actions of an issuer.
var authorityActions = []string{"revoke", "suspend", "resume"}

// authorityOrder is the body of POST /api/authority.
type authorityOrder struct {
	Action string `json:"action"`
	Card   string `json:"card"`
}

// authorityAnswer is what it answers with.
type authorityAnswer struct {
	Authority []certificateState `json:"authority"`
}

func (b *bench) postAuthority(_ *http.Request, o authorityOrder) (any, error) {
	if !slices.Contains(authorityActions, o.Action) {
		return nil, unknownActionError{what: "action", name: o.Action, allowed: authorityActions}
	}
	c, err := b.card(o.Card)
	if err != nil {
		return nil, err
	}
	if err := b.setStanding(o.Action, c); err != nil {
		return nil, err
	}
	return authorityAnswer{b.certificates()}, nil
}

// setStanding revokes, suspends or resumes the certificates on a card, and
// publishes it.
func (b *bench) setStanding(action string, c *card) error {
	change, becomes := b.authority.Resume, authority.Good
	switch action {
	case "revoke":
		change, becomes = b.authority.Revoke, authority.Revoked
	case "suspend":
		change, becomes = b.authority.Suspend, authority.Suspended
	}
	if len(c.Certificates) == 0 {
		return impossibleError{fmt.Errorf("%s has no certificate", c.Name)}
	}
	for _, one := range c.Certificates {
		if err := change(one.DER); err != nil {
			return impossibleError{err}
		}
	}
	b.lookUpStanding()
	b.hub.publish(event{Source: sourceAuthority, Kind: "status", Card: c.Name, Text: string(becomes)})
	return nil
}

// publishEvery is how often lists of the issuers are written anew, so that those
// of a bench that is left running stay valid.
const publishEvery = 12 * time.Hour

// runAuthority keeps what the issuers publish valid until ctx ends.
func (b *bench) runAuthority(ctx context.Context) error {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := b.authority.Publish(); err != nil {
				slog.Error("lists of the issuers", "error", err)
			}
		}
	}
}
