package domain_test

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, currency string
		minor            int64
		err              error
	}{
		{"85.00", "GBP", 8500, nil}, {"85", "GBP", 8500, nil}, {"85.5", "GBP", 8550, nil}, {"0.01", "GBP", 1, nil}, {"0", "GBP", 0, nil},
		{"999999999.99", "GBP", 99999999999, nil}, {"500", "JPY", 500, nil}, {"1.234", "KWD", 1234, nil},
		{"1000000000", "GBP", 0, domain.ErrBadAmount}, {"85.001", "GBP", 0, domain.ErrBadAmount}, {"-1", "GBP", 0, domain.ErrBadAmount},
		{"+1", "GBP", 0, domain.ErrBadAmount}, {"1e3", "GBP", 0, domain.ErrBadAmount}, {"1,000", "GBP", 0, domain.ErrBadAmount},
		{"", "GBP", 0, domain.ErrBadAmount}, {".5", "GBP", 0, domain.ErrBadAmount}, {"5.", "GBP", 0, domain.ErrBadAmount},
		{"1.2.3", "GBP", 0, domain.ErrBadAmount}, {"٣", "GBP", 0, domain.ErrBadAmount}, {"1.5", "JPY", 0, domain.ErrBadAmount},
		{"1", "gbp", 0, domain.ErrBadCurrency}, {"1", "", 0, domain.ErrBadCurrency}, {"1", "POUND", 0, domain.ErrBadCurrency},
	} {
		got, err := domain.ParseMoney(c.amount, c.currency)
		if got.Minor != c.minor || !errors.Is(err, c.err) {
			t.Errorf("%q %s: %d, %v", c.amount, c.currency, got.Minor, err)
		}
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{{8500, "GBP", "85.00"}, {1, "GBP", "0.01"}, {0, "GBP", "0.00"}, {-205, "GBP", "-2.05"}, {500, "JPY", "500"}, {5, "KWD", "0.005"}} {
		if got := (domain.Money{Minor: c.minor, Currency: c.currency}).Decimal(); got != c.want {
			t.Errorf("%d %s is %s, want %s", c.minor, c.currency, got, c.want)
		}
	}
}

func TestHundredths(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"12.5": 1250, "1": 100, "0.25": 25, "99999.99": 9999999} {
		if got, err := domain.ParseHundredths(s); got != want || err != nil {
			t.Errorf("%s is %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "100000", "1.005", "-1", "ten"} {
		if _, err := domain.ParseHundredths(s); !errors.Is(err, domain.ErrBadQuantity) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if got := domain.FormatHundredths(1250); got != "12.50" {
		t.Errorf("1250 hundredths print as %s", got)
	}
}

func TestDecimalAndParseMoneyAreInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := domain.Money{Minor: rapid.Int64Range(0, 99999999999).Draw(t, "minor"), Currency: "GBP"}
		back, err := domain.ParseMoney(m.Decimal(), m.Currency)
		if err != nil || back != m {
			t.Fatalf("%d prints as %s, which reads as %d, %v", m.Minor, m.Decimal(), back.Minor, err)
		}
	})
}

func TestTimesRoundsHalfUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ minor, num, den, want int64 }{
		{4800, 90, 60, 7200}, {100, 1, 3, 33}, {100, 2, 3, 67}, {1, 1, 2, 1}, {3, 1, 2, 2}, {-1, 1, 2, -1}, {45, 1250, 100, 563}, {1, 49, 100, 0},
	} {
		if got := (domain.Money{Minor: c.minor}).Times(c.num, c.den).Minor; got != c.want {
			t.Errorf("%d × %d/%d is %d, want %d", c.minor, c.num, c.den, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(0, 99999999999).Draw(t, "minor")
		num, den := rapid.Int64Range(0, 9999999).Draw(t, "num"), rapid.Int64Range(1, 1000).Draw(t, "den")
		got := (domain.Money{Minor: minor}).Times(num, den).Minor
		// floor(a/b + 1/2) = floor((2a+b)/2b)
		a := new(big.Int).Mul(big.NewInt(minor), big.NewInt(num))
		want := a.Mul(a, big.NewInt(2)).Add(a, big.NewInt(den)).Div(a, big.NewInt(2*den))
		if want.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%d × %d/%d is %d, want %s", minor, num, den, got, want)
		}
	})
}
