package ccnet

import (
	"fmt"
	"strings"

	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// The bill table (section 6.2).
const (
	entryBytes   = 5
	tableEntries = 24
	tableLong    = 48
	// barcodeType is the coupon's place in a table of 24; it is never a note.
	barcodeType = 23

	pointFlag = 0x80 // of an entry's last byte: a point, not zeros
	placesMax = 0x7F
	// largestNote bounds the value of one note, in minor units: a million of the
	// currency. A greater one is a broken table.
	largestNote = 100_000_000
)

// Entry is one line of a unit's bill table as the unit states it: the value is
// Digits * 10^Exponent of the unit of Country.
type Entry struct {
	Type     int
	Digits   byte
	Exponent int
	Country  string // the maker's code; looks like, but is not, ISO 4217
}

// ParseTable reads the answer to GET BILL TABLE. Empty entries are left out;
// missing bytes at the end count as zero.
func ParseTable(payload []byte) ([]Entry, error) {
	if len(payload) == 0 || len(payload) > tableLong*entryBytes {
		return nil, fmt.Errorf("bill table of %d bytes", len(payload))
	}
	var out []Entry
	for t := 0; t*entryBytes < len(payload); t++ {
		var e [entryBytes]byte
		copy(e[:], payload[t*entryBytes:])
		if e[0] == 0 {
			continue
		}
		exp := int(e[4] & placesMax)
		if e[4]&pointFlag != 0 {
			exp = -exp
		}
		out = append(out, Entry{Type: t, Digits: e[0], Exponent: exp, Country: printable(e[1:4])})
	}
	return out, nil
}

// Currencies maps the country codes that units use to currencies.
type Currencies map[string]money.Currency

// DefaultCurrencies maps the codes of the currencies a terminal can meet in this
// country. The old manat (AZM) is deliberately not among them.
func DefaultCurrencies() Currencies {
	return Currencies{
		"AZN": money.AZN, "AZE": money.AZN,
		"USA": "USD", "USD": "USD",
		"EUR": "EUR",
	}
}

// Value is the entry's value; false if its country is not mapped, or if it is
// not a whole number of minor units, or not the value of a note.
func (e Entry) Value(currencies Currencies) (money.Amount, bool) {
	c, ok := currencies[e.Country]
	if !ok {
		return money.Amount{}, false
	}
	minor := int64(e.Digits)
	for exp := e.Exponent + c.Decimals(); exp != 0; {
		if exp > 0 {
			minor *= 10
			exp--
		} else {
			if minor%10 != 0 {
				return money.Amount{}, false
			}
			minor /= 10
			exp++
		}
		if minor > largestNote {
			return money.Amount{}, false
		}
	}
	return money.New(minor, c), minor > 0
}

// table makes the family's table and says which entries it refused, in words.
func table(entries []Entry, size int, currencies Currencies) (cash.Table, []string) {
	var t cash.Table
	var refused []string
	for _, e := range entries {
		if e.Type == barcodeType && size == tableEntries {
			continue
		}
		v, ok := e.Value(currencies)
		if !ok {
			refused = append(refused, fmt.Sprintf("type %d: %d x 10^%d %q", e.Type, e.Digits, e.Exponent, e.Country))
			continue
		}
		t.Notes = append(t.Notes, cash.Note{Type: e.Type, Value: v})
	}
	return t, refused
}

// printable keeps printable ASCII and trims blanks.
func printable(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(latin(b))))
}

// latin keeps every byte one rune, so that hostile bytes cannot join.
func latin(b []byte) []rune {
	out := make([]rune, len(b))
	for i, x := range b {
		out[i] = rune(x)
	}
	return out
}
