// Command benchcard measures what a sign-in with the e-signature card costs, on a
// whole running terminal with its virtual card in the real PC/SC daemon.
//
// At the screen: from a card's insertion to the first change that the person sees,
// and from the last key of the PIN to being signed in, which holds the card's work,
// central's checks and three writes of the journal. At the card: how many commands
// one signature takes and how long, by kioskd's own room and driver, beside
// pkcs11-tool of OpenSC with the same card in the same run. What the card and the
// way to it take of that is named apart: no program can save it.
//
// It ends with 1 when a signature takes more commands than the limit, or more time
// than the limit's share of pkcs11-tool's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/esign"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsc"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pkcs15"
	"github.com/asan-kiosk/kiosk/proof/rig"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// Limits.
const (
	mostCommands = 8
	mostRatio    = 0.5
)

const (
	card = "citizen" // of the bench's wallet: RSA-2048
	pin  = "1234"
)

func main() {
	binDir := flag.String("bin-dir", "bin", "folder of the programs")
	times := flag.Int("times", 30, "how many sign-ins and how many signatures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := measure(ctx, *binDir, *times)
	if err != nil {
		fmt.Println("bench-card: could not be measured:", err)
	}
	if !ok {
		os.Exit(1)
	}
}

func measure(ctx context.Context, binDir string, times int) (ok bool, err error) {
	if times < 1 || times > 500 {
		return false, fmt.Errorf("--times %d; allowed: 1 to 500", times)
	}
	r, err := rig.Start(ctx, rig.Options{BinDir: binDir, Quiet: true})
	if err != nil {
		return false, err
	}
	defer r.Stop()
	b := bench{r.Terminal}
	seen, signedIn, err := b.signIns(ctx, times)
	if err != nil {
		return false, err
	}
	if err := b.put(ctx, "insert"); err != nil {
		return false, err
	}
	// The library reads it at its first call.
	if err := os.Setenv("PCSCLITE_CSOCK_NAME", filepath.Join(r.Dir, "pcscd.comm")); err != nil {
		return false, err
	}
	ours, err := b.signatures(ctx, times)
	if err != nil {
		return false, err
	}
	theirs, err := b.pkcs11(ctx, r.Dir, max(times/3, 3))
	if err != nil {
		return false, err
	}
	line := func(what string, d []time.Duration) {
		fmt.Printf("%-44s %4d times  p50 %7.1f ms  p99 %7.1f ms\n", what, len(d), rig.MS(rig.Quantile(d, 50)), rig.MS(rig.Quantile(d, 99)))
	}
	line("card in to first change on the screen:", seen)
	line("last key of the PIN to signed in:", signedIn)
	line("one signature, room and driver:", ours.whole)
	line("  of that, the card and the way to it:", ours.exchanges)
	line("one signature, pkcs11-tool --sign:", theirs.whole)
	fmt.Printf("commands for one signature: %d, pkcs11-tool %d\n", ours.commands, theirs.commands)
	ratio := float64(rig.Quantile(ours.whole, 50)) / float64(rig.Quantile(theirs.whole, 50))
	ok = ours.commands <= mostCommands && ratio <= mostRatio
	verdict := "passed"
	if !ok {
		verdict = "MISSED"
	}
	fmt.Printf("bench-card: %s, %d commands (limit %d), ratio %.2f of pkcs11-tool (limit %.2f)\n", verdict, ours.commands, mostCommands, ratio, mostRatio)
	return ok, nil
}

type bench struct{ at robot.Terminal }

// put does something with the card.
func (b bench) put(ctx context.Context, action string) error {
	return b.at.BenchDo(ctx, "/api/card", map[string]any{"action": action, "card": card})
}

// commands is how many the card has been sent.
func (b bench) commands(ctx context.Context) (int, error) {
	var s struct {
		Cards []struct {
			Name     string `json:"name"`
			Commands int    `json:"commands"`
		} `json:"cards"`
	}
	if err := robot.Get(ctx, "http://"+b.at.Bench+"/api/state", &s); err != nil {
		return 0, err
	}
	for _, c := range s.Cards {
		if c.Name == card {
			return c.Commands, nil
		}
	}
	return 0, fmt.Errorf("the bench has no card %q", card)
}

// signIns are whole visits, at the screen's wire.
func (b bench) signIns(ctx context.Context, times int) (seen, signedIn []time.Duration, err error) {
	p, err := b.at.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	for range times {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		s, in, err := b.signIn(ctx, p)
		cancel()
		if err != nil {
			return nil, nil, err
		}
		seen, signedIn = append(seen, s), append(signedIn, in)
	}
	return seen, signedIn, nil
}

func (b bench) signIn(ctx context.Context, p *robot.Page) (seen, signedIn time.Duration, err error) {
	at := func(step wire.Step) func(wire.State) bool {
		return func(s wire.State) bool { return s.Visit.Step == step }
	}
	offered := func(s wire.State) bool {
		return s.Visit.Step == wire.StepAttract && s.Devices.CardReader == wire.HealthOnline && s.Devices.Central == wire.HealthOnline
	}
	var start time.Time
	for _, do := range []struct {
		what   string
		wanted func(wire.State) bool
		act    func() error
	}{
		{"a terminal that offers the service", offered, func() error { return p.Tap(wire.NameStart, wire.Command{Lang: wire.LangAz}) }},
		{"the services", at(wire.StepServices), func() error { return p.Tap(wire.NameService, wire.Command{Service: "mygov"}) }},
		{"the methods", at(wire.StepMethod), func() error { return p.Tap(wire.NameMethod, wire.Command{Method: wire.MethodCard}) }},
		{"the question for a card", at(wire.StepCard), func() error { start = time.Now(); return b.put(ctx, "insert") }},
		{"a change after the card", func(s wire.State) bool { return s.Visit.Step != wire.StepCard || s.Visit.Identify.Reading }, func() error { seen = time.Since(start); return nil }},
		{"the question for the PIN", at(wire.StepPIN), func() error {
			for _, k := range pin {
				if err := p.Press("pin", string(k)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"the PIN's dots", func(s wire.State) bool {
			return s.Visit.Identify != nil && s.Visit.Identify.PIN != nil && s.Visit.Identify.PIN.Length == len(pin)
		},
			func() error { start = time.Now(); return p.Tap(wire.NameNext, wire.Command{}) }},
		{"the sign-in", func(s wire.State) bool { return s.Visit.Person != nil }, func() error { signedIn = time.Since(start); return b.put(ctx, "remove") }},
		{"the end of the sign-in", at(wire.StepFarewell), func() error { return p.Tap(wire.NameNext, wire.Command{}) }},
		{"the first screen", at(wire.StepAttract), func() error { return nil }},
	} {
		if err := p.Await(ctx, do.what, do.wanted); err != nil {
			return 0, 0, err
		}
		if err := do.act(); err != nil {
			return 0, 0, fmt.Errorf("after %s: %w", do.what, err)
		}
	}
	return seen, signedIn, nil
}

// cost is what signatures cost.
type cost struct {
	whole     []time.Duration
	exchanges []time.Duration
	commands  int // of one signature, the greatest
}

// signatures are made by kioskd's own room and driver, in this process.
func (b bench) signatures(ctx context.Context, times int) (out cost, err error) {
	meter := &meter{Service: pcsc.New()}
	r := &esign.Runner{Service: meter, Profiles: []smartcard.Profile{pkcs15.New()}, Version: "bench", Now: time.Now}
	ctx, cancel := context.WithCancel(ctx)
	inserted := make(chan smartcard.CardInserted, 16)
	watched := make(chan error, 1)
	go func() {
		watched <- r.Watch(ctx, func(ev smartcard.Event) {
			if in, ok := ev.(smartcard.CardInserted); ok {
				inserted <- in
			}
		})
	}()
	defer func() {
		cancel()
		err = errors.Join(err, <-watched)
	}()
	var in smartcard.CardInserted
	select {
	case in = <-inserted:
	case <-time.After(10 * time.Second):
		return out, errors.New("the card is not seen")
	}
	slot := esign.Slot{Reader: in.Reader, Insertion: in.Insertion}
	read := r.Do(ctx, esign.Job{ID: 1, Slot: slot})
	if read.Failure != nil {
		return out, fmt.Errorf("the card could not be read: %w", read.Failure)
	}
	for i := range times {
		secret, err := esign.NewSecret()
		if err != nil {
			return out, err
		}
		for _, d := range pin {
			secret.Add(d)
		}
		meter.spent, meter.n = 0, 0
		start := time.Now()
		result := r.Do(ctx, esign.Job{ID: uint64(i) + 2, Slot: slot, Sign: &esign.Order{Key: read.Keys[0].ID,
			Origin: "https://asanlogin.example.az", Nonce: fmt.Sprintf("%044d", i), PIN: secret}})
		if result.Failure != nil {
			return out, fmt.Errorf("the card did not sign: %w", result.Failure)
		}
		out.whole = append(out.whole, time.Since(start))
		out.exchanges = append(out.exchanges, meter.spent)
		out.commands = max(out.commands, meter.n)
	}
	return out, nil
}

// meter counts and times what goes to the card.
type meter struct {
	smartcard.Service
	spent time.Duration
	n     int
}

type meteredCard struct {
	smartcard.Card
	m *meter
}

func (m *meter) Connect(ctx context.Context, r smartcard.Reader) (smartcard.Card, error) {
	c, err := m.Service.Connect(ctx, r)
	if err != nil {
		return nil, err
	}
	return &meteredCard{c, m}, nil
}

func (c *meteredCard) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	start := time.Now()
	answer, err := c.Card.Transmit(ctx, command)
	c.m.spent += time.Since(start)
	c.m.n++
	return answer, err
}

// pkcs11 lets OpenSC sign with the same card, told which kind of card it is, so
// that it need not probe.
func (b bench) pkcs11(ctx context.Context, dir string, times int) (out cost, err error) {
	modules, err := filepath.Glob("/usr/lib/*/opensc-pkcs11.so")
	if err != nil || len(modules) == 0 {
		return out, errors.New("OpenSC's PKCS#11 module is not there; make setup installs it")
	}
	message := filepath.Join(dir, "message")
	if err := os.WriteFile(message, []byte("bench"), 0o600); err != nil {
		return out, err
	}
	for range times {
		before, err := b.commands(ctx)
		if err != nil {
			return out, err
		}
		cmd := exec.CommandContext(ctx, "pkcs11-tool", "--module", modules[0], "--login", "--pin", pin, "--sign", "--id", "45",
			"-m", "SHA256-RSA-PKCS", "-i", message, "-o", filepath.Join(dir, "signature"))
		cmd.Env = append(os.Environ(), "OPENSC_DRIVER=isoApplet")
		start := time.Now()
		if said, err := cmd.CombinedOutput(); err != nil {
			return out, fmt.Errorf("pkcs11-tool: %w: %s", err, said)
		}
		out.whole = append(out.whole, time.Since(start))
		after, err := b.commands(ctx)
		if err != nil {
			return out, err
		}
		out.commands = max(out.commands, after-before)
	}
	return out, nil
}
