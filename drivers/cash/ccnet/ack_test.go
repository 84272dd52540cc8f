package ccnet

import (
	"bytes"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// hand steps a machine by hand, frame by frame.
type hand struct {
	t   *testing.T
	m   *Machine
	now time.Time
	out line.Output[cash.Event]
}

func byHand(t *testing.T) *hand {
	h := &hand{t: t, m: New(Config{}, cash.Memory{}), now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	h.step(line.Input[cash.Command]{Link: line.LinkUp})
	return h
}

func (h *hand) step(in line.Input[cash.Command]) []byte {
	h.out = h.m.Step(h.now, in)
	return h.out.Send
}

// sends lets time pass until something is sent.
func (h *hand) sends() []byte {
	h.t.Helper()
	for range 2000 {
		if s := h.step(line.Input[cash.Command]{}); len(s) > 0 {
			return s
		}
		h.now = h.now.Add(time.Millisecond)
	}
	h.t.Fatal("nothing was sent for two seconds")
	return nil
}

// says answers what was sent, after a time.
func (h *hand) says(after time.Duration, payload ...byte) []byte {
	h.now = h.now.Add(after)
	f, err := Frame{AddressValidator, payload}.AppendBinary(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.step(line.Input[cash.Command]{Received: f})
}

func (h *hand) stacked() cash.Stacked {
	h.t.Helper()
	for _, e := range h.out.Events {
		if s, ok := e.(cash.Stacked); ok {
			return s
		}
	}
	h.t.Fatalf("no Stacked in %+v", h.out.Events)
	return cash.Stacked{}
}

var (
	frameACK  = command(AddressValidator, ACK)
	frameNAK  = command(AddressValidator, NAK)
	framePoll = command(AddressValidator, cmdPoll)
)

// The ACK of 81h goes out inside the unit's patience or not at all (section 10.2,
// rule 3).
func TestAckWindow(t *testing.T) {
	tests := []struct {
		name    string
		confirm time.Duration
		at      bool // the ACK goes out with Confirm
	}{
		{"durable at once", 0, true},
		{"durable after 7 ms", 7 * time.Millisecond, true},
		{"durable after 9 ms", 9 * time.Millisecond, false},
		{"durable after 5 s", 5 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := byHand(t)
			h.says(10*time.Millisecond, stateStacked, 4)
			if len(h.out.Send) > 0 {
				t.Fatalf("sent % X before the evidence was durable", h.out.Send)
			}
			s := h.stacked()
			confirmed := false
			for end := h.now.Add(tt.confirm); ; {
				in := line.Input[cash.Command]{}
				if !h.now.Before(end) {
					in.Commands = []cash.Command{cash.Confirm{ID: s.ID}}
					confirmed = true
				}
				sent := h.step(in)
				if confirmed {
					if got := bytes.Equal(sent, frameACK); got != tt.at {
						t.Fatalf("with Confirm: % X", sent)
					}
					break
				}
				if bytes.Equal(sent, frameACK) {
					t.Fatal("acknowledged before Confirm")
				}
				if bytes.Equal(sent, framePoll) {
					h.says(2*time.Millisecond, stateStacked, 4)
					if len(h.out.Events) > 0 {
						t.Fatalf("a repeat was told: %+v", h.out.Events)
					}
					continue
				}
				if len(sent) > 0 {
					h.says(2*time.Millisecond, ACK) // the masks
					continue
				}
				h.now = h.now.Add(time.Millisecond)
			}
			if tt.at {
				return
			}
			for range 20 {
				s := h.sends()
				if !bytes.Equal(s, framePoll) {
					h.says(2*time.Millisecond, ACK)
					continue
				}
				if got := h.says(2*time.Millisecond, stateStacked, 4); !bytes.Equal(got, frameACK) || len(h.out.Events) > 0 {
					t.Fatalf("to the repeat: % X, %v", got, h.out.Events)
				}
				return
			}
			t.Fatal("the unit was not polled again")
		})
	}
}

// A damaged answer is asked for again by NAK, three times at most.
func TestDamagedAnswer(t *testing.T) {
	h := byHand(t)
	spoiled, _ := Frame{AddressValidator, []byte{stateDisabled}}.AppendBinary(nil)
	spoiled[5] ^= 0xFF
	for range repeatsMax {
		h.now = h.now.Add(5 * time.Millisecond)
		if got := h.step(line.Input[cash.Command]{Received: spoiled}); !bytes.Equal(got, frameNAK) {
			t.Fatalf("sent % X, want NAK", got)
		}
	}
	h.now = h.now.Add(5 * time.Millisecond)
	if got := h.step(line.Input[cash.Command]{Received: spoiled}); len(got) != 0 {
		t.Fatalf("sent % X after three NAKs", got)
	}
	if got := h.sends(); !bytes.Equal(got, framePoll) {
		t.Fatalf("sent % X, want POLL", got)
	}
}

// The answer of one request is never taken for that of another, and none that
// nobody asked for is taken at all.
func TestAnswersThatDoNotFit(t *testing.T) {
	t.Run("an identity after POLL", func(t *testing.T) {
		h := byHand(t)
		if got := h.says(5*time.Millisecond, []byte("FLS-EU10-69363907KI41AS7482xxxxxxx")...); len(got) > 0 || len(h.out.Events) > 0 {
			t.Fatalf("sent % X, said %v", got, h.out.Events)
		}
	})
	t.Run("ACK after POLL", func(t *testing.T) {
		h := byHand(t)
		if got := h.says(5*time.Millisecond, ACK); len(got) > 0 || len(h.out.Events) > 0 {
			t.Fatalf("sent % X, said %v", got, h.out.Events)
		}
	})
	t.Run("a state when nobody asked", func(t *testing.T) {
		h := byHand(t)
		h.says(5*time.Millisecond, stateDisabled)
		if got := h.says(2*time.Millisecond, stateStacked, 4); len(got) > 0 || len(h.out.Events) > 0 {
			t.Fatalf("sent % X, said %v", got, h.out.Events)
		}
	})
	t.Run("a state after ENABLE BILL TYPES", func(t *testing.T) {
		h := byHand(t)
		h.says(5*time.Millisecond, stateDisabled)
		if got := h.sends(); got[3] != cmdEnableBillTypes {
			t.Fatalf("sent % X", got)
		}
		if got := h.says(5*time.Millisecond, stateStacked, 4); len(got) > 0 || len(h.out.Events) > 0 {
			t.Fatalf("sent % X, said %v", got, h.out.Events)
		}
		if h.says(5*time.Millisecond, ACK); !h.m.disabledForSure() {
			t.Fatal("the ACK behind it was not taken")
		}
	})
}

// The bus is silent for t-free behind the host's ACK.
func TestFreeTime(t *testing.T) {
	h := byHand(t)
	h.says(5*time.Millisecond, stateDisabled)
	acked := h.now
	h.sends()
	if d := h.now.Sub(acked); d < 20*time.Millisecond {
		t.Errorf("the next command followed %s after the ACK", d)
	}
}

// Pieces of a frame may be far apart on a USB adapter, and two frames may come in
// one read.
func TestSplitAndCoalesced(t *testing.T) {
	h := byHand(t)
	f, _ := Frame{AddressValidator, []byte{stateEscrow, 4}}.AppendBinary(nil)
	for _, b := range f {
		h.now = h.now.Add(15 * time.Millisecond)
		h.step(line.Input[cash.Command]{Received: []byte{b}})
	}
	if !bytes.Equal(h.out.Send, frameACK) || len(h.out.Events) == 0 {
		t.Fatalf("in pieces: sent % X", h.out.Send)
	}
	h = byHand(t)
	h.now = h.now.Add(5 * time.Millisecond)
	h.step(line.Input[cash.Command]{Received: append(bytes.Clone(f), f...)})
	if !bytes.Equal(h.out.Send, frameACK) {
		t.Fatalf("two in one read: sent % X", h.out.Send)
	}
}
