package people_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

var office = []people.WorkingTime{{Day: "mon", From: "09:00", To: "17:30"}, {Day: "tue", From: "09:00", To: "17:30"}}

func TestSetAvailability(t *testing.T) {
	t.Parallel()
	registered := people.InterpreterRegistered{Interpreter: domain.InterpreterID("LIN/5455/5J71Y"), Profile: people.Profile{Key: key, LIN: "LIN/5455/5J71Y"}}
	said := people.AvailabilitySet{Key: key, Interpreter: registered.Interpreter, Availability: people.Availability{TimeZone: "Europe/London", Week: office,
		Unavailable: []people.Away{
			{From: moment(t, "2026-08-01T00:00", "Europe/London"), To: moment(t, "2026-08-15T00:00", "Europe/London"), Note: "Lviv"},
			{From: moment(t, "2026-12-24T13:00", "Europe/London"), To: moment(t, "2026-12-24T18:00", "Europe/London")},
		}}}
	wish := people.SetAvailability{TimeZone: "Europe/London",
		Week:        []people.WorkingTime{{Day: "tue", From: "09:00", To: "17:30"}, {Day: "mon", From: "12:00", To: "17:30"}, {Day: "mon", From: "09:00", To: "13:00"}},
		Unavailable: []people.AwayIn{{From: "2026-12-24T13:00", To: "2026-12-24T18:00"}, {From: "2026-08-01", To: "2026-08-15", Note: " Lviv "}}}
	interpreter(t, registered).then(wish.Decide, said)
	interpreter(t, registered, said).then(people.SetAvailability{TimeZone: "Europe/London"}.Decide,
		people.AvailabilitySet{Key: key, Interpreter: registered.Interpreter, Availability: people.Availability{TimeZone: "Europe/London"}})
	interpreter(t).refused(wish.Decide, "not-found")
	gone := people.PersonErased{Subject: registered.Interpreter, Keys: nil, Reason: "request"}
	interpreter(t, registered, gone).refused(wish.Decide, "erased")
	if s := interpreter(t, registered, said, gone).state(); s.Availability.Unavailable[0].Note != domain.Erased || s.Availability.Unavailable[1].Note != "" {
		t.Error("the notes of an erased interpreter are still there")
	}
	interpreter(t, registered).refused(people.SetAvailability{TimeZone: "Mars/Base"}.Decide, "invalid", "timeZone")
	interpreter(t, registered).refused(people.SetAvailability{TimeZone: "Europe/London",
		Week: []people.WorkingTime{{Day: "monday", From: "9:00", To: "25:00"}, {Day: "mon", From: "22:00", To: "06:00"}, {Day: "mon", From: "24:00", To: "24:00"}},
		Unavailable: []people.AwayIn{{From: "", To: "soon"}, {From: "2026-03-29T01:30", To: "2026-03-30"}, {From: "2026-10-25T01:30", To: "2026-10-26"},
			{From: "2026-12-24", To: "2026-12-24"}},
	}.Decide, "invalid", "week[0].day", "week[0].from", "week[0].to", "week[1].to", "week[2].from",
		"unavailable[0].from", "unavailable[0].to", "unavailable[1].from", "unavailable[2].from", "unavailable[3].to")
}

