package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/ioboard"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
)

const sourcePanel = "panel"

// panelMachine runs a virtual I/O board.
type panelMachine struct {
	b     *ioboard.Board
	store *store
	id    string // of the module, as last kept: the host can change it
}

func (m *panelMachine) receive(now time.Time, b []byte) step { return m.step(m.b.Receive(now, b)) }
func (m *panelMachine) tick(now time.Time) step              { return m.step(m.b.Tick(now)) }
func (m *panelMachine) backlog() int                         { return m.b.Backlog() }
func (m *panelMachine) changed() bool                        { return m.b.World().ID != m.id }

func (m *panelMachine) keep() {
	w := m.b.World()
	m.id = w.ID
	m.store.update(func(k *kept) { k.Panel = &w })
}

func (m *panelMachine) do(now time.Time, a ioboard.Action) (step, error) {
	out, err := m.b.Do(now, a)
	return m.step(out), err
}

func (m *panelMachine) step(out ioboard.Output) step {
	s := step{send: out.Send, wake: out.Wake}
	for _, e := range out.Events {
		s.events = append(s.events, event{
			Source: sourcePanel, Kind: string(e.Kind), Text: e.Text, Hex: fmt.Sprintf("%x", e.Bytes),
			frame: e.Kind == ioboard.EventIn || e.Kind == ioboard.EventOut,
		})
	}
	return s
}

// openPanel takes up the cabinet that was kept.
func (b *bench) openPanel() error {
	cfg := ioboard.DefaultConfig()
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("panel: %w", err)
	}
	board := ioboard.New(cfg, b.opt.seed)
	if w := b.store.k.Panel; w != nil {
		board = ioboard.Restore(cfg, b.opt.seed, *w)
	}
	b.cabinet = &panelMachine{b: board, store: b.store}
	b.panel = newDevice(sourcePanel, deviceLink(b.opt.dir, "panel"), b.cabinet, b.hub, b.rec)
	return nil
}

// doPanel performs an action; unplugging and plugging happen to the
// pseudo-terminal too.
func (b *bench) doPanel(a ioboard.Action) error {
	return b.panel.do(func(now time.Time) (step, error) {
		s, err := b.cabinet.do(now, a)
		if err != nil {
			return s, impossibleError{err}
		}
		switch a.(type) {
		case ioboard.Unplug:
			err = b.panel.hangUp()
		case ioboard.Plug:
			err = b.panel.plugIn()
		}
		return s, err
	})
}

// followCassette moves the switch behind the cassette, when a hand has moved the
// cassette. The switch may have been moved by itself before.
func (b *bench) followCassette(a validator.Action) error {
	var moved ioboard.Action
	switch a.(type) {
	case validator.RemoveCassette:
		moved = ioboard.RemoveCassette{}
	case validator.InsertCassette:
		moved = ioboard.InsertCassette{}
	default:
		return nil
	}
	if err := b.doPanel(moved); err != nil && !errors.As(err, new(impossibleError)) {
		return err
	}
	return nil
}

func (b *bench) panelState() ioboard.State {
	b.panel.mu.Lock()
	defer b.panel.mu.Unlock()
	return b.cabinet.b.State()
}

func (b *bench) postPanel(_ *http.Request, body map[string]json.RawMessage) (any, error) {
	a, err := actionOf(ioboard.Actions, body)
	if err != nil {
		return nil, err
	}
	if err := b.doPanel(a); err != nil {
		return nil, err
	}
	return b.panelState(), nil
}
