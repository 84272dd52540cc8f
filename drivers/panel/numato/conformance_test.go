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
	socket    *linetest.Socket

	mu                     sync.Mutex
	wires                  uint64
	inputs, mask, out, all uint64
	typed                  []byte
}

func (b *module) powerUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inputs, b.mask, b.out, b.typed = b.all, b.all, 0, nil
}

func (b *module) Wire(line string, high bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wires &^= 1 << number(line)
	if high {
		b.wires |= 1 << number(line)
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

func start(channels int, endOfLine string) func(*testing.T, context.Context, panel.Layout, map[string]bool) (paneltest.Board, panel.Driver, func()) {
	return func(_ *testing.T, ctx context.Context, l panel.Layout, levels map[string]bool) (paneltest.Board, panel.Driver, func()) {
		b := &module{channels: channels, endOfLine: endOfLine, all: ^uint64(0) >> (64 - channels), socket: linetest.NewSocket()}
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
		name      string
		channels  int
		endOfLine string
		outputs   []string
	}{
		{"16 channels", 16, "\n\r", []string{"8", "9", "15"}},
		{"8 channels, CR LF", 8, "\r\n", []string{"5", "6", "7"}},
		{"32 channels", 32, "\n\r", []string{"30", "16", "31"}},
		{"64 channels, CR", 64, "\r", []string{"60", "61", "63"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			paneltest.Suite(t, paneltest.Subject{
				Lines: []string{"0", "1", "2", "3", "4"}, Outputs: c.outputs,
				Start: start(c.channels, c.endOfLine),
			})
		})
	}
}
