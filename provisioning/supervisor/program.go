package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Back-off of a program that dies: the pause doubles with each death and begins
// anew after a life that was long enough.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	longLife   = 10 * time.Second
)

// pause is how long to wait before the next start; deaths counts those in a row,
// this one included.
func pause(deaths int) time.Duration {
	d := firstPause
	for i := 1; i < deaths && d < lastPause; i++ {
		d *= 2
	}
	return min(d, lastPause)
}

// starter starts processes from one operating-system thread that lives as long
// as the supervisor: the kernel sends Pdeathsig when the thread that started a
// child ends, not when its process does (prctl(2), PR_SET_PDEATHSIG).
type starter struct {
	work chan func()
	done chan struct{}
}

func newStarter() *starter {
	s := &starter{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	s.work <- func() { err <- cmd.Start() }
	return <-err
}

// close ends the thread; the children must be gone by then.
func (s *starter) close() {
	close(s.work)
	<-s.done
}

// program is one child that is kept running.
type program struct {
	name    string
	path    string
	args    []string
	pidFile string
	fault   string // KIOSK_FAULTPOINT of the first start; "" for none
	log     *logFile
	say     func(format string, args ...any)

	starter *starter
	stop    chan struct{} // closed: send SIGTERM and start no more
	kill    chan struct{} // closed: send SIGKILL
	done    chan struct{} // closed by run: the process and its group are gone

	mu     sync.Mutex
	deaths int    // in a row
	words  string // its last line when it died
}

func (p *program) ended() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// died is how often it has died in a row, and its last words then.
func (p *program) died() (int, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deaths, p.words
}

// run keeps the program running until stop is closed, and returns when nothing
// of it is left.
func (p *program) run() {
	defer close(p.done)
	for n := 1; ; n++ {
		began := time.Now()
		how, err := p.once(n)
		if p.ended() {
			return
		}
		p.mu.Lock()
		if time.Since(began) >= longLife {
			p.deaths = 0
		}
		p.deaths++
		p.words = printable(p.log.lastLine())
		wait, words := pause(p.deaths), p.words
		p.mu.Unlock()
		if err != nil {
			how = "could not be started: " + err.Error()
		} else if words != "" && !strings.Contains(how, "signal") {
			how += ": " + words
		}
		p.say("%s %s; starting it again in %.1f s", p.name, how, wait.Seconds())
		select {
		case <-time.After(wait):
		case <-p.stop:
			return
		}
	}
}

// once starts the program and waits for its end, which how tells in words.
func (p *program) once(n int) (how string, err error) {
	cmd := exec.Command(p.path, p.args...)
	fault := ""
	if n == 1 {
		fault = p.fault
	}
	cmd.Env = environment(os.Environ(), fault)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.WaitDelay = 200 * time.Millisecond // for a pipe that a grandchild still holds
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.log.mark("%s: start %d", time.Now().Format(time.RFC3339), n)
	if err := p.starter.start(cmd); err != nil {
		return "", err
	}
	group := -cmd.Process.Pid
	if err := keep(p.pidFile, []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o644); err != nil {
		p.say("%s: %v", p.name, err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case err = <-exited:
	case <-p.stop:
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case err = <-exited:
		case <-p.kill:
			_ = syscall.Kill(group, syscall.SIGKILL)
			err = <-exited
		}
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // what it left in its group
	_ = os.Remove(p.pidFile)
	return ending(err), nil
}

func ending(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			return "ended (" + err.Error() + ")"
		}
		return "ended by itself (exit status 0)"
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%s)", ws.Signal(), ws.Signal())
	}
	return fmt.Sprintf("ended with exit status %d", exit.ExitCode())
}

// faultVariable tells kioskd of a build with fault points where to die.
const faultVariable = "KIOSK_FAULTPOINT"

// environment is what a child gets: the supervisor's own environment, in which a
// fault point would hit every start of every program, without it.
func environment(own []string, fault string) []string {
	var env []string
	for _, v := range own {
		if !strings.HasPrefix(v, faultVariable+"=") {
			env = append(env, v)
		}
	}
	if fault != "" {
		env = append(env, faultVariable+"="+fault)
	}
	return env
}

// printable is a line of a program, safe for the terminal it is shown on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.TrimSpace(s))
}
