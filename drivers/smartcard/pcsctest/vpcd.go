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

// emptyTime is how long a reader is empty between two cards. pcscd looks every
// 0.4 s. A pulled card can first show when the daemon powers it down, and then the
// virtual reader takes the next one without ever having been seen empty.
const emptyTime = 500 * time.Millisecond

// Card is a chip in a slot of the virtual reader: a connection to its port.
type Card struct {
	chip smartcardtest.Chip
	quit chan struct{}
	done chan struct{}
	gone time.Time // when the reader had seen it go; set before done is closed

	mu     sync.Mutex
	conn   *net.TCPConn
	pulled bool
}

// Insert puts a chip into the slot that listens on an address, and keeps it there
// when the reader loses its power. before is the card that was pulled out of this
// slot last, if there was one.
func Insert(address string, chip smartcardtest.Chip, before *Card) *Card {
	c := &Card{chip: chip, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		if before != nil {
			<-before.done
			c.pause(time.Until(before.gone.Add(emptyTime)))
		}
		for {
			if conn, err := net.Dial("tcp", address); err == nil && c.take(conn) {
				c.serve(conn.(*net.TCPConn))
				_ = conn.Close() // the reader has closed its end
			}
			if !c.pause(dialPeriod) {
				c.gone = time.Now()
				return
			}
		}
	}()
	return c
}

// pause tells whether the card is still in.
func (c *Card) pause(d time.Duration) bool {
	select {
	case <-c.quit:
		return false
	case <-time.After(d):
		return true
	}
}

// take makes a connection the card's, unless it has been pulled.
func (c *Card) take(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulled {
		_ = conn.Close() // nothing was sent
		return false
	}
	c.conn = conn.(*net.TCPConn)
	return true
}

// Pull takes the card out: nothing is said any more. It does not wait for the
// chip. The other direction stays open until the reader has seen it.
func (c *Card) Pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulled {
		return
	}
	c.pulled = true
	close(c.quit)
	if c.conn != nil {
		_ = c.conn.CloseWrite() // the reader may have closed before
	}
}

// Close pulls the card and waits for its chip.
func (c *Card) Close() {
	c.Pull()
	<-c.done
}

// serve answers the reader until the connection ends.
func (c *Card) serve(conn *net.TCPConn) {
	for {
		message, err := receive(conn)
		if err != nil {
			return
		}
		select {
		case <-c.quit:
			continue
		default:
		}
		var answer []byte
		switch {
		case len(message) > 1:
			answer = c.chip.Command(message)
		case len(message) == 0:
		case message[0] == powerOn, message[0] == powerOff, message[0] == reset:
			c.chip.Reset()
		case message[0] == getATR:
			answer = c.chip.ATR()
		}
		if len(answer) > 0 { // silence, else: an answer of length 0 would be one too
			_ = send(conn, answer) // a card that was pulled meanwhile is not heard
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
