// Package recurrence finds the days of a schedule, as RFC 5545 means them. It is pure: equal schedules have equal days, for ever.
package recurrence

import (
	"time"

	"github.com/teambition/rrule-go"

	"github.com/dragoman-booking/dragoman/domain"
)

var frequencies = map[string]rrule.Frequency{domain.Daily: rrule.DAILY, domain.Weekly: rrule.WEEKLY, domain.Monthly: rrule.MONTHLY}

var weekdays = map[time.Weekday]rrule.Weekday{time.Monday: rrule.MO, time.Tuesday: rrule.TU, time.Wednesday: rrule.WE, time.Thursday: rrule.TH,
	time.Friday: rrule.FR, time.Saturday: rrule.SA, time.Sunday: rrule.SU}

// Days are the days of a schedule after its first one, in order, at most so many. Weeks begin on Monday. A monthly schedule comes back on the day of
// the month on which it starts; a month that lacks that day has its last day instead. A schedule that is none has no days.
func Days(r domain.Recurrence, limit int) []time.Time {
	frequency, known := frequencies[r.Frequency]
	if !known || r.Interval < 1 || limit < 1 {
		return nil
	}
	option := rrule.ROption{Freq: frequency, Interval: r.Interval, Dtstart: r.First, Until: r.Until, Wkst: rrule.MO}
	switch r.Frequency {
	case domain.Weekly:
		for _, d := range r.Weekdays {
			option.Byweekday = append(option.Byweekday, weekdays[d])
		}
	case domain.Monthly:
		for d := min(r.First.Day(), 28); d <= r.First.Day(); d++ { // 31: the last of 28, 29, 30 and 31 that the month has
			option.Bymonthday = append(option.Bymonthday, d)
		}
		option.Bysetpos = []int{-1}
	}
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return nil
	}
	if r.Count > 0 {
		limit = min(limit, r.Count)
	}
	var days []time.Time
	next := rule.Iterator()
	for len(days) < limit {
		day, more := next()
		if !more {
			break
		}
		if day.After(r.First) {
			days = append(days, day.UTC())
		}
	}
	return days
}
