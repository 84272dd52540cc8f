package ccnet

import (
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// The scripted unit in the words of the trade: the rest of cashtest.Peer.

var peerStates = map[cash.State]byte{
	cash.StateIdle: stateIdling, cash.StateAccepting: stateAccepting, cash.StateEscrow: stateEscrow,
	cash.StateStacking: stateStacking, cash.StateStacked: stateStacked, cash.StateReturning: stateReturning,
	cash.StateReturned: stateReturned, cash.StateDisabled: stateDisabled,
}

func (p *peer) Insert(typ int) { p.mouth = append(p.mouth, typ) }

func (p *peer) InsertCoupon(digits string) {
	p.coupons = append(p.coupons, digits)
	p.mouth = append(p.mouth, barcodeType)
}
func (p *peer) SwallowCoupon()             { p.Swallow(barcodeType) }
func (p *peer) Coupons() (kept, given int) { return p.keptCoupons, p.givenCoupons }

func (p *peer) Swallow(typ int) {
	was := p.state
	p.stack(typ)
	if _, faulty := faultKinds[was]; faulty {
		p.jamWas = was
	}
}
func (p *peer) Freeze(at cash.State) { p.frozen = peerStates[at] }
func (p *peer) Thaw() {
	p.frozen = stateNone
	if p.is(stateAccepting) || p.is(stateStacking) || p.is(stateReturning) {
		p.until = p.now
	}
}
func (p *peer) Mute(on bool)   { p.muted = on }
func (p *peer) LoseAcks(n int) { p.loseAcks = n }

func (p *peer) PowerCut(at cash.PowerUpPosition) {
	p.power, p.atPower, p.ackable = false, at, false
	p.frozen = stateNone
	if p.is(stateStacked) || p.is(stateReturned) {
		p.owed = append(p.owed, evidence{code: p.state, typ: int(p.data[0])})
		p.inPath = -1
	}
	p.forget()
	p.dec.Reset()
}

func (p *peer) PowerOn() {
	p.power = true
	p.position = p.atPower
	for z1, pos := range powerUpPositions {
		if pos == p.atPower {
			p.enter(z1, 0)
		}
	}
}

func (p *peer) Break(kind cash.FaultKind) {
	for z1, k := range faultKinds {
		if k == kind {
			p.jamWas = z1
			p.enter(z1, 0)
			if z1 == stateFailure {
				p.data = []byte{0x50}
			}
		}
	}
}

func (p *peer) Repair() {
	p.jamWas = 0
	p.forget()
	p.enter(stateInitialize, p.initTime)
}

func (p *peer) State() cash.State {
	if !p.power {
		return cash.StateOffline
	}
	s, _ := commonState(p.state)
	return s
}
func (p *peer) Enabled() bool    { return p.power && p.enabled != 0 }
func (p *peer) Cassette() []int  { return slices.Clone(p.cassette) }
func (p *peer) GivenBack() []int { return slices.Clone(p.given) }
func (p *peer) Evidence() bool {
	return p.is(stateStacked) || p.is(stateReturned) || len(p.owed) > 0
}
func (p *peer) Acknowledged() int { return p.acked }
func (p *peer) Resets() int       { return p.resets }
