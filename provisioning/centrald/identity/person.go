package identity

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"unicode"
)

// Person is whom a proven certificate names.
type Person struct {
	FIN  string // seven characters, see ValidFIN
	Name string // given name and surname, for the screen
}

// maxName bounds a name, in characters: it goes to a screen.
const maxName = 100

// The attributes of a subject that are read (X.520; ETSI EN 319 412-2 section
// 4.2.4).
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// finPrefix says that what follows is a national number of Azerbaijan (ETSI EN 319
// 412-1 section 5.1.3: PNO, the country, a hyphen).
const finPrefix = "PNOAZ-"

func personOf(leaf *x509.Certificate) (Person, error) {
	var serial, given, surname, common string
	for _, a := range leaf.Subject.Names {
		text, _ := a.Value.(string)
		switch {
		case a.Type.Equal(oidSerialNumber):
			if serial != "" {
				return Person{}, refuse(CertMalformed, "it names two numbers")
			}
			serial = text
		case a.Type.Equal(oidGivenName):
			given = clean(text)
		case a.Type.Equal(oidSurname):
			surname = clean(text)
		case a.Type.Equal(oidCommonName):
			common = text
		}
	}
	fin := strings.TrimPrefix(serial, finPrefix)
	if !ValidFIN(fin) {
		return Person{}, refuse(CertMalformed, "it names no FIN")
	}
	name := strings.TrimSpace(given + " " + surname)
	if name == "" {
		// A common name may be SURNAME,GIVEN,NUMBER: the number is not for the screen.
		parts := strings.FieldsFunc(common, func(r rune) bool { return r == ',' })
		kept := parts[:0]
		for _, p := range parts {
			if !strings.Contains(p, fin) {
				kept = append(kept, p)
			}
		}
		name = clean(strings.Join(kept, " "))
	}
	if name == "" {
		return Person{}, refuse(CertMalformed, "it names nobody")
	}
	return Person{FIN: fin, Name: name}, nil
}

// clean makes a text of a certificate fit for a screen: no control or formatting
// characters (which could turn the line round), single spaces, bounded.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	r := []rune(strings.Join(strings.Fields(s), " "))
	return strings.TrimSpace(string(r[:min(len(r), maxName)]))
}

// ValidFIN reports whether s has the form of a FIN: seven digits and capitals,
// without I and O.
func ValidFIN(s string) bool {
	if len(s) != 7 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c >= 'A' && c <= 'Z' && c != 'I' && c != 'O':
		default:
			return false
		}
	}
	return true
}
