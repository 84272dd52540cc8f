package gpio_test

import (
	"errors"
	"os"
	"reflect"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/pin"
)

var errGone = errors.New("no such device")

// group is a gpio.Group of periph's own fake pins, as gpioioctl makes one of a
// chip's lines. It can be taken away, have no edges, or lose them.
type group struct {
	pins []*gpiotest.Pin
	gone func() bool

	mu      sync.Mutex
	deaf    bool // edges are lost
	noEdges bool // there are none
}

func newGroup(names []string, gone func() bool) *group {
	g := &group{gone: gone}
	for i, n := range names {
		g.pins = append(g.pins, &gpiotest.Pin{N: n, Num: i, EdgesChan: make(chan gpio.Level, 16)})
	}
	return g
}

func (g *group) find(name string) *gpiotest.Pin {
	for _, p := range g.pins {
		if p.N == name {
			return p
		}
	}
	panic("no pin " + name)
}

// move puts an input at a level, and makes an edge of it where edges are heard.
func (g *group) move(name string, l gpio.Level) {
	p := g.find(name)
	p.Lock()
	changed := p.L != l
	p.L = l
	p.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !changed || g.deaf || g.noEdges {
		return
	}
	select {
	case p.EdgesChan <- l:
	default: // the queue is full, as a kernel's may be
	}
}

func (g *group) Pins() []pin.Pin {
	var all []pin.Pin
	for _, p := range g.pins {
		all = append(all, p)
	}
	return all
}

func (g *group) ByOffset(n int) pin.Pin      { return g.pins[n] }
func (g *group) ByName(name string) pin.Pin  { return g.find(name) }
func (g *group) ByNumber(number int) pin.Pin { return g.pins[number] }
func (g *group) String() string              { return "group" }
func (g *group) Halt() error                 { return nil }

func (g *group) Out(value, mask gpio.GPIOValue) error {
	if g.gone() {
		return errGone
	}
	for i, p := range g.pins {
		if mask == 0 || mask>>i&1 != 0 {
			if err := p.Out(value>>i&1 != 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *group) Read(gpio.GPIOValue) (v gpio.GPIOValue, err error) {
	if g.gone() {
		return 0, errGone
	}
	for i, p := range g.pins {
		if p.Read() {
			v |= 1 << i
		}
	}
	return v, nil
}

func (g *group) WaitForEdge(timeout time.Duration) (int, gpio.Edge, error) {
	g.mu.Lock()
	noEdges := g.noEdges
	g.mu.Unlock()
	switch {
	case noEdges:
		return 0, gpio.NoEdge, gpio.ErrGroupFeatureNotImplemented
	case g.gone():
		return 0, gpio.NoEdge, errGone
	}
	over := time.NewTimer(timeout)
	defer over.Stop()
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(over.C)}}
	for _, p := range g.pins {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(p.EdgesChan)})
	}
	i, v, _ := reflect.Select(cases)
	switch {
	case i == 0:
		return 0, gpio.NoEdge, os.ErrDeadlineExceeded
	case v.Bool():
		return i - 1, gpio.RisingEdge, nil
	}
	return i - 1, gpio.FallingEdge, nil
}

var _ gpio.Group = (*group)(nil)
