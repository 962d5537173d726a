package windows

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

//go:generate npm --prefix holidays ci --silent
//go:generate npm --prefix holidays run --silent generate

// Nations whose bank holidays are known, by the names that GOV.UK gives them. NoNation has none: there only weekends are free.
const (
	EnglandAndWales = "england-and-wales"
	Scotland        = "scotland"
	NorthernIreland = "northern-ireland"
	NoNation        = "none"
)

// Nations are all of them.
var Nations = []string{EnglandAndWales, Scotland, NorthernIreland, NoNation}

// Nation is the first that is named of those given, the nearest to the job first; England and Wales if none is.
func Nation(given ...string) string { return cmp.Or(cmp.Or(given...), EnglandAndWales) }

const (
	englandAndWales = 1 << iota
	scotland
	northernIreland
	everywhere = englandAndWales | scotland | northernIreland
)

var bits = map[string]int{EnglandAndWales: englandAndWales, Scotland: scotland, NorthernIreland: northernIreland}

type bankHoliday struct {
	date, name string
	nations    int
}

// Day is a day that the agency adds to the table of bank holidays, such as one proclaimed since; or, if Working, one of the table on which it
// works all the same.
type Day struct {
	Date    string   `json:"date"` // 2026-06-15
	Name    string   `json:"name"`
	Nations []string `json:"nations,omitempty"` // none: everywhere
	Working bool     `json:"working,omitempty"`
}

func (d Day) in(nation string) bool { return len(d.Nations) == 0 || slices.Contains(d.Nations, nation) }

// Equal tells whether two days say the same.
func (d Day) Equal(o Day) bool {
	return d.Date == o.Date && d.Name == o.Name && d.Working == o.Working && slices.Equal(d.Nations, o.Nations)
}

// Calendar knows which days are working days. The zero Calendar is the table alone.
type Calendar struct {
	added map[string][]Day
}

// With is the table with the agency's days over it.
func With(days []Day) Calendar {
	c := Calendar{added: make(map[string][]Day, len(days))}
	for _, d := range days {
		c.added[d.Date] = append(c.added[d.Date], d)
	}
	return c
}

// table is the table by date.
var table = sync.OnceValue(func() map[string][]bankHoliday {
	m := make(map[string][]bankHoliday, len(bankHolidays))
	for _, h := range bankHolidays {
		m[h.date] = append(m[h.date], h)
	}
	return m
})

// Holiday is the name of the bank holiday that this date is in a nation; false: it is none. The agency's days have the last word.
func (c Calendar) Holiday(date, nation string) (name string, is bool) {
	nation = Nation(nation)
	for _, d := range c.added[date] {
		if d.in(nation) {
			return d.Name, !d.Working
		}
	}
	for _, h := range table()[date] {
		if h.nations&bits[nation] != 0 {
			return h.name, true
		}
	}
	return "", false
}

// Working tells whether a day is one from Monday to Friday and no bank holiday.
func (c Calendar) Working(day time.Time, nation string) bool {
	if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return false
	}
	_, free := c.Holiday(day.Format(time.DateOnly), nation)
	return !free
}

// Before is the day that lies n working days before another; the day itself for none.
func (c Calendar) Before(day time.Time, n int, nation string) time.Time {
	for n > 0 {
		day = day.AddDate(0, 0, -1)
		if c.Working(day, nation) {
			n--
		}
	}
	return day
}

// Listed is a day of the calendar as people read it.
type Listed struct {
	Date    string
	Name    string
	Nations []string
	Added   bool // by the agency
	Working bool // the agency works although the table says holiday
}

// List are the days from the first date to the last, both included, by date: those of the table and the agency's.
func (c Calendar) List(from, to string) []Listed {
	var list []Listed
	for _, h := range bankHolidays {
		if h.date < from || h.date > to {
			continue
		}
		line := Listed{Date: h.date, Name: h.name}
		for _, nation := range Nations {
			if h.nations&bits[nation] != 0 {
				line.Nations = append(line.Nations, nation)
			}
		}
		list = append(list, line)
	}
	for date, days := range c.added {
		if date < from || date > to {
			continue
		}
		for _, d := range days {
			list = append(list, Listed{Date: d.Date, Name: d.Name, Nations: slices.Clone(d.Nations), Added: true, Working: d.Working})
		}
	}
	slices.SortStableFunc(list, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Date, b.Date), strings.Compare(a.Name, b.Name))
	})
	return list
}

// Years reads the days from which and to which a calendar is asked for: by default this year, or the rest of the year in which it begins.
func Years(from, to string, now time.Time) (string, string, error) {
	var faults []domain.FieldError
	first, last := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}
	read := func(location, s string, into *time.Time) {
		if s == "" {
			return
		}
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			faults = append(faults, domain.FieldError{Location: location, Message: "Send a day such as 2026-12-28."})
		}
		*into = day
	}
	read("query.from", from, &first)
	last = time.Date(first.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
	read("query.to", to, &last)
	if len(faults) > 0 {
		return "", "", domain.Invalid(faults...)
	}
	return first.Format(time.DateOnly), last.Format(time.DateOnly), nil
}
