package ccnet

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// How long the scripted unit's mechanism takes.
const (
	peerInit    = 1500 * time.Millisecond
	peerAccept  = 600 * time.Millisecond
	peerStack   = 700 * time.Millisecond
	peerReturn  = 500 * time.Millisecond
	peerReject  = 400 * time.Millisecond
	peerPatence = 10 * time.Second // escrow, then the note goes back
)

// manatTable is a unit's table with holes: type 0 empty, 1 manat as type 1, then
// 5, 10, 20, 50, 100, 200 manat as types 2 to 7, a foreign note as type 9 and an
// unmapped one as type 10.
func manatTable() []byte {
	t := make([]byte, 24*5)
	put := func(typ int, digits, exp byte, code string) {
		copy(t[typ*5:], append([]byte{digits}, append([]byte(code), exp)...))
	}
	for i, e := range [][2]byte{{1, 0}, {5, 0}, {1, 1}, {2, 1}, {5, 1}, {1, 2}, {2, 2}} {
		put(1+i, e[0], e[1], "AZE")
	}
	put(9, 5, 0, "EUR")
	put(10, 1, 3, "RUS")
	put(23, 1, 0, "AZE") // the barcode coupon is no note whatever it says
	return t
}

// peer is a scripted CCNET validator: cashtest.Peer with knobs of the protocol.
type peer struct {
	now time.Time
	dec Decoder

	power, muted bool
	state        byte
	data         []byte // Z2
	until        time.Time
	frozen       byte // state in which the mechanism stands still
	enabled      Mask
	mouth        []int
	inPath       int // type; -1 for none
	jamWas       byte
	owed         []evidence // 81h and 82h to be told after a start
	atPower      cash.PowerUpPosition
	position     cash.PowerUpPosition

	cassette, given []int
	coupon          string // digits of the coupon that was drawn in last
	coupons         []string
	keptCoupons     int
	givenCoupons    int
	barcodeLength   byte
	security        Mask
	secures         Mask // types it can verify with high security
	escrowMS        []byte
	options         uint32
	keepsOptions    uint32 // options it can hold
	firmware        string // "illegal" or "silent": what it says to commands above 51h
	counter         uint16
	acked, resets   int
	ackable         bool // the last answer was evidence

	// Knobs.
	identity    []byte
	table       []byte
	crc32       []byte
	loseAcks    int
	illegal     map[byte]int // answer ILLEGAL to the next n of the command
	nak         map[byte]int // answer NAK
	deaf        map[byte]int // do not hear it
	dumb        map[byte]int // hear it and do not answer
	damage      int          // spoil the CRC of the next n answers
	echo        bool
	noise       []byte // sent before each answer
	status      []byte // fixed answer to GET STATUS
	stays       bool   // stay disabled whatever is enabled
	quiet82     bool   // give a note back after a start without saying 82h
	heard       []byte // commands in their order, POLL and ACK left out
	polls       int
	lastAnswer  []byte
	bootTime    time.Duration // 10h shown after RESET for so long
	initTime    time.Duration
	counterDead bool
}

func newPeer() *peer {
	p := &peer{
		power: true, state: statePowerUp, inPath: -1, position: cash.PowerUpEmpty,
		identity: []byte("SM-AZ0007      " + "07KI41AS7482" + "\x02\xed\x8d\xc8\x03\x3f\x7b"),
		table:    manatTable(),
		crc32:    []byte{0x12, 0x34, 0x56, 0x78},
		illegal:  map[byte]int{}, nak: map[byte]int{}, deaf: map[byte]int{}, dumb: map[byte]int{},
		initTime: peerInit, secures: ^Mask(0), keepsOptions: ^uint32(0),
	}
	p.dec.Address = AddressValidator
	return p
}

// kept makes the unit one that kept its power before the driver came.
func (p *peer) kept(state byte, data ...byte) {
	p.state, p.data = state, data
	if len(data) > 0 && state == stateEscrow {
		p.inPath = int(data[0])
	}
}

// say makes the unit answer POLL with these bytes from now on.
func (p *peer) say(state byte, data ...byte) {
	p.state, p.data, p.until = state, data, time.Time{}
	p.frozen = state
}

func (p *peer) is(z1 byte) bool { return p.state == z1 }

func (p *peer) enter(z1 byte, stay time.Duration, data ...byte) {
	p.state, p.data, p.until = z1, data, time.Time{}
	if stay > 0 {
		p.until = p.now.Add(stay)
	}
}

// ready is the state without a note.
func (p *peer) ready() {
	if p.enabled != 0 && !p.stays {
		p.enter(stateIdling, 0)
	} else {
		p.enter(stateDisabled, 0)
	}
}

// tell shows evidence.
func (p *peer) tell(e evidence) { p.enter(e.code, 0, byte(e.typ)) }

