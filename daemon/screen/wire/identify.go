package wire

import (
	"errors"
	"log/slog"
	"unicode/utf8"
)

// Method is a way to sign in (the four of ASAN Login).
type Method string

const (
	MethodPassword Method = "fin_password" // FIN and password, then a one-time code
	MethodASAN     Method = "asan_imza"    // mobile signature: control code, PIN on the phone
	MethodCard     Method = "esign_card"   // e-signature card or token of the national centre
	MethodBSXM     Method = "bsxm"         // certificate of the Bank Certification Services Centre
)

// Methods lists the ways to sign in, in the order in which they are offered.
func Methods() []Method {
	return []Method{MethodCard, MethodASAN, MethodPassword, MethodBSXM}
}

// Level is how sure central is of a person.
type Level string

const (
	LevelLow  Level = "low"
	LevelHigh Level = "high"
)

// Person is who is signed in, as central names them.
type Person struct {
	Name   string `json:"name"`
	FIN    string `json:"fin"` // masked but for its end
	Method Method `json:"method"`
	Level  Level  `json:"level"`
}

// Identify is what a sign-in needs on the screen. Party is shown on each of its
// screens, before any PIN is asked for: whom the person signs in to.
type Identify struct {
	Party   Text           `json:"party"`
	Origin  string         `json:"origin"` // its address: left to right, as it is
	Method  Method         `json:"method"` // the chosen one; "" on method
	Methods []MethodChoice `json:"methods,omitempty"`
	// Restarted: the terminal restarted, which ended the sign-in that was there.
	Restarted    bool          `json:"restarted"`
	Reading      bool          `json:"reading"` // card: one is in and is being read
	Problem      *CardTrouble  `json:"problem,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"`
	PIN          *PINEntry     `json:"pin,omitempty"`
	Phone        *Phone        `json:"phone,omitempty"`
}

// MethodChoice is one way to sign in and whether it can be used here and now.
type MethodChoice struct {
	Method    Method         `json:"method"`
	Available bool           `json:"available"`
	Why       *MethodMissing `json:"why,omitempty"`
}

// MethodMissing says why a way to sign in cannot be used now.
type MethodMissing string

const (
	MethodNoReader  MethodMissing = "no_reader"  // the card reader does not work
	MethodNoCentral MethodMissing = "no_central" // the state systems cannot be reached
)

// CardTrouble says why a card cannot be used. Retry: trying again may help, with
// this card or another; the way on is then "try again".
type CardTrouble struct {
	What  CardProblem `json:"what"`
	Retry bool        `json:"retry"`
}

// CardProblem is what is wrong with a card, in the person's terms.
type CardProblem string

const (
	CardRemoved       CardProblem = "removed"        // taken out before it was done
	CardOther         CardProblem = "other_card"     // another card than the one that was read
	CardUnreadable    CardProblem = "unreadable"     // upside down, dirty, dead
	CardUnsupported   CardProblem = "unsupported"    // no e-signature card that is known
	CardNoCertificate CardProblem = "no_certificate" // nothing on it that signs people in
	CardExpired       CardProblem = "cert_expired"
	CardNotYetValid   CardProblem = "cert_not_yet"
	CardRevoked       CardProblem = "cert_revoked"
	CardSuspended     CardProblem = "cert_suspended"
	CardUnknownIssuer CardProblem = "cert_unknown"   // from no centre that counts for this method
	CardPurpose       CardProblem = "cert_purpose"   // not made for signing in
	CardStatusUnknown CardProblem = "status_unknown" // nobody can say whether it is still good
	CardBlocked       CardProblem = "pin_blocked"    // no try is left
	CardNotActivated  CardProblem = "pin_not_set"    // the PIN was never activated
	CardTriesUnknown  CardProblem = "tries_unknown"  // the card does not tell its tries, and one was used
	CardFault         CardProblem = "fault"          // it answered wrongly
	CardReaderGone    CardProblem = "reader_gone"    // the reader was unplugged or its service is down
	CardReaderBusy    CardProblem = "reader_busy"    // another program holds it
	CardReaderStuck   CardProblem = "reader_stuck"   // it does not come back
	CardCentral       CardProblem = "central"        // central could not be asked
	CardTooLate       CardProblem = "too_late"       // the attempt's time was over
	CardSignInRefused CardProblem = "refused"        // central refused for another reason
)

