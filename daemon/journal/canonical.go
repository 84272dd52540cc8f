package journal

import "github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"

// The byte form of a record is canonical JSON (RFC 8785) without fractions, as
// package canonical has it for both ends of the chain.

// ErrNotCanonical is the class of every refusal of Canonical.
var ErrNotCanonical = canonical.ErrRefused

// maxInteger is the greatest magnitude of a number in a record.
const maxInteger = canonical.MaxInteger

// Canonical rewrites one JSON text in its canonical form. It refuses fractions,
// exponents, integers beyond ±(2^53-1), malformed Unicode and names that occur
// twice; the error wraps ErrNotCanonical.
func Canonical(in []byte) ([]byte, error) { return canonical.JSON(in) }

func hashOf(b []byte) string { return canonical.Hash(b) }

// appendString writes a well-formed string as Canonical does. Seal builds
// envelopes with it, which is three times as fast as encoding twice.
func appendString(out []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(s) {
		switch b := s[i]; b {
		case '"', '\\':
			out = append(out, '\\', b)
		case '\b':
			out = append(out, '\\', 'b')
		case '\t':
			out = append(out, '\\', 't')
		case '\n':
			out = append(out, '\\', 'n')
		case '\f':
			out = append(out, '\\', 'f')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			if b < ' ' {
				out = append(out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			} else {
				out = append(out, b)
			}
		}
	}
	return append(out, '"')
}
