package domain_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// Sums keep the currency; a product that does not fit is our bug and never a wrong amount.
func TestMoneyAtItsEdges(t *testing.T) {
	t.Parallel()
	sum := domain.Money{Minor: 8500, Currency: "GBP"}.Add(domain.Money{Minor: -1, Currency: "GBP"})
	if got := fmt.Sprint(sum); got != "84.99 GBP" {
		t.Errorf("85.00 less a penny prints as %s", got)
	}
	most := domain.Money{Minor: math.MaxInt64}
	for name, f := range map[string]func(){
		"a denominator of 0":     func() { most.Times(1, 0) },
		"a negative denominator": func() { most.Times(1, -1) },
		"a product of 128 bits":  func() { most.Times(math.MaxInt64, 1) },
		"a product of 64 bits":   func() { most.Times(2, 1) },
	} {
		if !panics(f) {
			t.Errorf("%s is no panic", name)
		}
	}
	if got := most.Times(math.MaxInt64, math.MaxInt64).Minor; got != math.MaxInt64 {
		t.Errorf("the largest amount, times one, is %d", got)
	}
}

// Only the codec's own form of a personal value is read; anything else is a fault that does not repeat the value.
func TestPersonalFormsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{`"Jan"`, `{}`, `{"$personal":1}`, `{"$personal":"Jan","more":1}`, `{"$personal":"Jan"`, `null`, `[]`, `{"other":"Jan"}`} {
		var p domain.Personal
		if err := json.Unmarshal([]byte(stored), &p); err == nil {
			t.Errorf("%s is read as a personal value", stored)
		}
	}
	for _, stored := range []string{`5`, `{"$personal":5}`, `[1]`, `["a",{"$personal":"b"}]`, `{"na":false}`} {
		var v domain.Value
		if err := json.Unmarshal([]byte(stored), &v); err == nil {
			t.Errorf("%s is read as a field's value", stored)
		}
	}
	var v domain.Value
	if err := v.UnmarshalJSON(nil); err == nil {
		t.Error("nothing is read as a field's value")
	}
	for _, text := range []string{`Jan "Johnny"`, "Łódź\n\t", `\u0041`, "</script>"} {
		b, err := json.Marshal(domain.Personal(text))
		if err != nil {
			t.Fatal(err)
		}
		var back domain.Personal
		if err := json.Unmarshal(b, &back); err != nil || back.Reveal() != text {
			t.Errorf("%q comes back as %q, %v", text, back.Reveal(), err)
		}
	}
}

// A moment moves by elapsed time, over a change of the clocks too; in a zone that there is not it prints in UTC and does not move.
func TestMomentsMove(t *testing.T) {
	t.Parallel()
	before, err := domain.ParseMoment("2020-03-29T00:30", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	if got := before.Add(time.Hour); got.Local != "2020-03-29T02:30:00" || got.Instant.Sub(before.Instant) != time.Hour {
		t.Errorf("an hour later it is %s", got.Local)
	}
	nowhere := domain.Moment{Local: before.Local, Zone: "Nowhere/Land", Instant: before.Instant}
	if got := nowhere.In(); got.Location() != time.UTC || !got.Equal(before.Instant) {
		t.Errorf("in no zone it is %s", got)
	}
	if !panics(func() { nowhere.Add(time.Hour) }) {
		t.Error("a moment without a zone moves")
	}
}
