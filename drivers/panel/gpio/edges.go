package gpio

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// watcher waits for edges in a goroutine of its own, because WaitForEdge blocks.
type watcher struct {
	seen    chan struct{} // an edge, or several
	blind   atomic.Bool   // this group has no edges: only sampling is left
	ended   chan struct{}
	running sync.WaitGroup
}

// watch starts to wait for edges of a group.
func watch(g gpio.Group) *watcher {
	w := &watcher{seen: make(chan struct{}, 1), ended: make(chan struct{})}
	w.running.Go(func() { w.run(g) })
	return w
}

// end ends the waiting, after edgeWait at the latest. Halt is not used to hasten
// it: that of gpioioctl is not safe beside a WaitForEdge.
func (w *watcher) end() {
	close(w.ended)
	w.running.Wait()
}

func (w *watcher) run(g gpio.Group) {
	for {
		select {
		case <-w.ended:
			return
		default:
		}
		_, edge, err := g.WaitForEdge(edgeWait)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			// Whether the lines themselves are lost, the next Read says.
			w.blind.Store(true)
			return
		case edge == gpio.NoEdge:
			// The documented answer to a time-out; a group that gives it at once must
			// not keep a processor busy.
			select {
			case <-w.ended:
				return
			case <-time.After(blindPoll):
			}
			continue
		}
		select {
		case w.seen <- struct{}{}:
		default: // told already
		}
	}
}
