package vpcd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// What Start's side asks of the process inside. Each order gets one answer; one
// kind of notice comes unasked.
const (
	orderLaunch = "launch" // start pcscd; with the clients' listening socket
	orderKill   = "kill"   // end pcscd by force
	orderDial   = "dial"   // connect to a slot; the answer has the connection

	noticeReady = "ready" // the namespace is furnished
	noticeEnded = "ended" // pcscd has ended
)

// note is one message between the two, on a socket that keeps messages apart
// (SOCK_SEQPACKET, unix(7)); an open file may go with it.
type note struct {
	Order  string `json:"order,omitempty"`
	Slot   int    `json:"slot,omitempty"`
	Notice string `json:"notice,omitempty"`
	Text   string `json:"text,omitempty"` // of a notice: how pcscd ended
	Error  string `json:"error,omitempty"`
}

const maxNote = 4096

// controlPair makes the two ends of a control socket: one to use here and one to
// hand over.
func controlPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "control socket")
	ours, err := controlConn(os.NewFile(uintptr(fds[0]), "control socket"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// controlConn turns a file into the connection that it is.
func controlConn(f *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return conn.(*net.UnixConn), nil
}

// send sends a message and, unless it is nil, an open file with it.
func send(c *net.UnixConn, n note, file *os.File) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if file == nil {
		_, err = c.Write(b)
		return err
	}
	raw, err := file.SyscallConn() // Fd would make the file blocking
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { _, _, failed = c.WriteMsgUnix(b, unix.UnixRights(int(fd)), nil) })
	return errors.Join(err, failed)
}

// receive takes the next message and the file that came with it, if any. io.EOF:
// the other side has gone.
func receive(c *net.UnixConn) (note, *os.File, error) {
	var n note
	b, oob := make([]byte, maxNote), make([]byte, unix.CmsgSpace(4))
	got, gotOOB, flags, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		return n, nil, err
	}
	file, err := fileOf(oob[:gotOOB])
	switch {
	case err != nil:
	case got == 0 && file == nil:
		return n, nil, io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = errors.New("control socket: message cut short")
	default:
		err = json.Unmarshal(b[:got], &n)
	}
	if err != nil && file != nil {
		err = errors.Join(err, file.Close())
		file = nil
	}
	return n, file, err
}

// fileOf takes the one descriptor out of a message's ancillary data. Go asks the
// kernel for it with MSG_CMSG_CLOEXEC, so no child inherits it.
func fileOf(oob []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, errors.Join(err, unix.Close(fds[0]))
	}
	return os.NewFile(uintptr(fds[0]), "handed over"), nil
}
