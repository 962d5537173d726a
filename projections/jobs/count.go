package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// tallied is a list that is counted by the tallies of whole days, and job by job only in the days about now.
type tallied struct {
	customer uuid.UUID // zero: all customers'
	statuses []string
	when     window
}

// window is which jobs of its statuses a list has.
type window int

const (
	whenever window = iota
	ahead           // their end, or their start, lies ahead
	past            // their end has come
)

// ofList are the lists that are counted so. Today's are few.
var ofList = map[string]tallied{
	"":               {statuses: names(domain.Requested, domain.New, domain.Assigned, domain.Ongoing, domain.Complete, domain.Cancelled)},
	Unassigned:       {statuses: names(domain.New), when: ahead},
	AssignedList:     {statuses: names(domain.Assigned), when: ahead},
	Upcoming:         {statuses: names(domain.New, domain.Assigned), when: ahead},
	InProgress:       {statuses: names(domain.Ongoing)},
	RequiringClosure: {statuses: names(domain.New, domain.Assigned), when: past},
	Completed:        {statuses: names(domain.Complete)},
}

func names(all ...domain.Status) (names []string) {
	for _, s := range all {
		names = append(names, string(s))
	}
	return names
}

// tallyFor lets a list be counted by tallies, if its viewer may know all jobs of a customer, or of all.
func (l *listing) tallyFor(t tallied) {
	switch {
	case l.v.OfCustomer():
		if l.v.Customer == uuid.Nil || len(l.v.Clients)+len(l.v.Locations) > 0 {
			return
		}
		t.customer = l.v.Customer
	case access.Relate(l.v, access.JobFacts{}) != access.Agency:
		return
	}
	l.tally = &t
}

// countTallied is the statement that counts by tallies. No job takes longer than a day (see longest), so of those that begin on a later day than
// today every end lies ahead, and of those that began before yesterday none does.
func (l *listing) countTallied() (string, []any) {
	var args jobrow.Args
	single := ""
	if l.tally.when != whenever {
		args = slices.Clone(l.args[:l.counted])
		single = "select count(*) from jobs where " + strings.Join(l.where, " and ")
	}
	days := fmt.Sprintf("select coalesce(sum(n), 0) from tallies where customer = %s and status = any(%s)", args.Add(l.tally.customer), args.Add(l.tally.statuses))
	switch l.tally.when {
	case ahead:
		tomorrow := dayOf(l.v.Now).Add(24 * time.Hour)
		days += " and day >= " + args.Add(tomorrow)
		single += " and starts_at < " + args.Add(tomorrow)
	case past:
		first := dayOf(l.v.Now.Add(-longest))
		days += " and day < " + args.Add(first)
		single += " and starts_at >= " + args.Add(first)
	default:
		return days, args
	}
	return "select (" + days + ") + (" + single + ")", args
}
