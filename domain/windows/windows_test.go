package windows

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/internal/clockchanges"
)

func moment(t *testing.T, local, zone string) domain.Moment {
	t.Helper()
	m, err := domain.ParseMoment(local, zone)
	if err != nil {
		t.Fatal(local, err)
	}
	return m
}

// Each unit counts back from the start as people do; the edge is in or out as the rule says (D-06).
func TestUntil(t *testing.T) {
	t.Parallel()
	hours := func(n int) Rule { return Rule{Unit: Hours, Span: n} }
	days := func(n int) Rule { return Rule{Unit: WorkingDays, Span: n} }
	before := func(by string) Rule { return Rule{Unit: DayBefore, By: by} }
	own := With([]Day{
		{Date: "2020-03-24", Name: "The office moves"},
		{Date: "2020-04-13", Name: "We work on Easter Monday", Working: true, Nations: []string{EnglandAndWales}},
	})
	for name, c := range map[string]struct {
		rule   Rule
		start  string
		days   Calendar
		nation string
		want   string // in London
	}{
		"72 hours":                        {hours(72), "2020-03-26T10:00", Calendar{}, "", "2020-03-23T10:00:00Z"},
		"72 hours over a clock change":    {hours(72), "2020-03-30T10:00", Calendar{}, "", "2020-03-27T09:00:00Z"},
		"no hours":                        {hours(0), "2020-03-26T10:00", Calendar{}, "", "2020-03-26T10:00:00Z"},
		"2 working days":                  {days(2), "2020-03-26T10:00", Calendar{}, "", "2020-03-24T10:00:00Z"},
		"over a weekend":                  {days(2), "2020-03-23T10:00", Calendar{}, "", "2020-03-19T10:00:00Z"},
		"of a Sunday":                     {days(1), "2020-03-22T10:00", Calendar{}, "", "2020-03-20T10:00:00Z"},
		"over a clock change":             {days(1), "2020-03-30T10:00", Calendar{}, "", "2020-03-27T10:00:00Z"},
		"over Easter":                     {days(1), "2020-04-14T09:30", Calendar{}, EnglandAndWales, "2020-04-09T09:30:00+01:00"},
		"over Easter in Scotland":         {days(1), "2020-04-14T09:30", Calendar{}, Scotland, "2020-04-13T09:30:00+01:00"},
		"over a substitute":               {days(1), "2021-12-29T09:30", Calendar{}, "", "2021-12-24T09:30:00Z"},
		"over a proclaimed day":           {days(1), "2022-09-20T09:30", Calendar{}, NorthernIreland, "2022-09-16T09:30:00+01:00"},
		"over the Boyne":                  {days(1), "2021-07-13T09:30", Calendar{}, NorthernIreland, "2021-07-09T09:30:00+01:00"},
		"not over the Boyne":              {days(1), "2021-07-13T09:30", Calendar{}, Scotland, "2021-07-12T09:30:00+01:00"},
		"where nobody keeps holidays":     {days(1), "2020-04-14T09:30", Calendar{}, NoNation, "2020-04-13T09:30:00+01:00"},
		"over the agency's own day":       {days(2), "2020-03-26T10:00", own, Scotland, "2020-03-23T10:00:00Z"},
		"a holiday on which it works":     {days(1), "2020-04-14T09:30", own, EnglandAndWales, "2020-04-13T09:30:00+01:00"},
		"which is one elsewhere":          {days(1), "2020-04-14T09:30", own, NorthernIreland, "2020-04-09T09:30:00+01:00"},
		"no working days":                 {days(0), "2020-03-22T10:00", Calendar{}, "", "2020-03-22T10:00:00Z"},
		"by 10:00 on the day before":      {before("10:00"), "2020-03-26T23:30", Calendar{}, "", "2020-03-25T10:00:00Z"},
		"by 10:00 on Friday":              {before("10:00"), "2020-03-23T08:00", Calendar{}, "", "2020-03-20T10:00:00Z"},
		"by 17:30 before Easter":          {before("17:30"), "2020-04-14T08:00", Calendar{}, "", "2020-04-09T17:30:00+01:00"},
		"the same local time, seconds in": {days(1), "2020-03-26T10:00:30", Calendar{}, "", "2020-03-25T10:00:30Z"},
		"off":                             {Rule{Off: true}, "2020-03-26T10:00", Calendar{}, "", "2020-03-26T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := time.Parse(time.RFC3339, c.want)
			if err != nil {
				t.Fatal(err)
			}
			a := c.rule.Apply(Edit, moment(t, c.start, "Europe/London"), c.days, c.nation)
			if !a.Until.Equal(want) {
				t.Fatalf("until %s, want %s", a.Until, want)
			}
			if c.rule.Off {
				if !a.Open(want.AddDate(1, 0, 0)) {
					t.Error("a rule that is off closed")
				}
				return
			}
			if !a.Open(want.Add(-time.Nanosecond)) || a.Open(want) || a.Open(want.Add(time.Nanosecond)) {
				t.Error("a strict edge is not where it should be")
			}
			a.Rule.Inclusive = true
			if !a.Open(want) || a.Open(want.Add(time.Nanosecond)) {
				t.Error("an inclusive edge is not where it should be")
			}
			if counts := c.rule.Unit != Hours; counts != (a.Holidays == BankHolidays) || counts != (a.Nation != "") {
				t.Errorf("stored with holidays %q of %q", a.Holidays, a.Nation)
			}
		})
	}
}

