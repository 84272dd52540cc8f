package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// script is what a fake daemon with one reader says in one wait after the other;
// when it is over, nothing happens any more.
type script struct {
	mu    sync.Mutex
	steps []any // a StateFlag for the reader, or an error
	waits int
	given []scard.StateFlag // what the waits were given for the reader
}

func (s *script) change(c *fakeContext, states []scard.ReaderState, timeout time.Duration) error {
	s.mu.Lock()
	s.waits++
	s.given = append(s.given, states[0].CurrentState)
	if len(s.steps) == 0 {
		s.mu.Unlock()
		return c.wait(timeout)
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	s.mu.Unlock()
	switch step := step.(type) {
	case error:
		return step
	case scard.StateFlag:
		// The answer is in the slice and nowhere else (ebfe/scard #25).
		states[0].EventState, states[0].Atr = step, []byte("atr")
	}
	return nil
}

// story is the events of a Watch on a fake, each with its second.
func story(t *testing.T, f *fake, d time.Duration) string {
	t.Helper()
	s := newService(f)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	began := time.Now()
	var told []string
	if err := s.Watch(ctx, func(e smartcard.Event) {
		told = append(told, fmt.Sprintf("%.2f %s", time.Since(began).Seconds(), tell([]smartcard.Event{e})))
	}); err != nil {
		t.Error(err)
	}
	if late := time.Since(began) - d; late > cancelPeriod {
		t.Errorf("it ended %s late", late)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	checkContexts(t, f)
	return strings.Join(told, ", ")
}

// checkContexts: each was released, and none was used twice at a time.
func checkContexts(t *testing.T, f *fake) {
	t.Helper()
	if f.established.Load() != f.released.Load() || f.shared.Load() > 0 {
		t.Errorf("%d contexts made, %d released; %d calls in one that was in use", f.established.Load(), f.released.Load(), f.shared.Load())
	}
}

func TestWatchFaults(t *testing.T) {
	reader := func() ([]string, error) { return []string{"R"}, nil }
	for _, c := range []struct {
		name string
		make func() *fake
		want string
	}{
		{"no daemon: tried again after 0.25 s, 0.5 s, 1 s", func() *fake {
			n := 0
			return &fake{establish: func() error {
				if n++; n <= 3 {
					return scard.ErrNoService
				}
				return nil
			}}
		}, "0.00 down, 1.75 up"},
		{"access refused", func() *fake {
			return &fake{establish: func() error { return scard.ErrSecurityViolation }}
		}, "0.00 down"},
		{"no readers is no fault", func() *fake { return &fake{} }, "0.00 up"},
		{"the list fails", func() *fake {
			n := 0
			return &fake{list: func() ([]string, error) {
				if n++; n == 1 {
					return nil, scard.ErrNoService
				}
				return []string{"R"}, nil
			}, change: (&script{steps: []any{empty}}).change}
		}, "0.00 down, 0.25 up, 0.25 +R"},
		{"a reader comes between the halves of the list", func() *fake {
			n := 0
			return &fake{list: func() ([]string, error) {
				if n++; n == 1 {
					return nil, scard.ErrInsufficientBuffer
				}
				return []string{"R"}, nil
			}, change: (&script{steps: []any{empty}}).change}
		}, "0.00 up, 0.00 +R"},
		{"the daemon is killed and comes back", func() *fake {
			n := 0
			return &fake{establish: func() error {
				if n++; n == 2 || n == 3 {
					return scard.ErrNoService
				}
				return nil
			}, list: reader, change: (&script{steps: []any{present, scard.ErrCommError, present}}).change}
		}, "0.00 up, 0.00 +R, 0.00 R:atr#1, 0.00 R:out, 0.00 -R, 0.00 down, 1.75 up, 1.75 +R, 1.75 R:atr#2"},
		{"SERVICE_STOPPED", func() *fake {
			return &fake{list: reader, change: (&script{steps: []any{empty, scard.ErrServiceStopped, empty}}).change}
		}, "0.00 up, 0.00 +R, 0.00 -R, 0.00 down, 0.25 up, 0.25 +R"},
		{"INVALID_HANDLE", func() *fake {
			return &fake{list: reader, change: (&script{steps: []any{empty, scard.ErrInvalidHandle, empty}}).change}
		}, "0.00 up, 0.00 +R, 0.00 -R, 0.00 down, 0.25 up, 0.25 +R"},
		{"TIMEOUT is normal", func() *fake {
			return &fake{list: reader, change: (&script{steps: []any{empty, scard.ErrTimeout, present}}).change}
		}, "0.00 up, 0.00 +R, 0.05 R:atr#1"},
		{"CANCELLED by nobody", func() *fake {
			return &fake{list: reader, change: (&script{steps: []any{empty, scard.ErrCancelled, present}}).change}
		}, "0.00 up, 0.00 +R, 0.05 R:atr#1"},
		{"the reader is gone before the wait begins", func() *fake {
			n := 0
			return &fake{list: func() ([]string, error) {
				if n++; n == 1 {
					return []string{"R"}, nil
				}
				return nil, scard.ErrNoReadersAvailable
			}, change: (&script{steps: []any{scard.ErrUnknownReader}}).change}
		}, "0.00 up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := story(t, c.make(), 8*time.Second); got != c.want {
					t.Errorf("%s\nwant %s", got, c.want)
				}
			})
		})
	}
}

// TestBackOff: 0.25 s doubling to 5 s.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var tries []float64
		story(t, &fake{establish: func() error {
			tries = append(tries, time.Since(began).Seconds())
			return scard.ErrNoService
		}}, 20*time.Second)
		if want := []float64{0, 0.25, 0.75, 1.75, 3.75, 7.75, 12.75, 17.75}; !slices.Equal(tries, want) {
			t.Errorf("tried at %v", tries)
		}
	})
}

