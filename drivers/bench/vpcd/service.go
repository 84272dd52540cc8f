package vpcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// Slot is one of the two readers.
type Slot int

const (
	CardSlot  Slot = 0 // takes the citizen's card
	TokenPort Slot = 1 // takes a USB token, which is reader and card in one
)

// Reader is the name under which PC/SC lists the slot.
func (s Slot) Reader() string { return fmt.Sprintf("%s 00 %02X", ReaderName, int(s)) }

// SocketVariable tells a client of PC/SC where its daemon is.
const SocketVariable = "PCSCLITE_CSOCK_NAME"

// SocketName is the clients' socket's name in the folder given to Start.
const SocketName = "pcscd.comm"

// maxSocketPath is sun_path of unix(7) without its final zero, in bytes.
const maxSocketPath = 107

// Errors of orders that cannot be carried out now.
var (
	ErrRuns    = errors.New("pcscd runs already")
	ErrRunsNot = errors.New("pcscd does not run")
)

// errGone: the process inside has ended.
var errGone = errors.New("the process that holds the readers has ended")

// Service is a pcscd of one's own with two virtual readers. Its methods may be
// called from any goroutine.
type Service struct {
	socket  string
	changed func()

	process *os.Process // the first one inside
	conn    *net.UnixConn
	answers chan answer   // of the process inside
	gone    chan struct{} // closed: it has ended, and all that it held
	waited  error         // how; read after gone

	order sync.Mutex // one order at a time

	mu      sync.Mutex
	running bool
	how     string // the last pcscd ended
}

type answer struct {
	note note
	file *os.File
}

// Start makes the namespaces and starts pcscd in them, with its clients' socket in
// dir. changed is called whenever Running may have changed, without any lock held;
// it may be nil. ctx bounds the start alone: Close ends the service.
func Start(ctx context.Context, dir string, changed func()) (*Service, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Service{socket: filepath.Join(dir, SocketName), changed: changed, answers: make(chan answer), gone: make(chan struct{})}
	if n := len(s.socket); n > maxSocketPath {
		return nil, fmt.Errorf("%s has %d bytes and the path of a Unix socket has at most %d: choose a shorter folder", s.socket, n, maxSocketPath)
	}
	conn, theirs, err := controlPair()
	if err != nil {
		return nil, err
	}
	s.conn = conn
	err = s.spawn(theirs)
	if err := errors.Join(err, theirs.Close()); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go s.listen()
	select {
	case ready, ok := <-s.answers:
		switch {
		case !ok:
			err = errGone
		case ready.note.Error != "":
			err = errors.New(ready.note.Error)
		default:
			err = s.Launch(ctx)
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// spawn starts this program again as the first process of new namespaces.
func (s *Service) spawn(control *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, holdCommand)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{control}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Setpgid:     true, // an interrupt at the keyboard is for the caller alone
		Pdeathsig:   syscall.SIGKILL,
	}
	started := make(chan error, 1)
	go func() {
		// The kernel sends Pdeathsig when the thread that started a child ends, not
		// when its process does (prctl(2), PR_SET_PDEATHSIG): this one waits.
		runtime.LockOSThread()
		err := cmd.Start()
		s.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		s.waited = cmd.Wait()
		close(s.gone)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start pcscd in namespaces of its own (user_namespaces(7) must be allowed here): %w", err)
	}
	return nil
}

// listen hands over answers and takes notices until the process inside has ended.
func (s *Service) listen() {
	defer close(s.answers)
	for {
		n, file, err := receive(s.conn)
		if err != nil {
			s.set(false, "")
			return
		}
		if n.Notice == noticeEnded {
			s.set(false, n.Text)
			continue
		}
		if n.Order == orderLaunch && n.Error == "" {
			s.set(true, "")
		}
		s.answers <- answer{n, file}
	}
}

func (s *Service) set(running bool, how string) {
	s.mu.Lock()
	s.running, s.how = running, how
	s.mu.Unlock()
	if s.changed != nil {
		s.changed()
	}
}

// Socket is the path of the clients' socket, for SocketVariable.
func (s *Service) Socket() string { return s.socket }

// Running tells whether pcscd runs, and how the last one ended.
func (s *Service) Running() (running bool, ended string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running, s.how
}

// ask gives an order and takes its answer. The answers of the process inside have
// bounds of their own.
func (s *Service) ask(n note, file *os.File) (*os.File, error) {
	s.order.Lock()
	defer s.order.Unlock()
	if err := send(s.conn, n, file); err != nil {
		return nil, errors.Join(errGone, err)
	}
	a, ok := <-s.answers
	switch {
	case !ok:
		return nil, errGone
	case a.note.Error != "":
		return nil, errors.New(a.note.Error)
	}
	return a.file, nil
}

// Launch starts pcscd after Kill. It returns when the readers are there. ErrRuns:
// one runs.
func (s *Service) Launch(ctx context.Context) error {
	if running, _ := s.Running(); running {
		return ErrRuns
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// A killed daemon leaves its socket behind, on which nobody listens any more.
	if err := os.Remove(s.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.socket, Net: "unix"})
	if err != nil {
		return err
	}
	// From here on pcscd alone listens: when it is gone, clients are refused.
	l.SetUnlinkOnClose(false)
	f, err := l.File()
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	_, err = s.ask(note{Order: orderLaunch}, f)
	return errors.Join(err, f.Close())
}

// Kill ends pcscd by force, as a crash would: every reader goes with it, and
// clients are refused until Launch. ErrRunsNot: none runs.
func (s *Service) Kill() error {
	if running, _ := s.Running(); !running {
		return ErrRunsNot
	}
	_, err := s.ask(note{Order: orderKill}, nil)
	return err
}

// Dial puts a card in: the connection is for Serve, and closing it takes the card
// out. Readers notice either within 0.4 s.
func (s *Service) Dial(slot Slot) (net.Conn, error) {
	f, err := s.ask(note{Order: orderDial, Slot: int(slot)}, nil)
	if err != nil {
		return nil, err
	}
	conn, err := net.FileConn(f)
	return conn, errors.Join(err, f.Close())
}

// Close ends pcscd and all that belongs to it, and removes the socket. Cards that
// are in see their connections closed.
func (s *Service) Close() error {
	err := s.conn.Close()
	for range s.answers { // listen may be about to hand one over
	}
	if kill := s.process.Kill(); kill != nil && !errors.Is(kill, os.ErrProcessDone) { // all others inside die with it
		err = errors.Join(err, kill)
	}
	<-s.gone
	if rm := os.Remove(s.socket); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
