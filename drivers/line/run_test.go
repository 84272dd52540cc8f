package line_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
	"github.com/asan-kiosk/kiosk/drivers/line/linetest"
)

// probe is a protocol that writes down what it is told and does what the test
// sets.
type probe struct {
	mu   sync.Mutex
	seen []string
	at   []time.Time
	next func(now time.Time, in line.Input[string]) line.Output[string]
}

func (p *probe) Step(now time.Time, in line.Input[string]) line.Output[string] {
	p.mu.Lock()
	defer p.mu.Unlock()
	var what []string
	switch in.Link {
	case line.LinkUp:
		what = append(what, "up")
	case line.LinkDown:
		what = append(what, "down:"+in.Cause)
	}
	if len(in.Received) > 0 {
		what = append(what, "got:"+string(in.Received))
	}
	what = append(what, in.Commands...)
	if len(what) == 0 {
		what = []string{"timer"}
	}
	p.seen = append(p.seen, strings.Join(what, "+"))
	p.at = append(p.at, now)
	if p.next != nil {
		return p.next(now, in)
	}
	return line.Output[string]{}
}

func (p *probe) told() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, " ")
}

// running starts Run and returns how to stop it and what it ended with.
func running(t *testing.T, opener line.Opener, p *probe, commands <-chan string, deliver func(string)) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	if deliver == nil {
		deliver = func(string) {}
	}
	go func() {
		ended <- line.Run[string, string](ctx, opener, p, commands, deliver, line.Options{})
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

func TestRunReadsWritesAndWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := &probe{next: func(now time.Time, in line.Input[string]) line.Output[string] {
			switch {
			case in.Link == line.LinkUp:
				return line.Output[string]{Send: []byte("hello"), Wake: now.Add(3 * time.Second)}
			case string(in.Received) == "answer":
				return line.Output[string]{Events: []string{"one", "two"}}
			}
			return line.Output[string]{}
		}}
		var events []string
		stop := running(t, socket.Open, p, nil, func(e string) { events = append(events, e) })
		far := <-socket.Far()
		buf := make([]byte, 16)
		n, err := far.Read(buf)
		if err != nil || string(buf[:n]) != "hello" {
			t.Fatalf("the far end read %q, %v", buf[:n], err)
		}
		began := time.Now()
		time.Sleep(4 * time.Second)
		if got := p.told(); got != "up timer" || p.at[1].Sub(began) != 3*time.Second {
			t.Errorf("told %q", got)
		}
		if _, err := far.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		if strings.Join(events, " ") != "one two" || p.told() != "up timer got:answer" {
			t.Errorf("events %v, told %q", events, p.told())
		}
	})
}

func TestRunTellsALostLineOnceAndOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := &probe{}
		stop := running(t, socket.Open, p, nil, nil)
		<-socket.Far()
		synctest.Wait()
		socket.Unplug()
		time.Sleep(10 * time.Second)
		if got := p.told(); got != "up down:read: EOF down:no such device" {
			t.Errorf("told %q", got)
		}
		socket.Plug()
		time.Sleep(time.Second)
		if got := p.told(); !strings.HasSuffix(got, " up") {
			t.Errorf("told %q", got)
		}
		_ = stop() // how it ends is another test's question
	})
}

// Pauses grow to a second, and a port that never brings a byte does not make the
// loop spin.
func TestRunPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		opener := func(context.Context) (line.Port, error) {
			at = append(at, time.Since(began))
			near, far := line.Pipe()
			if len(at)%2 == 0 {
				return nil, errors.New("busy")
			}
			_ = far.Close() // a pipe's Close cannot fail
			return near, nil
		}
		stop := running(t, opener, &probe{}, nil, nil)
		time.Sleep(20 * time.Second)
		_ = stop()
		ms := []int{0, 100, 300, 700, 1500, 2500, 3500}
		for i, want := range ms {
			if at[i] != time.Duration(want)*time.Millisecond {
				t.Errorf("opening %d after %s, want %d ms", i, at[i], want)
			}
		}
	})
}

func TestRunLosesAStalledLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := &probe{next: func(now time.Time, in line.Input[string]) line.Output[string] {
			if len(in.Commands) > 0 {
				return line.Output[string]{Send: []byte("data"), Events: []string{"sent"}}
			}
			return line.Output[string]{}
		}}
		commands := make(chan string)
		var events []string
		stop := running(t, socket.Open, p, commands, func(e string) { events = append(events, e) })
		far := <-socket.Far()
		synctest.Wait()
		far.Stall(true)
		commands <- "go"
		time.Sleep(line.DefaultWriteTimeout + 50*time.Millisecond)
		synctest.Wait()
		if got := p.told(); got != "up go down:write: i/o timeout" {
			t.Errorf("told %q", got)
		}
		_ = stop()
		if len(events) != 1 {
			t.Errorf("events %v", events)
		}
	})
}

func TestRunReopensWithoutLinkDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := &probe{next: func(_ time.Time, in line.Input[string]) line.Output[string] {
			return line.Output[string]{Reopen: len(in.Commands) > 0}
		}}
		commands := make(chan string)
		stop := running(t, socket.Open, p, commands, nil)
		<-socket.Far()
		synctest.Wait()
		commands <- "anew"
		time.Sleep(time.Second)
		if got := p.told(); got != "up anew up" {
			t.Errorf("told %q", got)
		}
		_ = stop()
	})
}

// The sender of commands never waits for a slow reader of events.
func TestRunTakesCommandsWhileDelivering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := linetest.NewSocket()
		p := &probe{next: func(_ time.Time, in line.Input[string]) line.Output[string] {
			return line.Output[string]{Events: in.Commands}
		}}
		commands := make(chan string)
		gate := make(chan struct{})
		var events []string
		stop := running(t, socket.Open, p, commands, func(e string) {
			<-gate
			events = append(events, e)
		})
		for _, c := range []string{"a", "b", "c", "d"} {
			commands <- c // would hang if it waited for deliver
		}
		close(gate)
		synctest.Wait()
		close(commands)
		synctest.Wait()
		_ = stop()
		if strings.Join(events, "") != "abcd" {
			t.Errorf("delivered %v", events)
		}
	})
}

func TestRunEndsWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opener := func(ctx context.Context) (line.Port, error) {
			<-ctx.Done()
			near, _ := line.Pipe()
			return near, nil
		}
		stop := running(t, opener, &probe{}, nil, nil)
		time.Sleep(time.Second)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestProgress: the loop says that it gets round, also where there is no port and
// nothing to do, and says nothing while it stands still.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration // between two steps; 0: none
		dead  bool          // there is no port
		stuck time.Duration // how long a delivery takes
		least int           // calls in a minute
		most  time.Duration // longest time without one
	}{
		{name: "a step each second", every: time.Second, least: 60, most: time.Second},
		{name: "nothing to do", least: 12, most: line.Heartbeat},
		{name: "no port", dead: true, least: 12, most: line.Heartbeat},
		{name: "a delivery that does not end", every: time.Second, stuck: time.Hour, most: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				socket := linetest.NewSocket()
				open := line.Opener(socket.Open)
				if c.dead {
					open = func(context.Context) (line.Port, error) { return nil, errors.New("no such port") }
				}
				p := &probe{next: func(now time.Time, _ line.Input[string]) (out line.Output[string]) {
					if c.every > 0 {
						out.Wake = now.Add(c.every)
					}
					if c.stuck > 0 {
						out.Events = []string{"x"}
					}
					return out
				}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Millisecond)
				defer cancel()
				calls, last, longest := 0, time.Now(), time.Duration(0)
				note := func() {
					if ctx.Err() == nil {
						longest, last = max(longest, time.Since(last)), time.Now()
						calls++
					}
				}
				deliver := func(string) { time.Sleep(c.stuck) }
				err := line.Run[string, string](ctx, open, p, nil, deliver, line.Options{Progress: note})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended with %v", err)
				}
				if calls < c.least || longest > c.most+time.Millisecond || c.stuck > 0 && calls > 0 {
					t.Errorf("%d calls, longest time without one %v", calls, longest)
				}
			})
		})
	}
}
