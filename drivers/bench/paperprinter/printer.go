package paperprinter

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Output is what a call of the machine asks for: Send first, then Events.
type Output struct {
	Send   []byte
	Wake   time.Time // call Tick no later than this; zero for no timer
	Events []Event
}

// EventKind says what an Event is about.
type EventKind string

const (
	EventStrip   EventKind = "strip"   // a strip came out
	EventStatus  EventKind = "status"  // the condition changed; Text names it
	EventPower   EventKind = "power"   // Text is "on" or "off"
	EventLine    EventKind = "line"    // Text is "plugged" or "unplugged"
	EventBusy    EventKind = "busy"    // XOFF was sent
	EventReady   EventKind = "ready"   // XON was sent
	EventLost    EventKind = "lost"    // N bytes found no room
	EventIgnored EventKind = "ignored" // a command that this printer does not know; Text names it
	EventCleared EventKind = "cleared" // the host had the buffers cleared
	EventAnswer  EventKind = "answer"  // an answer is in Output.Send
)

// Event is something that happened.
type Event struct {
	Kind  EventKind `json:"kind"`
	At    time.Time `json:"-"`
	Text  string    `json:"text,omitempty"`
	N     int       `json:"n,omitempty"`
	Bytes []byte    `json:"bytes,omitempty"`
	Strip *Strip    `json:"-"`
}

// Printer is one virtual printer. It is not safe for concurrent use.
type Printer struct {
	cfg Config
	rng *rand.Rand
	now time.Time
	w   World

	power   bool
	booting bool
	bootEnd time.Time
	plugged bool

	// the line
	line     []byte    // sent by the host, not yet arrived
	lineNext time.Time // when the first of them arrives
	arrived  uint64    // bytes that ever arrived
	replies  []reply
	busy     bool // XOFF is out
	lostRun  int  // bytes lost since the last EventLost

	// the receive buffer
	lex lexer
	rt  realTime

	// the interpreter
	set      settings
	cmd      *running // a command whose payload is on its way
	textLine textLine
	graphics []byte             // GS ( L: stored, waiting for print
	keys     map[[2]byte][]byte // GS ( L 67; a real one keeps these in flash
	symbol   symbol
	ops      []mechOp
	mechFree time.Time

	// latches: an error stays until the host or the hand recovers it
	cutterError bool
	jamError    bool
	hotUntil    time.Time
	busyUntil   time.Time // forced

	troubles troubles
	asb      [4]byte // as last told

	out Output
}

// reply is an answer on its way to the host.
type reply struct {
	due   time.Time
	bytes []byte
}

// troubles are the armed faults.
type troubles struct {
	cutAtByte   uint64 // absolute count of arrived bytes; zero for none
	noAnswer    int
	lateAnswer  LateAnswer
	garbage     Garbage
	silentUntil time.Time
}

// New makes a printer with a fresh roll, powered and plugged in.
func New(cfg Config, seed uint64) *Printer { return Restore(cfg, seed, NewWorld(cfg)) }

// Restore makes a printer around a world that was kept, as after a power cut.
func Restore(cfg Config, seed uint64, w World) *Printer {
	p := &Printer{
		cfg:     cfg,
		rng:     rand.New(rand.NewPCG(seed, 0xD1B54A32D192ED03)),
		w:       w.Clone(),
		power:   true,
		plugged: true,
		keys:    map[[2]byte][]byte{},
	}
	if whole := len(p.w.Path) / p.stride() * p.stride(); whole != len(p.w.Path) {
		p.w.Path = p.w.Path[:whole]
	}
	p.w.PowerUps++
	p.jamError = p.w.Jammed
	p.resetSettings()
	p.asb = p.asbBytes()
	return p
}

// World is a copy of what is kept over a power cut.
func (p *Printer) World() World { return p.w.Clone() }

// Config is the printer as it was made.
func (p *Printer) Config() Config { return p.cfg }

// Backlog is how many bytes the host has sent that are not over the line yet. A
// caller that reads from a pipe reads on when this is small.
func (p *Printer) Backlog() int { return len(p.line) }

// Receive gives the printer bytes from the host.
func (p *Printer) Receive(now time.Time, b []byte) Output {
	p.begin(now)
	if p.plugged && p.power {
		if len(p.line) == 0 && len(b) > 0 {
			p.lineNext = p.now.Add(p.byteTime())
		}
		room := max(maxBacklog-len(p.line), 0)
		p.line = append(p.line, b[:min(room, len(b))]...)
	}
	return p.finish()
}

