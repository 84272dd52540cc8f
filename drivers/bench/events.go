package main

import (
	"sync"
	"time"
)

// event is something that happened, as the interface tells it.
type event struct {
	Seq    uint64 `json:"seq"`
	US     int64  `json:"us"` // microseconds since 1970
	Source string `json:"source"`
	Kind   string `json:"kind"`
	Text   string `json:"text,omitempty"`
	Frame  uint64 `json:"frame,omitempty"`
	Hex    string `json:"hex,omitempty"`
	Code   string `json:"code,omitempty"` // two hexadecimal digits
	Data   string `json:"data,omitempty"`
	Note   any    `json:"note,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Strip  int    `json:"strip,omitempty"`
	N      int    `json:"n,omitempty"`
	Reader string `json:"reader,omitempty"`
	Card   string `json:"card,omitempty"`

	frame bool // told only to those who asked for frames
}

const (
	keptEvents = 1000 // for a subscriber that comes back
	queueLen   = 1024 // events that a subscriber may be behind before it is dropped
)

// hub hands events to subscribers. Publishing never blocks: a subscriber that is
// too slow is dropped and may come back with the number it has seen last.
type hub struct {
	mu   sync.Mutex
	seq  uint64
	kept []event
	subs map[*subscriber]struct{}
}

type subscriber struct {
	frames bool
	queue  chan event // closed when dropped
}

func newHub() *hub { return &hub{subs: map[*subscriber]struct{}{}} }

// publish stamps an event with the clock and tells it.
func (h *hub) publish(e event) { h.publishAt(time.Now(), e) }

func (h *hub) publishAt(at time.Time, e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	e.Seq, e.US = h.seq, at.UnixMicro()
	if !e.frame {
		h.kept = append(h.kept, e)
	}
	if len(h.kept) > 2*keptEvents {
		h.kept = append([]event(nil), h.kept[keptEvents:]...)
	}
	for s := range h.subs {
		if e.frame && !s.frames {
			continue
		}
		select {
		case s.queue <- e:
		default:
			delete(h.subs, s)
			close(s.queue)
		}
	}
}

// subscribe begins with the events after seq that are still kept (frames are
// not); zero begins with the next event.
func (h *hub) subscribe(frames bool, after uint64) *subscriber {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &subscriber{frames: frames, queue: make(chan event, queueLen+2*keptEvents)}
	if after > 0 {
		for _, e := range h.kept {
			if e.Seq > after {
				s.queue <- e
			}
		}
	}
	h.subs[s] = struct{}{}
	return s
}

func (h *hub) unsubscribe(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, s)
}

// recent is the last events that are no frames, oldest first.
func (h *hub) recent(n int) []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]event{}, h.kept[max(len(h.kept)-n, 0):]...)
}
