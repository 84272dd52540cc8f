package health

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
)

// Mark is where one loop says that it gets round.
type Mark struct {
	name  string
	limit time.Duration
	loop  faultpoint.Loop
	watch *Watch
	at    atomic.Int64 // of the last Touch, since the watch began
}

// Touch says that the loop has got round. Only the loop itself may call it. A nil
// Mark takes it in silence.
func (m *Mark) Touch() {
	if m == nil {
		return
	}
	m.loop.Turn()
	m.at.Store(int64(m.watch.now()))
}

// Watch holds loops to their limits. The zero value is not ready; see NewWatch.
type Watch struct {
	began time.Time // with its monotonic reading: setting the clock must not look like a loop that stands still

	mu    sync.Mutex
	marks []*Mark
}

// NewWatch makes a watch without loops.
func NewWatch() *Watch { return &Watch{began: time.Now()} }

func (w *Watch) now() time.Duration { return time.Since(w.began) }

// Mark adds a loop that must get round within limit, counted from now.
func (w *Watch) Mark(name string, limit time.Duration) *Mark {
	m := &Mark{name: name, limit: limit, loop: faultpoint.NewLoop(name), watch: w}
	m.at.Store(int64(w.now()))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marks = append(w.marks, m)
	return m
}

func (w *Watch) all() []*Mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.marks)
}

// Loops is how long ago each loop got round, in the order in which they were
// added.
func (w *Watch) Loops() []Loop {
	now, out := w.now(), []Loop{}
	for _, m := range w.all() {
		still := max(0, now-time.Duration(m.at.Load()))
		out = append(out, Loop{Name: m.name, Still: still.Milliseconds(), Limit: m.limit.Milliseconds()})
	}
	return out
}

// StoodStill is the error of a loop that has not got round within its limit.
type StoodStill struct {
	Loop  string
	Still time.Duration
	Limit time.Duration
}

func (e *StoodStill) Error() string {
	return fmt.Sprintf("the loop %q has stood still for %.1f s, its limit is %.0f s", e.Loop, e.Still.Seconds(), e.Limit.Seconds())
}

// late is the loop that is furthest over its limit, or nil.
func (w *Watch) late() *StoodStill {
	now := w.now()
	var worst *StoodStill
	for _, m := range w.all() {
		still := now - time.Duration(m.at.Load())
		if still > m.limit && (worst == nil || still-m.limit > worst.Still-worst.Limit) {
			worst = &StoodStill{Loop: m.name, Still: still, Limit: m.limit}
		}
	}
	return worst
}

// forgive counts every limit from now on.
func (w *Watch) forgive() {
	now := w.now()
	for _, m := range w.all() {
		m.at.Store(int64(now))
	}
}

// Round is how often Run looks.
const Round = 2 * time.Second

// Run looks every Round until ctx ends, and calls ping when every loop is within
// its limit. It returns a *StoodStill as soon as one is not, and nil when ctx ends.
//
// A watch that was itself not let run for long (the machine slept, the process was
// stopped, every processor was taken) cannot judge: it gives all loops their time
// anew.
func (w *Watch) Run(ctx context.Context, ping func()) error {
	tick := time.NewTicker(Round)
	defer tick.Stop()
	w.forgive() // nobody had to get round before the start was over
	looked := w.now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := w.now()
		if now-looked > 3*Round {
			w.forgive()
		}
		looked = now
		if e := w.late(); e != nil {
			return e
		}
		ping()
	}
}
