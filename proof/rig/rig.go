// Package rig puts up a whole terminal for a measurement: the supervisor with
// bench, central and kioskd, as processes of their own on free ports, in a
// temporary folder. The measurement is at the same place as a person or an
// operator: at the screen, at the bench, and at the programs from outside.
package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// Times of a start and an end.
const (
	readyWait = 90 * time.Second // until a service is offered, on a busy machine
	stopWait  = 10 * time.Second // for the supervisor to end everything in order
)

// Options say what to put up.
type Options struct {
	BinDir string // folder of the programs; empty: bin
	Fault  string // NAME:N, the fault point at which kioskd's first life ends; needs programs with fault points
	Quiet  bool   // what the supervisor says goes nowhere; otherwise to standard error
	Dir    string // folder of the terminal, which stays; empty: a temporary one, which goes with Stop
	Bare   bool   // without kioskd, whose two processes the caller starts
}

// errNoWord: the supervisor ended before it announced the terminal.
var errNoWord = errors.New("it ended")

// announcement is the line of the supervisor's --port-zero.
type announcement struct {
	robot.Terminal
	ScreenURL string `json:"screen_url"`
	Socket    string `json:"socket"`
	Uplink    string `json:"uplink"`
	Config    string `json:"config"`
}

// Rig is a running terminal. Stop ends it.
type Rig struct {
	Terminal  robot.Terminal
	Dir       string // everything that the terminal keeps
	BinDir    string
	ScreenURL string // with the token in its fragment, as the terminal's browser opens it
	Socket    string // kioskd's admin socket
	Uplink    string // socket between kioskd's processes

	keep   bool
	cmd    *exec.Cmd
	talked chan struct{} // closed when the supervisor has said its last word
}

// Start puts up a terminal and returns when its screen invites people and offers
// a service; a bare one, when everything around kioskd is there. The end of ctx
// ends the terminal too.
func Start(ctx context.Context, o Options) (_ *Rig, err error) {
	if o.BinDir == "" {
		o.BinDir = "bin"
	}
	// The folder's path is part of a Unix socket's, which has little room.
	dir, keep := o.Dir, o.Dir != ""
	if !keep {
		if dir, err = os.MkdirTemp("", "kiosk-rig-"); err != nil {
			return nil, err
		}
	}
	args := []string{"--dir", dir, "--bin-dir", o.BinDir, "--port-zero"}
	if o.Fault != "" {
		args = append(args, "--fault", o.Fault)
	}
	r := &Rig{Dir: dir, BinDir: o.BinDir, keep: keep, talked: make(chan struct{})}
	defer func() {
		if err != nil {
			r.Stop()
		}
	}()
	if o.Bare {
		args = append(args, "--without-kioskd")
	}
	says := io.Writer(os.Stderr)
	if o.Quiet {
		args, says = append(args, "--quiet"), io.Discard
	}
	// Whoever reads the figures may be gone before they are written: that ends no
	// measurement before its Stop. Caught, not ignored, so that children inherit nothing.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	r.cmd = exec.CommandContext(ctx, filepath.Join(o.BinDir, "supervisor"), args...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = stopWait
	var last lastWords
	r.cmd.Stderr = io.MultiWriter(says, &last)
	out, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		close(r.talked)
		r.cmd = nil
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	announced, ready := make(chan announcement, 1), make(chan struct{})
	go func() {
		defer close(r.talked)
		defer close(announced)
		found, told := false, false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var a announcement
			if !found && json.Unmarshal(lines.Bytes(), &a) == nil && a.Screen != "" {
				found = true
				announced <- a
				continue
			}
			if !told && strings.Contains(lines.Text(), "is ready") {
				told = true
				close(ready)
			}
			fmt.Fprintln(says, lines.Text())
		}
	}()
	a, ok := <-announced
	if !ok {
		status := r.cmd.Wait() // then its last words are whole
		r.cmd = nil
		return nil, fmt.Errorf("the supervisor did not say where the terminal is: %w: %s", errors.Join(errNoWord, status), last.String())
	}
	r.Terminal, r.ScreenURL, r.Socket, r.Uplink = a.Terminal, a.ScreenURL, a.Socket, a.Uplink
	wait, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	if o.Bare {
		select {
		case <-ready:
			return r, nil
		case <-r.talked:
			return nil, fmt.Errorf("what stands around the terminal: %w: %s", errNoWord, last.String())
		case <-wait.Done():
			return nil, fmt.Errorf("what stands around the terminal: %w", wait.Err())
		}
	}
	if err := r.Offered(wait); err != nil {
		return nil, err
	}
	return r, nil
}

// Offered waits until the screen invites people and a service can be had, and
// leaves the screen free for another page.
func (r *Rig) Offered(ctx context.Context) error {
	for {
		page, err := r.Terminal.Open(ctx)
		if err != nil {
			return fmt.Errorf("the terminal does not come to offer a service: %w", err)
		}
		for err == nil && ctx.Err() == nil {
			v := page.State.Visit
			if v.Step == wire.StepAttract && anyAvailable(v.Services) {
				page.Close()
				return nil
			}
			_, err = page.Next(time.Second)
		}
		page.Close()
		if ctx.Err() != nil {
			return fmt.Errorf("the terminal does not come to offer a service: %w", ctx.Err())
		}
	}
}

func anyAvailable(services []wire.Service) bool {
	for _, s := range services {
		if s.Available {
			return true
		}
	}
	return false
}

// PIDOf is the process of one of the programs (bench, centrald, kioskd), as the
// supervisor wrote it down. It changes when a program dies and is started again.
func (r *Rig) PIDOf(name string) (int, error) {
	b, err := os.ReadFile(filepath.Join(r.Dir, name+".pid"))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("%s.pid holds %q and not a process", name, b)
	}
	return pid, nil
}

// Stop ends the terminal in order and removes its folder, unless it is the caller's. It may be called more
// than once.
func (r *Rig) Stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(stopWait, func() { _ = r.cmd.Process.Kill() }) // the kernel kills its children with it
		<-r.talked
		_ = r.cmd.Wait() // its status is of no interest: it was told to end
		killer.Stop()
		r.cmd = nil
	}
	if !r.keep {
		_ = os.RemoveAll(r.Dir)
	}
}

// lastWords keeps the end of what a program says, for an error's text.
type lastWords struct{ b []byte }

const mostWords = 2048

func (l *lastWords) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	if n := len(l.b) - mostWords; n > 0 {
		l.b = append(l.b[:0], l.b[n:]...)
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	if s := strings.TrimSpace(string(l.b)); s != "" {
		return s
	}
	return "it said nothing"
}