// Over every clock change of ten years in four zones: hours are elapsed hours, working days and times of day are the wall clock's. Where the
// clocks skip that time the window ends when they skip it; where they show it twice, the first time.
func TestUntilOverEveryClockChange(t *testing.T) {
	t.Parallel()
	for _, change := range clockchanges.All() {
		loc, err := time.LoadLocation(change.Zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, offset := range []time.Duration{-time.Minute, 0, change.Size() / 2, change.Size() - time.Minute, change.Size(), change.Size() + time.Minute} {
			wall := change.First().Add(offset) // the time of day at which, or by which, the window ends on the day of the change
			for ahead := 1; ahead <= 5; ahead++ {
				start, err := domain.EarlierMoment(wall.AddDate(0, 0, ahead), change.Zone)
				if err != nil {
					t.Fatal(err)
				}
				for n := 1; n <= 3; n++ {
					checkWall(t, change, loc, Rule{Unit: WorkingDays, Span: n}, start, n, wall)
				}
				checkWall(t, change, loc, Rule{Unit: DayBefore, By: wall.Format(ByLayout)}, start, 1, wall)
				for _, h := range []int{1, 24, 72, 120} {
					if until := (Rule{Unit: Hours, Span: h}).Until(start, Calendar{}, ""); start.Instant.Sub(until) != time.Duration(h)*time.Hour {
						t.Fatalf("%s: %d hours before %s is %s", change.Zone, h, start.Local, until)
					}
				}
			}
		}
	}
}

// checkWall compares a window's end with what counting on a calendar and scanning the clock say.
func checkWall(t *testing.T, change clockchanges.Change, loc *time.Location, r Rule, start domain.Moment, n int, wall time.Time) {
	t.Helper()
	day, err := time.Parse(domain.LocalLayout, start.Local)
	if err != nil {
		t.Fatal(err)
	}
	for day = midnight(day); n > 0; {
		if day = day.AddDate(0, 0, -1); day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			n--
		}
	}
	want := day.Add(wall.Sub(midnight(wall)))
	// The first second of that day, as the zone counts it, at which its clock shows the wanted time or a later one.
	var found time.Time
	for probe := want.Add(-change.Before - 2*time.Hour); ; probe = probe.Add(time.Minute) {
		shown := probe.In(loc)
		if asWall := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, time.UTC); !asWall.Before(want) {
			found = probe
			break
		}
	}
	if got := r.Until(start, Calendar{}, NoNation); !got.Equal(found) {
		t.Fatalf("%s, %+v before %s: %s, want %s (wall %s)", change.Zone, r, start.Local, got.In(loc), found.In(loc), want.Format(time.DateTime))
	}
}

// The table against what was proclaimed, as GOV.UK and the Gazette list it; typed by hand.
func TestBankHolidays(t *testing.T) {
	t.Parallel()
	weekdays := func(nation, year string) []string {
		var list []string
		for _, l := range (Calendar{}).List(year+"-01-01", year+"-12-31") {
			day, err := time.Parse(time.DateOnly, l.Date)
			if err != nil {
				t.Fatal(err)
			}
			if wd := day.Weekday(); wd != time.Saturday && wd != time.Sunday && slices.Contains(l.Nations, nation) {
				list = append(list, l.Date[5:])
			}
		}
		return list
	}
	for _, c := range []struct{ nation, year, want string }{
		{EnglandAndWales, "2002", "01-01 03-29 04-01 05-06 06-03 06-04 08-26 12-25 12-26"},
		{EnglandAndWales, "2011", "01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27"},
		{EnglandAndWales, "2012", "01-02 04-06 04-09 05-07 06-04 06-05 08-27 12-25 12-26"},
		{EnglandAndWales, "2020", "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"},
		{EnglandAndWales, "2021", "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"},
		{EnglandAndWales, "2022", "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"},
		{EnglandAndWales, "2023", "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"},
		{EnglandAndWales, "2024", "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"},
		{EnglandAndWales, "2025", "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"},
		{EnglandAndWales, "2026", "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"},
		{EnglandAndWales, "2027", "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"},
		{Scotland, "2006", "01-02 01-03 04-14 05-01 05-29 08-07 12-25 12-26"},
		{Scotland, "2020", "01-01 01-02 04-10 05-08 05-25 08-03 11-30 12-25 12-28"},
		{Scotland, "2022", "01-03 01-04 04-15 05-02 06-02 06-03 08-01 09-19 11-30 12-26 12-27"},
		{Scotland, "2025", "01-01 01-02 04-18 05-05 05-26 08-04 12-01 12-25 12-26"},
		{Scotland, "2026", "01-01 01-02 04-03 05-04 05-25 06-15 08-03 11-30 12-25 12-28"},
		{NorthernIreland, "2020", "01-01 03-17 04-10 04-13 05-08 05-25 07-13 08-31 12-25 12-28"},
		{NorthernIreland, "2024", "01-01 03-18 03-29 04-01 05-06 05-27 07-12 08-26 12-25 12-26"},
		{NorthernIreland, "2025", "01-01 03-17 04-18 04-21 05-05 05-26 07-14 08-25 12-25 12-26"},
	} {
		if got := strings.Join(weekdays(c.nation, c.year), " "); got != c.want {
			t.Errorf("%s %s:\n%s, want\n%s", c.nation, c.year, got, c.want)
		}
	}
	first, last := bankHolidays[0].date, bankHolidays[len(bankHolidays)-1].date
	if first != "2000-01-01" || last != "2050-12-27" {
		t.Errorf("the table goes from %s to %s", first, last)
	}
}

