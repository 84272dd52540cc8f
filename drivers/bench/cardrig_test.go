package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

var (
	// cardFolder holds the benches of the tests with card readers, one after the
	// other: libpcsclite reads the place of its daemon's socket once in a process.
	cardFolder string
	// walletFolder is that of all tests: keys take time to make.
	walletFolder string
)

func TestMain(m *testing.M) {
	if vpcd.Inside() {
		os.Exit(vpcd.Hold())
	}
	os.Exit(tests(m))
}

func tests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cardFolder, walletFolder = filepath.Join(dir, "run"), filepath.Join(dir, "wallet")
	if err := os.Setenv(vpcd.SocketVariable, filepath.Join(cardFolder, vpcd.SocketName)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// fields are those of an action beside its name.
type fields map[string]any

// startCardRig is a bench with card readers; fresh: in an empty folder.
func startCardRig(t *testing.T, fresh bool) *rig {
	t.Helper()
	if fresh {
		if err := os.RemoveAll(cardFolder); err != nil {
			t.Fatal(err)
		}
	}
	r := startRig(t, cardFolder, func(o *options) { o.readers = true })
	if s := r.state(); !s.PCSCD.Running {
		t.Fatalf("no readers: %+v", s.PCSCD)
	}
	return r
}

// card performs an action and returns the answer's status.
func (r *rig) card(action string, more fields) int {
	r.t.Helper()
	body := fields{"action": action}
	maps.Copy(body, more)
	return r.call("POST", "/api/card", body, nil)
}

// must performs an action that is possible.
func (r *rig) must(action string, more fields) {
	r.t.Helper()
	body := fields{"action": action}
	maps.Copy(body, more)
	r.post("/api/card", body)
}

func (r *rig) cardState(name string) cardState {
	r.t.Helper()
	for _, c := range r.state().Cards {
		if c.Name == name {
			return c
		}
	}
	r.t.Fatalf("no card %s", name)
	return cardState{}
}

// pcsc is a client of the PC/SC daemon.
func pcsc(t *testing.T) *scard.Context {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctx.Release() }) // of a killed daemon it cannot be given back
	return ctx
}

// until waits until the reader's state has all of the flags want and none of not.
func until(t *testing.T, ctx *scard.Context, slot vpcd.Slot, want, not scard.StateFlag) {
	t.Helper()
	state := []scard.ReaderState{{Reader: slot.Reader()}}
	eventually(t, fmt.Sprintf("reader %d: state %x without %x", slot, want, not), func() bool {
		if err := ctx.GetStatusChange(state, time.Second); err != nil && err != scard.ErrTimeout {
			t.Fatal(err)
		}
		now := state[0].EventState
		state[0].CurrentState = now &^ scard.StateChanged
		return now&want == want && now&not == 0
	})
}

// connect powers up the card in a reader.
func connect(t *testing.T, ctx *scard.Context, slot vpcd.Slot) *scard.Card {
	t.Helper()
	until(t, ctx, slot, scard.StatePresent, scard.StateMute)
	c, err := ctx.Connect(slot.Reader(), scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	selectApp  = []byte{0x00, 0xA4, 0x04, 0x0C, 0x0C, 0xA0, 0x00, 0x00, 0x00, 0x63, 0x50, 0x4B, 0x43, 0x53, 0x2D, 0x31, 0x35}
	verify     = []byte{0x00, 0x20, 0x00, 0x01, 0x04, '1', '2', '3', '4'}
	verifyBad  = []byte{0x00, 0x20, 0x00, 0x01, 0x04, '9', '9', '9', '9'}
	askCounter = []byte{0x00, 0x20, 0x00, 0x01}
)

// says sends a command and compares the answer's status word.
func says(t *testing.T, c *scard.Card, command []byte, sw uint16) {
	t.Helper()
	answer, err := c.Transmit(command)
	if err != nil || len(answer) < 2 || answer[len(answer)-2] != byte(sw>>8) || answer[len(answer)-1] != byte(sw) {
		t.Fatalf("% X: % X, %v; want %04X", command[:4], answer, err, sw)
	}
}
