package numato

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Config is how a module is driven. A zero duration means its default.
type Config struct {
	// Layout names channels by their numbers: "0" to "63".
	Layout panel.Layout
	// Poll is the pause between two readings while nothing moves, of a module
	// without notifications; 150 ms. A door is told of at the latest after Poll and
	// panel.Debounce.
	Poll time.Duration
	// Watch is the same of a module that notifies; 400 ms.
	Watch time.Duration
}

// Check says what is wrong with a configuration.
func (c Config) Check() error {
	if err := c.Layout.Check(); err != nil {
		return err
	}
	for _, l := range append(c.Layout.Inputs(), c.Layout.Outputs()...) {
		if _, err := channel(l); err != nil {
			return err
		}
	}
	return nil
}

// channel is a line's number.
func channel(line string) (int, error) {
	n, err := strconv.Atoi(line)
	if err != nil || n < 0 || n >= maxChannels || strconv.Itoa(n) != line {
		return 0, fmt.Errorf("line %q is not a channel from 0 to %d", line, maxChannels-1)
	}
	return n, nil
}

const (
	defaultPoll   = 150 * time.Millisecond
	defaultWatch  = 400 * time.Millisecond
	answerTime    = 300 * time.Millisecond // USB takes a few; the module one
	silence       = 60 * time.Millisecond  // of the line, to be in step again
	longestResync = 500 * time.Millisecond
	giveUp        = 3                // failures in a row, and the board is lost
	refreshPeriod = 10 * time.Second // between two set-ups
	refusedPause  = 10 * time.Second // before a board that does not fit is asked again
	heartbeat     = 5 * time.Second  // longest time without a step, for the watchdog
)

// step is how far the set-up has come.
type step int

const (
	stepVersion step = iota
	stepID
	stepChannels
	stepNotify
	stepMaskAll   // lets directions through
	stepDirection // lamps become outputs
	stepMaskLamps // lets only lamps through from now on
	stepServe
)

// Machine is the driver as a pure state machine; see the package comment. It is
// not safe for concurrent use.
type Machine struct {
	cfg  Config
	core *panel.Core // made by the first Step, whose time begins all patterns
	now  time.Time
	out  line.Output[panel.Event]

	up       bool
	step     step
	board    panel.Board
	channels int
	notifies bool // it has notifications

	pending  string    // command whose answer is awaited; "" for none
	deadline time.Time // of the answer
	rx       []byte    // since the command was sent

	syncing  time.Time // since when the line is brought in step; zero if it is
	quiet    time.Time // until when nothing may come
	failures int       // in a row
	pause    time.Time // nothing is sent before

	last    time.Time // latest reading
	read    time.Time // next reading
	refresh time.Time // next set-up
	written uint64    // what writeall has set
	current bool      // written is what the module has
}

// New makes a machine for a configuration that has passed Check.
func New(cfg Config) *Machine {
	if cfg.Poll == 0 {
		cfg.Poll = defaultPoll
	}
	if cfg.Watch == 0 {
		cfg.Watch = defaultWatch
	}
	return &Machine{cfg: cfg}
}

var _ line.Protocol[panel.Command, panel.Event] = (*Machine)(nil)

// Step takes in what happened and answers with what to do.
func (m *Machine) Step(now time.Time, in line.Input[panel.Command]) line.Output[panel.Event] {
	if m.core == nil {
		m.core = panel.NewCore(now, m.cfg.Layout)
	}
	m.now, m.out = now, line.Output[panel.Event]{}
	switch in.Link {
	case line.LinkUp:
		m.up, m.failures, m.pause = true, 0, time.Time{}
		m.start()
		m.resync()
	case line.LinkDown:
		m.up = false
		m.lose(in.Cause)
	}
	for _, c := range in.Commands {
		m.core.Command(c)
	}
	if m.up {
		m.receive(in.Received)
		m.timers()
		m.plan()
	}
	m.out.Wake = m.wake()
	out := m.out
	m.out = line.Output[panel.Event]{}
	return out
}

// start forgets what is only true of the board that answered before.
func (m *Machine) start() {
	m.step, m.board, m.channels, m.notifies, m.current = stepVersion, panel.Board{}, 0, false, false
	m.pending, m.rx = "", nil
	m.read = time.Time{}
}

// resync brings the line in step: whatever the module had of a command is ended,
// and what it says to that is left to pass.
func (m *Machine) resync() {
	m.pending, m.rx = "", nil
	m.out.Send = append(m.out.Send, endOfCommand)
	m.syncing, m.quiet = m.now, m.now.Add(silence)
}

func (m *Machine) receive(in []byte) {
	if bytes.IndexByte(in, notification) >= 0 { // something moves
		if soon := m.last.Add(panel.QuickSample); soon.Before(m.read) {
			m.read = soon
		}
	}
	switch {
	case len(in) == 0:
	case !m.syncing.IsZero():
		m.quiet = m.now.Add(silence)
	case m.pending != "":
		m.rx = append(m.rx, in...)
		lines, complete, err := parseAnswer(m.pending, m.rx)
		if err == nil && complete {
			err = m.answered(lines)
		}
		if err != nil {
			m.fail(fmt.Sprintf("the answer to %q makes no sense: %v", m.pending, err))
		}
	} // else nobody asked: a notification, or the end of something late
}

