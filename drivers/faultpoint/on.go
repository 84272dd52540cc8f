//go:build faultpoints

package faultpoint

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Enabled reports whether this build carries fault points.
const Enabled = true

// Point is one named place.
type Point struct{ name string }

var (
	mu      sync.Mutex
	points  = map[string]bool{}
	mutants = map[string]bool{}
	hook    atomic.Pointer[func(name string)]

	killAt    string
	killAfter atomic.Int64

	planted atomic.Pointer[string]
)

func init() {
	if spec := os.Getenv("KIOSK_FAULTPOINT"); spec != "" {
		name, n, _ := strings.Cut(spec, ":")
		n, stall := strings.CutSuffix(n, ":stall")
		count, err := strconv.ParseInt(n, 10, 64)
		if err != nil || count < 1 {
			count = 1
		}
		if stall {
			stallAt = name
			stallAfter.Store(count)
			armStall()
		} else {
			killAt = name
			killAfter.Store(count)
		}
	}
	if m := os.Getenv("KIOSK_MUTANT"); m != "" {
		planted.Store(&m)
	}
}

// New declares a point. Two points of one name are a mistake of the program.
func New(name string) Point {
	mu.Lock()
	defer mu.Unlock()
	if points[name] {
		panic("faultpoint: declared twice: " + name)
	}
	points[name] = true
	return Point{name}
}

// Hit marks that execution has come to the point: it runs the hook if one is
// set, and kills the process (SIGKILL: nothing deferred runs, nothing is
// flushed) if this point's turn has come.
func (p Point) Hit() {
	if h := hook.Load(); h != nil {
		(*h)(p.name)
	}
	if p.name == killAt && killAfter.Add(-1) == 0 {
		fmt.Fprintf(os.Stderr, "faultpoint: killed at %s\n", p.name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way; go no further
	}
}

// Names lists every declared point, sorted.
func Names() []string {
	mu.Lock()
	defer mu.Unlock()
	out := make([]string, 0, len(points))
	for n := range points {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// SetHook installs f to be run at every hit; nil removes it. A simulator's hook
// counts, and panics where the simulated kill is due.
func SetHook(f func(name string)) {
	if f == nil {
		hook.Store(nil)
		return
	}
	hook.Store(&f)
}

// Mutant is a deliberate mistake that only a test build can make.
type Mutant struct{ name string }

// NewMutant declares a mutant.
func NewMutant(name string) Mutant {
	mu.Lock()
	defer mu.Unlock()
	mutants[name] = true
	return Mutant{name}
}

// Planted reports whether the mistake is to be made.
func (m Mutant) Planted() bool {
	p := planted.Load()
	return p != nil && *p == m.name
}

// Plant chooses the mutant to be planted; "" removes it.
func Plant(name string) {
	if name == "" {
		planted.Store(nil)
		return
	}
	planted.Store(&name)
}

// Mutants lists every declared mutant, sorted.
func Mutants() []string {
	mu.Lock()
	defer mu.Unlock()
	out := make([]string, 0, len(mutants))
	for n := range mutants {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
