package ccnet

import (
	"encoding/binary"
	"fmt"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// settings is what the unit has been told besides its masks of types. All of it
// is gone when the unit starts (sections 6.1, 6.4), so it is told again in every
// recovery, while the unit is disabled.
type settings struct {
	security      Mask // told by SET SECURITY
	securityKnown bool // false: the unit may hold another
	secured       Mask // what it says it verifies with high security
	readBack      bool // security is to be read by GET STATUS
	excluded      Mask // types left out for it, as remarked

	barcode bool // it knows what a coupon's barcode is like
	escrow  bool // it knows its patience
	options optionsPhase
	held    uint32 // options that it said it holds
}

// optionsPhase is how far the options are.
type optionsPhase int

const (
	optionsUnread optionsPhase = iota // GET OPTIONS comes first
	optionsLack                       // some are missing: SET OPTIONS
	optionsSet                        // told: GET OPTIONS reads them back
	optionsDone
)

// nextSetting is the next thing to be told to a unit that is being recovered; nil
// when all is told that this unit understands.
func (m *Machine) nextSetting() func() {
	if m.rec.settled || m.link.state != stateDisabled || m.proof != nil && !m.proof.confirmed {
		return nil
	}
	s := &m.set
	tell := func(cmd byte, data ...byte) func() { return func() { m.request(cmd, data...) } }
	can := func(cmd byte) bool { return !m.unsupportedBy(cmd) && m.unit.failed[cmd] < readMax }
	switch {
	case m.cfg.CouponLength > 0 && !s.barcode && can(cmdSetBarcode):
		return tell(cmdSetBarcode, barcodeInterleaved2of5, byte(m.cfg.CouponLength))
	case m.cfg.UnitEscrow > 0 && !s.escrow && can(cmdSetEscrowTimeouts):
		ms := uint32(m.cfg.UnitEscrow.Milliseconds())
		return tell(cmdSetEscrowTimeouts, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, ms), ms)...)
	case m.cfg.Options == 0 || s.options == optionsDone:
	case s.options == optionsLack && can(cmdSetOptions):
		return tell(cmdSetOptions, binary.BigEndian.AppendUint32(nil, s.held|m.cfg.Options)...)
	case s.options != optionsLack && can(cmdGetOptions):
		return tell(cmdGetOptions)
	}
	return m.nextSecurity()
}

// nextSecurity brings the unit's security to what is configured, and reads it
// back where anything depends on it.
func (m *Machine) nextSecurity() func() {
	s, want := &m.set, m.securityWanted()
	switch {
	case s.readBack:
		return func() { m.request(cmdGetStatus) }
	case s.securityKnown && s.security == want,
		m.unsupportedBy(cmdSetSecurity), m.unit.failed[cmdSetSecurity] >= readMax:
		return nil
	}
	return func() {
		p := want.append([]byte{cmdSetSecurity}, m.unit.maskSize)
		m.request(p[0], p[1:]...)
	}
}

// securityWanted are the types of the unit's table that must be verified with
// high security.
func (m *Machine) securityWanted() Mask {
	var types []int
	if m.unit.tableRead {
		for _, n := range m.unit.table.Notes {
			for _, v := range m.cfg.HighSecurity {
				if n.Value == v {
					types = append(types, n.Type)
				}
			}
		}
	}
	return MaskOf(types...)
}

// takeable is what of the wanted types may be enabled: without those that the
// unit does not verify as it must, and with coupons where they are read.
func (m *Machine) takeable() Mask {
	lacking := m.securityWanted() &^ m.set.secured
	mask := m.want &^ lacking
	if mask == 0 {
		return 0
	}
	return mask | m.couponBit()
}

// settingDone takes the answer to a setting. What lies above 51h is beyond older
// firmware, which says so or is silent (section 6).
func (m *Machine) settingDone(cmd byte, r result, data []byte) {
	s := &m.set
	if r != resultAccepted {
		m.unit.failed[cmd]++
		beyond := r == resultIllegal || r == resultSilent && m.unit.failed[cmd] >= optionalMax
		if beyond && (r == resultIllegal || cmd != cmdSetSecurity) {
			m.setUnsupported(cmd)
		}
		if cmd == cmdSetSecurity {
			s.securityKnown = false
			m.lacksSecurity()
		}
		return
	}
	m.unit.failed[cmd] = 0
	switch cmd {
	case cmdSetSecurity:
		s.security, s.securityKnown = m.securityWanted(), true
		s.secured, s.readBack = s.security, s.security != 0
	case cmdSetBarcode:
		s.barcode = true
	case cmdSetEscrowTimeouts:
		s.escrow = true
	case cmdSetOptions:
		s.options = optionsSet
	case cmdGetOptions:
		m.optionsRead(binary.BigEndian.Uint32(data))
	}
}

func (m *Machine) optionsRead(held uint32) {
	s := &m.set
	missing := m.cfg.Options &^ held
	switch {
	case missing == 0:
		s.options = optionsDone
	case s.options == optionsSet:
		s.options = optionsDone
		m.remark("the unit did not take the options %08X", missing)
	default:
		s.options, s.held = optionsLack, held
	}
}

// securityTold takes what GET STATUS says of the security. A unit that cannot
// say is believed by its ACK of SET SECURITY.
func (m *Machine) securityTold(read, illegal bool, high Mask) {
	s := &m.set
	switch {
	case read:
		s.readBack = false
		if s.securityKnown {
			s.secured = high & s.security
			m.lacksSecurity()
		}
	case illegal:
		s.readBack = false
	case s.readBack:
		if m.unit.failed[cmdGetStatus]++; m.unit.failed[cmdGetStatus] >= readMax {
			s.readBack = false
			m.remark("GET STATUS is not answered: high security is not verified")
		}
	}
}

// lacksSecurity says which notes are not taken because the unit will not verify
// them as it must; with none left the unit cannot serve.
func (m *Machine) lacksSecurity() {
	lacking := m.securityWanted() &^ m.set.secured
	if lacking == m.set.excluded {
		return
	}
	m.set.excluded = lacking
	if lacking != 0 {
		m.remark("types %v are not taken: the unit does not verify them with high security", lacking.Types())
	}
}

// cannotServe: the till wants notes, and high security leaves none of them.
func (m *Machine) cannotServe() {
	m.raise(fault{kind: cash.FaultProtocol, clears: clearsRestart},
		fmt.Sprintf("the unit verifies none of the types %v with high security", m.want.Types()))
}
