package recurrence

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
)

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func text(days []time.Time) string {
	var out []string
	for _, d := range days {
		out = append(out, d.Format(time.DateOnly))
	}
	return strings.Join(out, " ")
}

// TestDays: the days that people would count on a calendar (II-58, II-59).
func TestDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule domain.Recurrence
		want string
	}{
		"daily":         {domain.Recurrence{Frequency: "daily", Interval: 1, Count: 3, First: date("2026-02-27")}, "2026-02-28 2026-03-01 2026-03-02"},
		"every third":   {domain.Recurrence{Frequency: "daily", Interval: 3, Count: 2, First: date("2026-02-27")}, "2026-03-02 2026-03-05"},
		"weekly":        {domain.Recurrence{Frequency: "weekly", Interval: 1, Count: 2, First: date("2026-03-23")}, "2026-03-30 2026-04-06"},
		"Tue and Thu":   {domain.Recurrence{Frequency: "weekly", Interval: 1, Count: 4, First: date("2026-03-23"), Weekdays: []time.Weekday{4, 2}}, "2026-03-24 2026-03-26 2026-03-31 2026-04-02"},
		"its own day":   {domain.Recurrence{Frequency: "weekly", Interval: 1, Count: 2, First: date("2026-03-24"), Weekdays: []time.Weekday{2, 4}}, "2026-03-26 2026-03-31"},
		"fortnightly":   {domain.Recurrence{Frequency: "weekly", Interval: 2, Count: 3, First: date("2026-03-25"), Weekdays: []time.Weekday{2, 4}}, "2026-03-26 2026-04-07 2026-04-09"},
		"Sundays":       {domain.Recurrence{Frequency: "weekly", Interval: 2, Count: 2, First: date("2026-03-23"), Weekdays: []time.Weekday{0}}, "2026-03-29 2026-04-12"},
		"monthly":       {domain.Recurrence{Frequency: "monthly", Interval: 1, Count: 3, First: date("2026-01-15")}, "2026-02-15 2026-03-15 2026-04-15"},
		"the 31st":      {domain.Recurrence{Frequency: "monthly", Interval: 1, Count: 5, First: date("2026-01-31")}, "2026-02-28 2026-03-31 2026-04-30 2026-05-31 2026-06-30"},
		"the 30th":      {domain.Recurrence{Frequency: "monthly", Interval: 1, Count: 3, First: date("2027-12-30")}, "2028-01-30 2028-02-29 2028-03-30"},
		"the 29th":      {domain.Recurrence{Frequency: "monthly", Interval: 1, Count: 2, First: date("2026-01-29")}, "2026-02-28 2026-03-29"},
		"quarterly":     {domain.Recurrence{Frequency: "monthly", Interval: 3, Count: 2, First: date("2026-08-31")}, "2026-11-30 2027-02-28"},
		"until, within": {domain.Recurrence{Frequency: "weekly", Interval: 1, Until: date("2026-04-06"), First: date("2026-03-23")}, "2026-03-30 2026-04-06"},
		"until, before": {domain.Recurrence{Frequency: "weekly", Interval: 1, Until: date("2026-04-05"), First: date("2026-03-23")}, "2026-03-30"},
		"none":          {domain.Recurrence{Frequency: "weekly", Interval: 1, Until: date("2026-03-24"), First: date("2026-03-23")}, ""},
		"no schedule":   {domain.Recurrence{Frequency: "yearly", Interval: 1, Count: 3, First: date("2026-03-23")}, ""},
		"no interval":   {domain.Recurrence{Frequency: "daily", Count: 3, First: date("2026-03-23")}, ""},
	} {
		if got := text(Days(c.rule, 10)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := text(Days(domain.Recurrence{Frequency: "daily", Interval: 1, Count: 9, First: date("2026-01-01")}, 2)); got != "2026-01-02 2026-01-03" {
		t.Errorf("at most two: %s", got)
	}
}

// TestPropertyDays: every schedule's days are those that walking the calendar day by day finds.
func TestPropertyDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := domain.Recurrence{
			Frequency: rapid.SampledFrom([]string{"daily", "weekly", "monthly"}).Draw(t, "frequency"),
			Interval:  rapid.IntRange(1, 5).Draw(t, "interval"),
			First:     date("2024-01-01").AddDate(0, 0, rapid.IntRange(0, 2000).Draw(t, "first")),
		}
		if r.Frequency == "weekly" {
			for _, d := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 7, rapid.ID).Draw(t, "weekdays") {
				r.Weekdays = append(r.Weekdays, time.Weekday(d))
			}
		}
		want := walked(r, 12)
		if rapid.Bool().Draw(t, "until") {
			r.Until = want[7].AddDate(0, 0, rapid.IntRange(0, 1).Draw(t, "later"))
			n := 8
			if want[8].Equal(r.Until) {
				n = 9
			}
			want = want[:n]
		} else {
			r.Count, want = 5, want[:5]
		}
		if got := text(Days(r, 100)); got != text(want) {
			t.Fatalf("%+v: %s, want %s", r, got, text(want))
		}
	})
}

// walked counts day by day.
func walked(r domain.Recurrence, n int) (days []time.Time) {
	monday := r.First.AddDate(0, 0, -(int(r.First.Weekday())+6)%7)
	for d := r.First.AddDate(0, 0, 1); len(days) < n; d = d.AddDate(0, 0, 1) {
		is := false
		switch gone := int(d.Sub(r.First) / (24 * time.Hour)); r.Frequency {
		case "daily":
			is = gone%r.Interval == 0
		case "weekly":
			week := int(d.Sub(monday)/(24*time.Hour)) / 7
			on := len(r.Weekdays) == 0 && d.Weekday() == r.First.Weekday()
			for _, w := range r.Weekdays {
				on = on || d.Weekday() == w
			}
			is = on && week%r.Interval == 0
		case "monthly":
			months := (d.Year()-r.First.Year())*12 + int(d.Month()) - int(r.First.Month())
			last := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
			is = months > 0 && months%r.Interval == 0 && d.Day() == min(r.First.Day(), last)
		}
		if is {
			days = append(days, d)
		}
	}
	return days
}
