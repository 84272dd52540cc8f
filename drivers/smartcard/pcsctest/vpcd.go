package pcsctest

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asan-kiosk/kiosk/drivers/smartcard/smartcardtest"
)

// Control bytes of vpcd (protocols/esign-card.md 13.3). A message is two bytes
// length, big-endian, and that many bytes; one of a single byte is control.
const (
	powerOff byte = 0x00
	powerOn  byte = 0x01
	reset    byte = 0x02
	getATR   byte = 0x04
)

// dialPeriod is how often a card is offered to a reader that does not take it,
// because its daemon is away or has not seen the last card go.
const dialPeriod = 20 * time.Millisecond

// Card is a chip in a slot of the virtual reader: a connection to its port.
type Card struct {
	chip smartcardtest.Chip
	quit chan struct{}
	done chan struct{}

	mu     sync.Mutex
	conn   net.Conn
	pulled bool
}

// Insert puts a chip into the slot that listens on an address, and keeps it there
// when the reader loses its power.
func Insert(address string, chip smartcardtest.Chip) *Card {
	c := &Card{chip: chip, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for {
			if conn, err := net.Dial("tcp", address); err == nil && c.take(conn) {
				serve(conn.(*net.TCPConn), c.chip)
				_ = conn.Close() // what came has been handled
			}
			select {
			case <-c.quit:
				return
			case <-time.After(dialPeriod):
			}
		}
	}()
	return c
}

// take makes a connection the card's, unless it has been pulled.
func (c *Card) take(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulled {
		_ = conn.Close() // nothing was sent
		return false
	}
	c.conn = conn
	return true
}

// Pull takes the card out. It does not wait for the chip.
func (c *Card) Pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulled {
		return
	}
	c.pulled = true
	close(c.quit)
	if c.conn != nil {
		_ = c.conn.Close() // that is the pulling
	}
}

// Close pulls the card and waits for its chip.
func (c *Card) Close() {
	c.Pull()
	<-c.done
}

// serve answers the reader until the connection ends.
func serve(conn *net.TCPConn, chip smartcardtest.Chip) {
	for {
		message, err := receive(conn)
		if err != nil {
			return
		}
		var answer []byte
		switch {
		case len(message) > 1:
			answer = chip.Command(message)
		case len(message) == 0:
		case message[0] == powerOn, message[0] == powerOff, message[0] == reset:
			chip.Reset()
		case message[0] == getATR:
			answer = chip.ATR()
		}
		if len(answer) == 0 {
			continue // silence: an answer of length 0 would be one too
		}
		if err := send(conn, answer); err != nil {
			return
		}
	}
}

// send writes length and body at once, so that they are one segment; TCP_NODELAY
// is Go's default.
func send(conn *net.TCPConn, body []byte) error {
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...))
	return err
}

func receive(conn *net.TCPConn) ([]byte, error) {
	var length [2]byte
	if err := readFull(conn, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	return message, readFull(conn, message)
}

// readFull acknowledges at once what it reads. The reader sends length and body
// in two segments and waits with the second for that, 40 ms by default; the kernel
// forgets the setting, so it is made before every read.
func readFull(conn *net.TCPConn, b []byte) error {
	for len(b) > 0 {
		raw, err := conn.SyscallConn()
		if err != nil {
			return err
		}
		var set error
		if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }); err != nil {
			return err
		}
		if set != nil {
			return set
		}
		n, err := conn.Read(b)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		b = b[n:]
	}
	return nil
}
