package vpcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Card is what was put into a reader. Its methods are called one at a time.
type Card interface {
	// ATR is the answer to reset (ISO/IEC 7816-3 section 8), at most 33 bytes. The
	// reader asks for it more than twice a second: this is how it sees that the card
	// is still there. A longer one is none: see NoATR.
	ATR() []byte
	// Reset is power off, power on or a warm reset: verified PINs and what was
	// selected are forgotten.
	Reset()
	// Command is a command and its answer with the status word; nil: the card keeps
	// silent. The command belongs to the caller again afterwards.
	Command(apdu []byte) []byte
}

// Control messages of the reader: one byte, as no command is that short.
const (
	powerOff = 0x00
	powerOn  = 0x01
	reset    = 0x02
	getATR   = 0x04
)

// maxMessage is what two bytes of length can say.
const maxMessage = 0xFFFF

// maxATR is the longest answer to reset (ISO/IEC 7816-3 section 8.1: TS and at
// most 32 characters).
const maxATR = 33

// NoATR stands for the answer to reset of a card whose contacts do not meet those
// of the reader: something is there, and it cannot be powered up. It is longer
// than any answer to reset, so the driver counts the card as present and fails to
// pass it on.
func NoATR() []byte { return make([]byte, maxATR+1) }

var errTooLong = errors.New("the card's answer is longer than vpcd can carry")

// Serve answers the reader for the card until the connection is closed, by either
// side; then it returns nil.
func Serve(conn net.Conn, c Card) error {
	r := newReader(conn)
	in, out := make([]byte, 2+maxMessage), make([]byte, 2+maxMessage)
	defer clear(in) // commands hold PINs, answers personal data
	defer clear(out)
	for {
		message, err := r.message(in)
		if err != nil {
			return gone(err)
		}
		var answer []byte
		switch {
		case len(message) == 0:
			continue // says nothing
		case len(message) > 1:
			answer = c.Command(message)
		case message[0] == getATR:
			answer = c.ATR()
		case message[0] == powerOff, message[0] == powerOn, message[0] == reset:
			c.Reset()
		}
		// An answer of length zero would not be taken for one: the driver waits on.
		if len(answer) == 0 {
			continue
		}
		if len(answer) > maxMessage {
			return errTooLong
		}
		binary.BigEndian.PutUint16(out, uint16(len(answer)))
		n := 2 + copy(out[2:], answer)
		clear(answer)
		if _, err := conn.Write(out[:n]); err != nil { // one write for each message
			return gone(err)
		}
	}
}

// gone is nil for the ends of a connection that are no fault: pcscd closes it,
// dies, or the card is pulled.
func gone(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return nil
		}
	}
	return fmt.Errorf("connection to the reader: %w", err)
}

// reader takes messages from a connection by their length: several may come in
// one segment, and one in several.
type reader struct {
	conn net.Conn
	raw  syscall.RawConn // nil for what is not TCP
}

func newReader(conn net.Conn) *reader {
	r := &reader{conn: conn}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(true) // without it only slower
		r.raw, _ = tcp.SyscallConn()
	}
	return r
}

// message reads the next message into buf, which has room for the longest.
func (r *reader) message(buf []byte) ([]byte, error) {
	if _, err := io.ReadFull(r, buf[:2]); err != nil {
		return nil, err
	}
	message := buf[2 : 2+int(binary.BigEndian.Uint16(buf))]
	_, err := io.ReadFull(r, message)
	return message, err
}

// Read is the connection's, with acknowledgements that are not delayed.
func (r *reader) Read(p []byte) (int, error) {
	if r.raw != nil {
		_ = r.raw.Control(func(fd uintptr) { // without it only slower
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
	return r.conn.Read(p)
}