// The table was made by the version of date-holidays that the generator has locked.
func TestTheTableIsOfTheLockedVersion(t *testing.T) {
	t.Parallel()
	lock, err := os.ReadFile("holidays/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimPrefix(BankHolidays, "date-holidays ")
	if !strings.Contains(string(lock), `"date-holidays": "`+version+`"`) {
		t.Errorf("the table is of %s: run go generate ./domain/windows", BankHolidays)
	}
}

// What the agency adds stands in the list beside the table, and over it.
func TestList(t *testing.T) {
	t.Parallel()
	c := With([]Day{{Date: "2030-01-02", Name: "Stocktaking", Nations: []string{Scotland}}, {Date: "2030-01-01", Name: "We work", Working: true}})
	list := c.List("2030-01-01", "2030-01-02")
	var got []string
	for _, l := range list {
		got = append(got, l.Date+" "+l.Name)
	}
	if want := []string{"2030-01-01 New Year's Day", "2030-01-01 We work", "2030-01-02 January 2nd", "2030-01-02 Stocktaking"}; !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if l := list[1]; !l.Added || !l.Working || len(l.Nations) != 0 {
		t.Errorf("%+v", l)
	}
	if name, is := c.Holiday("2030-01-01", EnglandAndWales); is || name != "We work" {
		t.Errorf("%s %t", name, is)
	}
	if name, is := c.Holiday("2030-01-02", Scotland); !is || name != "Stocktaking" {
		t.Errorf("%s %t", name, is)
	}
	if _, is := c.Holiday("2030-01-02", EnglandAndWales); is {
		t.Error("2 January is no holiday in England")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule  Rule
		field string
	}{
		"hours": {Rule{Unit: Hours, Span: MaxHours}, ""}, "too many": {Rule{Unit: Hours, Span: MaxHours + 1}, "span"}, "below": {Rule{Unit: Hours, Span: -1}, "span"},
		"days": {Rule{Unit: WorkingDays, Span: MaxDays}, ""}, "too many days": {Rule{Unit: WorkingDays, Span: MaxDays + 1}, "span"},
		"by": {Rule{Unit: DayBefore, By: "10:00"}, ""}, "no time": {Rule{Unit: DayBefore}, "span"}, "25 o'clock": {Rule{Unit: DayBefore, By: "25:00"}, "span"},
		"short": {Rule{Unit: DayBefore, By: "9:00"}, "span"}, "no unit": {Rule{Span: 3}, "unit"}, "weeks": {Rule{Unit: "weeks", Span: 3}, "unit"}, "off": {Rule{Off: true}, ""},
	} {
		if field, message := c.rule.Fault(); field != c.field || (message == "") != (field == "") {
			t.Errorf("%s: %s %s", name, field, message)
		}
	}
	if got := (Rule{Unit: DayBefore, Span: 3, By: "10:00", Inclusive: true}).Plain(); got != (Rule{Unit: DayBefore, By: "10:00", Inclusive: true}) {
		t.Errorf("%+v", got)
	}
	if got := (Rule{Off: true, Unit: Hours, Span: 3}).Plain(); got != (Rule{Off: true}) {
		t.Errorf("%+v", got)
	}
	if got := (Rule{Unit: Hours, Span: 3, By: "10:00"}).Plain(); got != (Rule{Unit: Hours, Span: 3}) {
		t.Errorf("%+v", got)
	}
}