// Tick lets time pass.
func (p *Printer) Tick(now time.Time) Output {
	p.begin(now)
	return p.finish()
}

// Do performs an action. An action that is impossible now changes nothing and
// gives an error that says why.
func (p *Printer) Do(now time.Time, a Action) (Output, error) {
	p.begin(now)
	err := p.do(a)
	p.observe()
	return p.finish(), err
}

func (p *Printer) byteTime() time.Duration {
	if p.cfg.Baud == 0 {
		return 0
	}
	return bitsPerByte * time.Second / time.Duration(p.cfg.Baud)
}

func (p *Printer) rowTime() time.Duration {
	if p.cfg.RowsPerS == 0 {
		return 0
	}
	return time.Second / time.Duration(p.cfg.RowsPerS)
}

func (p *Printer) begin(now time.Time) {
	p.out = Output{}
	p.run(now)
	if now.After(p.now) {
		p.now = now
	}
}

// due names what happens by itself next.
type due int

const (
	dueNothing due = iota
	dueReply
	dueBoot
	dueCool
	dueReady
	dueByte // from here on nobody outside can see the very moment
	dueMechanism
	dueToken
)

// run makes everything happen that is due until now, each at its own time.
func (p *Printer) run(now time.Time) {
	for {
		at, what := p.earliest()
		if what == dueNothing || at.After(now) {
			return
		}
		if at.After(p.now) {
			p.now = at
		}
		switch what {
		case dueReply:
			p.emit()
		case dueBoot:
			p.booted()
		case dueCool:
			p.hotUntil = time.Time{}
		case dueReady:
			p.busyUntil = time.Time{}
		case dueByte:
			p.arrive()
		case dueMechanism:
			p.mechanism()
		case dueToken:
			p.execute()
		}
		p.observe()
	}
}

func (p *Printer) finish() Output {
	p.run(p.now)
	p.tellLost()
	if at, what := p.earliest(); what != dueNothing {
		if what >= dueByte {
			at = later(at, p.rest())
		}
		p.out.Wake = at
	}
	out := p.out
	p.out = Output{}
	return out
}

// rest is until when the caller may sleep while the printer works: work inside
// is done in steps, but a short command is looked at when it is whole.
func (p *Printer) rest() time.Time {
	rest := p.now.Add(p.cfg.Quantum)
	if n := len(p.line); n > 0 {
		if whole := p.lineNext.Add(time.Duration(n-1) * p.byteTime()); whole.Before(rest) {
			return whole
		}
	}
	return rest
}

