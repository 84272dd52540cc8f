package validator

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// class is a state in the sense of the manual's table of allowed commands.
type class uint16

const (
	classPU class = 1 << iota
	classINI
	classDIS
	classIDL
	classFAIL
	classESC
	classHLD
	classOther   // accepting, stacking, returning, rejecting
	classStacked // 81h is being told
	classAll     = ^class(0)
)

// allowed says in which states a command is legal (Common Specifications, table
// of commands). CRC32 is left to DIS, INI and FAIL as the table has it; the
// counter follows the text: every state.
var allowed = map[byte]class{
	cmdReset:             classAll,
	cmdGetStatus:         classAll,
	cmdSetSecurity:       classAll,
	cmdPoll:              classAll,
	cmdEnableBillTypes:   classAll,
	cmdStack:             classESC | classHLD,
	cmdReturn:            classESC | classHLD,
	cmdIdentification:    classPU | classINI | classDIS | classFAIL,
	cmdHold:              classESC | classHLD,
	cmdSetBarcode:        classAll,
	cmdExtractBarcode:    classESC | classDIS | classIDL | classStacked,
	cmdGetBillTable:      classPU | classINI | classDIS | classFAIL,
	cmdGetCRC32:          classINI | classDIS | classFAIL,
	cmdSetEscrowTimeouts: classAll,
	cmdGetCounter:        classAll,
	cmdGetReleaseDate:    classPU | classINI | classDIS | classIDL | classFAIL,
	cmdSetOptions:        classINI | classDIS,
	cmdGetOptions:        classINI | classDIS,
}

func (v *Validator) class() class {
	if len(v.w.Pending) > 0 && v.w.Pending[0].Z1 == z1Stacked && v.mode == modeReady {
		return v.modeClass() | classStacked
	}
	return v.modeClass()
}

func (v *Validator) modeClass() class {
	switch v.mode {
	case modePowerUp:
		return classPU
	case modeInit:
		return classINI
	case modeEscrow:
		return classESC
	case modeHolding:
		return classHLD
	case modeJam, modeFailure, modePause, modeCheated:
		return classFAIL
	case modeReady:
		switch {
		case !v.w.CassetteIn, v.w.Full:
			return classFAIL
		case v.enabled != 0:
			return classIDL
		}
		return classDIS
	}
	return classOther
}

// dataLen is how many bytes follow a command; absent means none.
var dataLen = map[byte]int{
	cmdSetSecurity:       maskLen,
	cmdEnableBillTypes:   2 * maskLen,
	cmdSetBarcode:        2,
	cmdSetEscrowTimeouts: escrowTimesLen,
	cmdSetOptions:        optionsLen,
}

// command carries out one frame from the host.
func (v *Validator) command(p []byte) {
	switch {
	case len(p) == 1 && p[0] == cmdACK:
		v.acknowledged()
		return
	case len(p) == 1 && p[0] == cmdNAK:
		v.wire.answer = nil
		if last := v.wire.lastSent; v.cfg.Quirks.ResendOnNAK && last.payload != nil {
			v.send(last.payload, last.kind)
		}
		return
	}
	v.wire.answer = nil // silence counts as NAK
	cmd, data := p[0], p[1:]
	if v.refused(cmd) {
		return
	}
	if cmd > lastOldCommand && v.cfg.Quirks.Above51 != Above51Known {
		if v.cfg.Quirks.Above51 == Above51Illegal {
			v.send([]byte{ansIllegal}, answerPlain)
		}
		return
	}
	states, known := allowed[cmd]
	identity := cmd == cmdIdentification || cmd == cmdGetBillTable || cmd == cmdGetCRC32
	if identity && v.cfg.Quirks.IdentityWhileIdle {
		states = classAll
	}
	if !known || states&v.class() == 0 || len(data) != dataLen[cmd] ||
		cmd == cmdGetCounter && v.cfg.Quirks.NoCounter || cmd == cmdGetCRC32 && v.cfg.Quirks.NoCRC32 ||
		(cmd == cmdSetBarcode || cmd == cmdExtractBarcode) && v.cfg.Quirks.NoBarcode {
		v.send([]byte{ansIllegal}, answerPlain)
		return
	}
	v.legal(cmd, data)
}

// refused answers a command that an armed refusal waits for.
func (v *Validator) refused(cmd byte) bool {
	for i := range v.faults.refuse {
		r := &v.faults.refuse[i]
		if r.Command != cmd {
			continue
		}
		with := r.With
		if r.Count--; r.Count <= 0 {
			v.faults.refuse = slices.Delete(v.faults.refuse, i, i+1)
		}
		switch with {
		case refuseIllegal:
			v.send([]byte{ansIllegal}, answerPlain)
		case refuseNAK:
			v.send([]byte{ansNAK}, answerPlain)
		}
		return true
	}
	return false
}

const (
	refuseIllegal = "illegal"
	refuseNAK     = "nak"
	refuseSilence = "silence"
)