func (p *peer) stack(typ int) {
	if typ == barcodeType {
		p.keptCoupons++
	} else {
		p.cassette = append(p.cassette, typ)
	}
	p.counter++
	p.inPath = -1
	p.tell(evidence{code: stateStacked, typ: typ})
}

// tick moves the mechanism.
func (p *peer) tick() {
	if !p.power || p.frozen == p.state {
		return
	}
	over := !p.until.IsZero() && !p.now.Before(p.until)
	switch p.state {
	case statePowerUp:
		if over {
			p.enter(stateInitialize, p.initTime)
		}
	case stateInitialize:
		if over {
			p.start()
		}
	case stateDisabled, stateIdling:
		if want := p.enabled != 0 && !p.stays; want != p.is(stateIdling) {
			p.ready()
		}
		if p.is(stateIdling) && len(p.mouth) > 0 {
			p.inPath, p.mouth = p.mouth[0], p.mouth[1:]
			if p.inPath == barcodeType {
				p.coupon, p.coupons = p.coupons[0], p.coupons[1:]
			}
			p.enter(stateAccepting, peerAccept)
		}
	case stateAccepting:
		if !over {
			break
		}
		if p.inPath == barcodeType && len(p.coupon) != int(p.barcodeLength) {
			p.inPath = -1
			p.enter(stateRejecting, peerReject, 0x93)
		} else if p.enabled&MaskOf(p.inPath) == 0 {
			p.inPath = -1
			p.enter(stateRejecting, peerReject, 0x68)
		} else {
			p.enter(stateEscrow, peerPatence, byte(p.inPath))
		}
	case stateEscrow, stateHolding:
		if p.until.IsZero() {
			p.until = p.now.Add(peerPatence)
		}
		if over {
			p.enter(stateReturning, peerReturn)
		}
	case stateStacking:
		if over {
			p.stack(p.inPath)
		}
	case stateReturning:
		if over {
			p.giveBack(p.inPath)
			p.tell(evidence{code: stateReturned, typ: p.inPath})
			p.inPath = -1
		}
	case stateRejecting:
		if over {
			p.ready()
		}
	}
}

// start ends an initialisation: what lay in the path finds its place.
func (p *peer) start() {
	if len(p.owed) > 0 {
		e := p.owed[0]
		p.owed = p.owed[1:]
		if p.inPath < 0 {
			p.position = cash.PowerUpEmpty
		}
		p.tell(e)
		return
	}
	typ, where, jam := p.inPath, p.position, p.jamWas
	p.inPath, p.position, p.jamWas = -1, cash.PowerUpEmpty, 0
	switch {
	case typ < 0:
		p.ready()
	case where == cash.PowerUpInStacker || jam == stateJamCassette:
		p.stack(typ)
	default:
		p.giveBack(typ)
		if p.quiet82 {
			p.ready()
		} else {
			p.tell(evidence{code: stateReturned, typ: typ})
		}
	}
}

func (p *peer) giveBack(typ int) {
	if typ == barcodeType {
		p.givenCoupons++
	} else {
		p.given = append(p.given, typ)
	}
}

// Step implements cashtest.Peer.
func (p *peer) Step(now time.Time, fromHost []byte) (toHost []byte, wake time.Time) {
	p.now = now
	p.tick()
	if p.power && p.echo {
		toHost = append(toHost, fromHost...)
	}
	if p.power && !p.muted && len(fromHost) > 0 {
		p.dec.Feed(fromHost)
		for {
			f, _, ok := p.dec.Next()
			if !ok {
				break
			}
			toHost = append(toHost, p.obey(f.Payload)...)
		}
	}
	wake = now.Add(50 * time.Millisecond)
	return toHost, wake
}

func take(m map[byte]int, cmd byte) bool {
	if m[cmd] > 0 {
		m[cmd]--
		return true
	}
	return false
}

// obey executes a command and makes its answer.
func (p *peer) obey(payload []byte) []byte {
	cmd, data := payload[0], payload[1:]
	switch cmd {
	case ACK:
		p.acknowledged()
		return nil
	case NAK:
		return p.lastAnswer
	}
	p.ackable = false
	if cmd != cmdPoll {
		p.heard = append(p.heard, cmd)
	}
	if take(p.deaf, cmd) {
		return nil
	}
	if cmd > cmdGetCRC32 && p.firmware == "silent" {
		return nil
	}
	if take(p.illegal, cmd) || cmd > cmdGetCRC32 && p.firmware == "illegal" {
		return p.answer([]byte{IllegalCommand})
	}
	if take(p.nak, cmd) {
		return p.answer([]byte{NAK})
	}
	a := p.execute(cmd, data)
	if take(p.dumb, cmd) {
		return nil
	}
	return p.answer(a)
}

func (p *peer) answer(payload []byte) []byte {
	b, err := Frame{AddressValidator, payload}.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	p.lastAnswer = append([]byte(nil), b...)
	if p.damage > 0 {
		p.damage--
		b[len(b)-1] ^= 0x55
	}
	return append(append([]byte(nil), p.noise...), b...)
}

