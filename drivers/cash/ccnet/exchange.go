package ccnet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/line"
)

// repeatsMax is how often one command is repeated after the unit's NAK, and how
// often the host asks by NAK for an answer that came damaged.
const repeatsMax = 3

// pollPayloadMax is the longest answer to POLL; a recycler sends three bytes.
const pollPayloadMax = 3

// exchange is one request and its answer (section 4).
type exchange struct {
	dec    Decoder
	lastIn time.Time // when bytes last came

	cmd      byte   // outstanding command; noCommand when there is none
	frame    []byte // its frame
	deadline time.Time
	naks     int  // NAKs of the unit
	damaged  int  // answers asked for again
	again    bool // the frame is to be repeated when the line is free

	// discreet: what comes may be the number of a coupon, until another command
	// has been answered.
	discreet bool

	// ackUntil, while not zero, is how long the ACK of evidence may still go out.
	ackUntil time.Time

	freeAt time.Time // no sending before
	sent   []byte    // last frame sent, for telling its echo
	echo   bool      // the line echoes
	echoed bool      // the echo of sent has been seen
}

// noCommand is no command of the host.
const noCommand byte = 0

func (x *exchange) waiting() bool {
	return x.cmd != noCommand && !x.again || !x.ackUntil.IsZero()
}

func (x *exchange) clear() {
	x.dec.Reset()
	x.cmd, x.frame, x.again = noCommand, nil, false
	x.naks, x.damaged = 0, 0
	x.ackUntil = time.Time{}
	x.sent, x.echo, x.echoed = nil, false, false
}

// request sends a command. Whether it carries data back is decided by the
// command (section 6).
func (m *Machine) request(cmd byte, data ...byte) {
	m.ex.cmd = cmd
	m.ex.frame = command(m.cfg.Address, append([]byte{cmd}, data...)...)
	m.ex.naks, m.ex.damaged = 0, 0
	m.ex.discreet = m.ex.discreet || cmd == cmdExtractBarcode
	m.transmit()
}

// transmit sends the outstanding command's frame, the first time or again.
func (m *Machine) transmit() {
	m.ex.again = false
	m.ex.dec.Reset()
	m.ex.deadline = m.now.Add(m.patience(m.ex.cmd))
	m.ex.sent, m.ex.echoed = m.ex.frame, false
	m.send(m.ex.frame)
}

func (m *Machine) patience(cmd byte) time.Duration {
	switch cmd {
	case cmdIdentification, cmdGetBillTable, cmdGetCRC32:
		return m.cfg.LongAnswer
	}
	return m.cfg.Answer
}

// reply sends ACK or NAK, behind which the bus stays silent.
func (m *Machine) reply(b byte) {
	f := command(m.cfg.Address, b)
	m.ex.sent, m.ex.echoed = f, false
	m.send(f)
}

// receive takes what came.
func (m *Machine) receive(b []byte) {
	if len(b) == 0 {
		return
	}
	if m.ex.discreet {
		m.trace.Add(m.now, line.Received, line.Blank(b))
	} else {
		m.trace.Add(m.now, line.Received, b)
	}
	if m.ex.cmd == noCommand || m.ex.again || !m.ex.ackUntil.IsZero() {
		return // nobody was asked: an echo of our ACK, or an answer that is too late
	}
	if m.ex.dec.Pending() && m.now.Sub(m.ex.lastIn) > m.cfg.InterByte {
		m.ex.dec.Gap()
	}
	m.ex.lastIn = m.now
	m.ex.dec.Feed(b)
	for m.ex.cmd != noCommand && !m.ex.again && m.ex.ackUntil.IsZero() {
		f, raw, ok := m.ex.dec.Next()
		if !ok {
			break
		}
		if m.isEcho(raw) {
			continue
		}
		m.link.valid = m.now
		m.link.heard = true
		m.answer(f.Payload, raw)
	}
	m.askAgain()
}

// isEcho tells the echo of our own frame on a line that loops it back. The first
// frame after each POLL decides, because no unit answers 33h to POLL: several
// other answers are byte for byte the command they answer (section 12).
func (m *Machine) isEcho(raw []byte) bool {
	same := bytes.Equal(raw, m.ex.sent)
	if m.ex.cmd == cmdPoll {
		if same {
			if !m.ex.echo {
				m.remark("the line echoes what is sent")
			}
			m.ex.echo, m.ex.echoed = true, true
			return true
		}
		if m.ex.echo && !m.ex.echoed && len(raw) > offPayload && raw[offPayload] != ACK {
			m.ex.echo = false
		}
		return false
	}
	if m.ex.echo && same && !m.ex.echoed {
		m.ex.echoed = true
		return true
	}
	return false
}

// askAgain answers a damaged answer with NAK, so that the unit repeats it.
func (m *Machine) askAgain() {
	x := &m.ex
	if x.cmd == noCommand || x.again || x.dec.Bad() == 0 || x.dec.Pending() || !carriesData(x.cmd) || x.damaged >= repeatsMax {
		return
	}
	x.damaged++
	x.dec.Reset()
	m.reply(NAK)
	x.deadline = m.now.Add(m.patience(x.cmd))
}

func carriesData(cmd byte) bool {
	switch cmd {
	case cmdPoll, cmdGetStatus, cmdIdentification, cmdGetBillTable, cmdGetCRC32, cmdGetStackedCounter,
		cmdGetDateOfRelease, cmdGetOptions, cmdExtractBarcode:
		return true
	}
	return false
}

