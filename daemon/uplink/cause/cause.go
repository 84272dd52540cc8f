// Package cause is the words in which the uplink tells kioskd run why it has no
// answer of central's: a leaf that both processes read. The words travel as the
// type of a problem document (RFC 9457), in a name space of their own, so that
// nothing of the uplink's is ever taken for a word of central's.
package cause

import "strings"

// Cause is a local reason.
type Cause string

// The closed list.
const (
	Unreachable Cause = "unreachable"  // no connection to central, or it broke
	Timeout     Cause = "timeout"      // no whole answer in time
	TLS         Cause = "tls"          // what answers there does not prove to be central
	Identity    Cause = "identity"     // central does not take our certificate
	Content     Cause = "content_type" // an answer in a form that was not asked for
	Oversize    Cause = "oversize"     // an answer longer than any may be
	Busy        Cause = "busy"         // too many requests at a time
	NotAllowed  Cause = "not_allowed"  // a request that is not on the list, or not well-formed
)

const prefix = "urn:kiosk:uplink:"

// Type is the cause as a problem's type.
func (c Cause) Type() string { return prefix + string(c) }

// Of reads a problem's type; ok is false for every type that is not the uplink's.
func Of(problemType string) (c Cause, ok bool) {
	s, ok := strings.CutPrefix(problemType, prefix)
	if !ok {
		return "", false
	}
	return Cause(s), true
}
