package pcsc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pcsctest"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

// What the suite does not ask of every implementation, at the real daemon.

// insert puts a chip in and waits until the service has told it.
func (s stand) insert(w *smartcardtest.Watching, r smartcard.Reader, chip smartcardtest.Chip) {
	s.Insert(r, chip)
	smartcardtest.Until[smartcard.CardInserted](w, r)
}

// nobodyLeft checks that no goroutine of the service is left.
func (s stand) nobodyLeft(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.service.Wait(ctx); err != nil {
		t.Errorf("%d calls are out: %v", s.service.Abandoned(), err)
	}
	var stacks string
	for range 100 { // the last thing a goroutine does is to tell that it is done
		buffer := make([]byte, 1<<20)
		stacks = string(buffer[:runtime.Stack(buffer, true)])
		if !strings.Contains(stacks, "pcsc.(*Service).start") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

// TestIsolated: nobody outside can reach the virtual reader.
func TestIsolated(t *testing.T) {
	newStand(t)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); !ok || !n.IP.IsLoopback() {
			t.Errorf("the tests' network has the address %s", a)
		}
	}
}

// TestKilledAtWork: the daemon dies while a command runs.
func TestKilledAtWork(t *testing.T) {
	s := newStand(t)
	r := s.Readers()[0]
	w := smartcardtest.Watch(t, s.service)
	chip := smartcardtest.NewPlain(smartcardtest.ATRT1("work"))
	asked := make(chan struct{}, 1)
	chip.Answer = func([]byte) []byte { asked <- struct{}{}; return nil }
	s.insert(w, r, chip)
	c, err := s.service.Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-asked
		s.StopService()
	}()
	began := time.Now()
	if _, err := c.Transmit(t.Context(), command); !errors.Is(err, smartcard.ErrNoService) || time.Since(began) > time.Second {
		t.Errorf("transmit: %v after %s", err, time.Since(began))
	}
	if err := c.Close(); !errors.Is(err, smartcard.ErrNoService) {
		t.Errorf("close: %v", err)
	}
	smartcardtest.Until[smartcard.ServiceDown](w, "")
	<-stopped
	chip.Answer = nil
	s.StartService()
	smartcardtest.Until[smartcard.CardInserted](w, r)
	if chip.Count(command) != 1 || chip.Verified() {
		t.Errorf("the card has had the command %d times; verified %v", chip.Count(command), chip.Verified())
	}
	w.Stop()
	s.nobodyLeft(t)
}

// TestFrozen: a daemon that takes calls and does not answer holds nothing up, and
// is used again when it goes on.
func TestFrozen(t *testing.T) {
	s := newStand(t)
	r := s.Readers()[0]
	w := smartcardtest.Watch(t, s.service)
	chip := smartcardtest.NewPlain(smartcardtest.ATRT1("ice"))
	s.insert(w, r, chip)
	open, err := s.service.Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	s.Freeze()
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := open.Transmit(short, command); !errors.Is(err, smartcard.ErrStuck) {
		t.Errorf("transmit: %v", err)
	}
	short, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.service.Connect(short, s.Readers()[1]); !errors.Is(err, smartcard.ErrStuck) {
		t.Errorf("connect: %v", err)
	}
	w.Stop() // in time, although Cancel asks the daemon too
	s.Thaw()
	s.nobodyLeft(t)
	if chip.Verified() {
		t.Error("the abandoned connection did not reset the card")
	}
	w = smartcardtest.Watch(t, s.service)
	smartcardtest.Until[smartcard.CardInserted](w, r)
	c, err := s.service.Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestJobsInAllReaders: a job after the other in each of four readers, with cards
// that come and go, while the readers are watched; nothing is left at the end.
func TestJobsInAllReaders(t *testing.T) {
	s := stand{pcsctest.Start(t, 4), New()}
	w := smartcardtest.Watch(t, s.service)
	var chips []*smartcardtest.Plain
	for range s.Readers() {
		chips = append(chips, smartcardtest.NewPlain(smartcardtest.ATRT1("busy")))
	}
	for i, r := range s.Readers() {
		s.Insert(r, chips[i])
	}
	for in := 0; in < len(chips); {
		if _, ok := w.Next().(smartcard.CardInserted); ok {
			in++
		}
	}
	const jobs = 25
	var all sync.WaitGroup
	for _, r := range s.Readers() {
		all.Go(func() {
			for range jobs {
				if err := s.job(t.Context(), r); err != nil {
					t.Errorf("%s: %v", r, err)
					return
				}
			}
		})
	}
	all.Wait()
	for i, chip := range chips {
		if chip.Count(command) != jobs || chip.Verified() || chip.Resets() < jobs {
			t.Errorf("card %d: %d commands, %d resets, verified %v", i, chip.Count(command), chip.Resets(), chip.Verified())
		}
	}
	w.Stop()
	if err := smartcardtest.CheckOrder(w.Seen()); err != nil {
		t.Error(err)
	}
	s.nobodyLeft(t)
}

func (s stand) job(ctx context.Context, r smartcard.Reader) error {
	c, err := s.service.Connect(ctx, r)
	if err != nil {
		return err
	}
	if err := c.Begin(ctx); err != nil {
		return errors.Join(err, c.Close())
	}
	_, err = c.Transmit(ctx, command)
	return errors.Join(err, c.End(), c.Close())
}

// TestVirtualReaderIsShort: Debian's virtual reader does not tell how long a
// command it carries, so it is given short ones.
func TestVirtualReaderIsShort(t *testing.T) {
	s := newStand(t)
	w := smartcardtest.Watch(t, s.service)
	r := s.Readers()[0]
	s.insert(w, r, smartcardtest.NewPlain(smartcardtest.ATRT1("short")))
	c, err := s.service.Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if n := c.MaxCommand(); n != shortMost && n != extendedMost { // later versions do tell
		t.Errorf("longest command %d", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestRealCommandLine: the daemon of the tests is found in the real /proc. Other
// ones of the machine may be seen beside it, with what flags they like.
func TestRealCommandLine(t *testing.T) {
	s := newStand(t)
	w := smartcardtest.Watch(t, s.service)
	smartcardtest.Until[smartcard.ServiceUp](w, "") // the shell has become the daemon
	if _, err := LoggingFlags(os.DirFS("/proc")); err != nil {
		t.Error(err)
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if flags := loggingFlags(line); len(flags) > 0 {
		t.Errorf("%q: %v", line, flags)
	}
}

// BenchmarkExchange is one short command through the daemon and the virtual
// reader; a job is the whole of Connect, Begin, exchange, End, Close.
func BenchmarkExchange(b *testing.B) {
	d := pcsctest.Start(b, 2)
	s := stand{d, New()}
	r := d.Readers()[0]
	d.Insert(r, smartcardtest.NewPlain(smartcardtest.ATRT1("bench")))
	var c smartcard.Card
	for {
		var err error
		if c, err = s.service.Connect(b.Context(), r); err == nil {
			break
		}
		if !errors.Is(err, smartcard.ErrNoCard) && !errors.Is(err, smartcard.ErrNoReader) {
			b.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // it is seen after 0.4 s at the latest
	}
	b.Run("exchange", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Transmit(b.Context(), command); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("job", func(b *testing.B) {
		for b.Loop() {
			if err := s.job(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
