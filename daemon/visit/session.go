package visit

import (
	"encoding/json"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
)

// session is who is signed in. It is in memory only: a restart of the daemon ends
// it, and so does the card's removal where a card made it. Level and person are
// kept for the visit, so that a second service does not ask again.
type session struct {
	id     string
	method string
	level  string
	name   string
	fin    string
	slot   esign.Slot // of the card that made it
}

// centralSession is a session as central says it.
type centralSession struct {
	ID        string `json:"id"`
	Level     string `json:"level"`
	Method    string `json:"method"`
	Name      string `json:"name"`
	FINMasked string `json:"fin_masked"`
}

func (s *centralSession) good() bool {
	return s != nil && s.ID != "" && len(s.ID) <= 128 && (s.Level == string(wire.LevelLow) || s.Level == string(wire.LevelHigh))
}

// Why a sign-in ended, in the words of the contract with central.
const (
	outFinished  = "finished"
	outCard      = "card_removed"
	outAbandoned = "abandoned"
	outRestarted = "restarted"
	outCancelled = "cancelled"
)

// actionIdentity is the kind of action that tells central of a sign-in, its use
// and its end; each is entered in the citizen's operation history (domain
// reference 3.5).
const actionIdentity = "identity.event"

// identityEvent is the body of an action of that kind. Nothing in it names the
// person: the session is a random number that central alone can resolve.
type identityEvent struct {
	Event    string `json:"event"` // signed_in, used, signed_out
	Session  string `json:"session"`
	Method   string `json:"method"`
	Level    string `json:"level"`
	Service  string `json:"service,omitempty"`
	Why      string `json:"why,omitempty"`
	Terminal string `json:"terminal"`
	At       string `json:"at"`
}

const (
	eventSignedIn  = "signed_in"
	eventUsed      = "used"
	eventSignedOut = "signed_out"
)

// report writes the action's intent; central's room sends what it finds in the
// journal until central has answered, also after a restart.
func (e *Engine) report(now time.Time, ev identityEvent) {
	ev.Terminal, ev.At = e.terminal.Number, now.UTC().Format(time.RFC3339)
	raw, err := json.Marshal(ev)
	if err != nil {
		panic("visit: " + err.Error())
	}
	e.ports.Write(journal.Draft{Visit: e.r.Visit, Key: e.ports.NewID(), Body: record.ActionIntent{Action: actionIdentity, Body: raw}})
}

func (e *Engine) signIn(now time.Time, s *centralSession) {
	e.session = &session{id: s.ID, method: e.id.method, level: s.Level, name: printable(s.Name, 80), fin: printable(s.FINMasked, 16)}
	if byCard(e.id.method) {
		e.session.slot = e.id.slot
	}
	e.report(now, identityEvent{Event: eventSignedIn, Session: s.ID, Method: e.session.method, Level: e.session.level})
	e.dropIdentify()
	e.finish(now, "ok")
}

// used tells central that a service is about to ask with the sign-in.
func (e *Engine) used(now time.Time, service string) {
	if s := e.session; s != nil {
		e.report(now, identityEvent{Event: eventUsed, Session: s.id, Method: s.method, Level: s.level, Service: service})
	}
}

// signOut ends the sign-in: what central told of the person is forgotten here,
// and central is told.
func (e *Engine) signOut(now time.Time, why string) {
	s := e.session
	if s == nil {
		return
	}
	e.session = nil
	clear(e.lists)
	if why == outInterrupted { // central's contract has no word for it
		why = outCancelled
	}
	e.report(now, identityEvent{Event: eventSignedOut, Session: s.id, Method: s.method, Level: s.level, Why: why})
}

// observeSession ends a sign-in whose card was taken out. Money that is in goes
// its own way: a payment does not need the sign-in any more.
func (e *Engine) observeSession(now time.Time) {
	s := e.session
	if s == nil || !byCard(s.method) || e.cards.In(s.slot) {
		return
	}
	e.signOut(now, outCard)
	m := e.money()
	if e.atFarewell() || m.Held.IsPositive() || m.Pending.IsPositive() || e.till.Ledger().Tender() != nil || m.Paid.IsPositive() {
		return
	}
	e.dropAsk()
	e.dropIdentify()
	e.r.Reason = wire.ReasonCardRemoved
	e.moveTo(now, stepFarewell, outCard)
}

// leave is the person's own end of a sign-in.
func (e *Engine) leave(now time.Time) {
	e.signOut(now, outFinished)
	e.dropIdentify()
	e.r.Reason = wire.ReasonSignedOut
	e.moveTo(now, stepFarewell, eventSignedOut)
}

// openSession is a sign-in that the journal has begun and not ended.
type openSession struct {
	Session string `json:"session"`
	Method  string `json:"method"`
	Level   string `json:"level"`
}

// foldSession keeps Current.Session from the actions' records.
func (c *Current) foldSession(b record.ActionIntent) error {
	if b.Action != actionIdentity {
		return nil
	}
	var ev identityEvent
	if err := json.Unmarshal(b.Body, &ev); err != nil {
		return err
	}
	switch ev.Event {
	case eventSignedIn:
		c.Session = &openSession{Session: ev.Session, Method: ev.Method, Level: ev.Level}
	case eventSignedOut:
		c.Session = nil
	}
	return nil
}

// endOpenSession ends the sign-in that a restart has interrupted, and reports
// whether there was one.
func (e *Engine) endOpenSession(now time.Time, cur *Current) bool {
	s := cur.Session
	if s == nil {
		return false
	}
	e.report(now, identityEvent{Event: eventSignedOut, Session: s.Session, Method: s.Method, Level: s.Level, Why: outRestarted})
	return true
}
