package ccnet

import (
	"encoding/hex"

	"github.com/asan-kiosk/kiosk/drivers/cash"
)

// Parts of the answer to IDENTIFICATION (section 6.3), in bytes.
const (
	partBytes   = 15
	serialBytes = 12
	assetBytes  = 7
)

// ParseIdentity reads the answer to IDENTIFICATION by the length that came: some
// makers send less than the manual's 34 bytes, and what is missing stays empty.
func ParseIdentity(payload []byte) cash.Identity {
	take := func(n int) []byte {
		n = min(n, len(payload))
		b := payload[:n]
		payload = payload[n:]
		return b
	}
	return cash.Identity{
		Part:   printable(take(partBytes)),
		Serial: printable(take(serialBytes)),
		Asset:  hex.EncodeToString(take(assetBytes)),
	}
}
