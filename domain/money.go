package domain

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Money is an amount in the currency's minor unit (pence), never a float.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217
}

// Add sums two amounts of one currency.
func (m Money) Add(o Money) Money { return Money{m.Minor + o.Minor, m.Currency} }

// Faults of an amount or a quantity as sent; callers turn them into refusals beside the field.
var (
	ErrBadAmount   = errors.New("not an amount such as 85.00")
	ErrBadCurrency = errors.New("not a currency such as GBP")
	ErrBadQuantity = errors.New("not a quantity such as 12.5")
)

// Limits that keep every product of price and quantity within 64 bits.
const (
	maxWhole    = 9 // digits before the point of an amount
	maxQuantity = 5 // digits before the point of a quantity
)

// minorDigits are the currencies whose minor unit is not a hundredth.
var minorDigits = map[string]int{"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}

func digitsOf(currency string) int {
	if n, ok := minorDigits[currency]; ok {
		return n
	}
	return 2
}

// ValidCurrency tells whether c looks like an ISO 4217 code.
func ValidCurrency(c string) bool {
	return len(c) == 3 && strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// ParseMoney reads a decimal text such as "85.00", "85" or "85.5". It takes no sign, no exponent, no thousands separator and no more
// decimals than the currency has.
func ParseMoney(amount, currency string) (Money, error) {
	if !ValidCurrency(currency) {
		return Money{}, ErrBadCurrency
	}
	minor, ok := parseDecimal(amount, maxWhole, digitsOf(currency))
	if !ok {
		return Money{}, ErrBadAmount
	}
	return Money{minor, currency}, nil
}

// Decimal is the amount as the contract writes it: "85.00".
func (m Money) Decimal() string { return formatDecimal(m.Minor, digitsOf(m.Currency)) }

// String is the amount with its currency, such as "85.00 GBP".
func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// ParseHundredths reads a quantity with up to two decimals, such as "12.5", as hundredths: 1250.
func ParseHundredths(s string) (int64, error) {
	n, ok := parseDecimal(s, maxQuantity, 2)
	if !ok {
		return 0, ErrBadQuantity
	}
	return n, nil
}

// FormatHundredths writes hundredths as a quantity: 1250 is "12.50".
func FormatHundredths(n int64) string { return formatDecimal(n, 2) }

// Times is the amount multiplied by num/den, rounded half up to the minor unit; half of a negative amount rounds away from zero, so that
// what is credited equals what was billed. It panics on overflow and for den below 1: callers keep within the limits of this file.
func (m Money) Times(num, den int64) Money {
	if den < 1 {
		panic("domain.Money.Times: denominator below 1")
	}
	negative := (m.Minor < 0) != (num < 0)
	hi, lo := bits.Mul64(magnitude(m.Minor), magnitude(num))
	lo, carry := bits.Add64(lo, uint64(den)/2, 0)
	hi += carry
	// For an odd den, den/2 rounds down and the exact half does not occur; for an even one adding the half rounds it up.
	if hi >= uint64(den) {
		panic("domain.Money.Times: overflow")
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	if q > 1<<63-1 {
		panic("domain.Money.Times: overflow")
	}
	if negative {
		return Money{-int64(q), m.Currency}
	}
	return Money{int64(q), m.Currency}
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func parseDecimal(s string, whole, decimals int) (int64, bool) {
	before, after, point := strings.Cut(s, ".")
	if before == "" || len(before) > whole || point && after == "" || len(after) > decimals {
		return 0, false
	}
	digits := before + after + strings.Repeat("0", decimals-len(after))
	if strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

func formatDecimal(n int64, decimals int) string {
	sign := ""
	if n < 0 {
		sign = "-"
	}
	if decimals == 0 {
		return sign + strconv.FormatUint(magnitude(n), 10)
	}
	s := fmt.Sprintf("%0*d", decimals+1, magnitude(n))
	return sign + s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}
