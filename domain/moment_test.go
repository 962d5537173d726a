package domain

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // the tests read the same zones on every machine

	"pgregory.net/rapid"
)

// The zones whose changes the tests walk through: Lord Howe moves by half an hour, Santiago at midnight.
var changingZones = []string{"Europe/London", "Australia/Lord_Howe", "America/Santiago", "America/New_York"}

// change is one move of a zone's clocks: at this instant they jump by so much.
type change struct {
	at time.Time
	by time.Duration
}

// changes are a zone's clock changes of ten years, found minute by minute where the offsets of two days differ.
func changes(t *testing.T, zone string) []change {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	offset := func(at time.Time) time.Duration {
		_, s := at.In(loc).Zone()
		return time.Duration(s) * time.Second
	}
	var list []change
	for day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
		next := day.AddDate(0, 0, 1)
		if offset(day) == offset(next) {
			continue
		}
		for at := day; at.Before(next); at = at.Add(time.Minute) {
			if before := at.Add(-time.Minute); offset(before) != offset(at) {
				list = append(list, change{at, offset(at) - offset(before)})
			}
		}
	}
	return list
}

func TestII43_EveryClockChangeOfTenYears(t *testing.T) {
	t.Parallel()
	for _, zone := range changingZones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			list := changes(t, zone)
			if len(list) < 19 {
				t.Fatalf("only %d changes in ten years", len(list))
			}
			for _, c := range list {
				around(t, zone, c)
			}
		})
	}
}

// around resolves every minute of the wall clock near a change.
func around(t *testing.T, zone string, c change) {
	t.Helper()
	loc, _ := time.LoadLocation(zone)
	// The wall clock without zones, as it stood when the clocks moved.
	local := c.at.Add(-time.Minute).In(loc)
	from := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC).Add(time.Minute)
	to := from.Add(c.by)
	for wall := from.Add(-3 * time.Hour); wall.Before(from.Add(3 * time.Hour)); wall = wall.Add(time.Minute) {
		text := wall.Format("2006-01-02T15:04")
		m, err := ParseMoment(text, zone)
		early, errEarly := EarlierMoment(wall, zone)
		switch missing, doubled := !wall.Before(from) && wall.Before(to), !wall.Before(to) && wall.Before(from); {
		case missing:
			if !errors.Is(err, ErrNonexistentLocal) || !errors.Is(errEarly, ErrNonexistentLocal) {
				t.Fatalf("%s in %s does not exist, but: %v, %v", text, zone, err, errEarly)
			}
		case doubled:
			if !errors.Is(err, ErrDoubledLocal) || errEarly != nil {
				t.Fatalf("%s in %s is doubled, but: %v, %v", text, zone, err, errEarly)
			}
			first, err1 := ParseMoment(early.In().Format(time.RFC3339), zone)
			later := early.Add(-c.by)
			second, err2 := ParseMoment(later.In().Format("2006-01-02T15:04Z07:00"), zone)
			if err1 != nil || err2 != nil || !first.Equal(early) || second.Local != first.Local || second.Instant.Sub(first.Instant) != -c.by {
				t.Fatalf("%s in %s: %v %v, %v %v", text, zone, first, err1, second, err2)
			}
			if wrong := early.In().Add(time.Hour).Format("2006-01-02T15:04") + "+13:45"; !isBad(wrong, zone) {
				t.Fatalf("%s in %s: a wrong offset is taken", wrong, zone)
			}
		default:
			if err != nil || errEarly != nil || !m.Equal(early) || m.Local != wall.Format(LocalLayout) || m.In().Format(LocalLayout) != m.Local {
				t.Fatalf("%s in %s: %v %v, %v %v", text, zone, m, err, early, errEarly)
			}
		}
	}
}

