package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

// A card is put in, its PIN is tried and verified, it is reset and taken out: the
// bench knows each time, and tells every command but nothing that was said.
func TestCardAndPIN(t *testing.T) {
	r := startCardRig(t, true)
	events := r.listen("?frames=1")
	r.must("insert", fields{"card": "citizen-p256"})
	ctx := pcsc(t)
	c := connect(t, ctx, vpcd.CardSlot)
	says(t, c, selectApp, 0x9000)
	says(t, c, verifyBad, 0x63C2)
	if s := r.cardState("citizen-p256"); s.Tries.PIN1 != 2 || s.Verified || s.Where != "slot" || s.Commands < 2 {
		t.Errorf("after a wrong PIN: %+v", s)
	}
	says(t, c, verify, 0x9000)
	if s := r.cardState("citizen-p256"); s.Tries.PIN1 != 3 || !s.Verified {
		t.Errorf("after the right PIN: %+v", s)
	}
	if err := c.Disconnect(scard.ResetCard); err != nil {
		t.Fatal(err)
	}
	if s := r.cardState("citizen-p256"); s.Verified {
		t.Error("the PIN is verified after a reset")
	}
	r.must("remove", nil)
	until(t, ctx, vpcd.CardSlot, scard.StateEmpty, 0)

	var told []string
	for e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, pin := range []string{"1234", "9999", "31323334", "39393939"} {
			if bytes.Contains(bytes.ReplaceAll(raw, []byte(fmt.Sprint(e.US)), nil), []byte(pin)) {
				t.Errorf("a PIN is told: %s", raw)
			}
		}
		if e.Source == sourceReader {
			told = append(told, strings.Join(strings.Fields(fmt.Sprint(e.Kind, " ", e.Card, " ", e.Code, " ", e.N, " ", e.Data)), " "))
		}
		if e.Kind == "card_out" {
			break
		}
	}
	for _, want := range []string{"card_in citizen-p256 0", "command citizen-p256 A4 17 9000", "command citizen-p256 20 0 63C2",
		"tries citizen-p256 0", "command citizen-p256 20 0 9000", "card_out citizen-p256 0"} {
		if !strings.Contains(strings.Join(told, "\n")+"\n", want+"\n") {
			t.Errorf("not told: %s; told\n%s", want, strings.Join(told, "\n"))
		}
	}
}

// What a hand can do with cards, and what it cannot.
func TestCardsAndHands(t *testing.T) {
	r := startCardRig(t, true)
	ctx := pcsc(t)
	for _, c := range []struct {
		action string
		more   fields
		status int
		slot   string // what is in the slot afterwards
		token  string
	}{
		{"remove", nil, 409, "", ""},
		{"swap", fields{"card": "two-logins"}, 409, "", ""},
		{"insert", nil, 409, "", ""},
		{"insert", fields{"card": "nobody"}, 400, "", ""},
		{"insert", fields{"card": "citizen-p256", "reader": "drawer"}, 400, "", ""},
		{"burn", fields{"card": "citizen-p256"}, 400, "", ""},
		{"insert", fields{"card": "citizen-p256", "reader": "token"}, 409, "", ""},
		{"insert", fields{"card": "citizen-p256"}, 200, "citizen-p256", ""},
		{"insert", fields{"card": "two-logins"}, 409, "citizen-p256", ""},
		{"insert", fields{"card": "bsxm-token"}, 200, "citizen-p256", "bsxm-token"},
		{"upside_down", fields{"card": "bsxm-token"}, 409, "citizen-p256", "bsxm-token"},
		{"swap", fields{"card": "two-logins"}, 200, "two-logins", "bsxm-token"},
		{"swap", fields{"card": "two-logins"}, 409, "two-logins", "bsxm-token"},
		{"swap", fields{"card": "bsxm-token", "reader": "slot"}, 409, "two-logins", "bsxm-token"},
		{"upside_down", nil, 200, "two-logins (turned)", "bsxm-token"},
		{"upside_down", nil, 409, "two-logins (turned)", "bsxm-token"},
		{"remove", fields{"reader": "token"}, 200, "two-logins (turned)", ""},
		{"fault", fields{"kind": "sabotage"}, 400, "two-logins (turned)", ""},
		{"fault", fields{"kind": "drop", "sw": []string{"6F00"}}, 400, "two-logins (turned)", ""},
		{"fault", fields{"kind": "status-words", "sw": []string{"6F"}}, 400, "two-logins (turned)", ""},
		{"fault", fields{"kind": "delay", "delay_ms": -1}, 400, "two-logins (turned)", ""},
		{"tries", fields{"pin1": 9}, 400, "two-logins (turned)", ""},
		{"tries", fields{"pin1": 1}, 200, "two-logins (turned)", ""},
	} {
		if status := r.card(c.action, c.more); status != c.status {
			t.Errorf("%s %v: %d, want %d", c.action, c.more, status, c.status)
		}
		s := r.state()
		slot, token := s.Readers["slot"].Card, s.Readers["token"].Card
		if s.Readers["slot"].UpsideDown {
			slot += " (turned)"
		}
		if slot != c.slot || token != c.token {
			t.Fatalf("%s %v: in the slot %q, in the port %q; want %q and %q", c.action, c.more, slot, token, c.slot, c.token)
		}
	}
	until(t, ctx, vpcd.CardSlot, scard.StatePresent|scard.StateMute, 0)
	if s := r.cardState("two-logins"); s.Tries.PIN1 != 1 {
		t.Errorf("tries %+v", s.Tries)
	}
	r.post("/api/reset", fields{})
	until(t, ctx, vpcd.CardSlot, scard.StateEmpty, 0)
	if s := r.cardState("two-logins"); s.Tries.PIN1 != 3 || s.Where != "wallet" {
		t.Errorf("on a new day: %+v", s)
	}
}

