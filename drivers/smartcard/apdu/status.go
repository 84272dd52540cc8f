package apdu

import "fmt"

// SW is the status word that ends every answer.
type SW uint16

// Status words (ISO/IEC 7816-4 section 5.6).
const (
	OK                 SW = 0x9000
	EndOfFile          SW = 0x6282 // fewer bytes than asked for
	FileDeactivated    SW = 0x6283
	WrongNoCount       SW = 0x6300 // comparison failed, tries left unknown
	MemoryFault        SW = 0x6581
	WrongLength        SW = 0x6700
	SecurityStatus     SW = 0x6982 // a PIN is missing
	Blocked            SW = 0x6983
	ReferenceUnusable  SW = 0x6984 // PIN not set, transport PIN
	ConditionsOfUse    SW = 0x6985
	NoCurrentFile      SW = 0x6986
	WrongData          SW = 0x6A80
	NotSupported       SW = 0x6A81
	FileNotFound       SW = 0x6A82
	RecordNotFound     SW = 0x6A83
	WrongP1P2          SW = 0x6A86
	WrongLc            SW = 0x6A87
	ReferenceNotFound  SW = 0x6A88
	WrongOffset        SW = 0x6B00
	InstructionUnknown SW = 0x6D00
	ClassUnknown       SW = 0x6E00

	swMoreData = 0x61 // SW1: SW2 more bytes wait
	swWrongLe  = 0x6C // SW1: SW2 is the right Le
	triesLeft  = 0x63C0
)

// Warning reports whether the command was done with a remark (62xx, 63xx).
func (s SW) Warning() bool { return s>>8 == 0x62 || s>>8 == 0x63 }

// Tries is the number of tries left in 63Cx.
func (s SW) Tries() (int, bool) { return int(s & 0x0F), s&0xFFF0 == triesLeft }

// Refusal reports whether the card did not take the command in this shape and
// did nothing, so that another shape can be tried.
func (s SW) Refusal() bool {
	switch s {
	case WrongLength, ConditionsOfUse, NoCurrentFile, WrongData, NotSupported, WrongP1P2, WrongLc,
		ReferenceNotFound, WrongOffset, InstructionUnknown, ClassUnknown:
		return true
	}
	return s == 0x6981 // command incompatible with the file's structure
}

func (s SW) String() string {
	meaning, ok := meanings[s]
	if _, tries := s.Tries(); tries {
		meaning, ok = "PIN wrong", true
	}
	if !ok {
		meaning = "refused"
	}
	return fmt.Sprintf("%s (SW %04X)", meaning, uint16(s))
}

var meanings = map[SW]string{
	OK:                 "done",
	EndOfFile:          "end of file",
	FileDeactivated:    "file deactivated",
	WrongNoCount:       "PIN wrong",
	MemoryFault:        "memory fault in the card",
	WrongLength:        "wrong length",
	SecurityStatus:     "security status not satisfied",
	Blocked:            "PIN blocked",
	ReferenceUnusable:  "reference data unusable",
	ConditionsOfUse:    "conditions of use not satisfied",
	NoCurrentFile:      "no current file",
	WrongData:          "data field wrong",
	NotSupported:       "function not supported",
	FileNotFound:       "file not found",
	RecordNotFound:     "record not found",
	WrongP1P2:          "P1-P2 wrong",
	WrongLc:            "Lc inconsistent",
	ReferenceNotFound:  "key or PIN not found",
	WrongOffset:        "offset outside the file",
	InstructionUnknown: "instruction not supported",
	ClassUnknown:       "class not supported",
	0x6881:             "logical channel not supported",
	0x6882:             "secure messaging not supported",
	0x6883:             "last part of the chain expected",
	0x6884:             "chaining not supported",
	0x6981:             "command incompatible with the file",
	0x6988:             "secure messaging data wrong",
	0x6F00:             "unspecified fault",
}

// StatusError is a command that the card did not carry out. It holds no data of
// the command.
type StatusError struct {
	INS byte
	SW  SW
}

func (e *StatusError) Error() string {
	name, ok := instructions[e.INS]
	if !ok {
		name = fmt.Sprintf("INS %02X", e.INS)
	}
	return name + ": " + e.SW.String()
}
