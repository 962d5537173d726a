package web

import (
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
)

// symbols are the signs of currencies that one reads more easily than their codes.
var symbols = map[string]string{"GBP": "£", "EUR": "€", "USD": "$"}

// moneyText writes an amount as a bill does: £1,234.50. A currency without a sign of its own is written by its code.
func moneyText(m domain.Money) string {
	sign, digits := "", m.Decimal()
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "−", rest
	}
	whole, rest, decimals := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if decimals {
		whole += "." + rest
	}
	if symbol, ok := symbols[m.Currency]; ok {
		return sign + symbol + whole
	}
	return sign + m.Currency + " " + whole
}