// result is how a request ended.
type result int

const (
	resultAccepted result = iota // ACK, or data
	resultIllegal                // the unit does not know the command, or not now
	resultRefused                // NAK, more often than we repeat
	resultSilent                 // no answer, or none that could be read
)

// answer takes a good frame while a request is outstanding.
func (m *Machine) answer(p, raw []byte) {
	cmd := m.ex.cmd
	if len(p) == 1 {
		switch {
		case p[0] == NAK:
			if m.ex.naks < repeatsMax {
				m.ex.naks++
				m.ex.again = true
				m.ex.freeAt = m.now.Add(m.cfg.Free)
				return
			}
			m.finish(resultRefused, nil, raw)
			return
		case p[0] == IllegalCommand:
			m.finish(resultIllegal, nil, raw)
			return
		case p[0] == ACK && !carriesData(cmd):
			m.finish(resultAccepted, nil, raw)
			return
		}
	}
	if !plausible(cmd, p) {
		shown := raw
		if m.ex.discreet {
			shown = line.Blank(raw)
		}
		m.remark("answer to %s does not fit it: % X", commandNames[cmd], shown)
		return // perhaps a late answer to an earlier command: wait on
	}
	m.finish(resultAccepted, p, raw)
}

// plausible reports whether data can be the answer to the command. An answer
// names neither its command nor its kind, so length is what can be checked.
func plausible(cmd byte, p []byte) bool {
	switch cmd {
	case cmdPoll:
		return len(p) <= pollPayloadMax && p[0] != ACK
	case cmdGetStatus:
		return len(p) == 2*maskBytes || len(p) == 2*maskBytesLong
	case cmdIdentification:
		return len(p) >= pollPayloadMax+1
	case cmdGetBillTable:
		return len(p) >= entryBytes && len(p) <= tableLong*entryBytes
	case cmdGetCRC32:
		return len(p) == crc32Bytes
	case cmdGetStackedCounter:
		return len(p) == counterBytes
	case cmdGetDateOfRelease:
		return len(p) == releaseBytes
	case cmdGetOptions:
		return len(p) == optionsBytes
	case cmdExtractBarcode:
		return len(p) >= couponMin && len(p) <= couponMax
	}
	return false
}

// expire ends what has waited too long.
func (m *Machine) expire() {
	x := &m.ex
	switch {
	case !x.ackUntil.IsZero() && !m.now.Before(x.ackUntil):
		// Not durable yet: no ACK. The unit offers the evidence again.
		x.ackUntil = time.Time{}
		x.cmd = noCommand
	case x.ackUntil.IsZero() && x.cmd != noCommand && !x.again && !m.now.Before(x.deadline):
		if x.dec.Pending() {
			// A frame that lost bytes may hide a whole one behind its head.
			x.dec.Gap()
			if f, raw, ok := x.dec.Next(); ok && !m.isEcho(raw) {
				m.link.valid, m.link.heard = m.now, true
				m.answer(f.Payload, raw)
				return
			}
		}
		m.finish(resultSilent, nil, nil)
	}
}

// finish ends the exchange and hands its result to who asked. Data are
// acknowledged here, but for evidence, whose ACK waits for Confirm.
func (m *Machine) finish(r result, data, raw []byte) {
	cmd := m.ex.cmd
	m.ex.cmd = noCommand
	m.ex.discreet = m.ex.discreet && (cmd == cmdExtractBarcode || r == resultSilent)
	m.ex.dec.Reset()
	if m.ex.freeAt.Before(m.now.Add(m.cfg.Free)) {
		m.ex.freeAt = m.now.Add(m.cfg.Free)
	}
	if data != nil && cmd != cmdPoll {
		m.reply(ACK)
	}
	switch cmd {
	case cmdPoll:
		if r == resultAccepted {
			m.polled(data, raw)
		}
	case cmdReset:
		m.resetDone(r)
	case cmdEnableBillTypes:
		m.enableDone(r)
	case cmdGetStatus:
		m.statusDone(r, data)
	case cmdStack, cmdReturn:
		m.decisionDone(cmd, r)
	case cmdHold:
		m.holdDone(r)
	case cmdIdentification, cmdGetBillTable, cmdGetCRC32, cmdGetStackedCounter, cmdGetDateOfRelease:
		m.readDone(cmd, r, data)
	case cmdSetSecurity, cmdSetBarcode, cmdSetEscrowTimeouts, cmdSetOptions, cmdGetOptions:
		m.settingDone(cmd, r, data)
	case cmdExtractBarcode:
		m.couponRead(r, data)
	}
}

// unsupportedBy reports whether this unit is known not to have the command.
func (m *Machine) unsupportedBy(cmd byte) bool {
	return m.unit.unsupported[m.unit.identity.Serial][cmd]
}

func (m *Machine) setUnsupported(cmd byte) {
	s := m.unit.identity.Serial
	if m.unit.unsupported[s] == nil {
		m.unit.unsupported[s] = map[byte]bool{}
	}
	m.unit.unsupported[s][cmd] = true
	m.remark("unit %q does not support %s", s, commandNames[cmd])
}

// hitAfterSend hits the point when the next step begins.
func (m *Machine) hitAfterSend(p faultpoint.Point) { m.after = append(m.after, p) }

func hex32(b []byte) string { return fmt.Sprintf("%08x", binary.BigEndian.Uint32(b)) }