func isBad(s, zone string) bool {
	_, err := ParseMoment(s, zone)
	return errors.Is(err, ErrBadLocal)
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, zone, local string
		instant         string
		err             error
	}{
		{"2026-12-01T10:00", "Europe/London", "2026-12-01T10:00:00", "2026-12-01T10:00:00Z", nil},
		{"2026-07-01T10:00:30", "Europe/London", "2026-07-01T10:00:30", "2026-07-01T09:00:30Z", nil},
		{"2026-07-01T10:00+01:00", "Europe/London", "2026-07-01T10:00:00", "2026-07-01T09:00:00Z", nil},
		{"2026-07-01T10:00Z", "Europe/London", "", "", ErrBadLocal}, // not what the clocks there show
		{"2026-12-01T10:00Z", "Europe/London", "2026-12-01T10:00:00", "2026-12-01T10:00:00Z", nil},
		{"2026-12-01", "Europe/London", "", "", ErrBadLocal},
		{"2026-02-30T10:00", "Europe/London", "", "", ErrBadLocal},
		{"01/12/2026 10:00", "Europe/London", "", "", ErrBadLocal},
		{"", "Europe/London", "", "", ErrBadLocal},
		{"2026-12-01T10:00", "Europe/Lundon", "", "", ErrUnknownZone},
		{"2199-12-31T23:59", "Europe/London", "2199-12-31T23:59:00", "2199-12-31T23:59:00Z", nil},
		{"1970-01-01T00:00", "Europe/London", "1970-01-01T00:00:00", "1969-12-31T23:00:00Z", nil},
		{"2200-01-01T00:00", "Europe/London", "", "", ErrBadLocal},
		{"9999-12-31T23:00", "Europe/London", "", "", ErrBadLocal}, // its end could not be written any more
		{"9999-12-31T23:00Z", "Europe/London", "", "", ErrBadLocal},
		{"1969-12-31T23:59", "Europe/London", "", "", ErrBadLocal},
		{"0001-01-01T00:00", "Europe/London", "", "", ErrBadLocal},
		{"2026-12-01T10:00", "", "", "", ErrUnknownZone},
		{"2026-12-01T10:00", "Local", "", "", ErrUnknownZone},
		{"2011-12-30T10:00", "Pacific/Apia", "", "", ErrNonexistentLocal}, // a day that Samoa skipped
	} {
		m, err := ParseMoment(c.in, c.zone)
		if !errors.Is(err, c.err) || m.Local != c.local {
			t.Errorf("%q in %q: %v, %v", c.in, c.zone, m, err)
		}
		if c.err == nil && m.Instant.Format(time.RFC3339) != c.instant {
			t.Errorf("%q in %q: instant %v", c.in, c.zone, m.Instant)
		}
	}
	if _, err := EarlierMoment(time.Now(), "nowhere"); !errors.Is(err, ErrUnknownZone) {
		t.Error(err)
	}
	if _, err := EarlierMoment(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), "Europe/London"); !errors.Is(err, ErrBadLocal) {
		t.Error(err)
	}
	if _, err := MomentAt(time.Now(), "nowhere"); !errors.Is(err, ErrUnknownZone) {
		t.Error(err)
	}
}

func TestMoment_AddIsElapsedTime(t *testing.T) {
	t.Parallel()
	m, err := ParseMoment("2026-10-25T00:30", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Add(2 * time.Hour); got.Local != "2026-10-25T01:30:00" || got.Instant.Sub(m.Instant) != 2*time.Hour || got.Zone != m.Zone {
		t.Errorf("%+v", got)
	}
	if m.Equal(Moment{Instant: m.Instant, Zone: "UTC"}) || !m.Equal(m.Add(time.Hour).Add(-time.Hour)) {
		t.Error("Equal compares instant and zone")
	}
	if got := (Moment{Instant: m.Instant, Zone: "nowhere"}).In(); got.Location() != time.UTC {
		t.Errorf("an unknown zone prints in %v", got.Location())
	}
}

// TestPropertyMoment: whatever the clock shows leads back to the instant, in every zone; and survives being stored.
func TestPropertyMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(append(changingZones, "UTC", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia")).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(1_500_000_000, 2_000_000_000).Draw(t, "instant"), 0).UTC()
		m, err := MomentAt(at, zone)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMoment(m.In().Format(time.RFC3339), zone)
		if err != nil || !again.Equal(m) || again.Local != m.Local {
			t.Fatalf("%v read again: %v, %v", m, again, err)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var stored Moment
		if err := json.Unmarshal(b, &stored); err != nil || stored != m {
			t.Fatalf("%v stored: %v, %v", m, stored, err)
		}
	})
}
