//go:build faultpoints

package ccnet

import (
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/cash/cashtest"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// Every point of this package is passed in an ordinary day.
func TestEveryPointIsPassed(t *testing.T) {
	passed := map[string]bool{}
	faultpoint.SetHook(func(name string) { passed[name] = true })
	defer faultpoint.SetHook(nil)
	r, p := serving(t)
	p.Insert(4)
	cashtest.Await[cash.PathClear](r, 20*time.Second)
	r.Policy.Decide = cashtest.ReturnAll
	p.Insert(4)
	cashtest.Await[cash.PathClear](r, 20*time.Second)
	for _, name := range faultpoint.Names() {
		if strings.HasPrefix(name, "ccnet.") && !passed[name] {
			t.Errorf("%s was not passed", name)
		}
	}
}

// killed is what the hook panics with.
type killed struct{ name string }

// doomed dies in the step that comes to the point: nothing of that step gets out.
type doomed struct {
	cashtest.Driver
	dead *bool
}

func (d doomed) Step(now time.Time, in line.Input[cash.Command]) (out line.Output[cash.Event]) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case killed:
			*d.dead = true
		default:
			panic(e)
		}
	}()
	if *d.dead {
		return out
	}
	return d.Driver.Step(now, in)
}

// The driver dies once at each point, and its successor leaves a true book.
func TestDeathAtEveryPoint(t *testing.T) {
	for _, name := range faultpoint.Names() {
		if !strings.HasPrefix(name, "ccnet.") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dead, armed := false, true
			f := family()
			f.NewDriver = func(m cash.Memory) cashtest.Driver {
				d := New(Config{}, m)
				if !armed {
					return d
				}
				return doomed{d, &dead}
			}
			defer faultpoint.SetHook(nil)
			faultpoint.SetHook(func(at string) {
				if armed && at == name {
					armed = false
					panic(killed{at})
				}
			})
			r := cashtest.NewRig(t, f)
			r.Policy.Decide = cashtest.StackAll
			if strings.Contains(name, "return") {
				r.Policy.Decide = cashtest.ReturnAll
			}
			r.Do(cash.Enable{Types: []int{4}})
			r.Peer.Insert(4)
			r.Until("death", time.Minute, func() bool { return dead })
			r.Run(3 * time.Second)
			r.Restart()
			r.Until("settled", time.Minute, r.Settled)
			r.Run(time.Second)
			if !r.Book.Equal(r.Peer.Cassette()) || r.Peer.Evidence() {
				t.Errorf("booked %v, cassette %v\n%s", r.Book.Stacked, r.Peer.Cassette(), r.Log())
			}
		})
	}
}

// The suite must be able to fail: with the planted mistake it does.
func TestSuiteCatchesTheMutant(t *testing.T) {
	faultpoint.Plant("ack-before-write")
	defer faultpoint.Plant("")
	r, p := serving(t)
	r.Policy.ConfirmAfter = -1
	h := byHand(t)
	h.says(10*time.Millisecond, stateStacked, 4)
	if string(h.out.Send) != string(frameACK) {
		t.Fatalf("the mistake is not made: sent % X", h.out.Send)
	}
	caught := &witness{}
	r.T = caught
	p.Insert(4)
	func() {
		defer func() { _ = recover() }() // Fatalf of the witness
		r.Run(20 * time.Second)
	}()
	if !caught.failed {
		t.Error("the rig did not notice the mistake")
	}
}

// witness is a test that remembers that it failed.
type witness struct{ failed bool }

func (*witness) Helper() {}
func (w *witness) Fatalf(string, ...any) {
	w.failed = true
	panic("stop here")
}
