package ccnet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// SYNC begins every frame.
const SYNC byte = 0x02

// Addresses on the bus (section 2).
const (
	AddressRecycler  byte = 0x01
	AddressChanger   byte = 0x02
	AddressValidator byte = 0x03
	AddressCard      byte = 0x04
)

// Answers without data, and what the host says to an answer with data.
const (
	ACK            byte = 0x00
	NAK            byte = 0xFF
	IllegalCommand byte = 0x30
)

// Commands of the host (section 6).
const (
	cmdReset               byte = 0x30
	cmdGetStatus           byte = 0x31
	cmdSetSecurity         byte = 0x32
	cmdPoll                byte = 0x33
	cmdEnableBillTypes     byte = 0x34
	cmdStack               byte = 0x35
	cmdReturn              byte = 0x36
	cmdIdentification      byte = 0x37
	cmdHold                byte = 0x38
	cmdSetBarcode          byte = 0x39
	cmdExtractBarcode      byte = 0x3A
	cmdGetBillTable        byte = 0x41
	cmdGetCRC32            byte = 0x51
	cmdSetEscrowTimeouts   byte = 0x5A
	cmdGetStackedCounter   byte = 0x5B
	cmdGetDateOfRelease    byte = 0x5C
	cmdSetOptions          byte = 0x68
	cmdGetOptions          byte = 0x69
	barcodeInterleaved2of5 byte = 0x01 // first data byte of SET BARCODE
)

// Lengths of contents (section 6).
const (
	crc32Bytes    = 4
	counterBytes  = 2
	releaseBytes  = 8
	optionsBytes  = 4
	couponMin     = 6  // characters of a barcode
	couponMax     = 18 // the same
	escrowTimeMax = 60 * time.Second
)

// Options (section 6.4), counted from the least significant bit of the four
// bytes. These three change what masks, tables and notes mean, so the driver
// never sets them; where the others stand differs from manual to manual.
const (
	option48Entries        uint32 = 1 << 23
	optionArticle6         uint32 = 1 << 0
	optionClearCounterfeit uint32 = 1 << 1
	optionsForbidden              = option48Entries | optionArticle6 | optionClearCounterfeit
)

var commandNames = map[byte]string{
	cmdReset:             "RESET",
	cmdGetStatus:         "GET STATUS",
	cmdSetSecurity:       "SET SECURITY",
	cmdSetBarcode:        "SET BARCODE PARAMETERS",
	cmdExtractBarcode:    "EXTRACT BARCODE DATA",
	cmdSetEscrowTimeouts: "SET ESCROW TIMEOUTS",
	cmdGetDateOfRelease:  "GET DATE OF RELEASE",
	cmdSetOptions:        "SET OPTIONS",
	cmdGetOptions:        "GET OPTIONS",
	cmdPoll:              "POLL",
	cmdEnableBillTypes:   "ENABLE BILL TYPES",
	cmdStack:             "STACK",
	cmdReturn:            "RETURN",
	cmdIdentification:    "IDENTIFICATION",
	cmdHold:              "HOLD",
	cmdGetBillTable:      "GET BILL TABLE",
	cmdGetCRC32:          "GET CRC32 OF CODE",
	cmdGetStackedCounter: "GET COUNTER OF STACKED BILLS",
}

// States in the answer to POLL, Z1 (section 7).
const (
	statePowerUp          byte = 0x10
	statePowerUpValidator byte = 0x11
	statePowerUpStacker   byte = 0x12
	stateInitialize       byte = 0x13
	stateIdling           byte = 0x14
	stateAccepting        byte = 0x15
	stateStacking         byte = 0x17
	stateReturning        byte = 0x18
	stateDisabled         byte = 0x19
	stateHolding          byte = 0x1A
	stateBusy             byte = 0x1B // Z2: time in units of busyUnit
	stateRejecting        byte = 0x1C // Z2: reason
	stateCassetteFull     byte = 0x41
	stateCassetteRemoved  byte = 0x42
	stateJamValidator     byte = 0x43
	stateJamCassette      byte = 0x44
	stateCheated          byte = 0x45
	statePause            byte = 0x46
	stateFailure          byte = 0x47 // Z2: failure code
	stateEscrow           byte = 0x80 // Z2: bill type, as in the next two
	stateStacked          byte = 0x81
	stateReturned         byte = 0x82
	stateSuspected        byte = 0x84 // S26: suspected note detected
	stateCounterfeit      byte = 0x90 // S26, Article 6: counterfeit note held in the unit
)

