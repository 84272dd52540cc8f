// Package money is the one representation of money in this product: an
// integer count of minor units together with its currency. It is a leaf that
// every room may import, and no floating point number ever comes near it.
package money

import (
	"fmt"
	"math"
	"strings"
)

// Currency is an ISO 4217 alphabetic code, for example "AZN".
type Currency string

// AZN is the Azerbaijani manat: 100 qəpik, two decimals (ISO 4217 numeric 944).
const AZN Currency = "AZN"

// Decimals is the number of minor-unit digits of the currency. Every currency
// that a terminal can take (AZN, USD, EUR) has two.
func (c Currency) Decimals() int { return 2 }

// Valid reports whether c is three capital Latin letters.
func (c Currency) Valid() bool {
	if len(c) != 3 {
		return false
	}
	for i := range len(c) {
		if c[i] < 'A' || c[i] > 'Z' {
			return false
		}
	}
	return true
}

// Amount is a sum of money: Minor counts the currency's minor units (qəpik for
// AZN). The zero Amount has no currency and adds to anything.
type Amount struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// New makes an amount of minor units.
func New(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// Manat makes a whole number of manat.
func Manat(n int64) Amount { return Amount{Minor: n * 100, Currency: AZN} }

// Zero is nothing, in the currency c.
func Zero(c Currency) Amount { return Amount{Currency: c} }

func (a Amount) IsZero() bool     { return a.Minor == 0 }
func (a Amount) IsPositive() bool { return a.Minor > 0 }
func (a Amount) IsNegative() bool { return a.Minor < 0 }

func (a Amount) common(b Amount) Currency {
	switch {
	case a.Currency == b.Currency:
		return a.Currency
	case a.Currency == "" && a.Minor == 0:
		return b.Currency
	case b.Currency == "" && b.Minor == 0:
		return a.Currency
	}
	panic(fmt.Sprintf("money: %s and %s cannot be combined", a.Currency, b.Currency))
}

// Add is a + b. Mixing currencies or leaving the range of int64 is a mistake
// of the program, not of its input, and panics: a wrong sum must never be
// written down.
func (a Amount) Add(b Amount) Amount {
	c := a.common(b)
	s := a.Minor + b.Minor
	if (s > a.Minor) != (b.Minor > 0) && b.Minor != 0 {
		panic("money: sum out of range")
	}
	return Amount{Minor: s, Currency: c}
}

// Neg is -a.
func (a Amount) Neg() Amount {
	if a.Minor == math.MinInt64 {
		panic("money: negation out of range")
	}
	return Amount{Minor: -a.Minor, Currency: a.Currency}
}

// Sub is a - b; it panics as Add does.
func (a Amount) Sub(b Amount) Amount { return a.Add(b.Neg()) }

// Cmp is -1, 0 or +1 as a is less than, equal to or more than b.
func (a Amount) Cmp(b Amount) int {
	a.common(b)
	switch {
	case a.Minor < b.Minor:
		return -1
	case a.Minor > b.Minor:
		return 1
	}
	return 0
}

// Max is the greater of a and b.
func Max(a, b Amount) Amount {
	if a.Cmp(b) >= 0 {
		return a
	}
	return b
}

// String is the neutral form for logs and records' readers: "12.50 AZN". What
// a person sees is written by the screen and the slip in the person's language.
func (a Amount) String() string {
	sign, m := "", uint64(a.Minor)
	if a.Minor < 0 {
		sign, m = "-", uint64(-(a.Minor+1))+1
	}
	return strings.TrimSpace(fmt.Sprintf("%s%d.%02d %s", sign, m/100, m%100, a.Currency))
}
