package escpos

import "time"

// answerKind is what an incoming byte, or group of bytes, is
// (protocols/receipt-printer.md 5.4).
type answerKind int

const (
	answerXON answerKind = iota
	answerXOFF
	answerRealtime  // to DLE EOT n; one byte
	answerAutomatic // automatic status; four bytes
	answerShort     // to GS r; one byte
	answerData      // a block with a kind in its second byte
	answerText      // to GS I n; text
	answerNoise     // nothing this printer may say
)

// answer is one thing the printer said, without frame bytes.
type answer struct {
	kind answerKind
	data []byte
}

// Stats counts incoming bytes by what they were. Every byte is in exactly one
// of the counts; Pending are those of a frame that is not complete yet.
type Stats struct {
	Received  int
	XON       int
	XOFF      int
	Realtime  int
	Automatic int
	Short     int
	Data      int
	Text      int
	Noise     int
	Pending   int
}

// blockMost bounds a block; the longest known text has 80 bytes.
const blockMost = 128

// classifier sorts incoming bytes. It never holds more than one frame.
type classifier struct {
	frame []byte // of an automatic status or a block that has begun
	last  time.Time
	stats Stats
}

// next takes one byte in and tells what it completes. A byte that breaks a frame
// off makes noise of the frame and is then looked at by itself.
func (c *classifier) next(now time.Time, b byte, emit func(answer)) {
	c.expire(now, emit)
	c.stats.Received++
	switch {
	case b == xon:
		c.stats.XON++
		emit(answer{kind: answerXON})
		return
	case b == xoff:
		c.stats.XOFF++
		emit(answer{kind: answerXOFF})
		return
	}
	c.last = now
	if len(c.frame) > 0 {
		if c.frame[0]&automaticMask == automaticWant {
			if b&followMask == followWant {
				c.follow(b, emit)
				return
			}
			c.drop(emit)
		} else {
			c.block(b, emit)
			return
		}
	}
	switch {
	case b&realtimeMask == realtimeWant:
		c.stats.Realtime++
		emit(answer{kind: answerRealtime, data: []byte{b}})
	case b&automaticMask == automaticWant, b == blockData, b == blockText:
		c.begin(b)
	case b&followMask == followWant:
		c.stats.Short++
		emit(answer{kind: answerShort, data: []byte{b}})
	default:
		c.stats.Noise++
		emit(answer{kind: answerNoise, data: []byte{b}})
	}
}

func (c *classifier) begin(b byte) {
	c.frame = append(c.frame[:0], b)
	c.stats.Pending = 1
}

func (c *classifier) follow(b byte, emit func(answer)) {
	c.frame = append(c.frame, b)
	c.stats.Pending = len(c.frame)
	if len(c.frame) == 4 {
		c.stats.Automatic += 4
		c.done(answerAutomatic, c.frame, emit)
	}
}

func (c *classifier) block(b byte, emit func(answer)) {
	c.frame = append(c.frame, b)
	c.stats.Pending = len(c.frame)
	switch {
	case b == nul && c.frame[0] == blockData && len(c.frame) > 2:
		c.stats.Data += len(c.frame)
		c.done(answerData, c.frame[1:len(c.frame)-1], emit)
	case b == nul && c.frame[0] == blockText:
		c.stats.Text += len(c.frame)
		c.done(answerText, c.frame[1:len(c.frame)-1], emit)
	case b == nul, b > 0x7E, len(c.frame) == blockMost:
		c.drop(emit)
	}
}

func (c *classifier) done(kind answerKind, data []byte, emit func(answer)) {
	data = append([]byte(nil), data...)
	c.frame, c.stats.Pending = c.frame[:0], 0
	emit(answer{kind: kind, data: data})
}

// drop makes noise of a frame that was broken off.
func (c *classifier) drop(emit func(answer)) {
	c.stats.Noise += len(c.frame)
	c.done(answerNoise, c.frame, emit)
}

// expire drops a frame that has stopped in the middle.
func (c *classifier) expire(now time.Time, emit func(answer)) {
	if len(c.frame) > 0 && now.Sub(c.last) >= frameGap {
		c.drop(emit)
	}
}

// due is when expire has something to do; zero if nothing is waiting.
func (c *classifier) due() time.Time {
	if len(c.frame) == 0 {
		return time.Time{}
	}
	return c.last.Add(frameGap)
}

// reset forgets the frame: the line was flushed.
func (c *classifier) reset() {
	c.stats.Noise += len(c.frame)
	c.frame, c.stats.Pending = c.frame[:0], 0
}
