package printertest

import (
	"time"
)

// Config is what a virtual printer is like.
type Config struct {
	ProcessID bool // knows GS ( H
	ClearFunc bool // knows DLE DC4 function 8
	Identity  bool // answers GS I
	XonXoff   bool // flow control by XON/XOFF; XON when it starts

	Buffer       int           // receive buffer, bytes
	RowTime      time.Duration // to print or feed one row
	CutTime      time.Duration
	HeadToCutter int           // rows
	Boot         time.Duration // from power to the first answer
	Latency      time.Duration // of an answer
	Dots         int
}

// DefaultConfig is a printer of the Epson TM kind.
func DefaultConfig() Config {
	return Config{
		ProcessID: true, ClearFunc: true, Identity: true, XonXoff: true,
		Buffer: 4096, RowTime: 1250 * time.Microsecond, CutTime: 250 * time.Millisecond,
		HeadToCutter: 112, Boot: 650 * time.Millisecond, Latency: 2 * time.Millisecond, Dots: 576,
	}
}

// said is an answer on its way.
type said struct {
	at   time.Time
	data []byte
}

// Thermal is a virtual receipt printer. It is pure: every method is told the
// time. Bytes that it says are taken with Take.
type Thermal struct {
	c     Config
	paper paper
	now   time.Time

	powered bool
	ready   time.Time // booting until then

	buf     []byte    // received, not executed
	busy    time.Time // the mechanism works until then
	after   func()    // what happens when it has finished
	stopped func()    // what waits until it is on-line again
	raster  struct{ wide, rows int }
	text    bool // characters in the line buffer
	asb     byte
	asbLast []byte
	xoffed  bool
	rt      []byte // a real-time command that is arriving
	out     []said

	// Faults, set and cleared from outside.
	Cover   bool // open
	Hot     bool // the head cools down
	Held    bool // says XOFF and does nothing
	Mute    bool // says nothing
	BadCut  bool // the cutter sticks
	BadFeed bool // the paper jams
	NoPaper bool // the roll has ended
	Button  bool // the feed button is held
	RollEnd int  // the row at which the roll ends; 0: far away

	cutError, feedError bool // latched; DLE ENQ 2 recovers
}

// NewThermal makes a printer that has been on for a while.
func NewThermal(c Config) *Thermal {
	return &Thermal{c: c, powered: true, paper: paper{rows: map[int][]byte{}}}
}

// Pieces are the pieces of paper so far, the first first.
func (t *Thermal) Pieces() []Piece { return t.paper.pieces() }

// Row is the row under the head.
func (t *Thermal) Row() int { return t.paper.pos }

// Power switches the mains. All that is not paper is lost.
func (t *Thermal) Power(now time.Time, on bool) {
	t.now = now
	if on == t.powered {
		return
	}
	t.powered = on
	t.buf, t.out, t.rt, t.after, t.stopped = nil, nil, nil, nil, nil
	t.raster.wide, t.raster.rows = 0, 0
	t.text, t.asb, t.asbLast, t.xoffed = false, 0, nil, false
	t.cutError, t.feedError = false, false
	t.busy = time.Time{}
	if on {
		t.ready = now.Add(t.c.Boot)
		if t.c.XonXoff {
			t.out = append(t.out, said{t.ready, []byte{xon}})
		}
	}
}

// Reload puts a new roll in. What hung in the printer is a piece of its own.
func (t *Thermal) Reload(now time.Time) {
	t.now = now
	if t.NoPaper {
		t.paper.split(t.paper.pos, false)
		t.NoPaper, t.RollEnd = false, 0
	}
}

func (t *Thermal) alive() bool { return t.powered && !t.now.Before(t.ready) }

func (t *Thermal) offline() bool {
	return t.Cover || t.Hot || t.NoPaper || t.Button || t.cutError || t.feedError
}

// Receive takes in one byte from the line.
func (t *Thermal) Receive(now time.Time, b byte) {
	t.now = now
	if !t.alive() {
		return
	}
	t.realtime(b)
	if len(t.buf) < t.c.Buffer {
		t.buf = append(t.buf, b)
	}
	t.flow()
}

// Tick lets time pass.
func (t *Thermal) Tick(now time.Time) {
	t.now = now
	if !t.alive() {
		return
	}
	t.watch()
	for t.alive() && !t.now.Before(t.busy) {
		if t.after != nil {
			f := t.after
			t.after = nil
			f()
			continue
		}
		if t.offline() || t.Held {
			break
		}
		if f := t.stopped; f != nil {
			t.stopped = nil
			f()
			continue
		}
		if !t.execute() {
			break
		}
	}
	t.flow()
	t.watch()
}

