package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The yardstick is a program that does what the polled lines of an idle terminal ask
// of any program and nothing else: it sends so many bytes, waits for so many, and
// says that it has them. This process is the devices. What it uses is the price of
// waking up on this machine in this minute.

// asYardstick is the argument with which this program is started as the yardstick.
const asYardstick = "as-yardstick"

// rounds are those lines: the acceptor's poll, answer and ACK, and the panel's.
var rounds = []round{
	{every: 200 * time.Millisecond, ask: 6, answer: 6, thank: 6},
	{every: 400 * time.Millisecond, ask: 13, answer: 21},
}

type round struct {
	every              time.Duration
	ask, answer, thank int // bytes
}

// think is how long a device takes to answer.
const think = 3 * time.Millisecond

// firstLine is the descriptor of the first line in the yardstick; the others follow.
const firstLine = 3

type yardstick struct {
	cmd   *exec.Cmd
	lines []net.Conn
}

func startYardstick(ctx context.Context) (_ *yardstick, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	y := &yardstick{cmd: exec.CommandContext(ctx, self, asYardstick)}
	y.cmd.Stderr = os.Stderr
	defer func() {
		for _, f := range y.cmd.ExtraFiles {
			err = errors.Join(err, f.Close()) // its own copy stays open
		}
		if err != nil {
			y.stop()
		}
	}()
	for range rounds {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		y.cmd.ExtraFiles = append(y.cmd.ExtraFiles, os.NewFile(uintptr(fds[1]), "line"))
		line, err := connOf(os.NewFile(uintptr(fds[0]), "device"))
		if err != nil {
			return nil, err
		}
		y.lines = append(y.lines, line)
	}
	if err := y.cmd.Start(); err != nil {
		return nil, err
	}
	for i, r := range rounds {
		go r.device(y.lines[i]) // ends with its line
	}
	return y, nil
}

func (y *yardstick) pid() int { return y.cmd.Process.Pid }

func (y *yardstick) stop() {
	for _, l := range y.lines {
		_ = l.Close() // the other end sees it and ends
	}
	if y.cmd.Process != nil {
		_ = y.cmd.Wait() // its status is of no interest
	}
}

// device answers until its line is closed.
func (r round) device(line net.Conn) {
	for {
		if take(line, r.ask) != nil {
			return
		}
		time.Sleep(think)
		if _, err := line.Write(make([]byte, r.answer)); err != nil {
			return
		}
		if take(line, r.thank) != nil {
			return
		}
	}
}

// exchange is the yardstick's own program: until a line ends.
func exchange() {
	ended := make(chan error)
	for i, r := range rounds {
		line, err := connOf(os.NewFile(firstLine+uintptr(i), "line "+strconv.Itoa(i)))
		if err != nil {
			fmt.Fprintln(os.Stderr, "yardstick:", err)
			os.Exit(1)
		}
		go func() { ended <- r.program(line) }()
	}
	<-ended
}

func (r round) program(line net.Conn) error {
	ask, thank := make([]byte, r.ask), make([]byte, r.thank)
	for range time.Tick(r.every) {
		if _, err := line.Write(ask); err != nil {
			return err
		}
		if err := take(line, r.answer); err != nil {
			return err
		}
		if len(thank) == 0 {
			continue
		}
		if _, err := line.Write(thank); err != nil {
			return err
		}
	}
	return nil
}

// take reads n bytes.
func take(line net.Conn, n int) error {
	for b := make([]byte, 64); n > 0; {
		got, err := line.Read(b[:min(n, len(b))])
		if err != nil {
			return err
		}
		n -= got
	}
	return nil
}

// connOf is a socket as the runtime's poller waits for it.
func connOf(f *os.File) (net.Conn, error) {
	c, err := net.FileConn(f)
	return c, errors.Join(err, f.Close())
}