// stateNone stands for "no state is known"; no unit answers POLL with it.
const stateNone byte = 0x00

// commonState is the family's word for a state; false for one that is unknown.
func commonState(z1 byte) (cash.State, bool) {
	switch z1 {
	case statePowerUp, statePowerUpValidator, statePowerUpStacker:
		return cash.StatePowerUp, true
	case stateInitialize:
		return cash.StateInitializing, true
	case stateIdling:
		return cash.StateIdle, true
	case stateAccepting:
		return cash.StateAccepting, true
	case stateStacking:
		return cash.StateStacking, true
	case stateReturning:
		return cash.StateReturning, true
	case stateDisabled:
		return cash.StateDisabled, true
	case stateHolding, stateEscrow:
		return cash.StateEscrow, true
	case stateBusy:
		return cash.StateBusy, true
	case stateRejecting, stateSuspected:
		return cash.StateRejecting, true
	case statePause:
		return cash.StatePaused, true
	case stateStacked:
		return cash.StateStacked, true
	case stateReturned:
		return cash.StateReturned, true
	}
	if _, fault := faultKinds[z1]; fault {
		return cash.StateFault, true
	}
	return "", false
}

// powerUpPositions says where the note lies.
var powerUpPositions = map[byte]cash.PowerUpPosition{
	statePowerUp:          cash.PowerUpEmpty,
	statePowerUpValidator: cash.PowerUpInPath,
	statePowerUpStacker:   cash.PowerUpInStacker,
}

var faultKinds = map[byte]cash.FaultKind{
	stateCassetteFull:    cash.FaultCassetteFull,
	stateCassetteRemoved: cash.FaultCassetteRemoved,
	stateJamValidator:    cash.FaultJamValidator,
	stateJamCassette:     cash.FaultJamCassette,
	stateCheated:         cash.FaultCheated,
	stateFailure:         cash.FaultDevice,
	stateCounterfeit:     cash.FaultCounterfeit,
}

// rejectReasons: Z2 of REJECTING (section 7.1).
var rejectReasons = map[byte]string{
	0x60: "insertion",
	0x61: "dielectric or magnetic",
	0x62: "previous note still in the head",
	0x63: "compensation",
	0x64: "transport",
	0x65: "identification",
	0x66: "verification",
	0x67: "optic sensor",
	0x68: "type inhibited",
	0x69: "capacitance",
	0x6A: "operation",
	0x6C: "length",
	0x6D: "ultraviolet",
	0x92: "barcode unreadable",
	0x93: "barcode of wrong length",
	0x94: "barcode start missing",
	0x95: "barcode stop missing",
}

// suspectedReason is the reason told for SUSPECTED NOTE.
const suspectedReason = "suspected counterfeit"

// failureCodes: Z2 of FAILURE (section 7.2). Lists of different makers disagree
// from 57h on, and codes outside 50h to 5Fh are known from one list only, so the
// raw code always stands beside the text.
var failureCodes = map[byte]string{
	0x22: "recovery mode: the firmware must be loaded anew",
	0x23: "calibration",
	0x30: "boot: the firmware did not start",
	0x50: "stack motor",
	0x51: "transport motor speed",
	0x52: "transport motor",
	0x53: "aligning motor",
	0x54: "initial cassette status",
	0x55: "optic channel",
	0x56: "inductive or magnetic channel",
	0x57: "operating system",
	0x58: "memory stick",
	0x59: "internal link",
	0x5A: "internal bus (I2C)",
	0x5B: "internal bus (SPI)",
	0x5C: "second processor",
	0x5F: "capacitance channel",
	0x60: "sensor boards",
	0xF4: "stacker",
	0xFE: "cover open",
}
