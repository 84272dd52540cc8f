package apdu

// Instruction bytes (ISO/IEC 7816-4 and -8).
const (
	insVerify          = 0x20
	insVerifyTLV       = 0x21
	insMSE             = 0x22
	insChangeReference = 0x24
	insPSO             = 0x2A
	insResetRetry      = 0x2C
	insInternalAuth    = 0x88
	insSelect          = 0xA4
	insReadBinary      = 0xB0
	insReadBinaryTLV   = 0xB1
	insReadRecord      = 0xB2
	insGetResponse     = 0xC0
	insGetData         = 0xCA
	insGetDataTLV      = 0xCB
)

var instructions = map[byte]string{
	insVerify:          "VERIFY",
	insVerifyTLV:       "VERIFY",
	insMSE:             "MANAGE SECURITY ENVIRONMENT",
	insChangeReference: "CHANGE REFERENCE DATA",
	insPSO:             "PERFORM SECURITY OPERATION",
	insResetRetry:      "RESET RETRY COUNTER",
	insInternalAuth:    "INTERNAL AUTHENTICATE",
	insSelect:          "SELECT",
	insReadBinary:      "READ BINARY",
	insReadBinaryTLV:   "READ BINARY",
	insReadRecord:      "READ RECORD",
	insGetResponse:     "GET RESPONSE",
	insGetData:         "GET DATA",
	insGetDataTLV:      "GET DATA",
}

// carriesPIN: such a command is never sent twice, and its bytes are nobody's
// business.
func carriesPIN(ins byte) bool {
	switch ins {
	case insVerify, insVerifyTLV, insChangeReference, insResetRetry:
		return true
	}
	return false
}

// SelectBy is P1 of SELECT: how the file is named (ISO/IEC 7816-4 table 39).
type SelectBy byte

const (
	ByID       SelectBy = 0x00 // identifier, any kind of file
	ByChildDF  SelectBy = 0x01 // identifier of a DF in the current DF
	ByChildEF  SelectBy = 0x02 // identifier of an EF in the current DF
	ByName     SelectBy = 0x04 // application identifier
	ByPathMF   SelectBy = 0x08 // path from the MF, which is left out
	ByPathHere SelectBy = 0x09 // path from the current DF
)

// SelectAnswer is P2 of SELECT: what comes back about the file.
type SelectAnswer byte

const (
	WithFCI  SelectAnswer = 0x00
	WithFCP  SelectAnswer = 0x04
	WithNone SelectAnswer = 0x0C
)

// Select is SELECT.
func Select(by SelectBy, answer SelectAnswer, name []byte) Command {
	c := Command{INS: insSelect, P1: byte(by), P2: byte(answer), Data: name}
	if answer != WithNone {
		c.Ne = MaxShortAnswer
	}
	return c
}

// maxPlainOffset is the first offset that P1-P2 of READ BINARY cannot say, since
// the top bit names a short file identifier.
const maxPlainOffset = 0x8000

// ReadBinary reads n bytes of the current file from an offset below 64 KiB. From
// 32 KiB on the offset goes in a data object, and so does the answer: see
// Offset.
func ReadBinary(offset, n int) Command {
	hi, lo := byte(offset>>8), byte(offset)
	if offset < maxPlainOffset {
		return Command{INS: insReadBinary, P1: hi, P2: lo, Ne: n}
	}
	return Command{INS: insReadBinaryTLV, Data: []byte{tagOffset, 2, hi, lo}, Ne: n}
}

// InDataObject reports whether the answer to ReadBinary at an offset is wrapped
// in a data object (tag 53).
func InDataObject(offset int) bool { return offset >= maxPlainOffset }

const (
	tagOffset  = 0x54
	recordByNo = 0x04 // P2 of READ RECORD: P1 is a record number
)

// ReadRecord reads one record of the current file.
func ReadRecord(number byte) Command {
	return Command{INS: insReadRecord, P1: number, P2: recordByNo, Ne: MaxShortAnswer}
}

// Verify is VERIFY with a PIN block, or the question for the PIN's state if the
// block is empty.
func Verify(reference byte, block []byte) Command {
	return Command{INS: insVerify, P2: reference, Data: block}
}

// Templates of MANAGE SECURITY ENVIRONMENT: what the key is set for.
const (
	TemplateSignature      = 0xB6
	TemplateAuthentication = 0xA4
)

// SetKey is MANAGE SECURITY ENVIRONMENT, SET for computing, with the control
// reference data objects that it is given.
func SetKey(template byte, objects []byte) Command {
	return Command{INS: insMSE, P1: 0x41, P2: template, Data: objects}
}

// Control reference data objects (ISO/IEC 7816-4 section 6.3.3).
const (
	TagAlgorithm = 0x80
	TagFile      = 0x81
	TagKey       = 0x84
)

// Sign is PERFORM SECURITY OPERATION, compute digital signature.
func Sign(data []byte) Command {
	return Command{INS: insPSO, P1: 0x9E, P2: 0x9A, Data: data, Ne: MaxShortAnswer}
}

// SetHash is PERFORM SECURITY OPERATION, hash, with a digest that was computed
// outside the card.
func SetHash(digest []byte) Command {
	d := append([]byte{0x90, byte(len(digest))}, digest...)
	return Command{INS: insPSO, P1: 0x90, P2: 0xA0, Data: d}
}

// InternalAuthenticate signs a challenge with the key that is set.
func InternalAuthenticate(challenge []byte) Command {
	return Command{INS: insInternalAuth, Data: challenge, Ne: MaxShortAnswer}
}

// GetData is GET DATA with the tags asked for in its data field.
func GetData(p1, p2 byte, tags []byte) Command {
	return Command{INS: insGetDataTLV, P1: p1, P2: p2, Data: tags, Ne: MaxShortAnswer}
}
