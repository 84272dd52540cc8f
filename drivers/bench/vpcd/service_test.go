package vpcd

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ebfe/scard"
)

// A card is put in, spoken to and pulled, all through the machine's real PC/SC
// library and a real pcscd.
func TestCardInReader(t *testing.T) {
	s := start(t)
	ctx := establish(t)
	readers, err := ctx.ListReaders()
	if want := []string{CardSlot.Reader(), TokenPort.Reader()}; err != nil || !slices.Equal(readers, want) {
		t.Fatalf("readers %q, %v; want %q", readers, err, want)
	}
	until(t, ctx, CardSlot, scard.StateEmpty, 0)
	card := &echo{atr: anATR("citizen")}
	pull := insert(t, s, CardSlot, card)
	if state := until(t, ctx, CardSlot, scard.StatePresent, scard.StateMute); !bytes.Equal(state.Atr, card.atr) {
		t.Errorf("answer to reset % X, want % X", state.Atr, card.atr)
	}
	until(t, ctx, TokenPort, scard.StateEmpty, 0)
	c, err := ctx.Connect(CardSlot.Reader(), scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]byte{
		{0x00, 0xA4, 0x04, 0x0C},
		append([]byte{0x00, 0x20, 0x00, 0x01, 0x08}, make([]byte, 8)...),
		append([]byte{0x00, 0x2A, 0x9E, 0x9A, 0x00, 0x10, 0x00}, make([]byte, 0x1002)...), // extended length
	} {
		got, err := c.Transmit(command)
		if want := append(slices.Clone(command[:4]), 0x90, 0x00); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("answer % X, %v; want % X", got, err, want)
		}
	}
	pull()
	until(t, ctx, CardSlot, scard.StateEmpty, 0)
	if _, err := c.Transmit([]byte{0, 0xB0, 0, 0}); err == nil {
		t.Error("a pulled card answers")
	}
	insert(t, s, TokenPort, &echo{atr: anATR("token")})
	until(t, ctx, TokenPort, scard.StatePresent, scard.StateMute)
}

// A card with its contacts on the wrong side is there and cannot be read.
func TestUpsideDown(t *testing.T) {
	s := start(t)
	ctx := establish(t)
	pull := insert(t, s, CardSlot, &echo{atr: NoATR()})
	until(t, ctx, CardSlot, scard.StatePresent|scard.StateMute, 0)
	if _, err := ctx.Connect(CardSlot.Reader(), scard.ShareShared, scard.ProtocolAny); err == nil {
		t.Error("it can be connected to")
	}
	pull()
	until(t, ctx, CardSlot, scard.StateEmpty, scard.StateMute)
}

