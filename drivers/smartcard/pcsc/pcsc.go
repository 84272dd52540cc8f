// Package pcsc is the smart-card family over the PC/SC daemon (pcsc-lite's
// pcscd), through the binding github.com/ebfe/scard and so through C.
//
// Sources: PC/SC Workgroup specification 2, parts 5 and 10; pcsc-lite's own
// documentation; protocols/esign-card.md, whose sections are cited here.
//
// # How it is built
//
// binding.go is all that touches the library, behind an interface that a fake can
// fulfil. monitor.go decides what a wake-up means and is pure; watch.go is the
// loop round it. card.go is one connection to a card. call.go runs each blocking
// call of the library in a goroutine of its own, because the library knows no
// deadline: when the time is over the call is abandoned with its context, which
// is released when it comes back. codes.go sorts the library's codes into the
// family's errors. features.go asks a reader for its longest command, and
// flags.go asks /proc whether pcscd writes exchanges to a log.
//
// # What is kept from the library's weak points (section 1)
//
//   - GetStatusChange answers in the slice that it was given: nothing else is read.
//   - The library keeps reader names in one map per process, so that a second wait
//     would free the first one's: one wait at a time, and no other call of that kind.
//   - Transmit panics at an empty command or an unknown protocol, Status at a
//     reader without a name: the first two are refused before, the last is caught.
//   - Transmit answers in a fresh buffer of 64 KiB: the answer is copied out, and
//     the buffer and the copy of the command are wiped. At an error the library
//     drops its buffer where it cannot be reached.
//   - Every card has a context of its own; nothing is called in it from two
//     goroutines, save Cancel. Otherwise libpcsclite would wait for the context with
//     a lock in hand that every call of the process needs.
package pcsc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Service is the PC/SC daemon of this machine. New makes it.
type Service struct {
	// Progress, if set before Watch, is called by Watch's loop each time it gets
	// round, at least every LongestRound, whatever the daemon does: for a watchdog.
	Progress func()

	library    binding
	watching   atomic.Bool
	insertions map[smartcard.Reader]uint64 // by the one Watch

	mu        sync.Mutex
	abandoned map[smartcard.Reader][]error // what Connect says until the calls are back
	lost      int                          // abandoned calls that are not back
	back      chan struct{}                // closed and renewed when one comes back
}

// New gives the service. It does not connect: that is for Watch and Connect.
func New() *Service { return newService(library{}) }

// LongestRound is the longest time that the loop of Watch needs to get round: a
// quiet wait, its patience and the making of a new context.
const LongestRound = waitTime + 4*patience

func newService(b binding) *Service {
	return &Service{
		library:    b,
		insertions: map[smartcard.Reader]uint64{},
		abandoned:  map[smartcard.Reader][]error{},
		back:       make(chan struct{}),
	}
}

var _ smartcard.Service = (*Service)(nil)

// Connect implements smartcard.Service. When another program holds the reader it
// is tried for half a second more (section 2.3).
func (s *Service) Connect(ctx context.Context, r smartcard.Reader) (smartcard.Card, error) {
	if r == "" || len(r) > nameMost || strings.ContainsRune(string(r), 0) || string(r) == pnpReader {
		return nil, fmt.Errorf("connect: %w", smartcard.ErrNoReader)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", r, err)
	}
	if err := s.held(r); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", r, err)
	}
	ctx, cancel := context.WithTimeout(ctx, smartcard.LongestExchange)
	defer cancel()
	c := &card{service: s, reader: r}
	var err error
	t := s.start(func(quit <-chan struct{}) { err = c.open(quit) }, c.cleanUp)
	if !t.wait(ctx) && t.abandon(r, smartcard.ErrStuck) {
		return nil, fmt.Errorf("connect to %s: %w (%w)", r, smartcard.ErrStuck, context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", r, err)
	}
	return c, nil
}