// A card that is pulled in the middle of a command, and one that keeps silent
// until it is taken out.
func TestCardFaults(t *testing.T) {
	r := startCardRig(t, true)
	ctx := pcsc(t)
	r.must("insert", fields{"card": "citizen-p256"})
	c := connect(t, ctx, vpcd.CardSlot)
	r.must("fault", fields{"kind": "drop", "at": 2})
	says(t, c, selectApp, 0x9000)
	if answer, err := c.Transmit(askCounter); err == nil && len(answer) >= 2 {
		t.Errorf("a pulled card answers % X", answer)
	}
	if s := r.cardState("citizen-p256"); s.Where != "wallet" {
		t.Errorf("after the pull: %+v", s)
	}
	until(t, ctx, vpcd.CardSlot, scard.StateEmpty, 0)

	r.must("insert", fields{"card": "citizen-p256"})
	c = connect(t, ctx, vpcd.CardSlot)
	r.must("fault", fields{"kind": "silence", "for": 1000})
	before := r.cardState("citizen-p256").Commands
	answered := make(chan []byte, 1)
	go func() {
		answer, _ := c.Transmit(selectApp)
		answered <- answer
	}()
	eventually(t, "the command has arrived", func() bool { return r.cardState("citizen-p256").Commands > before })
	r.must("remove", nil)
	select {
	case answer := <-answered:
		if len(answer) >= 2 {
			t.Errorf("a silent card answers % X", answer)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the exchange outlives the card")
	}
	until(t, ctx, vpcd.CardSlot, scard.StateEmpty, 0)
	r.must("clear_faults", fields{"card": "citizen-p256"})
	r.must("insert", fields{"card": "citizen-p256"})
	says(t, connect(t, ctx, vpcd.CardSlot), selectApp, 0x9000)
}

// The PC/SC daemon dies and comes back; the card that is in is found again.
func TestServiceDies(t *testing.T) {
	r := startCardRig(t, true)
	r.must("insert", fields{"card": "citizen-p256"})
	says(t, connect(t, pcsc(t), vpcd.CardSlot), selectApp, 0x9000)
	service := func(action string, want int) {
		t.Helper()
		if status := r.call("POST", "/api/pcscd", fields{"action": action}, nil); status != want {
			t.Fatalf("%s: %d, want %d", action, status, want)
		}
	}
	service("start", http.StatusConflict)
	service("stop", http.StatusBadRequest)
	service("kill", http.StatusOK)
	if s := r.state().PCSCD; s.Running || s.Ended != "signal: killed" {
		t.Errorf("after the kill: %+v", s)
	}
	if _, err := scard.EstablishContext(); !errors.Is(err, scard.ErrNoService) {
		t.Errorf("a client now: %v", err)
	}
	service("kill", http.StatusConflict)
	service("start", http.StatusOK)
	says(t, connect(t, pcsc(t), vpcd.CardSlot), selectApp, 0x9000)
}

// The bench may be started again: a card is where it was left and remembers what
// it must.
func TestCardsOutliveTheBench(t *testing.T) {
	r := startCardRig(t, true)
	r.must("insert", fields{"card": "citizen-p256"})
	r.must("insert", fields{"card": "bsxm-token"})
	c := connect(t, pcsc(t), vpcd.CardSlot)
	says(t, c, selectApp, 0x9000)
	says(t, c, verifyBad, 0x63C2)
	says(t, c, verifyBad, 0x63C1)
	r.stop()
	if _, err := os.Lstat(cardFolder + "/" + vpcd.SocketName); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}

	r = startCardRig(t, false)
	if conn, err := net.DialTimeout("tcp", "127.0.0.1:35963", time.Second); err == nil {
		_ = conn.Close()
		t.Error("vpcd's port can be reached")
	}
	if s := r.cardState("citizen-p256"); s.Tries.PIN1 != 1 || s.Where != "slot" {
		t.Errorf("after the restart: %+v", s)
	}
	if s := r.cardState("bsxm-token"); s.Where != "token" {
		t.Errorf("the token after the restart: %+v", s)
	}
	c = connect(t, pcsc(t), vpcd.CardSlot)
	says(t, c, selectApp, 0x9000)
	says(t, c, verifyBad, 0x63C0)
}

// OpenSC, which knows nothing of this project, reads the card through the reader.
func TestOpenSC(t *testing.T) {
	r := startCardRig(t, true)
	r.must("insert", fields{"card": "citizen-p256"})
	until(t, pcsc(t), vpcd.CardSlot, scard.StatePresent, scard.StateMute)
	cmd := exec.CommandContext(t.Context(), "pkcs15-tool", "--reader", "0", "--dump")
	cmd.Env = append(os.Environ(), "OPENSC_DRIVER=isoApplet")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pkcs15-tool: %v\n%s", err, out)
	}
	for _, want := range []string{"Private EC Key", "X.509 Certificate", "PIN ["} {
		if !strings.Contains(string(out), want) {
			t.Errorf("OpenSC does not find %q:\n%s", want, out)
		}
	}
}

// A machine without such a daemon has a bench without readers; all else works.
func TestWithoutReaders(t *testing.T) {
	r := startRig(t, t.TempDir())
	s := r.state()
	if s.PCSCD.Running || s.PCSCD.Trouble == "" {
		t.Errorf("%+v", s.PCSCD)
	}
	r.must("insert", fields{"card": "citizen-p256"})
	if s := r.state().Readers["slot"]; s.Card != "citizen-p256" || s.Reached {
		t.Errorf("%+v", s)
	}
	if status := r.call("POST", "/api/pcscd", fields{"action": "start"}, nil); status != http.StatusConflict {
		t.Errorf("a start of no daemon: %d", status)
	}
}
