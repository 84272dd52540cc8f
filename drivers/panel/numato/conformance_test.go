package numato_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
	"github.com/asan-kiosk/kiosk/drivers/panel"
	"github.com/asan-kiosk/kiosk/drivers/panel/numato"
	"github.com/asan-kiosk/kiosk/drivers/panel/paneltest"
)

// module is a small board of its own for the suite, on the far end of a cable:
// any wire can be moved by itself. The bench's board, with its cabinet, drives
// witness_test.go.
type module struct {
	channels  int
	endOfLine string
	notify    bool // it has notifications
	silent    bool // and loses them all
	socket    *linetest.Socket

	mu                     sync.Mutex
	far                    io.Writer // while a cable is in
	told                   uint64    // levels of the last notification
	wires                  uint64
	inputs, mask, out, all uint64
	typed                  []byte
}

func (b *module) powerUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inputs, b.mask, b.out, b.typed, b.far = b.all, b.all, 0, nil, nil
}

func (b *module) Wire(line string, high bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wires &^= 1 << number(line)
	if high {
		b.wires |= 1 << number(line)
	}
	if n := b.notifications(); len(n) > 0 && b.far != nil {
		_, _ = b.far.Write(n) // fails if the cable has just been pulled
	}
}

func (b *module) Lamp(line string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return (b.out&^b.inputs)>>number(line)&1 != 0
}

func (b *module) Unplug() {
	b.socket.Unplug()
	b.powerUp()
}
func (b *module) Plug() { b.socket.Plug() }

// serve answers on one cable until it is pulled.
func (b *module) serve(rw io.ReadWriter) {
	b.mu.Lock()
	b.far = rw
	b.mu.Unlock()
	buf := make([]byte, 256)
	for {
		n, err := rw.Read(buf)
		if err != nil {
			return
		}
		time.Sleep(2 * time.Millisecond) // USB
		if _, err := rw.Write(b.say(buf[:n])); err != nil {
			return
		}
	}
}

func start(b *module) func(*testing.T, context.Context, panel.Layout, map[string]bool) (paneltest.Board, panel.Driver, func()) {
	return func(_ *testing.T, ctx context.Context, l panel.Layout, levels map[string]bool) (paneltest.Board, panel.Driver, func()) {
		b := &module{channels: b.channels, endOfLine: b.endOfLine, notify: b.notify, silent: b.silent,
			all: ^uint64(0) >> (64 - b.channels), socket: linetest.NewSocket()}
		for line, high := range levels {
			b.Wire(line, high)
		}
		b.powerUp()
		var all sync.WaitGroup
		all.Go(func() {
			for {
				select {
				case far := <-b.socket.Far():
					b.serve(far)
				case <-ctx.Done():
					return
				}
			}
		})
		driver := func(ctx context.Context, commands <-chan panel.Command, deliver func(panel.Event)) error {
			return numato.Run(ctx, b.socket.Open, numato.Config{Layout: l}, commands, deliver, line.Options{})
		}
		return b, driver, all.Wait
	}
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name    string
		outputs []string
		module  *module
	}{
		{"16 channels", []string{"8", "9", "15"}, &module{channels: 16, endOfLine: "\n\r", notify: true}},
		{"16 channels, every notification lost", []string{"8", "9", "15"}, &module{channels: 16, endOfLine: "\n\r", notify: true, silent: true}},
		{"8 channels, CR LF", []string{"5", "6", "7"}, &module{channels: 8, endOfLine: "\r\n"}},
		{"32 channels", []string{"30", "16", "31"}, &module{channels: 32, endOfLine: "\r\n", notify: true}},
		{"64 channels, CR", []string{"60", "61", "63"}, &module{channels: 64, endOfLine: "\r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			paneltest.Suite(t, paneltest.Subject{
				Lines: []string{"0", "1", "2", "3", "4"}, Outputs: c.outputs,
				Start: start(c.module),
			})
		})
	}
}