// answered takes in a complete answer.
func (m *Machine) answered(lines []string) (err error) {
	command := m.pending
	switch m.step {
	case stepVersion:
		m.board.Firmware, err = parseText(lines)
	case stepID:
		m.board.ID, err = parseText(lines)
	case stepChannels:
		_, m.channels, err = parseLevels(lines)
	case stepNotify:
		m.notifies = len(lines) == 1 && lines[0] == notifies
	case stepServe:
		if command == cmdReadAll {
			return m.sample(lines)
		}
		fallthrough
	default: // a setting has no answer
		if len(lines) != 0 {
			err = fmt.Errorf("it says %s", quote(lines[0]))
		}
	}
	if err != nil {
		return err
	}
	m.done()
	switch {
	case m.step == stepServe:
		m.current = true
	case m.step == stepChannels:
		m.fit()
	default:
		m.step++
	}
	return nil
}

// done: the exchange is over, and a good one.
func (m *Machine) done() { m.pending, m.rx, m.failures = "", nil, 0 }

// fit compares the board with the layout.
func (m *Machine) fit() {
	m.board.Model = fmt.Sprintf("Numato GPIO, %d channels", m.channels)
	for _, l := range append(m.cfg.Layout.Inputs(), m.cfg.Layout.Outputs()...) {
		if n, _ := channel(l); n >= m.channels {
			m.lose(fmt.Sprintf("the module has %d channels; channel %d is wired", m.channels, n))
			m.start()
			m.pause = m.now.Add(refusedPause)
			return
		}
	}
	m.step++
}

// sample takes in a reading.
func (m *Machine) sample(lines []string) error {
	levels, channels, err := parseLevels(lines)
	if err == nil && channels != m.channels {
		err = fmt.Errorf("%d channels, and there were %d", channels, m.channels)
	}
	if err != nil {
		return err
	}
	m.done()
	m.out.Events = append(m.out.Events, m.core.Sample(m.now, m.board, func(line string) bool {
		n, _ := channel(line) // Check has seen it
		return levels>>n&1 != 0
	})...)
	pause := m.cfg.Poll
	switch {
	case m.core.Settling():
		pause = min(pause, panel.QuickSample)
	case m.notifies:
		pause = m.cfg.Watch
	}
	m.last, m.read = m.now, m.now.Add(pause)
	return nil
}

func (m *Machine) lose(cause string) {
	m.out.Events = append(m.out.Events, m.core.Lose(cause)...)
}

// fail gives an exchange up.
func (m *Machine) fail(cause string) {
	m.failures++
	if m.failures < giveUp {
		m.resync()
		return
	}
	m.lose(cause)
	m.out.Reopen = true
	m.up = false // until the port is open again
}

func (m *Machine) timers() {
	switch {
	case !m.syncing.IsZero():
		if !m.now.Before(m.quiet) || m.now.Sub(m.syncing) >= longestResync {
			m.syncing = time.Time{}
		}
	case m.pending != "" && !m.now.Before(m.deadline):
		if m.step == stepNotify && !m.notifies { // a module that has none may say nothing at all
			m.step++
			m.resync()
			return
		}
		m.fail(fmt.Sprintf("no answer to %q within %v", m.pending, answerTime))
	}
}

// plan sends the next command, if it is time for one.
func (m *Machine) plan() {
	if !m.up || !m.syncing.IsZero() || m.pending != "" || m.now.Before(m.pause) {
		return
	}
	if m.step == stepServe && !m.now.Before(m.refresh) && !m.core.Settling() {
		m.step, m.current = stepMaskAll, false
		if m.notifies {
			m.step = stepNotify
		}
	}
	lamps, lit := m.lamps()
	switch m.step {
	case stepVersion:
		m.ask(cmdVersion)
	case stepID:
		m.ask(cmdID)
	case stepChannels:
		m.ask(cmdReadAll)
	case stepNotify:
		m.ask(cmdNotifyOn)
	case stepMaskAll:
		m.refresh = m.now.Add(refreshPeriod)
		m.ask(with(cmdMask, m.all(), m.channels))
	case stepDirection:
		m.ask(with(cmdDirection, m.all()&^lamps, m.channels))
	case stepMaskLamps:
		m.ask(with(cmdMask, lamps, m.channels))
	case stepServe:
		switch {
		case lamps != 0 && (!m.current || lit != m.written):
			m.written, m.current = lit, false
			m.ask(with(cmdWriteAll, lit, m.channels))
		case !m.now.Before(m.read):
			m.ask(cmdReadAll)
		}
	}
}

func (m *Machine) all() uint64 { return ^uint64(0) >> (maxChannels - m.channels) }

// lamps is the channels of all lamps, and which of them are high now.
func (m *Machine) lamps() (lamps, high uint64) {
	for _, w := range m.cfg.Layout.Lamps {
		n, _ := channel(w.Line) // Check has seen it
		lamps |= 1 << n
		if m.core.Level(m.now, w) {
			high |= 1 << n
		}
	}
	return lamps, high
}

func (m *Machine) ask(command string) {
	m.pending, m.rx = command, nil
	m.deadline = m.now.Add(answerTime)
	m.out.Send = append(m.out.Send, command...)
	m.out.Send = append(m.out.Send, endOfCommand)
}

func (m *Machine) wake() time.Time {
	at := m.now.Add(heartbeat)
	consider := func(t time.Time) {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	switch {
	case !m.up:
	case !m.syncing.IsZero():
		consider(m.quiet)
		consider(m.syncing.Add(longestResync))
	case m.pending != "":
		consider(m.deadline)
	case m.now.Before(m.pause):
		consider(m.pause)
	case m.step == stepServe:
		consider(m.read)
		consider(m.core.NextFlash(m.now))
	}
	return at
}
