package signcard

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// saved is what a card keeps without power. It holds no PIN.
type saved struct {
	Serial []byte `json:"serial"`
	Left   []int  `json:"left"` // tries of PIN1, PIN2 and PUK
}

// Save is what the card keeps without power: the tries left.
func (c *Card) Save() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(saved{Serial: c.cfg.Serial, Left: c.left[PIN1:]})
}

// Restore gives a new card, made with the same Config, what another run saved.
func (c *Card) Restore(state []byte) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("signcard: what was kept of the card cannot be read: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bytes.Equal(s.Serial, c.cfg.Serial) {
		return fmt.Errorf("signcard: what was kept is of card %X, this one is %X", s.Serial, c.cfg.Serial)
	}
	if len(s.Left) != PUK {
		return fmt.Errorf("signcard: %d counters were kept, the card has %d", len(s.Left), PUK)
	}
	for i, left := range s.Left {
		if left < 0 || left > c.cfg.pin(i+1).Tries {
			return fmt.Errorf("signcard: %d tries were kept of PIN %d, it has %d", left, i+1, c.cfg.pin(i+1).Tries)
		}
	}
	copy(c.left[PIN1:], s.Left)
	return nil
}
