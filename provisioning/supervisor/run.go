package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Times of a start and an end.
const (
	startWait = 60 * time.Second       // for a program to answer
	mostDies  = 5                      // deaths in a row before the first answer
	probeGap  = 50 * time.Millisecond  // between two questions whether it answers
	firstTerm = 900 * time.Millisecond // for kioskd to end in order, before the others are told
	allTerm   = 700 * time.Millisecond // for the others; then whatever is left is killed
)

// errStopped: a signal told the supervisor to end.
var errStopped = errors.New("told to end")

// supervisor is one running terminal.
type supervisor struct {
	o       *options
	ports   ports
	starter *starter
	running []*program // in the order of their starts

	outMu sync.Mutex
	out   io.Writer
}

// run starts everything, says when it is ready, and ends everything on the first
// signal; a second one skips the courtesies. It returns when no process, device
// or socket of it is left.
func run(ctx context.Context, o options, signals <-chan os.Signal, out io.Writer) (err error) {
	locked, err := lock(o.dir)
	if err != nil {
		return err
	}
	defer locked.Close()
	if err := o.sweep(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hurry, finished, watched := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for _, act := range []func(){func() { cancel(errStopped) }, func() { close(hurry) }} {
			select {
			case <-signals:
				act()
			case <-finished:
				return
			}
		}
	}()
	s := &supervisor{o: &o, out: out, starter: newStarter()}
	defer func() {
		s.end(hurry)
		s.starter.close()
		close(finished)
		<-watched
		if errors.Is(err, errStopped) {
			err = nil
		}
		err = errors.Join(err, o.sweep())
	}()
	if err := s.start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// start prepares the folder and brings the programs up, one after the other.
func (s *supervisor) start(ctx context.Context) (err error) {
	o := s.o
	if s.ports, err = choosePorts(o); err != nil {
		return err
	}
	id, err := prepare(ctx, o, s.ports)
	if err != nil {
		return err
	}
	screen := "http://" + address(s.ports.Screen) + "/"
	launch := screen + "#token=" + id.token
	bench := "http://" + address(s.ports.Bench) + "/"
	if o.portZero {
		s.say("%s", announcement{Screen: address(s.ports.Screen), Bench: address(s.ports.Bench), Central: address(s.ports.Central),
			Network: address(s.ports.Network), Token: id.token, ScreenURL: launch, BenchURL: bench,
			Dir: o.dir, Config: o.config(), Socket: o.socket(), Uplink: o.uplink(), PID: os.Getpid()}.line())
	}
	// A mistake that kioskd would die of at every start is better told once.
	if _, err := aside(ctx, "", o.program("kioskd"), "check", "--config", o.config()); err != nil {
		return err
	}
	benchArgs := []string{"--dir", o.dir, "--listen", address(s.ports.Bench), "--central", address(s.ports.TLS),
		"--central-demo", "http://" + address(s.ports.Central), "--network-listen", address(s.ports.Network), "--screen-url", launch,
		"--baud", strconv.Itoa(o.printerBaud)}
	if o.cardPIN != "" {
		benchArgs = append(benchArgs, "--card-pin", o.cardPIN)
	}
	if o.record {
		benchArgs = append(benchArgs, "--record", o.path("log", "line.log"))
	}
	answers := func(int) bool { return true }
	well := func(status int) bool { return status == http.StatusOK }
	for _, one := range []struct {
		name, fault, url string
		args             []string
		good             func(status int) bool
		after            func() error // once it answers
	}{
		{name: "bench", args: benchArgs, url: bench, good: answers},
		{name: "centrald", args: []string{"--listen", address(s.ports.Central), "--store", o.path("central", "central.db"), "--demo",
			"--trust", o.trust(), "--ocsp", bench + "pki/ocsp", "--tls-listen", address(s.ports.TLS), "--ca-dir", o.ca()},
			url: "http://" + address(s.ports.Central) + "/", good: answers, after: func() error { return enrolTerminal(ctx, o, s.ports, id) }},
		{name: "uplink", args: []string{"uplink", "--config", o.config()}, url: overSocket, good: well},
		{name: "kioskd", args: []string{"run", "--config", o.config()}, fault: o.fault,
			url: screen, good: well},
	} {
		if o.bare && (one.name == "uplink" || one.name == "kioskd") {
			continue
		}
		s.note("starting %s", one.name)
		p, err := s.add(one.name, one.fault, one.args)
		if err != nil {
			return err
		}
		if err := s.await(ctx, p, one.url, one.good); err != nil {
			return err
		}
		if one.after != nil {
			if err := one.after(); err != nil {
				return err
			}
		}
	}
	if o.bare {
		s.say("Everything around the terminal is ready.")
		return nil
	}
	s.say("The terminal is ready.  Screen: %s  Bench: %s", launch, bench)
	return nil
}

// add starts a program and keeps it running.
func (s *supervisor) add(name, fault string, args []string) (*program, error) {
	l, err := openLog(s.o.path("log", name+".log"), maxLog)
	if err != nil {
		return nil, err
	}
	p := &program{name: name, path: s.o.program(name), args: args, pidFile: s.o.path(name + ".pid"), fault: fault,
		log: l, say: s.say, starter: s.starter,
		stop: make(chan struct{}), kill: make(chan struct{}), done: make(chan struct{})}
	s.running = append(s.running, p)
	go p.run()
	return p, nil
}

// await waits until the program answers. One that keeps dying before it ever
// answers is given up, with its last words.
func (s *supervisor) await(ctx context.Context, p *program, url string, good func(int) bool) error {
	client := &http.Client{
		Timeout:       time.Second,
		Transport:     s.transport(url),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	until := time.Now().Add(startWait)
	for {
		status, err := get(ctx, client, url)
		if err == nil && good(status) {
			return nil
		}
		deaths, last := p.died()
		trouble := ""
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case deaths >= mostDies:
			trouble = fmt.Sprintf("died %d times before it answered", deaths)
		case time.Now().After(until):
			trouble = fmt.Sprintf("does not answer at %s after %.0f s", url, startWait.Seconds())
			if err == nil {
				trouble += fmt.Sprintf(" as it should (HTTP status %d)", status)
			}
		}
		if trouble != "" {
			if last != "" {
				last = "; its last words: " + last
			}
			return fmt.Errorf("%s %s%s; its log is %s", p.name, trouble, last, p.log.path)
		}
		select {
		case <-time.After(probeGap):
		case <-ctx.Done():
		}
	}
}

// overSocket is where the uplink answers, through its socket.
const overSocket = "http://uplink/uplink/v1/status"

// transport reaches a program of ours. A proxy of the environment is not for this
// machine.
func (s *supervisor) transport(url string) *http.Transport {
	t := &http.Transport{DisableKeepAlives: true}
	if url == overSocket {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.o.uplink())
		}
	}
	return t
}

func get(ctx context.Context, client *http.Client, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// end brings everything down within two seconds: kioskd first, while the bench
// and central still answer it, then the others, then by force.
func (s *supervisor) end(hurry <-chan struct{}) {
	var first, rest []*program
	for _, p := range s.running {
		if p.name == "kioskd" {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	tell(first)
	settle(first, firstTerm, hurry)
	tell(rest)
	settle(s.running, allTerm, hurry)
	for _, p := range s.running {
		close(p.kill)
	}
	for _, p := range s.running {
		<-p.done
		_ = p.log.Close()
	}
}

func tell(programs []*program) {
	for _, p := range programs {
		close(p.stop)
	}
}

// settle waits until the programs are gone, but not longer than wait.
func settle(programs []*program, wait time.Duration, hurry <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for _, p := range programs {
		select {
		case <-p.done:
		case <-timer.C:
			return
		case <-hurry:
			return
		}
	}
}

// say prints a line about something that happened.
func (s *supervisor) say(format string, args ...any) {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// note prints a line that --quiet leaves out.
func (s *supervisor) note(format string, args ...any) {
	if !s.o.quiet {
		s.say(format, args...)
	}
}