func (p *peer) execute(cmd byte, data []byte) []byte {
	allowed := func(states ...byte) bool { return bytes.IndexByte(states, p.state) >= 0 }
	faulty := p.state >= stateCassetteFull && p.state <= stateFailure
	starting := p.state >= statePowerUp && p.state <= stateInitialize
	switch cmd {
	case cmdPoll:
		p.polls++
		p.ackable = p.is(stateStacked) || p.is(stateReturned)
		return append([]byte{p.state}, p.data...)
	case cmdReset:
		p.reset()
		return []byte{ACK}
	case cmdEnableBillTypes:
		if len(data) != 2*maskBytes {
			return []byte{IllegalCommand}
		}
		p.enabled = parseMask(data[:maskBytes])
		p.tick()
		return []byte{ACK}
	case cmdGetStatus:
		if p.status != nil {
			return p.status
		}
		return p.security.append(p.enabled.append(nil, maskBytes), maskBytes)
	case cmdSetSecurity:
		if len(data) != maskBytes {
			return []byte{IllegalCommand}
		}
		p.security = parseMask(data) & p.secures
		return []byte{ACK}
	case cmdSetBarcode:
		p.barcodeLength = data[1]
		return []byte{ACK}
	case cmdSetEscrowTimeouts:
		p.escrowMS = append([]byte(nil), data...)
		return []byte{ACK}
	case cmdSetOptions:
		if allowed(stateDisabled, stateInitialize) {
			p.options = binary.BigEndian.Uint32(data) & p.keepsOptions
			return []byte{ACK}
		}
	case cmdGetOptions:
		if allowed(stateDisabled, stateInitialize) {
			return binary.BigEndian.AppendUint32(nil, p.options)
		}
	case cmdExtractBarcode:
		if p.inPath == barcodeType && allowed(stateEscrow, stateStacked, stateDisabled, stateIdling) {
			return []byte(p.coupon)
		}
	case cmdGetDateOfRelease:
		if starting || faulty || allowed(stateDisabled, stateIdling) {
			return []byte("20240611")
		}
	case cmdStack, cmdReturn, cmdHold:
		if !inEscrow(p.state) {
			return []byte{IllegalCommand}
		}
		switch {
		case cmd == cmdHold:
			p.enter(stateHolding, peerPatence)
		case cmd == cmdReturn:
			p.unfreezeEscrow()
			p.enter(stateReturning, peerReturn)
		default:
			p.unfreezeEscrow()
			p.enter(stateStacking, peerStack)
		}
		return []byte{ACK}
	case cmdIdentification:
		if starting || faulty || allowed(stateDisabled) {
			return p.identity
		}
	case cmdGetBillTable:
		if starting || faulty || allowed(stateDisabled) {
			return p.table
		}
	case cmdGetCRC32:
		if faulty || allowed(stateDisabled, stateInitialize) {
			return p.crc32
		}
	case cmdGetStackedCounter:
		if !p.counterDead && (starting || faulty || allowed(stateDisabled, stateIdling)) {
			return []byte{byte(p.counter >> 8), byte(p.counter)}
		}
	}
	return []byte{IllegalCommand}
}

// unfreezeEscrow: a decision ends a freeze in escrow.
func (p *peer) unfreezeEscrow() {
	if p.frozen == stateEscrow {
		p.frozen = stateNone
	}
}

// forget is what a start does to everything the unit was told.
func (p *peer) forget() {
	p.enabled, p.security, p.options, p.barcodeLength, p.escrowMS = 0, 0, 0, 0, nil
}

func (p *peer) reset() {
	p.resets++
	if p.frozen == p.state {
		p.frozen = stateNone
	}
	p.forget()
	if !starting(p.state) {
		p.position = cash.PowerUpInPath // of a note, if there is one
	}
	if p.is(stateStacked) || p.is(stateReturned) {
		p.owed = append(p.owed, evidence{code: p.state, typ: int(p.data[0])})
		p.inPath = -1
	}
	if p.bootTime > 0 {
		p.enter(statePowerUp, p.bootTime)
	} else {
		p.enter(stateInitialize, p.initTime)
	}
}

// acknowledged: the host has taken the evidence.
func (p *peer) acknowledged() {
	if !p.ackable {
		return
	}
	p.ackable = false
	if p.loseAcks > 0 {
		p.loseAcks--
		return
	}
	p.acked++
	if p.frozen == p.state {
		p.frozen = stateNone
	}
	if p.jamWas != 0 {
		p.enter(p.jamWas, 0)
		return
	}
	if p.inPath >= 0 || len(p.owed) > 0 {
		p.enter(stateInitialize, peerInit) // there is more to be told
		return
	}
	p.ready()
}
