package line_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/line"
)

func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := line.Pipe()
		if n, err := a.Write([]byte("there")); n != 5 || err != nil {
			t.Fatalf("a write without a reader: %d, %v", n, err)
		}
		buf := make([]byte, 3)
		for _, want := range []string{"the", "re"} {
			if n, err := b.Read(buf); err != nil || string(buf[:n]) != want {
				t.Fatalf("read %q, %v", buf[:n], err)
			}
		}
		if _, err := b.Write([]byte("old")); err != nil {
			t.Fatal(err)
		}
		if err := a.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Write([]byte("new")); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(buf); err != nil || string(buf[:n]) != "new" {
			t.Fatalf("after Flush read %q, %v", buf[:n], err)
		}
	})
}

func TestPipeStallsAndFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := line.Pipe()
		b.Stall(true)
		began := time.Now()
		if n, err := a.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("stalled: %d, %v", n, err)
		}
		if d := time.Since(began); d != line.DefaultWriteTimeout {
			t.Errorf("gave up after %s", d)
		}
		go func() {
			time.Sleep(time.Second)
			b.Stall(false)
		}()
		if n, err := a.Write([]byte("x")); n != 1 || err != nil {
			t.Errorf("a stall that ended in time: %d, %v", n, err)
		}
		big := bytes.Repeat([]byte("y"), line.PipeCapacity)
		if n, err := a.Write(big); n != line.PipeCapacity-1 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("full: %d, %v", n, err)
		}
	})
}

func TestPipeCloseReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := line.Pipe()
		if _, err := b.Write([]byte("last")); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := b.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-read; !errors.Is(err, io.EOF) {
			t.Errorf("a blocked Read ended with %v", err)
		}
		got, err := io.ReadAll(a)
		if err != nil || string(got) != "last" {
			t.Errorf("what was left: %q, %v", got, err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("write to a closed line: %v", err)
		}
	})
}
