package vpcd

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ebfe/scard"
)

// folder holds the clients' socket: libpcsclite reads its place once in a process.
var folder string

func TestMain(m *testing.M) {
	if Inside() {
		os.Exit(Hold())
	}
	os.Exit(tests(m))
}

func tests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vpcd")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	folder = dir
	if err := os.Setenv(SocketVariable, dir+"/"+SocketName); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func start(t *testing.T) *Service {
	t.Helper()
	s, err := Start(t.Context(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// echo is a card that answers every command with its first five bytes and 9000.
type echo struct {
	atr    []byte
	resets int
	silent bool
}

// anATR has T=1 and eight historical bytes; the last byte makes the exclusive or
// from the second one on zero.
func anATR(name string) []byte {
	atr := append([]byte{0x3B, 0x88, 0x80, 0x01}, fmt.Sprintf("%-8.8s", name)...)
	var tck byte
	for _, b := range atr[1:] {
		tck ^= b
	}
	return append(atr, tck)
}

func (e *echo) ATR() []byte { return append([]byte(nil), e.atr...) }
func (e *echo) Reset()      { e.resets++ }
func (e *echo) Command(apdu []byte) []byte {
	if e.silent {
		return nil
	}
	return append(append([]byte(nil), apdu[:4]...), 0x90, 0x00)
}

// insert puts a card in; pull takes it out and waits for the card's side to end.
func insert(t *testing.T, s *Service, slot Slot, c Card) (pull func()) {
	t.Helper()
	conn, err := s.Dial(slot)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- Serve(conn, c) }()
	out := false
	pull = func() {
		if out {
			return
		}
		out = true
		_ = conn.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(pull)
	return pull
}

func establish(t *testing.T) *scard.Context {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctx.Release() }) // of a killed daemon it cannot be given back
	return ctx
}

// until waits until the reader's state has all of the flags want and none of not.
func until(t *testing.T, ctx *scard.Context, slot Slot, want, not scard.StateFlag) scard.ReaderState {
	t.Helper()
	state := []scard.ReaderState{{Reader: slot.Reader()}}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if err := ctx.GetStatusChange(state, time.Second); err != nil && err != scard.ErrTimeout {
			t.Fatal(err)
		}
		if state[0].EventState&want == want && state[0].EventState&not == 0 {
			return state[0]
		}
		state[0].CurrentState = state[0].EventState &^ scard.StateChanged
	}
	t.Fatalf("reader %d: state %x, want %x and not %x", slot, state[0].EventState, want, not)
	return state[0]
}

// within bounds what would hang without end.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatalf("%s: not within %v", what, d)
	}
}