// earliest is the next thing that happens by itself.
func (p *Printer) earliest() (at time.Time, what due) {
	consider := func(t time.Time, w due) {
		if what == dueNothing || t.Before(at) {
			at, what = t, w
		}
	}
	if len(p.replies) > 0 {
		consider(p.replies[0].due, dueReply)
	}
	if p.booting {
		consider(p.bootEnd, dueBoot)
	}
	if !p.hotUntil.IsZero() {
		consider(p.hotUntil, dueCool)
	}
	if !p.busyUntil.IsZero() {
		consider(p.busyUntil, dueReady)
	}
	if p.running() {
		switch {
		case len(p.ops) > 0:
			consider(later(p.now, p.mechFree), dueMechanism)
		case len(p.lex.tokens) > 0:
			consider(later(p.now, p.mechFree), dueToken)
		}
	}
	if len(p.line) > 0 { // last: a line that takes no time must not overrun a mechanism that takes none
		consider(p.lineNext, dueByte)
	}
	return at, what
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// running reports whether the mechanism and the interpreter go on.
func (p *Printer) running() bool { return p.power && !p.booting && !p.offline() }

// arrive is one byte at the printer's end of the line.
func (p *Printer) arrive() {
	c := p.line[0]
	p.line = p.line[1:]
	p.lineNext = p.lineNext.Add(p.byteTime())
	p.arrived++
	if p.booting {
		return
	}
	ground := p.lex.ground() && !p.rt.inside()
	consumed := p.rt.push(p, c, ground)
	if !consumed {
		if p.free() <= 0 {
			p.lostRun++
		} else {
			p.lex.push(c)
		}
	}
	if cut := p.troubles.cutAtByte; cut != 0 && p.arrived >= cut {
		p.powerOff()
	}
}

func (p *Printer) free() int { return p.cfg.Buffer - p.lex.used() }

// observe follows up what a step has changed: flow control, automatic status.
func (p *Printer) observe() {
	if !p.power || p.booting {
		return
	}
	if now := p.asbBytes(); now != p.asb {
		changed := p.asb
		p.asb = now
		p.event(Event{Kind: EventStatus, Text: p.condition()})
		if p.asbWanted(changed, now) {
			p.answer(now[:])
		}
	}
	want := p.busy
	switch free := p.free(); {
	case !p.busyUntil.IsZero(), p.cfg.BusyWhenOffline && p.offline(), free <= p.cfg.BusyAt:
		want = true
	case free >= p.cfg.ReadyAt:
		want = false
	}
	if want != p.busy {
		p.busy = want
		p.flow()
	}
}

// flow tells the host whether to send; nothing delays or spoils it.
func (p *Printer) flow() {
	kind, c := EventReady, byte(xon)
	if p.busy {
		kind, c = EventBusy, xoff
	}
	p.event(Event{Kind: kind})
	if p.cfg.XonXoff && p.plugged {
		p.out.Send = append(p.out.Send, c)
	}
}

func (p *Printer) tellLost() {
	if p.lostRun > 0 {
		p.event(Event{Kind: EventLost, N: p.lostRun})
		p.lostRun = 0
	}
}

func (p *Printer) event(e Event) {
	e.At = p.now
	p.out.Events = append(p.out.Events, e)
}

// answer queues bytes for the host, as the armed troubles let it.
func (p *Printer) answer(b []byte) {
	t := &p.troubles
	if p.now.Before(t.silentUntil) {
		return
	}
	if t.noAnswer > 0 {
		t.noAnswer--
		return
	}
	due := p.now.Add(p.cfg.Response)
	if t.lateAnswer.Count > 0 {
		t.lateAnswer.Count--
		due = due.Add(t.lateAnswer.By.Duration())
	}
	b = slices.Clone(b)
	if g := &t.garbage; g.Count > 0 {
		g.Count--
		b = append(p.garbageBytes(*g), b...)
	}
	if n := len(p.replies); n > 0 {
		due = later(due, p.replies[n-1].due) // answers never overtake
	}
	if len(p.replies) < maxReplies {
		p.replies = append(p.replies, reply{due, b})
	}
}

func (p *Printer) garbageBytes(g Garbage) []byte {
	if len(g.Bytes) > 0 {
		return slices.Clone(g.Bytes)
	}
	b := make([]byte, g.Length)
	for i := range b {
		b[i] = byte(p.rng.Uint32())
	}
	return b
}

func (p *Printer) emit() {
	r := p.replies[0]
	p.replies = p.replies[1:]
	if p.plugged {
		p.out.Send = append(p.out.Send, r.bytes...)
		p.event(Event{Kind: EventAnswer, Bytes: r.bytes})
	}
}

// powerOff loses all that is not paper or rust.
func (p *Printer) powerOff() {
	p.power, p.booting = false, false
	p.line, p.replies = nil, nil
	p.clearBuffers()
	p.rt = realTime{}
	p.resetSettings()
	p.cutterError, p.jamError = false, false
	p.hotUntil, p.busyUntil, p.mechFree = time.Time{}, time.Time{}, time.Time{}
	p.busy = false
	p.troubles.cutAtByte = 0
	p.event(Event{Kind: EventPower, Text: "off"})
}

func (p *Printer) powerOn() {
	p.power, p.booting = true, true
	p.bootEnd = p.now.Add(p.cfg.Boot)
	p.event(Event{Kind: EventPower, Text: "on"})
}

func (p *Printer) booted() {
	p.booting = false
	p.w.PowerUps++
	p.jamError = p.w.Jammed
	p.asb = p.asbBytes()
	p.flow() // XON out of the blue
}

// clearBuffers drops what was received and not printed.
func (p *Printer) clearBuffers() {
	p.lex.reset()
	p.ops = nil
	p.cmd = nil
	p.textLine = textLine{}
	p.graphics = nil
	p.symbol.data = nil
}
