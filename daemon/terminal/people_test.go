package terminal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// What people do at the cabinet, and what is written of it.

func (c *cabinet) tryTap(name string, cmd wire.Command) (err error) {
	c.t.Helper()
	cmd.StepSeq = c.shown.StepSeq
	c.do(func() { err = c.term.Command(c.now, name, cmd) })
	return err
}

func (c *cabinet) tap(name string, cmd wire.Command) {
	c.t.Helper()
	if err := c.tryTap(name, cmd); err != nil {
		c.t.Fatalf("%s at %s: %v", name, c.shown.Visit.Step, err)
	}
}

func (c *cabinet) at(want wire.Step) {
	c.t.Helper()
	if got := c.shown.Visit.Step; got != want {
		c.t.Fatalf("the screen shows %s, want %s", got, want)
	}
}

func (c *cabinet) insert(manat int64) {
	c.t.Helper()
	i := slices.IndexFunc(bills.Notes, func(n cash.Note) bool { return n.Value == money.Manat(manat) })
	c.note = &bills.Notes[i]
	c.ev++
	id, n := c.ev, *c.note
	c.do(func() { c.term.Cash(c.now, cash.Escrowed{ID: id, Note: n}) })
}

func (c *cabinet) turn(in panel.Input, s panel.State) {
	c.t.Helper()
	c.contacts[in] = s
	if !c.noBoard {
		c.do(func() { c.term.Panel(c.now, panel.Changed{Input: in, State: s}) })
	}
}

func (c *cabinet) openDoor()  { c.t.Helper(); c.turn(panel.InputServiceDoor, panel.StateActive) }
func (c *cabinet) closeDoor() { c.t.Helper(); c.turn(panel.InputServiceDoor, panel.StateRest) }

// key types a PIN and sends it.
func (c *cabinet) key(pin string) {
	c.t.Helper()
	for _, r := range pin {
		var err error
		k := wire.SecretKey{StepSeq: c.shown.StepSeq, Field: wire.FieldServicePIN, Key: wire.SecretRune(r)}
		c.do(func() { err = c.term.Secret(c.now, k) })
		if err != nil {
			c.t.Fatalf("a key of the PIN: %v", err)
		}
	}
	c.tap(wire.NameNext, wire.Command{})
}

// signIn signs in at the open door.
func (c *cabinet) signIn(number string) {
	c.t.Helper()
	c.at(wire.StepServiceLogin)
	c.tap(wire.NameServiceLogin, wire.Command{Person: number})
	c.key(pins[number])
	c.at(wire.StepService)
}

func (c *cabinet) act(d wire.DeviceID, a wire.Act) {
	c.t.Helper()
	c.tap(wire.NameServiceAct, wire.Command{Device: d, Act: a})
}

// actTwice does what asks twice.
func (c *cabinet) actTwice(d wire.DeviceID, a wire.Act) {
	c.t.Helper()
	c.act(d, a)
	if q := c.shown.Service.Confirm; q == nil || q.Device != d || q.Act != a {
		c.t.Fatalf("%s is not asked for twice: %+v", a, q)
	}
	c.tap(wire.NameServiceAct, wire.Command{Device: d, Act: a, Confirm: true})
}

// serves reports whether a customer may begin and pay with notes.
func (c *cabinet) serves() bool {
	return c.shown.Visit.Step == wire.StepAttract && c.shown.Visit.Services[0].Available
}

// out says that customers are told the terminal is out of service.
func (c *cabinet) out() {
	c.t.Helper()
	c.at(wire.StepOutOfService)
	if r := c.shown.Visit.Outcome.Reason; r != wire.ReasonOutOfService {
		c.t.Errorf("the cause is %q", r)
	}
	if c.enabled {
		c.t.Error("the acceptor takes notes")
	}
	if err := c.tryTap(wire.NameStart, wire.Command{Lang: wire.LangAz}); err == nil {
		c.t.Fatal("a visit began")
	}
}

// records lists the bodies of a kind.
func records[B record.Body](c *cabinet) (out []B) {
	c.t.Helper()
	var kind B
	err := c.journal.Walk(context.Background(), 1, func(r journal.Record) error {
		if r.Kind == kind.Kind() {
			var b B
			if err := json.Unmarshal(r.Body, &b); err != nil {
				return err
			}
			out = append(out, b)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// said is the records of a kind, as one line each.
func said[B record.Body](c *cabinet) string { return fmt.Sprintf("%+v", records[B](c)) }

// toStep goes as far as a step of the journey; it says false if the step is none.
func (c *cabinet) toStep(step string) {
	c.t.Helper()
	order := []string{"attract", "language", "services", "form", "query", "quote", "pay", "money", "moving", "submit", "deliver", "farewell"}
	for _, s := range order[:slices.Index(order, step)+1] {
		switch s {
		case "attract":
			if !c.serves() {
				c.t.Fatalf("the terminal does not serve: %s", c.shown.Visit.Step)
			}
		case "language":
			c.tap(wire.NameStart, wire.Command{})
			c.at(wire.StepLanguage)
		case "services":
			c.tap(wire.NameLanguage, wire.Command{Lang: wire.LangAz})
			c.at(wire.StepServices)
		case "form":
			c.tap(wire.NameService, wire.Command{Service: c.shown.Visit.Services[0].ID})
			c.at(wire.StepForm)
		case "query":
			c.noNet = true
			c.tap(wire.NameInput, wire.Command{Field: c.shown.Visit.Form.Fields[0].Name, Value: "200000001"})
			c.tap(wire.NameNext, wire.Command{})
			c.at(wire.StepQuery)
		case "quote":
			c.release()
			c.at(wire.StepQuote)
		case "pay":
			c.tap(wire.NameNext, wire.Command{})
			c.at(wire.StepPay)
			if !c.shown.Money.Open {
				c.t.Fatal("the slot is not open")
			}
		case "money":
			c.insert(20)
		case "moving":
			if step == "moving" {
				c.holdNote = true
			}
			c.insert(10)
		case "submit":
			c.noNet = true
			c.tap(wire.NameFinish, wire.Command{Key: "k"})
			c.at(wire.StepSubmit)
		case "deliver":
			c.holdPaper = true
			c.noNet = false
			calls := c.calls
			c.calls = nil
			c.do(func() {
				for _, call := range calls {
					c.Call(call)
				}
			})
			c.at(wire.StepDeliver)
		case "farewell":
			c.release()
			c.at(wire.StepFarewell)
		}
	}
}
