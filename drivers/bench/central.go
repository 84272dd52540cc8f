package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Behaviours that central can be told to show.
var centralModes = []string{"normal", "slow", "fail", "drop_answer"}

// behaviour is the body of PUT {central}/demo/v1/behaviour.
type behaviour struct {
	Mode    string `json:"mode"`
	DelayMS int    `json:"delay_ms,omitempty"`
	Status  int    `json:"status,omitempty"`
	Count   int    `json:"count,omitempty"`
}

// centralSwitch speaks to central's demonstration interface, past the cable.
type centralSwitch struct {
	base   string // "http://host:port", or empty
	client *http.Client

	mu  sync.Mutex
	set behaviour // as last accepted
}

// maxCentralState bounds what is passed on of central's state.
const maxCentralState = 4 << 20

func newCentralSwitch(base string) *centralSwitch {
	return &centralSwitch{base: base, client: &http.Client{Timeout: 3 * time.Second}, set: behaviour{Mode: "normal"}}
}

func (c *centralSwitch) last() behaviour {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

func (c *centralSwitch) behave(ctx context.Context, b behaviour) error {
	if !slices.Contains(centralModes, b.Mode) {
		return unknownActionError{what: "mode", name: b.Mode, allowed: centralModes}
	}
	if b.DelayMS < 0 || b.Count < 0 || b.Status != 0 && (b.Status < 400 || b.Status > 599) {
		return badRequestError{errors.New("delay_ms and count: not negative; status: 400 to 599")}
	}
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if _, err := c.call(ctx, http.MethodPut, "/demo/v1/behaviour", body); err != nil {
		return err
	}
	c.mu.Lock()
	c.set = b
	c.mu.Unlock()
	return nil
}

// state is central's own account of its orders and ledger.
func (c *centralSwitch) state(ctx context.Context) ([]byte, error) {
	return c.call(ctx, http.MethodGet, "/demo/v1/state", nil)
}

// phone is the citizen's telephone: messages and requests that central has sent.
func (c *centralSwitch) phone(ctx context.Context) ([]byte, error) {
	return c.call(ctx, http.MethodGet, phonePath, nil)
}

const phonePath = "/demo/v1/phone"

// Answers to a request on the telephone.
var phoneAnswers = []string{"confirm", "refuse"}

// phoneOrder is the body of POST /api/phone, and of central's.
type phoneOrder struct {
	Attempt string `json:"attempt"`
	Answer  string `json:"answer"`
}

func (c *centralSwitch) press(ctx context.Context, o phoneOrder) error {
	if !slices.Contains(phoneAnswers, o.Answer) {
		return unknownActionError{what: "answer", name: o.Answer, allowed: phoneAnswers}
	}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPost, phonePath, body)
	if errors.Is(err, errNotFound) {
		return impossibleError{errors.New("no telephone waits for this answer")}
	}
	return err
}

// errNotFound: central does not know what was meant.
var errNotFound = errors.New("not found")

func (c *centralSwitch) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	if c.base == "" {
		return nil, upstreamError{errors.New("no central was named when the bench was started")}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, upstreamError{fmt.Errorf("central: %w", err)}
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxCentralState))
	if err != nil {
		return nil, upstreamError{fmt.Errorf("central: %w", err)}
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, upstreamError{fmt.Errorf("central: %s %s: %w", method, path, errNotFound)}
	}
	if resp.StatusCode >= 300 {
		return nil, upstreamError{fmt.Errorf("central: %s %s: %s", method, path, resp.Status)}
	}
	return answer, nil
}
