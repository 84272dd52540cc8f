package smartcard

import "time"

// Candidate is a key and whether it signs its holder in.
type Candidate struct {
	Key      Key
	Holder   string
	Issuer   string
	NotAfter time.Time
	Why      Unusable
}

// Unusable is why not.
type Unusable string

const (
	NotExpired  Unusable = "expired"
	NotYetValid Unusable = "not_yet_valid"
)

// ForLogin is written elsewhere.
func ForLogin([]Key, time.Time) []Candidate { return nil }