// A card that keeps silent holds its reader until it is pulled; the other reader
// goes on.
func TestSilentCard(t *testing.T) {
	s := start(t)
	ctx := establish(t)
	pull := insert(t, s, CardSlot, &echo{atr: anATR("silent"), silent: true})
	insert(t, s, TokenPort, &echo{atr: anATR("token")})
	until(t, ctx, CardSlot, scard.StatePresent, scard.StateMute)
	until(t, ctx, TokenPort, scard.StatePresent, scard.StateMute)
	c, err := ctx.Connect(CardSlot.Reader(), scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan int, 1)
	go func() {
		answer, _ := c.Transmit([]byte{0, 0xA4, 0, 0})
		came <- len(answer)
	}()
	other := establish(t)
	token, err := other.Connect(TokenPort.Reader(), scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Transmit([]byte{0, 0xA4, 0, 0}); err != nil {
		t.Errorf("the other reader: %v", err)
	}
	select {
	case <-came:
		t.Error("the silent card has answered")
	default:
	}
	pull()
	within(t, 5*time.Second, "the exchange ends with the card", func() {
		if n := <-came; n != 0 {
			t.Errorf("%d bytes of answer", n)
		}
	})
}

// What vpcd opens on all addresses is reached from nowhere but inside.
func TestNotReachable(t *testing.T) {
	start(t)
	for _, port := range []int{firstPort, firstPort + 1} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err == nil {
			_ = conn.Close()
			t.Errorf("port %d can be reached", port)
		}
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil || bytes.Contains(table, []byte(":8C7B ")) {
		t.Errorf("the machine listens on vpcd's port (%v)", err)
	}
}

// A killed pcscd takes every reader with it; a new one finds the cards that are
// put in again.
func TestKillAndLaunch(t *testing.T) {
	changes := make(chan struct{}, 10)
	s, err := Start(t.Context(), folder, func() { changes <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := establish(t)
	insert(t, s, CardSlot, &echo{atr: anATR("before")})
	until(t, ctx, CardSlot, scard.StatePresent, 0)
	if err := s.Launch(t.Context()); !errors.Is(err, ErrRuns) {
		t.Errorf("a second pcscd: %v", err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if running, how := s.Running(); running || how != "signal: killed" {
		t.Errorf("after the kill: running %v, %q", running, how)
	}
	if err := s.Kill(); !errors.Is(err, ErrRunsNot) {
		t.Errorf("a second kill: %v", err)
	}
	if _, err := s.Dial(CardSlot); err == nil {
		t.Error("a card can be put into a reader of a dead pcscd")
	}
	if _, err := scard.EstablishContext(); !errors.Is(err, scard.ErrNoService) {
		t.Errorf("a client of a dead pcscd: %v, want %v", err, scard.ErrNoService)
	}
	if err := s.Launch(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx = establish(t)
	insert(t, s, CardSlot, &echo{atr: anATR("after")})
	if state := until(t, ctx, CardSlot, scard.StatePresent, 0); !bytes.Equal(state.Atr, anATR("after")) {
		t.Errorf("answer to reset % X", state.Atr)
	}
	if len(changes) != 3 {
		t.Errorf("%d changes told, want 3: up, down, up", len(changes))
	}
}

// inside lists the processes of a Service: the one that was started by this test
// and its descendants.
func inside(t *testing.T) []string {
	t.Helper()
	var found []string
	children := []string{strconv.Itoa(os.Getpid())}
	for len(children) > 0 {
		lists, err := filepath.Glob("/proc/" + children[0] + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		children = children[1:]
		for _, list := range lists {
			b, _ := os.ReadFile(list) // a thread may have ended
			children = append(children, strings.Fields(string(b))...)
			found = append(found, strings.Fields(string(b))...)
		}
	}
	return found
}

// Nothing is left of it: neither by Close nor when its first process is killed.
func TestNothingLeft(t *testing.T) {
	for name, end := range map[string]func(*Service, []string) error{
		"closed": func(s *Service, _ []string) error { return s.Close() },
		"killed": func(s *Service, processes []string) error {
			pid, err := strconv.Atoi(processes[0])
			if err != nil {
				return err
			}
			holder, err := os.FindProcess(pid)
			if err != nil {
				return err
			}
			if err := holder.Kill(); err != nil {
				return err
			}
			<-s.gone
			if _, err := s.Dial(CardSlot); !errors.Is(err, errGone) {
				t.Errorf("a card for a reader that is gone: %v", err)
			}
			return s.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(t.Context(), folder, nil)
			if err != nil {
				t.Fatal(err)
			}
			processes := inside(t)
			if len(processes) != 2 {
				t.Errorf("processes %v, want two", processes)
			}
			began := time.Now()
			if err := end(s, processes); err != nil {
				t.Fatal(err)
			}
			t.Logf("ended after %v", time.Since(began))
			for _, pid := range processes {
				if b, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !bytes.Contains(b, []byte(") Z ")) {
					t.Errorf("left: %s", b)
				}
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
		})
	}
}

// Another program on the machine meets the readers by the environment alone.
func TestOpenscTool(t *testing.T) {
	s := start(t)
	insert(t, s, CardSlot, &echo{atr: anATR("citizen")})
	until(t, establish(t), CardSlot, scard.StatePresent, 0)
	out, err := exec.CommandContext(t.Context(), "opensc-tool", "-l").CombinedOutput()
	if err != nil {
		t.Fatalf("opensc-tool: %v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	for _, slot := range []Slot{CardSlot, TokenPort} {
		if !strings.Contains(string(out), slot.Reader()) {
			t.Errorf("opensc-tool does not list %s:\n%s", slot.Reader(), out)
		}
	}
}

// The path of a Unix socket has its length.
func TestLongFolder(t *testing.T) {
	if _, err := Start(t.Context(), "/tmp/"+strings.Repeat("x", 100), nil); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("%v", err)
	}
}

// maxMedian is far above what a command costs (0.13 ms) and far below what it
// costs when an acknowledgement is delayed (44 ms).
const maxMedian = 5 * time.Millisecond

func TestCommandIsFast(t *testing.T) {
	s := start(t)
	ctx := establish(t)
	insert(t, s, CardSlot, &echo{atr: anATR("citizen")})
	until(t, ctx, CardSlot, scard.StatePresent, 0)
	c, err := ctx.Connect(CardSlot.Reader(), scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	command := append([]byte{0, 0x2A, 0x9E, 0x9A, 64}, make([]byte, 64)...)
	var took []time.Duration
	for range 300 {
		began := time.Now()
		if _, err := c.Transmit(command); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("median %v, 99 of 100 within %v", took[150], took[297])
	if took[150] > maxMedian {
		t.Errorf("a command takes %v on the median", took[150])
	}
}
