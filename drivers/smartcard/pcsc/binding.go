package pcsc

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebfe/scard"
)

// binding is what this package needs of the library. Its errors are scard.Error.
type binding interface {
	Establish() (bindingContext, error)
}

// bindingContext is for one goroutine at a time, save Cancel.
type bindingContext interface {
	ListReaders() ([]string, error)
	// GetStatusChange writes its answer into states.
	GetStatusChange(states []scard.ReaderState, timeout time.Duration) error
	Cancel() error
	Connect(reader string) (bindingCard, error)
	Release() error
}

type bindingCard interface {
	ActiveProtocol() scard.Protocol
	Status() (*scard.CardStatus, error)
	BeginTransaction() error
	EndTransaction(scard.Disposition) error
	Transmit(command []byte) ([]byte, error)
	Control(code uint32, in []byte) ([]byte, error)
	Disconnect(scard.Disposition) error
}

// library is the real one.
type library struct{}

func (library) Establish() (bindingContext, error) {
	c, err := scard.EstablishContext()
	if err != nil {
		return nil, err
	}
	return libraryContext{c}, nil
}

type libraryContext struct{ *scard.Context }

// waiting is held by the one wait of this process: the library hands names to C
// from a map by name, and a second wait would take the first one's away.
var waiting sync.Mutex

var errSecondWait = errors.New("a wait for readers is on in this process")

func (c libraryContext) GetStatusChange(states []scard.ReaderState, timeout time.Duration) error {
	if !waiting.TryLock() {
		return errSecondWait
	}
	defer waiting.Unlock()
	return c.Context.GetStatusChange(states, timeout)
}

func (c libraryContext) Connect(reader string) (bindingCard, error) {
	h, err := c.Context.Connect(reader, scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		return nil, err
	}
	return libraryCard{h}, nil
}

type libraryCard struct{ *scard.Card }

// Status catches the library's panic at an empty name: libpcsclite copies names
// from a table that another context of the process may be filling anew.
func (c libraryCard) Status() (status *scard.CardStatus, err error) {
	defer func() {
		if p := recover(); p != nil {
			status, err = nil, fmt.Errorf("status of the card: %v", p)
		}
	}()
	return c.Card.Status()
}
