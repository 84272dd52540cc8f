package central

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
)

var atResult = faultpoint.New("central.result.before-write")

// CourierConfig is what a Courier must know.
type CourierConfig struct {
	Terminal string
}

// Courier is the state machine between the terminal and central. It is a
// journal.Fold: what is open it knows from the records. Its inputs are Start, Ask,
// CancelAsk, Reply, Tick and Appended, from one goroutine; each returns what is to
// be done. Apply, Save and Load may come from another.
type Courier struct {
	cfg  CourierConfig
	rand io.Reader

	mu     sync.Mutex // guards what follows, up to the blank line
	fold   folded
	urgent uint64 // number of the last record that does not wait for company

	started bool
	lastID  uint64
	calls   map[uint64]flight
	tries   map[string]*try // of the open actions, by key
	asks    map[string]*ask
	lane    lane
	health  health
	pinging bool
	pinged  *Ping
	out     Out
	soonest time.Time // collects Wake
}

// flight is a call that is under way, and what it is for.
type flight struct {
	kind CallKind
	key  string // act, state
	ask  string
	body []byte // ask: what was sent
	from uint64 // records
	n    int    // records: how many the call may hold
	era  uint64 // head: of the lane, when the call was made
}

// NewCourier makes a courier of an empty journal. random spreads the retries of a
// fleet; equal bytes give equal behaviour.
func NewCourier(cfg CourierConfig, random io.Reader) *Courier {
	return &Courier{cfg: cfg, rand: random, calls: map[uint64]flight{}, tries: map[string]*try{}, asks: map[string]*ask{}}
}

// Start begins: the journal has been read. For every open action the first
// question is what became of it.
func (c *Courier) Start(now time.Time) Out {
	c.started = true
	c.health = health{why: whyStarting, since: now, probe: now}
	for _, a := range c.openActions() {
		c.tries[a.key] = &try{askState: true, due: now}
	}
	return c.run(now)
}

// Tick lets time pass.
func (c *Courier) Tick(now time.Time) Out { return c.run(now) }

// Appended says that records were written, up to the number head. What they say
// Apply has told already; this is the moment to act on it.
func (c *Courier) Appended(now time.Time, _ uint64) Out { return c.run(now) }

// Reply is the end of a call. A reply to a call that is not under way (a second
// one, or one from before a restart) is nothing.
func (c *Courier) Reply(now time.Time, r Reply) Out {
	f, ok := c.calls[r.ID]
	if !ok || !c.started {
		return c.run(now)
	}
	delete(c.calls, r.ID)
	c.heard(now, r)
	switch f.kind {
	case CallAct, CallState:
		c.actionReply(now, f, r)
	case CallAsk:
		c.askReply(now, f, r)
		if c.asks[f.ask] == nil { // nobody sends it again
			clear(f.body)
		}
	case CallRecords:
		c.recordsReply(now, f, r)
	case CallHead:
		c.headReply(now, f, r)
		c.answerPing(r)
	}
	return c.run(now)
}

// run does all that is due and says when something is due next.
func (c *Courier) run(now time.Time) Out {
	if c.started {
		c.soonest = time.Time{}
		c.runHealth(now)
		c.runActions(now)
		c.runAsks(now)
		c.runLane(now)
		c.out.Wake = c.soonest
	}
	out := c.out
	c.out = Out{}
	return out
}

func (c *Courier) call(k Call, f flight) {
	c.lastID++
	k.ID = c.lastID
	f.kind = k.Kind
	c.calls[k.ID] = f
	c.out.Calls = append(c.out.Calls, k)
}

// flying counts the calls of these kinds under way.
func (c *Courier) flying(kinds ...CallKind) (n int) {
	for _, f := range c.calls {
		if slices.Contains(kinds, f.kind) {
			n++
		}
	}
	return n
}

// wakeAt makes sure that the courier is woken at t.
func (c *Courier) wakeAt(t time.Time) {
	if c.soonest.IsZero() || t.Before(c.soonest) {
		c.soonest = t
	}
}

// Online reports whether central answered the last call as the contract says.
func (c *Courier) Online() bool { return c.health.online }

// Health is how things stand with central.
func (c *Courier) Health() Health {
	head, _ := c.journalHead()
	h := Health{Online: c.health.online, Why: c.health.why, Since: c.health.since, Alarms: slices.Sorted(maps.Keys(c.health.alarms))}
	if head > c.lane.cursor {
		h.Unsent = head - c.lane.cursor
	}
	if c.lane.n > 0 || c.lane.resting {
		h.Retry = c.lane.due
	}
	c.mu.Lock()
	h.Open = len(c.fold.Open)
	c.mu.Unlock()
	return h
}

// Back-off.
const (
	backoffBase   = time.Second
	backoffCap    = 5 * time.Minute
	deniedCap     = 15 * time.Minute
	waitingBase   = 500 * time.Millisecond
	waitingCap    = 15 * time.Second
	retryAfterCap = 15 * time.Minute
	leastDelay    = 50 * time.Millisecond
)

// upTo is a random time from 0 to d.
func (c *Courier) upTo(d time.Duration) time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(c.rand, b[:]); err != nil {
		panic("central: no randomness: " + err.Error())
	}
	// The remainder's bias is d/2^64: nothing.
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(d+1))
}

// double is base times 2^n, at most limit.
func double(base, limit time.Duration, n int) time.Duration {
	for range n {
		if base *= 2; base >= limit {
			return limit
		}
	}
	return min(base, limit)
}

// backoff is the delay before try n+1 (n from 0): full jitter, so that a fleet
// that fell together does not rise together.
func (c *Courier) backoff(n int, limit time.Duration, r Reply) time.Duration {
	return max(leastDelay, c.upTo(double(backoffBase, limit, n)), min(r.RetryAfter, retryAfterCap))
}

// waiting is the delay while a person stands there: 0.5, 1, 2, 4 ... 15 s, each
// between its half and itself.
func (c *Courier) waiting(n int, r Reply) time.Duration {
	d := double(waitingBase, waitingCap, n)
	return max(d/2+c.upTo(d/2), min(r.RetryAfter, retryAfterCap))
}

// status reads the member that decides what an action's answer means.
func status(body json.RawMessage) (status, reason string) {
	var b struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	if json.Unmarshal(body, &b) != nil {
		return "", ""
	}
	return b.Status, b.Reason
}
