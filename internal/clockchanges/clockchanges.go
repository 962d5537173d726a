// Package clockchanges finds when a zone's clocks change, for tests that go through all of them.
package clockchanges

import (
	"fmt"
	"time"
	_ "time/tzdata"
)

// Zones are those that the tests go through: the demo's own; one that changes by half an hour; one of the southern hemisphere that changes at
// midnight, so that a day may lack its first hour; one across the sea.
var Zones = []string{"Europe/London", "Australia/Lord_Howe", "America/Santiago", "America/New_York"}

// Change is one change of a zone's clocks.
type Change struct {
	Zone          string
	At            time.Time // the first instant of the new time, UTC
	Before, After time.Duration
}

// Forward tells whether the clocks skip a time; otherwise they show one twice.
func (c Change) Forward() bool { return c.After > c.Before }

// Size is how much is skipped or shown twice.
func (c Change) Size() time.Duration { return (c.After - c.Before).Abs() }

// First is the wall time, on a calendar without zones, at which the skipped or doubled time begins; it ends Size later. Forward: the clocks jump
// from First. Back: they jump to First.
func (c Change) First() time.Time { return c.At.Add(min(c.Before, c.After)).UTC() }

// Of are the changes of a zone from the start of one year to the start of another.
func Of(zone string, from, to int) []Change {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(fmt.Sprintf("clockchanges: %v", err))
	}
	var list []Change
	for t := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC); ; {
		_, next := t.In(loc).ZoneBounds()
		if next.IsZero() || next.Year() >= to {
			return list
		}
		_, before := next.Add(-time.Second).In(loc).Zone()
		_, after := next.In(loc).Zone()
		if before != after {
			list = append(list, Change{zone, next.UTC(), time.Duration(before) * time.Second, time.Duration(after) * time.Second})
		}
		t = next
	}
}

// All are the changes of all Zones in the ten years from 2020 on.
func All() []Change {
	var list []Change
	for _, zone := range Zones {
		list = append(list, Of(zone, 2020, 2030)...)
	}
	return list
}