// legal carries out a command that is known, allowed and of the right length.
func (v *Validator) legal(cmd byte, data []byte) {
	ack := func() { v.send([]byte{ansACK}, answerPlain) }
	switch cmd {
	case cmdPoll:
		v.send(v.status(), answerState)
		if s := &v.faults.show; s.Count > 0 {
			s.Count--
		}
	case cmdReset:
		ack()
		v.reset()
	case cmdGetStatus:
		v.send(append(maskBytes(v.enabled), maskBytes(v.security)...), answerData)
	case cmdSetSecurity:
		v.security = maskOf(data)
		if can := v.cfg.Quirks.Secures; can != nil {
			v.security &= maskOfTypes(can)
		}
		ack()
	case cmdEnableBillTypes:
		v.enabled, v.escrow = maskOf(data), maskOf(data[maskLen:])
		if !v.cfg.Quirks.KeepsUnknownTypes {
			v.enabled &= v.knownTypes()
		}
		ack()
	case cmdStack:
		ack()
		v.startStack()
	case cmdReturn:
		ack()
		v.startReturn()
	case cmdHold:
		ack()
		v.enter(modeHolding, v.cfg.Timing.Hold)
	case cmdIdentification:
		id := []byte(padded(v.cfg.Part, partLen) + padded(v.cfg.Serial, serialLen))
		v.send(append(id, v.cfg.Asset[:]...), answerData)
	case cmdGetBillTable:
		v.send(v.tableBytes(), answerData)
	case cmdGetCRC32:
		v.send(binary.BigEndian.AppendUint32(nil, v.cfg.CRC32), answerData)
	case cmdGetCounter:
		v.send(binary.BigEndian.AppendUint16(nil, v.w.Counter), answerData)
	case cmdGetReleaseDate:
		v.send([]byte(padded(v.cfg.Released, dateLen)), answerData)
	case cmdSetEscrowTimeouts:
		v.escrowFor = time.Duration(binary.BigEndian.Uint32(data)) * time.Millisecond
		v.couponFor = time.Duration(binary.BigEndian.Uint32(data[escrowTimesLen/2:])) * time.Millisecond
		ack()
	case cmdSetBarcode:
		if data[0] != barcodeFormat || data[1] < barcodeMinLen || data[1] > barcodeMaxLen {
			v.send([]byte{ansIllegal}, answerPlain)
			return
		}
		v.barcodeLen = int(data[1])
		ack()
	case cmdExtractBarcode:
		if v.lastCoupon == "" {
			v.send([]byte{ansIllegal}, answerPlain)
			return
		}
		v.send([]byte(v.lastCoupon), answerData)
	case cmdSetOptions:
		copy(v.options[:], data)
		v.options[1] &^= options48Entries // this unit has the short table only
		ack()
	case cmdGetOptions:
		v.send(slices.Clone(v.options[:]), answerData)
	}
}

// acknowledged is a host ACK: it ends the report that the last answer told.
func (v *Validator) acknowledged() {
	answer, kind := v.wire.answer, v.wire.kind
	v.wire.answer = nil
	if kind != answerState || len(answer) != 2 || len(v.w.Pending) == 0 {
		return
	}
	if w := v.cfg.Timing.AckWindow; w > 0 && v.now.Sub(v.wire.sentAt) > w {
		return
	}
	r := v.w.Pending[0]
	if answer[0] != r.Z1 || answer[1] != r.Z2 {
		return
	}
	if r.Z1 == z1Stacked && v.faults.repeat81 > 0 {
		v.faults.repeat81--
		return
	}
	v.w.Pending = slices.Delete(v.w.Pending, 0, 1)
	v.event(Event{Kind: EventAcked, Frame: v.wire.frames, Code: r.Z1, Data: r.Z2, Note: r.Note})
}

func (v *Validator) knownTypes() uint32 {
	var m uint32
	for t, e := range v.cfg.Table {
		if e != (Entry{}) {
			m |= 1 << t
		}
	}
	if v.barcodeLen > 0 {
		m |= 1 << couponType
	}
	return m
}

func maskOfTypes(types []int) uint32 {
	var m uint32
	for _, t := range types {
		if t >= 0 && t < maxTypes {
			m |= 1 << t
		}
	}
	return m
}

func (v *Validator) tableBytes() []byte {
	b := make([]byte, 0, maxTypes*tableEntryLen)
	for _, e := range v.cfg.Table {
		line, err := e.bytes()
		if err != nil {
			line = make([]byte, tableEntryLen)
		}
		b = append(b, line...)
	}
	return append(b, make([]byte, maxTypes*tableEntryLen-len(b))...)
}

// maskOf reads three bytes, most significant first: type 0 is bit 0 of the last.
func maskOf(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func maskBytes(m uint32) []byte { return []byte{byte(m >> 16), byte(m >> 8), byte(m)} }

func padded(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
