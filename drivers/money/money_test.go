package money_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/money"
	"pgregory.net/rapid"
)

func ExampleAmount_String() {
	fmt.Println(money.Manat(18), money.New(-5, money.AZN), money.New(1234567, "USD"))
	// Output: 18.00 AZN -0.05 AZN 12345.67 USD
}

func TestMixingCurrenciesPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"add":      func() { money.Manat(1).Add(money.New(1, "USD")) },
		"sub":      func() { money.Manat(1).Sub(money.New(1, "USD")) },
		"cmp":      func() { money.Manat(1).Cmp(money.New(1, "USD")) },
		"overflow": func() { money.New(math.MaxInt64, money.AZN).Add(money.New(1, money.AZN)) },
		"negate":   func() { money.New(math.MinInt64, money.AZN).Neg() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a wrong sum was made")
				}
			}()
			f()
		})
	}
}

func TestZeroHasNoCurrencyOfItsOwn(t *testing.T) {
	if got := (money.Amount{}).Add(money.Manat(3)); got != money.Manat(3) {
		t.Errorf("nothing and three manat are %s", got)
	}
}

func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-1<<40, 1<<40)
		a, b := money.New(n.Draw(t, "a"), money.AZN), money.New(n.Draw(t, "b"), money.AZN)
		if a.Add(b).Sub(b) != a || a.Add(b) != b.Add(a) {
			t.Fatalf("%s and %s", a, b)
		}
		if (a.Cmp(b) < 0) != a.Sub(b).IsNegative() || money.Max(a, b).Cmp(a) < 0 {
			t.Fatalf("order of %s and %s", a, b)
		}
	})
}
