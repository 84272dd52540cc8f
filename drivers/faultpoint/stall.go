//go:build faultpoints

package faultpoint

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

var (
	stallAt    string
	stallAfter atomic.Int64
	armed      atomic.Bool

	stallHook atomic.Pointer[func(name string)]
)

// armStall lets turns count from the first SIGUSR1 on: a loop goes round from the
// start, and the moment that matters is in the middle of a visit.
func armStall() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		<-told
		armed.Store(true)
	}()
}

// Loop is one named loop.
type Loop struct{ name string }

// NewLoop declares a loop. A test starts the daemon more than once, so a name may
// be declared again.
func NewLoop(name string) Loop { return Loop{name} }

// Turn marks that the loop has got round: it runs the hook if one is set, and does
// not return if this loop is to stand still.
func (l Loop) Turn() {
	if h := stallHook.Load(); h != nil {
		(*h)(l.name)
	}
	if l.name == stallAt && armed.Load() && stallAfter.Add(-1) == 0 {
		fmt.Fprintf(os.Stderr, "faultpoint: %s stands still\n", l.name)
		select {}
	}
}

// SetStallHook installs f to be run at every turn; nil removes it. A test's hook
// blocks where a loop is to stand still.
func SetStallHook(f func(name string)) {
	if f == nil {
		stallHook.Store(nil)
		return
	}
	stallHook.Store(&f)
}
