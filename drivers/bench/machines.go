package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
)

const (
	sourceValidator = "validator"
	sourcePrinter   = "printer"
	sourceNetwork   = "network"
	sourceCentral   = "central"
	sourceReader    = "reader"
	sourceAuthority = "authority"
	sourceBench     = "bench"
)

func hexByte(b byte) string { return fmt.Sprintf("%02X", b) }

// validatorMachine runs a virtual validator.
type validatorMachine struct {
	v     *validator.Validator
	store *store
}

func (m *validatorMachine) receive(now time.Time, b []byte) step {
	return m.step(m.v.Receive(now, b))
}

func (m *validatorMachine) tick(now time.Time) step { return m.step(m.v.Tick(now)) }
func (m *validatorMachine) backlog() int            { return 0 }
func (m *validatorMachine) changed() bool           { return false } // nothing changes without an event

func (m *validatorMachine) keep() {
	m.store.update(func(k *kept) {
		k.Validator = &keptValidator{World: m.v.World(), Config: m.v.Config()}
	})
}

func (m *validatorMachine) do(now time.Time, a validator.Action) (step, error) {
	out, err := m.v.Do(now, a)
	return m.step(out), err
}

func (m *validatorMachine) step(out validator.Output) step {
	s := step{send: out.Send, wake: out.Wake}
	for _, e := range out.Events {
		s.events = append(s.events, validatorEvent(e))
	}
	return s
}

func validatorEvent(v validator.Event) event {
	e := event{
		Source: sourceValidator, Kind: string(v.Kind), Text: v.Text, Frame: v.Frame,
		From: string(v.From), To: string(v.To), Hex: hex.EncodeToString(v.Bytes),
	}
	if v.Note != nil {
		e.Note = *v.Note
	}
	switch v.Kind {
	case validator.EventFrameIn, validator.EventFrameOut:
		e.Code, e.frame = hexByte(v.Code), true
	case validator.EventBadFrame:
		e.frame = true
	case validator.EventState:
		e.Code = hexByte(v.Code)
	case validator.EventStackedSent, validator.EventAcked, validator.EventStacked:
		e.Code, e.Data = hexByte(v.Code), hexByte(v.Data)
	}
	return e
}

// printerMachine runs a virtual printer.
type printerMachine struct {
	p     *paperprinter.Printer
	store *store
	rows  uint64 // as last kept
}

func (m *printerMachine) receive(now time.Time, b []byte) step {
	return m.step(m.p.Receive(now, b))
}

func (m *printerMachine) tick(now time.Time) step { return m.step(m.p.Tick(now)) }
func (m *printerMachine) backlog() int            { return m.p.Backlog() }
func (m *printerMachine) changed() bool           { return m.p.State().Rows != m.rows }

func (m *printerMachine) keep() {
	w := m.p.World()
	m.rows = w.Rows
	m.store.update(func(k *kept) { k.Printer = &w })
}

func (m *printerMachine) do(now time.Time, a paperprinter.Action) (step, error) {
	out, err := m.p.Do(now, a)
	return m.step(out), err
}

func (m *printerMachine) step(out paperprinter.Output) step {
	s := step{send: out.Send, wake: out.Wake}
	for _, p := range out.Events {
		e := event{Source: sourcePrinter, Kind: string(p.Kind), Text: p.Text, N: p.N, Hex: hex.EncodeToString(p.Bytes)}
		switch p.Kind {
		case paperprinter.EventStrip:
			m.store.addStrip(p.Strip)
			e.Strip, e.N = p.Strip.N, 0
		case paperprinter.EventAnswer, paperprinter.EventBusy, paperprinter.EventReady:
			e.frame = true
		}
		s.events = append(s.events, e)
	}
	return s
}
