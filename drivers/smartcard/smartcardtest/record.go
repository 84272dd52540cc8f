package smartcardtest

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Exchange is one command that reached a card, or was meant to.
type Exchange struct {
	Reader    smartcard.Reader
	Insertion uint64
	// Command is in upper-case hexadecimal. The data of a command that carries a PIN
	// is replaced by stars, one for each byte.
	Command string
	// SW is the status word of the answer, 0 without one.
	SW  uint16
	Err error // what the caller was told
}

func (e Exchange) String() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s: %04X", e.Command, e.SW)
}

// carryPIN are the instructions whose data is a PIN: VERIFY, CHANGE REFERENCE
// DATA, RESET RETRY COUNTER (ISO/IEC 7816-4 11.5).
var carryPIN = []byte{0x20, 0x21, 0x24, 0x25, 0x2C, 0x2D}

const (
	headerLength   = 4
	extendedLength = headerLength + 3
)

// redact writes a command down without a PIN. What stands behind the length of
// the data is replaced whatever the length says, also the expected length.
func redact(command []byte) string {
	if len(command) <= headerLength || !slices.Contains(carryPIN, command[1]) {
		return fmt.Sprintf("%X", command)
	}
	keep := headerLength + 1
	if command[headerLength] == 0 && len(command) > extendedLength {
		keep = extendedLength
	}
	return strings.ToUpper(hex.EncodeToString(command[:keep])) + strings.Repeat("*", len(command)-keep)
}

func statusWord(answer []byte) uint16 {
	if len(answer) < 2 {
		return 0
	}
	return uint16(answer[len(answer)-2])<<8 | uint16(answer[len(answer)-1])
}
