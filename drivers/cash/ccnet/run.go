package ccnet

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// Speeds a unit can be set to, in bits per second, in the order they are tried.
// The speed is set on the unit and never negotiated (section 1).
var Speeds = []int{9600, 19200}

// probeTime is how long one speed is tried: several POLLs.
const probeTime = 1200 * time.Millisecond

// TTY is the line mode for a speed: 8N1 without flow control, RTS off because
// some adapters wire it.
func TTY(baud int) line.Mode { return line.Mode{Baud: baud, RTS: line.LevelOff} }

// Run drives the unit on the line that opener opens until ctx ends, and returns
// ctx's cause. See line.Run for how commands and deliver are served; opts' log
// also receives what the machine remarks.
func Run(ctx context.Context, opener line.Opener, cfg Config, memory cash.Memory,
	commands <-chan cash.Command, deliver func(cash.Event), opts line.Options) error {
	return run(ctx, []line.Opener{opener}, cfg, memory, commands, deliver, opts)
}

// RunTTY is Run on a serial port by its stable name. With baud 0 the speeds are
// tried in turn, and an answer with a valid CRC decides; the speed that was heard
// last is tried first when the port has to be opened again.
func RunTTY(ctx context.Context, path string, baud int, cfg Config, memory cash.Memory,
	commands <-chan cash.Command, deliver func(cash.Event), opts line.Options) error {
	speeds := []int{baud}
	if baud == 0 {
		speeds = Speeds
	}
	openers := make([]line.Opener, len(speeds))
	for i, s := range speeds {
		openers[i] = line.OpenTTY(path, TTY(s))
	}
	return run(ctx, openers, cfg, memory, commands, deliver, opts)
}

// run tries the openers in turn until a valid frame comes.
func run(ctx context.Context, openers []line.Opener, cfg Config, memory cash.Memory,
	commands <-chan cash.Command, deliver func(cash.Event), opts line.Options) error {
	if len(openers) > 1 && cfg.Probe == 0 {
		cfg.Probe = probeTime
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	p := &logged{machine: New(cfg, memory), log: opts.Log}
	turn, opened := 0, false
	opener := func(ctx context.Context) (line.Port, error) {
		if opened && !p.heard.Swap(false) {
			turn = (turn + 1) % len(openers)
		}
		port, err := openers[turn](ctx)
		opened = err == nil
		return port, err
	}
	return line.Run(ctx, opener, p, commands, deliver, opts)
}

// logged is the machine with its remarks written to the log.
type logged struct {
	machine *Machine
	log     *slog.Logger
	heard   atomic.Bool // read by the opener, which runs beside the loop
}

func (l *logged) Discreet() bool { return l.machine.Discreet() }

func (l *logged) Step(now time.Time, in line.Input[cash.Command]) line.Output[cash.Event] {
	out := l.machine.Step(now, in)
	if l.machine.Heard() {
		l.heard.Store(true)
	}
	for _, r := range l.machine.Remarks() {
		l.log.Info("ccnet: " + r)
	}
	for _, e := range out.Events {
		switch e := e.(type) {
		case cash.Offline:
			l.log.Warn("ccnet: offline", "cause", e.Cause)
		case cash.Online:
			l.log.Info("ccnet: online", "found", e.Found, "position", e.Position)
		case cash.Settled:
			l.log.Info("ccnet: settled", "part", e.Identity.Part, "serial", e.Identity.Serial, "table", e.Table.Hash())
		case cash.Fault:
			l.log.Error("ccnet: fault", "kind", e.Kind, "code", e.Code, "detail", e.Detail)
		case cash.Unresolved:
			l.log.Error("ccnet: note unresolved", "after", e.After)
		}
	}
	return out
}