func TestAgainst(t *testing.T) {
	t.Parallel()
	holiday := people.Away{From: moment(t, "2026-06-02T10:00", "Europe/London"), To: moment(t, "2026-06-02T12:00", "Europe/London")}
	nights := []people.WorkingTime{{Day: "fri", From: "22:00", To: "24:00"}, {Day: "sat", From: "00:00", To: "06:00"}, {Day: "sun", From: "01:00", To: "02:00"}}
	for _, c := range []struct {
		says       string
		week       []people.WorkingTime
		away       []people.Away
		start, end string
		rule       string
	}{
		{"nothing said", nil, nil, "2026-06-01T03:00", "2026-06-01T04:00", ""},
		{"within Monday's hours", office, nil, "2026-06-01T09:00", "2026-06-01T17:30", ""},
		{"a minute too early", office, nil, "2026-06-01T08:59", "2026-06-01T10:00", people.RuleWorkingHours},
		{"a minute too long", office, nil, "2026-06-01T17:00", "2026-06-01T17:31", people.RuleWorkingHours},
		{"a day without hours", office, nil, "2026-06-03T10:00", "2026-06-03T11:00", people.RuleWorkingHours},
		{"over a night without hours", office, nil, "2026-06-01T10:00", "2026-06-02T11:00", people.RuleWorkingHours},
		{"over midnight within hours", nights, nil, "2026-06-05T22:00", "2026-06-06T06:00", ""},
		{"past the night's end", nights, nil, "2026-06-05T22:00", "2026-06-06T06:01", people.RuleWorkingHours},
		{"ends when the holiday begins", nil, []people.Away{holiday}, "2026-06-02T09:00", "2026-06-02T10:00", ""},
		{"begins when the holiday ends", nil, []people.Away{holiday}, "2026-06-02T12:00", "2026-06-02T13:00", ""},
		{"meets the holiday's first minute", nil, []people.Away{holiday}, "2026-06-02T09:00", "2026-06-02T10:01", people.RuleUnavailable},
		{"around the holiday", nil, []people.Away{holiday}, "2026-06-02T09:00", "2026-06-02T13:00", people.RuleUnavailable},
		{"the holiday is told before the hours", office, []people.Away{holiday}, "2026-06-02T08:00", "2026-06-02T11:00", people.RuleUnavailable},
		{"the hour that occurs twice is worked twice", nights, nil, "2026-10-25T01:00+01:00", "2026-10-25T01:59+00:00", ""},
		{"the hour that is skipped is no work", nights, nil, "2026-03-29T00:59", "2026-03-29T02:00", people.RuleWorkingHours},
	} {
		a := people.Availability{TimeZone: "Europe/London", Week: c.week, Unavailable: c.away}
		rule := ""
		if no := a.Against(moment(t, c.start, "Europe/London").Instant, moment(t, c.end, "Europe/London").Instant); no != nil {
			rule = no.Rule
		}
		if rule != c.rule {
			t.Errorf("%s: %q, want %q", c.says, rule, c.rule)
		}
	}
}

// A window is free exactly if every minute of it is worked and none is marked, whatever the clocks do meanwhile.
func TestAgainstMinuteByMinute(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/London", "Australia/Lord_Howe", "America/Santiago", "America/New_York"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		wish := people.SetAvailability{TimeZone: zone}
		for range rapid.IntRange(1, 10).Draw(t, "times") {
			from := rapid.IntRange(0, 47).Draw(t, "from")
			to := rapid.IntRange(from+1, 48).Draw(t, "to")
			clock := func(n int) string { return time.Time{}.Add(time.Duration(n) * 30 * time.Minute).Format("15:04") }
			end := clock(to)
			if to == 48 {
				end = "24:00"
			}
			wish.Week = append(wish.Week, people.WorkingTime{Day: rapid.SampledFrom(people.Weekdays).Draw(t, "day"), From: clock(from), To: end})
		}
		events, err := wish.Decide(people.Interpreter{ID: station})
		if err != nil {
			t.Fatal(err)
		}
		a := events[0].(people.AvailabilitySet).Availability
		// Weeks in which some of the zones change their clocks.
		base := rapid.SampledFrom([]string{"2026-03-07", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-24", "2026-10-31", "2026-06-01"}).Draw(t, "week")
		day, err := time.Parse(time.DateOnly, base)
		if err != nil {
			t.Fatal(err)
		}
		start := day.Add(time.Duration(rapid.IntRange(0, 4*48).Draw(t, "start")) * 30 * time.Minute)
		end := start.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "length")) * 30 * time.Minute)
		worked := true
		for m := start; m.Before(end); m = m.Add(time.Minute) {
			local := m.In(loc)
			clock, day := local.Format("15:04"), people.Weekdays[(int(local.Weekday())+6)%7]
			in := false
			for _, w := range a.Week {
				in = in || w.Day == day && w.From <= clock && clock < w.To
			}
			worked = worked && in
		}
		if free := a.Against(start, end) == nil; free != worked {
			t.Fatalf("%s to %s in %s with %v: free %v, minute by minute %v", start, end, zone, a.Week, free, worked)
		}
	})
}

func moment(t *testing.T, local, zone string) domain.Moment {
	t.Helper()
	m, err := domain.ParseMoment(local, zone)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
