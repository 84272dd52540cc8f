package escpos_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
	"github.com/asan-kiosk/kiosk/drivers/printer"
	"github.com/asan-kiosk/kiosk/drivers/printer/escpos"
	"github.com/asan-kiosk/kiosk/drivers/printer/printertest"
)

// serve joins a virtual printer to the far ends of a socket until ctx ends.
func serve(ctx context.Context, s *linetest.Socket, p *printertest.Thermal) {
	for {
		select {
		case <-ctx.Done():
			return
		case far := <-s.Far():
			var (
				mu     sync.Mutex
				reader sync.WaitGroup
			)
			ended := make(chan struct{})
			reader.Go(func() {
				defer close(ended)
				buf := make([]byte, 256)
				for {
					n, err := far.Read(buf)
					mu.Lock()
					for _, b := range buf[:n] {
						p.Receive(time.Now(), b)
					}
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
			for on := true; on; {
				mu.Lock()
				p.Tick(time.Now())
				out := p.Take(time.Now())
				mu.Unlock()
				if len(out) > 0 {
					_, _ = far.Write(out) // a lost cable is noticed by the reader
				}
				select {
				case <-ctx.Done():
					_ = far.Close() // ends the reader
					on = false
				case <-ended:
					on = false
				case <-time.After(time.Millisecond):
				}
			}
			reader.Wait()
		}
	}
}

// TestRun: the machine under its real loop, in virtual time: a slip, a cable
// pulled in the middle of the next, and one after that.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		socket := linetest.NewSocket()
		thermal := printertest.NewThermal(printertest.DefaultConfig())
		var owned sync.WaitGroup
		owned.Go(func() { serve(ctx, socket, thermal) })

		commands := make(chan printer.Command)
		events := make(chan printer.Event, 1000)
		var result error
		owned.Go(func() {
			result = escpos.Run(ctx, socket.Open, escpos.Generic80(), commands, func(e printer.Event) { events <- e }, line.Options{})
		})
		fit := false
		for !fit {
			if e, ok := (<-events).(printer.StatusChanged); ok {
				fit = e.Status.Fit()
			}
		}
		printSlip := func(id string, seed uint64, during func()) printer.Finished {
			commands <- printer.Print{Job: printer.Job{ID: id, Picture: printertest.Picture(seed, 576, 600)}}
			for {
				switch e := (<-events).(type) {
				case printer.Ready:
					commands <- printer.Begin(e)
				case printer.Progress:
					if during != nil {
						during()
						during = nil
					}
				case printer.Finished:
					return e
				}
			}
		}
		if f := printSlip("a", 1, nil); f.Verdict != printer.Printed || f.Level != printer.LevelA {
			t.Errorf("first: %+v", f)
		}
		if f := printSlip("b", 3, func() {
			socket.Unplug()
			time.Sleep(3 * time.Second)
			socket.Plug()
		}); f.Verdict != printer.Unknown || f.Rows == 0 {
			t.Errorf("cable pulled: %+v", f)
		}
		time.Sleep(20 * time.Second)
		if f := printSlip("c", 5, nil); f.Verdict != printer.Printed {
			t.Errorf("after: %+v", f)
		}
		cancel()
		owned.Wait()
		if !errors.Is(result, context.Canceled) {
			t.Errorf("Run returned %v", result)
		}
	})
}

func TestRunRefusesAProfile(t *testing.T) {
	p := escpos.Generic80()
	p.Dots = 0
	err := escpos.Run(t.Context(), nil, p, nil, nil, line.Options{})
	if err == nil {
		t.Fatal("accepted")
	}
}

// TestEveryRate: the pace follows the line, or a slow one is behind with its answers
// and every slip is in doubt; and the paper, or a buffer of 4 KB runs over. The printer
// here is the slowest of its profile; it says that it is busy, or has no cable for it.
func TestEveryRate(t *testing.T) {
	for _, baud := range []int{9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600} {
		p := escpos.Generic80().At(baud)
		if p.Speed != baud/10 {
			t.Errorf("%d baud: %d bytes a second", baud, p.Speed)
		}
		if err := p.Check(); err != nil {
			t.Error(err)
			continue
		}
		for i, width := range []int{40, 160, 576, 40, 160, 576} { // narrow bands are many rows in few bytes
			c := printertest.DefaultConfig()
			c.XonXoff = i < 3
			c.RowTime = time.Second * 254 / time.Duration(p.SlowestFeed*10*p.DPI)
			w := printertest.NewWorld(escpos.New(p), printertest.NewThermal(c), baud/10)
			fit(t, w)
			b := printertest.Picture(1, width, 900)
			f, err := w.Print("a", b)
			if err != nil || f.Verdict != printer.Printed {
				t.Errorf("%d baud, %d dots: %+v, %v", baud, width, f, err)
			}
			whole := func(p printertest.Piece) bool { return p.CutBelow && p.Holds(b) }
			if !slices.ContainsFunc(w.Printer.Pieces(), whole) {
				t.Errorf("%d baud, %d dots: the picture is not on paper", baud, width)
			}
		}
	}
}
