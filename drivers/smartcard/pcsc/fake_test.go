package pcsc

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebfe/scard"
)

// fake is a library in a test's hands. Every function that is nil succeeds with
// what a daemon without readers says; GetStatusChange waits as the real one does.
type fake struct {
	establish func() error
	list      func() ([]string, error)
	change    func(c *fakeContext, states []scard.ReaderState, timeout time.Duration) error
	connect   func(reader string) (bindingCard, error)
	cancel    func(c *fakeContext) error

	established, released, cancelled atomic.Int32
	shared                           atomic.Int32 // calls in a context that was in use, which freeze the real library
}

func (f *fake) Establish() (bindingContext, error) {
	f.established.Add(1)
	if f.establish != nil {
		if err := f.establish(); err != nil {
			f.released.Add(1) // there is nothing to release
			return nil, err
		}
	}
	return &fakeContext{fake: f, stop: make(chan struct{}, 1)}, nil
}

type fakeContext struct {
	fake   *fake
	stop   chan struct{}
	mu     sync.Mutex
	busy   bool
	used   atomic.Int32
	cancel atomic.Int32
}

// use marks the context as used, until the result is called.
func (c *fakeContext) use() func() {
	if c.used.Add(1) > 1 {
		c.fake.shared.Add(1)
	}
	return func() { c.used.Add(-1) }
}

func (c *fakeContext) ListReaders() ([]string, error) {
	defer c.use()()
	if c.fake.list == nil {
		return nil, scard.ErrNoReadersAvailable
	}
	return c.fake.list()
}

// wait is a wait in which nothing happens.
func (c *fakeContext) wait(timeout time.Duration) error {
	c.mu.Lock()
	c.busy = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.busy = false
		c.mu.Unlock()
	}()
	select {
	case <-c.stop:
		return scard.ErrCancelled
	case <-time.After(timeout):
		return scard.ErrTimeout
	}
}

func (c *fakeContext) GetStatusChange(states []scard.ReaderState, timeout time.Duration) error {
	defer c.use()()
	if c.fake.change != nil {
		return c.fake.change(c, states, timeout)
	}
	return c.wait(timeout)
}

// Cancel without a wait is lost, as with the real one.
func (c *fakeContext) Cancel() error {
	c.fake.cancelled.Add(1)
	c.cancel.Add(1)
	defer c.cancel.Add(-1)
	if c.fake.cancel != nil {
		return c.fake.cancel(c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		select {
		case c.stop <- struct{}{}:
		default:
		}
	}
	return nil
}

func (c *fakeContext) Connect(reader string) (bindingCard, error) {
	defer c.use()()
	if c.fake.connect == nil {
		return nil, scard.ErrUnknownReader
	}
	return c.fake.connect(reader)
}

func (c *fakeContext) Release() error {
	defer c.use()()
	if c.cancel.Load() > 0 {
		c.fake.shared.Add(1)
	}
	c.fake.released.Add(1)
	return nil
}

// fakeCard is a card of T=1 that answers 9000.
type fakeCard struct {
	protocol scard.Protocol
	status   func() (*scard.CardStatus, error)
	begin    func() error
	end      func() error
	transmit func(command []byte) ([]byte, error)
	control  func(code uint32) ([]byte, error)
	leave    func(scard.Disposition) error

	disconnected []scard.Disposition
}

func newFakeCard() *fakeCard { return &fakeCard{protocol: scard.ProtocolT1} }

func (c *fakeCard) ActiveProtocol() scard.Protocol { return c.protocol }

func (c *fakeCard) Status() (*scard.CardStatus, error) {
	if c.status != nil {
		return c.status()
	}
	return &scard.CardStatus{Atr: []byte{0x3B, 0x80, 0x01, 0x81}}, nil
}

func (c *fakeCard) BeginTransaction() error {
	if c.begin != nil {
		return c.begin()
	}
	return nil
}

func (c *fakeCard) EndTransaction(scard.Disposition) error {
	if c.end != nil {
		return c.end()
	}
	return nil
}

func (c *fakeCard) Transmit(command []byte) ([]byte, error) {
	if c.transmit != nil {
		return c.transmit(command)
	}
	return []byte{0x90, 0x00}, nil
}

func (c *fakeCard) Control(code uint32, _ []byte) ([]byte, error) {
	if c.control != nil {
		return c.control(code)
	}
	return nil, scard.ErrNotTransacted
}

func (c *fakeCard) Disconnect(d scard.Disposition) error {
	c.disconnected = append(c.disconnected, d)
	if c.leave != nil {
		return c.leave(d)
	}
	return nil
}
