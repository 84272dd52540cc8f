package catalogue

import (
	"math"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

func TestCommission(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	azn := func(n int64) money.Amount { return money.New(n, money.AZN) }
	rules := []CommissionRule{
		{ValidFrom: day(10), Flat: azn(40)},
		{ValidFrom: day(1)},
		{ValidFrom: day(20), Percent: 150, Min: azn(10), Max: azn(100)},
		{ValidFrom: day(25), Flat: azn(5), Percent: 100},
	}
	for _, c := range []struct {
		name   string
		at     time.Time
		amount money.Amount
		want   int64
	}{
		{"before all rules", day(1).Add(-1), azn(1000), 0},
		{"free from the first", day(1), azn(1000), 0},
		{"the instant before the fee", day(10).Add(-1), azn(1000), 0},
		{"flat from its very instant", day(10), azn(1000), 40},
		{"percent", day(20), azn(2000), 30},
		{"percent, half up", day(20), azn(1100), 17},    // 16.5
		{"percent, below half", day(20), azn(1090), 16}, // 16.35
		{"not below the least", day(20), azn(100), 10},
		{"not above the most", day(20), azn(1_000_000), 100},
		{"flat and percent", day(26), azn(1800), 23},
		{"a rule in another currency", day(26), money.New(1800, "USD"), 0},
		{"an amount beyond all bounds", day(26), azn(math.MaxInt64), 0},
	} {
		got := Commission(rules, c.amount, c.at)
		if got.Minor != c.want || got.Currency != c.amount.Currency {
			t.Errorf("%s: %s, want %d", c.name, got, c.want)
		}
	}
	if got := Commission(nil, azn(100), day(1)); !got.IsZero() || got.Currency != money.AZN {
		t.Errorf("no rules: %s", got)
	}
}

func TestLimit(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	rules := []LimitRule{{ValidFrom: day(5), MaxNotes: 5}, {ValidFrom: day(1), MaxNotes: 1}}
	for at, want := range map[time.Time]int{day(1): 1, day(4): 1, day(5): 5, day(9): 5} {
		if got, ok := Limit(rules, at); !ok || got.MaxNotes != want {
			t.Errorf("%s: %d, %v; want %d", at, got.MaxNotes, ok, want)
		}
	}
	if _, ok := Limit(rules, day(1).Add(-1)); ok {
		t.Error("a limit before the first rule")
	}
}
