package domain

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// LocalLayout is how a local time is stored and sent.
const LocalLayout = "2006-01-02T15:04:05"

// Moment is a time as a person meant it: the clock on the wall, the zone of that wall, and the instant it was resolved to when it was stored.
type Moment struct {
	Local   string    `json:"local"` // LocalLayout, no offset
	Zone    string    `json:"zone"`  // IANA name
	Instant time.Time `json:"instant"`
}

// Resolution failures; callers turn them into refusals beside the field.
var (
	ErrNonexistentLocal = errors.New("this local time does not exist: the clocks go forward then")
	ErrDoubledLocal     = errors.New("this local time occurs twice: the clocks go back then; send its offset")
	ErrUnknownZone      = errors.New("unknown time zone")
	ErrBadLocal         = errors.New("not a local time such as 2026-12-01T10:00")
)

// The years that a time may lie in. Beyond them no agency works, zones have no known offsets, and the end of a job could not be written as
// RFC 3339 any more.
const (
	firstYear = 1970
	lastYear  = 2199
)

// ParseMoment resolves a local time such as "2026-12-01T10:00" in a zone. A doubled one must carry its offset
// ("2026-10-25T01:30+01:00"); a time with an offset must be one that the zone's clocks really show. Seconds are allowed.
func ParseMoment(s, zone string) (Moment, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return Moment{}, err
	}
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			in := t.In(loc)
			if in.Year() < firstYear || in.Year() > lastYear {
				return Moment{}, ErrBadLocal
			}
			if in.Format(LocalLayout) != t.Format(LocalLayout) {
				return Moment{}, fmt.Errorf("%w: the offset is not that of the zone at that time", ErrBadLocal)
			}
			return MomentAt(t, zone)
		}
	}
	var wall time.Time
	for _, layout := range []string{"2006-01-02T15:04", LocalLayout} {
		if wall, err = time.Parse(layout, s); err == nil {
			break
		}
	}
	if err != nil || wall.Year() < firstYear || wall.Year() > lastYear {
		return Moment{}, ErrBadLocal
	}
	switch c := candidates(wall, loc); len(c) {
	case 0:
		return Moment{}, ErrNonexistentLocal
	case 1:
		return MomentAt(c[0], zone)
	default:
		return Moment{}, ErrDoubledLocal
	}
}

// EarlierMoment resolves like ParseMoment but takes the earlier of two instants for a doubled local time: for occurrences of a series
// and jobs moved by an edit of several.
func EarlierMoment(wall time.Time, zone string) (Moment, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return Moment{}, err
	}
	if wall.Year() < firstYear || wall.Year() > lastYear {
		return Moment{}, ErrBadLocal
	}
	c := candidates(wall, loc)
	if len(c) == 0 {
		return Moment{}, ErrNonexistentLocal
	}
	return MomentAt(c[0], zone)
}

// Reached is the first instant at which the zone's clocks show this wall time or a later one of that day: a doubled one is reached the first
// time, one that the clocks skip when they skip it. For the ends of windows, which must lie somewhere.
func Reached(wall time.Time, zone string) (time.Time, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return time.Time{}, err
	}
	if wall.Year() < firstYear || wall.Year() > lastYear {
		return time.Time{}, ErrBadLocal
	}
	if c := candidates(wall, loc); len(c) > 0 {
		return c[0].UTC(), nil
	}
	asUTC := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
	_, before := asUTC.Add(-26 * time.Hour).In(loc).Zone()
	skipped, _ := asUTC.Add(-time.Duration(before) * time.Second).In(loc).ZoneBounds()
	return skipped.UTC(), nil
}

// MomentAt writes an instant as the clock of a zone shows it.
func MomentAt(t time.Time, zone string) (Moment, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return Moment{}, err
	}
	if year := t.In(loc).Year(); year < firstYear-1 || year > lastYear+1 { // a booked time may end, and an asked one begin, a little outside
		return Moment{}, ErrBadLocal
	}
	return Moment{Local: t.In(loc).Format(LocalLayout), Zone: zone, Instant: t.UTC().Truncate(time.Second)}, nil
}

// In is the instant with the moment's own zone, for printing. An unknown zone prints in UTC.
func (m Moment) In() time.Time {
	loc, err := loadZone(m.Zone)
	if err != nil {
		return m.Instant.UTC()
	}
	return m.Instant.In(loc)
}

// Add moves by elapsed time; the zone stays.
func (m Moment) Add(d time.Duration) Moment {
	n, err := MomentAt(m.Instant.Add(d), m.Zone)
	if err != nil {
		panic(fmt.Sprintf("domain.Moment.Add: %v", err)) // the zone was checked when m was made
	}
	return n
}

// Equal compares instants and zones.
func (m Moment) Equal(o Moment) bool { return m.Zone == o.Zone && m.Instant.Equal(o.Instant) }

// FirstInstant is when the clocks of a zone first show a wall time: of a doubled one the earlier instant, of one that does not exist the
// moment at which the clocks go forward past it. Days and weekly hours begin so.
func FirstInstant(wall time.Time, zone string) (time.Time, error) {
	return wallInstant(wall, zone, func(found []time.Time) time.Time { return found[0] })
}

// LastInstant is when the clocks of a zone last show a wall time: of a doubled one the later instant, else as FirstInstant. Weekly hours end so.
func LastInstant(wall time.Time, zone string) (time.Time, error) {
	return wallInstant(wall, zone, func(found []time.Time) time.Time { return found[len(found)-1] })
}

func wallInstant(wall time.Time, zone string, choose func([]time.Time) time.Time) (time.Time, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return time.Time{}, err
	}
	if found := candidates(wall, loc); len(found) > 0 {
		return choose(found).UTC(), nil
	}
	// The wall time was skipped. Read with the offset from before the change it lies after the change, at which the newer offset begins.
	asUTC := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
	_, before := asUTC.Add(-26 * time.Hour).In(loc).Zone()
	forward, _ := asUTC.Add(-time.Duration(before) * time.Second).In(loc).ZoneBounds()
	return forward.UTC(), nil
}

func loadZone(zone string) (*time.Location, error) {
	if zone == "" || zone == "Local" {
		return nil, ErrUnknownZone
	}
	if loc, ok := zones.Load(zone); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, ErrUnknownZone
	}
	zones.Store(zone, loc)
	return loc, nil
}

// zones remembers loaded zones: reading one from the embedded table costs more than deciding a command.
var zones sync.Map

// candidates are the instants, earliest first, at which the zone's clocks show wall. It asks the zone for the offsets in force around
// that time and keeps those that lead back to the same wall clock, so it needs no table of changes.
func candidates(wall time.Time, loc *time.Location) []time.Time {
	asUTC := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
	var found []time.Time
	seen := map[int]bool{}
	for _, probe := range []time.Duration{-26 * time.Hour, 26 * time.Hour, 0} {
		_, off := asUTC.Add(probe).In(loc).Zone()
		if seen[off] {
			continue
		}
		seen[off] = true
		t := asUTC.Add(-time.Duration(off) * time.Second)
		if t.In(loc).Format(LocalLayout) == asUTC.Format(LocalLayout) {
			found = append(found, t)
		}
	}
	if len(found) == 2 && found[1].Before(found[0]) {
		found[0], found[1] = found[1], found[0]
	}
	return found
}
