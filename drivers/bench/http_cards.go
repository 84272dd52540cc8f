package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

// cardsAnswer is what POST /api/card and /api/pcscd answer with.
type cardsAnswer struct {
	PCSCD   serviceState           `json:"pcscd"`
	Readers map[string]readerState `json:"readers"`
	Cards   []cardState            `json:"cards"`
}

func (b *bench) cardsAnswer() cardsAnswer {
	var a cardsAnswer
	a.PCSCD, a.Readers, a.Cards = b.cardStates()
	return a
}

func (b *bench) postCard(_ *http.Request, o cardOrder) (any, error) {
	if err := b.doCard(o); err != nil {
		return nil, err
	}
	return b.cardsAnswer(), nil
}

// Actions on the PC/SC daemon.
var serviceActions = []string{"kill", "start"}

type serviceOrder struct {
	Action string `json:"action"`
}

func (b *bench) postPCSCD(r *http.Request, o serviceOrder) (any, error) {
	if err := b.readers.do(r.Context(), o.Action); err != nil {
		return nil, err
	}
	return b.cardsAnswer(), nil
}

// do kills or starts the PC/SC daemon.
func (r *readers) do(ctx context.Context, action string) error {
	r.mu.Lock()
	s := r.service
	r.mu.Unlock()
	var err error
	switch {
	case action != "kill" && action != "start":
		return unknownActionError{what: "action", name: action, allowed: serviceActions}
	case s == nil:
		return impossibleError{errors.New("this bench has no card readers")}
	case action == "kill":
		err = s.Kill()
	default:
		err = s.Launch(ctx)
	}
	if errors.Is(err, vpcd.ErrRuns) || errors.Is(err, vpcd.ErrRunsNot) {
		return impossibleError{err}
	}
	return err
}

func (b *bench) postPhone(r *http.Request, o phoneOrder) (any, error) {
	if err := b.central.press(r.Context(), o); err != nil {
		return nil, err
	}
	b.hub.publish(event{Source: sourceCentral, Kind: "phone", Text: o.Answer})
	return struct{}{}, nil
}
