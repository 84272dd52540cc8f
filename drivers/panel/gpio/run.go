package gpio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// Lines are the lines of one cabinet, taken from a chip.
type Lines struct {
	Chip    string     // its label, for Found
	Inputs  gpio.Group // with a pin of each line's name
	Outputs gpio.Group // likewise; nil if no lamp is wired
	Close   func()     // gives the lines back
}

// Opener takes the lines. It is called again, with growing pauses, until it
// succeeds or ctx ends.
type Opener func(ctx context.Context) (Lines, error)

// Config is how the lines are driven. A zero duration means its default.
type Config struct {
	Layout panel.Layout  // with lines by name
	Poll   time.Duration // between two readings without an edge; 250 ms
}

const (
	defaultPoll  = 250 * time.Millisecond
	blindPoll    = 50 * time.Millisecond  // where there are no edges
	edgeWait     = 500 * time.Millisecond // longest wait of the waiter, and so of the end
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Run drives the lines that opener gives, until ctx ends; it returns ctx's cause,
// or at once what is wrong with the configuration. Of opts, Progress and Log are
// used.
func Run(ctx context.Context, opener Opener, cfg Config, commands <-chan panel.Command, deliver func(panel.Event), opts line.Options) error {
	if err := cfg.Layout.Check(); err != nil {
		return fmt.Errorf("gpio: %w", err)
	}
	if cfg.Poll == 0 {
		cfg.Poll = defaultPoll
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d := &driver{cfg: cfg, core: panel.NewCore(time.Now(), cfg.Layout), commands: commands, deliver: deliver, opts: opts}
	pause := time.Duration(0)
	for {
		err := d.hold(ctx, opener)
		if ctx.Err() != nil {
			return fmt.Errorf("gpio: %w", context.Cause(ctx))
		}
		if d.core.Found() {
			pause = 0
		}
		opts.Log.Warn("gpio: lines lost", "error", err)
		d.tell(d.core.Lose(err.Error()))
		pause = min(max(firstPause, 2*pause), longestPause)
		if !d.idle(ctx, pause) {
			return fmt.Errorf("gpio: %w", context.Cause(ctx))
		}
	}
}

type driver struct {
	cfg      Config
	core     *panel.Core
	commands <-chan panel.Command
	deliver  func(panel.Event)
	opts     line.Options
}

func (d *driver) tell(events []panel.Event) {
	for _, e := range events {
		d.deliver(e)
	}
	if d.opts.Progress != nil {
		d.opts.Progress()
	}
}

// take takes a command in; a closed channel is no more commands.
func (d *driver) take(c panel.Command, ok bool) {
	if !ok {
		d.commands = nil
		return
	}
	d.core.Command(c)
}

// idle waits without lines, and takes commands meanwhile.
func (d *driver) idle(ctx context.Context, pause time.Duration) bool {
	over := time.NewTimer(pause)
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case c, ok := <-d.commands:
			d.take(c, ok)
		case <-over.C:
			return true
		}
	}
}

// hold takes the lines and serves them until they are lost or ctx ends.
func (d *driver) hold(ctx context.Context, opener Opener) error {
	lines, err := opener(ctx)
	if err != nil {
		return err
	}
	defer lines.Close()
	in, err := offsets(lines.Inputs, d.cfg.Layout.Inputs())
	if err != nil {
		return err
	}
	out, err := offsets(lines.Outputs, d.cfg.Layout.Outputs())
	if err != nil {
		return err
	}
	d.opts.Log.Info("gpio: lines taken", "chip", lines.Chip)
	edges := watch(lines.Inputs)
	defer edges.end()
	return d.serve(ctx, lines, in, out, edges)
}

// serve reads on each edge and after each pause, and sets the lamps.
func (d *driver) serve(ctx context.Context, lines Lines, in, out map[string]int, edges *watcher) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var written gpio.GPIOValue
	current := false // written is what the lines have
	var read time.Time
	for {
		now := time.Now()
		if lit := d.lamps(now, out); len(out) > 0 && (!current || lit != written) {
			if err := lines.Outputs.Out(lit, 0); err != nil {
				return fmt.Errorf("set lamps: %w", err)
			}
			written, current = lit, true
		}
		if !now.Before(read) {
			levels, err := lines.Inputs.Read(0)
			if err != nil {
				return fmt.Errorf("read lines: %w", err)
			}
			d.tell(d.core.Sample(now, panel.Board{Model: lines.Chip}, func(line string) bool { return levels>>in[line]&1 != 0 }))
			read = now.Add(d.pause(edges))
		}
		wake := read
		if flash := d.core.NextFlash(now); !flash.IsZero() && flash.Before(wake) {
			wake = flash
		}
		timer.Reset(max(0, time.Until(wake)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, ok := <-d.commands:
			d.take(c, ok)
		case <-edges.seen:
			read = time.Time{}
		case <-timer.C:
		}
	}
}

// pause is how long until the next reading.
func (d *driver) pause(edges *watcher) time.Duration {
	switch {
	case d.core.Settling():
		return min(d.cfg.Poll, panel.QuickSample)
	case edges.blind.Load():
		return min(d.cfg.Poll, blindPoll)
	}
	return d.cfg.Poll
}

// lamps is the level of each output now.
func (d *driver) lamps(now time.Time, out map[string]int) (levels gpio.GPIOValue) {
	for _, w := range d.cfg.Layout.Lamps {
		if d.core.Level(now, w) {
			levels |= 1 << out[w.Line]
		}
	}
	return levels
}

// offsets finds the lines in a group.
func offsets(g gpio.Group, lines []string) (map[string]int, error) {
	at := map[string]int{}
	if len(lines) == 0 {
		return at, nil
	}
	if g == nil {
		return nil, errors.New("the lines were not given")
	}
	for i, p := range g.Pins() {
		at[p.Name()] = i
	}
	for _, l := range lines {
		if _, ok := at[l]; !ok {
			return nil, fmt.Errorf("line %s: %w", l, os.ErrNotExist)
		}
	}
	return at, nil
}