// Next is when Tick has something to do; zero if nothing is under way.
func (t *Thermal) Next() time.Time {
	var at time.Time
	due := func(d time.Time) {
		if at.IsZero() || d.Before(at) {
			at = d
		}
	}
	if t.powered && t.busy.After(t.now) {
		due(t.busy)
	}
	if t.powered && t.ready.After(t.now) {
		due(t.ready)
	}
	for _, s := range t.out {
		due(s.at)
	}
	return at
}

// Take is what the printer has said by now.
func (t *Thermal) Take(now time.Time) []byte {
	var data []byte
	for len(t.out) > 0 && !t.out[0].at.After(now) {
		data = append(data, t.out[0].data...)
		t.out = t.out[1:]
	}
	return data
}

func (t *Thermal) say(data ...byte) {
	if t.Mute {
		return
	}
	t.out = append(t.out, said{t.now.Add(t.c.Latency), data})
	for i := len(t.out) - 1; i > 0 && t.out[i].at.Before(t.out[i-1].at); i-- {
		t.out[i], t.out[i-1] = t.out[i-1], t.out[i]
	}
}

// flow says XOFF at 128 free bytes and XON at 256.
func (t *Thermal) flow() {
	if !t.c.XonXoff {
		return
	}
	free := t.c.Buffer - len(t.buf)
	switch {
	case !t.xoffed && (free <= 128 || t.Held):
		t.xoffed = true
		t.say(xoff)
	case t.xoffed && free >= 256 && !t.Held:
		t.xoffed = false
		t.say(xon)
	}
}

// watch sends the automatic status when it has changed.
func (t *Thermal) watch() {
	if t.asb == 0 {
		return
	}
	if s := t.status(); string(s) != string(t.asbLast) {
		t.asbLast = s
		t.say(s...)
	}
}

func bit(on bool, b byte) byte {
	if on {
		return b
	}
	return 0
}

func (t *Thermal) errors() byte {
	return bit(t.feedError, 0x04) | bit(t.cutError, 0x08) | bit(t.Hot, 0x40)
}

// status are the four bytes of the automatic status.
func (t *Thermal) status() []byte {
	return []byte{
		0x10 | bit(t.offline(), 0x08) | bit(t.Cover, 0x20) | bit(t.Button, 0x40),
		t.errors(),
		bit(t.NoPaper, 0x0F),
		0,
	}
}

// realtime watches the bytes as they arrive, whatever they are part of.
func (t *Thermal) realtime(b byte) {
	if len(t.rt) == 0 && b != dle {
		return
	}
	if t.rt = append(t.rt, b); len(t.rt) < 2 {
		return
	}
	switch t.rt[1] {
	case 0x04, 0x05:
		if len(t.rt) == 3 {
			t.obey(t.rt[1], t.rt[2])
			t.rt = t.rt[:0]
		}
	case 0x14:
		if len(t.rt) == 10 {
			if t.c.ClearFunc && string(t.rt[2:]) == "\x08\x01\x03\x14\x01\x06\x02\x08" {
				t.clear()
				t.say(0x37, 0x25, 0)
			}
			t.rt = t.rt[:0]
		}
	default:
		t.rt = t.rt[:0]
	}
}

func (t *Thermal) obey(what, n byte) {
	if what == 0x05 {
		if n == 2 && (t.cutError || t.feedError) {
			t.clear()
			t.cutError, t.feedError = t.cutError && t.BadCut, t.feedError && t.BadFeed
			t.watch()
		}
		return
	}
	switch n {
	case 1:
		t.say(0x12 | bit(t.offline(), 0x08) | bit(t.Button, 0x40))
	case 2:
		t.say(0x12 | bit(t.Cover, 0x04) | bit(t.Button, 0x08) | bit(t.NoPaper, 0x20) | bit(t.errors() != 0, 0x40))
	case 3:
		t.say(0x12 | t.errors())
	case 4:
		t.say(0x12 | bit(t.NoPaper, 0x6C))
	}
}

// clear drops all that was received and not printed.
func (t *Thermal) clear() {
	t.buf, t.stopped = nil, nil
	t.raster.wide, t.raster.rows = 0, 0
	t.text = false
}

const (
	dle  = 0x10
	xon  = 0x11
	xoff = 0x13
)