// TestWatchFeedsBack: the next wait is given what the last one said, so that a
// thousand seconds of quiet are a few hundred waits.
func TestWatchFeedsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []any{present | 7<<16}}
		story(t, &fake{list: func() ([]string, error) { return []string{"R"}, nil }, change: s.change}, 1000*time.Second)
		if s.given[0] != scard.StateUnaware || s.given[1] != scard.StatePresent|7<<16 || s.waits > 110 {
			t.Errorf("given %08X, then %08X; %d waits", s.given[0], s.given[1], s.waits)
		}
	})
}

// TestWatchDoesNotSpin: a library that returns at once for ever is waited for.
func TestWatchDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := 0
		story(t, &fake{change: func(*fakeContext, []scard.ReaderState, time.Duration) error {
			waits++
			return nil
		}}, 10*time.Second)
		if waits > 210 {
			t.Errorf("%d waits in ten seconds", waits)
		}
	})
}

// TestWatchEndsAtOnce: at any time of the loop, also when Cancel comes before the
// wait has begun and is lost, or races with its end.
func TestWatchEndsAtOnce(t *testing.T) {
	for _, after := range []time.Duration{0, time.Nanosecond, 100 * time.Millisecond, 10 * time.Second, 10*time.Second + 1} {
		synctest.Test(t, func(t *testing.T) { story(t, &fake{}, after) })
	}
	synctest.Test(t, func(t *testing.T) { // between two tries
		story(t, &fake{establish: func() error { return scard.ErrNoService }}, 400*time.Millisecond)
	})
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.change = func(c *fakeContext, _ []scard.ReaderState, timeout time.Duration) error {
			time.Sleep(time.Second + 20*time.Millisecond) // before it has begun; the first Cancel is lost
			return c.wait(timeout)
		}
		f.cancel = func(c *fakeContext) error {
			if f.cancelled.Load() == 1 {
				return scard.ErrInvalidHandle
			}
			select {
			case c.stop <- struct{}{}:
			default:
			}
			return nil
		}
		if got := story(t, f, time.Second); got != "0.00 up" || f.cancelled.Load() != 2 {
			t.Errorf("%s; %d times cancelled", got, f.cancelled.Load())
		}
	})
}

// TestWatchHungDaemon: a daemon that takes calls and does not answer is down. It
// is not tried again before the call is back, so that no second thread is lost.
func TestWatchHungDaemon(t *testing.T) {
	for _, where := range []string{"establish", "list", "wait", "wait and cancel", "cancel"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				hang := func(here string) bool {
					hung := strings.Contains(where, here) && time.Since(began) < 100*time.Second
					if hung {
						time.Sleep(100*time.Second - time.Since(began))
					}
					return hung
				}
				f := &fake{establish: func() error { hang("establish"); return nil }}
				f.list = func() ([]string, error) { hang("list"); return nil, scard.ErrNoReadersAvailable }
				f.change = func(c *fakeContext, _ []scard.ReaderState, timeout time.Duration) error {
					if hang("wait") {
						return scard.ErrCommError
					}
					if where == "cancel" && time.Since(began) < 15*time.Second {
						time.Sleep(15*time.Second + 10*time.Millisecond) // so that it must be cancelled
						return scard.ErrCancelled
					}
					return c.wait(timeout)
				}
				f.cancel = func(*fakeContext) error { hang("cancel"); return nil }
				s := newService(f)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				var mu sync.Mutex
				var all []smartcard.Event
				events := func() []smartcard.Event {
					synctest.Wait()
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(all)
				}
				go func() {
					ended <- s.Watch(ctx, func(e smartcard.Event) {
						mu.Lock()
						defer mu.Unlock()
						all = append(all, e)
					})
				}()
				time.Sleep(50 * time.Second)
				told := events()
				if got := tell(told); !strings.HasSuffix(got, "down") || strings.Count(got, "down") != 1 || s.Abandoned() == 0 || s.Abandoned() > 2 {
					t.Errorf("after 50 s: %q, %d calls out", got, s.Abandoned())
				}
				if down := told[len(told)-1].(smartcard.ServiceDown); !errors.Is(down.Err, smartcard.ErrNoService) {
					t.Error(down.Err)
				}
				time.Sleep(60 * time.Second)
				if got := tell(events()); !strings.HasSuffix(got, "down up") || s.Abandoned() != 0 {
					t.Errorf("after 110 s: %q, %d calls out", got, s.Abandoned())
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				checkContexts(t, f)
			})
		})
	}
}

// TestWatchEndsWhileHung: the end does not wait for the daemon either.
func TestWatchEndsWhileHung(t *testing.T) {
	for _, when := range []time.Duration{time.Second, 8 * time.Second} { // before and after it has been found out
		synctest.Test(t, func(t *testing.T) {
			f := &fake{list: func() ([]string, error) { time.Sleep(time.Minute); return nil, nil }}
			s := newService(f)
			ctx, cancel := context.WithTimeout(t.Context(), when)
			defer cancel()
			began := time.Now()
			if err := s.Watch(ctx, func(smartcard.Event) {}); err != nil {
				t.Error(err)
			}
			if d := time.Since(began); d > when+time.Second {
				t.Errorf("it took %s", d)
			}
			if err := s.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			checkContexts(t, f)
		})
	}
}

// TestOneWait: the library's map of names is for one wait at a time.
func TestOneWait(t *testing.T) {
	waiting.Lock()
	defer waiting.Unlock()
	if err := (libraryContext{}).GetStatusChange(nil, 0); !errors.Is(err, errSecondWait) {
		t.Error(err)
	}
}