// Certificate is one that a person may choose.
type Certificate struct {
	ID         string       `json:"id"`
	Holder     string       `json:"holder"`
	Issuer     string       `json:"issuer"`
	ValidUntil string       `json:"valid_until"`       // YYYY-MM-DD
	Problem    *CardProblem `json:"problem,omitempty"` // it cannot be chosen
}

// PINEntry is the state of the PIN that is being typed: never a digit of it.
type PINEntry struct {
	Holder string `json:"holder"` // whose certificate it opens
	Length int    `json:"length"` // digits typed so far
	Min    int    `json:"min"`
	Max    int    `json:"max"`
	// Left is how many tries the card has; -1: it does not tell.
	Left  int  `json:"left"`
	Wrong bool `json:"wrong"` // the last one was wrong
	// Last: the next wrong PIN blocks the card, and the person has said yes to it.
	Last    bool `json:"last"`
	CanSend bool `json:"can_send"`
}

// Phone is a mobile signature under way: the person compares the code with the
// one on the phone, and enters the PIN there.
type Phone struct {
	Code        string `json:"code"`
	SecondsLeft int    `json:"seconds_left"`
}

// List is a list of records of central, as central wrote them.
type List struct {
	Rows []ListRow `json:"rows"`
}

// ListRow is one record. Title and Detail are data in the language of the state,
// not texts of the screen.
type ListRow struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	At     string `json:"at"` // YYYY-MM-DDThh:mm in the terminal's own time
	Amount *Val   `json:"amount,omitempty"`
	Code   string `json:"code"` // reference; "" without one
}

// SecretKey is the payload of Secret.Key: one key of a secret (PIN, password,
// one-time code). It is a type of its own so that what is logged, traced or
// dumped can be told by type that it holds nothing to show.
type SecretKey struct {
	StepSeq uint64     `json:"step_seq"`
	Field   string     `json:"field"` // name of the form's field; "pin" for a card's PIN; FieldServicePIN
	Key     SecretRune `json:"key"`
}

// SecretRune is one character, or "erase", or "clear". It is never a string here:
// a string cannot be wiped.
type SecretRune rune

// Keys that are no character.
const (
	SecretErase SecretRune = -1 // "erase" takes the last character away
	SecretClear SecretRune = -2 // "clear" takes all away
)

// errSecretRune holds nothing of what was sent.
var errSecretRune = errors.New("not a key of a secret")

// UnmarshalJSON reads one key.
func (k *SecretRune) UnmarshalJSON(b []byte) error {
	if len(b) < 3 || b[0] != '"' || b[len(b)-1] != '"' {
		return errSecretRune
	}
	in := b[1 : len(b)-1]
	switch string(in) { // a switch makes no copy
	case "erase":
		*k = SecretErase
		return nil
	case "clear":
		*k = SecretClear
		return nil
	case `\"`, `\\`, `\/`:
		*k = SecretRune(in[1])
		return nil
	}
	r, n := utf8.DecodeRune(in)
	if r == utf8.RuneError || n != len(in) || r < ' ' || r == '\\' {
		return errSecretRune
	}
	*k = SecretRune(r)
	return nil
}

// MarshalJSON refuses: a secret's key does not leave the daemon.
func (SecretRune) MarshalJSON() ([]byte, error) { return nil, errSecretRune }

// LogValue shows nothing.
func (SecretKey) LogValue() slog.Value { return slog.StringValue("secret") }

// String shows nothing.
func (SecretKey) String() string { return "secret" }

// GoString shows nothing.
func (SecretKey) GoString() string { return "secret" }
