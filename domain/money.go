package domain

// Money is an amount in the currency's minor unit (pence), never a float.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217
}

// Add sums two amounts of one currency.
func (m Money) Add(o Money) Money { return Money{m.Minor + o.Minor, m.Currency} }
