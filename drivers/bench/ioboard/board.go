package ioboard

import (
	"fmt"
	"math/rand/v2"
	"strings"
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
	EventContact EventKind = "contact"   // a door, the cassette, the loop: Text says how it stands
	EventLamp    EventKind = "lamp"      // Text says which lamp, and whether it is on, off or flashing
	EventLine    EventKind = "line"      // Text is "plugged" or "unplugged"
	EventUnknown EventKind = "unknown"   // a command that this module does not know
	EventIn      EventKind = "frame_in"  // a command came in
	EventOut     EventKind = "frame_out" // its answer went out
)

// Event is something that happened.
type Event struct {
	Kind  EventKind
	Text  string
	Bytes []byte
}

// Board is one virtual module with its cabinet. It is not safe for concurrent
// use.
type Board struct {
	cfg Config
	rng *rand.Rand
	now time.Time
	w   World

	plugged bool
	inputs  uint64 // direction: 1 is an input
	mask    uint64 // iomask: 1 lets iodir and writeall through
	latch   uint64 // what outputs are set to
	notify  bool
	told    uint64 // levels of the last notification

	command []byte    // typed so far
	queue   []byte    // came while an answer was due
	answer  *string   // what is to be answered, without echo
	due     time.Time // when

	commands uint64 // ever obeyed
	lamps    map[Lamp]*shine
	bounce   Bounce
	bounced  time.Time // when the bounce began
	troubles troubles
	out      Output
}

// troubles are the armed faults.
type troubles struct {
	hungUntil  time.Time
	dropAnswer int
	garbage    Garbage
}

// New makes a plugged module in a closed cabinet.
func New(cfg Config, seed uint64) *Board { return Restore(cfg, seed, NewWorld()) }

// Restore makes a module in a cabinet that was kept, as after a power cut.
func Restore(cfg Config, seed uint64, w World) *Board {
	b := &Board{cfg: cfg, rng: rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15)), w: w, plugged: true, lamps: map[Lamp]*shine{}}
	for _, l := range lampChannels {
		b.lamps[l.lamp] = &shine{}
	}
	b.restart()
	return b
}

// World is what is kept.
func (b *Board) World() World { return b.w }

// Backlog is how many bytes wait for an answer to go out.
func (b *Board) Backlog() int { return len(b.queue) }

// all is a bit for each channel.
func (b *Board) all() uint64 { return 1<<b.cfg.Channels - 1 }

// restart is the module's power-on: all channels are inputs.
func (b *Board) restart() {
	b.inputs, b.mask, b.latch, b.notify = b.all(), b.all(), 0, false
	b.command, b.queue, b.answer = nil, nil, nil
	b.troubles = troubles{}
	b.watchLamps()
}

// Receive gives the module bytes from the host.
func (b *Board) Receive(now time.Time, in []byte) Output {
	b.begin(now)
	if b.plugged && !b.now.Before(b.troubles.hungUntil) {
		b.queue = append(b.queue, in[:min(len(in), max(maxQueue-len(b.queue), 0))]...)
		b.work()
	}
	return b.finish()
}

// Tick lets time pass.
func (b *Board) Tick(now time.Time) Output {
	b.begin(now)
	b.work()
	return b.finish()
}

// Do performs an action. One that is impossible now changes nothing and gives an
// error that says why.
func (b *Board) Do(now time.Time, a Action) (Output, error) {
	b.begin(now)
	err := b.do(a)
	b.work()
	return b.finish(), err
}

func (b *Board) begin(now time.Time) {
	b.out = Output{}
	if now.After(b.now) {
		b.now = now
	}
}

func (b *Board) finish() Output {
	b.tellLevels()
	b.settleLamps()
	b.out.Wake = b.wake()
	out := b.out
	b.out = Output{}
	return out
}

func (b *Board) wake() time.Time {
	var at time.Time
	consider := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if b.answer != nil {
		consider(b.due)
	}
	if b.plugged && b.notify && b.bouncing() {
		consider(b.now.Add(bounceStep))
	}
	for _, l := range b.lamps {
		if t := l.steady(); !t.IsZero() {
			consider(t)
		}
	}
	return at
}

func (b *Board) event(k EventKind, format string, args ...any) {
	b.out.Events = append(b.out.Events, Event{Kind: k, Text: fmt.Sprintf(format, args...)})
}

func (b *Board) send(s string) { b.out.Send = append(b.out.Send, s...) }

// levels is what every channel is at now.
func (b *Board) levels() uint64 {
	var wires uint64
	high := func(channel int, on bool) {
		if on {
			wires |= 1 << channel
		}
	}
	high(channelServiceDoor, b.w.ServiceDoorOpen != b.shaken(ContactServiceDoor))
	high(channelSafeDoor, b.w.SafeDoorOpen != b.shaken(ContactSafeDoor))
	high(channelCassette, b.w.CassetteOut != b.shaken(ContactCassette))
	high(channelMains, b.w.MainsLost)
	open := (b.w.Tamper == LoopOpen) != b.shaken(ContactTamper)
	high(channelTamper, b.w.Tamper == LoopCut || b.w.Tamper != LoopShort && open)
	high(channelTamperOther, b.w.Tamper == LoopCut || b.w.Tamper != LoopShort && !open)
	return (wires&b.inputs | b.latch&^b.inputs) & b.all()
}

// bouncing reports whether a contact bounces now.
func (b *Board) bouncing() bool { return b.now.Before(b.bounced.Add(b.bounce.For.Duration())) }

// shaken reports whether a bounce has this contact the wrong way round now.
func (b *Board) shaken(c Contact) bool {
	return b.bounce.Contact == c && b.bouncing() && b.now.Sub(b.bounced)/bounceStep%2 == 0
}

// tellLevels sends a notification if they are on and a level has changed.
func (b *Board) tellLevels() {
	if !b.plugged || !b.notify {
		return
	}
	if is := b.levels(); is != b.told {
		b.send(b.cfg.EndOfLine + "# " + strings.Join([]string{b.hex(is), b.hex(b.told), b.hex(b.inputs)}, " "))
		b.told = is
	}
}
