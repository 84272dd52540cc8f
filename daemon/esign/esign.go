// Package esign signs people in with the e-signature card: it reads which
// certificates a card offers, asks it how many tries its PIN has, and lets it sign
// the login challenge of a relying party.
//
// The package has two parts. Desk is a state machine without clock, goroutine or
// I/O: it knows which card lies in which reader and which job is under way, and
// the visit decides by what it says. Runner carries the jobs out at the cards.
//
// # Rules
//
//  1. One VERIFY for each PIN that a person typed, and none of the last try without
//     the person's yes to just that (Order.LastConfirmed); the tries are asked from
//     the card inside the same transaction, so nothing that happened in between can
//     make the last try look like another one.
//  2. A PIN goes only to the card that was read: the insertion is compared before
//     the job, the card's own serial number inside it.
//  3. What is signed is the challenge of a relying party that the signed catalogue
//     names, built here from its origin; no caller's hash is ever signed.
//  4. A job ends with the card reset. A Secret is wiped by whoever held it last, the
//     moment it is not needed; no error or result holds any of it.
//
// Sources: protocols/esign-card.md 5, 10, 14; Web eID authentication token format
// 1.0.
package esign

import (
	"fmt"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Slot is one insertion of one card.
type Slot struct {
	Reader    smartcard.Reader
	Insertion uint64
}

// Job is one piece of work at a card; exactly one Result with the same ID follows.
type Job struct {
	ID   uint64
	Slot Slot
	Sign *Order // nil: read the card
}

// Order is a login to be signed.
type Order struct {
	Key           string // smartcard.Key.ID
	Origin        string // of the relying party, from the signed catalogue
	Nonce         string // as received, base64
	LastConfirmed bool   // the person has said yes to spending the last try
	// PIN is the Runner's from here on: it wipes it.
	PIN *Secret
}

// Result is the end of a Job: Failure, or Keys, or Token.
type Result struct {
	ID      uint64
	Failure *Failure
	Keys    []Key
	Token   *Token
}

// Key is a certificate on the card that a person may be offered.
type Key struct {
	ID         string
	Holder     string // common name; printable characters only
	Issuer     string
	ValidUntil time.Time
	// Problem is why it cannot be used to sign in; "" if it can.
	Problem        Problem
	MinPIN, MaxPIN int
	Digits         bool
	State          smartcard.PINState
}

// Problem is why a card or one of its certificates cannot be used.
type Problem string

const (
	ProblemRemoved       Problem = "removed"
	ProblemOtherCard     Problem = "other_card"
	ProblemUnreadable    Problem = "unreadable"
	ProblemUnsupported   Problem = "unsupported"
	ProblemNoCertificate Problem = "no_certificate"
	ProblemExpired       Problem = "cert_expired"
	ProblemNotYetValid   Problem = "cert_not_yet"
	ProblemPurpose       Problem = "cert_purpose"
	ProblemAlgorithm     Problem = "algorithm" // a key that no relying party takes
	ProblemPINWrong      Problem = "pin_wrong"
	ProblemPINLast       Problem = "pin_last_try" // nothing was sent: the person must say yes first
	ProblemPINBlocked    Problem = "pin_blocked"
	ProblemPINNotSet     Problem = "pin_not_set"
	ProblemPINFormat     Problem = "pin_format" // not taken as a PIN; no try was used
	ProblemTriesUnknown  Problem = "tries_unknown"
	ProblemFault         Problem = "fault"
	ProblemReaderGone    Problem = "reader_gone"
	ProblemReaderBusy    Problem = "reader_busy"
	ProblemReaderStuck   Problem = "reader_stuck"
)

// Failure says why a job did not succeed. Its text is for the log: cause and
// status word, nothing of the person's.
type Failure struct {
	Problem Problem
	Left    int // pin_wrong: tries left; smartcard.TriesUnknown if the card does not tell
	Err     error
}

func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Problem, f.Err) }

func (f *Failure) Unwrap() error { return f.Err }

// Token is the Web eID authentication token, version 1.0. There is no claim in it
// to trust: the verifier puts its own origin and nonce into the computation.
type Token struct {
	UnverifiedCertificate []byte `json:"unverifiedCertificate"` // DER
	Algorithm             string `json:"algorithm"`             // RS256 or ES256
	Signature             []byte `json:"signature"`
	Format                string `json:"format"`
	AppVersion            string `json:"appVersion"`
}
